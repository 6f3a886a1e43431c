"""What is asked of all rows, of each group or of each cell: ``agg.mean("x")``, with arithmetic between them.

Examples
--------
>>> from datafolio.frame import aggregate as agg
>>> df = from_dict({"k": ["a", "a", "b"], "x": [1.0, 2.0, 4.0]})
>>> df.groupby("k", agg={"n": agg.count(), "ratio": agg.sum("x") / agg.count()}, sort=True).to_pydict()
{'k': ['a', 'b'], 'n': [2, 1], 'ratio': [1.5, 4.0]}
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import _text
from ._text import wrapped

if TYPE_CHECKING:
    from ._base import Base

__all__ = [
    "Aggregation",
    "all",
    "any",
    "approx_median",
    "approx_nunique",
    "approx_quantile",
    "correlation",
    "count",
    "covar",
    "first",
    "kurtosis",
    "last",
    "list",
    "max",
    "mean",
    "median",
    "min",
    "minmax",
    "mode",
    "nunique",
    "quantile",
    "skew",
    "std",
    "sum",
    "top_values",
    "unique",
    "var",
]

# Texts of a frame, which knows names of columns that would be read as something else.
_Write = Callable[["Base"], tuple[str, int]]


class Aggregation:
    """An aggregation, or arithmetic of some."""

    __slots__ = ("_write", "name")

    def __init__(self, name: str, write: _Write) -> None:
        self.name = name
        self._write = write

    def text(self, df: Base) -> str:
        """As it is written for a frame."""
        return self._write(df)[0]

    def __repr__(self) -> str:
        return f"<Aggregation {self.name}>"

    def _joined(self, sign: str, binds: int, left: Any, right: Any, least: tuple[int, int]) -> Aggregation:
        def side(df: Base, value: Any, low: int) -> str:
            written = value._write(df) if isinstance(value, Aggregation) else _text.operand(value)
            return wrapped(*written, low)

        def write(df: Base) -> tuple[str, int]:
            return f"{side(df, left, least[0])} {sign} {side(df, right, least[1])}", binds

        named = [value.name if isinstance(value, Aggregation) else str(value) for value in (left, right)]
        return Aggregation(f" {sign} ".join(named), write)

    def __add__(self, other: Any) -> Aggregation:
        return self._joined("+", _text.SUM, self, other, (_text.SUM, _text.PRODUCT))

    def __radd__(self, other: Any) -> Aggregation:
        return self._joined("+", _text.SUM, other, self, (_text.SUM, _text.PRODUCT))

    def __sub__(self, other: Any) -> Aggregation:
        return self._joined("-", _text.SUM, self, other, (_text.SUM, _text.PRODUCT))

    def __rsub__(self, other: Any) -> Aggregation:
        return self._joined("-", _text.SUM, other, self, (_text.SUM, _text.PRODUCT))

    def __mul__(self, other: Any) -> Aggregation:
        return self._joined("*", _text.PRODUCT, self, other, (_text.PRODUCT, _text.UNARY))

    def __rmul__(self, other: Any) -> Aggregation:
        return self._joined("*", _text.PRODUCT, other, self, (_text.PRODUCT, _text.UNARY))

    def __truediv__(self, other: Any) -> Aggregation:
        return self._joined("/", _text.PRODUCT, self, other, (_text.PRODUCT, _text.UNARY))

    def __rtruediv__(self, other: Any) -> Aggregation:
        return self._joined("/", _text.PRODUCT, other, self, (_text.PRODUCT, _text.UNARY))

    def __floordiv__(self, other: Any) -> Aggregation:
        return self._joined("//", _text.PRODUCT, self, other, (_text.PRODUCT, _text.UNARY))

    def __pow__(self, other: Any) -> Aggregation:
        return self._joined("**", _text.POWER, self, other, (_text.ATOM, _text.UNARY))

    def __neg__(self) -> Aggregation:
        return 0 - self


def made(name: str, *expressions: Any, selection: Any = None, **named: Any) -> Aggregation:
    """The aggregation of a name, of expressions or names of columns."""

    def write(df: Base) -> tuple[str, int]:
        given = [df._text(expression) for expression in expressions]
        given += [f"{key}={_text.literal(value)}" for key, value in named.items() if value is not None]
        condition = df._condition(selection)
        if condition is not None:
            given.append(f"where={condition}")
        return f"{name}({', '.join(given)})", _text.ATOM

    of = [getattr(expression, "expression", expression) for expression in expressions]
    return Aggregation("_".join([*map(str, of[:1]), name]), write)


def count(expression: Any = None, selection: Any = None) -> Aggregation:
    """Number of rows, or of values that are neither missing nor NaN."""
    if expression is None or expression == "*":
        return made("count", selection=selection)
    return made("count", expression, selection=selection)


def sum(expression: Any, selection: Any = None) -> Aggregation:
    """Sum; of whole numbers exactly."""
    return made("sum", expression, selection=selection)


def mean(expression: Any, selection: Any = None) -> Aggregation:
    """Mean."""
    return made("mean", expression, selection=selection)


def var(expression: Any, ddof: int = 0, selection: Any = None) -> Aggregation:
    """Variance, of the population unless `ddof` takes off degrees of freedom."""
    return made("var", expression, ddof=ddof or None, selection=selection)


def std(expression: Any, ddof: int = 0, selection: Any = None) -> Aggregation:
    """Standard deviation, of the population unless `ddof` takes off degrees of freedom."""
    return made("std", expression, ddof=ddof or None, selection=selection)


def skew(expression: Any, selection: Any = None) -> Aggregation:
    """Skewness of the population."""
    return made("skew", expression, selection=selection)


def kurtosis(expression: Any, selection: Any = None) -> Aggregation:
    """Excess kurtosis of the population."""
    return made("kurtosis", expression, selection=selection)


def min(expression: Any, selection: Any = None) -> Aggregation:
    """Least value, of texts too."""
    return made("min", expression, selection=selection)


def max(expression: Any, selection: Any = None) -> Aggregation:
    """Greatest value, of texts too."""
    return made("max", expression, selection=selection)


def minmax(expression: Any, selection: Any = None) -> Aggregation:
    """Least and greatest value."""
    return made("minmax", expression, selection=selection)


def median(expression: Any, selection: Any = None) -> Aggregation:
    """Median, exactly."""
    return made("median", expression, selection=selection)


def quantile(expression: Any, q: float, selection: Any = None) -> Aggregation:
    """Quantile, exactly; between two values by linear interpolation."""
    return made("quantile", expression, q, selection=selection)


def approx_median(expression: Any, selection: Any = None) -> Aggregation:
    """Median by a sketch, in one pass."""
    return made("approx_median", expression, selection=selection)


def approx_quantile(expression: Any, q: float, selection: Any = None) -> Aggregation:
    """Quantile by a sketch, in one pass."""
    return made("approx_quantile", expression, q, selection=selection)


def mode(expression: Any, selection: Any = None) -> Aggregation:
    """The most frequent value."""
    return made("mode", expression, selection=selection)


def _kept(dropna: bool, dropnan: bool, dropmissing: bool) -> dict[str, Any]:
    return {"dropna": dropna or None, "dropnan": dropnan or None, "dropmissing": dropmissing or None}


def nunique(
    expression: Any,
    dropna: bool = False,
    dropnan: bool = False,
    dropmissing: bool = False,
    selection: Any = None,
) -> Aggregation:
    """Number of different values; what is missing counts as one, and NaN as one, unless they are dropped."""
    return made("nunique", expression, selection=selection, **_kept(dropna, dropnan, dropmissing))


def approx_nunique(expression: Any, selection: Any = None) -> Aggregation:
    """Number of different values by a sketch."""
    return made("approx_nunique", expression, selection=selection)


def unique(
    expression: Any,
    dropna: bool = False,
    dropnan: bool = False,
    dropmissing: bool = False,
    selection: Any = None,
) -> Aggregation:
    """The different values."""
    return made("unique", expression, selection=selection, **_kept(dropna, dropnan, dropmissing))


def list(
    expression: Any,
    dropna: bool = False,
    dropnan: bool = False,
    dropmissing: bool = False,
    selection: Any = None,
) -> Aggregation:
    """All values, in the order of rows."""
    return made("list", expression, selection=selection, **_kept(dropna, dropnan, dropmissing))


def top_values(expression: Any, n: int = 10, selection: Any = None) -> Aggregation:
    """The most frequent values, with how often they occur."""
    return made("top_values", expression, n, selection=selection)


def first(expression: Any, order_expression: Any = None, selection: Any = None) -> Aggregation:
    """The value of the first row, by the order of rows or of another expression."""
    return made("first", *_ordered(expression, order_expression), selection=selection)


def last(expression: Any, order_expression: Any = None, selection: Any = None) -> Aggregation:
    """The value of the last row, by the order of rows or of another expression."""
    return made("last", *_ordered(expression, order_expression), selection=selection)


def _ordered(expression: Any, order: Any) -> Any:
    return (expression,) if order is None else (expression, order)


def any(expression: Any, selection: Any = None) -> Aggregation:
    """Whether a condition is true in some row."""
    return made("any", expression, selection=selection)


def all(expression: Any, selection: Any = None) -> Aggregation:
    """Whether a condition is true in all rows."""
    return made("all", expression, selection=selection)


def covar(x: Any, y: Any, ddof: int = 0, selection: Any = None) -> Aggregation:
    """Covariance, of the rows in which both have a value."""
    return made("covar", x, y, ddof=ddof or None, selection=selection)


def correlation(x: Any, y: Any, selection: Any = None) -> Aggregation:
    """Pearson's correlation, of the rows in which both have a value."""
    return made("correlation", x, y, selection=selection)
