"""What cases of compatibility make plain values with. PyPI's releases run it too, so it imports nothing but the standard library."""

from __future__ import annotations

import builtins
import contextlib
import io
import math
import warnings
from collections.abc import Callable
from typing import Any


def raised(call: Callable[[], Any], *fragments: str) -> dict[str, Any]:
    """Which of Python's exceptions a call raises, most special first, and which fragments its message has."""
    try:
        value = call()
    except Exception as error:
        kinds = [kind.__name__ for kind in type(error).__mro__ if getattr(builtins, kind.__name__, None) is kind]
        text = str(error).lower()
        return {"raises": kinds, "says": [fragment.lower() in text for fragment in fragments]}
    return {"returned": type(value).__name__}


def warned(call: Callable[[], Any]) -> list[str]:
    """The classes of the warnings that a call gives."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return sorted({warning.category.__name__ for warning in caught if "deprecat" not in warning.category.__name__.lower()})


def printed(call: Callable[[], Any]) -> str:
    """What a call prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        call()
    return out.getvalue()


def frame(value: Any) -> dict[str, Any]:
    """A frame of pandas or Polars as its library, its types and its values."""
    module = type(value).__module__.split(".")[0]
    if module == "pandas":
        columns = value.to_dict("list") if hasattr(value, "columns") else {value.name: value.tolist()}
        types = {str(k): str(v) for k, v in value.dtypes.items()} if hasattr(value, "columns") else {"": str(value.dtype)}
        index = [str(label) for label in value.index]
    else:
        columns = value.to_dict(as_series=False)
        types = {name: str(kind) for name, kind in zip(value.columns, value.dtypes, strict=True)}
        index = []
    values = {str(name): [text(item) for item in items] for name, items in columns.items()}
    return {"library": module, "types": types, "index": index, "values": values}


def array(value: Any) -> list[Any]:
    """An array as its type, shape and values."""
    return [type(value).__name__, str(value.dtype), list(value.shape), text(value.tolist())]


def text(value: Any) -> Any:
    """A value that JSON has a form of as it is, others as text."""
    if isinstance(value, (list, tuple)):
        return [text(item) for item in value]
    exact = value is None or isinstance(value, (bool, int, str)) or (isinstance(value, float) and math.isfinite(value))
    return value if exact else str(value)
