"""Functions that belong to a kind of values, as ``df.name.str.lower()``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .functions import EngineFunction, engine_functions

if TYPE_CHECKING:
    from .expression import Expression


class Namespace:
    """The functions of the engine whose names begin alike."""

    _prefix: ClassVar[str]
    # Whether functions of one argument are written without parentheses.
    _properties: ClassVar[bool] = False

    __slots__ = ("_of",)

    def __init__(self, of: Expression) -> None:
        self._of = of

    def __getattr__(self, name: str) -> Any:
        function = engine_functions().get(self._prefix + name)
        if function is None:
            import difflib

            near = difflib.get_close_matches(name, dir(self), 1)
            hint = f"; did you mean .{near[0]}?" if near else ""
            raise AttributeError(f".{self._prefix.rstrip('_')} has no {name!r}{hint}")
        if self._properties and len(function.arguments) == 1:
            return self._of._made(f"{function.name}({self._of.expression})")
        return EngineFunction(function, self._of)

    def __dir__(self) -> list[str]:
        return sorted(name[len(self._prefix) :] for name in engine_functions() if name.startswith(self._prefix))
