//! `explain`: how an item came to be.

use serde_json::Value;

use crate::Explained;
use crate::cli::completion;
use crate::cli::failure::Outcome;
use crate::cli::output::{Output, Paint};
use crate::cli::session::Session;
use crate::cli::words::{grouped, long_time};
use crate::text::printable;

/// Tell how a derived table or a view was made, and from what
///
/// Shown are the SQL, its values, the versions that it read, and the same for everything that it was made from.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio explain monthly
  datafolio explain monthly --json")]
pub(in crate::cli) struct Args {
    /// The item
    #[arg(add = completion::items())]
    item: String,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.reader()?;
    let explained = session.waiting("looking at inputs", || folio.explain(&args.item))?;
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&explained);
    }
    // From the item down to what it began with.
    let mut waiting = vec![(&explained, 0)];
    while let Some((item, depth)) = waiting.pop() {
        show(item, depth, out)?;
        waiting.extend(item.upstream.iter().rev().map(|input| (input, depth + 1)));
    }
    Ok(())
}

fn show(item: &Explained, depth: usize, out: &mut Output) -> Outcome {
    let margin = "  ".repeat(depth);
    let name = out.paint(Paint::Strong, printable(&item.name));
    out.line(format_args!("{margin}{name} ({})", printable(&item.kind)))?;
    let versions = item.inputs.iter().map(|input| match &input.snapshot {
        Some(snapshot) => format!("{} {} of snapshot {snapshot}", input.name, input.version),
        None => format!("{} {}", input.name, input.version),
    });
    let stale = item.stale.iter().map(ToString::to_string);
    let facts = [
        ("Version", item.version.clone().unwrap_or_default()),
        ("Now", item.current_version.clone().unwrap_or_default()),
        ("Made", item.created_at.as_deref().map(long_time).unwrap_or_default()),
        ("SQL", item.text.clone().unwrap_or_default()),
        ("Values", if item.params == Value::Null { String::new() } else { item.params.to_string() }),
        ("Read", versions.collect::<Vec<_>>().join(", ")),
        ("Rows", item.rows.map(grouped).unwrap_or_default()),
        ("By", item.program.clone().unwrap_or_default()),
        ("Out of date", stale.collect::<Vec<_>>().join("; ")),
    ];
    for (label, fact) in facts.iter().filter(|(_, fact)| !fact.is_empty()) {
        out.line(format_args!("{margin}  {:<13}{}", format!("{label}:"), printable(fact)))?;
    }
    Ok(())
}
