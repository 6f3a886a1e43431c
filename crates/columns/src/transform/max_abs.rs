//! At most 1 from 0.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::columns::{distinct, named};
use super::json::{Members, state};
use super::methods::{fitted_methods, one_for_each};
use super::scale::{Scale, asked, divisor, ends};
use crate::aggregate::agg;
use crate::error::ColumnsResult;
use crate::expr::Expr;
use crate::frame::Frame;
use crate::pass::PassOptions;
use crate::value::Value;

pub(super) const NAME: &str = "max_abs_scaler";

/// What a [`MaxAbsScaler`] does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaxAbsOptions {
    /// What stands before the name of a column in the name of the new one.
    pub prefix: String,
}

impl Default for MaxAbsOptions {
    fn default() -> Self {
        Self { prefix: "absmax_scaled_".to_owned() }
    }
}

/// Divides each column by the greatest absolute value in it, so that it lies between -1 and 1 and zeros stay zeros.
///
/// Missing values and NaN have no part in the fit, and stay what they are; so does a column of zeros. Truth values are taken as 0
/// and 1. In [`columns`](Self::columns), `scale` is the greatest absolute value and `offset` is 0.
///
/// ```
/// # use std::sync::Arc;
/// # use arrow::array::{ArrayRef, Float64Array, RecordBatch};
/// # use datafolio_columns::{Frame, agg, col};
/// use datafolio_columns::transform::{MaxAbsOptions, MaxAbsScaler};
///
/// # let y = Arc::new(Float64Array::from(vec![-20.0, 3.0, 0.0, 10.0])) as ArrayRef;
/// # let batch = RecordBatch::try_from_iter([("y", y)])?;
/// # let frame = Frame::from_batches(batch.schema(), vec![batch])?;
/// let scaled = MaxAbsScaler::fit(&frame, &["y"], &MaxAbsOptions::default())?.transform(&frame)?;
/// let ends = scaled.aggregate(&[agg::min(col("absmax_scaled_y")), agg::max(col("absmax_scaled_y"))])?;
/// assert_eq!(ends, [(-1.0).into(), 0.5.into()]);
/// # Ok::<(), datafolio_columns::ColumnsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct MaxAbsScaler {
    options: MaxAbsOptions,
    /// `scale` is the greatest absolute value.
    columns: Vec<Scale>,
}

fitted_methods!(MaxAbsScaler, MaxAbsOptions, Scale);
one_for_each!(MaxAbsScaler, Scale);

impl MaxAbsScaler {
    /// Fits it to columns, with options of the pass.
    ///
    /// # Errors
    /// Those of [`fit`](Self::fit), and [`Cancelled`](crate::ColumnsError::Cancelled).
    pub fn fit_with<S: AsRef<str>>(
        frame: &Frame,
        columns: &[S],
        options: &MaxAbsOptions,
        pass: &PassOptions,
    ) -> ColumnsResult<Self> {
        let names = named(columns)?;
        let answers = asked(frame, &names, pass, |x| vec![agg::minmax(x)])?;
        let fit = |(column, answers): (Arc<str>, Vec<Value>)| {
            // Of the ends, not of `abs(x)`: the least whole number of a type has no absolute value in it.
            let (low, high) = ends(&column, answers.first())?;
            Ok(Scale { column, offset: 0.0, scale: divisor(low.abs().max(high.abs())) })
        };
        let columns = names.into_iter().zip(answers).map(fit).collect::<ColumnsResult<_>>()?;
        Ok(Self { options: options.clone(), columns })
    }

    fn expr(&self, frame: &Frame, column: &Scale) -> ColumnsResult<Expr> {
        column.expr(frame, false, true)
    }

    /// What was fitted, and the options.
    pub fn to_json(&self) -> Json {
        let column = |scale: &Scale| json!({"column": &*scale.column, "scale": scale.scale});
        let columns: Vec<Json> = self.columns.iter().map(column).collect();
        state(NAME, json!({"prefix": self.options.prefix, "columns": columns}))
    }

    /// What [`to_json`](Self::to_json) has written.
    ///
    /// # Errors
    /// [`InvalidOption`](crate::ColumnsError::InvalidOption) where it is no such state.
    pub fn from_json(state: &Json) -> ColumnsResult<Self> {
        let members = Members::of(state, NAME)?;
        let options = MaxAbsOptions { prefix: members.text("prefix")?.to_owned() };
        let column =
            |entry: Members<'_>| Ok(Scale { column: entry.column()?, offset: 0.0, scale: entry.divisor("scale")? });
        let columns: Vec<Scale> = members.columns()?.into_iter().map(column).collect::<ColumnsResult<_>>()?;
        distinct(columns.iter().map(|scale| &*scale.column))?;
        Ok(Self { options, columns })
    }
}
