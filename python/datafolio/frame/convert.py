"""Rows of a frame as values of Python and of other libraries: all at once, or in chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .._optional import need
from .._table import Table
from ..exceptions import InvalidInputError
from . import _text
from ._base import Base
from ._values import array_of_list, array_of_parts

if TYPE_CHECKING:
    import numpy as np

    from .._native import Chunk


class Conversions(Base):
    """The part of a frame that hands out rows. ``chunk_size`` gives an iterator of ``(first, end, chunk)`` instead of all at once."""

    def _asked_columns(self, column_names: Any, virtual: bool = True) -> list[tuple[str, str]]:
        """What is asked for: names with texts. Expressions go by their text."""
        if column_names is None:
            return [(name, _text.quoted(name)) for name in self._native.names()]
        given = [column_names] if isinstance(column_names, str) or hasattr(column_names, "expression") else column_names
        names = {_text.quoted(name): name for name in self._native.names()}
        return [(names.get(text, text), text) for text in map(self._text, given)]

    def _selected_rows(self, selection: Any, i1: int | None = None, i2: int | None = None, filtered: bool = True) -> Any:
        """The frame of the engine with the rows that are meant."""
        native = self._native if filtered else self._native.without_filter()
        condition = self._condition(selection)
        if condition is not None:
            native = native.filter(condition)
        if i1 is not None or i2 is not None:
            native = native.slice(i1 or 0, 2**63 - 1 if i2 is None else i2)
        return native

    def _handed(
        self,
        column_names: Any,
        selection: Any,
        chunk_size: int | None,
        progress: Any,
        make: Callable[[Chunk, list[str]], Any],
    ) -> Any:
        columns = self._asked_columns(column_names)
        names = [name for name, _ in columns]
        native = self._selected_rows(selection)
        if chunk_size is None:
            with self._passing(progress) as options:
                return make(native.collect(columns, options), names)
        return self._iterated(native, columns, chunk_size, progress, lambda chunk: make(chunk, names))

    def _iterated(
        self, native: Any, columns: list[tuple[str, str]], chunk_size: int, progress: Any, make: Callable[[Chunk], Any]
    ) -> Iterator[tuple[int, int, Any]]:
        if chunk_size < 1:
            raise InvalidInputError("chunk_size: a chunk has at least one row", code="invalid-option")
        # What is wrong with the expressions is told when the iterator is made, and not when it is first asked.
        return self._chunks_of(native, columns, chunk_size, progress, make)

    def _chunks_of(
        self, native: Any, columns: Any, chunk_size: int, progress: Any, make: Any
    ) -> Iterator[tuple[int, int, Any]]:
        first = 0
        with self._passing(progress) as options:
            for chunk in native.chunks(columns, chunk_size, options):
                yield first, first + len(chunk), make(chunk)
                first += len(chunk)

    # -- values ----------------------------------------------------------------------------------------------------

    def evaluate(
        self,
        expression: Any,
        i1: int | None = None,
        i2: int | None = None,
        selection: Any = None,
        filtered: bool = True,
        array_type: str | None = None,
        parallel: bool = True,
        chunk_size: int | None = None,
        progress: Any = None,
    ) -> Any:
        """The values of an expression, or of a list of them, as arrays.

        Parameters
        ----------
        i1, i2 : int, optional
            Only rows from the one to the other, of those that pass the filter.
        filtered : bool
            False for rows that do not pass the filter, too.
        array_type : {"numpy", "arrow", "list"}, optional
            Arrays of numpy (by default), masked where values are missing; arrays of pyarrow; lists.
        chunk_size : int, optional
            An iterator of ``(first, end, values)`` with so many rows at a time.
        """
        if chunk_size is not None:
            return self.evaluate_iterator(
                expression, i1, i2, selection, filtered, array_type, chunk_size=chunk_size, progress=progress
            )
        several, columns = self._evaluated(expression)
        native = self._selected_rows(selection, i1, i2, filtered)
        with self._passing(progress) as options:
            chunk = native.collect(columns, options)
        arrays = [values_of(chunk, at, array_type) for at in range(len(columns))]
        return arrays if several else arrays[0]

    def evaluate_iterator(
        self,
        expression: Any,
        s1: int | None = None,
        s2: int | None = None,
        selection: Any = None,
        filtered: bool = True,
        array_type: str | None = None,
        parallel: bool = True,
        chunk_size: int = 65536,
        prefetch: bool = True,
        progress: Any = None,
    ) -> Iterator[tuple[int, int, Any]]:
        """The values of an expression in chunks, with the places of their rows, while the next are computed.

        Yields
        ------
        (int, int, array)
            The first row, the one behind the last, of those that pass the filter, and the values.

        Examples
        --------
        >>> df = from_dict({"x": [1.0, 2.0, 3.0]})
        >>> [(a, b, float(values.sum())) for a, b, values in df.evaluate_iterator(df.x * 2, chunk_size=2)]
        [(0, 2, 6.0), (2, 3, 6.0)]
        """
        several, columns = self._evaluated(expression)
        native = self._selected_rows(selection, s1, s2, filtered)

        def make(chunk: Chunk) -> Any:
            arrays = [values_of(chunk, at, array_type) for at in range(len(columns))]
            return arrays if several else arrays[0]

        return self._iterated(native, columns, chunk_size, progress, make)

    def _evaluated(self, expression: Any) -> tuple[bool, list[tuple[str, str]]]:
        several = isinstance(expression, (list, tuple))
        return several, [(str(at), text) for at, text in enumerate(self._texts(expression))]

    # -- all columns -----------------------------------------------------------------------------------------------

    def to_table(self, column_names: Any = None, selection: Any = None, progress: Any = None) -> Table:
        """The rows in memory, as a table that any library takes."""
        return self._handed(column_names, selection, None, progress, lambda chunk, _: Table(chunk.rows()))  # type: ignore[no-any-return]

    def to_arrow_table(
        self, column_names: Any = None, selection: Any = None, chunk_size: int | None = None, progress: Any = None
    ) -> Any:
        """The rows as a table of pyarrow, or tables of so many rows."""
        pyarrow = need("pyarrow", "a table of pyarrow")
        return self._handed(column_names, selection, chunk_size, progress, lambda chunk, _: pyarrow.table(chunk.rows()))

    to_arrow = to_arrow_table

    def to_pandas_df(
        self,
        column_names: Any = None,
        selection: Any = None,
        chunk_size: int | None = None,
        progress: Any = None,
        index_name: str | None = None,
    ) -> Any:
        """The rows as a frame of pandas, or frames of so many rows."""
        need("pandas", "a frame of pandas")
        need("pyarrow", "a frame of pandas", "pandas")

        def make(chunk: Chunk, names: list[str]) -> Any:
            frame = Table(chunk.rows()).to_pandas()
            return frame if index_name is None else frame.set_index(index_name)

        return self._handed(column_names, selection, chunk_size, progress, make)

    to_pandas = to_pandas_df

    def to_polars(
        self, column_names: Any = None, selection: Any = None, chunk_size: int | None = None, progress: Any = None
    ) -> Any:
        """The rows as a frame of Polars, or frames of so many rows."""
        polars = need("polars", "a frame of Polars")
        return self._handed(column_names, selection, chunk_size, progress, lambda chunk, _: polars.DataFrame(chunk.rows()))

    def to_dict(
        self,
        column_names: Any = None,
        selection: Any = None,
        array_type: str | None = "list",
        chunk_size: int | None = None,
        progress: Any = None,
    ) -> Any:
        """The columns by name, as lists, or with `array_type` as arrays."""

        def make(chunk: Chunk, names: list[str]) -> dict[str, Any]:
            return {name: values_of(chunk, at, array_type) for at, name in enumerate(names)}

        return self._handed(column_names, selection, chunk_size, progress, make)

    def to_numpy(self, column_names: Any = None, selection: Any = None, chunk_size: int | None = None) -> Any:
        """The columns by name as arrays of numpy, masked where values are missing."""
        return self.to_dict(column_names, selection, "numpy", chunk_size)

    def to_items(
        self,
        column_names: Any = None,
        selection: Any = None,
        array_type: str | None = None,
        chunk_size: int | None = None,
        progress: Any = None,
    ) -> Any:
        """The columns as pairs of a name and an array."""

        def make(chunk: Chunk, names: list[str]) -> list[tuple[str, Any]]:
            return [(name, values_of(chunk, at, array_type)) for at, name in enumerate(names)]

        return self._handed(column_names, selection, chunk_size, progress, make)

    def to_arrays(
        self,
        column_names: Any = None,
        selection: Any = None,
        array_type: str | None = None,
        chunk_size: int | None = None,
        progress: Any = None,
    ) -> Any:
        """The columns as a list of arrays."""

        def make(chunk: Chunk, names: list[str]) -> list[Any]:
            return [values_of(chunk, at, array_type) for at in range(len(names))]

        return self._handed(column_names, selection, chunk_size, progress, make)

    def to_records(
        self, column_names: Any = None, selection: Any = None, chunk_size: int | None = None, progress: Any = None
    ) -> Any:
        """The rows as dicts."""
        return self._handed(column_names, selection, chunk_size, progress, lambda chunk, _: Table(chunk.rows()).to_pylist())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._native.stream(self._asked_columns(None), self._options(None)).__arrow_c_stream__(requested_schema)


def values_of(chunk: Chunk, at: int, array_type: str | None) -> Any:
    """The values of a column of a chunk, in some form."""
    if array_type in (None, "numpy", "numpy-arrow"):
        return numpy_of(chunk, at)
    name = chunk.rows().column_names[at]
    if array_type in ("list", "python"):
        return list(chunk.rows().to_pydict().values())[at]
    if array_type == "arrow":
        return need("pyarrow", "an array of pyarrow").table(chunk.rows()).column(name).combine_chunks()
    raise InvalidInputError(f"array_type: there is no {array_type!r}; give 'numpy', 'arrow' or 'list'")


def numpy_of(chunk: Chunk, at: int) -> np.ndarray[Any, Any]:
    """The values of a column of a chunk as an array of numpy."""
    parts = chunk.numpy(at)
    if parts is not None:
        return array_of_parts(parts, len(chunk))
    return array_of_list(list(chunk.rows().to_pydict().values())[at])
