"""Some of the rows of a frame: filters, slices, rows by place and at random."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .. import _native
from .._optional import need
from ..exceptions import InvalidInputError, InvalidTypeError
from . import _text
from ._base import Base

if TYPE_CHECKING:
    from typing_extensions import Self

    from .._native import Frame as NativeFrame

# Beyond the last row of any frame.
_END = 2**63 - 1


class Rows(Base):
    """The part of a frame that chooses rows. Places count the rows that pass the filter."""

    def __len__(self) -> int:
        """How many rows pass the filter, which takes a pass where there is one."""
        return self._native.count_rows()

    def length(self, progress: Any = None) -> int:
        """How many rows pass the filter."""
        with self._passing(progress) as options:
            return self._native.count_rows(options)

    def filter(self, expression: Any, mode: str = "and") -> Self:
        """Only the rows for which a condition is true; those for which it is unknown are left out.

        Parameters
        ----------
        mode : {"and", "or", "xor", "subtract", "replace"}
            How it is joined with the filter that there is.
        """
        text = self._text(expression)
        native = self._native
        before = native.filter_text()
        if mode == "and" or (before is None and mode != "subtract"):
            return self._derived(native.filter(text))
        joined = {
            "replace": "{1}",
            "or": "({0}) | ({1})",
            "xor": "({0}) ^ ({1})",
            "subtract": "({0}) & ~({1})",
        }.get(mode)
        if joined is None:
            raise InvalidInputError(f"mode: there is no {mode!r}")
        return self._derived(native.without_filter().filter(joined.format(before or "True", text)))

    def drop_filter(self, inplace: bool = False) -> Self:
        """All rows again."""
        df = self if inplace else self.copy()
        df._change(lambda native: native.without_filter())
        return df

    @property
    def filtered(self) -> bool:
        """Whether there is a filter."""
        return self._native.filter_text() is not None

    def _sliced(self, rows: slice) -> Self:
        if rows.step not in (None, 1):
            raise InvalidInputError("rows are taken one after the other: the step of a slice is 1", code="wrong-slice")
        start, stop = rows.start or 0, rows.stop
        if start < 0 or (stop is not None and stop < 0):
            start, stop, _ = slice(start, stop).indices(len(self))
        stop = _END if stop is None else stop
        return self._derived(self._native.slice(int(start), max(int(stop), int(start))))

    def head(self, n: int = 10) -> Self:
        """The first rows."""
        return self._derived(self._native.slice(0, n))

    def tail(self, n: int = 10) -> Self:
        """The last rows."""
        return self._derived(self._native.tail(n))

    def take(self, indices: Any, filtered: bool = True) -> Self:
        """The rows at these places, in the order given, each as often as it is named."""
        native = self._native if filtered else self._native.without_filter()
        places = indices.tolist() if hasattr(indices, "tolist") else list(indices)
        if any(place < 0 for place in places):
            count = native.count_rows()
            places = [place + count if place < 0 else place for place in places]
        return self._of_its_own(native.take(places))

    def _of_its_own(self, native: NativeFrame) -> Self:
        """A frame of rows in an order of their own, which path and state do not tell."""
        other = self._derived(native)
        other._origin = None
        return other

    def extract(self) -> Self:
        """The rows that pass the filter, without a filter: their places are found once, and kept."""
        return self._of_its_own(_native.Frame.concat([self._native])) if self.filtered else self.copy()

    def trim(self, inplace: bool = False) -> Self:
        """The frame itself: a slice has its rows alone."""
        return self if inplace else self.copy()

    def sample(
        self,
        n: int | None = None,
        frac: float | None = None,
        replace: bool = False,
        random_state: int | None = None,
    ) -> Self:
        """Rows at random, each as likely as any other, in their order.

        Parameters
        ----------
        n, frac : int, float
            How many rows, or which share of them; one by default.
        replace : bool
            Whether a row may come several times.
        random_state : int, optional
            The same draws the same rows.
        """
        if n is not None and frac is not None:
            raise InvalidInputError("sample: give n or frac, and not both")
        if frac is not None:
            n = round(frac * len(self))
        return self._of_its_own(self._native.sample(1 if n is None else n, replace, _seed(random_state)))

    def shuffle(self, random_state: int | None = None) -> Self:
        """All rows in a random order."""
        return self._of_its_own(self._native.shuffle(_seed(random_state)))

    def split(self, into: float | Sequence[float]) -> list[Self]:
        """Frames of shares of the rows, one after the other: ``df.split(0.8)`` gives four fifths and the last fifth."""
        return [self._derived(native) for native in self._native.split(_shares(into), None)]

    def split_random(self, into: float | Sequence[float], random_state: int | None = None) -> list[Self]:
        """Frames of shares of the rows, at random."""
        return [self._of_its_own(native) for native in self._native.split(_shares(into), _seed(random_state))]

    def sort(self, by: Any, ascending: bool | Sequence[bool] = True) -> Self:
        """All rows in the order of one or several expressions; NaN after the numbers, what is missing last.

        The values of the expressions are sorted in memory, and 8 bytes are kept of each row. For the first rows alone
        :meth:`Frame.top_k` takes one pass and no memory.
        """
        numpy = need("numpy", "a sort")
        texts = self._texts(by)
        given = [ascending] if isinstance(ascending, bool) else list(ascending)
        orders = given * len(texts) if len(given) == 1 else given
        if len(orders) != len(texts):
            raise InvalidInputError(f"ascending: {len(orders)} orders for {len(texts)} expressions")
        keys: list[Any] = []
        for text, up in zip(texts, orders, strict=True):
            keys += _sort_keys(numpy, self._expression(text).to_numpy(), up)
        # The last key counts first.
        return self._of_its_own(self._native.take(numpy.lexsort(keys[::-1]).tolist()))

    def dropna(self, column_names: Any = None, how: str = "any") -> Self:
        """The rows in which no column (with ``how="all"`` not every column) is missing or NaN."""
        return self._kept("notna", column_names, how)

    def dropmissing(self, column_names: Any = None, how: str = "any") -> Self:
        """The rows in which no column is missing."""
        return self._kept("notmissing", column_names, how)

    def dropnan(self, column_names: Any = None, how: str = "any") -> Self:
        """The rows in which no column is NaN."""
        return self._kept("notnan", column_names, how)

    def dropinf(self, column_names: Any = None, how: str = "any") -> Self:
        """The rows in which no column is infinite."""
        return self._kept("~isinf", column_names, how)

    def _kept(self, test: str, column_names: Any, how: str) -> Self:
        if how not in ("any", "all"):
            raise InvalidInputError(f"how: there is no {how!r}; give 'any' or 'all'")
        dtypes = {name: dtype for name, dtype, *_ in self._native.schema()}
        parts = []
        for name in self._names(column_names):
            is_float = dtypes[name].startswith("float") and "[" not in dtypes[name]
            # Only floats are NaN or infinite, and of other types nobody asks.
            if is_float or test in ("notna", "notmissing"):
                of = test if is_float or test == "notmissing" else "notmissing"
                parts.append(f"{of}({_text.quoted(name)})")
        if not parts:
            return self.copy()
        sign, binds = (" & ", _text.BIT_AND) if how == "any" else (" | ", _text.BIT_OR)
        return self.filter(self._expression(sign.join(parts), binds))

    def _chosen(self, key: Any) -> Any:
        """The rows that an array or a list names: by place, or by a truth value for each."""
        numpy = need("numpy", "rows by an array")
        array = numpy.asarray(key)
        if array.dtype.kind == "b":
            if len(array) != len(self):
                raise InvalidInputError(f"the mask has {len(array)} values, and there are {len(self)} rows")
            return self.take(numpy.flatnonzero(array))
        if array.dtype.kind in "iu":
            return self.take(array)
        raise InvalidTypeError(f"{key!r:.80} names neither columns nor rows")


def _seed(random_state: int | None) -> int:
    return secrets.randbits(63) if random_state is None else int(random_state)


def _shares(into: float | Sequence[float]) -> list[float]:
    return [float(into)] if isinstance(into, (int, float)) else [float(share) for share in into]


def _sort_keys(numpy: Any, values: Any, ascending: bool) -> list[Any]:
    """What is sorted by: what is missing last, then NaN, then the values."""
    mask = numpy.ma.getmaskarray(values) if isinstance(values, numpy.ma.MaskedArray) else None
    data = numpy.ma.getdata(values)
    if data.dtype.kind == "O":
        mask = numpy.array([value is None for value in data])
        ranks = {value: rank for rank, value in enumerate(sorted({value for value in data if value is not None}))}
        data = numpy.array([ranks.get(value, -1) for value in data])
    nan = numpy.isnan(data) if data.dtype.kind == "f" else numpy.isnat(data) if data.dtype.kind in "mM" else None
    if not ascending:
        data = _reversed(numpy, data)
    return [key for key in (mask, nan, data) if key is not None]


def _reversed(numpy: Any, data: Any) -> Any:
    if data.dtype.kind in "mM":
        data = data.view("int64")
    # The complement reverses whole numbers without a sign that might overflow.
    return -data if data.dtype.kind == "f" else ~data if data.dtype.kind in "iub" else data


