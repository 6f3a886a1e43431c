//! `snapshot compare`.

use super::{Changes, heading};
use crate::cli::completion;
use crate::cli::failure::Outcome;
use crate::cli::session::Session;
use crate::snapshot::RESERVED;
use crate::text::printable;

/// Compare two snapshots
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio snapshot compare v1.0 v2.0")]
pub(in crate::cli) struct Args {
    /// The earlier one
    #[arg(add = completion::snapshots())]
    before: String,
    /// The later one
    #[arg(add = completion::snapshots())]
    after: String,
}

pub(super) fn run(args: &Args, session: &mut Session) -> Outcome {
    let mut comparison = session.reader()?.compare_snapshots(&args.before, &args.after)?;
    // Every commit changes these, and `diff` leaves them out as well.
    comparison.metadata_changes.retain(|key, _| !RESERVED.contains(&key.as_str()));
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&comparison);
    }
    heading(&format!("Comparing {} → {}", printable(&args.before), printable(&args.after)), out)?;
    let items = &comparison.items;
    let changes = Changes {
        added: &items.added_items,
        removed: &items.removed_items,
        modified: &items.modified_items,
        unchanged: &items.shared_items,
        metadata: comparison.metadata_changes.iter().map(|(key, (a, b))| (key.as_str(), a, b)).collect(),
    };
    changes.show(out)
}
