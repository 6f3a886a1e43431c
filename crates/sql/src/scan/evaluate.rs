//! For which rows of a batch a condition holds.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Datum, RecordBatch, Scalar};
use arrow::buffer::{BooleanBuffer, Buffer};
use arrow::compute::kernels::cmp;
use arrow::compute::{and_kleene, is_null, not, or_kleene};
use arrow::datatypes::Float64Type;
use arrow::error::ArrowError;

use super::computed::Compared;
use super::lists::Numbers;
use super::texts::{Answers, TextTest};
use super::within::Within;
use crate::bounds::Comparison;

/// Bits of a word.
pub(super) const WORD: usize = 64;

/// A condition on columns, which go by their places.
#[derive(Debug, Clone)]
pub(super) enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    IsNull(usize),
    IsTrue(usize),
    /// Values that compare as they are ordered.
    Ordered(usize, Comparison, Scalar<ArrayRef>),
    /// Floating-point numbers: both zeros are one value, and NaN is above all others.
    Float(usize, Comparison, f64),
    /// Numbers of any kind that are one of these.
    OneOf(usize, Numbers),
    Text(usize, TextTest),
    Within(usize, Within),
    Computed(Box<Compared>),
}

type Join = fn(&BooleanArray, &BooleanArray) -> Result<BooleanArray, ArrowError>;

pub(super) fn of_all(
    nodes: &[Node],
    batch: &RecordBatch,
    answers: &mut Answers,
    join: Join,
) -> Result<BooleanArray, ArrowError> {
    let mut results = nodes.iter().map(|node| node.evaluate(batch, answers));
    let first = results.next().unwrap_or_else(|| Err(ArrowError::ComputeError("no condition".to_owned())))?;
    results.try_fold(first, |joined, result| join(&joined, &result?))
}

impl Node {
    fn evaluate(&self, batch: &RecordBatch, answers: &mut Answers) -> Result<BooleanArray, ArrowError> {
        let column = |at: &usize| {
            let missing = || ArrowError::SchemaError("a column of a condition is not there".to_owned());
            batch.columns().get(*at).ok_or_else(missing)
        };
        match self {
            Self::And(nodes) => of_all(nodes, batch, answers, and_kleene),
            Self::Or(nodes) => of_all(nodes, batch, answers, or_kleene),
            Self::Not(node) => not(&node.evaluate(batch, answers)?),
            Self::IsNull(at) => is_null(column(at)?),
            Self::IsTrue(at) => {
                let values = column(at)?.as_boolean_opt();
                values.cloned().ok_or_else(|| ArrowError::CastError("it is no column of truth values".to_owned()))
            }
            Self::Ordered(at, comparison, constant) => {
                let compare: fn(&dyn Datum, &dyn Datum) -> Result<BooleanArray, ArrowError> = match comparison {
                    Comparison::Less => cmp::lt,
                    Comparison::AtMost => cmp::lt_eq,
                    Comparison::Equal => cmp::eq,
                    Comparison::AtLeast => cmp::gt_eq,
                    Comparison::More => cmp::gt,
                };
                compare(column(at)?, constant)
            }
            Self::Float(at, comparison, constant) => {
                let column = column(at)?.as_primitive_opt::<Float64Type>();
                let column = column.ok_or_else(|| ArrowError::CastError("it is no column of numbers".to_owned()))?;
                let holds = numbers(column.values(), *comparison, *constant);
                Ok(BooleanArray::new(holds, column.nulls().cloned()))
            }
            Self::OneOf(at, constants) => constants.holds(column(at)?),
            Self::Within(at, within) => within.holds(column(at)?),
            Self::Computed(compared) => compared.holds(batch),
            Self::Text(at, test) => test.holds(column(at)?, answers),
        }
    }
}

/// What one of these is set in.
pub(super) fn any(all: impl Iterator<Item = BooleanBuffer>, length: usize) -> BooleanBuffer {
    all.reduce(|joined, bits| &joined | &bits).unwrap_or_else(|| BooleanBuffer::new_unset(length))
}

/// So many bits, in words.
pub(super) fn bits(words: impl Iterator<Item = u64>, length: usize) -> BooleanBuffer {
    BooleanBuffer::new(Buffer::from_vec(words.collect::<Vec<u64>>()), 0, length)
}

/// How numbers compare with one that is not NaN.
pub(super) fn numbers(values: &[f64], comparison: Comparison, constant: f64) -> BooleanBuffer {
    fn where_holds(values: &[f64], holds: impl Fn(f64) -> bool) -> BooleanBuffer {
        let word = |values: &[f64]| {
            values.iter().enumerate().fold(0, |word, (at, value)| word | (u64::from(holds(*value)) << at))
        };
        bits(values.chunks(WORD).map(word), values.len())
    }
    match comparison {
        Comparison::Less => where_holds(values, |value| value < constant),
        Comparison::AtMost => where_holds(values, |value| value <= constant),
        Comparison::Equal => where_holds(values, |value| value == constant),
        Comparison::AtLeast => where_holds(values, |value| value >= constant || value.is_nan()),
        Comparison::More => where_holds(values, |value| value > constant || value.is_nan()),
    }
}
