"""The columns of a frame: what they are, and what is made of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .. import _native
from ..exceptions import InvalidInputError
from . import _text
from ._base import Base
from ._values import parts_of

if TYPE_CHECKING:
    from typing_extensions import Self

    from .expression import Expression


class ColumnNames:
    """``df.col``: the columns, whatever they are called."""

    __slots__ = ("_df",)

    def __init__(self, df: Base) -> None:
        self._df = df

    def __getattr__(self, name: str) -> Expression:
        if name not in self._df._native.names():
            raise AttributeError(f"there is no column {name!r}")
        return self._df._column(name)

    def __getitem__(self, name: str) -> Expression:
        return self._df._column(self._df._name(name))

    def __dir__(self) -> list[str]:
        return [name for name in self._df._native.names() if name.isidentifier()]

    def _ipython_key_completions_(self) -> list[str]:
        return self._df._native.names()


class Columns(Base):
    """The part of a frame that has columns."""

    @property
    def column_names(self) -> list[str]:
        """The names of the columns, in order."""
        return self._native.names()

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in order."""
        return self._native.names()

    @property
    def col(self) -> ColumnNames:
        """The columns by attribute, also those that are called like a method."""
        return ColumnNames(self)

    def get_column_names(self, virtual: bool = True, strings: bool = True, regex: str | None = None) -> list[str]:
        """The names of the columns, of some kinds.

        Parameters
        ----------
        virtual : bool
            Whether columns that are computed are told.
        strings : bool
            Whether columns of texts are told.
        regex : str, optional
            What the names match.
        """
        return [
            name
            for name, dtype, _, _, expression in self._native.schema()
            if (virtual or expression is None)
            and (strings or dtype != "string")
            and (regex is None or re.match(regex, name))
        ]

    @property
    def dtypes(self) -> dict[str, str]:
        """The types by column."""
        return {name: dtype for name, dtype, *_ in self._native.schema()}

    def data_type(self, expression: Any) -> str:
        """The type of an expression."""
        return self._native.type_of(self._text(expression))

    @property
    def units(self) -> dict[str, str]:
        """The units of columns, where they were noted."""
        return {name: unit for name, _, unit, _, _ in self._native.schema() if unit is not None}

    @property
    def descriptions(self) -> dict[str, str]:
        """The descriptions of columns, where they were noted."""
        return {name: about for name, _, _, about, _ in self._native.schema() if about is not None}

    @property
    def virtual_columns(self) -> dict[str, str]:
        """What columns are computed of, for those that are."""
        return {name: text for name, _, _, _, text in self._native.schema() if text is not None}

    @property
    def variables(self) -> dict[str, str]:
        """The values that have names, as text."""
        return dict(self._native.state()["variables"])

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return self._native.count_rows(), len(self._native.names())

    def add_virtual_column(self, name: str, expression: Any) -> None:
        """Add a column that is computed whenever it is asked for, of an expression or text of one."""
        text = self._text(expression)
        self._change(lambda native: native.with_column(name, text))

    def add_column(self, name: str, data: Any) -> None:
        """Add a column of values in memory: an array, a list, or a series, with a value for each row that passes the filter."""
        parts = parts_of(data, f"column {name!r}")
        with self._lock:
            state = self._native.state()
            # The columns become those of another source, which knows nothing of the rest.
            native = self._native.with_values(name, parts)
            for function, kernel in self._functions.items():
                if kernel.returns is not None:
                    native = native.with_function(function, kernel.returns, kernel)
            for variable, text in state["variables"].items():
                native = native.with_variable(variable, text)
            for selection, text in state["selections"].items():
                native = native.with_selection(selection, text)
            self._native = native
            self._origin = None

    def add_variable(self, name: str, value: Any) -> None:
        """Give a value a name for expressions."""
        text = _text.literal(value)
        self._change(lambda native: native.with_variable(name, text))

    def _assign(self, name: str, value: Any) -> None:
        if not isinstance(name, str):
            raise InvalidInputError(f"a column has a name that is text, and {name!r:.80} is none", code="invalid-name")
        if isinstance(value, str) or hasattr(value, "expression") or _is_scalar(value):
            self.add_virtual_column(name, value)
        else:
            self.add_column(name, value)

    def rename(self, name: Any, new_name: str, inplace: bool = True) -> str:
        """Give a column another name, in all expressions too."""
        old = self._name(name)
        self._change(lambda native: native.rename(old, new_name))
        return new_name

    def drop(self, columns: Any, inplace: bool = False, check: bool = True) -> Self:
        """The frame without some columns; what is computed of them still is."""
        names = self._names(columns)
        df = self if inplace else self.copy()
        df._change(lambda native: native.drop(names))
        return df

    def fillna(
        self, value: Any, column_names: Any = None, fill_nan: bool = True, fill_masked: bool = True, inplace: bool = False
    ) -> Self:
        """The frame with a value where there is none, or NaN, in the columns that can hold it."""
        df = self if inplace else self.copy()
        dtypes = self.dtypes
        is_text = isinstance(value, str)
        for name in self._names(column_names):
            if column_names is None and ((dtypes[name] == "string") != is_text or not _can_fill(dtypes[name])):
                continue
            text = _text.call(
                "fillna",
                self._column(name),
                value,
                fill_nan=None if fill_nan else False,
                fill_masked=None if fill_masked else False,
            )
            df.add_virtual_column(name, self._expression(text))
        return df

    def materialize(self, column: Any = None, inplace: bool = False) -> Self:
        """The frame with computed columns computed once, and kept in memory."""
        names = list(self.virtual_columns) if column is None else self._names(column)
        df = self if inplace else self.copy()
        for name in names:
            df.add_column(name, self._column(name).to_numpy())
        return df

    def concat(self, *others: Base, resolver: str = "flexible") -> Self:
        """The rows of other frames below those of this one, see :func:`concat`."""
        return concat([self, *others], resolver)  # type: ignore[no-any-return]

    def __contains__(self, name: object) -> bool:
        return name in self._native.names()

    def __iter__(self) -> Iterator[str]:
        return iter(self._native.names())


def _is_scalar(value: Any) -> bool:
    if value is None or isinstance(value, (bool, int, float)):
        return True
    return not hasattr(value, "__len__") and not hasattr(value, "__array__") and not hasattr(value, "__arrow_c_stream__")


def _can_fill(dtype: str) -> bool:
    return dtype.startswith(("int", "uint", "float", "string")) and "[" not in dtype


def concat(dfs: Any, resolver: str = "flexible") -> Any:
    """Frames one below the other, which are told apart by the names of their columns.

    Parameters
    ----------
    dfs : list of Frame
        The frames, with their filters and virtual columns.
    resolver : {"flexible", "strict"}
        ``"flexible"``: what a frame lacks is missing in its rows, and types are widened. ``"strict"`` refuses both.

    Examples
    --------
    >>> a, b = from_dict({"x": [1, 2]}), from_dict({"x": [3], "y": ["b"]})
    >>> concat([a, b]).to_dict()
    {'x': [1, 2, 3], 'y': [None, None, 'b']}
    """
    from .frame import Frame

    frames = list(dfs)
    if not frames:
        raise InvalidInputError("concat: give at least one frame", code="no-frame")
    if resolver not in ("flexible", "strict"):
        raise InvalidInputError(f"resolver: there is no {resolver!r}; give 'flexible' or 'strict'")
    if resolver == "strict":
        first = frames[0].dtypes
        for frame in frames[1:]:
            if frame.dtypes != first:
                raise InvalidInputError("the frames have different columns, or different types", code="not-alike")
    return Frame(_native.Frame.concat([frame._native for frame in frames]))
