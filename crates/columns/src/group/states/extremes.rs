//! The least and the greatest value of each group, of anything that has an order.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, FixedSizeListArray};
use arrow::datatypes::Field;

use crate::block::{Lane, Number, TextBuilder, Values, YES, array_of_lane, with_numbers};
use crate::error::{ColumnsError, ColumnsResult};
use crate::group::column::{bits_of, values_of_bits};
use crate::group::state::{GroupState, GroupView, same_state, wanted};
use crate::types::Type;

/// Which of the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extreme {
    Least,
    Greatest,
    /// The least and the greatest, in a list of two.
    Both,
}

/// The extremes of values that are neither missing nor NaN.
#[derive(Debug)]
pub(crate) struct Extremes {
    extreme: Extreme,
    type_: Type,
    kept: Kept,
}

/// The least and the greatest text.
type TextPair = Option<(Box<[u8]>, Box<[u8]>)>;

#[derive(Debug)]
enum Kept {
    /// Ordered bits: the least, and the opposite of the greatest, so that both only fall; and whether there is any.
    Bits(Vec<(u64, u64)>, Vec<bool>),
    Texts(Vec<TextPair>),
}

impl Extremes {
    pub(crate) fn new(extreme: Extreme, type_: &Type) -> ColumnsResult<Self> {
        if !type_.is_ordered() && *type_ != Type::Null {
            return Err(ColumnsError::option(format!("there is no least or greatest of {type_} by group")));
        }
        let kept = match type_ {
            Type::Text => Kept::Texts(Vec::new()),
            _ => Kept::Bits(Vec::new(), Vec::new()),
        };
        Ok(Self { extreme, type_: type_.clone(), kept })
    }

    fn values(&self, greatest: bool) -> ColumnsResult<ArrayRef> {
        let (values, valid): (Values<'_>, Vec<u8>) = match &self.kept {
            Kept::Bits(bits, seen) => {
                let chosen = bits.iter().map(|(least, other)| if greatest { !other } else { *least });
                let chosen = chosen.zip(seen).map(|(bits, seen)| if *seen { bits } else { 0 });
                (values_of_bits(&self.type_, chosen), seen.iter().map(|seen| if *seen { YES } else { 0 }).collect())
            }
            Kept::Texts(texts) => {
                let mut builder = TextBuilder::with_capacity(texts.len(), 0);
                for text in texts {
                    let text = text.as_ref().map(|(least, most)| if greatest { most } else { least });
                    builder.push_with(|bytes| bytes.extend_from_slice(text.map_or(&[][..], |text| text)));
                }
                (
                    Values::Text(builder.finish()),
                    texts.iter().map(|text| if text.is_some() { YES } else { 0 }).collect(),
                )
            }
        };
        let rows = valid.len();
        array_of_lane(Lane::with_valid(values, Some(valid.into())), rows, &self.type_)
    }
}

fn add<T: Number>(bits: &mut [(u64, u64)], seen: &mut [bool], values: &[T], groups: &[u32], mask: Option<&[u8]>) {
    for (row, (value, group)) in values.iter().zip(groups).enumerate() {
        if !value.is_number() || mask.is_some_and(|mask| mask.get(row) != Some(&YES)) {
            continue;
        }
        if let (Some(kept), Some(seen)) = (bits.get_mut(*group as usize), seen.get_mut(*group as usize)) {
            let value = bits_of(*value);
            kept.0 = kept.0.min(value);
            kept.1 = kept.1.min(!value);
            *seen = true;
        }
    }
}

fn add_text(kept: &mut TextPair, text: &[u8]) {
    match kept {
        None => *kept = Some((text.into(), text.into())),
        Some((least, most)) => {
            if text < &**least {
                *least = text.into();
            }
            if text > &**most {
                *most = text.into();
            }
        }
    }
}

impl GroupState for Extremes {
    fn grow(&mut self, groups: usize) {
        match &mut self.kept {
            Kept::Bits(bits, seen) => {
                bits.resize(groups, (u64::MAX, u64::MAX));
                seen.resize(groups, false);
            }
            Kept::Texts(texts) => texts.resize(groups, None),
        }
    }

    fn update(&mut self, view: &GroupView<'_, '_>) -> ColumnsResult<()> {
        let Some(lane) = view.lanes.first() else { return Ok(()) };
        let mask = view.valid(lane);
        match (&mut self.kept, &lane.values) {
            (Kept::Bits(bits, seen), Values::Bool(values)) => {
                add::<u8>(bits, seen, values, view.groups, mask.as_deref())
            }
            (Kept::Bits(bits, seen), values) => {
                with_numbers!(values, values => add(bits, seen, values, view.groups, mask.as_deref()), _ => {});
            }
            (Kept::Texts(kept), Values::Text(texts)) => {
                for (row, group) in view.groups.iter().enumerate() {
                    if mask.as_ref().is_some_and(|mask| mask.get(row) != Some(&YES)) {
                        continue;
                    }
                    if let (Some(kept), Some(text)) = (kept.get_mut(*group as usize), texts.bytes(row)) {
                        add_text(kept, text);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn merge(&mut self, other: &mut dyn GroupState, mapping: &[u32]) -> ColumnsResult<()> {
        let other = same_state::<Self>(other)?;
        match (&mut self.kept, &mut other.kept) {
            (Kept::Bits(bits, seen), Kept::Bits(others, theirs)) => {
                for (there, here) in wanted(mapping) {
                    if let (Some(kept), Some(other)) = (bits.get_mut(here), others.get(there)) {
                        *kept = (kept.0.min(other.0), kept.1.min(other.1));
                    }
                    if let (Some(seen), Some(other)) = (seen.get_mut(here), theirs.get(there)) {
                        *seen |= other;
                    }
                }
            }
            (Kept::Texts(texts), Kept::Texts(others)) => {
                for (there, here) in wanted(mapping) {
                    if let (Some(kept), Some(Some((least, most)))) = (texts.get_mut(here), others.get(there)) {
                        add_text(kept, least);
                        add_text(kept, most);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self) -> ColumnsResult<Vec<ArrayRef>> {
        Ok(vec![match self.extreme {
            Extreme::Least => self.values(false)?,
            Extreme::Greatest => self.values(true)?,
            Extreme::Both => {
                let (least, most) = (self.values(false)?, self.values(true)?);
                let groups = least.len();
                let both = arrow::compute::concat(&[&least, &most])?;
                let places = (0..groups as u64).flat_map(|group| [group, group + groups as u64]);
                let places = arrow::array::UInt64Array::from_iter_values(places);
                let both = arrow::compute::take(&both, &places, None)?;
                let nulls = least.nulls().cloned();
                let field = Arc::new(Field::new("item", both.data_type().clone(), true));
                Arc::new(FixedSizeListArray::try_new(field, 2, both, nulls)?)
            }
        }])
    }

    fn memory(&self) -> usize {
        match &self.kept {
            Kept::Bits(bits, seen) => bits.capacity() * 16 + seen.capacity(),
            Kept::Texts(texts) => {
                texts.iter().flatten().map(|(a, b)| a.len() + b.len() + 64).sum::<usize>() + texts.capacity() * 32
            }
        }
    }
}
