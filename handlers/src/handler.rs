//! The [`Handler`] trait: all that one item type is.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use datafolio_core::{ItemRecord, RelPath, item_type};
use datafolio_storage::{Expected, Payload, PayloadWriter, Storage, Verification, VerifiedCache, VerifiedSource};
use serde_json::{Map, Value};

use crate::data::Data;
use crate::error::{HandlerError, HandlerResult};

/// Knows one item type: how a value is recognised, written, opened and verified.
///
/// The contract, which the conformance suite of `datafolio-testkit` checks:
/// * A handler stages immutable files through its [`Sink`] and returns a [`Draft`]; it never sees the catalogue, and what
///   it has staged stays invisible until the bundle commits the draft. When `write` fails, what it staged is removed.
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

    /// Checks that a version can be read, after the bundle has checked the hashes of its files.
    fn verify(&self, item: &Item<'_>) -> HandlerResult<()>;

    /// What `describe` says of a version, one line each: label and text.
    fn facts(&self, record: &ItemRecord) -> Vec<(&'static str, String)>;
}

/// What a caller may say when adding, beyond the value itself. Fields that a type does not know are ignored by it.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct WriteOptions {
    /// `parquet` (the default) or `arrow`: how a table is stored.
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
pub struct Draft {
    /// Type-specific fields, in the order in which they are to be written.
    pub fields: Map<String, Value>,
    /// The payload, for types that have one.
    pub payload: Option<Payload>,
}

/// Where a handler writes: it can create files of its own item and nothing else.
#[derive(Debug)]
pub struct Sink<'a> {
    storage: &'a Arc<dyn Storage>,
    item_type: &'a str,
    name: &'a str,
}

impl<'a> Sink<'a> {
    /// A sink for one item. The bundle makes it.
    pub fn new(storage: &'a Arc<dyn Storage>, item_type: &'a str, name: &'a str) -> Self {
        Self { storage, item_type, name }
    }

    /// The item's name, for messages.
    pub fn name(&self) -> &str {
        self.name
    }

    /// Starts the payload file, under a name that was never used before.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn payload(&mut self, extension: &str) -> HandlerResult<PayloadWriter> {
        let dir = item_type::payload_dir(self.item_type).unwrap_or("artifacts");
        Ok(PayloadWriter::create(self.storage, dir, self.name, extension)?)
    }
}

/// One version of an item, as a handler reads it.
#[derive(Debug)]
pub struct Item<'a> {
    /// Its record.
    pub record: &'a ItemRecord,
    /// The bundle's files.
    pub storage: &'a Arc<dyn Storage>,
    /// How much of what is read is checked against its hashes.
    pub verification: Verification,
    /// What this machine remembers to have checked.
    pub cache: &'a VerifiedCache,
}

impl Item<'_> {
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
    RelPath::parse(&format!("{dir}/{filename}")).map_err(|error| damaged(error.to_string()))
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
            let path =
                RelPath::parse(&format!("{dir}/{}", blocks.filename)).map_err(|error| damaged(error.to_string()))?;
            Some((path, blocks.sha256))
        }
        None => None,
    };
    Ok(Expected {
        size: record.u64("size_bytes").or_else(|| record.u64("file_size")),
        sha256: record.str("sha256").map(str::to_owned),
        md5: record.str("checksum").map(str::to_owned),
        blocks,
    })
}
