//! The conformance suite of [`Handler`]: what the trait's contract promises, checked on samples.
//!
//! A third party runs it over a handler of its own:
//!
//! ```ignore
//! check_handler(&handler, &registry, &[Sample::new("small", |_| my_data())], &[Wrong::new(|_| json!(1).into())]);
//! ```
//!
//! It fails by panicking, with the sample and the step in the message.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod damage;
mod place;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafolio_core::{ErrorCategory, ItemRecord};
use datafolio_handlers::npy::NpyArray;
use datafolio_handlers::{
    Data, Draft, Handler, HandlerError, HandlerResult, Item, Registry, Sink, WriteOptions, quiet_decoder_panics,
};
use datafolio_storage::{Verification, VerifiedCache};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Map;
use tempfile::TempDir;

use crate::value_hash::{array_sha256, bytes_md5, bytes_sha256, table_sha256};
use place::Place;

type Make = Box<dyn Fn(&Path) -> Data>;
type Canonical = Box<dyn Fn(Data) -> HandlerResult<Vec<u8>>>;
type Target = Box<dyn Fn(&Path) -> PathBuf>;

/// A value that the handler takes.
pub struct Sample {
    name: &'static str,
    make: Make,
    options: WriteOptions,
    canonical: Canonical,
    target: Option<Target>,
    aliases: Vec<&'static str>,
}

impl Sample {
    /// A sample; `make` gets a directory where it can put files.
    pub fn new(name: &'static str, make: impl Fn(&Path) -> Data + 'static) -> Self {
        Self {
            name,
            make: Box::new(make),
            options: WriteOptions::default(),
            canonical: Box::new(canonical),
            target: None,
            aliases: Vec::new(),
        }
    }

    /// Writes it with these options.
    pub fn with_options(mut self, options: WriteOptions) -> Self {
        self.options = options;
        self
    }

    /// Compares by these bytes: what was added and what was read must have the same. For [`Data::Custom`]; other values
    /// have a form of their own.
    pub fn with_canonical(mut self, canonical: impl Fn(Data) -> HandlerResult<Vec<u8>> + 'static) -> Self {
        self.canonical = Box::new(canonical);
        self
    }
}

impl Sample {
    /// For a type without a payload: the file that its entry refers to, in the directory where the sample put it. That file
    /// is what is damaged.
    pub fn with_target(mut self, target: impl Fn(&Path) -> PathBuf + 'static) -> Self {
        self.target = Some(Box::new(target));
        self
    }

    /// What was written is also read under this item type, as entries of earlier releases have it.
    pub fn also_as(mut self, item_type: &'static str) -> Self {
        self.aliases.push(item_type);
        self
    }
}

/// A value that the handler must refuse.
pub struct Wrong(Make);

impl Wrong {
    /// `make` gets a directory where it can put files.
    pub fn new(make: impl Fn(&Path) -> Data + 'static) -> Self {
        Self(Box::new(make))
    }
}

/// Checks the whole contract.
///
/// # Panics
/// When a promise is broken.
pub fn check_handler(handler: &Arc<dyn Handler>, registry: &Registry, samples: &[Sample], wrong: &[Wrong]) {
    // Thousands of reports of panics that the handler catches, with backtraces, would take minutes.
    quiet_decoder_panics();
    check_wrong_kind(handler, wrong);
    for sample in samples {
        let case = Case { handler, registry, sample };
        case.round_trip();
        case.staged_files();
        case.aliases();
        case.recognition();
        case.interrupted_write();
        case.interrupted_read();
        case.damage();
    }
}

struct Case<'a> {
    handler: &'a Arc<dyn Handler>,
    registry: &'a Registry,
    sample: &'a Sample,
}

impl Case<'_> {
    fn data(&self, dir: &Path) -> Data {
        (self.sample.make)(dir)
    }

    fn expected(&self) -> Vec<u8> {
        let dir = TempDir::new().unwrap();
        (self.sample.canonical)(self.data(dir.path())).unwrap()
    }

    fn draft(&self, place: &Place) -> HandlerResult<Draft> {
        let data = self.data(place.files.path());
        let mut sink = Sink::new(&place.storage, self.handler.item_type(), NAME);
        self.handler.write(data, &self.sample.options, &mut sink)
    }

    fn write(&self, place: &Place) -> HandlerResult<ItemRecord> {
        Ok(record(self.handler.item_type(), NAME, &self.draft(place)?))
    }

    fn read(&self, place: &Place, record: &ItemRecord, verification: Verification) -> HandlerResult<Vec<u8>> {
        (self.sample.canonical)(self.open(place, record, verification)?)
    }

    fn open(&self, place: &Place, record: &ItemRecord, verification: Verification) -> HandlerResult<Data> {
        let cache = VerifiedCache::disabled();
        self.handler.read(&Item::new(record, &place.storage, verification, &cache))
    }

    fn round_trip(&self) {
        let place = Place::new();
        let record = self.write(&place).unwrap();
        for verification in [Verification::Full, Verification::Touched, Verification::Off] {
            let read = self.read(&place, &record, verification).unwrap();
            assert!(read == self.expected(), "{self:?}: what was read is not what was written");
            let cache = VerifiedCache::disabled();
            let item = Item::new(&record, &place.storage, verification, &cache);
            self.handler.verify(&item).unwrap();
        }
        let facts = self.handler.facts(&record);
        assert!(facts.iter().all(|(label, text)| !label.is_empty() && !text.is_empty()), "{self:?}: {facts:?}");
        let found = self.registry.for_type(record.item_type()).expect("the handler is registered");
        assert_eq!(found.item_type(), self.handler.item_type());
    }

    /// A write leaves the files that the draft names and no others, and the draft says of them what is true.
    fn staged_files(&self) {
        let place = Place::new();
        let draft = self.draft(&place).unwrap();
        let mut named = Vec::new();
        if let Some(payload) = &draft.payload {
            let bytes = fs::read(place.local(&payload.path)).unwrap();
            assert_eq!(payload.size, bytes.len() as u64, "{self:?}");
            assert_eq!(payload.sha256, bytes_sha256(&bytes), "{self:?}");
            assert_eq!(payload.md5, Some(bytes_md5(&bytes)), "{self:?}");
            named.push(payload.path.to_string());
            let record = record(self.handler.item_type(), NAME, &draft);
            if let Some((path, sha256)) = datafolio_handlers::expected(&record).unwrap().blocks {
                assert_eq!(sha256, bytes_sha256(&fs::read(place.local(&path)).unwrap()), "{self:?}");
                named.push(path.to_string());
            }
        }
        let mut found: Vec<String> =
            place.storage.list(None).unwrap().into_iter().map(|file| file.path.to_string()).collect();
        found.sort();
        named.sort();
        assert_eq!(found, named, "{self:?}: the files that a write leaves, and those that its draft names");
    }

    /// Entries of earlier releases have other names for the type.
    fn aliases(&self) {
        let place = Place::new();
        let mut record = self.write(&place).unwrap();
        for alias in &self.sample.aliases {
            record.set("item_type", Some((*alias).into()));
            let handler = self.registry.for_type(alias).expect("the handler is registered for its alias");
            let cache = VerifiedCache::disabled();
            let item = Item::new(&record, &place.storage, Verification::Full, &cache);
            handler.verify(&item).unwrap();
            let read = (self.sample.canonical)(handler.read(&item).unwrap()).unwrap();
            assert!(read == self.expected(), "{self:?}: what was read as {alias} is not what was written");
        }
    }

    fn recognition(&self) {
        let dir = TempDir::new().unwrap();
        let data = self.data(dir.path());
        let takers: Vec<&str> =
            self.registry.all().filter(|other| other.recognises(&data)).map(|other| other.item_type()).collect();
        assert_eq!(takers, [self.handler.item_type()], "{self:?}: recognition is exclusive");
    }

    /// Fails each I/O step of a write in turn.
    fn interrupted_write(&self) {
        for step in 0.. {
            let place = Place::failing(step);
            match self.write(&place) {
                Ok(record) if !place.has_failed() => {
                    assert!(step > 2 || record.filename().is_none(), "{self:?}: a write has more steps than {step}");
                    return;
                }
                // A step that may fail, such as cleaning up.
                Ok(_) => {}
                Err(error) => {
                    let files = place.storage.list(None).unwrap();
                    assert!(files.is_empty(), "{self:?}: {files:?} stay after step {step} failed: {error}");
                    assert_eq!(error.category(), ErrorCategory::Storage, "{self:?}: step {step}: {error:?}");
                }
            }
            assert!(step < 10_000, "{self:?}: a write has too many steps");
        }
    }

    /// Fails each I/O step of a read in turn: that is no damage, and nothing wrong is read.
    fn interrupted_read(&self) {
        let expected = self.expected();
        let mut place = Place::new();
        let record = self.write(&place).unwrap();
        for step in 0.. {
            place.fail_at(step);
            match self.read(&place, &record, Verification::Touched) {
                Ok(read) => {
                    assert!(read == expected, "{self:?}: what was read is not what was written");
                    if !place.has_failed() {
                        return;
                    }
                }
                Err(error) => assert_eq!(error.category(), ErrorCategory::Storage, "{self:?}: step {step}: {error:?}"),
            }
            assert!(step < 10_000, "{self:?}: a read has too many steps");
        }
    }
}

impl fmt::Debug for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} '{}'", self.handler.item_type(), self.sample.name)
    }
}

fn check_wrong_kind(handler: &Arc<dyn Handler>, wrong: &[Wrong]) {
    for Wrong(make) in wrong {
        let place = Place::new();
        let dir = TempDir::new().unwrap();
        let data = make(dir.path());
        let kind = data.kind();
        assert!(!handler.recognises(&data), "{}: recognises {kind}", handler.item_type());
        let mut sink = Sink::new(&place.storage, handler.item_type(), NAME);
        let error = handler.write(data, &WriteOptions::default(), &mut sink).unwrap_err();
        assert_eq!(error.code(), "wrong-kind", "{}: {kind}: {error:?}", handler.item_type());
        assert!(place.storage.list(None).unwrap().is_empty(), "{}: {kind} left a file", handler.item_type());
    }
}

/// The record that a bundle would commit for a draft: what [`datafolio_handlers::expected`] and a reader need of it.
pub fn record(item_type: &str, name: &str, draft: &Draft) -> ItemRecord {
    let mut fields = Map::new();
    fields.insert("name".to_owned(), name.into());
    fields.insert("item_type".to_owned(), item_type.into());
    fields.extend(draft.fields.clone());
    if let Some(payload) = &draft.payload {
        let path = payload.path.as_str();
        let filename = path.split_once('/').map_or(path, |(_, filename)| filename);
        fields.insert("filename".to_owned(), filename.into());
        fields.insert("checksum".to_owned(), payload.md5.clone().into());
        fields.insert("sha256".to_owned(), payload.sha256.as_str().into());
        if let Some(blocks) = &payload.blocks {
            fields.insert("blocks".to_owned(), serde_json::to_value(blocks).unwrap());
        }
    }
    ItemRecord::new(fields)
}

/// The form in which values are compared: everything that makes two of them different.
///
/// # Errors
/// When reading the value fails.
pub fn canonical(data: Data) -> HandlerResult<Vec<u8>> {
    match data {
        Data::Table(reader) => {
            let schema = reader.schema();
            Ok(format!("{:?} {}", schema.fields(), table_sha256(reader)?).into_bytes())
        }
        Data::ParquetFile(path) => {
            let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path)?)?.build()?;
            canonical(Data::Table(Box::new(reader)))
        }
        Data::Array(array) => Ok(format!("{array:?} {} {}", array.descr(), array_sha256(&array)).into_bytes()),
        Data::ArrayFile(path) => {
            let bytes = fs::read(path)?;
            let array = NpyArray::read(&mut bytes.as_slice(), bytes.len() as u64);
            canonical(Data::Array(array.expect("the sample is a .npy file")))
        }
        Data::Json(value) => Ok(value.to_string().into_bytes()),
        Data::Timestamp(instant) => Ok(instant.timestamp_micros().to_le_bytes().to_vec()),
        Data::File(path) => Ok(fs::read(path)?),
        Data::Model(model) => Ok(fs::read(model.file)?),
        Data::Payload(source) => {
            let mut bytes = vec![0; source.size() as usize];
            source
                .read_exact_at(&mut bytes, 0)
                .map_err(|source| HandlerError::Payload { item: NAME.to_owned(), source })?;
            Ok(bytes)
        }
        Data::Reference(reference) if reference.table_format == "parquet" => {
            canonical(Data::ParquetFile(reference.path.into()))
        }
        other => panic!("{other:?} needs Sample::with_canonical"),
    }
}

/// Name of the item in all checks; with a slash, since names may have one.
const NAME: &str = "group/sample";
