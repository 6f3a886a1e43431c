//! Lower case, upper case and what lies between.

use super::apply::{apply, subject, texts};
use super::chars::{is_cased, push, push_folded, push_lower, push_title, push_upper};
use crate::block::{Lane, Texts, Values};
use crate::error::ColumnsResult;
use crate::kernels::map;
use crate::plan::{Call, Function, Operand};
use crate::types::Type;

pub(in crate::functions) static FUNCTIONS: &[Function] = &[
    Function {
        name: "str_lower",
        arguments: &["x", "ascii?"],
        about: "Texts in lower case; with `ascii`, of the letters A to Z alone.",
        bind: |call| letters(call, u8::to_ascii_lowercase, lower),
    },
    Function {
        name: "str_upper",
        arguments: &["x", "ascii?"],
        about: "Texts in upper case (ß becomes SS); with `ascii`, of the letters a to z alone.",
        bind: |call| letters(call, u8::to_ascii_uppercase, upper),
    },
    Function {
        name: "str_casefold",
        arguments: &["x"],
        about: "Texts in the form in which those that differ in case alone are equal.",
        bind: |call| letters(call, u8::to_ascii_lowercase, fold),
    },
    Function {
        name: "str_capitalize",
        arguments: &["x"],
        about: "Texts with a capital at the start and all else in lower case.",
        bind: |call| written(call, capitalize),
    },
    Function {
        name: "str_title",
        arguments: &["x"],
        about: "Texts with a capital at the start of each word and all else in lower case.",
        bind: |call| written(call, title),
    },
    Function {
        name: "str_swapcase",
        arguments: &["x"],
        about: "Texts with lower case for upper case and the other way round.",
        bind: |call| written(call, swap),
    },
];

fn written(call: &mut Call<'_, '_>, write: fn(&str, &mut Vec<u8>)) -> ColumnsResult<Operand> {
    let subject = subject(call)?;
    texts(call, "", &subject, write)
}

/// A mapping of letters: of bytes where all characters are ASCII, else by `write`.
fn letters(call: &mut Call<'_, '_>, byte: fn(&u8) -> u8, write: fn(&str, &mut Vec<u8>)) -> ColumnsResult<Operand> {
    let ascii = call.flag(1)?.unwrap_or(false);
    let subject = subject(call)?;
    apply(call, if ascii { "ascii" } else { "" }, &subject, Type::Text, move |view| {
        if !(ascii || view.ascii()) {
            return Ok(Some(super::apply::written(view, |text, bytes| match text.is_ascii() {
                true => bytes.extend(text.bytes().map(|letter| byte(&letter))),
                false => write(text, bytes),
            })));
        }
        let offsets = view.offsets().iter().map(|offset| *offset as i64).collect::<Vec<i64>>();
        let bytes = map(view.whole().as_bytes(), |letter| byte(&letter));
        Ok(Some(Lane::new(Values::Text(Texts::Long(offsets.into(), bytes)))))
    })
}

fn lower(text: &str, bytes: &mut Vec<u8>) {
    text.char_indices().for_each(|(at, character)| push_lower(character, text, at, bytes));
}

fn upper(text: &str, bytes: &mut Vec<u8>) {
    text.chars().for_each(|character| push_upper(character, bytes));
}

fn fold(text: &str, bytes: &mut Vec<u8>) {
    text.chars().for_each(|character| push_folded(character, bytes));
}

fn capitalize(text: &str, bytes: &mut Vec<u8>) {
    for (at, character) in text.char_indices() {
        match at {
            0 => push_title(character, bytes),
            _ => push_lower(character, text, at, bytes),
        }
    }
}

fn title(text: &str, bytes: &mut Vec<u8>) {
    let mut inside = false;
    for (at, character) in text.char_indices() {
        match inside {
            false => push_title(character, bytes),
            true => push_lower(character, text, at, bytes),
        }
        inside = is_cased(character);
    }
}

fn swap(text: &str, bytes: &mut Vec<u8>) {
    for (at, character) in text.char_indices() {
        if character.is_uppercase() {
            push_lower(character, text, at, bytes);
        } else if character.is_lowercase() {
            push_upper(character, bytes);
        } else {
            push(character, bytes);
        }
    }
}
