"""Questions that wait, to be answered together in one pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._base import Base

if TYPE_CHECKING:
    from .._native import Frame as NativeFrame


class Promise:
    """An answer that is to come with :meth:`Frame.execute`, or as soon as it is asked for."""

    def __init__(self, df: Base, native: NativeFrame, texts: list[str], shape: Callable[[list[Any]], Any]) -> None:
        self._df = df
        self.native = native
        self.texts = texts
        self._shape = shape
        self._then: list[Callable[[Any], Any]] = []
        self._value: Any = None
        self.is_done = False

    def get(self) -> Any:
        """The answer. Asks for all that waits, where it is not there yet."""
        if not self.is_done:
            execute(self._df)
        return self._value

    def then(self, call: Callable[[Any], Any]) -> Promise:
        """Call something with the answer, when it is there."""
        if self.is_done:
            call(self._value)
        else:
            self._then.append(call)
        return self

    def fulfil(self, answers: list[Any]) -> None:
        """Called with the answers to its texts."""
        self._value = self._shape(answers)
        self.is_done = True
        for call in self._then:
            call(self._value)

    def __repr__(self) -> str:
        return f"<Promise of {', '.join(self.texts)}: {'there' if self.is_done else 'to come'}>"


def execute(df: Base, progress: Any = None) -> None:
    """Answer what waits: what was asked of the same rows in one pass."""
    with df._lock:
        waiting, df._pending = df._pending, []
    by_rows: dict[int, list[Promise]] = {}
    for promise in waiting:
        by_rows.setdefault(id(promise.native), []).append(promise)
    for promises in by_rows.values():
        texts: dict[str, int] = {}
        for promise in promises:
            for text in promise.texts:
                texts.setdefault(text, len(texts))
        answers: list[Any] = []
        if texts:
            with df._passing(progress) as options:
                answers = promises[0].native.compute(list(texts), options)
        for promise in promises:
            promise.fulfil([answers[texts[text]] for text in promise.texts])


class Delays(Base):
    """The part of a frame that has questions that wait."""

    def execute(self, progress: Any = None) -> None:
        """Answer all questions that were asked with ``delay=True``, in one pass.

        Examples
        --------
        >>> df = from_dict({"x": [1.0, 2.0, 6.0]})
        >>> mean, most = df.mean("x", delay=True), df.max("x", delay=True)
        >>> df.execute()
        >>> mean.get(), most.get()
        (3.0, 6.0)
        """
        execute(self, progress)

    def _asked(
        self,
        texts: list[str],
        shape: Callable[[list[Any]], Any],
        delay: bool = False,
        progress: Any = None,
    ) -> Any:
        """The answers to texts, in the form that `shape` gives them: now, or a promise of them."""
        native = self._native
        if delay:
            promise = Promise(self, native, texts, shape)
            with self._lock:
                self._pending = [*self._pending, promise]
            return promise
        with self._passing(progress) as options:
            return shape(native.compute(texts, options))
