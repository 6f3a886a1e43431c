//! `reference`: tables that stay where they are.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use datafolio_core::time;

use super::add;
use super::new_item::NewItem;
use crate::cli::failure::Outcome;
use crate::cli::session::Session;

/// Note a table that stays where it is
///
/// A file, a directory or a pattern of Parquet, CSV or Arrow files, with `year=2024` directories as columns, or a Delta table, on this
/// machine or at an address (s3://, gs://, az://; of https:// one file). Nothing is copied: its columns, rows, sizes and times are noted, so that `verify --references` can tell when it has changed or gone. It is
/// read, queried and described like a table of the bundle.
///
/// Of a Delta table the newest version is read each time, unless one is given: then it stays that one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio reference /data/huge.parquet
  datafolio reference /data/flights --name flights -d 'On the big disk, one directory a year'
  datafolio reference '/data/2024-*.csv' --name year --overwrite
  datafolio reference /lake/orders --version 12
  datafolio reference s3://bucket/lake/orders --format delta")]
pub(in crate::cli) struct Args {
    /// The file, directory or pattern, or its address
    path: PathBuf,
    /// Name of the item [default: that of the file or directory, without extension]
    #[arg(short, long)]
    name: Option<String>,
    #[command(flatten)]
    item: NewItem,
    /// Format of the files, where their names do not tell it: parquet, csv, arrow, hdf5 or delta
    #[arg(long)]
    format: Option<String>,
    /// Read this version of a Delta table
    #[arg(long, value_name = "NUMBER", conflicts_with = "timestamp", value_parser = clap::value_parser!(i64).range(0..))]
    version: Option<i64>,
    /// Read the version that a Delta table had at this time: 2024-01-31, or 2024-01-31T12:30:00Z
    #[arg(long, value_name = "TIME", value_parser = instant)]
    timestamp: Option<DateTime<Utc>>,
}

pub(in crate::cli) fn run(args: Args, session: &mut Session) -> Outcome {
    add::run(&args.into(), session)
}

impl From<Args> for add::Args {
    fn from(args: Args) -> Self {
        let Args { path, name, item, format, version, timestamp } = args;
        Self { file: path, name, item, format, version, timestamp, reference: true, ..Self::default() }
    }
}

/// A time as people write it; without an offset it is of UTC, and a day alone is its beginning.
fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let day = || time::from_iso(&format!("{text}T00:00:00"));
    time::from_iso(text).or_else(day).ok_or_else(|| "expected a time such as 2024-01-31T12:30:00Z".to_owned())
}
