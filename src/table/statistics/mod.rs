//! What the columns of a table hold, by one pass over its rows.

mod column;
mod counts;
mod moments;
mod pass;
mod ranks;
mod text;

use datafolio_storage::Verification;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Condition, TableOptions};
use crate::bundle::DataFolio;
use crate::error::{Error, Result};

/// Which statistics of a table are wanted; by default those of all columns, with the quartiles and the five most frequent
/// values of each.
///
/// ```
/// use datafolio::StatisticsOptions;
///
/// let options = StatisticsOptions::new().columns(["delay"]).filter("delay > 0").quantiles([0.5, 0.99]).top(10);
/// assert_eq!(options.top, 10);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StatisticsOptions {
    /// Of these columns, in this order; `None` for all.
    pub columns: Option<Vec<String>>,
    /// Of the rows for which this SQL condition holds.
    pub filter: Option<Condition>,
    /// Of this version of the item, by its id; `None` for the current one.
    pub version: Option<String>,
    /// Quantiles, each from 0 to 1.
    pub quantiles: Vec<f64>,
    /// How many of the most frequent values.
    pub top: usize,
    /// How what is read is compared with its recorded hashes; `None` as the settings say.
    pub verification: Option<Verification>,
}

impl Default for StatisticsOptions {
    fn default() -> Self {
        let quantiles = vec![0.0, 0.25, 0.5, 0.75, 1.0];
        Self { columns: None, filter: None, version: None, quantiles, top: 5, verification: None }
    }
}

impl StatisticsOptions {
    /// Most values that can be asked for: beyond a thousand, the estimates of a large table are no longer told apart.
    pub const MOST_TOP: usize = 1_000;

    /// Of all columns and rows of the current version.
    pub fn new() -> Self {
        Self::default()
    }

    /// Of these columns, in this order.
    pub fn columns<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.columns = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// Of the rows for which this SQL condition holds.
    pub fn filter(mut self, condition: impl Into<Condition>) -> Self {
        self.filter = Some(condition.into());
        self
    }

    /// Of this version, by its id ([`DataFolio::versions`] lists them).
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// These quantiles, each from 0 to 1.
    pub fn quantiles(mut self, quantiles: impl IntoIterator<Item = f64>) -> Self {
        self.quantiles = quantiles.into_iter().collect();
        self
    }

    /// So many of the most frequent values.
    pub fn top(mut self, values: usize) -> Self {
        self.top = values;
        self
    }

    /// Compares what is read with its recorded hashes to this degree, whatever the settings say.
    pub fn verification(mut self, verification: Verification) -> Self {
        self.verification = Some(verification);
        self
    }

    fn check(&self) -> Result<()> {
        if let Some(wrong) = self.quantiles.iter().find(|quantile| !(0.0..=1.0).contains(*quantile)) {
            return Err(Error::Invalid(format!("quantile {wrong}: it must be a number from 0 to 1, such as 0.5")));
        }
        if self.top > Self::MOST_TOP {
            return Err(Error::Invalid(format!(
                "{} most frequent values: at most {} can be told",
                self.top,
                Self::MOST_TOP
            )));
        }
        Ok(())
    }
}

/// The statistics of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TableStatistics {
    /// The item.
    pub name: String,
    /// Its version.
    pub version: String,
    /// How many rows were looked at: all, or those that the condition holds for.
    pub rows: u64,
    /// The columns that were asked for.
    pub columns: Vec<ColumnStatistics>,
}

/// The statistics of a column. Nulls and NaN count in their own fields and nowhere else.
///
/// A column without an order of its values (lists, structs, maps) has `count` and `null_count` alone. Values are as JSON has
/// them: numbers, bools and texts as such, dates and instants as text, bytes as hex digits; of a text of more than 256 bytes
/// the first 240 and `…`; infinite numbers are `"inf"` and `"-inf"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ColumnStatistics {
    /// Its name.
    pub name: String,
    /// Its type, as Arrow names it.
    pub arrow_type: String,
    /// How many values are not null; NaN counts as a value here.
    pub count: u64,
    /// How many values are null.
    pub null_count: u64,
    /// How many values are NaN; `None` for types that have none.
    pub nan_count: Option<u64>,
    /// How many different values there are.
    pub distinct: Option<Distinct>,
    /// The smallest value.
    pub min: Option<Value>,
    /// The largest value.
    pub max: Option<Value>,
    /// The mean, also of dates and instants (to a whole unit of their type) and of bools (the share that is true).
    pub mean: Option<Value>,
    /// The standard deviation of numbers, as that of a sample (divided by one less than their count).
    pub std: Option<f64>,
    /// Quantiles of numbers, dates and instants, in the order in which they were asked for.
    pub quantiles: Vec<Quantile>,
    /// By which share of the rows the rank of a quantile may be off, at most; 0 where they are exact.
    pub quantile_error: Option<f64>,
    /// The values that occur most often, those first. In a column with more than 10,000 different values only those are told
    /// that occur more often than `top_error`.
    pub top: Vec<TopValue>,
    /// By how much each count in `top` may be too large; 0 where they are exact.
    pub top_error: Option<u64>,
}

/// How many different values a column has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Distinct {
    /// The number, or the best estimate of it.
    pub count: u64,
    /// Whether it is exact, as it is for up to 10,000 different values.
    pub is_exact: bool,
    /// The lower bound, with a confidence of 95 %.
    pub low: u64,
    /// The upper bound, with a confidence of 95 %.
    pub high: u64,
}

/// A quantile: the smallest value of the column such that at least this share of the values is not above it, as SQL's
/// `PERCENTILE_DISC` and `quantile_disc` have it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Quantile {
    /// The share, from 0 to 1.
    pub at: f64,
    /// The value.
    pub value: Value,
}

/// A frequent value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TopValue {
    /// The value.
    pub value: Value,
    /// How often it occurs.
    pub count: u64,
}

impl DataFolio {
    /// What the columns of a table hold: counts, distinct values, extremes, mean, standard deviation, quantiles, frequent values.
    ///
    /// The rows are read once, in several threads, and memory holds a few megabytes for each column however many they are. Up
    /// to 10,000 different values of a column are counted one by one, and all is exact; beyond that the number of different
    /// values, quantiles and frequent values are estimates, the same ones each time, whose errors stand beside them. What was
    /// found out is kept by the hash of the content, in the cache directory of the settings, so that the next call reads nothing;
    /// of references, and with a condition, it is found out anew.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use arrow::array::{ArrayRef, Float64Array, RecordBatch, RecordBatchIterator};
    /// use datafolio::{AddOptions, Data, DataFolio, StatisticsOptions};
    ///
    /// # fn main() -> datafolio::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let folio = DataFolio::create(dir.path().join("study"))?;
    /// # let column: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), Some(2.0), Some(6.0), None, Some(f64::NAN)]));
    /// # let batch = RecordBatch::try_from_iter([("score", column)]).unwrap();
    /// # let schema = batch.schema();
    /// # let table = RecordBatchIterator::new([Ok(batch)], schema);
    /// # folio.add("measurements", Data::Table(Box::new(table)), AddOptions::new())?;
    /// let statistics = folio.describe_table("measurements", &StatisticsOptions::new())?;
    /// let score = &statistics.columns[0];
    /// assert_eq!((score.count, score.null_count, score.nan_count), (4, 1, Some(1)));
    /// assert_eq!(score.mean, Some(3.0.into()));
    /// assert_eq!(score.quantiles[2].value, 2.0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Quantiles outside of 0 to 1, more frequent values than [`StatisticsOptions::MOST_TOP`]; as [`DataFolio::read_table`].
    pub fn describe_table(&self, name: &str, options: &StatisticsOptions) -> Result<TableStatistics> {
        if let Some(folio) = self.checking(options.verification) {
            return folio.describe_table(name, options);
        }
        options.check()?;
        let record = self.table_record(name, options.version.as_deref())?;
        let version = match &options.version {
            Some(version) => version.clone(),
            None => self.item_info(name)?.version,
        };
        let content = self.kept_content(&record).filter(|_| options.filter.is_none());
        let asked = json!([options.columns, options.quantiles, options.top]).to_string();
        if let Some(content) = &content
            && let Some(known) = self.known_facts().statistics(content, &asked)
        {
            return Ok(TableStatistics { name: name.to_owned(), version, ..known });
        }
        let part = TableOptions {
            columns: options.columns.clone(),
            filter: options.filter.clone(),
            version: options.version.clone(),
            ..TableOptions::default()
        };
        let (rows, columns) = pass::pass(self.read_table(name, &part)?, self.settings().threads, options)?;
        let statistics = TableStatistics { name: name.to_owned(), version, rows, columns };
        if let Some(content) = &content {
            self.known_facts().keep_statistics(content, &asked, &statistics);
        }
        Ok(statistics)
    }
}
