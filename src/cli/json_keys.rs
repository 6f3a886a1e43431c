//! What `--json` prints, as the reference lists it. A test compares it with what the commands print.

/// What a command prints.
#[derive(Debug, Clone, Copy)]
pub(super) struct Printed {
    /// The command, as people write it.
    pub(super) command: &'static str,
    /// What it prints: an object with these keys, or a list of such objects.
    pub(super) shape: Shape,
    /// The keys; one that ends in `?` is left out where there is nothing to say.
    pub(super) keys: &'static [&'static str],
}

/// The form of a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One object.
    Object,
    /// A list of objects.
    List,
    /// A list of objects below a key of the value in the row above.
    ListBelow(&'static str),
}

const fn object(command: &'static str, keys: &'static [&'static str]) -> Printed {
    Printed { command, shape: Shape::Object, keys }
}

const fn list(command: &'static str, keys: &'static [&'static str]) -> Printed {
    Printed { command, shape: Shape::List, keys }
}

const fn below(command: &'static str, key: &'static str, keys: &'static [&'static str]) -> Printed {
    Printed { command, shape: Shape::ListBelow(key), keys }
}

const SNAPSHOT: &[&str] =
    &["name", "timestamp", "description", "tags", "num_items", "lost_items?", "mutable_references?", "fields"];

/// A snapshot in a list: one that is damaged is listed, and has no page of its own.
const LISTED_SNAPSHOT: &[&str] = &[
    "name",
    "timestamp",
    "description",
    "tags",
    "num_items",
    "lost_items?",
    "mutable_references?",
    "fields",
    "damage?",
];

/// All commands with JSON of a form of their own.
pub(super) const PRINTED: &[Printed] = &[
    object("init", &["location", "alias", "revision"]),
    object("add", &["name", "item_type", "category", "version", "archived", "record"]),
    object("reference", &["name", "item_type", "category", "version", "archived", "record"]),
    list("import", &["name", "item_type", "category", "version", "archived", "record"]),
    object(
        "append",
        &["name", "rows", "size_bytes", "created", "new_columns", "num_rows", "parts", "was_derived?", "compacted?"],
    ),
    list("compact", &["name", "parts_before", "parts_after", "rows", "bytes_before", "bytes_after"]),
    object("convert", &["files", "rows", "size_bytes"]),
    list("ls", &["name", "item_type", "category", "version", "archived", "record", "size_bytes"]),
    object("describe", &["location", "revision", "snapshot", "metadata", "contents", "items", "snapshots"]),
    object(
        "info",
        &[
            "name",
            "item_type",
            "category",
            "version",
            "archived",
            "record",
            "size_bytes",
            "path",
            "inputs",
            "dependents",
            "snapshots",
            "table?",
            "statistics?",
        ],
    ),
    object("get TABLE", &["columns", "rows"]),
    below("get TABLE", "columns", &["name", "type"]),
    object("get FILE", &["size_bytes", "text", "complete"]),
    object("compute", &["item", "answers"]),
    object("compute --by KEY", &["columns", "rows"]),
    below("compute", "answers", &["expression", "value"]),
    object("hist", &["item", "expression", "edges", "bins", "value", "values"]),
    object("hist --output FILE", &["path"]),
    object("heatmap", &["item", "x", "y", "value", "values"]),
    object("heatmap --output FILE", &["path"]),
    object("head", &["columns", "rows"]),
    below("head", "columns", &["name", "type"]),
    object("sample", &["columns", "rows"]),
    list("iter", &["path", "start_row", "rows"]),
    object("sql", &["columns", "rows"]),
    object("sql --output FILE", &["path", "rows", "columns"]),
    object(
        "diff",
        &[
            "name",
            "from",
            "to",
            "key",
            "added",
            "removed",
            "changed",
            "unchanged",
            "changed_columns",
            "added_columns",
            "removed_columns",
            "retyped_columns",
            "rows_were_read",
            "rows?",
            "path?",
        ],
    ),
    object("view NAME SQL", &["name", "item_type", "category", "version", "archived", "record"]),
    object("derive NAME SQL", &["name", "item_type", "category", "version", "archived", "record"]),
    list("stale", &["name", "kind", "reasons"]),
    object("rerun", &["done", "fresh", "failed", "left"]),
    object(
        "explain",
        &[
            "name",
            "kind",
            "version",
            "created_at",
            "language?",
            "text?",
            "params?",
            "inputs?",
            "program?",
            "rows",
            "stale",
            "upstream",
        ],
    ),
    object("export", &["item", "path", "size_bytes"]),
    object("path", &["item", "path"]),
    object("meta KEY VALUE", &["key", "value", "revision"]),
    object("meta --unset KEY", &["key", "revision"]),
    object("lineage", &["items", "externals"]),
    object("lineage ITEM", &["item", "inputs", "upstream", "dependents", "downstream"]),
    list("log", &["revision", "id", "kind", "timestamp", "writer", "operation", "changes"]),
    list("log ITEM --versions", &["version", "revision", "created_at", "current", "snapshots", "available", "record"]),
    object("du", &["items", "snapshots", "catalogue_bytes", "total_bytes", "reclaimable_bytes"]),
    below("du", "items", &["name", "current_bytes", "total_bytes", "versions"]),
    object("copy", &["location", "items"]),
    object("set", &["items", "revision"]),
    object("rename", &["from", "to", "revision"]),
    object("rm", &["items", "dependents", "revision"]),
    object("undo", &["undone", "revision", "removed", "dependents"]),
    object("snapshot create", SNAPSHOT),
    list("snapshot list", LISTED_SNAPSHOT),
    object("snapshot show", SNAPSHOT),
    object("snapshot compare", &["added_items", "removed_items", "modified_items", "shared_items", "metadata_changes"]),
    object(
        "snapshot diff",
        &["snapshot_name", "added_items", "removed_items", "modified_items", "unchanged_items", "metadata_changes"],
    ),
    object("snapshot status", &["location", "snapshot", "changes"]),
    object("snapshot restore", &["snapshot", "revision", "changes"]),
    object("snapshot export", &["location", "snapshot", "items"]),
    object("snapshot reproduce", &["instructions"]),
    object("snapshot delete", &["snapshot", "dropped", "revision"]),
    object("snapshot gc", &["files", "dry_run"]),
    object("verify", &["findings", "versions", "read", "bytes", "commits", "valid", "clean", "location"]),
    below("verify", "findings", &["severity", "item", "version", "snapshots?", "code", "message"]),
    list(
        "verify --references",
        &["name", "path", "state", "reason?", "added", "removed", "modified", "schema_changes"],
    ),
    object(
        "gc",
        &[
            "applied",
            "oldest_kept_revision",
            "payloads",
            "history",
            "bytes",
            "too_young",
            "lost_versions",
            "later_revisions?",
        ],
    ),
    object(
        "repair",
        &[
            "problem",
            "action",
            "revision",
            "kept_aside",
            "unconfirmed",
            "missing",
            "salvaged_items",
            "salvaged_snapshots",
            "given_up",
        ],
    ),
    list("find", &["alias", "folio_path", "name", "item_type", "category", "description", "created_at"]),
    list("find --metadata", &["alias", "folio_path", "key", "value"]),
    object("push", &["revision", "files", "bytes", "present"]),
    object("pull", &["revision", "files", "bytes", "present"]),
    object("stage begin", &["id", "name", "path", "mode", "inputs", "created_at", "files", "bytes"]),
    list("stage list", &["id", "name", "path", "mode", "inputs", "created_at", "files", "bytes"]),
    object(
        "stage commit",
        &["id", "name", "version", "was_committed", "files", "rewritten", "rows", "size_bytes", "num_rows"],
    ),
    object("stage abort", &["id", "files", "bytes"]),
    object("cache info", &["dir", "copies", "bytes", "cap"]),
    list("cache list", &["sha256", "bytes", "used"]),
    object("cache clear", &["removed", "bytes"]),
    object("cache prefetch", &["files", "bytes", "not_kept"]),
    object("access", &["location", "credentials", "endpoint", "region"]),
    object("folios alias", &["alias", "path"]),
    list("folios list", &["alias", "path", "last_accessed", "exists"]),
    object("folios unalias", &["alias"]),
    object("folios forget", &["path"]),
    object("folios prune", &["removed"]),
    object("completions", &["shell", "script"]),
    object("--version", &["version"]),
];
