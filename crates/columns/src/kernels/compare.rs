//! Comparisons. NaN is unequal to everything and neither less nor greater, as IEEE 754 has it; a missing value makes the answer missing.

use std::cmp::Ordering;
use std::sync::Arc;

use super::sides::zip;
use crate::block::{Buffer, Lane, Number, Texts, Values, YES, both_valid};
use crate::expr::Binary;
use crate::plan::{Arguments, Kernel};

#[inline(always)]
fn mask(truth: bool) -> u8 {
    if truth { YES } else { 0 }
}

/// Numbers, instants and durations of the same type.
pub(crate) fn numbers(operator: Binary) -> Kernel {
    Arc::new(move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let (a, b) = (arguments.next(), arguments.next());
        let valid = both_valid(a.valid_rows(rows), b.valid_rows(rows));
        macro_rules! compare {
            ($($variant:ident)*) => {
                match (&a.values, &b.values) {
                    $((Values::$variant(x), Values::$variant(y)) => of_numbers(operator, (x, a.constant), (y, b.constant)),)*
                    _ => return Ok(Lane::new(Values::Null)),
                }
            };
        }
        let values = compare!(I8 I16 I32 I64 U8 U16 U32 U64 F32 F64);
        Ok(Lane::with_valid(Values::Bool(values), valid))
    })
}

fn of_numbers<'a, T: Number>(operator: Binary, a: (&[T], bool), b: (&[T], bool)) -> Buffer<'a, u8> {
    match operator {
        Binary::Equal => zip(a, b, |a, b| mask(a == b)),
        Binary::NotEqual => zip(a, b, |a, b| mask(a != b)),
        Binary::Less => zip(a, b, |a, b| mask(a < b)),
        Binary::LessEqual => zip(a, b, |a, b| mask(a <= b)),
        Binary::Greater => zip(a, b, |a, b| mask(a > b)),
        _ => zip(a, b, |a, b| mask(a >= b)),
    }
}

/// Whole numbers of any two types, by their values.
pub(crate) fn integers(operator: Binary) -> Kernel {
    fn wide(values: &Values<'_>) -> Vec<i128> {
        macro_rules! widen {
            ($($variant:ident)*) => {
                match values {
                    $(Values::$variant(values) => values.iter().map(|value| i128::from(*value)).collect(),)*
                    _ => Vec::new(),
                }
            };
        }
        widen!(I8 I16 I32 I64 U8 U16 U32 U64)
    }
    Arc::new(move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let (a, b) = (arguments.next(), arguments.next());
        let valid = both_valid(a.valid_rows(rows), b.valid_rows(rows));
        let values = zip((&wide(&a.values), a.constant), (&wide(&b.values), b.constant), |a, b| {
            mask(holds(operator, a.cmp(&b)))
        });
        Ok(Lane::with_valid(Values::Bool(values), valid))
    })
}

/// Whether the operator holds for two values in this order.
fn holds(operator: Binary, order: Ordering) -> bool {
    match operator {
        Binary::Equal => order.is_eq(),
        Binary::NotEqual => order.is_ne(),
        Binary::Less => order.is_lt(),
        Binary::LessEqual => order.is_le(),
        Binary::Greater => order.is_gt(),
        _ => order.is_ge(),
    }
}

/// Truth values: false comes before true.
pub(crate) fn bools(operator: Binary) -> Kernel {
    Arc::new(move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let (a, b) = (arguments.next(), arguments.next());
        let valid = both_valid(a.valid_rows(rows), b.valid_rows(rows));
        let (Values::Bool(x), Values::Bool(y)) = (&a.values, &b.values) else { return Ok(Lane::new(Values::Null)) };
        let values = of_numbers(operator, (x, a.constant), (y, b.constant));
        Ok(Lane::with_valid(Values::Bool(values), valid))
    })
}

/// Texts, by their code points.
pub(crate) fn texts(operator: Binary) -> Kernel {
    Arc::new(move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let (a, b) = (arguments.next(), arguments.next());
        let valid = both_valid(a.valid_rows(rows), b.valid_rows(rows));
        let (Values::Text(x), Values::Text(y)) = (&a.values, &b.values) else { return Ok(Lane::new(Values::Null)) };
        let values = match (x, y) {
            // Each text of a dictionary is compared once.
            (Texts::Codes(codes, dictionary), y) if b.constant && dictionary.texts.len() <= codes.len() => {
                let other = y.bytes(0).unwrap_or_default();
                let texts = &dictionary.texts;
                let known: Vec<u8> = (0..texts.len())
                    .map(|text| mask(holds(operator, texts.bytes(text).unwrap_or_default().cmp(other))))
                    .collect();
                codes
                    .iter()
                    .map(|code| usize::try_from(*code).ok().and_then(|code| known.get(code)).copied().unwrap_or(0))
                    .collect()
            }
            _ => {
                let place = |constant: bool, row: usize| if constant { 0 } else { row };
                (0..rows)
                    .map(|row| {
                        let a = x.bytes(place(a.constant, row)).unwrap_or_default();
                        let b = y.bytes(place(b.constant, row)).unwrap_or_default();
                        // Two texts of unequal length need not be looked at to be told apart.
                        mask(match operator {
                            Binary::Equal => a == b,
                            Binary::NotEqual => a != b,
                            _ => holds(operator, a.cmp(b)),
                        })
                    })
                    .collect::<Vec<u8>>()
            }
        };
        Ok(Lane::with_valid(Values::Bool(values.into()), valid))
    })
}
