//! The smallest and the largest values of files, of the texts that writers note. Many of them cut what is long: what is given out
//! here is a bound all the same.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float32Array, Float64Array, StringArray, TimestampMicrosecondArray,
    new_null_array,
};
use arrow::compute::kernels::cmp::gt;
use arrow::compute::{CastOptions, cast_with_options, nullif};
use arrow::datatypes::{DataType as Arrow, Float32Type, Float64Type, TimeUnit, TimestampMicrosecondType};
use arrow::error::ArrowError;

/// Decimals of more digits are floating-point numbers on the way of some writers.
const DIGITS: u8 = 15;

/// The smallest and the largest value of each file as the column has them, null where they are not known, and whether both are values
/// of it. `is_widened` is a column whose type was a narrower one before.
pub(crate) fn extremes(
    kind: &Arrow,
    is_widened: bool,
    mins: &StringArray,
    maxes: &StringArray,
) -> (ArrayRef, ArrayRef, Vec<bool>) {
    let of = |texts: &StringArray, side: Side| bounds(kind, is_widened, texts, side);
    let ((mins, are_least), (maxes, are_most)) = (of(mins, Side::Least), of(maxes, Side::Most));
    let (mins, maxes) =
        sound(&mins, &maxes).unwrap_or_else(|_| (new_null_array(kind, mins.len()), new_null_array(kind, mins.len())));
    let are_exact = are_least.into_iter().zip(are_most).enumerate();
    let are_exact = are_exact.map(|(at, (least, most))| least && most && mins.is_valid(at) && maxes.is_valid(at));
    let are_exact = are_exact.collect();
    (mins, maxes, are_exact)
}

/// Extremes that do not contradict each other: of others nobody knows which one is wrong.
fn sound(mins: &ArrayRef, maxes: &ArrayRef) -> Result<(ArrayRef, ArrayRef), ArrowError> {
    let crossed = gt(mins, maxes)?;
    let crossed: BooleanArray = crossed.iter().map(|crossed| Some(crossed == Some(true))).collect();
    Ok((nullif(mins, &crossed)?, nullif(maxes, &crossed)?))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Least,
    Most,
}

/// The bounds in texts, and which of them are values for sure.
fn bounds(kind: &Arrow, is_widened: bool, texts: &StringArray, side: Side) -> (ArrayRef, Vec<bool>) {
    let all = |is: bool| vec![is; texts.len()];
    match kind {
        Arrow::Utf8 => (Arc::new(whole_texts(texts, side)), all(false)),
        Arrow::Timestamp(TimeUnit::Microsecond, zone) => instants(kind, zone.is_some(), texts, side),
        Arrow::Float32 => (without_nan(&parsed(texts, kind)), all(true)),
        Arrow::Float64 if is_widened => (of_shorter_floats(texts, side), all(false)),
        Arrow::Float64 => (without_nan(&parsed(texts, kind)), all(true)),
        Arrow::Decimal128(digits, _) if *digits <= DIGITS => (parsed(texts, kind), all(true)),
        Arrow::Boolean | Arrow::Date32 => (parsed(texts, kind), all(true)),
        kind if kind.is_integer() => (parsed(texts, kind), all(true)),
        // Bytes have no form in JSON that writers agree about.
        kind => (new_null_array(kind, texts.len()), all(false)),
    }
}

/// Texts as values; null where they are none.
fn parsed(texts: &StringArray, kind: &Arrow) -> ArrayRef {
    let options = CastOptions { safe: true, ..CastOptions::default() };
    cast_with_options(texts, kind, &options).unwrap_or_else(|_| new_null_array(kind, texts.len()))
}

/// Long texts are cut. The beginning of a text is not above it; of the largest one, writers put a character behind it that is to be
/// above what follows. U+FFFD, which older releases of Spark take, is not: it is before all characters of four bytes.
fn whole_texts(texts: &StringArray, side: Side) -> StringArray {
    let is_bound = |text: &&str| side == Side::Least || !text.ends_with('\u{fffd}');
    texts.iter().map(|text| text.filter(is_bound)).collect()
}

/// NaN compares with nothing.
fn without_nan(values: &ArrayRef) -> ArrayRef {
    let is_nan: BooleanArray = match values.data_type() {
        Arrow::Float32 => values.as_primitive::<Float32Type>().iter().map(|value| value.map(f32::is_nan)).collect(),
        _ => values.as_primitive::<Float64Type>().iter().map(|value| value.map(f64::is_nan)).collect(),
    };
    nullif(values, &is_nan).unwrap_or_else(|_| new_null_array(values.data_type(), values.len()))
}

/// Numbers that may have been written of shorter ones: 0.1 then stands for the shorter number that is nearest, which lies beside.
fn of_shorter_floats(texts: &StringArray, side: Side) -> ArrayRef {
    let long = without_nan(&parsed(texts, &Arrow::Float64));
    let short: Float32Array = parsed(texts, &Arrow::Float32).as_primitive::<Float32Type>().clone();
    let widest = |(long, short): (Option<f64>, Option<f32>)| {
        let (long, short) = (long?, f64::from(short?));
        Some(if side == Side::Least { long.min(short) } else { long.max(short) })
    };
    Arc::new(long.as_primitive::<Float64Type>().iter().zip(&short).map(widest).collect::<Float64Array>())
}

/// Instants are cut to milliseconds by many writers. Of those with a zone the text has to have one, and of others it must not
/// have one that would shift them.
fn instants(kind: &Arrow, has_zone: bool, texts: &StringArray, side: Side) -> (ArrayRef, Vec<bool>) {
    const MILLISECOND: i64 = 1_000;
    let is_meant = |text: &&str| match has_zone {
        true => zone(text).is_some(),
        false => zone(text).is_none_or(|zone| zone == "Z"),
    };
    let plain = |text: &str| {
        let text = if has_zone { text } else { text.trim_end_matches('Z') };
        text.to_owned()
    };
    let meant: StringArray = texts.iter().map(|text| text.filter(is_meant).map(plain)).collect();
    let values = parsed(&meant, kind);
    let values = values.as_primitive::<TimestampMicrosecondType>();
    let is_whole = |value: Option<i64>| value.is_none_or(|value| value % MILLISECOND == 0);
    let are_exact = values.iter().map(|value| !is_whole(value)).collect();
    let bound = |value: i64| match side {
        Side::Most if is_whole(Some(value)) => value.saturating_add(MILLISECOND - 1),
        // Before 1970 who rounds to zero rounds up.
        Side::Least if is_whole(Some(value)) && value < 0 => value.saturating_sub(MILLISECOND - 1),
        _ => value,
    };
    let bounds: TimestampMicrosecondArray = values.unary(bound);
    (Arc::new(bounds.with_data_type(kind.clone())), are_exact)
}

/// The zone behind a date and a time.
fn zone(text: &str) -> Option<&str> {
    let time = text.get(10..).unwrap_or_default();
    let at = time.find(['Z', '+', '-'])?;
    time.get(at..)
}

#[cfg(test)]
mod tests {
    use arrow::util::display::array_value_to_string;

    use super::*;

    /// The bounds that texts give, and whether both are values.
    fn told(kind: &Arrow, is_widened: bool, min: &str, max: &str) -> (String, String, bool) {
        let texts = |text: &str| StringArray::from(vec![text]);
        let (mins, maxes, are_exact) = extremes(kind, is_widened, &texts(min), &texts(max));
        assert_eq!((mins.data_type(), maxes.data_type()), (kind, kind));
        let shown = |values: &ArrayRef| array_value_to_string(values, 0).unwrap();
        (shown(&mins), shown(&maxes), are_exact[0])
    }

    #[test]
    fn bounds_hold_whatever_writers_cut() {
        let utc = Arrow::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let local = Arrow::Timestamp(TimeUnit::Microsecond, None);
        for (kind, min, max, expected) in [
            (
                Arrow::Int64,
                "-9223372036854775808",
                "9223372036854775807",
                ("-9223372036854775808", "9223372036854775807", true),
            ),
            (Arrow::Int8, "-5", "200", ("-5", "", false)),
            (Arrow::Int64, "6", "5", ("", "", false)),
            (Arrow::Utf8, "b", "a", ("", "", false)),
            (Arrow::Float64, "4", "3.5", ("", "", false)),
            (Arrow::Date32, "2024-02-01", "2024-01-01", ("", "", false)),
            (Arrow::Int64, "1e3", "1.5", ("", "", false)),
            (Arrow::Boolean, "false", "true", ("false", "true", true)),
            (Arrow::Date32, "2024-01-31", "2024-02-30", ("2024-01-31", "", false)),
            (Arrow::Float64, "-0.1", "NaN", ("-0.1", "", false)),
            (Arrow::Float32, "0.1", "1e10", ("0.1", "10000000000.0", true)),
            (Arrow::Utf8, "a", "b", ("a", "b", false)),
            (Arrow::Utf8, "a\u{fffd}", "b\u{fffd}", ("a\u{fffd}", "", false)),
            (Arrow::Utf8, "a", "b\u{10ffff}", ("a", "b\u{10ffff}", false)),
            (Arrow::Decimal128(9, 2), "-0.5", "4.50", ("-0.50", "4.50", true)),
            (Arrow::Decimal128(20, 2), "-0.5", "4.50", ("", "", false)),
            (Arrow::Binary, "a", "b", ("", "", false)),
            (
                utc.clone(),
                "2024-01-31T12:30:00.250Z",
                "2024-01-31T12:30:00.250Z",
                ("2024-01-31T12:30:00.250Z", "2024-01-31T12:30:00.250999Z", false),
            ),
            (
                utc.clone(),
                "2024-01-31T12:30:00.250001Z",
                "2024-01-31T12:30:00.250002Z",
                ("2024-01-31T12:30:00.250001Z", "2024-01-31T12:30:00.250002Z", true),
            ),
            (
                utc.clone(),
                "2024-01-31T12:30:00.000+01:00",
                "2024-01-31T12:30:00-08:00",
                ("2024-01-31T11:30:00Z", "2024-01-31T20:30:00.000999Z", false),
            ),
            // Which zone is meant nobody says.
            (utc, "2024-01-31T12:30:00", "2024-01-31 12:30:00", ("", "", false)),
            (
                local.clone(),
                "1900-02-01 12:00:00",
                "2024-01-31T12:30:00.5Z",
                ("1900-02-01T11:59:59.999001", "2024-01-31T12:30:00.500999", false),
            ),
            (
                local.clone(),
                "2024-01-31T12:30:00+01:00",
                "9999-12-31T23:59:59.999999",
                ("", "9999-12-31T23:59:59.999999", false),
            ),
            (local, "2024-01-01", "2024-01-31", ("2024-01-01T00:00:00", "2024-01-31T00:00:00.000999", false)),
        ] {
            let (least, most, is_exact) = told(&kind, false, min, max);
            assert_eq!((least.as_str(), most.as_str(), is_exact), expected, "{kind} {min} {max}");
        }
    }

    #[test]
    fn numbers_of_shorter_ones_lie_beside() {
        let (least, most, is_exact) = told(&Arrow::Float64, true, "0.1", "0.1");
        let short = f64::from(0.1_f32);
        assert!(!is_exact);
        assert!(least.parse::<f64>().unwrap() <= 0.1 && most.parse::<f64>().unwrap() >= short, "{least} {most}");
        let (least, most, _) = told(&Arrow::Float64, true, "-1e300", "1e300");
        assert!(least.parse::<f64>().unwrap() <= -1e300 && most.parse::<f64>().unwrap() >= 1e300);
    }
}
