//! `snapshot reproduce`.

use serde_json::json;

use crate::cli::completion;
use crate::cli::failure::Outcome;
use crate::cli::session::Session;

/// Say how the state of a snapshot can be made again
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio snapshot reproduce v1.0")]
pub(in crate::cli) struct Args {
    /// The snapshot [default: the newest]
    #[arg(add = completion::snapshots())]
    name: Option<String>,
}

pub(super) fn run(args: &Args, session: &mut Session) -> Outcome {
    let text = session.reader()?.reproduce_instructions(args.name.as_deref())?;
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&json!({"instructions": text}));
    }
    out.line(text.trim_end())
}
