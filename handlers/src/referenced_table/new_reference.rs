//! What is written down of a new reference: what the caller says, and what is seen there.

use std::fs;
use std::path::{Path, PathBuf};

use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use datafolio_core::{ItemRecord, time};
use datafolio_storage::Patience;
use serde_json::{Map, Value, json};

use super::address::{Address, absolute, without_secrets};
use super::delta::look_at_delta;
use super::fingerprint::Fingerprint;
use super::on_store::OnStore;
use super::{Places, ReferenceTarget};
use crate::data::Reference;
use crate::error::{HandlerError, HandlerResult};
use crate::formats::{FilePlace, ImportOptions, TableFiles, TableFormat, layout};
use crate::table::Written;

/// The formats that a reference may name.
const FORMATS: [&str; 5] = ["parquet", "csv", "arrow", "hdf5", "delta"];

/// The format of a table outside the bundle, as far as its place tells: by the log of a Delta table on this machine, else by the name.
pub fn reference_format(path: &str) -> Option<&'static str> {
    let place = Path::new(path.strip_prefix("file://").unwrap_or(path));
    // Its Parquet files are not all of a Delta table: as such, rows would be read that are deleted.
    if place.join("_delta_log").is_dir() {
        return Some("delta");
    }
    TableFormat::from_path(place).map(|(format, _)| format.as_str())
}

/// The fields of a new reference, or why there can be none.
pub(super) fn record(reference: &Reference) -> Result<Map<String, Value>, String> {
    let format = reference.table_format.as_str();
    if !FORMATS.contains(&format) {
        return Err(format!("Unsupported table format: {format:?} (known: {})", FORMATS.join(", ")));
    }
    if reference.path.is_empty() {
        return Err("a reference needs a path".to_owned());
    }
    if reference.path.chars().any(char::is_control) {
        return Err("the path of a reference has a control character in it".to_owned());
    }
    let (path, local) = match Address::parse(&reference.path) {
        Address::Url(url) => (without_secrets(url), None),
        Address::Local(path) => {
            let absolute = absolute(path, reference.path.starts_with("file:"))?;
            (format!("file://{absolute}"), Some(PathBuf::from(absolute)))
        }
    };
    let seen = local.and_then(|path| fs::metadata(path).ok());
    let is_directory = match &seen {
        Some(seen) => seen.is_dir(),
        None => path.ends_with('/') || format == "delta",
    };
    let mut fields = Map::new();
    fields.insert("path".to_owned(), path.into());
    fields.insert("table_format".to_owned(), format.into());
    fields.insert("is_directory".to_owned(), is_directory.into());
    fields.insert("mutable".to_owned(), true.into());
    if is_directory {
        // Python DataFolio reads directories with Polars alone, and says so in the entry.
        fields.insert("polars_only".to_owned(), true.into());
    }
    if let Some(rows) = reference.num_rows {
        fields.insert("num_rows".to_owned(), rows.into());
    }
    if let Some(version) = reference.version {
        if format == "delta" && version < 0 {
            return Err(format!("the version of a Delta table is 0 or more, and not {version}"));
        }
        fields.insert("version".to_owned(), version.into());
    }
    if let Some(timestamp) = reference.timestamp {
        check_timestamp(format, reference.version, timestamp)?;
        fields.insert("timestamp".to_owned(), time::to_iso(timestamp).into());
    }
    if let Some(seen) = seen.filter(fs::Metadata::is_file) {
        fields.insert("source_identity".to_owned(), identity(&seen));
    }
    Ok(fields)
}

/// Refuses a time that stands for no version for ever.
fn check_timestamp(format: &str, version: Option<i64>, timestamp: DateTime<Utc>) -> Result<(), String> {
    if format != "delta" {
        return Err(format!("a timestamp picks the version of a Delta table, and a table in format {format} has none"));
    }
    if version.is_some() {
        return Err("a version and a timestamp: give one of them".to_owned());
    }
    if timestamp > time::now() {
        return Err(format!(
            "the timestamp {} has not come yet: a later version could be meant by it",
            time::to_iso(timestamp)
        ));
    }
    Ok(())
}

/// Text is read as a whole to find its rows and columns: of a reference to more of it, neither is recorded.
const READ_TO_RECORD: u64 = 256 << 20;
/// The same of text on a store.
const FETCHED_TO_RECORD: u64 = 16 << 20;

/// Whether an error is of a store, and not of what lies there.
fn is_of_store(error: &HandlerError) -> bool {
    match error {
        HandlerError::Reference { source, .. } => is_of_store(source),
        error => matches!(error, HandlerError::Storage(_)),
    }
}

/// Adds what is seen of a target, where there is one in a format that is read here. A store that does not answer keeps nobody from
/// referring to what lies there.
pub(super) fn look_at_target(
    name: &str,
    places: Option<Places<'_>>,
    fields: &mut Map<String, Value>,
) -> HandlerResult<()> {
    let record = ItemRecord::new(fields.clone());
    let Some(text) = record.str("path") else { return Ok(()) };
    let seen = match (Address::parse(text), places) {
        (Address::Local(path), _) => return look(name, Where::Here(path.into()), fields),
        (Address::Url(_), None) => return Ok(()),
        (Address::Url(url), Some(places)) => look(name, Where::At(url, places), fields),
    };
    match seen {
        // A place that cannot be listed, or a format that is not read there, is kept like one that does not answer.
        Err(error) if is_of_store(&error) || matches!(error, HandlerError::Unsupported { .. }) => {
            tracing::warn!(
                item = name,
                "nothing was seen of what is referred to, and is recorded as it was given: {}",
                error
            );
            Ok(())
        }
        other => other,
    }
}

/// Where a new reference leads.
pub(super) enum Where<'a> {
    Here(PathBuf),
    At(&'a str, Places<'a>),
}

fn look(name: &str, place: Where<'_>, fields: &mut Map<String, Value>) -> HandlerResult<()> {
    let is_directory = fields.get("is_directory") == Some(&Value::Bool(true));
    let format = fields.get("table_format").and_then(Value::as_str).unwrap_or_default();
    if format == "delta" {
        return look_at_delta(name, place, fields);
    }
    let Some(format) = TableFormat::from_name(format) else { return Ok(()) };
    let (target, is_at_path) = match place {
        Where::Here(path) => (ReferenceTarget::here(name, path.clone(), format), path.exists()),
        Where::At(url, places) => {
            let store = OnStore::new(url, is_directory, places, Patience::Short)?;
            let is_pattern = store.is_pattern();
            (ReferenceTarget::on_store(name, store, format), !is_pattern)
        }
    };
    let files = target.found()?;
    if files.places().len() == 0 || files.places().any(|place| !place.exists()) {
        return Ok(());
    }
    if is_at_path && !is_directory && !files.is_one_by_name() {
        // Of a store only a look tells.
        fields.insert("is_directory".to_owned(), true.into());
        fields.insert("polars_only".to_owned(), true.into());
    }
    if !is_at_path && files.have_partitions() {
        fields.insert("partitioning".to_owned(), "hive".into());
    }
    let mut fingerprint = Fingerprint::of(target.path(), &files)?;
    if let Some(seen) = schema_and_rows(&files, format)? {
        let Seen { schema, rows } = seen;
        fingerprint.rows = rows;
        let told = Written { schema, rows: rows.unwrap_or_default() }.fields(format.as_str());
        let wanted = ["num_rows", "num_cols", "columns", "dtypes"];
        for (name, value) in told.into_iter().filter(|(name, _)| wanted.contains(&name.as_str())) {
            if name != "num_rows" || rows.is_some() {
                // The caller may know better than a look at the files.
                fields.entry(name).or_insert(value);
            }
        }
    }
    fields.insert("fingerprint".to_owned(), fingerprint.to_json());
    Ok(())
}

/// What is seen of a target.
pub(super) struct Seen {
    pub(super) schema: SchemaRef,
    rows: Option<u64>,
}

/// The columns of a table outside the bundle, and its rows where looking at the columns tells them; `None` for more text than
/// is read for that.
pub(super) fn schema_and_rows(files: &TableFiles, format: TableFormat) -> HandlerResult<Option<Seen>> {
    let is_text = !matches!(format, TableFormat::Parquet | TableFormat::Arrow | TableFormat::Hdf5);
    let is_here = files.places().all(FilePlace::is_here);
    if is_text && files.size() > if is_here { READ_TO_RECORD } else { FETCHED_TO_RECORD } {
        return Ok(None);
    }
    let options = ImportOptions { format: Some(format), ..ImportOptions::default() };
    let found = layout(files, &options)?;
    Ok(Some(Seen { schema: found.schema, rows: found.rows }))
}

/// What is seen of a file now, as an entry records it.
pub(super) fn identity(seen: &fs::Metadata) -> Value {
    let mut identity = json!({ "size": seen.len() });
    if let (Ok(modified), Some(identity)) = (seen.modified(), identity.as_object_mut()) {
        identity.insert("last_modified".to_owned(), time::to_iso(DateTime::<Utc>::from(modified)).into());
    }
    identity
}
