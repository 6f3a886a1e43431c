//! Quantiles of many groups, from the values of each.

use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeListArray, Float64Array};
use arrow::datatypes::Field;

use crate::block::{Lane, Number, Values, YES, array_of_lane};
use crate::error::{ColumnsError, ColumnsResult};
use crate::types::{Int, Type};

/// Which quantiles are wanted: one, or `several` as a list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shares {
    pub(crate) shares: Arc<[f64]>,
    pub(crate) several: bool,
}

/// Two values as ordered bits, and how far a quantile is from the first to the second.
type Neighbours = Option<(u64, u64, f64)>;

impl Shares {
    /// Refuses shares that are none, and types without quantiles.
    pub(super) fn check(&self, type_: &Type) -> ColumnsResult<()> {
        if let Some(share) = self.shares.iter().find(|share| !(0.0..=1.0).contains(*share)) {
            return Err(ColumnsError::option(format!("a quantile lies between 0 and 1, and {share} does not")));
        }
        let ticks = matches!(type_, Type::Duration(_) | Type::Instant(..));
        if !type_.is_number() && !ticks && !matches!(type_, Type::Bool | Type::Null) {
            return Err(ColumnsError::option(format!(
                "quantiles are of numbers, durations and instants, not of {type_}"
            )));
        }
        Ok(())
    }

    /// The quantiles of groups, of whose values each call gives those of the next, as ordered bits.
    pub(super) fn of_groups<'v>(
        &self,
        values: impl Iterator<Item = &'v mut [u64]>,
        type_: &Type,
    ) -> ColumnsResult<ArrayRef> {
        let (mut found, mut groups) = (Vec::new(), 0);
        for values in values {
            groups += 1;
            found.extend(self.shares.iter().map(|share| neighbours(values, *share)));
        }
        let values = between(&found, type_)?;
        if !self.several {
            return Ok(values);
        }
        let field = Arc::new(Field::new("item", values.data_type().clone(), true));
        let width = i32::try_from(self.shares.len())
            .map_err(|_| ColumnsError::option("there are too many quantiles for a list of them"))?;
        Ok(Arc::new(FixedSizeListArray::try_new_with_length(field, width, values, None, groups)?))
    }
}

/// The two values between which a quantile lies, and how far it is from the first to the second.
fn neighbours(values: &mut [u64], at: f64) -> Neighbours {
    let last = values.len().checked_sub(1)?;
    let place = at * last as f64;
    let below = (place.floor() as usize).min(last);
    let (_, lower, above) = values.select_nth_unstable(below);
    let lower = *lower;
    let upper = above.iter().copied().min().unwrap_or(lower);
    Some((lower, upper, place - below as f64))
}

/// The quantiles between neighbours. Of instants and durations, the tick before.
fn between(found: &[Neighbours], type_: &Type) -> ColumnsResult<ArrayRef> {
    if let Type::Instant(..) | Type::Duration(_) = type_ {
        let ticks = found.iter().map(|found| match found {
            Some((lower, upper, share)) => {
                let (lower, upper) = (i64::from_ordered_bits(*lower), i64::from_ordered_bits(*upper));
                lower.saturating_add(((i128::from(upper) - i128::from(lower)) as f64 * share).floor() as i64)
            }
            None => 0,
        });
        let ticks: Vec<i64> = ticks.collect();
        let valid: Vec<u8> = found.iter().map(|found| if found.is_some() { YES } else { 0 }).collect();
        return array_of_lane(Lane::with_valid(Values::I64(ticks.into()), Some(valid.into())), found.len(), type_);
    }
    let float = float_of_bits(type_);
    let floats = |lower: f64, upper: f64, share: f64| {
        // The same values need no difference, which is none of infinities.
        if share == 0.0 || lower == upper { lower } else { lower + (upper - lower) * share }
    };
    let values = found
        .iter()
        .map(|found| found.map_or(f64::NAN, |(lower, upper, share)| floats(float(lower), float(upper), share)));
    Ok(Arc::new(Float64Array::from_iter_values(values)))
}

/// How ordered bits of a type of numbers become float64.
fn float_of_bits(type_: &Type) -> fn(u64) -> f64 {
    fn float<T: Number>(bits: u64) -> f64 {
        T::from_ordered_bits(bits).float()
    }
    match type_ {
        Type::Bool => |bits| f64::from(u8::from(bits != 0)),
        Type::Int(Int::I8) => float::<i8>,
        Type::Int(Int::I16) => float::<i16>,
        Type::Int(Int::I32) => float::<i32>,
        Type::Int(Int::U8) => float::<u8>,
        Type::Int(Int::U16) => float::<u16>,
        Type::Int(Int::U32) => float::<u32>,
        Type::Int(Int::U64) => float::<u64>,
        Type::Float32 => float::<f32>,
        Type::Float64 => float::<f64>,
        _ => float::<i64>,
    }
}
