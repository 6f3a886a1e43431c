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

use std::cell::Cell;
use std::fmt;
use std::fs;
use std::io::{self, Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};

use datafolio_core::{ErrorCategory, ItemRecord, RelPath};
use datafolio_handlers::{Data, Draft, Handler, HandlerError, HandlerResult, Item, Registry, Sink, WriteOptions};
use datafolio_storage::{IoObserver, IoOp, IoStep, LocalStorage, Permit, Storage, Verification, VerifiedCache};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Map;
use tempfile::TempDir;

use crate::value_hash::{array_sha256, table_sha256};

/// Payloads up to this size have every byte flipped and are cut at every length.
const SMALL: usize = 4096;
/// Bytes that are flipped in larger ones.
const FLIPS: usize = 500;
/// Lengths that larger ones are cut to.
const CUTS: usize = 100;

type Make = Box<dyn Fn(&Path) -> Data>;
type Canonical = Box<dyn Fn(Data) -> HandlerResult<Vec<u8>>>;

/// A value that the handler takes.
pub struct Sample {
    name: &'static str,
    make: Make,
    options: WriteOptions,
    canonical: Canonical,
}

impl Sample {
    /// A sample; `make` gets a directory where it can put files.
    pub fn new(name: &'static str, make: impl Fn(&Path) -> Data + 'static) -> Self {
        Self { name, make: Box::new(make), options: WriteOptions::default(), canonical: Box::new(canonical) }
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
    check_wrong_kind(handler, wrong);
    for sample in samples {
        let case = Case { handler, registry, sample };
        case.round_trip();
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

    fn write(&self, place: &Place) -> HandlerResult<ItemRecord> {
        let files = TempDir::new().unwrap();
        let data = self.data(files.path());
        let mut sink = Sink::new(&place.storage, self.handler.item_type(), NAME);
        let draft = self.handler.write(data, &self.sample.options, &mut sink)?;
        Ok(record(self.handler.item_type(), NAME, &draft))
    }

    fn read(&self, place: &Place, record: &ItemRecord, verification: Verification) -> HandlerResult<Vec<u8>> {
        (self.sample.canonical)(self.open(place, record, verification)?)
    }

    fn open(&self, place: &Place, record: &ItemRecord, verification: Verification) -> HandlerResult<Data> {
        let cache = VerifiedCache::disabled();
        self.handler.read(&Item { record, storage: &place.storage, verification, cache: &cache })
    }

    /// Reads all of a payload that may be damaged, and looks at every value of a small one.
    fn try_read(
        &self,
        place: &Place,
        record: &ItemRecord,
        verification: Verification,
        small: bool,
    ) -> HandlerResult<()> {
        match self.open(place, record, verification)? {
            Data::Table(mut reader) if !small => reader.try_for_each(|batch| Ok(batch.map(drop)?)),
            data => (self.sample.canonical)(data).map(drop),
        }
    }

    fn round_trip(&self) {
        let place = Place::new();
        let record = self.write(&place).unwrap();
        for verification in [Verification::Full, Verification::Touched, Verification::Off] {
            let read = self.read(&place, &record, verification).unwrap();
            assert!(read == self.expected(), "{self:?}: what was read is not what was written");
            let cache = VerifiedCache::disabled();
            let item = Item { record: &record, storage: &place.storage, verification, cache: &cache };
            self.handler.verify(&item).unwrap();
        }
        let facts = self.handler.facts(&record);
        assert!(facts.iter().all(|(label, text)| !label.is_empty() && !text.is_empty()), "{self:?}: {facts:?}");
        let found = self.registry.for_type(record.item_type()).expect("the handler is registered");
        assert_eq!(found.item_type(), self.handler.item_type());
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
                Ok(_) if !place.has_failed() => {
                    assert!(step > 2, "{self:?}: a write has more steps than {step}");
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

    /// Flips bits of the payload and of its block checksums, cuts the payload, removes it.
    fn damage(&self) {
        let expected = self.expected();
        let place = Place::new();
        let record = self.write(&place).unwrap();
        let bare = without_hashes(&record);
        let payload = place.payload(&record);
        let bytes = fs::read(&payload).unwrap();
        let small = bytes.len() <= SMALL;
        let must_be_seen = |what: &str| {
            self.must_be_damage(&place, &record, Verification::Full, what);
            self.must_be_damage(&place, &record, Verification::Touched, what);
            self.must_not_panic(&place, &record, small, what);
            self.must_not_panic(&place, &bare, small, what);
        };
        for at in positions(bytes.len(), FLIPS) {
            put(&payload, at, flipped(&bytes, at));
            must_be_seen(&format!("byte {at} of {} flipped", bytes.len()));
            put(&payload, at, bytes[at]);
        }
        for length in positions(bytes.len(), CUTS) {
            fs::write(&payload, &bytes[..length]).unwrap();
            must_be_seen(&format!("cut to {length} of {}", bytes.len()));
        }
        fs::write(&payload, &bytes).unwrap();
        if let Some(blocks) = place.blocks(&record) {
            let checksums = fs::read(&blocks).unwrap();
            for at in positions(checksums.len(), FLIPS) {
                put(&blocks, at, flipped(&checksums, at));
                let what = format!("byte {at} of its block checksums flipped");
                self.must_be_damage(&place, &record, Verification::Full, &what);
                // The payload itself is good, and the hash of the whole file says so.
                let read = self.read(&place, &record, Verification::Touched);
                assert!(read.is_ok_and(|read| read == expected), "{self:?}: {what}");
                put(&blocks, at, checksums[at]);
            }
        }
        assert!(self.read(&place, &record, Verification::Full).unwrap() == expected);
        fs::remove_file(&payload).unwrap();
        for verification in [Verification::Full, Verification::Touched, Verification::Off] {
            let error = self.must_be_damage(&place, &record, verification, "removed");
            assert_eq!(error.code(), "missing-payload", "{self:?}");
        }
        // A payload outside of its directory is never opened.
        for filename in ["../items.json", "/etc/hostname", "a/../../x"] {
            let mut hostile = record.clone();
            hostile.set("filename", Some(filename.into()));
            self.must_be_damage(&place, &hostile, Verification::Off, filename);
        }
    }

    fn must_be_damage(
        &self,
        place: &Place,
        record: &ItemRecord,
        verification: Verification,
        what: &str,
    ) -> HandlerError {
        let read = catch_unwind(AssertUnwindSafe(|| quietly(|| self.try_read(place, record, verification, true))));
        let error = match read {
            Ok(Ok(_)) => panic!("{self:?}: {what}: read as if nothing had happened ({verification:?})"),
            Ok(Err(error)) => error,
            Err(_) => panic!("{self:?}: {what}: reading panicked ({verification:?})"),
        };
        assert_eq!(error.category(), ErrorCategory::Corrupt, "{self:?}: {what}: {error:?}");
        assert!(error.to_string().contains(NAME), "{self:?}: {what}: the message does not name the item: {error}");
        error
    }

    fn must_not_panic(&self, place: &Place, record: &ItemRecord, small: bool, what: &str) {
        let read =
            catch_unwind(AssertUnwindSafe(|| quietly(|| self.try_read(place, record, Verification::Off, small))));
        match read {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => assert_eq!(error.category(), ErrorCategory::Corrupt, "{self:?}: {what}: {error:?}"),
            Err(_) => panic!("{self:?}: {what}: reading without verification panicked"),
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

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs something that is expected to meet damaged bytes. Decoders that panic on them are caught by the handler, but the
/// panic is reported first; thousands of reports, with backtraces, would take minutes.
fn quietly<T>(run: impl FnOnce() -> T) -> T {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                report(panic);
            }
        }));
    });
    struct Loud;
    impl Drop for Loud {
        fn drop(&mut self) {
            QUIET.set(false);
        }
    }
    QUIET.set(true);
    let _loud = Loud;
    run()
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
        fields.insert("checksum".to_owned(), payload.md5.as_str().into());
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
        other => panic!("{other:?} needs Sample::with_canonical"),
    }
}

/// Name of the item in all checks; with a slash, since names may have one.
const NAME: &str = "group/sample";

/// The record without anything that a reader could check bytes by.
fn without_hashes(record: &ItemRecord) -> ItemRecord {
    let mut bare = record.clone();
    for field in ["sha256", "checksum", "blocks", "size_bytes", "file_size", "num_rows"] {
        bare.set(field, None);
    }
    bare
}

/// A byte with one bit flipped.
fn flipped(bytes: &[u8], at: usize) -> u8 {
    bytes[at] ^ (1 << (at % 8))
}

/// Changes one byte of a file.
fn put(path: &Path, at: usize, byte: u8) {
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at as u64)).unwrap();
    file.write_all(&[byte]).unwrap();
}

/// Every position of a small payload; of a large one the first and last, where headers and footers are, and others as
/// they come from a fixed generator.
fn positions(length: usize, count: usize) -> Box<dyn Iterator<Item = usize>> {
    if length <= SMALL {
        return Box::new(0..length);
    }
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    Box::new((0..count).map(move |index| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let random = (state >> 33) as usize;
        match index % 4 {
            0 => random % 64.min(length),
            1 => length - 1 - random % 1024.min(length),
            _ => random % length,
        }
    }))
}

/// A bundle's storage in a temporary directory.
struct Place {
    dir: TempDir,
    storage: Arc<dyn Storage>,
    fault: Option<Arc<FailAt>>,
}

impl Place {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let storage = Arc::new(LocalStorage::create(dir.path()).unwrap());
        Self { dir, storage, fault: None }
    }

    fn failing(step: usize) -> Self {
        let mut place = Self::new();
        place.fail_at(step);
        place
    }

    /// From now on, the step of this number fails, once.
    fn fail_at(&mut self, step: usize) {
        let fault = Arc::new(FailAt { step, next: AtomicUsize::new(0) });
        let storage = LocalStorage::open(self.dir.path()).unwrap().with_observer(fault.clone());
        self.storage = Arc::new(storage);
        self.fault = Some(fault);
    }

    fn has_failed(&self) -> bool {
        self.fault.as_ref().is_some_and(|fault| fault.next.load(Ordering::Relaxed) > fault.step)
    }

    fn payload(&self, record: &ItemRecord) -> std::path::PathBuf {
        self.local(&datafolio_handlers::payload_path(record).unwrap())
    }

    fn blocks(&self, record: &ItemRecord) -> Option<std::path::PathBuf> {
        let (path, _) = datafolio_handlers::expected(record).unwrap().blocks?;
        Some(self.local(&path))
    }

    fn local(&self, path: &RelPath) -> std::path::PathBuf {
        self.storage.local_path(path).unwrap()
    }
}

/// Fails the step of one number, and no other. Removing files is left alone: what a failed removal leaves is garbage by
/// design, and collected as such.
#[derive(Debug)]
struct FailAt {
    step: usize,
    next: AtomicUsize,
}

impl IoObserver for FailAt {
    fn before(&self, step: &IoStep<'_>) -> io::Result<Permit> {
        if step.op != IoOp::Unlink && self.next.fetch_add(1, Ordering::Relaxed) == self.step {
            return Err(io::Error::other("made to fail"));
        }
        Ok(Permit::all())
    }
}
