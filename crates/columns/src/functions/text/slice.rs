//! Parts of texts by their places, in characters.

use super::apply::{apply, of_texts, parts, subject, written};
use super::chars::{place_of, push};
use super::find::bounds;
use super::lists;
use crate::error::ColumnsResult;
use crate::plan::{Call, Function, Operand};
use crate::types::Type;

pub(in crate::functions) static FUNCTIONS: &[Function] = &[
    Function {
        name: "str_slice",
        arguments: &["x", "start?", "stop?", "step?"],
        about: "The characters from a place to before another, as Python's x[start:stop:step] has them.",
        bind: slice,
    },
    Function {
        name: "str_get",
        arguments: &["x", "i"],
        about: "The character of a place, or the text of a place of a list, from the end where negative; missing where there is none.",
        bind: get,
    },
];

fn slice(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let (start, stop) = (call.integer(1)?, call.integer(2)?);
    let step = call.integer(3)?.unwrap_or(1);
    let subject = subject(call)?;
    let parameters = format!("{start:?} {stop:?} {step}");
    match step {
        0 => Err(call.wrong(3, "a step of 0 leads nowhere")),
        1 => apply(call, &parameters, &subject, Type::Text, move |view| {
            let ascii = view.ascii();
            Ok(Some(parts(view, |text| Some(between(text, start.unwrap_or(0), stop, ascii)))))
        }),
        _ => apply(call, &parameters, &subject, Type::Text, move |view| {
            Ok(Some(written(view, |text, bytes| stepped(text, start, stop, step, bytes))))
        }),
    }
}

fn between(text: &str, start: i64, stop: Option<i64>, ascii: bool) -> &str {
    // Without places from the end there is no need to know how long the text is.
    match (usize::try_from(start), stop.map(usize::try_from)) {
        (Ok(start), None) => text.get(place_of(text, start, ascii)..).unwrap_or_default(),
        (Ok(start), Some(Ok(stop))) => {
            let rest = text.get(place_of(text, start, ascii)..).unwrap_or_default();
            rest.get(..place_of(rest, stop.saturating_sub(start), ascii)).unwrap_or_default()
        }
        _ => bounds(text, start, stop).and_then(|(from, to, _)| text.get(from..to)).unwrap_or_default(),
    }
}

/// Every so manyth character, from the end where the step is negative.
fn stepped(text: &str, start: Option<i64>, stop: Option<i64>, step: i64, bytes: &mut Vec<u8>) {
    let length = text.chars().count() as i64;
    let forward = step > 0;
    // The places before the first and behind the last that can be taken.
    let (least, most) = if forward { (0, length) } else { (-1, length - 1) };
    let place = |at: i64| (if at < 0 { at.saturating_add(length) } else { at }).clamp(least, most);
    let start = start.map_or(if forward { least } else { most }, place);
    let stop = stop.map_or(if forward { most } else { least }, place);
    let stride = usize::try_from(step.unsigned_abs()).unwrap_or(usize::MAX);
    let (skipped, taken) = match forward {
        true => (start, stop - start),
        false => (length - 1 - start, start - stop),
    };
    let (skipped, taken) = (usize::try_from(skipped).unwrap_or(0), usize::try_from(taken).unwrap_or(0));
    match forward {
        true => text.chars().skip(skipped).take(taken).step_by(stride).for_each(|character| push(character, bytes)),
        false => {
            text.chars().rev().skip(skipped).take(taken).step_by(stride).for_each(|character| push(character, bytes))
        }
    }
}

fn get(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let at = call.integer(1)?.ok_or_else(|| call.wrong(1, "a whole number is expected"))?;
    let operand = call.operand(0)?;
    if lists::is_list(&operand.type_) {
        return lists::get(call, &operand, at);
    }
    let subject = of_texts(call, operand)?;
    apply(call, &at.to_string(), &subject, Type::Text, move |view| {
        let ascii = view.ascii();
        Ok(Some(parts(view, |text| character(text, at, ascii))))
    })
}

fn character(text: &str, at: i64, ascii: bool) -> Option<&str> {
    let begin = match usize::try_from(at) {
        Ok(at) if ascii => at,
        Ok(at) => text.char_indices().nth(at)?.0,
        Err(_) => {
            let back = usize::try_from(at.unsigned_abs()).ok()?;
            if ascii { text.len().checked_sub(back)? } else { text.char_indices().rev().nth(back - 1)?.0 }
        }
    };
    let rest = text.get(begin..)?;
    rest.get(..rest.chars().next()?.len_utf8())
}
