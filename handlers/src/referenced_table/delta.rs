//! References to Delta tables: which version an entry means, and what is seen of it.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use datafolio_core::time;
use datafolio_delta::{DeltaError, DeltaRows, DeltaTable, LocalPlace, Pick, ReadOptions, log_of};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::check::{ReferenceCheck, ReferenceState};
use super::fingerprint::hex;
use super::{Address, local_target, unsupported_address};
use crate::error::{HandlerError, HandlerResult};
use crate::file_state::FileState;
use crate::guard::{Batches, GuardedReader, guarded};
use crate::handler::Item;
use crate::table::{TableReadOptions, Written};
use crate::table_facts::{FileFacts, TableFacts, without_statistics};

/// A Delta table that an item refers to.
#[derive(Debug)]
pub(crate) struct DeltaTarget {
    item: String,
    path: PathBuf,
    pick: Pick,
}

/// What was seen of a table, to tell later whether it has moved on.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    /// Another table in its place has another.
    id: String,
    version: u64,
}

/// What an item refers to, where that is a Delta table.
pub(crate) fn delta_target(item: &Item<'_>) -> HandlerResult<Option<DeltaTarget>> {
    let record = item.record();
    if record.str("table_format") != Some("delta") {
        return Ok(None);
    }
    let text = record.str("path").ok_or_else(|| item.damaged("its entry has no path"))?;
    if let Address::Url(_) = Address::parse(text) {
        return Err(unsupported_address(item.name(), text));
    }
    let path = local_target(item, text)?;
    let version = record.get("version").filter(|version| !version.is_null());
    let timestamp = record.str("timestamp");
    let pick = match (version, timestamp) {
        (Some(version), _) => {
            Pick::Version(version.as_u64().ok_or_else(|| item.damaged(format!("its version is {version}")))?)
        }
        (None, Some(text)) => {
            let at = time::from_iso(text).ok_or_else(|| item.damaged(format!("its timestamp is {text:?}")))?;
            Pick::At(at.timestamp_millis())
        }
        (None, None) => Pick::Newest,
    };
    Ok(Some(DeltaTarget { item: item.name().to_owned(), path, pick }))
}

/// Adds what is seen of a Delta table on this machine to the fields of a new reference, where it is there already. A time is turned
/// into the version of then, so that it stays that version.
pub(super) fn look_at_delta(name: &str, path: PathBuf, fields: &mut Map<String, Value>) -> HandlerResult<()> {
    let version = fields.get("version").and_then(Value::as_u64).map(Pick::Version);
    let at = fields.get("timestamp").and_then(Value::as_str).and_then(time::from_iso);
    let pick = version.or(at.map(|at| Pick::At(at.timestamp_millis()))).unwrap_or(Pick::Newest);
    let target = DeltaTarget { item: name.to_owned(), path, pick };
    let table = match target.table() {
        Err(HandlerError::MissingReference { .. }) => return Ok(()),
        table => table?,
    };
    let facts = target.facts_of(&table)?;
    if target.pick != Pick::Newest {
        fields.insert("version".to_owned(), table.version().into());
    }
    let told =
        Written { schema: SchemaRef::clone(table.schema()), rows: facts.rows.unwrap_or_default() }.fields("delta");
    let wanted = ["num_rows", "num_cols", "columns", "dtypes"];
    for (name, value) in told.into_iter().filter(|(name, _)| wanted.contains(&name.as_str())) {
        if name != "num_rows" || facts.rows.is_some() {
            // The caller may know better than the log.
            fields.entry(name).or_insert(value);
        }
    }
    let seen = Seen::of(&table);
    let digest = seen.digest();
    let fingerprint = json!({
        "files": facts.files.len(), "bytes": facts.size_bytes, "digest": digest,
        "delta_version": seen.version, "table_id": seen.id,
    });
    fields.insert("fingerprint".to_owned(), fingerprint);
    Ok(())
}

impl Seen {
    fn of(table: &DeltaTable) -> Self {
        Self { id: table.id(), version: table.version() }
    }

    /// What an entry has of it.
    fn recorded(item: &Item<'_>) -> Option<Self> {
        let fingerprint = item.record().get("fingerprint")?;
        let id = fingerprint.get("table_id")?.as_str()?.to_owned();
        Some(Self { id, version: fingerprint.get("delta_version")?.as_u64()? })
    }

    fn digest(&self) -> String {
        hex(&Sha256::digest(format!("delta\t{}\t{}", self.id, self.version)))
    }

    /// How what is there now differs, in a sentence.
    fn difference(&self, now: &Self) -> Option<String> {
        if self.id != now.id {
            return Some("another table lies in its place".to_owned());
        }
        (self.version != now.version)
            .then(|| format!("the table was at version {} and is at version {}", self.version, now.version))
    }
}

impl DeltaTarget {
    fn place(&self) -> Arc<LocalPlace> {
        Arc::new(LocalPlace::new(&self.path))
    }

    /// Opens the version that is meant.
    fn table(&self) -> HandlerResult<Arc<DeltaTable>> {
        guarded(&self.path, || {
            DeltaTable::open(self.place(), self.pick).map(Arc::new).map_err(|error| self.told(error))
        })
    }

    /// An error with the item and the table.
    fn told(&self, error: DeltaError) -> HandlerError {
        told(&self.item, &self.path, error)
    }

    /// Reads rows.
    pub(super) fn open(&self, part: &TableReadOptions) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
        let table = self.table()?;
        let options = ReadOptions {
            columns: part.columns.clone(),
            offset: part.offset,
            limit: part.limit,
            rows: part.rows.clone(),
            batch_rows: part.batch_rows,
        };
        let rows = guarded(&self.path, || table.read(&options).map_err(|error| self.told(error)))?;
        let schema = SchemaRef::clone(rows.schema());
        let batches = DeltaBatches { item: self.item.clone(), path: self.path.clone(), rows };
        Ok(Box::new(GuardedReader::new(&self.path, schema, batches)))
    }

    /// The version that is meant now, where that may be another one later.
    pub(super) fn version_to_pin(&self) -> HandlerResult<Option<u64>> {
        match self.pick {
            Pick::Version(_) => Ok(None),
            Pick::Newest | Pick::At(_) => Ok(Some(self.table()?.version())),
        }
    }

    /// Whether something is there, without opening it.
    pub(super) fn is_there(&self) -> HandlerResult<()> {
        match self.path.exists() {
            true => Ok(()),
            false => Err(self.told(DeltaError::NotFound)),
        }
    }

    /// Whether the version can be read: its log, and that its files are there.
    pub(super) fn verify(&self) -> HandlerResult<()> {
        let table = self.table()?;
        guarded(&self.path, || table.check_files().map_err(|error| self.told(error)))
    }

    /// What the log says of the version.
    pub(crate) fn facts(&self) -> HandlerResult<TableFacts> {
        self.facts_of(&*self.table()?)
    }

    fn facts_of(&self, table: &DeltaTable) -> HandlerResult<TableFacts> {
        let files = guarded(&self.path, || {
            let files = table.files().map_err(|error| self.told(error))?.into_iter().map(|file| {
                let rows = Some(table.rows_of(&file)?);
                let path = Some(self.path.join(&file.path));
                Ok(FileFacts { path, rows, size_bytes: file.size, row_groups: Vec::new() })
            });
            files.collect::<Result<Vec<_>, DeltaError>>().map_err(|error| self.told(error))
        })?;
        let rows = files.iter().map(|file| file.rows).sum();
        Ok(without_statistics(SchemaRef::clone(table.schema()), rows, files))
    }

    /// What all that is read depends on: which version, and the files of the log that make it. `None` where a change could leave the
    /// same state.
    pub(super) fn state(&self) -> Option<String> {
        let version = match self.pick {
            Pick::Newest => None,
            Pick::Version(version) => Some(version),
            // Which version that is takes reading the log to tell.
            Pick::At(_) => Some(self.table().ok()?.version()),
        };
        let (version, files) = log_of(self.place().as_ref(), version).ok()?;
        let mut digest = Sha256::new();
        digest.update(format!("delta {:?} {version}", self.path));
        for file in &files {
            let state = FileState::now(&self.path.join(&file.path)).filter(FileState::is_settled_for_good)?;
            digest.update(format!("{state:?}"));
        }
        (!files.is_empty()).then(|| hex(&digest.finalize()))
    }

    /// How large the version's files are together, and what tells it from others.
    pub(super) fn seen_files(&self) -> HandlerResult<(u64, String)> {
        let table = self.table()?;
        Ok((self.facts_of(&table)?.size_bytes, Seen::of(&table).digest()))
    }

    /// Compares the table with what was seen when it was referenced.
    pub(super) fn compare(&self, item: &Item<'_>, check: &mut ReferenceCheck) -> HandlerResult<()> {
        let table = self.table()?;
        let Some(before) = Seen::recorded(item) else {
            check.state = ReferenceState::Unrecorded;
            check.reason = Some("its entry has nothing to compare it with".to_owned());
            return self.verify();
        };
        if let Some(difference) = before.difference(&Seen::of(&table)) {
            check.state = ReferenceState::Changed;
            check.reason = Some(difference);
            check.schema_changes = super::check::column_changes(item.record(), table.schema());
        }
        guarded(&self.path, || table.check_files().map_err(|error| self.told(error)))
    }

    /// How the table differs from what was seen, by a look at its log, when it does.
    pub(super) fn change(&self, item: &Item<'_>) -> Option<String> {
        let before = Seen::recorded(item)?;
        let now = Seen::of(&*self.table().ok()?);
        before.difference(&now).map(|difference| format!("it has changed since it was referenced: {difference}"))
    }
}

/// The rows of a table; an error half-way names the item as well.
struct DeltaBatches {
    item: String,
    path: PathBuf,
    rows: DeltaRows,
}

impl Batches for DeltaBatches {
    fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>> {
        self.rows.next().transpose().map_err(|error| told(&self.item, &self.path, error))
    }
}

fn told(item: &str, path: &std::path::Path, error: DeltaError) -> HandlerError {
    let (item, path) = (item.to_owned(), path.to_owned());
    let reference = |item, source| HandlerError::Reference { item, source: Box::new(source) };
    match error {
        DeltaError::NotFound => HandlerError::MissingReference { item, path },
        DeltaError::NoVersion { .. } | DeltaError::NoVersionAt(_) | DeltaError::FileGone { .. } => {
            HandlerError::MissingTableVersion { item, path, reason: error.to_string() }
        }
        DeltaError::UnknownColumn { name, known } => HandlerError::UnknownColumn { table: item, column: name, known },
        DeltaError::Unsupported(reason) => {
            let what = format!("reading the Delta table {}", path.display());
            let needs = format!("a later release, since the table has what this one does not support: {reason}");
            reference(item, HandlerError::Unsupported { what, needs })
        }
        error => reference(item, HandlerError::BadFile { path, reason: error.to_string() }),
    }
}
