//! All values in the order of the rows.

use super::Keep;
use crate::block::YES;
use crate::error::{ColumnsError, ColumnsResult};
use crate::pass::{BlockView, Outcome, Output, Sink};
use crate::types::Type;
use crate::value::Value;

/// All values of a lane.
#[derive(Debug, Clone)]
pub(crate) struct All {
    pub(crate) type_: Type,
    /// Whether missing ones and NaN are among them.
    pub(crate) keep: Keep,
    /// Bytes that a thread may use.
    pub(crate) memory: u64,
}

/// The values of a thread, by the first row of their block.
#[derive(Debug, Default)]
pub(crate) struct AllPart {
    blocks: Vec<(u64, Vec<Value>)>,
    values: u64,
}

impl All {
    fn keeps(&self, value: &Value) -> bool {
        match value {
            Value::Null => self.keep.missing,
            Value::Float(value) if value.is_nan() => self.keep.nan,
            _ => true,
        }
    }
}

impl Sink for All {
    type Part = AllPart;

    fn start(&self) -> ColumnsResult<AllPart> {
        Ok(AllPart::default())
    }

    fn block(&self, part: &mut AllPart, block: &BlockView<'_, '_>) -> ColumnsResult<()> {
        let Some(lane) = block.lanes.first() else { return Ok(()) };
        let rows = (0..block.rows).filter(|row| block.live.is_none_or(|live| live.get(*row) == Some(&YES)));
        let values = rows.map(|row| lane.value(row, &self.type_));
        let values: Vec<Value> = values.filter(|value| self.keeps(value)).collect();
        part.values += values.len() as u64;
        part.blocks.push((block.first_row, values));
        if part.values * size_of::<Value>() as u64 > self.memory {
            return Err(ColumnsError::option(format!(
                "a list of all values takes more than the {} MiB that a thread may use; look at fewer rows with a filter, or allow more by \
                 the option `memory`",
                self.memory >> 20
            )));
        }
        Ok(())
    }

    fn merge(&self, part: &mut AllPart, other: AllPart) -> ColumnsResult<()> {
        part.blocks.extend(other.blocks);
        Ok(())
    }

    fn finish(&self, mut part: AllPart) -> ColumnsResult<Outcome> {
        part.blocks.sort_by_key(|(row, _)| *row);
        Ok(Outcome::Done(Output::Value(Value::List(part.blocks.into_iter().flat_map(|(_, values)| values).collect()))))
    }
}
