//! The least and the greatest value.

use super::moments::{LANES, Step, sixteens};
use crate::block::{Number, Texts, YES};
use crate::simd::{Loop, vectorised};
use crate::types::Type;
use crate::value::Value;

/// The least and the greatest value so far, if there was one.
#[derive(Debug, Clone, Default)]
pub(super) struct Extremes {
    known: Option<(Value, Value)>,
}

impl Extremes {
    /// Numbers that are no NaN, in the rows of a mask.
    pub(super) fn numbers<T: Number>(&mut self, values: &[T], mask: Option<&[u8]>) {
        let (least, greatest, any) = vectorised(Range { values, mask });
        if any {
            self.join(&Self { known: Some((least.value(), greatest.value())) });
        }
    }

    /// Texts in the rows of a mask, by their code points.
    pub(super) fn texts(&mut self, texts: &Texts<'_>, mask: Option<&[u8]>) {
        let mut found: Option<(&str, &str)> = None;
        for row in (0..texts.len()).filter(|row| mask.is_none_or(|mask| mask.get(*row) == Some(&YES))) {
            let text = texts.get(row).unwrap_or_default();
            found = Some(match found {
                None => (text, text),
                Some((least, greatest)) => (least.min(text), greatest.max(text)),
            });
        }
        if let Some((least, greatest)) = found {
            self.join(&Self { known: Some((least.into(), greatest.into())) });
        }
    }

    pub(super) fn join(&mut self, other: &Self) {
        let Some((least, greatest)) = &other.known else { return };
        self.known = Some(match self.known.take() {
            None => (least.clone(), greatest.clone()),
            Some((a, b)) => {
                (if less(least, &a) { least.clone() } else { a }, if less(&b, greatest) { greatest.clone() } else { b })
            }
        });
    }

    /// The least value, as one of the type; missing where there was none.
    pub(super) fn least(&self, type_: &Type) -> Value {
        self.known.as_ref().map_or(Value::Null, |(least, _)| typed(least, type_))
    }

    /// The greatest value.
    pub(super) fn greatest(&self, type_: &Type) -> Value {
        self.known.as_ref().map_or(Value::Null, |(_, greatest)| typed(greatest, type_))
    }
}

fn less(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a < b,
        (Value::Float(a), Value::Float(b)) => a < b,
        (Value::Text(a), Value::Text(b)) => a < b,
        _ => false,
    }
}

/// Truth values, instants and durations are compared as the numbers that they are kept as.
fn typed(value: &Value, type_: &Type) -> Value {
    match (value, type_) {
        (Value::Int(value), Type::Bool) => Value::Bool(*value != 0),
        (Value::Int(ticks), Type::Instant(unit, zone)) => Value::Instant(*ticks as i64, *unit, zone.clone()),
        (Value::Int(ticks), Type::Duration(unit)) => Value::Duration(*ticks as i64, *unit),
        (value, _) => value.clone(),
    }
}

/// The least and the greatest number, and whether there is any.
struct Range<'v, T> {
    values: &'v [T],
    mask: Option<&'v [u8]>,
}

struct RangeState<T> {
    least: [T; LANES],
    greatest: [T; LANES],
    any: [bool; LANES],
}

impl<T: Number> Step<T> for RangeState<T> {
    #[inline(always)]
    fn step(&mut self, values: &[T; LANES], mask: &[u64; LANES]) {
        for at in 0..LANES {
            let value = values[at];
            let there = (mask[at] != 0) & value.is_number();
            let (low, high) = if there { (value, value) } else { (T::GREATEST, T::LEAST) };
            self.least[at] = if low < self.least[at] { low } else { self.least[at] };
            self.greatest[at] = if high > self.greatest[at] { high } else { self.greatest[at] };
            self.any[at] |= there;
        }
    }
}

impl<T: Number> Loop for Range<'_, T> {
    type Output = (T, T, bool);

    #[inline(always)]
    fn run(self) -> (T, T, bool) {
        let state = RangeState { least: [T::GREATEST; LANES], greatest: [T::LEAST; LANES], any: [false; LANES] };
        let state = sixteens(self.values, self.mask, state);
        let (mut least, mut greatest, mut any) = (T::GREATEST, T::LEAST, false);
        for at in 0..LANES {
            least = if state.least[at] < least { state.least[at] } else { least };
            greatest = if state.greatest[at] > greatest { state.greatest[at] } else { greatest };
            any |= state.any[at];
        }
        (least, greatest, any)
    }
}
