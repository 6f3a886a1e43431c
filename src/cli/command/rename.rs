//! `rename`: another name for an item.

use serde_json::json;

use crate::cli::completion;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::session::Session;
use crate::text::{printable, shell_word};

/// Give an item another name
///
/// Items that were made from it name it by the new name afterwards; snapshots keep the old one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio rename tmp features")]
pub(in crate::cli) struct Args {
    /// The item
    #[arg(add = completion::items())]
    old: String,
    /// Its new name
    new: String,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.writer()?;
    folio.rename(&args.old, &args.new).map_err(|error| {
        let failure = Failure::from(error);
        match failure.code() {
            "item-exists" => {
                let taken = shell_word(&args.new);
                failure.hint(format!("choose another name, or remove that item first: `datafolio rm {taken}`"))
            }
            _ => failure,
        }
    })?;
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&json!({"from": args.old, "to": args.new, "revision": folio.revision()}));
    }
    out.done(format_args!("Renamed {} to {}", printable(&args.old), args.new))
}
