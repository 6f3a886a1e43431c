//! `at`: another command, on the bundle as it was.

use crate::cli::args::ReadCommand;
use crate::cli::completion;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::session::{Session, View};

/// Run a command on the bundle as it was
///
/// STATE is a revision of `datafolio log` (12 or r12) or the name of a snapshot. Where one word could be both, write
/// revision:12 or snapshot:NAME.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio at 12 ls
  datafolio at v1.0 export flights flights-v1.csv
  datafolio at v1.0 get params")]
pub(in crate::cli) struct Args {
    /// The revision or snapshot
    #[arg(add = completion::snapshots())]
    state: String,
    #[command(subcommand)]
    command: Box<ReadCommand>,
}

pub(in crate::cli) fn run(args: Args, session: &mut Session) -> Outcome {
    let view = view(&args.state, session)?;
    session.look_at(view);
    args.command.run(session)
}

fn view(state: &str, session: &mut Session) -> Outcome<View> {
    if let Some(name) = state.strip_prefix("snapshot:") {
        return Ok(View::Snapshot(name.to_owned()));
    }
    let number = |text: &str| text.strip_prefix('r').unwrap_or(text).parse::<u64>().ok();
    if let Some(text) = state.strip_prefix("revision:") {
        let revision = number(text).ok_or_else(|| Failure::usage(format!("'{text}' is no revision")))?;
        return Ok(View::Revision(revision));
    }
    let Some(revision) = number(state) else { return Ok(View::Snapshot(state.to_owned())) };
    if session.reader()?.catalogue().snapshots.contains_key(state) {
        return Err(Failure::usage(format!("'{state}' is a revision and a snapshot"))
            .hint(format!("write revision:{revision} or snapshot:{state}")));
    }
    Ok(View::Revision(revision))
}
