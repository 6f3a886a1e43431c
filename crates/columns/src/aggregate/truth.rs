//! Whether a condition is true of any row, or of all.

use crate::block::{Values, YES};
use crate::error::ColumnsResult;
use crate::pass::{BlockView, Outcome, Output, Sink};
use crate::value::Value;

/// Whether a condition is true of any row, or of `all` for which it is known.
#[derive(Debug, Clone)]
pub(crate) struct Truth {
    pub(crate) all: bool,
}

impl Sink for Truth {
    /// Whether a row was found that decides it.
    type Part = bool;

    fn start(&self) -> ColumnsResult<bool> {
        Ok(false)
    }

    fn block(&self, part: &mut bool, block: &BlockView<'_, '_>) -> ColumnsResult<()> {
        let Some(lane) = block.lanes.first().filter(|_| !*part) else { return Ok(()) };
        let lane = lane.clone().spread(block.rows);
        let Values::Bool(bytes) = &lane.values else { return Ok(()) };
        let wanted = if self.all { 0 } else { YES };
        *part = match block.valid(&lane) {
            None => bytes.contains(&wanted),
            Some(mask) => bytes.iter().zip(&mask).any(|(byte, mask)| *byte == wanted && *mask == YES),
        };
        Ok(())
    }

    fn merge(&self, part: &mut bool, other: bool) -> ColumnsResult<()> {
        *part |= other;
        Ok(())
    }

    fn finish(&self, part: bool) -> ColumnsResult<Outcome> {
        Ok(Outcome::Done(Output::Value(Value::Bool(part != self.all))))
    }
}
