"""What notebooks show of differences and of the history: what was added is green, removed red, and changed amber."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ._html import LISTED, box, counted, entry_size, human_size, long_text, plain_text, rows_html, snapshots_table, when
from .metadata import KEPT_KEYS

# Changes of a commit that are shown.
CHANGES = 12

# For each word of the history, the sign and the colour. Signs say the same to those who do not see colours.
_SIGNS = {
    "added": ("+", "add"),
    "removed": ("−", "cut"),
    "modified": ("~", "mod"),
    "replaced": ("~", "mod"),
    "changed": ("~", "mod"),
    "edited": ("~", "mod"),
    "renamed": ("→", "mod"),
}


def comparison_html(comparison: Mapping[str, Any], before: str, after: str) -> str:
    """Two states of a bundle."""
    lists = {word: comparison.get(f"{word}_items", []) for word in ("added", "removed", "modified")}
    same = comparison.get("shared_items", comparison.get("unchanged_items", []))
    # What the bundle notes by itself changes with every commit.
    metadata = {key: pair for key, pair in comparison.get("metadata_changes", {}).items() if key not in KEPT_KEYS}
    parts = [_heading(before, after)]
    rows = [
        [_coloured(word, word), f"{len(names):,}", f'<div class="text">{_names(word, names)}</div>']
        for word, names in lists.items()
        if names
    ]
    if rows:
        parts.append(rows_html(["items", "", ""], rows, [False, True]))
    if metadata:
        fields = [
            [f'<span class="name">{escape(key)}</span>', _side(old, "cut"), _side(new, "add")]
            for key, (old, new) in list(metadata.items())[:LISTED]
        ]
        parts.append(rows_html(["metadata", "before", "after"], fields))
    if not rows and not metadata:
        parts.append("<div>Nothing has changed.</div>")
    parts.append(f'<div class="dim">{counted(len(same), "item")} unchanged</div>')
    return box(*parts)


def table_difference_html(difference: Mapping[str, Any]) -> str:
    """Two versions of a table."""
    parts = [_heading(difference["from"], difference["to"], difference["name"])]
    counts = {word: difference[word] for word in ("added", "removed", "changed") if difference[word]}
    rows = [[_coloured(word, word), f"{number:,}"] for word, number in counts.items()]
    changed = difference["changed_columns"]
    columns = [
        *(_column_row("added", column["name"], column["arrow_type"]) for column in difference["added_columns"]),
        *(_column_row("removed", column["name"], column["arrow_type"]) for column in difference["removed_columns"]),
        *(
            _column_row("changed", column["name"], f"{column['from']} → {column['to']}", changed.get(column["name"]))
            for column in difference["retyped_columns"]
        ),
    ]
    retyped = {column["name"] for column in difference["retyped_columns"]}
    columns += [_column_row("changed", name, "values", count) for name, count in changed.items() if name not in retyped]
    if rows:
        parts.append(rows_html(["rows", ""], rows, [False, True]))
    if columns:
        parts.append(rows_html(["columns", "", "", "rows"], columns[:LISTED], [False, False, False, True]))
    if not rows and not columns:
        parts.append("<div>Nothing has changed.</div>")
    notes = [] if difference["unchanged"] is None else [f"{counted(difference['unchanged'], 'row')} unchanged"]
    if difference["key"]:
        notes.append(f"rows are told apart by {', '.join(difference['key'])}")
    elif difference["rows_were_read"]:
        notes.append("without a key, a row that has changed counts as removed and added")
    else:
        notes.append("both versions have the same files")
    parts.append(f'<div class="dim">{escape("; ".join(notes))}</div>')
    return box(*parts)


def log_html(entries: Sequence[Mapping[str, Any]]) -> str:
    """Commits, the newest first."""
    rows = []
    for entry in entries[:LISTED]:
        writer = entry.get("writer", {})
        who = "@".join(str(writer[key]) for key in ("user", "host") if writer.get(key))
        kind = "" if entry["kind"] == "commit" else f'<span class="dim">{escape(entry["kind"])}: </span>'
        operation = f'<div class="text">{kind}{escape(entry.get("operation") or "")}</div>'
        rows.append(
            [
                f'<span class="name">{entry["revision"]}</span>',
                escape(when(entry["timestamp"])),
                f'<span class="dim">{escape(who)}</span>',
                operation,
                f'<div class="text">{_changes(entry.get("changes", {}))}</div>',
            ]
        )
    if not rows:
        return box('<div class="dim">no commits</div>')
    return box(rows_html(["revision", "time (UTC)", "who", "what", "changes"], rows, [True]), _rest(len(entries)))


def versions_html(versions: Sequence[Mapping[str, Any]]) -> str:
    """The versions of an item, the newest first."""
    rows = []
    for info in versions[:LISTED]:
        record = info.get("record", {})
        count = record.get("num_rows")
        state = "current" if info["current"] else ""
        rows.append(
            [
                f'<span class="name">{escape(info["version"])}</span>',
                "" if info.get("revision") is None else str(info["revision"]),
                escape(when(info.get("created_at") or "")),
                "" if count is None else f"{count:,}",
                escape(human_size(entry_size(record))),
                long_text(", ".join(info["snapshots"])),
                state if info["available"] else f'<span class="cut">{f"{state}, " if state else ""}files are gone</span>',
            ]
        )
    header = ["version", "revision", "made (UTC)", "rows", "size", "snapshots", ""]
    if not rows:
        return box('<div class="dim">no versions</div>')
    return box(rows_html(header, rows, [False, True, False, True, True]), _rest(len(versions)))


def snapshots_html(snapshots: Sequence[Mapping[str, Any]]) -> str:
    """The snapshots of a bundle, the newest first."""
    if not snapshots:
        return box('<div class="dim">no snapshots</div>')
    return box(snapshots_table(snapshots), _rest(len(snapshots)))


def _heading(before: str, after: str, what: str = "") -> str:
    if not what:
        return f'<span class="name">{escape(before)} → {escape(after)}</span>'
    return f'<span class="name">{escape(what)}</span> <span class="dim">{escape(before)} → {escape(after)}</span>'


def _coloured(word: str, text: str) -> str:
    sign, colour = _SIGNS.get(word, ("~", "mod"))
    return f'<span class="{colour}">{sign} {escape(text)}</span>'


def _names(word: str, names: Sequence[str]) -> str:
    shown = [f'<span class="{_SIGNS[word][1]}">{escape(name)}</span>' for name in names[:LISTED]]
    if len(names) > LISTED:
        shown.append(f'<span class="dim">and {len(names) - LISTED:,} more</span>')
    return ", ".join(shown)


def _side(value: Any, colour: str) -> str:
    if value is None:
        return '<span class="dim">—</span>'
    return f'<div class="text {colour}">{escape(plain_text(value))}</div>'


def _column_row(word: str, name: str, about: str, rows: int | None = None) -> list[str]:
    count = "" if rows is None else f"{rows:,}"
    return [_coloured(word, word), f'<span class="name">{escape(name)}</span>', f'<span class="dim">{escape(about)}</span>', count]


def _changes(changes: Mapping[str, Any]) -> str:
    """What one commit changed."""
    shown = []
    for item in changes.get("items", []):
        before = f"{item['renamed_from']} → " if item.get("renamed_from") else ""
        word = "changed" if before and item["change"] == "renamed" else item["change"]
        shown.append(_coloured(word, before + item["name"]))
    for snapshot in changes.get("snapshots", []):
        word = "removed" if snapshot.startswith("-") else "added"
        shown.append(_coloured(word, f"snapshot {snapshot[1:]}"))
    if changes.get("metadata"):
        shown.append(_coloured("changed", f"metadata: {', '.join(changes['metadata'])}"))
    if len(shown) > CHANGES:
        shown[CHANGES:] = [f'<span class="dim">and {len(shown) - CHANGES:,} more</span>']
    return ", ".join(shown)


def _rest(count: int) -> str:
    return f'<div class="dim">the first {LISTED} of {count:,} are shown</div>' if count > LISTED else ""
