"""Grids: rows in the cells of one or more axes, and what is asked of each cell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._optional import need
from ..exceptions import InvalidInputError
from ._base import Base, as_list
from ._values import array_of_list, array_of_parts
from .aggregate import Aggregation

if TYPE_CHECKING:
    import numpy as np

    from .._native import Chunk

Axis = dict[str, Any]


@dataclass
class GridAxis:
    """An axis of a grid.

    Attributes
    ----------
    name : str
        What it is of.
    edges : array or None
        The edges of its bins, one more than there are; none where bins are values.
    values : list or None
        The values that its bins are.
    """

    name: str
    edges: Any
    values: Any

    @property
    def centers(self) -> Any:
        """The middle of each bin, or the values."""
        if self.edges is None:
            return self.values
        low, high = self.edges[:-1], self.edges[1:]
        return low + (high - low) / 2


class Grid:
    """Answers for the cells of a grid.

    Attributes
    ----------
    axes : list of GridAxis
        Its axes; that of selections stands in front.
    shape : tuple of int
        Cells along each axis.
    arrays : dict of str to array
        The answers by name.
    """

    def __init__(self, axes: list[GridAxis], shape: tuple[int, ...], arrays: dict[str, np.ndarray[Any, Any]]) -> None:
        self.axes = axes
        self.shape = shape
        self.arrays = arrays

    def __getitem__(self, name: str) -> np.ndarray[Any, Any]:
        return self.arrays[name]

    def __iter__(self) -> Any:
        return iter(self.arrays)

    def __repr__(self) -> str:
        cells = " x ".join(map(str, self.shape))
        return f"<Grid of {cells} cells by {', '.join(axis.name for axis in self.axes)}: {', '.join(self.arrays)}>"

    def to_xarray(self) -> Any:
        """The answers as a dataset of xarray."""
        xarray = need("xarray", "a dataset of xarray")
        names = [axis.name for axis in self.axes]
        coords = {axis.name: axis.centers for axis in self.axes}
        return xarray.Dataset({name: (names, array) for name, array in self.arrays.items()}, coords=coords)


class BinBy:
    """Rows in the cells of a grid, of which something is to be asked."""

    def __init__(self, df: Base, axes: list[Axis], outer: bool, selections: list[str] | None) -> None:
        self._df = df
        self._axes = axes
        self._outer = outer
        self._selections = selections

    def agg(self, aggregations: Mapping[str, Any] | Aggregation | str, progress: Any = None) -> Grid:
        """Ask something of each cell, all in one pass.

        Parameters
        ----------
        aggregations
            Names for the answers, with what is asked: of :mod:`datafolio.agg`, or as text.
        """
        given = aggregations if isinstance(aggregations, Mapping) else {getattr(aggregations, "name", "agg"): aggregations}
        texts = [
            (name, one.text(self._df) if isinstance(one, Aggregation) else str(one)) for name, one in given.items()
        ]
        with self._df._passing(progress) as options:
            shape, axes, cells = self._df._native.grid(self._axes, texts, self._outer, self._selections, options)
        arrays = {name: cells_of(cells, at, shape) for at, (name, _) in enumerate(texts)}
        kinds = [None, *self._axes] if self._selections else list(self._axes)
        return Grid([_axis(one, kind) for one, kind in zip(axes, kinds, strict=True)], tuple(shape), arrays)


def _axis(told: Any, given: Axis | None) -> GridAxis:
    name, edges, values = told
    if values is not None:
        values = values.rows().to_pydict()["value"]
    if edges is not None:
        numpy = need("numpy", "a grid")
        edges = numpy.array(edges)
        unit = given and given.get("unit")
        if unit:
            edges = edges.round().astype("int64").astype(unit)
    return GridAxis(name, edges, values)


def cells_of(cells: Chunk, at: int, shape: Any) -> np.ndarray[Any, Any]:
    """The answers for the cells as an array. Of floats, what has no answer is NaN."""
    numpy = need("numpy", "a grid")
    parts = cells.numpy(at)
    if parts is None:
        name = cells.rows().column_names[at]
        return array_of_list(cells.rows().to_pydict()[name]).reshape(shape)  # type: ignore[no-any-return]
    array = array_of_parts(parts, -1)
    if isinstance(array, numpy.ma.MaskedArray) and array.dtype.kind == "f":
        array = array.filled(numpy.nan)
    return array.reshape((*shape, *array.shape[1:]))


class Grids(Base):
    """The part of a frame that makes grids."""

    def binby(
        self,
        by: Any,
        agg: Any = None,
        limits: Any = None,
        shape: Any = 128,
        edges: bool = False,
        selection: Any = None,
        progress: Any = None,
    ) -> Any:
        """Put rows into the cells of a grid.

        Bins hold their lower edge. The upper limit is outside where limits are given, and belongs to the last bin where they are
        found. Rows outside of an axis, and those without a value there, are left out.

        Parameters
        ----------
        by : expression, or a list of them
            What the axes are of: numbers and instants. Of texts and truth values, each value is a bin.
        agg : optional
            What is asked of each cell, as :meth:`BinBy.agg` takes it.
        limits : optional
            ``"minmax"`` (also None) for the least and the greatest value, ``"95%"`` for the middle part of the values, or a pair of
            numbers or instants; or a list with one of these for each axis.
        shape : int, or a list of them
            The number of bins of each axis.
        edges : bool
            With three more cells along each axis: what is missing or NaN and what is below in front, what is above behind.
        selection : optional
            A condition for the rows; a list of them makes an axis in front.

        Returns
        -------
        BinBy, or with `agg` a Grid
        """
        selections = selection if isinstance(selection, (list, tuple)) else [] if selection is None else [selection]
        conditions = [text for text in map(self._condition, selections) if text is not None]
        cells = BinBy(self, axes_of(self, by, limits, shape), edges, conditions or None)
        return cells if agg is None else cells.agg(agg, progress)

    def _gridded(
        self,
        name: str,
        texts: list[str],
        arguments: str,
        several: bool,
        binby: Any,
        limits: Any,
        shape: Any,
        selection: Any,
        delay: bool,
        progress: Any,
        edges: bool,
    ) -> Any:
        """An aggregation of the cells of a grid, as an array."""
        written = [f"{name}({', '.join(part for part in (text, arguments) if part)})" for text in texts]
        columns = [(str(at), text) for at, text in enumerate(written)]
        is_axis = isinstance(selection, (list, tuple))
        conditions = [self._condition(one) for one in (selection if is_axis else [selection])]
        wanted = [condition if condition is not None else "True" for condition in conditions]
        selections = wanted if is_axis or conditions != [None] else None
        axes = axes_of(self, binby, limits, shape)
        native = self._native

        def ask() -> Any:
            with self._passing(progress) as options:
                found, _, cells = native.grid(axes, columns, edges, selections, options)
            arrays = [cells_of(cells, at, found) for at in range(len(columns))]
            if selections and not is_axis:
                arrays = [array[0] for array in arrays]
            return need("numpy", "a grid").stack(arrays) if several else arrays[0]

        if not delay:
            return ask()
        from .delayed import Promise

        promise = Promise(self, native, [], lambda _: ask())
        with self._lock:
            self._pending = [*self._pending, promise]
        return promise

    def categorize(self, column: Any, min_value: int = 0, max_value: int | None = None, labels: Any = None) -> None:
        """Say that whole numbers of a column are categories: an axis of it has a bin for each.

        Parameters
        ----------
        min_value, max_value : int
            The first and the last category; without a last one, those that there are.
        labels : list, optional
            What the categories are called.
        """
        name = self._name(column)
        if labels is not None and max_value is None:
            max_value = min_value + len(labels) - 1
        self._categories = {**self._categories, name: (min_value, max_value, labels)}

    def ordinal_encode(self, column: Any) -> None:
        """Say that the values of a column are categories: an axis of it has a bin for each that there is."""
        self._categories = {**self._categories, self._name(column): None}


def axes_of(df: Base, by: Any, limits: Any, shape: Any) -> list[Axis]:
    """The axes of a grid, as the engine takes them."""
    given = as_list(by)
    if not given:
        raise InvalidInputError("a grid has at least one axis", code="no-axis")
    all_limits = _for_each(limits, len(given))
    shapes = as_list(shape)
    if len(shapes) == 1:
        shapes = shapes * len(given)
    if len(shapes) != len(given):
        raise InvalidInputError(f"shape: {len(shapes)} numbers of bins for {len(given)} axes", code="wrong-shape")
    return [_axis_of(df, one, limit, int(bins)) for one, limit, bins in zip(given, all_limits, shapes, strict=True)]


def _for_each(limits: Any, axes: int) -> list[Any]:
    """The limits of each axis."""
    if limits is None or isinstance(limits, str):
        return [limits] * axes
    given = list(limits)
    is_pair = len(given) == 2 and not any(_is_limits(one) for one in given)
    if is_pair:
        return [given] * axes
    if len(given) != axes:
        raise InvalidInputError(f"limits: {len(given)} of them for {axes} axes", code="wrong-limits")
    return given


def _is_limits(value: Any) -> bool:
    return value is None or isinstance(value, (str, list, tuple)) or bool(getattr(value, "ndim", 0))


def _axis_of(df: Base, by: Any, limits: Any, bins: int) -> Axis:
    text = df._text(by)
    name = by if isinstance(by, str) else text
    axis: Axis = {"name": name, "expression": text, "scale": "even", "limits": None, "percent": None, "bins": bins}
    axis["closed"] = None
    if name in df._categories:
        return {**axis, **_categories(df._categories[name])}
    dtype = df._native.type_of(text)
    if dtype.startswith(("datetime64", "timedelta64")):
        axis["unit"] = dtype.partition(",")[0].rstrip("]") + "]"
    if limits is None and dtype in ("string", "bool"):
        return {**axis, "scale": "values"}
    if limits is None or limits == "minmax":
        return axis
    if isinstance(limits, str):
        if limits in ("values", "whole"):
            return {**axis, "scale": limits}
        return {**axis, "percent": _percent(limits)}
    pair = list(limits)
    if len(pair) != 2:
        raise InvalidInputError(f"limits: {limits!r} is no pair of numbers", code="wrong-limits")
    return {**axis, "limits": tuple(_ticks(one, dtype) for one in pair)}


def _percent(limits: str) -> float:
    try:
        return float(limits.rstrip("%"))
    except ValueError:
        raise InvalidInputError(
            f"limits: {limits!r} is none; give 'minmax', a percentage as '95%', 'values', 'whole', or a pair of numbers",
            code="wrong-limits",
        ) from None


def _categories(known: Any) -> Axis:
    if known is None:
        return {"scale": "values"}
    low, high, _ = known
    if high is None:
        return {"scale": "whole"}
    return {"limits": (float(low), float(high) + 1.0), "bins": int(high - low) + 1}


def _ticks(value: Any, dtype: str) -> float:
    """A limit as the engine takes it: of instants the ticks since 1970."""
    if not dtype.startswith(("datetime64", "timedelta64")):
        return float(value)
    if isinstance(value, (int, float)):
        return float(value)
    numpy = need("numpy", "limits of instants")
    kind, _, unit = dtype.partition("[")
    unit = unit.partition(",")[0].rstrip("]")
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        value = value.astimezone(dt.timezone.utc).replace(tzinfo=None)
    return float(numpy.array(value, dtype=f"{kind}[{unit}]").astype("int64"))


__all__ = ["BinBy", "Grid", "GridAxis", "Grids", "axes_of", "cells_of"]
