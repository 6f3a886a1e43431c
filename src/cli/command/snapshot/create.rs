//! `snapshot create`.

use crate::cli::failure::Outcome;
use crate::cli::session::Session;
use crate::snapshot::SnapshotOptions;
use crate::text::printable;

/// Make a snapshot of the current state
///
/// Records commit, branch and state of the git repository of the current directory; credentials in the remote's address
/// are left out. Environment and command line are recorded when asked for.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio snapshot create v1.0 -d 'Baseline model' -t baseline -t paper
  datafolio snapshot create v2.0 --env --exec")]
pub(in crate::cli) struct Args {
    /// Its name: letters, digits, '.', '_' and '-'
    name: String,
    /// What it is for
    #[arg(short, long, value_name = "TEXT")]
    description: Option<String>,
    /// A label; can be given several times
    #[arg(short, long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Do not record the state of the git repository
    #[arg(long)]
    no_git: bool,
    /// Record platform and versions
    #[arg(long)]
    env: bool,
    /// Record working directory and command line
    #[arg(long)]
    exec: bool,
}

pub(super) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.writer()?;
    let options = SnapshotOptions {
        description: args.description.clone(),
        tags: args.tags.clone(),
        capture_git: !args.no_git,
        capture_environment: args.env,
        capture_execution: args.exec,
        python: None,
    };
    let what = format!("making snapshot {}", printable(&args.name));
    session.waiting(what, || folio.create_snapshot(&args.name, options))?;
    let info = folio.snapshot_info(&args.name)?;
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&info);
    }
    out.done(format_args!("Created snapshot '{}'", args.name))?;
    out.note(format_args!("  Items: {}", info.num_items))?;
    if let Some(text) = &info.description {
        out.note(format_args!("  Description: {}", printable(text)))?;
    }
    if !info.tags.is_empty() {
        out.note(format_args!("  Tags: {}", printable(&info.tags.join(", "))))?;
    }
    if !info.mutable_references.is_empty() {
        let names = info.mutable_references.join(", ");
        out.warn(format_args!("references lie outside the bundle and may change after the snapshot: {names}"));
    }
    Ok(())
}
