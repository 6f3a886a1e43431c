"""Values of Python as plain values that JSON has a form of.

What is turned into something else in silence is what reads back as the same for a person: tuples, ranges, numbers of
numpy. Where information is lost, there is a warning, but for NaN and infinity: they become null, without a word as in DataFolio 2.3.
"""

from __future__ import annotations

import datetime
import enum
import math
import warnings
from collections.abc import Mapping
from typing import Any

from ._optional import is_instance
from .exceptions import InvalidInputError, InvalidTypeError

__all__ = ["plain"]

# Values may lie this deep in each other, as in the catalogue.
DEEPEST = 200


def plain(value: Any) -> Any:
    """A value of plain dicts, lists, strings, numbers, truth values and None.

    Raises
    ------
    InvalidTypeError
        For what JSON has no form of; it is a TypeError.
    InvalidInputError
        For keys that become the same text, and for values that hold themselves; it is a ValueError.
    """
    return _plain(value, "", 0)


def _plain(value: Any, place: str, depth: int) -> Any:
    if depth > DEEPEST:
        raise InvalidInputError(
            f"not JSON-serializable: values lie more than {DEEPEST} deep in each other, or in themselves",
            code="invalid-value",
        )
    if value is None or value is True or value is False:
        return value
    if isinstance(value, enum.Enum):
        return _plain(value.value, place, depth + 1)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return _plain_mapping(value, place, depth)
    if isinstance(value, (list, tuple, range)):
        return [_plain(item, f"{place}[{at}]", depth + 1) for at, item in enumerate(value)]
    if isinstance(value, (set, frozenset)):
        warnings.warn(f"a set is stored as a list{_at(place)}: its order means nothing", UserWarning, stacklevel=4)
        try:
            items = sorted(value)
        except TypeError:
            items = list(value)
        return [_plain(item, f"{place}[{at}]", depth + 1) for at, item in enumerate(items)]
    if hasattr(type(value), "__dataclass_fields__"):
        # Slow to import, and there already where somebody has made such a class.
        import dataclasses

        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return _plain_mapping(fields, place, depth)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if is_instance(value, "uuid", "UUID"):
        return str(value)
    if is_instance(value, "numpy", "generic"):
        return _plain(value.item(), place, depth + 1)
    if is_instance(value, "numpy", "ndarray") and depth > 0:
        return _plain(value.tolist(), place, depth + 1)
    raise InvalidTypeError(
        f"not JSON-serializable{_at(place)}: a value of type {type(value).__qualname__}", code="invalid-value"
    )


def _plain_mapping(value: Mapping[Any, Any], place: str, depth: int) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    converted = False
    for key, item in value.items():
        text = key if isinstance(key, str) else _key_text(key, place)
        converted = converted or not isinstance(key, str)
        if text in fields:
            raise InvalidInputError(
                f"not JSON-serializable{_at(place)}: two keys become {text!r}", code="invalid-value"
            )
        fields[text] = _plain(item, f"{place}.{text}" if place else text, depth + 1)
    if converted:
        warnings.warn(f"keys that are no strings are stored as strings{_at(place)}", UserWarning, stacklevel=5)
    return fields


def _key_text(key: Any, place: str) -> str:
    if key is None:
        return "null"
    if key is True or key is False:
        return "true" if key else "false"
    if is_instance(key, "numpy", "generic"):
        key = key.item()
    if isinstance(key, (datetime.datetime, datetime.date, datetime.time)):
        return key.isoformat()
    if isinstance(key, enum.Enum):
        return _key_text(key.value, place)
    if isinstance(key, (str, int, float)) or is_instance(key, "uuid", "UUID"):
        return str(key)
    raise InvalidTypeError(
        f"not JSON-serializable{_at(place)}: a key of type {type(key).__qualname__}", code="invalid-value"
    )


def _at(place: str) -> str:
    return f" at {place}" if place else ""
