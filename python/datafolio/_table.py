"""Rows in memory, in Arrow's layout, to be handed to any library without a copy."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from . import _native
from ._optional import need
from .exceptions import InvalidInputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import polars as pl
    import pyarrow as pa

__all__ = ["Table", "with_whole_numbers"]


def with_whole_numbers(table: pa.Table) -> pa.Table:
    """The same where sums of whole numbers in SQL, which Arrow has as decimals without a fraction, are int64 if all of them fit."""
    pyarrow = need("pyarrow", "whole numbers")
    for at, field in enumerate(table.schema):
        # Other decimals without a fraction are what a table was stored with.
        if (field.metadata or {}).get(b"datafolio.sql_type") == b"HUGEINT":
            with contextlib.suppress(pyarrow.ArrowInvalid):
                table = table.set_column(at, field.name, table.column(at).cast(pyarrow.int64()))
    return table


@contextlib.contextmanager
def _times_told(table: pa.Table) -> Iterator[None]:
    """Tell the column whose times of day Python's ``datetime.time`` cannot hold, where pyarrow tells a value alone."""
    pyarrow = need("pyarrow", "values of Python")
    try:
        yield
    except pyarrow.ArrowInvalid as error:
        for name, column in zip(table.column_names, table.columns, strict=True):
            if "time64[ns]" not in str(column.type):
                continue
            try:
                column.to_pandas()
            except pyarrow.ArrowInvalid:
                raise InvalidInputError(
                    f"column '{name}' has times of day with nanoseconds, and datetime.time has microseconds",
                    code="unsupported",
                    hint="return_type='polars' or 'arrow' keeps them, and columns= leaves the column out; "
                    "of to_arrow() column.cast(pyarrow.time64('us'), safe=False) cuts them",
                ) from error
        raise


class Table:
    """Rows in memory.

    Anything that knows the Arrow PyCapsule interface takes one as it is: ``polars.DataFrame(table)``,
    ``pyarrow.table(table)``, ``duckdb.sql("SELECT * FROM table")``. No package is needed for the table itself.

    Examples
    --------
    >>> folio = datafolio.DataFolio(path)
    >>> table = folio.query("SELECT 1 AS a, 'x' AS b")
    >>> table.num_rows, table.column_names
    (1, ['a', 'b'])
    >>> table.to_pydict()
    {'a': [1], 'b': ['x']}
    """

    __slots__ = ("_rows",)

    def __init__(self, data: Any) -> None:
        self._rows: _native.Rows = data if isinstance(data, _native.Rows) else _native.Rows.from_arrow(data)

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return len(self._rows)

    @property
    def num_columns(self) -> int:
        """Number of columns."""
        return len(self._rows.column_names)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return self.num_rows, self.num_columns

    @property
    def column_names(self) -> list[str]:
        """The names of the columns, in order."""
        return self._rows.column_names

    @property
    def dtypes(self) -> dict[str, str]:
        """Arrow's types by column."""
        return self._rows.dtypes

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the rows take."""
        return self._rows.nbytes

    def slice(self, offset: int = 0, length: int | None = None) -> Table:
        """Rows ``[offset, offset + length)``, which share the memory of these."""
        rest = max(self.num_rows - offset, 0)
        return Table(self._rows.slice(offset, rest if length is None else length))

    def head(self, n: int = 5) -> Table:
        """The first rows."""
        return self.slice(0, n)

    def to_arrow(self) -> pa.Table:
        """The rows as a table of pyarrow; they share memory."""
        return need("pyarrow", "a table of pyarrow").table(self)

    def to_pandas(self, **kwargs: Any) -> pd.DataFrame:
        """The rows as a frame of pandas. Sums of whole numbers in SQL are ``int64`` there where all of them fit, and else ``Decimal``.

        Parameters
        ----------
        **kwargs
            As :meth:`pyarrow.Table.to_pandas` takes them.

        Raises
        ------
        ValueError
            For times of day with nanoseconds: in pandas they are ``datetime.time``, which has microseconds.
        """
        need("pandas", "a frame of pandas")
        pyarrow = need("pyarrow", "a frame of pandas", "pandas")
        table = with_whole_numbers(pyarrow.table(self))
        with _times_told(table):
            return table.to_pandas(**kwargs)

    def to_polars(self) -> pl.DataFrame:
        """The rows as a frame of Polars; they share memory."""
        return need("polars", "a frame of Polars").DataFrame(self)

    def to_numpy(self) -> dict[str, np.ndarray]:
        """The columns as arrays of numpy. Missing values are NaN, NaT, or None in arrays of objects."""
        need("numpy", "arrays of numpy")
        table = with_whole_numbers(self.to_arrow())
        with _times_told(table):
            return {name: table.column(name).to_numpy() for name in table.column_names}

    def to_pydict(self) -> dict[str, list[Any]]:
        """The columns as lists of plain values."""
        columns: dict[str, list[Any]] = self._rows.to_pydict()
        return columns

    def to_pylist(self) -> list[dict[str, Any]]:
        """The rows as dicts of plain values."""
        columns = self.to_pydict()
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._rows.__arrow_c_stream__(requested_schema)

    def __len__(self) -> int:
        return self.num_rows

    def __iter__(self) -> Iterator[str]:
        # As mappings and frames do: by the names of the columns.
        return iter(self.column_names)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Table):
            return NotImplemented
        return self.dtypes == other.dtypes and self.to_pydict() == other.to_pydict()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        columns = ", ".join(f"{name}: {dtype}" for name, dtype in self.dtypes.items())
        return f"Table({self.num_rows:,} rows; {columns})"

    def _repr_html_(self) -> str:
        from ._html import table_html

        return table_html(self)
