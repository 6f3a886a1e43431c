//! For which texts of a batch a test holds, which come one behind the other or as places in a dictionary.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::UInt32Type;
use arrow::error::ArrowError;
use foldhash::fast::RandomState;

use super::evaluate::{WORD, any, bits};
use super::made::made_of;
use super::pattern::Pattern;
use crate::bounds::Comparison;
use crate::looks::{Like, Looks, TextFunction};

/// Bytes that are compared at once.
const HEAD: usize = 8;
/// So many constants are compared one by one: a text of a longer list is looked up.
const FEW: usize = 4;

/// What is asked of texts, which are ordered by their bytes as in SQL.
#[derive(Debug, Clone)]
pub(super) struct TextTest {
    /// Which of the answers to texts of dictionaries are its.
    place: usize,
    /// What is made of them first.
    made: Vec<TextFunction>,
    is: Is,
}

#[derive(Debug, Clone)]
enum Is {
    Compared(Comparison, Vec<u8>),
    OneOfFew(Vec<Vec<u8>>),
    OneOf(Arc<HashSet<Vec<u8>, RandomState>>),
    Like(Pattern),
}

/// What tests have answered to the texts of a dictionary: batches that follow each other have the same one as a rule.
#[derive(Debug, Default)]
pub(super) struct Answers(HashMap<usize, (ArrayRef, Vec<u8>)>);

impl TextTest {
    /// Texts that compare so with one of these, which are several only where they are to be equal. `place` is another for each test of a
    /// stage.
    pub(super) fn new(place: usize, comparison: Comparison, constants: &[&str]) -> Option<Self> {
        let bytes = constants.iter().map(|constant| constant.as_bytes().to_vec());
        let is = match (comparison, constants) {
            (_, []) => return None,
            (comparison, [constant]) => Is::Compared(comparison, constant.as_bytes().to_vec()),
            (Comparison::Equal, constants) if constants.len() <= FEW => Is::OneOfFew(bytes.collect()),
            (Comparison::Equal, _) => Is::OneOf(Arc::new(bytes.collect())),
            _ => return None,
        };
        Some(Self { place, made: Vec::new(), is })
    }

    /// Texts that look so. `None` where SQL is to say what that means.
    pub(super) fn looks(place: usize, looks: &Looks) -> Option<Self> {
        let is = match looks.like {
            Like::Compared(comparison) => Is::Compared(comparison, looks.text.as_bytes().to_vec()),
            like => Is::Like(Pattern::new(like, &looks.text)?),
        };
        Some(Self { place, made: looks.made.clone(), is })
    }

    /// For which rows of a column it holds.
    pub(super) fn holds(&self, column: &ArrayRef, answers: &mut Answers) -> Result<BooleanArray, ArrowError> {
        let no_texts = || ArrowError::CastError("it is no column of texts".to_owned());
        let Some(keyed) = column.as_dictionary_opt::<UInt32Type>() else {
            let texts = column.as_string_opt::<i32>().ok_or_else(no_texts)?;
            return Ok(BooleanArray::new(self.of(texts)?, texts.nulls().cloned()));
        };
        let values = keyed.values();
        let known = answers.0.get(&self.place).is_some_and(|(of, _)| Arc::ptr_eq(of, values));
        if !known {
            let holds = self.of(values.as_string_opt::<i32>().ok_or_else(no_texts)?)?;
            let holds = holds.iter().map(u8::from).collect();
            answers.0.insert(self.place, (Arc::clone(values), holds));
        }
        let holds = answers.0.get(&self.place).map_or(&[][..], |(_, holds)| holds);
        let places = keyed.keys().values();
        let of = |place: &u32| u64::from(holds.get(*place as usize).copied().unwrap_or_default());
        let word = |places: &[u32]| places.iter().enumerate().fold(0, |word, (at, place)| word | of(place) << at);
        Ok(BooleanArray::new(bits(places.chunks(WORD).map(word), places.len()), keyed.logical_nulls()))
    }

    fn of(&self, texts: &StringArray) -> Result<BooleanBuffer, ArrowError> {
        let made = self
            .made
            .iter()
            .try_fold(None, |made, function| made_of(*function, made.as_ref().unwrap_or(texts)).map(Some))?;
        let texts = made.as_ref().unwrap_or(texts);
        Ok(match &self.is {
            Is::Compared(comparison, constant) => compared(texts, *comparison, constant),
            Is::OneOfFew(constants) => {
                any(constants.iter().map(|constant| compared(texts, Comparison::Equal, constant)), texts.len())
            }
            Is::OneOf(constants) => {
                where_holds(texts, |bytes, length| bytes.get(..length).is_some_and(|text| constants.contains(text)))
            }
            Is::Like(pattern) => {
                where_holds(texts, |bytes, length| bytes.get(..length).is_some_and(|text| pattern.holds(text)))
            }
        })
    }
}

/// How texts compare with one. Most are short, or differ soon: their first bytes are compared as one number.
fn compared(texts: &StringArray, comparison: Comparison, constant: &[u8]) -> BooleanBuffer {
    let head = head_of(constant, constant.len());
    // Where the heads are the same: zeros fill those of short texts, and are bytes as well.
    let rest = |bytes: &[u8], length: usize| bytes.get(..length).unwrap_or_default().cmp(constant);
    match comparison {
        Comparison::Equal => where_holds(texts, |bytes, length| {
            length == constant.len()
                && head_of(bytes, length) == head
                && (length <= HEAD || rest(bytes, length).is_eq())
        }),
        Comparison::Less => where_holds(texts, |bytes, length| {
            let found = head_of(bytes, length);
            found < head || found == head && rest(bytes, length).is_lt()
        }),
        Comparison::AtMost => where_holds(texts, |bytes, length| {
            let found = head_of(bytes, length);
            found < head || found == head && rest(bytes, length).is_le()
        }),
        Comparison::AtLeast => where_holds(texts, |bytes, length| {
            let found = head_of(bytes, length);
            found > head || found == head && rest(bytes, length).is_ge()
        }),
        Comparison::More => where_holds(texts, |bytes, length| {
            let found = head_of(bytes, length);
            found > head || found == head && rest(bytes, length).is_gt()
        }),
    }
}

/// The first bytes of a text of this length which bytes begin with, as a number that is ordered as they are.
fn head_of(bytes: &[u8], length: usize) -> u64 {
    let head = match bytes.first_chunk::<HEAD>() {
        Some(head) => u64::from_be_bytes(*head),
        None => bytes.iter().chain(&[0; HEAD]).take(HEAD).fold(0, |head, byte| head << 8 | u64::from(*byte)),
    };
    // What is behind the text is of others.
    head & !u64::MAX.checked_shr(8 * length.min(HEAD) as u32).unwrap_or(0)
}

/// For which texts this holds, which is given the bytes that each begins in and its length.
fn where_holds(texts: &StringArray, holds: impl Fn(&[u8], usize) -> bool) -> BooleanBuffer {
    let (ends, bytes, count) = (texts.value_offsets(), texts.value_data(), texts.len());
    let of = |pair: &[i32]| {
        let [start, end] = pair else { return false };
        holds(bytes.get(*start as usize..).unwrap_or_default(), (end - start) as usize)
    };
    let word = |from: usize| {
        let ends = ends.get(from..(from + WORD).min(count) + 1).unwrap_or_default();
        ends.windows(2).enumerate().fold(0, |word, (at, pair)| word | (u64::from(of(pair)) << at))
    };
    bits((0..count).step_by(WORD).map(word), count)
}
