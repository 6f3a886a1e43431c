"""SQL over the tables of a bundle, views and derived tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ._core import Core
from ._rows_out import check_return_type, chunks_as, rows_as

__all__ = ["QueryMethods"]

Params = Sequence[Any] | dict[str, Any]


class QueryMethods(Core):
    """The methods that run SQL, in DuckDB."""

    def query_table(
        self,
        name: str,
        query: str,
        return_type: str = "pandas",
        *,
        params: Params | None = None,
        timeout: float | None = None,
        memory: int | None = None,
        threads: int | None = None,
    ) -> Any:
        """Run SQL on one table, which goes by the name ``table`` (or ``$table``, or its own).

        Parameters
        ----------
        name
            The table.
        query
            The SQL. It can read, and nothing else.
        return_type
            ``"pandas"``, ``"polars"`` or ``"arrow"``.
        params
            Values for ``?`` as a list, for ``$name`` as a dict. They are bound, and never become part of the text.
        timeout
            Seconds that it may take.
        memory, threads
            Bytes of memory and threads that it may use; what needs more memory goes to disk.

        Raises
        ------
        KeyError
            When there is no such table.
        ValueError
            For SQL that does not parse, with the position, or that is not allowed.

        Examples
        --------
        >>> folio = datafolio.DataFolio(path)
        >>> folio.query_table("scores", "SELECT max(score) AS best FROM table WHERE score < ?", "arrow", params=[4])
        Table(1 rows; best: double)
        """
        check_return_type(return_type)
        self._entry(name)
        return rows_as(self._native.query_table(name, query, _asked(params, timeout, memory, threads)), return_type)

    def query(
        self,
        sql: str,
        return_type: str = "arrow",
        *,
        params: Params | None = None,
        timeout: float | None = None,
        memory: int | None = None,
        threads: int | None = None,
        unrestricted: bool = False,
    ) -> Any:
        """Run SQL on all tables and views of the bundle, by their names; those of a snapshot go by
        ``"snapshot"."table"``.

        Parameters
        ----------
        sql
            The SQL.
        return_type
            ``"arrow"`` for a :class:`datafolio.Table`, ``"pandas"`` or ``"polars"``.
        params, timeout, memory, threads
            As for :meth:`query_table`.
        unrestricted
            Allow whatever DuckDB can do, also with other files: for your own SQL, never for that of somebody else.
        """
        check_return_type(return_type)
        return rows_as(self._run(sql, _asked(params, timeout, memory, threads), unrestricted), return_type)

    def iter_query(
        self,
        sql: str,
        return_type: str = "arrow",
        *,
        params: Params | None = None,
        timeout: float | None = None,
        memory: int | None = None,
        threads: int | None = None,
    ) -> Iterator[Any]:
        """Run SQL, and give its rows piece by piece, as they come."""
        check_return_type(return_type)
        return chunks_as(self._run(sql, _asked(params, timeout, memory, threads), False), return_type)

    def _run(self, sql: str, asked: dict[str, Any], unrestricted: bool) -> Any:
        bundle = self._seen()
        return bundle.query_unrestricted(sql, asked) if unrestricted else bundle.query(sql, asked)

    def add_view(
        self,
        name: str,
        sql: str,
        *,
        description: str | None = None,
        inputs: list[str] | None = None,
        overwrite: bool = False,
    ) -> Any:
        """Keep a query under a name. It is read like a table, and holds no rows."""
        self._seen().add_view(name, sql, {"description": description, "inputs": inputs, "overwrite": overwrite})
        return self

    def view(self, name: str) -> dict[str, Any]:
        """The text and columns of a view."""
        found: dict[str, Any] = self._seen().view(name)
        return found

    def derive(
        self,
        name: str,
        sql: str,
        *,
        params: Params | None = None,
        description: str | None = None,
        overwrite: bool = False,
        timeout: float | None = None,
        memory: int | None = None,
        threads: int | None = None,
    ) -> Any:
        """Store the result of a query as a table that remembers the query and the versions that it read."""
        options = {"description": description, "overwrite": overwrite}
        self._seen().derive(name, sql, _asked(params, timeout, memory, threads), options)
        return self

    def stale(self) -> list[dict[str, Any]]:
        """Which derived tables are out of date, and why."""
        found: list[dict[str, Any]] = self._seen().stale()
        return found

    def rerun(self, *names: str, force: bool = False) -> dict[str, Any]:
        """Make derived tables again that are out of date, in the order of what they are made from; all without names."""
        done: dict[str, Any] = self._seen().rerun(list(names), force)
        return done

    def explain(self, name: str) -> dict[str, Any]:
        """How an item was made."""
        found: dict[str, Any] = self._seen().explain(name)
        return found


def _asked(params: Params | None, timeout: float | None, memory: int | None, threads: int | None) -> dict[str, Any]:
    return {"params": params, "timeout": timeout, "memory": memory, "threads": threads}
