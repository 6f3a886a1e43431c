//! One dictionary for each column of a file, made of those that parts of a frame have.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, LargeStringArray, PrimitiveArray, RecordBatch, RecordBatchOptions,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type, Schema, SchemaRef};
use indexmap::IndexSet;

use super::text_field;
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::col;
use crate::frame::Frame;
use crate::pass::PassOptions;

/// Bytes of texts beyond which a column is written without a dictionary, for each column.
const MOST_BYTES: usize = 64 << 20;

/// The dictionaries of all columns of texts that have one.
#[derive(Debug, Default)]
pub(super) struct Dictionaries(Vec<(usize, Kind)>);

#[derive(Debug)]
enum Kind {
    /// The texts, in the order that they were met, as a set and as an array.
    Coded(IndexSet<Arc<str>>, ArrayRef),
    /// There are too many.
    Plain,
}

impl Dictionaries {
    /// Texts instead of the dictionaries of these columns.
    pub(super) fn plain(schema: &SchemaRef) -> Self {
        let places = schema.fields().iter().enumerate().filter(|(_, field)| is_coded(field.data_type()));
        Self(places.map(|(place, _)| (place, Kind::Plain)).collect())
    }

    /// Goes through the rows once, if there are such columns, and puts their dictionaries together.
    pub(super) fn gather(frame: &Frame, pass: &PassOptions) -> ColumnsResult<Self> {
        let schema = frame.arrow_schema()?;
        let places: Vec<usize> = schema
            .fields()
            .iter()
            .enumerate()
            .filter(|(_, field)| is_coded(field.data_type()))
            .map(|(at, _)| at)
            .collect();
        if places.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let names = places.iter().filter_map(|place| frame.names.get(*place));
        let columns: Vec<_> = names.map(|name| (name.clone(), col(name.clone()))).collect();
        let mut found: Vec<Gathering> = places.iter().map(|_| Gathering::default()).collect();
        for batch in frame.batches_of(&columns, pass)? {
            let batch = batch?;
            for (array, found) in batch.columns().iter().zip(&mut found) {
                found.add(array)?;
            }
        }
        Ok(Self(places.into_iter().zip(found.into_iter().map(Gathering::finish)).collect()))
    }

    /// The columns as they are written.
    pub(super) fn schema(&self, schema: &SchemaRef) -> SchemaRef {
        let mut fields = schema.fields().to_vec();
        for (place, kind) in &self.0 {
            if let Some(field) = fields.get_mut(*place) {
                *field = match kind {
                    Kind::Plain => text_field(field),
                    Kind::Coded(..) => Arc::new(field.as_ref().clone().with_data_type(data_type())),
                };
            }
        }
        Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
    }

    /// A batch with the dictionaries of all.
    pub(super) fn applied(&self, batch: &RecordBatch, schema: &SchemaRef) -> ColumnsResult<RecordBatch> {
        let mut arrays = batch.columns().to_vec();
        for (place, kind) in &self.0 {
            let Some(array) = arrays.get_mut(*place) else { continue };
            *array = match kind {
                Kind::Plain => cast(array, &DataType::LargeUtf8)?,
                Kind::Coded(texts, values) => recoded(array, texts, values)?,
            };
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(schema.clone(), arrays, &options)?)
    }
}

/// Whether values are texts that are named by codes.
fn is_coded(type_: &DataType) -> bool {
    matches!(type_, DataType::Dictionary(_, values)
        if matches!(**values, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View))
}

fn data_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::LargeUtf8))
}

/// The codes of an array for a dictionary that has all of its texts.
fn recoded(array: &ArrayRef, texts: &IndexSet<Arc<str>>, values: &ArrayRef) -> ColumnsResult<ArrayRef> {
    let own = array.as_any_dictionary();
    let own_texts = cast(own.values(), &DataType::LargeUtf8)?;
    let map: Vec<Option<i32>> = own_texts
        .as_string::<i64>()
        .iter()
        .map(|text| text.and_then(|text| texts.get_index_of(text)).and_then(|code| i32::try_from(code).ok()))
        .collect();
    let keys = cast(own.keys(), &DataType::Int64)?;
    let keys = keys.as_primitive::<arrow::datatypes::Int64Type>();
    let codes: PrimitiveArray<Int32Type> =
        keys.iter().map(|key| key.and_then(|key| map.get(usize::try_from(key).ok()?).copied().flatten())).collect();
    if codes.null_count() > array.logical_null_count() {
        return Err(ColumnsError::option(
            "a column has other texts than when it was looked at; is its file being written to?",
        ));
    }
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(codes, values.clone())?))
}

/// The texts of a column, as they are met.
#[derive(Debug, Default)]
struct Gathering {
    texts: IndexSet<Arc<str>>,
    bytes: usize,
    /// The dictionary that came last: mostly it comes again.
    last: Option<ArrayRef>,
    full: bool,
}

impl Gathering {
    fn add(&mut self, array: &ArrayRef) -> ColumnsResult<()> {
        let values = array.as_any_dictionary().values();
        let same = self.last.as_ref().is_some_and(|last| last.to_data().ptr_eq(&values.to_data()));
        if self.full || same {
            return Ok(());
        }
        let texts = cast(values, &DataType::LargeUtf8)?;
        for text in texts.as_string::<i64>().iter().flatten() {
            if !self.texts.contains(text) {
                self.bytes += text.len() + 32;
                self.texts.insert(text.into());
            }
        }
        self.full = self.bytes > MOST_BYTES;
        self.last = Some(values.clone());
        Ok(())
    }

    fn finish(self) -> Kind {
        if self.full {
            return Kind::Plain;
        }
        let values = LargeStringArray::from_iter_values(self.texts.iter());
        Kind::Coded(self.texts, Arc::new(values))
    }
}
