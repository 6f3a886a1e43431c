//! The value of the first or the last row, by the order of the rows or of an expression.

use std::cmp::Ordering;
use std::sync::Arc;

use super::masks::{mask_of, ones};
use super::summary::extremes;
use crate::block::{Lane, Number, Values, YES, with_numbers};
use crate::error::ColumnsResult;
use crate::pass::{BlockView, Outcome, Output, Sink};
use crate::types::Type;
use crate::value::Value;

/// The value of the first row, or of the last. Where there is a second lane, it is the order.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pub(crate) type_: Type,
    pub(crate) last: bool,
}

/// The best row of a thread.
#[derive(Debug)]
pub(crate) struct EndPart {
    order: Order,
    row: u64,
    value: Value,
}

/// Where a row stands by the order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    /// There is no order but that of the rows.
    None,
    Bits(u64),
    Text(Arc<str>),
}

impl End {
    /// Whether `a` comes before `b`, seen from the wanted end.
    fn before<T: Ord>(&self, a: &T, b: &T) -> bool {
        a.cmp(b) == if self.last { Ordering::Greater } else { Ordering::Less }
    }

    /// The best row of a block and its order; none where no row counts.
    fn best(&self, block: &BlockView<'_, '_>, order: Option<&Lane<'_>>) -> Option<(usize, Order)> {
        let Some(lane) = order else { return Some((self.outermost(block.rows, block.live)?, Order::None)) };
        let lane = lane.clone().spread(block.rows);
        let mask = mask_of(block, &lane);
        let mask = mask.as_deref();
        match &lane.values {
            Values::Text(texts) => {
                let rows = (0..texts.len()).filter(|row| mask.is_none_or(|mask| mask.get(*row) == Some(&YES)));
                let mut best: Option<(usize, &str)> = None;
                for row in rows {
                    let Some(text) = texts.get(row) else { continue };
                    let better = best.is_none_or(|(_, known)| self.before(&text, &known) || self.last && text == known);
                    if better {
                        best = Some((row, text));
                    }
                }
                best.map(|(row, text)| (row, Order::Text(text.into())))
            }
            Values::Bool(bytes) => self.best_number(&ones(bytes), mask),
            numbers => with_numbers!(numbers, values => self.best_number(values, mask), _ => None),
        }
    }

    fn best_number<T: Number>(&self, values: &[T], mask: Option<&[u8]>) -> Option<(usize, Order)> {
        let (least, greatest) = extremes(values, mask)?;
        let wanted = if self.last { greatest } else { least };
        let mut rows = values
            .iter()
            .enumerate()
            .filter(|(row, value)| **value == wanted && mask.is_none_or(|mask| mask.get(*row) == Some(&YES)));
        let row = if self.last { rows.next_back() } else { rows.next() };
        // Both zeros are the same.
        row.map(|(row, _)| (row, Order::Bits(super::distinct::key(wanted))))
    }

    fn outermost(&self, rows: usize, live: Option<&[u8]>) -> Option<usize> {
        match (live, self.last) {
            (None, false) => (rows > 0).then_some(0),
            (None, true) => rows.checked_sub(1),
            (Some(live), false) => live.iter().position(|byte| *byte == YES),
            (Some(live), true) => live.iter().rposition(|byte| *byte == YES),
        }
    }

    /// Whether a row with an order is better than what is known.
    fn better(&self, order: &Order, row: u64, known: Option<&EndPart>) -> bool {
        known.is_none_or(|known| match order.cmp(&known.order) {
            Ordering::Equal => self.before(&row, &known.row),
            _ => self.before(order, &known.order),
        })
    }
}

impl Sink for End {
    type Part = Option<EndPart>;

    fn start(&self) -> ColumnsResult<Self::Part> {
        Ok(None)
    }

    fn block(&self, part: &mut Self::Part, block: &BlockView<'_, '_>) -> ColumnsResult<()> {
        let [lane, order @ ..] = block.lanes else { return Ok(()) };
        // A thread takes blocks in the order of the rows.
        if order.is_empty() && !self.last && part.is_some() {
            return Ok(());
        }
        let Some((place, order)) = self.best(block, order.first()) else { return Ok(()) };
        let row = block.first_row + place as u64;
        if self.better(&order, row, part.as_ref()) {
            *part = Some(EndPart { order, row, value: lane.value(place, &self.type_) });
        }
        Ok(())
    }

    fn merge(&self, part: &mut Self::Part, other: Self::Part) -> ColumnsResult<()> {
        if let Some(other) = other.filter(|other| self.better(&other.order, other.row, part.as_ref())) {
            *part = Some(other);
        }
        Ok(())
    }

    fn finish(&self, part: Self::Part) -> ColumnsResult<Outcome> {
        Ok(Outcome::Done(Output::Value(part.map_or(Value::Null, |part| part.value))))
    }
}
