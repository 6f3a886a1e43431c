//! A column as a `.npy` file.

use std::io::{BufWriter, Write};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, TimeUnit};

use super::Job;
use crate::error::{ColumnsError, ColumnsResult};
use crate::hdf5::Target;

/// The data begins at a multiple of this, as NumPy writes it.
const ALIGNMENT: usize = 64;

impl Job<'_> {
    pub(super) fn npy(&self) -> ColumnsResult<u64> {
        let schema = self.frame.arrow_schema()?;
        let [field] = schema.fields().as_ref() else {
            return Err(ColumnsError::option(format!(
                "a .npy file holds one column, and there are {}; write each to a file of its own",
                schema.fields().len()
            )));
        };
        let (descr, shape, filler) = described(field).map_err(|(type_, advice)| {
            let reason = format!("cannot hold column '{}' of type {type_}: {advice}", field.name());
            ColumnsError::unsupported(self.path, reason)
        })?;
        let rows = self.frame.count_rows(self.pass)?;
        let io = |error| ColumnsError::io("write", self.path, error);
        let target = Target::create(self.path)?;
        let mut output = BufWriter::with_capacity(1 << 20, target.file.try_clone().map_err(io)?);
        output.write_all(&header(&descr, rows, &shape)).map_err(io)?;
        let mut written = 0;
        for batch in self.frame.to_batches(self.pass)? {
            let batch = batch?;
            written += batch.num_rows() as u64;
            output.write_all(&bytes_of(batch.column(0), field, &filler)?).map_err(io)?;
        }
        if written != rows {
            return Err(ColumnsError::option(format!("there were {rows} rows, and now there are {written}")));
        }
        output.flush().map_err(io)?;
        drop(output);
        target.commit()?;
        Ok(rows)
    }
}

/// What is written where there is no value: its bytes; none where the type has nothing for it.
type Filler = Option<Vec<u8>>;

/// NumPy's name for the type, the shape of a row, and the filler.
fn described(field: &Field) -> Result<(String, Vec<u64>, Filler), (DataType, &'static str)> {
    let mut shape = Vec::new();
    let mut type_ = field.data_type();
    while let DataType::FixedSizeList(item, length) = type_ {
        shape.push(u64::try_from(*length).unwrap_or(0));
        type_ = item.data_type();
    }
    let unit = |unit: &TimeUnit| match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "us",
        TimeUnit::Nanosecond => "ns",
    };
    let order = if cfg!(target_endian = "big") { '>' } else { '<' };
    let not_a_time = || Some(i64::MIN.to_ne_bytes().to_vec());
    let (name, filler) = match type_ {
        DataType::Boolean => ("b1".to_owned(), None),
        DataType::Float16 => ("f2".to_owned(), Some(half::f16::NAN.to_ne_bytes().to_vec())),
        DataType::Float32 => ("f4".to_owned(), Some(f32::NAN.to_ne_bytes().to_vec())),
        DataType::Float64 => ("f8".to_owned(), Some(f64::NAN.to_ne_bytes().to_vec())),
        DataType::Timestamp(ticks, None) => (format!("M8[{}]", unit(ticks)), not_a_time()),
        DataType::Date64 => ("M8[ms]".to_owned(), not_a_time()),
        DataType::Duration(ticks) => (format!("m8[{}]", unit(ticks)), not_a_time()),
        integer if integer.is_signed_integer() => (format!("i{}", integer.primitive_width().unwrap_or(8)), None),
        integer if integer.is_unsigned_integer() => (format!("u{}", integer.primitive_width().unwrap_or(8)), None),
        DataType::Date32 => return Err((type_.clone(), "cast it to datetime64[s]")),
        DataType::Timestamp(..) => return Err((type_.clone(), "cast it to a timestamp without time zone")),
        _ => return Err((type_.clone(), "an array holds numbers, truth values or times; write it to an Arrow file")),
    };
    Ok((format!("{order}{name}"), shape, filler))
}

/// The header as NumPy's `save` writes it.
fn header(descr: &str, rows: u64, shape: &[u64]) -> Vec<u8> {
    let lengths: Vec<String> =
        std::iter::once(rows).chain(shape.iter().copied()).map(|length| length.to_string()).collect();
    let comma = if shape.is_empty() { "," } else { "" };
    let mut text =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}{comma}), }}", lengths.join(", "));
    let length = (10 + text.len() + 1).next_multiple_of(ALIGNMENT) - 10;
    text.push_str(&" ".repeat(length - text.len() - 1));
    text.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    // A type, a few lengths and spaces: far below the 65,535 bytes of version 1.0.
    bytes.extend_from_slice(&(text.len() as u16).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// The bytes of values as they are in memory, with the filler where there is none.
fn bytes_of(array: &ArrayRef, field: &Field, filler: &Filler) -> ColumnsResult<Vec<u8>> {
    let mut array = array.clone();
    let mut nulls = array.nulls().cloned();
    while let Some(list) = array.as_fixed_size_list_opt() {
        let length = usize::try_from(list.value_length()).unwrap_or(0);
        let values = list.values().slice(list.value_offset_at(0), list.len() * length);
        let outer = nulls.map(|nulls| nulls.expand(length));
        nulls = NullBuffer::union(outer.as_ref(), values.nulls());
        array = values;
    }
    let nulls = nulls.filter(|nulls| nulls.null_count() > 0);
    let missing = || {
        ColumnsError::option(format!(
            "column '{}' has rows without a value, for which its type {} has none in NumPy; fill them with `fillmissing` first",
            field.name(),
            array.data_type()
        ))
    };
    if let Some(values) = array.as_boolean_opt() {
        return match nulls {
            Some(_) => Err(missing()),
            None => Ok(values.values().iter().map(u8::from).collect()),
        };
    }
    let width = array.data_type().primitive_width().unwrap_or(1);
    let data = array.to_data();
    let start = data.offset() * width;
    let values = data.buffers().first().and_then(|buffer| buffer.as_slice().get(start..start + data.len() * width));
    let mut bytes = values.unwrap_or_default().to_vec();
    if let Some(nulls) = nulls {
        let filler = filler.as_ref().ok_or_else(missing)?;
        for (cell, there) in bytes.chunks_exact_mut(width).zip(nulls.iter()) {
            if !there {
                cell.copy_from_slice(filler);
            }
        }
    }
    Ok(bytes)
}
