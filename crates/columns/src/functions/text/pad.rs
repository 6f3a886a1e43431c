//! Texts made longer.

use super::apply::{apply, subject, written};
use super::chars::push;
use crate::block::{Lane, TextBuilder, Values};
use crate::error::{ColumnsError, ColumnsResult};
use crate::plan::{Call, Function, Operand};
use crate::types::Type;

pub(in crate::functions) static FUNCTIONS: &[Function] = &[
    Function {
        name: "str_center",
        arguments: &["x", "width", "fillchar?"],
        about: "Texts with characters at both ends, up to a width.",
        bind: |call| padded(call, Side::Both, 2),
    },
    Function {
        name: "str_ljust",
        arguments: &["x", "width", "fillchar?"],
        about: "Texts with characters at the end, up to a width.",
        bind: |call| padded(call, Side::Right, 2),
    },
    Function {
        name: "str_rjust",
        arguments: &["x", "width", "fillchar?"],
        about: "Texts with characters at the start, up to a width.",
        bind: |call| padded(call, Side::Left, 2),
    },
    Function {
        name: "str_pad",
        arguments: &["x", "width", "side?", "fillchar?"],
        about: "Texts with characters at the side \"left\", \"right\" or \"both\", up to a width.",
        bind: |call| {
            let side = match call.text(2)?.as_deref() {
                None | Some("left") => Side::Left,
                Some("right") => Side::Right,
                Some("both") => Side::Both,
                Some(_) => return Err(call.wrong(2, "\"left\", \"right\" or \"both\" is expected")),
            };
            padded(call, side, 3)
        },
    },
    Function {
        name: "str_zfill",
        arguments: &["x", "width"],
        about: "Texts with zeros at the start, behind a sign, up to a width.",
        bind: |call| padded(call, Side::Sign, 2),
    },
    Function {
        name: "str_repeat",
        arguments: &["x", "repeats"],
        about: "Texts several times over.",
        bind: |call| {
            let repeats = call.integer(1)?.ok_or_else(|| call.wrong(1, "a whole number is expected"))?;
            let times = usize::try_from(repeats).unwrap_or(0);
            let subject = subject(call)?;
            apply(call, &repeats.to_string(), &subject, Type::Text, move |view| {
                room(view.whole().len().saturating_mul(times))?;
                Ok(Some(written(view, |text, bytes| (0..times).for_each(|_| bytes.extend_from_slice(text.as_bytes())))))
            })
        },
    },
];

/// Where characters are added.
#[derive(Debug, Clone, Copy)]
enum Side {
    Left,
    Right,
    Both,
    /// At the start, behind a sign.
    Sign,
}

fn padded(call: &mut Call<'_, '_>, side: Side, fill: usize) -> ColumnsResult<Operand> {
    let width = call.integer(1)?.ok_or_else(|| call.wrong(1, "a whole number is expected"))?;
    let fill = match (side, call.given(fill).is_some()) {
        (Side::Sign, _) => '0',
        (_, false) => ' ',
        (_, true) => {
            let text = call.needed_text(fill)?;
            let mut characters = text.chars();
            match (characters.next(), characters.next()) {
                (Some(character), None) => character,
                _ => return Err(call.wrong(fill, "a text of one character is expected")),
            }
        }
    };
    let width = usize::try_from(width).unwrap_or(0);
    let subject = subject(call)?;
    let parameters = format!("{width} {side:?} {fill:?}");
    apply(call, &parameters, &subject, Type::Text, move |view| {
        let ascii = view.ascii();
        let length = |text: &str| if ascii { text.len() } else { text.chars().count() };
        let added = view.iter().map(|text| width.saturating_sub(length(text))).fold(0, usize::saturating_add);
        let bytes = added.saturating_mul(fill.len_utf8()).saturating_add(view.whole().len());
        room(bytes)?;
        let mut builder = TextBuilder::with_capacity(view.len(), bytes);
        for text in view.iter() {
            builder.push_with(|bytes| pad(text, length(text), width, side, fill, bytes));
        }
        Ok(Some(Lane::new(Values::Text(builder.finish()))))
    })
}

fn pad(text: &str, length: usize, width: usize, side: Side, fill: char, bytes: &mut Vec<u8>) {
    let missing = width.saturating_sub(length);
    let (left, right) = match side {
        Side::Left | Side::Sign => (missing, 0),
        Side::Right => (0, missing),
        // As Python does: of an odd number, the one more is left where the width is odd.
        Side::Both => {
            let left = missing / 2 + (missing & width & 1);
            (left, missing - left)
        }
    };
    let sign = matches!(side, Side::Sign) && text.starts_with(['+', '-']);
    let (sign, rest) = text.split_at(usize::from(sign));
    bytes.extend_from_slice(sign.as_bytes());
    fill_with(fill, left, bytes);
    bytes.extend_from_slice(rest.as_bytes());
    fill_with(fill, right, bytes);
}

fn fill_with(fill: char, times: usize, bytes: &mut Vec<u8>) {
    match fill.is_ascii() {
        true => bytes.resize(bytes.len() + times, fill as u8),
        false => (0..times).for_each(|_| push(fill, bytes)),
    }
}

/// Refuses what would take the memory of everything else.
fn room(bytes: usize) -> ColumnsResult<()> {
    const MOST: usize = 1 << 31;
    if bytes <= MOST {
        return Ok(());
    }
    Err(ColumnsError::option(format!(
        "the texts of a block would take {bytes} bytes, and {MOST} are the most; repeat or pad less"
    )))
}
