"""Packages that are used where they are installed, and imported when they are needed."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

from .exceptions import MissingPackageError


def need(package: str, what: str, extra: str | None = None) -> ModuleType:
    """Import a package that something cannot be done without.

    Raises
    ------
    MissingPackageError
        Where it is not installed; it says what to install.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        if (error.name or package).split(".")[0] != package.split(".")[0]:
            raise
        raise MissingPackageError(what, package.split(".")[0], extra) from error


def loaded(package: str) -> ModuleType | None:
    """The package, if something has imported it: a value of one of its classes cannot be there otherwise."""
    return sys.modules.get(package)


def is_instance(value: Any, package: str, *classes: str) -> bool:
    """Whether a value is of one of these classes of a package, which is not imported for it."""
    module = loaded(package)
    kinds = tuple(kind for kind in (getattr(module, name, None) for name in classes) if kind is not None)
    return bool(kinds) and isinstance(value, kinds)
