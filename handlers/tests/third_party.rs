//! A handler of someone else's, written against the public contract alone.

use std::any::Any;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};

use datafolio_core::{ErrorCategory, ItemRecord};
use datafolio_handlers::{
    Data, Draft, Handler, HandlerError, HandlerResult, Item, JsonData, Registry, Sink, WriteOptions,
};
use datafolio_storage::{
    FileIdentity, MemoryStorage, Source, SourceReader, Storage, StorageError, StorageResult, Verification,
    VerifiedCache,
};
use datafolio_testkit::handler_suite::{Sample, Wrong, check_handler, record};
use serde_json::{Map, json};

/// A value that datafolio knows nothing of.
#[derive(Debug, Clone, PartialEq)]
struct Spectrum {
    lines: Vec<f32>,
}

#[derive(Debug)]
struct SpectrumHandler;

impl Handler for SpectrumHandler {
    fn item_type(&self) -> &str {
        "spectrum"
    }

    fn recognises(&self, data: &Data) -> bool {
        matches!(data, Data::Custom(value) if value.is::<Spectrum>())
    }

    fn write(&self, data: Data, _: &WriteOptions, sink: &mut Sink<'_>) -> HandlerResult<Draft> {
        let wrong = |found: &str| HandlerError::WrongKind { expected: "a spectrum", found: found.to_owned() };
        let kind = data.kind();
        let Data::Custom(value) = data else { return Err(wrong(kind)) };
        let spectrum = value.downcast::<Spectrum>().map_err(|_| wrong(kind))?;
        let mut writer = sink.payload(".spectrum")?;
        for line in &spectrum.lines {
            writer.write_all(&line.to_le_bytes())?;
        }
        let mut fields = Map::new();
        fields.insert("lines".to_owned(), spectrum.lines.len().into());
        Ok(Draft::new(fields).with_payload(writer.finish()?))
    }

    fn read(&self, item: &Item<'_>) -> HandlerResult<Data> {
        let source = item.open_payload()?;
        let failed = |error: std::io::Error| match HandlerError::from(error) {
            HandlerError::Storage(source) => HandlerError::Payload { item: item.name().to_owned(), source },
            error => error,
        };
        let mut bytes = Vec::with_capacity(usize::try_from(source.size()).unwrap_or(0));
        SourceReader::new(source).read_to_end(&mut bytes).map_err(failed)?;
        let (lines, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() || item.record().u64("lines") != Some(lines.len() as u64) {
            return Err(item.damaged("it has not the number of lines that its entry records"));
        }
        Ok(Data::Custom(Box::new(Spectrum { lines: lines.iter().map(|line| f32::from_le_bytes(*line)).collect() })))
    }

    fn facts(&self, record: &ItemRecord) -> Vec<(&'static str, String)> {
        record.u64("lines").map(|lines| ("Lines", lines.to_string())).into_iter().collect()
    }
}

#[test]
fn it_keeps_the_same_contract() {
    let handler: Arc<dyn Handler> = Arc::new(SpectrumHandler);
    let mut registry = Registry::with_builtin();
    registry.register(handler.clone()).unwrap();
    let make = || Data::Custom(Box::new(Spectrum { lines: vec![656.28, 486.13, 434.05] }));
    let canonical = |data| match data {
        Data::Custom(value) => Ok(format!("{:?}", value.downcast_ref::<Spectrum>()).into_bytes()),
        other => Err(HandlerError::WrongKind { expected: "a spectrum", found: other.kind().to_owned() }),
    };
    let samples = [Sample::new("hydrogen", move |_| make()).with_canonical(canonical)];
    let wrong = [Wrong::new(|_| json!(1).into()), Wrong::new(|_| Data::Custom(Box::new("a text")))];
    check_handler(&handler, &registry, &samples, &wrong);
}

/// Bytes that a handler makes while they are read: the last of them cannot be made.
#[derive(Debug)]
struct Unpacked {
    size: u64,
    /// How many bytes were asked for, and how many at once at most.
    asked: Arc<Mutex<(u64, usize)>>,
}

impl Source for Unpacked {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> StorageResult<()> {
        let mut asked = self.asked.lock().unwrap();
        *asked = (asked.0 + buffer.len() as u64, asked.1.max(buffer.len()));
        if offset + buffer.len() as u64 == self.size {
            let reason = "its last block cannot be unpacked".to_owned();
            return Err(StorageError::Damaged { path: "x.packed".to_owned(), location: "memory".to_owned(), reason });
        }
        Ok(())
    }

    fn identity(&self) -> Option<FileIdentity> {
        None
    }

    fn try_clone_file(&self) -> Option<io::Result<File>> {
        None
    }
}

/// Hands out a payload through a reader of its own, as one of packed files would.
#[derive(Debug, Default)]
struct PackedHandler {
    asked: Arc<Mutex<(u64, usize)>>,
}

impl Handler for PackedHandler {
    fn item_type(&self) -> &str {
        "packed"
    }

    fn recognises(&self, _: &Data) -> bool {
        false
    }

    fn write(&self, _: Data, _: &WriteOptions, sink: &mut Sink<'_>) -> HandlerResult<Draft> {
        Ok(Draft::new(Map::new()).with_payload(sink.payload(".packed")?.finish()?))
    }

    fn read(&self, _: &Item<'_>) -> HandlerResult<Data> {
        Ok(Data::Payload(Arc::new(Unpacked { size: (5 << 20) + 3, asked: Arc::clone(&self.asked) })))
    }
}

/// What the bundle checks are the bytes in its file; what a handler makes of them only its own reader tells.
#[test]
fn a_payload_is_verified_to_its_end_with_its_own_reader() {
    let handler = PackedHandler::default();
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let draft = handler.write(json!(1).into(), &WriteOptions::default(), &mut Sink::new(&storage, "packed", "p"));
    let record = record("packed", "p", &draft.unwrap());
    let cache = VerifiedCache::disabled();
    let error = handler.verify(&Item::new(&record, &storage, Verification::Full, &cache)).unwrap_err();
    assert_eq!(error.category(), ErrorCategory::Corrupt);
    assert!(error.to_string().contains("'p'") && error.to_string().contains("unpacked"), "{error}");
    let (read, at_once) = *handler.asked.lock().unwrap();
    assert_eq!(read, (5 << 20) + 3);
    assert!(at_once <= 1 << 20, "{at_once} bytes were read at once");
}

/// Takes every file, and says so under a type of its own.
struct Greedy(&'static str);

impl fmt::Debug for Greedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Handler for Greedy {
    fn item_type(&self) -> &str {
        self.0
    }

    fn recognises(&self, data: &Data) -> bool {
        matches!(data, Data::File(path) if path.extension().is_some_and(|suffix| suffix == "fits"))
    }

    fn write(&self, _: Data, _: &WriteOptions, _: &mut Sink<'_>) -> HandlerResult<Draft> {
        Ok(Draft::new(Map::new()))
    }

    fn read(&self, _: &Item<'_>) -> HandlerResult<Data> {
        let nothing: Box<dyn Any + Send> = Box::new(());
        Ok(Data::Custom(nothing))
    }
}

#[test]
fn a_type_has_one_handler_and_a_value_one_taker() {
    let mut registry = Registry::with_builtin();
    assert_eq!(registry.register(Arc::new(JsonData)).unwrap_err().code(), "item-type-taken");
    assert_eq!(registry.register(Arc::new(Greedy("polars_table"))).unwrap_err().code(), "item-type-taken");
    assert!(registry.for_type("polars_table").is_some_and(|handler| handler.item_type() == "included_table"));
    assert!(registry.for_type("pytorch_model").is_some_and(|handler| handler.item_type() == "model"));
    assert!(registry.for_type("hologram").is_none());

    registry.register(Arc::new(Greedy("fits"))).unwrap();
    // Registered handlers come first, for what they know; the rest stays with the built-in one.
    assert_eq!(registry.recognise(&Data::File("a.fits".into())).unwrap().item_type(), "fits");
    assert_eq!(registry.recognise(&Data::File("a.txt".into())).unwrap().item_type(), "artifact");
    registry.register(Arc::new(Greedy("fits_too"))).unwrap();
    let error = registry.recognise(&Data::File("a.fits".into())).unwrap_err();
    assert_eq!(error.code(), "ambiguous-data");
    assert!(error.to_string().contains("'fits'") && error.to_string().contains("'fits_too'"), "{error}");
}

#[test]
fn a_version_has_one_payload() {
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let mut sink = Sink::new(&storage, "spectrum", "s");
    sink.payload(".spectrum").unwrap();
    let error = sink.payload(".spectrum").unwrap_err();
    assert_eq!((error.code(), error.category()), ("second-payload", ErrorCategory::Internal));
    assert!(error.to_string().contains("'s'") && error.to_string().contains("spectrum"), "{error}");
}

#[test]
fn errors_of_its_own_keep_their_category_and_cause() {
    let source = "the spectrometer is off".into();
    let error = HandlerError::Other { item: "s".to_owned(), category: ErrorCategory::Unsupported, source };
    assert_eq!((error.code(), error.category()), ("handler-failed", ErrorCategory::Unsupported));
    assert_eq!(error.to_string(), "item 's': the spectrometer is off");
    assert!(std::error::Error::source(&error).is_some());
}
