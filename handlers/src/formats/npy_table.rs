//! numpy's `.npy` files as tables: an array is a column, of vectors where it has two dimensions; the fields of a structured
//! array are columns each. Several files are columns side by side, each called as its file.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, FixedSizeListArray, PrimitiveArray, RecordBatch,
    RecordBatchOptions, StringArray,
};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Field, FieldRef, Float16Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, Schema, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::input::{Meter, TableFile};
use super::{BATCH_BYTES, ImportOptions, Rows, TableFiles, bad, decoder_error, detect, quoted, some_rows};
use crate::error::HandlerResult;
use crate::guard::{Batches, GuardedReader};
use crate::npy::{ByteOrder, Dtype, NpyHeader, Scalar};
use crate::table::{TableReadOptions, places};

/// Opens files as columns side by side.
///
/// # Errors
/// [`HandlerError::BadFile`](crate::HandlerError::BadFile) for arrays that are no columns, of different lengths, or of one
/// name.
pub(super) fn open(files: &TableFiles, options: &ImportOptions) -> HandlerResult<Rows> {
    let arrays = files.paths().map(|path| {
        let file = TableFile::open(path)?;
        let found = detect::resolve(&file, options)?;
        options.refuse_for(path, found.format)?;
        Array::open(file)
    });
    rows(&files.place, arrays.collect::<HandlerResult<_>>()?, options, &options.part())
}

/// Opens one file.
///
/// # Errors
/// As [`open`].
pub(super) fn open_one(file: TableFile, options: &ImportOptions, part: &TableReadOptions) -> HandlerResult<Rows> {
    let place = file.path.clone();
    rows(&place, vec![Array::open(file)?], options, part)
}

fn rows(
    place: &std::path::Path,
    arrays: Vec<Array>,
    options: &ImportOptions,
    part: &TableReadOptions,
) -> HandlerResult<Rows> {
    let Some(rows) = arrays.first().map(|array| array.rows) else { return Err(bad(place, "names no file")) };
    let mut fields: Vec<FieldRef> = Vec::new();
    for array in &arrays {
        if array.rows != rows {
            let reason = format!("has {} rows, and the files before it have {rows}", array.rows);
            return Err(bad(&array.file.path, reason));
        }
        for column in &array.columns {
            if fields.iter().any(|known| known.name() == column.field.name()) {
                let reason = format!("gives a second column {}", quoted(column.field.name()));
                return Err(bad(&array.file.path, reason));
            }
            fields.push(Arc::clone(&column.field));
        }
    }
    let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
    let order = match &part.columns {
        Some(wanted) => places(&place.to_owned(), &names, wanted)?,
        None => (0..names.len()).collect(),
    };
    let schema = Arc::new(Schema::new(fields).project(&order)?);
    let row_bytes: u64 = arrays.iter().map(|array| array.row_bytes).sum();
    let most = usize::try_from(BATCH_BYTES as u64 / row_bytes.max(1)).unwrap_or(usize::MAX).max(1);
    let size = arrays.iter().map(|array| array.file.size).sum();
    let batches = ArrayBatches {
        schema: Arc::clone(&schema),
        arrays,
        order,
        rows,
        next: 0,
        batch_rows: part.batch_rows.clamp(1, most),
        meter: Meter::new(options.progress.as_ref(), size, 0, 1),
        row_bytes,
    };
    let rows: Rows = Box::new(GuardedReader::new(place, schema, batches));
    Ok(if part.wants_all_rows() { rows } else { some_rows(place, rows, part) })
}

/// An open array.
struct Array {
    file: TableFile,
    handle: File,
    data_offset: u64,
    rows: u64,
    row_bytes: u64,
    /// Whether the first element of all rows comes before the second of any.
    by_columns: bool,
    columns: Vec<Column>,
}

/// A column that an array gives.
struct Column {
    field: FieldRef,
    scalar: Scalar,
    /// Where in a row it begins.
    offset: usize,
    /// Elements of a vector; `None` for single values.
    vector: Option<i32>,
}

impl Array {
    fn open(file: TableFile) -> HandlerResult<Self> {
        let handle = file.handle()?;
        let header = NpyHeader::read(&mut BufReader::new(&handle))
            .and_then(|header| header.check_file_size(file.size).map(|()| header))
            .map_err(|error| bad(&file.path, error.to_string()))?;
        let name = file.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let columns = columns(&name, &header).map_err(|reason| bad(&file.path, reason))?;
        let rows = header.shape().first().copied().unwrap_or_default();
        let width: u64 = header.shape().iter().skip(1).product();
        let row_bytes = header.dtype().item_size().saturating_mul(width);
        let by_columns = header.fortran_order() && header.shape().len() > 1;
        Ok(Self { handle, data_offset: header.data_offset(), rows, row_bytes, by_columns, columns, file })
    }

    /// The bytes of some rows, row by row.
    fn read(&mut self, first: u64, count: usize) -> std::io::Result<Vec<u8>> {
        let row = usize::try_from(self.row_bytes).map_err(std::io::Error::other)?;
        let mut bytes = vec![0; row * count];
        if !self.by_columns {
            self.handle.seek(SeekFrom::Start(self.data_offset + first * self.row_bytes))?;
            self.handle.read_exact(&mut bytes)?;
            return Ok(bytes);
        }
        let Some(size) = self.columns.first().and_then(|column| usize::try_from(column.scalar.size).ok()) else {
            return Ok(bytes);
        };
        let mut column = vec![0; size * count];
        for place in 0..row / size {
            let before = (place as u64 * self.rows + first) * size as u64;
            self.handle.seek(SeekFrom::Start(self.data_offset + before))?;
            self.handle.read_exact(&mut column)?;
            for (number, value) in column.chunks_exact(size).enumerate() {
                let at = number * row + place * size;
                bytes[at..at + size].copy_from_slice(value);
            }
        }
        Ok(bytes)
    }
}

/// The columns that an array gives, or why it is none.
fn columns(name: &str, header: &NpyHeader) -> Result<Vec<Column>, String> {
    let shape = header.shape();
    let column = |name: &str, dtype: &Dtype, vector: &[u64], offset: u64| {
        let Dtype::Scalar(scalar) = dtype else {
            return Err(format!("field {} is a record of its own, which no column of a table is", quoted(name)));
        };
        let element = element_type(scalar).ok_or_else(|| {
            format!("column {}: elements of type {} have no form in a table", quoted(name), dtype.name())
        })?;
        let vector = match vector {
            [] => None,
            [length] => Some(
                i32::try_from(*length)
                    .ok()
                    .filter(|length| *length > 0)
                    .ok_or_else(|| format!("column {}: its vectors have {length} elements", quoted(name)))?,
            ),
            _ => {
                return Err(format!(
                    "column {}: an array of {} dimensions; a column takes one or two: reshape it",
                    quoted(name),
                    vector.len() + 1
                ));
            }
        };
        let data_type = match vector {
            Some(length) => DataType::FixedSizeList(Arc::new(Field::new_list_field(element, true)), length),
            None => element,
        };
        let offset = usize::try_from(offset).map_err(|error| error.to_string())?;
        Ok(Column { field: Arc::new(Field::new(name, data_type, true)), scalar: scalar.clone(), offset, vector })
    };
    match header.dtype() {
        _ if shape.is_empty() => Err("holds a single value, which is no column of a table".to_owned()),
        dtype @ Dtype::Scalar(_) => Ok(vec![column(name, dtype, &shape[1..], 0)?]),
        Dtype::Structured(_) if shape.len() > 1 => {
            Err("is an array of records in several dimensions; a table takes one: reshape it".to_owned())
        }
        Dtype::Structured(fields) => {
            let (mut found, mut offset) = (Vec::new(), 0);
            for field in fields {
                if !field.name.is_empty() {
                    found.push(column(&field.name, &field.dtype, &field.shape, offset)?);
                }
                offset += field.dtype.item_size() * field.shape.iter().product::<u64>();
            }
            if found.is_empty() { Err("has records without fields".to_owned()) } else { Ok(found) }
        }
    }
}

/// The Arrow type of an element.
fn element_type(scalar: &Scalar) -> Option<DataType> {
    use arrow::datatypes::TimeUnit;
    Some(match (scalar.kind, scalar.size, scalar.unit.as_deref()) {
        ('b', 1, _) => DataType::Boolean,
        ('i', 1, _) => DataType::Int8,
        ('i', 2, _) => DataType::Int16,
        ('i', 4, _) => DataType::Int32,
        ('i', 8, _) => DataType::Int64,
        ('u', 1, _) => DataType::UInt8,
        ('u', 2, _) => DataType::UInt16,
        ('u', 4, _) => DataType::UInt32,
        ('u', 8, _) => DataType::UInt64,
        ('f', 2, _) => DataType::Float16,
        ('f', 4, _) => DataType::Float32,
        ('f', 8, _) => DataType::Float64,
        ('U', size, _) if size > 0 => DataType::Utf8,
        ('S', size, _) if size > 0 => DataType::Binary,
        ('M', 8, Some("D")) => DataType::Date32,
        ('M', 8, Some("s")) => DataType::Timestamp(TimeUnit::Second, None),
        ('M', 8, Some("ms")) => DataType::Timestamp(TimeUnit::Millisecond, None),
        ('M', 8, Some("us")) => DataType::Timestamp(TimeUnit::Microsecond, None),
        ('M', 8, Some("ns")) => DataType::Timestamp(TimeUnit::Nanosecond, None),
        _ => return None,
    })
}

/// The elements as an Arrow array, or what is wrong with one.
fn elements(scalar: &Scalar, data_type: &DataType, bytes: &[u8]) -> Result<ArrayRef, String> {
    use arrow::datatypes::TimeUnit;
    let is_big = scalar.order == ByteOrder::Big;
    let values = || bytes.chunks_exact(usize::try_from(scalar.size).unwrap_or(usize::MAX));
    /// Numbers of one width.
    macro_rules! numbers {
        ($arrow:ty) => {
            Arc::new(PrimitiveArray::<$arrow>::from_iter_values(values().map(|value| {
                let value = value.try_into().unwrap_or_default();
                if is_big {
                    <$arrow as ArrowPrimitiveType>::Native::from_be_bytes(value)
                } else {
                    <$arrow as ArrowPrimitiveType>::Native::from_le_bytes(value)
                }
            })))
        };
    }
    let instants = || {
        values().map(|value| {
            let value = value.try_into().unwrap_or_default();
            let value = if is_big { i64::from_be_bytes(value) } else { i64::from_le_bytes(value) };
            // Not a time.
            (value != i64::MIN).then_some(value)
        })
    };
    Ok(match data_type {
        DataType::Boolean => Arc::new(values().map(|value| Some(value != [0])).collect::<BooleanArray>()),
        DataType::Int8 => numbers!(Int8Type),
        DataType::Int16 => numbers!(Int16Type),
        DataType::Int32 => numbers!(Int32Type),
        DataType::Int64 => numbers!(Int64Type),
        DataType::UInt8 => numbers!(UInt8Type),
        DataType::UInt16 => numbers!(UInt16Type),
        DataType::UInt32 => numbers!(UInt32Type),
        DataType::UInt64 => numbers!(UInt64Type),
        DataType::Float16 => numbers!(Float16Type),
        DataType::Float32 => numbers!(Float32Type),
        DataType::Float64 => numbers!(Float64Type),
        DataType::Utf8 => {
            let texts = values().map(|value| text(value, is_big).ok_or("a text is no Unicode".to_owned()));
            Arc::new(StringArray::from_iter_values(texts.collect::<Result<Vec<_>, _>>()?))
        }
        DataType::Binary => {
            // Zeros at the end fill an element up, in numpy as well.
            let length = |value: &[u8]| value.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            Arc::new(BinaryArray::from_iter_values(values().map(|value| &value[..length(value)])))
        }
        DataType::Date32 => {
            let days = instants().map(|days| match days.map(i32::try_from) {
                Some(Err(_)) => Err("a date lies beyond those that a table holds".to_owned()),
                days => Ok(days.and_then(Result::ok)),
            });
            Arc::new(PrimitiveArray::<Date32Type>::from_iter(days.collect::<Result<Vec<_>, _>>()?)) as Arc<Date32Array>
        }
        DataType::Timestamp(TimeUnit::Second, _) => {
            Arc::new(PrimitiveArray::<TimestampSecondType>::from_iter(instants()))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            Arc::new(PrimitiveArray::<TimestampMillisecondType>::from_iter(instants()))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Arc::new(PrimitiveArray::<TimestampMicrosecondType>::from_iter(instants()))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            Arc::new(PrimitiveArray::<TimestampNanosecondType>::from_iter(instants()))
        }
        other => return Err(format!("elements of type {other} cannot be read")),
    })
}

/// numpy's text: four bytes for each character, filled up with zeros.
fn text(value: &[u8], is_big: bool) -> Option<String> {
    let codes = value.chunks_exact(4).map(|code| {
        let code = code.try_into().unwrap_or_default();
        if is_big { u32::from_be_bytes(code) } else { u32::from_le_bytes(code) }
    });
    let text = codes.map(char::from_u32).collect::<Option<String>>()?;
    Some(text.trim_end_matches('\0').to_owned())
}

struct ArrayBatches {
    schema: arrow::datatypes::SchemaRef,
    arrays: Vec<Array>,
    /// The places of the wanted columns.
    order: Vec<usize>,
    rows: u64,
    next: u64,
    batch_rows: usize,
    meter: Meter,
    row_bytes: u64,
}

impl Batches for ArrayBatches {
    fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>> {
        let count = usize::try_from(self.rows - self.next).unwrap_or(usize::MAX).min(self.batch_rows);
        if count == 0 {
            return Ok(None);
        }
        let mut columns = Vec::new();
        for array in &mut self.arrays {
            let bytes = array.read(self.next, count);
            array.file.check_unchanged()?;
            let bytes = bytes.map_err(|error| bad(&array.file.path, format!("cannot be read: {error}")))?;
            let row = bytes.len() / count;
            for column in &array.columns {
                let made = column.make(&bytes, row).map_err(|reason| {
                    bad(&array.file.path, format!("column {}: {reason}", quoted(column.field.name())))
                })?;
                columns.push(made);
            }
        }
        self.next += count as u64;
        self.meter.tell(self.next.saturating_mul(self.row_bytes));
        let columns = self.order.iter().filter_map(|&place| columns.get(place).cloned()).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let path = self.arrays.first().map(|array| array.file.path.clone()).unwrap_or_default();
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map(Some)
            .map_err(|error| decoder_error(&path, "cannot be read", error))
    }
}

impl Column {
    /// Its values in rows of so many bytes.
    fn make(&self, bytes: &[u8], row: usize) -> Result<ArrayRef, String> {
        let size = usize::try_from(self.scalar.size).map_err(|error| error.to_string())?;
        let width = self.vector.map_or(Ok(1), usize::try_from).map_err(|error| error.to_string())? * size;
        let own: std::borrow::Cow<'_, [u8]> = match (self.offset, width == row) {
            (0, true) => bytes.into(),
            (offset, _) => bytes.chunks_exact(row).flat_map(|row| &row[offset..offset + width]).copied().collect(),
        };
        match self.field.data_type() {
            DataType::FixedSizeList(element, length) => {
                let values = elements(&self.scalar, element.data_type(), &own)?;
                let list = FixedSizeListArray::try_new(Arc::clone(element), *length, values, None);
                list.map(|list| Arc::new(list) as ArrayRef).map_err(|error| error.to_string())
            }
            data_type => elements(&self.scalar, data_type, &own),
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array as _, AsArray};
    use arrow::compute::concat_batches;

    use super::*;
    use crate::HandlerError;
    use crate::npy::NpyArray;

    fn write(path: &std::path::Path, array: &NpyArray) {
        array.write(&mut File::create(path).unwrap()).unwrap();
    }

    fn read(files: &[std::path::PathBuf], batch_size: usize) -> HandlerResult<RecordBatch> {
        let options = ImportOptions { batch_size, ..ImportOptions::default() };
        let reader = open(&TableFiles::find(files, None)?, &options)?;
        let schema = reader.schema();
        let batches = reader.collect::<Result<Vec<_>, _>>().map_err(HandlerError::from)?;
        Ok(concat_batches(&schema, &batches)?)
    }

    #[test]
    fn arrays_of_two_dimensions_are_vector_columns_in_any_order() {
        let dir = tempfile::tempdir().unwrap();
        let (vectors, ids) = (dir.path().join("emb.npy"), dir.path().join("id.npy"));
        // Rows 0 1 2 and 3 4 5, once row by row and once column by column.
        for (fortran, values) in [(false, [0, 1, 2, 3, 4, 5_i32]), (true, [0, 3, 1, 4, 2, 5])] {
            let bytes = values.iter().flat_map(|value| value.to_be_bytes()).collect();
            write(&vectors, &NpyArray::new(">i4", &[2, 3], fortran, bytes).unwrap());
            write(&ids, &NpyArray::from_slice(&[2], &[7_i64, 8]).unwrap());
            for batch_size in [1, 10] {
                let table = read(&[vectors.clone(), ids.clone()], batch_size).unwrap();
                assert_eq!(table.schema().field(0).name(), "emb");
                let lists = table.column(0).as_fixed_size_list();
                assert_eq!(lists.value(1).as_primitive::<Int32Type>().values(), &[3, 4, 5], "{fortran} {batch_size}");
                assert_eq!(table.column(1).as_primitive::<Int64Type>().values(), &[7, 8]);
            }
        }
        write(&ids, &NpyArray::from_slice(&[3], &[7_i64, 8, 9]).unwrap());
        let error = read(&[vectors, ids], 10).unwrap_err().to_string();
        assert!(error.contains("id.npy: has 3 rows, and the files before it have 2"), "{error}");
    }

    #[test]
    fn the_fields_of_records_are_columns() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.npy");
        let descr = "[('t', '<M8[s]'), ('n', '<U2'), ('v', '<f4', (2,))]";
        let mut bytes = Vec::new();
        for (time, text, vector) in [(86_400_i64, "ab", [1.5_f32, 2.5]), (i64::MIN, "c", [3.5, 4.5])] {
            bytes.extend(time.to_le_bytes());
            let mut codes = text.chars().map(u32::from).chain([0, 0]);
            bytes.extend((0..2).flat_map(|_| codes.next().unwrap().to_le_bytes()));
            bytes.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
        }
        write(&path, &NpyArray::new(descr, &[2], false, bytes).unwrap());
        let table = read(&[path], 10).unwrap();
        let times = table.column(0).as_primitive::<TimestampSecondType>();
        assert_eq!((times.value(0), times.is_null(1)), (86_400, true));
        assert_eq!(table.column(1).as_string::<i32>().iter().collect::<Vec<_>>(), [Some("ab"), Some("c")]);
        let vectors = table.column(2).as_fixed_size_list();
        assert_eq!(vectors.value(1).as_primitive::<Float32Type>().values(), &[3.5, 4.5]);
    }

    #[test]
    fn arrays_that_are_no_columns() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.npy");
        for (descr, shape, size, expected) in [
            ("<f4", &[][..], 4, "single value"),
            ("<f4", &[1, 1, 1], 4, "3 dimensions"),
            ("<f4", &[2, 0], 0, "0 elements"),
            ("<c8", &[1], 8, "complex64"),
        ] {
            write(&path, &NpyArray::new(descr, shape, false, vec![0; size]).unwrap());
            let error = read(std::slice::from_ref(&path), 10).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("x.npy"), "{error}");
        }
    }
}
