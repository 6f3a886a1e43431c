//! What kind of characters texts are of.

use super::apply::{bools, subject};
use super::chars::{is_alphanumeric, is_decimal, is_digit, is_letter, is_numeric, is_space, is_title};
use crate::error::ColumnsResult;
use crate::plan::{Call, Function, Operand};

pub(in crate::functions) static FUNCTIONS: &[Function] = &[
    Function {
        name: "str_isalnum",
        arguments: &["x"],
        about: "Whether all characters are letters or stand for numbers, and there is one.",
        bind: |call| tested(call, |text| all(text, is_alphanumeric)),
    },
    Function {
        name: "str_isalpha",
        arguments: &["x"],
        about: "Whether all characters are letters, and there is one.",
        bind: |call| tested(call, |text| all(text, is_letter)),
    },
    Function {
        name: "str_isascii",
        arguments: &["x"],
        about: "Whether all characters are ASCII.",
        bind: |call| tested(call, str::is_ascii),
    },
    Function {
        name: "str_isdecimal",
        arguments: &["x"],
        about: "Whether all characters are digits of decimal numbers, and there is one.",
        bind: |call| tested(call, |text| all(text, is_decimal)),
    },
    Function {
        name: "str_isdigit",
        arguments: &["x"],
        about: "Whether all characters are digits (² is one), and there is one.",
        bind: |call| tested(call, |text| all(text, is_digit)),
    },
    Function {
        name: "str_isnumeric",
        arguments: &["x"],
        about: "Whether all characters stand for numbers (½ and 三 do), and there is one.",
        bind: |call| tested(call, |text| all(text, is_numeric)),
    },
    Function {
        name: "str_isspace",
        arguments: &["x"],
        about: "Whether all characters are white space, and there is one.",
        bind: |call| tested(call, |text| all(text, is_space)),
    },
    Function {
        name: "str_islower",
        arguments: &["x"],
        about: "Whether all letters that have a case are in lower case, and there is one.",
        bind: |call| tested(call, |text| all_cased(text, char::is_lowercase, char::is_uppercase)),
    },
    Function {
        name: "str_isupper",
        arguments: &["x"],
        about: "Whether all letters that have a case are in upper case, and there is one.",
        bind: |call| tested(call, |text| all_cased(text, char::is_uppercase, char::is_lowercase)),
    },
    Function {
        name: "str_istitle",
        arguments: &["x"],
        about: "Whether each word begins with a capital and goes on in lower case, and there is one.",
        bind: |call| tested(call, titled),
    },
];

fn tested(call: &mut Call<'_, '_>, test: impl Fn(&str) -> bool + Send + Sync + 'static) -> ColumnsResult<Operand> {
    let subject = subject(call)?;
    bools(call, "", &subject, test)
}

fn all(text: &str, test: fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(test)
}

/// Whether there is a letter of the wanted case and none of another.
fn all_cased(text: &str, wanted: fn(char) -> bool, other: fn(char) -> bool) -> bool {
    let mut found = false;
    for character in text.chars() {
        if other(character) || is_title(character) {
            return false;
        }
        found |= wanted(character);
    }
    found
}

fn titled(text: &str) -> bool {
    let (mut found, mut inside) = (false, false);
    for character in text.chars() {
        if character.is_uppercase() || is_title(character) {
            if inside {
                return false;
            }
            (found, inside) = (true, true);
        } else if character.is_lowercase() {
            if !inside {
                return false;
            }
        } else {
            inside = false;
        }
    }
    found
}
