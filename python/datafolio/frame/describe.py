"""What the columns of a frame hold."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from .._html import box, rows_html, value_html
from .._optional import need

_FACTS = ("dtype", "count", "missing", "distinct", "mean", "std", "min", "max")


class Description:
    """What each column holds: facts by the name of the column.

    ``distinct`` is by a sketch, and approximate beyond some thousand values.
    """

    def __init__(self, columns: list[dict[str, Any]]) -> None:
        self._columns = {column["name"]: {fact: column[fact] for fact in _FACTS} for column in columns}

    def __getitem__(self, column: str) -> dict[str, Any]:
        return self._columns[column]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Facts by column."""
        return {name: dict(facts) for name, facts in self._columns.items()}

    def to_pandas(self) -> Any:
        """A frame of pandas with a column for each column, as ``describe`` of pandas and Vaex have it."""
        return need("pandas", "a frame of pandas").DataFrame(self._columns, index=list(_FACTS), dtype=object)

    def __repr__(self) -> str:
        rows = [["", *_FACTS], *([name, *map(_shown, facts.values())] for name, facts in self._columns.items())]
        widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)

    def _repr_html_(self) -> str:
        rows = [
            [f'<span class="name">{escape(name)}</span>', *(value_html(value) for value in facts.values())]
            for name, facts in self._columns.items()
        ]
        return box(rows_html(["", *_FACTS], rows))


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 24 else text[:23] + "…"
