//! References to Delta tables: which version an entry means, and what is seen of it.

mod statistics;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use datafolio_core::time;
use datafolio_delta::{
    DeltaError, DeltaFile, DeltaRows, DeltaTable, Listed, LocalPlace, Pick, Place, ReadOptions, log_of,
};
use datafolio_storage::Patience;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::address::{Address, is_web, without_secrets};
use super::check::{ReferenceCheck, ReferenceState};
use super::fingerprint::hex;
use super::store_place::StorePlace;
use super::target::{local_target, reachable};
use super::{Where, of_item};
use crate::error::{HandlerError, HandlerResult};
use crate::file_state::FileState;
use crate::guard::{Batches, GuardedReader, guarded};
use crate::handler::Item;
use crate::table::{TableReadOptions, Written, places};
use crate::table_facts::{FileFacts, TableFacts, without_statistics};

/// A Delta table that an item refers to.
#[derive(Debug)]
pub(crate) struct DeltaTarget {
    named: Named,
    place: Arc<dyn Place>,
    pick: Pick,
}

/// Which table it is, for messages.
#[derive(Debug, Clone)]
struct Named {
    item: String,
    /// Its path, or its address.
    path: PathBuf,
    /// Where it lies, if that is on a store.
    store: Option<Arc<StorePlace>>,
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
    delta_target_within(item, Patience::Usual)
}

/// The same, for which a store is waited for with this patience.
pub(super) fn delta_target_within(item: &Item<'_>, patience: Patience) -> HandlerResult<Option<DeltaTarget>> {
    let record = item.record();
    if record.str("table_format") != Some("delta") {
        return Ok(None);
    }
    let text = record.str("path").ok_or_else(|| item.damaged("its entry has no path"))?;
    let place = match Address::parse(text) {
        Address::Url(url) => Where::At(url, reachable(item, url)?),
        Address::Local(_) => Where::Here(local_target(item, text)?),
    };
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
    DeltaTarget::new(item.name(), place, pick, patience).map(Some)
}

/// Adds what is seen of a Delta table to the fields of a new reference, where it is there already. A time is turned
/// into the version of then, so that it stays that version.
pub(super) fn look_at_delta(name: &str, place: Where<'_>, fields: &mut Map<String, Value>) -> HandlerResult<()> {
    let version = fields.get("version").and_then(Value::as_u64).map(Pick::Version);
    let at = fields.get("timestamp").and_then(Value::as_str).and_then(time::from_iso);
    let pick = version.or(at.map(|at| Pick::At(at.timestamp_millis()))).unwrap_or(Pick::Newest);
    let target = DeltaTarget::new(name, place, pick, Patience::Short)?;
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
    fn new(item: &str, place: Where<'_>, pick: Pick, patience: Patience) -> HandlerResult<Self> {
        let item = item.to_owned();
        Ok(match place {
            Where::Here(path) => {
                let place = Arc::new(LocalPlace::new(&path));
                Self { named: Named { item, path, store: None }, place, pick }
            }
            Where::At(url, _) if is_web(url) => {
                return Err(HandlerError::Unsupported {
                    what: format!("reading a Delta table at {}", without_secrets(url)),
                    needs: "a store: a web server does not list what it has".to_owned(),
                });
            }
            Where::At(url, places) => {
                let url = &without_secrets(url);
                let path = PathBuf::from(url);
                let store = places.at(url, patience).map_err(|error| of_item(&item, error.into()))?;
                let place = Arc::new(StorePlace::new(store));
                Self { named: Named { item, path, store: Some(Arc::clone(&place)) }, place, pick }
            }
        })
    }

    /// Opens the version that is meant.
    fn table(&self) -> HandlerResult<Arc<DeltaTable>> {
        // What the log could do without when it was read before is no cause of what is wrong now.
        if let Some(store) = &self.named.store {
            drop(store.take_failure());
        }
        guarded(&self.named.path, || {
            DeltaTable::open(Arc::clone(&self.place), self.pick).map(Arc::new).map_err(|error| self.named.told(error))
        })
    }

    /// Reads rows.
    pub(super) fn open(&self, part: &TableReadOptions) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
        self.read(
            part,
            ReadOptions { offset: part.offset, limit: part.limit, rows: part.rows.clone(), ..Self::options(part) },
        )
    }

    /// How a part is read, whichever rows it has.
    fn options(part: &TableReadOptions) -> ReadOptions {
        ReadOptions { columns: part.columns.clone(), batch_rows: part.batch_rows, ..ReadOptions::default() }
    }

    fn read(&self, part: &TableReadOptions, options: ReadOptions) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
        let table = self.table()?;
        if let Some(wanted) = &part.columns {
            let known: Vec<&str> = table.schema().fields().iter().map(|field| field.name().as_str()).collect();
            places(&self.named.item, &known, wanted)?;
        }
        let rows = guarded(&self.named.path, || table.read(&options).map_err(|error| self.named.told(error)))?;
        let schema = SchemaRef::clone(rows.schema());
        let batches = DeltaBatches { named: self.named.clone(), rows };
        Ok(Box::new(GuardedReader::new(&self.named.path, schema, batches)))
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
        // Of a store, whether there is a log: other tables may begin with the same letters.
        match log_of(self.place.as_ref(), None) {
            Err(error) if self.named.store.is_some() => Err(self.named.told(error)),
            _ if self.named.store.is_some() || self.named.path.exists() => Ok(()),
            _ => Err(self.named.told(DeltaError::NotFound)),
        }
    }

    /// Whether the version can be read: its log, and that its files are there.
    pub(super) fn verify(&self) -> HandlerResult<()> {
        let table = self.table()?;
        guarded(&self.named.path, || table.check_files().map_err(|error| self.named.told(error)))
    }

    /// What the log says of the version, of its columns as well.
    pub(crate) fn facts(&self) -> HandlerResult<TableFacts> {
        let table = self.table()?;
        let files = self.files(|| table.files_with_statistics())?;
        let mut facts = self.facts_of_files(&table, &files)?;
        facts.columns = self.column_facts(&table, &files)?;
        Ok(facts)
    }

    fn facts_of(&self, table: &DeltaTable) -> HandlerResult<TableFacts> {
        self.facts_of_files(table, &self.files(|| table.files())?)
    }

    fn files(&self, list: impl FnOnce() -> Result<Vec<DeltaFile>, DeltaError>) -> HandlerResult<Vec<DeltaFile>> {
        guarded(&self.named.path, || list().map_err(|error| self.named.told(error)))
    }

    fn facts_of_files(&self, table: &DeltaTable, files: &[DeltaFile]) -> HandlerResult<TableFacts> {
        let files = guarded(&self.named.path, || {
            let files = files.iter().map(|file| {
                let rows = Some(table.rows_of(file)?);
                let path = Some(self.named.path.join(&file.path));
                Ok(FileFacts { path, rows, size_bytes: file.size, row_groups: Vec::new() })
            });
            files.collect::<Result<Vec<_>, DeltaError>>().map_err(|error| self.named.told(error))
        })?;
        // What a log says of its files is anything.
        let rows = files.iter().try_fold(0_u64, |rows, file| Some(rows.saturating_add(file.rows?)));
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
        let (version, files) = log_of(self.place.as_ref(), version).ok()?;
        let mut digest = Sha256::new();
        digest.update(format!("delta {:?} {version}", self.named.path));
        for file in &files {
            let path = self.named.path.join(&file.path);
            let state = match self.named.store.is_some() {
                true => Some(FileState::of_object(&path, file.size, modified(file))),
                false => FileState::now(&path),
            };
            let state = state.filter(FileState::is_settled_for_good)?;
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
        guarded(&self.named.path, || table.check_files().map_err(|error| self.named.told(error)))
    }

    /// How the table differs from what was seen, by a look at its log, when it does.
    pub(super) fn change(&self, item: &Item<'_>) -> Option<String> {
        let before = Seen::recorded(item)?;
        let now = Seen::of(&*self.table().ok()?);
        before.difference(&now).map(|difference| format!("it has changed since it was referenced: {difference}"))
    }
}

/// When a file was written.
fn modified(file: &Listed) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(file.modified).unwrap_or(0))
}

/// The rows of a table; an error half-way names the item as well.
struct DeltaBatches {
    named: Named,
    rows: DeltaRows,
}

impl Batches for DeltaBatches {
    fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>> {
        self.rows.next().transpose().map_err(|error| self.named.told(error))
    }
}

impl Named {
    /// An error with the item and the table.
    fn told(&self, error: DeltaError) -> HandlerError {
        let (item, path) = (self.item.clone(), self.path.clone());
        let reference = |item, source| HandlerError::Reference { item, source: Box::new(source) };
        // What the store says tells more than what became of it on the way.
        if let Some(failure) = self.store.as_ref().and_then(|store| store.take_failure()) {
            return reference(item, failure.into());
        }
        match error {
            DeltaError::NotFound => HandlerError::MissingReference { item, path },
            DeltaError::NoVersion { .. } | DeltaError::NoVersionAt(_) | DeltaError::FileGone { .. } => {
                HandlerError::MissingTableVersion { item, path, reason: error.to_string() }
            }
            DeltaError::UnknownColumn { name, known } => {
                HandlerError::UnknownColumn { table: item, column: name, known }
            }
            DeltaError::Unsupported(reason) => {
                let what = format!("reading the Delta table {}", path.display());
                let needs = format!("a later release, since the table has what this one does not support: {reason}");
                reference(item, HandlerError::Unsupported { what, needs })
            }
            error => reference(item, HandlerError::BadFile { path, reason: error.to_string() }),
        }
    }
}
