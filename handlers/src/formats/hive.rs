//! Partition columns: values that stand in the names of directories, as Hive and Spark write them (`year=2024/`).

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray, new_null_array};
use arrow::datatypes::DataType;
use indexmap::IndexMap;

use super::csv::parse_date;
use super::{bad, quoted};
use crate::error::HandlerResult;

/// How Hive writes a missing partition value.
const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The partition values of one file, from the directories above it.
pub(super) type Partitions = IndexMap<String, Option<String>>;

/// The values in the directories of a path behind its first `fixed` segments.
pub(super) fn partitions_of(file: &Path, fixed: usize) -> HandlerResult<Partitions> {
    let mut values = Partitions::new();
    for segment in file.parent().unwrap_or(Path::new("")).components().skip(fixed) {
        let segment = segment.as_os_str().to_string_lossy();
        let Some((name, value)) = segment.split_once('=').filter(|(name, _)| !name.is_empty()) else { continue };
        let value = (value != HIVE_NULL).then(|| unescape(value));
        if values.insert(unescape(name), value).is_some() {
            return Err(bad(file, format!("two of its directories give partition {}", quoted(name))));
        }
    }
    Ok(values)
}

/// Undoes the percent signs with which partition values are written as directory names, and paths in addresses.
pub(crate) fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = (byte == b'%')
            .then(|| after.get(..2).filter(|hex| hex.iter().all(u8::is_ascii_hexdigit)))
            .flatten()
            .and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(code.unwrap_or(byte));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// What the values of a partition have in common, found one by one: the narrowest type that holds all of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct PartitionType {
    any: bool,
    bools: bool,
    integers: bool,
    numbers: bool,
    dates: bool,
}

impl PartitionType {
    pub(super) fn new() -> Self {
        Self { any: false, bools: true, integers: true, numbers: true, dates: true }
    }

    pub(super) fn add(&mut self, value: Option<&str>) {
        let Some(value) = value else { return };
        self.any = true;
        self.bools &= value == "true" || value == "false";
        self.integers &= value.parse::<i64>().is_ok();
        self.numbers &= is_number(value);
        self.dates &= parse_date(value).is_some();
    }

    pub(super) fn data_type(self) -> DataType {
        match self {
            Self { any: false, .. } => DataType::Utf8,
            Self { bools: true, .. } => DataType::Boolean,
            Self { integers: true, .. } => DataType::Int64,
            Self { numbers: true, .. } => DataType::Float64,
            Self { dates: true, .. } => DataType::Date32,
            _ => DataType::Utf8,
        }
    }
}

/// A number that a float holds as it is written. Not `inf` and `nan`, which are names as well; not a whole number with more digits
/// than a float has, which is an id; and not what is too large for one.
fn is_number(value: &str) -> bool {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let is_whole = value.trim_start_matches(['+', '-']).bytes().all(|byte| byte.is_ascii_digit());
    value.bytes().any(|byte| byte.is_ascii_digit())
        && value.parse::<f64>().is_ok_and(|number| number.is_finite() && (!is_whole || number.abs() < EXACT))
}

/// A column of one value.
pub(crate) fn partition_array(data_type: &DataType, value: Option<&str>, rows: usize) -> ArrayRef {
    let array = value.and_then(|value| -> Option<ArrayRef> {
        Some(match data_type {
            DataType::Boolean => Arc::new(BooleanArray::from(vec![value == "true"; rows])),
            DataType::Int64 => Arc::new(Int64Array::from_value(value.parse().ok()?, rows)),
            DataType::Float64 => Arc::new(Float64Array::from_value(value.parse().ok()?, rows)),
            DataType::Date32 => Arc::new(Date32Array::from_value(parse_date(value)?, rows)),
            _ => Arc::new(StringArray::from_iter_values(std::iter::repeat_n(value, rows))),
        })
    });
    array.unwrap_or_else(|| new_null_array(data_type, rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Polars 2.1 finds them.
    #[test]
    fn types_of_partitions() {
        for (values, expected) in [
            (&["2023", "2024"][..], DataType::Int64),
            (&["01", "02"], DataType::Int64),
            (&["1", "b"], DataType::Utf8),
            (&["1.5", "2"], DataType::Float64),
            (&["12345678901234567890", "1"], DataType::Utf8),
            (&["9007199254740993", "0.5"], DataType::Utf8),
            (&["1234e567"], DataType::Utf8),
            (&["2024-01-01", "2024-01-02"], DataType::Date32),
            (&["true", "false"], DataType::Boolean),
            (&["", "x"], DataType::Utf8),
            (&[], DataType::Utf8),
        ] {
            let mut found = PartitionType::new();
            values.iter().map(|&value| Some(value)).chain([None]).for_each(|value| found.add(value));
            assert_eq!(found.data_type(), expected, "{values:?}");
        }
    }

    #[test]
    fn a_percent_sign_without_two_hex_digits_is_one() {
        assert_eq!([unescape("100%+5x"), unescape("%41%zz%4"), unescape("a%20b")], ["100%+5x", "A%zz%4", "a b"]);
    }

    #[test]
    fn values_stand_behind_the_fixed_segments() {
        let values = partitions_of(Path::new("/a=1/b=2/c%20d=x%2Fy/_e=__HIVE_DEFAULT_PARTITION__/f=3.csv"), 3).unwrap();
        let values: Vec<_> = values.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
        assert_eq!(values, [("c d", Some("x/y")), ("_e", None)]);
        assert!(partitions_of(Path::new("a=1/a=2/x.csv"), 0).is_err());
    }
}
