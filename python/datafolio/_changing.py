"""Changing items: descriptions, names, archiving, deleting, copying, batches."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from ._core import Core, text_of
from .exceptions import InvalidInputError

__all__ = ["ChangeMethods"]


class ChangeMethods(Core):
    """The methods that change items."""

    def update_item(
        self,
        name: str,
        description: str | None = None,
        inputs: list[str] | None = None,
        code: str | None = None,
    ) -> Any:
        """Change the description or the inputs of an item: ``None`` leaves them, ``""`` and ``[]`` remove them.

        Parameters
        ----------
        name
            The item.
        description, inputs
            What is changed.
        code
            Taken for DataFolio 1.x, whose bundles record it when an item is added.

        Raises
        ------
        KeyError
            When there is no such item.
        """
        if code is not None:
            warnings.warn(
                "the code of an item is recorded when it is added, and does not change afterwards", UserWarning, stacklevel=2
            )
        self._seen().update_item(text_of(name, "name"), description, inputs)
        return self

    def delete(self, name: str | Sequence[str], warn_dependents: bool = True) -> Any:
        """Delete items. Versions that a snapshot holds stay readable there.

        Parameters
        ----------
        name
            An item, or several, of which none is deleted when one does not exist.
        warn_dependents
            Warn when other items list one of them as an input.
        """
        names = _names(name)
        for item, dependents in self._seen().delete(names):
            if warn_dependents and dependents:
                warnings.warn(
                    f"'{item}' is an input of {', '.join(map(repr, dependents))}, which stay", UserWarning, stacklevel=2
                )
        return self

    def rename(self, name: str, new_name: str) -> Any:
        """Give an item another name; current items that list it as an input list it under the new one."""
        self._seen().rename(text_of(name, "name"), text_of(new_name, "new_name"))
        return self

    def archive(self, name: str | Sequence[str]) -> Any:
        """Leave items out of lists and copies, by name or pattern; they stay readable and in snapshots."""
        self._seen().set_archived(_names(name), True)
        return self

    def unarchive(self, name: str | Sequence[str]) -> Any:
        """Bring archived items back into lists."""
        self._seen().set_archived(_names(name), False)
        return self

    @contextlib.contextmanager
    def batch(self, upload_threads: int | None = None) -> Iterator[Any]:
        """Commit all changes of a ``with`` block together: all, or none when the block raises.

        Reads through this handle see what the block has changed so far; nobody else sees any of it before the end.

        Parameters
        ----------
        upload_threads
            Taken for DataFolio 2.x.

        Examples
        --------
        >>> folio = datafolio.DataFolio(path)
        >>> with folio.batch():
        ...     _ = folio.add("a", 1)
        ...     _ = folio.add("b", folio.get("a") + 1)
        >>> folio.get("b")
        2
        """
        del upload_threads
        self._native.refresh()
        self._native.begin_batch()
        try:
            yield self
        except BaseException:
            self._native.end_batch(False)
            raise
        self._native.end_batch(True)

    def copy(
        self,
        path: str | os.PathLike[str],
        name: str | None = None,
        metadata_updates: dict[str, Any] | None = None,
        include_items: list[str] | None = None,
        exclude_items: list[str] | None = None,
        random_suffix: bool = False,
        follow_lineage: bool = False,
        include_archived: bool = False,
    ) -> Any:
        """Copy the current versions into a new bundle, which has no snapshots.

        Parameters
        ----------
        path
            The new bundle, or with `name` the directory that it lies in.
        name
            The name of its directory.
        metadata_updates
            Keys of the metadata that are different there.
        include_items, exclude_items
            Only these items, or all but these.
        random_suffix
            Append ``-adjective-colour-noun`` to the name.
        follow_lineage
            With `include_items`: also what these were made from.
        include_archived
            Archived items too.

        Returns
        -------
        DataFolio
            The new bundle.
        """
        if include_items is not None and exclude_items is not None:
            raise InvalidInputError("Cannot specify both include_items and exclude_items", code="invalid-argument")
        target = os.path.join(os.fspath(path), name) if name is not None else os.fspath(path)
        made = self._seen().copy(
            target,
            include=include_items,
            exclude=exclude_items,
            follow_lineage=follow_lineage,
            include_archived=include_archived,
            metadata=metadata_updates,
            random_suffix=random_suffix,
        )
        return type(self)._of(made, made.location)  # type: ignore[attr-defined]


def _names(name: str | Sequence[str]) -> list[str]:
    """One name, or several."""
    return [text_of(one, "name") for one in ([name] if isinstance(name, str) else name)]
