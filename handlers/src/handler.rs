//! The [`Handler`] trait: all that one item type is.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafolio_core::name::check_item_name;
use datafolio_core::{ItemRecord, PARTS, PARTS_DIR, RelPath, item_type};
use datafolio_storage::{
    Expected, Fetch, OutsidePlaces, Payload, PayloadWriter, Source, Storage, Verification, VerifiedCache,
    VerifiedSource, discard_payload,
};
use serde_json::{Map, Value};

use crate::data::Data;
use crate::error::{HandlerError, HandlerResult};
use crate::stored_file::StoredFile;

/// Knows one item type: how a value is recognised, written, opened and verified.
///
/// The contract, which the conformance suite of `datafolio-testkit` checks:
/// * A handler stages one immutable file, or none, through its [`Sink`] and returns a [`Draft`]; it never sees the
///   catalogue, and what it has staged stays invisible until the bundle commits the draft. When `write` fails, the bundle
///   removes what it staged.
/// * Recognition is exclusive: no value is recognised by two of the built-in handlers.
/// * A value of another kind is [`HandlerError::WrongKind`].
/// * Damaged bytes are an error that names the item, never a panic and never a wrong value.
pub trait Handler: Send + Sync + fmt::Debug {
    /// The item type as the catalogue writes it.
    fn item_type(&self) -> &str;

    /// Whether a value is of this type.
    fn recognises(&self, data: &Data) -> bool;

    /// Stages the files of a new version and describes it.
    fn write(&self, data: Data, options: &WriteOptions, sink: &mut Sink<'_>) -> HandlerResult<Draft>;

    /// Reads a version.
    fn read(&self, item: &Item<'_>) -> HandlerResult<Data>;

    /// Checks that a version can be read, after the bundle has checked the hashes of its files. The default reads it, and a
    /// table or payload to its end. A type whose payload is handed out as it lies in the bundle need not have it read again,
    /// and can say so with a `verify` that only opens it.
    fn verify(&self, item: &Item<'_>) -> HandlerResult<()> {
        match self.read(item)? {
            Data::Table(reader) => {
                for batch in reader {
                    batch?;
                }
                Ok(())
            }
            // The bundle knows the bytes that lie in it, and not what a handler makes of them while it hands them out.
            Data::Payload(source) => read_to_end(source.as_ref(), item),
            // Reading has read the others as a whole; an array, too, is in memory.
            _ => Ok(()),
        }
    }

    /// What `verify` is to note of a version beside damage: a kebab-case code and a sentence each. The default has nothing
    /// to say.
    fn notes(&self, _item: &Item<'_>) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// What `describe` says of a version, one line each: label and text. The default has nothing to say.
    fn facts(&self, _record: &ItemRecord) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// Reads a source to its end, and holds a chunk of it.
fn read_to_end(source: &dyn Source, item: &Item<'_>) -> HandlerResult<()> {
    const CHUNK: usize = 1 << 20;
    let size = source.size();
    let mut buffer = vec![0; usize::try_from(size).unwrap_or(CHUNK).min(CHUNK)];
    let mut offset = 0;
    while offset < size {
        let length = usize::try_from(size - offset).unwrap_or(CHUNK).min(CHUNK);
        source
            .read_exact_at(&mut buffer[..length], offset)
            .map_err(|source| HandlerError::Payload { item: item.name().to_owned(), source })?;
        offset += length as u64;
    }
    Ok(())
}

/// What a caller may say when adding, beyond the value itself. Fields that a type does not know are ignored by it.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct WriteOptions {
    /// `parquet` (the default), `arrow` or `hdf5`: how a table is stored.
    pub table_format: Option<String>,
    /// `pandas` or `polars`: the library a table came from, so that it can be given back as such.
    pub dataframe_library: Option<String>,
    /// A label that artifacts carry.
    pub category: Option<String>,
    /// Further fields of the entry, kept as they are. The bundle adds them to those of the [`Draft`]; a handler need not look.
    pub extra: Map<String, Value>,
}

/// What a handler has staged: the fields of the new entry that belong to the type, and the payload.
#[derive(Debug)]
#[non_exhaustive]
pub struct Draft {
    /// Type-specific fields, in the order in which they are to be written.
    pub fields: Map<String, Value>,
    /// The payload, for types that have one.
    pub payload: Option<Payload>,
}

impl Draft {
    /// A version of these fields, without a payload.
    pub fn new(fields: Map<String, Value>) -> Self {
        Self { fields, payload: None }
    }

    /// Gives it the payload that was staged.
    pub fn with_payload(mut self, payload: Payload) -> Self {
        self.payload = Some(payload);
        self
    }
}

/// Where a handler writes: it can create files of its own item and nothing else.
#[derive(Debug)]
pub struct Sink<'a> {
    storage: &'a Arc<dyn Storage>,
    item_type: &'a str,
    name: &'a str,
    /// The directory that the payload goes to.
    dir: &'static str,
    threads: usize,
    /// Where files are made that are not the bundle's.
    scratch: PathBuf,
    places: Option<&'a Arc<dyn OutsidePlaces>>,
    /// The payload file that was started.
    started: Option<RelPath>,
}

impl<'a> Sink<'a> {
    /// A sink for one item, for one thread. The bundle makes it.
    pub fn new(storage: &'a Arc<dyn Storage>, item_type: &'a str, name: &'a str) -> Self {
        let dir = item_type::payload_dir(item_type).unwrap_or("artifacts");
        Self { storage, item_type, name, dir, threads: 1, scratch: std::env::temp_dir(), places: None, started: None }
    }

    /// The same, for this many threads.
    pub fn with_threads(self, threads: usize) -> Self {
        Self { threads: threads.max(1), ..self }
    }

    /// The same, with a directory in which files may be made that are gone when the item is written; it need not be there. By default
    /// the system's directory for temporary files.
    pub fn with_scratch(self, scratch: Option<PathBuf>) -> Self {
        Self { scratch: scratch.unwrap_or(self.scratch), ..self }
    }

    /// The same, for what has to look at something outside of the bundle that does not lie on this machine.
    pub fn with_places(self, places: Option<&'a Arc<dyn OutsidePlaces>>) -> Self {
        Self { places, ..self }
    }

    /// What reaches places outside of the bundle, where this build can.
    pub fn places(&self) -> Option<&'a Arc<dyn OutsidePlaces>> {
        self.places
    }

    /// The same, for a file that becomes a part of the item.
    pub fn into_parts(self) -> Self {
        Self { dir: PARTS_DIR, ..self }
    }

    /// How many threads writing may use, at least one.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// A directory for files that are gone when the item is written. It may have to be made.
    pub fn scratch(&self) -> &Path {
        &self.scratch
    }

    /// The item's name, for messages.
    pub fn name(&self) -> &str {
        self.name
    }

    /// Starts the payload file, under a name that was never used before.
    ///
    /// # Errors
    /// When the file cannot be created; [`HandlerError::SecondPayload`] for the second one, which no entry would name.
    pub fn payload(&mut self, extension: &str) -> HandlerResult<PayloadWriter> {
        if self.started.is_some() {
            let (item, item_type) = (self.name.to_owned(), self.item_type.to_owned());
            return Err(HandlerError::SecondPayload { item, item_type });
        }
        let writer = PayloadWriter::create(self.storage, self.dir, &file_stem(self.name), extension)
            .map_err(|source| HandlerError::Payload { item: self.name.to_owned(), source })?
            .with_threads(self.threads);
        self.started = Some(writer.path().clone());
        Ok(writer)
    }

    /// Removes the payload file, should it be there, so that the handler can begin anew. A writer that was dropped before its
    /// end has left none; the bundle calls this for one that was finished by a handler which then failed.
    pub fn discard(&mut self) {
        if let Some(path) = self.started.take() {
            discard_payload(self.storage.as_ref(), &path);
        }
    }
}

/// What the name of an item's payload file begins with: the item's name, if a new item may have it. Names that only 1.x
/// allowed can be no path, or one too long to have anything appended; then it is what is left of them.
pub fn file_stem(name: &str) -> Cow<'_, str> {
    const LONGEST: usize = 100;
    if check_item_name(name).is_ok() {
        return Cow::Borrowed(name);
    }
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' };
    let stem: String = name.chars().map(plain).take(LONGEST).collect();
    match stem.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        true => Cow::Owned(stem),
        false => Cow::Owned(format!("item{stem}")),
    }
}

/// One version of an item, as a handler reads it: its record and its payload, and nothing else of the bundle.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    record: &'a ItemRecord,
    storage: &'a Arc<dyn Storage>,
    verification: Verification,
    cache: &'a VerifiedCache,
    places: Option<&'a Arc<dyn OutsidePlaces>>,
}

impl<'a> Item<'a> {
    /// A version in the files of a bundle. The bundle makes it. `verification` says how much of what is read is checked
    /// against its hashes, `cache` what this machine remembers to have checked.
    pub fn new(
        record: &'a ItemRecord,
        storage: &'a Arc<dyn Storage>,
        verification: Verification,
        cache: &'a VerifiedCache,
    ) -> Self {
        Self { record, storage, verification, cache, places: None }
    }

    /// The same, where what it refers to may lie on a store.
    pub fn with_places(self, places: Option<&'a Arc<dyn OutsidePlaces>>) -> Self {
        Self { places, ..self }
    }

    /// What reaches places outside of the bundle, where this build can.
    pub(crate) fn places(&self) -> Option<&'a Arc<dyn OutsidePlaces>> {
        self.places
    }

    /// Where its files lie.
    pub(crate) fn storage(&self) -> &'a Arc<dyn Storage> {
        self.storage
    }

    /// What this machine remembers to have checked.
    pub(crate) fn cache(&self) -> &'a VerifiedCache {
        self.cache
    }

    /// The same version, checked in another way.
    pub fn with_verification(self, verification: Verification) -> Self {
        Self { verification, ..self }
    }

    /// How much of what is read is checked.
    pub fn verification(&self) -> Verification {
        self.verification
    }

    /// Its record.
    pub fn record(&self) -> &'a ItemRecord {
        self.record
    }

    /// Its name.
    pub fn name(&self) -> &'a str {
        self.record.name()
    }

    /// The payload's path inside the bundle.
    ///
    /// # Errors
    /// [`HandlerError::Damaged`] when the entry names no payload or one outside its directory.
    pub fn payload_path(&self) -> HandlerResult<RelPath> {
        payload_path(self.record)
    }

    /// Opens the payload; what is read of it is checked.
    ///
    /// # Errors
    /// When the payload is missing, not a regular file, or not what was recorded.
    pub fn open_payload(&self) -> HandlerResult<Arc<VerifiedSource>> {
        let path = self.payload_path()?;
        let expected = expected(self.record)?;
        VerifiedSource::open(self.storage, &path, expected, self.verification, self.cache)
            .map(Arc::new)
            .map_err(|source| HandlerError::Payload { item: self.record.name().to_owned(), source })
    }

    /// Opens one of the files of the version; what is read of it is checked.
    ///
    /// # Errors
    /// As [`open_payload`](Self::open_payload).
    pub fn open_file(&self, file: &StoredFile) -> HandlerResult<Arc<VerifiedSource>> {
        VerifiedSource::open(self.storage, &file.path, file.expected.clone(), self.verification, self.cache)
            .map(Arc::new)
            .map_err(|source| HandlerError::Payload { item: self.record.name().to_owned(), source })
    }

    /// Where one of the files of the version lies on this machine, where that is known: in the bundle, or as a copy of
    /// what lies on a store. Nothing is fetched, and nothing is checked.
    pub fn local_path_of(&self, file: &StoredFile) -> Option<PathBuf> {
        self.storage.local_path(&file.path).or_else(|| self.found_copy(&file.expected))
    }

    /// Where the payload lies on this machine, where that is known; as [`local_path_of`](Self::local_path_of).
    pub fn local_path(&self) -> Option<PathBuf> {
        let in_bundle = self.storage.local_path(&self.payload_path().ok()?);
        in_bundle.or_else(|| self.found_copy(&expected(self.record).ok()?))
    }

    /// Where one of the files of the version lies on this machine: in the bundle, or as a copy of what lies on a store,
    /// which is fetched if it is not there. `None` when no copy can be kept. What is fetched is checked; what is there
    /// already is not.
    ///
    /// # Errors
    /// [`HandlerError::Payload`] when the file cannot be fetched, or is not what was recorded.
    pub fn local_copy_of(&self, file: &StoredFile) -> HandlerResult<Option<PathBuf>> {
        match self.storage.local_path(&file.path) {
            None if self.storage.is_remote() => self
                .cache
                .copies()
                .fetch_if_kept(self.storage.as_ref(), &file.path, &file.expected)
                .map_err(|source| HandlerError::Payload { item: self.record.name().to_owned(), source }),
            path => Ok(path),
        }
    }

    /// The same for who wants it to be in the cache: that it cannot be written there is an error. `None` for a payload that is too large for it,
    /// or has no recorded hash.
    ///
    /// # Errors
    /// Those of the store, and of the cache's directory.
    pub fn keep_copy_of(&self, file: &StoredFile) -> HandlerResult<Option<PathBuf>> {
        match self.cache.copies().fetch(self.storage.as_ref(), &file.path, &file.expected) {
            Ok(Fetch::Copy(path)) => Ok(Some(path)),
            Ok(Fetch::TooLarge { .. } | Fetch::NotKept) => Ok(None),
            Err(source) => Err(HandlerError::Payload { item: self.record.name().to_owned(), source }),
        }
    }

    /// Whether its files lie on a store.
    pub(crate) fn is_remote(&self) -> bool {
        self.storage.is_remote()
    }

    fn found_copy(&self, expected: &Expected) -> Option<PathBuf> {
        self.cache.copies().find(expected).filter(|_| self.storage.is_remote())
    }

    /// An error for this item's bytes.
    pub fn damaged(&self, reason: impl fmt::Display) -> HandlerError {
        HandlerError::Damaged { item: self.record.name().to_owned(), reason: reason.to_string() }
    }

    /// Resolves a path found in a record of something outside the bundle: relative ones are relative to the bundle.
    pub fn outside_path(&self, text: &str) -> Option<std::path::PathBuf> {
        let path = Path::new(text.strip_prefix("file://").unwrap_or(text));
        if path.is_absolute() {
            return Some(path.to_owned());
        }
        let anchor = self.storage.local_path(&RelPath::parse("items.json").ok()?)?;
        Some(anchor.parent()?.join(path))
    }
}

/// The path of an entry's payload inside the bundle.
///
/// # Errors
/// [`HandlerError::Damaged`] when the entry names no payload, or a path that leads out of its directory.
pub fn payload_path(record: &ItemRecord) -> HandlerResult<RelPath> {
    let damaged = |reason: String| HandlerError::Damaged { item: record.name().to_owned(), reason };
    let dir = item_type::payload_dir(record.item_type())
        .ok_or_else(|| damaged("items of this type have no payload in the bundle".to_owned()))?;
    let filename = record.filename().ok_or_else(|| damaged("its entry names no payload file".to_owned()))?;
    RelPath::in_dir(dir, filename).map_err(|error| damaged(error.to_string()))
}

/// What an entry records of its payload's bytes.
///
/// # Errors
/// [`HandlerError::Damaged`] when the entry names a file of block checksums outside its directory.
pub fn expected(record: &ItemRecord) -> HandlerResult<Expected> {
    let blocks = match record.get("blocks") {
        Some(value) => {
            let damaged = |reason: String| HandlerError::Damaged { item: record.name().to_owned(), reason };
            let blocks: datafolio_storage::BlocksRef =
                serde_json::from_value(value.clone()).map_err(|error| damaged(format!("field blocks: {error}")))?;
            let dir = item_type::payload_dir(record.item_type()).unwrap_or("artifacts");
            let path = RelPath::in_dir(dir, &blocks.filename).map_err(|error| damaged(error.to_string()))?;
            Some((path, blocks.sha256))
        }
        None => None,
    };
    Ok(Expected {
        // What a table of several parts records is the size of all of them.
        size: record.u64("size_bytes").or_else(|| record.u64("file_size")).filter(|_| record.get(PARTS).is_none()),
        sha256: record.str("sha256").map(str::to_owned),
        md5: record.str("checksum").map(str::to_owned),
        blocks,
    })
}
