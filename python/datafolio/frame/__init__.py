"""Frames: out of core computing, as users of Vaex write it."""

from __future__ import annotations

from . import aggregate
from .binby import BinBy, Grid, GridAxis
from .columns import concat
from .delayed import Promise
from .describe import Description
from .expression import Expression
from .frame import Frame
from .functions import register_function
from .groupby import BinnerTime, GroupBy
from .opening import from_arrays, from_arrow, from_arrow_table, from_dict, from_items, from_pandas, open

__all__ = [
    "BinBy",
    "BinnerTime",
    "Description",
    "Expression",
    "Frame",
    "Grid",
    "GridAxis",
    "GroupBy",
    "Promise",
    "aggregate",
    "concat",
    "from_arrays",
    "from_arrow",
    "from_arrow_table",
    "from_dict",
    "from_items",
    "from_pandas",
    "open",
    "register_function",
]
