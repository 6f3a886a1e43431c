//! `hist`: how often values lie in each of some bins.

use std::path::PathBuf;

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafolio_columns::{Expr, Frame, Grid};
use serde_json::{Value as Json, json};

use super::frame_args::{FrameArgs, pass_options};
use crate::cli::failure::Outcome;
use crate::cli::plot::axis::{Between, axis_of, between, labels, texts};
use crate::cli::plot::{Format, bars};
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::value::file::{refuse_existing, write_whole};
use crate::error::Error;

/// Show how values are distributed
///
/// Counts the rows of a table in bins of an expression, in one pass after the one that finds the limits. Of texts and truth values, each
/// is a bin. With --value, another aggregation is computed of each bin, as `mean(arr_delay)`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio hist flights arr_delay
  datafolio hist flights arr_delay --limits 99% --bins 40
  datafolio hist flights distance --log --where \"carrier == 'UA'\"
  datafolio hist flights hour --bins 24 --limits 0:24 --value 'mean(dep_delay)' -o hours.svg")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    frame: FrameArgs,
    /// What is put into bins
    expression: String,
    /// How many bins
    #[arg(long, value_name = "N", default_value_t = 20)]
    bins: usize,
    /// Where they begin and end, LOW:HIGH, or the middle part of the values, as 99% [default: all values]
    #[arg(long, value_name = "LIMITS", allow_hyphen_values = true, value_parser = between)]
    limits: Option<Between>,
    /// Bins of the same width on a logarithmic scale
    #[arg(long)]
    log: bool,
    /// What is computed of each bin
    #[arg(long, value_name = "EXPRESSION", default_value = "count()")]
    value: String,
    /// Write a picture to this file, .svg or .png
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long, requires = "output")]
    overwrite: bool,
}

/// The limit of bins that are asked for: a picture and a terminal have no more room.
const MOST_BINS: usize = 10_000;

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let format = picture(args.output.as_ref(), args.overwrite)?;
    let (folio, frame) = args.frame.open(session)?;
    let progress = session.reading_item("computing over", &folio, &args.frame.item);
    let axis = axis_of(&frame, &args.expression, few(args.bins)?, args.limits, args.log)?;
    let grid = grid_of(&frame, [axis], &args.value, &folio)?;
    drop(progress);
    let labels = grid.axes.first().map(labels).unwrap_or_default();
    let Some((_, column)) = grid.columns.first() else { return Ok(()) };
    let (values, shown) = (numbers(column)?, texts(column));
    let out = &mut session.out;
    if let (Some(format), Some(path)) = (format, &args.output) {
        let title = format!("{} of {} in {}", args.value, args.expression, args.frame.item);
        write_whole(path, args.overwrite, |file| bars::write(format, &title, &labels, &values, &shown, file))?;
        return if out.is_json() {
            out.json(&json!({ "path": path }))
        } else {
            out.done(format!("Wrote {}", path.display()))
        };
    }
    if out.is_json() {
        return out.json(&json!({
            "item": args.frame.item,
            "expression": args.expression,
            "edges": edges(&grid, 0),
            "bins": grid.axes.first().and_then(|axis| axis.values.as_ref()).map(texts),
            "value": args.value,
            "values": values,
        }));
    }
    let lengths = bars::lengths(&values);
    let taken = |texts: &[String]| texts.iter().map(|text| text.chars().count()).max().unwrap_or(0);
    let room = usize::from(out.width().unwrap_or(80)).saturating_sub(taken(&labels) + taken(&shown) + 6).clamp(10, 60);
    let mut table = Table::new(out, &[args.expression.as_str(), args.value.as_str(), ""], &[0, 1]);
    for ((label, shown), length) in labels.iter().zip(&shown).zip(&lengths) {
        table.row([label.as_str(), shown.as_str(), bars::bar(*length, room).as_str()]);
    }
    table.print(out)
}

/// What the picture is that is asked for.
pub(super) fn picture(output: Option<&PathBuf>, overwrite: bool) -> Outcome<Option<Format>> {
    let Some(path) = output else { return Ok(None) };
    refuse_existing(path, overwrite)?;
    Format::of_path(path).map(Some)
}

pub(super) fn few(bins: usize) -> Outcome<usize> {
    if (1..=MOST_BINS).contains(&bins) {
        return Ok(bins);
    }
    Err(Error::Invalid(format!("{bins} bins are none to show; ask for 1 to {MOST_BINS}")).into())
}

/// Computes something of each cell of a grid.
pub(super) fn grid_of(
    frame: &Frame,
    axes: impl IntoIterator<Item = datafolio_columns::Axis>,
    value: &str,
    folio: &crate::DataFolio,
) -> Outcome<Grid> {
    let value = Expr::parse(value).map_err(Error::from)?;
    Ok(frame.bin_by(axes).agg_expr(&[("value", value)], &pass_options(folio)).map_err(Error::from)?)
}

/// Values as numbers, where they are.
pub(super) fn numbers(column: &ArrayRef) -> Outcome<Vec<Option<f64>>> {
    let floats = cast(column, &DataType::Float64).map_err(|_| {
        Error::Invalid(format!("values of type {} are not drawn; compute a number", column.data_type()))
    })?;
    Ok(floats.as_primitive::<Float64Type>().iter().collect())
}

/// Where the bins of an axis begin and end; null where they are values.
pub(super) fn edges(grid: &Grid, axis: usize) -> Json {
    grid.axes.get(axis).and_then(|axis| axis.edges.as_ref()).map_or(Json::Null, |edges| json!(edges))
}
