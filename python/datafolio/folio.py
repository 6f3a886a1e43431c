"""The handle to a bundle."""

from __future__ import annotations

import functools
import os
import warnings
from typing import Any, Literal

from . import _native
from ._adding import AddMethods
from ._changing import ChangeMethods
from ._core import option_pairs
from ._engines import EngineMethods
from ._frames import FrameMethods
from ._history import HistoryMethods
from ._queries import QueryMethods
from ._reading import ReadMethods
from ._table_changes import TableChangeMethods
from ._tables import TableMethods
from .accessors import DataAccessor
from .exceptions import BundleNotFoundError, InvalidInputError
from .metadata import KEPT_KEYS, MetadataDict
from .snapshots import SnapshotAccessor, SnapshotMethods

__all__ = ["DataFolio"]


class DataFolio(
    AddMethods,
    ReadMethods,
    TableMethods,
    TableChangeMethods,
    QueryMethods,
    FrameMethods,
    EngineMethods,
    ChangeMethods,
    SnapshotMethods,
    HistoryMethods,
):
    """A bundle: a plain directory of ordinary files with names, versions, snapshots, lineage and descriptions.

    Parameters
    ----------
    path
        The directory, or an address such as ``s3://bucket/prefix``, ``gs://``, ``az://`` or ``https://`` (to be read). A bundle that
        is there is opened; where nothing is, one is made.
    metadata
        Metadata of a new bundle; that of one that is there stays as it is.
    random_suffix
        Append ``-adjective-colour-noun`` to the name of a new bundle.
    read_only
        Refuse all changes. Nothing is created then.
    allow_existing
        Make a bundle in a directory that holds other files.
    use_https
        Taken for DataFolio 1.x and 2.x.
    max_eager_bytes
        Size from which :meth:`get` refuses to load a table whole; ``None`` for none.
    alias
        A name for the bundle on this machine: without a path, the one that it was given to.
    overwrite_alias
        Give the alias to this bundle also when another one has it.
    create
        Make a bundle where there is none.
    cache_enabled, cache_dir, cache_ttl
        Taken for DataFolio 1.x; ``settings`` says where the cache is.
    settings
        Settings of this handle that differ from those of the user, such as ``{"threads": 2}``.
    storage_options
        What an object store is reached with, beyond what the environment says, such as ``{"region": "eu-central-1"}``. They
        stay in memory, and travel with the handle when it is pickled.

    Attributes
    ----------
    data : DataAccessor
        The items as attributes: ``folio.data.name.content``.
    snapshots : SnapshotAccessor
        The snapshots, by name.

    Raises
    ------
    FileNotFoundError
        When there is no bundle and none may be made.
    FileExistsError
        When there is a directory with other files.

    Examples
    --------
    >>> folio = datafolio.DataFolio(path, metadata={"study": "demo"})
    >>> folio.add_json("params", {"rate": 0.1}, description="of the first run")
    DataFolio(bundle_dir=..., items=1, snapshots=0)
    >>> folio.get_json("params")
    {'rate': 0.1}
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        metadata: dict[str, Any] | None = None,
        random_suffix: bool = False,
        read_only: bool = False,
        allow_existing: bool = False,
        use_https: bool = False,
        max_eager_bytes: int | None = 500 * 1024 * 1024,
        alias: str | None = None,
        overwrite_alias: bool = False,
        create: bool = True,
        *,
        cache_enabled: bool = False,
        cache_dir: str | os.PathLike[str] | None = None,
        cache_ttl: int | None = None,
        settings: dict[str, Any] | None = None,
        storage_options: dict[str, Any] | None = None,
    ) -> None:
        del use_https, cache_enabled, cache_ttl
        _look_for_another_release()
        if path is None and alias is None:
            raise InvalidInputError("give the path of a bundle, or an alias", code="invalid-argument")
        if path is None:
            from . import registry

            path = registry.path_of(str(alias))
            create = False
            alias = None
        given = os.path.expanduser(os.fspath(path))
        chosen = {key: str(value) for key, value in (settings or {}).items()}
        if cache_dir is not None:
            chosen.setdefault("cache_dir", os.fspath(cache_dir))
        how: Literal["open", "open_or_create"] = "open" if read_only or not create else "open_or_create"
        try:
            native = _native.Bundle(
                given,
                how,
                read_only=read_only,
                allow_existing=allow_existing,
                random_suffix=random_suffix,
                metadata=None if metadata is None else _plain_metadata(metadata),
                settings=list(chosen.items()),
                storage_options=option_pairs(storage_options),
            )
        except BundleNotFoundError as error:
            if "://" in given:
                raise
            error.hint = error.hint or "DataFolio(path) makes a bundle; with read_only=True or create=False it opens one"
            raise
        self._open(native, native.location if random_suffix else given, max_eager_bytes)
        for warning in native.warnings():
            warnings.warn(warning, UserWarning, stacklevel=2)
        if alias is not None:
            self.set_alias(alias, overwrite=overwrite_alias)

    def _open(self, native: _native.Bundle, bundle_dir: str, max_eager_bytes: int | None) -> None:
        super()._open(native, bundle_dir, max_eager_bytes)
        # Attributes, since completion in notebooks looks into attributes and calls no property.
        self.data = DataAccessor(self)
        self.snapshots = SnapshotAccessor(self)

    @classmethod
    def _of(
        cls, native: _native.Bundle, bundle_dir: str, max_eager_bytes: int | None = 500 * 1024 * 1024
    ) -> DataFolio:
        """A handle over one of the library."""
        folio = cls.__new__(cls)
        folio._open(native, bundle_dir, max_eager_bytes)
        return folio

    def set_alias(self, alias: str, overwrite: bool = False) -> DataFolio:
        """Give the bundle a name on this machine, which `DataFolio(alias=...)` and ``datafolio -a`` know."""
        from . import registry

        registry.set_alias(alias, self.path, overwrite)
        return self

    @property
    def metadata(self) -> MetadataDict:
        """The metadata of the bundle: a dict whose changes are stored."""
        return MetadataDict(self, self._seen().metadata())

    @metadata.setter
    def metadata(self, values: dict[str, Any]) -> None:
        current = self._seen().metadata()
        removed = [key for key in current if key not in values and key not in KEPT_KEYS]
        # What the bundle keeps by itself comes along in `folio.metadata = {**other.metadata}` and in `|=`.
        changed = {key: value for key, value in values.items() if key not in KEPT_KEYS}
        self._seen().change_metadata(_plain_metadata(changed), removed)

    def describe(
        self,
        pattern: str | None = None,
        return_string: bool = False,
        show_empty: bool = False,
        max_metadata_fields: int = 10,
        snapshot: str | None = None,
        include_archived: bool = False,
        show_paths: bool = False,
    ) -> str | None:
        """Print what the bundle holds: metadata, snapshots, and items by category.

        Parameters
        ----------
        pattern
            Only items with this name, or names that this pattern fits.
        return_string
            Return the text instead.
        show_empty
            Show categories without items too.
        max_metadata_fields
            How many fields of the metadata are shown.
        snapshot
            Describe this snapshot.
        include_archived, show_paths
            Show archived items; show the path of each file.
        """
        bundle = self._seen()
        if snapshot is not None:
            bundle = bundle.load_snapshot(snapshot)
        text = bundle.describe(
            pattern=pattern,
            show_empty=show_empty,
            max_metadata_fields=max_metadata_fields,
            include_archived=include_archived,
            show_paths=show_paths,
        ).rstrip("\n")
        if return_string:
            return text
        print(text)
        return None

    def __repr__(self) -> str:
        bundle = self._seen()
        text = (
            f"DataFolio(bundle_dir='{self._bundle_dir}', items={sum(map(len, bundle.contents(False).values()))}, "
            f"snapshots={len(bundle.snapshot_names())})"
        )
        if self.read_only:
            text += " [READ-ONLY]"
        if self.loaded_snapshot is not None:
            text += f" [snapshot: {self.loaded_snapshot}]"
        return text

    def _repr_html_(self) -> str:
        from ._html import folio_html

        return folio_html(self)


@functools.cache
def _look_for_another_release() -> None:
    """Warn once when PyPI's DataFolio is installed too: both are the package `datafolio`, and overwrite each other's files."""
    from importlib import metadata

    try:
        version = metadata.version("datafolio")
    except metadata.PackageNotFoundError:
        return
    warnings.warn(
        f"the distribution 'datafolio' {version} is installed beside 'datafolio-rs', and both are the package datafolio: "
        "uninstall both, then install the one that is wanted",
        UserWarning,
        stacklevel=3,
    )


def _plain_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    from ._jsonable import plain

    plain_metadata: dict[str, Any] = plain(dict(metadata))
    return plain_metadata
