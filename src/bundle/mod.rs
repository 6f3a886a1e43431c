//! The bundle manager: [`DataFolio`], the handle to one bundle.

mod batch;
pub(crate) mod commit;
mod copies;
mod copy;
mod derived;
mod describe;
mod du;
mod files;
mod gc;
mod import;
mod items;
mod lease;
mod migrate;
mod open;
mod options;
pub(crate) mod parallel;
mod path;
pub(crate) mod place;
mod read;
mod repair;
mod retention;
pub(crate) mod state;
mod transfer;
mod unclear;
mod verify;
mod verify_history;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use datafolio_core::name::check_item_name;
use datafolio_core::{Catalogue, CoreError, Published, Snapshot};
use datafolio_handlers::Registry;
use datafolio_storage::{OutsidePlaces, Storage, Verification, VerifiedCache};
use serde_json::{Map, Value};

pub use batch::Batch;
pub(crate) use batch::{Own, RESERVED_FIELDS, check_metadata, payload_fields};
pub use copies::Prefetched;
pub use copy::CopyOptions;
#[cfg(feature = "cli")]
pub(crate) use copy::is_the_bundles_own;
pub use describe::DescribeOptions;
pub use du::{DiskUsage, ItemUsage, SnapshotUsage, VersionUsage};
pub use gc::{GcOptions, GcReport, Lost};
#[cfg(feature = "cli")]
pub(crate) use import::names_many;
pub(crate) use import::table_from_files;
pub use items::Deleted;
pub use open::OpenOptions;
pub use options::AddOptions;
pub(crate) use place::Place;
pub use place::{StoreAccess, store_access};
pub use read::{Contents, ItemInfo};
pub use repair::{RepairOptions, RepairReport, repair, repair_storage};
pub use transfer::{TransferControl, TransferOptions, Transferred};
pub use verify::{Finding, Severity, VerifyOptions, VerifyReport};

use crate::error::{Error, Result};
use crate::facts::writer::Writer;
use crate::lineage::Lineage;
use crate::settings::Settings;
use crate::table::KnownFacts;
use crate::text::shorten_value;
use derived::Derived;
use state::State;

/// A handle to one bundle.
///
/// A handle sees one revision until [`refresh`](DataFolio::refresh) or a commit of its own: what other processes write
/// meanwhile neither shows nor disturbs. It can be shared between threads, and as many handles as one likes, in as many
/// processes, may write to one bundle.
///
/// ```
/// use datafolio::{AddOptions, DataFolio};
///
/// # fn main() -> datafolio::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("study");
/// let folio = DataFolio::create(&path)?;
/// folio.add("params", serde_json::json!({"rate": 0.1}), AddOptions::new().description("of the first run"))?;
/// folio.create_snapshot("v1.0", Default::default())?;
/// folio.add("params", serde_json::json!({"rate": 0.2}), AddOptions::new().overwrite())?;
///
/// let before = folio.load_snapshot("v1.0")?;
/// assert_eq!(before.get_json("params")?["rate"], 0.1);
/// assert_eq!(folio.get_json("params")?["rate"], 0.2);
/// # Ok(())
/// # }
/// ```
pub struct DataFolio {
    storage: Arc<dyn Storage>,
    registry: Registry,
    settings: Settings,
    verified: VerifiedCache,
    /// Reaches what the bundle refers to on stores.
    places: Option<Arc<dyn OutsidePlaces>>,
    known_facts: Arc<KnownFacts>,
    #[cfg(feature = "sql")]
    databases: datafolio_sql::Databases,
    state: RwLock<Arc<State>>,
    /// For an earlier state the head that it was reached from: the history hangs on it.
    head: Option<Arc<State>>,
    mode: Mode,
    derived: Derived,
    writer: Writer,
    /// Memory of the catalogue text before, for the next one.
    room: Mutex<String>,
}

/// What a handle stands for.
#[derive(Debug, Clone)]
pub(crate) enum Mode {
    /// The head of the bundle, for reading and writing.
    ReadWrite,
    /// The head of the bundle, for reading.
    ReadOnly,
    /// A snapshot.
    Snapshot(Arc<Snapshot>),
    /// An earlier revision.
    Revision(u64),
}

impl DataFolio {
    /// Sees what other processes have committed since.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn refresh(&self) -> Result<()> {
        if matches!(self.mode, Mode::ReadWrite | Mode::ReadOnly) {
            loop {
                let known = self.state();
                let fresh = state::reload(self.storage.as_ref(), &known)?;
                // Reading takes no lock: another thread may have committed, or refreshed, meanwhile and seen a later head
                // than the one that was read here.
                if self.see_instead_of(&known, fresh) {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Where the bundle is.
    pub fn location(&self) -> String {
        self.storage.location()
    }

    /// The revision that the handle sees; 0 for a bundle of 1.x that was never written to by a later release.
    pub fn revision(&self) -> u64 {
        self.state().catalogue().revision
    }

    /// Whether the handle cannot write.
    pub fn is_read_only(&self) -> bool {
        !matches!(self.mode, Mode::ReadWrite)
    }

    /// The snapshot that the handle stands for, when it is one.
    pub fn loaded_snapshot(&self) -> Option<&str> {
        match &self.mode {
            Mode::Snapshot(snapshot) => Some(snapshot.name()),
            _ => None,
        }
    }

    /// The catalogue that the handle sees.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(self.state().catalogue())
    }

    /// The settings that the handle was opened with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What is wrong with the bundle and was read around, and what does not hold where it lies: shown once to a person who
    /// opens it.
    pub fn warnings(&self) -> Vec<String> {
        let state = self.state();
        let mut warnings = state.catalogue().problems.clone();
        warnings.extend(self.storage.caveat());
        if state.catalogue().is_damaged_by_1x() {
            warnings.push(
                "DataFolio 1.3 has written to this bundle and dropped its metadata and snapshots; `datafolio repair` \
                 brings back what the history kept"
                    .to_owned(),
            );
        }
        let unread = state.catalogue().unreadable_extra();
        warnings.extend(unread.into_iter().map(|(key, flaw)| verify::unreadable_field(key, &flaw)));
        warnings.extend(odd_names(state.catalogue()));
        warnings.extend(state.lost.values().map(ToString::to_string));
        warnings
    }

    pub(crate) fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn verified(&self) -> &VerifiedCache {
        &self.verified
    }

    pub(crate) fn places(&self) -> Option<&Arc<dyn OutsidePlaces>> {
        self.places.as_ref()
    }

    pub(crate) fn known_facts(&self) -> &KnownFacts {
        &self.known_facts
    }

    /// Databases of queries, which handles of one bundle share.
    #[cfg(feature = "sql")]
    pub(crate) fn databases(&self) -> &datafolio_sql::Databases {
        &self.databases
    }

    pub(crate) fn derived(&self) -> &Derived {
        &self.derived
    }

    /// Who makes the commits of this handle.
    pub(crate) fn writer(&self) -> Map<String, Value> {
        self.writer.to_map()
    }

    /// The graph of items and their inputs, archived ones included.
    pub fn lineage(&self) -> Lineage {
        lineage_of(self.state().catalogue())
    }

    pub(crate) fn mode(&self) -> &Mode {
        &self.mode
    }

    pub(crate) fn state(&self) -> Arc<State> {
        // A panic of another thread cannot leave half a state: the pointer is swapped as a whole.
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The head of the bundle as the handle knows it.
    pub(crate) fn head(&self) -> Arc<State> {
        self.head.clone().unwrap_or_else(|| self.state())
    }

    /// Sees a state that the caller knows to be the head: it holds the writers' lock.
    pub(crate) fn see(&self, state: Arc<State>) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// Sees another state if the handle still sees the one that is known; says whether.
    fn see_instead_of(&self, known: &Arc<State>, fresh: Arc<State>) -> bool {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let is_known = Arc::ptr_eq(&state, known);
        if is_known {
            *state = fresh;
        }
        is_known
    }

    /// Memory for the text of a catalogue.
    pub(crate) fn take_room(&self) -> String {
        std::mem::take(&mut self.room.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps the memory of a large text that nobody reads any more. The rest of its state goes in a thread of its own: with
    /// the last hold on the replaced file the system takes its blocks back, which takes longer than committing a small one.
    pub(crate) fn give_room(&self, state: Arc<State>) {
        const LARGE: usize = 1 << 20;
        if state.published.text.len() < LARGE {
            return;
        }
        let Some(State { published, tag, .. }) = Arc::into_inner(state) else { return };
        let Published { catalogue, text, .. } = published;
        if let Some(text) = Arc::into_inner(text) {
            *self.room.lock().unwrap_or_else(PoisonError::into_inner) = text;
        }
        // Where there is no thread to be had, it goes here and now.
        drop(std::thread::Builder::new().spawn(move || drop((catalogue, tag))));
    }

    /// A handle to another state of the same bundle, for reading.
    pub(crate) fn detached(&self, state: State, mode: Mode) -> Self {
        Self {
            storage: Arc::clone(&self.storage),
            registry: self.registry.clone(),
            settings: self.settings.clone(),
            verified: self.verified.clone(),
            places: self.places.clone(),
            known_facts: Arc::clone(&self.known_facts),
            #[cfg(feature = "sql")]
            databases: self.databases.clone(),
            state: RwLock::new(Arc::new(state)),
            head: Some(self.head()),
            mode,
            derived: Derived::default(),
            writer: self.writer.clone(),
            room: Mutex::default(),
        }
    }

    /// A handle to the state that this one sees now, which compares what it reads to another degree; `None` where that is what
    /// this one does.
    pub(crate) fn checking(&self, verification: Option<Verification>) -> Option<Self> {
        let verification = verification.filter(|wanted| *wanted != self.settings.verification)?;
        let mut folio = self.pinned();
        if [verification, self.settings.verification].contains(&Verification::Off) {
            // What was read without a check is not for those who check.
            folio.known_facts = Arc::default();
        }
        folio.settings.verification = verification;
        Some(folio)
    }

    /// A handle to the state that this one sees now, for reading.
    pub(crate) fn pinned(&self) -> Self {
        let mode = match &self.mode {
            Mode::ReadWrite => Mode::ReadOnly,
            mode => mode.clone(),
        };
        self.detached(State::clone(&self.state()), mode)
    }

    /// Refuses what a read-only handle cannot do.
    pub(crate) fn require_writable(&self, action: &str) -> Result<()> {
        let why = match &self.mode {
            Mode::ReadWrite => return Ok(()),
            Mode::ReadOnly => "it was opened so".to_owned(),
            Mode::Snapshot(snapshot) => format!("it shows snapshot '{}'", snapshot.name()),
            Mode::Revision(revision) => format!("it shows revision {revision}"),
        };
        Err(Error::ReadOnly { action: action.to_owned(), why })
    }
}

/// Names of current items that no item could be given, each with the reason, and of many only the first.
fn odd_names(catalogue: &Catalogue) -> Vec<String> {
    const SHOWN: usize = 8;
    let mut odd = catalogue.current.keys().filter_map(|name| Some((name, odd_name(name)?)));
    let shown = odd.by_ref().take(SHOWN).map(|(name, reason)| {
        let shown = shorten_value(&Value::from(name));
        format!(
            "item '{shown}' has no valid name: {reason}: do not use it in paths; `datafolio rename` gives it another"
        )
    });
    let mut warnings: Vec<String> = shown.collect();
    let left = odd.count();
    if left > 0 {
        let items = if left == 1 { "item has" } else { "items have" };
        warnings.push(format!("{left} more {items} no valid name: `datafolio verify` lists them"));
    }
    warnings
}

/// Why an item could not be given this name. What makes it dangerous is said before what merely breaks a rule.
fn odd_name(name: &str) -> Option<String> {
    if name.chars().any(char::is_control) {
        return Some("it has control characters".to_owned());
    }
    if name.starts_with('/') {
        return Some("it looks like an absolute path".to_owned());
    }
    if name.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Some("it looks like a way out of a directory".to_owned());
    }
    match check_item_name(name) {
        Err(CoreError::InvalidItemName { reason, .. }) => Some(reason),
        _ => None,
    }
}

/// The graph of the items of a catalogue. An entry that cannot be read has no inputs.
pub(crate) fn lineage_of(catalogue: &Catalogue) -> Lineage {
    Lineage::new(catalogue.current.values().map(|entry| {
        let record = entry.record().ok();
        let inputs: Vec<String> = record.iter().flat_map(|record| record.inputs()).map(str::to_owned).collect();
        (entry.name(), inputs)
    }))
}

impl Drop for DataFolio {
    fn drop(&mut self) {
        if matches!(self.mode, Mode::ReadWrite) {
            self.derived.flush(self.storage.as_ref(), &self.state());
        }
    }
}

impl fmt::Debug for DataFolio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        let catalogue = state.catalogue();
        write!(
            f,
            "DataFolio(bundle_dir='{}', items={}, snapshots={})",
            self.location(),
            catalogue.current.len(),
            catalogue.snapshots.len()
        )?;
        if self.is_read_only() {
            f.write_str(" [READ-ONLY]")?;
        }
        match &self.mode {
            Mode::Snapshot(snapshot) => write!(f, " [snapshot: {}]", snapshot.name()),
            Mode::Revision(revision) => write!(f, " [revision: {revision}]"),
            Mode::ReadWrite | Mode::ReadOnly => Ok(()),
        }
    }
}
