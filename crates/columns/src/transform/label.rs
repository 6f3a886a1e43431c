//! A whole number for each value.

use serde_json::{Value as Json, json};

use super::categories::{Categories, find, has_nan, is_float, keep_of, looked_up, members, values_of};
use super::columns::{distinct, named};
use super::json::{Members, state, wrong};
use super::methods::{fitted_methods, one_for_each};
use crate::aggregate::Keep;
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::{Expr, lit};
use crate::frame::Frame;
use crate::pass::PassOptions;
use crate::value::Value;

pub(super) const NAME: &str = "label_encoder";

/// What a value that a [`LabelEncoder`] was not fitted to becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unseen {
    /// Nothing: a question that uses such a row is an error.
    #[default]
    Error,
    /// A missing value.
    Missing,
    /// A label that none of the values has, such as -1, which is Vaex's.
    Label(i64),
}

/// What a [`LabelEncoder`] does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelOptions {
    /// Which of missing values and NaN have a label of their own. By default neither has. Where one has none, it is missing in the new
    /// column, whatever is said of values that are unseen.
    pub keep: Keep,
    /// What a value becomes that it was not fitted to.
    pub unseen: Unseen,
    /// What stands before the name of a column in the name of the new one.
    pub prefix: String,
}

impl Default for LabelOptions {
    fn default() -> Self {
        Self { keep: Keep::NEITHER, unseen: Unseen::Error, prefix: "label_encoded_".to_owned() }
    }
}

/// Gives each value of a column a whole number from 0 on, in the order of the values: numbers rise, texts are in the order of their
/// code points, NaN comes behind all numbers and a missing value last.
///
/// It takes numbers, truth values, texts, instants and durations, and as many of them as the memory of a pass holds.
///
/// ```
/// # use std::sync::Arc;
/// # use arrow::array::{ArrayRef, RecordBatch, StringArray};
/// # use datafolio_columns::{Frame, Value, agg, col};
/// use datafolio_columns::transform::{LabelEncoder, LabelOptions, Unseen};
///
/// # let color = Arc::new(StringArray::from(vec!["red", "green", "green", "blue", "red"])) as ArrayRef;
/// # let batch = RecordBatch::try_from_iter([("color", color)])?;
/// # let frame = Frame::from_batches(batch.schema(), vec![batch])?;
/// let options = LabelOptions { unseen: Unseen::Label(-1), ..LabelOptions::default() };
/// let encoder = LabelEncoder::fit(&frame, &["color"], &options)?;
/// assert_eq!(encoder.columns()[0].values, ["blue".into(), "green".into(), "red".into()]);
/// let encoded = encoder.transform(&frame)?;
/// let labels = encoded.aggregate(&[agg::list(col("label_encoded_color"))])?;
/// assert_eq!(labels[0], Value::List([2, 1, 1, 0, 2].map(Value::from).to_vec()));
/// # Ok::<(), datafolio_columns::ColumnsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct LabelEncoder {
    options: LabelOptions,
    /// The label of a value is its place.
    columns: Vec<Categories>,
}

fitted_methods!(LabelEncoder, LabelOptions, Categories);
one_for_each!(LabelEncoder, Categories);

impl LabelEncoder {
    /// Fits it to columns, with options of the pass.
    ///
    /// # Errors
    /// Those of [`fit`](Self::fit), and [`Cancelled`](ColumnsError::Cancelled).
    pub fn fit_with<S: AsRef<str>>(
        frame: &Frame,
        columns: &[S],
        options: &LabelOptions,
        pass: &PassOptions,
    ) -> ColumnsResult<Self> {
        let columns = find(frame, named(columns)?, options.keep, pass)?;
        Self { options: options.clone(), columns }.checked()
    }

    /// Refuses a label for unseen values that could not be told from that of a value.
    fn checked(self) -> ColumnsResult<Self> {
        let Unseen::Label(label) = self.options.unseen else { return Ok(self) };
        let taken = |column: &&Categories| usize::try_from(label).is_ok_and(|label| label < column.values.len());
        match self.columns.iter().find(taken) {
            None => Ok(self),
            Some(column) => Err(ColumnsError::option(format!(
                "unseen values cannot have the label {label}, which a value of column `{}` has; -1 is free",
                column.column
            ))),
        }
    }

    fn expr(&self, frame: &Frame, column: &Categories) -> ColumnsResult<Expr> {
        let labels = (0_i64..).map(lit);
        let mut pairs: Vec<(Expr, Expr)> = column.values.iter().cloned().map(lit).zip(labels).collect();
        // NaN would be taken as an unseen value.
        if !has_nan(&column.values) && is_float(frame, &column.column)? {
            pairs.push((lit(f64::NAN), lit(Value::Null)));
        }
        let unseen = match self.options.unseen {
            Unseen::Error => None,
            Unseen::Missing => Some(("allow_missing", lit(true))),
            Unseen::Label(label) => Some(("default_value", lit(label))),
        };
        Ok(looked_up(&column.column, pairs, unseen))
    }

    /// What was fitted, and the options.
    pub fn to_json(&self) -> Json {
        let unseen = match self.options.unseen {
            Unseen::Error => json!("error"),
            Unseen::Missing => json!("missing"),
            Unseen::Label(label) => json!(label),
        };
        let mut members = members(&self.columns, &self.options.prefix, self.options.keep);
        members.insert("unseen".to_owned(), unseen);
        state(NAME, Json::Object(members))
    }

    /// What [`to_json`](Self::to_json) has written.
    ///
    /// # Errors
    /// [`InvalidOption`](ColumnsError::InvalidOption) where it is no such state.
    pub fn from_json(state: &Json) -> ColumnsResult<Self> {
        let members = Members::of(state, NAME)?;
        let unseen = match state.get("unseen") {
            Some(Json::String(word)) if word == "error" => Unseen::Error,
            Some(Json::String(word)) if word == "missing" => Unseen::Missing,
            Some(Json::Number(_)) => Unseen::Label(members.whole("unseen")?),
            _ => return Err(wrong("its `unseen` is none of \"error\", \"missing\" and a whole number")),
        };
        let options = LabelOptions { keep: keep_of(members)?, unseen, prefix: members.text("prefix")?.to_owned() };
        let column = |entry: Members<'_>| Ok(Categories { column: entry.column()?, values: values_of(entry)? });
        let columns: Vec<Categories> = members.columns()?.into_iter().map(column).collect::<ColumnsResult<_>>()?;
        distinct(columns.iter().map(|column| &*column.column))?;
        Self { options, columns }.checked()
    }
}
