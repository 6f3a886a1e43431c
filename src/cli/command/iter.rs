//! `iter`: a table as files of so many rows each.

use std::fs;
use std::path::PathBuf;

use clap::ValueEnum;
use serde_json::json;

use super::head::rows_of;
use super::values::Values;
use crate::cli::completion;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::inputs;
use crate::cli::session::Session;
use crate::cli::value::file::write_whole;
use crate::cli::value::rows::{self, RowFormat};
use crate::cli::words::count;
use crate::error::Error;
use crate::text::printable;
use crate::{DEFAULT_CHUNK_SIZE, IterOptions};

/// Write a table as files of so many rows each
///
/// The files are called after the row of the table that they begin at, so that a run that was stopped goes on with --start-row,
/// and several workers can share a table with --start-row and --end-row. With --where a file holds the rows from there on for
/// which the condition holds, and its first one may lie further on. One chunk is in memory at a time.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio iter flights --into chunks --chunk-size 100000
  datafolio iter flights --into chunks --columns carrier,dep_delay --format jsonl
  datafolio iter flights --into chunks --start-row 200000")]
pub(in crate::cli) struct Args {
    /// The table
    #[arg(add = completion::items())]
    item: String,
    /// The directory for the files; made when it is not there
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
    /// Rows of each file
    #[arg(long, value_name = "ROWS", default_value_t = DEFAULT_CHUNK_SIZE)]
    chunk_size: usize,
    /// Form of the files
    #[arg(long, value_enum, default_value_t = RowFormat::Parquet)]
    format: RowFormat,
    /// Only these columns, in this order
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',')]
    columns: Vec<String>,
    /// Only rows for which this SQL condition holds
    #[arg(long = "where", value_name = "CONDITION")]
    filter: Option<String>,
    #[command(flatten)]
    values: Values,
    /// The first row, counted from 0 among all rows of the table
    #[arg(long, value_name = "ROW", default_value_t = 0)]
    start_row: u64,
    /// The row behind the last one
    #[arg(long, value_name = "ROW")]
    end_row: Option<u64>,
    /// A version of it, by its id in `datafolio log ITEM --versions`
    #[arg(add = completion::versions(), long, value_name = "ID")]
    version: Option<String>,
    /// Replace files that are there
    #[arg(long)]
    overwrite: bool,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.reader()?;
    inputs::warn_changed(&folio, &args.item, &mut session.out);
    let mut options = IterOptions::new().chunk_size(args.chunk_size).start_row(args.start_row);
    options.end_row = args.end_row;
    options.version.clone_from(&args.version);
    options.filter = args.values.condition(args.filter.as_deref())?;
    if !args.columns.is_empty() {
        options = options.columns(args.columns.iter().cloned());
    }
    let mut chunks = folio.iter_table(&args.item, &options)?;
    let failed = |source| Failure::from(Error::File { action: "make", path: args.into.clone(), source });
    fs::create_dir_all(&args.into).map_err(failed)?;
    let progress = session.reading_item("writing", &folio, &args.item);
    let extension = args.format.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
    let threads = folio.settings().threads;
    let mut files = Vec::new();
    loop {
        let start = chunks.position();
        let Some(chunk) = chunks.next() else { break };
        let chunk = chunk?;
        let rows = chunk.num_rows();
        // Twelve digits sort right up to a million million rows.
        let path = args.into.join(format!("{start:012}.{extension}"));
        write_whole(&path, args.overwrite, |out| rows::write(rows_of(chunk), args.format, threads, out))?;
        files.push(json!({"path": path, "start_row": start, "rows": rows}));
    }
    drop(progress);
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&files);
    }
    let rows = files.iter().filter_map(|file| file["rows"].as_u64()).sum::<u64>();
    let rows = count(usize::try_from(rows).unwrap_or(usize::MAX), "row");
    let files = count(files.len(), "file");
    let place = printable(&args.into.display().to_string());
    out.done(format_args!("Wrote {rows} of {} to {files} in {place}", printable(&args.item)))
}
