//! Count, sum, mean, variance and higher moments of one lane by group: what is asked of the same values is gathered once.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, UInt64Array};

use super::floats::Sums;
use super::whole::{Counts, WholeSums};
use crate::aggregate::{Moment, Part};
use crate::block::{Buffer, Lane, Number, Values, YES, array_of_lane, with_numbers};
use crate::error::{ColumnsError, ColumnsResult};
use crate::group::state::{GroupState, GroupView, same_state, wanted};
use crate::types::Type;

/// The moments of a lane that are asked for.
#[derive(Debug)]
pub(crate) struct MomentState {
    moments: Vec<Moment>,
    /// Rows that the moments pass over, where all rows are asked for.
    passed_over: Option<Counts>,
    /// None of rows as such.
    type_: Option<Type>,
    groups: usize,
    counts: Option<Counts>,
    whole: Option<WholeSums>,
    floats: Option<Floats>,
}

/// Running sums up to the power that is needed.
#[derive(Debug)]
enum Floats {
    Sums(Sums<2>),
    Squares(Sums<4>),
    Powers(Sums<8>),
}

macro_rules! with_sums {
    ($floats:expr, $sums:ident => $body:expr) => {
        match $floats {
            Floats::Sums($sums) => $body,
            Floats::Squares($sums) => $body,
            Floats::Powers($sums) => $body,
        }
    };
}

impl MomentState {
    /// For values of a type, or for rows as such where there is none. With `rows` all rows are counted too, whatever their values are:
    /// an array behind those of the moments.
    pub(crate) fn new(moments: Vec<Moment>, type_: Option<Type>, rows: bool) -> ColumnsResult<Self> {
        let order = moments.iter().map(|moment| order_of(*moment)).max().unwrap_or(0);
        let sums = moments.iter().any(|moment| order_of(*moment) == 1);
        let count = moments.contains(&Moment::Count);
        let (mut counts, mut whole, mut floats) = (None, None, None);
        match &type_ {
            None => counts = Some(Counts::default()),
            Some(Type::Float32 | Type::Float64) => {
                floats = Some(match order {
                    0 | 1 => Floats::Sums(Sums::new()),
                    2 => Floats::Squares(Sums::new()),
                    _ => Floats::Powers(Sums::new()),
                });
            }
            Some(Type::Bool | Type::Int(_) | Type::Duration(_) | Type::Null) => {
                whole = sums.then(WholeSums::default);
                floats = match order {
                    0 | 1 => None,
                    2 => Some(Floats::Squares(Sums::new())),
                    _ => Some(Floats::Powers(Sums::new())),
                };
                counts = (count && whole.is_none() && floats.is_none()).then(Counts::default);
            }
            Some(Type::Instant(..)) if order <= 1 && !moments.contains(&Moment::Sum) => {
                whole = sums.then(WholeSums::default);
                counts = (!sums).then(Counts::default);
            }
            Some(_) if order == 0 => counts = Some(Counts::default()),
            Some(other) => {
                return Err(ColumnsError::option(format!(
                    "sums and what is made of them take numbers, and this is {other}; `count`, `min` and `nunique` take it"
                )));
            }
        }
        let passed_over = rows.then(Counts::default);
        Ok(Self { moments, passed_over, type_, groups: 0, counts, whole, floats })
    }

    /// How many rows of each group the moments have taken.
    fn taken(&mut self) -> Vec<u64> {
        if let Some(counts) = &mut self.counts {
            counts.counts().to_vec()
        } else if let Some(whole) = &self.whole {
            whole.sums().iter().map(|(_, count)| *count).collect()
        } else if let Some(floats) = &mut self.floats {
            with_sums!(floats, sums => sums.totals().iter().map(Part::count).collect())
        } else {
            Vec::new()
        }
    }

    /// How many rows each group has.
    fn rows(&mut self) -> Option<ArrayRef> {
        let passed_over = self.passed_over.as_mut()?.counts().to_vec();
        let rows = self.taken().into_iter().zip(passed_over).map(|(taken, other)| (taken + other) as i64);
        Some(Arc::new(Int64Array::from_iter_values(rows)))
    }

    fn value(&mut self, moment: Moment) -> ColumnsResult<ArrayRef> {
        let float = |part: &Part, value: f64| if part.count() == 0 { f64::NAN } else { value };
        let of_parts = |floats: &mut Option<Floats>, f: &dyn Fn(&Part) -> f64| -> Vec<f64> {
            let Some(floats) = floats else { return Vec::new() };
            with_sums!(floats, sums => sums.totals().iter().map(f).collect())
        };
        let floats = match moment {
            Moment::Count => {
                let counts = self.taken().into_iter().map(|count| count as i64);
                return Ok(Arc::new(Int64Array::from_iter_values(counts)));
            }
            Moment::Sum | Moment::Mean if self.whole.is_some() => return self.whole_value(moment),
            Moment::Sum => of_parts(&mut self.floats, &Part::float_sum),
            Moment::Mean => of_parts(&mut self.floats, &|part| float(part, part.float_sum() / part.count() as f64)),
            Moment::Variance(ddof) => of_parts(&mut self.floats, &|part| part.variance(ddof)),
            Moment::Deviation(ddof) => {
                let values = of_parts(&mut self.floats, &|part| part.variance(ddof).sqrt());
                if let Some(type_ @ Type::Duration(_)) = &self.type_ {
                    return ticks(values.iter().map(|value| value.is_finite().then(|| value.round() as i64)), type_);
                }
                values
            }
            Moment::Skew => of_parts(&mut self.floats, &|part| float(part, part.skew())),
            Moment::Kurtosis => of_parts(&mut self.floats, &|part| float(part, part.kurtosis())),
        };
        Ok(Arc::new(Float64Array::from(floats)))
    }

    fn whole_value(&self, moment: Moment) -> ColumnsResult<ArrayRef> {
        let sums = self.whole.as_ref().map(WholeSums::sums).unwrap_or_default();
        let type_ = self.type_.clone().unwrap_or(Type::Null);
        let narrow = |sum: i128| i64::try_from(sum).map_err(|_| too_large(sum));
        Ok(match (moment, &type_) {
            (Moment::Sum, Type::Int(int)) if !int.signed() => {
                let sums = sums.iter().map(|(sum, _)| u64::try_from(*sum).map_err(|_| too_large(*sum)));
                Arc::new(UInt64Array::from(sums.collect::<ColumnsResult<Vec<u64>>>()?))
            }
            (Moment::Sum, Type::Duration(_)) => {
                let sums: Vec<i64> = sums.iter().map(|(sum, _)| narrow(*sum)).collect::<ColumnsResult<_>>()?;
                ticks(sums.into_iter().map(Some), &type_)?
            }
            (Moment::Sum, _) => {
                let sums: Vec<i64> = sums.iter().map(|(sum, _)| narrow(*sum)).collect::<ColumnsResult<_>>()?;
                Arc::new(Int64Array::from(sums))
            }
            (_, Type::Instant(..) | Type::Duration(_)) => {
                // The mean tick, rounded down.
                let mean = |(sum, count): &(i128, u64)| (*count > 0).then(|| sum.div_euclid(i128::from(*count)) as i64);
                ticks(sums.iter().map(mean), &type_)?
            }
            _ => Arc::new(Float64Array::from_iter_values(sums.iter().map(|(sum, count)| match count {
                0 => f64::NAN,
                _ => *sum as f64 / *count as f64,
            }))),
        })
    }
}

fn order_of(moment: Moment) -> u32 {
    match moment {
        Moment::Count => 0,
        Moment::Sum | Moment::Mean => 1,
        Moment::Variance(_) | Moment::Deviation(_) => 2,
        Moment::Skew | Moment::Kurtosis => 3,
    }
}

fn too_large(sum: i128) -> ColumnsError {
    ColumnsError::option(format!(
        "the sum of a group is {sum}, which is beyond 64 bits; sum it as float64, with astype"
    ))
}

/// Ticks as instants or durations.
fn ticks(values: impl Iterator<Item = Option<i64>>, type_: &Type) -> ColumnsResult<ArrayRef> {
    let (mut ticks, mut valid) = (Vec::new(), Vec::new());
    for value in values {
        ticks.push(value.unwrap_or(0));
        valid.push(if value.is_some() { YES } else { 0 });
    }
    let rows = ticks.len();
    array_of_lane(Lane::with_valid(Values::I64(ticks.into()), Some(valid.into())), rows, type_)
}

/// Counts the rows that are not in the mask, and those with NaN where sums have taken `taken` of the others.
fn pass_over(counts: &mut Counts, groups: &[u32], mask: Option<&[u8]>, taken: Option<usize>, values: &Values<'_>) {
    if mask.is_none() && taken.is_none_or(|taken| taken == groups.len()) {
        return;
    }
    let mut passed: Vec<u8> = match mask {
        Some(mask) => mask.iter().map(|byte| !byte & YES).collect(),
        None => vec![0; groups.len()],
    };
    if taken.is_some() {
        with_numbers!(values, values => {
            for (passed, value) in passed.iter_mut().zip(values.iter()) {
                *passed |= if value.is_number() { 0 } else { YES };
            }
        }, _ => {});
    }
    counts.add(groups, Some(&passed));
}

impl GroupState for MomentState {
    fn grow(&mut self, groups: usize) {
        self.groups = groups;
        for counts in self.counts.iter_mut().chain(&mut self.passed_over) {
            counts.grow(groups);
        }
        if let Some(whole) = &mut self.whole {
            whole.grow(groups);
        }
        if let Some(floats) = &mut self.floats {
            with_sums!(floats, sums => sums.grow(groups));
        }
    }

    fn update(&mut self, view: &GroupView<'_, '_>) -> ColumnsResult<()> {
        let Some(lane) = view.lanes.first() else {
            if let Some(counts) = &mut self.counts {
                counts.add(view.groups, view.live);
            }
            return Ok(());
        };
        let owned = match (view.live, &lane.valid, &lane.values) {
            (_, None, Values::Null) | (Some(_), Some(_), _) => view.valid(lane),
            _ => None,
        };
        let mask = owned.as_deref().or(view.live).or(lane.valid.as_deref());
        if let Some(counts) = &mut self.counts {
            counts.add(view.groups, mask);
        }
        let mut taken = None;
        let bools;
        let values = match &lane.values {
            Values::Bool(bytes) => {
                let ones: Vec<u8> = bytes.iter().map(|byte| byte & 1).collect();
                bools = Values::U8(Buffer::from(ones));
                &bools
            }
            other => other,
        };
        with_numbers!(values, values => {
            if let Some(whole) = &mut self.whole {
                whole.add(values, view.groups, mask);
            }
            if let Some(floats) = &mut self.floats {
                taken = Some(with_sums!(floats, sums => sums.add(values, view.groups, mask)));
            }
        }, _ => {});
        if let Some(passed_over) = &mut self.passed_over {
            pass_over(passed_over, view.groups, mask, taken.filter(|_| self.whole.is_none()), values);
        }
        Ok(())
    }

    fn merge(&mut self, other: &mut dyn GroupState, mapping: &[u32]) -> ColumnsResult<()> {
        let other = same_state::<Self>(other)?;
        if let (Some(here), Some(there)) = (&mut self.counts, &mut other.counts) {
            here.merge(there, wanted(mapping));
        }
        if let (Some(here), Some(there)) = (&mut self.passed_over, &mut other.passed_over) {
            here.merge(there, wanted(mapping));
        }
        if let (Some(here), Some(there)) = (&mut self.whole, &other.whole) {
            here.merge(there, wanted(mapping));
        }
        match (&mut self.floats, &mut other.floats) {
            (Some(Floats::Sums(here)), Some(Floats::Sums(there))) => here.merge(there, wanted(mapping)),
            (Some(Floats::Squares(here)), Some(Floats::Squares(there))) => here.merge(there, wanted(mapping)),
            (Some(Floats::Powers(here)), Some(Floats::Powers(there))) => here.merge(there, wanted(mapping)),
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self) -> ColumnsResult<Vec<ArrayRef>> {
        let moments = self.moments.clone().into_iter().map(|moment| self.value(moment));
        let mut arrays = moments.collect::<ColumnsResult<Vec<_>>>()?;
        arrays.extend(self.rows());
        Ok(arrays)
    }

    fn memory(&self) -> usize {
        let counts: usize = self.counts.iter().chain(&self.passed_over).map(Counts::memory).sum();
        let whole = self.whole.as_ref().map_or(0, WholeSums::memory);
        counts + whole + self.floats.as_ref().map_or(0, |floats| with_sums!(floats, sums => sums.memory()))
    }
}
