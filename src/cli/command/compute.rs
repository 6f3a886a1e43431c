//! `compute`: aggregations over a table, in one pass.

use arrow::array::RecordBatch;
use datafolio_columns::{Expr, Frame, PassOptions, Value};
use serde_json::{Number, Value as Json, json};

use super::frame_args::{FrameArgs, named, pass_options};
use super::head::rows_of;
use crate::cli::failure::Outcome;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::value::preview;
use crate::error::Error;
use crate::text::printable;

/// Compute over the columns of a table
///
/// Expressions are written as in Python: `mean((x - y) ** 2)`, `std(x) / mean(x)`, `count(where=x > 0)`. There are count, sum, mean, var, std,
/// skew, kurtosis, min, max, minmax, median, quantile, mode, nunique, unique, first, last, any, all, covar, correlation, list, and by sketches
/// approx_median, approx_quantile, approx_nunique, top_values. All of them take one pass over the columns they need (exact quantiles some
/// more), by all processors, in a memory that does not depend on the size of the table.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio compute flights 'mean(arr_delay)' 'quantile(arr_delay, 0.9)'
  datafolio compute flights 'mean(distance / air_time * 60)' --where \"carrier == 'UA'\"
  datafolio compute flights 'count()' 'late=count(where=arr_delay > 15) / count()' --by carrier --by month
  datafolio compute flights 'count()' 'nunique(tailnum)' --json")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    frame: FrameArgs,
    /// What to compute
    #[arg(required = true, value_name = "EXPRESSION")]
    expressions: Vec<String>,
    /// Once for each value of this expression: may be given several times, also as NAME=EXPRESSION
    #[arg(long = "by", value_name = "EXPRESSION")]
    keys: Vec<String>,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let (folio, frame) = args.frame.open(session)?;
    let progress = session.reading_item("computing over", &folio, &args.frame.item);
    let options = pass_options(&folio);
    if !args.keys.is_empty() {
        let batch = by_group(args, &frame, &options)?;
        drop(progress);
        let out = &mut session.out;
        return match out.is_json() {
            true => out.json(&preview::json(rows_of(batch))?),
            false => preview::show(rows_of(batch), out).map(drop),
        };
    }
    let answers = frame.compute_with(&args.expressions, &options).map_err(Error::from)?;
    drop(progress);
    let out = &mut session.out;
    if out.is_json() {
        let answers = args.expressions.iter().zip(&answers);
        let answers: Vec<Json> =
            answers.map(|(text, answer)| json!({ "expression": text, "value": json_of(answer) })).collect();
        return out.json(&json!({ "item": args.frame.item, "answers": answers }));
    }
    let mut table = Table::new(out, &["EXPRESSION", "VALUE"], &[1]);
    for (text, answer) in args.expressions.iter().zip(&answers) {
        table.row([printable(text).as_str(), shown(answer).as_str()]);
    }
    table.print(out)
}

/// A row for each group.
fn by_group(args: &Args, frame: &Frame, options: &PassOptions) -> Result<RecordBatch, Error> {
    let keys = args.keys.iter().map(|key| {
        let (name, expr) = named(key).unwrap_or((key, key));
        Ok((name.to_owned(), Expr::parse(expr)?))
    });
    let keys = keys.collect::<Result<Vec<_>, Error>>()?;
    let wanted = args.expressions.iter().map(|text| {
        let (name, expr) = named(text).unwrap_or((text, text));
        Ok((name.to_owned(), Expr::parse(expr)?))
    });
    let wanted = wanted.collect::<Result<Vec<_>, Error>>()?;
    Ok(frame.group_by(keys).sorted().agg_expr(&wanted, options)?)
}

/// A value as JSON: what JSON has no number for is null, and instants are text.
fn json_of(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value) => match i64::try_from(*value) {
            Ok(value) => value.into(),
            Err(_) => u64::try_from(*value).map_or_else(|_| value.to_string().into(), Json::from),
        },
        Value::Float(value) => Number::from_f64(*value).map_or(Json::Null, Json::Number),
        Value::Text(text) => Json::String(text.to_string()),
        Value::List(values) => values.iter().map(json_of).collect(),
        Value::Instant(..) | Value::Duration(..) => Json::String(shown(value)),
    }
}

/// A value as text.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "missing".to_owned(),
        Value::Text(text) => printable(text).to_string(),
        other => other.to_string(),
    }
}
