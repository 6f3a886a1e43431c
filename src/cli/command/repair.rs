//! `repair`: puts a damaged catalogue right.

use crate::bundle::{RepairOptions, repair};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::session::Session;
use crate::text::printable;

/// Put a damaged bundle right
///
/// A catalogue that cannot be read, or was changed by hand, goes back to the last good revision of the history. If Python
/// DataFolio wrote it last, what is whole in it is saved as well. What DataFolio 1.3 has dropped comes back from the
/// history, and so do single entries that cannot be read; damaged entries of the history are written again. An older catalogue that was put back by hand gives way
/// to what was committed after it. Nothing is deleted: the files that were there are kept aside.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio repair
  datafolio repair --accept")]
pub(in crate::cli) struct Args {
    /// Take items.json as it is: it was changed or replaced on purpose
    #[arg(long)]
    accept: bool,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let options = RepairOptions { accept: args.accept, settings: session.settings()? };
    let place = session.place()?;
    let report = session.waiting("repairing", || repair(place, &options)).map_err(|error| {
        let failure = Failure::from(error);
        match failure.code() {
            // The hint of these would be to run this command.
            "damaged-catalogue" | "damaged-entry" | "broken-seal" if args.accept => {
                failure.hint("bring items.json back from a backup")
            }
            "damaged-entry" => failure.hint(
                "bring items.json back from a backup, or remove the item with `datafolio rm`, after `datafolio snapshot \
                 delete` of snapshots that hold it; the others are not concerned",
            ),
            "damaged-catalogue" | "broken-seal" => failure.hint(
                "bring items.json back from a backup; if it was changed on purpose, `datafolio repair --accept` takes \
                 it as it is",
            ),
            _ => failure,
        }
    })?;
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
    if report.unconfirmed {
        out.note("  It is the last that the history has; nothing tells whether its writer lived to publish it")?;
    }
    for name in &report.salvaged_items {
        out.note(format_args!("  Saved: item '{}'", printable(name)))?;
    }
    for name in &report.salvaged_snapshots {
        out.note(format_args!("  Saved: snapshot '{}'", printable(name)))?;
    }
    for missing in &report.missing {
        let (item, version) = (printable(&missing.item), printable(&missing.version));
        out.note(format_args!("  Missing: the file of item '{item}', version {version}"))?;
    }
    for lost in &report.given_up {
        out.note(format_args!("  Given up: {}", printable(lost)))?;
    }
    for path in &report.kept_aside {
        out.note(format_args!("  What was there is kept in {}", printable(path)))?;
    }
    Ok(())
}
