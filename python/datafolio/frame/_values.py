"""Values on their way between the engine, Python and numpy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .._optional import is_instance, loaded, need
from ..exceptions import InvalidInputError, InvalidTypeError

if TYPE_CHECKING:
    import numpy as np

# Type, bytes, mask and shape: what an array of numpy is made of.
Parts = tuple[str, Any, Any, Sequence[int]]

_IN_MICROSECONDS = {"D": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000, "us": 1}


def instant(ticks: int, unit: str, zone: str | None) -> Any:
    """An instant of the engine: a ``date`` of days, a ``datetime`` of units that it holds, a ``numpy.datetime64`` of others.

    Nanoseconds are ``numpy.datetime64``, since a ``datetime`` would round them.
    """
    scale = _IN_MICROSECONDS.get(unit)
    if scale is not None:
        try:
            moment = dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=ticks * scale)
        except OverflowError:
            scale = None
    if scale is None:
        return need("numpy", f"an instant in units of {unit}").datetime64(ticks, unit)
    if unit == "D":
        return moment.date()
    return moment if zone is None else _in_zone(moment, zone)


def _in_zone(moment: dt.datetime, zone: str) -> dt.datetime:
    aware = moment.replace(tzinfo=dt.timezone.utc)
    if zone in ("UTC", "Z", "+00:00"):
        return aware
    if zone[:1] in "+-":
        return aware.astimezone(dt.datetime.strptime(zone, "%z").tzinfo)
    import zoneinfo

    try:
        return aware.astimezone(zoneinfo.ZoneInfo(zone))
    except zoneinfo.ZoneInfoNotFoundError:
        # A machine without this zone still has the instant.
        return aware


def duration(ticks: int, unit: str) -> Any:
    """A duration of the engine: a ``timedelta``, or a ``numpy.timedelta64`` in units that one does not hold."""
    scale = _IN_MICROSECONDS.get(unit)
    try:
        if scale is not None:
            return dt.timedelta(microseconds=ticks * scale)
    except OverflowError:
        pass
    return need("numpy", f"a duration in units of {unit}").timedelta64(ticks, unit)


def array_of_parts(parts: Parts, rows: int) -> np.ndarray[Any, Any]:
    """An array of numpy, masked where values are missing and the type has none that says so."""
    numpy = need("numpy", "an array of numpy")
    dtype, data, mask, shape = parts
    array = numpy.frombuffer(data, dtype=dtype).reshape((rows, *shape))
    if mask is None:
        return array  # type: ignore[no-any-return]
    return numpy.ma.MaskedArray(array, numpy.frombuffer(mask, dtype="bool").reshape(array.shape))  # type: ignore[no-any-return]


def array_of_list(values: Sequence[Any]) -> np.ndarray[Any, Any]:
    """An array of objects: texts, lists and the like."""
    numpy = need("numpy", "an array of numpy")
    array = numpy.empty(len(values), dtype=object)
    array[:] = values
    return array  # type: ignore[no-any-return]


def array_of_answers(values: Any) -> np.ndarray[Any, Any]:
    """Answers of several questions as an array: None becomes NaN among numbers."""
    numpy = need("numpy", "several answers at once")
    flat = list(_flat(values))
    if any(value is None for value in flat) and all(value is None or isinstance(value, (int, float)) for value in flat):
        return numpy.array(_replaced(values), dtype="float64")  # type: ignore[no-any-return]
    if any(isinstance(value, (dt.date, dt.timedelta)) for value in flat):
        kind = "timedelta64[us]" if isinstance(flat[0], dt.timedelta) else "datetime64[us]"
        return numpy.array(values, dtype=kind)  # type: ignore[no-any-return]
    return numpy.array(values)  # type: ignore[no-any-return]


def _flat(values: Any) -> Any:
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _flat(value)
        else:
            yield value


def _replaced(values: Any) -> Any:
    if isinstance(values, (list, tuple)):
        return [_replaced(value) for value in values]
    return float("nan") if values is None else values


def parts_of(values: Any, what: str = "the array") -> Parts | list[str | None]:
    """What the engine takes of an array of numpy, a list, or a series: its parts, or a list of texts.

    Raises
    ------
    InvalidTypeError
        For values that there are no columns of.
    """
    if is_instance(values, "pandas", "Series", "Index"):
        values = values.array if str(values.dtype) in ("string", "str") else values.to_numpy()
    if isinstance(values, (list, tuple)) and all(value is None or isinstance(value, str) for value in values):
        return list(values)
    numpy = need("numpy", "a column of Python's values")
    if isinstance(values, (list, tuple)) and any(value is None for value in values):
        # Something of the same type stands where a value is missing.
        present = next((value for value in values if value is not None), 0.0)
        filled = numpy.asarray(_plain([present if value is None else value for value in values], what))
        values = numpy.ma.MaskedArray(filled, numpy.array([value is None for value in values]).reshape(-1))
    mask = numpy.ma.getmaskarray(values) if isinstance(values, numpy.ma.MaskedArray) else None
    array = numpy.asarray(numpy.ma.getdata(values))
    if array.ndim == 0:
        raise InvalidInputError(f"{what} is a single value, and a column has one for each row", code="not-a-column")
    if array.dtype.kind in "OUT":
        return _texts(array, mask, what)
    if array.dtype.kind in "mM":
        array = _known_unit(array)
    elif array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise InvalidTypeError(f"{what} is of type {array.dtype}, which there are no columns of", code="no-column-type")
    array = numpy.ascontiguousarray(array).astype(array.dtype.newbyteorder("="), copy=False)
    name = array.dtype.name
    data = array.astype("int64", copy=False).tobytes() if array.dtype.kind in "mM" else array.tobytes()
    masked = None if mask is None or not mask.any() else mask.astype("uint8").tobytes()
    return name, data, masked, list(array.shape)


def _known_unit(array: Any) -> Any:
    """Instants and durations in a unit that Arrow has."""
    numpy = loaded("numpy")
    assert numpy is not None
    unit, step = numpy.datetime_data(array.dtype)
    kind = array.dtype.kind
    if (step == 1 and unit in ("s", "ms", "us", "ns")) or (unit == "D" and step == 1 and kind == "M"):
        return array
    if kind == "M" and unit in ("Y", "M", "W", "D"):
        return array.astype("M8[D]")
    return array.astype(f"{kind}8[{unit if unit in ('ms', 'us', 'ns') else 's'}]")


def _texts(array: Any, mask: Any, what: str) -> Parts | list[str | None]:
    if array.ndim != 1:
        raise InvalidTypeError(f"{what} has texts in {array.ndim} axes, and a row holds one text", code="no-column-type")
    hidden = [False] * len(array) if mask is None else mask.tolist()
    texts: list[str | None] = []
    for at, (value, gone) in enumerate(zip(array.tolist(), hidden, strict=True)):
        if gone or value is None or value != value:
            texts.append(None)
        elif isinstance(value, str):
            texts.append(value)
        elif all(text is None for text in texts):
            # Objects that are numbers or instants, all of them.
            given = array.tolist()
            if not any(isinstance(item, str) for item in given):
                return parts_of(given if None in given else _plain(given, what), what)
            raise InvalidTypeError(f"{what} mixes texts with others", code="no-column-type")
        else:
            raise InvalidTypeError(
                f"{what} has a {type(value).__name__} in row {at} among texts", code="no-column-type"
            )
    return texts


def _plain(values: list[Any], what: str) -> Any:
    numpy = loaded("numpy")
    assert numpy is not None
    array = numpy.array(values)
    if array.dtype.kind == "O":
        if all(isinstance(value, dt.datetime) for value in values):
            return array.astype("M8[us]")
        if all(isinstance(value, dt.date) for value in values):
            return array.astype("M8[D]")
        if all(isinstance(value, dt.timedelta) for value in values):
            return array.astype("m8[us]")
        raise InvalidTypeError(f"{what} holds {type(values[0]).__name__}, which there are no columns of")
    return array
