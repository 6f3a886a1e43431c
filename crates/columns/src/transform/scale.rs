//! Columns that are moved and scaled: what all scalers have in common.

use std::sync::Arc;

use super::columns::number;
use crate::aggregate::Aggregate;
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::Expr;
use crate::frame::Frame;
use crate::pass::PassOptions;
use crate::value::Value;

/// The numbers that a scaler was fitted with to a column, both in the unit of the column.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Scale {
    /// The column.
    pub column: Arc<str>,
    /// What is taken off each value: a mean, a minimum or a median, or 0.
    pub offset: f64,
    /// What each value is divided by then: a standard deviation, a range, a greatest absolute value. Always above 0: of a column of one
    /// value it is 1.
    pub scale: f64,
}

impl Scale {
    /// The column, moved and scaled. A `float32` column stays one; other numbers become `float64`.
    pub(super) fn expr(&self, frame: &Frame, offset: bool, scale: bool) -> ColumnsResult<Expr> {
        let mut expr = number(frame, &self.column)?;
        if offset {
            expr = expr - self.offset;
        }
        if scale {
            expr = expr / self.scale;
        }
        Ok(expr)
    }
}

/// A divisor that is none becomes 1, as scikit-learn has it: then a column of one value becomes one of zeros. Only 0 itself does, though:
/// scikit-learn takes whatever lies below some 2e-15 for rounding, and would leave a column of picofarads in farad as it is.
pub(super) fn divisor(scale: f64) -> f64 {
    if scale == 0.0 { 1.0 } else { scale }
}

/// Asks the same of each column, all in the same passes: the answers to each.
pub(super) fn asked(
    frame: &Frame,
    columns: &[Arc<str>],
    options: &PassOptions,
    question: impl Fn(Expr) -> Vec<Aggregate>,
) -> ColumnsResult<Vec<Vec<Value>>> {
    let mut wanted = Vec::new();
    let mut lengths = Vec::with_capacity(columns.len());
    for name in columns {
        let of_column = question(number(frame, name)?);
        lengths.push(of_column.len());
        wanted.extend(of_column);
    }
    let mut answers = frame.aggregate_with(&wanted, options)?.into_iter();
    Ok(lengths.into_iter().map(|length| answers.by_ref().take(length).collect()).collect())
}

/// A number that was asked of a column.
pub(super) fn fitted(column: &str, what: &str, answer: Option<&Value>) -> ColumnsResult<f64> {
    match answer.and_then(Value::as_f64) {
        Some(number) if number.is_finite() => Ok(number),
        Some(number) if !number.is_nan() => Err(ColumnsError::option(format!(
            "no scaler can be fitted to column `{column}`, whose {what} is {number}: leave out infinite and far too large values by a \
             filter"
        ))),
        // Both come of no values; infinite ones of either sign make NaN, too.
        _ => Err(ColumnsError::option(format!(
            "no scaler can be fitted to column `{column}`, which has no {what}: all of its values are missing or NaN, or some are infinite"
        ))),
    }
}

/// The two ends that a column was asked for by `minmax`.
pub(super) fn ends(column: &str, answer: Option<&Value>) -> ColumnsResult<(f64, f64)> {
    let both = match answer {
        Some(Value::List(both)) => both.as_slice(),
        _ => &[],
    };
    Ok((fitted(column, "minimum", both.first())?, fitted(column, "maximum", both.get(1))?))
}
