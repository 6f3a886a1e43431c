"""What calls return that programs take for a dict or a list, and that notebooks show as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._optional import need
from ._table import Table

__all__ = ["Comparison", "Log", "SnapshotList", "TableDifference", "TableInfo", "VersionList"]


class Comparison(dict[str, Any]):
    """What differs between two states of a bundle.

    Parameters
    ----------
    values
        What :meth:`DataFolio.compare_snapshots` or :meth:`DataFolio.diff_from_snapshot` tells.
    before, after
        The names of the states.
    """

    def __init__(self, values: Mapping[str, Any], before: str, after: str) -> None:
        super().__init__(values)
        # The library gives pairs as lists.
        self["metadata_changes"] = {key: (old, new) for key, (old, new) in values["metadata_changes"].items()}
        self._before, self._after = before, after

    def _repr_html_(self) -> str:
        from ._html_changes import comparison_html

        return comparison_html(self, self._before, self._after)


class TableDifference(dict[str, Any]):
    """What differs between two versions of a table."""

    def _repr_html_(self) -> str:
        from ._html_changes import table_difference_html

        return table_difference_html(self)


class TableInfo(dict[str, Any]):
    """What is known of a table. ``parquet_schema`` is made when it is asked for, since it needs pyarrow.

    Parameters
    ----------
    facts
        All but the schema.
    schema
        No rows, with the columns of the table.
    """

    def __init__(self, facts: Mapping[str, Any], schema: Table) -> None:
        super().__init__(facts)
        self._schema = schema

    def get(self, key: str, default: Any = None) -> Any:
        """As that of a dict, for ``parquet_schema`` too."""
        return self[key] if key in self or key == "parquet_schema" else default

    def __missing__(self, key: str) -> Any:
        if key != "parquet_schema":
            raise KeyError(key)
        self[key] = need("pyarrow", "the schema of a table").schema(self._schema.to_arrow().schema)
        return self[key]

    def _repr_html_(self) -> str:
        from ._html import table_info_html

        return table_info_html(self)


class Log(list[dict[str, Any]]):
    """Commits, the newest first."""

    def _repr_html_(self) -> str:
        from ._html_changes import log_html

        return log_html(self)


class SnapshotList(list[dict[str, Any]]):
    """What is known of the snapshots of a bundle."""

    def _repr_html_(self) -> str:
        from ._html_changes import snapshots_html

        return snapshots_html(self)


class VersionList(list[dict[str, Any]]):
    """The versions of an item."""

    def _repr_html_(self) -> str:
        from ._html_changes import versions_html

        return versions_html(self)
