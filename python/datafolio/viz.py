"""Plots of any number of rows: they are counted in bins by the engine, and the bins are drawn by matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._optional import need
from .exceptions import InvalidInputError
from .frame.aggregate import Aggregation, count

if TYPE_CHECKING:
    from .frame import Frame, Grid

__all__ = ["Viz"]

# Letters that stand below an axis side by side, and names that do when they are turned.
LETTERS, NAMES = 60, 40


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
        log: bool = False,
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
        log : bool
            Whether heights are on a logarithmic axis.
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
        for line, name in zip(lines, names, strict=True):
            if axis.edges is None:
                axes.bar([_name(value) for value in axis.values], line, label=name, **kwargs)
            else:
                # Several would hide each other.
                axes.stairs(line, axis.edges, label=name, **{"fill": len(lines) == 1, **kwargs})
        axes.set_xlabel(self._label(axis.name))
        axes.set_ylabel(_shown(what))
        if axis.edges is None:
            _name_places(axes, axis.values)
        if log:
            axes.set_yscale("log")
        else:
            _group_digits(axes.yaxis, values)
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
        # As a picture inside drawings, or each cell would be a shape of its own. Cells without a value stay blank.
        mesh = axes.pcolormesh(_edges(across), _edges(up), values.T, **{"rasterized": True, **kwargs})
        for axis, name in ((across, "x"), (up, "y")):
            getattr(axes, f"set_{name}label")(self._label(axis.name))
            if axis.edges is None:
                getattr(axes, f"set_{name}ticks")(range(len(axis.values)), [_name(value) for value in axis.values])
        if across.edges is None:
            _name_places(axes, across.values)
        if colorbar:
            bar = axes.figure.colorbar(mesh, ax=axes, label=_drawn(what, f))
            _group_digits(bar.ax.yaxis, values)
        return axes

    def _label(self, text: str) -> str:
        """What an axis is called: the expression, with the unit of a column that has one."""
        unit = self._df.units.get(text)
        return text if unit is None else f"{text} [{unit}]"

    def _grid(self, by: list[Any], what: Any, limits: Any, shape: Any, selection: Any, progress: Any) -> Grid:
        if isinstance(what, str) and what in ("count", "count(*)"):
            what = count()
        if not isinstance(what, Aggregation) and (not isinstance(what, str) or "(" not in what):
            raise InvalidInputError(
                f"what: {what!r} is no aggregation: write 'count', 'mean(x)', or agg.mean('x')", code="no-aggregation"
            )
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


def _drawn(what: Any, f: Any) -> str:
    """What a colour stands for."""
    if f is None or f == "identity":
        return _shown(what)
    return f"{getattr(f, '__name__', f)}({_shown(what)})"


def _name_places(axes: Any, values: Any) -> None:
    """Writes names below an axis: turned where they would run into each other, and only some where there are very many."""
    names = [_name(value) for value in values]
    step = -(-len(names) // NAMES)
    axes.set_xticks(range(0, len(names), step), names[::step])
    if sum(len(name) + 1 for name in names[::step]) > LETTERS:
        axes.tick_params(axis="x", labelrotation=90)


def _group_digits(axis: Any, values: Any) -> None:
    """Writes large numbers as 12,000, and not as 1.2 of 1e4; numbers from 1e9 on stay as matplotlib has them."""
    numpy = need("numpy", "a plot")
    finite = values[numpy.isfinite(values)]
    if finite.size and 1000 <= abs(finite).max() < 1e9:
        axis.set_major_formatter(need("matplotlib.ticker", "a plot").StrMethodFormatter("{x:,.10g}"))


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
