//! `heatmap`: how many rows lie in each cell of two expressions.

use std::path::PathBuf;

use serde_json::json;

use super::frame_args::FrameArgs;
use super::hist::{edges, few, grid_of, numbers, picture};
use crate::cli::failure::Outcome;
use crate::cli::plot::axis::{Between, axis_of, between, labels, short, texts};
use crate::cli::plot::color::shares;
use crate::cli::plot::heat::Cells;
use crate::cli::session::Session;
use crate::cli::value::file::write_whole;

/// Show how two values go together
///
/// Counts the rows of a table in the cells of a grid of two expressions. Of texts and truth values, each is a bin. With --value, another
/// aggregation is computed of each cell, as `mean(arr_delay)`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio heatmap flights hour month --x-bins 24 --y-bins 12
  datafolio heatmap flights dep_delay arr_delay --x-limits 95% --y-limits 95% -o delays.png
  datafolio heatmap flights hour carrier --value 'mean(arr_delay)' --json")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    frame: FrameArgs,
    /// What lies along the horizontal axis
    x: String,
    /// What lies along the vertical axis
    y: String,
    /// How many bins there are along x
    #[arg(long, value_name = "N", default_value_t = 32)]
    x_bins: usize,
    /// How many bins there are along y
    #[arg(long, value_name = "N", default_value_t = 16)]
    y_bins: usize,
    /// Where x begins and ends, LOW:HIGH, or the middle part of its values, as 99%
    #[arg(long, value_name = "LIMITS", allow_hyphen_values = true, value_parser = between)]
    x_limits: Option<Between>,
    /// Where y begins and ends
    #[arg(long, value_name = "LIMITS", allow_hyphen_values = true, value_parser = between)]
    y_limits: Option<Between>,
    /// What is computed of each cell
    #[arg(long, value_name = "EXPRESSION", default_value = "count()")]
    value: String,
    /// Colours by the logarithm of the values
    #[arg(long)]
    log_scale: bool,
    /// Write a picture to this file, .svg or .png
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long, requires = "output")]
    overwrite: bool,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let format = picture(args.output.as_ref(), args.overwrite)?;
    let (folio, frame) = args.frame.open(session)?;
    let progress = session.reading_item("computing over", &folio, &args.frame.item);
    let x = axis_of(&frame, &args.x, few(args.x_bins)?, args.x_limits, false)?;
    let y = axis_of(&frame, &args.y, few(args.y_bins)?, args.y_limits, false)?;
    let grid = grid_of(&frame, [x, y], &args.value, &folio)?;
    drop(progress);
    let Some((_, column)) = grid.columns.first() else { return Ok(()) };
    let (values, shown) = (numbers(column)?, texts(column));
    let [columns, rows] = grid.shape[..] else { return Ok(()) };
    let names = |axis: usize| grid.axes.get(axis).map(labels).unwrap_or_default();
    let (x, y) = (names(0), names(1));
    let out = &mut session.out;
    if out.is_json() && format.is_none() {
        let values: Vec<&[Option<f64>]> = values.chunks(rows.max(1)).collect();
        let bins = |axis: usize| grid.axes.get(axis).and_then(|axis| axis.values.as_ref()).map(texts);
        return out.json(&json!({
            "item": args.frame.item,
            "x": { "expression": args.x, "edges": edges(&grid, 0), "bins": bins(0) },
            "y": { "expression": args.y, "edges": edges(&grid, 1), "bins": bins(1) },
            "value": args.value,
            "values": values,
        }));
    }
    // A cell without rows has no colour.
    let there = |value: Option<f64>| value.filter(|value| args.value != "count()" || *value > 0.0);
    let scaled = |value: f64| if args.log_scale { value.ln() } else { value };
    let scaled: Vec<Option<f64>> = values.iter().map(|value| there(*value).map(scaled)).collect();
    let cells = Cells { columns, rows, shares: &shares(&scaled), shown: &shown, x: &x, y: &y };
    if let (Some(format), Some(path)) = (format, &args.output) {
        let title = format!("{} of {}: {} and {}", args.value, args.frame.item, args.x, args.y);
        write_whole(path, args.overwrite, |file| cells.write(format, &title, file))?;
        return if out.is_json() {
            out.json(&json!({ "path": path }))
        } else {
            out.done(format!("Wrote {}", path.display()))
        };
    }
    let left = y.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    for (line, label) in cells.lines(out.is_colored()).into_iter().zip(y.iter().rev()) {
        out.line(format!("{label:>left$} {line}"))?;
    }
    if let (Some(first), Some(last)) = (x.first(), x.last()) {
        out.line(format!("{:left$} {first} … {last}", ""))?;
    }
    let numbers = || values.iter().filter_map(|value| there(*value)).filter(|value| value.is_finite());
    let (least, most) = (numbers().fold(f64::INFINITY, f64::min), numbers().fold(f64::NEG_INFINITY, f64::max));
    if most >= least {
        out.line(format!("{:left$} {} from {} to {}", "", args.value, short(least), short(most)))?;
    }
    Ok(())
}
