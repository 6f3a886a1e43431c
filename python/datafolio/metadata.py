"""The metadata of a bundle, as a dict that is stored when it changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ._jsonable import plain

if TYPE_CHECKING:
    from ._core import Core

__all__ = ["KEPT_KEYS", "MetadataDict"]

# Keys that the bundle keeps by itself.
KEPT_KEYS = ("created_at", "updated_at", "_datafolio")

_MISSING = object()


class MetadataDict(dict[str, Any]):
    """The metadata. Each change is a commit; a change inside a value is none: assign the value again."""

    def __init__(self, folio: Core, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self._folio = folio

    def _store(self, changed: Mapping[str, Any], removed: Iterable[str] = ()) -> None:
        self._folio._seen().change_metadata(plain(dict(changed)), list(removed))
        super().clear()
        super().update(self._folio._native.metadata())

    def __setitem__(self, key: str, value: Any) -> None:
        self._store({key: value})

    def __delitem__(self, key: str) -> None:
        if key not in self:
            raise KeyError(key)
        self._store({}, [key])

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several keys, in one commit. Those that the bundle keeps by itself come along with other metadata, and are left."""
        self._store({key: value for key, value in dict(*args, **kwargs).items() if key not in KEPT_KEYS})

    def clear(self) -> None:
        """Remove all keys but those that the bundle keeps by itself, in one commit."""
        self._store({}, [key for key in self if key not in KEPT_KEYS])

    def pop(self, key: str, default: Any = _MISSING) -> Any:
        """Remove a key, and return what it had."""
        if key not in self:
            if default is _MISSING:
                raise KeyError(key)
            return default
        value = self[key]
        self._store({}, [key])
        return value

    def popitem(self) -> tuple[str, Any]:
        """Remove the last key, and return it with what it had."""
        for key in reversed(self):
            if key not in KEPT_KEYS:
                return key, self.pop(key)
        raise KeyError("popitem(): the metadata is empty")

    def setdefault(self, key: str, default: Any = None) -> Any:
        """What a key has; where it is not there, it is set."""
        if key not in self:
            self._store({key: default})
        return self[key]

    def __ior__(self, other: Any) -> MetadataDict:  # type: ignore[misc, override]
        self.update(other)
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)
