//! Asking before something that is hard to take back.

use std::io::{self, BufRead, Write};

use datafolio_core::ErrorCategory;

use super::failure::{Failure, Outcome};
use super::output::Output;

/// What was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Go on.
    Yes,
    /// Leave it.
    No,
}

/// Asks a yes-or-no question; nothing but `y` or `yes` is a yes. The question goes to standard error, so that standard
/// output holds nothing but data.
///
/// # Errors
/// When there is nobody to answer, as with `--json`.
pub(super) fn confirm(out: &mut Output, question: &str) -> Outcome<Answer> {
    let unanswered = |why: &str| {
        Failure::new("not-confirmed", ErrorCategory::WrongState, why)
            .hint("pass -y/--yes to go ahead without a question")
    };
    if out.is_json() {
        return Err(unanswered("this needs a yes, and with --json nobody is asked; nothing was done"));
    }
    out.flush()?;
    let mut line = String::new();
    let mut stderr = io::stderr();
    let asked = write!(stderr, "{} [y/N]: ", crate::text::printable(question)).and_then(|()| stderr.flush());
    let read = asked.and_then(|()| io::stdin().lock().read_line(&mut line));
    // The answer's own line end comes from the terminal, where there is one.
    match read {
        Ok(0) | Err(_) => {
            let _ = writeln!(stderr);
            Err(unanswered("nobody answered, so nothing was done"))
        }
        Ok(_) if matches!(line.trim().to_lowercase().as_str(), "y" | "yes") => Ok(Answer::Yes),
        Ok(_) => {
            out.note("Cancelled")?;
            Ok(Answer::No)
        }
    }
}
