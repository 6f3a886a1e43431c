//! Numbers that are looked up in a list.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::buffer::{BooleanBuffer, ScalarBuffer};
use arrow::datatypes::{ArrowNativeType, DataType};
use arrow::error::ArrowError;
use foldhash::fast::RandomState;

use super::evaluate::{WORD, bits};

/// Bytes of a table of answers.
const NEAR: u64 = 1 << 16;

/// Numbers of one type: whole ones, days and moments, which are the same where their bytes are, or floating-point numbers.
#[derive(Debug, Clone)]
pub(super) enum Numbers {
    /// Not far from each other: whether each is one of them, from the least on.
    Near(i64, Arc<[u8]>),
    Far(Arc<HashSet<u64, RandomState>>),
}

impl Numbers {
    /// Floating-point numbers, of which none is NaN.
    pub(super) fn of_floats(constants: &[f64]) -> Self {
        Self::Far(Arc::new(constants.iter().copied().map(of_float).collect()))
    }

    /// Others, each as an array of the type that it is looked up in. `None` for types of other lengths than numbers have.
    pub(super) fn of_values(constants: &[ArrayRef]) -> Option<Self> {
        let one = |constant: &ArrayRef| match constant.data_type().primitive_width()? {
            1 => values::<i8>(constant)?.first().map(|value| i64::from(*value)),
            2 => values::<i16>(constant)?.first().map(|value| i64::from(*value)),
            4 => values::<i32>(constant)?.first().map(|value| i64::from(*value)),
            8 => values::<i64>(constant)?.first().copied(),
            _ => None,
        };
        let all: Vec<i64> = constants.iter().map(one).collect::<Option<_>>()?;
        let (least, most) = (*all.iter().min()?, *all.iter().max()?);
        let range = most.abs_diff(least);
        if range >= NEAR {
            return Some(Self::Far(Arc::new(all.into_iter().map(i64::cast_unsigned).collect())));
        }
        let mut is_one = vec![0; range as usize + 1];
        for value in all {
            *is_one.get_mut(value.abs_diff(least) as usize)? = 1;
        }
        Some(Self::Near(least, is_one.into()))
    }

    /// For which rows of a column it has one of them.
    pub(super) fn holds(&self, column: &ArrayRef) -> Result<BooleanArray, ArrowError> {
        let holds = match (column.data_type(), column.data_type().primitive_width()) {
            (DataType::Float64, _) => values::<f64>(column).map(|values| self.floats(&values)),
            (_, Some(1)) => values::<i8>(column).map(|values| self.whole(&values)),
            (_, Some(2)) => values::<i16>(column).map(|values| self.whole(&values)),
            (_, Some(4)) => values::<i32>(column).map(|values| self.whole(&values)),
            (_, Some(8)) => values::<i64>(column).map(|values| self.whole(&values)),
            _ => None,
        };
        let holds = holds.ok_or_else(|| ArrowError::CastError("it is no column of numbers".to_owned()))?;
        Ok(BooleanArray::new(holds, column.nulls().cloned()))
    }

    fn floats(&self, values: &[f64]) -> BooleanBuffer {
        match self {
            Self::Far(all) => where_one(values, |value| u64::from(all.contains(&of_float(value)))),
            Self::Near(..) => BooleanBuffer::new_unset(values.len()),
        }
    }

    fn whole<T: Copy + Into<i64>>(&self, values: &[T]) -> BooleanBuffer {
        match self {
            Self::Far(all) => where_one(values, |value| u64::from(all.contains(&value.into().cast_unsigned()))),
            Self::Near(least, is_one) => where_one(values, |value| {
                let at = value.into().wrapping_sub(*least).cast_unsigned();
                usize::try_from(at).ok().and_then(|at| is_one.get(at)).copied().map_or(0, u64::from)
            }),
        }
    }
}

/// The bytes of the values of a column, as numbers of that many.
fn values<T: ArrowNativeType>(column: &ArrayRef) -> Option<ScalarBuffer<T>> {
    let data = column.to_data();
    Some(ScalarBuffer::new(data.buffers().first()?.clone(), data.offset(), data.len()))
}

/// A bit for each value: 1 or 0.
fn where_one<T: Copy>(values: &[T], is_one: impl Fn(T) -> u64) -> BooleanBuffer {
    let word = |values: &[T]| values.iter().enumerate().fold(0, |word, (at, value)| word | is_one(*value) << at);
    bits(values.chunks(WORD).map(word), values.len())
}

/// Both zeros are one number.
fn of_float(value: f64) -> u64 {
    (value + 0.0).to_bits()
}
