//! What the log tells of the values in each data file.
//!
//! Statistics are texts of JSON that any writer has made, keyed by the names that columns have in the files. What is missing in
//! them, and what is not understood, is not known: nothing is concluded from it. Each bound that is given out holds for
//! all values of its file, also where a writer has cut it.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, new_null_array};
use arrow::buffer::NullBuffer;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType as Arrow, Field, Fields, Schema, SchemaRef};
use arrow::json::ReaderBuilder;

use delta_kernel::engine_data::FilteredEngineData;

use crate::conform::{Wanted, words};
use crate::cut::extremes;
use crate::engine::data::Batch;
use crate::error::{DeltaError, DeltaResult};
use crate::escapes::without_halves;
use crate::log::LOG;
use crate::partition;
use crate::table::{DeltaFile, DeltaTable};

/// What the log tells of the values of a column, in each of some files.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ColumnBounds {
    /// No value of a file is below, as one value of the column's type for each file; null where that is not known.
    pub mins: ArrayRef,
    /// No value of a file is above, in the same way. NaN is beyond both.
    pub maxes: ArrayRef,
    /// How many rows of a file have no value, of those that are not deleted; `None` where that is not known.
    pub null_counts: Vec<Option<u64>>,
    /// Whether it is known that no row of a file has a value.
    pub are_all_null: Vec<bool>,
    /// Whether both bounds of a file are values of its rows.
    pub are_exact: Vec<bool>,
}

impl DeltaTable {
    /// What the log tells of the values of columns in files of [`DeltaTable::files_with_statistics`]: no file is opened. A column may
    /// be asked for more than once.
    ///
    /// # Errors
    /// For columns that the table does not have.
    pub fn bounds(&self, files: &[DeltaFile], columns: &[&str]) -> DeltaResult<Vec<ColumnBounds>> {
        let wanted = self.named(Some(columns))?;
        let is_partition = |column: &Wanted| self.partition_columns().contains(column.field.name());
        let mut stored: Vec<&Wanted> = Vec::new();
        for column in wanted.iter().filter(|column| !is_partition(column) && has_bounds(column)) {
            // Of two fields of one name a decoder of JSON fills the first alone.
            if stored.iter().all(|known| known.physical != column.physical) {
                stored.push(column);
            }
        }
        let told = Told::of(files, &stored)?;
        let bounds = wanted.iter().map(|column| {
            if is_partition(column) {
                return of_partition(column, files);
            }
            match stored.iter().position(|known| known.physical == column.physical) {
                Some(place) => told.bounds(column, place, files),
                None => unknown(column.field.data_type(), files.len()),
            }
        });
        Ok(bounds.collect())
    }
}

/// The texts of the files that a scan has found, in their order.
pub(crate) fn texts_of(found: &FilteredEngineData) -> DeltaResult<Vec<Option<Box<str>>>> {
    let batch = Batch::of(found.data())?;
    let texts = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    let (paths, statistics) = (texts("path"), texts("stats"));
    let is_file = |row: &usize| {
        let is_selected = found.selection_vector().get(*row).copied().unwrap_or(true);
        is_selected && paths.is_some_and(|paths| paths.is_valid(*row))
    };
    let text = |row: usize| statistics.filter(|texts| texts.is_valid(row)).map(|texts| texts.value(row).into());
    Ok((0..batch.num_rows()).filter(is_file).map(text).collect())
}

/// Statistics of what lies within structs, lists and maps say nothing of these themselves.
fn has_bounds(column: &Wanted) -> bool {
    !column.field.data_type().is_nested() && column.field.data_type() != &Arrow::Null
}

fn unknown(kind: &Arrow, files: usize) -> ColumnBounds {
    let none = new_null_array(kind, files);
    ColumnBounds {
        mins: ArrayRef::clone(&none),
        maxes: none,
        null_counts: vec![None; files],
        are_all_null: vec![false; files],
        are_exact: vec![false; files],
    }
}

/// The rows of a file have one value of a partition.
fn of_partition(column: &Wanted, files: &[DeltaFile]) -> ColumnBounds {
    let texts: Vec<Option<&str>> = files.iter().map(|file| column.partition_of(file)).collect();
    let values = partition::known_values(&texts, column.field.data_type());
    let null_count = |(file, text): (&DeltaFile, &Option<&str>)| match text {
        Some(_) => Some(0),
        None => file.rows(),
    };
    ColumnBounds {
        null_counts: files.iter().zip(&texts).map(null_count).collect(),
        are_all_null: texts.iter().map(Option::is_none).collect(),
        are_exact: (0..files.len()).map(|file| values.is_valid(file)).collect(),
        mins: ArrayRef::clone(&values),
        maxes: values,
    }
}

/// Whether values of a column are texts in JSON.
fn is_text(column: &Wanted) -> bool {
    matches!(column.field.data_type(), Arrow::Utf8 | Arrow::Date32 | Arrow::Timestamp(..))
}

/// The texts of a field within one of the objects of statistics. Where there is no such object, there is none of its values.
fn within(rows: &RecordBatch, which: usize, name: &str) -> StringArray {
    let found = rows.column(which).as_struct();
    let Some(column) = found.column_by_name(name) else { return StringArray::new_null(rows.num_rows()) };
    let texts = column.as_string::<i32>();
    let nulls = NullBuffer::union(found.nulls(), texts.nulls());
    StringArray::new(texts.offsets().clone(), texts.values().clone(), nulls)
}

/// The statistics of some files, a row for each.
struct Told {
    is_tight: BooleanArray,
    nulls: Vec<Vec<Option<u64>>>,
    mins: Vec<StringArray>,
    maxes: Vec<StringArray>,
}

impl Told {
    fn of(files: &[DeltaFile], columns: &[&Wanted]) -> DeltaResult<Self> {
        let texts: Vec<&str> = files.iter().map(|file| file.statistics.as_deref().unwrap_or("{}")).collect();
        let each = |of: &dyn Fn(&Wanted) -> bool| {
            let columns = columns.iter().filter(|column| of(column));
            // As it is written: numbers would be rounded on their way.
            let fields = columns.map(|column| Field::new(&column.physical, Arrow::Utf8, true));
            Arrow::Struct(fields.collect::<Fields>())
        };
        let extremes = |of: &dyn Fn(&Wanted) -> bool| {
            vec![Field::new("minValues", each(of), true), Field::new("maxValues", each(of), true)]
        };
        let mut fields = extremes(&|column| !is_text(column));
        fields.push(Field::new("tightBounds", Arrow::Boolean, true));
        fields.push(Field::new("nullCount", each(&|_| true), true));
        let rows = decoded(&texts, &Arc::new(Schema::new(fields)), Form::Any)?;
        // A number in the place of a text is no bound of texts.
        let of_texts = match columns.iter().any(|column| is_text(column)) {
            true => Some(decoded(&texts, &Arc::new(Schema::new(extremes(&|column| is_text(column)))), Form::Texts)?),
            false => None,
        };
        let values = |which: usize| {
            let found = columns.iter().map(|column| {
                let rows = if is_text(column) { of_texts.as_ref() } else { Some(&rows) };
                rows.map_or_else(|| StringArray::new_null(files.len()), |rows| within(rows, which, &column.physical))
            });
            found.collect::<Vec<_>>()
        };
        let nulls = columns.iter().map(|column| {
            let counts = within(&rows, 3, &column.physical);
            // A fraction is no count.
            counts.iter().map(|count| count.and_then(|count| count.parse().ok())).collect()
        });
        Ok(Self {
            is_tight: rows.column(2).as_boolean().clone(),
            nulls: nulls.collect(),
            mins: values(0),
            maxes: values(1),
        })
    }

    /// What they say of a column that is one of those that were looked for.
    fn bounds(&self, column: &Wanted, place: usize, files: &[DeltaFile]) -> ColumnBounds {
        let (Some(mins), Some(maxes), Some(nulls)) =
            (self.mins.get(place), self.maxes.get(place), self.nulls.get(place))
        else {
            return unknown(column.field.data_type(), files.len());
        };
        let (mins, maxes, mut are_exact) = extremes(column.field.data_type(), column.is_widened, mins, maxes);
        let mut null_counts = Vec::with_capacity(files.len());
        let mut are_all_null = Vec::with_capacity(files.len());
        for (at, file) in files.iter().enumerate() {
            let is_tight = self.is_tight(at, file);
            let count = nulls.get(at).copied().flatten();
            let is_all = count.is_some()
                && (count == file.stored_rows || (is_tight && file.rows().is_some() && count == file.rows()));
            are_all_null.push(is_all);
            null_counts.push(match count {
                _ if is_all => file.rows(),
                Some(0) => Some(0),
                count => count.filter(|count| is_tight && file.rows().is_none_or(|rows| *count <= rows)),
            });
            are_exact[at] &= is_tight;
        }
        ColumnBounds { mins, maxes, null_counts, are_all_null, are_exact }
    }

    /// Whether the statistics of a file are those of its rows that are not deleted.
    fn is_tight(&self, at: usize, file: &DeltaFile) -> bool {
        let told = self.is_tight.is_valid(at).then(|| self.is_tight.value(at));
        told.unwrap_or(file.deleted_rows == 0)
    }
}

/// What becomes a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Texts alone.
    Texts,
    /// Numbers and truth values, too.
    Any,
}

/// Texts of JSON as rows; one that is damaged is a row of nulls.
fn decoded(texts: &[&str], schema: &SchemaRef, form: Form) -> DeltaResult<RecordBatch> {
    if texts.is_empty() {
        return Ok(RecordBatch::new_empty(Arc::clone(schema)));
    }
    if let Some(rows) = decode(texts, schema, form) {
        return Ok(rows);
    }
    match texts.split_at_checked(texts.len() / 2) {
        Some((first, second)) if !first.is_empty() => {
            let parts = [decoded(first, schema, form)?, decoded(second, schema, form)?];
            concat_batches(schema, &parts).map_err(|error| DeltaError::damaged(LOG, words(&error)))
        }
        _ => {
            let nulls = schema.fields().iter().map(|field| new_null_array(field.data_type(), 1)).collect();
            RecordBatch::try_new(Arc::clone(schema), nulls).map_err(|error| DeltaError::damaged(LOG, words(&error)))
        }
    }
}

/// Texts of JSON as rows, where each of them is one object.
fn decode(texts: &[&str], schema: &SchemaRef, form: Form) -> Option<RecordBatch> {
    let builder = ReaderBuilder::new(Arc::clone(schema)).with_batch_size(texts.len().checked_add(1)?);
    // A value of another kind than it should be is none.
    let builder = builder.with_coerce_primitive(form == Form::Any).with_ignore_type_conflicts(true);
    let mut decoder = builder.build_decoder().ok()?;
    for (row, text) in texts.iter().enumerate() {
        let text = without_halves(text.trim().as_bytes());
        let is_one = decoder.decode(&text).ok()? == text.len() && !decoder.has_partial_record();
        if !is_one || decoder.len() != row + 1 {
            return None;
        }
    }
    decoder.flush().ok()?.filter(|rows| rows.num_rows() == texts.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_texts_leave_those_beside_them_whole() {
        let schema = Arc::new(Schema::new(vec![
            Field::new("tightBounds", Arrow::Boolean, true),
            Field::new("minValues", Arrow::Struct(vec![Field::new("a", Arrow::Utf8, true)].into()), true),
        ]));
        let texts = [
            r#"{"minValues":{"a":12345678901234567890.10},"tightBounds":true}"#,
            r#"{"minValues":{"a""#,
            r#"{"minValues":{"a":"\ud840\udc00"}}"#,
            "[]",
            "null",
            "",
            r#"{"minValues":{"a":"y"}} {"minValues":{"a":"z"}}"#,
            r#"{"minValues":7,"tightBounds":"yes"}"#,
            r#"{"minValues":{"a":{"b":1}},"tightBounds":false}"#,
            " {} ",
        ];
        let rows = decoded(&texts, &schema, Form::Any).unwrap();
        assert_eq!(rows.num_rows(), texts.len());
        let strict = decoded(&texts, &schema, Form::Texts).unwrap();
        let strict = within(&strict, 1, "a");
        assert!(strict.is_null(0) && strict.value(2) == "\u{20000}", "a number is no text");
        let found = rows.column(1).as_struct();
        let values = found.column(0).as_string::<i32>();
        let text = |row: usize| (found.is_valid(row) && values.is_valid(row)).then(|| values.value(row));
        assert_eq!(text(0), Some("12345678901234567890.10"));
        assert_eq!(text(2), Some("\u{20000}"));
        for row in [1, 3, 4, 5, 6, 7, 8, 9] {
            assert_eq!(text(row), None, "{}", texts[row]);
        }
        let tight = rows.column(0).as_boolean();
        assert!(tight.value(0) && tight.is_valid(8) && !tight.value(8));
        assert!([1, 2, 3, 7, 9].into_iter().all(|row| tight.is_null(row)));
    }
}
