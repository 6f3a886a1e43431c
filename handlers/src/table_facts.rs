//! What the footers of a table's files say of it, or its log, without reading a row.

mod statistics;

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafolio_core::item_type;
use datafolio_storage::Source;
use parquet::basic::Compression;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::HandlerResult;
use crate::formats::{ImportOptions, TableFiles, TableFormat, look_into, partition_array, rows_by_head};
use crate::guard::{Blame, InPayload, guarded};
use crate::handler::Item;
use crate::included_table::{is_parquet, read_table};
use crate::referenced_table::{delta_target, of_item, reference_target, rows_as_referenced};
use crate::stored_file::stored_files;
use crate::table::{ParquetFile, SourceFile, TableReadOptions, arrow_field_type_name, in_part};
#[cfg(feature = "delta")]
pub(crate) use statistics::extreme;
use statistics::{column_facts, partition_facts};

/// What is known of a table without reading it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TableFacts {
    /// Number of rows; `None` where only reading all of them would tell, as of a text file.
    pub rows: Option<u64>,
    /// The columns, as Arrow sees them.
    pub schema: SchemaRef,
    /// Size of the table's files in bytes.
    pub size_bytes: u64,
    /// Codec of the column data (`zstd`, `snappy`, ...), several when they differ; empty for formats that name none.
    pub compression: Vec<String>,
    /// The columns one by one.
    pub columns: Vec<ColumnFacts>,
    /// The files, in the order of their rows.
    pub files: Vec<FileFacts>,
}

impl TableFacts {
    /// What is known of a table of which no file is there, such as a view: its columns.
    pub fn of_schema(schema: SchemaRef) -> Self {
        without_statistics(schema, None, Vec::new())
    }
}

/// What is known of a column without reading it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ColumnFacts {
    /// Its name.
    pub name: String,
    /// Its type, as Arrow names it.
    pub arrow_type: String,
    /// Its type in the Parquet file, with what the file says it means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logical_type: Option<String>,
    /// How many values are missing.
    pub null_count: Option<u64>,
    /// The smallest value, as JSON; a bound where `is_exact` says so.
    pub min: Option<Value>,
    /// The largest value, as JSON; a bound where `is_exact` says so.
    pub max: Option<Value>,
    /// Whether `min` and `max` are known, and values of the column: files cut long texts, and keep what lies below or above.
    pub is_exact: bool,
    /// Bytes in the files.
    pub compressed_bytes: Option<u64>,
    /// Bytes before compression.
    pub uncompressed_bytes: Option<u64>,
}

/// What is known of a file of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FileFacts {
    /// Where it lies: a path on this machine, or an address on a store; `None` for a payload that has neither.
    pub path: Option<PathBuf>,
    /// Number of rows, where that is known.
    pub rows: Option<u64>,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Rows of each row group; empty for formats without.
    pub row_groups: Vec<u64>,
}

/// Reads the footers of a table, included or referenced; of a Delta table its log.
///
/// # Errors
/// As [`read_table`].
pub fn table_facts(item: &Item<'_>) -> HandlerResult<TableFacts> {
    let record = item.record();
    if record.item_type() == item_type::REFERENCED_TABLE {
        if let Some(delta) = delta_target(item)? {
            return delta.facts();
        }
        return facts_of_files(item).map_err(|error| of_item(item.name(), error));
    }
    let files = stored_files(record)?;
    if is_parquet(item) {
        let footers = files.iter().map(|stored| {
            let source = item.open_file(stored)?;
            let size_bytes = source.size();
            let file = SourceFile::new(source);
            let blame = InPayload { item: item.name().to_owned(), file: file.clone() };
            Footer::read(&blame, file, size_bytes, item.local_path_of(stored)).map_err(|error| match files.len() {
                1 => error,
                _ => in_part(stored, error),
            })
        });
        let footers = footers.collect::<HandlerResult<Vec<_>>>()?;
        let schema = match footers.as_slice() {
            [only] => SchemaRef::clone(&only.schema),
            _ => schema_of(item)?,
        };
        return Ok(summary(item, schema, &footers));
    }
    let facts = files.iter().map(|stored| {
        let size_bytes = item.open_file(stored)?.size();
        Ok(FileFacts { path: item.local_path_of(stored), rows: stored.rows, size_bytes, row_groups: Vec::new() })
    });
    Ok(without_statistics(schema_of(item)?, record.count("num_rows"), facts.collect::<HandlerResult<_>>()?))
}

fn schema_of(item: &Item<'_>) -> HandlerResult<SchemaRef> {
    Ok(read_table(item, &TableReadOptions::default())?.schema())
}

/// The facts of the files of a reference.
fn facts_of_files(item: &Item<'_>) -> HandlerResult<TableFacts> {
    let target = reference_target(item)?;
    let files = target.found()?;
    if target.format == TableFormat::Parquet {
        let footers = files.places().map(|place| {
            look_into(place, |path, file, size_bytes| Footer::read(path, file, size_bytes, Some(path.clone())))
        });
        let footers = footers.collect::<HandlerResult<Vec<_>>>()?;
        // Partitions, and types that differ between files, are settled where the rows are read.
        return Ok(with_partitions(summary(item, schema_of(item)?, &footers), &files));
    }
    let options = ImportOptions { format: Some(target.format), ..ImportOptions::default() };
    let facts = files.places().map(|place| {
        let (path, (size_bytes, _)) = (Some(place.path().to_owned()), place.size_and_time()?);
        let rows = rows_by_head(place, &options)?;
        Ok(FileFacts { path, rows, size_bytes, row_groups: Vec::new() })
    });
    let mut facts = facts.collect::<HandlerResult<Vec<_>>>()?;
    let rows = match facts.iter().map(|file| file.rows).collect::<Option<Vec<_>>>() {
        Some(rows) => Some(rows.into_iter().fold(0, u64::saturating_add)),
        // Text does not tell. Nobody vouches for the number that an entry has of files which others write, unless they were counted and
        // nothing has changed since.
        None => rows_as_referenced(item, &target, &files),
    };
    if let [only] = facts.as_mut_slice() {
        only.rows = rows;
    }
    Ok(with_partitions(without_statistics(schema_of(item)?, rows, facts), &files))
}

/// The facts of a table whose files say nothing of their columns.
pub(crate) fn without_statistics(schema: SchemaRef, rows: Option<u64>, files: Vec<FileFacts>) -> TableFacts {
    let columns = schema.fields().iter().map(|field| ColumnFacts::unknown(field)).collect();
    let size_bytes = files.iter().map(|file| file.size_bytes).fold(0, u64::saturating_add);
    TableFacts { rows, schema, size_bytes, compression: Vec::new(), columns, files }
}

impl ColumnFacts {
    pub(crate) fn unknown(field: &Field) -> Self {
        Self {
            name: field.name().clone(),
            arrow_type: arrow_field_type_name(field),
            logical_type: None,
            null_count: None,
            min: None,
            max: None,
            is_exact: false,
            compressed_bytes: None,
            uncompressed_bytes: None,
        }
    }
}

/// The footer of one file.
struct Footer {
    metadata: Arc<ParquetMetaData>,
    schema: SchemaRef,
    facts: FileFacts,
}

impl Footer {
    fn read(blame: &dyn Blame, file: SourceFile, size_bytes: u64, path: Option<PathBuf>) -> HandlerResult<Self> {
        let opened = ParquetFile::open(blame, file, &TableReadOptions::default())?;
        let groups = opened.metadata().row_groups();
        let row_groups = groups.iter().map(|group| group.num_rows().max(0).unsigned_abs()).collect();
        let facts = FileFacts { path, rows: Some(opened.rows), size_bytes, row_groups };
        Ok(Self { metadata: Arc::clone(opened.metadata()), schema: opened.schema, facts })
    }

    fn groups(&self) -> &[RowGroupMetaData] {
        self.metadata.row_groups()
    }
}

fn summary(item: &Item<'_>, schema: SchemaRef, footers: &[Footer]) -> TableFacts {
    let mut compression: Vec<String> = Vec::new();
    for column in footers.iter().flat_map(Footer::groups).flat_map(RowGroupMetaData::columns) {
        let name = codec(column.compression());
        if !compression.contains(&name) {
            compression.push(name);
        }
    }
    let columns = schema.fields().iter().map(|field| {
        // Statistics are hints of a file that may have been written by anyone: what cannot be read of them is not known.
        guarded(&item.name().to_owned(), || Ok(column_facts(field, footers)))
            .unwrap_or_else(|_| ColumnFacts::unknown(field))
    });
    TableFacts {
        rows: Some(footers.iter().filter_map(|footer| footer.facts.rows).sum()),
        columns: columns.collect(),
        schema: schema.clone(),
        size_bytes: footers.iter().map(|footer| footer.facts.size_bytes).sum(),
        compression,
        files: footers.iter().map(|footer| footer.facts.clone()).collect(),
    }
}

/// The same with what the paths of the files say of the columns that stand there.
fn with_partitions(mut facts: TableFacts, files: &TableFiles) -> TableFacts {
    let Some(partitions) = files.partitions().filter(|values| values.len() == facts.files.len()) else { return facts };
    for (field, known) in facts.schema.fields().iter().zip(&mut facts.columns) {
        let values = partitions.iter().zip(&facts.files).map(|(values, file)| {
            let value = values.get(field.name())?;
            Some((partition_array(field.data_type(), value.as_deref(), 1), file.rows))
        });
        if let Some(values) = values.collect::<Option<Vec<_>>>() {
            *known = partition_facts(field, &values);
        }
    }
    facts
}

fn codec(compression: Compression) -> String {
    let text = format!("{compression:?}").to_ascii_lowercase();
    text.split('(').next().unwrap_or(&text).to_owned()
}

/// The first value of an array as JSON has it: numbers, bools and texts as such, all others as text, and so decimals of a type
/// with more digits than a JSON number is read with.
pub fn json_value(array: &ArrayRef) -> Option<Value> {
    const DIGITS: u8 = 15;
    if let DataType::Decimal32(digits, _)
    | DataType::Decimal64(digits, _)
    | DataType::Decimal128(digits, _)
    | DataType::Decimal256(digits, _) = array.data_type()
        && *digits > DIGITS
    {
        let text = cast(&array.slice(0, array.len().min(1)), &DataType::Utf8).ok()?;
        let text = text.as_string::<i32>();
        return (!text.is_empty() && text.is_valid(0)).then(|| text.value(0).into());
    }
    // A time beyond the calendar has no text.
    let options = FormatOptions::new().with_display_error(false);
    if array.data_type().is_temporal() && array.is_valid(0) {
        ArrayFormatter::try_new(array, &options).ok()?.value(0).try_to_string().ok()?;
    }
    let schema = Arc::new(Schema::new(vec![Field::new("value", array.data_type().clone(), true)]));
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let batch = RecordBatch::try_new_with_options(schema, vec![array.slice(0, array.len().min(1))], &options).ok()?;
    let mut writer = arrow::json::LineDelimitedWriter::new(Vec::new());
    writer.write(&batch).ok()?;
    writer.finish().ok()?;
    let mut row: Value = serde_json::from_slice(&writer.into_inner()).ok()?;
    Some(row.get_mut("value")?.take())
}
