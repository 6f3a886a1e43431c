//! What the line editor asks while a statement is typed.

use std::cell::RefCell;
use std::rc::Rc;

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Result};

use super::dots::Dot;
use super::names::Names;

/// The lines before the one that is being typed, each with its end; none where a statement begins.
pub(super) type Begun = Rc<RefCell<String>>;

/// Completion, also of names that follow from the lines before.
pub(super) struct Helper {
    names: Rc<Names>,
    begun: Begun,
}

impl Helper {
    pub(super) fn new(names: Rc<Names>, begun: Begun) -> Self {
        Self { names, begun }
    }
}

impl Completer for Helper {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> Result<(usize, Vec<String>)> {
        let begun = self.begun.borrow();
        let (start, found) = self.names.candidates(&format!("{begun}{line}"), begun.len() + at);
        // A name whose quotes were opened on a line before is not completed: that line cannot be changed any more.
        Ok(start.checked_sub(begun.len()).map_or_else(|| (at, Vec::new()), |start| (start, found)))
    }
}

impl Validator for Helper {}

impl Hinter for Helper {
    type Hint = String;
}

impl Highlighter for Helper {}

impl rustyline::Helper for Helper {}

/// Whether what was typed can be run: a command, nothing, or statements that all have their `;`.
pub(super) fn is_complete(typed: &str) -> bool {
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
