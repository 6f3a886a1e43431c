//! Tests of aggregations, against what Vaex, NumPy and pandas answer, and against naive ones.

mod distinct;
mod fixtures;
mod moments;
mod properties;
mod quantiles;
mod rows;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};

use crate::hdf5::{Hdf5Options, Hdf5Table};
use crate::pass::PassOptions;
use crate::source::Hdf5Source;
use crate::{Aggregate, Expr, Frame, Value};

/// A frame over a file that Vaex wrote.
fn fixture(name: &str) -> Frame {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests-data/vaex").join(name);
    Frame::new(Arc::new(Hdf5Source::new(Hdf5Table::open(path, &Hdf5Options::default()).unwrap(), None)))
}

/// A frame of columns in memory.
fn frame(columns: Vec<(&str, ArrayRef)>) -> Frame {
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    Frame::from_batches(batch.schema(), vec![batch]).unwrap()
}

fn one(frame: &Frame, aggregate: Aggregate) -> Value {
    frame.aggregate(&[aggregate]).unwrap().remove(0)
}

fn text(expr: &str) -> Expr {
    Expr::parse(expr).unwrap()
}

fn threads(number: usize) -> PassOptions {
    PassOptions { threads: NonZeroUsize::new(number), ..PassOptions::default() }
}

/// Whether two values are the same, floating-point numbers but for the last digits.
#[track_caller]
fn assert_near(found: &Value, wanted: f64, tolerance: f64) {
    let found = found.as_f64().unwrap_or_else(|| panic!("{found:?} is no number"));
    let same = found.is_nan() && wanted.is_nan() || found == wanted;
    assert!(same || (found - wanted).abs() <= tolerance * wanted.abs().max(1e-300), "{found} is not {wanted}");
}

fn floats(value: &Value) -> Vec<f64> {
    match value {
        Value::List(values) => values.iter().map(|value| value.as_f64().unwrap()).collect(),
        other => panic!("{other:?} is no list"),
    }
}
