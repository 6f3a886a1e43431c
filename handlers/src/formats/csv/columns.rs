//! Turning the text of a column into an array of its type.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, ArrowPrimitiveType, BooleanBuilder, GenericStringBuilder, OffsetSizeTrait, PrimitiveBuilder,
};
use arrow::compute::kernels::cast_utils::parse_decimal;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::infer::trim;
use super::instant::Instant;
use super::records::{Cells, Flaw};
use crate::formats::quoted;

/// The texts that stand for a missing value.
#[derive(Debug, Clone)]
pub(super) struct Nulls {
    texts: Vec<String>,
    empty: bool,
    /// True for the bytes that one of them begins with: most values begin with none of these.
    first: [bool; 256],
}

impl Nulls {
    pub(super) fn new(texts: &[String]) -> Self {
        let mut first = [false; 256];
        texts.iter().filter_map(|text| text.as_bytes().first()).for_each(|&byte| first[usize::from(byte)] = true);
        Self { texts: texts.to_vec(), empty: texts.iter().any(String::is_empty), first }
    }

    #[inline]
    pub(super) fn contain(&self, value: &str) -> bool {
        match value.as_bytes().first() {
            None => self.empty,
            Some(&byte) => self.first[usize::from(byte)] && self.texts.iter().any(|text| text == value),
        }
    }
}

/// Collects the values of one column.
pub(super) trait Column: Send {
    /// Takes the column's fields of a block.
    fn extend(&mut self, cells: Cells<'_>, nulls: &Nulls) -> Result<(), Flaw>;

    /// The array of what was collected; begins anew.
    fn finish(&mut self) -> ArrayRef;
}

/// A column of this type, from the fields at `index`; `None` for a type that text cannot be turned into.
pub(super) fn column(data_type: &DataType, index: usize, name: &str) -> Option<Box<dyn Column>> {
    let site = Site { index, name: name.into(), data_type: data_type.clone() };
    Some(match data_type {
        DataType::Boolean => Box::new(Bools { site, builder: BooleanBuilder::with_capacity(0) }),
        DataType::Utf8 => Box::new(Strings::<i32> { site, builder: GenericStringBuilder::with_capacity(0, 0) }),
        DataType::LargeUtf8 => Box::new(Strings::<i64> { site, builder: GenericStringBuilder::with_capacity(0, 0) }),
        DataType::Int8 => primitive::<Int8Type>(site, |text| text.parse().ok()),
        DataType::Int16 => primitive::<Int16Type>(site, |text| text.parse().ok()),
        DataType::Int32 => primitive::<Int32Type>(site, |text| text.parse().ok()),
        DataType::Int64 => primitive::<Int64Type>(site, |text| text.parse().ok()),
        DataType::UInt8 => primitive::<UInt8Type>(site, |text| text.parse().ok()),
        DataType::UInt16 => primitive::<UInt16Type>(site, |text| text.parse().ok()),
        DataType::UInt32 => primitive::<UInt32Type>(site, |text| text.parse().ok()),
        DataType::UInt64 => primitive::<UInt64Type>(site, |text| text.parse().ok()),
        DataType::Float32 => primitive::<Float32Type>(site, |text| text.parse().ok()),
        DataType::Float64 => primitive::<Float64Type>(site, |text| text.parse().ok()),
        DataType::Date32 => primitive::<Date32Type>(site, super::parse_date),
        DataType::Timestamp(unit, zone) => {
            let zone = zone.as_deref();
            match unit {
                TimeUnit::Second => primitive::<TimestampSecondType>(site, timestamp(1_000_000_000, zone)),
                TimeUnit::Millisecond => primitive::<TimestampMillisecondType>(site, timestamp(1_000_000, zone)),
                TimeUnit::Microsecond => primitive::<TimestampMicrosecondType>(site, timestamp(1_000, zone)),
                TimeUnit::Nanosecond => primitive::<TimestampNanosecondType>(site, timestamp(1, zone)),
            }
        }
        DataType::Decimal128(digits, scale) => {
            let (digits, scale) = (*digits, *scale);
            primitive::<Decimal128Type>(site, move |text| {
                // The library rounds what the scale does not hold; here that is a value which does not fit.
                let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction).trim_end_matches('0');
                let fits = fraction.len() <= usize::from(scale.unsigned_abs()) && !text.contains(['e', 'E']);
                parse_decimal::<Decimal128Type>(text, digits, scale).ok().filter(|_| fits)
            })
        }
        _ => return None,
    })
}

/// Reads timestamps: with a zone, the offset in the text or else UTC counts; without, the text must have no offset. A
/// zone other than UTC needs the offset, as the rules of zones are not known here.
fn timestamp(nanos_per_unit: i64, zone: Option<&str>) -> impl Fn(&str) -> Option<i64> + Send + 'static {
    let zoned = zone.is_some();
    let is_utc = matches!(zone, Some("UTC" | "Z" | "+00:00" | "Etc/UTC" | "GMT"));
    move |text| {
        Instant::parse(text)
            .filter(|instant| if instant.offset.is_some() { zoned } else { !zoned || is_utc })
            .and_then(|instant| instant.in_units_of(nanos_per_unit))
    }
}

/// Where a column's fields are, and what they should be.
struct Site {
    index: usize,
    name: Box<str>,
    data_type: DataType,
}

impl Site {
    #[inline]
    fn cell<'a>(&self, cells: &Cells<'a>, row: usize) -> Result<&'a str, Flaw> {
        cells.get(row, self.index).ok_or_else(|| cells.split_character(row, self.index))
    }

    #[cold]
    fn misfit(&self, cells: &Cells<'_>, row: usize, text: &str) -> Flaw {
        let line = cells.line(row, self.index);
        Flaw::Line(line, format!("column {}: {} is not of type {}", quoted(&self.name), quoted(text), self.data_type))
    }
}

struct Primitive<T: ArrowPrimitiveType, F> {
    site: Site,
    builder: PrimitiveBuilder<T>,
    parse: F,
}

fn primitive<T: ArrowPrimitiveType>(
    site: Site,
    parse: impl Fn(&str) -> Option<T::Native> + Send + 'static,
) -> Box<dyn Column> {
    let builder = PrimitiveBuilder::<T>::with_capacity(0).with_data_type(site.data_type.clone());
    Box::new(Primitive { site, builder, parse })
}

impl<T: ArrowPrimitiveType, F: Fn(&str) -> Option<T::Native> + Send> Column for Primitive<T, F> {
    fn extend(&mut self, cells: Cells<'_>, nulls: &Nulls) -> Result<(), Flaw> {
        for row in 0..cells.rows() {
            let text = self.site.cell(&cells, row)?;
            if nulls.contain(text) {
                self.builder.append_null();
            } else {
                let value = (self.parse)(trim(text)).ok_or_else(|| self.site.misfit(&cells, row, text))?;
                self.builder.append_value(value);
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.builder.finish())
    }
}

struct Bools {
    site: Site,
    builder: BooleanBuilder,
}

impl Column for Bools {
    fn extend(&mut self, cells: Cells<'_>, nulls: &Nulls) -> Result<(), Flaw> {
        for row in 0..cells.rows() {
            let text = self.site.cell(&cells, row)?;
            match trim(text) {
                _ if nulls.contain(text) => self.builder.append_null(),
                "true" | "True" | "TRUE" | "t" | "T" | "1" => self.builder.append_value(true),
                "false" | "False" | "FALSE" | "f" | "F" | "0" => self.builder.append_value(false),
                _ => return Err(self.site.misfit(&cells, row, text)),
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.builder.finish())
    }
}

struct Strings<O: OffsetSizeTrait> {
    site: Site,
    builder: GenericStringBuilder<O>,
}

impl<O: OffsetSizeTrait> Column for Strings<O> {
    fn extend(&mut self, cells: Cells<'_>, nulls: &Nulls) -> Result<(), Flaw> {
        for row in 0..cells.rows() {
            let text = self.site.cell(&cells, row)?;
            if nulls.contain(text) {
                self.builder.append_null();
            } else {
                self.builder.append_value(text);
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.builder.finish())
    }
}
