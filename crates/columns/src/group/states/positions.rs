//! The first and the last value of each group, in the order of the rows or of another lane.

use arrow::array::ArrayRef;

use crate::block::{Lane, Number, TextBuilder, Values, YES, array_of_lane, with_numbers};
use crate::error::{ColumnsError, ColumnsResult};
use crate::group::column::{bits_of, values_of_bits};
use crate::group::state::{GroupState, GroupView, same_state, wanted};
use crate::types::Type;

/// Which of the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    First,
    Last,
}

/// The first or the last value that is neither missing nor NaN. Of rows that are equal in the order, the first or the last row.
#[derive(Debug)]
pub(crate) struct Positions {
    position: Position,
    type_: Type,
    kept: Vec<Option<Kept>>,
}

#[derive(Debug, Clone)]
struct Kept {
    /// What it is ordered by, and the row. Of the last, the opposites, so that the least is wanted.
    at: (u64, u64),
    value: u64,
    text: Box<[u8]>,
}

impl Positions {
    /// For values of a type, in the order of values of another if there is one, which must be no texts.
    pub(crate) fn new(position: Position, type_: &Type, order: Option<&Type>) -> ColumnsResult<Self> {
        if let Some(order) = order.filter(|order| !order.is_ordered() || **order == Type::Text) {
            return Err(ColumnsError::option(format!("rows are ordered by numbers and instants, and this is {order}")));
        }
        if !type_.is_ordered() && *type_ != Type::Null {
            return Err(ColumnsError::option(format!("there is no first or last of {type_} by group")));
        }
        Ok(Self { position, type_: type_.clone(), kept: Vec::new() })
    }
}

/// The ordered bits of each value, none where it is missing or NaN.
fn bits_of_rows(lane: &Lane<'_>, rows: usize) -> Vec<Option<u64>> {
    fn all<T: Number>(values: &[T]) -> Vec<Option<u64>> {
        values.iter().map(|value| value.is_number().then(|| bits_of(*value))).collect()
    }
    let mut bits = match &lane.values {
        Values::Bool(values) => all::<u8>(values),
        Values::Text(_) => vec![Some(0); rows],
        values => with_numbers!(values, values => all(values), _ => vec![None; rows]),
    };
    if let Some(valid) = &lane.valid {
        bits.iter_mut().zip(valid.iter()).filter(|(_, valid)| **valid != YES).for_each(|(bits, _)| *bits = None);
    }
    bits
}

impl GroupState for Positions {
    fn grow(&mut self, groups: usize) {
        self.kept.resize(groups, None);
    }

    fn update(&mut self, view: &GroupView<'_, '_>) -> ColumnsResult<()> {
        let Some(lane) = view.lanes.first() else { return Ok(()) };
        let rows = view.groups.len();
        let values = bits_of_rows(lane, rows);
        let order = view.lanes.get(1).map(|order| bits_of_rows(order, rows));
        for (row, (group, value)) in view.groups.iter().zip(values).enumerate() {
            let Some(value) = value.filter(|_| view.counts(row)) else { continue };
            let by = match &order {
                None => 0,
                Some(order) => match order.get(row) {
                    Some(Some(by)) => *by,
                    _ => continue,
                },
            };
            let at = (by, view.rows.get(row));
            let at = if self.position == Position::Last { (!at.0, !at.1) } else { at };
            let Some(kept) = self.kept.get_mut(*group as usize) else { continue };
            if kept.as_ref().is_none_or(|kept| at < kept.at) {
                let text = match &lane.values {
                    Values::Text(texts) => texts.bytes(row).unwrap_or_default().into(),
                    _ => Box::default(),
                };
                *kept = Some(Kept { at, value, text });
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: &mut dyn GroupState, mapping: &[u32]) -> ColumnsResult<()> {
        let other = same_state::<Self>(other)?;
        for (there, here) in wanted(mapping) {
            let Some(theirs) = other.kept.get_mut(there).and_then(Option::take) else { continue };
            if let Some(kept) = self.kept.get_mut(here)
                && kept.as_ref().is_none_or(|kept| theirs.at < kept.at)
            {
                *kept = Some(theirs);
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> ColumnsResult<Vec<ArrayRef>> {
        let valid: Vec<u8> = self.kept.iter().map(|kept| if kept.is_some() { YES } else { 0 }).collect();
        let values = if self.type_ == Type::Text {
            let mut builder = TextBuilder::with_capacity(self.kept.len(), 0);
            for kept in &self.kept {
                builder.push_with(|bytes| bytes.extend_from_slice(kept.as_ref().map_or(&[][..], |kept| &kept.text)));
            }
            Values::Text(builder.finish())
        } else {
            values_of_bits(&self.type_, self.kept.iter().map(|kept| kept.as_ref().map_or(0, |kept| kept.value)))
        };
        Ok(vec![array_of_lane(Lane::with_valid(values, Some(valid.into())), self.kept.len(), &self.type_)?])
    }

    fn memory(&self) -> usize {
        let texts: usize = self.kept.iter().flatten().map(|kept| kept.text.len()).sum();
        self.kept.capacity() * size_of::<Option<Kept>>() + texts
    }
}
