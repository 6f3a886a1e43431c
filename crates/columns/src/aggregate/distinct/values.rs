//! The different values of a lane, and how often each occurs.

use super::Keep;
use super::entries::Order;
use super::tally::Tally;
use crate::error::ColumnsResult;
use crate::pass::{BlockView, Outcome, Output, Sink};
use crate::types::Type;
use crate::value::Value;

/// What is told of the different values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Report {
    /// How many there are.
    Number(Keep),
    /// All, as a list that rises.
    List(Keep),
    /// All, as a table that rises.
    Table(Keep),
    /// The most frequent one.
    Mode,
    /// All with their counts, as a table; the least frequent first where `ascending`, and at most so many.
    Counts { keep: Keep, ascending: bool, limit: Option<usize> },
    /// All with their counts, as a list of lists of two that rises.
    Pairs(Keep),
}

/// The different values of a lane.
#[derive(Debug, Clone)]
pub(crate) struct Distinct {
    pub(crate) type_: Type,
    pub(crate) report: Report,
    /// Bytes that a thread may use.
    pub(crate) memory: u64,
}

impl Sink for Distinct {
    type Part = Tally;

    fn start(&self) -> ColumnsResult<Tally> {
        Ok(Tally::new(&self.type_))
    }

    fn block(&self, part: &mut Tally, block: &BlockView<'_, '_>) -> ColumnsResult<()> {
        match block.lanes.first() {
            Some(lane) => part.add(block, lane, self.memory),
            None => Ok(()),
        }
    }

    fn merge(&self, part: &mut Tally, other: Tally) -> ColumnsResult<()> {
        part.join(other);
        Ok(())
    }

    fn finish(&self, part: Tally) -> ColumnsResult<Outcome> {
        let entries = part.entries(&self.type_);
        Ok(Outcome::Done(match self.report {
            Report::Number(keep) => Output::Value(Value::Int(entries.keep(keep).len() as i128)),
            Report::List(keep) => {
                let sorted = entries.keep(keep).sorted(Order::Value, None);
                Output::Value(Value::List(sorted.values(&self.type_).into_iter().map(|(value, _)| value).collect()))
            }
            Report::Table(keep) => {
                Output::Batch(entries.keep(keep).sorted(Order::Value, None).table(&self.type_, false)?)
            }
            Report::Mode => {
                let sorted = entries.keep(Keep::NEITHER).sorted(Order::MostFrequent, Some(1));
                Output::Value(sorted.values(&self.type_).into_iter().next().map_or(Value::Null, |(value, _)| value))
            }
            Report::Counts { keep, ascending, limit } => {
                let order = if ascending { Order::LeastFrequent } else { Order::MostFrequent };
                Output::Batch(entries.keep(keep).sorted(order, limit).table(&self.type_, true)?)
            }
            Report::Pairs(keep) => {
                let sorted = entries.keep(keep).sorted(Order::Value, None).values(&self.type_);
                let pair = |(value, count): (Value, u64)| Value::List(vec![value, Value::from(count)]);
                Output::Value(Value::List(sorted.into_iter().map(pair).collect()))
            }
        }))
    }
}
