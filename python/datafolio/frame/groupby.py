"""Groups: rows with the same values of some expressions, and what is asked of each group."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .._table import Table
from ..exceptions import InvalidInputError
from . import _text, aggregate
from ._base import Base, as_list
from .aggregate import Aggregation

if TYPE_CHECKING:
    from .expression import Expression

_NUMBERS = ("int", "uint", "float", "bool")


class BinnerTime:
    """Instants as keys of groups, cut down to a day, week, month, quarter or year."""

    def __init__(self, expression: Expression, freq: str) -> None:
        self.of = expression
        self.freq = freq

    @classmethod
    def per_day(cls, expression: Expression) -> BinnerTime:
        """By days."""
        return cls(expression, "D")

    @classmethod
    def per_week(cls, expression: Expression) -> BinnerTime:
        """By weeks from Monday."""
        return cls(expression, "W")

    @classmethod
    def per_month(cls, expression: Expression) -> BinnerTime:
        """By months."""
        return cls(expression, "M")

    @classmethod
    def per_quarter(cls, expression: Expression) -> BinnerTime:
        """By quarters."""
        return cls(expression, "Q")

    @classmethod
    def per_year(cls, expression: Expression) -> BinnerTime:
        """By years."""
        return cls(expression, "Y")


class GroupBy:
    """Rows in groups, of which something is to be asked."""

    def __init__(self, df: Base, by: Any, sort: bool, ascending: bool) -> None:
        self._df = df
        self.keys = _keys(df, by)
        self._order = None if not sort else "ascending" if ascending else "descending"

    @property
    def by(self) -> list[str]:
        """The names of the keys."""
        return [name for name, _ in self.keys]

    def agg(self, actions: Any, progress: Any = None) -> Table:
        """Ask something of each group, all in one pass.

        Parameters
        ----------
        actions
            * ``{"x": ["mean", "std", "count"]}``: columns ``x_mean``, ``x_std`` and ``x_count``, which counts the values of ``x``;
            * ``{"x": "sum"}``: a column ``x_sum``;
            * ``{"total": agg.sum("x"), "n": "count"}``: columns of these names; ``"count"`` counts rows where ``n`` is no column;
            * ``agg.sum("x")``, or a list: ``x_sum``;
            * ``"mean"``: of all columns of numbers, and ``"count"`` of rows.

        Returns
        -------
        Table
            The keys, and a column for each answer. A missing key is a group, and so is NaN.
        """
        columns = _columns(self._df, actions, self.by)
        with self._df._passing(progress) as options:
            return Table(self._df._native.groups(self.keys, columns, self._order, options))

    def _one(self, name: str, names: Any = None, **options: Any) -> Table:
        wanted = self._df._names(names) if names is not None else _numbers(self._df, self.by)
        return self.agg([aggregate.made(name, one) for one in wanted], **options)

    def count(self, **options: Any) -> Table:
        """Rows of each group."""
        return self.agg({"count": aggregate.count()}, **options)

    size = count

    def sum(self, names: Any = None, **options: Any) -> Table:
        """Sums of columns, by default of all of numbers."""
        return self._one("sum", names, **options)

    def mean(self, names: Any = None, **options: Any) -> Table:
        """Means of columns, by default of all of numbers."""
        return self._one("mean", names, **options)

    def min(self, names: Any = None, **options: Any) -> Table:
        """Least values of columns, by default of all of numbers."""
        return self._one("min", names, **options)

    def max(self, names: Any = None, **options: Any) -> Table:
        """Greatest values of columns, by default of all of numbers."""
        return self._one("max", names, **options)

    def median(self, names: Any = None, **options: Any) -> Table:
        """Medians of columns, by default of all of numbers."""
        return self._one("median", names, **options)

    def get_group(self, key: Any) -> Any:
        """The rows of a group, by its key, or the tuple of its keys."""
        values = key if isinstance(key, tuple) else (key,)
        if len(values) != len(self.keys):
            raise InvalidInputError(f"{key!r} has {len(values)} values, and there are {len(self.keys)} keys")
        conditions = [_is(text, value) for (_, text), value in zip(self.keys, values, strict=True)]
        return self._df[self._df._expression(" & ".join(conditions), _text.BIT_AND)]

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        for row in self.count().to_pylist():
            key = tuple(row[name] for name in self.by)
            yield (key[0] if len(key) == 1 else key), self.get_group(key)

    def __len__(self) -> int:
        return len(self.count())

    def __repr__(self) -> str:
        return f"<GroupBy {', '.join(self.by)}>"


def _is(text: str, value: Any) -> str:
    if value is None:
        return f"ismissing({text})"
    if isinstance(value, float) and value != value:
        return f"isnan({text})"
    return f"(({text}) == {_text.operand(value)[0]})"


def _keys(df: Base, by: Any) -> list[tuple[str, str]]:
    if isinstance(by, Mapping):
        return [(name, df._text(one)) for name, one in by.items()]
    keys = []
    for one in as_list(by):
        if isinstance(one, BinnerTime):
            name = _shown(df, one.of)
            keys.append((name, f"dt_floor({one.of.expression}, {_text.literal(one.freq)})"))
        else:
            keys.append((_shown(df, one), df._text(one)))
    return keys


def _shown(df: Base, one: Any) -> str:
    """The name of a column, or the text of an expression."""
    text = df._text(one)
    names = {_text.quoted(name): name for name in df._native.names()}
    return names.get(text, text)


def _numbers(df: Base, keys: list[str]) -> list[str]:
    return [
        name for name, dtype, *_ in df._native.schema() if name not in keys and dtype.startswith(_NUMBERS) and "[" not in dtype
    ]


def _columns(df: Base, actions: Any, keys: list[str]) -> list[tuple[str, str]]:
    """The names of the answers, with what is asked, as text."""
    if isinstance(actions, Mapping):
        return [column for name, action in actions.items() for column in _of_name(df, name, action)]
    columns = []
    for action in as_list(actions):
        if isinstance(action, Aggregation):
            columns.append((action.name, action.text(df)))
        elif action == "count":
            columns.append(("count", "count()"))
        elif isinstance(action, str) and "(" in action:
            columns.append((action, action))
        elif isinstance(action, str):
            columns += [(f"{name}_{action}", f"{_known(action)}({_text.quoted(name)})") for name in _numbers(df, keys)]
        else:
            raise InvalidInputError(f"groups cannot be asked for {action!r}", code="no-aggregation")
    return columns


# What other libraries call them.
_OTHERWISE = {"avg": "mean", "average": "mean", "size": "count", "n_unique": "nunique", "stddev": "std", "variance": "var"}


def _known(action: str) -> str:
    """The name of an aggregation.

    Raises
    ------
    InvalidInputError
        For one that there is not, with those that there are.
    """
    if action in aggregate.__all__ and action != "Aggregation":
        return action
    known = [name for name in aggregate.__all__ if name != "Aggregation"]
    near = _OTHERWISE.get(action) or next(iter(difflib.get_close_matches(action, known, 1)), None)
    meant = f"did you mean {near!r}?" if near else f"there are {', '.join(known)}"
    raise InvalidInputError(f"there is no aggregation {action!r}: {meant}", code="no-aggregation")


def _of_name(df: Base, name: str, action: Any) -> Iterator[tuple[str, str]]:
    several = isinstance(action, (list, tuple))
    for one in action if several else [action]:
        if isinstance(one, Aggregation):
            yield (f"{name}_{one.name}" if several else name), one.text(df)
        elif not isinstance(one, str):
            raise InvalidInputError(f"groups cannot be asked for {one!r}", code="no-aggregation")
        elif "(" in one:
            yield name, one
        elif name in df._native.names():
            yield f"{name}_{one}", f"{_known(one)}({_text.quoted(name)})"
        elif one == "count":
            yield name, "count()"
        else:
            yield f"{name}_{one}" if several else name, f"{_known(one)}({df._text(name)})"


class Groups(Base):
    """The part of a frame that makes groups."""

    def groupby(
        self,
        by: Any = None,
        agg: Any = None,
        sort: bool = False,
        ascending: bool = True,
        progress: Any = None,
    ) -> Any:
        """Put rows into groups that have the same values of some expressions.

        Parameters
        ----------
        by : expression, list, or dict
            The keys: names of columns, expressions, :class:`BinnerTime`; in a dict with names for them.
        agg : optional
            What is asked of each group, as :meth:`GroupBy.agg` takes it.
        sort : bool
            In the order of the keys, what is missing last; else in the order of the row that each is first seen in.

        Returns
        -------
        GroupBy, or with `agg` a Table

        Examples
        --------
        >>> df = from_dict({"k": ["b", "a", "b"], "x": [1.0, 2.0, 4.0]})
        >>> df.groupby("k").agg({"x": ["mean", "count"]}).to_pydict()
        {'k': ['b', 'a'], 'x_mean': [2.5, 2.0], 'x_count': [2, 1]}
        """
        groups = GroupBy(self, [] if by is None else by, sort, ascending)
        return groups if agg is None else groups.agg(agg, progress)
