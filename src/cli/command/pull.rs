//! `pull`: bring the bundle to the state of the one at another place.

use std::path::PathBuf;

use super::transfer::{Selection, report};
use crate::cli::failure::Outcome;
use crate::cli::session::Session;
use crate::cli::user_list::expand_home;

/// Bring the bundle to the state of the one at another place
///
/// With its items, snapshots and history, byte for byte, and without a commit of its own. Only files that are lacking here are
/// fetched, each is checked on its way, and what was interrupted goes on where it ended. Refused when the bundle has commits that the
/// other one has not; with --include, single items are fetched as one commit here.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio pull s3://lab-data/studies/trial-7
  datafolio -f mirror pull https://data.example.org/trial-7")]
pub(in crate::cli) struct Args {
    /// The other bundle: a directory or an address
    source: PathBuf,
    #[command(flatten)]
    selection: Selection,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.writer()?;
    let other = expand_home(&args.source);
    let (options, progress) = args.selection.watched("pulling", &session.out);
    let moved = folio.pull(&other, &options)?;
    drop(progress);
    report(&mut session.out, ("Pulled", "from"), &other, &moved)
}
