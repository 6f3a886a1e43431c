//! `pull`: bring the bundle to the state of the one at another place.

use std::path::PathBuf;

use crate::bundle::TransferOptions;
use crate::cli::failure::Outcome;
use crate::cli::session::Session;
use crate::cli::user_list::expand_home;
use crate::cli::words::count;
use crate::text::{human_size, printable};

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
    /// Only this item; can be given several times
    #[arg(long = "include", value_name = "ITEM")]
    include: Vec<String>,
    /// With --include: items that are there with another content get a new version
    #[arg(long, requires = "include")]
    overwrite: bool,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.writer()?;
    let include = (!args.include.is_empty()).then(|| args.include.clone());
    let options = TransferOptions { include, overwrite: args.overwrite };
    let other = expand_home(&args.source);
    let progress = session.writing("pulling", None);
    let done = folio.pull(&other, &options)?;
    drop(progress);
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&done);
    }
    let from = printable(&other.to_string_lossy());
    out.done(format_args!(
        "Pulled {} ({}) from {from}, revision {}; {} there already",
        count(done.files as usize, "file"),
        human_size(done.bytes),
        done.revision,
        done.present
    ))
}
