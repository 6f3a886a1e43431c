//! `cache`: the copies of what lies on stores.

use std::time::SystemTime;

use serde_json::json;

use crate::cli::completion;
use crate::cli::failure::Outcome;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::words::count;
use crate::text::{human_size, printable};

/// Look at and fill the cache of what lies on object stores
///
/// Frames, HDF5 and SQL work on copies of what lies on a store. A copy is kept under its hash, is checked as it is made, and serves
/// all bundles and programs of the user; the least recently used go when `cache_cap` is reached.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio cache info
  datafolio -f s3://lab-data/trial-7 cache prefetch visits
  datafolio cache clear")]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Where it is, and how full
    #[command(after_help = "\
Examples:
  datafolio cache info")]
    Info,
    /// List the copies, the last used first
    #[command(after_help = "\
Examples:
  datafolio cache list
  datafolio cache list --json")]
    List,
    /// Remove all copies; they are fetched again when they are needed
    #[command(after_help = "\
Examples:
  datafolio cache clear")]
    Clear,
    /// Fetch items of the bundle, or all of them
    #[command(after_help = "\
Examples:
  datafolio -f s3://lab-data/trial-7 cache prefetch
  datafolio -f s3://lab-data/trial-7 cache prefetch visits doses")]
    Prefetch {
        /// The items [default: all]
        #[arg(add = completion::items())]
        items: Vec<String>,
    },
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    match &args.command {
        Command::Info => info(session),
        Command::List => list(session),
        Command::Clear => clear(session),
        Command::Prefetch { items } => prefetch(items, session),
    }
}

fn info(session: &mut Session) -> Outcome {
    let copies = session.settings()?.copies();
    let (dir, found, cap) = (copies.dir().map(|dir| dir.display().to_string()), copies.list(), copies.cap());
    let bytes: u64 = found.iter().map(|copy| copy.size).sum();
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&json!({"dir": dir, "copies": found.len(), "bytes": bytes, "cap": cap}));
    }
    let dir = dir.unwrap_or_else(|| "none: nothing is kept (see the setting cache_dir)".to_owned());
    out.line(format_args!("Copies of what lies on stores: {}", printable(&dir)))?;
    out.line(format_args!("{}, {} of at most {}", count(found.len(), "copy"), human_size(bytes), human_size(cap)))
}

fn list(session: &mut Session) -> Outcome {
    let found = session.settings()?.copies().list();
    let out = &mut session.out;
    if out.is_json() {
        let seconds = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let copies =
            found.iter().map(|copy| json!({"sha256": copy.sha256, "bytes": copy.size, "used": seconds(copy.used)}));
        return out.json(&copies.collect::<Vec<_>>());
    }
    let mut table = Table::new(out, &["SHA-256", "SIZE", "USED"], &[1, 2]).whole(&[0]);
    for copy in &found {
        table.row([copy.sha256.clone(), human_size(copy.size), ago(copy.used)]);
    }
    if !found.is_empty() {
        table.print(out)?;
    }
    Ok(())
}

/// How long ago something was, roughly.
fn ago(time: SystemTime) -> String {
    let hours = SystemTime::now().duration_since(time).map_or(0, |age| age.as_secs() / 3600);
    match hours {
        0 => "within the hour".to_owned(),
        1..48 => format!("{} ago", count(hours as usize, "hour")),
        _ => format!("{} ago", count((hours / 24) as usize, "day")),
    }
}

fn clear(session: &mut Session) -> Outcome {
    let (removed, bytes) = session.settings()?.copies().clear().map_err(crate::Error::from)?;
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&json!({"removed": removed, "bytes": bytes}));
    }
    out.done(format_args!("Removed {} ({})", count(removed, "copy"), human_size(bytes)))
}

fn prefetch(items: &[String], session: &mut Session) -> Outcome {
    let folio = session.reader()?;
    let names: Vec<&str> = items.iter().map(String::as_str).collect();
    let progress = session.reading("fetching", None);
    let done = folio.prefetch(&names)?;
    drop(progress);
    let out = &mut session.out;
    for name in &done.not_kept {
        out.warn(format_args!(
            "'{}' is not in the cache: it is larger than cache_cap, or has no recorded hash",
            printable(name)
        ));
    }
    if out.is_json() {
        return out.json(&done);
    }
    out.done(format_args!("In the cache: {} ({})", count(done.files, "file"), human_size(done.bytes)))
}
