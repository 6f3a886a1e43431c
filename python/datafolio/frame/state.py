"""What was made of the rows, without the rows: as JSON, to be applied to others; and frames on their way to other processes."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from ..exceptions import InvalidInputError, UnsupportedError
from ._base import Base
from .functions import adopt

if TYPE_CHECKING:
    from .._native import Frame as NativeFrame

# The name that Vaex keeps the filter by, among the selections.
_FILTER = "__filter__"


class States(Base):
    """The part of a frame that has a state."""

    def state_get(self) -> dict[str, Any]:
        """Virtual columns, names, variables, selections, the filter and the stretch of rows, as values of JSON.

        Functions of your own are named in it, and are not part of it.
        """
        return dict(self._native.state())

    def state_set(
        self,
        state: dict[str, Any],
        keep_columns: Any = None,
        set_filter: bool = True,
        trusted: bool = True,
        warn: bool = True,
    ) -> None:
        """Apply a state to these rows: one of :meth:`state_get`, or one of Vaex.

        Nothing in a state is ever run: pickled functions of Vaex's are passed over, and have to be registered before.

        Parameters
        ----------
        keep_columns : str, or a list of them, optional
            Columns to keep that the state does not have.
        set_filter : bool
            False to leave the filter of the state aside.
        trusted, warn
            As Vaex has them; they change nothing.
        """
        given = dict(state)
        if not set_filter:
            given = _without_filter(given)
        kept = None if keep_columns is None else self._names(keep_columns)
        with self._lock:
            if kept and "names" in given:
                own = self._native.state()
                for name in kept:
                    if name not in given["names"]:
                        given["names"] = [*given["names"], name]
                        given["columns"] = {**given["columns"], name: own["columns"].get(name, name)}
            elif kept:
                given["column_names"] = list(dict.fromkeys([*given["column_names"], *kept]))
            self._change(lambda native: native.with_state(given))
            selected = self._native.state()["selections"]
            self._selections = {name: [text] for name, text in selected.items()}

    def state_write(self, file: str | os.PathLike[str]) -> None:
        """Write the state to a file, as JSON."""
        with open(file, "w", encoding="utf-8") as stream:
            json.dump(self.state_get(), stream, indent=2, ensure_ascii=False)

    def state_load(self, file: str | os.PathLike[str], **options: Any) -> None:
        """Apply the state that a file has, of this library or of Vaex."""
        with open(file, encoding="utf-8") as stream:
            try:
                state = json.load(stream)
            except json.JSONDecodeError as error:
                raise InvalidInputError(f"{os.fspath(file)} is no JSON: {error}", code="not-json") from None
        self.state_set(state, **options)

    # -- pickles ---------------------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        if self._origin is None:
            rows = self._native.stream([(name, _quoted(name)) for name in self._native.names()], None)
            origin: Any = _Memory(rows)
            state = None
        else:
            origin, state = self._origin, self._native.state()
        return {
            "origin": origin,
            "state": state,
            "selections": self._selections,
            "functions": self._functions,
            "categories": self._categories,
            "settings": (self._threads, self._memory),
        }

    def __setstate__(self, kept: dict[str, Any]) -> None:
        origin = kept["origin"]
        self._begin(origin.open(), None if isinstance(origin, _Memory) else origin)
        adopt(self, kept["functions"])
        if kept["state"] is not None:
            self._native = self._native.with_state(kept["state"])
        self._selections = kept["selections"]
        self._categories = kept["categories"]
        self._threads, self._memory = kept["settings"]

    def _begin(self, native: NativeFrame, origin: Any) -> None:
        raise NotImplementedError


def _quoted(name: str) -> str:
    from ._text import quoted

    return quoted(name)


class _Memory:
    """Rows that come from no file, in the form of a stream of Arrow's."""

    def __init__(self, rows: Any) -> None:
        self._rows = rows

    def open(self) -> NativeFrame:
        """A frame of the rows."""
        from .. import _native

        return _native.frame_of_arrow(self._rows)

    def __reduce__(self) -> Any:
        try:
            import pyarrow
        except ImportError:
            raise UnsupportedError(
                "a frame of rows in memory is pickled by pyarrow, which is not installed",
                code="package-missing",
                hint="export the frame to a file and open that; frames of files and of bundles are pickled by path",
            ) from None
        return _memory, (pyarrow.table(self._rows),)


def _memory(table: Any) -> _Memory:
    return _Memory(table)


def _without_filter(state: dict[str, Any]) -> dict[str, Any]:
    state = {**state, "filter": None} if "filter" in state else state
    if _FILTER in state.get("selections", {}):
        state["selections"] = {name: one for name, one in state["selections"].items() if name != _FILTER}
    return state
