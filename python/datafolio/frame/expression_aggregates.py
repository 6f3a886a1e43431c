"""What is asked of all values of an expression: ``df.x.mean()`` is ``df.mean(df.x)``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .._table import Table
    from .expression import Expression


class ExpressionAggregates:
    """The aggregations of a frame as methods of an expression."""

    __slots__ = ()

    df: Any

    def _asked(self, name: str, *arguments: Any, **options: Any) -> Any:
        # np.sum(df.x) and the like pass these on.
        for key in ("dtype", "out", "keepdims"):
            if not options.get(key):
                options.pop(key, None)
        return getattr(self.df, name)(self, *arguments, **options)

    def count(self, **options: Any) -> Any:
        """Number of values that are neither missing nor NaN."""
        return self._asked("count", **options)

    def sum(self, axis: int | None = None, **options: Any) -> Any:
        """Sum. With ``axis=1`` an expression, the sum of each row's vector."""
        return self._asked("sum", axis, **options)

    def mean(self, axis: int | None = None, **options: Any) -> Any:
        """Mean. With ``axis=1`` an expression, the mean of each row's vector."""
        return self._asked("mean", axis, **options)

    def var(self, axis: int | None = None, ddof: int = 0, **options: Any) -> Any:
        """Variance of the population, unless `ddof` takes off degrees of freedom."""
        return self._asked("var", ddof, axis, **options)

    def std(self, axis: int | None = None, ddof: int = 0, **options: Any) -> Any:
        """Standard deviation of the population, unless `ddof` takes off degrees of freedom."""
        return self._asked("std", ddof, axis, **options)

    def min(self, axis: int | None = None, **options: Any) -> Any:
        """Least value. With ``axis=1`` an expression, the least of each row's vector."""
        return self._asked("min", axis, **options)

    def max(self, axis: int | None = None, **options: Any) -> Any:
        """Greatest value. With ``axis=1`` an expression, the greatest of each row's vector."""
        return self._asked("max", axis, **options)

    def minmax(self, **options: Any) -> Any:
        """Least and greatest value."""
        return self._asked("minmax", **options)

    def skew(self, **options: Any) -> Any:
        """Skewness of the population."""
        return self._asked("skew", **options)

    def kurtosis(self, **options: Any) -> Any:
        """Excess kurtosis of the population."""
        return self._asked("kurtosis", **options)

    def median(self, axis: None = None, **options: Any) -> Any:
        """Median, exactly."""
        options.pop("overwrite_input", None)
        return self._asked("median", **options)

    def quantile(self, q: float | Sequence[float] = 0.5, **options: Any) -> Any:
        """Quantile, exactly."""
        return self._asked("quantile", q, **options)

    def median_approx(self, **options: Any) -> Any:
        """Median by a sketch."""
        return self._asked("median_approx", **options)

    def percentile_approx(self, percentage: float | Sequence[float] = 50.0, **options: Any) -> Any:
        """Percentile by a sketch."""
        return self._asked("percentile_approx", percentage, **options)

    def mode(self, **options: Any) -> Any:
        """The most frequent value."""
        return self._asked("mode", **options)

    def nunique(self, dropna: bool = False, dropnan: bool = False, dropmissing: bool = False, **options: Any) -> Any:
        """Number of different values."""
        return self._asked("nunique", dropna, dropnan, dropmissing, **options)

    def approx_nunique(self, **options: Any) -> Any:
        """Number of different values by a sketch."""
        return self._asked("approx_nunique", **options)

    def unique(self, dropna: bool = False, dropnan: bool = False, dropmissing: bool = False, **options: Any) -> Any:
        """The different values."""
        return self._asked("unique", dropna, dropnan, dropmissing, **options)

    def value_counts(self, **options: Any) -> Table:
        """How often each value occurs."""
        return self._asked("value_counts", **options)  # type: ignore[no-any-return]

    def first(self, order_expression: Any = None, **options: Any) -> Any:
        """The value of the first row."""
        return self._asked("first", order_expression, **options)

    def last(self, order_expression: Any = None, **options: Any) -> Any:
        """The value of the last row."""
        return self._asked("last", order_expression, **options)

    def any(self, axis: None = None, **options: Any) -> Any:
        """Whether it is true in some row."""
        return self._asked("any", **options)

    def all(self, axis: None = None, **options: Any) -> Any:
        """Whether it is true in all rows."""
        return self._asked("all", **options)

    def covar(self, other: Expression, **options: Any) -> Any:
        """Covariance with another expression."""
        return self._asked("covar", other, **options)

    def correlation(self, other: Expression, **options: Any) -> Any:
        """Correlation with another expression."""
        return self._asked("correlation", other, **options)

    def top_k(self, k: int = 10, **options: Any) -> Table:
        """The rows with the greatest values."""
        return self._asked("top_k", k, **options)  # type: ignore[no-any-return]

    def nearest(self, target: Any, k: int = 10, **options: Any) -> Table:
        """The rows whose vectors are nearest to one."""
        return self._asked("nearest", target, k, **options)  # type: ignore[no-any-return]
