"""Tables: in part, in chunks, their facts, as paths."""

from __future__ import annotations

import datetime
import numbers
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ._chunk_types import ChunkTypes, has_varying
from ._core import Params, count_of, text_of, where_with
from ._optional import need
from ._results import TableInfo
from ._rows_out import TableChunks, check_return_type, chunks_as, chunks_with_progress, rows_as, rows_with_progress
from ._table import Table
from ._table_versions import TableVersions, library_of
from .exceptions import DataFolioError, InvalidInputError, InvalidTypeError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["TableMethods"]


class TableMethods(TableVersions):
    """The methods that work with tables larger than memory."""

    def get_table(
        self,
        /,
        name: str,
        return_type: str | None = None,
        columns: Sequence[str] | None = None,
        offset: int | None = None,
        limit: int | None = None,
        *,
        where: str | None = None,
        params: Params | None = None,
        version: str | int | None = None,
        timestamp: str | datetime.datetime | None = None,
        progress: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Read a table, or a part of it. Only the columns and rows that are asked for are read.

        Parameters
        ----------
        name
            The table.
        return_type
            ``"pandas"``, ``"polars"`` or ``"arrow"``; by default the library that the table was added from.
        columns
            These columns, in this order.
        offset, limit
            Rows ``[offset, offset + limit)`` in the order in which they are stored; with `where`, of those for which it
            holds.
        where
            An SQL condition, such as ``"value > 100 AND kind = 'a'"``.
        params
            Values for the places of the condition: a list for ``?``, a dict for ``$name``. They are bound, and never become part of
            the text.
        version
            A version of the table: the id that :meth:`versions` shows, a revision, or the name of a snapshot. Of a reference to a
            Delta table a number is a version of that table.
        timestamp
            The version that was current then: an aware ``datetime``, or ``"2026-01-15"`` (in UTC). Of a reference to a Delta table
            the version that it had then.
        progress
            True for a bar, ``"tqdm"``, ``"rich"`` or ``"plain"`` for one of these, or a callable that is given the part of the rows that
            has come, and stops the reading by returning False. With `where` the end alone is told: how many rows there will be is not
            known before.
        **kwargs
            `filters`, `engine` and whatever else :func:`pandas.read_parquet` takes, which reads the file then.

        Raises
        ------
        KeyError
            When there is no such table, version or column.
        ValueError
            When the item is no table.
        """
        check_return_type(return_type)
        entry = self._table(name)
        if kwargs:
            given = (return_type, offset, limit, where, params, version, timestamp)
            refused = [option for option in given if option is not None]
            if refused:
                raise InvalidInputError(
                    f"{', '.join(kwargs)} go to pandas.read_parquet, which knows nothing of the other options",
                    code="invalid-argument",
                )
            return self._read_with_pandas(name, columns, kwargs)
        self._tell_changed(self._native.changed_inputs(name))
        chosen = self._version(name, version, timestamp)
        rows = self._native.read_table(
            name,
            columns=_list(columns),
            filter=where_with(where, params),
            offset=count_of(offset or 0, "offset"),
            limit=None if limit is None else count_of(limit, "limit"),
            version=chosen,
        )
        kind = return_type or library_of(entry)
        if progress is None or progress is False:
            return rows_as(rows, kind, entry)
        start = offset or 0
        total = None if where is not None else self._rows_between(name, chosen, start, None if limit is None else start + limit)
        return rows_with_progress(rows, total, progress, kind, entry)

    def iter_table(
        self,
        name: str,
        chunk_size: int = 10000,
        columns: Sequence[str] | None = None,
        where: str | None = None,
        return_type: str | None = None,
        *,
        start_row: int = 0,
        end_row: int | None = None,
        params: Params | None = None,
        version: str | int | None = None,
        progress: Any = None,
    ) -> TableChunks:
        """Walk through a table in chunks. Memory holds one of them, however large the table is.

        Parameters
        ----------
        name
            The table.
        chunk_size
            Rows of each chunk; the last one may have fewer.
        columns, where, params, return_type, version, progress
            As for :meth:`get_table`.
        start_row, end_row
            Rows ``[start_row, end_row)`` alone, as :meth:`split_table` gives them.

        Returns
        -------
        TableChunks
            An iterator over the chunks, in the order in which the rows are stored. Its ``position`` is the row behind the last chunk,
            where a later walk can go on: ``iter_table(name, start_row=position)``.

        Notes
        -----
        In pandas a column has one type in all chunks, that of the table. Whole numbers of a column in which some are missing are
        ``float64``, as :meth:`get_table` has them, and ``Int64`` where some are beyond 2**53, which floats would round; truth values
        are ``boolean``. Where the files do not tell whether any are missing (text files, Arrow, HDF5, Delta tables, views), both are
        of pandas' nullable types, such as ``Int64`` and ``boolean``.

        Raises
        ------
        ValueError
            For a chunk size that is no whole number or not positive, and for an `end_row` before `start_row`.
        """
        check_return_type(return_type)
        size = _chunk_size(chunk_size)
        entry = self._table(name)
        self._tell_changed(self._native.changed_inputs(name))
        chosen = self._version(name, version, None)
        rows = self._native.iter_table(
            name,
            size,
            columns=_list(columns),
            filter=where_with(where, params),
            start_row=count_of(start_row, "start_row"),
            end_row=None if end_row is None else count_of(end_row, "end_row"),
            version=chosen,
        )
        kind = return_type or library_of(entry)
        types = self._chunk_types(name, chosen, rows.dtypes) if kind == "pandas" else None
        if progress is None or progress is False:
            return TableChunks(rows, chunks_as(rows, kind, types))
        total = None if where is not None else self._rows_between(name, chosen, start_row, end_row)
        return TableChunks(rows, chunks_with_progress(rows, total, progress, kind, types))

    def split_table(self, name: str, workers: int) -> list[tuple[int, int]]:
        """Ranges of rows for so many workers, which :meth:`iter_table` takes as `start_row` and `end_row`."""
        count = count_of(workers, "workers", least=1)
        self._table(name)
        return self._native.split_table(name, count)

    def preview_table(self, name: str, n: int = 10, return_type: str | None = None) -> Any:
        """The first rows of a table."""
        return self.get_table(name, return_type, limit=n)

    def sample_table(
        self,
        name: str,
        n: int,
        seed: int = 0,
        *,
        columns: Sequence[str] | None = None,
        where: str | None = None,
        params: Params | None = None,
        return_type: str | None = None,
    ) -> Any:
        """Rows of a table drawn by chance, each at most once; the same seed draws the same rows. `where` and `params` are as for
        :meth:`get_table`: then it is drawn among the rows that the condition holds for."""
        check_return_type(return_type)
        entry = self._table(name)
        self._tell_changed(self._native.changed_inputs(name))
        count, start = count_of(n, "n"), count_of(seed, "seed")
        rows = self._native.sample_table(name, count, start, _list(columns), where_with(where, params))
        return rows_as(rows, return_type or library_of(entry), entry)

    def table_info(self, name: str) -> TableInfo:
        """What is known of a table without reading its rows, from the footers of its files.

        Returns
        -------
        dict
            `rows`, `columns` (how many), `size_mb`, `size_bytes`, `column_names`, `dtypes`, `parquet_schema` (of pyarrow,
            where it is installed), `created_at`, and what is known of each column, file and row group.
        """
        self._table(name)
        facts, schema = self._native.table_info(name)
        return TableInfo(facts, Table(schema))

    def describe_table(
        self,
        name: str,
        columns: Sequence[str] | None = None,
        where: str | None = None,
        quantiles: Sequence[float] | None = None,
        top: int | None = None,
        *,
        params: Params | None = None,
    ) -> dict[str, Any]:
        """Statistics of each column by one pass: count, nulls, distinct values, extremes, mean, quantiles, top values.

        `where` and `params` are as for :meth:`get_table`.
        """
        self._table(name)
        self._tell_changed(self._native.changed_inputs(name))
        statistics: dict[str, Any] = self._native.describe_table(
            name,
            columns=_list(columns),
            filter=where_with(where, params),
            quantiles=None if quantiles is None else _fractions(quantiles),
            top=None if top is None else count_of(top, "top"),
        )
        return statistics

    def get_table_path(self, name: str) -> str:
        """The absolute path of the file of a table, for Ibis, Polars, DuckDB and whatever else reads files.

        Raises
        ------
        ValueError
            When the item is no table, or lies in several files: :meth:`get_table_paths` lists them, and :meth:`compact`
            makes one of them.
        """
        self._table(name)
        return self._native.get_table_path(name)

    def get_table_paths(self, name: str) -> list[str]:
        """The absolute paths of the files of a table, in the order of their rows."""
        self._table(name)
        return self._native.get_table_paths(name)

    def get_all_table_paths(self) -> dict[str, str | list[str]]:
        """Where every table lies: a path, or a list where a table lies in several files."""
        return self._seen().get_all_table_paths()

    def table_parts(self, name: str) -> list[dict[str, Any]]:
        """The files of a table with their rows and row groups, for engines that read them by themselves."""
        self._table(name)
        parts: list[dict[str, Any]] = self._native.table_parts(name)
        return parts

    def scan_table(self, /, name: str, **kwargs: Any) -> pl.LazyFrame:
        """The table as a ``LazyFrame`` of Polars, which reads what a query needs.

        Parameters
        ----------
        name
            The table. Its files are compared with their recorded hashes before, once on a machine: Polars checks nothing.
        **kwargs
            As :func:`polars.scan_parquet` takes them (or `scan_csv`, `scan_ipc`, for the format of the table).

        Raises
        ------
        ValueError
            For a view, which no file holds the rows of: :meth:`query` and :meth:`iter_table` read it.
        """
        polars = need("polars", "scan_table")
        entry = self._table(name)
        if entry["@category"] == "views":
            raise InvalidInputError(
                f"'{name}' is a view, and no file holds its rows: get_table(name, 'polars'), iter_table and query read it",
                code="unsupported",
                item=name,
            )
        self._tell_changed(self._native.changed_inputs(name))
        paths = self._native.verified_table_paths(name)
        form = entry.get("table_format", "parquet")
        scans = {"parquet": "scan_parquet", "csv": "scan_csv", "arrow": "scan_ipc", "feather": "scan_ipc", "ipc": "scan_ipc"}
        if form not in scans:
            raise InvalidInputError(
                f"Polars does not scan tables in the format {form!r}: iter_table and get_table read '{name}'",
                code="unsupported",
                item=name,
            )
        scan = getattr(polars, scans[form])
        if self._has_grown(entry):
            # Files from before a column came do not have it.
            count, index = kwargs.pop("n_rows", None), kwargs.pop("row_index_name", None)
            start = kwargs.pop("row_index_offset", 0)
            frame = polars.concat([scan(path, **kwargs) for path in paths], how="diagonal").select(entry["columns"])
            frame = frame if index is None else frame.with_row_index(index, start)
            return frame if count is None else frame.head(count)
        return scan(paths, **kwargs)

    def check_references(self, names: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Which references have changed since they were recorded, or are gone."""
        checks: list[dict[str, Any]] = self._seen().check_references(_list(names))
        return checks

    def inspect_table(self, name: str) -> TableInfo:
        """What a table, also a referenced one, holds: as :meth:`table_info`."""
        return self.table_info(name)

    def _rows_between(self, name: str, version: str | None, start: int, end: int | None) -> int | None:
        """How many rows a range has, where that is known without reading them."""
        entry = self._entry(name)
        if version is not None:
            # The id of a version, or a snapshot that holds it.
            named = ((known["record"], (known["version"], *known["snapshots"])) for known in self._native.versions(name))
            entry = next((record for record, names in named if version in names), {})
        rows = entry.get("num_rows")
        return None if rows is None else max(0, min(rows, rows if end is None else end) - start)

    def _chunk_types(self, name: str, version: str | None, dtypes: dict[str, str]) -> ChunkTypes:
        """The types of the chunks of a walk in pandas."""
        if not has_varying(dtypes.values()):
            return ChunkTypes(())
        try:
            facts: list[dict[str, Any]] = self._native.column_facts(name, version)
        except DataFolioError:
            # What is wrong is told by reading the rows, as far as they are wanted.
            facts = []
        known = {fact["name"]: fact for fact in facts}
        return ChunkTypes(known.get(column, {"name": column, "arrow_type": kind}) for column, kind in dtypes.items())

    def _has_grown(self, entry: dict[str, Any]) -> bool:
        """Whether some of the files of a table lack columns that others have."""
        columns = len(entry.get("columns") or ())
        return any(part.get("num_cols") != columns for part in entry.get("parts") or ())

    def _read_with_pandas(self, name: str, columns: Sequence[str] | None, kwargs: dict[str, Any]) -> Any:
        entry = self._entry(name)
        if entry.get("table_format", "parquet") != "parquet":
            raise InvalidInputError(
                f"table '{name}' is no Parquet file, which {', '.join(kwargs)} would be for: pandas.read_parquet would read something else",
                code="invalid-argument",
                item=name,
            )
        pandas = need("pandas", "reading with pandas.read_parquet")
        self._tell_changed(self._native.changed_inputs(name))
        paths = self._native.verified_table_paths(name)
        source: Any = paths[0] if len(paths) == 1 else paths
        if self._has_grown(entry) and kwargs.get("engine", "auto") in ("auto", "pyarrow"):
            # pyarrow takes the columns of the first file for those of all.
            _, schema = self._native.table_info(name)
            kwargs.setdefault("schema", Table(schema).to_arrow().schema)
        return pandas.read_parquet(source, columns=_list(columns), **kwargs)


def _list(names: Sequence[str] | None) -> list[str] | None:
    """Names of columns or items, of which a single one is a list of one."""
    if names is None:
        return None
    return [text_of(name, "a name") for name in ([names] if isinstance(names, str) else names)]


def _chunk_size(rows: int) -> int:
    """How many rows a chunk has."""
    try:
        count = None if isinstance(rows, bool) else operator.index(rows)
    except TypeError:
        count = None
    if count is None:
        raise InvalidTypeError(f"chunk_size is a whole number of rows, and {rows!r} is none", code="invalid-argument")
    if count <= 0:
        raise InvalidInputError(f"chunk_size must be positive, not {count}", code="invalid-argument")
    return count_of(count, "chunk_size")


def _fractions(quantiles: Sequence[float]) -> list[float]:
    """Quantiles that a caller has asked for."""
    for quantile in quantiles:
        if isinstance(quantile, bool) or not isinstance(quantile, numbers.Real):
            raise InvalidTypeError(
                f"quantiles are numbers from 0 to 1, such as 0.5, and {quantile!r} is none", code="invalid-argument"
            )
    return [float(quantile) for quantile in quantiles]
