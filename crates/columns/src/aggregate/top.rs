//! The rows with the greatest or the least values, without sorting all.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt64Array};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Field, Schema};

use super::distinct::key;
use super::masks::{mask_of, ones};
use super::summary::extremes;
use crate::block::{Lane, Number, Values, YES, array_of_lane, with_numbers};
use crate::error::ColumnsResult;
use crate::pass::{BlockView, Outcome, Output, Sink};
use crate::types::Type;

/// Rows that a thread keeps beyond those that are wanted before it makes new arrays of them.
const SLACK: usize = 4096;

/// The rows with the greatest or least values of the first lane, with the values of all lanes.
#[derive(Debug, Clone)]
pub(crate) struct Top {
    pub(crate) count: usize,
    /// Whether the greatest values are wanted.
    pub(crate) descending: bool,
    /// The name and type of each lane.
    pub(crate) columns: Vec<(Arc<str>, Type)>,
}

/// The best rows of a thread.
#[derive(Debug, Default)]
pub(crate) struct TopPart {
    /// At most as many as are wanted.
    entries: Vec<Entry>,
    /// The values of rows that are or were among the best, column by column.
    pieces: Vec<Vec<ArrayRef>>,
    /// How many rows the pieces have.
    kept: usize,
    /// The worst of the entries, where there are as many as are wanted.
    threshold: Option<Key>,
}

/// A row.
#[derive(Debug, Clone)]
struct Entry {
    key: Key,
    row: u64,
    /// Where its values are.
    place: (usize, usize),
}

/// What rows are ordered by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Bits(u64),
    Text(Box<str>),
}

impl Top {
    /// The better one comes first.
    fn order<K: Ord + ?Sized>(&self, a: &K, b: &K) -> Ordering {
        if self.descending { b.cmp(a) } else { a.cmp(b) }
    }

    fn compare(&self, a: &Entry, b: &Entry) -> Ordering {
        self.order(&a.key, &b.key).then(a.row.cmp(&b.row))
    }

    /// The rows of a block that are better than the threshold, at most as many as are wanted.
    fn candidates(&self, block: &BlockView<'_, '_>, lane: &Lane<'_>, threshold: Option<&Key>) -> Vec<(Key, usize)> {
        let lane = lane.clone().spread(block.rows);
        let mask = mask_of(block, &lane);
        let mask = mask.as_deref();
        match &lane.values {
            Values::Text(texts) => {
                let mut found = Vec::new();
                for row in (0..texts.len()).filter(|row| mask.is_none_or(|mask| mask.get(*row) == Some(&YES))) {
                    let Some(text) = texts.get(row) else { continue };
                    let better = match threshold {
                        Some(Key::Text(known)) => self.order(text, &**known) == Ordering::Less,
                        _ => true,
                    };
                    if better {
                        found.push((text, row));
                    }
                }
                self.best(&mut found);
                found.into_iter().map(|(text, row)| (Key::Text(text.into()), row)).collect()
            }
            Values::Bool(bytes) => self.numbers(&ones(bytes), mask, threshold),
            numbers => with_numbers!(numbers, values => self.numbers(values, mask, threshold), _ => Vec::new()),
        }
    }

    fn numbers<T: Number>(&self, values: &[T], mask: Option<&[u8]>, threshold: Option<&Key>) -> Vec<(Key, usize)> {
        let threshold = match threshold {
            Some(Key::Bits(bits)) => Some(*bits),
            _ => None,
        };
        let better = |bits: u64| threshold.is_none_or(|known| self.order(&bits, &known) == Ordering::Less);
        // Most blocks have no row that is good enough, which a look at the best one tells.
        let Some((least, greatest)) = extremes(values, mask) else { return Vec::new() };
        if !better(key(if self.descending { greatest } else { least })) {
            return Vec::new();
        }
        let rows = values
            .iter()
            .enumerate()
            .filter(|(row, value)| value.is_number() && mask.is_none_or(|mask| mask.get(*row) == Some(&YES)));
        let mut found: Vec<(u64, usize)> =
            rows.map(|(row, value)| (key(*value), row)).filter(|(bits, _)| better(*bits)).collect();
        self.best(&mut found);
        found.into_iter().map(|(bits, row)| (Key::Bits(bits), row)).collect()
    }

    /// Keeps as many as are wanted.
    fn best<K: Ord>(&self, found: &mut Vec<(K, usize)>) {
        if found.len() > self.count {
            found.select_nth_unstable_by(self.count, |a, b| self.order(&a.0, &b.0).then(a.1.cmp(&b.1)));
            found.truncate(self.count);
        }
    }

    /// Keeps the best entries, and learns how good a row must be.
    fn prune(&self, part: &mut TopPart) -> ColumnsResult<()> {
        let Some(last) = self.count.checked_sub(1).filter(|last| part.entries.len() > *last) else { return Ok(()) };
        let (_, worst, _) = part.entries.select_nth_unstable_by(last, |a, b| self.compare(a, b));
        part.threshold = Some(worst.key.clone());
        part.entries.truncate(self.count);
        if part.kept > 4 * self.count + SLACK {
            let columns = self.gather(part)?;
            part.entries.iter_mut().enumerate().for_each(|(at, entry)| entry.place = (0, at));
            part.kept = part.entries.len();
            part.pieces = vec![columns];
        }
        Ok(())
    }

    /// The values of the entries, in their order.
    fn gather(&self, part: &TopPart) -> ColumnsResult<Vec<ArrayRef>> {
        let places: Vec<(usize, usize)> = part.entries.iter().map(|entry| entry.place).collect();
        let columns = self.columns.iter().enumerate();
        columns
            .map(|(column, (_, type_))| {
                let arrays: Vec<&dyn Array> =
                    part.pieces.iter().filter_map(|piece| piece.get(column)).map(|array| &**array).collect();
                if arrays.is_empty() {
                    return array_of_lane(Lane::new(Values::empty(type_, 0).unwrap_or(Values::Null)), 0, type_);
                }
                Ok(interleave(&arrays, &places)?)
            })
            .collect()
    }
}

/// The values of some rows.
fn rows_of<'a>(lane: &Lane<'a>, rows: &[usize]) -> Lane<'a> {
    if lane.constant {
        return lane.clone().spread(rows.len());
    }
    Lane::with_valid(lane.values.gathered(rows), lane.valid.as_ref().map(|valid| valid.gathered(rows)))
}

impl Sink for Top {
    type Part = TopPart;

    fn start(&self) -> ColumnsResult<TopPart> {
        Ok(TopPart::default())
    }

    fn block(&self, part: &mut TopPart, block: &BlockView<'_, '_>) -> ColumnsResult<()> {
        let Some(lane) = block.lanes.first().filter(|_| self.count > 0) else { return Ok(()) };
        let found = self.candidates(block, lane, part.threshold.as_ref());
        if found.is_empty() {
            return Ok(());
        }
        let rows: Vec<usize> = found.iter().map(|(_, row)| *row).collect();
        let lanes = block.lanes.iter().zip(&self.columns);
        let columns = lanes.map(|(lane, (_, type_))| array_of_lane(rows_of(lane, &rows), rows.len(), type_));
        part.pieces.push(columns.collect::<ColumnsResult<_>>()?);
        part.kept += rows.len();
        let piece = part.pieces.len() - 1;
        let entries = found.into_iter().enumerate();
        part.entries.extend(entries.map(|(at, (key, row))| Entry {
            key,
            row: block.first_row + row as u64,
            place: (piece, at),
        }));
        self.prune(part)
    }

    fn merge(&self, part: &mut TopPart, other: TopPart) -> ColumnsResult<()> {
        let before = part.pieces.len();
        part.pieces.extend(other.pieces);
        part.kept += other.kept;
        part.entries.extend(
            other.entries.into_iter().map(|entry| Entry { place: (entry.place.0 + before, entry.place.1), ..entry }),
        );
        self.prune(part)
    }

    fn finish(&self, mut part: TopPart) -> ColumnsResult<Outcome> {
        part.entries.sort_by(|a, b| self.compare(a, b));
        let columns = self.gather(&part)?;
        let rows = UInt64Array::from_iter_values(part.entries.iter().map(|entry| entry.row));
        let mut fields = vec![Field::new("row", DataType::UInt64, false)];
        let named = self.columns.iter().zip(&columns);
        fields.extend(named.map(|((name, _), array)| Field::new(&**name, array.data_type().clone(), true)));
        let arrays = std::iter::once(Arc::new(rows) as ArrayRef).chain(columns).collect();
        Ok(Outcome::Done(Output::Batch(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)))
    }
}
