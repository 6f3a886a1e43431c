"""What notebooks and terminals show of a frame: its first and last rows, without a look at those between."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from .._html import box, is_number, rows_html, value_html
from ..exceptions import DataFolioError
from . import _text

if TYPE_CHECKING:
    from .._native import Frame as NativeFrame
    from ._base import Base

HEAD, TAIL = 5, 5
# Rows at either end that are looked through for some that pass the filter.
SEARCHED = 100_000
# Columns that are shown.
COLUMNS = 50


class Ends:
    """The rows at both ends of a frame that pass its filter, as far as they are found without reading much."""

    def __init__(self, df: Base) -> None:
        native = df._native
        self.schema = native.schema()
        self.filter = native.filter_text()
        self.total = native.without_filter().count_rows()
        shown = [column[0] for column in self.schema[:COLUMNS]]
        self.names = shown
        self.rows: list[list[Any] | None] = []
        if self.total <= HEAD + TAIL:
            self.rows = _rows(native, shown)
            self.is_whole = True
            return
        self.is_whole = False
        head = _within(native, 0, SEARCHED, self.filter).slice(0, HEAD)
        tail = _within(native, max(self.total - SEARCHED, HEAD if self.filter is None else 0), self.total, self.filter)
        if self.filter is not None and self.total <= SEARCHED:
            # Both ends are the same stretch, all of which may be read.
            count = native.count_rows()
            self.rows = [*_rows(native.slice(0, HEAD), shown)]
            if count > HEAD:
                last = max(HEAD, count - TAIL)
                self.rows += [*([None] if last > HEAD else []), *_rows(native.slice(last, count), shown)]
            self.count: int | None = count
            return
        self.rows = [*_rows(head, shown), None, *_rows(tail.tail(TAIL), shown)]

    @property
    def size(self) -> str:
        """How many rows and columns there are."""
        columns = f"{len(self.schema):,} columns"
        if self.filter is None:
            return f"{self.total:,} rows × {columns}"
        count = getattr(self, "count", None)
        some = "some" if count is None else f"{count:,}"
        return f"{some} of {self.total:,} rows × {columns}"


def _within(native: NativeFrame, start: int, end: int, condition: str | None) -> NativeFrame:
    part = native.without_filter().slice(start, end)
    return part if condition is None else part.filter(condition)


def _rows(native: NativeFrame, names: list[str]) -> list[list[Any] | None]:
    if not names:
        return []
    chunk = native.collect([(str(at), _text.quoted(name)) for at, name in enumerate(names)])
    return [list(row) for row in zip(*chunk.rows().to_pydict().values(), strict=True)]


def frame_html(df: Base) -> str:
    """A frame as HTML."""
    ends = Ends(df)
    header = []
    for name, dtype, unit, about, text in ends.schema[:COLUMNS]:
        title = escape("; ".join(part for part in (about, f"= {text}" if text else "") if part), quote=True)
        kind = escape(dtype) + (f" [{escape(unit)}]" if unit else "")
        header.append(f'<span title="{title}">{escape(name)}</span><br><span class="dim">{kind}</span>')
    dots = ['<span class="dim">…</span>'] * len(header)
    rows = [dots if row is None else [value_html(value) for value in row] for row in ends.rows]
    numeric = [is_number(dtype) and "[" not in dtype for _, dtype, *_ in ends.schema[:COLUMNS]]
    notes = [ends.size]
    if len(ends.schema) > COLUMNS:
        notes.append(f"the first {COLUMNS} columns are shown")
    if ends.filter is not None:
        notes.append(f"where {escape(ends.filter if len(ends.filter) < 200 else ends.filter[:199] + '…')}")
    return box(rows_html(header, rows, numeric), f'<span class="dim">{"; ".join(notes)}</span>')


def frame_text(df: Base) -> str:
    """A frame as text."""
    try:
        ends = Ends(df)
    except DataFolioError as error:
        return f"<Frame: {error}>"
    names = ends.names[:12]
    table = [names]
    for row in ends.rows:
        table.append(["…"] * len(names) if row is None else [_shown(value) for value in row[: len(names)]])
    widths = [max(len(row[at]) for row in table) for at in range(len(names))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
    where = f", where {ends.filter}" if ends.filter is not None else ""
    return "\n".join([*lines, f"<Frame: {ends.size}{where}>"])


def _shown(value: Any) -> str:
    if value is None:
        return "--"
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 24 else text[:23] + "…"
