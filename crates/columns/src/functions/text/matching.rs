//! Whether texts have a pattern in them, and how often.

use memchr::memmem::Finder;

use super::apply::{apply, bools, integers, subject};
use super::regexes::{Extent, each_match, flags, regex};
use super::view::Next;
use crate::block::{Lane, Values, YES};
use crate::error::ColumnsResult;
use crate::expr::{Binary, Expr, Kind};
use crate::plan::{Call, Function, Operand};
use crate::types::Type;

pub(in crate::functions) static FUNCTIONS: &[Function] = &[
    Function {
        name: "str_contains",
        arguments: &["x", "pattern", "regex?", "case?", "flags?"],
        about: "Whether a regex matches somewhere in texts; with `regex=False`, whether a text is in them.",
        bind: contains,
    },
    Function {
        name: "str_match",
        arguments: &["x", "pattern", "case?", "flags?"],
        about: "Whether a regex matches at the start of texts.",
        bind: |call| matched(call, Extent::Start),
    },
    Function {
        name: "str_fullmatch",
        arguments: &["x", "pattern", "case?", "flags?"],
        about: "Whether a regex matches all of texts.",
        bind: |call| matched(call, Extent::Whole),
    },
    Function {
        name: "str_count",
        arguments: &["x", "pat", "regex?", "flags?"],
        about: "How often a text is in texts, none over another; with `regex=True`, how often a regex matches.",
        bind: count,
    },
    Function {
        name: "str_equals",
        arguments: &["x", "y"],
        about: "Whether texts are equal: x == y.",
        bind: |call| compared(call, Binary::Equal),
    },
    Function {
        name: "str_notequals",
        arguments: &["x", "y"],
        about: "Whether texts are unequal: x != y.",
        bind: |call| compared(call, Binary::NotEqual),
    },
];

fn contains(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let pattern = call.needed_text(1)?;
    let as_regex = call.flag(2)?.unwrap_or(true);
    let case = call.flag(3)?.unwrap_or(true);
    let mut flags = flags(call, 4)?;
    if !as_regex && flags != Default::default() {
        return Err(call.wrong(4, "flags are of regexes, and this is none with `regex=False`"));
    }
    flags.ignore_case |= !case;
    let subject = subject(call)?;
    let parameters = format!("{pattern:?} {as_regex} {flags:?}");
    let plain = !as_regex || regex_syntax::escape(&pattern) == *pattern && flags == Default::default();
    if plain && !flags.ignore_case {
        let finder = Finder::new(pattern.as_bytes()).into_owned();
        return apply(call, &parameters, &subject, Type::Bool, move |view| {
            let mut found = vec![if finder.needle().is_empty() { YES } else { 0 }; view.len()];
            if !finder.needle().is_empty() {
                view.occurrences(&finder, |row, _| {
                    found.iter_mut().skip(row).take(1).for_each(|found| *found = YES);
                    Next::Row
                });
            }
            Ok(Some(Lane::new(Values::Bool(found.into()))))
        });
    }
    let pattern = if as_regex { pattern.to_string() } else { regex_syntax::escape(&pattern) };
    let regex = regex(call, 1, &pattern, flags, Extent::Any)?;
    bools(call, &parameters, &subject, move |text| regex.is_match(text))
}

fn matched(call: &mut Call<'_, '_>, extent: Extent) -> ColumnsResult<Operand> {
    let pattern = call.needed_text(1)?;
    let mut flags = flags(call, 3)?;
    flags.ignore_case |= !call.flag(2)?.unwrap_or(true);
    let regex = regex(call, 1, &pattern, flags, extent)?;
    let subject = subject(call)?;
    bools(call, &format!("{pattern:?} {flags:?}"), &subject, move |text| regex.is_match(text))
}

fn count(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let pattern = call.needed_text(1)?;
    let as_regex = call.flag(2)?.unwrap_or(false);
    let flags = flags(call, 3)?;
    if !as_regex && flags != Default::default() {
        return Err(call.wrong(3, "flags are of regexes; say `regex=True` where the text is one"));
    }
    let subject = subject(call)?;
    let parameters = format!("{pattern:?} {as_regex} {flags:?}");
    if as_regex {
        let regex = regex(call, 1, &pattern, flags, Extent::Any)?;
        return integers(call, &parameters, &subject, move |text| {
            let mut count = 0;
            each_match(&regex, text, |_| {
                count += 1;
                true
            });
            count
        });
    }
    if pattern.is_empty() {
        // As in Python, nothing is before each character and at the end.
        return integers(call, &parameters, &subject, |text| text.chars().count() as i64 + 1);
    }
    let finder = Finder::new(pattern.as_bytes()).into_owned();
    apply(call, &parameters, &subject, Type::INT64, move |view| {
        let mut counts = vec![0; view.len()];
        view.occurrences(&finder, |row, _| {
            counts.iter_mut().skip(row).take(1).for_each(|count| *count += 1);
            Next::Here
        });
        Ok(Some(Lane::new(Values::I64(counts.into()))))
    })
}

/// A comparison by its operator.
fn compared(call: &mut Call<'_, '_>, operator: Binary) -> ColumnsResult<Operand> {
    for at in 0..2 {
        let operand = call.operand(at)?;
        super::apply::of_texts(call, operand)?;
    }
    let (Some(x), Some(y)) = (call.given(0), call.given(1)) else { return call.operand(1) };
    let expr = Expr { kind: Kind::Binary(operator, x.clone(), y.clone()).into(), ..call.expr.clone() };
    call.planner.operand(&expr)
}
