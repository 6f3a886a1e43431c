//! Texts taken apart, and put together.

use std::ops::Range;
use std::sync::Arc;

use memchr::memmem::{Finder, FinderRev};

use super::apply::{apply, of_texts, parts, subject, texts};
use super::chars::{is_space, push};
use super::lists::{self, ListBuilder};
use crate::block::{Lane, TextBuilder, Texts, Values, both_valid};
use crate::error::ColumnsResult;
use crate::plan::{Arguments, Call, Function, Operand};
use crate::types::Type;

pub(in crate::functions) static FUNCTIONS: &[Function] = &[
    Function {
        name: "str_split",
        arguments: &["x", "pattern?", "max_splits?"],
        about: "Lists of the pieces between the occurrences of a text, or between white space; at most so many splits, from the left.",
        bind: |call| split(call, false),
    },
    Function {
        name: "str_rsplit",
        arguments: &["x", "pattern?", "max_splits?"],
        about: "Lists of the pieces between the occurrences of a text, or between white space; at most so many splits, from the right.",
        bind: |call| split(call, true),
    },
    Function {
        name: "str_split_part",
        arguments: &["x", "pattern", "index", "max_splits?"],
        about: "One of the pieces that str_split makes, from the end where negative; missing where there is none.",
        bind: split_part,
    },
    Function {
        name: "str_join",
        arguments: &["x", "sep"],
        about: "The texts of lists put together with a text between them; of texts, their characters.",
        bind: join,
    },
    Function {
        name: "str_cat",
        arguments: &["x", "other", "sep?"],
        about: "Texts put together, with a text between them.",
        bind: cat,
    },
];

/// What lies between the pieces of a text.
#[derive(Debug)]
enum Splitter {
    Space,
    Left(Box<Finder<'static>>),
    Right(Box<FinderRev<'static>>),
}

fn splitter(call: &Call<'_, '_>, right: bool) -> ColumnsResult<Splitter> {
    let Some(pattern) = call.text(1)? else { return Ok(Splitter::Space) };
    if pattern.is_empty() {
        return Err(call.wrong(1, "an empty text lies between no pieces; leave it out to split at white space"));
    }
    Ok(match right {
        false => Splitter::Left(Box::new(Finder::new(pattern.as_bytes()).into_owned())),
        true => Splitter::Right(Box::new(FinderRev::new(pattern.as_bytes()).into_owned())),
    })
}

/// How many splits there may be. As in Python, a negative number is none; so is none written out.
fn most(call: &Call<'_, '_>, at: usize) -> ColumnsResult<usize> {
    Ok(call.integer(at)?.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX))
}

impl Splitter {
    /// The pieces of a text, from left to right.
    fn pieces(&self, text: &str, right: bool, most: usize, pieces: &mut Vec<Range<usize>>) {
        pieces.clear();
        let bytes = text.as_bytes();
        match self {
            Self::Left(finder) => {
                let mut at = 0;
                while pieces.len() < most {
                    let Some(found) = bytes.get(at..).and_then(|rest| finder.find(rest)) else { break };
                    pieces.push(at..at + found);
                    at += found + finder.needle().len();
                }
                pieces.push(at..text.len());
            }
            Self::Right(finder) => {
                let mut end = text.len();
                while pieces.len() < most {
                    let Some(found) = bytes.get(..end).and_then(|rest| finder.rfind(rest)) else { break };
                    pieces.push(found + finder.needle().len()..end);
                    end = found;
                }
                pieces.push(0..end);
                pieces.reverse();
            }
            Self::Space if right => {
                let mut rest = text.trim_end_matches(is_space);
                while pieces.len() < most {
                    let Some((space, character)) =
                        rest.char_indices().rev().find(|(_, character)| is_space(*character))
                    else {
                        break;
                    };
                    pieces.push(space + character.len_utf8()..rest.len());
                    rest = rest.get(..space).unwrap_or_default().trim_end_matches(is_space);
                }
                if !rest.is_empty() {
                    // What is before the first word counts only where splits have run out.
                    let begin =
                        if pieces.len() < most { rest.len() - rest.trim_start_matches(is_space).len() } else { 0 };
                    pieces.push(begin..rest.len());
                }
                pieces.reverse();
            }
            Self::Space => {
                let skip = |at: usize| {
                    let rest = text.get(at..).unwrap_or_default();
                    text.len() - rest.trim_start_matches(is_space).len()
                };
                let mut at = skip(0);
                while at < text.len() {
                    let rest = text.get(at..).unwrap_or_default();
                    let end = match pieces.len() < most {
                        true => rest.find(is_space).map_or(text.len(), |end| at + end),
                        false => text.len(),
                    };
                    pieces.push(at..end);
                    at = skip(end);
                }
            }
        }
    }
}

fn split(call: &mut Call<'_, '_>, right: bool) -> ColumnsResult<Operand> {
    let (splitter, most) = (splitter(call, right)?, most(call, 2)?);
    let subject = subject(call)?;
    let parameters = format!("{:?} {most}", call.text(1)?);
    apply(call, &parameters, &subject, lists::list_type(), move |view| {
        let mut builder = ListBuilder::with_capacity(view.len(), view.whole().len());
        let mut pieces = Vec::new();
        for text in view.iter() {
            splitter.pieces(text, right, most, &mut pieces);
            pieces.iter().for_each(|piece| builder.push(text.get(piece.clone()).unwrap_or_default()));
            builder.end()?;
        }
        Ok(Some(builder.finish()?))
    })
}

fn split_part(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let (splitter, most) = (splitter(call, false)?, most(call, 3)?);
    let index = call.integer(2)?.ok_or_else(|| call.wrong(2, "a whole number is expected"))?;
    let subject = subject(call)?;
    let parameters = format!("{:?} {index} {most}", call.text(1)?);
    let (forward, back) = (usize::try_from(index).ok(), usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX));
    // Only the pieces up to the wanted one are looked for, and one split tells where that ends.
    let enough = forward.map_or(most, |index| most.min(index.saturating_add(1)));
    apply(call, &parameters, &subject, Type::Text, move |view| {
        let pieces = std::cell::RefCell::new(Vec::new());
        Ok(Some(parts(view, |text| {
            let mut pieces = pieces.borrow_mut();
            splitter.pieces(text, false, enough, &mut pieces);
            let place = forward.or_else(|| pieces.len().checked_sub(back))?;
            text.get(pieces.get(place)?.clone())
        })))
    })
}

fn join(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let between = call.needed_text(1)?;
    let operand = call.operand(0)?;
    if lists::is_list(&operand.type_) {
        return lists::join(call, &operand, between);
    }
    let subject = of_texts(call, operand)?;
    texts(call, &format!("{between:?}"), &subject, move |text, bytes| {
        for (number, character) in text.chars().enumerate() {
            if number > 0 {
                bytes.extend_from_slice(between.as_bytes());
            }
            push(character, bytes);
        }
    })
}

fn cat(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let between: Arc<str> = call.text(2)?.unwrap_or_default();
    let x = subject(call)?;
    let other = call.operand(1)?;
    let other = of_texts(call, other)?;
    call.compute(&format!("{between:?}"), &[&x, &other], Type::Text, move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let (a, b) = (arguments.next(), arguments.next());
        let valid = both_valid(a.valid_rows(rows), b.valid_rows(rows));
        let (Values::Text(x), Values::Text(y)) = (&a.values, &b.values) else { return Ok(Lane::new(Values::Null)) };
        let valued = |texts: &Texts<'_>, constant: bool, row: usize, bytes: &mut Vec<u8>| {
            bytes.extend_from_slice(texts.bytes(if constant { 0 } else { row }).unwrap_or_default());
        };
        let mut builder = TextBuilder::with_capacity(rows, rows * 16);
        for row in 0..rows {
            builder.push_with(|bytes| {
                valued(x, a.constant, row, bytes);
                bytes.extend_from_slice(between.as_bytes());
                valued(y, b.constant, row, bytes);
            });
        }
        Ok(Lane::with_valid(Values::Text(builder.finish()), valid))
    })
}
