"""What is asked of all rows of a frame, or of the cells of a grid: ``df.mean("x")``, ``df.mean("x", binby="y", shape=10)``."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .._optional import need
from .._table import Table
from ..exceptions import InvalidInputError
from . import _answers, _text
from ._values import array_of_answers
from .binby import Grids
from .delayed import Delays

if TYPE_CHECKING:
    import numpy as np

# Of vectors, what is asked of all their components is made of what each answers.
_OF_VECTORS = ("count", "sum", "mean", "min", "max", "var", "std")


class Aggregations(Grids, Delays):
    """The part of a frame that answers questions about all rows.

    All of them take an expression, the name of a column, or a list of these (which gives an array, in one pass), and:

    * ``selection``: a condition for the rows, as an expression, as text or by the name of a selection; a list of these gives an array
      with an axis in front, in one pass;
    * ``binby``, ``limits``, ``shape``: one answer for each cell of a grid, see :meth:`Frame.binby`;
    * ``delay=True``: a promise, which :meth:`Frame.execute` keeps;
    * ``progress``: True for a bar, or a callable.
    """

    def _aggregate(
        self,
        name: str,
        expression: Any,
        arguments: str = "",
        *,
        binby: Any = None,
        limits: Any = None,
        shape: Any = 128,
        selection: Any = None,
        delay: bool = False,
        progress: Any = None,
        edges: bool = False,
        axis: int | None = None,
    ) -> Any:
        """An aggregation of one or several expressions, of which the rest of the arguments are given as text."""
        several = isinstance(expression, (list, tuple))
        texts = [""] if expression is None else self._texts(expression)
        if binby is not None and (not isinstance(binby, (list, tuple)) or binby):
            return self._gridded(name, texts, arguments, several, binby, limits, shape, selection, delay, progress, edges)
        conditions = selection if isinstance(selection, (list, tuple)) else [selection]
        asked: list[str] = []
        forms: list[tuple[int, Any]] = []
        for condition in map(self._condition, conditions):
            for text in texts:
                wanted, form = self._asked_of(name, text, arguments, condition, axis)
                forms.append((len(wanted), form))
                asked += wanted

        def shaped(answers: list[Any]) -> Any:
            left = iter(answers)
            values = [form([next(left) for _ in range(count)]) for count, form in forms]
            if not several and not isinstance(selection, (list, tuple)):
                return values[0]
            rows = [values[at : at + len(texts)] for at in range(0, len(values), len(texts))]
            nested: Any = rows if several else [row[0] for row in rows]
            return array_of_answers(nested if isinstance(selection, (list, tuple)) else nested[0])

        return self._asked(asked, shaped, delay, progress)

    def _asked_of(self, name: str, text: str, arguments: str, condition: str | None, axis: int | None) -> Any:
        """The texts that are asked for, and what becomes of their answers."""

        def written(name: str, arguments: str = arguments) -> str:
            given = [part for part in (text, arguments, f"where={condition}" if condition else "") if part]
            return f"{name}({', '.join(given)})"

        is_vector = bool(text) and name in _OF_VECTORS and axis != 0 and self._expression(text).is_vector()
        if not is_vector:
            return [written(name)], lambda answers: _answers.answer(answers[0])
        if name in ("count", "sum", "min", "max"):
            return [written(name)], lambda answers: _answers.over(name, answers[0])
        asked = [written("count", ""), written("mean", ""), *([written("var", "")] if name in ("var", "std") else [])]
        ddof = int(arguments.partition("=")[2] or 0)
        return asked, lambda answers: _answers.moment(name, ddof, answers)

    def count(self, expression: Any = None, **options: Any) -> Any:
        """Number of rows, or of values that are neither missing nor NaN.

        Examples
        --------
        >>> df = from_dict({"x": [1.0, None, 3.0]})
        >>> df.count(), df.count("x"), df.count("x", selection="x > 2")
        (3, 2, 1)
        """
        return self._aggregate("count", None if isinstance(expression, str) and expression == "*" else expression, **options)

    def sum(self, expression: Any, axis: int | None = None, **options: Any) -> Any:
        """Sum, of whole numbers exactly. Of vectors over all components; with ``axis=0`` of each, with ``axis=1`` of each row."""
        return self._along("sum", expression, axis, options)

    def mean(self, expression: Any, axis: int | None = None, **options: Any) -> Any:
        """Mean.

        Examples
        --------
        >>> df = from_dict({"x": [1.0, 2.0, 6.0], "y": [0.5, 1.5, 1.6]})
        >>> df.mean("x * y")
        4.366666666666667
        >>> df.mean("x", binby="y", limits=[0, 2], shape=2)
        array([1., 4.])
        """
        return self._along("mean", expression, axis, options)

    def var(self, expression: Any, ddof: int = 0, axis: int | None = None, **options: Any) -> Any:
        """Variance, of the population unless `ddof` takes off degrees of freedom."""
        return self._along("var", expression, axis, options, f"ddof={int(ddof)}" if ddof else "")

    def std(self, expression: Any, ddof: int = 0, axis: int | None = None, **options: Any) -> Any:
        """Standard deviation, of the population unless `ddof` takes off degrees of freedom."""
        return self._along("std", expression, axis, options, f"ddof={int(ddof)}" if ddof else "")

    def min(self, expression: Any, axis: int | None = None, **options: Any) -> Any:
        """Least value, of texts and instants too."""
        return self._along("min", expression, axis, options)

    def max(self, expression: Any, axis: int | None = None, **options: Any) -> Any:
        """Greatest value, of texts and instants too."""
        return self._along("max", expression, axis, options)

    def _along(self, name: str, expression: Any, axis: int | None, options: dict[str, Any], arguments: str = "") -> Any:
        if axis is not None and axis not in (0,):
            return self._expression(f"{name}({self._text(expression)}, axis={int(axis)})")
        return self._aggregate(name, expression, arguments, axis=axis, **options)

    def minmax(self, expression: Any, **options: Any) -> Any:
        """Least and greatest value, as an array of two; of several expressions a row for each."""
        if options.get("binby"):
            numpy = need("numpy", "a grid")
            both = [self._aggregate(name, expression, **options) for name in ("min", "max")]
            return numpy.stack(both, axis=-1)
        return self._aggregate("minmax", expression, **options)

    def skew(self, expression: Any, **options: Any) -> Any:
        """Skewness of the population."""
        return self._aggregate("skew", expression, **options)

    def kurtosis(self, expression: Any, **options: Any) -> Any:
        """Excess kurtosis of the population."""
        return self._aggregate("kurtosis", expression, **options)

    def median(self, expression: Any, **options: Any) -> Any:
        """Median, exactly, in a few passes."""
        return self._aggregate("median", expression, **options)

    def quantile(self, expression: Any, q: float | Sequence[float] = 0.5, **options: Any) -> Any:
        """Quantile, exactly, in a few passes; between two values by linear interpolation, as numpy has it.

        Parameters
        ----------
        q : float or list of float
            Between 0 and 1; of several, an array.
        """
        return self._quantiles("quantile", expression, q, options)

    def median_approx(self, expression: Any, **options: Any) -> Any:
        """Median by a sketch, in one pass."""
        return self._aggregate("approx_median", expression, **_answers.without_sketch(options))

    def percentile_approx(self, expression: Any, percentage: float | Sequence[float] = 50.0, **options: Any) -> Any:
        """Percentile by a sketch, in one pass: `percentage` is between 0 and 100."""
        shares: Any = float(percentage) / 100 if isinstance(percentage, (int, float)) else [one / 100 for one in percentage]
        return self._quantiles("approx_quantile", expression, shares, _answers.without_sketch(options))

    def approx_quantile(self, expression: Any, q: float | Sequence[float] = 0.5, **options: Any) -> Any:
        """Quantile by a sketch, in one pass."""
        return self._quantiles("approx_quantile", expression, q, options)

    approx_median = median_approx

    def _quantiles(self, name: str, expression: Any, q: Any, options: dict[str, Any]) -> Any:
        if not hasattr(q, "__len__"):
            return self._aggregate(name, expression, _text.literal(q), **options)
        delay = options.pop("delay", False)
        parts = [self._aggregate(name, expression, _text.literal(one), delay=True, **options) for one in q]
        if options.get("binby") is None and not delay:
            self.execute(options.get("progress"))
            return array_of_answers([_answers.plain(part.get()) for part in parts])
        numpy = need("numpy", "a grid")
        return numpy.stack([part.get() for part in parts])

    def mode(self, expression: Any, **options: Any) -> Any:
        """The most frequent value."""
        return self._aggregate("mode", expression, **options)

    def nunique(
        self,
        expression: Any,
        dropna: bool = False,
        dropnan: bool = False,
        dropmissing: bool = False,
        **options: Any,
    ) -> Any:
        """Number of different values; what is missing counts as one, and NaN as one, unless they are dropped."""
        return self._aggregate("nunique", expression, _answers.kept(dropna, dropnan, dropmissing), **options)

    def approx_nunique(self, expression: Any, **options: Any) -> Any:
        """Number of different values by a sketch, without what is missing, in little memory."""
        return self._aggregate("approx_nunique", expression, **options)

    def first(self, expression: Any, order_expression: Any = None, **options: Any) -> Any:
        """The value of the first row, by the order of rows or of another expression."""
        return self._aggregate("first", expression, self._order(order_expression), **options)

    def last(self, expression: Any, order_expression: Any = None, **options: Any) -> Any:
        """The value of the last row, by the order of rows or of another expression."""
        return self._aggregate("last", expression, self._order(order_expression), **options)

    def _order(self, order_expression: Any) -> str:
        return "" if order_expression is None else self._text(order_expression)

    def any(self, expression: Any, **options: Any) -> Any:
        """Whether a condition is true in some row."""
        return self._aggregate("any", expression, **options)

    def all(self, expression: Any, **options: Any) -> Any:
        """Whether a condition is true in all rows."""
        return self._aggregate("all", expression, **options)

    def list(self, expression: Any, dropna: bool = False, **options: Any) -> Any:
        """All values as a list, in the order of rows."""
        return self._aggregate("list", expression, _answers.kept(dropna, False, False), **options)

    def covar(self, x: Any, y: Any, ddof: int = 0, **options: Any) -> Any:
        """Covariance, of the rows in which both have a value."""
        ending = f", ddof={int(ddof)}" if ddof else ""
        return self._aggregate("covar", x, self._text(y) + ending, **options)

    def cov(self, x: Any, y: Any = None, ddof: int = 0, **options: Any) -> np.ndarray[Any, Any]:
        """The matrix of covariances of several expressions, each of the rows in which both have a value."""
        return self._matrix("covar", x, y, f", ddof={int(ddof)}" if ddof else "", options)

    def correlation(self, x: Any, y: Any = None, **options: Any) -> Any:
        """Pearson's correlation of two expressions, or the matrix of those of a list."""
        if y is None:
            return self._matrix("correlation", x, None, "", options)
        if isinstance(y, (list, tuple)):
            return array_of_answers([self.correlation(x, one, **options) for one in y])
        return self._aggregate("correlation", x, self._text(y), **options)

    def _matrix(self, name: str, x: Any, y: Any, ending: str, options: dict[str, Any]) -> np.ndarray[Any, Any]:
        texts = [*self._texts(x), *([] if y is None else self._texts(y))]
        pairs = [(a, b) for a in range(len(texts)) for b in range(a, len(texts))]
        condition = self._condition(options.pop("selection", None))
        where = f", where={condition}" if condition else ""
        asked = [f"{name}({texts[a]}, {texts[b]}{ending}{where})" for a, b in pairs]

        def shaped(answers: list[Any]) -> Any:
            found = dict(zip(pairs, answers, strict=True))
            size = range(len(texts))
            return array_of_answers([[found[min(a, b), max(a, b)] for b in size] for a in size])

        return self._asked(asked, shaped, **options)  # type: ignore[no-any-return]

    def limits(self, expression: Any, value: Any = None, **options: Any) -> Any:
        """The least and the greatest value, or with ``"95%"`` the limits of the middle part of the values."""
        if value is None or value == "minmax":
            return self.minmax(expression, **options)
        if isinstance(value, str) and value.endswith("%"):
            return self.limits_percentage(expression, float(value[:-1]), **options)
        raise InvalidInputError(f"limits: {value!r} is none; give 'minmax', or a percentage as '95%'")

    def limits_percentage(self, expression: Any, percentage: float = 99.73, **options: Any) -> Any:
        """The limits of the middle part of the values, exactly."""
        outside = (1 - percentage / 100) / 2
        several = isinstance(expression, (list, tuple))
        limits = [self.quantile(one, [outside, 1 - outside], **options) for one in (expression if several else [expression])]
        return array_of_answers([list(pair) for pair in limits]) if several else limits[0]

    def unique(
        self,
        expression: Any,
        dropna: bool = False,
        dropnan: bool = False,
        dropmissing: bool = False,
        selection: Any = None,
        array_type: str | None = None,
        progress: Any = None,
        delay: bool = False,
    ) -> Any:
        """The different values of an expression, which rise; NaN behind all numbers, None last.

        Returns
        -------
        list, or an array of numpy with ``array_type="numpy"``
        """
        answer = self._aggregate(
            "unique", expression, _answers.kept(dropna, dropnan, dropmissing), selection=selection, progress=progress, delay=delay
        )
        if delay or isinstance(expression, (list, tuple)):
            return answer
        return array_of_answers(answer) if array_type == "numpy" else _answers.plain(answer)

    def value_counts(
        self,
        expression: Any,
        dropna: bool = False,
        dropnan: bool = False,
        dropmissing: bool = False,
        ascending: bool = False,
        limit: int | None = None,
        selection: Any = None,
        progress: Any = None,
    ) -> Table:
        """How often each value occurs: a table with the columns ``value`` and ``count``, the most frequent first.

        Examples
        --------
        >>> from_dict({"k": ["a", "b", "a", None]}).value_counts("k").to_pydict()
        {'value': ['a', 'b', None], 'count': [2, 1, 1]}
        """
        missing, nan = not (dropna or dropmissing), not (dropna or dropnan)
        with self._passing(progress) as options:
            rows = self._native.value_counts(
                self._text(expression), missing, nan, ascending, limit, self._condition(selection), options
            )
        return Table(rows)

    def top_values(self, expression: Any, n: int = 10, **options: Any) -> Any:
        """The most frequent values with how often each occurs, by a sketch that takes little memory: a list of pairs."""
        pairs = self._aggregate("top_values", expression, str(int(n)), **options)
        return [tuple(pair) for pair in pairs] if isinstance(pairs, builtins.list) else pairs

    def top_k(
        self,
        expression: Any,
        k: int = 10,
        columns: Any = None,
        descending: bool = True,
        progress: Any = None,
    ) -> Table:
        """The rows with the greatest values of an expression, in one pass and without a sort.

        Parameters
        ----------
        columns : list of str, optional
            What to tell of the rows besides their number (``row``) and the ``value``; by default all columns.
        descending : bool
            False for the least values.
        """
        with self._passing(progress) as options:
            rows = self._native.top_k(self._text(expression), k, descending, self._names(columns), options)
        return Table(rows)

    def nearest(self, vector: Any, target: Any, k: int = 10, metric: str = "cosine", columns: Any = None) -> Table:
        """The rows whose vectors are nearest to one, exactly and in one pass.

        Parameters
        ----------
        metric : {"cosine", "dot", "l2"}
            How near two vectors are. The greatest cosine and dot product are the nearest, and the least distance (``l2``).
        columns : list of str, optional
            What to tell of the rows besides their number (``row``) and the ``value``; by default all but the vectors.
        """
        text = self._text(vector)
        if columns is None:
            columns = [name for name in self._native.names() if _text.quoted(name) != text]
        values = target.tolist() if hasattr(target, "tolist") else list(target)
        return Table(self._native.nearest(text, [float(one) for one in values], k, metric, self._names(columns)))

    def compute(self, *texts: str, progress: Any = None) -> Any:
        """Answer aggregations that are written as text, with arithmetic between them, in one pass.

        Examples
        --------
        >>> from_dict({"x": [1.0, 2.0, 6.0]}).compute("mean(x)", "max(x) - min(x)")
        [3.0, 5.0]
        """
        with self._passing(progress) as options:
            answers = self._native.compute(list(texts), options)
        return answers[0] if len(texts) == 1 else answers
