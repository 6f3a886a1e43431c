//! `undo`: takes a commit back.

use serde_json::json;

use crate::cli::failure::{Failure, Outcome};
use crate::cli::session::Session;

/// Take a commit back
///
/// What the commit changed becomes again what it was before, in a commit of its own: undoing that one brings the change
/// back. A commit whose changes were changed again by a later one is refused.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio undo
  datafolio undo r12")]
pub(in crate::cli) struct Args {
    /// The revision that the commit made [default: the latest]
    revision: Option<String>,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let revision =
        match &args.revision {
            None => None,
            Some(text) => {
                let number = text.strip_prefix('r').unwrap_or(text).parse();
                Some(number.map_err(|_| {
                    Failure::usage(format!("'{text}' is no revision")).hint("`datafolio log` lists them")
                })?)
            }
        };
    let folio = session.writer()?;
    let undone = session.waiting("undoing", || folio.undo(revision))?;
    let out = &mut session.out;
    for (name, dependents) in &undone.removed.dependents {
        out.warn(format_args!("'{}' is gone, and is an input of {}", name, dependents.join(", ")));
    }
    if out.is_json() {
        return out.json(&json!({
            "undone": undone.revision,
            "revision": folio.revision(),
            "removed": undone.removed.names,
            "dependents": undone.removed.dependents,
        }));
    }
    out.done(format_args!("Undid revision {}; `datafolio undo` brings it back", undone.revision))
}
