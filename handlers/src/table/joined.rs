//! Record batches one after another, in memory that is used again.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayData, ArrayRef, AsArray, GenericByteArray, NullBufferBuilder, RecordBatch, RecordBatchOptions,
    make_array,
};
use arrow::buffer::{Buffer, MutableBuffer, NullBuffer, OffsetBuffer};
use arrow::datatypes::{
    ArrowNativeType, BinaryType, ByteArrayType, DataType, LargeBinaryType, LargeUtf8Type, SchemaRef, Utf8Type,
};
use arrow::error::ArrowError;

use super::concat::concat_rows;

/// Puts batches together one after another. What comes of some goes into the memory of what came before, once nobody else has
/// that: memory that the system has to give anew costs more than copying into it.
#[derive(Debug, Default)]
pub struct Joined {
    last: Option<RecordBatch>,
}

impl Joined {
    /// The rows of several batches of these columns as one batch.
    ///
    /// # Errors
    /// As [`concat_rows`].
    pub fn concat(&mut self, schema: &SchemaRef, batches: &[RecordBatch]) -> Result<RecordBatch, ArrowError> {
        let last = self.last.take().filter(|last| last.schema_ref() == schema);
        let last: Vec<ArrayRef> = last.map(|last| last.columns().to_vec()).unwrap_or_default();
        let mut last = last.into_iter();
        let mut columns: Vec<Option<ArrayRef>> = Vec::with_capacity(schema.fields().len());
        for (index, field) in schema.fields().iter().enumerate() {
            let last = last.next();
            let parts = batches.iter().map(|batch| batch.columns().get(index));
            let parts = parts.map(|part| part.filter(|part| part.data_type() == field.data_type()));
            columns.push(match parts.collect::<Option<Vec<&ArrayRef>>>() {
                Some(parts) => joined(field.data_type(), &parts, last)?,
                None => None,
            });
        }
        let others: Vec<usize> =
            columns.iter().enumerate().filter_map(|(index, column)| column.is_none().then_some(index)).collect();
        if !others.is_empty() {
            let schema = Arc::new(schema.project(&others)?);
            let batches = batches.iter().map(|batch| batch.project(&others));
            let joined = concat_rows(&schema, &batches.collect::<Result<Vec<_>, _>>()?)?;
            for (index, column) in others.into_iter().zip(joined.columns()) {
                columns[index] = Some(Arc::clone(column));
            }
        }
        let rows = batches.iter().map(RecordBatch::num_rows).sum();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let columns = columns.into_iter().flatten().collect();
        let batch = RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?;
        self.last = Some(batch.clone());
        Ok(batch)
    }
}

/// Arrays of one type one after another; `None` for types that are put together otherwise.
fn joined(of: &DataType, parts: &[&ArrayRef], last: Option<ArrayRef>) -> Result<Option<ArrayRef>, ArrowError> {
    Ok(match of {
        DataType::Utf8 => Some(texts::<Utf8Type>(parts, last)?),
        DataType::LargeUtf8 => Some(texts::<LargeUtf8Type>(parts, last)?),
        DataType::Binary => Some(texts::<BinaryType>(parts, last)?),
        DataType::LargeBinary => Some(texts::<LargeBinaryType>(parts, last)?),
        other => match other.primitive_width() {
            Some(width) => Some(numbers(other, width, parts, last)?),
            None => None,
        },
    })
}

fn numbers(of: &DataType, width: usize, parts: &[&ArrayRef], last: Option<ArrayRef>) -> Result<ArrayRef, ArrowError> {
    let rows = rows_of(parts);
    let [memory] = memory_of(last);
    let mut values = emptied(memory, rows * width);
    for part in parts {
        let data = part.to_data();
        let bytes = data.buffers().first().map_or(&[][..], Buffer::as_slice);
        let start = data.offset() * width;
        let bytes = bytes.get(start..start + data.len() * width);
        values.extend_from_slice(bytes.ok_or_else(|| ArrowError::MemoryError("an array ends early".to_owned()))?);
    }
    let data = ArrayData::builder(of.clone()).len(rows).nulls(nulls_of(parts)).add_buffer(values.into()).build()?;
    Ok(make_array(data))
}

fn texts<T: ByteArrayType>(parts: &[&ArrayRef], last: Option<ArrayRef>) -> Result<ArrayRef, ArrowError> {
    let parts_of: Vec<&GenericByteArray<T>> = parts.iter().map(|part| part.as_bytes::<T>()).collect();
    let range = |part: &GenericByteArray<T>| {
        let offsets = part.value_offsets();
        let end = |offset: Option<&T::Offset>| offset.map_or(0, |offset| offset.as_usize());
        end(offsets.first())..end(offsets.last())
    };
    let bytes: usize = parts_of.iter().map(|part| range(part).len()).sum();
    if T::Offset::from_usize(bytes).is_none() {
        return Err(ArrowError::OffsetOverflowError(bytes));
    }
    let [offsets, values] = memory_of(last);
    let mut values = emptied(values, bytes);
    let mut offsets: Vec<T::Offset> = offsets.and_then(|memory| memory.into_vec().ok()).unwrap_or_default();
    offsets.clear();
    offsets.reserve(rows_of(parts) + 1);
    offsets.push(T::Offset::usize_as(0));
    for part in parts_of {
        let range = range(part);
        let moved = T::Offset::usize_as(values.len()) - T::Offset::usize_as(range.start);
        let ends = part.value_offsets().get(1..).unwrap_or_default();
        offsets.extend(ends.iter().map(|end| *end + moved));
        let bytes = part.value_data().get(range);
        values.extend_from_slice(bytes.ok_or_else(|| ArrowError::MemoryError("a text ends early".to_owned()))?);
    }
    let offsets = OffsetBuffer::new(offsets.into());
    Ok(Arc::new(GenericByteArray::<T>::try_new(offsets, values.into(), nulls_of(parts))?))
}

fn rows_of(parts: &[&ArrayRef]) -> usize {
    parts.iter().map(|part| part.len()).sum()
}

fn nulls_of(parts: &[&ArrayRef]) -> Option<NullBuffer> {
    let mut nulls = NullBufferBuilder::new(rows_of(parts));
    for part in parts {
        match part.nulls() {
            Some(of_part) => nulls.append_buffer(of_part),
            None => nulls.append_n_non_nulls(part.len()),
        }
    }
    nulls.finish()
}

/// The buffers of an array, which is no more.
fn memory_of<const N: usize>(last: Option<ArrayRef>) -> [Option<Buffer>; N] {
    let mut buffers = last.map(|last| last.to_data().buffers().to_vec()).unwrap_or_default().into_iter();
    std::array::from_fn(|_| buffers.next())
}

/// Memory for so many bytes: that of a buffer where nobody else has it. Much more than is needed is not kept with little in it.
fn emptied(memory: Option<Buffer>, bytes: usize) -> MutableBuffer {
    const SPARE: usize = 1 << 20;
    let fits = |memory: &Buffer| memory.capacity() <= bytes.saturating_mul(2).saturating_add(SPARE);
    let memory = memory.filter(fits).and_then(|memory| memory.into_mutable().ok());
    let mut memory = memory.unwrap_or_default();
    memory.clear();
    memory.reserve(bytes);
    memory
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        BooleanArray, DictionaryArray, FixedSizeListArray, Int8Array, Int64Array, LargeStringArray, StringArray,
        TimestampMicrosecondArray,
    };
    use arrow::datatypes::{Float32Type, Int8Type};

    use super::*;

    /// Columns of many types, with nulls; rows that others are cut from.
    fn rows(count: i64) -> RecordBatch {
        let some = |n: i64| (n % 5 != 3).then_some(n);
        let text = |n: i64| some(n).map(|n| "é".repeat(usize::try_from(n % 4).unwrap()));
        let vectors = (0..count).map(|n| Some([n as f32, -1.0].map(Some)));
        let names: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c"]));
        let keys = Int8Array::from_iter((0..count).map(|n| some(n).map(|n| (n % 3) as i8)));
        let columns: [(&str, ArrayRef); 8] = [
            ("whole", Arc::new(Int64Array::from_iter_values(0..count))),
            ("nullable", Arc::new(Int64Array::from_iter((0..count).map(some)))),
            ("instant", Arc::new(TimestampMicrosecondArray::from_iter((0..count).map(some)).with_timezone("UTC"))),
            ("text", Arc::new(StringArray::from_iter((0..count).map(text)))),
            ("large", Arc::new(LargeStringArray::from_iter((0..count).map(text)))),
            ("bool", Arc::new(BooleanArray::from_iter((0..count).map(|n| some(n).map(|n| n % 2 == 0))))),
            ("category", Arc::new(DictionaryArray::<Int8Type>::new(keys, names))),
            ("vector", Arc::new(FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(vectors, 2))),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
    }

    #[test]
    fn batches_follow_each_other_as_arrow_puts_them() {
        let all = rows(100);
        let mut joined = Joined::default();
        for cuts in [&[0, 100][..], &[0, 1, 2, 50, 100], &[7, 7, 9], &[13, 80, 80, 81], &[5, 5]] {
            let parts: Vec<RecordBatch> = cuts.windows(2).map(|cut| all.slice(cut[0], cut[1] - cut[0])).collect();
            // Once into memory of its own, then into that of the one before.
            for _ in 0..2 {
                let (first, last) = (cuts[0], cuts[cuts.len() - 1]);
                assert_eq!(joined.concat(&all.schema(), &parts).unwrap(), all.slice(first, last - first), "{cuts:?}");
            }
        }
        assert_eq!(joined.concat(&all.schema(), &[]).unwrap().num_rows(), 0);
        let other = rows(3).project(&[0]).unwrap();
        assert_eq!(joined.concat(&other.schema(), &[other.clone(), other.clone()]).unwrap().num_rows(), 6);
        // Columns that are not those of the schema are an error, as Arrow has it.
        joined.concat(&all.schema(), &[other]).unwrap_err();
    }

    #[test]
    fn memory_is_used_again_once_nobody_else_has_it() {
        let all = rows(1_000);
        let parts = [all.slice(0, 400), all.slice(400, 600)];
        let mut joined = Joined::default();
        let address = |batch: &RecordBatch, column: usize| {
            let data = batch.column(column).to_data();
            data.buffers().iter().map(Buffer::as_ptr).collect::<Vec<_>>()
        };
        let first = joined.concat(&all.schema(), &parts).unwrap();
        let of_first = [0, 3].map(|column| address(&first, column));
        let held = first.column(3).slice(10, 1);
        drop(first);
        let second = joined.concat(&all.schema(), &[parts[1].clone(), parts[0].clone()]).unwrap();
        assert_eq!(address(&second, 0), of_first[0], "numbers are in memory of their own again");
        assert_ne!(address(&second, 3), of_first[1], "texts that somebody has were written over");
        assert_eq!(&held, &all.column(3).slice(10, 1));
        // A text is nowhere near as long as the memory that it would keep.
        drop(second);
        let few = joined.concat(&all.schema(), &[all.slice(0, 1), all.slice(1, 1)]).unwrap();
        assert_eq!(few, all.slice(0, 2));
    }
}
