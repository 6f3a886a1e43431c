//! `rm`: removes items.

use serde_json::json;

use crate::cli::completion;
use crate::cli::failure::Outcome;
use crate::cli::prompt::{Answer, confirm};
use crate::cli::session::Session;
use crate::text::printable;

/// Remove items
///
/// Snapshots keep what they hold, and the history keeps the rest for a time: `datafolio undo` brings items back. When
/// other items were made from one of them, the program asks first.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio rm tmp1 tmp2
  datafolio rm raw -y")]
pub(in crate::cli) struct Args {
    /// The items
    #[arg(add = completion::items(), required = true, value_name = "ITEM")]
    items: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.writer()?;
    let mut batch = folio.batch()?;
    let deleted = batch.delete(&args.items)?;
    for (name, dependents) in &deleted.dependents {
        session.out.warn(format_args!("'{name}' is an input of {}", dependents.join(", ")));
    }
    if !deleted.dependents.is_empty()
        && !args.yes
        && confirm(&mut session.out, "Remove it all the same?")? == Answer::No
    {
        return Ok(());
    }
    let revision = batch.commit()?;
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&json!({"items": deleted.names, "dependents": deleted.dependents, "revision": revision}));
    }
    out.done(format_args!("Removed {}", printable(&deleted.names.join(", "))))
}
