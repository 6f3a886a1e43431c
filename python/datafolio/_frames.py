"""Tables of a bundle as frames to compute over, and frames as items of a bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._core import new_name, text_of
from ._table_versions import TableVersions

if TYPE_CHECKING:
    from .frame import Frame

__all__ = ["FrameMethods"]


class FrameMethods(TableVersions):
    """The methods that work with frames."""

    def frame(self, name: str, version: str | int | None = None, *, mapped: bool = False) -> Frame:
        """A table as a frame: virtual columns and filters cost nothing, and aggregations read the columns that they need, out of core.

        Parameters
        ----------
        name
            The table, or a view that keeps the state of a frame.
        version
            As for :meth:`DataFolio.get_table`. The frame keeps to it, whatever is committed meanwhile.
        mapped
            Convert a table that is stored as Parquet once, in the cache, to files that are mapped: for many questions.

        Examples
        --------
        >>> folio = datafolio.DataFolio(path)
        >>> folio.frame("scores").mean("score * 2")
        6.0
        """
        from .frame.of_bundle import frame_of

        self._table(name)
        self._tell_changed(self._native.changed_inputs(name))
        chosen = self._version(name, version, None)
        return frame_of(self._native, name, chosen, mapped)

    def add_frame(
        self,
        name: str,
        frame: Frame,
        *,
        description: str | None = None,
        inputs: list[str] | None = None,
        overwrite: bool = False,
        table_format: str | None = None,
    ) -> Any:
        """Store the rows of a frame that pass its filter, with all its columns, as a table.

        Unless `inputs` says otherwise, the tables of this bundle that the frame was made of are recorded as its inputs.
        """
        options = {"description": description, "inputs": inputs, "overwrite": overwrite, "table_format": table_format}
        self._seen().add_frame(new_name(name), frame._native, options)
        return self

    def add_frame_view(
        self,
        name: str,
        table: str,
        frame: Frame,
        *,
        description: str | None = None,
        overwrite: bool = False,
    ) -> Any:
        """Keep the state of a frame (virtual columns, filter, variables, selections) over a table, as a view."""
        options = {"description": description, "overwrite": overwrite}
        called = new_name(name)
        self._seen().add_frame_view(called, text_of(table, "table"), frame.state_get(), options)
        return self
