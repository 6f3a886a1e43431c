//! `gc`: removes what nothing kept needs.

use std::time::Duration;

use crate::bundle::GcOptions;
use crate::cli::failure::Outcome;
use crate::cli::progress::Progress;
use crate::cli::session::Session;
use crate::cli::words::count;
use crate::text::{human_size, printable};

/// Remove what nothing kept needs
///
/// Snapshots and current items are kept for ever; older revisions for 30 days, or the last 20 of them, whichever are
/// more. What only older revisions need is listed, and removed with --apply. `snapshot gc` is another thing: it drops
/// versions from the catalogue, and no files.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio gc
  datafolio gc --apply
  datafolio gc --keep-days 0 --keep-revisions 1 --grace 1h --apply")]
pub(in crate::cli) struct Args {
    /// Remove it
    #[arg(long)]
    apply: bool,
    /// Leave files alone that are younger, as in 12h or 7d [default: the setting gc_grace]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    grace: Option<Duration>,
    /// Keep the revisions of the last so many days [default: the setting retention_days]
    #[arg(long, value_name = "DAYS")]
    keep_days: Option<u32>,
    /// Keep at least so many of the last revisions [default: the setting retention_revisions]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    keep_revisions: Option<u32>,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = if args.apply { session.writer()? } else { session.reader()? };
    let options = GcOptions {
        apply: args.apply,
        grace: args.grace,
        retention_days: args.keep_days,
        retention_revisions: args.keep_revisions,
    };
    let progress = Progress::start(&session.out, "looking");
    let report = folio.gc(&options)?;
    drop(progress);
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&report);
    }
    let files = report.payloads.len() + report.history.len();
    for lost in &report.lost_versions {
        out.warn(format_args!("version {} of '{}' is lost: another program deleted its file", lost.version, lost.item));
    }
    if let [first, .., last] | [first @ last] = report.later_revisions.as_slice() {
        let revisions = if first == last { format!("revision {last}") } else { format!("revisions {first} to {last}") };
        out.warn(format_args!(
            "nothing is removed: items.json does not follow from {revisions} of the history, which need it; `datafolio \
             verify` says what to do"
        ));
    }
    if files == 0 {
        out.note("Nothing to remove")?;
    } else if report.applied {
        out.done(format_args!("Removed {} ({})", count(files, "file"), human_size(report.bytes)))?;
    } else {
        for path in report.payloads.iter().chain(&report.history) {
            out.line(format_args!("  {}", printable(path)))?;
        }
        let size = human_size(report.bytes);
        out.note(format_args!("{} ({size}) would be removed; --apply removes them", count(files, "file")))?;
    }
    if report.too_young > 0 {
        out.note(format_args!("{} that nothing needs are too young to be removed", count(report.too_young, "file")))?;
    }
    out.note(format_args!("Oldest revision that can be opened: r{}", report.oldest_kept_revision))
}

/// A time as the setting `gc_grace` takes it.
fn duration(text: &str) -> Result<Duration, String> {
    let mut settings = crate::settings::Settings::default();
    match settings.set("gc_grace", text) {
        Ok(()) => Ok(settings.gc_grace),
        Err(_) => Err("write days, or a time such as 12h or 7d".to_owned()),
    }
}
