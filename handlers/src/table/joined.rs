//! Record batches one after another, in memory that is used again.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayData, ArrayRef, AsArray, GenericByteArray, NullBufferBuilder, RecordBatch, RecordBatchOptions,
    make_array,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowNativeType, BinaryType, ByteArrayType, DataType, LargeBinaryType, LargeUtf8Type, SchemaRef, Utf8Type,
};
use arrow::error::ArrowError;
use bytes::Bytes;

use super::appended::end_of;
use super::concat::concat_rows;
use super::known_texts::array_of;
use super::spare::{LARGEST_ARRAY, Spare};

/// Puts batches together one after another. What comes of some goes into the memory of what came before, once nobody else has
/// that: memory that the system has to give anew costs more than copying into it.
#[derive(Debug)]
pub struct Joined {
    /// For columns that are too long for the memory that all share.
    long: Spare,
}

impl Default for Joined {
    fn default() -> Self {
        Self { long: Spare::new(usize::MAX, usize::MAX) }
    }
}

impl Joined {
    /// The rows of several batches of these columns as one batch.
    ///
    /// # Errors
    /// As [`concat_rows`].
    pub fn concat(&self, schema: &SchemaRef, batches: &[RecordBatch]) -> Result<RecordBatch, ArrowError> {
        let mut columns: Vec<Option<ArrayRef>> = Vec::with_capacity(schema.fields().len());
        for (index, field) in schema.fields().iter().enumerate() {
            let parts = batches.iter().map(|batch| batch.columns().get(index));
            let parts = parts.map(|part| part.filter(|part| part.data_type() == field.data_type()));
            columns.push(match parts.collect::<Option<Vec<&ArrayRef>>>() {
                Some(parts) => self.joined(field.data_type(), &parts)?,
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
        RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
    }

    /// Arrays of one type one after another; `None` for types that are put together otherwise.
    fn joined(&self, of: &DataType, parts: &[&ArrayRef]) -> Result<Option<ArrayRef>, ArrowError> {
        Ok(match of {
            DataType::Utf8 => Some(self.texts::<Utf8Type, 4>(parts)?),
            DataType::LargeUtf8 => Some(self.texts::<LargeUtf8Type, 8>(parts)?),
            DataType::Binary => Some(self.texts::<BinaryType, 4>(parts)?),
            DataType::LargeBinary => Some(self.texts::<LargeBinaryType, 8>(parts)?),
            other => match other.primitive_width() {
                Some(width) => Some(self.numbers(other, width, parts)?),
                None => None,
            },
        })
    }

    fn numbers(&self, of: &DataType, width: usize, parts: &[&ArrayRef]) -> Result<ArrayRef, ArrowError> {
        let rows = rows_of(parts);
        let values = self.filled(rows * width, |mut to| {
            for part in parts {
                let data = part.to_data();
                let bytes = data.buffers().first().map_or(&[][..], Buffer::as_slice);
                let start = data.offset() * width;
                to = append(to, bytes.get(start..start + data.len() * width))?;
            }
            Ok(())
        })?;
        let data = ArrayData::builder(of.clone()).len(rows).nulls(nulls_of(parts)).add_buffer(Buffer::from(values));
        Ok(make_array(data.build()?))
    }

    /// Texts, or bytes, whose ends have `WIDTH` bytes each.
    fn texts<T: ByteArrayType, const WIDTH: usize>(&self, parts: &[&ArrayRef]) -> Result<ArrayRef, ArrowError> {
        let parts_of: Vec<&GenericByteArray<T>> = parts.iter().map(|part| part.as_bytes::<T>()).collect();
        let range = |part: &GenericByteArray<T>| {
            let offsets = part.value_offsets();
            let end = |offset: Option<&T::Offset>| offset.map_or(0, |offset| offset.as_usize());
            end(offsets.first())..end(offsets.last())
        };
        let length: usize = parts_of.iter().map(|part| range(part).len()).sum();
        if T::Offset::from_usize(length).is_none() {
            return Err(ArrowError::OffsetOverflowError(length));
        }
        let values = self.filled(length, |mut to| {
            for part in &parts_of {
                to = append(to, part.value_data().get(range(part)))?;
            }
            Ok(())
        })?;
        let ends = self.filled((rows_of(parts) + 1) * WIDTH, |to| {
            let (to, _) = to.as_chunks_mut::<WIDTH>();
            let Some((first, mut to)) = to.split_first_mut() else { return Ok(()) };
            *first = end_of(0);
            let mut start = 0_usize;
            for part in &parts_of {
                let range = range(part);
                let ends = part.value_offsets().get(1..).unwrap_or_default();
                let (here, rest) = to.split_at_mut_checked(ends.len()).ok_or_else(too_many)?;
                let moved = start.wrapping_sub(range.start);
                for (end, to) in ends.iter().zip(here) {
                    *to = end_of(end.as_usize().wrapping_add(moved));
                }
                (to, start) = (rest, start + range.len());
            }
            Ok(())
        })?;
        let ends = OffsetBuffer::new(ScalarBuffer::from(Buffer::from(ends)));
        // SAFETY: each is a copy of a text of an array of such.
        #[allow(unsafe_code, reason = "the texts of arrays were looked at")]
        let array = unsafe { array_of::<T>(ends, Buffer::from(values), nulls_of(parts)) };
        Ok(Arc::new(array.map_err(|error| ArrowError::ComputeError(error.to_string()))?))
    }

    fn filled(
        &self,
        length: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), ArrowError>,
    ) -> Result<Bytes, ArrowError> {
        match length {
            0..=LARGEST_ARRAY => Spare::for_arrays().filled(length, fill),
            _ => self.long.filled(length, fill),
        }
    }
}

/// Puts bytes where there is room for them, and gives what is left of it.
fn append<'a>(to: &'a mut [u8], bytes: Option<&[u8]>) -> Result<&'a mut [u8], ArrowError> {
    let bytes = bytes.ok_or_else(|| ArrowError::MemoryError("an array ends early".to_owned()))?;
    let (here, rest) = to.split_at_mut_checked(bytes.len()).ok_or_else(too_many)?;
    here.copy_from_slice(bytes);
    Ok(rest)
}

fn too_many() -> ArrowError {
    ArrowError::MemoryError("arrays have more values than they say".to_owned())
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
        let joined = Joined::default();
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
        // Numbers of more bytes than all share.
        let all = rows(600_000);
        let parts = [all.slice(0, 240_000), all.slice(240_000, 360_000)];
        let joined = Joined::default();
        let address = |batch: &RecordBatch, column: usize| {
            let data = batch.column(column).to_data();
            data.buffers().iter().map(Buffer::as_ptr).collect::<Vec<_>>()
        };
        let first = joined.concat(&all.schema(), &parts).unwrap();
        assert_eq!(first, all);
        // Where the large texts end takes as many bytes as numbers.
        let long: Vec<_> = [0, 1, 2, 4].iter().flat_map(|column| address(&first, *column)).collect();
        let texts_of_first = address(&first, 3);
        let held = first.column(3).slice(10, 1);
        drop(first);
        let second = joined.concat(&all.schema(), &[parts[1].clone(), parts[0].clone()]).unwrap();
        assert!(long.contains(&address(&second, 0)[0]), "numbers are in memory of their own again");
        assert_ne!(address(&second, 3), texts_of_first, "texts that somebody has were written over");
        assert_eq!(&held, &all.column(3).slice(10, 1));
        drop(second);
        let few = joined.concat(&all.schema(), &[all.slice(0, 1), all.slice(1, 1)]).unwrap();
        assert_eq!(few, all.slice(0, 2));
    }
}
