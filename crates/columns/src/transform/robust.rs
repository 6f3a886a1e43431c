//! Median 0 and a distance of 1 between two quantiles.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::columns::{distinct, named};
use super::json::{Members, state};
use super::methods::{fitted_methods, one_for_each};
use super::scale::{Scale, asked, divisor, fitted};
use crate::aggregate::agg;
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::Expr;
use crate::frame::Frame;
use crate::pass::PassOptions;
use crate::value::Value;

pub(super) const NAME: &str = "robust_scaler";

/// What a [`RobustScaler`] does.
#[derive(Debug, Clone, PartialEq)]
pub struct RobustOptions {
    /// Whether the median is taken off. It is by default.
    pub with_centering: bool,
    /// Whether values are divided by the distance between the two quantiles. They are by default.
    pub with_scaling: bool,
    /// The two quantiles, in percent, the lower one first. By default 25 and 75.
    pub quantile_range: (f64, f64),
    /// What stands before the name of a column in the name of the new one.
    pub prefix: String,
}

impl Default for RobustOptions {
    fn default() -> Self {
        Self {
            with_centering: true,
            with_scaling: true,
            quantile_range: (25.0, 75.0),
            prefix: "robust_scaled_".to_owned(),
        }
    }
}

impl RobustOptions {
    fn checked(self) -> ColumnsResult<Self> {
        let (low, high) = self.quantile_range;
        if 0.0 <= low && low < high && high <= 100.0 {
            return Ok(self);
        }
        Err(ColumnsError::option(format!(
            "the quantile_range of a scaler is a number of percent and a greater one, from 0 to 100, and {low} and {high} are not"
        )))
    }
}

/// Takes the median off each column and divides by the distance between two quantiles, so that a few values far off change little.
///
/// Quantiles are exact, with linear interpolation between two values. They take a few passes instead of one; those are the same for
/// all columns.
///
/// Missing values and NaN have no part in the fit, and stay what they are. Where both quantiles are the same, values are not divided.
/// Truth values are taken as 0 and 1. In [`columns`](Self::columns), `offset` is the median and `scale` the distance.
///
/// ```
/// # use std::sync::Arc;
/// # use arrow::array::{ArrayRef, Float64Array, RecordBatch};
/// # use datafolio_columns::{Frame, agg, col};
/// use datafolio_columns::transform::{RobustOptions, RobustScaler};
///
/// # let x = Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0, 4.0, 1e9])) as ArrayRef;
/// # let batch = RecordBatch::try_from_iter([("x", x)])?;
/// # let frame = Frame::from_batches(batch.schema(), vec![batch])?;
/// let scaler = RobustScaler::fit(&frame, &["x"], &RobustOptions::default())?;
/// assert_eq!((scaler.columns()[0].offset, scaler.columns()[0].scale), (3.0, 2.0));
/// let scaled = scaler.transform(&frame)?;
/// assert_eq!(scaled.aggregate(&[agg::min(col("robust_scaled_x"))])?, [(-1.0).into()]);
/// # Ok::<(), datafolio_columns::ColumnsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct RobustScaler {
    options: RobustOptions,
    /// `offset` is the median, `scale` the distance between the quantiles.
    columns: Vec<Scale>,
}

fitted_methods!(RobustScaler, RobustOptions, Scale);
one_for_each!(RobustScaler, Scale);

impl RobustScaler {
    /// Fits it to columns, with options of the passes.
    ///
    /// # Errors
    /// Those of [`fit`](Self::fit), and [`Cancelled`](crate::ColumnsError::Cancelled).
    pub fn fit_with<S: AsRef<str>>(
        frame: &Frame,
        columns: &[S],
        options: &RobustOptions,
        pass: &PassOptions,
    ) -> ColumnsResult<Self> {
        let options = options.clone().checked()?;
        let names = named(columns)?;
        let (low, high) = options.quantile_range;
        let shares = [low / 100.0, 0.5, high / 100.0];
        let answers = asked(frame, &names, pass, |x| vec![agg::quantiles(x, &shares)])?;
        let fit = |(column, answers): (Arc<str>, Vec<Value>)| {
            let quantiles = match answers.first() {
                Some(Value::List(quantiles)) => quantiles.as_slice(),
                _ => &[],
            };
            let low = fitted(&column, "lower quantile", quantiles.first())?;
            let median = fitted(&column, "median", quantiles.get(1))?;
            let high = fitted(&column, "upper quantile", quantiles.get(2))?;
            let distance = fitted(&column, "distance between quantiles", Some(&Value::Float(high - low)))?;
            Ok(Scale { column, offset: median, scale: divisor(distance) })
        };
        let columns = names.into_iter().zip(answers).map(fit).collect::<ColumnsResult<_>>()?;
        Ok(Self { options, columns })
    }

    fn expr(&self, frame: &Frame, column: &Scale) -> ColumnsResult<Expr> {
        column.expr(frame, self.options.with_centering, self.options.with_scaling)
    }

    /// What was fitted, and the options.
    pub fn to_json(&self) -> Json {
        let column = |scale: &Scale| json!({"column": &*scale.column, "center": scale.offset, "scale": scale.scale});
        let (low, high) = self.options.quantile_range;
        state(
            NAME,
            json!({
                "prefix": self.options.prefix,
                "with_centering": self.options.with_centering,
                "with_scaling": self.options.with_scaling,
                "quantile_range": [low, high],
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
        let options = RobustOptions {
            with_centering: members.flag("with_centering")?,
            with_scaling: members.flag("with_scaling")?,
            quantile_range: members.pair("quantile_range")?,
            prefix: members.text("prefix")?.to_owned(),
        };
        let column = |entry: Members<'_>| {
            Ok(Scale { column: entry.column()?, offset: entry.number("center")?, scale: entry.divisor("scale")? })
        };
        let columns: Vec<Scale> = members.columns()?.into_iter().map(column).collect::<ColumnsResult<_>>()?;
        distinct(columns.iter().map(|scale| &*scale.column))?;
        Ok(Self { options: options.checked()?, columns })
    }
}
