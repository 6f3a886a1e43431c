//! `push`: bring the bundle at another place to the state of this one.

use std::path::PathBuf;

use crate::bundle::TransferOptions;
use crate::cli::completion;
use crate::cli::failure::Outcome;
use crate::cli::session::Session;
use crate::cli::user_list::expand_home;
use crate::cli::words::count;
use crate::text::{human_size, printable};

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
    /// Only this item; can be given several times
    #[arg(add = completion::items(), long = "include", value_name = "ITEM")]
    include: Vec<String>,
    /// With --include: items that are there with another content get a new version
    #[arg(long, requires = "include")]
    overwrite: bool,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.reader()?;
    let include = (!args.include.is_empty()).then(|| args.include.clone());
    let options = TransferOptions { include, overwrite: args.overwrite };
    let other = expand_home(&args.dest);
    let progress = session.reading("pushing", None);
    let done = folio.push(&other, &options)?;
    drop(progress);
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&done);
    }
    let to = printable(&other.to_string_lossy());
    out.done(format_args!(
        "Pushed {} ({}) to {to}, revision {}; {} there already",
        count(done.files as usize, "file"),
        human_size(done.bytes),
        done.revision,
        done.present
    ))
}
