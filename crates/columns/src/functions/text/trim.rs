//! What is cut off the ends of texts.

use super::apply::{apply, parts, subject};
use super::chars::{CharSet, is_space};
use crate::error::ColumnsResult;
use crate::plan::{Call, Function, Operand};
use crate::types::Type;

pub(in crate::functions) static FUNCTIONS: &[Function] = &[
    Function {
        name: "str_strip",
        arguments: &["x", "to_strip?"],
        about: "Texts without white space at both ends, or without the characters of a text.",
        bind: |call| stripped(call, true, true),
    },
    Function {
        name: "str_lstrip",
        arguments: &["x", "to_strip?"],
        about: "Texts without white space at the start, or without the characters of a text.",
        bind: |call| stripped(call, true, false),
    },
    Function {
        name: "str_rstrip",
        arguments: &["x", "to_strip?"],
        about: "Texts without white space at the end, or without the characters of a text.",
        bind: |call| stripped(call, false, true),
    },
    Function {
        name: "str_removeprefix",
        arguments: &["x", "prefix"],
        about: "Texts without a text at the start, where they have it.",
        bind: |call| {
            let prefix = call.needed_text(1)?;
            shortened(call, &format!("{prefix:?}"), move |text| text.strip_prefix(&*prefix).unwrap_or(text))
        },
    },
    Function {
        name: "str_removesuffix",
        arguments: &["x", "suffix"],
        about: "Texts without a text at the end, where they have it.",
        bind: |call| {
            let suffix = call.needed_text(1)?;
            shortened(call, &format!("{suffix:?}"), move |text| text.strip_suffix(&*suffix).unwrap_or(text))
        },
    },
];

fn stripped(call: &mut Call<'_, '_>, left: bool, right: bool) -> ColumnsResult<Operand> {
    let letters = call.text(1)?;
    match &letters {
        None => shortened(call, "", move |text| strip(text, left, right, is_space)),
        Some(letters) => {
            let set = CharSet::of_text(letters);
            shortened(call, &format!("{letters:?}"), move |text| {
                strip(text, left, right, |letter| set.contains(letter))
            })
        }
    }
}

fn strip(text: &str, left: bool, right: bool, test: impl Fn(char) -> bool) -> &str {
    let text = if left { text.trim_start_matches(&test) } else { text };
    if right { text.trim_end_matches(&test) } else { text }
}

/// A part of each text; texts that are left as they are lie where they lay.
fn shortened(
    call: &mut Call<'_, '_>,
    parameters: &str,
    part: impl Fn(&str) -> &str + Send + Sync + 'static,
) -> ColumnsResult<Operand> {
    let subject = subject(call)?;
    apply(call, parameters, &subject, Type::Text, move |view| {
        let changed = view.iter().any(|text| part(text).len() != text.len());
        Ok(changed.then(|| parts(view, |text| Some(part(text)))))
    })
}
