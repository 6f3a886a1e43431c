"""Which table, and which version of it, a call means."""

from __future__ import annotations

import datetime

from ._core import Core, Entry, count_of, text_of
from ._native import Bundle
from ._reading import TABLES
from ._storing import microseconds
from .exceptions import InvalidInputError, InvalidTypeError, NotFoundError

__all__ = ["TableVersions", "library_of"]


class TableVersions(Core):
    """What the methods that work with tables share."""

    def _table(self, name: str) -> Entry:
        entry = self._entry(name)
        if entry["item_type"] not in TABLES and entry["@category"] != "views":
            raise InvalidInputError(
                f"Item '{name}' is not a table: it is a {entry['item_type']}", code="wrong-type", item=name
            )
        return entry

    def _version(
        self, name: str, version: str | int | None, timestamp: str | datetime.datetime | None
    ) -> str | None:
        """The id of the version that is asked for; None for the current one."""
        if version is not None and timestamp is not None:
            raise InvalidInputError("version and timestamp both choose a version: pass one", code="invalid-argument")
        version = _version_of(version)
        if self._is_delta(name) and (timestamp is not None or isinstance(version, int)):
            # The versions of the table itself: those of the item are the same reference.
            number = version if timestamp is None else self._native.table_version_at(name, microseconds(_moment(timestamp)))
            return str(number)
        if isinstance(version, int):
            return _held(self._native.at_revision(version), name, f"there was no table '{name}' at revision {version}")
        if version is not None:
            if version not in self._native.snapshot_names():
                return version
            return _held(self._native.load_snapshot(version), name, f"there is no table '{name}' in snapshot '{version}'")
        if timestamp is None:
            return None
        moment = _moment(timestamp)
        made = [(_moment(known["created_at"]), str(known["version"])) for known in self._native.versions(name) if known.get("created_at")]
        newest = max((known for known in made if known[0] <= moment), default=None)
        revision, committed = self._revision_at(moment)
        # A version is made a moment before the commit that it comes with, and that moment counts as its own too.
        if newest is not None and (committed is None or newest[0] > committed):
            return newest[1]
        if revision is not None:
            then = self._native.at_revision(revision)
            if name in then:
                return str(then.item(name)["@version"])
        raise NotFoundError(f"there was no table '{name}' at {moment.isoformat()}", code="version-not-found", item=name)

    def _is_delta(self, name: str) -> bool:
        """Whether it is a reference to a Delta table, which has versions of its own."""
        entry = self._entry(name)
        return bool(entry["item_type"] == "referenced_table" and entry.get("table_format") == "delta")

    def _revision_at(self, moment: datetime.datetime) -> tuple[int | None, datetime.datetime | None]:
        """The revision that the bundle was at, and when that was made, as far as the history goes back."""
        limit, seen = 64, 0
        while True:
            entries = self._native.log(limit)
            for entry in entries[seen:]:
                committed = _moment(entry["timestamp"])
                if committed <= moment:
                    return int(entry["revision"]), committed
            if len(entries) < limit:
                return None, None
            limit, seen = limit * 8, limit


def _version_of(version: str | int | None) -> str | int | None:
    """A version as a caller may say it.

    Raises
    ------
    InvalidTypeError
        For what is neither text nor a whole number.
    InvalidInputError
        For a number below 0, and for a text that UTF-8 has no form of.
    """
    if version is None:
        return None
    if isinstance(version, str):
        return text_of(version, "version")
    if isinstance(version, bool) or not hasattr(type(version), "__index__"):
        raise InvalidTypeError(
            f"version is the id of a version, the name of a snapshot, or the number of a revision, and {version!r} is none",
            code="invalid-argument",
        )
    return count_of(version, "version")


def _held(state: Bundle, name: str, otherwise: str) -> str:
    """The id of the version of a table that a state of the bundle holds."""
    if name not in state:
        raise NotFoundError(otherwise, code="version-not-found", item=name, hint=f"versions({name!r}) lists those that there are")
    return str(state.item(name)["@version"])


def library_of(entry: Entry) -> str:
    """The library whose tables a table comes back as."""
    if entry.get("dataframe_library") == "polars" or entry["item_type"] == "polars_table":
        return "polars"
    return "pandas"


def _moment(text: str | datetime.datetime) -> datetime.datetime:
    """An instant; where no time zone is given, in UTC."""
    try:
        moment = text if isinstance(text, datetime.datetime) else datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise InvalidInputError(
            f"timestamp {text!r}: write a date or time, such as '2026-01-15' or '2026-01-15T12:00:00+00:00'",
            code="invalid-argument",
        ) from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=datetime.timezone.utc)
