//! A bundle as a prefix of an object store.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use datafolio_core::RelPath;
use datafolio_storage::{
    FileInfo, MemoryStorage, Publish, Reread, Source, Staged, Storage, StorageError, StorageOptions, StorageResult,
    VersionTag, WriteLock, copy_source,
};
use futures_util::TryStreamExt as _;
use object_store::path::Path;
use object_store::{Error, ObjectMeta, ObjectStoreExt, PutMode, PutPayload, UpdateVersion};

use crate::access::Access;
use crate::address::{Address, Scheme};
use crate::connect::{Clients, Connector};
use crate::fetch::{self, FetchError, Fetched};
use crate::pending::Pending;
use crate::probe::Probe;
use crate::random;
use crate::source::ObjectSource;
use crate::translate::{self, Act};
use crate::upload::Upload;

/// A bundle as a prefix of an object store, or below an address of a web server, which can only be read.
///
/// Commits are conditional requests: the catalogue is created only where there is none, and replaced only while it is the
/// one that was read. A store that does not keep to that is refused before the first write.
pub struct ObjectStorage {
    place: Arc<Place>,
}

/// Where a bundle lies and how it is reached.
pub(crate) struct Place {
    pub(crate) location: String,
    address: Address,
    connector: Connector,
    probe: Probe,
    pub(crate) pending: Pending,
}

/// The longest object that stores copy in one request.
const COPIED_AT_ONCE: u64 = 5 << 30;

impl ObjectStorage {
    /// The bundle at an address. Nothing is asked of the store yet. The directory remembers that it keeps to conditions.
    ///
    /// # Errors
    /// [`StorageError::BadOption`].
    pub fn new(address: Address, options: StorageOptions, cache_dir: Option<PathBuf>) -> StorageResult<Self> {
        let connector = Connector::new(address.clone(), options)?;
        let endpoint = connector.access().endpoint.clone().unwrap_or_default();
        let store = format!("{}://{} {endpoint}", address.scheme().name(), address.bucket());
        // The name of a file: any two stores differ in it, which an escape of every other character sees to.
        let name: String = store
            .bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' => char::from(byte).to_string(),
                byte => format!("_{byte:02x}"),
            })
            .collect();
        let marker = cache_dir.filter(|_| name.len() <= 200).map(|dir| dir.join(name));
        let probe = Probe { store, prefix: address.prefix().clone(), marker };
        Ok(Self {
            place: Arc::new(Place {
                location: address.to_string(),
                address,
                connector,
                probe,
                pending: Pending::default(),
            }),
        })
    }

    /// What the store is reached with, in words.
    pub fn access(&self) -> &Access {
        self.place.connector.access()
    }

    fn key(&self, path: &RelPath) -> StorageResult<Path> {
        let prefix = self.place.address.prefix();
        let text = match prefix.is_root() {
            true => path.as_str().to_owned(),
            false => format!("{prefix}/{path}"),
        };
        Path::parse(&text).map_err(|error| self.place.act("name", path.as_str()).error(&error.into()))
    }

    fn is_web(&self) -> bool {
        self.place.address.scheme() == Scheme::Http
    }

    /// Refuses to write where that cannot be done, or would lose what others write.
    fn require_writing(&self, action: &'static str, path: &RelPath) -> StorageResult<Clients> {
        let (path, location) = (path.to_string(), self.place.location.clone());
        if self.is_web() {
            return Err(StorageError::ReadOnlyPlace { action, path, location });
        }
        let clients = self.place.clients()?;
        self.place.probe.check(&clients, &self.place.act(action, &path))?;
        Ok(clients)
    }

    /// A whole file, if it is there and not in the state that is known.
    fn fetched(&self, path: &RelPath, limit: u64, known: Option<String>) -> StorageResult<Found> {
        self.place.pending.ended(path.as_str());
        let (clients, key) = (self.place.clients()?, self.key(path)?);
        let act = self.place.act("read", path.as_str());
        let fetched = async move { fetch::whole(clients.patient.as_ref(), &key, limit, known).await };
        match act.answer(fetched)? {
            Ok(fetched) => Ok(Found::Here(fetched)),
            Err(FetchError::Store(Error::NotModified { .. })) => Ok(Found::Unmodified),
            Err(FetchError::Store(error)) => match act.error(&error) {
                StorageError::NotFound { .. } => Ok(Found::Missing),
                other => Err(other),
            },
            Err(FetchError::TooLarge(size) | FetchError::OtherSize(size)) => {
                let (path, location) = (path.to_string(), self.place.location.clone());
                Err(StorageError::TooLarge { path, location, size, limit })
            }
        }
    }

    fn head(&self, path: &RelPath) -> StorageResult<Option<ObjectMeta>> {
        self.place.pending.ended(path.as_str());
        let (clients, key) = (self.place.clients()?, self.key(path)?);
        self.place.act("look at", path.as_str()).find(async move { clients.patient.head(&key).await })
    }

    fn missing(&self, path: &RelPath) -> StorageError {
        StorageError::NotFound { path: path.to_string(), location: self.place.location.clone() }
    }
}

impl Place {
    pub(crate) fn clients(&self) -> StorageResult<Clients> {
        self.connector.clients()
    }

    pub(crate) fn act<'a>(&'a self, action: &'static str, path: &'a str) -> Act<'a> {
        Act { action, path, location: &self.location, access: &self.connector.access().credentials }
    }
}

/// What becomes of fetching a file.
enum Found {
    Here(Fetched),
    Unmodified,
    Missing,
}

/// The tag of a state: its e-tag, and the version that some stores count. `None` where the store gives neither.
fn tag(e_tag: Option<String>, version: Option<String>) -> Option<VersionTag> {
    if e_tag.is_none() && version.is_none() {
        return None;
    }
    let token = format!("{}\u{1f}{}", e_tag.unwrap_or_default(), version.unwrap_or_default());
    Some(VersionTag::from_token(token))
}

/// The tag of what was fetched. Some web servers give none: there it is a hash of the content, which no request can be made with.
fn tag_of(fetched: &Fetched) -> VersionTag {
    tag(fetched.meta.e_tag.clone(), fetched.meta.version.clone())
        .unwrap_or_else(|| VersionTag::from_token(format!("{OF_CONTENT}{}", blake3::hash(&fetched.bytes).to_hex())))
}

/// What a tag that is a hash begins with.
const OF_CONTENT: &str = "blake3:";

/// The state that a tag is of, for a request; nothing for a tag that no store has given.
fn version(tag: &VersionTag) -> UpdateVersion {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let (e_tag, version) = match tag.token().starts_with(OF_CONTENT) {
        true => ("", ""),
        false => tag.token().split_once('\u{1f}').unwrap_or((tag.token(), "")),
    };
    UpdateVersion { e_tag: some(e_tag), version: some(version) }
}

fn info(path: RelPath, meta: &ObjectMeta) -> FileInfo {
    let modified = meta.last_modified.into();
    FileInfo { path, size: meta.size, modified, changed: modified, id: None }
}

impl Storage for ObjectStorage {
    fn location(&self) -> String {
        self.place.location.clone()
    }

    fn caveat(&self) -> Option<String> {
        None
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn local_path(&self, _path: &RelPath) -> Option<PathBuf> {
        None
    }

    fn stat(&self, path: &RelPath) -> StorageResult<Option<FileInfo>> {
        Ok(self.head(path)?.map(|meta| info(path.clone(), &meta)))
    }

    fn read(&self, path: &RelPath, limit: u64) -> StorageResult<Vec<u8>> {
        match self.fetched(path, limit, None)? {
            Found::Here(fetched) => Ok(fetched.bytes.into()),
            Found::Unmodified | Found::Missing => Err(self.missing(path)),
        }
    }

    fn open(&self, path: &RelPath) -> StorageResult<Arc<dyn Source>> {
        let meta = self.head(path)?.ok_or_else(|| self.missing(path))?;
        self.open_sized(path, meta.size)
    }

    fn open_sized(&self, path: &RelPath, size: u64) -> StorageResult<Arc<dyn Source>> {
        self.place.pending.ended(path.as_str());
        Ok(Arc::new(ObjectSource::new(Arc::clone(&self.place), self.key(path)?, path.to_string(), size)))
    }

    fn create(&self, path: &RelPath) -> StorageResult<Box<dyn Staged>> {
        self.require_writing("write", path)?;
        Ok(Box::new(Upload::new(Arc::clone(&self.place), self.key(path)?, path.to_string())))
    }

    fn list(&self, dir: Option<&RelPath>) -> StorageResult<Vec<FileInfo>> {
        self.place.pending.all_ended();
        let shown = dir.map_or("its files", RelPath::as_str);
        let prefix = match dir {
            Some(dir) => self.key(dir)?,
            None => self.place.address.prefix().clone(),
        };
        let clients = self.place.clients()?;
        let wanted = (!prefix.is_root()).then_some(prefix);
        let listed = self.place.act("list", shown).wait(async move {
            let mut found = Vec::new();
            let mut stream = clients.patient.list(wanted.as_ref());
            while let Some(meta) = stream.try_next().await? {
                found.push(meta);
            }
            Ok(found)
        })?;
        let root = self.place.address.prefix();
        let relative = |meta: &ObjectMeta| {
            let below = match root.is_root() {
                true => meta.location.as_ref(),
                false => meta.location.as_ref().strip_prefix(root.as_ref())?.strip_prefix('/')?,
            };
            // What no bundle of ours would name is not ours.
            Some(info(RelPath::parse(below).ok()?, meta))
        };
        let mut files: Vec<FileInfo> = listed.iter().filter_map(relative).collect();
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    fn delete(&self, path: &RelPath) -> StorageResult<()> {
        // What did not arrive need not be told of any more.
        let _ = self.place.pending.arrived(path.as_str());
        let clients = self.require_writing("delete", path)?;
        let key = self.key(path)?;
        self.place.act("delete", path.as_str()).find(async move { clients.patient.delete(&key).await }).map(drop)
    }

    /// The time that the store gives an object that is written now.
    fn now(&self) -> StorageResult<SystemTime> {
        let act = self.place.act("ask for its time", "the store");
        let name = random::name().map_err(|error| act.bad_answer(error.to_string()))?;
        let path = RelPath::parse(&format!(".datafolio-clock-{name}"))?;
        self.replace(&path, b"")?;
        let info = self.stat(&path);
        self.delete(&path)?;
        Ok(info?.ok_or_else(|| self.missing(&path))?.modified)
    }

    fn arrived(&self, path: &RelPath) -> StorageResult<()> {
        self.place.pending.arrived(path.as_str())
    }

    fn settle(&self) -> StorageResult<()> {
        Ok(())
    }

    fn duplicate(&self, from: &RelPath, to: &RelPath) -> StorageResult<()> {
        let clients = self.require_writing("copy", from)?;
        let meta = self.head(from)?.ok_or_else(|| self.missing(from))?;
        if self.head(to)?.is_some() {
            return Err(StorageError::AlreadyExists { path: to.to_string(), location: self.place.location.clone() });
        }
        if meta.size > COPIED_AT_ONCE {
            return copy_source(self.open_sized(from, meta.size)?.as_ref(), self, to);
        }
        let (source, target) = (self.key(from)?, self.key(to)?);
        self.place.act("copy", from.as_str()).wait(async move { clients.patient.copy(&source, &target).await })
    }

    fn replace(&self, path: &RelPath, bytes: &[u8]) -> StorageResult<()> {
        let clients = self.require_writing("write", path)?;
        let (key, payload) = (self.key(path)?, PutPayload::from_bytes(Bytes::copy_from_slice(bytes)));
        let put = async move { clients.patient.put(&key, payload).await };
        self.place.act("write", path.as_str()).wait(put).map(drop)
    }

    fn lock(&self, _timeout: Duration) -> StorageResult<Box<dyn WriteLock>> {
        Ok(Box::new(NoLock))
    }

    fn read_tagged(&self, path: &RelPath, limit: u64) -> StorageResult<Option<(Vec<u8>, VersionTag)>> {
        match self.fetched(path, limit, None)? {
            Found::Here(fetched) => {
                let tag = tag_of(&fetched);
                Ok(Some((fetched.bytes.into(), tag)))
            }
            Found::Unmodified | Found::Missing => Ok(None),
        }
    }

    fn is_unchanged(&self, path: &RelPath, known: &VersionTag) -> StorageResult<bool> {
        Ok(self.head(path)?.and_then(|meta| tag(meta.e_tag, meta.version)).is_some_and(|found| found == *known))
    }

    fn read_if_changed(&self, path: &RelPath, limit: u64, known: &VersionTag) -> StorageResult<Reread> {
        Ok(match self.fetched(path, limit, version(known).e_tag)? {
            Found::Unmodified => Reread::Unchanged,
            Found::Missing => Reread::Gone,
            Found::Here(fetched) => match tag_of(&fetched) {
                found if found == *known => Reread::Unchanged,
                found => Reread::Changed(fetched.bytes.into(), found),
            },
        })
    }

    fn publish(&self, path: &RelPath, bytes: &[u8], expected: Option<&VersionTag>) -> StorageResult<Publish> {
        let clients = self.require_writing("write", path)?;
        let key = self.key(path)?;
        let payload = PutPayload::from_bytes(Bytes::copy_from_slice(bytes));
        let mode = match expected {
            None => PutMode::Create,
            Some(tag) => PutMode::Update(version(tag)),
        };
        let act = self.place.act("write", path.as_str());
        match act.answer(async move { clients.once.put_opts(&key, payload, mode.into()).await })? {
            // The probe has seen that the store gives tags.
            Ok(result) => Ok(tag(result.e_tag, result.version).map_or_else(
                || Publish::Unclear(act.bad_answer("it gave no e-tag for what it has written")),
                Publish::Done,
            )),
            Err(error) if translate::is_final(&error) || translate::was_never_sent(&error) => Err(act.error(&error)),
            Err(error) => Ok(Publish::Unclear(act.error(&error))),
        }
    }

    fn make_dir(&self, _path: &RelPath) -> StorageResult<()> {
        Ok(())
    }
}

/// A commit is a conditional request: there is nothing to lock.
#[derive(Debug)]
struct NoLock;

impl WriteLock for NoLock {}

impl fmt::Debug for ObjectStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ObjectStorage").field(&self.place.location).finish()
    }
}

/// The bundle of an address in the memory of this process.
///
/// # Errors
/// When the prefix is not acceptable as a path.
pub(crate) fn in_memory(address: &Address) -> StorageResult<MemoryStorage> {
    static PLACES: LazyLock<Mutex<HashMap<String, MemoryStorage>>> = LazyLock::new(Mutex::default);
    let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    let whole = places.entry(address.bucket().to_owned()).or_default();
    match address.prefix().is_root() {
        true => Ok(whole.clone()),
        false => whole.below(address.prefix().as_ref()),
    }
}
