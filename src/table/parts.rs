//! Files that become parts of a table: how they are written, named and told.

use std::sync::Arc;

use arrow::array::RecordBatchReader;
use datafolio_core::{Change, ItemRecord, PARTS, PARTS_DIR, Part, PutItem, STAGES_TAKEN, item_type, time};
use datafolio_handlers::{
    ALL_PARTS, Data, Draft, Handler, HandlerError, IncludedTable, Sink, StoredFile, WriteOptions, file_stem,
};
use datafolio_storage::{Payload, duplicate_payload};
use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::bundle::{Batch, RESERVED_FIELDS, payload_fields};
use crate::error::{Error, Result};
use crate::view::is_view;

impl Batch<'_> {
    /// Stages a file for a table, in the format that the table has. `produce` is given what writes the rows, which may be
    /// called again: what was written before is void then.
    pub(super) fn stage_table(
        &mut self,
        record: &ItemRecord,
        place: Place,
        produce: impl FnOnce(
            &mut dyn FnMut(Box<dyn RecordBatchReader + Send>) -> std::result::Result<Draft, HandlerError>,
        ) -> std::result::Result<Draft, HandlerError>,
    ) -> Result<Draft> {
        let folio = self.folio();
        let mut options = WriteOptions::default();
        options.table_format = record.str("table_format").map(str::to_owned);
        let mut sink = Sink::new(folio.storage(), item_type::INCLUDED_TABLE, record.name())
            .with_threads(folio.settings().threads)
            .with_scratch(folio.settings().spill_dir.clone());
        if place == Place::Part {
            sink = sink.into_parts();
        }
        let written = produce(&mut |rows| {
            sink.discard();
            IncludedTable.write(Data::Table(rows), &options, &mut sink)
        });
        let draft = match written {
            Ok(draft) => draft,
            Err(error) => {
                sink.discard();
                return Err(error.into());
            }
        };
        if let Some(payload) = &draft.payload {
            self.keep_staged(payload.path.clone());
            self.folio().verified().remember_payload(self.folio().storage().as_ref(), payload)?;
        }
        Ok(draft)
    }

    /// Gives a file of a table a second name where parts lie.
    pub(super) fn second_name(&mut self, name: &str, file: &StoredFile, rows: u64, columns: u64) -> Result<Part> {
        let storage = Arc::clone(self.folio().storage());
        let missing = |source| HandlerError::Payload { item: name.to_owned(), source };
        let extension = file.path.file_name().rsplit_once('.').map_or(String::new(), |(_, last)| format!(".{last}"));
        let blocks = match &file.expected.blocks {
            // Without them it is read as a whole.
            Some((path, sha256)) if storage.stat(path)?.is_some() => Some((path, sha256)),
            _ => None,
        };
        let place = (PARTS_DIR, &*file_stem(name), extension.as_str());
        let (path, beside) =
            duplicate_payload(storage.as_ref(), &file.path, blocks.map(|(path, _)| path), place).map_err(missing)?;
        self.keep_staged(path.clone());
        self.folio().verified().remember_duplicate(storage.as_ref(), (&file.path, &path), &file.expected)?;
        let size = storage.stat(&path)?.map_or(0, |info| info.size);
        let expected = &file.expected;
        Ok(Part {
            filename: in_parts(path.as_str()),
            sha256: expected.sha256.clone(),
            checksum: expected.md5.clone().filter(|_| expected.sha256.is_none()),
            size_bytes: size,
            num_rows: rows,
            num_cols: columns,
            blocks: beside
                .zip(blocks)
                .map(|(beside, (_, sha256))| json!({"filename": in_parts(beside.as_str()), "sha256": sha256})),
            other: Map::new(),
        })
    }

    /// Writes the file that stands for a version of several parts where programs look that know of no parts: they check it like
    /// any other, and fail to read it, instead of taking some of the rows for all.
    pub(super) fn write_stub(&mut self, name: &str, parts: &[Part]) -> Result<Map<String, Value>> {
        let text = json!({
            "datafolio": "a table of several parts",
            "item": name,
            "note": "The rows lie in the files that the entry of this version in items.json lists as its parts.",
            "new_parts": parts.iter().map(|part| part.filename.as_str()).collect::<Vec<_>>(),
        });
        let mut sink = Sink::new(self.folio().storage(), item_type::INCLUDED_TABLE, name);
        let mut writer = sink.payload(".parts.json")?;
        writer.write_from(&mut format!("{text:#}\n").as_bytes())?;
        let payload = writer.finish()?;
        self.keep_staged(payload.path.clone());
        Ok(payload_fields(&payload))
    }

    /// Replaces a version of a table by one of the same item with other files, perhaps made of further inputs as well.
    pub(super) fn put_files(
        &mut self,
        record: &ItemRecord,
        files: Map<String, Value>,
        (further, versions): (&[String], IndexMap<String, String>),
        told: String,
    ) -> Result<()> {
        let mut inputs: Vec<String> = record.inputs().into_iter().map(str::to_owned).collect();
        for name in further {
            if !inputs.contains(name) {
                inputs.push(name.clone());
            }
        }
        let mut input_versions = record.input_versions();
        input_versions.extend(versions);
        let mut fields = files;
        for (field, value) in record.fields() {
            // The others say which version it is, and what its files are.
            let is_of_item =
                !RESERVED_FIELDS.contains(&field.as_str()) || ["archived", STAGES_TAKEN].contains(&field.as_str());
            if is_of_item && !fields.contains_key(field) {
                fields.insert(field.clone(), value.clone());
            }
        }
        let put = PutItem {
            name: record.name().to_owned(),
            item_type: record.item_type().to_owned(),
            fields,
            description: None,
            inputs,
            input_versions,
            overwrite: true,
            created_at: time::to_iso(time::now()),
        };
        self.change(Change::Put(put), told)
    }
}

/// The fields of an entry for a table of one file.
pub(super) fn file_fields(written: &Draft) -> Map<String, Value> {
    let mut fields = written.payload.as_ref().map(payload_fields).unwrap_or_default();
    fields.insert("num_rows".to_owned(), number(written, "num_rows").into());
    fields
}

/// What becomes of a file of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// One of its parts.
    Part,
    /// All of it.
    Whole,
}

/// The part that a file becomes which was just written.
pub(super) fn part_of(payload: &Payload, written: &Draft) -> Part {
    part_of_payload(payload, number(written, "num_rows"), number(written, "num_cols"))
}

/// The part that a file becomes which has so many rows and columns.
pub(super) fn part_of_payload(payload: &Payload, num_rows: u64, num_cols: u64) -> Part {
    Part {
        filename: in_parts(payload.path.as_str()),
        sha256: Some(payload.sha256.clone()),
        checksum: None,
        size_bytes: payload.size,
        num_rows,
        num_cols,
        blocks: payload_fields(payload).shift_remove("blocks"),
        other: Map::new(),
    }
}

/// A count that a handler gives of what it has written.
pub(super) fn number(written: &Draft, field: &str) -> u64 {
    written.fields.get(field).and_then(Value::as_u64).unwrap_or_default()
}

/// A path below the directory of parts.
fn in_parts(path: &str) -> String {
    path.strip_prefix(PARTS_DIR).and_then(|rest| rest.strip_prefix('/')).unwrap_or(path).to_owned()
}

/// The columns that an entry names, in order, with their types.
pub(super) fn column_types(fields: &Map<String, Value>) -> Map<String, Value> {
    match fields.get("dtypes") {
        Some(Value::Object(types)) => types.clone(),
        _ => Map::new(),
    }
}

/// Some parts of a table as a table, with all of its columns.
pub(super) fn table_of(record: &ItemRecord, parts: &[Part]) -> ItemRecord {
    let mut table = record.clone();
    if record.get(ALL_PARTS).is_none() {
        table.set(ALL_PARTS, record.get(PARTS).cloned());
    }
    table.set(PARTS, Some(serde_json::to_value(parts).unwrap_or_default()));
    table.set("num_rows", Some(parts.iter().map(|part| part.num_rows).fold(0_u64, u64::saturating_add).into()));
    table
}

/// Only tables that lie in the bundle can be changed here.
pub(super) fn require_own_table(record: &ItemRecord) -> Result<()> {
    let found = match record.item_type() {
        item_type::INCLUDED_TABLE | item_type::POLARS_TABLE => return Ok(()),
        item_type::REFERENCED_TABLE => "a reference, whose rows others write: import it first".to_owned(),
        _ if is_view(record) => "a view, which has no rows of its own".to_owned(),
        other => other.to_owned(),
    };
    Err(Error::WrongType { item: record.name().to_owned(), expected: "a table of the bundle", found })
}

/// Whether a version was made by a query that can be run again.
pub(super) fn is_derived(record: &ItemRecord) -> bool {
    record.get("derived").is_some_and(|derived| !derived.is_null())
}
