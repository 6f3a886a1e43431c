//! `head`: the first rows of a table.

use arrow::array::{RecordBatch, RecordBatchIterator, RecordBatchReader};

use super::values::Values;
use crate::TableOptions;
use crate::cli::args::how_many;
use crate::cli::completion;
use crate::cli::failure::Outcome;
use crate::cli::inputs;
use crate::cli::session::Session;
use crate::cli::value::preview;
use crate::cli::value::rows::Rows;
use crate::error::Error;

/// Show the first rows of a table
///
/// Only the pages that hold them are read, however large the table is.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio head flights
  datafolio head flights -n 3 --columns carrier,dep_delay
  datafolio head flights --where \"dep_delay > 600 AND carrier = 'AA'\"")]
pub(in crate::cli) struct Args {
    /// The table
    #[arg(add = completion::items())]
    item: String,
    /// How many rows
    #[arg(short = 'n', long, value_name = "N", allow_negative_numbers = true, value_parser = how_many::<u64>, default_value_t = 10)]
    limit: u64,
    /// Leave out this many rows at the start
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = how_many::<u64>, default_value_t = 0)]
    offset: u64,
    /// Only these columns, in this order
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',')]
    columns: Vec<String>,
    /// Only rows for which this SQL condition holds
    #[arg(long = "where", value_name = "CONDITION")]
    filter: Option<String>,
    #[command(flatten)]
    values: Values,
    /// A version of it, by its id in `datafolio log ITEM --versions`
    #[arg(add = completion::versions(), long, value_name = "ID")]
    version: Option<String>,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.reader()?;
    inputs::warn_changed(&folio, &args.item, &mut session.out);
    let mut options = options(&args.columns, args.version.as_deref()).offset(args.offset).limit(args.limit);
    options.filter = args.values.condition(args.filter.as_deref())?;
    let progress = session.reading_item("reading", &folio, &args.item);
    let rows = folio.read_table(&args.item, &options)?;
    let schema = rows.schema();
    let rows = rows.collect::<Result<Vec<_>, _>>().map_err(Error::from)?;
    drop(progress);
    let rows: Rows = Box::new(RecordBatchIterator::new(rows.into_iter().map(Ok), schema));
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&preview::json(rows)?);
    }
    preview::show(rows, out).map(drop)
}

/// Columns and version, as a command is given them.
pub(super) fn options(columns: &[String], version: Option<&str>) -> TableOptions {
    let mut options = TableOptions::new();
    if !columns.is_empty() {
        options = options.columns(columns.iter().cloned());
    }
    match version {
        Some(version) => options.version(version),
        None => options,
    }
}

/// One batch as a stream of rows.
pub(super) fn rows_of(batch: RecordBatch) -> Rows {
    let schema = batch.schema();
    Box::new(RecordBatchIterator::new([Ok(batch)], schema))
}
