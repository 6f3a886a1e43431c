//! `rerun`: derived tables made again.

use super::derive::{Done, under_way};
use super::limits::Limits;
use crate::cli::completion;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::progress::Progress;
use crate::cli::session::Session;
use crate::text::printable;
use crate::{RerunOptions, RerunWatch};

/// Make derived tables again that are out of date
///
/// Each is made by the SQL and the values that it remembers, after the derived tables that it is made from, and is one commit.
/// Where one fails, those that are made from it are left as they are; the others are made. --timeout, --memory and --threads are
/// for the query of each table.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio rerun monthly
  datafolio rerun --all
  datafolio rerun monthly --force
  datafolio rerun --all --memory 2GB --timeout 10m")]
pub(in crate::cli) struct Args {
    /// The tables
    #[arg(add = completion::items(), conflicts_with = "all")]
    items: Vec<String>,
    /// All derived tables
    #[arg(long)]
    all: bool,
    /// Also those that are up to date
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    limits: Limits,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    if args.items.is_empty() && !args.all {
        return Err(unnamed(session));
    }
    let mut options = args.limits.of_rerun(RerunOptions::new())?;
    let folio = session.writer()?;
    if args.force {
        options = options.force();
    }
    let watch = RerunWatch::new();
    if session.out.shows_progress() {
        options = options.watch(&watch);
    }
    let progress = Progress::of_words(&session.out, move || match watch.last() {
        None => "looking for what is out of date".to_owned(),
        Some(step) => {
            let place = Some((step.number, step.of));
            under_way(&printable(&step.name), place, Done::of(&step.control, None))
        }
    });
    let rerun = folio.rerun(&args.items, options)?;
    drop(progress);
    let out = &mut session.out;
    if out.is_json() {
        out.json(&rerun)?;
    } else {
        for name in &rerun.done {
            out.done(format_args!("Derived {} again", printable(name)))?;
        }
        if rerun.done.is_empty() && rerun.failed.is_empty() {
            out.done("Nothing is out of date")?;
        }
    }
    let names = |names: &mut dyn Iterator<Item = &str>| names.map(printable).collect::<Vec<_>>().join(", ");
    let failed = names(&mut rerun.failed.iter().map(|failed| failed.name.as_str()));
    let mut failures = rerun.failed.into_iter();
    let Some(first) = failures.next() else { return Ok(()) };
    if !rerun.left.is_empty() {
        let left = names(&mut rerun.left.iter().map(String::as_str));
        out.warn(format_args!("not made again, since {failed} failed: {left}"));
    }
    for other in failures {
        out.warn(format_args!("{} failed too: {}", printable(&other.name), printable(&other.message)));
    }
    Err(Failure::from(first.error))
}

/// Neither names nor --all: those that could be meant are told.
fn unnamed(session: &mut Session) -> Failure {
    const SHOWN: usize = 12;
    let failure = Failure::usage("name the derived tables that are to be made again, or pass --all");
    let stale = session.reader().and_then(|folio| Ok(folio.stale()?));
    // A bundle that cannot be read is the error of the command that has to read it.
    let Ok(stale) = stale else { return failure.hint("`datafolio stale` tells which are out of date") };
    let derived = stale.iter().filter(|item| item.kind == "derived");
    let names: Vec<String> = derived.map(|item| printable(&item.name)).collect();
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 if names.is_empty() => failure.hint("nothing is out of date"),
        0 => failure.hint(format!("out of date: {shown}")),
        more => failure.hint(format!("out of date: {shown} and {more} more")),
    }
}
