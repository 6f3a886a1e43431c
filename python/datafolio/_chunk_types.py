"""The types of the chunks of one walk in pandas: one for each column, whatever values a chunk has.

pandas has no missing values among whole numbers and truth values as numpy knows them: a chunk with one would have another type than a
chunk without.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ._optional import need
from ._table import Table, with_whole_numbers

__all__ = ["ChunkTypes", "has_varying"]

# From a type of Arrow to the one of pandas in which its values can be missing.
_NULLABLE = {
    "bool": "boolean",
    "int8": "Int8",
    "int16": "Int16",
    "int32": "Int32",
    "int64": "Int64",
    "uint8": "UInt8",
    "uint16": "UInt16",
    "uint32": "UInt32",
    "uint64": "UInt64",
}
# Every whole number up to here is one of float64.
_EXACT = 1 << 53


def has_varying(dtypes: Iterable[str]) -> bool:
    """Whether a chunk may have another type in pandas than the next, by the types of the columns in Arrow."""
    return any(kind in _NULLABLE for kind in dtypes)


class ChunkTypes:
    """Which type each column has in all chunks of a walk.

    Parameters
    ----------
    facts
        What is known of each column: `name`, `arrow_type`, and where known `null_count`, `min` and `max`.
    """

    def __init__(self, facts: Iterable[Mapping[str, Any]]) -> None:
        kinds = ((fact["name"], _kind(fact)) for fact in facts)
        self._kinds = {name: kind for name, kind in kinds if kind is not None}

    def frame(self, table: Table) -> Any:
        """A chunk as a frame of pandas."""
        frame = table.to_pandas()
        floats: dict[str, str] = {}
        exact: list[str] = []
        arrow = table.to_arrow()
        whole = with_whole_numbers(arrow)
        for name in arrow.column_names:
            kind = self._kinds.get(name)
            if whole.schema.field(name).type != arrow.schema.field(name).type:
                # A sum of SQL, which may be missing in one chunk and not in another.
                kind = "Int64"
            if kind is None or _is_pandas_own(frame[name].dtype):
                continue
            if kind == "float64":
                floats[name] = kind
            else:
                exact.append(name)
        frame = frame.astype(floats)
        if exact:
            # From Arrow, since whole numbers beside a missing one have become floats in the frame.
            nullable = whole.select(exact).to_pandas(types_mapper=_mapper())
            for name in exact:
                frame[name] = nullable[name]
        return frame


def _kind(fact: Mapping[str, Any]) -> str | None:
    """The type of a column in all chunks; None where it is the same by itself."""
    nullable = _NULLABLE.get(fact["arrow_type"])
    nulls = fact.get("null_count")
    if nullable is None or nulls == 0:
        return None
    # Objects, which truth values are in a table that is read at once, have no type: a chunk of missing ones alone would be stored as a
    # column without any.
    if nulls is None or nullable == "boolean":
        return nullable
    least, most = fact.get("min"), fact.get("max")
    is_exact = least is not None and most is not None and -_EXACT <= least and most <= _EXACT
    # Floats are what the whole table has, as it is read at once.
    return "float64" if is_exact or nullable not in ("Int64", "UInt64") else nullable


def _is_pandas_own(dtype: Any) -> bool:
    """Whether a column has missing values in its type already, as a table remembers that it came with."""
    return bool(need("pandas", "a frame of pandas").api.types.is_extension_array_dtype(dtype))


def _mapper() -> Any:
    pandas, pyarrow = need("pandas", "a frame of pandas"), need("pyarrow", "a frame of pandas", "pandas")
    kinds = {pyarrow.type_for_alias(arrow): pandas.api.types.pandas_dtype(nullable) for arrow, nullable in _NULLABLE.items()}
    return kinds.get
