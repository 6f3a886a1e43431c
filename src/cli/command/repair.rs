//! `repair`: puts a damaged catalogue right.

use crate::bundle::{RepairOptions, repair};
use crate::cli::failure::Outcome;
use crate::cli::session::Session;
use crate::text::printable;

/// Put a damaged catalogue right
///
/// A catalogue that cannot be read, or was changed by hand, goes back to the last good revision of the history; what
/// DataFolio 1.3 has dropped comes back from it. Nothing is deleted: the file that was there is kept aside.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio repair
  datafolio repair --accept")]
pub(in crate::cli) struct Args {
    /// Take items.json as it is: it was changed on purpose
    #[arg(long)]
    accept: bool,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let options = RepairOptions { accept: args.accept, settings: session.settings()? };
    let report = repair(session.place()?, &options)?;
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&report);
    }
    match (&report.problem, &report.action) {
        (Some(problem), action) => {
            out.note(format_args!("Found: {}", printable(problem)))?;
            let action = action.as_deref().unwrap_or("put right");
            out.done(format_args!("{}; the bundle is at revision {}", printable(action), report.revision))?;
        }
        (None, _) => out.done(format_args!("Nothing to repair; the bundle is at revision {}", report.revision))?,
    }
    match &report.kept_aside {
        Some(path) => out.note(format_args!("  What was there is kept in {}", printable(path))),
        None => Ok(()),
    }
}
