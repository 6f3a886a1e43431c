"""Time, and care for what lies on disk."""

from __future__ import annotations

import os
from typing import Any

from ._core import Core, count_of, text_of
from ._progress import reporting
from ._results import Log
from .exceptions import WrongStateError

__all__ = ["HistoryMethods"]


class HistoryMethods(Core):
    """The methods that look at the history of a bundle, and check what it holds."""

    def log(self, limit: int = 20, item: str | None = None) -> Log:
        """The last commits, newest first: revision, time, who, and what changed; of one item where that is given.

        Returns
        -------
        Log
            A list of dicts, which notebooks show as a table.
        """
        return Log(self._seen().log(count_of(limit, "limit"), None if item is None else text_of(item, "item")))

    def at_revision(self, revision: int) -> Any:
        """A read-only handle to the bundle as it was at a revision."""
        native = self._seen().at_revision(count_of(revision, "revision"))
        return type(self)._of(native, self._bundle_dir, self._max_eager_bytes)  # type: ignore[attr-defined]

    def undo(self, revision: int | None = None) -> int:
        """Take a commit back, by default the last one, and return its revision. It is a commit itself."""
        self._outside_batch("undo")
        return self._seen().undo(None if revision is None else count_of(revision, "revision"))

    def validate(self) -> dict[str, bool]:
        """For each item, whether its file is there and is what was recorded."""
        valid: dict[str, bool] = self._seen().validate()
        return valid

    def is_valid(self) -> bool:
        """Whether :meth:`validate` finds nothing wrong."""
        return all(self.validate().values())

    def verify(self, items: list[str] | None = None, *, read_data: bool = True, percent: int = 100) -> dict[str, Any]:
        """Check everything that the bundle holds, snapshots and history too, and report what is wrong."""
        report: dict[str, Any] = self._seen().verify(items, read_data=read_data, percent=percent)
        return report

    def gc(self, apply: bool = False) -> dict[str, Any]:
        """Find files that nothing kept needs, and remove them with `apply`."""
        self._outside_batch("gc")
        report: dict[str, Any] = self._seen().gc(apply)
        return report

    def push(
        self,
        target: str | os.PathLike[str],
        include: list[str] | None = None,
        overwrite: bool = False,
        *,
        snapshots: list[str] | None = None,
        progress: Any = None,
    ) -> dict[str, Any]:
        """Bring the bundle at another place to the state of this one, with its snapshots and its history.

        Only files that the other side lacks go over, each checked on its way; what was interrupted goes on where it ended.

        Parameters
        ----------
        target
            A directory or an address such as ``s3://bucket/prefix``; made if there is no bundle.
        include
            Only the current versions of these items, as one commit of the other bundle.
        overwrite
            With `include`: items that the other bundle has with another content get a new version there.
        snapshots
            Only these snapshots, with the versions that they hold, in the same commit.
        progress
            True for a bar of tqdm or rich where they are installed, else a plain one; or a callable that is given the part of the bytes
            that has gone over, and stops it by returning False: nothing has arrived then that anybody sees.

        Returns
        -------
        dict
            ``revision`` of the other bundle, ``files`` and ``bytes`` that went over, ``present``: files that were there.

        Raises
        ------
        ConflictError
            When the other bundle has commits that this one has not.
        WrongStateError
            When it was stopped.
        """
        self._outside_batch("push")
        place = os.path.expanduser(os.fspath(target))
        with reporting(progress, "push") as told:
            done: dict[str, Any] = self._seen().push(
                place, include=include, snapshots=snapshots, overwrite=overwrite, progress=told
            )
        return done

    def pull(
        self,
        source: str | os.PathLike[str],
        include: list[str] | None = None,
        overwrite: bool = False,
        *,
        snapshots: list[str] | None = None,
        progress: Any = None,
    ) -> dict[str, Any]:
        """Bring this bundle to the state of the one at another place, as :meth:`push` does there."""
        self._outside_batch("pull")
        place = os.path.expanduser(os.fspath(source))
        with reporting(progress, "pull") as told:
            done: dict[str, Any] = self._seen().pull(
                place, include=include, snapshots=snapshots, overwrite=overwrite, progress=told
            )
        return done

    def prefetch(self, *items: str) -> dict[str, Any]:
        """Fetch the files of items of a bundle on a store into the cache, or of all items: they are read from there afterwards."""
        done: dict[str, Any] = self._seen().prefetch(list(items))
        return done

    def disk_usage(self) -> dict[str, Any]:
        """How many bytes items, snapshots and history take."""
        usage: dict[str, Any] = self._seen().disk_usage()
        return usage

    # ---- the cache of DataFolio 1.x, which this package keeps by itself

    def cache_status(self, item_name: str | None = None) -> None:
        """``None``: taken for DataFolio 1.x, where it tells of a cache that was asked for."""

    def clear_cache(self, item_name: str | None = None) -> None:
        """Do nothing: taken for DataFolio 1.x."""

    def invalidate_cache(self, item_name: str) -> None:
        """Do nothing: taken for DataFolio 1.x."""

    def refresh_cache(self, item_name: str) -> None:
        """Refuse: there is no cache that was asked for.

        Raises
        ------
        RuntimeError
            Always, as DataFolio 1.x without a cache.
        """
        raise WrongStateError(
            "no cache is enabled", code="no-cache", hint="files of bundles in the cloud are looked up anew at each read"
        )
