"""Rows as tables of the library that a caller wants."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, Literal

from . import _native
from ._chunk_types import ChunkTypes
from ._optional import need
from ._progress import Told, reporting
from ._table import Table
from .exceptions import InvalidInputError, WrongStateError

__all__ = [
    "ReturnType",
    "TableChunks",
    "check_return_type",
    "chunks_as",
    "chunks_with_progress",
    "rows_as",
    "rows_with_progress",
]

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
    frame = table.to_pandas()
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


def rows_with_progress(
    rows: _native.RowStream, total: int | None, progress: Any, return_type: str, entry: dict[str, Any]
) -> Any:
    """As :func:`rows_as`, and shows how many of the rows have come.

    Parameters
    ----------
    rows, return_type, entry
        As for :func:`rows_as`.
    total
        How many rows there are. Where that is not known, the end alone is told.
    progress
        As :func:`datafolio._progress.reporting` takes it.
    """
    with reporting(progress, "read") as told:
        if told is None or not total:
            table = rows_as(rows, return_type, entry)
            _tell(told, 1.0)
            return table
        pyarrow = need("pyarrow", "the progress of get_table")
        chunks = [pyarrow.table(chunk) for chunk in _counted(rows, total, told)]
        held = _native.Rows.from_arrow(pyarrow.concat_tables(chunks))
    return rows_as(held, return_type, entry)


def chunks_with_progress(
    rows: _native.RowStream, total: int | None, progress: Any, return_type: str, types: ChunkTypes | None = None
) -> Generator[Any, None, None]:
    """As :func:`chunks_as`, and shows how many of the rows have come; where `total` is not known, the end alone."""
    with reporting(progress, "read") as told:
        for chunk in _counted(rows, total, told) if told is not None and total else rows:
            yield _chunk_as(chunk, return_type, types)
        if not total:
            _tell(told, 1.0)


def _counted(rows: _native.RowStream, total: int, told: Told) -> Iterator[_native.Rows]:
    done = 0
    for chunk in rows:
        yield chunk
        done += len(chunk)
        _tell(told, min(done / total, 1.0))


def _tell(told: Told | None, fraction: float) -> None:
    if told is not None and told(fraction) is False and fraction < 1.0:
        raise WrongStateError("stopped before the end, as its progress was told to", code="cancelled")


def chunks_as(rows: _native.RowStream, return_type: str, types: ChunkTypes | None = None) -> Generator[Any, None, None]:
    """Chunk after chunk, as the library has tables; `types` are those that they have in pandas, where that is to be one throughout."""
    for chunk in rows:
        yield _chunk_as(chunk, return_type, types)


def _chunk_as(chunk: _native.Rows, return_type: str, types: ChunkTypes | None) -> Any:
    return rows_as(chunk, return_type) if types is None else types.frame(Table(chunk))


class TableChunks(Iterator[Any]):
    """The chunks of a table, one after another.

    Attributes
    ----------
    position : int
        The row of the table behind the last one that was given: where ``iter_table(..., start_row=position)`` goes on.
    """

    def __init__(self, rows: _native.RowStream, chunks: Generator[Any, None, None]) -> None:
        self._rows = rows
        self._chunks = chunks

    def __next__(self) -> Any:
        return next(self._chunks)

    @property
    def position(self) -> int:
        return self._rows.position or 0

    def close(self) -> None:
        """Let go of the files under it."""
        self._chunks.close()
        self._rows.close()
