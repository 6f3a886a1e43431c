"""References: tables that stay where they are."""

from __future__ import annotations

import datetime
import os
import warnings
from typing import Any

from ._core import Core, count_of, new_name, text_of
from ._storing import microseconds

__all__ = ["ReferenceMethods"]


class ReferenceMethods(Core):
    """The method that records a table which lies elsewhere, and what it warns of."""

    def reference_table(
        self,
        name: str,
        path: str | os.PathLike[str],
        table_format: str | None = None,
        num_rows: int | None = None,
        version: int | None = None,
        description: str | None = None,
        inputs: list[str] | None = None,
        code: str | None = None,
        *,
        timestamp: datetime.datetime | None = None,
        overwrite: bool = False,
        allow_full_load: bool = False,
        polars_only: bool | None = None,
    ) -> Any:
        """Record a table that stays where it is.

        Parameters
        ----------
        name
            Its name.
        path
            A file, a directory or a pattern, or the address of one.
        table_format
            ``"parquet"``, ``"csv"``, ``"arrow"``, ``"hdf5"`` or ``"delta"``; by default as the name of the files tells, or the log of a
            Delta table. What neither tells is taken for Parquet.
        num_rows
            How many rows it has, where that is known.
        version
            The version of a Delta table that is read from now on; by default the newest is, each time. Of other tables it is recorded,
            as by DataFolio 1.x, and picks nothing, which a warning says.
        timestamp
            The same by a time, with a time zone: the version that the table had then.
        description, inputs, code, overwrite
            As for :meth:`add_table`.
        allow_full_load
            Let :meth:`get` load it however large it is.
        polars_only
            Recorded for DataFolio 2.x, which reads such a table with Polars alone.

        Raises
        ------
        ValueError
            For a name that is taken, and for a format that is not known.

        Warns
        -----
        UserWarning
            When nothing is there yet, or a store does not answer. The reference is recorded all the same, as by DataFolio 1.x and 2.x,
            which do not look. Also for the version of a table that has none.

        Examples
        --------
        >>> folio = datafolio.DataFolio(path)
        >>> outside = folio.get_table_path("scores")
        >>> folio.reference_table("outside", outside).get_table("outside", "arrow").num_rows
        3
        """
        flags = {"code": code, "allow_full_load": allow_full_load or None, "polars_only": polars_only or None}
        extra = {key: value for key, value in flags.items() if value}
        options = {"description": description, "inputs": inputs, "overwrite": overwrite, "extra": extra}
        at = None if timestamp is None else microseconds(timestamp)
        rows = None if num_rows is None else count_of(num_rows, "num_rows")
        number = None if version is None else count_of(version, "version")
        place = text_of(os.fspath(path), "path")
        self._seen().reference_table(new_name(name), place, table_format, rows, number, at, options)
        form = self._native.item(name)["table_format"]
        if number is not None and form != "delta":
            warnings.warn(
                f"reference '{name}': version={number} is recorded and picks nothing, since a table in format {form} has no versions: "
                "leave it out, or pass table_format='delta' where it is a Delta table",
                UserWarning,
                stacklevel=2,
            )
        self._tell_unseen(name)
        return self

    def _tell_unseen(self, name: str) -> None:
        """Warn, for the caller of the caller, of a new reference at whose place nothing was seen."""
        entry = self._native.item(name)
        if "fingerprint" in entry:
            return
        place = str(entry["path"])
        if place.startswith("file://"):
            what = f"reference '{name}': there is nothing at {place.removeprefix('file://')} yet, and reading it fails until there is"
        else:
            what = (
                f"reference '{name}': nothing was seen at {place}, so that nobody can tell later whether it is the same: "
                "check_references() says why"
            )
        warnings.warn(what, UserWarning, stacklevel=3)
