//! Several sources, one after the other.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::{Batches, RawBatches, Source};
use crate::block::data_type;
use crate::error::{ColumnsError, ColumnsResult};
use crate::types::Type;

/// The rows of several sources. Columns are matched by name: what a source lacks is missing in its rows, and values of different
/// types become those of the type that they have in common.
#[derive(Debug)]
pub struct ConcatSource {
    schema: SchemaRef,
    parts: Vec<Part>,
    rows: u64,
}

#[derive(Debug)]
struct Part {
    source: Arc<dyn Source>,
    /// The number of its first row.
    start: u64,
    rows: u64,
    /// Where each column is in it.
    places: Vec<Option<usize>>,
}

/// A column, while sources are looked at.
struct Found {
    field: Field,
    /// The source that gave it its type.
    source: usize,
    /// In how many sources it is.
    count: usize,
}

impl ConcatSource {
    /// The rows of all sources. With `strict`, all must have the same columns of the same types.
    ///
    /// # Errors
    /// Where a column has types in two sources that have none in common, which are named; with `strict`, where columns differ.
    pub fn new(sources: Vec<Arc<dyn Source>>, strict: bool) -> ColumnsResult<Self> {
        let schemas: Vec<SchemaRef> = sources.iter().map(|source| source.schema()).collect();
        let name = |at: usize| sources.get(at).map(|source| source.name()).unwrap_or_default();
        let mut found: Vec<Found> = Vec::new();
        let mut by_name: HashMap<String, usize> = HashMap::new();
        for (at, schema) in schemas.iter().enumerate() {
            for field in schema.fields() {
                let Some(column) = by_name.get(field.name()).and_then(|column| found.get_mut(*column)) else {
                    if strict && at > 0 {
                        return Err(ColumnsError::option(format!(
                            "'{}' has a column '{}', and '{}' has none",
                            name(at),
                            field.name(),
                            name(0)
                        )));
                    }
                    by_name.insert(field.name().clone(), found.len());
                    found.push(Found { field: field.as_ref().clone(), source: at, count: 1 });
                    continue;
                };
                column.count += 1;
                let (known, own) = (column.field.data_type(), field.data_type());
                if known == own {
                    continue;
                }
                let common = if strict { None } else { common(known, own) };
                let Some(common) = common else {
                    let advice = match strict {
                        true => "; without `strict`, types are widened where they can be",
                        false => "; cast the column of one of them first",
                    };
                    return Err(ColumnsError::option(format!(
                        "column '{}' is {} in '{}' and {} in '{}'{advice}",
                        field.name(),
                        Type::of_arrow(known),
                        name(column.source),
                        Type::of_arrow(own),
                        name(at)
                    )));
                };
                if common != *known {
                    column.field = column.field.clone().with_data_type(common);
                    column.source = at;
                }
            }
        }
        if strict && let Some(short) = found.iter().find(|column| column.count < sources.len()) {
            let without = schemas.iter().position(|schema| schema.index_of(short.field.name()).is_err()).unwrap_or(0);
            let name = name(without);
            return Err(ColumnsError::option(format!(
                "'{name}' has no column '{}', and others have",
                short.field.name()
            )));
        }
        let all = sources.len();
        let nullable = |column: Found| match column.count < all {
            true => column.field.with_nullable(true),
            false => column.field,
        };
        // Notes on the whole of a table are those of the first.
        let notes = schemas.first().map(|schema| schema.metadata().clone()).unwrap_or_default();
        let mut fields: Vec<Field> = found.into_iter().map(nullable).collect();
        for field in &mut fields {
            if schemas.iter().any(|schema| schema.field_with_name(field.name()).is_ok_and(Field::is_nullable)) {
                field.set_nullable(true);
            }
        }
        let schema = Arc::new(Schema::new_with_metadata(fields, notes));
        let mut rows = 0;
        let mut parts = Vec::with_capacity(sources.len());
        for (source, own) in sources.into_iter().zip(&schemas) {
            let places: HashMap<&str, usize> =
                own.fields().iter().enumerate().map(|(at, field)| (field.name().as_str(), at)).collect();
            let places = schema.fields().iter().map(|field| places.get(field.name().as_str()).copied()).collect();
            let count = source.rows();
            parts.push(Part { source, start: rows, rows: count, places });
            rows += count;
        }
        Ok(Self { schema, parts, rows })
    }

    /// The sources that have some of these rows, with the rows of each.
    fn parts(&self, rows: &Range<u64>) -> impl Iterator<Item = (&Part, Range<u64>)> + Send + '_ {
        let (start, end) = (rows.start, rows.end);
        let first = self.parts.partition_point(|part| part.start + part.rows <= start);
        self.parts
            .iter()
            .skip(first)
            .take_while(move |part| part.start < end)
            .filter(|part| part.rows > 0)
            .map(move |part| (part, start.max(part.start) - part.start..end.min(part.start + part.rows) - part.start))
    }
}

/// The type that the values of both become; none where there is none.
fn common(a: &DataType, b: &DataType) -> Option<DataType> {
    let (left, right) = (Type::of_arrow(a), Type::of_arrow(b));
    if left == Type::Null {
        return Some(b.clone());
    }
    if right == Type::Null {
        return Some(a.clone());
    }
    if matches!((&left, &right), (Type::Other(_), _) | (_, Type::Other(_))) {
        return None;
    }
    data_type(&left.common(&right)?)
}

impl Part {
    /// A batch of this source as one of all.
    fn widened(
        &self,
        batch: &RecordBatch,
        own: &[usize],
        columns: &[usize],
        schema: &SchemaRef,
    ) -> ColumnsResult<RecordBatch> {
        let options = CastOptions { safe: false, ..CastOptions::default() };
        let mut read = own.iter().zip(batch.columns());
        let mut arrays = Vec::with_capacity(columns.len());
        for (column, field) in columns.iter().zip(schema.fields()) {
            let place = self.places.get(*column).copied().flatten();
            let array = match place.and_then(|_| read.next()) {
                None => new_null_array(field.data_type(), batch.num_rows()),
                Some((_, array)) if array.data_type() == field.data_type() => array.clone(),
                Some((_, array)) => cast_with_options(array, field.data_type(), &options)?,
            };
            arrays.push(array);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(schema.clone(), arrays, &options)?)
    }

    /// Whether the columns are there, and of the types of all.
    fn as_all(&self, own: &[usize], schema: &SchemaRef) -> bool {
        let fields = self.source.schema();
        own.len() == schema.fields().len()
            && own.iter().zip(schema.fields()).all(|(place, field)| {
                fields.fields().get(*place).is_some_and(|own| own.data_type() == field.data_type())
            })
    }

    fn own(&self, columns: &[usize]) -> Vec<usize> {
        columns.iter().filter_map(|column| self.places.get(*column).copied().flatten()).collect()
    }

    fn read(&self, rows: Range<u64>, columns: &[usize], schema: &SchemaRef) -> ColumnsResult<Batches<'_>> {
        let own = self.own(columns);
        let batches = self.source.read(rows, &own)?;
        let (columns, schema) = (columns.to_vec(), schema.clone());
        Ok(Box::new(batches.map(move |batch| self.widened(&batch?, &own, &columns, &schema))))
    }

    fn read_raw(&self, rows: Range<u64>, columns: &[usize], schema: &SchemaRef) -> ColumnsResult<RawBatches<'_>> {
        let own = self.own(columns);
        match self.as_all(&own, schema) {
            true => self.source.read_raw(rows, &own),
            false => Ok(Box::new(self.read(rows, columns, schema)?.map(|batch| Ok(super::RawBatch::of(&batch?))))),
        }
    }
}

impl Source for ConcatSource {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn name(&self) -> String {
        match self.parts.as_slice() {
            [] => "no rows".to_owned(),
            [one] => one.source.name(),
            [first, .., last] => format!("{} to {}", first.source.name(), last.source.name()),
        }
    }

    /// No task has rows of two sources.
    fn tasks(&self, rows: Range<u64>, target: u64) -> Vec<Range<u64>> {
        let tasks = self.parts(&rows).flat_map(|(part, own)| {
            part.source.tasks(own, target).into_iter().map(|task| task.start + part.start..task.end + part.start)
        });
        tasks.collect()
    }

    fn read(&self, rows: Range<u64>, columns: &[usize]) -> ColumnsResult<Batches<'_>> {
        let schema = Arc::new(self.schema.project(columns)?);
        let columns = columns.to_vec();
        Ok(Box::new(self.parts(&rows).flat_map(move |(part, own)| match part.read(own, &columns, &schema) {
            Ok(batches) => batches,
            Err(error) => Box::new(std::iter::once(Err(error))) as Batches<'_>,
        })))
    }

    fn read_raw(&self, rows: Range<u64>, columns: &[usize]) -> ColumnsResult<RawBatches<'_>> {
        let schema = Arc::new(self.schema.project(columns)?);
        let columns = columns.to_vec();
        Ok(Box::new(self.parts(&rows).flat_map(move |(part, own)| match part.read_raw(own, &columns, &schema) {
            Ok(batches) => batches,
            Err(error) => Box::new(std::iter::once(Err(error))) as RawBatches<'_>,
        })))
    }

    fn check(&self) -> ColumnsResult<()> {
        self.parts.iter().try_for_each(|part| part.source.check())
    }

    fn fingerprint(&self, columns: &[usize]) -> Option<String> {
        let parts = self.parts.iter().map(|part| {
            let places: Vec<Option<usize>> =
                columns.iter().map(|column| part.places.get(*column).copied().flatten()).collect();
            Some(format!("{} rows of {} as {places:?}", part.rows, part.source.fingerprint(&part.own(columns))?))
        });
        let parts: Vec<String> = parts.collect::<Option<_>>()?;
        // What the values are cast to is part of what they are.
        let fields: Vec<String> = columns
            .iter()
            .filter_map(|column| self.schema.fields().get(*column))
            .map(|field| field.data_type().to_string())
            .collect();
        Some(format!("{} ({})", parts.join("; "), fields.join(", ")))
    }
}
