//! One of two values for each row.

use std::sync::Arc;

use crate::block::{Buffer, Fault, Lane, TextBuilder, Values, YES};

/// The first lane where a mask is [`YES`], the second elsewhere. Both are of the same type. Rows without result matter only where they are
/// taken.
pub(crate) fn pick<'a>(mask: &[u8], yes: Lane<'a>, no: Lane<'a>, rows: usize) -> Lane<'a> {
    let fault = Fault::both(taken(yes.fault.clone(), mask, YES), taken(no.fault.clone(), mask, 0));
    let valid = match (yes.valid_rows(rows), no.valid_rows(rows)) {
        (None, None) => None,
        (a, b) => {
            let at = |valid: &Option<Buffer<'_, u8>>, row: usize| {
                valid.as_ref().map_or(YES, |valid| valid.get(row).copied().unwrap_or(0))
            };
            let valid: Vec<u8> = mask
                .iter()
                .enumerate()
                .map(|(row, byte)| if *byte == YES { at(&a, row) } else { at(&b, row) })
                .collect();
            Some(valid.into())
        }
    };
    let constants = (yes.constant, no.constant);
    macro_rules! pick {
        ($($variant:ident)*) => {
            match (yes.values, no.values) {
                $((Values::$variant(a), Values::$variant(b)) => Values::$variant(of(mask, (&a, constants.0), (&b, constants.1))),)*
                (Values::Null, Values::Null) => Values::Null,
                // Nothing but missing values stands on one side; the mask of presence says so.
                (Values::Null, b) => if constants.1 { b.repeated(rows) } else { b },
                (a, Values::Null) => if constants.0 { a.repeated(rows) } else { a },
                (Values::Text(a), Values::Text(b)) => {
                    let mut builder = TextBuilder::with_capacity(rows, rows * 8);
                    let place = |constant: bool, row: usize| if constant { 0 } else { row };
                    for (row, byte) in mask.iter().enumerate() {
                        let text = match *byte == YES {
                            true => a.get(place(constants.0, row)),
                            false => b.get(place(constants.1, row)),
                        };
                        builder.push(text.unwrap_or_default());
                    }
                    Values::Text(builder.finish())
                }
                (Values::Vector(a, width), Values::Vector(b, _)) => {
                    let wide: Vec<u8> = mask.iter().flat_map(|byte| std::iter::repeat_n(*byte, width)).collect();
                    let spread = |values: Values<'a>, constant: bool| {
                        let places: Vec<usize> = (0..rows).flat_map(|_| 0..width).collect();
                        Lane::new(if constant { values.gathered(&places) } else { values })
                    };
                    let picked = pick(&wide, spread(*a, constants.0), spread(*b, constants.1), rows * width);
                    Values::Vector(Box::new(picked.values), width)
                }
                _ => Values::Null,
            }
        };
    }
    Lane { fault, ..Lane::with_valid(pick!(Bool I8 I16 I32 I64 U8 U16 U32 U64 F32 F64), valid) }
}

fn of<'a, T: Copy + Default>(mask: &[u8], a: (&[T], bool), b: (&[T], bool)) -> Buffer<'a, T> {
    let one = |side: (&[T], bool)| side.0.first().copied().unwrap_or_default();
    let (x, y) = (one(a), one(b));
    let picked: Vec<T> = match (a.1, b.1) {
        (true, true) => mask.iter().map(|byte| if *byte == YES { x } else { y }).collect(),
        (true, false) => mask.iter().zip(b.0).map(|(byte, b)| if *byte == YES { x } else { *b }).collect(),
        (false, true) => mask.iter().zip(a.0).map(|(byte, a)| if *byte == YES { *a } else { y }).collect(),
        (false, false) => {
            mask.iter().zip(a.0.iter().zip(b.0)).map(|(byte, (a, b))| if *byte == YES { *a } else { *b }).collect()
        }
    };
    picked.into()
}

/// Rows without result, of those that are taken.
fn taken(fault: Option<Arc<Fault>>, mask: &[u8], when: u8) -> Option<Arc<Fault>> {
    let fault = fault?;
    let mut left = fault.as_ref().clone();
    left.rows.iter_mut().zip(mask).for_each(|(row, byte)| *row &= if *byte == when { YES } else { 0 });
    left.rows.contains(&YES).then(|| Arc::new(left))
}
