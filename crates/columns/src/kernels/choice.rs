//! Choices between the values of several lanes, row by row. What was not chosen may be without result.

use std::sync::Arc;

use arrow::array::{BooleanArray, new_null_array};

use crate::block::{Buffer, Fault, Lane, TextBuilder, Texts, Values, YES};
use crate::error::{ColumnsError, ColumnsResult};
use crate::plan::{Arguments, Kernel};
use crate::simd::{Loop, vectorised};

/// `where(condition, x, y)` and `case(condition, value, ..., otherwise)`: the value of the first condition that is true.
pub(crate) fn first_true() -> Kernel {
    Arc::new(|mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let mut lanes = arguments.rest();
        let Some(mut chosen) = lanes.pop() else { return Ok(Lane::new(Values::Null)) };
        // From the last: what comes earlier replaces what comes later, with its faults.
        while let (Some(value), Some(condition)) = (lanes.pop(), lanes.pop()) {
            let (mask, known) = truth(&condition, rows);
            let mask = match known {
                None => mask,
                Some(known) => {
                    mask.iter().zip(known.iter()).map(|(truth, known)| truth & known).collect::<Vec<_>>().into()
                }
            };
            chosen = blend(&mask, value, chosen, rows)?;
            chosen.fault = Fault::both(condition.fault, chosen.fault);
        }
        Ok(chosen.spread(rows))
    })
}

/// The first value that is there. `nan` says whether NaN counts as missing, `missing` whether what is missing does.
pub(crate) fn first_present(nan: bool, missing: bool) -> Kernel {
    Arc::new(move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let mut lanes = arguments.rest();
        let Some(mut chosen) = lanes.pop() else { return Ok(Lane::new(Values::Null)) };
        while let Some(lane) = lanes.pop() {
            let mask = super::missing::present(&lane, rows, nan, missing);
            let fault = lane.fault.clone();
            chosen = match mask {
                // Nothing is taken of the others.
                None => lane,
                Some(mask) => blend(&mask, lane, chosen, rows)?,
            };
            chosen.fault = Fault::both(fault, chosen.fault);
        }
        Ok(chosen.spread(rows))
    })
}

/// Where a condition is true, and where it is known; rows where it is not known hold anything.
fn truth<'a>(condition: &Lane<'a>, rows: usize) -> (Buffer<'a, u8>, Option<Buffer<'a, u8>>) {
    let known = condition.valid_rows(rows);
    let mask = match &condition.values {
        Values::Bool(values) if condition.constant => vec![values.first().copied().unwrap_or(0); rows].into(),
        Values::Bool(values) => values.clone(),
        _ => vec![0; rows].into(),
    };
    (mask, known)
}

/// The rows of `yes` where the mask says so, else those of `no`, which are of the same type.
fn blend<'a>(mask: &[u8], yes: Lane<'a>, no: Lane<'a>, rows: usize) -> ColumnsResult<Lane<'a>> {
    let valid = match (yes.valid_rows(rows), no.valid_rows(rows)) {
        (None, None) => None,
        (yes, no) => {
            let all = |valid: Option<Buffer<'a, u8>>| valid.unwrap_or_else(|| vec![YES; rows].into());
            Some(blended(mask, (&all(yes), false), (&all(no), false)))
        }
    };
    let fault = Fault::both(
        fault_in(yes.fault.clone(), yes.constant, |row| mask.get(row) == Some(&YES), rows),
        fault_in(no.fault.clone(), no.constant, |row| mask.get(row) != Some(&YES), rows),
    );
    let values = values(mask, (yes.values, yes.constant), (no.values, no.constant), rows)?;
    Ok(Lane { fault, ..Lane::with_valid(values, valid) })
}

/// The rows of a fault that are taken.
fn fault_in(
    fault: Option<Arc<Fault>>,
    constant: bool,
    taken: impl Fn(usize) -> bool,
    rows: usize,
) -> Option<Arc<Fault>> {
    let fault = fault?;
    let at = |row: usize| fault.rows.get(if constant { 0 } else { row }).copied().unwrap_or(0);
    let rows: Vec<u8> = (0..rows).map(|row| if taken(row) { at(row) } else { 0 }).collect();
    rows.contains(&YES).then(|| Arc::new(Fault { rows, reason: fault.reason.clone(), node: fault.node }))
}

fn values<'a>(mask: &[u8], yes: (Values<'a>, bool), no: (Values<'a>, bool), rows: usize) -> ColumnsResult<Values<'a>> {
    macro_rules! blend {
        ($($variant:ident)*) => {
            match (yes.0, no.0) {
                $((Values::$variant(a), Values::$variant(b)) => Values::$variant(blended(mask, (&a, yes.1), (&b, no.1))),)*
                (Values::Text(a), Values::Text(b)) => Values::Text(texts(mask, (&a, yes.1), (&b, no.1), rows)),
                (Values::Vector(a, width), Values::Vector(b, other)) if width == other => {
                    let mask: Vec<u8> = mask.iter().flat_map(|byte| std::iter::repeat_n(*byte, width)).collect();
                    let all = |values: Values<'a>, constant: bool| {
                        if !constant {
                            return values;
                        }
                        let places: Vec<usize> = (0..rows).flat_map(|_| 0..width).collect();
                        values.gathered(&places)
                    };
                    let (a, b) = (all(*a, yes.1), all(*b, no.1));
                    Values::Vector(Box::new(values(&mask, (a, false), (b, false), rows * width)?), width)
                }
                (Values::Carried(a), Values::Carried(b)) => carried(mask, &a, &b)?,
                (Values::Carried(a), Values::Null) => {
                    let none = new_null_array(a.data_type(), rows);
                    carried(mask, &a, &none)?
                }
                (Values::Null, Values::Carried(b)) => {
                    let none = new_null_array(b.data_type(), rows);
                    carried(mask, &none, &b)?
                }
                (Values::Null, Values::Null) => Values::Null,
                // Where a row has no value, any will do.
                (Values::Null, other) => if no.1 { other.repeated(rows) } else { other },
                (other, Values::Null) => if yes.1 { other.repeated(rows) } else { other },
                (Values::Carried(_), _) | (_, Values::Carried(_)) => return Err(super::vectors::incomplete()),
                _ => return Err(ColumnsError::option("values of different types cannot be chosen from")),
            }
        };
    }
    Ok(blend!(Bool I8 I16 I32 I64 U8 U16 U32 U64 F32 F64))
}

fn carried(mask: &[u8], yes: &arrow::array::ArrayRef, no: &arrow::array::ArrayRef) -> ColumnsResult<Values<'static>> {
    let mask = BooleanArray::from(mask.iter().map(|byte| *byte == YES).collect::<Vec<_>>());
    Ok(Values::Carried(arrow::compute::kernels::zip::zip(&mask, yes, no)?))
}

/// A loop over a mask and two slices, each with a value for every row or one for all.
struct Blend<'v, T> {
    mask: &'v [u8],
    yes: (&'v [T], bool),
    no: (&'v [T], bool),
}

impl<T: Copy> Loop for Blend<'_, T> {
    type Output = Vec<T>;

    #[inline(always)]
    fn run(self) -> Vec<T> {
        let mask = self.mask.iter();
        match (self.yes, self.no) {
            ((yes, false), (no, false)) => {
                mask.zip(yes.iter().zip(no)).map(|(mask, (yes, no))| if *mask != 0 { *yes } else { *no }).collect()
            }
            (([yes, ..], true), (no, false)) => {
                mask.zip(no).map(|(mask, no)| if *mask != 0 { *yes } else { *no }).collect()
            }
            ((yes, false), ([no, ..], true)) => {
                mask.zip(yes).map(|(mask, yes)| if *mask != 0 { *yes } else { *no }).collect()
            }
            (([yes, ..], true), ([no, ..], true)) => mask.map(|mask| if *mask != 0 { *yes } else { *no }).collect(),
            _ => Vec::new(),
        }
    }
}

fn blended<'a, T: Copy>(mask: &[u8], yes: (&[T], bool), no: (&[T], bool)) -> Buffer<'a, T> {
    vectorised(Blend { mask, yes, no }).into()
}

fn texts<'a>(mask: &[u8], yes: (&Texts<'a>, bool), no: (&Texts<'a>, bool), rows: usize) -> Texts<'a> {
    if let (Texts::Codes(a, dictionary), Texts::Codes(b, other)) = (yes.0, no.0)
        && dictionary.id == other.id
    {
        return Texts::Codes(blended(mask, (a, yes.1), (b, no.1)), dictionary.clone());
    }
    let mut builder = TextBuilder::with_capacity(rows, rows * 16);
    for (row, taken) in mask.iter().enumerate() {
        let (texts, constant) = if *taken == YES { yes } else { no };
        builder.push(texts.get(if constant { 0 } else { row }).unwrap_or_default());
    }
    builder.finish()
}
