"""``folio.data``: the items as attributes, with completion in notebooks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ._reading import TABLES
from .exceptions import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from .folio import DataFolio

__all__ = ["DataAccessor", "ItemProxy"]

_TITLES = {
    "tables": "Tables",
    "numpy_arrays": "Numpy Arrays",
    "json_data": "JSON Data",
    "timestamps": "Timestamps",
    "models": "Models",
    "artifacts": "Artifacts",
}


class ItemProxy:
    """An item: what it holds, and what is known of it."""

    def __init__(self, folio: DataFolio, name: str) -> None:
        self._folio = folio
        self._name = name

    @property
    def _item(self) -> dict[str, Any]:
        return self._folio.item_info(self._name)

    @property
    def content(self) -> Any:
        """The value: a frame, an array, a plain value, an instant, a model, or the path of a file."""
        kind = self._item["item_type"]
        return self._folio.get_table(self._name) if kind in TABLES else self._folio.get(self._name)

    @property
    def lazy(self) -> Any:
        """The table as a ``LazyFrame`` of Polars."""
        if self._item["item_type"] not in TABLES:
            raise InvalidInputError(f"Item '{self._name}' is not a table", code="wrong-type", item=self._name)
        return self._folio.scan_table(self._name)

    @property
    def frame(self) -> Any:
        """The table as a frame to compute over."""
        return self._folio.frame(self._name)

    @property
    def description(self) -> str | None:
        """What it is."""
        return self._item.get("description")

    @property
    def type(self) -> str:
        """The type of the item."""
        kind: str = self._item["item_type"]
        return kind

    @property
    def path(self) -> str | None:
        """Where its file is."""
        return self._folio.item_path(self._name)

    @property
    def inputs(self) -> list[str]:
        """What it was made from."""
        return self._folio.get_inputs(self._name)

    @property
    def dependents(self) -> list[str]:
        """What was made from it."""
        return self._folio.get_dependents(self._name)

    @property
    def metadata(self) -> dict[str, Any]:
        """What the catalogue says of it."""
        return self._item

    def __repr__(self) -> str:
        description = f": {self.description}" if self.description else ""
        return f"ItemProxy('{self._name}', type='{self.type}'{description})"

    def _repr_html_(self) -> str:
        from ._html import item_html

        return item_html(self._name, self._item)


class DataAccessor:
    """The items of a bundle: ``folio.data.name`` and ``folio.data["name"]``."""

    def __init__(self, folio: DataFolio) -> None:
        self._folio = folio

    def __getitem__(self, name: str) -> ItemProxy:
        self._folio._entry(name)
        return ItemProxy(self._folio, name)

    def __getattr__(self, name: str) -> ItemProxy:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self[name]
        except NotFoundError as error:
            raise AttributeError(str(error)) from error

    def __contains__(self, name: object) -> bool:
        return name in self._folio

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(name for name in self._names() if name.isidentifier())})

    def _ipython_key_completions_(self) -> list[str]:
        return self._names()

    def _names(self) -> list[str]:
        return [name for name, entry in self._folio._items.items() if not entry.get("archived")]

    def __repr__(self) -> str:
        lines = [f"  {_TITLES.get(key, key)}: {', '.join(names)}" for key, names in self._listed().items()]
        return "\n".join(["DataAccessor:", *lines]) if lines else "DataAccessor(no items)"

    def _listed(self) -> dict[str, list[str]]:
        """The names of the items by category, without empty categories; all tables are one."""
        contents = self._folio.list_contents()
        tables = contents.pop("referenced_tables") + contents.pop("included_tables")
        return {key: names for key, names in {"tables": tables, **contents}.items() if names}
