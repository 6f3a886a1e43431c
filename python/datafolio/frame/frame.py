"""Frames: rows of files, of tables in bundles or in memory, with what is computed of them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ..exceptions import InvalidInputError, NotFoundError
from . import _text
from .aggregations import Aggregations
from .columns import Columns
from .convert import Conversions
from .describe import Description
from .export import Exports
from .functions import FunctionParts, adopt
from .groupby import Groups
from .html import frame_html, frame_text
from .rows import Rows
from .selections import Selections
from .state import States

if TYPE_CHECKING:
    from typing_extensions import Self

    from .._native import Frame as NativeFrame
    from ..viz import Viz
    from .expression import Expression


class Frame(Columns, Rows, Aggregations, Groups, Selections, Conversions, Exports, States, FunctionParts):
    """Rows of any number, with columns that are computed when they are asked for, and a filter that costs nothing.

    A frame is made by :func:`datafolio.open`, by :meth:`DataFolio.frame`, or of what is in memory (:func:`datafolio.from_dict` and the
    like). What is asked of all rows takes one pass over the columns that it needs, with all processors and in a memory that does not
    depend on the number of rows. Ctrl-C stops a pass.

    Columns are added in place, ``df["r"] = (df.x**2 + df.y**2) ** 0.5``; a filter gives another frame, ``df[df.x > 0]``. Frames may be
    used by several threads at once, and pickled: by path and state.

    Examples
    --------
    >>> df = from_dict({"x": [3.0, 6.0, -1.0], "y": [4.0, 8.0, 0.0]})
    >>> df["r"] = (df.x**2 + df.y**2) ** 0.5
    >>> df[df.x > 0].mean("r")
    7.5
    """

    def __init__(self, native: NativeFrame, origin: Any = None) -> None:
        self._begin(native, origin)

    def _begin(self, native: NativeFrame, origin: Any) -> None:
        self._lock = threading.RLock()
        self._native = native
        self._origin = origin
        self._selections = {}
        self._undone = {}
        self._functions = {}
        self._pending = []
        self._categories = {}
        self._threads = None
        self._memory = None

    def copy(self) -> Self:
        """Another frame of the same rows, to be changed by itself. No data is copied."""
        other = self.__class__.__new__(self.__class__)
        with self._lock:
            other._begin(self._native, self._origin)
            other._selections = dict(self._selections)
            other._functions = dict(self._functions)
            other._categories = dict(self._categories)
            other._threads, other._memory = self._threads, self._memory
        return other

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> Self:
        # The rows never change.
        return self.copy()

    def with_settings(self, threads: int | None = None, memory: int | None = None) -> Self:
        """The frame with other settings for its passes.

        Parameters
        ----------
        threads : int, optional
            How many threads compute.
        memory : int, optional
            Bytes that groups, different values and the like may take before they go to the disk, or are refused.
        """
        other = self.copy()
        other._threads, other._memory = threads, memory
        return other

    # -- columns and rows ------------------------------------------------------------------------------------------

    def _text(self, what: Any) -> str:
        of = getattr(what, "df", None)
        if of is not None and of is not self and isinstance(of, Frame) and of._functions:
            adopt(self, of._functions)
        return super()._text(what)

    def __getitem__(self, key: Any) -> Any:
        """A column or an expression by text, rows by a condition, a slice or places, or some columns by a list.

        Examples
        --------
        >>> df = from_dict({"x": [1.0, 2.0, 3.0], "y": [0.0, 1.0, 2.0]})
        >>> df["x + y"].tolist(), df[df.x > 1].x.tolist(), df[1:].x.tolist(), df[["y"]].column_names, df[-1]
        ([1.0, 3.0, 5.0], [2.0, 3.0], [2.0, 3.0], ['y'], {'x': 3.0, 'y': 2.0})
        """
        if isinstance(key, str):
            return self._named(key)
        if hasattr(key, "expression"):
            return self.filter(key)
        if isinstance(key, slice):
            return self._sliced(key)
        if isinstance(key, (list, tuple)) and all(isinstance(one, str) or hasattr(one, "expression") for one in key):
            return self._with_columns(list(key))
        if isinstance(key, int) and not isinstance(key, bool):
            return self._row(key)
        return self._chosen(key)

    def _named(self, text: str) -> Expression:
        if text in self._native.names():
            return self._column(text)
        try:
            self._native.type_of(text)
        except NotFoundError:
            # Names that are selections are no columns.
            if text not in self._selections:
                raise
        return self._expression(text, 0)

    def _row(self, place: int) -> dict[str, Any]:
        rows = self.take([place]).to_records()
        row: dict[str, Any] = rows[0]
        return row

    def _with_columns(self, given: list[Any]) -> Self:
        known, names = self._native.names(), []
        other = self.copy()
        for one in given:
            text = self._text(one)
            name = next((name for name in known if _text.quoted(name) == text), None)
            if name is None:
                name = text
                other.add_virtual_column(name, self._expression(text))
            names.append(name)
        other._change(lambda native: native.select(names))
        return other

    def __setitem__(self, name: str, value: Any) -> None:
        """Add a column, or replace one: an expression, text of one, a value, or an array with a value for each row."""
        if isinstance(value, str) and value not in self._native.names():
            # Text is an expression, as Vaex has it.
            value = self._named(value)
        self._assign(name, value)

    def __delitem__(self, name: str) -> None:
        self.drop(name, inplace=True)

    def __getattr__(self, name: str) -> Expression:
        if name.startswith("__") or "_native" not in self.__dict__:
            raise AttributeError(name)
        names = self._native.names()
        if name in names:
            return self._column(name)
        import difflib

        near = difflib.get_close_matches(name, [*names, *dir(type(self))], 1)
        hint = f"; did you mean {near[0]}?" if near else f"; its columns are {', '.join(names[:20])}{', ...' if len(names) > 20 else ''}"
        raise AttributeError(f"the frame has no column or method {name!r}{hint}")

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            raise AttributeError(f"df.{name} = ... adds no column: write df[{name!r}] = ...")
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(name for name in self._native.names() if name.isidentifier())})

    def _ipython_key_completions_(self) -> list[str]:
        return self._native.names()

    def __bool__(self) -> bool:
        raise InvalidInputError(
            "a frame is neither true nor false", code="ambiguous-truth", hint="len(df) counts the rows that pass its filter"
        )

    # -- what it shows ---------------------------------------------------------------------------------------------

    def describe(self, progress: Any = None) -> Description:
        """What each column holds: values and missing ones, how many are different, mean, deviation and extremes; in one pass."""
        with self._passing(progress) as options:
            return Description(self._native.describe(options))

    @property
    def viz(self) -> Viz:
        """Histograms and heatmaps, with matplotlib."""
        from ..viz import Viz

        return Viz(self)

    @property
    def origins(self) -> list[tuple[str, str]]:
        """The tables of a bundle that the rows come from, each with the version."""
        return self._native.origins()

    def __repr__(self) -> str:
        return frame_text(self)

    def _repr_html_(self) -> str:
        return frame_html(self)
