"""Tables of any library as rows in Arrow's layout."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ._optional import is_instance, loaded, need
from .exceptions import InvalidInputError, InvalidTypeError

__all__ = ["Rows", "is_table", "rows_of"]


class Rows(NamedTuple):
    """What is stored of a table."""

    stream: Any
    """An object with ``__arrow_c_stream__``, or with `chunks` an iterator of such."""
    library: str | None
    """The library that the rows came from, where it is remembered."""
    extra: dict[str, Any]
    """Further fields of the entry."""
    chunks: bool = False


def is_table(value: Any) -> bool:
    """Whether a value is a table by itself: of pandas, of Polars, or one that hands over Arrow's rows."""
    return (
        is_instance(value, "pandas", "DataFrame", "Series")
        or is_instance(value, "polars", "DataFrame", "LazyFrame", "Series")
        or hasattr(type(value), "__arrow_c_stream__")
    )


def rows_of(value: Any, *, preserve_index: bool = False) -> Rows:
    """The rows of a table.

    Raises
    ------
    InvalidTypeError
        For what is no table.
    InvalidInputError
        For columns with the same label, and for a column whose values are of several types.
    """
    if is_instance(value, "pandas", "Series"):
        name = None if value.name is None else str(value.name)
        rows = _of_pandas(value.to_frame("0" if name is None else name), preserve_index)
        return rows._replace(extra={**rows.extra, "series": {"name": name}})
    if is_instance(value, "pandas", "DataFrame"):
        return _of_pandas(value, preserve_index)
    if is_instance(value, "polars", "LazyFrame"):
        return _of_lazy_frame(value)
    if is_instance(value, "polars", "Series"):
        return Rows(_of_polars(value.to_frame()), "polars", {"series": {"name": value.name}})
    if is_instance(value, "polars", "DataFrame"):
        return Rows(_of_polars(value), "polars", {})
    if hasattr(type(value), "__arrow_c_stream__"):
        return Rows(value, None, {})
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, dict)):
        return Rows(_chunks(value), None, {}, chunks=True)
    raise InvalidTypeError(
        "Expected a pandas or Polars DataFrame, or any other table that has __arrow_c_stream__ (pyarrow, DuckDB, "
        f"narwhals, Ibis), or an iterator of such; got {type(value).__qualname__}",
        code="unrecognised-data",
    )


def _chunks(values: Iterable[Any]) -> Iterator[Any]:
    """The chunks of an iterator, one at a time: none is held once it is written."""
    for at, chunk in enumerate(values):
        if is_instance(chunk, "pandas", "DataFrame"):
            yield _of_pandas(chunk, False).stream
        elif is_instance(chunk, "pyarrow", "RecordBatch"):
            # It hands over an array, where a stream is wanted.
            yield need("pyarrow", "a record batch").Table.from_batches([chunk])
        elif is_instance(chunk, "polars", "DataFrame"):
            yield _of_polars(chunk)
        elif is_table(chunk):
            yield chunk
        else:
            raise InvalidTypeError(
                f"Expected a pandas or Polars DataFrame, or an iterator of tables: item {at} of the iterator is a "
                f"value of type {type(chunk).__qualname__}",
                code="unrecognised-data",
            )


def _of_lazy_frame(frame: Any) -> Rows:
    # Newer releases of Polars hand over a query's result piece by piece.
    if hasattr(frame, "collect_batches"):
        batches = iter(frame.collect_batches(maintain_order=True))
        first = next(batches, None)
        if first is not None:
            return Rows(map(_of_polars, itertools.chain([first], batches)), "polars", {}, chunks=True)
    return Rows(_of_polars(frame.collect()), "polars", {})


def _of_polars(frame: Any) -> Any:
    """A frame as others can take it: Polars hands over columns of nulls alone with a buffer that they do not have in Arrow."""
    if not any("Null" in str(kind) for kind in frame.dtypes):
        return frame
    return need("pyarrow", "a column of nulls alone", "polars").table(frame)


def _of_pandas(frame: Any, preserve_index: bool) -> Rows:
    pandas = loaded("pandas")
    pyarrow = need("pyarrow", "storing a frame of pandas", "pandas")
    extra: dict[str, Any] = {}
    if preserve_index:
        frame, extra = _with_index(frame)
    elif not isinstance(frame.index, pandas.RangeIndex):  # type: ignore[union-attr]
        warnings.warn(
            "the index of the frame is not stored: pass preserve_index=True, or reset_index() to keep it as columns",
            UserWarning,
            stacklevel=4,
        )
    labels = [str(label) for label in frame.columns]
    if len(set(labels)) < len(labels):
        twice = sorted({label for label in labels if labels.count(label) > 1})
        raise InvalidInputError(f"columns with the same label: {', '.join(twice)}", code="invalid-value")
    if labels != list(frame.columns):
        frame = frame.set_axis(labels, axis=1)
    try:
        table = pyarrow.Table.from_pandas(frame, preserve_index=False)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, pyarrow.ArrowNotImplementedError, TypeError) as error:
        raise _mixed(frame, error) from error
    return Rows(table, "pandas", extra)


def _with_index(frame: Any) -> tuple[Any, dict[str, Any]]:
    """The levels of the index as columns, and what brings them back."""
    names = list(frame.index.names)
    columns: list[str] = []
    taken = {str(label) for label in frame.columns}
    for at, name in enumerate(names):
        column = str(name) if name is not None else f"__index_level_{at}__"
        while column in taken:
            column = f"_{column}"
        taken.add(column)
        columns.append(column)
    kept = frame.reset_index(names=columns)
    return kept, {
        "index_columns": columns,
        "index_names": [None if name is None else str(name) for name in names],
    }


def _mixed(frame: Any, error: Exception) -> InvalidInputError:
    """Which column of a frame holds values of several types, and in which row they begin to differ."""
    for label in frame.columns:
        column = frame[label]
        if column.dtype != object:
            continue
        first: type | None = None
        for row, value in enumerate(column):
            if value is None or value != value:
                continue
            if first is None:
                first = type(value)
            elif type(value) is not first:
                return InvalidInputError(
                    f"column {label!r} holds values of several types: {first.__name__}, and {type(value).__name__} in "
                    f"row {row}",
                    code="invalid-value",
                    hint="convert the column to one type, or store such values with add_json",
                )
        if first is not None and first not in (str, int, float, bool, bytes):
            return InvalidInputError(
                f"column {label!r} holds values of type {first.__name__}, which a table has no type for: {error}",
                code="invalid-value",
            )
    return InvalidInputError(f"the frame cannot be stored as a table: {error}", code="invalid-value")
