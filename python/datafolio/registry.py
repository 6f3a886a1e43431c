"""The bundles of a user: aliases, those used lately, and a search over all of them.

The list is shared with the ``datafolio`` program and with DataFolio 2.x: ``~/.datafolio/registry.json``, or
``DATAFOLIO_HOME``.
"""

from __future__ import annotations

import fnmatch
import os
import re
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from . import _native
from ._core import option_pairs
from ._optional import need
from .exceptions import DataFolioError, InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["find", "list_folios", "path_of", "remove_alias", "set_alias", "store_access"]


def path_of(alias: str) -> str:
    """The path that an alias stands for.

    Raises
    ------
    KeyError
        When there is no such alias.
    """
    return _native.path_of_alias(alias)


def store_access(
    path: str | os.PathLike[str], storage_options: dict[str, Any] | None = None
) -> dict[str, str | None]:
    """Where the credentials for a bundle on a store come from, and which endpoint and region they are sent to.

    Nothing is asked of the store, and there need be no bundle. What the credentials hold is never told.

    Parameters
    ----------
    path
        An address such as ``s3://bucket/prefix``.
    storage_options
        As :class:`DataFolio` takes them.
    """
    access: dict[str, str | None] = _native.store_access(os.path.expanduser(os.fspath(path)), option_pairs(storage_options))
    return access


def set_alias(alias: str, path: str | os.PathLike[str], overwrite: bool = False) -> str:
    """Give a bundle a name on this machine, and return its path as the list keeps it.

    Raises
    ------
    ValueError
        When the name stands for another bundle, or is not allowed.
    """
    return _native.set_alias(alias, os.fspath(path), overwrite)


def remove_alias(alias: str) -> None:
    """Take an alias away.

    Raises
    ------
    KeyError
        When there is no such alias.
    """
    _native.remove_alias(alias)


def list_folios() -> pd.DataFrame:
    """The bundles with an alias, and those used lately: `alias`, `path`, `last_accessed`, `exists`."""
    pandas = need("pandas", "list_folios")
    return pandas.DataFrame(_native.known_bundles(), columns=["alias", "path", "last_accessed", "exists"])


def find(
    pattern: str = "*",
    *,
    regex: bool = False,
    item_type: str | Iterable[str] | None = None,
    metadata: bool = False,
    folios: Iterable[Any] | None = None,
    aliases_only: bool = False,
    local_only: bool = False,
    include_archived: bool = False,
    case_sensitive: bool = False,
    descriptions: bool = False,
    max_workers: int = 16,
) -> pd.DataFrame:
    """Look for items in many bundles.

    Parameters
    ----------
    pattern
        A pattern for names, such as ``"*_scores"``; with `regex` a regular expression.
    regex
        Take the pattern as a regular expression, which may fit anywhere in a name.
    item_type
        Only items of this type, or of one of these.
    metadata
        Look through the keys of the bundles' metadata instead.
    folios
        These bundles: paths, aliases or handles; by default all that the user's list has.
    aliases_only, local_only
        Of the user's list, only those with an alias, or on this machine.
    include_archived
        Archived items too.
    case_sensitive
        Tell upper from lower case.
    descriptions
        Look through descriptions too.
    max_workers
        How many bundles are opened at once.

    Returns
    -------
    pandas.DataFrame
        With `alias`, `folio_path`, `name`, `item_type`, `description`, `created_at`; with `metadata` instead of the last
        four `key` and `value`. A bundle that cannot be opened is a warning.
    """
    pandas = need("pandas", "find")
    fits = _matcher(pattern, regex, case_sensitive)
    kinds = None if item_type is None else {item_type} if isinstance(item_type, str) else set(item_type)
    places = _places(folios, aliases_only, local_only)

    def search(place: tuple[str | None, str]) -> list[tuple[Any, ...]] | str:
        alias, path = place
        try:
            bundle = _native.Bundle(path, "open", read_only=True)
        except (DataFolioError, OSError) as error:
            return f"{path} cannot be opened: {error}"
        if metadata:
            return [(alias, path, key, value) for key, value in bundle.metadata().items() if fits(key)]
        found = []
        for name, entry in bundle.items().items():
            text = entry.get("description") or ""
            if (
                (fits(name) or (descriptions and fits(text)))
                and (kinds is None or entry["item_type"] in kinds)
                and (include_archived or not entry.get("archived"))
            ):
                row = (alias, path, name, entry["item_type"], entry.get("description"), entry.get("created_at"))
                found.append(row)
        return found

    with ThreadPoolExecutor(max_workers=max(1, max_workers)) as pool:
        results = list(pool.map(search, places))
    rows: list[tuple[Any, ...]] = []
    for result in results:
        if isinstance(result, str):
            warnings.warn(result, UserWarning, stacklevel=2)
        else:
            rows += result
    columns = ["key", "value"] if metadata else ["name", "item_type", "description", "created_at"]
    return pandas.DataFrame(rows, columns=["alias", "folio_path", *columns])


def _matcher(pattern: str, regex: bool, case_sensitive: bool) -> Callable[[str], bool]:
    flags = 0 if case_sensitive else re.IGNORECASE
    try:
        compiled = re.compile(pattern if regex else fnmatch.translate(pattern), flags)
    except re.error as error:
        raise InvalidInputError(f"Invalid pattern {pattern!r}: {error}", code="invalid-pattern") from error
    return lambda text: bool(compiled.search(text) if regex else compiled.match(text))


def _places(folios: Iterable[Any] | None, aliases_only: bool, local_only: bool) -> list[tuple[str | None, str]]:
    """Alias and path of each bundle to look into."""
    known = _native.known_bundles()
    if folios is None:
        return [
            (alias, path)
            for alias, path, _, exists in known
            if (alias is not None or not aliases_only) and (exists is not None or not local_only)
        ]
    of_alias = {alias: path for alias, path, _, _ in known if alias is not None}
    of_path = {path: alias for alias, path in of_alias.items()}
    places: list[tuple[str | None, str]] = []
    for folio in folios:
        path = getattr(folio, "path", None)
        if path is None:
            given = os.fspath(folio)
            absolute = given if "://" in given else os.path.abspath(os.path.expanduser(given))
            path = of_alias.get(str(folio), absolute)
        places.append((of_path.get(path), path))
    return places
