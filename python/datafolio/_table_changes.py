"""Tables that change: appending, changing and comparing rows."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from ._core import Params, new_name, text_of, where_with
from ._native import RowStream
from ._results import TableDifference
from ._rows_in import rows_of
from ._rows_out import check_return_type, chunks_as, rows_as
from ._table_versions import TableVersions, library_of
from .exceptions import InvalidTypeError

__all__ = ["TableChangeMethods"]


class TableChangeMethods(TableVersions):
    """The methods that change tables, and tell what has changed."""

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
        report: bool = False,
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
        report
            Return what was done, a dict, instead of the bundle: `created`, how many `rows` came, the `num_rows` and `parts` of the table,
            and what was `compacted`.

        Raises
        ------
        ValueError
            For rows whose columns do not fit, by the name of the column.
        """
        called = new_name(name)
        given = rows_of(rows)
        done = self._seen().append_table(
            called,
            given.stream,
            chunks=given.chunks,
            evolve=evolve,
            compact=compact,
            description=description,
            inputs=inputs,
            table_format=table_format,
            dataframe_library=given.library,
        )
        return self._changed(done, report)

    def compact(self, name: str, *, report: bool = False) -> Any:
        """Make one file of the files of a table, with the same rows in the same order.

        With `report` it returns what was done, a dict, instead of the bundle.
        """
        self._outside_batch("compact")
        done = self._seen().compact(text_of(name, "name"))
        return done if report else self

    def delete_rows(self, name: str, where: str, *, params: Params | None = None, report: bool = False) -> Any:
        """Make a version without the rows for which an SQL condition holds.

        Parameters
        ----------
        name
            The table.
        where
            The condition.
        params
            Values for its places: a list for ``?``, a dict for ``$name``.
        report
            Return what was done, a dict, instead of the bundle: how many `rows` went, `num_rows` that are left, and the files that were
            written and kept.
        """
        done = self._seen().delete_rows(text_of(name, "name"), where_with(text_of(where, "where"), params))
        return self._changed(done, report)

    def update_table(
        self,
        name: str,
        where: str,
        values: dict[str, str | float | bool | None],
        *,
        params: Params | None = None,
        report: bool = False,
    ) -> Any:
        """Make a version with other values in the rows for which an SQL condition holds.

        Parameters
        ----------
        name
            The table.
        where
            The condition.
        values
            From column to SQL expression, such as ``{"score": "score * 2", "kind": "'checked'"}``, or to a number, truth value or None.
            A value that is not exactly one of the column's type is an error; floating-point columns round.
        params
            Values for the places of the condition, and behind them of the expressions: a list for ``?``, a dict for ``$name``.
        report
            Return what was done, a dict, as for :meth:`delete_rows`.

        Raises
        ------
        ValueError
            For a value that is not one of the column's type, and for SQL that does not parse or is not allowed.
        """
        expressions = [(text_of(column, "a column"), _sql_of(value)) for column, value in values.items()]
        condition = where_with(text_of(where, "where"), params)
        done = self._seen().update_table(text_of(name, "name"), condition, expressions)
        return self._changed(done, report)

    def _changed(self, done: dict[str, Any], report: bool) -> Any:
        """What a method that changes a table returns, with a word on what is easily overlooked."""
        if done.get("was_derived"):
            warnings.warn(
                f"{done['name']!r} is no longer a derived table, and rerun() leaves it alone; undo() takes this back",
                UserWarning,
                stacklevel=3,
            )
        return done if report else self

    def diff_table(
        self,
        name: str,
        before: str | int | None = None,
        after: str | int | None = None,
        key: Sequence[str] | None = None,
    ) -> TableDifference:
        """What differs between two states of a table, in numbers.

        Parameters
        ----------
        name
            The table.
        before, after
            The name of a snapshot, a revision, or the id of a version; by default the current version and the one before.
        key
            The columns that tell rows apart; without, rows are compared as a whole.

        Returns
        -------
        TableDifference
            A dict, which notebooks show in colours.
        """
        called = text_of(name, "name")
        return TableDifference(self._seen().diff_table(called, _state(before), _state(after), _key(key)))

    def diff_table_rows(
        self,
        name: str,
        before: str | int | None = None,
        after: str | int | None = None,
        key: Sequence[str] | None = None,
        return_type: str | None = None,
    ) -> Any:
        """The rows that differ between two states of a table, each with what became of it."""
        return rows_as(*self._rows_that_differ(name, before, after, key, return_type))

    def iter_diff_table_rows(
        self,
        name: str,
        before: str | int | None = None,
        after: str | int | None = None,
        key: Sequence[str] | None = None,
        return_type: str | None = None,
    ) -> Iterator[Any]:
        """The rows that differ piece by piece, as they are found. The options are those of :meth:`diff_table_rows`."""
        return chunks_as(*self._rows_that_differ(name, before, after, key, return_type))

    def _rows_that_differ(
        self,
        name: str,
        before: str | int | None,
        after: str | int | None,
        key: Sequence[str] | None,
        return_type: str | None,
    ) -> tuple[RowStream, str]:
        check_return_type(return_type)
        entry = self._table(name)
        rows = self._native.diff_table_rows(name, _state(before), _state(after), _key(key))
        return rows, return_type or library_of(entry)


def _key(key: Sequence[str] | None) -> list[str] | None:
    return None if key is None else [text_of(one, "key") for one in ([key] if isinstance(key, str) else key)]


def _state(state: str | int | None) -> str | None:
    return f"revision:{state}" if isinstance(state, int) else state


def _sql_of(value: Any) -> str:
    if isinstance(value, str):
        return text_of(value, "an SQL expression of values")
    if value is None or isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return "NULL" if value is None else str(value)
    raise InvalidTypeError(
        f"{value!r} is no SQL expression: write it as text, in which texts stand in single quotes", code="invalid-argument"
    )
