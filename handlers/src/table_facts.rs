//! What the footers of a table's files say of it, without reading a row.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, make_comparator};
use arrow::compute::{SortOptions, cast};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafolio_core::item_type;
use datafolio_storage::Source;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::basic::Compression;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::HandlerResult;
use crate::formats::{TableFormat, look_into};
use crate::guard::{Blame, InPayload, guarded};
use crate::handler::Item;
use crate::included_table::{is_parquet, read_table};
use crate::referenced_table::{delta_target, reference_target};
use crate::stored_file::stored_files;
use crate::table::{ParquetFile, SourceFile, TableReadOptions, arrow_field_type_name, in_part};

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
    /// Whether `min` and `max` are values of the column: files cut long texts, and keep what lies below or above.
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

/// Reads the footers of a table, included or referenced.
///
/// # Errors
/// As [`read_table`].
pub fn table_facts(item: &Item<'_>) -> HandlerResult<TableFacts> {
    let record = item.record();
    let schema = || -> HandlerResult<SchemaRef> { Ok(read_table(item, &TableReadOptions::default())?.schema()) };
    if record.item_type() == item_type::REFERENCED_TABLE {
        if let Some(delta) = delta_target(item)? {
            return delta.facts();
        }
        let target = reference_target(item)?;
        let files = target.found()?;
        if target.format == TableFormat::Parquet {
            let footers = files.places().map(|place| {
                look_into(place, |path, file, size_bytes| Footer::read(path, file, size_bytes, Some(path.clone())))
            });
            // Partitions, and types that differ between files, are settled where the rows are read.
            return Ok(summary(item, schema()?, &footers.collect::<HandlerResult<Vec<_>>>()?));
        }
        let facts = files.places().map(|place| {
            let (path, (size_bytes, _)) = (Some(place.path().to_owned()), place.size_and_time()?);
            Ok(FileFacts { path, rows: None, size_bytes, row_groups: Vec::new() })
        });
        // Nobody vouches for the number of rows that an entry has of a file which others write.
        return Ok(without_statistics(schema()?, None, facts.collect::<HandlerResult<_>>()?));
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
            _ => schema()?,
        };
        return Ok(summary(item, schema, &footers));
    }
    let facts = files.iter().map(|stored| {
        let size_bytes = item.open_file(stored)?.size();
        Ok(FileFacts { path: item.local_path_of(stored), rows: stored.rows, size_bytes, row_groups: Vec::new() })
    });
    Ok(without_statistics(schema()?, record.count("num_rows"), facts.collect::<HandlerResult<_>>()?))
}

/// The facts of a table whose files say nothing of their columns.
pub(crate) fn without_statistics(schema: SchemaRef, rows: Option<u64>, files: Vec<FileFacts>) -> TableFacts {
    let columns = schema.fields().iter().map(|field| ColumnFacts::unknown(field)).collect();
    let size_bytes = files.iter().map(|file| file.size_bytes).sum();
    TableFacts { rows, schema, size_bytes, compression: Vec::new(), columns, files }
}

impl ColumnFacts {
    fn unknown(field: &Field) -> Self {
        Self {
            name: field.name().clone(),
            arrow_type: arrow_field_type_name(field),
            logical_type: None,
            null_count: None,
            min: None,
            max: None,
            is_exact: true,
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

fn codec(compression: Compression) -> String {
    let text = format!("{compression:?}").to_ascii_lowercase();
    text.split('(').next().unwrap_or(&text).to_owned()
}

fn column_facts(field: &Field, footers: &[Footer]) -> ColumnFacts {
    let mut facts = ColumnFacts::unknown(field);
    let (mut compressed, mut uncompressed, mut leaves) = (0_u64, 0_u64, 0);
    for footer in footers {
        let columns = footer.metadata.file_metadata().schema_descr();
        for (leaf, column) in columns.columns().iter().enumerate() {
            if columns.get_column_root(leaf).name() != field.name() {
                continue;
            }
            leaves += 1;
            if facts.logical_type.is_none() && !field.data_type().is_nested() {
                let logical = column.logical_type_ref().map(|logical| format!(" ({logical:?})"));
                facts.logical_type = Some(format!("{}{}", column.physical_type(), logical.unwrap_or_default()));
            }
            for group in footer.groups() {
                compressed += group.column(leaf).compressed_size().max(0).unsigned_abs();
                uncompressed += group.column(leaf).uncompressed_size().max(0).unsigned_abs();
            }
        }
    }
    if leaves == 0 {
        // A partition: its value stands in the path.
        return facts;
    }
    (facts.compressed_bytes, facts.uncompressed_bytes) = (Some(compressed), Some(uncompressed));
    if !field.data_type().is_nested() {
        let statistics: Option<Vec<Seen>> = footers.iter().map(|footer| Seen::of(field, footer)).collect();
        if let Some(statistics) = statistics {
            facts.null_count = statistics.iter().map(|seen| seen.nulls).sum();
            facts.is_exact = statistics.iter().all(|seen| seen.is_exact);
            facts.min = extreme(statistics.iter().map(|seen| &seen.mins), false);
            facts.max = extreme(statistics.iter().map(|seen| &seen.maxes), true);
        }
    }
    facts
}

/// What the row groups of one file record of a column.
struct Seen {
    nulls: Option<u64>,
    mins: ArrayRef,
    maxes: ArrayRef,
    is_exact: bool,
}

impl Seen {
    fn of(field: &Field, footer: &Footer) -> Option<Self> {
        let columns = footer.metadata.file_metadata().schema_descr();
        if footer.schema.fields().find(field.name()).is_none() {
            // A part from before the column was there.
            let none = arrow::array::new_null_array(field.data_type(), 1);
            return Some(Self { nulls: footer.facts.rows, mins: none.clone(), maxes: none, is_exact: true });
        }
        let converter = StatisticsConverter::try_new(field.name(), &footer.schema, columns).ok()?;
        let groups = || footer.groups().iter();
        let nulls = converter.with_missing_null_counts_as_zero(false);
        let counts = nulls.row_group_null_counts(groups()).ok()?;
        let (mins, maxes) = (nulls.row_group_mins(groups()).ok()?, nulls.row_group_maxes(groups()).ok()?);
        // A row group of nulls alone has no extremes; any other without them leaves those of the file unknown.
        let is_known = footer.groups().iter().enumerate().all(|(index, group)| {
            let all_null = counts.is_valid(index) && counts.value(index) == group.num_rows().max(0).unsigned_abs();
            all_null || (mins.is_valid(index) && maxes.is_valid(index))
        });
        let is_exact = [nulls.row_group_is_min_value_exact(groups()), nulls.row_group_is_max_value_exact(groups())]
            .into_iter()
            .all(|exact| exact.is_ok_and(|exact| exact.iter().all(|exact| exact != Some(false))));
        let none = || arrow::array::new_null_array(mins.data_type(), footer.groups().len());
        let is_nullless = counts.null_count() == 0;
        Some(Self {
            nulls: is_nullless.then(|| counts.values().iter().sum()),
            mins: if is_known { Arc::clone(&mins) } else { none() },
            maxes: if is_known { maxes } else { none() },
            is_exact,
        })
    }
}

/// The smallest or largest value of all files, as JSON.
fn extreme<'a>(arrays: impl Iterator<Item = &'a ArrayRef>, largest: bool) -> Option<Value> {
    let arrays: Vec<&dyn Array> = arrays.map(AsRef::as_ref).collect();
    let all = arrow::compute::concat(&arrays).ok()?;
    let compare = make_comparator(&all, &all, SortOptions::default()).ok()?;
    let places = (0..all.len()).filter(|place| all.is_valid(*place));
    let place = match largest {
        true => places.max_by(|a, b| compare(*a, *b)),
        false => places.min_by(|a, b| compare(*a, *b)),
    }?;
    json_value(&all.slice(place, 1))
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
