//! Opening and creating bundles.

use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};

use datafolio_core::history::{CommitKind, CommitRef, HISTORY_DIR};
use datafolio_core::{Catalogue, Change, ChangeSet, RelPath, json, time};
use datafolio_handlers::Registry;
use datafolio_storage::{ContentCache, Storage, StorageOptions, VerifiedCache};
use serde_json::{Map, Value};

use crate::bundle::batch::check_depth;
use crate::bundle::commit::{Follows, Intent, commit_in_place};
use crate::bundle::derived::{Derived, write_readme};
use crate::bundle::place::{Place, outside_places, refuse_file};
use crate::bundle::state::{State, is_bundle, load_remembered};
use crate::bundle::{DataFolio, Mode};
use crate::error::{Error, Result};
use crate::facts::writer::Writer;
use crate::history::chain;
use crate::settings::Settings;
use crate::table::KnownFacts;
use crate::text::bundle_name;

/// How a bundle is opened or created.
///
/// ```
/// # fn main() -> datafolio::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// use datafolio::OpenOptions;
///
/// let folio = OpenOptions::new().random_suffix(true).create(dir.path().join("run"))?;
/// assert_eq!(folio.revision(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    read_only: bool,
    allow_existing: bool,
    random_suffix: bool,
    metadata: Map<String, Value>,
    settings: Option<Settings>,
    storage_options: StorageOptions,
    registry: Option<Registry>,
}

impl OpenOptions {
    /// The defaults: for reading and writing, with the built-in item types and default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens for reading alone.
    pub fn read_only(mut self, yes: bool) -> Self {
        self.read_only = yes;
        self
    }

    /// Creates a bundle also in a directory that holds other things.
    pub fn allow_existing(mut self, yes: bool) -> Self {
        self.allow_existing = yes;
        self
    }

    /// Appends `-adjective-colour-noun` to the name of a new bundle.
    pub fn random_suffix(mut self, yes: bool) -> Self {
        self.random_suffix = yes;
        self
    }

    /// Metadata of a new bundle; an existing one keeps its own.
    pub fn metadata(mut self, metadata: Map<String, Value>) -> Self {
        self.metadata = metadata;
        self
    }

    /// Settings; see [`Settings::load`] for those of the user.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = Some(settings);
        self
    }

    /// What an object store is reached with, beyond what the environment says: `region`, `endpoint`, `profile`, ... They stay in
    /// memory, and take the place of those in the settings.
    pub fn storage_options(mut self, options: StorageOptions) -> Self {
        self.storage_options = options;
        self
    }

    /// The item types that the handle knows: third parties register theirs.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Opens a bundle that is there: in a directory, or at an address such as `s3://bucket/prefix`, `gs://`, `az://` or
    /// `https://` (for reading alone).
    ///
    /// # Errors
    /// [`Error::NotABundle`]; what the catalogue refuses when it is damaged; what the store refuses.
    pub fn open(self, path: impl AsRef<Path>) -> Result<DataFolio> {
        let storage = Place::of(path.as_ref()).existing(&self.settings_here())?;
        self.open_storage(storage)
    }

    /// Opens a bundle in a storage of the caller's.
    ///
    /// # Errors
    /// As [`OpenOptions::open`].
    pub fn open_storage(self, storage: Arc<dyn Storage>) -> Result<DataFolio> {
        let dir = self.settings.as_ref().and_then(|settings| settings.cache_dir.as_ref());
        let catalogues = ContentCache::new(dir.map(|dir| dir.join("catalogues")));
        let state = load_remembered(storage.as_ref(), &catalogues)?;
        Ok(self.handle(storage, state))
    }

    /// Creates a bundle.
    ///
    /// # Errors
    /// [`Error::BundleExists`], [`Error::NotEmpty`]; what the storage refuses.
    pub fn create(self, path: impl AsRef<Path>) -> Result<DataFolio> {
        let mut place = Place::of(path.as_ref());
        if let Place::Local(path) = &place {
            refuse_file(path)?;
        }
        if self.random_suffix {
            place = place.renamed(|base| Ok(bundle_name(base)?))?;
        }
        let settings = self.settings_here();
        let (storage, occupied) = match &place {
            Place::Local(path) => {
                let occupied = match holds_other_files(path) {
                    Ok(occupied) => occupied,
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
                    Err(source) => return Err(Error::File { action: "look into", path: path.clone(), source }),
                };
                (place.new_one(&settings)?, occupied)
            }
            Place::Remote(_) => {
                let storage = place.new_one(&settings)?;
                let occupied = storage.list(None)?.iter().any(|info| !is_of_a_creation(&info.path));
                (storage, occupied)
            }
        };
        if occupied && !self.allow_existing && !is_bundle(storage.as_ref())? {
            return Err(Error::NotEmpty { location: storage.location() });
        }
        self.create_storage(storage)
    }

    /// Creates a bundle in a storage of the caller's.
    ///
    /// # Errors
    /// [`Error::BundleExists`]; what the storage refuses.
    pub fn create_storage(self, storage: Arc<dyn Storage>) -> Result<DataFolio> {
        self.require_writing("create a bundle")?;
        let exists = || Error::BundleExists { location: storage.location() };
        let settings = self.settings_here();
        let lock = storage.lock(settings.lock_timeout)?;
        if is_bundle(storage.as_ref())? {
            return Err(exists());
        }
        // The first commit may be that of a creation that was interrupted, and there is nothing in it.
        if chain::list(storage.as_ref())?.iter().any(|commit| commit.revision > 1) {
            let location = storage.location();
            return Err(Error::Invalid(format!(
                "{location} has the history of a bundle, whose items.json is gone: `datafolio repair` brings it back"
            )));
        }
        for dir in ["tables", "models", "artifacts"] {
            storage.make_dir(&RelPath::parse(dir)?)?;
        }
        let empty = Arc::new(State::new(datafolio_core::encode(Catalogue::empty()), None));
        let mut set = ChangeSet::new(Arc::clone(empty.catalogue()));
        for (key, value) in initial_metadata(&self.metadata) {
            check_depth(&key, &value)?;
            set.push(Change::SetMetadata { key, value: Some(json::pretty(&value, 4).into()) });
        }
        let intent = Intent {
            operation: "create the bundle".to_owned(),
            kind: CommitKind::Commit,
            follows: Follows::Head,
            writer: Writer::capture().to_map(),
            staged: &[],
            staged_since: 0,
            condemned: &[],
            recovered: &[],
        };
        let state = commit_in_place(storage.as_ref(), &set, &intent, &empty)?.ok_or_else(exists)?;
        write_readme(storage.as_ref());
        let folio = self.handle(storage, State::clone(&state));
        folio.derived.committed(folio.storage.as_ref(), &state, lock);
        Ok(folio)
    }

    /// Opens the bundle, or creates it where there is none.
    ///
    /// # Errors
    /// As [`OpenOptions::open`] and [`OpenOptions::create`].
    pub fn open_or_create(self, path: impl AsRef<Path>) -> Result<DataFolio> {
        if self.random_suffix {
            return self.create(path);
        }
        match self.clone().open(path.as_ref()) {
            Err(Error::NotABundle { .. }) if Place::of(path.as_ref()).can_be_written() => {
                match self.clone().create(path.as_ref()) {
                    // Another process was faster.
                    Err(Error::BundleExists { .. }) => self.open(path),
                    other => other,
                }
            }
            other => other,
        }
    }

    fn require_writing(&self, action: &str) -> Result<()> {
        match self.read_only {
            true => Err(Error::ReadOnly { action: action.to_owned(), why: "it was opened so".to_owned() }),
            false => Ok(()),
        }
    }

    /// The settings, with the options of this call.
    fn settings_here(&self) -> Settings {
        let mut settings = self.settings.clone().unwrap_or_default();
        if !self.storage_options.is_empty() {
            settings.storage_options = self.storage_options.clone();
        }
        settings
    }

    fn handle(self, storage: Arc<dyn Storage>, state: State) -> DataFolio {
        let settings = self.settings_here();
        let cache_dir = |name: &str| settings.cache_dir.as_ref().map(|dir| dir.join(name));
        let for_facts = ContentCache::share_of(settings.cache_cap);
        DataFolio {
            places: outside_places(storage.as_ref(), &settings),
            storage,
            registry: self.registry.unwrap_or_else(Registry::with_builtin),
            known_facts: Arc::new(KnownFacts::new(cache_dir("tables"), for_facts)),
            #[cfg(feature = "sql")]
            databases: datafolio_sql::Databases::default(),
            verified: VerifiedCache::new(cache_dir("verified"))
                .capped(settings.cache_cap - for_facts)
                .with_copies(settings.copies()),
            settings,
            state: RwLock::new(Arc::new(state)),
            head: None,
            mode: if self.read_only { Mode::ReadOnly } else { Mode::ReadWrite },
            derived: Derived::default(),
            writer: Writer::capture(),
            room: Mutex::default(),
        }
    }
}

impl DataFolio {
    /// Opens a bundle that is there, for reading and writing.
    ///
    /// # Errors
    /// As [`OpenOptions::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        OpenOptions::new().open(path)
    }

    /// Opens a bundle that is there, for reading.
    ///
    /// # Errors
    /// As [`OpenOptions::open`].
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Self> {
        OpenOptions::new().read_only(true).open(path)
    }

    /// Creates a bundle.
    ///
    /// # Errors
    /// As [`OpenOptions::create`].
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        OpenOptions::new().create(path)
    }

    /// Opens the bundle, or creates it where there is none.
    ///
    /// # Errors
    /// As [`OpenOptions::open_or_create`].
    pub fn open_or_create(path: impl AsRef<Path>) -> Result<Self> {
        OpenOptions::new().open_or_create(path)
    }
}

/// Whether a directory holds anything but what the creation of a bundle leaves there when it fails or is killed. Such a
/// bundle can be created again.
fn holds_other_files(path: &Path) -> std::io::Result<bool> {
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_dir = entry.file_type()?.is_dir();
        let is_ours = match &*name {
            "tables" | "models" | "artifacts" if is_dir => std::fs::read_dir(entry.path())?.next().is_none(),
            HISTORY_DIR if is_dir => std::fs::read_dir(entry.path())?.all(|inner| {
                inner.is_ok_and(|inner| {
                    let name = inner.file_name();
                    let name = name.to_string_lossy();
                    let unfinished = name.strip_prefix('.').filter(|_| name.ends_with(".tmp"));
                    CommitRef::from_file_name(unfinished.map_or(&*name, written_as)).is_some()
                })
            }),
            "items.json.lock" => !is_dir,
            name => !is_dir && name.starts_with(".items.json.") && name.ends_with(".tmp"),
        };
        if !is_ours {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The same of a file in a store, where a write leaves a whole file or none.
fn is_of_a_creation(path: &RelPath) -> bool {
    path.parent().is_some_and(|parent| parent.as_str() == HISTORY_DIR)
        && CommitRef::from_file_name(path.file_name()).is_some()
}

/// The name that a file was to get which is still called `.<name>.<random>.tmp`, given without its first dot.
fn written_as(temporary: &str) -> &str {
    temporary.rsplitn(3, '.').last().unwrap_or(temporary)
}

/// The metadata of a new bundle: the caller's, and the keys that the format reserves.
fn initial_metadata(given: &Map<String, Value>) -> Map<String, Value> {
    let mut metadata = given.clone();
    let now = Value::from(time::to_iso(time::now()));
    metadata.entry("created_at").or_insert_with(|| now.clone());
    metadata.entry("updated_at").or_insert(now);
    metadata
        .entry("_datafolio")
        .or_insert_with(|| serde_json::json!({"version": env!("CARGO_PKG_VERSION"), "created_by": "datafolio-rs"}));
    metadata
}
