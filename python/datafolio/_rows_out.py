"""Rows as tables of the library that a caller wants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from . import _native
from ._optional import need
from ._table import Table
from .exceptions import InvalidInputError

__all__ = ["ReturnType", "check_return_type", "chunks_as", "rows_as"]

ReturnType = Literal["pandas", "polars", "arrow"]

_KINDS = ("pandas", "polars", "arrow")


def check_return_type(return_type: str | None) -> None:
    """Refuse what is no kind of table.

    Raises
    ------
    InvalidInputError
        It is a ValueError.
    """
    if return_type is not None and return_type not in _KINDS:
        raise InvalidInputError(
            f"Invalid return_type {return_type!r}: choose one of {', '.join(_KINDS)}", code="invalid-argument"
        )


def rows_as(rows: _native.RowStream | _native.Rows, return_type: str, entry: dict[str, Any] | None = None) -> Any:
    """All rows, as the library has tables.

    Parameters
    ----------
    rows
        The rows; a stream is read to its end.
    return_type
        ``"pandas"``, ``"polars"`` or ``"arrow"`` (a :class:`datafolio.Table`).
    entry
        The entry of the item, which may say that the rows were a series, or had an index.
    """
    held = rows if isinstance(rows, _native.Rows) else rows.read_all()
    table = Table(held)
    if return_type == "arrow":
        return table
    series = (entry or {}).get("series")
    if return_type == "polars":
        frame = table.to_polars()
        if series is not None and frame.width == 1:
            return frame.to_series(0).alias(series["name"] or "")
        return frame
    return _as_pandas(table, entry or {})


def _as_pandas(table: Table, entry: dict[str, Any]) -> Any:
    need("pandas", "a frame of pandas")
    arrow = need("pyarrow", "a frame of pandas", "pandas").table(table)
    frame = arrow.to_pandas()
    columns = entry.get("index_columns")
    if columns and all(column in frame.columns for column in columns):
        frame = frame.set_index(list(columns))
        names = entry.get("index_names") or columns
        frame.index.names = list(names)
    series = entry.get("series")
    if series is not None and frame.shape[1] == 1:
        column = frame.iloc[:, 0]
        column.name = series["name"]
        return column
    return frame


def chunks_as(rows: _native.RowStream, return_type: str) -> Iterator[Any]:
    """Chunk after chunk, as the library has tables."""
    for chunk in rows:
        yield rows_as(chunk, return_type)
