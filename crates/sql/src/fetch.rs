//! Rows that are fetched by their numbers: a query says which rows a condition holds for, and who reads the table gives them.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, RecordBatchOptions, RecordBatchReader};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use arrow::error::ArrowError;

use crate::error::SqlError;
use crate::reader::Stop;
use crate::row_numbers::ROW;
use crate::session::Failure;
use crate::words::Quoted;

/// Columns of a table, of which rows are given by their numbers.
pub trait ByNumber: Send + Sync + fmt::Debug {
    /// The columns.
    fn schema(&self) -> SchemaRef;

    /// The rows of these numbers, which are counted from 0 and ascend.
    ///
    /// # Errors
    /// When the table cannot be read.
    fn rows(&self, numbers: Arc<[u64]>) -> Result<Box<dyn RecordBatchReader + Send>, Failure>;
}

/// Columns of rows that are given.
#[derive(Debug, Clone)]
pub(crate) struct Fetched {
    pub(crate) columns: Arc<dyn ByNumber>,
    /// Whether [`ROW`] follows them, with the number of each row.
    pub(crate) is_numbered: bool,
}

/// Where a query has the columns of its rows from, when they are few among those that it looks at.
#[derive(Debug, Clone)]
pub(crate) struct Fetch {
    pub(crate) given: Fetched,
    /// What gives the numbers of the rows.
    pub(crate) text: Quoted,
}

/// Numbers that are collected before their rows are fetched: few at first, so that the first rows come soon.
const FEWEST: usize = 1 << 14;
const MOST: usize = 1 << 20;

impl Fetched {
    /// The columns of what is given.
    pub(crate) fn schema(&self) -> SchemaRef {
        let schema = self.columns.schema();
        if !self.is_numbered {
            return schema;
        }
        let mut fields: Vec<Arc<Field>> = schema.fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new(ROW, DataType::Int64, false)));
        Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
    }

    /// A batch of fetched rows, behind them their numbers where these are wanted.
    pub(crate) fn complete(
        &self,
        schema: &SchemaRef,
        rows: &RecordBatch,
        numbers: &[u64],
    ) -> Result<RecordBatch, ArrowError> {
        let mut columns = rows.columns().to_vec();
        if self.is_numbered {
            // They were BIGINT.
            let numbers = Int64Array::from_iter_values(numbers.iter().map(|number| number.cast_signed()));
            columns.push(Arc::new(numbers) as ArrayRef);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        RecordBatch::try_new_with_options(SchemaRef::clone(schema), columns, &options)
    }

    /// Gives the rows of these numbers to `give`, batch by batch, as long as it wants more; `false` when it does not.
    pub(crate) fn give(
        &self,
        numbers: &Arc<[u64]>,
        mut give: impl FnMut(RecordBatch) -> Result<bool, Stop>,
    ) -> Result<bool, Stop> {
        let (schema, mut left) = (self.schema(), &**numbers);
        for batch in self.columns.rows(Arc::clone(numbers)).map_err(Stop::Table)? {
            let batch = batch.map_err(of_table)?;
            let (these, others) =
                left.split_at_checked(batch.num_rows()).ok_or_else(|| failed("there are more rows than numbers"))?;
            left = others;
            let batch = self.complete(&schema, &batch, these).map_err(|error| failed(&error.to_string()))?;
            if !give(batch)? {
                return Ok(false);
            }
        }
        match left {
            [] => Ok(true),
            _ => Err(failed("there are fewer rows than numbers")),
        }
    }
}

/// Turns numbers of rows into the rows.
#[derive(Debug)]
pub(crate) struct Fetching<'a> {
    given: &'a Fetched,
    numbers: Vec<u64>,
    enough: usize,
}

impl<'a> Fetching<'a> {
    pub(crate) fn new(fetch: &'a Fetch) -> Self {
        Self { given: &fetch.given, numbers: Vec::new(), enough: FEWEST }
    }

    /// Takes the numbers of a piece of a result, and says whether it is time to fetch their rows.
    pub(crate) fn add(&mut self, piece: &RecordBatch) -> Result<bool, Stop> {
        let column = piece.columns().first().and_then(|column| column.as_primitive_opt::<Int64Type>());
        let numbers = column.filter(|column| column.null_count() == 0).ok_or_else(|| failed("rows without numbers"))?;
        let numbers = numbers.values().iter().map(|number| number.cast_unsigned());
        // Whatever joins the table with something may give its rows as it likes.
        let last = self.numbers.last().copied();
        if !last.into_iter().chain(numbers.clone()).is_sorted_by(|one, next| one < next) {
            return Err(failed("the rows of a condition came out of their order"));
        }
        self.numbers.extend(numbers);
        Ok(self.numbers.len() >= self.enough)
    }

    /// How many numbers wait.
    pub(crate) fn numbers(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there are more of them than one of so many rows from this one on, and enough to tell.
    pub(crate) fn are_dense(&self, start: u64, one_of: usize) -> bool {
        let looked_at = self.numbers.last().map_or(0, |last| last.saturating_sub(start).saturating_add(1));
        self.numbers.len() >= FEWEST && self.numbers.len().saturating_mul(one_of) as u64 > looked_at
    }

    /// Gives the rows of all numbers that were added, as [`Fetched::give`] does.
    pub(crate) fn give(&mut self, give: impl FnMut(RecordBatch) -> Result<bool, Stop>) -> Result<bool, Stop> {
        if self.numbers.is_empty() {
            return Ok(true);
        }
        self.enough = (self.enough * 4).min(MOST);
        let numbers: Arc<[u64]> = std::mem::take(&mut self.numbers).into();
        self.given.give(&numbers, give)
    }
}

/// The error of a table as it was before Arrow put it into its own.
pub(crate) fn of_table(error: ArrowError) -> Stop {
    Stop::Table(match error {
        ArrowError::ExternalError(error) => error,
        error => Box::new(error),
    })
}

pub(crate) fn failed(message: &str) -> Stop {
    Stop::Sql(SqlError::Failed { message: message.to_owned() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::RecordBatchIterator;
    use duckdb::Connection;

    use super::*;
    use crate::condition::check_condition;
    use crate::params::Params;
    use crate::row_numbers::{Filter, filter};
    use crate::session::{Relation, Settings, Shares};

    /// A column `other` whose values tell that they do not come from DuckDB: they are below 0.
    #[derive(Debug)]
    struct Negative;

    impl ByNumber for Negative {
        fn schema(&self) -> SchemaRef {
            Arc::new(Schema::new(vec![Field::new("other", DataType::Int64, true)]))
        }

        fn rows(&self, numbers: Arc<[u64]>) -> Result<Box<dyn RecordBatchReader + Send>, Failure> {
            assert!(numbers.is_sorted() && !numbers.is_empty());
            let batch = |numbers: &[u64]| {
                let ids = Int64Array::from_iter_values(numbers.iter().map(|number| -number.cast_signed()));
                RecordBatch::try_new(self.schema(), vec![Arc::new(ids)])
            };
            let batches: Vec<_> = numbers.chunks(3).map(batch).collect();
            Ok(Box::new(RecordBatchIterator::new(batches, self.schema())))
        }
    }

    #[test]
    fn few_rows_are_fetched_and_many_are_not() {
        let dir = std::env::temp_dir().join(format!("datafolio-fetch-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.canonicalize().unwrap().join("t.parquet");
        let sql = format!(
            "COPY (SELECT range AS id, range AS other FROM range(9000)) TO '{}' (FORMAT parquet)",
            path.display()
        );
        Connection::open_in_memory().unwrap().execute_batch(&sql).unwrap();
        let condition = check_condition("t.id % 100 = 7 OR id BETWEEN 3000 AND 4999", &Params::None).unwrap();
        // Shares that follow each other are run over as one where there are few: a row between them keeps them apart.
        let shares_with = |gap| Shares {
            rows: (0..9).map(|share| share * 1_000..(share + 1) * 1_000 - gap).collect(),
            starts: vec![0],
        };
        let all = [(false, "other"), (true, "other"), (true, "ID")].into_iter();
        for ((is_numbered, column), gap) in all.flat_map(|how| [(how, 0), (how, 1)]) {
            let shares = shares_with(gap);
            let wanted = Filter {
                condition: &condition,
                name: "t",
                columns: &[column.to_owned()],
                is_numbered,
                fetch: Some(Arc::new(Negative)),
                shares: &shares,
                offset: 0,
                limit: None,
            };
            let settings = Settings { threads: Some(1), ..Settings::default() };
            let rows = filter(&settings, Relation::Parquet(vec![path.clone()]), &[], &wanted).unwrap();
            let batches: Vec<RecordBatch> = rows.map(Result::unwrap).collect();
            let values_of = |at: usize| {
                let values = batches.iter().flat_map(|batch| batch.column(at).as_primitive::<Int64Type>().values());
                values.copied().collect::<Vec<_>>()
            };
            // The part from 3,000 on shows that there are many, that from 5,000 on that there are few again.
            let is_wanted =
                |id: &i64| (id % 100 == 7 || (3_000..5_000).contains(id)) && (gap == 0 || id % 1_000 != 999);
            // What the condition looks at, DuckDB has at hand.
            let signed = |id: i64| if column == "ID" || (4_000..6_000).contains(&id) { id } else { -id };
            let wanted: Vec<i64> = (0..9_000).filter(is_wanted).collect();
            if gap == 1 {
                assert_eq!(values_of(0), wanted.iter().copied().map(signed).collect::<Vec<_>>());
            }
            assert_eq!(values_of(0).into_iter().map(i64::abs).collect::<Vec<_>>(), wanted);
            assert!(batches.iter().all(|batch| batch.num_columns() == 1 + usize::from(is_numbered)));
            if is_numbered {
                assert_eq!(values_of(1), wanted);
            }
        }
        std::fs::remove_dir_all(dir).unwrap();
    }
}
