//! Whether any or all of the values of each group are true.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};

use crate::block::{Values, YES};
use crate::error::{ColumnsError, ColumnsResult};
use crate::group::state::{GroupState, GroupView, same_state, wanted};
use crate::types::Type;

/// Any or all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Truth {
    Any,
    All,
}

/// Of values that are not missing: of none of them, any is false and all is true.
#[derive(Debug)]
pub(crate) struct TruthState {
    truth: Truth,
    /// Whether a value was found that settles it: a true one for any, a false one for all.
    settled: Vec<bool>,
}

impl TruthState {
    pub(crate) fn new(truth: Truth, type_: &Type) -> ColumnsResult<Self> {
        if !matches!(type_, Type::Bool | Type::Null) {
            return Err(ColumnsError::option(format!(
                "`any` and `all` take values that are true or false, and this is {type_}; compare it with something"
            )));
        }
        Ok(Self { truth, settled: Vec::new() })
    }
}

impl GroupState for TruthState {
    fn grow(&mut self, groups: usize) {
        self.settled.resize(groups, false);
    }

    fn update(&mut self, view: &GroupView<'_, '_>) -> ColumnsResult<()> {
        let Some(lane) = view.lanes.first() else { return Ok(()) };
        let Values::Bool(values) = &lane.values else { return Ok(()) };
        let mask = view.valid(lane);
        let settles = self.truth == Truth::Any;
        for (row, (value, group)) in values.iter().zip(view.groups).enumerate() {
            let there = mask.as_ref().is_none_or(|mask| mask.get(row) == Some(&YES));
            if let Some(settled) = self.settled.get_mut(*group as usize) {
                *settled |= there & ((*value == YES) == settles);
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: &mut dyn GroupState, mapping: &[u32]) -> ColumnsResult<()> {
        let other = same_state::<Self>(other)?;
        for (there, here) in wanted(mapping) {
            if let (Some(settled), Some(other)) = (self.settled.get_mut(here), other.settled.get(there)) {
                *settled |= other;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> ColumnsResult<Vec<ArrayRef>> {
        let any = self.truth == Truth::Any;
        let values: Vec<bool> = self.settled.iter().map(|settled| *settled == any).collect();
        Ok(vec![Arc::new(BooleanArray::from(values))])
    }

    fn memory(&self) -> usize {
        self.settled.capacity()
    }
}
