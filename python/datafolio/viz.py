"""Plots of any number of rows: they are counted in bins by the engine, and the bins are drawn by matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._optional import need
from .exceptions import InvalidInputError
from .frame.aggregate import Aggregation, count

if TYPE_CHECKING:
    from .frame import Frame, Grid

__all__ = ["Viz"]


class Viz:
    """``df.viz``: histograms and heatmaps of a frame."""

    def __init__(self, df: Frame) -> None:
        self._df = df

    def histogram(
        self,
        x: Any,
        what: Any = "count",
        limits: Any = None,
        shape: int = 64,
        selection: Any = None,
        ax: Any = None,
        label: str | None = None,
        progress: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Draw how the values of an expression are distributed, or something else of each bin.

        Parameters
        ----------
        x : expression
            Numbers or instants; of texts and truth values there is a bar for each value.
        what : aggregation or str
            What is drawn of each bin: ``"count"``, ``datafolio.agg.mean("y")``, or text as ``"mean(y)"``.
        limits : optional
            As :meth:`Frame.binby` takes them: ``"95%"`` leaves out what lies far outside.
        shape : int
            The number of bins.
        selection : optional
            A condition for the rows; several give a line each.
        ax : matplotlib axes, optional
            Where to draw; by default where pyplot draws.
        **kwargs
            As matplotlib's ``stairs`` or ``bar`` take them.

        Returns
        -------
        matplotlib axes
        """
        grid = self._grid([x], what, limits, shape, selection, progress)
        axes = _axes(ax)
        axis, values = grid.axes[-1], grid["what"]
        lines = values if values.ndim == 2 else [values]
        names = grid.axes[0].values if values.ndim == 2 else [label]
        for line, name in zip(lines, names):
            if axis.edges is None:
                axes.bar([_name(value) for value in axis.values], line, label=name, **kwargs)
            else:
                axes.stairs(line, axis.edges, label=name, **kwargs)
        axes.set_xlabel(axis.name)
        axes.set_ylabel(_shown(what))
        if any(names):
            axes.legend()
        return axes

    def heatmap(
        self,
        x: Any,
        y: Any,
        what: Any = "count",
        limits: Any = None,
        shape: Any = 256,
        f: Any = None,
        selection: Any = None,
        ax: Any = None,
        colorbar: bool = True,
        progress: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Draw how two expressions go together, or something else of each cell.

        Parameters
        ----------
        x, y : expression
            The axes.
        what : aggregation or str
            What is drawn of each cell, as in :meth:`histogram`.
        shape : int, or a pair
            The number of bins of each axis.
        f : {"identity", "log", "log1p", "log10", "sqrt"} or callable, optional
            What is done with the values before they are drawn.
        **kwargs
            As matplotlib's ``pcolormesh`` takes them.

        Returns
        -------
        matplotlib axes
        """
        grid = self._grid([x, y], what, limits, shape, selection, progress)
        values = grid["what"]
        if values.ndim == 3:
            if len(values) > 1:
                raise InvalidInputError("heatmap: one selection is drawn at a time", code="too-many-selections")
            values = values[0]
        values = _function(f)(values)
        across, up = grid.axes[-2:]
        axes = _axes(ax)
        mesh = axes.pcolormesh(_edges(across), _edges(up), values.T, **kwargs)
        for axis, name in ((across, "x"), (up, "y")):
            getattr(axes, f"set_{name}label")(axis.name)
            if axis.edges is None:
                getattr(axes, f"set_{name}ticks")(range(len(axis.values)), [_name(value) for value in axis.values])
        if colorbar:
            axes.figure.colorbar(mesh, ax=axes, label=_shown(what) if f is None else f"{f}({_shown(what)})")
        return axes

    def _grid(self, by: list[Any], what: Any, limits: Any, shape: Any, selection: Any, progress: Any) -> Grid:
        if isinstance(what, str) and what in ("count", "count(*)"):
            what = count()
        if not isinstance(what, (str, Aggregation)):
            raise InvalidInputError(f"what: {what!r} is no aggregation", code="no-aggregation")
        cells = self._df.binby(by, None, limits, shape, selection=selection)
        return cells.agg({"what": what}, progress)  # type: ignore[no-any-return]


def _axes(ax: Any) -> Any:
    return need("matplotlib.pyplot", "a plot").gca() if ax is None else ax


def _edges(axis: Any) -> Any:
    """The edges of bins; those of values lie around whole numbers."""
    if axis.edges is not None:
        return axis.edges
    return need("numpy", "a plot").arange(len(axis.values) + 1) - 0.5


def _name(value: Any) -> str:
    return "missing" if value is None else str(value)


def _shown(what: Any) -> str:
    return what.name if isinstance(what, Aggregation) else str(what)


def _function(f: Any) -> Any:
    numpy = need("numpy", "a plot")
    known = {"log": numpy.log, "log1p": numpy.log1p, "log10": numpy.log10, "sqrt": numpy.sqrt, "identity": lambda values: values}
    if f is None:
        return known["identity"]
    if callable(f):
        return f
    if f not in known:
        raise InvalidInputError(f"f: there is no {f!r}; give a callable, or one of {', '.join(known)}")

    def of(values: Any) -> Any:
        # The logarithm of an empty cell is not drawn.
        with numpy.errstate(divide="ignore"):
            drawn = known[f](values.astype("float64"))
        return numpy.where(numpy.isfinite(drawn), drawn, numpy.nan)

    return of
