//! `snapshot status`.

use serde_json::json;

use super::diff::changes;
use crate::cli::failure::Outcome;
use crate::cli::output::Paint;
use crate::cli::session::Session;
use crate::cli::words::{count, short_time};
use crate::text::printable;

/// Show what has changed since the newest snapshot, in short
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio snapshot status")]
pub(in crate::cli) struct Args {}

pub(super) fn run(_: &Args, session: &mut Session) -> Outcome {
    let folio = session.reader()?;
    let newest = folio.newest_snapshot()?;
    let diff = newest.as_ref().map(|newest| folio.diff_from_snapshot(Some(&newest.name))).transpose()?;
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&json!({"location": folio.location(), "snapshot": newest, "changes": diff}));
    }
    out.line(format_args!("Current bundle: {}", printable(&folio.location())))?;
    let (Some(newest), Some(diff)) = (newest, diff) else {
        out.line("No snapshots yet")?;
        return out.note("\nCreate your first snapshot:\n  datafolio snapshot create v1.0 -d 'Initial snapshot'");
    };
    out.line(format_args!("Last snapshot: {} ({})", printable(&newest.name), short_time(&newest.timestamp)))?;
    let changes = changes(&diff);
    if changes.is_empty() {
        let mark = out.paint(Paint::Good, "✓");
        return out.line(format_args!("\n{mark} No changes since last snapshot"));
    }
    out.line("\nChanges since last snapshot:")?;
    changes.show_items(out)?;
    changes.show_metadata(out)?;
    out.line(format_args!("\nUnchanged: {}", count(changes.unchanged.len(), "item")))
}
