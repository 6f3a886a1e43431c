//! Lengths of texts, and where other texts are in them.

use memchr::memmem::{Finder, FinderRev};

use super::apply::{apply, bools, integers, subject};
use super::chars::place_of;
use super::view::{Next, View};
use crate::block::{Fault, Lane, Values, YES};
use crate::error::ColumnsResult;
use crate::plan::{Call, Function, Operand};
use crate::types::Type;
use crate::value::Value;

pub(in crate::functions) static FUNCTIONS: &[Function] = &[
    Function {
        name: "str_len",
        arguments: &["x"],
        about: "How many characters texts have, as code points.",
        bind: |call| {
            let subject = subject(call)?;
            measured(call, &subject, |view| match view.ascii() {
                true => byte_lengths(view),
                false => view.iter().map(|text| text.chars().count() as i64).collect(),
            })
        },
    },
    Function {
        name: "str_byte_length",
        arguments: &["x"],
        about: "How many bytes texts take in UTF-8.",
        bind: |call| {
            let subject = subject(call)?;
            measured(call, &subject, byte_lengths)
        },
    },
    Function {
        name: "str_find",
        arguments: &["x", "sub", "start?", "end?"],
        about: "The place of the first occurrence of a text, in characters; -1 where there is none.",
        bind: |call| located(call, Side::Left, false),
    },
    Function {
        name: "str_rfind",
        arguments: &["x", "sub", "start?", "end?"],
        about: "The place of the last occurrence of a text, in characters; -1 where there is none.",
        bind: |call| located(call, Side::Right, false),
    },
    Function {
        name: "str_index",
        arguments: &["x", "sub", "start?", "end?"],
        about: "The place of the first occurrence of a text, in characters; a row without one has no result, which is an error where it is used.",
        bind: |call| located(call, Side::Left, true),
    },
    Function {
        name: "str_rindex",
        arguments: &["x", "sub", "start?", "end?"],
        about: "The place of the last occurrence of a text, in characters; a row without one has no result, which is an error where it is used.",
        bind: |call| located(call, Side::Right, true),
    },
    Function {
        name: "str_startswith",
        arguments: &["x", "pat"],
        about: "Whether texts begin with a text, or with one of a list.",
        bind: |call| {
            let ends = needed_texts(call, 1)?;
            let subject = subject(call)?;
            bools(call, &format!("{ends:?}"), &subject, move |text| {
                ends.iter().any(|end| text.starts_with(end.as_str()))
            })
        },
    },
    Function {
        name: "str_endswith",
        arguments: &["x", "pat"],
        about: "Whether texts end with a text, or with one of a list.",
        bind: |call| {
            let ends = needed_texts(call, 1)?;
            let subject = subject(call)?;
            bools(call, &format!("{ends:?}"), &subject, move |text| ends.iter().any(|end| text.ends_with(end.as_str())))
        },
    },
];

/// Whole numbers of all texts of a view at once.
fn measured(call: &mut Call<'_, '_>, subject: &Operand, measure: fn(&View<'_>) -> Vec<i64>) -> ColumnsResult<Operand> {
    apply(call, "", subject, Type::INT64, move |view| Ok(Some(Lane::new(Values::I64(measure(view).into())))))
}

fn byte_lengths(view: &View<'_>) -> Vec<i64> {
    view.offsets().windows(2).map(|pair| (pair[1] - pair[0]) as i64).collect()
}

/// The texts of a list that is written out.
fn needed_texts(call: &Call<'_, '_>, at: usize) -> ColumnsResult<Vec<String>> {
    call.values(at)?
        .into_iter()
        .map(|value| match value {
            Value::Text(text) => Ok(text.to_string()),
            _ => Err(call.wrong(at, "a text or a list of texts is expected")),
        })
        .collect()
}

/// From which side something is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

fn located(call: &mut Call<'_, '_>, side: Side, must: bool) -> ColumnsResult<Operand> {
    let sub = call.needed_text(1)?;
    let (start, end) = (call.integer(2)?.unwrap_or(0), call.integer(3)?);
    let subject = subject(call)?;
    let parameters = format!("{sub:?} {start} {end:?}");
    if side == Side::Left && !must && (start, end) == (0, None) && !sub.is_empty() {
        let finder = Finder::new(sub.as_bytes()).into_owned();
        return apply(call, &parameters, &subject, Type::INT64, move |view| {
            Ok(Some(Lane::new(first_places(view, &finder))))
        });
    }
    let (left, right) = (Finder::new(sub.as_bytes()).into_owned(), FinderRev::new(sub.as_bytes()).into_owned());
    let find = move |text: &str| {
        let Some((from, to, skipped)) = bounds(text, start, end) else { return -1 };
        let within = text.get(from..to).unwrap_or_default();
        let found = match side {
            Side::Left => left.find(within.as_bytes()),
            Side::Right => right.rfind(within.as_bytes()),
        };
        found.map_or(-1, |at| (skipped + characters(within.get(..at).unwrap_or_default())) as i64)
    };
    if !must {
        return integers(call, &parameters, &subject, find);
    }
    let other = if side == Side::Left { "str_find" } else { "str_rfind" };
    let reason = format!("a text has no {} in it; `{other}` answers -1 there", Value::Text(sub));
    apply(call, &parameters, &subject, Type::INT64, move |view| {
        let places: Vec<i64> = view.iter().map(&find).collect();
        let rows: Vec<u8> = places.iter().map(|place| if *place < 0 { YES } else { 0 }).collect();
        let fault = rows.contains(&YES).then(|| Fault { rows, reason: reason.clone(), node: None }.into());
        Ok(Some(Lane { fault, ..Lane::new(Values::I64(places.into())) }))
    })
}

/// Where a text is first, in each text of a view.
fn first_places(view: &View<'_>, finder: &Finder<'_>) -> Values<'static> {
    let mut places = vec![-1; view.len()];
    let offsets = view.offsets();
    view.occurrences(finder, |row, at| {
        let begin = offsets.get(row).copied().unwrap_or(at);
        if let Some(place) = places.get_mut(row) {
            *place = match view.ascii() {
                true => at - begin,
                false => characters(view.whole().get(begin..at).unwrap_or_default()),
            } as i64;
        }
        Next::Row
    });
    Values::I64(places.into())
}

fn characters(text: &str) -> usize {
    text.chars().count()
}

/// The bytes between two places, which count characters and from the end where negative, and how many characters are before them;
/// nothing where the first is behind the second.
pub(super) fn bounds(text: &str, start: i64, end: Option<i64>) -> Option<(usize, usize, usize)> {
    let length = if text.is_ascii() { text.len() } else { characters(text) };
    let place = |at: i64| match usize::try_from(at) {
        Ok(at) => at,
        Err(_) => length.saturating_sub(usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX)),
    };
    let (start, end) = (place(start), end.map_or(length, |end| place(end).min(length)));
    if start > end {
        return None;
    }
    if length == text.len() {
        return Some((start, end, start));
    }
    let from = place_of(text, start, false);
    let to = if end == length { text.len() } else { from + place_of(text.get(from..)?, end - start, false) };
    Some((from, to, start))
}
