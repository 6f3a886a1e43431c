//! The categories of dictionary columns in Parquet files.
//!
//! Parquet keeps the values of a dictionary column, and each row group builds a dictionary of its own, in the order in
//! which values come. What is lost is the set of categories: their order, which an ordered category compares by, and
//! those that no row has. So the categories of each column stand in the footer, and reading restores them.

use std::collections::HashSet;
use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow::row::{OwnedRow, RowConverter, SortField};
use parquet::file::metadata::KeyValue;
use serde_json::{Map, Value};

use super::values::{DictionaryValues, most_values, too_many_values};
use crate::error::{HandlerError, HandlerResult};

/// Key of the footer entry: a JSON object of column names and the categories of each, as an Arrow IPC stream in hex.
pub(super) const KEY: &str = "datafolio:categories";
/// More bytes than these are not written for one column. A dictionary of that size saves space, and orders nothing.
const MOST_BYTES: usize = 1 << 20;

/// Follows the categories of a stream that is written.
#[derive(Debug)]
pub(super) struct Seen {
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    index: usize,
    name: String,
    ordered: bool,
    state: State,
    /// Of columns whose keys are narrow: how many values they can number, and those that have come since they change.
    most: usize,
    values: HashSet<OwnedRow>,
}

#[derive(Debug)]
enum State {
    Nothing,
    Categories(ArrayRef),
    /// They differ between batches, and there is no order to keep.
    Changing,
}

impl Seen {
    pub(super) fn new(schema: &Schema) -> Self {
        let columns = schema.fields().iter().enumerate().filter_map(|(index, field)| {
            let DataType::Dictionary(keys, _) = field.data_type() else { return None };
            let (name, ordered) = (field.name().clone(), field.dict_is_ordered().unwrap_or(false));
            // Reading makes one dictionary of those of all batches, which has to fit the keys.
            let most = most_values(keys);
            Some(Column { index, name, ordered, state: State::Nothing, most, values: HashSet::new() })
        });
        Self { columns: columns.collect() }
    }

    /// Notes the categories of a batch.
    ///
    /// # Errors
    /// [`HandlerError::Invalid`] when those of an ordered column differ between batches, other than by further ones at
    /// the end: how the old and the new ones compare is not known; and when those of all batches are more than the keys of the
    /// column can number.
    pub(super) fn note(&mut self, item: &str, batch: &RecordBatch) -> HandlerResult<()> {
        for column in &mut self.columns {
            let Some(dictionary) = batch.column(column.index).as_any_dictionary_opt() else { continue };
            let values = dictionary.values();
            match &column.state {
                State::Categories(known) if !Arc::ptr_eq(known, values) => {
                    let common = known.len().min(values.len());
                    if known.slice(0, common).to_data() == values.slice(0, common).to_data() {
                        if values.len() > known.len() {
                            column.state = State::Categories(values.clone());
                        }
                    } else if column.ordered {
                        let reason = format!(
                            "the ordered categories of column '{}' change between batches: give all batches the same",
                            column.name
                        );
                        return Err(HandlerError::Invalid { item: item.to_owned(), reason });
                    } else {
                        let known = known.clone();
                        column.state = State::Changing;
                        column.count(item, &known)?;
                        column.count(item, values)?;
                    }
                }
                State::Nothing => column.state = State::Categories(values.clone()),
                State::Changing => column.count(item, values)?,
                State::Categories(_) => {}
            }
        }
        Ok(())
    }

    /// The footer entry, when there is something to keep.
    ///
    /// # Errors
    /// [`HandlerError::Invalid`] when an ordered column has more categories than a footer should hold.
    pub(super) fn footer(&self, item: &str) -> HandlerResult<Option<KeyValue>> {
        let mut columns = Map::new();
        for column in &self.columns {
            let State::Categories(values) = &column.state else { continue };
            if values.to_data().get_slice_memory_size()? <= MOST_BYTES {
                columns.insert(column.name.clone(), hex(&encode(values)?).into());
            } else if column.ordered {
                let reason = format!("the ordered categories of column '{}' have more than 1 MiB", column.name);
                return Err(HandlerError::Invalid { item: item.to_owned(), reason });
            }
        }
        Ok((!columns.is_empty()).then(|| KeyValue::new(KEY.to_owned(), Value::Object(columns).to_string())))
    }
}

impl Column {
    /// Counts the values of a column whose keys are narrow.
    fn count(&mut self, item: &str, values: &ArrayRef) -> HandlerResult<()> {
        if self.most == usize::MAX {
            return Ok(());
        }
        let converter = RowConverter::new(vec![SortField::new(values.data_type().clone())])?;
        let rows = converter.convert_columns(std::slice::from_ref(values))?;
        self.values.extend(rows.iter().map(|row| row.owned()));
        if self.values.len() <= self.most {
            return Ok(());
        }
        Err(too_many_values(item, &self.name, self.most))
    }
}

/// Gives the columns of batches the categories that the footer has.
#[derive(Debug, Default)]
pub(super) struct Restore {
    columns: Vec<(usize, DictionaryValues)>,
}

impl Restore {
    /// For batches of this schema; columns that the footer does not know stay as they are.
    pub(super) fn new(schema: &Schema, footer: Option<&Vec<KeyValue>>) -> Result<Self, ArrowError> {
        let text = footer.into_iter().flatten().find(|entry| entry.key == KEY).and_then(|entry| entry.value.as_deref());
        let mut columns = Vec::new();
        if let Some(text) = text {
            let damaged = |reason: String| ArrowError::ParseError(format!("the categories in its footer: {reason}"));
            let stored: Map<String, Value> = serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
            for (index, field) in schema.fields().iter().enumerate() {
                let (DataType::Dictionary(_, value_type), Some(stored)) = (field.data_type(), stored.get(field.name()))
                else {
                    continue;
                };
                let bytes = stored.as_str().and_then(unhex).ok_or_else(|| damaged("no hex".to_owned()))?;
                let values = decode(bytes)?;
                if values.data_type() != value_type.as_ref() {
                    return Err(damaged(format!("column '{}' has other types", field.name())));
                }
                columns.push((index, DictionaryValues::new(values)?));
            }
        }
        Ok(Self { columns })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The categories themselves, by the place of their column.
    pub(super) fn categories(&self) -> impl Iterator<Item = (usize, &ArrayRef)> {
        self.columns.iter().map(|(index, categories)| (*index, categories.values()))
    }

    pub(super) fn apply(&mut self, batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
        let (schema, mut columns, rows) = batch.into_parts();
        for (index, categories) in &mut self.columns {
            columns[*index] = categories
                .apply(&columns[*index])?
                .ok_or_else(|| ArrowError::ParseError("a value is none of the categories in its footer".to_owned()))?;
        }
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(schema, columns, &options)
    }
}

/// The schema without the footer entry, which is the file's and not the table's.
pub(super) fn without_key(schema: &SchemaRef) -> SchemaRef {
    if !schema.metadata().contains_key(KEY) {
        return schema.clone();
    }
    let mut schema = schema.as_ref().clone();
    schema.metadata.remove(KEY);
    Arc::new(schema)
}

fn encode(values: &ArrayRef) -> Result<Vec<u8>, ArrowError> {
    let schema = Schema::new(vec![Field::new("categories", values.data_type().clone(), true)]);
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new(&mut bytes, &schema)?;
    writer.write(&RecordBatch::try_new(Arc::new(schema), vec![values.clone()])?)?;
    writer.finish()?;
    drop(writer);
    Ok(bytes)
}

fn decode(bytes: Vec<u8>) -> Result<ArrayRef, ArrowError> {
    let mut reader = StreamReader::try_new(Cursor::new(bytes), None)?;
    match reader.next().transpose()? {
        Some(batch) if batch.num_columns() == 1 => Ok(batch.column(0).clone()),
        _ => Err(ArrowError::ParseError("the categories in its footer are no column".to_owned())),
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let bytes = pairs.iter().map(|[high, low]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok());
    if rest.is_empty() { bytes.collect() } else { None }
}
