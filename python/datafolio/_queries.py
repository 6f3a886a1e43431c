"""SQL over the tables of a bundle, views and derived tables."""

from __future__ import annotations

import contextlib
import numbers
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ._core import Core, Params, count_of, new_name, text_of
from ._progress import reporting
from ._rows_out import check_return_type, chunks_as, rows_as
from .exceptions import InvalidInputError, InvalidTypeError

if TYPE_CHECKING:
    from .frame import Frame

__all__ = ["QueryMethods"]

Frames = dict[str, "Frame"] | None
Progress = bool | str | Callable[[float], object] | None


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
        progress: Progress = None,
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
            Seconds that it may take, more than 0.
        memory, threads
            Bytes of memory and threads that it may use; what needs more memory goes to disk.
        progress
            True shows how far it is; a callable is told the fraction, and stops it by returning False.

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
        text_of(query, "query")
        self._entry(name)
        self._tell_changed(self._native.changed_inputs_of_query(query, name))
        with reporting(progress, "query") as told:
            asked = _asked(params, timeout, memory, threads, progress=told)
            return rows_as(self._native.query_table(name, query, asked), return_type)

    def query(
        self,
        sql: str,
        return_type: str = "arrow",
        *,
        params: Params | None = None,
        timeout: float | None = None,
        memory: int | None = None,
        threads: int | None = None,
        frames: Frames = None,
        progress: Progress = None,
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
        params, timeout, memory, threads, progress
            As for :meth:`query_table`.
        frames
            Frames that the SQL reads by these names, such as ``{"high": df[df.score > 3]}``.
        unrestricted
            Allow whatever DuckDB can do, also with other files: for your own SQL, never for that of somebody else.
        """
        check_return_type(return_type)
        self._tell_changed(self._seen().changed_inputs_of_query(text_of(sql, "sql")))
        with reporting(progress, "query") as told:
            asked = _asked(params, timeout, memory, threads, frames, told)
            return rows_as(self._run(sql, asked, unrestricted), return_type)

    def query_frame(
        self,
        sql: str,
        *,
        params: Params | None = None,
        timeout: float | None = None,
        memory: int | None = None,
        threads: int | None = None,
        frames: Frames = None,
        progress: Progress = None,
    ) -> Frame:
        """Run SQL on the tables of the bundle and on frames, and give the result as a frame: for joins, sorts and windows, which are
        DuckDB's, in the middle of what is computed over columns.

        A result that is large goes to a file in the spill directory that is gone with the frame.

        Parameters
        ----------
        sql, params, timeout, memory, threads, frames, progress
            As for :meth:`query`.

        Examples
        --------
        >>> folio = datafolio.DataFolio(path)
        >>> high = folio.frame("scores")
        >>> high = high[high.score > 1]
        >>> joined = folio.query_frame("SELECT score, rank() OVER (ORDER BY score DESC) AS place FROM high", frames={"high": high})
        >>> joined.sum("place")
        3
        """
        from .frame.frame import Frame

        self._tell_changed(self._seen().changed_inputs_of_query(text_of(sql, "sql")))
        with reporting(progress, "query") as told:
            asked = _asked(params, timeout, memory, threads, frames, told)
            return Frame(self._seen().query_frame(sql, asked))

    def iter_query(
        self,
        sql: str,
        return_type: str = "arrow",
        *,
        params: Params | None = None,
        timeout: float | None = None,
        memory: int | None = None,
        threads: int | None = None,
        frames: Frames = None,
        progress: Progress = None,
    ) -> Iterator[Any]:
        """Run SQL, and give its rows piece by piece, as they come. The options are those of :meth:`query`."""
        check_return_type(return_type)
        self._tell_changed(self._seen().changed_inputs_of_query(text_of(sql, "sql")))
        with contextlib.ExitStack() as until:
            told = until.enter_context(reporting(progress, "query"))
            rows = self._run(sql, _asked(params, timeout, memory, threads, frames, told), False)
            # The bar ends with the rows, not with this call.
            return _within(until.pop_all(), chunks_as(rows, return_type))

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
        called = new_name(name)
        self._seen().add_view(called, text_of(sql, "sql"), {"description": description, "inputs": inputs, "overwrite": overwrite})
        return self

    def view(self, name: str) -> dict[str, Any]:
        """The text and columns of a view."""
        found: dict[str, Any] = self._seen().view(text_of(name, "name"))
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
        progress: Progress = None,
    ) -> Any:
        """Store the result of a query as a table that remembers the query and the versions that it read."""
        self._outside_batch("derive")
        new_name(name)
        self._tell_changed(self._seen().changed_inputs_of_query(text_of(sql, "sql")))
        options = {"description": description, "overwrite": overwrite}
        with reporting(progress, f"derive {name}") as told:
            self._seen().derive(name, sql, _asked(params, timeout, memory, threads, progress=told), options)
        return self

    def stale(self) -> list[dict[str, Any]]:
        """Which derived tables are out of date, and why."""
        found: list[dict[str, Any]] = self._seen().stale()
        return found

    def rerun(
        self,
        *names: str,
        force: bool = False,
        timeout: float | None = None,
        memory: int | None = None,
        threads: int | None = None,
    ) -> dict[str, Any]:
        """Make derived tables again that are out of date, in the order of what they are made from; all without names.

        Parameters
        ----------
        *names
            The tables; those that they are made from are made too, where these are out of date.
        force
            Make also what is up to date: those that are named, or all.
        timeout, memory, threads
            As for :meth:`query_table`, for the query of each table.

        Returns
        -------
        dict
            The names of what is `done`, of what was up to date (`fresh`), of what `failed`, each with its `code` and `message`, and of what was
            `left` since it is made from these. A table that failed is as it was.
        """
        self._outside_batch("rerun")
        limits = _limits(timeout, memory, threads)
        done: dict[str, Any] = self._seen().rerun([text_of(name, "name") for name in names], force, **limits)
        return done

    def explain(self, name: str) -> dict[str, Any]:
        """How an item was made."""
        found: dict[str, Any] = self._seen().explain(text_of(name, "name"))
        return found


def _asked(
    params: Params | None,
    timeout: float | None,
    memory: int | None,
    threads: int | None,
    frames: Frames = None,
    progress: Any = None,
) -> dict[str, Any]:
    limits = _limits(timeout, memory, threads)
    for name, frame in (frames or {}).items():
        text_of(name, "the name of a frame")
        if not hasattr(frame, "_native"):
            raise InvalidTypeError(
                f"frame '{name}' is a {type(frame).__name__}: give a frame of datafolio (folio.frame, from_arrow, from_pandas)",
                code="invalid-argument",
            )
    return {
        "params": params,
        **limits,
        "frames": None if frames is None else [(name, frame._native) for name, frame in frames.items()],
        "progress": progress,
    }


def _limits(timeout: float | None, memory: int | None, threads: int | None) -> dict[str, Any]:
    """What a query may take."""
    return {
        "timeout": None if timeout is None else _seconds(timeout),
        "memory": None if memory is None else count_of(memory, "memory", least=1),
        "threads": None if threads is None else count_of(threads, "threads", least=1),
    }


def _seconds(timeout: Any) -> float:
    """A number of seconds that a caller has given."""
    if isinstance(timeout, bool) or not isinstance(timeout, numbers.Real):
        raise InvalidTypeError(
            f"timeout is a number of seconds, such as 2.5, and {timeout!r} is none", code="invalid-argument"
        )
    seconds = float(timeout)
    # No clock counts to more.
    if not 0 < seconds < 1e9:
        raise InvalidInputError(
            f"timeout is a number of seconds between 0 and a billion, and not {timeout!r}: leave it out for no end",
            code="invalid-argument",
        )
    return seconds


def _within(until: contextlib.ExitStack, chunks: Iterator[Any]) -> Iterator[Any]:
    with until:
        yield from chunks
