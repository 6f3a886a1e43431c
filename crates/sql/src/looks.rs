//! What a condition says that a text of a column looks like.

use serde_json::Value;

use crate::bounds::{Bound, Comparison, Constant, column_of, constant_of};
use crate::formula::call_of;
use crate::params::Params;

/// How a text is to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looks {
    /// The column, as the condition writes it.
    pub column: String,
    /// What part of it, or which pattern.
    pub like: Like,
    /// The text that it is compared with.
    pub text: String,
}

/// What a text is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Like {
    /// A pattern: `%` stands for any text, `_` for one character, and what follows the escape for itself.
    Pattern {
        /// Whether letters are the same in upper and lower case.
        any_case: bool,
        /// `None` for none.
        escape: Option<char>,
    },
    /// What it begins with.
    Start,
    /// What it ends with.
    End,
    /// A part of it.
    Part,
}

impl Looks {
    /// What an expression of a condition on the table of this name is, with these values, and whether it is to look otherwise. `None` for
    /// all that is not of this kind.
    pub(crate) fn of(expression: &Value, table: &str, params: &Params) -> Option<(Self, bool)> {
        let (name, arguments) = call_of(expression)?;
        let pattern = |any_case| Like::Pattern { any_case, escape: None };
        let (like, is_otherwise) = match name {
            "~~" | "like_escape" => (pattern(false), false),
            "!~~" | "not_like_escape" => (pattern(false), true),
            "~~*" | "ilike_escape" => (pattern(true), false),
            "!~~*" | "not_ilike_escape" => (pattern(true), true),
            "prefix" | "starts_with" | "^@" => (Like::Start, false),
            "suffix" | "ends_with" => (Like::End, false),
            "contains" => (Like::Part, false),
            _ => return None,
        };
        let escapes = name.ends_with("_escape");
        let text = |expression: &Value| match constant_of(expression, params)? {
            Constant::Text(text) | Constant::Varchar(text) => Some(text),
            _ => None,
        };
        let (column, compared, like) = match (arguments.as_slice(), like) {
            ([column, compared], like) if !escapes => (*column, *compared, like),
            ([column, compared, escape], Like::Pattern { any_case, .. }) if escapes => {
                // One byte, which is one character.
                let escape = text(escape)?.parse::<char>().ok().filter(char::is_ascii)?;
                (*column, *compared, Like::Pattern { any_case, escape: Some(escape) })
            }
            _ => return None,
        };
        Some((Self { column: column_of(column, table)?, like, text: text(compared)? }, is_otherwise))
    }

    /// Between which texts all lie that look so.
    pub(crate) fn bounds(&self) -> Vec<Bound> {
        let start = match self.like {
            Like::Start => self.text.as_str(),
            Like::Pattern { any_case: false, escape: None } => self.text.split(['%', '_']).next().unwrap_or_default(),
            _ => "",
        };
        let bound = |comparison, text: String| {
            let constants = vec![Constant::Varchar(text)];
            Bound { column: self.column.clone(), comparison, constants }
        };
        let mut found = Vec::new();
        if !start.is_empty() {
            found.push(bound(Comparison::AtLeast, start.to_owned()));
            found.extend(behind(start).map(|behind| bound(Comparison::Less, behind)));
        }
        found
    }
}

/// The first text behind all those that begin so.
fn behind(start: &str) -> Option<String> {
    let mut characters = start.chars();
    let last = characters.next_back()?;
    // There are no characters between these.
    let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
    Some(characters.chain([next?]).collect())
}
