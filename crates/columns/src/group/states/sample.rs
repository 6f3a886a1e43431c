//! Quantiles of each group by a sample of its rows.
//!
//! The sample of a group has the rows whose numbers have the least hashes. Which these are depends on neither the threads nor the order in
//! which rows come, nor on whether rows were written to files in between: the same rows always give the same answer. The digests that
//! answer for all rows at once depend on what is put into them together, and there would be one for each group and stretch of rows.

use arrow::array::ArrayRef;

use super::quantiles::Shares;
use crate::block::{Number, Values, YES, with_numbers};
use crate::error::ColumnsResult;
use crate::group::column::{bits_of, mix};
use crate::group::state::{GroupState, GroupView, same_state, wanted};
use crate::types::Type;

/// Rows of a sample. A quantile is off by 0.6 % of the ranks or less in two cases of three in the middle, and by less at the ends; groups
/// of no more rows are answered exactly.
const ROWS: usize = 1 << 13;

/// Samples of the values of each group that are neither missing nor NaN.
#[derive(Debug)]
pub(crate) struct Sampled {
    shares: Shares,
    type_: Type,
    groups: Vec<Sample>,
}

#[derive(Debug, Clone)]
struct Sample {
    /// Hashes of rows with the ordered bits of their values: at most twice as many as are wanted.
    kept: Vec<(u64, u64)>,
    /// Rows with greater hashes are none of the sample.
    greatest: u64,
    /// The least and the greatest value, which are exact.
    extremes: Option<(u64, u64)>,
}

impl Default for Sample {
    fn default() -> Self {
        Self { kept: Vec::new(), greatest: u64::MAX, extremes: None }
    }
}

impl Sample {
    #[inline(always)]
    fn add(&mut self, hash: u64, bits: u64) {
        let (least, most) = self.extremes.unwrap_or((bits, bits));
        self.extremes = Some((least.min(bits), most.max(bits)));
        self.keep(hash, bits);
    }

    #[inline(always)]
    fn keep(&mut self, hash: u64, bits: u64) {
        if hash <= self.greatest {
            self.kept.push((hash, bits));
            if self.kept.len() >= 2 * ROWS {
                self.prune();
            }
        }
    }

    /// Leaves the rows with the least hashes.
    #[cold]
    #[inline(never)]
    fn prune(&mut self) {
        if self.kept.len() > ROWS {
            let (_, last, _) = self.kept.select_nth_unstable(ROWS - 1);
            self.greatest = last.0;
            self.kept.truncate(ROWS);
        }
    }

    fn join(&mut self, other: &Self) {
        self.extremes = match (self.extremes, other.extremes) {
            (None, one) | (one, None) => one,
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        };
        other.kept.iter().for_each(|(hash, bits)| self.keep(*hash, *bits));
    }

    /// The values of the sample, of which the ends are those of all rows.
    fn values(&mut self) -> Vec<u64> {
        self.prune();
        let mut values: Vec<u64> = self.kept.iter().map(|(_, bits)| *bits).collect();
        values.sort_unstable();
        if let (Some((least, most)), [first, .., last]) = (self.extremes, values.as_mut_slice()) {
            (*first, *last) = (least, most);
        }
        values
    }
}

impl Sampled {
    pub(crate) fn new(shares: Shares, type_: &Type) -> ColumnsResult<Self> {
        shares.check(type_)?;
        Ok(Self { shares, type_: type_.clone(), groups: Vec::new() })
    }

    fn take<T: Number>(&mut self, values: &[T], mask: Option<&[u8]>, view: &GroupView<'_, '_>) {
        for (row, (value, group)) in values.iter().zip(view.groups).enumerate() {
            if !value.is_number() || mask.is_some_and(|mask| mask.get(row) != Some(&YES)) {
                continue;
            }
            if let Some(sample) = self.groups.get_mut(*group as usize) {
                // Twice, as the numbers of rows that follow each other differ in few bits.
                sample.add(mix(mix(view.rows.get(row))), bits_of(*value));
            }
        }
    }
}

impl GroupState for Sampled {
    fn grow(&mut self, groups: usize) {
        self.groups.resize(groups, Sample::default());
    }

    fn update(&mut self, view: &GroupView<'_, '_>) -> ColumnsResult<()> {
        let Some(lane) = view.lanes.first() else { return Ok(()) };
        let mask = view.valid(lane);
        match &lane.values {
            Values::Bool(values) => self.take::<u8>(values, mask.as_deref(), view),
            values => with_numbers!(values, values => self.take(values, mask.as_deref(), view), _ => {}),
        }
        Ok(())
    }

    fn merge(&mut self, other: &mut dyn GroupState, mapping: &[u32]) -> ColumnsResult<()> {
        let other = same_state::<Self>(other)?;
        for (there, here) in wanted(mapping) {
            if let (Some(sample), Some(other)) = (self.groups.get_mut(here), other.groups.get(there)) {
                sample.join(other);
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> ColumnsResult<Vec<ArrayRef>> {
        let mut values: Vec<Vec<u64>> = self.groups.iter_mut().map(Sample::values).collect();
        Ok(vec![self.shares.of_groups(values.iter_mut().map(Vec::as_mut_slice), &self.type_)?])
    }

    fn memory(&self) -> usize {
        // Half as much again is taken for the values that are sorted.
        let kept: usize = self.groups.iter().map(|sample| sample.kept.capacity() * 24).sum();
        kept + self.groups.capacity() * size_of::<Sample>()
    }
}
