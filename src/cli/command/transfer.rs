//! What `push` and `pull` have in common.

use std::path::Path;

use crate::bundle::{TransferControl, TransferOptions, Transferred};
use crate::cli::completion;
use crate::cli::failure::Outcome;
use crate::cli::output::Output;
use crate::cli::progress::Progress;
use crate::cli::words::count;
use crate::text::{human_size, printable};

/// Which items, and whether they may replace others.
#[derive(Debug, clap::Args)]
pub(super) struct Selection {
    /// Only this item; can be given several times
    #[arg(add = completion::items(), long = "include", value_name = "ITEM")]
    include: Vec<String>,
    /// Only this snapshot, with the versions that it holds; can be given several times
    #[arg(add = completion::snapshots(), long = "snapshot", value_name = "NAME")]
    snapshots: Vec<String>,
    /// With --include: items that are there with another content get a new version
    #[arg(long, requires = "include")]
    overwrite: bool,
}

impl Selection {
    /// What is to go over, and what shows how much of it has.
    pub(super) fn watched(&self, what: &str, out: &Output) -> (TransferOptions, Progress) {
        let control = TransferControl::new();
        let watched = control.clone();
        let progress = Progress::of_share(out, what, move || Some(watched.progress()? * 100.0));
        let some = |names: &[String]| (!names.is_empty()).then(|| names.to_vec());
        let options = TransferOptions {
            include: some(&self.include),
            snapshots: some(&self.snapshots),
            overwrite: self.overwrite,
            control: Some(control),
        };
        (options, progress)
    }
}

/// Says what went over: `Pushed 3 files (1.2 MB) to DEST`.
pub(super) fn report(out: &mut Output, (done, which): (&str, &str), other: &Path, moved: &Transferred) -> Outcome {
    if out.is_json() {
        return out.json(moved);
    }
    out.done(format_args!(
        "{done} {} ({}) {which} {}, revision {}; {} there already",
        count(moved.files as usize, "file"),
        human_size(moved.bytes),
        printable(&other.to_string_lossy()),
        moved.revision,
        moved.present
    ))
}
