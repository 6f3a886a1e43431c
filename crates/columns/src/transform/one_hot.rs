//! A column of 0 and 1 for each value.

use serde_json::{Value as Json, json};

use super::categories::{Categories, find, keep_of, members, values_of};
use super::columns::{Output, add, distinct, named};
use super::json::{Members, state};
use super::methods::fitted_methods;
use crate::aggregate::Keep;
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::{col, instant_text};
use crate::frame::Frame;
use crate::pass::PassOptions;
use crate::types::{Int, Type};
use crate::value::Value;

pub(super) const NAME: &str = "one_hot_encoder";

/// What a [`OneHotEncoder`] does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneHotOptions {
    /// Which of missing values and NaN have a column of their own, `x_missing` and `x_nan`, where there are any. By default both have.
    pub keep: Keep,
    /// How many values a column may have. It is an error to have more: each is a column of the frame. By default 1,000.
    pub limit: usize,
    /// What stands before the name of a column in the names of the new ones. By default nothing.
    pub prefix: String,
}

impl Default for OneHotOptions {
    fn default() -> Self {
        Self { keep: Keep::BOTH, limit: 1_000, prefix: String::new() }
    }
}

/// Adds a column for each value of a column, `uint8`, which is 1 in the rows that have the value, else 0. It is called as the column and
/// the value: `color_red`, `hour_7`, `x_1.5`, `flag_True`, `day_2024-02-29`, `x_nan`, `x_missing`.
///
/// A row whose value it was not fitted to is 0 in all of them, and so is a missing value or NaN without a column. None is ever missing.
/// It takes numbers, truth values, texts, instants and durations.
///
/// ```
/// # use std::sync::Arc;
/// # use arrow::array::{ArrayRef, RecordBatch, StringArray};
/// # use datafolio_columns::{Frame, Value, agg, col};
/// use datafolio_columns::transform::{OneHotEncoder, OneHotOptions};
///
/// # let color = Arc::new(StringArray::from(vec!["red", "green", "green", "blue", "red"])) as ArrayRef;
/// # let batch = RecordBatch::try_from_iter([("color", color)])?;
/// # let frame = Frame::from_batches(batch.schema(), vec![batch])?;
/// let encoder = OneHotEncoder::fit(&frame, &["color"], &OneHotOptions::default())?;
/// assert_eq!(encoder.outputs(), ["color_blue", "color_green", "color_red"]);
/// let encoded = encoder.transform(&frame)?;
/// let red = encoded.aggregate(&[agg::list(col("color_red"))])?;
/// assert_eq!(red[0], Value::List([1, 0, 0, 0, 1].map(Value::from).to_vec()));
/// # Ok::<(), datafolio_columns::ColumnsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct OneHotEncoder {
    options: OneHotOptions,
    columns: Vec<Categories>,
}

fitted_methods!(OneHotEncoder, OneHotOptions, Categories);

impl OneHotEncoder {
    /// Fits it to columns, with options of the pass.
    ///
    /// # Errors
    /// Those of [`fit`](Self::fit), and [`Cancelled`](ColumnsError::Cancelled).
    pub fn fit_with<S: AsRef<str>>(
        frame: &Frame,
        columns: &[S],
        options: &OneHotOptions,
        pass: &PassOptions,
    ) -> ColumnsResult<Self> {
        let columns = find(frame, named(columns)?, options.keep, pass)?;
        Self { options: options.clone(), columns }.checked()
    }

    /// Refuses more columns than are allowed.
    fn checked(self) -> ColumnsResult<Self> {
        let limit = self.options.limit;
        match self.columns.iter().find(|column| column.values.len() > limit) {
            None => Ok(self),
            Some(column) => Err(ColumnsError::option(format!(
                "column `{}` has {} values, each of which would be a column, and {limit} are allowed: raise the `limit`, or take a label or a \
                 frequency encoder",
                column.column,
                column.values.len()
            ))),
        }
    }

    /// The names of the columns that it adds: for each column, those of its values in order.
    pub fn outputs(&self) -> Vec<String> {
        let names = |column: &Categories| -> Vec<String> {
            column.values.iter().map(|value| self.name(column, value)).collect()
        };
        self.columns.iter().flat_map(names).collect()
    }

    fn name(&self, column: &Categories, value: &Value) -> String {
        format!("{}{}_{}", self.options.prefix, column.column, suffix(value))
    }

    /// A frame with its columns added. One that there is by such a name is replaced.
    ///
    /// # Errors
    /// [`UnknownColumn`](ColumnsError::UnknownColumn) and [`TypeMismatch`](ColumnsError::TypeMismatch) where the frame lacks a column,
    /// or has it with values of another type, [`InvalidOption`](ColumnsError::InvalidOption) where two new columns would have the
    /// same name, or one that of a column that another is made of.
    pub fn transform(&self, frame: &Frame) -> ColumnsResult<Frame> {
        let mut outputs = Vec::new();
        for column in &self.columns {
            for value in &column.values {
                // Unlike `==`, a list knows NaN and missing values, and is false for other rows without a value.
                let found = col(column.column.clone()).isin([value.clone()]);
                let expr = found.cast(Type::Int(Int::U8));
                outputs.push(Output { input: column.column.clone(), name: self.name(column, value), expr });
            }
        }
        add(frame, outputs)
    }

    /// What was fitted, and the options.
    pub fn to_json(&self) -> Json {
        let mut members = members(&self.columns, &self.options.prefix, self.options.keep);
        members.insert("limit".to_owned(), json!(self.options.limit));
        state(NAME, Json::Object(members))
    }

    /// What [`to_json`](Self::to_json) has written.
    ///
    /// # Errors
    /// [`InvalidOption`](ColumnsError::InvalidOption) where it is no such state.
    pub fn from_json(state: &Json) -> ColumnsResult<Self> {
        let members = Members::of(state, NAME)?;
        let options = OneHotOptions {
            keep: keep_of(members)?,
            limit: members.count("limit")?,
            prefix: members.text("prefix")?.to_owned(),
        };
        let column = |entry: Members<'_>| Ok(Categories { column: entry.column()?, values: values_of(entry)? });
        let columns: Vec<Categories> = members.columns()?.into_iter().map(column).collect::<ColumnsResult<_>>()?;
        distinct(columns.iter().map(|column| &*column.column))?;
        Self { options, columns }.checked()
    }
}

/// A value in the name of a column.
fn suffix(value: &Value) -> String {
    match value {
        Value::Null => "missing".to_owned(),
        Value::Text(text) => text.to_string(),
        Value::Instant(ticks, unit, None) => instant_text(*ticks, *unit).unwrap_or_else(|| value.to_string()),
        other => other.to_string(),
    }
}
