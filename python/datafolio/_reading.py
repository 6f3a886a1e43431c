"""Reading items, and what is known of them."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from . import _models
from ._core import Core, Entry, is_plain_text, only, text_of
from ._lineage import LineageGraph, about_item, around
from ._optional import need
from ._results import VersionList
from ._rows_out import check_return_type, rows_as
from .exceptions import InvalidInputError

__all__ = ["ReadMethods"]

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)

TABLES = ("included_table", "referenced_table", "polars_table")
MODELS = ("model", "pytorch_model")

_CATEGORIES = (
    "referenced_tables",
    "included_tables",
    "numpy_arrays",
    "json_data",
    "timestamps",
    "models",
    "artifacts",
)


class ReadMethods(Core):
    """The methods that read items."""

    def get(self, /, name: str, **type_opts: Any) -> Any:
        """Read an item, as what it is.

        Parameters
        ----------
        name
            Its name.
        **type_opts
            For tables `frame` (``"pandas"``, ``"polars"`` or ``"arrow"``) and `allow_full_load`; for timestamps
            `as_unix`; for models `trusted`; for arrays `mmap`.

        Returns
        -------
        Any
            A frame, an array, a plain value, an aware ``datetime``, a model, or the path of a file.

        Raises
        ------
        KeyError
            When there is no such item.
        ValueError
            For a table above `max_eager_bytes`, which is not loaded whole by accident.
        FileNotFoundError
            When the file of the item is gone.
        """
        entry = self._entry(name)
        kind = entry["item_type"]
        if entry["@category"] == "views" or kind in TABLES:
            options = only("get", type_opts, "frame", "allow_full_load")
            return self._get_frame(name, entry, options.get("frame", "pandas"), options.get("allow_full_load", False))
        if kind == "numpy_array":
            return self._array(name, bool(only("get", type_opts, "mmap").get("mmap", False)))
        if kind == "json_data":
            only("get", type_opts)
            return self._native.get_json(name)
        if kind == "timestamp":
            return self._timestamp(name, bool(only("get", type_opts, "as_unix").get("as_unix", False)))
        if kind in MODELS:
            return self._model(name, entry, only("get", type_opts, "trusted").get("trusted", False))
        if kind == "artifact":
            only("get", type_opts)
            return self._native.item_path(name)
        raise InvalidInputError(f"Item '{name}' has the type {kind!r}, which is not known here", code="unknown-item-type")

    def get_many(self, /, names: Iterable[str], *, threads: int = 20, **type_opts: Any) -> dict[str, Any]:
        """Read several items of one state of the bundle at once, in threads.

        Returns
        -------
        dict
            From name to value, in the order of `names`.
        """
        wanted = list(names)
        with self.pinned(), ThreadPoolExecutor(max_workers=max(1, min(threads, len(wanted) or 1))) as pool:
            values = list(pool.map(lambda name: self.get(name, **type_opts), wanted))
        return dict(zip(wanted, values, strict=True))

    def get_numpy(self, name: str, *, mmap: bool = False) -> Any:
        """Read an array.

        Parameters
        ----------
        name
            The item.
        mmap
            Map the file into memory, read-only, instead of reading it: the values are read when they are used.

        Raises
        ------
        ValueError
            When the item is of another type.
        """
        self._of_type(name, "a numpy array", "numpy_array")
        return self._array(name, mmap)

    def get_json(self, name: str) -> Any:
        """Read a JSON value.

        Raises
        ------
        ValueError
            When the item is of another type.
        """
        self._of_type(name, "JSON data", "json_data")
        return self._native.get_json(name)

    def get_timestamp(self, name: str, as_unix: bool = False) -> datetime.datetime | float:
        """Read an instant: in UTC, or as seconds since 1970-01-01.

        Raises
        ------
        ValueError
            When the item is of another type.
        """
        self._of_type(name, "a timestamp", "timestamp")
        return self._timestamp(name, as_unix)

    def get_model(self, name: str, trusted: Any = False) -> Any:
        """Load a model. A file of joblib is a pickle, and runs what its writer put into it: load those that you trust.

        Parameters
        ----------
        name
            The item.
        trusted
            For a file of skops: ``True`` for all types in it, or a list of their names. For torch: ``True`` for the whole
            pickled module.
        """
        return self._model(name, self._of_type(name, "a model", *MODELS), trusted)

    def get_sklearn(self, name: str, trusted: Any = False) -> Any:
        """Load an estimator; as :meth:`get_model`."""
        return self.get_model(name, trusted)

    def get_data(self, name: str) -> Any:
        """Read a table, an array, a JSON value or an instant.

        Raises
        ------
        ValueError
            For models and files, which are no data items.
        """
        entry = self._entry(name)
        if entry["item_type"] in (*MODELS, "artifact"):
            raise InvalidInputError(
                f"Item '{name}' is not a data item: it is a {entry['item_type']}", code="wrong-type", item=name
            )
        return self.get_table(name) if entry["item_type"] in TABLES else self.get(name)  # type: ignore[attr-defined]

    def get_artifact_path(self, name: str) -> str:
        """The path of a file that was added."""
        self._of_type(name, "an artifact", "artifact")
        return self._native.item_path(name)

    def item_path(self, name: str) -> str:
        """The absolute path of an item's file; of a reference, what it points to."""
        self._entry(name)
        return self._native.item_path(name)

    get_item_path = get_data_path = item_path

    def get_model_path(self, name: str) -> str:
        """The path of the file of a model."""
        self._of_type(name, "a model", *MODELS)
        return self._native.item_path(name)

    def get_numpy_path(self, name: str) -> str:
        """The path of the file of an array."""
        self._of_type(name, "a numpy array", "numpy_array")
        return self._native.item_path(name)

    def get_json_path(self, name: str) -> str:
        """The path of the file of a JSON value."""
        self._of_type(name, "JSON data", "json_data")
        return self._native.item_path(name)

    def get_timestamp_path(self, name: str) -> str:
        """The path of the file of an instant."""
        self._of_type(name, "a timestamp", "timestamp")
        return self._native.item_path(name)

    def item_info(self, name: str) -> Entry:
        """What the catalogue says of an item."""
        return {key: value for key, value in self._entry(name).items() if not key.startswith("@")}

    def get_table_info(self, name: str) -> Entry:
        """What the catalogue says of a table; :meth:`table_info` looks into its files."""
        self._of_type(name, "a table", *TABLES)
        return self.item_info(name)

    def get_model_info(self, name: str) -> Entry:
        """What the catalogue says of a model."""
        self._of_type(name, "a model", *MODELS)
        return self.item_info(name)

    def get_artifact_info(self, name: str) -> Entry:
        """What the catalogue says of a file that was added."""
        self._of_type(name, "an artifact", "artifact")
        return self.item_info(name)

    def versions(self, name: str) -> VersionList:
        """The versions of an item, newest first, also those that are not current any more.

        Returns
        -------
        VersionList
            A list of dicts, which notebooks show as a table.
        """
        return VersionList(self._seen().versions(text_of(name, "name")))

    def list_contents(self, include_archived: bool = False) -> dict[str, list[str]]:
        """The names of all items by category, in the order in which they came to be."""
        contents = self._seen().contents(include_archived)
        listed = {category: contents[category] for category in _CATEGORIES}
        return {**listed, **{key: names for key, names in contents.items() if key not in listed and names}}

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and is_plain_text(name) and name in self._seen()

    def __iter__(self) -> Iterator[str]:
        return iter(self._seen().items())

    def __len__(self) -> int:
        return len(self._seen().items())

    @property
    def tables(self) -> list[str]:
        """The names of all tables, archived ones included."""
        return self._named(TABLES)

    @property
    def models(self) -> list[str]:
        """The names of all models, archived ones included."""
        return self._named(MODELS)

    @property
    def artifacts(self) -> list[str]:
        """The names of all files, archived ones included."""
        return self._named(("artifact",))

    @property
    def _items(self) -> dict[str, Entry]:
        """The entries of all current items. A copy: changing it changes nothing."""
        return self._seen().items()

    def get_inputs(self, item_name: str) -> list[str]:
        """What an item was made from."""
        return _inputs_of(self._entry(item_name))

    def get_dependents(self, item_name: str) -> list[str]:
        """The items that were made from an item."""
        self._entry(item_name)
        return [name for name, inputs in self.get_lineage_graph().items() if item_name in inputs]

    def get_lineage_graph(self, item: str | None = None) -> LineageGraph:
        """Each item with what it was made from.

        Parameters
        ----------
        item
            Only what this item was made from, and what was made from it, by any number of steps.

        Returns
        -------
        LineageGraph
            A dict from name to inputs, which notebooks draw; its ``to_svg()`` gives the picture as a file.

        Raises
        ------
        KeyError
            When there is no such item.
        """
        bundle = self._seen()
        if item is not None:
            self._entry(item)
        entries = bundle.items()
        inputs = {name: _inputs_of(entry) for name, entry in entries.items()}
        if item is not None:
            inputs = around(inputs, item)
        categories = {name: category for category, names in bundle.contents(True).items() for name in names}
        about = {name: about_item(entries[name], categories.get(name, "")) for name in inputs}
        return LineageGraph(inputs, about, item)

    def mutable_references(self) -> list[str]:
        """The names of all references: what they point to may change without a commit."""
        return self._named(("referenced_table",))

    # ---- what each type needs

    def _named(self, kinds: tuple[str, ...]) -> list[str]:
        return [name for name, entry in self._seen().items().items() if entry["item_type"] in kinds]

    def _of_type(self, name: str, expected: str, *kinds: str) -> Entry:
        entry = self._entry(name)
        if entry["item_type"] not in kinds or entry["@category"] == "views":
            found = "a view" if entry["@category"] == "views" else entry["item_type"]
            raise InvalidInputError(f"Item '{name}' is not {expected}: it is {found}", code="wrong-type", item=name)
        return entry

    def _get_frame(self, name: str, entry: Entry, frame: str, allow_full_load: bool) -> Any:
        check_return_type(frame)
        size = entry.get("size_bytes") or entry.get("source_identity", {}).get("size")
        limit = self._max_eager_bytes
        if not allow_full_load and not entry.get("allow_full_load") and limit is not None and size and size > limit:
            raise InvalidInputError(
                f"Table '{name}' has {size:,} bytes, more than the {limit:,} that are loaded without being asked to",
                code="too-large",
                item=name,
                hint="iter_table, query_table, or get_table with columns, offset and limit read a part; "
                "get(..., allow_full_load=True) loads it whole",
            )
        return rows_as(self._native.read_table(name), frame, entry)

    def _array(self, name: str, mmap: bool) -> Any:
        numpy = need("numpy", "an array")
        path = self._native.verified_path(name)
        return numpy.load(path, mmap_mode="r" if mmap else None, allow_pickle=False)

    def _timestamp(self, name: str, as_unix: bool) -> datetime.datetime | float:
        microseconds = self._native.get_timestamp(name)
        if as_unix:
            return microseconds / 1e6
        return _EPOCH + datetime.timedelta(microseconds=microseconds)

    def _model(self, name: str, entry: Entry, trusted: Any) -> Any:
        return _models.read(self._native.verified_path(name), entry, trusted)


def _inputs_of(entry: Entry) -> list[str]:
    return list(dict.fromkeys([*entry.get("inputs", []), *entry.get("models", [])]))
