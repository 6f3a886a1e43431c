"""Rows of a frame as files. A file appears under its name when it is whole, or not at all."""

from __future__ import annotations

import os
from typing import Any

from ..exceptions import InvalidInputError
from ._base import Base


class Exports(Base):
    """The part of a frame that writes files: the rows that pass the filter, with columns that are computed."""

    def export(self, path: str | os.PathLike[str], progress: Any = None, **options: Any) -> int:
        """Write the rows to a file, whose ending says what it is, and say how many there were.

        ``.arrow``, ``.feather`` and ``.ipc`` are files of Arrow, which map; ``.arrows`` a stream; ``.parquet``; ``.hdf5``; ``.csv``;
        ``.jsonl``, with an object on each line; ``.npy`` of a single column. The file may be the one that the frame reads.

        Parameters
        ----------
        **options
            As :meth:`export_hdf5` takes them, for HDF5.
        """
        if os.fspath(path).lower().endswith((".hdf5", ".h5")):
            return self.export_hdf5(path, progress=progress, **options)
        return self._exported(path, None, progress, options)

    def _exported(self, path: Any, format: str | None, progress: Any, ignored: dict[str, Any]) -> int:
        unknown = set(ignored) - {"chunk_size", "parallel", "reduce_large"}
        if unknown:
            raise InvalidInputError(f"export: there is no option {', '.join(sorted(unknown))}", code="invalid-option")
        with self._passing(progress, "export") as options:
            return self._native.export(os.fspath(path), format, options)

    def export_hdf5(
        self,
        path: str | os.PathLike[str],
        byteorder: str = "=",
        progress: Any = None,
        chunk_size: int | None = None,
        parallel: bool = True,
        column_count: int = 1,
        writer_threads: int = 0,
        group: str = "/table",
        mode: str = "w",
    ) -> int:
        """Write the rows to an HDF5 file in the layout of Vaex, which maps.

        Parameters
        ----------
        byteorder : {"=", "<", ">"}
            Of numbers: as on this machine, the lowest byte first, or the highest.
        group : str
            The group that holds the table.
        mode : {"w", "a"}
            ``"a"`` adds a table to a file that was written by this library.
        chunk_size, parallel, column_count, writer_threads
            As Vaex has them; nothing need be said here. :class:`datafolio.hdf5.Writer` takes them.
        """
        with self._passing(progress, "export") as options:
            return self._native.export_hdf5(os.fspath(path), group, mode, byteorder, options)

    def export_arrow(self, to: Any, progress: Any = None, as_stream: bool | None = None, **ignored: Any) -> int:
        """Write the rows to a file of Arrow, or with ``as_stream=True`` a stream.

        Parameters
        ----------
        to : path, or a writer of pyarrow
            Where to.
        as_stream : bool, optional
            By default by the ending: ``.arrows`` is a stream.
        """
        if hasattr(to, "write_table"):
            return self._written(to, progress)
        if as_stream is None:
            as_stream = os.fspath(to).endswith(".arrows")
        return self._exported(to, "stream" if as_stream else "arrow", progress, ignored)

    def _written(self, writer: Any, progress: Any) -> int:
        written = 0
        for _, end, table in self.to_arrow_table(chunk_size=1 << 20, progress=progress):  # type: ignore[attr-defined]
            writer.write_table(table)
            written = end
        return written

    def export_feather(self, to: str | os.PathLike[str], progress: Any = None, **ignored: Any) -> int:
        """Write the rows to a Feather file, uncompressed, so that it maps."""
        ignored.pop("compression", None)
        return self._exported(to, "arrow", progress, ignored)

    def export_parquet(self, path: str | os.PathLike[str], progress: Any = None, **ignored: Any) -> int:
        """Write the rows to a Parquet file, with Zstandard."""
        return self._exported(path, "parquet", progress, ignored)

    def export_csv(self, path: str | os.PathLike[str], progress: Any = None, **ignored: Any) -> int:
        """Write the rows to a CSV file with a line of names."""
        ignored.pop("backend", None)
        return self._exported(path, "csv", progress, ignored)

    def export_json(self, path: str | os.PathLike[str], progress: Any = None, **ignored: Any) -> int:
        """Write the rows as JSON, an object on each line."""
        return self._exported(path, "json", progress, ignored)

    def export_npy(self, path: str | os.PathLike[str], column: Any = None, progress: Any = None) -> int:
        """Write a column to a ``.npy`` file."""
        df = self if column is None else self[[self._name(column)]]
        return df._exported(path, "npy", progress, {})

    def export_partitioned(
        self,
        path: str | os.PathLike[str],
        by: Any,
        format: str = "parquet",
        rows_per_file: int | None = None,
        progress: Any = None,
    ) -> list[str]:
        """Write the rows to a directory of files, cut by the values of columns: ``path/year=2020/part-00000.parquet``.

        Parameters
        ----------
        by : str, or a list of them
            The columns, each with a level of directories.
        format : {"parquet", "arrow", "csv", "json"}
            What the files are.
        rows_per_file : int, optional
            The most rows of a file, about.

        Returns
        -------
        list of str
            The files.
        """
        names = self._names(by)
        with self._passing(progress, "export") as options:
            files = self._native.export_partitioned(os.fspath(path), names, rows_per_file, format, options)
        return [os.fspath(file) for file in files]

    def export_many(self, path: str, progress: Any = None, chunk_size: int = 1 << 20, **ignored: Any) -> list[str]:
        """Write the rows to several files of so many rows: ``df.export_many("part-{i:03}.parquet")``.

        Returns
        -------
        list of str
            The files.
        """
        if "{i" not in path:
            raise InvalidInputError("export_many: the path has no place for a number, as in 'part-{i:03}.parquet'")
        count, files = len(self), []  # type: ignore[arg-type]
        for at, first in enumerate(range(0, count, chunk_size)):
            files.append(path.format(i=at))
            self[first : min(first + chunk_size, count)].export(files[-1], progress=progress)
        return files
