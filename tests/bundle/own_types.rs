//! Item types of a program's own, and what becomes of them where the program is not there.

use std::io::Write;
use std::sync::Arc;

use datafolio::handlers::{Draft, HandlerResult, Item, Sink, WriteOptions};
use datafolio::{
    AddOptions, CopyOptions, Data, DataFolio, Handler, HandlerError, OpenOptions, Registry, Severity, VerifyOptions,
};
use serde_json::{Map, Value, json};

use crate::support::new_bundle;

/// A type whose whole value is in its entry.
#[derive(Debug)]
struct LinkHandler;

#[derive(Debug, PartialEq)]
struct Link(String);

impl Handler for LinkHandler {
    fn item_type(&self) -> &str {
        "link"
    }

    fn recognises(&self, data: &Data) -> bool {
        matches!(data, Data::Custom(value) if value.is::<Link>())
    }

    fn write(&self, data: Data, _: &WriteOptions, _: &mut Sink<'_>) -> HandlerResult<Draft> {
        let found = data.kind().to_owned();
        match data {
            Data::Custom(value) if value.is::<Link>() => {
                let mut fields = Map::new();
                fields.insert("url".to_owned(), value.downcast_ref::<Link>().unwrap().0.as_str().into());
                Ok(Draft::new(fields))
            }
            _ => Err(HandlerError::WrongKind { expected: "a link", found }),
        }
    }

    fn read(&self, item: &Item<'_>) -> HandlerResult<Data> {
        match item.record().str("url") {
            Some(url) => Ok(Data::Custom(Box::new(Link(url.to_owned())))),
            None => Err(item.damaged("its entry has no url")),
        }
    }
}

fn open(location: &str) -> DataFolio {
    let mut registry = Registry::with_builtin();
    registry.register(Arc::new(LinkHandler)).unwrap();
    OpenOptions::new().registry(registry).open(location).unwrap()
}

#[test]
fn a_type_without_payload_works_and_is_kept_where_it_is_not_known() {
    let (dir, folio) = new_bundle();
    let known = open(&folio.location());
    known.add("home", Data::Custom(Box::new(Link("https://example.org".to_owned()))), AddOptions::new()).unwrap();
    let Data::Custom(value) = known.get("home").unwrap() else { panic!("another kind of value") };
    assert_eq!(value.downcast_ref::<Link>(), Some(&Link("https://example.org".to_owned())));
    let report = known.verify(&VerifyOptions::default()).unwrap();
    assert!(report.findings.is_empty(), "{report:?}");

    // A program without the handler lists it, keeps it through changes and copies, and finds no damage.
    let unknown = DataFolio::open(folio.location()).unwrap();
    assert_eq!(unknown.list(false).other, ["home"]);
    assert_eq!(unknown.get("home").unwrap_err().code(), "unknown-item-type");
    unknown.add("x", json!(1), AddOptions::new()).unwrap();
    let copy = unknown.copy(dir.path().join("copy"), &CopyOptions::default()).unwrap();
    for folio in [unknown, copy] {
        let report = folio.verify(&VerifyOptions::default()).unwrap();
        assert!(report.is_clean(), "{report:?}");
        let [note] = report.findings.as_slice() else { panic!("{report:?}") };
        assert_eq!((note.severity, note.code.as_str()), (Severity::Note, "unknown-item-type"));
        assert!(note.message.contains("no file"), "{note:?}");
        assert!(open(&folio.location()).get("home").is_ok());
    }
}

/// Stages its payload, and then fails or forgets it.
#[derive(Debug)]
struct CarelessHandler;

impl Handler for CarelessHandler {
    fn item_type(&self) -> &str {
        "careless"
    }

    fn recognises(&self, data: &Data) -> bool {
        matches!(data, Data::Custom(value) if value.is::<bool>())
    }

    fn write(&self, data: Data, _: &WriteOptions, sink: &mut Sink<'_>) -> HandlerResult<Draft> {
        let mut writer = sink.payload(".bin")?;
        // More than a block, so that it has a file of block checksums as well.
        writer.write_all(&vec![7; 400_000])?;
        writer.finish()?;
        match data {
            Data::Custom(value) if value.downcast_ref() == Some(&true) => Ok(Draft::new(Map::new())),
            _ => Err(HandlerError::Invalid { item: sink.name().to_owned(), reason: "no longer wanted".to_owned() }),
        }
    }

    fn read(&self, item: &Item<'_>) -> HandlerResult<Data> {
        Err(item.damaged("nothing is kept of it"))
    }
}

#[test]
fn what_a_handler_stages_and_no_entry_names_is_removed() {
    let (_dir, folio) = new_bundle();
    let mut registry = Registry::with_builtin();
    registry.register(Arc::new(CarelessHandler)).unwrap();
    let folio = OpenOptions::new().registry(registry).open(folio.location()).unwrap();
    let staged = || std::fs::read_dir(std::path::Path::new(&folio.location()).join("artifacts")).unwrap().count();
    let fails = folio.add("x", Data::Custom(Box::new(false)), AddOptions::new());
    assert_eq!(fails.unwrap_err().code(), "invalid-value");
    assert_eq!(staged(), 0);
    folio.add("x", Data::Custom(Box::new(true)), AddOptions::new()).unwrap();
    assert_eq!(staged(), 0);
}

/// Whether an entry may do without a file is for its type to say.
#[test]
fn a_built_in_type_without_its_payload_is_damaged() {
    let (_dir, folio) = new_bundle();
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    // As another program writes: without our seal.
    let path = std::path::Path::new(&folio.location()).join("items.json");
    let mut catalogue: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    catalogue.as_object_mut().unwrap().remove("commit");
    catalogue["items"][0].as_object_mut().unwrap().remove("filename").unwrap();
    std::fs::write(&path, catalogue.to_string()).unwrap();
    let report = DataFolio::open(folio.location()).unwrap().verify(&VerifyOptions::default()).unwrap();
    let damage: Vec<_> = report.findings.iter().filter(|finding| finding.item.as_deref() == Some("x")).collect();
    assert!(damage.iter().any(|finding| finding.severity == Severity::Damage), "{report:?}");
}

#[test]
fn verify_notes_that_the_file_of_a_reference_has_changed() {
    let (dir, folio) = new_bundle();
    let path = dir.path().join("t.csv");
    std::fs::write(&path, "a\n1\n").unwrap();
    let reference = datafolio::Reference {
        path: path.display().to_string(),
        table_format: "csv".to_owned(),
        num_rows: None,
        version: None,
        timestamp: None,
    };
    folio.add("t", reference, AddOptions::new()).unwrap();
    assert!(folio.verify(&VerifyOptions::default()).unwrap().findings.is_empty());
    std::fs::write(&path, "a\n1\n2\n").unwrap();
    let report = folio.verify(&VerifyOptions::default()).unwrap();
    assert!(report.is_clean());
    let [note] = report.findings.as_slice() else { panic!("{report:?}") };
    assert_eq!((note.code.as_str(), note.item.as_deref()), ("changed-reference", Some("t")));
    assert!(note.message.contains("had 4 bytes and has 6"), "{note:?}");
}
