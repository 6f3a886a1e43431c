"""Writing HDF5 files in two steps, as Vaex's writer does: ``layout`` looks at the rows, ``write`` writes them.

Examples
--------
>>> df = datafolio.open("large.parquet")  # doctest: +SKIP
>>> with Writer("output.hdf5") as writer:  # doctest: +SKIP
...     writer.layout(df)
...     writer.write(df)
"""

from __future__ import annotations

import os
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import _native
from ._progress import reporting
from .exceptions import InvalidInputError, WrongStateError

if TYPE_CHECKING:
    from .frame import Frame

__all__ = ["CallOrderError", "Writer"]


class CallOrderError(WrongStateError, AssertionError):
    """Methods of a writer were called in the wrong order."""


class Writer:
    """Writes a frame to an HDF5 file, in the layout of Vaex, which maps.

    The file appears under its name when the writer is closed, whole or not at all; what is there before is replaced then, and not
    earlier. What fails, or raises within ``with``, leaves the file as it was.

    Parameters
    ----------
    path : path
        The file.
    group : str
        The group that holds the table.
    mode : {"w", "a"}
        ``"w"`` writes a file, ``"a"`` adds a table to one that was written by this library.
    byteorder : {"=", "<", ">"}
        Of numbers: as on this machine, the lowest byte first, or the highest.
    """

    def __init__(
        self, path: str | os.PathLike[str], group: str = "/table", mode: str = "w", byteorder: str = "="
    ) -> None:
        self.path = os.fspath(path)
        self._writer: _native.Hdf5Writer | None = _native.Hdf5Writer(self.path, group, mode, byteorder)
        self._laid_out = False
        self._written = False

    def layout(self, df: Frame, progress: Any = None) -> None:
        """Look at the rows, and make room for them. Called before :meth:`write`.

        Parameters
        ----------
        df : Frame
            The rows that pass its filter, with columns that are computed.
        progress : optional
            True for a bar, or a callable that is given a fraction, and stops the work by returning False.

        Raises
        ------
        AssertionError
            When it is called twice.
        ValueError
            When there are no rows or no columns.
        TypeError
            For a column that HDF5 has no form of; it names the column.
        """
        writer = self._open()
        if self._laid_out:
            raise CallOrderError("layout was called before", code="wrong-order")
        if len(df) == 0 or not df.column_names:
            raise InvalidInputError("cannot write an empty frame: there are no rows, or no columns", code="empty-frame")
        with _options(progress) as options:
            writer.layout(df._native, options)
        self._laid_out = True

    def write(
        self,
        df: Frame,
        chunk_size: int = 100_000,
        parallel: bool = True,
        progress: Any = None,
        column_count: int = 1,
        export_threads: int = 0,
    ) -> None:
        """Write the rows that :meth:`layout` has seen.

        Parameters
        ----------
        df : Frame
            The same frame.
        chunk_size : int
            At most so many rows are turned into bytes at once, rounded up to a multiple of 8.
        parallel : bool
            Whether columns are computed by several threads.
        column_count : int
            So many columns are written in one go over the rows.
        export_threads : int
            Threads that turn columns into bytes; 0 for none besides the caller's.

        Raises
        ------
        AssertionError
            When :meth:`layout` was not called first.
        ValueError
            When the rows or the columns are not those that it has seen.
        """
        writer = self._open()
        if not self._laid_out:
            raise CallOrderError("layout must be called before write", code="wrong-order")
        if self._written:
            raise CallOrderError("the rows were written before", code="wrong-order")
        if chunk_size < 1:
            raise InvalidInputError("chunk_size: a chunk has at least one row", code="invalid-option")
        with _options(progress, None if parallel else 1) as options:
            writer.write(df._native, chunk_size, column_count, export_threads, options)
        self._written = True

    def close(self) -> None:
        """Bring the file under its name, if its rows were written; else nothing of it is left."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        if self._written:
            writer.finish()
        else:
            writer.abandon()

    def _open(self) -> _native.Hdf5Writer:
        if self._writer is None:
            raise CallOrderError("the writer is closed", code="wrong-order")
        return self._writer

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._written = False
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._writer is None else "written" if self._written else "laid out" if self._laid_out else "open"
        return f"<Writer of {self.path}: {state}>"


class _options:
    """The options of a pass, with its progress shown."""

    def __init__(self, progress: Any, threads: int | None = None) -> None:
        self._reporting = reporting(progress, "write")
        self._threads = threads

    def __enter__(self) -> dict[str, Any]:
        told = self._reporting.__enter__()
        return {"threads": self._threads, "memory": None, "spill": None, "progress": told}

    def __exit__(self, *error: Any) -> None:
        self._reporting.__exit__(*error)
