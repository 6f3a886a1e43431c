//! Turning the text of a column into an array of its type: the fields of a CSV file, and the values of JSON lines whose
//! type is given. What the type does not hold exactly as it is written is refused.

use std::fmt::Display;
use std::str::FromStr;
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

use super::block::Cells;
use super::flaw::Flaw;
use super::infer::trim;
use super::instant::Instant;
use crate::formats::quoted;
use crate::formats::types::type_word;

/// The texts that stand for a missing value.
#[derive(Debug, Clone)]
pub(in crate::formats) struct Nulls {
    texts: Vec<String>,
    empty: bool,
    /// True for the bytes that one of them begins with: most values begin with none of these.
    first: [bool; 256],
}

impl Nulls {
    pub(in crate::formats) fn new(texts: &[String]) -> Self {
        let mut first = [false; 256];
        texts.iter().filter_map(|text| text.as_bytes().first()).for_each(|&byte| first[usize::from(byte)] = true);
        Self { texts: texts.to_vec(), empty: texts.iter().any(String::is_empty), first }
    }

    #[inline]
    pub(in crate::formats) fn contain(&self, value: &str) -> bool {
        match value.as_bytes().first() {
            None => self.empty,
            Some(&byte) => self.first[usize::from(byte)] && self.texts.iter().any(|text| text == value),
        }
    }
}

/// Collects the values of one column.
pub(in crate::formats) trait Column: Send {
    /// Takes the column's fields of a block.
    fn extend(&mut self, cells: Cells<'_>, nulls: &Nulls) -> Result<(), Flaw>;

    /// Takes the value of one row, which stands in this line.
    fn add(&mut self, value: Option<&str>, line: u64) -> Result<(), Flaw>;

    /// The array of what was collected; begins anew.
    fn finish(&mut self) -> ArrayRef;
}

/// Who chose the type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::formats) enum Chosen {
    /// The values: whole numbers among fractions become floats, and the largest ones the nearest floats.
    ByValues,
    /// The caller: whole numbers that a float does not hold are refused.
    ByCaller,
}

/// A column of this type, from the fields at `index`; `None` for a type that text cannot be turned into.
pub(in crate::formats) fn column(
    data_type: &DataType,
    chosen: Chosen,
    index: usize,
    name: &str,
) -> Option<Box<dyn Column>> {
    let site = Site { index, name: name.into(), data_type: data_type.clone() };
    let exact = chosen == Chosen::ByCaller;
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
        DataType::Float32 => primitive::<Float32Type>(site, move |text| float(text, f32::is_infinite, exact)),
        DataType::Float64 => primitive::<Float64Type>(site, move |text| float(text, f64::is_infinite, exact)),
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

/// Reads a float: of digits the nearest one, but none for a number beyond the largest. Whole numbers are exact, where that
/// is asked for.
fn float<T: FromStr + Display + Copy>(text: &str, is_infinite: fn(T) -> bool, exact: bool) -> Option<T> {
    let value: T = text.parse().ok()?;
    if is_infinite(value) && text.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    // Every float holds seven digits.
    if exact && digits.len() > 7 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        // With a precision, Rust writes all digits of a float, not the shortest that mean it.
        let held = format!("{value:.0}");
        if held.trim_start_matches(['-', '0']) != digits.trim_start_matches('0') {
            return None;
        }
    }
    Some(value)
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
    fn misfit(&self, line: u64, text: &str) -> Flaw {
        let word = type_word(&self.data_type);
        Flaw::Line(line, format!("column {}: {} is not of type {word}", quoted(&self.name), quoted(text)))
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

impl<T: ArrowPrimitiveType, F: Fn(&str) -> Option<T::Native> + Send> Primitive<T, F> {
    #[inline]
    fn push(&mut self, text: &str, line: impl FnOnce() -> u64) -> Result<(), Flaw> {
        let value = (self.parse)(trim(text)).ok_or_else(|| self.site.misfit(line(), text))?;
        self.builder.append_value(value);
        Ok(())
    }
}

impl<T: ArrowPrimitiveType, F: Fn(&str) -> Option<T::Native> + Send> Column for Primitive<T, F> {
    fn extend(&mut self, cells: Cells<'_>, nulls: &Nulls) -> Result<(), Flaw> {
        for row in 0..cells.rows() {
            let text = self.site.cell(&cells, row)?;
            if nulls.contain(text) {
                self.builder.append_null();
            } else {
                let index = self.site.index;
                self.push(text, || cells.line(row, index))?;
            }
        }
        Ok(())
    }

    fn add(&mut self, value: Option<&str>, line: u64) -> Result<(), Flaw> {
        match value {
            Some(text) => self.push(text, || line),
            None => {
                self.builder.append_null();
                Ok(())
            }
        }
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.builder.finish())
    }
}

struct Bools {
    site: Site,
    builder: BooleanBuilder,
}

impl Bools {
    fn push(&mut self, text: &str, line: impl FnOnce() -> u64) -> Result<(), Flaw> {
        match trim(text) {
            "true" | "True" | "TRUE" | "t" | "T" | "1" => self.builder.append_value(true),
            "false" | "False" | "FALSE" | "f" | "F" | "0" => self.builder.append_value(false),
            _ => return Err(self.site.misfit(line(), text)),
        }
        Ok(())
    }
}

impl Column for Bools {
    fn extend(&mut self, cells: Cells<'_>, nulls: &Nulls) -> Result<(), Flaw> {
        for row in 0..cells.rows() {
            let text = self.site.cell(&cells, row)?;
            if nulls.contain(text) {
                self.builder.append_null();
            } else {
                let index = self.site.index;
                self.push(text, || cells.line(row, index))?;
            }
        }
        Ok(())
    }

    fn add(&mut self, value: Option<&str>, line: u64) -> Result<(), Flaw> {
        match value {
            Some(text) => self.push(text, || line),
            None => {
                self.builder.append_null();
                Ok(())
            }
        }
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
            self.builder.append_option((!nulls.contain(text)).then_some(text));
        }
        Ok(())
    }

    fn add(&mut self, value: Option<&str>, _: u64) -> Result<(), Flaw> {
        self.builder.append_option(value);
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.builder.finish())
    }
}
