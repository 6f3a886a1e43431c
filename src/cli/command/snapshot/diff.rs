//! `snapshot diff`.

use datafolio_core::ErrorCategory;

use super::{Changes, heading};
use crate::cli::completion;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::session::Session;
use crate::snapshot::DiffFromSnapshot;
use crate::text::printable;

/// Show what has changed since a snapshot
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio snapshot diff
  datafolio snapshot diff v1.0")]
pub(in crate::cli) struct Args {
    /// The snapshot [default: the newest]
    #[arg(add = completion::snapshots())]
    name: Option<String>,
}

pub(super) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.reader()?;
    if args.name.is_none() && folio.catalogue().snapshots.is_empty() {
        let message = "No snapshots exist. Create a snapshot first.";
        return Err(Failure::new("no-snapshots", ErrorCategory::WrongState, message)
            .hint("`datafolio snapshot create NAME` makes one"));
    }
    let diff = session.waiting("comparing", || folio.diff_from_snapshot(args.name.as_deref()))?;
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&diff);
    }
    heading(&format!("Comparing current state to snapshot '{}'", printable(&diff.snapshot_name)), out)?;
    let changes = changes(&diff);
    if changes.is_empty() {
        out.line("\n✓ No changes")?;
    }
    changes.show(out)
}

pub(super) fn changes(diff: &DiffFromSnapshot) -> Changes<'_> {
    Changes {
        added: &diff.added_items,
        removed: &diff.removed_items,
        modified: &diff.modified_items,
        unchanged: &diff.unchanged_items,
        metadata: diff.metadata_changes.iter().map(|(key, (a, b))| (key.as_str(), a, b)).collect(),
    }
}
