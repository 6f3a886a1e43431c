//! What the line editor asks while a statement is typed.

use std::rc::Rc;

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Result};

use super::dots::Dot;
use super::names::Names;

/// Completion, and where a statement ends.
pub(super) struct Helper {
    names: Rc<Names>,
}

impl Helper {
    pub(super) fn new(names: Rc<Names>) -> Self {
        Self { names }
    }
}

impl Completer for Helper {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> Result<(usize, Vec<String>)> {
        Ok(self.names.candidates(line, at))
    }
}

impl Validator for Helper {
    fn validate(&self, context: &mut ValidationContext<'_>) -> Result<ValidationResult> {
        Ok(if is_complete(context.input()) { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

impl Hinter for Helper {
    type Hint = String;
}

impl Highlighter for Helper {}

impl rustyline::Helper for Helper {}

/// Whether what was typed can be run: a command, nothing, or statements that all have their `;`.
fn is_complete(typed: &str) -> bool {
    let begins = typed.trim_start();
    begins.starts_with('.') || matches!(Dot::parse(begins), Ok(Some(_))) || datafolio_sql::statements(typed).1.is_none()
}

#[cfg(test)]
mod tests {
    use super::is_complete;

    #[test]
    fn a_statement_goes_on_to_its_semicolon() {
        for typed in [
            "",
            "  ",
            ".tables",
            "\\q",
            "exit",
            " help ",
            "SELECT 1;",
            "SELECT 1; -- one",
            "SELECT ';' ;",
            "-- nothing",
        ] {
            assert!(is_complete(typed), "{typed}");
        }
        for typed in ["SELECT 1", "SELECT ';", "SELECT 1; SELECT", "SELECT $$;", "SELECT 1 -- ;", "SELECT /* ; "] {
            assert!(!is_complete(typed), "{typed}");
        }
    }
}
