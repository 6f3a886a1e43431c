"""What notebooks show: small pieces of HTML that look well on light and on dark pages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from .metadata import KEPT_KEYS

if TYPE_CHECKING:
    from ._table import Table

# Rows of a table that are shown from its beginning and from its end.
HEAD_ROWS = 10
TAIL_ROWS = 5
# Characters of a value that are shown.
VALUE_WIDTH = 60
# Characters of a text that is wrapped.
LONG_WIDTH = 500
# Entries of a list that are shown.
LISTED = 200

# Colours that can be read on white and on black; all else has the colour of the page.
STYLE = (
    "<style>.df-box{font-family:system-ui,-apple-system,'Segoe UI',sans-serif;font-size:13px;line-height:1.4;"
    "max-width:100%;overflow-x:auto}"
    ".df-box table{border-collapse:collapse;margin:.3em 0;table-layout:auto}"
    ".df-box th,.df-box td{padding:2px 10px;text-align:left;vertical-align:top;white-space:nowrap;max-width:none;"
    "border-bottom:1px solid rgba(128,128,128,.25)}"
    ".df-box td.num,.df-box th.num{text-align:right;font-variant-numeric:tabular-nums}"
    ".df-box .text{white-space:normal;max-width:36em;overflow-wrap:anywhere}"
    ".df-box .dim{opacity:.6;font-weight:normal}.df-box .name{font-weight:600}"
    ".df-box .add{color:#2a9d4e}.df-box .cut{color:#e05252}.df-box .mod{color:#c08300}"
    ".df-box details>summary{cursor:pointer;margin:.2em 0}</style>"
)


def box(*parts: str) -> str:
    """Pieces of HTML as one output of a cell."""
    return f'{STYLE}<div class="df-box">{"".join(parts)}</div>'


def rows_html(header: Sequence[str], rows: Iterable[Sequence[str]], numeric: Sequence[bool] = ()) -> str:
    """A table of HTML whose cells are HTML already."""
    classes = [' class="num"' if at < len(numeric) and numeric[at] else "" for at in range(len(header))]
    head = "".join(f"<th{kind}>{cell}</th>" for kind, cell in zip(classes, header, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{cell}</td>" for kind, cell in zip(classes, row, strict=True)) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def facts_html(facts: Mapping[str, str]) -> str:
    """Names with values, which are HTML already, without a heading."""
    body = "".join(f'<tr><td class="dim">{escape(name)}</td><td>{value}</td></tr>' for name, value in facts.items())
    return f"<table><tbody>{body}</tbody></table>"


def folded(summary: str, content: str) -> str:
    """A part that is shown when it is asked for."""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"


def long_text(text: str | None) -> str:
    """Text that is wrapped."""
    return f'<div class="text">{escape(text)}</div>' if text else ""


def counted(number: int, what: str) -> str:
    """A number of things, in words."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


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
        rows += [[value_html(value) for value in row] for row in zip(*part.to_pydict().values(), strict=True)]
    header = [f'{escape(name)}<br><span class="dim">{escape(dtype)}</span>' for name, dtype in dtypes.items()]
    size = f'<span class="dim">{table.num_rows:,} rows × {table.num_columns} columns</span>'
    return box(rows_html(header, rows, [is_number(dtype) for dtype in dtypes.values()]), size)


def folio_html(folio: Any) -> str:
    """A bundle: its items by category, with sizes and descriptions, its metadata and its snapshots."""
    items = folio._items
    named = [(category, name) for category, names in folio.list_contents().items() for name in names]
    parts = [f'<span class="name">{escape(folio.path)}</span> <span class="dim">{_state(folio)}</span>']
    rows = [_item_row(category, name, items[name]) for category, name in named[:LISTED]]
    if rows:
        header = ["item", "type", "shape", "size", "description", "made from"]
        parts.append(rows_html(header, rows, [False, False, True, True]))
    notes = [counted(len(named), "item") if named else "no items"]
    if len(named) > LISTED:
        notes.append(f"the first {LISTED} are shown")
    if len(items) > len(named):
        notes.append(f"{len(items) - len(named):,} archived")
    parts.append(f'<div class="dim">{", ".join(notes)}</div>')
    metadata = {key: value for key, value in folio.metadata.items() if key not in KEPT_KEYS}
    if metadata:
        fields = {key: long_text(plain_text(value)) for key, value in list(metadata.items())[:LISTED]}
        parts.append(folded(counted(len(metadata), "field") + " of metadata", facts_html(fields)))
    snapshots = folio.list_snapshots()
    if snapshots:
        parts.append(folded(counted(len(snapshots), "snapshot"), snapshots_table(snapshots)))
    return box(*parts)


def snapshots_table(snapshots: Sequence[Mapping[str, Any]]) -> str:
    """What is known of snapshots, a row for each."""
    rows = [
        [
            f'<span class="name">{escape(info["name"])}</span>',
            escape(when(info["timestamp"])),
            f"{info['num_items']:,}",
            long_text(", ".join(info["tags"])),
            long_text(info["description"]),
        ]
        for info in snapshots[:LISTED]
    ]
    return rows_html(["snapshot", "made (UTC)", "items", "tags", "description"], rows, [False, False, True])


def item_html(name: str, entry: dict[str, Any]) -> str:
    """An item: what the catalogue says of it."""
    facts = {
        "type": escape(str(entry.get("item_type", "")).replace("_", " ")),
        "description": long_text(entry.get("description")),
        "shape": escape(entry_shape(entry)),
        "values": value_html(entry["dtype"]) if "dtype" in entry else "",
        "size": escape(human_size(entry_size(entry))),
        "format": escape(str(entry.get("table_format") or "")),
        "made from": long_text(", ".join(entry.get("inputs", []))),
        "made": escape(when(entry.get("created_at") or "")),
        "version": escape(str(entry.get("version_id") or "")),
    }
    parts = [f'<span class="name">{escape(name)}</span>', facts_html({key: fact for key, fact in facts.items() if fact})]
    columns = entry.get("dtypes")
    if isinstance(columns, dict) and columns:
        listed = [[escape(column), f'<span class="dim">{escape(str(dtype))}</span>'] for column, dtype in columns.items()]
        parts.append(folded(counted(len(listed), "column"), rows_html(["column", "type"], listed)))
    if entry.get("code"):
        parts.append(folded("code", f"<pre>{escape(str(entry['code']))}</pre>"))
    return box(*parts)


def snapshot_html(snapshot: Any) -> str:
    """A snapshot: what it is for, and which versions it holds."""
    about = " · ".join(text for text in (when(snapshot.timestamp), snapshot.description, *snapshot.tags) if text)
    versions = snapshot.item_versions
    rows = [[escape(item), f'<span class="dim">{escape(version)}</span>'] for item, version in list(versions.items())[:LISTED]]
    return box(
        f'<span class="name">{escape(snapshot.name)}</span> <span class="dim">{escape(about)}</span>',
        rows_html(["item", "version"], rows),
        f'<div class="dim">{counted(len(versions), "item")}</div>',
    )


def table_info_html(info: dict[str, Any]) -> str:
    """What is known of a table without reading it."""
    rows = info["rows"]
    size = f"{rows:,} rows" if rows is not None else "an unknown number of rows"
    about = f"{size} × {info['columns']} columns, {human_size(info['size_bytes'])}, {info['table_format']}"
    listed = []
    for column in info["column_facts"]:
        nulls = column.get("null_count")
        listed.append(
            [
                f'<span class="name">{escape(column["name"])}</span>',
                f'<span class="dim">{escape(column["arrow_type"])}</span>',
                "" if nulls is None else f"{nulls:,}",
                *("" if column.get(key) is None else value_html(column[key]) for key in ("min", "max")),
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


def entry_size(entry: Mapping[str, Any]) -> int | None:
    """How many bytes an item takes."""
    size: int | None = entry.get("size_bytes", entry.get("file_size"))
    return size


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


def when(timestamp: str) -> str:
    """A time as people write it, to the minute."""
    return timestamp[:16].replace("T", " ")


def plain_text(value: Any) -> str:
    """A value of the metadata as text, cut where it is long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONG_WIDTH else text[: LONG_WIDTH - 1] + "…"


def _item_row(category: str, name: str, entry: dict[str, Any]) -> list[str]:
    return [
        f'<span class="name">{escape(name)}</span>',
        f'<span class="dim">{escape(category.rstrip("s").replace("_", " "))}</span>',
        escape(entry_shape(entry)),
        escape(human_size(entry_size(entry))),
        long_text(entry.get("description")),
        f'<div class="text dim">{escape(", ".join(entry.get("inputs", [])))}</div>',
    ]
