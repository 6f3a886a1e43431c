//! Tables that lie elsewhere.

mod address;
mod check;
#[cfg(feature = "delta")]
mod delta;
#[cfg(not(feature = "delta"))]
#[path = "referenced_table/no_delta.rs"]
mod delta;
mod fingerprint;
#[cfg(feature = "delta")]
mod log_files;
mod new_reference;
mod on_store;
mod paths;
mod pinned;
mod ranges;
mod state;
#[cfg(feature = "delta")]
mod store_place;
mod target;

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use datafolio_core::{ItemRecord, item_type};
use datafolio_storage::{OutsidePlaces, Verification};

use crate::data::Data;
use crate::error::{HandlerError, HandlerResult};
use crate::formats::ImportOptions;
use crate::handler::{Draft, Handler, Item, Sink, WriteOptions};
use crate::payload_bytes::facts_of;
use crate::table::TableReadOptions;
use address::Address;
pub(crate) use address::is_web;
pub use address::without_secrets;
pub(crate) use check::rows_as_referenced;
pub use check::{ReferenceCheck, ReferenceState, check_reference, reference_files};
pub(crate) use delta::delta_target;
pub use new_reference::reference_format;
use new_reference::{Where, identity, look_at_target, record, schema_and_rows};
pub use paths::{reference_paths, table_paths};
pub use pinned::pinned_reference;
pub use ranges::read_ranges;
pub use state::reference_files_state;
pub(crate) use target::{ReferenceTarget, reference_target};

/// How many rows of a text file [`Handler::verify`] looks at.
const VERIFIED_ROWS: u64 = 1000;

/// Item type `referenced_table`: the address of a table outside the bundle, and what was seen there. Parquet (a file, a
/// directory or a pattern), CSV and Arrow files and, with the feature `delta`, Delta tables are read, on this machine and on stores; of HDF5
/// files those on this machine. Other formats and addresses are kept.
///
/// A reference is the one place where a bundle reaches outside itself, and reaching outside is its purpose: whoever reads
/// an item of a bundle that someone else wrote reads the file that the item names. Only regular files are ever opened.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReferencedTable;

impl Handler for ReferencedTable {
    fn item_type(&self) -> &str {
        item_type::REFERENCED_TABLE
    }

    fn recognises(&self, data: &Data) -> bool {
        matches!(data, Data::Reference(_))
    }

    /// Records the address, and of a target that is there its columns, rows and fingerprint. It need not exist yet.
    fn write(&self, data: Data, _options: &WriteOptions, sink: &mut Sink<'_>) -> HandlerResult<Draft> {
        let Data::Reference(reference) = data else {
            return Err(HandlerError::WrongKind { expected: "a reference", found: data.kind().to_owned() });
        };
        let mut fields =
            record(&reference).map_err(|reason| HandlerError::Invalid { item: sink.name().to_owned(), reason })?;
        look_at_target(sink.name(), sink.places(), &mut fields)?;
        Ok(Draft::new(fields))
    }

    fn read(&self, item: &Item<'_>) -> HandlerResult<Data> {
        Ok(Data::Table(open(item, &ImportOptions::default(), &TableReadOptions::default())?))
    }

    /// Whether the target is there and opens; without checking of data only whether it is there. Its bytes are not ours to
    /// vouch for: it may have changed since. What lies on a store is not looked at: whether a bundle is whole is told without it.
    fn verify(&self, item: &Item<'_>) -> HandlerResult<()> {
        if let Some(Address::Url(url)) = item.record().str("path").map(Address::parse) {
            return Err(HandlerError::Unsupported {
                what: format!("verifying table '{}' at {}", item.name(), without_secrets(url)),
                needs: "a look at the store: `datafolio verify --references`".to_owned(),
            });
        }
        let is_quick = item.verification() == Verification::Off;
        if let Some(delta) = delta_target(item)? {
            return if is_quick { delta.is_there() } else { delta.verify() };
        }
        let target = reference_target(item)?;
        if is_quick {
            return target.is_there(item);
        }
        let options = ImportOptions { infer_rows: Some(VERIFIED_ROWS), ..ImportOptions::default() };
        open(item, &options, &TableReadOptions::default()).map(drop)
    }

    /// Whether the target is still what was seen when it was referenced. That it is not is no damage: it may be meant.
    fn notes(&self, item: &Item<'_>) -> Vec<(&'static str, String)> {
        if !item.record().str("path").is_some_and(|path| matches!(Address::parse(path), Address::Local(_))) {
            return Vec::new();
        }
        check::change(item).map(|change| ("changed-reference", change)).into_iter().collect()
    }

    fn facts(&self, record: &ItemRecord) -> Vec<(&'static str, String)> {
        facts_of(
            record,
            &[
                ("path", "path"),
                ("format", "table_format"),
                ("rows", "num_rows"),
                ("table version", "version"),
                ("as of", "timestamp"),
            ],
        )
    }
}

/// What reaches places outside of the bundle.
type Places<'a> = &'a Arc<dyn OutsidePlaces>;

/// Opens the wanted part of what an item refers to.
pub(crate) fn read_reference(
    item: &Item<'_>,
    part: &TableReadOptions,
) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
    open(item, &ImportOptions::default(), part)
}

fn open(
    item: &Item<'_>,
    options: &ImportOptions,
    part: &TableReadOptions,
) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
    let name = item.name();
    if let Some(delta) = delta_target(item)? {
        return Ok(Box::new(ReferenceReader { reader: delta.open(part)?, item: name.to_owned() }));
    }
    let reader = reference_target(item)?.open(options, part).map_err(|error| of_item(name, error))?;
    Ok(Box::new(ReferenceReader { reader, item: name.to_owned() }))
}

/// An error of the target, with the item that refers to it: of a bundle with many references, the file alone does not tell.
pub(crate) fn of_item(item: &str, error: HandlerError) -> HandlerError {
    let item = item.to_owned();
    match error {
        error @ (HandlerError::Reference { .. } | HandlerError::MissingTableVersion { .. }) => error,
        HandlerError::FileNotFound { path } => HandlerError::MissingReference { item, path },
        // What was asked for is wrong, and not the table.
        HandlerError::UnknownColumn { column, known, .. } => HandlerError::UnknownColumn { table: item, column, known },
        HandlerError::Invalid { reason, .. } => HandlerError::Invalid { item, reason },
        source => HandlerError::Reference { item, source: Box::new(source) },
    }
}

/// The rows of the target; an error half-way names the item as well.
struct ReferenceReader {
    reader: Box<dyn RecordBatchReader + Send>,
    item: String,
}

impl Iterator for ReferenceReader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.reader.next()?;
        Some(batch.map_err(|error| ArrowError::ExternalError(Box::new(of_item(&self.item, error.into())))))
    }
}

impl RecordBatchReader for ReferenceReader {
    fn schema(&self) -> SchemaRef {
        self.reader.schema()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use datafolio_storage::{MemoryStorage, Storage, Verification, VerifiedCache};
    use parquet::arrow::ArrowWriter;
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::data::Reference;

    fn reference(path: &str, format: &str) -> Reference {
        Reference {
            path: path.to_owned(),
            table_format: format.to_owned(),
            num_rows: None,
            version: None,
            timestamp: None,
        }
    }

    fn write_parquet(path: &Path, values: std::ops::Range<i64>) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(values));
        let batch = RecordBatch::try_from_iter([("x", column)]).unwrap();
        let mut writer = ArrowWriter::try_new(fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    /// Reads an item of these fields: the number of its rows and columns.
    fn read(mut fields: Map<String, Value>) -> HandlerResult<(usize, usize)> {
        fields.insert("name".into(), "t".into());
        let (record, storage) = (ItemRecord::new(fields), Arc::new(MemoryStorage::new()) as Arc<dyn Storage>);
        let cache = VerifiedCache::disabled();
        let item = Item::new(&record, &storage, Verification::Full, &cache);
        // What lies elsewhere is not verified.
        let is_url = matches!(record.str("path").map(Address::parse), Some(Address::Url(_)));
        assert!(
            !is_url || ReferencedTable.verify(&item).is_err_and(|error| error.to_string().contains("--references"))
        );
        if !is_url {
            ReferencedTable.verify(&item)?;
        }
        let Data::Table(reader) = ReferencedTable.read(&item)? else { panic!("not a table") };
        let columns = reader.schema().fields().len();
        let batches = reader.collect::<Result<Vec<_>, _>>()?;
        Ok((batches.iter().map(RecordBatch::num_rows).sum(), columns))
    }

    #[test]
    fn what_is_recorded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a b%20c.parquet");
        write_parquet(&path, 0..3);
        let mut given = reference(path.to_str().unwrap(), "parquet");
        given.num_rows = Some(3);
        given.version = Some(4);
        let fields = record(&given).unwrap();
        let names: Vec<&str> = fields.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["path", "table_format", "is_directory", "mutable", "num_rows", "version", "source_identity"]
        );
        assert_eq!(fields["path"], format!("file://{}", path.display()));
        assert_eq!(fields["is_directory"], false);
        assert_eq!(fields["source_identity"]["size"], fs::metadata(&path).unwrap().len());
        assert!(fields["source_identity"]["last_modified"].as_str().unwrap().ends_with("+00:00"));
        let fields = record(&reference(&format!("file://{}/", dir.path().display()), "parquet")).unwrap();
        assert_eq!(fields["path"], format!("file://{}/", dir.path().display()));
        assert_eq!((&fields["is_directory"], &fields["polars_only"]), (&true.into(), &true.into()));
        assert!(!fields.contains_key("source_identity"));
        let here = std::env::current_dir().unwrap();
        let fields = record(&reference("not/there/yet/", "parquet")).unwrap();
        assert_eq!(fields["path"], format!("file://{}/not/there/yet/", here.display()));
        assert_eq!(fields["is_directory"], true);
        assert_eq!(record(&reference("s3://b/t", "delta")).unwrap()["is_directory"], true);
        for (given, expected) in [
            (reference("/x", "xlsx"), "Unsupported table format"),
            (reference("", "csv"), "needs a path"),
            (reference("/a\nb", "csv"), "control character"),
            (reference("file://a.csv", "csv"), "absolute"),
        ] {
            assert!(record(&given).unwrap_err().contains(expected));
        }
    }

    #[test]
    fn files_directories_and_patterns_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        write_parquet(&dir.path().join("d/year=1/p.parquet"), 0..3);
        write_parquet(&dir.path().join("d/year=2/p.parquet"), 0..4);
        fs::write(dir.path().join("t.csv"), "a,b\n1,2\n").unwrap();
        for (path, format, expected) in [
            (at("d"), "parquet", (7, 2)),
            (at("d/"), "parquet", (7, 2)),
            (at("d/year=2/p.parquet"), "parquet", (4, 1)),
            (at("d/*/p.parquet"), "parquet", (7, 1)),
            (at("t.csv"), "csv", (1, 2)),
        ] {
            let fields = record(&reference(&path, format)).unwrap();
            assert_eq!(read(fields).unwrap(), expected, "{path}");
        }
    }

    #[test]
    fn what_cannot_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("none.parquet");
        let error = read(record(&reference(missing.to_str().unwrap(), "parquet")).unwrap()).unwrap_err();
        assert_eq!(error.code(), "missing-reference");
        assert!(error.to_string().contains("'t'") && error.to_string().contains("none.parquet"), "{error}");
        let pattern = dir.path().join("*.parquet");
        let error = read(record(&reference(pattern.to_str().unwrap(), "parquet")).unwrap()).unwrap_err();
        assert_eq!(error.code(), "missing-reference");
        let needs = if cfg!(feature = "delta") { "feature stores" } else { "feature delta" };
        for (path, format, expected) in
            [("s3://bucket/x.parquet", "parquet", "feature stores"), ("s3://bucket/x", "delta", needs)]
        {
            let error = read(record(&reference(path, format)).unwrap()).unwrap_err();
            assert_eq!(error.code(), "unsupported");
            assert!(error.to_string().contains(expected), "{error}");
        }
        let fields = json!({ "path": "relative.parquet", "table_format": "parquet" }).as_object().unwrap().clone();
        assert_eq!(read(fields).unwrap_err().code(), "unsupported");
        assert_eq!(read(Map::new()).unwrap_err().code(), "damaged-item");
        #[cfg(unix)]
        {
            let fields = record(&reference("/dev/zero", "csv")).unwrap();
            assert!(!fields.contains_key("source_identity"));
            let error = read(fields).unwrap_err();
            assert_eq!(error.code(), "unreadable-reference");
            assert!(error.to_string().contains("'t'") && error.to_string().contains("/dev/zero"), "{error}");
        }
    }

    #[test]
    fn a_wrong_question_is_no_damage_of_the_table() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        write_parquet(&dir.path().join("d/year=1/p.parquet"), 0..3);
        fs::write(dir.path().join("t.csv"), "x,year\n1,2\n").unwrap();
        for (path, format) in [("d", "parquet"), ("d/year=1/p.parquet", "parquet"), ("t.csv", "csv")] {
            let mut fields = record(&reference(&at(path), format)).unwrap();
            fields.insert("name".into(), "t".into());
            let (record, storage) = (ItemRecord::new(fields), Arc::new(MemoryStorage::new()) as Arc<dyn Storage>);
            let cache = VerifiedCache::disabled();
            let item = Item::new(&record, &storage, Verification::Full, &cache);
            let failure = |columns: &[&str]| {
                let columns = Some(columns.iter().map(|&name| name.to_owned()).collect());
                let part = TableReadOptions { columns, ..TableReadOptions::default() };
                read_reference(&item, &part).err().unwrap()
            };
            let error = failure(&["x", "nope"]);
            assert_eq!((error.code(), error.category()), ("column-not-found", datafolio_core::ErrorCategory::NotFound));
            assert!(error.to_string().starts_with("t: no column \"nope\"; it has \"x\""), "{error}");
            let error = failure(&["x", "x"]);
            assert_eq!(
                (error.code(), error.category()),
                ("invalid-value", datafolio_core::ErrorCategory::InvalidInput)
            );
            assert!(error.to_string().starts_with("t: column \"x\" is asked for twice"), "{error}");
        }
    }

    #[test]
    fn an_error_among_the_rows_names_item_and_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        // The types are found in the rows that verify looks at; the last row does not fit them.
        let mut text = "a\n".to_owned() + &"1\n".repeat(70_000);
        fs::write(&path, &text).unwrap();
        let mut fields = record(&reference(path.to_str().unwrap(), "csv")).unwrap();
        fields.insert("name".into(), "t".into());
        text.push_str("one\n");
        fs::write(&path, &text).unwrap();
        let (record, storage) = (ItemRecord::new(fields), Arc::new(MemoryStorage::new()) as Arc<dyn Storage>);
        let cache = VerifiedCache::disabled();
        let item = Item::new(&record, &storage, Verification::Full, &cache);
        let options = ImportOptions { infer_rows: Some(VERIFIED_ROWS), ..ImportOptions::default() };
        let failed = open(&item, &options, &TableReadOptions::default()).unwrap().find_map(Result::err).unwrap();
        let error = HandlerError::from(failed);
        assert_eq!(error.code(), "unreadable-reference");
        assert_eq!(error.category(), datafolio_core::ErrorCategory::Corrupt);
        let text = error.to_string();
        assert!(text.contains("item 't'") && text.contains("t.csv") && text.contains("line 70002"), "{text}");
    }

    #[test]
    fn verify_notes_that_a_target_has_changed_since_it_was_referenced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        let notes = |fields: &Map<String, Value>| {
            let (record, storage) =
                (ItemRecord::new(fields.clone()), Arc::new(MemoryStorage::new()) as Arc<dyn Storage>);
            let cache = VerifiedCache::disabled();
            ReferencedTable.notes(&Item::new(&record, &storage, Verification::Full, &cache))
        };
        let written_at = |seconds: u64| {
            let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        };
        fs::write(&path, "a\n1\n").unwrap();
        written_at(1_000_000_000);
        let fields = record(&reference(path.to_str().unwrap(), "csv")).unwrap();
        assert!(notes(&fields).is_empty());
        written_at(1_000_000_001);
        assert!(notes(&fields)[0].1.contains("2001-09-09T01:46:41"), "{:?}", notes(&fields));
        fs::write(&path, "a\n1\n2\n").unwrap();
        assert!(notes(&fields)[0].1.contains("had 4 bytes and has 6"), "{:?}", notes(&fields));
        // Entries of Python DataFolio may have none, and a file that is gone is an error of its own.
        assert!(notes(&Map::new()).is_empty());
        fs::remove_file(&path).unwrap();
        assert!(notes(&fields).is_empty());
    }
}
