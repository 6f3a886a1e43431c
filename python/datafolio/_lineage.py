"""Lineage: which item was made from which others, as a dict that notebooks draw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["LineageGraph", "about_item", "around"]

# Characters of a text that is shown when the mouse is over an item.
HINT_WIDTH = 300
# Items that a notebook draws without being asked to.
DRAWN = 300


class LineageGraph(dict[str, list[str]]):
    """From item to what it was made from. It is a dict, which notebooks draw.

    Parameters
    ----------
    inputs
        From item to its inputs.
    about
        What :func:`about_item` says of items.
    item
        The item that stands out.
    """

    def __init__(
        self,
        inputs: Mapping[str, list[str]] | Iterable[tuple[str, list[str]]] = (),
        about: Mapping[str, Mapping[str, str]] | None = None,
        item: str | None = None,
    ) -> None:
        super().__init__(inputs)
        self._about = dict(about or {})
        self._item = item

    def to_svg(self) -> str:
        """The graph as an SVG file: items from left to right, inputs that are not there dashed.

        Returns
        -------
        str
            A whole file, to be written with ``encoding="utf-8"``. It has the colours of light or dark pages, as its reader prefers.
        """
        from ._lineage_svg import svg

        return svg(self, self._about, self._item, alone=True)

    def _repr_svg_(self) -> str:
        return self.to_svg()

    def _repr_html_(self) -> str:
        from ._html import box

        links = sum(map(len, self.values()))
        size = f'<span class="dim">{len(self):,} item{"s" * (len(self) != 1)}, {links:,} input{"s" * (links != 1)}</span>'
        if len(self) > DRAWN:
            how = "get_lineage_graph(item) draws what is around one, and to_svg() all"
            return box(size, f'<div class="dim">too many to be drawn here: {how}</div>')
        from ._lineage_svg import svg

        picture = svg(self, self._about, self._item, alone=False)
        return box(f'<div style="overflow:auto;max-height:640px">{picture}</div>', size)


def about_item(entry: Mapping[str, Any], category: str) -> dict[str, str]:
    """What the picture says of an item: its type, how it was made if that is known, and a hint."""
    kind = category.rstrip("s").replace("_", " ")
    made, text = "", ""
    if "view" in entry:
        made, text = "query", str(entry["view"].get("text", ""))
    elif "derived" in entry:
        made, text = "query", str(entry["derived"].get("text", ""))
    elif entry.get("code"):
        made, text = "code", str(entry["code"])
    state = "archived" if entry.get("archived") else ""
    lines = (entry.get("description") or "", text)
    return {
        "kind": " · ".join(part for part in (kind, made, state) if part),
        "made": made,
        "hint": "\n".join(line if len(line) <= HINT_WIDTH else f"{line[: HINT_WIDTH - 1]}…" for line in lines if line),
    }


def around(inputs: Mapping[str, list[str]], item: str) -> dict[str, list[str]]:
    """The part of a graph that an item was made from and that was made from it, by any number of steps."""
    dependents: dict[str, list[str]] = {}
    for name, sources in inputs.items():
        for source in sources:
            dependents.setdefault(source, []).append(name)
    kept = _reached(item, inputs) | _reached(item, dependents)
    return {name: [source for source in sources if source in kept] for name, sources in inputs.items() if name in kept}


def _reached(start: str, edges: Mapping[str, list[str]]) -> set[str]:
    seen, rest = {start}, [start]
    while rest:
        new = [name for name in edges.get(rest.pop(), []) if name not in seen]
        seen.update(new)
        rest += new
    return seen
