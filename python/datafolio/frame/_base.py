"""What all parts of a frame share: the frame of the engine under it, and the text of what is asked."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .._progress import reporting
from ..exceptions import InvalidInputError, NotFoundError
from . import _text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

    from .._native import Frame as NativeFrame
    from .delayed import Promise
    from .expression import Expression

# Words that mean the selection that has no name of its own.
DEFAULT_SELECTION = "default"


class Base:
    """The frame of the engine, which never changes, in a box whose content may."""

    _native: NativeFrame
    _origin: Any
    _lock: threading.RLock
    _selections: dict[str, list[str | None]]
    _undone: dict[str, list[str | None]]
    _functions: dict[str, Any]
    _pending: list[Promise]
    _categories: dict[str, Any]
    _threads: int | None
    _memory: int | None

    if TYPE_CHECKING:

        def __getitem__(self, key: Any) -> Any: ...

        def copy(self) -> Self: ...

    def _expression(self, text: str, binds: int = _text.ATOM) -> Expression:
        from .expression import Expression

        return Expression(self, text, binds)

    def _column(self, name: str) -> Expression:
        return self._expression(_text.quoted(name))

    def _text(self, what: Any) -> str:
        """The text of an expression, which is given as one, or as text that names a column or is an expression."""
        text = getattr(what, "expression", None)
        if isinstance(text, str):
            return text
        if isinstance(what, str):
            # Columns may have names that would be read as something else.
            return _text.quoted(what) if what in self._native.names() else what
        return _text.literal(what)

    def _texts(self, what: Any) -> list[str]:
        return [self._text(one) for one in (what if isinstance(what, (list, tuple)) else [what])]

    def _names(self, column_names: Any) -> list[str]:
        """Names of columns that are there."""
        if column_names is None:
            return self._native.names()
        return [self._name(name) for name in ([column_names] if _is_one(column_names) else column_names)]

    def _name(self, column: Any) -> str:
        known = self._native.names()
        text = getattr(column, "expression", column)
        if text in known:
            return str(text)
        for name in known:
            if _text.quoted(name) == text:
                return name
        import difflib

        near = difflib.get_close_matches(str(text), known, 1)
        raise NotFoundError(
            f"there is no column {text!r}",
            code="unknown-column",
            hint=f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known[:20])}",
        )

    def _condition(self, selection: Any) -> str | None:
        """The condition that a selection stands for: none for all rows."""
        if selection is None or selection is False:
            return None
        name = DEFAULT_SELECTION if selection is True else selection
        if isinstance(name, str) and name in self._selections:
            text = self._selections[name][-1] if self._selections[name] else None
            if text is None:
                raise InvalidInputError(f"nothing is selected as {name!r}", code="nothing-selected")
            return text
        if selection is True:
            raise InvalidInputError("nothing is selected", code="nothing-selected", hint="df.select(df.x > 0) selects")
        return self._text(selection)

    def _options(self, progress: Callable[[float], object] | None) -> dict[str, Any] | None:
        if progress is None and self._threads is None and self._memory is None:
            return None
        return {"threads": self._threads, "memory": self._memory, "spill": None, "progress": progress}

    @contextmanager
    def _passing(self, progress: Any, title: str = "datafolio") -> Iterator[dict[str, Any] | None]:
        """The options of a pass, with its progress shown as it was asked for."""
        with reporting(progress, title) as told:
            yield self._options(told)

    def _change(self, change: Callable[[NativeFrame], NativeFrame]) -> None:
        """Changes the frame in place: the frame of the engine is replaced by another."""
        with self._lock:
            self._native = change(self._native)

    def _derived(self, native: NativeFrame) -> Self:
        """Another frame with what this one has besides its rows."""
        other = self.copy()
        other._native = native
        return other


def _is_one(column_names: Any) -> bool:
    return isinstance(column_names, str) or hasattr(column_names, "expression")


def as_list(values: Any) -> list[Any]:
    """One value, or several, as a list."""
    if isinstance(values, (str, bytes)) or hasattr(values, "expression") or not isinstance(values, Iterable):
        return [values]
    return list(values)
