//! `stage`: files of a table that workers of other programs write.

use crate::cli::completion;
use crate::cli::failure::Outcome;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::words::count;
use crate::table::StageOptions;
use crate::text::{human_size, printable};

/// Let workers of Dask, Ray, Spark and others write a table
///
/// A stage is a place below the bundle where workers write Parquet files, each its own. Nobody sees them before `stage commit` checks
/// their footers and columns, computes their hashes and makes one table of all of them, in one commit.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio stage begin scores --input visits
  datafolio stage list
  datafolio stage commit scores--3f9a5c1e7b20
  datafolio stage abort scores--3f9a5c1e7b20")]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Begin a stage, and print where the workers write
    #[command(after_help = "\
Examples:
  datafolio stage begin scores --input visits
  datafolio stage begin log --append")]
    Begin(Begin),
    /// List the stages that were begun and neither committed nor aborted
    #[command(after_help = "\
Examples:
  datafolio stage list
  datafolio stage list --json")]
    List,
    /// Make a table of all files of a stage, in one commit
    #[command(after_help = "\
Examples:
  datafolio stage commit scores--3f9a5c1e7b20
  datafolio stage commit scores--3f9a5c1e7b20 --rows 1000000")]
    Commit {
        /// The stage
        #[arg(value_name = "STAGE")]
        id: String,
        /// How many rows there must be: then a file that is not there is noticed
        #[arg(long, value_name = "N")]
        rows: Option<u64>,
    },
    /// Remove a stage with all that was written to it
    #[command(after_help = "\
Examples:
  datafolio stage abort scores--3f9a5c1e7b20")]
    Abort {
        /// The stage
        #[arg(value_name = "STAGE")]
        id: String,
    },
}

#[derive(Debug, clap::Args)]
struct Begin {
    /// The table
    #[arg(add = completion::items(), value_name = "ITEM")]
    name: String,
    /// Add the rows to the table that has the name
    #[arg(long, conflicts_with = "overwrite")]
    append: bool,
    /// Replace the table that has the name; its version before stays in the history
    #[arg(long)]
    overwrite: bool,
    /// With --append: columns that only the new files have come into the table
    #[arg(long, requires = "append")]
    evolve: bool,
    /// What it is
    #[arg(short, long, value_name = "TEXT")]
    description: Option<String>,
    /// An item that the rows are made from; can be given several times
    #[arg(add = completion::items(), long = "input", value_name = "NAME")]
    inputs: Vec<String>,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    match &args.command {
        Command::Begin(args) => begin(args, session),
        Command::List => list(session),
        Command::Commit { id, rows } => commit(id, *rows, session),
        Command::Abort { id } => abort(id, session),
    }
}

fn begin(args: &Begin, session: &mut Session) -> Outcome {
    let mut options = StageOptions::new().inputs(args.inputs.iter().cloned());
    if args.append {
        options = options.append();
    }
    if args.overwrite {
        options = options.overwrite();
    }
    options.evolve = args.evolve;
    options.description.clone_from(&args.description);
    let stage = session.writer()?.stage_table(&args.name, &options)?;
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&stage);
    }
    out.line(format_args!("{}", printable(&stage.path)))?;
    if out.is_terminal() {
        // Otherwise the path alone, for scripts.
        let what = format_args!(
            "Workers write Parquet files there; `datafolio stage commit {}` makes the table of them",
            stage.id
        );
        return out.note(what);
    }
    Ok(())
}

fn list(session: &mut Session) -> Outcome {
    let stages = session.reader()?.stages()?;
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&stages);
    }
    if stages.is_empty() {
        return out.note("No stage was begun that is not committed or aborted");
    }
    let mut table = Table::new(out, &["STAGE", "TABLE", "FILES", "SIZE", "BEGUN"], &[2, 3]).whole(&[0]);
    for stage in &stages {
        table.row([
            printable(&stage.id),
            printable(&stage.name),
            stage.files.to_string(),
            human_size(stage.bytes),
            stage.created_at.clone(),
        ]);
    }
    table.print(out)
}

fn commit(id: &str, rows: Option<u64>, session: &mut Session) -> Outcome {
    let folio = session.writer()?;
    let progress = session.writing(format!("committing {}", printable(id)), None);
    let done = folio.commit_stage(id, rows)?;
    drop(progress);
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&done);
    }
    let name = printable(&done.name);
    if done.was_committed {
        return out.done(format_args!("Its rows are in {name} already: removed what was left of the stage"));
    }
    let files = count(done.files, "file");
    let rows = count(usize::try_from(done.rows).unwrap_or(usize::MAX), "row");
    let size = human_size(done.size_bytes);
    out.done(format_args!("Committed {files} ({rows}, {size}) to {name}, version {}", done.version))
}

fn abort(id: &str, session: &mut Session) -> Outcome {
    let done = session.writer()?.abort_stage(id)?;
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&done);
    }
    out.done(format_args!("Removed {} ({})", count(done.files, "file"), human_size(done.bytes)))
}
