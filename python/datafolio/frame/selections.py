"""Selections: conditions with names, by which aggregations are asked for some of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..exceptions import InvalidInputError
from . import _text
from ._base import DEFAULT_SELECTION, Base

if TYPE_CHECKING:
    import numpy as np

# How a condition is joined with the one before.
_MODES = {"and": "({0}) & ({1})", "or": "({0}) | ({1})", "xor": "({0}) ^ ({1})", "subtract": "({0}) & ~({1})"}


class Selections(Base):
    """The part of a frame that has selections. They stand beside the filter, and are part of the state."""

    def select(self, boolean_expression: Any, mode: str = "replace", name: str = DEFAULT_SELECTION) -> None:
        """Give a condition a name.

        Parameters
        ----------
        boolean_expression : expression or None
            The condition; None to select nothing.
        mode : {"replace", "and", "or", "xor", "subtract"}
            How it is joined with what is selected under this name.
        name : str
            The name. Aggregations take it as ``selection=name``, or as ``selection=True`` where none is given.

        Examples
        --------
        >>> df = from_dict({"x": [1.0, 2.0, 3.0]})
        >>> df.select(df.x > 1)
        >>> df.count(selection=True), df.sum("x", selection="x < 3")
        (2, 3.0)
        """
        text = None if boolean_expression is None else self._text(boolean_expression)
        if mode != "replace" and mode not in _MODES:
            raise InvalidInputError(f"mode: there is no {mode!r}; give 'replace', {', '.join(map(repr, _MODES))}")
        with self._lock:
            history = self._selections.get(name, [])
            before = history[-1] if history else None
            if text is not None and mode != "replace":
                text = _MODES[mode].format(before if before is not None else "False", text)
            self._selected(name, [*history, text])
            self._undone.pop(name, None)

    def _selected(self, name: str, history: list[str | None]) -> None:
        condition = history[-1] if history else None
        self._change(lambda native: native.with_selection(name, "False" if condition is None else condition))
        self._selections = {**self._selections, name: history}

    def select_nothing(self, name: str = DEFAULT_SELECTION) -> None:
        """Select no rows."""
        self.select(None, name=name)

    def select_inverse(self, name: str = DEFAULT_SELECTION) -> None:
        """Select the rows that are not selected."""
        before = self._condition(name if name in self._selections else True)
        self.select(f"~({before})", name=name)

    def select_box(
        self, spaces: Sequence[Any], limits: Sequence[Any], mode: str = "replace", name: str = DEFAULT_SELECTION
    ) -> None:
        """Select rows whose values lie within limits, both of which are inside."""
        parts = []
        for space, (low, high) in zip(spaces, limits, strict=True):
            text = self._text(space)
            parts.append(f"(({text}) >= {_text.literal(min(low, high))}) & (({text}) <= {_text.literal(max(low, high))})")
        self.select(self._expression(" & ".join(parts), _text.BIT_AND), mode, name)

    def select_rectangle(
        self, x: Any, y: Any, limits: Sequence[Any], mode: str = "replace", name: str = DEFAULT_SELECTION
    ) -> None:
        """Select rows in a rectangle."""
        self.select_box([x, y], limits, mode, name)

    def select_circle(
        self, x: Any, y: Any, xc: float, yc: float, r: float, mode: str = "replace", name: str = DEFAULT_SELECTION,
        inclusive: bool = True,
    ) -> None:
        """Select rows in a circle, on its edge too unless `inclusive` is False."""
        self.select_ellipse(x, y, xc, yc, 2 * r, 2 * r, 0.0, mode, name, inclusive=inclusive)

    def select_ellipse(
        self,
        x: Any,
        y: Any,
        xc: float,
        yc: float,
        width: float,
        height: float,
        angle: float = 0.0,
        mode: str = "replace",
        name: str = DEFAULT_SELECTION,
        inclusive: bool = True,
    ) -> None:
        """Select rows in an ellipse, which is turned by `angle` degrees."""
        import math

        turned = math.radians(angle)
        dx, dy = f"(({self._text(x)}) - {float(xc)!r})", f"(({self._text(y)}) - {float(yc)!r})"
        cos, sin = repr(math.cos(turned)), repr(math.sin(turned))
        along = f"({dx} * {cos} + {dy} * {sin}) / {float(width) / 2!r}"
        across = f"({dy} * {cos} - {dx} * {sin}) / {float(height) / 2!r}"
        text = f"({along}) ** 2 + ({across}) ** 2 {'<=' if inclusive else '<'} 1"
        self.select(self._expression(text, _text.COMPARE), mode, name)

    def select_lasso(
        self,
        x: Any,
        y: Any,
        xsequence: Sequence[float],
        ysequence: Sequence[float],
        mode: str = "replace",
        name: str = DEFAULT_SELECTION,
    ) -> None:
        """Select rows in a polygon, by the places of its corners."""
        corners = [(float(a), float(b)) for a, b in zip(xsequence, ysequence, strict=True)]
        if len(corners) < 3:
            raise InvalidInputError("a polygon has at least three corners", code="no-polygon")
        across, up = f"({self._text(x)})", f"({self._text(y)})"
        crossed = []
        for (ax, ay), (bx, by) in zip(corners, [*corners[1:], corners[0]], strict=True):
            if ay == by:
                continue
            # A ray to the right crosses this side.
            between = f"(({up} < {ay!r}) != ({up} < {by!r}))"
            crossed.append(f"({between} & ({across} < {ax!r} + ({up} - {ay!r}) * {(bx - ax) / (by - ay)!r}))")
        self.select(self._expression(" ^ ".join(crossed), _text.BIT_XOR), mode, name)

    def select_non_missing(
        self, column_names: Any = None, drop_nan: bool = True, mode: str = "replace", name: str = DEFAULT_SELECTION
    ) -> None:
        """Select rows in which no column is missing, or NaN."""
        test = "notna" if drop_nan else "notmissing"
        parts = [f"{test}({_text.quoted(column)})" for column in self._names(column_names)]
        self.select(self._expression(" & ".join(parts), _text.BIT_AND), mode, name)

    def selection_undo(self, name: str = DEFAULT_SELECTION) -> None:
        """Select what was selected before."""
        with self._lock:
            history = self._selections.get(name, [])
            if not history:
                raise InvalidInputError(f"nothing was selected as {name!r}", code="nothing-selected")
            self._undone.setdefault(name, []).append(history[-1])
            self._selected(name, history[:-1])

    def selection_redo(self, name: str = DEFAULT_SELECTION) -> None:
        """Select what was undone."""
        with self._lock:
            undone = self._undone.get(name, [])
            if not undone:
                raise InvalidInputError(f"nothing was undone of {name!r}", code="nothing-selected")
            self._selected(name, [*self._selections.get(name, []), undone.pop()])

    def selection_can_undo(self, name: str = DEFAULT_SELECTION) -> bool:
        """Whether there is a selection to undo."""
        return bool(self._selections.get(name))

    def selection_can_redo(self, name: str = DEFAULT_SELECTION) -> bool:
        """Whether there is a selection to redo."""
        return bool(self._undone.get(name))

    def has_selection(self, name: str = DEFAULT_SELECTION) -> bool:
        """Whether something is selected."""
        history = self._selections.get(name) or [None]
        return history[-1] is not None

    def selected_length(self, selection: Any = DEFAULT_SELECTION) -> int:
        """How many rows are selected."""
        return self._native.compute([f"count(where={self._condition(selection)})"])[0]  # type: ignore[no-any-return]

    def evaluate_selection_mask(self, name: Any = DEFAULT_SELECTION) -> np.ndarray[Any, Any]:
        """An array that tells of each row whether it is selected."""
        condition = self._condition(name)
        return self._expression(f"({condition}).fillmissing(False)").to_numpy()
