//! Texts that are made of others.

use std::ops::RangeInclusive;

use arrow::array::{Array, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer};
use arrow::error::ArrowError;

use crate::looks::TextFunction;

/// What a function makes of each of these.
pub(super) fn made_of(function: TextFunction, texts: &StringArray) -> Result<StringArray, ArrowError> {
    match function {
        TextFunction::Lower if texts.is_ascii() => same_lengths(texts, <[u8]>::to_ascii_lowercase),
        TextFunction::Upper if texts.is_ascii() => same_lengths(texts, <[u8]>::to_ascii_uppercase),
        TextFunction::Lower => each(texts, |text, made| made.extend(text.chars().map(lower))),
        TextFunction::Upper => each(texts, |text, made| made.extend(text.chars().map(upper))),
        TextFunction::Part { skip, take } => each(texts, |text, made| {
            // Most texts are ASCII, where characters are bytes.
            let (skip, take) = (skip as usize, take as usize);
            match text.is_ascii() {
                true => {
                    let rest = text.get(skip..).unwrap_or_default();
                    made.push_str(rest.get(..take).unwrap_or(rest));
                }
                false => made.extend(text.chars().skip(skip).take(take)),
            }
        }),
    }
}

/// Texts of ASCII that become others of it, all at once.
fn same_lengths(texts: &StringArray, of: impl Fn(&[u8]) -> Vec<u8>) -> Result<StringArray, ArrowError> {
    let ends = texts.value_offsets();
    let (start, end) = (ends.first().copied().unwrap_or_default(), ends.last().copied().unwrap_or_default());
    let mut bytes = vec![0; start as usize];
    bytes.extend(of(texts.value_data().get(start as usize..end as usize).unwrap_or_default()));
    StringArray::try_new(texts.offsets().clone(), Buffer::from_vec(bytes), texts.nulls().cloned())
}

fn each(texts: &StringArray, of: impl Fn(&str, &mut String)) -> Result<StringArray, ArrowError> {
    let mut bytes = String::with_capacity(texts.value_data().len());
    let mut ends = Vec::with_capacity(texts.len() + 1);
    ends.push(0);
    for text in texts {
        if let Some(text) = text {
            of(text, &mut bytes);
        }
        ends.push(i32::try_from(bytes.len()).map_err(|_| ArrowError::OffsetOverflowError(bytes.len()))?);
    }
    let ends = OffsetBuffer::new(ends.into());
    StringArray::try_new(ends, Buffer::from_vec(bytes.into_bytes()), texts.nulls().cloned())
}

/// Characters that got another case after the version of Unicode that DuckDB knows: to it they have none.
const LATER: [RangeInclusive<char>; 7] = [
    '\u{1c89}'..='\u{1c8a}',
    '\u{a7cb}'..='\u{a7cf}',
    '\u{a7d2}'..='\u{a7d2}',
    '\u{a7d4}'..='\u{a7d4}',
    '\u{a7da}'..='\u{a7dc}',
    '\u{10d50}'..='\u{10d85}',
    '\u{16ea0}'..='\u{16ed3}',
];

fn lower(character: char) -> char {
    match character {
        'İ' => 'i',
        other => one_of(other, other.to_lowercase()),
    }
}

fn upper(character: char) -> char {
    let after = |distance| char::from_u32(u32::from(character) + distance).unwrap_or(character);
    match character {
        // Several, but there is one as well.
        'ß' => 'ẞ',
        // Greek letters with an iota below: in upper case it stands behind them, or is one with them.
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => after(8),
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => after(9),
        other => one_of(other, other.to_uppercase()),
    }
}

/// What a character is in another case, as DuckDB has it: itself where it would be several.
fn one_of(character: char, mut others: impl Iterator<Item = char>) -> char {
    let is_later = |character: &char| LATER.iter().any(|range| range.contains(character));
    match (others.next(), others.next()) {
        (Some(one), None) if character.is_ascii() || !is_later(&one) && !is_later(&character) => one,
        _ => character,
    }
}
