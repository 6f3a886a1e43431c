"""Rows in memory, in Arrow's layout, to be handed to any library without a copy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from . import _native
from ._optional import need

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import polars as pl
    import pyarrow as pa

__all__ = ["Table"]


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
        """The rows as a frame of pandas.

        Parameters
        ----------
        **kwargs
            As :meth:`pyarrow.Table.to_pandas` takes them.
        """
        need("pandas", "a frame of pandas")
        return need("pyarrow", "a frame of pandas", "pandas").table(self).to_pandas(**kwargs)

    def to_polars(self) -> pl.DataFrame:
        """The rows as a frame of Polars; they share memory."""
        return need("polars", "a frame of Polars").DataFrame(self)

    def to_numpy(self) -> dict[str, np.ndarray]:
        """The columns as arrays of numpy. Missing values are NaN, NaT, or None in arrays of objects."""
        need("numpy", "arrays of numpy")
        table = self.to_arrow()
        return {name: table.column(name).to_numpy() for name in table.column_names}

    def to_pydict(self) -> dict[str, list[Any]]:
        """The columns as lists of plain values."""
        columns: dict[str, list[Any]] = self._rows.to_pydict()
        return columns

    def to_pylist(self) -> list[dict[str, Any]]:
        """The rows as dicts of plain values."""
        columns = self.to_pydict()
        return [dict(zip(columns, row)) for row in zip(*columns.values())]

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
