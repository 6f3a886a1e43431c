//! `log`: who changed what, and the versions of an item.

use datafolio_core::ItemRecord;
use datafolio_core::history::CommitKind;
use serde::Serialize;
use serde_json::Value;

use crate::bundle::DataFolio;
use crate::cli::args::how_many;
use crate::cli::completion;
use crate::cli::failure::{EXIT_ERROR, Failure, Outcome};
use crate::cli::output::{Output, Paint};
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::words::{details, long_time, recorded_size, short_time, size_text};
use crate::history::{Log, LogBreak, LogEntry};
use crate::text::printable;

/// Show who changed what
///
/// Every commit makes a revision; the newest comes first. With ITEM only the commits that changed it are shown, and with
/// --versions its versions: which revisions and snapshots have them, and whether they can still be read. Both follow the
/// item through renamings. Where the history is damaged the log says so and goes on, with exit code 1.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio log -n 5
  datafolio log flights --versions
  datafolio at 12 ls")]
pub(in crate::cli) struct Args {
    /// The item
    #[arg(add = completion::items())]
    item: Option<String>,
    /// At most so many commits
    #[arg(short = 'n', long = "number", value_name = "N", allow_negative_numbers = true, value_parser = how_many::<usize>)]
    number: Option<usize>,
    /// The versions of the item
    #[arg(long, requires = "item")]
    versions: bool,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.reader()?;
    match &args.item {
        Some(item) if args.versions => versions(&folio, item, session),
        item => {
            let limit = args.number.unwrap_or(usize::MAX);
            let number = if item.is_some() { usize::MAX } else { limit };
            let mut log = session.waiting("reading the history", || folio.log(number))?;
            let out = &mut session.out;
            if let Some(item) = item {
                log = log.of_item(item);
                if log.entries.is_empty() {
                    folio.item_info(item)?;
                }
                log.entries.truncate(limit);
            }
            if out.is_json() {
                out.json(&lines(&log))?;
            } else if log.entries.is_empty() && log.breaks.is_empty() {
                out.note("No commits are on record: the history begins with the next one")?;
            } else {
                lines(&log).iter().try_for_each(|line| match line {
                    Line::Commit(entry) => commit(entry, out),
                    Line::Break { found } => broken(found, out),
                })?;
            }
            if log.breaks.is_empty() { Ok(()) } else { Err(Failure::Said(EXIT_ERROR)) }
        }
    }
}

/// What is shown, in the order of the revisions.
#[derive(Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Commit(&'a LogEntry),
    Break {
        #[serde(rename = "break")]
        found: &'a LogBreak,
    },
}

impl Line<'_> {
    fn revision(&self) -> u64 {
        match self {
            Self::Commit(entry) => entry.revision,
            Self::Break { found } => found.revision,
        }
    }
}

fn lines(log: &Log) -> Vec<Line<'_>> {
    let breaks = log.breaks.iter().map(|found| Line::Break { found });
    let mut lines: Vec<Line<'_>> = log.entries.iter().map(Line::Commit).chain(breaks).collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.revision()));
    lines
}

fn broken(found: &LogBreak, out: &mut Output) -> Outcome {
    let revision = out.paint(Paint::Bad, format_args!("r{}", found.revision));
    out.line(format_args!("{revision}  the history is broken here"))?;
    out.line(format_args!("    {}", printable(&found.reason)))
}

fn commit(entry: &LogEntry, out: &mut Output) -> Outcome {
    let field = |key: &str| entry.writer.get(key).and_then(Value::as_str).unwrap_or_default();
    let who = match (field("user"), field("host")) {
        ("", "") => String::new(),
        (user, "") => format!("  {user}"),
        (user, host) => format!("  {user}@{host}"),
    };
    let kind = match entry.kind {
        CommitKind::Commit => "",
        CommitKind::External => "  [another program]",
        CommitKind::Migration => "  [new layout]",
        CommitKind::Repair => "  [repair]",
    };
    let revision = out.paint(Paint::Strong, format_args!("r{}", entry.revision));
    out.line(format_args!("{revision}  {}{}{kind}", long_time(&entry.timestamp), printable(&who)))?;
    out.line(format_args!("    {}", printable(&entry.operation)))?;
    for change in &entry.changes.items {
        let version = |token: &Option<String>| token.as_deref().map(printable).unwrap_or_default();
        let versions = match (&change.from, &change.to) {
            (Some(_), Some(_)) => format!("{} → {}", version(&change.from), version(&change.to)),
            (from, to) => version(to) + &version(from),
        };
        let name = match &change.renamed_from {
            Some(old) => format!("{} → {}", printable(old), printable(&change.name)),
            None => printable(&change.name),
        };
        let versions = out.paint(Paint::Faint, versions);
        out.line(format_args!("    {:<9} {name}  {versions}", change.change))?;
    }
    if !entry.changes.metadata.is_empty() {
        out.line(format_args!("    metadata  {}", printable(&entry.changes.metadata.join(", "))))?;
    }
    if !entry.changes.snapshots.is_empty() {
        out.line(format_args!("    snapshots {}", printable(&entry.changes.snapshots.join(", "))))?;
    }
    Ok(())
}

fn versions(folio: &DataFolio, item: &str, session: &mut Session) -> Outcome {
    let versions = session.waiting("reading the history", || folio.versions(item))?;
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&versions);
    }
    let mut table =
        Table::new(out, &["VERSION", "REVISION", "CREATED", "DETAILS", "SIZE", "STATE", "SNAPSHOTS"], &[1, 4])
            .whole(&[0]);
    for version in &versions {
        let record = ItemRecord::new(version.record.clone());
        let state = match (version.available, version.current) {
            (false, _) => "lost",
            (true, true) => "current",
            (true, false) => "",
        };
        table.row([
            version.version.clone(),
            version.revision.map(|revision| format!("r{revision}")).unwrap_or_default(),
            version.created_at.as_deref().map(short_time).unwrap_or_default(),
            details(&record),
            size_text(recorded_size(&record)),
            state.to_owned(),
            version.snapshots.join(", "),
        ]);
    }
    table.print(out)
}
