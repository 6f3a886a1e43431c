"""Tables: in part, in chunks, their facts, as paths; appending and changing rows."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ._core import Core, Entry
from ._optional import need
from ._reading import TABLES
from ._rows_in import rows_of
from ._rows_out import check_return_type, chunks_as, rows_as
from ._table import Table
from .exceptions import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["TableMethods"]


class TableMethods(Core):
    """The methods that work with tables larger than memory."""

    def get_table(
        self,
        name: str,
        return_type: str | None = None,
        columns: Sequence[str] | None = None,
        offset: int | None = None,
        limit: int | None = None,
        *,
        where: str | None = None,
        version: str | int | None = None,
        timestamp: str | datetime.datetime | None = None,
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
        version
            A version of the table: the id that :meth:`versions` shows, or a revision.
        timestamp
            The version that was current then: an aware ``datetime``, or ``"2026-01-15"`` (in UTC).
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
            refused = [option for option in (return_type, offset, limit, where, version, timestamp) if option is not None]
            if refused:
                raise InvalidInputError(
                    f"{', '.join(kwargs)} go to pandas.read_parquet, which knows nothing of the other options",
                    code="invalid-argument",
                )
            return self._read_with_pandas(name, columns, kwargs)
        chosen = self._version(name, version, timestamp)
        rows = self._native.read_table(
            name,
            columns=None if columns is None else list(columns),
            filter=where,
            offset=_count(offset, "offset") or 0,
            limit=_count(limit, "limit"),
            version=chosen,
        )
        return rows_as(rows, return_type or _library(entry), entry)

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
        version: str | int | None = None,
    ) -> Iterator[Any]:
        """Walk through a table in chunks. Memory holds one of them, however large the table is.

        Parameters
        ----------
        name
            The table.
        chunk_size
            Rows of each chunk; the last one may have fewer.
        columns, where, return_type, version
            As for :meth:`get_table`.
        start_row, end_row
            Rows ``[start_row, end_row)`` alone, as :meth:`split_table` gives them.

        Yields
        ------
        DataFrame
            The chunks, in the order in which the rows are stored.

        Raises
        ------
        ValueError
            For a chunk size that is not positive.
        """
        check_return_type(return_type)
        if isinstance(chunk_size, bool) or not isinstance(chunk_size, int) or chunk_size <= 0:
            raise InvalidInputError(f"chunk_size must be positive, not {chunk_size!r}", code="invalid-argument")
        entry = self._table(name)
        rows = self._native.iter_table(
            name,
            chunk_size,
            columns=None if columns is None else list(columns),
            filter=where,
            start_row=start_row,
            end_row=end_row,
            version=self._version(name, version, None),
        )
        return chunks_as(rows, return_type or _library(entry))

    def split_table(self, name: str, workers: int) -> list[tuple[int, int]]:
        """Ranges of rows for so many workers, which :meth:`iter_table` takes as `start_row` and `end_row`."""
        self._table(name)
        return self._native.split_table(name, workers)

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
        return_type: str | None = None,
    ) -> Any:
        """Rows of a table drawn by chance, each at most once; the same seed draws the same rows."""
        check_return_type(return_type)
        entry = self._table(name)
        rows = self._native.sample_table(name, n, seed, None if columns is None else list(columns), where)
        return rows_as(rows, return_type or _library(entry), entry)

    def table_info(self, name: str) -> dict[str, Any]:
        """What is known of a table without reading its rows, from the footers of its files.

        Returns
        -------
        dict
            `rows`, `columns` (how many), `size_mb`, `size_bytes`, `column_names`, `dtypes`, `parquet_schema` (of pyarrow,
            where it is installed), `created_at`, and what is known of each column, file and row group.
        """
        self._table(name)
        facts, schema = self._native.table_info(name)
        info = TableInfo(facts)
        info._schema = Table(schema)
        return info

    def describe_table(
        self,
        name: str,
        columns: Sequence[str] | None = None,
        where: str | None = None,
        quantiles: Sequence[float] | None = None,
        top: int | None = None,
    ) -> dict[str, Any]:
        """Statistics of each column by one pass: count, nulls, distinct values, extremes, mean, quantiles, top values."""
        self._table(name)
        statistics: dict[str, Any] = self._native.describe_table(
            name,
            columns=None if columns is None else list(columns),
            filter=where,
            quantiles=None if quantiles is None else list(quantiles),
            top=top,
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

    def scan_table(self, name: str, **kwargs: Any) -> pl.LazyFrame:
        """The table as a ``LazyFrame`` of Polars, which reads what a query needs.

        Parameters
        ----------
        name
            The table.
        **kwargs
            As :func:`polars.scan_parquet` takes them (or `scan_csv`, `scan_ipc`, for the format of the table).
        """
        polars = need("polars", "scan_table")
        entry = self._table(name)
        paths = self._native.get_table_paths(name)
        form = entry.get("table_format", "parquet")
        scans = {"parquet": "scan_parquet", "csv": "scan_csv", "arrow": "scan_ipc", "feather": "scan_ipc", "ipc": "scan_ipc"}
        if form not in scans:
            raise InvalidInputError(
                f"Polars does not scan tables in the format {form!r}: iter_table and get_table read '{name}'",
                code="unsupported",
                item=name,
            )
        return getattr(polars, scans[form])(paths, **kwargs)

    def append_table(
        self,
        name: str,
        rows: Any,
        *,
        evolve: bool = False,
        compact: bool = True,
        description: str | None = None,
        inputs: list[str] | None = None,
        table_format: str | None = None,
    ) -> Any:
        """Add rows to a table, or create it. What it costs depends on the new rows alone; snapshots keep the old ones.

        Parameters
        ----------
        name
            The table.
        rows
            As :meth:`add_table` takes them.
        evolve
            Let the table get columns that only the new rows have.
        compact
            Merge small files afterwards when they have piled up.
        description, inputs, table_format
            As for :meth:`add_table`, where the table is created.

        Raises
        ------
        ValueError
            For rows whose columns do not fit, by the name of the column.
        """
        given = rows_of(rows)
        self._seen().append_table(
            name,
            given.stream,
            chunks=given.chunks,
            evolve=evolve,
            compact=compact,
            description=description,
            inputs=inputs,
            table_format=table_format,
            dataframe_library=given.library,
        )
        return self

    def compact(self, name: str) -> Any:
        """Make one file of the files of a table, with the same rows in the same order."""
        self._seen().compact(name)
        return self

    def delete_rows(self, name: str, where: str) -> Any:
        """Make a version without the rows for which an SQL condition holds."""
        self._seen().delete_rows(name, where)
        return self

    def update_table(self, name: str, where: str, values: dict[str, str]) -> Any:
        """Make a version with other values in the rows for which an SQL condition holds.

        Parameters
        ----------
        name
            The table.
        where
            The condition.
        values
            From column to SQL expression, such as ``{"score": "score * 2"}``.
        """
        self._seen().update_table(name, where, list(values.items()))
        return self

    def diff_table(
        self,
        name: str,
        before: str | int | None = None,
        after: str | int | None = None,
        key: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """What differs between two states of a table, in numbers.

        Parameters
        ----------
        name
            The table.
        before, after
            The name of a snapshot, a revision, or the id of a version; by default the current version and the one before.
        key
            The columns that tell rows apart; without, rows are compared as a whole.
        """
        self._seen()
        difference: dict[str, Any] = self._native.diff_table(name, _state(before), _state(after), _list(key))
        return difference

    def diff_table_rows(
        self,
        name: str,
        before: str | int | None = None,
        after: str | int | None = None,
        key: Sequence[str] | None = None,
        return_type: str | None = None,
    ) -> Any:
        """The rows that differ between two states of a table, each with what became of it."""
        check_return_type(return_type)
        entry = self._table(name)
        rows = self._native.diff_table_rows(name, _state(before), _state(after), _list(key))
        return rows_as(rows, return_type or _library(entry))

    def check_references(self, names: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Which references have changed since they were recorded, or are gone."""
        checks: list[dict[str, Any]] = self._seen().check_references(_list(names))
        return checks

    def inspect_table(self, name: str) -> dict[str, Any]:
        """What a table, also a referenced one, holds: as :meth:`table_info`."""
        return self.table_info(name)

    # ---- which table, which version

    def _table(self, name: str) -> Entry:
        entry = self._entry(name)
        if entry["item_type"] not in TABLES and entry["@category"] != "views":
            raise InvalidInputError(
                f"Item '{name}' is not a table: it is a {entry['item_type']}", code="wrong-type", item=name
            )
        return entry

    def _version(
        self, name: str, version: str | int | None, timestamp: str | datetime.datetime | None
    ) -> str | None:
        """The id of the version that is asked for; None for the current one."""
        if version is not None and timestamp is not None:
            raise InvalidInputError("version and timestamp both choose a version: pass one", code="invalid-argument")
        if isinstance(version, int) and not isinstance(version, bool):
            return str(self._native.at_revision(version).item(name)["@version"])
        if version is not None:
            return str(version)
        if timestamp is None:
            return None
        moment = _moment(timestamp)
        for known in self._native.versions(name):
            created = known.get("created_at")
            if created and _moment(created) <= moment:
                return str(known["version"])
        raise NotFoundError(
            f"table '{name}' has no version that is as old as {moment.isoformat()}", code="version-not-found", item=name
        )

    def _read_with_pandas(self, name: str, columns: Sequence[str] | None, kwargs: dict[str, Any]) -> Any:
        pandas = need("pandas", "reading with pandas.read_parquet")
        paths = self._native.get_table_paths(name)
        source: Any = paths[0] if len(paths) == 1 else paths
        return pandas.read_parquet(source, columns=None if columns is None else list(columns), **kwargs)


class TableInfo(dict[str, Any]):
    """What is known of a table. ``parquet_schema`` is made when it is asked for, since it needs pyarrow."""

    _schema: Table

    def __missing__(self, key: str) -> Any:
        if key != "parquet_schema":
            raise KeyError(key)
        self[key] = need("pyarrow", "the schema of a table").schema(self._schema.to_arrow().schema)
        return self[key]

    def _repr_html_(self) -> str:
        from ._html import table_info_html

        return table_info_html(self)


def _library(entry: Entry) -> str:
    """The library whose tables a table comes back as."""
    if entry.get("dataframe_library") == "polars" or entry["item_type"] == "polars_table":
        return "polars"
    return "pandas"


def _count(value: int | None, what: str) -> int | None:
    if value is not None and value < 0:
        raise InvalidInputError(f"{what} must not be negative, and is {value}", code="invalid-argument")
    return value


def _state(state: str | int | None) -> str | None:
    return f"revision:{state}" if isinstance(state, int) else state


def _list(names: Sequence[str] | None) -> list[str] | None:
    if isinstance(names, str):
        return [names]
    return None if names is None else list(names)


def _moment(text: str | datetime.datetime) -> datetime.datetime:
    """An instant; where no time zone is given, in UTC."""
    try:
        moment = text if isinstance(text, datetime.datetime) else datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise InvalidInputError(
            f"timestamp {text!r}: write a date or time, such as '2026-01-15' or '2026-01-15T12:00:00+00:00'",
            code="invalid-argument",
        ) from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=datetime.timezone.utc)
