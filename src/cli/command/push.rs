//! `push`: bring the bundle at another place to the state of this one.

use std::path::PathBuf;

use super::transfer::{Selection, report};
use crate::cli::failure::Outcome;
use crate::cli::session::Session;
use crate::cli::user_list::expand_home;

/// Bring the bundle at another place to the state of this one
///
/// With its items, snapshots and history, byte for byte, and without a commit of its own. Only files that the other side lacks go over,
/// each is checked on its way, and what was interrupted goes on where it ended. Refused when the other bundle has commits that this
/// one has not; with --include, single items go over as one commit there.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio push s3://lab-data/studies/trial-7
  datafolio push ../paper --include figure3")]
pub(in crate::cli) struct Args {
    /// The other bundle: a directory or an address; made if there is none
    dest: PathBuf,
    #[command(flatten)]
    selection: Selection,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.reader()?;
    let other = expand_home(&args.dest);
    let (options, progress) = args.selection.watched("pushing", &session.out);
    let moved = folio.push(&other, &options)?;
    drop(progress);
    report(&mut session.out, ("Pushed", "to"), &other, &moved)
}
