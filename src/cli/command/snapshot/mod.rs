//! `snapshot`: named states of the bundle.

mod compare;
mod create;
mod delete;
mod diff;
mod export;
mod gc;
mod list;
mod reproduce;
mod restore;
mod show;
mod status;

use serde_json::Value;

use crate::cli::failure::Outcome;
use crate::cli::output::{Output, Paint};
use crate::cli::session::Session;
use crate::text::{printable, shorten_value};

/// Make, compare, restore and export snapshots
///
/// A snapshot is a named state of the bundle. It costs no copy of data and never changes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio snapshot create v1.0 -d 'As published' -t paper
  datafolio snapshot status
  datafolio snapshot compare v1.0 v2.0
  datafolio at v1.0 ls")]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Create(create::Args),
    List(list::Args),
    Show(show::Args),
    Compare(compare::Args),
    Status(status::Args),
    Diff(diff::Args),
    Restore(restore::Args),
    Export(export::Args),
    Reproduce(reproduce::Args),
    Delete(delete::Args),
    Gc(gc::Args),
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    match &args.command {
        Command::Create(args) => create::run(args, session),
        Command::List(args) => list::run(args, session),
        Command::Show(args) => show::run(args, session),
        Command::Compare(args) => compare::run(args, session),
        Command::Status(args) => status::run(args, session),
        Command::Diff(args) => diff::run(args, session),
        Command::Restore(args) => restore::run(args, session),
        Command::Export(args) => export::run(args, session),
        Command::Reproduce(args) => reproduce::run(args, session),
        Command::Delete(args) => delete::run(args, session),
        Command::Gc(args) => gc::run(args, session),
    }
}

/// What became of the items between two states.
struct Changes<'a> {
    added: &'a [String],
    removed: &'a [String],
    modified: &'a [String],
    unchanged: &'a [String],
    metadata: Vec<(&'a str, &'a Value, &'a Value)>,
}

impl Changes<'_> {
    fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.modified.is_empty() && self.metadata.is_empty()
    }

    /// The lists of what was added, removed and modified.
    fn show_items(&self, out: &mut Output) -> Outcome {
        let lists = [
            ("Added", "+", Paint::Good, self.added),
            ("Removed", "-", Paint::Bad, self.removed),
            ("Modified", "~", Paint::Warn, self.modified),
        ];
        lists.into_iter().try_for_each(|(title, mark, paint, names)| list(title, mark, paint, names, out))
    }

    fn show_metadata(&self, out: &mut Output) -> Outcome {
        if self.metadata.is_empty() {
            return Ok(());
        }
        out.line(format_args!("\nMetadata Changes ({}):", self.metadata.len()))?;
        for (key, before, after) in &self.metadata {
            // A key that is not there counts as null.
            let text = |value: &Value| match value {
                Value::Null => "(not set)".to_owned(),
                value => printable(&shorten_value(value)),
            };
            out.line(format_args!("  {}: {} → {}", printable(key), text(before), text(after)))?;
        }
        Ok(())
    }

    /// All of it, with a summary.
    fn show(&self, out: &mut Output) -> Outcome {
        self.show_items(out)?;
        list("Unchanged", "=", Paint::Faint, self.unchanged, out)?;
        self.show_metadata(out)?;
        out.line("\nSummary:")?;
        for (label, names) in [
            ("Added", self.added),
            ("Removed", self.removed),
            ("Modified", self.modified),
            ("Unchanged", self.unchanged),
        ] {
            out.line(format_args!("  {label}: {}", names.len()))?;
        }
        Ok(())
    }
}

fn list(title: &str, mark: &str, paint: Paint, names: &[String], out: &mut Output) -> Outcome {
    if names.is_empty() {
        return Ok(());
    }
    out.line(format_args!("\n{title} ({}):", names.len()))?;
    for name in names {
        let line = out.paint(paint, format_args!("{mark} {}", printable(name)));
        out.line(format_args!("  {line}"))?;
    }
    Ok(())
}

/// A heading, underlined.
fn heading(text: &str, out: &mut Output) -> Outcome {
    let title = out.paint(Paint::Strong, text);
    out.line(title)?;
    out.line("=".repeat(text.chars().count().max(20)))
}
