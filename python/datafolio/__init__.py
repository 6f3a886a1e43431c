"""A versioned home for the data of one analysis.

A bundle is a plain directory of ordinary files and one catalogue. :class:`DataFolio` is the handle to one; frames
(:func:`open`) compute over files that are larger than memory.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._native import __version__

if TYPE_CHECKING:
    from . import exceptions as exceptions, hdf5 as hdf5
    from ._table import Table as Table
    from .exceptions import (
        ConcurrentWriteError as ConcurrentWriteError,
        DataFolioError as DataFolioError,
        ManifestReadError as ManifestReadError,
        UnsupportedManifestVersionError as UnsupportedManifestVersionError,
    )
    from .folio import DataFolio as DataFolio
    from .frame import (
        BinnerTime as BinnerTime,
        Expression as Expression,
        Frame as Frame,
        aggregate as agg,  # noqa: F401
        concat as concat,
        from_arrays as from_arrays,
        from_arrow as from_arrow,
        from_arrow_table as from_arrow_table,
        from_dict as from_dict,
        from_items as from_items,
        from_pandas as from_pandas,
        open as open,
        register_function as register_function,
    )
    from .registry import (
        find as find,
        list_folios as list_folios,
        remove_alias as remove_alias,
        set_alias as set_alias,
        store_access as store_access,
    )

# Where each name comes from. Modules are imported when a name of theirs is first used, so that `import datafolio` is quick.
_NAMES = {
    "BinnerTime": "frame",
    "ConcurrentWriteError": "exceptions",
    "DataFolio": "folio",
    "DataFolioError": "exceptions",
    "ManifestReadError": "exceptions",
    "Expression": "frame",
    "Frame": "frame",
    "Table": "_table",
    "UnsupportedManifestVersionError": "exceptions",
    "concat": "frame",
    "find": "registry",
    "from_arrays": "frame",
    "from_arrow": "frame",
    "from_arrow_table": "frame",
    "from_dict": "frame",
    "from_items": "frame",
    "from_pandas": "frame",
    "list_folios": "registry",
    "open": "frame",
    "register_function": "frame",
    "remove_alias": "registry",
    "set_alias": "registry",
    "store_access": "registry",
}
_MODULES = ("exceptions", "hdf5")
# Modules that go by a shorter name here.
_SHORT = {"agg": "frame.aggregate"}

__all__ = ["__version__", *sorted(_NAMES), *_MODULES, *_SHORT]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    if name in _SHORT:
        return importlib.import_module(f".{_SHORT[name]}", __name__)
    if name not in _NAMES:
        raise AttributeError(f"module 'datafolio' has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_NAMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
