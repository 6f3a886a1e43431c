//! Values as text: numbers as Python writes them, instants and durations as ISO 8601 does.

use std::io::Write;

use crate::expr::{instant_of, instant_text};
use crate::types::Unit;
use crate::value::Value;

/// A floating-point number as `repr` of Python writes it: the fewest digits that are read as the same number of that width.
pub(super) fn write_float(text: &mut Vec<u8>, value: impl std::fmt::Debug + Into<f64> + Copy) {
    let wide: f64 = value.into();
    if !wide.is_finite() {
        let name: &[u8] = if wide.is_nan() {
            b"nan"
        } else if wide > 0.0 {
            b"inf"
        } else {
            b"-inf"
        };
        text.extend_from_slice(name);
        return;
    }
    let start = text.len();
    // Memory takes whatever is written.
    let _ = write!(text, "{value:?}");
    // Rust writes 1e-5 where Python writes 1e-05.
    if let Some(at) = text.get(start..).and_then(|written| written.iter().position(|byte| *byte == b'e')) {
        let exponent = text.split_off(start + at + 1);
        let (sign, digits) = match exponent.strip_prefix(b"-") {
            Some(digits) => (b'-', digits),
            None => (b'+', exponent.as_slice()),
        };
        text.push(sign);
        if digits.len() < 2 {
            text.push(b'0');
        }
        text.extend_from_slice(digits);
    }
}

/// An instant in ISO 8601, with a `Z` where it has a zone; false where its year has more than four digits.
pub(super) fn write_instant(text: &mut Vec<u8>, ticks: i64, unit: Unit, zoned: bool) -> bool {
    let (ticks, unit) = match (unit, zoned) {
        (Unit::Week, false) => (ticks.saturating_mul(7), Unit::Day),
        // A time is needed to have a zone.
        (Unit::Week | Unit::Day | Unit::Hour, true) => {
            let seconds = unit.nanoseconds().unwrap_or_default() / 1_000_000_000;
            (ticks.saturating_mul(seconds), Unit::Second)
        }
        other => (ticks, other.0),
    };
    let Some(written) = instant_text(ticks, unit) else { return false };
    text.extend_from_slice(written.as_bytes());
    if zoned {
        text.push(b'Z');
    }
    true
}

/// A duration in ISO 8601: `P1DT2H3M4.5S`; of calendar units `P5M` and `P5Y`.
pub(super) fn write_duration(text: &mut Vec<u8>, ticks: i64, unit: Unit) {
    if ticks < 0 {
        text.push(b'-');
    }
    text.push(b'P');
    let count = ticks.unsigned_abs();
    let Some(tick) = unit.nanoseconds() else {
        let _ = write!(text, "{count}{}", if unit == Unit::Year { 'Y' } else { 'M' });
        return;
    };
    let nanoseconds = u128::from(count) * u128::from(tick.unsigned_abs());
    let (seconds, fraction) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    if days > 0 {
        let _ = write!(text, "{days}D");
    }
    if days > 0 && rest == 0 && fraction == 0 {
        return;
    }
    text.push(b'T');
    for (count, letter) in [(rest / 3600, 'H'), (rest / 60 % 60, 'M')] {
        if count > 0 {
            let _ = write!(text, "{count}{letter}");
        }
    }
    if rest % 60 > 0 || fraction > 0 || rest == 0 {
        let _ = write!(text, "{}", rest % 60);
        if fraction > 0 {
            let digits = format!("{fraction:09}");
            let _ = write!(text, ".{}", digits.trim_end_matches('0'));
        }
        text.push(b'S');
    }
}

/// The truth value that a text is.
pub(super) fn read_bool(text: &str) -> Option<u8> {
    match text {
        "True" | "true" | "1" => Some(crate::block::YES),
        "False" | "false" | "0" => Some(0),
        _ => None,
    }
}

/// The ticks of the instant that a text is. `NaT` is none.
pub(super) fn read_instant(text: &str, unit: Unit) -> Option<i64> {
    match instant_of(text, Some(unit)) {
        Ok(Value::Instant(ticks, ..)) => Some(ticks),
        _ => None,
    }
}

/// The ticks of the duration that a text is in ISO 8601, with days, hours, minutes and seconds. A part of a tick is left out.
pub(super) fn read_duration(text: &str, unit: Unit) -> Option<i64> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let rest = rest.strip_prefix('P').filter(|rest| !rest.is_empty())?;
    let (days, time) = match rest.split_once('T') {
        Some((days, time)) => (days, Some(time).filter(|time| !time.is_empty())?),
        None => (rest, ""),
    };
    let Some(tick) = unit.nanoseconds() else {
        let letter = if unit == Unit::Year { 'Y' } else { 'M' };
        let count: i64 = whole(rest.strip_suffix(letter)?)?.try_into().ok()?;
        return Some(if negative { -count } else { count });
    };
    let mut nanoseconds: i128 = 0;
    for (part, units) in
        [(days, &[('W', 604_800_i64), ('D', 86_400)][..]), (time, &[('H', 3600), ('M', 60), ('S', 1)][..])]
    {
        let mut part = part;
        for (letter, seconds) in units {
            let Some((count, after)) = part.split_once(*letter) else { continue };
            let (count, fraction) = match count.split_once('.') {
                Some((count, fraction)) if *letter == 'S' => (count, fraction),
                Some(_) => return None,
                None => (count, ""),
            };
            nanoseconds += i128::from(whole(count)?) * i128::from(*seconds) * 1_000_000_000;
            if !fraction.is_empty() {
                let digits = u32::try_from(fraction.len()).ok().filter(|digits| *digits <= 9)?;
                nanoseconds += i128::from(whole(fraction)?) * 10_i128.pow(9 - digits);
            }
            part = after;
        }
        if !part.is_empty() {
            return None;
        }
    }
    let ticks = nanoseconds / i128::from(tick);
    i64::try_from(if negative { -ticks } else { ticks }).ok()
}

fn whole(digits: &str) -> Option<u64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}
