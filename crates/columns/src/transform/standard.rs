//! Mean 0 and standard deviation 1.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::columns::{distinct, named};
use super::json::{Members, state};
use super::methods::{fitted_methods, one_for_each};
use super::scale::{Scale, asked, divisor, ends, fitted};
use crate::aggregate::agg;
use crate::error::ColumnsResult;
use crate::expr::Expr;
use crate::frame::Frame;
use crate::pass::PassOptions;
use crate::value::Value;

pub(super) const NAME: &str = "standard_scaler";

/// What a [`StandardScaler`] does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandardOptions {
    /// Whether the mean is taken off. It is by default.
    pub with_mean: bool,
    /// Whether values are divided by the standard deviation. They are by default.
    pub with_std: bool,
    /// What stands before the name of a column in the name of the new one.
    pub prefix: String,
}

impl Default for StandardOptions {
    fn default() -> Self {
        Self { with_mean: true, with_std: true, prefix: "standard_scaled_".to_owned() }
    }
}

/// Takes the mean off each column and divides by its standard deviation, that of a whole population (`ddof=0`): the result counts in
/// standard deviations.
///
/// Missing values and NaN have no part in the fit, and stay what they are. A column of one value becomes 0. Truth values are taken
/// as 0 and 1. In [`columns`](Self::columns), `offset` is the mean and `scale` the standard deviation.
///
/// ```
/// # use std::sync::Arc;
/// # use arrow::array::{ArrayRef, Float64Array, RecordBatch};
/// # use datafolio_columns::{Frame, agg, col};
/// use datafolio_columns::transform::{StandardOptions, StandardScaler};
///
/// # let x = Arc::new(Float64Array::from(vec![2.0, 5.0, 7.0, 2.0, 15.0])) as ArrayRef;
/// # let batch = RecordBatch::try_from_iter([("x", x)])?;
/// # let frame = Frame::from_batches(batch.schema(), vec![batch])?;
/// let scaler = StandardScaler::fit(&frame, &["x"], &StandardOptions::default())?;
/// assert_eq!(scaler.columns()[0].offset, 6.2);
/// let scaled = scaler.transform(&frame)?;
/// let std = scaled.aggregate(&[agg::std(col("standard_scaled_x"), 0)])?[0].as_f64();
/// assert!(std.is_some_and(|std| (std - 1.0).abs() < 1e-12));
/// # Ok::<(), datafolio_columns::ColumnsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct StandardScaler {
    options: StandardOptions,
    /// `offset` is the mean, `scale` the standard deviation.
    columns: Vec<Scale>,
}

fitted_methods!(StandardScaler, StandardOptions, Scale);
one_for_each!(StandardScaler, Scale);

impl StandardScaler {
    /// Fits it to columns, with options of the pass.
    ///
    /// # Errors
    /// Those of [`fit`](Self::fit), and [`Cancelled`](crate::ColumnsError::Cancelled).
    pub fn fit_with<S: AsRef<str>>(
        frame: &Frame,
        columns: &[S],
        options: &StandardOptions,
        pass: &PassOptions,
    ) -> ColumnsResult<Self> {
        let names = named(columns)?;
        let answers =
            asked(frame, &names, pass, |x| vec![agg::mean(x.clone()), agg::var(x.clone(), 0), agg::minmax(x)])?;
        let fit = |(column, answers): (Arc<str>, Vec<Value>)| {
            let offset = fitted(&column, "mean", answers.first())?;
            let variance = fitted(&column, "variance", answers.get(1))?;
            let (low, high) = ends(&column, answers.get(2))?;
            // The mean of equal values is rounded, so that their variance need not be 0, and scikit-learn guesses by a bound that grows with
            // the rows. That they are equal is known by their ends, which cost nothing in the same pass.
            if low == high {
                return Ok(Scale { column, offset: low, scale: 1.0 });
            }
            let scale = divisor(variance.sqrt());
            Ok(Scale { column, offset, scale })
        };
        let columns = names.into_iter().zip(answers).map(fit).collect::<ColumnsResult<_>>()?;
        Ok(Self { options: options.clone(), columns })
    }

    fn expr(&self, frame: &Frame, column: &Scale) -> ColumnsResult<Expr> {
        column.expr(frame, self.options.with_mean, self.options.with_std)
    }

    /// What was fitted, and the options.
    pub fn to_json(&self) -> Json {
        let column = |scale: &Scale| json!({"column": &*scale.column, "mean": scale.offset, "scale": scale.scale});
        state(
            NAME,
            json!({
                "prefix": self.options.prefix,
                "with_mean": self.options.with_mean,
                "with_std": self.options.with_std,
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
        let options = StandardOptions {
            with_mean: members.flag("with_mean")?,
            with_std: members.flag("with_std")?,
            prefix: members.text("prefix")?.to_owned(),
        };
        let column = |entry: Members<'_>| {
            Ok(Scale { column: entry.column()?, offset: entry.number("mean")?, scale: entry.divisor("scale")? })
        };
        let columns: Vec<Scale> = members.columns()?.into_iter().map(column).collect::<ColumnsResult<_>>()?;
        distinct(columns.iter().map(|scale| &*scale.column))?;
        Ok(Self { options, columns })
    }
}
