"""Snapshots: named states of a bundle that never change."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, ItemsView, Iterator, KeysView, ValuesView
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from . import _native
from ._core import Core, option_pairs, text_of
from ._engines import EngineMethods
from ._frames import FrameMethods
from ._queries import QueryMethods
from ._reading import ReadMethods
from ._results import Comparison, SnapshotList
from ._tables import TableMethods
from .exceptions import InvalidInputError

if TYPE_CHECKING:
    from .folio import DataFolio

__all__ = ["SnapshotAccessor", "SnapshotMethods", "SnapshotView"]


P = ParamSpec("P")
R = TypeVar("R")


def _of_state(method: Callable[Concatenate[Any, P], R]) -> Callable[Concatenate[SnapshotView, P], R]:
    """A method of a handle that reads something by its name, for the state of a snapshot."""

    @functools.wraps(method)
    def read(self: SnapshotView, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return method(self.folio, *args, **kwargs)

    return read


class SnapshotView:
    """A snapshot: what is known of it, and what it holds, by the methods that a handle reads something by its name with."""

    def __init__(self, folio: DataFolio, info: dict[str, Any]) -> None:
        self._folio = folio
        self._info = info
        self._handle: DataFolio | None = None

    @property
    def name(self) -> str:
        """Its name."""
        name: str = self._info["name"]
        return name

    @property
    def timestamp(self) -> str:
        """When it was made."""
        timestamp: str = self._info["timestamp"]
        return timestamp

    @property
    def description(self) -> str | None:
        """What it is for."""
        description: str | None = self._info["description"]
        return description

    @property
    def tags(self) -> list[str]:
        """Its labels."""
        return list(self._info["tags"])

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata of the bundle at that time."""
        return dict(self._info["fields"].get("metadata_snapshot", {}))

    @property
    def item_versions(self) -> dict[str, str]:
        """From item to version."""
        return dict(self._info["fields"].get("item_versions", {}))

    @property
    def folio(self) -> DataFolio:
        """A read-only handle to the state."""
        if self._handle is None:
            self._handle = self._folio.get_snapshot(self.name)
        return self._handle

    # What a name is read with, as on a handle to the state.
    get = _of_state(ReadMethods.get)
    get_many = _of_state(ReadMethods.get_many)
    get_numpy = _of_state(ReadMethods.get_numpy)
    get_json = _of_state(ReadMethods.get_json)
    get_timestamp = _of_state(ReadMethods.get_timestamp)
    get_model = _of_state(ReadMethods.get_model)
    get_sklearn = _of_state(ReadMethods.get_sklearn)
    get_data = _of_state(ReadMethods.get_data)
    get_table = _of_state(TableMethods.get_table)
    iter_table = _of_state(TableMethods.iter_table)
    split_table = _of_state(TableMethods.split_table)
    preview_table = _of_state(TableMethods.preview_table)
    sample_table = _of_state(TableMethods.sample_table)
    scan_table = _of_state(TableMethods.scan_table)
    query_table = _of_state(QueryMethods.query_table)
    frame = _of_state(FrameMethods.frame)
    to_dask = _of_state(EngineMethods.to_dask)
    to_spark = _of_state(EngineMethods.to_spark)
    # What is known of it.
    item_info = _of_state(ReadMethods.item_info)
    get_table_info = _of_state(ReadMethods.get_table_info)
    get_model_info = _of_state(ReadMethods.get_model_info)
    get_artifact_info = _of_state(ReadMethods.get_artifact_info)
    get_inputs = _of_state(ReadMethods.get_inputs)
    get_dependents = _of_state(ReadMethods.get_dependents)
    versions = _of_state(ReadMethods.versions)
    explain = _of_state(QueryMethods.explain)
    view = _of_state(QueryMethods.view)
    table_info = _of_state(TableMethods.table_info)
    inspect_table = _of_state(TableMethods.inspect_table)
    describe_table = _of_state(TableMethods.describe_table)
    # Where it lies.
    item_path = get_item_path = get_data_path = _of_state(ReadMethods.item_path)
    get_artifact_path = _of_state(ReadMethods.get_artifact_path)
    get_model_path = _of_state(ReadMethods.get_model_path)
    get_numpy_path = _of_state(ReadMethods.get_numpy_path)
    get_json_path = _of_state(ReadMethods.get_json_path)
    get_timestamp_path = _of_state(ReadMethods.get_timestamp_path)
    get_table_path = _of_state(TableMethods.get_table_path)
    get_table_paths = _of_state(TableMethods.get_table_paths)
    table_parts = _of_state(TableMethods.table_parts)

    def __repr__(self) -> str:
        return f"SnapshotView('{self.name}', items={len(self.item_versions)})"

    def _repr_html_(self) -> str:
        from ._html import snapshot_html

        return snapshot_html(self)


class SnapshotAccessor:
    """The snapshots of a bundle, as a mapping from name to :class:`SnapshotView`."""

    def __init__(self, folio: DataFolio) -> None:
        self._folio = folio

    def __getitem__(self, name: str) -> SnapshotView:
        return SnapshotView(self._folio, self._folio._seen().snapshot_info(text_of(name, "name")))

    def __contains__(self, name: object) -> bool:
        return name in self._folio._seen().snapshot_names()

    def __len__(self) -> int:
        return len(self._folio._seen().snapshot_names())

    def __iter__(self) -> Iterator[str]:
        # The catalogue has one that was deleted and came back as the last.
        return (info["name"] for info in reversed(self._folio._seen().list_snapshots()))

    def _all(self) -> dict[str, SnapshotView]:
        return {name: self[name] for name in self}

    def keys(self) -> KeysView[str]:
        """The names, oldest first."""
        return self._all().keys()

    def values(self) -> ValuesView[SnapshotView]:
        """The snapshots, oldest first."""
        return self._all().values()

    def items(self) -> ItemsView[str, SnapshotView]:
        """The names with the snapshots, oldest first."""
        return self._all().items()

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def __repr__(self) -> str:
        names = list(self)
        return f"SnapshotAccessor({', '.join(names) if names else 'no snapshots'})"


class SnapshotMethods(Core):
    """The methods that work with snapshots."""

    def create_snapshot(
        self,
        name: str,
        description: str | None = None,
        tags: list[str] | None = None,
        capture_git: bool = True,
        capture_environment: bool = False,
        capture_execution: bool = False,
    ) -> Any:
        """Make a snapshot of the current state. It costs no copy of data, and never changes.

        Parameters
        ----------
        name
            Letters, digits, ``.``, ``_`` and ``-``.
        description, tags
            What it is for.
        capture_git
            Record commit, branch, state and remote of the git repository of the working directory.
        capture_environment
            Record platform, versions, and hashes of lock files.
        capture_execution
            Record working directory and command line.

        Raises
        ------
        ValueError
            For a name that is taken or not allowed.
        """
        self._outside_batch("create_snapshot")
        caller = None
        if capture_environment or capture_execution:
            import platform

            caller = (platform.python_version(), platform.platform(), list(sys.argv))
        self._seen().create_snapshot(
            text_of(name, "name"), description, tags, capture_git, capture_environment, capture_execution, caller
        )
        return self

    @property
    def _snapshots(self) -> dict[str, dict[str, Any]]:
        """The stored objects. A copy: changing it changes nothing."""
        bundle = self._seen()
        return {name: bundle.snapshot_info(name)["fields"] for name in bundle.snapshot_names()}

    @property
    def _snapshot_versions(self) -> list[dict[str, Any]]:
        """The entries of versions that are not current any more. A copy, as `_snapshots`."""
        return self._seen().snapshot_versions()

    def list_snapshots(self) -> SnapshotList:
        """Name, time, description, tags and number of items of each snapshot, newest first.

        Returns
        -------
        SnapshotList
            A list of dicts, which notebooks show as a table.
        """
        keys = ("name", "timestamp", "description", "tags", "num_items")
        return SnapshotList({key: info[key] for key in keys} for info in self._seen().list_snapshots())

    def get_snapshot_info(self, name: str) -> dict[str, Any]:
        """What is stored of a snapshot, and which of its items are references, which may change without a commit."""
        info = self._seen().snapshot_info(text_of(name, "name"))
        stored: dict[str, Any] = dict(info["fields"])
        references = info.get("mutable_references")
        if references:
            stored["mutable_references"] = references
            stored["mutable_reference_warning"] = "References may have changed since the snapshot was made: " + ", ".join(references)
        return stored

    def compare_snapshots(self, snapshot1: str, snapshot2: str) -> Comparison:
        """Which items and metadata differ between two snapshots.

        Returns
        -------
        Comparison
            A dict with ``added_items``, ``removed_items``, ``modified_items``, ``shared_items`` and ``metadata_changes``, which
            notebooks show in colours.
        """
        names = (text_of(snapshot1, "snapshot1"), text_of(snapshot2, "snapshot2"))
        comparison = self._seen().compare_snapshots(*names)
        for key in ("added_items", "removed_items", "modified_items", "shared_items"):
            comparison[key] = sorted(comparison[key])
        return Comparison(comparison, snapshot1, snapshot2)

    def diff_from_snapshot(self, name: str | None = None) -> Comparison:
        """What has changed since a snapshot, by default the newest.

        Returns
        -------
        Comparison
            As :meth:`compare_snapshots`, with ``unchanged_items`` and ``snapshot_name``.
        """
        comparison = self._seen().diff_from_snapshot(None if name is None else text_of(name, "name"))
        return Comparison(comparison, comparison["snapshot_name"], "now")

    def delete_snapshot(self, name: str, cleanup_orphans: bool = False) -> Any:
        """Delete a snapshot; with `cleanup_orphans` also the files of versions that nothing else holds."""
        self._outside_batch("delete_snapshot")
        self._seen().delete_snapshot(text_of(name, "name"))
        if cleanup_orphans:
            self._native.cleanup_orphaned_versions(False)
        return self

    def cleanup_orphaned_versions(self, dry_run: bool = False) -> list[str]:
        """Delete the files of versions that are not current and in no snapshot, and return their names."""
        self._outside_batch("cleanup_orphaned_versions")
        return self._seen().cleanup_orphaned_versions(dry_run)

    def restore_snapshot(self, name: str, confirm: bool = False) -> Any:
        """Bring items and metadata back to what they were; items added since are removed.

        Raises
        ------
        ValueError
            Without ``confirm=True``, since what is not in any snapshot is then in the history alone.
        """
        self._outside_batch("restore_snapshot")
        text_of(name, "name")
        if not confirm:
            self._seen().snapshot_info(name)
            raise InvalidInputError(
                f"restoring '{name}' replaces the current state: pass confirm=True to do it", code="invalid-argument"
            )
        self._seen().restore_snapshot(name)
        return self

    @classmethod
    def load_snapshot(
        cls, path: str | os.PathLike[str], name: str, *, storage_options: dict[str, Any] | None = None
    ) -> DataFolio:
        """A read-only handle to a snapshot of the bundle at a path, or at an address with its options."""
        folder = os.path.expanduser(os.fspath(path))
        native = _native.open_snapshot(folder, text_of(name, "name"), option_pairs(storage_options))
        return cls._of(native, folder)  # type: ignore[attr-defined, no-any-return]

    def get_snapshot(self, name: str) -> DataFolio:
        """A read-only handle to a snapshot."""
        native = self._seen().load_snapshot(text_of(name, "name"))
        made: DataFolio = type(self)._of(native, self._bundle_dir, self._max_eager_bytes)  # type: ignore[attr-defined]
        return made

    def export_snapshot(
        self, name: str, target: str | os.PathLike[str], *, include_snapshot_metadata: bool = True
    ) -> DataFolio:
        """Write the state of a snapshot as a new bundle without snapshots."""
        made = self._seen().export_snapshot(text_of(name, "name"), os.fspath(target), include_snapshot_metadata)
        return type(self)._of(made, made.location)  # type: ignore[attr-defined, no-any-return]

    def reproduce_instructions(self, name: str | None = None) -> str:
        """How to get back to the code and environment of a snapshot, by default the newest, in numbered steps."""
        return self._seen().reproduce_instructions(None if name is None else text_of(name, "name"))
