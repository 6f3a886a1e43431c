//! Lazy frames over a table that is read when their result is asked for.

use std::any::Any;
use std::error::Error;
use std::sync::Arc;

use arrow::array::RecordBatchReader;
use arrow::datatypes::{Schema, SchemaRef};
use polars::error::{PolarsError, PolarsResult, polars_bail};
use polars::frame::DataFrame;
use polars::lazy::frame::{IntoLazy, LazyFrame, ScanArgsAnonymous};
use polars::prelude::{AnonymousScan, AnonymousScanArgs, Expr, Operator, Schema as PolarsSchema};

use crate::condition::sql_condition;
use crate::error::{FramesError, FramesResult, carry};
use crate::from_arrow::FrameBuilder;

/// Which part of a table a lazy frame needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// These columns, in this order.
    pub columns: Vec<String>,
    /// Rows for which this SQL condition does not hold may be left out.
    pub condition: Option<String>,
    /// The first rows; `None` for all. There is no condition then.
    pub limit: Option<u64>,
}

/// A table that can be read in part, as often as it is asked for.
pub trait TableSource: Send + Sync {
    /// The columns of the table.
    fn schema(&self) -> SchemaRef;

    /// Whether it can leave out rows by an SQL condition, and gains by it.
    fn takes_conditions(&self) -> bool;

    /// Reads a part.
    ///
    /// # Errors
    /// Whatever prevents it; it comes out of Polars as it is ([`FramesError::into_source`]).
    fn read(&self, part: &Part) -> Result<Box<dyn RecordBatchReader + Send>, Box<dyn Error + Send + Sync>>;
}

/// A lazy frame over a table. Nothing is read before its result is asked for, and then only the columns that it needs, the
/// rows that a `head` or `limit` keeps, and of the others those that the reader cannot tell from the condition to be
/// superfluous. Memory holds what is left of them when the condition was applied.
///
/// # Errors
/// [`FramesError::Column`] for a column whose type Polars does not have.
pub fn scan(source: Arc<dyn TableSource>) -> FramesResult<LazyFrame> {
    let schema = Arc::new(FrameBuilder::new(&source.schema())?.schema());
    let args = ScanArgsAnonymous { schema: Some(Arc::clone(&schema)), name: "DATAFOLIO", ..Default::default() };
    Ok(LazyFrame::anonymous_scan(Arc::new(Scan { source, schema }), args)?)
}

struct Scan {
    source: Arc<dyn TableSource>,
    schema: Arc<PolarsSchema>,
}

impl Scan {
    /// Opens a part. A condition that the reader does not take costs no more than time: Polars applies its own.
    fn open(&self, part: &mut Part) -> Result<Box<dyn RecordBatchReader + Send>, Box<dyn Error + Send + Sync>> {
        match self.source.read(part) {
            Err(error) if part.condition.is_some() => {
                tracing::debug!(%error, condition = part.condition, "a condition was not taken");
                part.condition = None;
                self.source.read(part)
            }
            opened => opened,
        }
    }

    fn read(&self, part: &mut Part, predicate: Option<&Expr>) -> PolarsResult<DataFrame> {
        let reader = self.open(part).map_err(carry)?;
        let builder = FrameBuilder::new(&Schema::clone(&reader.schema())).map_err(into_polars)?;
        let Some(predicate) = predicate else {
            let batches = reader.collect::<Result<Vec<_>, _>>().map_err(carry)?;
            return builder.frame(&batches).map_err(into_polars);
        };
        let mut kept = DataFrame::empty_with_schema(&builder.schema());
        for batch in reader {
            let frame = builder.frame(&[batch.map_err(carry)?]).map_err(into_polars)?;
            let frame = frame.lazy().filter(predicate.clone()).collect()?;
            if frame.height() > 0 {
                kept.vstack_mut_owned(frame)?;
            }
        }
        // Few rows of each batch make many small chunks.
        if kept.first_col_n_chunks() > 1 {
            kept.rechunk_mut();
        }
        Ok(kept)
    }
}

impl AnonymousScan for Scan {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn scan(&self, wanted: AnonymousScanArgs) -> PolarsResult<DataFrame> {
        let columns = match &wanted.with_columns {
            Some(names) => names.iter().map(ToString::to_string).collect(),
            None => self.schema.iter_names().map(ToString::to_string).collect(),
        };
        let limit = wanted.n_rows.map(|rows| rows as u64);
        let predicate = wanted.predicate.as_ref().and_then(without_hints);
        if predicate.as_ref().is_some_and(|expr| expr.into_iter().any(is_hint)) {
            polars_bail!(ComputeError: "a condition that Polars cannot tell its sources: collect the table before it");
        }
        let predicate = predicate.as_ref();
        let takes_conditions = limit.is_none() && self.source.takes_conditions();
        let condition = predicate.filter(|_| takes_conditions).and_then(|expr| sql_condition(expr, &self.schema));
        self.read(&mut Part { columns, condition, limit }, predicate)
    }

    fn allows_predicate_pushdown(&self) -> bool {
        true
    }

    fn allows_projection_pushdown(&self) -> bool {
        true
    }
}

/// Whether an expression is one that Polars only shows: a bound that a sort with a limit finds while it runs. Polars looks at it
/// for other sources; without it the same rows come out in the end.
fn is_hint(expr: &Expr) -> bool {
    matches!(expr, Expr::Display { .. })
}

/// A condition without the parts that are no more than hints; `None` when nothing is left.
fn without_hints(expr: &Expr) -> Option<Expr> {
    match expr {
        hint if is_hint(hint) => None,
        Expr::BinaryExpr { left, op: Operator::And | Operator::LogicalAnd, right } => {
            match (without_hints(left), without_hints(right)) {
                (Some(left), Some(right)) => Some(left.and(right)),
                (one, other) => one.or(other),
            }
        }
        condition => Some(condition.clone()),
    }
}

/// An error of this crate as one that Polars hands on.
fn into_polars(error: FramesError) -> PolarsError {
    match error {
        FramesError::Polars(error) => error,
        other => carry(other),
    }
}
