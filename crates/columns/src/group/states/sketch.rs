//! About how many different values each group has, by a sketch.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};

use crate::aggregate::{HyperLogLog, as_one, new_sketch};
use crate::block::{Number, Values, YES, with_numbers};
use crate::error::{ColumnsError, ColumnsResult};
use crate::group::column::{Distinct, bits_of};
use crate::group::state::{GroupState, GroupView, same_state, wanted};
use crate::types::Type;

/// A HyperLogLog for each group that has a value, which takes few bytes as long as there are few values.
#[derive(Debug)]
pub(crate) struct Sketched {
    groups: Vec<Option<Box<HyperLogLog>>>,
}

impl Sketched {
    pub(crate) fn new(type_: &Type) -> ColumnsResult<Self> {
        match Distinct::new(type_) {
            Some(_) => Ok(Self { groups: Vec::new() }),
            None => Err(ColumnsError::option(format!("different values of {type_} are not told apart"))),
        }
    }

    fn sketch(&mut self, group: u32) -> ColumnsResult<&mut HyperLogLog> {
        let Some(slot) = self.groups.get_mut(group as usize) else {
            return Err(ColumnsError::option("a group has no sketch; this is a defect of datafolio, please report it"));
        };
        Ok(match slot {
            Some(sketch) => sketch,
            none => none.insert(Box::new(new_sketch()?)),
        })
    }

    fn take<T: Number>(&mut self, values: &[T], groups: &[u32], mask: Option<&[u8]>) -> ColumnsResult<()> {
        for (row, (value, group)) in values.iter().zip(groups).enumerate() {
            if value.is_number() && mask.is_none_or(|mask| mask.get(row) == Some(&YES)) {
                self.sketch(*group)?.update(bits_of(*value));
            }
        }
        Ok(())
    }
}

impl GroupState for Sketched {
    fn grow(&mut self, groups: usize) {
        self.groups.resize(groups, None);
    }

    fn update(&mut self, view: &GroupView<'_, '_>) -> ColumnsResult<()> {
        let Some(lane) = view.lanes.first() else { return Ok(()) };
        let mask = view.valid(lane);
        let mask = mask.as_deref();
        match &lane.values {
            Values::Text(texts) => {
                for (row, group) in view.groups.iter().enumerate() {
                    if mask.is_none_or(|mask| mask.get(row) == Some(&YES)) {
                        self.sketch(*group)?.update(texts.bytes(row));
                    }
                }
                Ok(())
            }
            Values::Bool(values) => self.take::<u8>(values, view.groups, mask),
            values => with_numbers!(values, values => self.take(values, view.groups, mask), _ => Ok(())),
        }
    }

    fn merge(&mut self, other: &mut dyn GroupState, mapping: &[u32]) -> ColumnsResult<()> {
        let other = same_state::<Self>(other)?;
        for (there, here) in wanted(mapping) {
            let Some(theirs) = other.groups.get_mut(there).and_then(Option::take) else { continue };
            if let Some(slot) = self.groups.get_mut(here) {
                *slot = Some(match slot.take() {
                    None => theirs,
                    Some(own) => Box::new(as_one(&own, &theirs)?),
                });
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> ColumnsResult<Vec<ArrayRef>> {
        // The estimate that does not depend on the order in which values came.
        let number = |sketch: &HyperLogLog| sketch.composite_estimate().round() as i64;
        let counts = self.groups.iter().map(|sketch| sketch.as_ref().map_or(0, |sketch| number(sketch)));
        Ok(vec![Arc::new(Int64Array::from_iter_values(counts))])
    }

    fn memory(&self) -> usize {
        let sketches: usize = self.groups.iter().flatten().map(|sketch| sketch.estimated_size()).sum();
        sketches + self.groups.capacity() * size_of::<Option<Box<HyperLogLog>>>()
    }
}
