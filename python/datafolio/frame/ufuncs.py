"""Functions of numpy that are given expressions: they become functions of the engine."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..exceptions import UnsupportedError
from . import _text

if TYPE_CHECKING:
    from .expression import Expression

# Ufuncs that are operators.
_OPERATORS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "true_divide": operator.truediv,
    "floor_divide": operator.floordiv,
    "remainder": operator.mod,
    "mod": operator.mod,
    "power": operator.pow,
    "float_power": operator.pow,
    "negative": operator.neg,
    "positive": operator.pos,
    "invert": operator.invert,
    "bitwise_not": operator.invert,
    "logical_not": operator.invert,
    "bitwise_and": operator.and_,
    "logical_and": operator.and_,
    "bitwise_or": operator.or_,
    "logical_or": operator.or_,
    "bitwise_xor": operator.xor,
    "logical_xor": operator.xor,
    "left_shift": operator.lshift,
    "right_shift": operator.rshift,
    "equal": operator.eq,
    "not_equal": operator.ne,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
}
# Ufuncs that the engine calls otherwise.
_OTHERWISE = {
    "absolute": "abs",
    "fabs": "abs",
    "radians": "deg2rad",
    "degrees": "rad2deg",
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "atan2": "arctan2",
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
    "pow": "power",
}


def called(expression: Expression, ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What ``__array_ufunc__`` answers."""
    name = ufunc.__name__
    if method == "reduce" and name in ("add", "maximum", "minimum", "logical_and", "logical_or"):
        reduced = {"add": "sum", "maximum": "max", "minimum": "min", "logical_and": "all", "logical_or": "any"}[name]
        return getattr(inputs[0], reduced)()
    if method != "__call__" or any(value is not None for key, value in kwargs.items() if key not in ("casting", "order")):
        raise _unsupported(f"np.{name}.{method}" if method != "__call__" else f"np.{name} with {', '.join(kwargs)}")
    if any(getattr(value, "ndim", 0) and not hasattr(value, "expression") for value in inputs):
        raise UnsupportedError(
            f"np.{name} of an expression and an array: an array has rows of its own",
            code="array-beside-expression",
            hint="add the array as a column first (df['a'] = array), or take the values (df.x.values)",
        )
    if name in _OPERATORS:
        # The scalars of numpy would call this again.
        plain = [value if hasattr(value, "expression") else _constant(expression, value) for value in inputs]
        return _OPERATORS[name](*plain)
    if name == "square":
        return inputs[0] ** 2
    if name == "reciprocal":
        return 1 / inputs[0]
    return _function(expression, _OTHERWISE.get(name, name), inputs)


def _constant(expression: Expression, value: Any) -> Expression:
    text, binds = _text.operand(value)
    return expression._made(text, binds)


def _function(expression: Expression, name: str, inputs: Any, **named: Any) -> Any:
    from .functions import known_functions

    if name not in known_functions(expression.df):
        raise _unsupported(f"np.{name}")
    return expression._made(_text.call(name, *inputs, **named))


def _unsupported(what: str) -> UnsupportedError:
    return UnsupportedError(
        f"{what} is no function of expressions",
        code="unknown-function",
        hint="df.add_function makes one of any function of numpy; df.x.values gives an array",
    )


def _method(name: str) -> Callable[..., Any]:
    return lambda expression, array, *arguments, **named: getattr(array, name)(*arguments, **named)


def _of(name: str) -> Callable[..., Any]:
    return lambda expression, *arguments, **named: _function(expression, name, arguments, **named)


def _sinc(expression: Expression, x: Any) -> Any:
    return _function(expression, "sinc", [x])


# Functions of numpy that are no ufuncs.
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "where": _of("where"),
    "digitize": _of("digitize"),
    "dot": _of("dot"),
    "sinc": _sinc,
    "isin": _method("isin"),
    "clip": _method("clip"),
    "round": _method("round"),
    "around": _method("round"),
    "sum": _method("sum"),
    "mean": _method("mean"),
    "std": _method("std"),
    "var": _method("var"),
    "min": _method("min"),
    "max": _method("max"),
    "amin": _method("min"),
    "amax": _method("max"),
    "nansum": _method("sum"),
    "nanmean": _method("mean"),
    "nanstd": _method("std"),
    "nanvar": _method("var"),
    "nanmin": _method("min"),
    "nanmax": _method("max"),
    "median": _method("median"),
    "nanmedian": _method("median"),
    "quantile": _method("quantile"),
    "nanquantile": _method("quantile"),
    "any": _method("any"),
    "all": _method("all"),
    "unique": _method("unique"),
    "fix": _of("trunc"),
    "searchsorted": lambda expression, sorted, values, side="left": _function(
        expression, "searchsorted", [values, sorted], side=None if side == "left" else side
    ),
    "shape": lambda expression, array: array.shape,
    "ndim": lambda expression, array: array.ndim,
}


def function(expression: Expression, numpy_function: Any, arguments: Any, kwargs: dict[str, Any]) -> Any:
    """What ``__array_function__`` answers."""
    name = numpy_function.__name__
    if name not in _FUNCTIONS:
        raise _unsupported(f"np.{name}")
    return _FUNCTIONS[name](expression, *arguments, **kwargs)
