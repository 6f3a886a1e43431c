//! For which rows of a batch a condition holds.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Datum, RecordBatch, Scalar, StringArray};
use arrow::buffer::{BooleanBuffer, Buffer};
use arrow::compute::kernels::cmp;
use arrow::compute::{and_kleene, is_null, not, or_kleene};
use arrow::datatypes::Float64Type;
use arrow::error::ArrowError;

use crate::bounds::Comparison;

/// Bits of a word.
const WORD: usize = 64;

/// A condition on columns, which go by their places.
#[derive(Debug, Clone)]
pub(super) enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    IsNull(usize),
    IsTrue(usize),
    /// Values that compare as they are ordered.
    Ordered(usize, Comparison, Vec<Scalar<ArrayRef>>),
    /// Floating-point numbers: both zeros are one value, and NaN is above all others.
    Float(usize, Comparison, Vec<f64>),
    /// Texts that are one of these.
    Text(usize, Vec<String>),
}

type Join = fn(&BooleanArray, &BooleanArray) -> Result<BooleanArray, ArrowError>;

pub(super) fn of_all(nodes: &[Node], batch: &RecordBatch, join: Join) -> Result<BooleanArray, ArrowError> {
    let mut results = nodes.iter().map(|node| node.evaluate(batch));
    let first = results.next().unwrap_or_else(|| Err(ArrowError::ComputeError("no condition".to_owned())))?;
    results.try_fold(first, |joined, result| join(&joined, &result?))
}

impl Node {
    fn evaluate(&self, batch: &RecordBatch) -> Result<BooleanArray, ArrowError> {
        let column = |at: &usize| {
            let missing = || ArrowError::SchemaError("a column of a condition is not there".to_owned());
            batch.columns().get(*at).ok_or_else(missing)
        };
        match self {
            Self::And(nodes) => of_all(nodes, batch, and_kleene),
            Self::Or(nodes) => of_all(nodes, batch, or_kleene),
            Self::Not(node) => not(&node.evaluate(batch)?),
            Self::IsNull(at) => is_null(column(at)?),
            Self::IsTrue(at) => {
                let values = column(at)?.as_boolean_opt();
                values.cloned().ok_or_else(|| ArrowError::CastError("it is no column of truth values".to_owned()))
            }
            Self::Ordered(at, comparison, constants) => {
                let values = column(at)?;
                let compare: fn(&dyn Datum, &dyn Datum) -> Result<BooleanArray, ArrowError> = match comparison {
                    Comparison::Less => cmp::lt,
                    Comparison::AtMost => cmp::lt_eq,
                    Comparison::Equal => cmp::eq,
                    Comparison::AtLeast => cmp::gt_eq,
                    Comparison::More => cmp::gt,
                };
                let mut results = constants.iter().map(|constant| compare(values, constant));
                let first =
                    results.next().unwrap_or_else(|| Err(ArrowError::ComputeError("no constant".to_owned())))?;
                results.try_fold(first, |joined, result| or_kleene(&joined, &result?))
            }
            Self::Float(at, comparison, constants) => {
                let column = column(at)?.as_primitive_opt::<Float64Type>();
                let column = column.ok_or_else(|| ArrowError::CastError("it is no column of numbers".to_owned()))?;
                let bits = constants.iter().map(|constant| numbers(column.values(), *comparison, *constant));
                Ok(BooleanArray::new(any(bits, column.len()), column.nulls().cloned()))
            }
            Self::Text(at, constants) => {
                let column = column(at)?.as_string_opt::<i32>();
                let column = column.ok_or_else(|| ArrowError::CastError("it is no column of texts".to_owned()))?;
                let bits = constants.iter().map(|constant| texts(column, constant.as_bytes()));
                Ok(BooleanArray::new(any(bits, column.len()), column.nulls().cloned()))
            }
        }
    }
}

/// What one of these is set in.
fn any(all: impl Iterator<Item = BooleanBuffer>, length: usize) -> BooleanBuffer {
    all.reduce(|joined, bits| &joined | &bits).unwrap_or_else(|| BooleanBuffer::new_unset(length))
}

/// So many bits, in words.
fn bits(words: impl Iterator<Item = u64>, length: usize) -> BooleanBuffer {
    BooleanBuffer::new(Buffer::from_vec(words.collect::<Vec<u64>>()), 0, length)
}

/// How numbers compare with one that is not NaN.
fn numbers(values: &[f64], comparison: Comparison, constant: f64) -> BooleanBuffer {
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

/// Which texts are this one. Most are short: those of its length are compared as one number.
fn texts(column: &StringArray, constant: &[u8]) -> BooleanBuffer {
    let (ends, bytes, count) = (column.value_offsets(), column.value_data(), column.len());
    let mask = u64::MAX.checked_shr(64 - 8 * constant.len().min(8) as u32).unwrap_or(0);
    let head = |bytes: &[u8]| bytes.first_chunk().map(|head| u64::from_le_bytes(*head) & mask);
    let expected = match constant.first_chunk() {
        Some(head) => u64::from_le_bytes(*head),
        None => constant.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    let is_equal = |pair: &[i32]| {
        let [start, end] = pair else { return false };
        let (start, end) = (*start as usize, *end as usize);
        end - start == constant.len() && {
            let rest = bytes.get(start..).unwrap_or_default();
            match head(rest) {
                Some(head) if constant.len() <= 8 => head == expected,
                Some(head) if head != expected => false,
                _ => rest.get(..constant.len()) == Some(constant),
            }
        }
    };
    let word = |from: usize| {
        let ends = ends.get(from..(from + WORD).min(count) + 1).unwrap_or_default();
        ends.windows(2).enumerate().fold(0, |word, (at, pair)| word | (u64::from(is_equal(pair)) << at))
    };
    bits((0..count).step_by(WORD).map(word), count)
}
