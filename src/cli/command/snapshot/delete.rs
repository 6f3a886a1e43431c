//! `snapshot delete`.

use serde_json::json;

use crate::cli::completion;
use crate::cli::failure::Outcome;
use crate::cli::prompt::{Answer, confirm};
use crate::cli::session::Session;
use crate::cli::words::count;
use crate::text::printable;

/// Delete a snapshot
///
/// Versions that only it held stay in the history for as long as that is kept.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio snapshot delete v0.1 -y
  datafolio snapshot delete v0.1 --cleanup")]
pub(in crate::cli) struct Args {
    /// The snapshot
    #[arg(add = completion::snapshots())]
    name: String,
    /// Also drop versions from the catalogue that nothing names any more
    #[arg(long, overrides_with = "no_cleanup")]
    cleanup: bool,
    #[arg(long, hide = true)]
    no_cleanup: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

pub(super) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.writer()?;
    // One that is damaged can go as well.
    folio.catalogue().snapshot(&args.name)?;
    let shown = printable(&args.name);
    if !args.yes && confirm(&mut session.out, &format!("Delete snapshot '{shown}'?"))? == Answer::No {
        return Ok(());
    }
    session.waiting("deleting", || folio.delete_snapshot(&args.name))?;
    let clean_up = || folio.cleanup_orphaned_versions(false);
    let dropped = if args.cleanup { session.waiting("dropping old versions", clean_up)? } else { Vec::new() };
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&json!({"snapshot": args.name, "dropped": dropped, "revision": folio.revision()}));
    }
    out.done(format_args!("Deleted snapshot '{shown}'"))?;
    if !dropped.is_empty() {
        out.note(format_args!("  Dropped {}", count(dropped.len(), "orphaned version")))?;
    }
    Ok(())
}
