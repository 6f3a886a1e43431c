//! `set`: description, inputs and archive of items.

use serde_json::json;

use crate::cli::completion;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::inputs;
use crate::cli::session::Session;
use crate::text::printable;

/// Change an item's description or inputs, or archive it
///
/// Archived items stay readable and in snapshots; lists and copies leave them out. --archive and --unarchive also take
/// glob patterns.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio set flights -d 'All flights of 2013'
  datafolio set features --input flights --input weather
  datafolio set 'tmp*' --archive")]
pub(in crate::cli) struct Args {
    /// The items
    #[arg(add = completion::items(), required = true, value_name = "ITEM")]
    items: Vec<String>,
    /// What it is; an empty text removes the description
    #[arg(short, long, value_name = "TEXT")]
    description: Option<String>,
    /// An item that it was made from; can be given several times, and replaces the inputs it had
    #[arg(add = completion::items(), long = "input", value_name = "NAME")]
    inputs: Vec<String>,
    /// It was made from nothing
    #[arg(long, conflicts_with = "inputs")]
    no_inputs: bool,
    /// Leave the items out of lists and copies
    #[arg(long)]
    archive: bool,
    /// Take the items out of the archive
    #[arg(long, conflicts_with = "archive")]
    unarchive: bool,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let inputs: Option<Vec<&str>> = match args.inputs.as_slice() {
        [] if !args.no_inputs => None,
        names => Some(names.iter().map(String::as_str).collect()),
    };
    let updates = args.description.is_some() || inputs.is_some();
    let archives = args.archive || args.unarchive;
    if !updates && !archives {
        return Err(Failure::usage("nothing to set: pass -d, --input, --no-inputs, --archive or --unarchive"));
    }
    let folio = session.writer()?;
    let mut batch = folio.batch()?;
    let mut changed = Vec::new();
    if updates {
        for item in &args.items {
            batch.update_item(item, args.description.as_deref(), inputs.as_deref())?;
            changed.push(item.clone());
        }
    }
    if archives {
        for name in batch.set_archived(&args.items, args.archive)? {
            if !changed.contains(&name) {
                changed.push(name);
            }
        }
    }
    let revision = batch.commit()?;
    let out = &mut session.out;
    if !args.inputs.is_empty() {
        inputs::warn(&folio, &args.items, out);
    }
    if out.is_json() {
        return out.json(&json!({"items": changed, "revision": revision}));
    }
    match changed.as_slice() {
        [] => out.aside("No items found"),
        names => {
            let what = match (updates, args.archive) {
                (true, _) => "Changed",
                (false, true) => "Archived",
                (false, false) => "Unarchived",
            };
            out.done(format_args!("{what} {}", printable(&names.join(", "))))
        }
    }
}
