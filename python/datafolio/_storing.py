"""Values on their way into a bundle, a way for each type of item."""

from __future__ import annotations

import datetime
import os
import tempfile
from typing import Any

from . import _jsonable, _models
from ._core import Core, new_name
from ._optional import need
from ._rows_in import rows_of
from .exceptions import ExistsError, InvalidInputError, InvalidTypeError

__all__ = ["Storing"]

# Arrays above so many bytes go through a file on their way, so that memory holds them once.
LARGE_ARRAY = 64 << 20

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def microseconds(instant: datetime.datetime) -> int:
    """Since 1970, of an instant with a time zone."""
    if instant.utcoffset() is None:
        raise InvalidInputError(
            "Naive datetime objects are not allowed: give it a time zone, such as "
            "timestamp.replace(tzinfo=datetime.timezone.utc)",
            code="invalid-value",
        )
    return (instant - _EPOCH) // datetime.timedelta(microseconds=1)


class Storing(Core):
    """What the methods that add items share. Each way commits at once, and returns the handle."""

    def _add_table(
        self,
        name: str,
        data: Any,
        common: dict[str, Any],
        preserve_index: bool = False,
        extra: dict[str, Any] | None = None,
    ) -> Any:
        self._refuse_taken(name, common)
        rows = rows_of(data, preserve_index=preserve_index)
        fields = {**rows.extra, **(extra or {})}
        options = {**common, "dataframe_library": rows.library, "extra": fields or None}
        self._seen().add_table(name, rows.stream, options, chunks=rows.chunks)
        return self

    def _add_array(self, name: str, array: Any, common: dict[str, Any]) -> Any:
        self._refuse_taken(name, common)
        numpy = need("numpy", "an array")
        if isinstance(array, numpy.ma.MaskedArray):
            raise InvalidInputError(
                "masked arrays cannot be stored: their mask would be lost", code="invalid-value", hint="array.filled(...)"
            )
        if array.dtype.hasobject:
            raise InvalidInputError(
                f"arrays of Python objects (dtype {array.dtype}) cannot be stored: convert to a concrete type",
                code="invalid-value",
            )
        if array.nbytes > LARGE_ARRAY:
            with tempfile.TemporaryDirectory(prefix="datafolio-") as directory:
                file = os.path.join(directory, "array.npy")
                numpy.save(file, array, allow_pickle=False)
                self._seen().add_array_file(name, file, common)
            return self
        fortran = bool(array.flags.f_contiguous and not array.flags.c_contiguous)
        descr = array.dtype.str if array.dtype.names is None else str(array.dtype.descr)
        data = array.tobytes("F" if fortran else "C")
        self._seen().add_array(name, descr, list(array.shape), fortran, data, common)
        return self

    def _add_json(self, name: str, value: Any, common: dict[str, Any]) -> Any:
        self._refuse_taken(name, common)
        self._seen().add_json(name, _jsonable.plain(value), common)
        return self

    def _add_timestamp(self, name: str, timestamp: Any, common: dict[str, Any]) -> Any:
        self._refuse_taken(name, common)
        if isinstance(timestamp, bool) or not isinstance(timestamp, (datetime.datetime, int, float)):
            raise InvalidTypeError(
                f"Expected datetime or Unix timestamp, got {type(timestamp).__name__}", code="wrong-kind"
            )
        if not isinstance(timestamp, datetime.datetime):
            timestamp = datetime.datetime.fromtimestamp(timestamp, tz=datetime.timezone.utc)
        self._seen().add_timestamp(name, microseconds(timestamp), common)
        return self

    def _add_model(
        self, name: str, model: Any, common: dict[str, Any], custom: bool, extra: dict[str, Any]
    ) -> Any:
        self._refuse_taken(name, common)
        with tempfile.TemporaryDirectory(prefix="datafolio-") as directory:
            written = _models.write(model, directory, custom)
            fields = {**(common.get("extra") or {}), **written.extra, **extra}
            options = {**common, "extra": fields or None}
            self._seen().add_model(name, written.path, written.format, type(model).__name__, options)
        return self

    def _refuse_taken(self, name: str, common: dict[str, Any]) -> None:
        """Refuse what is no name, and a taken one, before the work, which may be long; the commit looks again."""
        new_name(name)
        if not common.get("overwrite") and name in self._seen():
            raise ExistsError(
                f"Item '{name}' already exists",
                code="item-exists",
                item=name,
                hint="pass overwrite=True to replace it",
            )
