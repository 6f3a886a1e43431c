//! `reference`: tables that stay where they are.

use std::path::PathBuf;

use super::add;
use super::new_item::NewItem;
use crate::cli::failure::Outcome;
use crate::cli::session::Session;

/// Note a table that stays where it is
///
/// A file, a directory or a pattern of Parquet, CSV or Arrow files, with `year=2024` directories as columns. Nothing is copied: its
/// columns, rows, sizes and times are noted, so that `verify --references` can tell when it has changed or gone. It is read,
/// queried and described like a table of the bundle.
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
    #[command(flatten)]
    item: NewItem,
    /// Format of the files, where their names do not tell it: parquet, csv or arrow
    #[arg(long)]
    format: Option<String>,
}

pub(in crate::cli) fn run(args: Args, session: &mut Session) -> Outcome {
    add::run(&args.into(), session)
}

impl From<Args> for add::Args {
    fn from(args: Args) -> Self {
        let Args { path, name, item, format } = args;
        Self { file: path, name, item, format, reference: true, ..Self::default() }
    }
}
