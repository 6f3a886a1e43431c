"""What all parts of a handle share: the bundle, and when it is looked at anew."""

from __future__ import annotations

import contextlib
import operator
import os
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

from ._native import Bundle
from .exceptions import InvalidInputError, InvalidTypeError, NotFoundError, ReferenceChangedWarning, WrongStateError

__all__ = ["Core", "Entry", "Params", "count_of", "is_plain_text", "new_name", "only", "option_pairs", "text_of", "where_with"]

Entry = dict[str, Any]
Params = Sequence[Any] | Mapping[str, Any]


class Core:
    """A handle to a bundle, without its methods.

    A handle sees what other processes have committed at each read, but not inside :meth:`pinned`, a batch, an iterator or
    a frame; inside a batch it sees what the batch has changed. A snapshot or an earlier revision never changes.
    """

    _native: Bundle
    _bundle_dir: str
    _max_eager_bytes: int | None

    def _open(self, native: Bundle, bundle_dir: str, max_eager_bytes: int | None) -> None:
        self._native = native
        self._bundle_dir = bundle_dir
        self._max_eager_bytes = max_eager_bytes
        self._pins = 0
        self._pin_lock = threading.Lock()

    @property
    def _bundle_path(self) -> str:
        return self._bundle_dir

    def _seen(self) -> Bundle:
        """The bundle as it is now, for a call that begins: what others have committed is no conflict with it."""
        if not self._pins:
            self._native.refresh()
        return self._native

    def _tell_changed(self, changed: list[str]) -> None:
        """Warn, for the caller of the caller, of references that are about to be read."""
        for what in changed:
            advice = "check_references() tells more, and reference_table(..., overwrite=True) takes the files as they are now"
            warnings.warn(f"{what}: {advice}", ReferenceChangedWarning, stacklevel=3)

    def _outside_batch(self, call: str) -> None:
        """Refuse what is a commit of its own while a batch is open."""
        if self._native.in_batch:
            raise WrongStateError(f"{call}() is not possible inside batch(): do it before or after", code="in-batch")

    def _entry(self, name: str) -> Entry:
        """The entry of an item.

        Raises
        ------
        NotFoundError
            When there is none.
        """
        entry: Entry = self._seen().item(_name(name))
        return entry

    @contextlib.contextmanager
    def pinned(self) -> Iterator[Any]:
        """Read one state of the bundle, whatever others commit meanwhile.

        Examples
        --------
        >>> folio = datafolio.DataFolio(path)
        >>> with folio.pinned():
        ...     names = list(folio.data)
        """
        with self._pin_lock:
            if not self._pins:
                self._native.refresh()
            self._pins += 1
        try:
            yield self
        finally:
            with self._pin_lock:
                self._pins -= 1

    def refresh(self) -> Any:
        """See what other processes have committed, and return the handle."""
        self._native.refresh()
        return self

    @property
    def path(self) -> str:
        """Where the bundle is, as an absolute path."""
        return self._native.location

    @property
    def revision(self) -> int:
        """How many commits the bundle has had."""
        return self._seen().revision

    @property
    def read_only(self) -> bool:
        """Whether nothing can be changed through this handle."""
        return self._native.read_only

    @property
    def loaded_snapshot(self) -> str | None:
        """The snapshot that the handle stands for, if it is one."""
        return self._native.loaded_snapshot

    @property
    def in_snapshot_mode(self) -> bool:
        """Whether the handle stands for a snapshot."""
        return self.loaded_snapshot is not None

    @property
    def warnings(self) -> list[str]:
        """What is wrong with the bundle and was read around."""
        return self._seen().warnings()

    @property
    def settings(self) -> dict[str, str]:
        """The settings that hold for this handle, as text."""
        return dict(self._native.settings())

    # Objects of a handle are what a process has open. Another process opens the same state for itself.
    def __getstate__(self) -> dict[str, Any]:
        return {
            "bundle_dir": self._bundle_dir if "://" in self._bundle_dir else os.path.abspath(self._bundle_dir),
            "max_eager_bytes": self._max_eager_bytes,
            "read_only": self.read_only,
            "snapshot": self.loaded_snapshot,
            "revision": self._native.revision if self._native.is_revision else None,
            "settings": self._native.chosen_settings,
            "storage_options": self._native.storage_options,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        native = Bundle(
            state["bundle_dir"],
            "open",
            read_only=state["read_only"] and state["snapshot"] is None,
            settings=state["settings"],
            storage_options=state["storage_options"],
        )
        if state["snapshot"] is not None:
            native = native.load_snapshot(state["snapshot"])
        elif state["revision"] is not None:
            native = native.at_revision(state["revision"])
        self._open(native, state["bundle_dir"], state["max_eager_bytes"])


def option_pairs(options: dict[str, Any] | None) -> list[tuple[str, str]]:
    """Options of a store as texts: ``True`` is ``"true"``."""
    return [
        (name, str(value).lower() if isinstance(value, bool) else str(value)) for name, value in (options or {}).items()
    ]


@overload
def where_with(where: str, params: Params | None) -> str | tuple[str, Any]: ...
@overload
def where_with(where: str | None, params: Params | None) -> str | tuple[str, Any] | None: ...
def where_with(where: str | None, params: Params | None) -> str | tuple[str, Any] | None:
    """An SQL condition with the values for its places.

    Raises
    ------
    InvalidInputError
        For values without a condition.
    InvalidTypeError
        For a condition that is no text.
    """
    if where is not None:
        text_of(where, "where")
    if params is None:
        return where
    if where is None:
        raise InvalidInputError("params are values for the condition `where`, which is not given", code="invalid-argument")
    return (where, params)


def count_of(value: int, what: str, least: int = 0) -> int:
    """A number of rows, bytes or threads that a caller has given.

    Raises
    ------
    InvalidTypeError
        For what is no whole number.
    InvalidInputError
        For one that is too small, or that no machine counts to.
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise InvalidTypeError(f"{what} is a whole number, and {value!r} is none", code="invalid-argument") from None
    if number < least:
        wanted = "must not be negative" if least == 0 else f"must be at least {least}"
        raise InvalidInputError(f"{what} {wanted}, and is {number}", code="invalid-argument")
    if number >= 1 << 63:
        raise InvalidInputError(f"{what} is {number}: give a number below 2**63", code="invalid-argument")
    return number


def text_of(value: object, what: str, code: str = "invalid-argument") -> str:
    """A text that a caller has given.

    Raises
    ------
    InvalidTypeError
        For what is no text.
    InvalidInputError
        For one with half of a character, of which UTF-8 has no form, and so no file of a bundle.
    """
    if not isinstance(value, str):
        raise InvalidTypeError(f"{what} is text, and {value!r} is none", code=code)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        near = value[max(0, error.start - 20) : error.start + 20]
        raise InvalidInputError(
            f"{what} has a lone surrogate, half of a character, which UTF-8 has no form of, in {near!r}. It comes of bytes that were "
            "decoded with errors='surrogateescape', as names of files are: decode them with the encoding that they are in",
            code=code,
        ) from None
    return value


def new_name(name: object) -> str:
    """A name for an item.

    Raises
    ------
    InvalidTypeError, InvalidInputError
        As :func:`text_of`.
    """
    return text_of(name, "the name of an item", "invalid-item-name")


def is_plain_text(text: str) -> bool:
    """Whether UTF-8 has a form of all of a text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def only(call: str, options: dict[str, Any], *known: str) -> dict[str, Any]:
    """The options of a call, all of which the type of the item takes.

    Raises
    ------
    InvalidTypeError
        For one that it does not take.
    """
    unknown = [key for key in options if key not in known]
    if unknown:
        raise InvalidTypeError(
            f"{call}() got an option that this type of item does not take: {', '.join(unknown)}", code="invalid-argument"
        )
    return options


def _name(name: object) -> str:
    """The name of an item, which is text."""
    if not isinstance(name, str):
        raise NotFoundError(f"Item {name!r} not found: names are text", code="item-not-found")
    if not is_plain_text(name):
        raise NotFoundError(
            f"Item {name!r} not found: no name has a lone surrogate, which is half of a character", code="item-not-found"
        )
    return name
