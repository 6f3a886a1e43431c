//! What a condition says that a text of a column, or what is made of it, looks like.

use serde_json::Value;

use crate::bounds::{Bound, Comparison, Constant, column_of, constant_of};
use crate::formula::call_of;
use crate::params::Params;

/// How a text is to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looks {
    /// The column, as the condition writes it.
    pub column: String,
    /// What is made of its texts first, one after the other.
    pub made: Vec<TextFunction>,
    /// What part of that, or which pattern.
    pub like: Like,
    /// The text that it is compared with.
    pub text: String,
}

/// What is made of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFunction {
    /// The same in lower case, character by character.
    Lower,
    /// The same in upper case, character by character.
    Upper,
    /// A part of it.
    Part {
        /// The characters before it.
        skip: u32,
        /// So many characters at most.
        take: u32,
    },
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
    /// How it compares with it as a whole.
    Compared(Comparison),
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
        let (column, made) = text_of(column, table, params)?;
        Some((Self { column, made, like, text: text(compared)? }, is_otherwise))
    }

    /// How what an expression makes of the texts of a column compares with a constant. `None` for a column itself.
    pub(crate) fn compared(
        expression: &Value,
        table: &str,
        params: &Params,
        comparison: Comparison,
        constant: &Constant,
    ) -> Option<Self> {
        let (Constant::Text(text) | Constant::Varchar(text)) = constant else { return None };
        let (column, made) = text_of(expression, table, params).filter(|(_, made)| !made.is_empty())?;
        Some(Self { column, made, like: Like::Compared(comparison), text: text.clone() })
    }

    /// Between which texts all lie that look so.
    pub(crate) fn bounds(&self) -> Vec<Bound> {
        let is_start = |function: &TextFunction| matches!(function, TextFunction::Part { skip: 0, .. });
        let start = match self.like {
            _ if !self.made.iter().all(is_start) => "",
            Like::Start | Like::Compared(Comparison::Equal) => self.text.as_str(),
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

/// Between which texts those of a column lie of which an expression makes what compares so with this constant.
pub(crate) fn bounds(
    expression: &Value,
    table: &str,
    params: &Params,
    comparison: Comparison,
    constant: &Constant,
) -> Vec<Bound> {
    Looks::compared(expression, table, params, comparison, constant).map_or_else(Vec::new, |looks| looks.bounds())
}

/// The column that an expression makes other texts of, and how.
fn text_of(expression: &Value, table: &str, params: &Params) -> Option<(String, Vec<TextFunction>)> {
    if let Some(column) = column_of(expression, table) {
        return Some((column, Vec::new()));
    }
    let (name, arguments) = call_of(expression)?;
    let (of, numbers) = arguments.split_first()?;
    let number = |expression: &&Value| match constant_of(expression, params)? {
        Constant::Int(number) => u32::try_from(number).ok(),
        _ => None,
    };
    let function = match (name, numbers.iter().map(number).collect::<Option<Vec<_>>>()?.as_slice()) {
        ("lower" | "lcase", []) => TextFunction::Lower,
        ("upper" | "ucase", []) => TextFunction::Upper,
        ("left", [take]) => TextFunction::Part { skip: 0, take: *take },
        ("substring" | "substr", [from @ 1..=u32::MAX, take]) => TextFunction::Part { skip: from - 1, take: *take },
        ("substring" | "substr", [from @ 1..=u32::MAX]) => TextFunction::Part { skip: from - 1, take: u32::MAX },
        _ => return None,
    };
    let (column, mut made) = text_of(of, table, params)?;
    made.push(function);
    Some((column, made))
}

/// The first text behind all those that begin so.
fn behind(start: &str) -> Option<String> {
    let mut characters = start.chars();
    let last = characters.next_back()?;
    // There are no characters between these.
    let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
    Some(characters.chain([next?]).collect())
}
