//! Numbers that are computed of the columns of a batch, in the types that SQL computes them in, and how they compare.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Datum, Float64Array, Int64Array, RecordBatch, Scalar};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::kernels::{cmp, numeric};
use arrow::compute::{binary, cast};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit};
use arrow::error::ArrowError;

use super::evaluate::{WORD, bits, numbers};
use super::properties;
use crate::bounds::{Comparison, Constant};
use crate::formula::{Binary, FloatFunction, Formula, Unary};
use crate::property::Property;

/// What is computed of the columns of a batch, which go by their places.
#[derive(Debug, Clone)]
pub(super) enum Term {
    /// A column, in this type.
    Column(usize, DataType),
    /// What its values have.
    Property(usize, Property),
    Constant(Scalar<ArrayRef>),
    /// A whole number as a floating-point number.
    Float(Box<Term>),
    Unary(Unary, Box<Term>),
    Binary(Binary, Box<[Term; 2]>),
}

/// The type that SQL computes a number in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Float,
    /// Whole numbers of so many bits, between these two.
    Whole(u32, i128, i128),
    /// A whole number of the text, whose type is settled by what it meets.
    Literal(i64),
    /// Another number of the text.
    Fraction,
}

/// What a formula can be bound to.
pub(super) trait Columns {
    /// The place of a column, and its type.
    fn place(&mut self, column: &str) -> Option<(usize, DataType)>;

    /// Between which numbers the values of a column of whole numbers lie.
    fn range(&self, column: &str) -> Option<(i64, i64)>;
}

/// How two numbers are to compare.
#[derive(Debug, Clone)]
pub(super) struct Compared {
    comparison: Comparison,
    left: Term,
    right: Term,
}

impl Compared {
    /// `None` where SQL might make something else of it: an error, or numbers of another type.
    pub(super) fn new(
        columns: &mut impl Columns,
        comparison: Comparison,
        (left, right): (&Formula, &Formula),
    ) -> Option<Self> {
        if let (Formula::Column(left), Formula::Column(right)) = (left, right)
            && let ((left, of_left), (right, of_right)) = (columns.place(left)?, columns.place(right)?)
            && of_left == of_right
            && is_ordered(&of_left)
        {
            return Some(Self { comparison, left: Term::Column(left, of_left), right: Term::Column(right, of_right) });
        }
        let ((left, of_left), (right, of_right)) = (bind(columns, left)?, bind(columns, right)?);
        let (left, right) = match (of_left, of_right) {
            (Kind::Float, _) | (_, Kind::Float) => (float(left, of_left), float(right, of_right)),
            (Kind::Fraction, _) | (_, Kind::Fraction) => return None,
            _ => (left, right),
        };
        match (&left, &right) {
            (Term::Constant(_), Term::Constant(_)) => None,
            (Term::Constant(_), _) => Some(Self { comparison: comparison.turned(), left: right, right: left }),
            _ => Some(Self { comparison, left, right }),
        }
    }

    /// For which rows of a batch they do.
    pub(super) fn holds(&self, batch: &RecordBatch) -> Result<BooleanArray, ArrowError> {
        let left = self.left.of(batch)?;
        let compared = |right: &dyn Datum| -> Result<BooleanArray, ArrowError> {
            let Some(floats) = left.as_primitive_opt::<Float64Type>() else {
                let compare: fn(&dyn Datum, &dyn Datum) -> Result<BooleanArray, ArrowError> = match self.comparison {
                    Comparison::Less => cmp::lt,
                    Comparison::AtMost => cmp::lt_eq,
                    Comparison::Equal => cmp::eq,
                    Comparison::AtLeast => cmp::gt_eq,
                    Comparison::More => cmp::gt,
                };
                return compare(&left, right);
            };
            let (right, is_one) = right.get();
            let right = right.as_primitive_opt::<Float64Type>().ok_or_else(no_numbers)?;
            if is_one {
                let holds = numbers(floats.values(), self.comparison, right.value(0));
                return Ok(BooleanArray::new(holds, floats.nulls().cloned()));
            }
            let holds = pairs(floats.values(), right.values(), self.comparison);
            Ok(BooleanArray::new(holds, NullBuffer::union(floats.nulls(), right.nulls())))
        };
        match &self.right {
            Term::Constant(constant) => compared(constant),
            right => compared(&right.of(batch)?),
        }
    }
}

/// A formula over these columns, and the type that SQL computes it in.
fn bind(columns: &mut impl Columns, formula: &Formula) -> Option<(Term, Kind)> {
    Some(match formula {
        Formula::Column(name) => {
            let (at, of) = columns.place(name)?;
            let bits = match of {
                DataType::Float64 => return Some((Term::Column(at, DataType::Float64), Kind::Float)),
                DataType::Int8 => 8,
                DataType::Int16 => 16,
                DataType::Int32 => 32,
                DataType::Int64 => 64,
                _ => return None,
            };
            let known = columns.range(name).and_then(|(least, most)| within(bits, least.into(), most.into()));
            let (lowest, highest) = limits(bits);
            (Term::Column(at, DataType::Int64), known.unwrap_or(Kind::Whole(bits, lowest, highest)))
        }
        Formula::Property(property, name) => {
            let (at, of) = columns.place(name)?;
            let (least, most) = properties::range(*property, &of)?;
            (Term::Property(at, *property), Kind::Whole(64, least.into(), most.into()))
        }
        Formula::Constant(Constant::Int(value)) => {
            let value = i64::try_from(*value).ok()?;
            (Term::Constant(Scalar::new(Arc::new(Int64Array::from(vec![value])))), Kind::Literal(value))
        }
        Formula::Constant(Constant::Float(value)) => {
            (Term::Constant(Scalar::new(Arc::new(Float64Array::from(vec![*value])))), Kind::Fraction)
        }
        Formula::Constant(_) => return None,
        Formula::Unary(unary, operand) => {
            let (term, kind) = bind(columns, operand)?;
            let (term, kind) = match (kind, unary) {
                // Of whole numbers SQL leaves some as they are.
                (Kind::Whole(..), Unary::Round(_) | Unary::Float(FloatFunction::Floor | FloatFunction::Ceil)) => {
                    return None;
                }
                (Kind::Whole(..), Unary::Float(_)) => (float(term, kind), Kind::Float),
                _ => (term, kind),
            };
            let kind = match (kind, unary) {
                (Kind::Float, _) => Kind::Float,
                (Kind::Whole(bits, least, most), Unary::Negate) => within(bits, -most, -least)?,
                (Kind::Whole(bits, least, most), Unary::Absolute) => within(bits, 0, least.abs().max(most.abs()))?,
                _ => return None,
            };
            (Term::Unary(*unary, Box::new(term)), kind)
        }
        Formula::Binary(binary, operands) => {
            let [left, right] = &**operands;
            let ((left, of_left), (right, of_right)) = (bind(columns, left)?, bind(columns, right)?);
            if matches!((&left, &right), (Term::Constant(_), Term::Constant(_))) {
                return None;
            }
            let is_float =
                matches!(binary, Binary::Divide | Binary::Power) || of_left == Kind::Float || of_right == Kind::Float;
            let (left, right, kind) = match is_float {
                true => (float(left, of_left), float(right, of_right), Kind::Float),
                false => (left, right, whole_of(*binary, of_left, of_right)?),
            };
            (Term::Binary(*binary, Box::new([left, right])), kind)
        }
    })
}

/// Whether values of a type compare as the numbers do that they are, whatever they mean.
fn is_ordered(of: &DataType) -> bool {
    matches!(of, DataType::Date32 | DataType::Timestamp(TimeUnit::Microsecond, None)) || of.is_integer()
}

/// What becomes of whole numbers; `None` where one of them may be beyond its type, which is an error in SQL.
fn whole_of(binary: Binary, left: Kind, right: Kind) -> Option<Kind> {
    let ((bits, least, most), (low, high)) = match (left, right) {
        (Kind::Whole(bits, least, most), Kind::Whole(other, low, high)) => {
            ((bits.max(other), least, most), (low, high))
        }
        (Kind::Whole(bits, least, most), Kind::Literal(value)) => {
            // Another type would be found for both.
            within(bits, value.into(), value.into())?;
            ((bits, least, most), (value.into(), value.into()))
        }
        (Kind::Literal(value), Kind::Whole(bits, low, high)) => {
            within(bits, value.into(), value.into())?;
            ((bits, value.into(), value.into()), (low, high))
        }
        _ => return None,
    };
    match binary {
        Binary::Add => within(bits, least + low, most + high),
        Binary::Subtract => within(bits, least - high, most - low),
        Binary::Multiply => {
            // Both have 64 bits.
            let products = [least * low, least * high, most * low, most * high];
            within(bits, *products.iter().min()?, *products.iter().max()?)
        }
        // What is divided by 0 is missing; and the least number divided by -1 is beyond the type.
        Binary::Remainder if low == high && low != 0 && low != -1 => {
            let furthest = low.abs() - 1;
            Some(Kind::Whole(bits, if least < 0 { -furthest } else { 0 }, if most > 0 { furthest } else { 0 }))
        }
        Binary::Remainder | Binary::Divide | Binary::Power => None,
    }
}

/// Whole numbers between these, if a type of so many bits has them all.
fn within(bits: u32, least: i128, most: i128) -> Option<Kind> {
    let (lowest, highest) = limits(bits);
    (lowest <= least && most <= highest).then_some(Kind::Whole(bits, least, most))
}

fn limits(bits: u32) -> (i128, i128) {
    (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
}

/// A number as a floating-point number.
fn float(term: Term, kind: Kind) -> Term {
    match (term, kind) {
        (term, Kind::Float | Kind::Fraction) => term,
        (Term::Column(at, _), _) => Term::Column(at, DataType::Float64),
        // As SQL does: to the next one that there is.
        (Term::Constant(_), Kind::Literal(value)) => {
            Term::Constant(Scalar::new(Arc::new(Float64Array::from(vec![value as f64]))))
        }
        (term, _) => Term::Float(Box::new(term)),
    }
}

impl Term {
    /// Its values for the rows of a batch.
    fn of(&self, batch: &RecordBatch) -> Result<ArrayRef, ArrowError> {
        let column = |at: &usize| {
            let missing = || ArrowError::SchemaError("a column of a condition is not there".to_owned());
            batch.columns().get(*at).ok_or_else(missing)
        };
        match self {
            Self::Column(at, of) => match column(at)? {
                column if column.data_type() == of => Ok(Arc::clone(column)),
                column => cast(column, of),
            },
            Self::Property(at, property) => Ok(Arc::new(properties::of(*property, column(at)?)?)),
            Self::Constant(_) => Err(ArrowError::ComputeError("a constant has no rows".to_owned())),
            Self::Float(term) => cast(&term.of(batch)?, &DataType::Float64),
            Self::Unary(unary, term) => {
                let values = term.of(batch)?;
                match (unary, values.as_primitive_opt::<Float64Type>(), values.as_primitive_opt::<Int64Type>()) {
                    (Unary::Negate, _, _) => numeric::neg(&values),
                    (Unary::Absolute, Some(floats), _) => Ok(Arc::new(floats.unary::<_, Float64Type>(f64::abs))),
                    (Unary::Absolute, _, Some(whole)) => Ok(Arc::new(whole.unary::<_, Int64Type>(i64::wrapping_abs))),
                    (Unary::Float(function), Some(floats), _) => Ok(Arc::new(function_of(*function, floats))),
                    (Unary::Round(digits), Some(floats), _) => Ok(Arc::new(rounded(*digits, floats))),
                    (Unary::Absolute | Unary::Float(_) | Unary::Round(_), None, _) => Err(no_numbers()),
                }
            }
            Self::Binary(binary, operands) => {
                let compute: fn(&dyn Datum, &dyn Datum) -> Result<ArrayRef, ArrowError> = match binary {
                    Binary::Power => power,
                    Binary::Add => numeric::add,
                    Binary::Subtract => numeric::sub,
                    Binary::Multiply => numeric::mul,
                    Binary::Divide => numeric::div,
                    Binary::Remainder => numeric::rem,
                };
                match &**operands {
                    [Self::Constant(left), right] => compute(left, &right.of(batch)?),
                    [left, Self::Constant(right)] => compute(&left.of(batch)?, right),
                    [left, right] => compute(&left.of(batch)?, &right.of(batch)?),
                }
            }
        }
    }
}

/// As the system's library computes them, which DuckDB asks as well.
fn function_of(function: FloatFunction, of: &Float64Array) -> Float64Array {
    match function {
        FloatFunction::Sqrt => of.unary(f64::sqrt),
        FloatFunction::Cbrt => of.unary(f64::cbrt),
        FloatFunction::Exp => of.unary(f64::exp),
        FloatFunction::Ln => of.unary(f64::ln),
        FloatFunction::Log2 => of.unary(f64::log2),
        FloatFunction::Log10 => of.unary(f64::log10),
        FloatFunction::Floor => of.unary(f64::floor),
        FloatFunction::Ceil => of.unary(f64::ceil),
        FloatFunction::Sin => of.unary(f64::sin),
        FloatFunction::Cos => of.unary(f64::cos),
        FloatFunction::Tan => of.unary(f64::tan),
        FloatFunction::Atan => of.unary(f64::atan),
        FloatFunction::Sinh => of.unary(f64::sinh),
        FloatFunction::Cosh => of.unary(f64::cosh),
        FloatFunction::Tanh => of.unary(f64::tanh),
    }
}

/// To so many digits, by way of the product with a power of ten, as DuckDB goes: a number that has none such is left as it is.
fn rounded(digits: i32, of: &Float64Array) -> Float64Array {
    let ten_to = 10_f64.powf(f64::from(digits).abs());
    let or_itself = |found: f64, value: f64| if found.is_finite() { found } else { value };
    match digits {
        0 => of.unary(|value: f64| or_itself(value.round(), value)),
        1.. => of.unary(|value: f64| or_itself((value * ten_to).round() / ten_to, value)),
        _ if ten_to.is_infinite() => of.unary(|value: f64| if value.is_finite() { 0.0 } else { value }),
        _ => of.unary(|value: f64| or_itself((value / ten_to).round() * ten_to, value)),
    }
}

fn power(left: &dyn Datum, right: &dyn Datum) -> Result<ArrayRef, ArrowError> {
    let ((left, is_one), (right, is_other_one)) = (left.get(), right.get());
    let floats = |of: &dyn Array| of.as_primitive_opt::<Float64Type>().cloned().ok_or_else(no_numbers);
    let (left, right) = (floats(left)?, floats(right)?);
    Ok(Arc::new(match (is_one, is_other_one) {
        (true, _) => right.unary::<_, Float64Type>(|right| left.value(0).powf(right)),
        (_, true) => left.unary::<_, Float64Type>(|left| left.powf(right.value(0))),
        _ => binary::<_, _, _, Float64Type>(&left, &right, f64::powf)?,
    }))
}

fn no_numbers() -> ArrowError {
    ArrowError::CastError("it is no column of numbers".to_owned())
}

/// How floating-point numbers compare with others, as in SQL: both zeros are one value, and NaN is above all others.
fn pairs(left: &[f64], right: &[f64], comparison: Comparison) -> BooleanBuffer {
    fn where_holds(left: &[f64], right: &[f64], holds: impl Fn(f64, f64) -> bool) -> BooleanBuffer {
        let word = |(left, right): (&[f64], &[f64])| {
            left.iter()
                .zip(right)
                .enumerate()
                .fold(0, |word, (at, (left, right))| word | (u64::from(holds(*left, *right)) << at))
        };
        bits(left.chunks(WORD).zip(right.chunks(WORD)).map(word), left.len())
    }
    let is_more = |left: f64, right: f64| left > right || left.is_nan() && !right.is_nan();
    match comparison {
        Comparison::Less => where_holds(left, right, |left, right| is_more(right, left)),
        Comparison::AtMost => where_holds(left, right, |left, right| !is_more(left, right)),
        Comparison::Equal => where_holds(left, right, |left, right| left == right || left.is_nan() && right.is_nan()),
        Comparison::AtLeast => where_holds(left, right, |left, right| !is_more(right, left)),
        Comparison::More => where_holds(left, right, is_more),
    }
}
