"""Expressions as text: how names, values and operands are written, so that the engine reads them back as they were meant."""

from __future__ import annotations

import datetime as dt
import json
import keyword
import re
from collections.abc import Mapping
from typing import Any

from .._optional import is_instance, loaded
from ..exceptions import InvalidTypeError

# How tightly operators bind, as in Python.
OR, AND, NOT, COMPARE, BIT_OR, BIT_XOR, BIT_AND, SHIFT, SUM, PRODUCT, UNARY, POWER, ATOM = range(1, 14)

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
# Words that stand for something else in an expression. Any name may stand in backticks.
_TAKEN = frozenset(("nan", "inf", "col", "df", "np", "numpy", "math", "datetime64", "timedelta64"))


def quoted(name: str) -> str:
    """The name of a column as it is written in an expression."""
    if _PLAIN.match(name) and not keyword.iskeyword(name) and not keyword.issoftkeyword(name) and name not in _TAKEN:
        return name
    return "`" + name.replace("`", "``") + "`"


def wrapped(text: str, binds: int, least: int) -> str:
    """An operand, in parentheses where it binds less than its operator wants."""
    return text if binds >= least else f"({text})"


def literal(value: Any) -> str:
    """A value of Python as it is written in an expression.

    Raises
    ------
    InvalidTypeError
        For what expressions have no values of, such as bytes.
    """
    return _literal(value)[0]


def operand(value: Any) -> tuple[str, int]:
    """The text of a value or an expression, and how tightly it binds."""
    text = getattr(value, "expression", None)
    if isinstance(text, str):
        return text, value._binds
    return _literal(value)


def _literal(value: Any) -> tuple[str, int]:
    text = getattr(value, "expression", None)
    if isinstance(text, str):
        return text, value._binds
    if value is None:
        return "None", ATOM
    if isinstance(value, bool) or is_instance(value, "numpy", "bool_"):
        return ("True" if value else "False"), ATOM
    if isinstance(value, int):
        return repr(int(value)), ATOM if value >= 0 else UNARY
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, str):
        return _string(value), ATOM
    if is_instance(value, "pandas", "Timestamp", "Timedelta"):
        value = value.to_numpy() if value.tzinfo is None else value.tz_convert("UTC").to_pydatetime()
    moment = _moment(value)
    if moment is not None:
        return moment, ATOM
    if is_instance(value, "numpy", "integer"):
        return _literal(int(value))
    if is_instance(value, "numpy", "floating"):
        return _float(float(value))
    if is_instance(value, "numpy", "str_"):
        return _string(str(value)), ATOM
    if is_instance(value, "numpy", "ndarray"):
        return _list(value if value.dtype.kind in "mM" else value.tolist()), ATOM
    if is_instance(value, "pandas", "Series", "Index") or is_instance(value, "polars", "Series"):
        return _list(value.to_numpy()), ATOM
    if is_instance(value, "pyarrow", "Array", "ChunkedArray"):
        return _list(value.to_pylist()), ATOM
    if isinstance(value, Mapping):
        pairs = (f"{_literal(key)[0]}: {_literal(item)[0]}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}", ATOM
    if isinstance(value, (list, tuple, set, frozenset, range)):
        return _list(value), ATOM
    if is_instance(value, "numpy", "dtype") or isinstance(value, type):
        return _string(type_name(value)), ATOM
    pandas = loaded("pandas")
    if pandas is not None and (value is pandas.NA or value is pandas.NaT):
        return "None", ATOM
    raise InvalidTypeError(
        f"expressions have no values of type {type(value).__name__}: {value!r:.80}",
        code="not-a-value",
        hint="numbers, texts, truth values, datetime and timedelta, None, lists and dicts of them are values",
    )


def _list(values: Any) -> str:
    return "[" + ", ".join(_literal(value)[0] for value in values) + "]"


def _float(value: float) -> tuple[str, int]:
    if value != value:
        return "nan", ATOM
    if value in (float("inf"), float("-inf")):
        return ("inf", ATOM) if value > 0 else ("-inf", UNARY)
    # -0.0 is written with its sign, too.
    text = repr(float(value))
    return text, UNARY if text.startswith("-") else ATOM


def _string(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidTypeError(f"{value!r:.80} is no text: it has half a character at {error.start}") from None
    return json.dumps(value, ensure_ascii=False)


def _moment(value: Any) -> str | None:
    """An instant or a duration; none for anything else."""
    if is_instance(value, "numpy", "datetime64", "timedelta64"):
        numpy = loaded("numpy")
        assert numpy is not None
        if numpy.isnat(value):
            return "None"
        unit, step = numpy.datetime_data(value.dtype)
        if unit in ("ps", "fs", "as"):
            value, unit, step = value.astype(f"{value.dtype.kind}8[ns]"), "ns", 1
        name = "datetime64" if value.dtype.kind == "M" else "timedelta64"
        ticks = int(value.astype("int64")) * step
        return f'{name}({ticks}, "{"D" if unit == "generic" else unit}")'
    if isinstance(value, dt.datetime):
        return f'datetime64("{value.isoformat()}")'
    if isinstance(value, dt.date):
        return f'datetime64("{value.isoformat()}")'
    if isinstance(value, dt.timedelta):
        microseconds = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
        return f'timedelta64({microseconds}, "us")'
    return None


_NAMES = {bool: "bool", int: "int64", float: "float64", str: "string"}


def type_name(dtype: Any) -> str:
    """The engine's name of a type, from Python's, numpy's, pandas' or pyarrow's."""
    if isinstance(dtype, str):
        return {"object": "string", "large_string": "string", "utf8": "string", "O": "string"}.get(dtype, dtype)
    if dtype in _NAMES:
        return _NAMES[dtype]
    if is_instance(dtype, "numpy", "dtype") or (isinstance(dtype, type) and dtype.__module__.startswith("numpy")):
        numpy = loaded("numpy")
        assert numpy is not None
        found = numpy.dtype(dtype)
        return "string" if found.kind in "OUST" else str(found.name)
    return type_name(str(dtype))


def call(name: str, *arguments: Any, **named: Any) -> str:
    """A call of a function as text. Arguments by name that are None are left out."""
    given = [operand(argument)[0] for argument in arguments]
    given += [f"{key}={operand(value)[0]}" for key, value in named.items() if value is not None]
    return f"{quoted(name)}({', '.join(given)})"
