"""``.dt`` and ``.td``: parts and functions of instants and durations."""

from __future__ import annotations

from ._namespace import Namespace


class Datetimes(Namespace):
    """Parts of instants, without parentheses, and functions of them. A missing instant has missing parts.

    Examples
    --------
    >>> import datetime as dt
    >>> df = from_dict({"t": [dt.datetime(2020, 1, 31, 10), None]})
    >>> df.t.dt.year.tolist()
    [2020, None]
    >>> df.t.dt.strftime("%Y-%m").tolist()
    ['2020-01', None]
    """

    _prefix = "dt_"
    _properties = True


class Durations(Namespace):
    """Parts of durations, without parentheses but for ``total_seconds()`` and its like."""

    _prefix = "td_"
    _properties = True

    def __getattr__(self, name: str) -> object:
        found = super().__getattr__(name)
        if name.startswith("total_"):
            return lambda: found
        return found
