//! The share of the rows that have a value.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::categories::{has_nan, is_float, keep_of, looked_up, none, to_json, values_of};
use super::columns::{distinct, named};
use super::json::{Members, finite, state, wrong};
use super::methods::{fitted_methods, one_for_each};
use crate::aggregate::Keep;
use crate::error::ColumnsResult;
use crate::expr::{Expr, col, lit};
use crate::frame::Frame;
use crate::pass::PassOptions;
use crate::value::Value;

pub(super) const NAME: &str = "frequency_encoder";

/// The share of a value that a [`FrequencyEncoder`] was not fitted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnseenShare {
    /// NaN, as of something unknown.
    #[default]
    Nan,
    /// 0, as of something that there is not.
    Zero,
}

impl UnseenShare {
    fn number(self) -> f64 {
        match self {
            Self::Nan => f64::NAN,
            Self::Zero => 0.0,
        }
    }
}

/// What a [`FrequencyEncoder`] does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrequencyOptions {
    /// Which of missing values and NaN are values with a share of their own. By default both are. Where one is not, its rows are not
    /// counted in the shares of the others, and it stays what it is.
    pub keep: Keep,
    /// The share of a value that it was not fitted to.
    pub unseen: UnseenShare,
    /// What stands before the name of a column in the name of the new one.
    pub prefix: String,
}

impl Default for FrequencyOptions {
    fn default() -> Self {
        Self { keep: Keep::BOTH, unseen: UnseenShare::Nan, prefix: "frequency_encoded_".to_owned() }
    }
}

/// The values that a [`FrequencyEncoder`] was fitted to in a column.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Frequencies {
    /// The column.
    pub column: Arc<str>,
    /// The values, which rise, NaN behind all numbers and a missing value last, each with the share of the rows that have it: above 0
    /// and up to 1.
    pub values: Vec<(Value, f64)>,
}

/// Gives each row the share of the rows that have the same value: a number from 0 to 1, of those that it was fitted to.
///
/// It takes numbers, truth values, texts, instants and durations, and as many of them as the memory of a pass holds.
///
/// ```
/// # use std::sync::Arc;
/// # use arrow::array::{ArrayRef, RecordBatch, StringArray};
/// # use datafolio_columns::{Frame, Value, agg, col};
/// use datafolio_columns::transform::{FrequencyEncoder, FrequencyOptions};
///
/// # let color = Arc::new(StringArray::from(vec!["red", "green", "green", "blue"])) as ArrayRef;
/// # let batch = RecordBatch::try_from_iter([("color", color)])?;
/// # let frame = Frame::from_batches(batch.schema(), vec![batch])?;
/// let encoded = FrequencyEncoder::fit(&frame, &["color"], &FrequencyOptions::default())?.transform(&frame)?;
/// let shares = encoded.aggregate(&[agg::list(col("frequency_encoded_color"))])?;
/// assert_eq!(shares[0], Value::List([0.25, 0.5, 0.5, 0.25].map(Value::from).to_vec()));
/// # Ok::<(), datafolio_columns::ColumnsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct FrequencyEncoder {
    options: FrequencyOptions,
    columns: Vec<Frequencies>,
}

fitted_methods!(FrequencyEncoder, FrequencyOptions, Frequencies);
one_for_each!(FrequencyEncoder, Frequencies);

impl FrequencyEncoder {
    /// Fits it to columns, with options of the pass.
    ///
    /// # Errors
    /// Those of [`fit`](Self::fit), and [`Cancelled`](crate::ColumnsError::Cancelled).
    pub fn fit_with<S: AsRef<str>>(
        frame: &Frame,
        columns: &[S],
        options: &FrequencyOptions,
        pass: &PassOptions,
    ) -> ColumnsResult<Self> {
        let names = named(columns)?;
        let exprs: Vec<Expr> = names.iter().map(|name| col(name.clone())).collect();
        let counted = frame.counted("a frequency encoder", &exprs, options.keep, pass)?;
        let fit = |(column, counts): (Arc<str>, Vec<(Value, u64)>)| {
            let rows: u64 = counts.iter().map(|(_, count)| count).sum();
            if rows == 0 {
                return Err(none(&column));
            }
            let share = |(value, count): (Value, u64)| (value, count as f64 / rows as f64);
            Ok(Frequencies { column, values: counts.into_iter().map(share).collect() })
        };
        let columns = names.into_iter().zip(counted).map(fit).collect::<ColumnsResult<_>>()?;
        Ok(Self { options: options.clone(), columns })
    }

    fn expr(&self, frame: &Frame, column: &Frequencies) -> ColumnsResult<Expr> {
        let unseen = self.options.unseen.number();
        let mut pairs: Vec<(Expr, Expr)> =
            column.values.iter().map(|(value, share)| (lit(value.clone()), lit(*share))).collect();
        let known = |wanted: fn(&Value) -> bool| column.values.iter().any(|(value, _)| wanted(value));
        // A kind of value that counts is unseen where there was none of it.
        if self.options.keep.missing && !known(Value::is_null) {
            pairs.push((lit(Value::Null), lit(unseen)));
        }
        if !self.options.keep.nan
            && !known(|value| has_nan(std::slice::from_ref(value)))
            && is_float(frame, &column.column)?
        {
            pairs.push((lit(f64::NAN), lit(f64::NAN)));
        }
        Ok(looked_up(&column.column, pairs, [("default_value", lit(unseen))]))
    }

    /// What was fitted, and the options.
    pub fn to_json(&self) -> Json {
        let column = |column: &Frequencies| {
            let (values, shares): (Vec<Json>, Vec<f64>) =
                column.values.iter().map(|(value, share)| (to_json(value), *share)).unzip();
            json!({"column": &*column.column, "values": values, "shares": shares})
        };
        state(
            NAME,
            json!({
                "prefix": self.options.prefix,
                "keep_missing": self.options.keep.missing,
                "keep_nan": self.options.keep.nan,
                "unseen": match self.options.unseen {
                    UnseenShare::Nan => "nan",
                    UnseenShare::Zero => "zero",
                },
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
        let unseen = match members.text("unseen")? {
            "nan" => UnseenShare::Nan,
            "zero" => UnseenShare::Zero,
            _ => return Err(wrong("its `unseen` is neither \"nan\" nor \"zero\"")),
        };
        let options = FrequencyOptions { keep: keep_of(members)?, unseen, prefix: members.text("prefix")?.to_owned() };
        let columns: Vec<Frequencies> =
            members.columns()?.into_iter().map(frequencies_of).collect::<ColumnsResult<_>>()?;
        distinct(columns.iter().map(|column| &*column.column))?;
        Ok(Self { options, columns })
    }
}

fn frequencies_of(entry: Members<'_>) -> ColumnsResult<Frequencies> {
    let values = values_of(entry)?;
    let share = |share: &Json| {
        finite(share)
            .filter(|share| (0.0..=1.0).contains(share))
            .ok_or_else(|| wrong("among its `shares` is something else than a number from 0 to 1"))
    };
    let shares = entry.list("shares")?.iter().map(share).collect::<ColumnsResult<Vec<_>>>()?;
    if values.len() != shares.len() {
        return Err(wrong(format!("a column has {} `values` and {} `shares`", values.len(), shares.len())));
    }
    Ok(Frequencies { column: entry.column()?, values: values.into_iter().zip(shares).collect() })
}
