//! What the columns of a frame hold, in one pass.

use super::Frame;
use crate::aggregate::{Aggregate, agg};
use crate::error::ColumnsResult;
use crate::expr::{Expr, col};
use crate::pass::PassOptions;
use crate::types::Type;
use crate::value::Value;

/// What a column holds in the rows that pass the filter.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ColumnSummary {
    /// Its name.
    pub name: String,
    /// The type of its values.
    pub type_: Type,
    /// How many rows there are.
    pub rows: u64,
    /// How many have no value, or NaN.
    pub missing: u64,
    /// About how many different values there are, by a sketch; none for vectors.
    pub distinct: Option<u64>,
    /// The mean of numbers, truth values, instants and durations; else missing.
    pub mean: Value,
    /// The standard deviation of numbers and truth values; else missing.
    pub std: Value,
    /// The least value of those that have an order; else missing.
    pub min: Value,
    /// The greatest value of those that have an order; else missing.
    pub max: Value,
}

/// Places of answers.
struct Asked {
    count: usize,
    distinct: Option<usize>,
    mean: Option<usize>,
    std: Option<usize>,
    extremes: Option<usize>,
}

impl Frame {
    /// What each column holds: how many values, about how many different ones, mean, standard deviation and extremes, all in one pass.
    ///
    /// # Errors
    /// Those of virtual columns and of the source.
    pub fn describe(&self) -> ColumnsResult<Vec<ColumnSummary>> {
        self.describe_with(&PassOptions::default())
    }

    /// What each column holds, with options.
    ///
    /// # Errors
    /// Those of [`describe`](Self::describe), and [`Cancelled`](crate::ColumnsError::Cancelled).
    pub fn describe_with(&self, options: &PassOptions) -> ColumnsResult<Vec<ColumnSummary>> {
        let mut wanted = vec![agg::count_rows()];
        let mut ask = |aggregate: Aggregate| {
            wanted.push(aggregate);
            wanted.len() - 1
        };
        let mut columns = Vec::new();
        for info in self.schema()? {
            let type_ = info.type_;
            let expr: Expr = col(info.name.as_str());
            let number = type_.is_number() || type_ == Type::Bool;
            let time = matches!(type_, Type::Instant(..) | Type::Duration(_));
            let asked = Asked {
                count: ask(agg::count(expr.clone())),
                distinct: (number || time || type_ == Type::Text).then(|| ask(agg::approx_nunique(expr.clone()))),
                mean: (number || time).then(|| ask(agg::mean(expr.clone()))),
                std: number.then(|| ask(agg::std(expr.clone(), 0))),
                extremes: type_.is_ordered().then(|| ask(agg::minmax(expr))),
            };
            columns.push((info.name, type_, asked));
        }
        let answers = self.aggregate_with(&wanted, options)?;
        let at = |place: Option<usize>| place.and_then(|place| answers.get(place)).cloned().unwrap_or(Value::Null);
        let number = |value: Value| value.as_i128().and_then(|value| u64::try_from(value).ok());
        let rows = number(at(Some(0))).unwrap_or(0);
        let summary = |(name, type_, asked): (String, Type, Asked)| {
            let counted = match at(Some(asked.count)) {
                // Of vectors, each component is counted.
                Value::List(counts) => counts.into_iter().filter_map(number).min(),
                count => number(count),
            };
            let (min, max) = match at(asked.extremes) {
                Value::List(both) => (both.first().cloned(), both.get(1).cloned()),
                _ => (None, None),
            };
            ColumnSummary {
                name,
                type_,
                rows,
                missing: rows - counted.unwrap_or(rows).min(rows),
                // A sketch may say a little more than there can be.
                distinct: number(at(asked.distinct)).map(|distinct| distinct.min(counted.unwrap_or(rows))),
                mean: at(asked.mean),
                std: at(asked.std),
                min: min.unwrap_or(Value::Null),
                max: max.unwrap_or(Value::Null),
            }
        };
        Ok(columns.into_iter().map(summary).collect())
    }
}
