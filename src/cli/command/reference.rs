//! `reference`: tables that stay where they are.

use std::path::PathBuf;

use super::add;
use crate::cli::completion;
use crate::cli::failure::Outcome;
use crate::cli::session::Session;

/// Note a table that stays where it is
///
/// A file, a directory or a pattern of Parquet, CSV or Arrow files, with `year=2024` directories as columns. Nothing is copied: its
/// columns, rows, sizes and times are noted, so that `verify --references` can tell when it has changed or gone. It is read,
/// queried and described like a table of the bundle. `add FILE --reference` does the same.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio reference /data/huge.parquet
  datafolio reference /data/flights --name flights -d 'On the big disk, one directory a year'
  datafolio reference '/data/2024-*.csv' --name year --overwrite")]
pub(in crate::cli) struct Args {
    /// The file, directory or pattern
    path: PathBuf,
    /// Name of the item [default: that of the file or directory, without extension]
    #[arg(short, long)]
    name: Option<String>,
    /// What it is
    #[arg(short, long, value_name = "TEXT")]
    description: Option<String>,
    /// An item that it was made from; can be given several times
    #[arg(add = completion::items(), long = "input", value_name = "NAME")]
    inputs: Vec<String>,
    /// Replace an item of that name; its version before stays in the history
    #[arg(long)]
    overwrite: bool,
    /// Format of the files, where their names do not tell it: parquet, csv or arrow
    #[arg(long)]
    format: Option<String>,
}

pub(in crate::cli) fn run(args: Args, session: &mut Session) -> Outcome {
    add::run(&args.into(), session)
}

impl From<Args> for add::Args {
    fn from(args: Args) -> Self {
        let Args { path, name, description, inputs, overwrite, format } = args;
        Self { file: path, name, description, inputs, overwrite, format, reference: true, ..Self::default() }
    }
}
