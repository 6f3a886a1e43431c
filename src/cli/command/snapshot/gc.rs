//! `snapshot gc`.

use serde_json::json;

use crate::cli::failure::Outcome;
use crate::cli::session::Session;
use crate::text::printable;

/// Drop versions from the catalogue that neither a snapshot nor an item names
///
/// Python DataFolio leaves them behind when it deletes a snapshot. Their files stay for as long as the history needs them;
/// `datafolio gc` removes the files then.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio snapshot gc --dry-run
  datafolio snapshot gc")]
pub(in crate::cli) struct Args {
    /// Only list them
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = if args.dry_run { session.reader()? } else { session.writer()? };
    let files = session.waiting("looking", || folio.cleanup_orphaned_versions(args.dry_run))?;
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&json!({"files": files, "dry_run": args.dry_run}));
    }
    match (files.len(), args.dry_run) {
        (0, _) => out.note("No orphaned versions found"),
        (number, true) => {
            out.note(format_args!("Would drop {number} orphaned version(s):"))?;
            files.iter().try_for_each(|file| out.line(format_args!("  • {}", printable(file))))
        }
        (number, false) => out.done(format_args!("Dropped {number} orphaned version(s)")),
    }
}
