"""What notebooks show: small pieces of HTML that look well on light and on dark pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._table import Table

# Rows of a table that are shown from its beginning and from its end.
HEAD_ROWS = 10
TAIL_ROWS = 5
# Characters of a value that are shown.
VALUE_WIDTH = 60

STYLE = (
    "<style>.df-box{font-family:system-ui,sans-serif;font-size:13px;line-height:1.4}"
    ".df-box table{border-collapse:collapse;margin:.3em 0}"
    ".df-box th,.df-box td{padding:2px 10px;text-align:left;border-bottom:1px solid rgba(128,128,128,.25)}"
    ".df-box td.num,.df-box th.num{text-align:right;font-variant-numeric:tabular-nums}"
    ".df-box .dim{opacity:.6;font-weight:normal}.df-box .name{font-weight:600}"
    ".df-box details>summary{cursor:pointer;margin:.2em 0}</style>"
)


def box(*parts: str) -> str:
    """Pieces of HTML as one output of a cell."""
    return f'{STYLE}<div class="df-box">{"".join(parts)}</div>'


def rows_html(header: Sequence[str], rows: Iterable[Sequence[str]], numeric: Sequence[bool] = ()) -> str:
    """A table of HTML whose cells are HTML already."""
    classes = [' class="num"' if at < len(numeric) and numeric[at] else "" for at in range(len(header))]
    head = "".join(f"<th{kind}>{cell}</th>" for kind, cell in zip(classes, header))
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{cell}</td>" for kind, cell in zip(classes, row)) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def value_html(value: Any) -> str:
    """A value of a table, cut where it is long."""
    if value is None:
        return '<span class="dim">null</span>'
    if isinstance(value, float):
        return escape(f"{value:.6g}")
    text = str(value)
    return escape(text if len(text) <= VALUE_WIDTH else text[: VALUE_WIDTH - 1] + "…")


def is_number(dtype: str) -> bool:
    """Whether values of an Arrow type stand better on the right."""
    return dtype.startswith(("int", "uint", "float", "double", "half", "decimal"))


def table_html(table: Table) -> str:
    """The first and last rows of a table, with types."""
    dtypes = table.dtypes
    whole = table.num_rows <= HEAD_ROWS + TAIL_ROWS
    parts = [table] if whole else [table.slice(0, HEAD_ROWS), table.slice(table.num_rows - TAIL_ROWS)]
    rows: list[list[str]] = []
    for part in parts:
        if rows:
            rows.append(['<span class="dim">…</span>'] * len(dtypes))
        rows += [[value_html(value) for value in row] for row in zip(*part.to_pydict().values())]
    header = [f'{escape(name)}<br><span class="dim">{escape(dtype)}</span>' for name, dtype in dtypes.items()]
    size = f'<span class="dim">{table.num_rows:,} rows × {table.num_columns} columns</span>'
    return box(rows_html(header, rows, [is_number(dtype) for dtype in dtypes.values()]), size)


def folio_html(folio: Any) -> str:
    """A bundle: its items by category, with sizes and descriptions, and its snapshots."""
    items = folio._items
    contents = folio.list_contents()
    heading = f'<span class="name">{escape(folio.path)}</span> <span class="dim">{_state(folio)}</span>'
    parts = [heading]
    rows = []
    for category, names in contents.items():
        for name in names:
            entry = items[name]
            shape = entry_shape(entry)
            inputs = ", ".join(escape(source) for source in entry.get("inputs", []))
            rows.append(
                [
                    f'<span class="name">{escape(name)}</span>',
                    f'<span class="dim">{escape(_kind(category))}</span>',
                    escape(shape),
                    escape(human_size(entry.get("size_bytes", entry.get("file_size")))),
                    escape(entry.get("description", "")),
                    f'<span class="dim">{inputs}</span>',
                ]
            )
    if rows:
        parts.append(rows_html(["item", "type", "shape", "size", "description", "made from"], rows, [False, False, True, True]))
    else:
        parts.append('<div class="dim">no items</div>')
    snapshots = folio.list_snapshots()
    if snapshots:
        listed = [
            [
                f'<span class="name">{escape(info["name"])}</span>',
                escape(_when(info["timestamp"])),
                str(info["num_items"]),
                escape(", ".join(info["tags"])),
                escape(info["description"] or ""),
            ]
            for info in snapshots
        ]
        table = rows_html(["snapshot", "made", "items", "tags", "description"], listed, [False, False, True])
        parts.append(f"<details><summary>{len(snapshots)} snapshots</summary>{table}</details>")
    return box(*parts)


def item_html(name: str, entry: dict[str, Any]) -> str:
    """An item: what the catalogue says of it."""
    shown = ("item_type", "description", "inputs", "created_at", "num_rows", "shape", "dtype", "table_format", "version_id")
    rows = [
        [f'<span class="dim">{escape(key)}</span>', value_html(_flat(entry[key]))] for key in shown if key in entry
    ]
    columns = entry.get("dtypes")
    parts = [f'<span class="name">{escape(name)}</span>', rows_html(["", ""], rows)]
    if columns:
        listed = [[escape(column), escape(str(dtype))] for column, dtype in columns.items()]
        parts.append(f"<details><summary>{len(listed)} columns</summary>{rows_html(['column', 'type'], listed)}</details>")
    return box(*parts)


def snapshot_html(snapshot: Any) -> str:
    """A snapshot: what it is for, and which versions it holds."""
    about = " · ".join(text for text in (_when(snapshot.timestamp), snapshot.description, *snapshot.tags) if text)
    rows = [[escape(item), f'<span class="dim">{escape(version)}</span>'] for item, version in snapshot.item_versions.items()]
    return box(
        f'<span class="name">{escape(snapshot.name)}</span> <span class="dim">{escape(about)}</span>',
        rows_html(["item", "version"], rows),
    )


def table_info_html(info: dict[str, Any]) -> str:
    """What is known of a table without reading it."""
    rows = info["rows"]
    size = f"{rows:,} rows" if rows is not None else "an unknown number of rows"
    about = f"{size} × {info['columns']} columns, {human_size(info['size_bytes'])}, {info['table_format']}"
    listed = []
    for column in info["column_facts"]:
        facts = [column.get(key) for key in ("null_count", "min", "max")]
        listed.append(
            [
                f'<span class="name">{escape(column["name"])}</span>',
                f'<span class="dim">{escape(column["arrow_type"])}</span>',
                *("" if fact is None else value_html(fact) for fact in facts),
            ]
        )
    return box(
        f'<span class="name">{escape(info["name"])}</span> <span class="dim">{escape(about)}</span>',
        rows_html(["column", "type", "nulls", "min", "max"], listed, [False, False, True, True, True]),
    )


def entry_shape(entry: dict[str, Any]) -> str:
    """Rows and columns of a table, or the lengths of an array."""
    if entry.get("num_rows") is not None:
        columns = entry.get("num_cols")
        return f"{entry['num_rows']:,}" + (f" × {columns}" if columns is not None else "")
    if entry.get("shape") is not None:
        return " × ".join(f"{length:,}" for length in entry["shape"])
    return ""


def human_size(size: int | None) -> str:
    """A number of bytes as people write it."""
    if size is None:
        return ""
    value = float(size)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def _state(folio: Any) -> str:
    parts = [f"revision {folio.revision}"]
    if folio.loaded_snapshot is not None:
        parts.append(f"snapshot {escape(folio.loaded_snapshot)}")
    if folio.read_only:
        parts.append("read-only")
    return ", ".join(parts)


def _kind(category: str) -> str:
    return category.rstrip("s").replace("_", " ")


def _when(timestamp: str) -> str:
    return timestamp[:16].replace("T", " ")


def _flat(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
