//! Values with how often each occurs, in an order, and as a table.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};

use crate::aggregate::bits::{value_of_bits, values_of_bits};
use crate::aggregate::request::Keep;
use crate::block::{Lane, TextBuilder, Values, YES, array_of_lane};
use crate::error::ColumnsResult;
use crate::types::Type;
use crate::value::Value;

/// Every value with its count.
#[derive(Debug)]
pub(super) struct Entries {
    pub(super) keys: Keys,
    pub(super) missing: u64,
    /// The bits of NaN, if there is one.
    pub(super) nan: Option<u64>,
}

/// Values with their counts: numbers by their bits, or texts.
#[derive(Debug)]
pub(super) enum Keys {
    Numbers(Vec<(u64, u64)>),
    Texts(Vec<(Box<str>, u64)>),
}

/// The order of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// The least value first, NaN behind all numbers, missing last.
    Value,
    /// The most frequent first; of the same count, the least value.
    MostFrequent,
    /// The least frequent first; of the same count, the least value.
    LeastFrequent,
}

impl Entries {
    /// Leaves out what does not count as a value.
    pub(super) fn keep(mut self, keep: Keep) -> Self {
        if !keep.missing {
            self.missing = 0;
        }
        if let (false, Some(nan), Keys::Numbers(numbers)) = (keep.nan, self.nan, &mut self.keys) {
            numbers.retain(|(bits, _)| *bits != nan);
        }
        self
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        usize::from(self.missing > 0)
            + match &self.keys {
                Keys::Numbers(numbers) => numbers.len(),
                Keys::Texts(texts) => texts.len(),
            }
    }

    /// In an order, at most so many.
    pub(super) fn sorted(self, order: Order, limit: Option<usize>) -> Sorted {
        let (keys, counts) = match self.keys {
            Keys::Numbers(numbers) => {
                let (keys, counts) = sorted(numbers, order);
                (SortedKeys::Numbers(keys), counts)
            }
            Keys::Texts(texts) => {
                let (keys, counts) = sorted(texts, order);
                (SortedKeys::Texts(keys), counts)
            }
        };
        let missing = (self.missing > 0).then(|| match order {
            Order::Value => counts.len(),
            Order::MostFrequent => counts.partition_point(|count| *count >= self.missing),
            Order::LeastFrequent => counts.partition_point(|count| *count <= self.missing),
        });
        Sorted { keys, counts, missing: missing.map(|at| (at, self.missing)), limit: limit.unwrap_or(usize::MAX) }
    }
}

fn sorted<K: Ord>(mut entries: Vec<(K, u64)>, order: Order) -> (Vec<K>, Vec<u64>) {
    match order {
        Order::Value => entries.sort_unstable_by(|a, b| a.0.cmp(&b.0)),
        Order::MostFrequent => entries.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0))),
        Order::LeastFrequent => entries.sort_unstable_by(|a, b| a.1.cmp(&b.1).then_with(|| a.0.cmp(&b.0))),
    }
    entries.into_iter().unzip()
}

/// Entries in an order.
#[derive(Debug)]
pub(super) struct Sorted {
    keys: SortedKeys,
    counts: Vec<u64>,
    /// Before which of them missing values stand, and how many those are.
    missing: Option<(usize, u64)>,
    limit: usize,
}

#[derive(Debug)]
enum SortedKeys {
    Numbers(Vec<u64>),
    Texts(Vec<Box<str>>),
}

impl Sorted {
    /// How many entries there are.
    fn len(&self) -> usize {
        (self.counts.len() + usize::from(self.missing.is_some())).min(self.limit)
    }

    /// The place of an entry among the values; none for missing ones.
    fn place(&self, at: usize) -> Option<usize> {
        match self.missing {
            Some((missing, _)) if at == missing => None,
            Some((missing, _)) if at > missing => Some(at - 1),
            _ => Some(at),
        }
    }

    fn places(&self) -> impl Iterator<Item = Option<usize>> + '_ {
        (0..self.len()).map(|at| self.place(at))
    }

    fn counts(&self) -> impl Iterator<Item = u64> + '_ {
        let missing = self.missing.map_or(0, |(_, count)| count);
        self.places().map(move |place| place.and_then(|place| self.counts.get(place).copied()).unwrap_or(missing))
    }

    /// The values with their counts.
    pub(super) fn values(&self, type_: &Type) -> Vec<(Value, u64)> {
        let values = self.places().map(|place| {
            let Some(place) = place else { return Value::Null };
            match &self.keys {
                SortedKeys::Numbers(bits) => bits.get(place).map_or(Value::Null, |bits| value_of_bits(*bits, type_)),
                SortedKeys::Texts(texts) => texts.get(place).map_or(Value::Null, |text| Value::from(&**text)),
            }
        });
        values.zip(self.counts()).collect()
    }

    /// The values as an array.
    fn array(&self, type_: &Type) -> ColumnsResult<ArrayRef> {
        let valid = self.missing.filter(|(at, _)| *at < self.len());
        let valid =
            valid.map(|_| self.places().map(|place| if place.is_some() { YES } else { 0 }).collect::<Vec<_>>().into());
        let values = match &self.keys {
            SortedKeys::Numbers(bits) => {
                let bits = self.places().map(|place| place.and_then(|place| bits.get(place).copied()).unwrap_or(0));
                values_of_bits(bits, type_)
            }
            SortedKeys::Texts(texts) => {
                let mut builder = TextBuilder::with_capacity(self.len(), 0);
                for place in self.places() {
                    builder.push(place.and_then(|place| texts.get(place)).map_or("", |text| text));
                }
                Values::Text(builder.finish())
            }
        };
        array_of_lane(Lane::with_valid(values, valid), self.len(), type_)
    }

    /// A table with the column `value`, and with `count` where it is asked for.
    pub(super) fn table(&self, type_: &Type, counts: bool) -> ColumnsResult<RecordBatch> {
        let values = self.array(type_)?;
        let mut fields = vec![Field::new("value", values.data_type().clone(), true)];
        let mut columns = vec![values];
        if counts {
            fields.push(Field::new("count", DataType::Int64, false));
            columns.push(Arc::new(Int64Array::from_iter_values(self.counts().map(|count| count as i64))));
        }
        Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
    }
}
