"""Exceptions, one class for each thing that a caller can do about an error.

Every exception of the library is a `DataFolioError` and also one of Python's own, so that code written for other
releases of DataFolio catches it as before. `code` names the kind of the error for programs and never changes; `hint`
says what to do next, where that is known.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "BundleExistsError",
    "BundleNotFoundError",
    "ColumnNotFoundError",
    "ConcurrentWriteError",
    "ConflictError",
    "CorruptError",
    "DataFolioError",
    "ExistsError",
    "InternalError",
    "InvalidInputError",
    "InvalidTypeError",
    "ManifestReadError",
    "MissingFileError",
    "MissingPackageError",
    "NotFoundError",
    "PayloadMissingError",
    "ReadOnlyError",
    "ReferenceChangedWarning",
    "StorageError",
    "UnsupportedError",
    "UnsupportedManifestVersionError",
    "WrongStateError",
]


class ReferenceChangedWarning(UserWarning):
    """The files of a reference are no longer those that were referenced: what is read of them is not what was seen before."""


class DataFolioError(Exception):
    """An error of the library.

    Attributes
    ----------
    code : str
        A stable name of the kind of error, such as ``"item-not-found"``.
    category : str
        What a caller can do about it: one for each class of exception.
    hint : str or None
        What to do next.
    item : str or None
        The item that it is about.
    causes : list of str
        What lies behind it.
    """

    category = "internal"

    def __init__(
        self,
        message: str = "",
        *,
        code: str = "",
        hint: str | None = None,
        item: str | None = None,
        causes: tuple[str, ...] | list[str] = (),
    ) -> None:
        super().__init__(message)
        self.code = code or self.category
        self.hint = hint
        self.item = item
        self.causes = list(causes)

    def __str__(self) -> str:
        # A KeyError would show its message as a literal, and an OSError as a number with a file.
        lines = [str(self.args[0])] if self.args else [type(self).__name__]
        lines += [f"  caused by: {cause}" for cause in self.causes]
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors of worker processes come back as what they were.
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[DataFolioError], args: tuple[Any, ...], attributes: dict[str, Any]) -> DataFolioError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(attributes)
    return error


class NotFoundError(DataFolioError, KeyError):
    """There is no such item, snapshot, version or column."""

    category = "not-found"


class BundleNotFoundError(NotFoundError, FileNotFoundError):
    """There is no bundle at this place."""


class MissingFileError(NotFoundError, FileNotFoundError):
    """A file that was named is not there, or that a reference points to."""


class ExistsError(DataFolioError, ValueError):
    """The name or place is taken."""

    category = "exists"


class BundleExistsError(ExistsError, FileExistsError):
    """There is a bundle, or something else, at this place."""


class ConflictError(DataFolioError, RuntimeError):
    """Somebody else has changed the same thing: read it again, and decide."""

    category = "conflict"


ConcurrentWriteError = ConflictError
"""The name that DataFolio 2.x has for `ConflictError`."""


class ReadOnlyError(DataFolioError, RuntimeError):
    """The bundle is open read-only, or is a snapshot."""

    category = "read-only"


class InvalidInputError(DataFolioError, ValueError):
    """An argument that is not acceptable."""

    category = "invalid-input"


class InvalidTypeError(InvalidInputError, TypeError):
    """An argument of a type that is not acceptable."""


class ColumnNotFoundError(NotFoundError, InvalidInputError):
    """A table or frame has no such column."""


class WrongStateError(DataFolioError, RuntimeError):
    """The bundle is not in a state in which this can be done."""

    category = "wrong-state"


class StorageError(DataFolioError, OSError):
    """Reading or writing failed: the disk is full, permission is missing, or the like."""

    category = "storage"


class CorruptError(DataFolioError, RuntimeError):
    """What is stored is not what was recorded."""

    category = "corrupt"


class ManifestReadError(CorruptError, ConflictError):
    """The catalogue of the bundle cannot be read."""

    category = "corrupt"


class PayloadMissingError(CorruptError, FileNotFoundError):
    """The file of an item is not there."""


class UnsupportedError(DataFolioError, NotImplementedError):
    """What is asked for is beyond this build, or this kind of item."""

    category = "unsupported"


class UnsupportedManifestVersionError(UnsupportedError):
    """The bundle was written by a later release, in a layout that this one does not know."""


class MissingPackageError(UnsupportedError, ImportError):
    """An optional package is needed and not installed."""

    def __init__(self, what: str, package: str, extra: str | None = None) -> None:
        install = f"datafolio-rs[{extra or package}]"
        super().__init__(
            f"{what} needs the package {package}, which is not installed",
            code="package-missing",
            hint=f"pip install '{install}'",
        )


class InternalError(DataFolioError, RuntimeError):
    """A defect of the library: please report it."""

    category = "internal"


_OF_CATEGORY: dict[str, type[DataFolioError]] = {
    kind.category: kind
    for kind in (
        NotFoundError,
        ExistsError,
        ConflictError,
        ReadOnlyError,
        InvalidInputError,
        WrongStateError,
        StorageError,
        CorruptError,
        UnsupportedError,
        InternalError,
    )
}

# Kinds of error for which other releases raise something that the class of their category is not.
_OF_CODE: dict[str, type[DataFolioError]] = {
    "not-a-bundle": BundleNotFoundError,
    "bundle-exists": BundleExistsError,
    "not-empty": BundleExistsError,
    "column-not-found": ColumnNotFoundError,
    "unknown-column": ColumnNotFoundError,
    "file-not-found": MissingFileError,
    "missing-reference": MissingFileError,
    "missing-payload": PayloadMissingError,
    "payload-gone": PayloadMissingError,
    "unrecognised-data": InvalidTypeError,
    "wrong-kind": InvalidTypeError,
    "damaged-catalogue": ManifestReadError,
    "unknown-history": UnsupportedManifestVersionError,
    "unknown-schema": UnsupportedManifestVersionError,
}


def _from_library(
    category: str,
    code: str,
    message: str,
    hint: str | None,
    item: str | None,
    causes: list[str],
) -> DataFolioError:
    """The exception for an error of the compiled library."""
    kind = _OF_CODE.get(code) or _OF_CATEGORY.get(category, InternalError)
    return kind(message, code=code, hint=_in_python(code, hint), item=item, causes=causes)


# What to do next, where the library names a command of its program for it.
_HINTS = {
    "conflict": "look at what the other writer did with log(), then do it again",
    "commit-unknown": "do not repeat it yet: look for the revision with log()",
    "item-not-found": "list_contents() shows what there is",
    "not-a-bundle": "DataFolio(path) makes one; look at the path",
    "revision-not-found": "log() lists the revisions",
    "snapshot-exists": "choose another name, or remove that one with delete_snapshot()",
    "snapshot-not-found": "list_snapshots() shows what there is",
    "sql-refused": "a query reads the tables of the bundle by name: import_table() and reference_table() bring files in; "
    "query(..., unrestricted=True) lets your own SQL do all that DuckDB can",
    "sql-unfit": "table_info(name)['dtypes'] shows the columns of a table; texts stand in single quotes",
    "table-not-found": "list_contents() shows the items of the bundle",
    "unknown-column": "names with spaces stand in backticks",
    "version-not-found": "versions(name) lists them",
    "wrong-type": "item_info(name)['item_type'] tells its type",
}
# Options as the program has them, and as the methods here do.
_OPTIONS = {"--evolve": "evolve=True", "--overwrite": "overwrite=True", "--columns": "columns=", "--as-file": "add_file()"}


def _in_python(code: str, hint: str | None) -> str | None:
    if code in ("invalid-argument", "invalid-value", "invalid-option"):
        # It says no more than to read the message.
        return None
    if hint and "`datafolio " in hint and code in _HINTS:
        return _HINTS[code]
    for option, argument in _OPTIONS.items():
        hint = hint and hint.replace(option, argument)
    return hint
