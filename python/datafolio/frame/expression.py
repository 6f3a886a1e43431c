"""Expressions: what is to be computed of the columns of a frame, for each row."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import _native
from ..exceptions import InvalidInputError, InvalidTypeError
from . import _text, ufuncs
from ._text import operand, wrapped
from .datetimes import Datetimes, Durations
from .expression_aggregates import ExpressionAggregates
from .functions import bound_function, known_functions
from .strings import Strings

if TYPE_CHECKING:
    import numpy as np

    from ._base import Base

_COMPARED = _text.SHIFT


class Expression(ExpressionAggregates):
    """What is to be computed of the columns of a frame, for each row.

    Nothing is computed before values are asked for. Expressions are made by operators and functions of columns: ``df.x + 1``,
    ``np.log(df.x)``, ``df.name.str.lower()``. All functions of the engine are methods, as ``df.x.clip(0, 1)``; ``dir(df.x)`` lists them.

    Examples
    --------
    >>> df = from_dict({"x": [3.0, 4.0], "y": [4.0, 3.0]})
    >>> r = (df.x**2 + df.y**2) ** 0.5
    >>> r
    <Expression (x ** 2 + y ** 2) ** 0.5: float64>
    >>> r.tolist()
    [5.0, 5.0]
    """

    __slots__ = ("_binds", "df", "expression")

    # numpy's own types leave operators with an expression to it.
    __array_priority__ = 1000
    __hash__ = object.__hash__

    def __init__(self, df: Base, expression: str, binds: int = _text.ATOM) -> None:
        self.df = df
        self.expression = expression
        self._binds = binds

    # -- what it is ------------------------------------------------------------------------------------------------

    @property
    def dtype(self) -> str:
        """The name of its type, as ``"float64"``, ``"string"``, ``"datetime64[ns]"``, ``"float32[3]"``."""
        return self.df._native.type_of(self.expression)  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        """Axes of its values with that of the rows."""
        return len(self.shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of rows, and the shape of a value. A filter takes a pass."""
        _, _, inner = self.dtype.partition("[")
        axes = inner.rstrip("]").split(", ") if self.is_vector() else []
        return (len(self), *(int(length) for length in axes))

    def is_vector(self) -> bool:
        """Whether each row has several numbers."""
        name, bracket, _ = self.dtype.partition("[")
        return bool(bracket) and name not in ("datetime64", "timedelta64")

    def is_string(self) -> bool:
        """Whether it has texts."""
        return self.dtype == "string"

    def __len__(self) -> int:
        return self.df._native.count_rows()  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        try:
            dtype = self.dtype
        except Exception as error:
            dtype = str(error).splitlines()[0]
        shown = self.expression if len(self.expression) <= 200 else self.expression[:197] + "..."
        return f"<Expression {shown}: {dtype}>"

    def __bool__(self) -> bool:
        raise InvalidTypeError(
            f"'{self.expression}' has a value for each row, and is neither true nor false",
            code="ambiguous-truth",
            hint="join conditions by &, | and ~ with parentheses around each: (df.x > 0) & (df.y > 0)",
        )

    def __dir__(self) -> list[str]:
        own = [name for name in known_functions(self.df) if not name.startswith(("str_", "dt_", "td_"))]
        return sorted({*super().__dir__(), *own})

    def __getattr__(self, name: builtins.str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        function = bound_function(self, name)
        if function is not None:
            return function
        import difflib

        near = difflib.get_close_matches(name, dir(self), 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise AttributeError(f"expressions have no method {name!r}{hint}")

    # -- values ----------------------------------------------------------------------------------------------------

    @property
    def values(self) -> np.ndarray[Any, Any]:
        """All values as an array of numpy, computed now."""
        return self.to_numpy()

    def to_numpy(self) -> np.ndarray[Any, Any]:
        """All values as an array of numpy, masked where values are missing."""
        return self.df.evaluate(self)  # type: ignore[no-any-return]

    def to_arrow(self) -> Any:
        """All values as an array of pyarrow."""
        return self.df.evaluate(self, array_type="arrow")

    def to_pandas(self) -> Any:
        """All values as a series of pandas."""
        name = self.expression if self.expression in self.df._native.names() else None
        return self.to_arrow().to_pandas().rename(name)

    to_pandas_series = to_pandas

    def to_list(self) -> list[Any]:
        """All values as a list of plain values."""
        return self.df.evaluate(self, array_type="list")  # type: ignore[no-any-return]

    tolist = to_list

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array = self.to_numpy()
        return array if dtype is None else array.astype(dtype)

    def __iter__(self) -> Any:
        for _, _, chunk in self.df.evaluate_iterator(self, chunk_size=65536, array_type="list"):
            yield from chunk

    def __getitem__(self, key: Any) -> Any:
        """Components of vectors (``emb[:, 3]``), or the same of some rows (``x[10:20]``, ``x[df.y > 0]``)."""
        if isinstance(key, tuple):
            return self._components(key)
        if isinstance(key, int):
            return self.df[key : key + 1 if key != -1 else None]._expression(self.expression, self._binds).tolist()[0]
        if isinstance(key, slice):
            return self.df[key]._expression(self.expression, self._binds)
        if isinstance(key, Expression):
            return self.df[key]._expression(self.expression, self._binds)
        raise InvalidTypeError(f"{key!r} names neither rows nor components: give a slice, as x[:10], or emb[:, 3]")

    def _components(self, key: tuple[Any, ...]) -> Expression:
        rows, *axes = key
        if not (isinstance(rows, slice) and rows == slice(None)):
            return self[rows]._components((slice(None), *axes))  # type: ignore[no-any-return]
        written = []
        for axis in axes:
            if isinstance(axis, slice):
                if axis.step not in (None, 1):
                    raise InvalidInputError(f"{self.expression}: components are taken one after the other, without steps")
                low = "" if axis.start is None else str(int(axis.start))
                written.append(f"{low}:{'' if axis.stop is None else int(axis.stop)}")
            else:
                written.append(str(int(axis)))
        text = wrapped(self.expression, self._binds, _text.ATOM)
        return self._made(f"{text}[:, {', '.join(written)}]")

    # -- operators -------------------------------------------------------------------------------------------------

    def _made(self, text: str, binds: int = _text.ATOM) -> Expression:
        return Expression(self.df, text, binds)

    def _binary(self, sign: str, binds: int, left: Any, right: Any, least: tuple[int, int] | None = None) -> Expression:
        low, high = least or (binds, binds + 1)
        first, second = wrapped(*operand(left), low), wrapped(*operand(right), high)
        return self._made(f"{first} {sign} {second}", binds)

    def __add__(self, other: Any) -> Expression:
        return self._binary("+", _text.SUM, self, other)

    def __radd__(self, other: Any) -> Expression:
        return self._binary("+", _text.SUM, other, self)

    def __sub__(self, other: Any) -> Expression:
        return self._binary("-", _text.SUM, self, other)

    def __rsub__(self, other: Any) -> Expression:
        return self._binary("-", _text.SUM, other, self)

    def __mul__(self, other: Any) -> Expression:
        return self._binary("*", _text.PRODUCT, self, other)

    def __rmul__(self, other: Any) -> Expression:
        return self._binary("*", _text.PRODUCT, other, self)

    def __truediv__(self, other: Any) -> Expression:
        return self._binary("/", _text.PRODUCT, self, other)

    def __rtruediv__(self, other: Any) -> Expression:
        return self._binary("/", _text.PRODUCT, other, self)

    def __floordiv__(self, other: Any) -> Expression:
        return self._binary("//", _text.PRODUCT, self, other)

    def __rfloordiv__(self, other: Any) -> Expression:
        return self._binary("//", _text.PRODUCT, other, self)

    def __mod__(self, other: Any) -> Expression:
        return self._binary("%", _text.PRODUCT, self, other)

    def __rmod__(self, other: Any) -> Expression:
        return self._binary("%", _text.PRODUCT, other, self)

    def __pow__(self, other: Any) -> Expression:
        return self._binary("**", _text.POWER, self, other, (_text.ATOM, _text.UNARY))

    def __rpow__(self, other: Any) -> Expression:
        return self._binary("**", _text.POWER, other, self, (_text.ATOM, _text.UNARY))

    def __lshift__(self, other: Any) -> Expression:
        return self._binary("<<", _text.SHIFT, self, other)

    def __rshift__(self, other: Any) -> Expression:
        return self._binary(">>", _text.SHIFT, self, other)

    def __and__(self, other: Any) -> Expression:
        return self._binary("&", _text.BIT_AND, self, other)

    def __rand__(self, other: Any) -> Expression:
        return self._binary("&", _text.BIT_AND, other, self)

    def __or__(self, other: Any) -> Expression:
        return self._binary("|", _text.BIT_OR, self, other)

    def __ror__(self, other: Any) -> Expression:
        return self._binary("|", _text.BIT_OR, other, self)

    def __xor__(self, other: Any) -> Expression:
        return self._binary("^", _text.BIT_XOR, self, other)

    def __rxor__(self, other: Any) -> Expression:
        return self._binary("^", _text.BIT_XOR, other, self)

    def _compared(self, sign: str, other: Any) -> Expression:
        return self._binary(sign, _text.COMPARE, self, other, (_COMPARED, _COMPARED))

    def __eq__(self, other: Any) -> Expression:  # type: ignore[override]
        return self._compared("==", other)

    def __ne__(self, other: Any) -> Expression:  # type: ignore[override]
        return self._compared("!=", other)

    def __lt__(self, other: Any) -> Expression:
        return self._compared("<", other)

    def __le__(self, other: Any) -> Expression:
        return self._compared("<=", other)

    def __gt__(self, other: Any) -> Expression:
        return self._compared(">", other)

    def __ge__(self, other: Any) -> Expression:
        return self._compared(">=", other)

    def __neg__(self) -> Expression:
        return self._made(f"-{wrapped(self.expression, self._binds, _text.UNARY)}", _text.UNARY)

    def __pos__(self) -> Expression:
        return self

    def __invert__(self) -> Expression:
        return self._made(f"~{wrapped(self.expression, self._binds, _text.UNARY)}", _text.UNARY)

    def __abs__(self) -> Expression:
        return self._called("abs")

    def __round__(self, decimals: int = 0) -> Expression:
        return self._called("round", decimals)

    # -- functions -------------------------------------------------------------------------------------------------

    def _called(self, name: str, *arguments: Any, **named: Any) -> Expression:
        return self._made(_text.call(name, self, *arguments, **named))

    @property
    def str(self) -> Strings:
        """Functions of texts."""
        return Strings(self)

    @property
    def dt(self) -> Datetimes:
        """Parts and functions of instants."""
        return Datetimes(self)

    @property
    def td(self) -> Durations:
        """Parts of durations."""
        return Durations(self)

    def astype(self, dtype: Any, errors: Any = None) -> Expression:
        """The values in another type.

        Parameters
        ----------
        dtype
            A type of the engine, Python, numpy or pandas.
        errors
            What becomes of values that do not fit: ``None`` has no result, ``"null"`` makes them missing, ``"saturate"`` the nearest.
        """
        return self._called("astype", _text.type_name(dtype), errors=errors)

    def isin(self, values: Any, use_hashmap: bool = True) -> Expression:
        """Whether a value is among others. None finds missing values, NaN finds NaN."""
        return self._called("isin", list(values) if isinstance(values, (set, frozenset, range)) else values)

    def clip(self, lower: Any = None, upper: Any = None, **numpy: Any) -> Expression:
        """Values between two others."""
        lower, upper = numpy.get("min", lower), numpy.get("max", upper)
        if lower is None:
            return self._called("minimum", upper)
        if upper is None:
            return self._called("maximum", lower)
        return self._called("clip", lower, upper)

    def round(self, decimals: int = 0, out: Any = None) -> Expression:
        """Rounded to so many decimals, halves to the even one."""
        return self._called("round", decimals)

    def map(self, mapper: Any, nan_value: Any = None, missing_value: Any = None, default_value: Any = None,
            allow_missing: bool = False) -> Expression:
        """Other values in place of these.

        Parameters
        ----------
        mapper
            A dict from values to others, or a series of pandas.
        nan_value, missing_value
            What NaN, and what a missing value, becomes.
        default_value
            What values become that are no key. Without it, a row with one has no result, unless `allow_missing`.
        """
        pairs = dict(mapper.items())
        if nan_value is not None:
            pairs[float("nan")] = nan_value
        if missing_value is not None:
            pairs[None] = missing_value
        return self._called("map", pairs, default_value=default_value, allow_missing=allow_missing or None)

    def apply(self, f: Callable[..., Any], vectorize: bool = False, returns: Any = None) -> Expression:
        """Calls a function of Python's for each value, or with `vectorize` for blocks: slow, and for what no function does."""
        return self.df.apply(f, [self], vectorize=vectorize, returns=returns)  # type: ignore[no-any-return]

    def variables(self) -> set[builtins.str]:
        """The columns that it is computed of."""
        tree = _native.Frame.written(self.expression)
        return {name for name in self.df._native.names() if _text.quoted(name) in tree}

    def copy(self, df: Base | None = None) -> Expression:
        """The same of another frame."""
        return Expression(df or self.df, self.expression, self._binds)

    # -- numpy -----------------------------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: builtins.str, *inputs: Any, **kwargs: Any) -> Any:
        return ufuncs.called(self, ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, arguments: Any, kwargs: Any) -> Any:
        return ufuncs.function(self, function, arguments, kwargs)
