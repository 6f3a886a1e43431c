//! `snapshot export`.

use std::path::PathBuf;

use serde_json::json;

use crate::cli::completion;
use crate::cli::failure::Outcome;
use crate::cli::session::Session;
use crate::cli::user_list::expand_home;
use crate::cli::words::{count, recorded_bytes};
use crate::snapshot::ExportOptions;
use crate::text::printable;

/// Write a snapshot as a bundle of its own
///
/// The new bundle has the snapshot's items and metadata, and no snapshots. Every file is checked as it is copied. All items
/// go, archived ones too, and where they came from is recorded; `at SNAPSHOT copy` takes some of the items.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio snapshot export v1.0 ../paper-data")]
pub(in crate::cli) struct Args {
    /// The snapshot
    #[arg(add = completion::snapshots())]
    name: String,
    /// The new bundle's directory
    target: PathBuf,
    /// Do not record in the new bundle where it came from
    #[arg(long)]
    no_source: bool,
}

pub(super) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.reader()?;
    let held = folio.catalogue().snapshot_entries(&args.name)?;
    // Each file is checked, and then copied.
    let total = recorded_bytes(held.values().flatten()).saturating_mul(2);
    let progress = session.reading("exporting", Some(total));
    let options = ExportOptions { include_snapshot_metadata: !args.no_source };
    let copy = folio.export_snapshot(&args.name, expand_home(&args.target), &options)?;
    drop(progress);
    let items = copy.catalogue().current.len();
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&json!({"location": copy.location(), "snapshot": args.name, "items": items}));
    }
    let location = copy.location();
    out.done(format_args!("Exported snapshot '{}' ({}) to {}", args.name, count(items, "item"), printable(&location)))
}
