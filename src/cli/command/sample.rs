//! `sample`: rows of a table, drawn at random.

use super::head::{options, rows_of};
use super::values::Values;
use crate::cli::args::how_many;
use crate::cli::completion;
use crate::cli::failure::Outcome;
use crate::cli::inputs;
use crate::cli::session::Session;
use crate::cli::value::preview;

/// Show rows of a table that are drawn at random
///
/// Each row is as likely as any other, and comes once at most; rows come in the order of the table. The same seed draws the
/// same rows. Only the pages that hold them are read; with --where, all rows are looked at.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio sample flights -n 5
  datafolio sample flights -n 1000 --seed 42 --json
  datafolio sample flights -n 5 --where \"dep_delay > 600\"")]
pub(in crate::cli) struct Args {
    /// The table
    #[arg(add = completion::items())]
    item: String,
    /// How many rows
    #[arg(short = 'n', long, value_name = "N", allow_negative_numbers = true, value_parser = how_many::<usize>, default_value_t = 10)]
    limit: usize,
    /// What the choice of rows depends on
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
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
    let progress = session.reading_item("sampling", &folio, &args.item);
    let mut options = options(&args.columns, args.version.as_deref());
    options.filter = args.values.condition(args.filter.as_deref())?;
    let batch = folio.sample_table(&args.item, args.limit, args.seed, &options)?;
    drop(progress);
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&preview::json(rows_of(batch))?);
    }
    preview::show(rows_of(batch), out).map(drop)
}
