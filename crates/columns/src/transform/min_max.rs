//! Between two limits.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::columns::{distinct, named};
use super::json::{Members, state};
use super::methods::{fitted_methods, one_for_each};
use super::scale::{Scale, asked, divisor, ends};
use crate::aggregate::agg;
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::Expr;
use crate::frame::Frame;
use crate::pass::PassOptions;
use crate::value::Value;

pub(super) const NAME: &str = "minmax_scaler";

/// What a [`MinMaxScaler`] does.
#[derive(Debug, Clone, PartialEq)]
pub struct MinMaxOptions {
    /// What the least and the greatest value become, the lower one first. By default 0 and 1.
    pub feature_range: (f64, f64),
    /// Whether values beyond those that it was fitted to become the nearer limit. By default they lie beyond it.
    pub clip: bool,
    /// What stands before the name of a column in the name of the new one.
    pub prefix: String,
}

impl Default for MinMaxOptions {
    fn default() -> Self {
        Self { feature_range: (0.0, 1.0), clip: false, prefix: "minmax_scaled_".to_owned() }
    }
}

impl MinMaxOptions {
    fn checked(self) -> ColumnsResult<Self> {
        let (low, high) = self.feature_range;
        // Their distance is what values are multiplied by.
        if low < high && (high - low).is_finite() {
            return Ok(self);
        }
        Err(ColumnsError::option(format!(
            "the feature_range of a scaler is a finite number and a greater one, and {low} and {high} are not"
        )))
    }
}

/// Puts the values of each column between two limits, 0 and 1 by default: the least one on the lower, the greatest on the upper limit.
///
/// Missing values and NaN have no part in the fit, and stay what they are. A column of one value becomes the lower limit. Truth
/// values are taken as 0 and 1. In [`columns`](Self::columns), `offset` is the minimum and `scale` the range.
///
/// ```
/// # use std::sync::Arc;
/// # use arrow::array::{ArrayRef, Float64Array, RecordBatch};
/// # use datafolio_columns::{Frame, agg, col};
/// use datafolio_columns::transform::{MinMaxOptions, MinMaxScaler};
///
/// # let x = Arc::new(Float64Array::from(vec![2.0, 5.0, 7.0, 2.0, 15.0])) as ArrayRef;
/// # let batch = RecordBatch::try_from_iter([("x", x)])?;
/// # let frame = Frame::from_batches(batch.schema(), vec![batch])?;
/// let options = MinMaxOptions { feature_range: (-1.0, 1.0), ..MinMaxOptions::default() };
/// let scaled = MinMaxScaler::fit(&frame, &["x"], &options)?.transform(&frame)?;
/// let ends = scaled.aggregate(&[agg::min(col("minmax_scaled_x")), agg::max(col("minmax_scaled_x"))])?;
/// assert_eq!(ends, [(-1.0).into(), 1.0.into()]);
/// # Ok::<(), datafolio_columns::ColumnsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct MinMaxScaler {
    options: MinMaxOptions,
    /// `offset` is the minimum, `scale` the range.
    columns: Vec<Scale>,
}

fitted_methods!(MinMaxScaler, MinMaxOptions, Scale);
one_for_each!(MinMaxScaler, Scale);

impl MinMaxScaler {
    /// Fits it to columns, with options of the pass.
    ///
    /// # Errors
    /// Those of [`fit`](Self::fit), and [`Cancelled`](crate::ColumnsError::Cancelled).
    pub fn fit_with<S: AsRef<str>>(
        frame: &Frame,
        columns: &[S],
        options: &MinMaxOptions,
        pass: &PassOptions,
    ) -> ColumnsResult<Self> {
        let options = options.clone().checked()?;
        let names = named(columns)?;
        let answers = asked(frame, &names, pass, |x| vec![agg::minmax(x)])?;
        let fit = |(column, answers): (Arc<str>, Vec<Value>)| {
            let (low, high) = ends(&column, answers.first())?;
            let range = high - low;
            if !range.is_finite() {
                return Err(ColumnsError::option(format!(
                    "no scaler can be fitted to column `{column}`: from {low} to {high} is too far for float64"
                )));
            }
            Ok(Scale { column, offset: low, scale: divisor(range) })
        };
        let columns = names.into_iter().zip(answers).map(fit).collect::<ColumnsResult<_>>()?;
        Ok(Self { options, columns })
    }

    fn expr(&self, frame: &Frame, column: &Scale) -> ColumnsResult<Expr> {
        // scikit-learn multiplies by one number and adds another, which takes one operation less and loses digits where the values lie
        // far from 0: here the least value becomes the lower limit exactly.
        let mut expr = column.expr(frame, true, true)?;
        let (low, high) = self.options.feature_range;
        if (low, high) != (0.0, 1.0) {
            expr = expr * (high - low) + low;
        }
        Ok(if self.options.clip { expr.clip(low, high) } else { expr })
    }

    /// What was fitted, and the options.
    pub fn to_json(&self) -> Json {
        let column = |scale: &Scale| json!({"column": &*scale.column, "min": scale.offset, "range": scale.scale});
        let (low, high) = self.options.feature_range;
        state(
            NAME,
            json!({
                "prefix": self.options.prefix,
                "feature_range": [low, high],
                "clip": self.options.clip,
                "columns": self.columns.iter().map(column).collect::<Vec<_>>(),
            }),
        )
    }

    /// What [`to_json`](Self::to_json) has written.
    ///
    /// # Errors
    /// [`InvalidOption`](crate::ColumnsError::InvalidOption) where it is no such state.
    pub fn from_json(state: &Json) -> ColumnsResult<Self> {
        let members = Members::of(state, NAME)?;
        let options = MinMaxOptions {
            feature_range: members.pair("feature_range")?,
            clip: members.flag("clip")?,
            prefix: members.text("prefix")?.to_owned(),
        };
        let column = |entry: Members<'_>| {
            Ok(Scale { column: entry.column()?, offset: entry.number("min")?, scale: entry.divisor("range")? })
        };
        let columns: Vec<Scale> = members.columns()?.into_iter().map(column).collect::<ColumnsResult<_>>()?;
        distinct(columns.iter().map(|scale| &*scale.column))?;
        Ok(Self { options: options.checked()?, columns })
    }
}
