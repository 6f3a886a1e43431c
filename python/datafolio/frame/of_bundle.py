"""Frames of the tables of a bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _native
from .frame import Frame

if TYPE_CHECKING:
    from .._native import Frame as NativeFrame


class BundleTable:
    """A version of a table, by which a frame is opened again in another process."""

    def __init__(self, path: str, name: str, version: str, settings: list[tuple[str, str]]) -> None:
        self.path = path
        self.name = name
        self.version = version
        self.settings = settings

    def open(self) -> NativeFrame:
        """The frame of the engine."""
        return _native.Bundle(self.path, "open", read_only=True, settings=self.settings).frame(self.name, self.version)


def frame_of(bundle: _native.Bundle, name: str, version: str | None = None, mapped: bool = False) -> Frame:
    """A table of a bundle, or a view that is the state of a frame, as a frame.

    Parameters
    ----------
    version : str, optional
        A version of the table; by default the one that the handle sees.
    mapped : bool
        Convert a table that is stored as Parquet to files that are mapped, once, in the cache: for many questions about it.
    """
    native = bundle.mapped_frame(name) if mapped and version is None else bundle.frame(name, version)
    origins = native.origins()
    # A view stands on a table: it is opened again by that one, and the state makes the rest.
    origin = BundleTable(bundle.location, *origins[0], bundle.chosen_settings) if len(origins) == 1 else None
    return Frame(native, origin)
