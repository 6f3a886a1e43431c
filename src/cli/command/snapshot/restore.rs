//! `snapshot restore`.

use serde_json::json;

use crate::cli::completion;
use crate::cli::failure::Outcome;
use crate::cli::prompt::{Answer, confirm};
use crate::cli::session::Session;
use crate::cli::words::count;

/// Make the state of a snapshot the current one
///
/// Items and metadata go back, items that came later are removed, deleted ones return. It is one commit: `datafolio undo`
/// takes it back.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio snapshot restore v1.0
  datafolio snapshot restore v1.0 -y")]
pub(in crate::cli) struct Args {
    /// The snapshot
    #[arg(add = completion::snapshots())]
    name: String,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

pub(super) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.writer()?;
    let diff = session.waiting("comparing", || folio.diff_from_snapshot(Some(&args.name)))?;
    if !args.yes {
        let question = format!(
            "Restore snapshot '{}'? {} removed, {} brought back, {} changed",
            args.name,
            count(diff.added_items.len(), "item"),
            diff.removed_items.len(),
            diff.modified_items.len()
        );
        if confirm(&mut session.out, &question)? == Answer::No {
            return Ok(());
        }
    }
    session.waiting("restoring", || folio.restore_snapshot(&args.name))?;
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&json!({"snapshot": args.name, "revision": folio.revision(), "changes": diff}));
    }
    out.done(format_args!("Restored snapshot '{}'; `datafolio undo` takes it back", args.name))
}
