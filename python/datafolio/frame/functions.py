"""Functions of expressions: those of the engine, and those of your own over blocks of arrays."""

from __future__ import annotations

import functools
import inspect
import itertools
import keyword
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from .. import _native
from .._optional import need
from ..exceptions import InvalidInputError, InvalidTypeError
from . import _text
from ._values import array_of_list, array_of_parts, parts_of

if TYPE_CHECKING:
    from ._base import Base
    from .expression import Expression

F = TypeVar("F", bound=Callable[..., Any])

# The engine's blocks have so many rows; a function of one's own is never given more at once.
BLOCK = 4096

# Told apart, also where several threads make functions of the same name.
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Function:
    """A function of the engine."""

    name: str
    arguments: tuple[str, ...]
    about: str


@functools.cache
def engine_functions() -> dict[str, Function]:
    """The functions of the engine, by name."""
    told = _native.frame_functions()
    return {name: Function(name, tuple(arguments), about) for name, arguments, about in told}


class EngineFunction:
    """A function of the engine, with its first argument where it is a method."""

    def __init__(self, function: Function, of: Expression | Base) -> None:
        self._function = function
        self._of = of
        self.__doc__ = f"{function.name}({', '.join(function.arguments)})\n\n{function.about}"

    @property
    def __name__(self) -> str:
        """The name that the function has in expressions."""
        return self._function.name

    def __call__(self, *arguments: Any, **named: Any) -> Expression:
        """An expression that calls it."""
        of = self._of
        first = [of] if hasattr(of, "expression") else []
        text = _text.call(self._function.name, *first, *arguments, **named)
        df = getattr(of, "df", of)
        return df._expression(text)

    def __repr__(self) -> str:
        return f"<function {self._function.name}({', '.join(self._function.arguments)})>"


@dataclass(eq=False)
class UserFunction:
    """A function over blocks of arrays.

    Attributes
    ----------
    name : str
        Its name in expressions.
    function : callable
        Given an array of numpy for each expression among its arguments, and the other arguments as they are.
    returns : str or None
        The type of what it returns; None to find out by its first call.
    chunk_size : int or None
        The most rows that it is given at once.
    as_property : bool
        Whether ``df.x.name`` stands for ``df.x.name()``.
    """

    name: str
    function: Callable[..., Any]
    returns: str | None = None
    chunk_size: int | None = None
    as_property: bool = False
    by_row: bool = False

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or keyword.iskeyword(self.name):
            raise InvalidInputError(f"{self.name!r} is no name of a function", code="invalid-name")
        if self.returns is not None:
            self.returns = _text.type_name(self.returns)
        if self.chunk_size is not None and self.chunk_size < 1:
            raise InvalidInputError("chunk_size: a block has at least one row", code="invalid-option")

    def expression(self, df: Base, arguments: Sequence[Any]) -> Expression:
        """A call of it, as an expression of a frame."""
        columns = [argument for argument in arguments if hasattr(argument, "expression")]
        if not columns:
            raise InvalidTypeError(f"{self.name}: none of its arguments is a column or an expression")
        constants = {at: value for at, value in enumerate(arguments) if not hasattr(value, "expression")}
        returns = self.returns or self._found(df, columns, constants)
        name = self.name
        known = df._functions.get(name)
        if constants or (known is not None and known.returns not in (None, returns)):
            # Each set of constants makes a function of its own, and so does each type that it returns.
            name = f"{self.name}_{next(_NUMBERS)}"
        _register(df, name, Kernel(self, constants, returns))
        return df._expression(_text.call(name, *columns))

    def _found(self, df: Base, columns: Sequence[Any], constants: dict[int, Any]) -> str:
        """The type of what it returns for the first rows."""
        numpy = need("numpy", "a function over arrays")
        asked = [(str(at), column.expression) for at, column in enumerate(columns)]
        first = df._native.without_filter().slice(0, 2)
        chunk = first.collect(asked)
        if len(chunk) == 0:
            raise InvalidInputError(
                f"{self.name}: there are no rows to find its type by", code="unknown-type", hint="give returns=..."
            )
        blocks = []
        for at in range(len(columns)):
            parts = chunk.numpy(at)
            blocks.append(list(chunk.rows().to_pydict()[str(at)]) if parts is None else parts)
        result = numpy.ma.asarray(Kernel(self, constants, None).values(blocks))
        if result.dtype.kind in "OUS":
            given = parts_of(result, f"what {self.name} returns")
            return "string" if isinstance(given, list) else _text.type_name(given[0])
        return _text.type_name(result.dtype)

    def __call__(self, *arguments: Any) -> Any:
        """Of expressions an expression; of anything else what the function itself returns."""
        for argument in arguments:
            if hasattr(argument, "expression"):
                return self.expression(argument.df, arguments)
        return self.function(*arguments)


class Kernel:
    """A function with the arguments that are no columns, as the engine calls it."""

    def __init__(self, user: UserFunction, constants: dict[int, Any], returns: str | None) -> None:
        self.user = user
        self.constants = constants
        self.returns = returns

    def __call__(self, blocks: Sequence[Any]) -> Any:
        """The values for a block of rows, of the arrays of its columns."""
        result = self.values(blocks)
        if self.returns == "string":
            return [None if value is None else str(value) for value in _plain_list(result)]
        numpy = need("numpy", "a function over arrays")
        array = numpy.ma.asarray(result) if isinstance(result, numpy.ma.MaskedArray) else numpy.asarray(result)
        if self.returns is not None and array.dtype.name != self.returns and array.dtype.kind != "O":
            # An integer where a fraction is returned would lose it: that is an error of the call.
            array = array.astype(self.returns, casting="same_kind")
        return parts_of(array, f"what {self.user.name} returns")

    def values(self, blocks: Sequence[Any]) -> Any:
        """What the function returns for a block."""
        numpy = need("numpy", "a function over arrays")
        arrays = [array_of_list(block) if isinstance(block, list) else array_of_parts(block, -1) for block in blocks]
        rows = len(arrays[0])
        size = self.user.chunk_size or rows
        if size >= rows:
            return self._called(arrays)
        pieces = [self._called([array[at : at + size] for array in arrays]) for at in range(0, rows, size)]
        return numpy.ma.concatenate(pieces) if any(map(numpy.ma.isMaskedArray, pieces)) else numpy.concatenate(pieces)

    def _called(self, arrays: Sequence[Any]) -> Any:
        left = iter(arrays)
        count = len(arrays) + len(self.constants)
        given = [self.constants[at] if at in self.constants else next(left) for at in range(count)]
        if not self.user.by_row:
            return self.user.function(*given)
        columns = [
            [value] * len(arrays[0]) if at in self.constants else value.tolist() for at, value in enumerate(given)
        ]
        return array_of_list([self.user.function(*row) for row in zip(*columns, strict=True)])


def _plain_list(values: Any) -> list[Any]:
    return values.tolist() if hasattr(values, "tolist") else list(values)


def _register(df: Base, name: str, kernel: Kernel) -> None:
    if kernel.returns is None:
        raise InvalidInputError(f"{name}: the type of what it returns is not known", code="unknown-type")
    returns = kernel.returns
    with df._lock:
        df._change(lambda native: native.with_function(name, returns, kernel))
        df._functions = {**df._functions, name: kernel}


def adopt(df: Base, functions: dict[str, Kernel]) -> None:
    """Registers the functions of another frame with one."""
    for name, kernel in functions.items():
        if df._functions.get(name) is not kernel:
            _register(df, name, kernel)


_REGISTERED: dict[str, UserFunction] = {}
_REGISTERING = threading.Lock()


def register_function(
    function: F | None = None,
    *,
    name: str | None = None,
    returns: Any = None,
    chunk_size: int | None = None,
    as_property: bool = False,
    on_expression: bool = True,
    multiprocessing: bool = False,
) -> Any:
    """Make a function over arrays a function of expressions, as a decorator.

    It is given blocks of at most 4,096 rows, from several threads at once, and returns an array of as many values. Arguments that
    are no expressions, such as an array to compare with, reach it as they are.

    Parameters
    ----------
    name : str, optional
        Its name in expressions; by default its own.
    returns : dtype, optional
        The type of what it returns; by default what it returns for the first two rows.
    chunk_size : int, optional
        The most rows that it is given at once, where blocks should be smaller.
    as_property : bool
        Whether ``df.x.name`` stands for ``df.x.name()``.
    on_expression, multiprocessing
        As Vaex has them; they change nothing.

    Examples
    --------
    >>> @register_function(returns="float64")
    ... def double(x):
    ...     return x * 2.0
    >>> from_dict({"x": [1.0, 2.5]}).x.double().tolist()
    [2.0, 5.0]
    """

    def decorate(function: F) -> F:
        user = UserFunction(name or _name_of(function), function, returns, chunk_size, as_property)
        with _REGISTERING:
            _REGISTERED[user.name] = user
        return function

    return decorate if function is None else decorate(function)


def _name_of(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", "")
    return name if name.isidentifier() else "apply"


def known_functions(df: Base) -> set[str]:
    """The names of all functions that expressions of a frame may call."""
    return {*engine_functions(), *_REGISTERED, *df._functions}


def bound_function(expression: Expression, name: str) -> Any:
    """A function as a method of an expression; None where there is none of this name."""
    df = expression.df
    kernel = df._functions.get(name)
    user = kernel.user if isinstance(kernel, Kernel) else _REGISTERED.get(name)
    if user is not None:
        if user.as_property:
            return user.expression(df, [expression])
        return lambda *arguments: user.expression(df, [expression, *arguments])
    function = engine_functions().get(name)
    return None if function is None else EngineFunction(function, expression)


class Functions:
    """``df.func``: all functions by name, as ``df.func.where(df.x > 0, df.x, 0)``."""

    __slots__ = ("_df",)

    def __init__(self, df: Base) -> None:
        self._df = df

    def __getattr__(self, name: str) -> Any:
        df = self._df
        kernel = df._functions.get(name)
        user = kernel.user if isinstance(kernel, Kernel) else _REGISTERED.get(name)
        if user is not None:
            return lambda *arguments: user.expression(df, arguments)
        function = engine_functions().get(name)
        if function is None:
            raise AttributeError(f"there is no function {name!r}")
        return EngineFunction(function, df)

    def __dir__(self) -> list[str]:
        return sorted(known_functions(self._df))


class FunctionParts:
    """The part of a frame that has functions of one's own."""

    _functions: dict[str, Any]

    @property
    def func(self) -> Functions:
        """All functions of expressions by name."""
        return Functions(self)  # type: ignore[arg-type]

    def add_function(
        self,
        name: str,
        f: Callable[..., Any],
        returns: Any = None,
        chunk_size: int | None = None,
    ) -> UserFunction:
        """Make a function over arrays a function of expressions of this frame.

        Parameters
        ----------
        name : str
            Its name, in text and as a method: ``df["f(x)"]`` (where `returns` is given) and ``df.x.f()``.
        f, returns, chunk_size
            As in :func:`register_function`.

        Returns
        -------
        UserFunction
            Called with expressions, it gives an expression.
        """
        user = UserFunction(name, f, returns, chunk_size)
        kernel = Kernel(user, {}, user.returns)
        if kernel.returns is not None:
            _register(self, name, kernel)  # type: ignore[arg-type]
        else:
            self._functions = {**self._functions, name: kernel}
        return user

    def apply(
        self,
        f: Callable[..., Any],
        arguments: Sequence[Any],
        vectorize: bool = False,
        multiprocessing: bool = True,
        returns: Any = None,
    ) -> Expression:
        """Call a function of Python's for each row, or with `vectorize` for blocks of rows.

        A call for each row takes about a thousand times as long as a function of the engine.

        Parameters
        ----------
        f : callable
            The function, given plain values of a row, or arrays of a block.
        arguments : list
            Expressions, names of columns, or values.
        returns : dtype, optional
            The type of what it returns; by default what it returns for the first two rows.
        """
        given = [self._expression(self._text(one)) if isinstance(one, str) else one for one in arguments]  # type: ignore[attr-defined]
        user = UserFunction(_name_of(f), f, returns, by_row=not vectorize)
        if inspect.isclass(f):
            raise InvalidTypeError(f"apply: {f.__name__} is a class, and a function is expected")
        expression: Expression = user.expression(self, given)  # type: ignore[arg-type]
        return expression
