"""Frames of files, and of what is in memory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import _native
from .._progress import reporting
from ..exceptions import InvalidTypeError, MissingFileError
from ._values import parts_of
from .frame import Frame

if TYPE_CHECKING:
    from .._native import Frame as NativeFrame

__all__ = ["from_arrays", "from_arrow", "from_dict", "from_items", "from_pandas", "open"]


class Files:
    """Files that a frame is of, by which it is opened again in another process."""

    def __init__(self, paths: list[str], group: str | None, mapped: bool, strict: bool) -> None:
        # Another process may work in another directory.
        self.paths = [os.path.abspath(path) for path in paths]
        self.group = group
        self.mapped = mapped
        self.strict = strict

    def open(self, options: Any = None) -> NativeFrame:
        """The frame of the engine."""
        return _native.open_frame(self.paths, self.group, self.mapped, self.strict, options)


def open(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    group: str | None = None,
    mapped: bool = True,
    strict: bool = False,
    progress: Any = None,
) -> Frame:
    """Open files as a frame, of any size: headers alone are read.

    Arrow IPC files and streams, Feather, HDF5 (as Vaex writes it), Parquet and ``.npy`` are computed with as they are. Text (CSV, TSV and
    JSON lines, also with ``.gz`` and ``.zip``) is converted once, to files in the cache directory that are found again.

    Parameters
    ----------
    path : path, pattern, or list of these
        A file, or several: ``"part-*.parquet"``. Their rows come one after the other; columns are told apart by name.
    group : str, optional
        The group of an HDF5 file that holds the table.
    mapped : bool
        False to read files in pieces instead of mapping them, where they may be cut while they are open.
    strict : bool
        Whether several files must have the same columns of the same types.
    progress : optional
        Of a conversion.

    Examples
    --------
    >>> df = datafolio.open("measurements.hdf5")  # doctest: +SKIP
    >>> df.mean("x * y")  # doctest: +SKIP
    """
    paths = [path] if isinstance(path, (str, os.PathLike)) else list(path)
    for one in paths:
        if not isinstance(one, (str, os.PathLike)):
            raise InvalidTypeError(f"open: {one!r:.80} is no path")
        if not any(sign in os.fspath(one) for sign in "*?[") and not os.path.exists(one):
            raise MissingFileError(f"there is no file '{os.fspath(one)}'", code="file-not-found")
    files = Files([os.fspath(one) for one in paths], group, mapped, strict)
    with reporting(progress, "open") as told:
        options = None if told is None else {"threads": None, "memory": None, "spill": None, "progress": told}
        return Frame(files.open(options), files)


def from_arrow(data: Any) -> Frame:
    """A frame of any object that has ``__arrow_c_stream__``: tables and readers of pyarrow, frames of Polars and DuckDB.

    What is larger than a quarter of the memory goes to a file in the spill directory, which is gone with the frame.
    """
    if not hasattr(data, "__arrow_c_stream__"):
        raise InvalidTypeError(f"from_arrow: {type(data).__name__} has no __arrow_c_stream__")
    return Frame(_native.frame_of_arrow(data))


from_arrow_table = from_arrow


def from_pandas(df: Any, copy_index: bool = False) -> Frame:
    """A frame of one of pandas.

    Parameters
    ----------
    copy_index : bool
        Whether the index becomes a column, ``index``.
    """
    if copy_index:
        df = df.reset_index()
    if hasattr(df, "__arrow_c_stream__"):
        try:
            import pyarrow
        except ImportError:
            pass
        else:
            return from_arrow(pyarrow.Table.from_pandas(df, preserve_index=False))
    return from_dict({str(name): df[name] for name in df.columns})


def from_dict(data: Mapping[str, Any]) -> Frame:
    """A frame of arrays, lists or series by name. None is a missing value, and so is what an array masks.

    Examples
    --------
    >>> from_dict({"x": [1.0, 2.5], "name": ["a", None]}).dtypes
    {'x': 'float64', 'name': 'string'}
    """
    return Frame(_native.frame_of_arrays({name: parts_of(values, f"column {name!r}") for name, values in data.items()}))


def from_arrays(**arrays: Any) -> Frame:
    """A frame of arrays, lists or series: ``from_arrays(x=x, y=y)``."""
    return from_dict(arrays)


def from_items(*items: tuple[str, Any]) -> Frame:
    """A frame of pairs of a name and an array."""
    return from_dict(dict(items))
