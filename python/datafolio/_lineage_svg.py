"""Lineage as a picture: items in boxes from left to right, and arrows between them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from html import escape
from itertools import pairwise

from ._layers import layered

__all__ = ["svg"]

# Sizes in pixels.
BOX_HEIGHT, ROW_GAP, COLUMN_GAP, MARGIN, PADDING = 40, 14, 56, 8, 10
LETTER, SMALL_LETTER = 8.4, 6.5
# How wide items without neighbours are laid out where the graph itself is narrower.
WIDTH = 760
# Characters of a name.
NAME_WIDTH = 32

_FONT = "font-family:system-ui,-apple-system,'Segoe UI',sans-serif"
# A file that is shown by itself follows what its reader prefers. Inside a page, the page decides.
_ALONE = "<style>:root{color:#222}@media(prefers-color-scheme:dark){:root{color:#ddd}}</style>"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def svg(inputs: Mapping[str, list[str]], about: Mapping[str, Mapping[str, str]], item: str | None, alone: bool) -> str:
    """The picture of a graph; `alone` where it is a file of its own."""
    missing = dict.fromkeys(source for sources in inputs.values() for source in sources if source not in inputs)
    edges = [(source, name) for name, sources in inputs.items() for source in dict.fromkeys(sources)]
    joined = dict.fromkeys(name for edge in edges if edge[0] != edge[1] for name in edge)
    boxes = {name: _Box(name, about.get(name, {}), name in missing, name == item) for name in (*inputs, *missing)}
    # In the order of the bundle, which is often the one in which things were made.
    nodes = [name for name in boxes if name in joined]
    alone_there = [name for name in boxes if name not in joined]
    lines = _place_graph(boxes, nodes, edges)
    width = max((one.x + one.width for one in boxes.values() if one.is_placed), default=0.0)
    below = max((one.y + BOX_HEIGHT for one in boxes.values() if one.is_placed), default=MARGIN - ROW_GAP)
    _place_rows([boxes[name] for name in alone_there], below + ROW_GAP * (2 if nodes else 1), max(width, WIDTH))
    lines += [_loop(boxes[name]) for name, other in edges if name == other]
    width = max((one.x + one.width for one in boxes.values()), default=WIDTH / 4) + MARGIN
    height = max((one.y + BOX_HEIGHT for one in boxes.values()), default=BOX_HEIGHT) + MARGIN
    body = "".join([*lines, *(one.svg() for one in boxes.values())])
    if not boxes:
        body = f'<text x="{MARGIN}" y="{BOX_HEIGHT / 2}" fill="currentColor" font-size="13">no items</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="lineage" style="{_FONT}">'
        f"{_ALONE if alone else ''}{body}</svg>"
    )


class _Box:
    """An item in the picture."""

    def __init__(self, name: str, about: Mapping[str, str], is_missing: bool, stands_out: bool) -> None:
        self.label = _cut(name, NAME_WIDTH)
        self.kind = "not in the bundle" if is_missing else about.get("kind", "")
        self.hint = "\n".join(part for part in (name, self.kind, about.get("hint", "")) if part)
        self.is_made = bool(about.get("made"))
        self.is_missing = is_missing
        self.stands_out = stands_out
        self.width = 2 * PADDING + max(_length(self.label) * LETTER, _length(self.kind) * SMALL_LETTER, 40.0)
        self.x = self.y = 0.0
        self.is_placed = False

    def put(self, x: float, y: float, width: float) -> None:
        self.x, self.y, self.width, self.is_placed = x, y, width, True

    @property
    def middle(self) -> float:
        return self.y + BOX_HEIGHT / 2

    def svg(self) -> str:
        x, y = self.x, self.y
        dashes = ' stroke-dasharray="5 4"' if self.is_missing else ""
        strength, thickness = (1, 2) if self.stands_out else (0.45, 1)
        fill = 0 if self.is_missing else 0.14 if self.is_made else 0.04
        faded = ' opacity="0.65"' if self.is_missing else ""
        return (
            f'<g class="item"{faded}><title>{_xml(self.hint)}</title>'
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{self.width:.1f}" height="{BOX_HEIGHT}" rx="5" fill="currentColor" '
            f'fill-opacity="{fill}" stroke="currentColor" stroke-opacity="{strength}" stroke-width="{thickness}"{dashes}/>'
            f'<text x="{x + PADDING:.1f}" y="{y + 17:.1f}" font-size="13" font-weight="600" fill="currentColor">{_xml(self.label)}</text>'
            f'<text x="{x + PADDING:.1f}" y="{y + 32:.1f}" font-size="11" fill="currentColor" opacity="0.65">{_xml(self.kind)}</text></g>'
        )


def _place_graph(boxes: Mapping[str, _Box], nodes: list[str], edges: list[tuple[str, str]]) -> list[str]:
    """Places the items that have neighbours, and gives the lines between them."""
    number = {name: at for at, name in enumerate(nodes)}
    linked = [(number[start], number[end]) for start, end in edges if start != end]
    layout = layered(len(nodes), linked, BOX_HEIGHT, ROW_GAP)
    left, span = {}, {}
    x = float(MARGIN)
    for layer in layout.layers:
        width = max((boxes[nodes[node]].width for node in layer if node < len(nodes)), default=0.0)
        for node in layer:
            left[node], span[node] = x, width
            if node < len(nodes):
                boxes[nodes[node]].put(x, layout.heights[node] + MARGIN - BOX_HEIGHT / 2, width)
        x += width + COLUMN_GAP
    lines = []
    for (start, end), path in layout.paths.items():
        stops = [(left[node], left[node] + span[node], layout.heights[node] + MARGIN) for node in path]
        lines.append(_line(f"{nodes[start]} → {nodes[end]}", stops, is_turned=path[0] != start))
    return lines


def _place_rows(boxes: list[_Box], y: float, width: float) -> None:
    """Places items without neighbours in rows."""
    size = max((one.width for one in boxes), default=1.0)
    columns = max(1, int((width - MARGIN + ROW_GAP) // (size + ROW_GAP)))
    for at, one in enumerate(boxes):
        row, column = divmod(at, columns)
        one.put(MARGIN + column * (size + ROW_GAP), y + row * (BOX_HEIGHT + ROW_GAP), size)


def _line(hint: str, stops: list[tuple[float, float, float]], is_turned: bool) -> str:
    """An arrow along places with a left end, a right end and a height; one that leads back has its head on the left."""
    head = 7
    parts = []
    for at, ((_, right, y), (next_left, _, next_y)) in enumerate(pairwise(stops)):
        start = right + (head if is_turned and at == 0 else 0)
        end = next_left - (head if not is_turned and at == len(stops) - 2 else 0)
        half = (start + end) / 2
        parts.append(f"{'M' if at == 0 else 'L'}{start:.1f} {y:.1f}C{half:.1f} {y:.1f} {half:.1f} {next_y:.1f} {end:.1f} {next_y:.1f}")
    tip, y, way = (stops[0][1], stops[0][2], 1) if is_turned else (stops[-1][0], stops[-1][2], -1)
    arrow = f"M{tip:.1f} {y:.1f}l{way * head} -4v8z"
    return _arrow(hint, "".join(parts), arrow)


def _loop(one: _Box) -> str:
    """An arrow of an item to itself."""
    x, y = one.x + one.width - 26, one.y
    return _arrow("made from itself", f"M{x:.1f} {y:.1f}c0 -9 16 -9 16 -3", f"M{x + 16:.1f} {y:.1f}l-4 -6h8z")


def _arrow(hint: str, line: str, head: str) -> str:
    return (
        f'<g class="input" opacity="0.55"><title>{_xml(hint)}</title>'
        f'<path d="{line}" fill="none" stroke="currentColor" stroke-width="1.3"/><path d="{head}" fill="currentColor"/></g>'
    )


def _length(text: str) -> int:
    """How many letters wide a text is."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _cut(text: str, width: int) -> str:
    if len(text) <= width and _length(text) <= width:
        return text
    kept = text[: width - 1]
    while _length(kept) >= width:
        kept = kept[:-1]
    return kept + "…"


def _xml(text: str) -> str:
    """Text inside XML, in which some characters must not be."""
    return escape(_NOT_XML.sub("\ufffd", text))
