//! A random sample of rows of which nobody knows how many come.

use std::collections::{BinaryHeap, HashSet};

use arrow::array::{RecordBatch, RecordBatchReader, UInt64Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use datafolio_core::random::SplitMix;
use datafolio_handlers::concat_rows;

/// Rows that were given up are held until there are so many more than those that are not.
const GIVEN_UP: usize = 4_096;

/// Draws so many rows of a stream, each as likely as any other, in their order; all where there are fewer. Memory holds some
/// twice as many, and a batch.
///
/// # Errors
/// Those of the stream.
pub(super) fn draw_rows(
    rows: Box<dyn RecordBatchReader + Send>,
    wanted: usize,
    seed: u64,
) -> Result<RecordBatch, ArrowError> {
    let mut reservoir = Reservoir {
        schema: rows.schema(),
        wanted,
        random: SplitMix::new(seed),
        drawn: BinaryHeap::new(),
        held: Vec::new(),
        held_rows: 0,
        come: 0,
    };
    for batch in rows {
        reservoir.add(&batch?)?;
    }
    reservoir.give_up()?;
    match reservoir.held.pop() {
        Some((_, batch)) => Ok(batch),
        None => Ok(RecordBatch::new_empty(reservoir.schema)),
    }
}

/// Every row gets a random number, and those with the least numbers are drawn.
struct Reservoir {
    schema: SchemaRef,
    wanted: usize,
    random: SplitMix,
    /// Number and place of the rows that are drawn so far, the one with the greatest number first.
    drawn: BinaryHeap<(u64, u64)>,
    /// Rows that are or were drawn, in their order, with their places.
    held: Vec<(Vec<u64>, RecordBatch)>,
    held_rows: usize,
    /// How many rows have come.
    come: u64,
}

impl Reservoir {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let first = self.come;
        self.come += batch.num_rows() as u64;
        let mut places = Vec::new();
        for place in first..self.come {
            let row = (self.random.draw(), place);
            if self.drawn.len() >= self.wanted {
                if self.drawn.peek().is_none_or(|greatest| row >= *greatest) {
                    continue;
                }
                self.drawn.pop();
            }
            self.drawn.push(row);
            places.push(place);
        }
        if places.is_empty() {
            return Ok(());
        }
        let rows = UInt64Array::from_iter_values(places.iter().map(|place| place - first));
        self.held_rows += places.len();
        self.held.push((places, take_record_batch(batch, &rows)?));
        if self.held_rows > self.wanted.saturating_mul(2).saturating_add(GIVEN_UP) {
            self.give_up()?;
        }
        Ok(())
    }

    /// Puts the rows that are drawn together, and lets the others go.
    fn give_up(&mut self) -> Result<(), ArrowError> {
        let drawn: HashSet<u64> = self.drawn.iter().map(|(_, place)| *place).collect();
        let (mut places, mut batches) = (Vec::new(), Vec::new());
        for (of_batch, batch) in self.held.drain(..) {
            let kept = of_batch.iter().enumerate().filter(|(_, place)| drawn.contains(place));
            let rows = UInt64Array::from_iter_values(kept.clone().map(|(row, _)| row as u64));
            places.extend(kept.map(|(_, place)| *place));
            batches.push(take_record_batch(&batch, &rows)?);
        }
        self.held_rows = places.len();
        if !batches.is_empty() {
            self.held.push((places, concat_rows(&self.schema, &batches)?));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatchIterator};
    use arrow::datatypes::Int64Type;

    use super::*;

    /// The numbers from 0 to `rows`, in batches of so many.
    fn numbers(rows: i64, batch_rows: usize) -> Box<dyn RecordBatchReader + Send> {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
        let batch = RecordBatch::try_from_iter([("n", column)]).unwrap();
        let starts = (0..batch.num_rows()).step_by(batch_rows);
        let batches: Vec<_> =
            starts.map(|start| Ok(batch.slice(start, batch_rows.min(batch.num_rows() - start)))).collect();
        Box::new(RecordBatchIterator::new(batches, batch.schema()))
    }

    fn drawn(rows: i64, batch_rows: usize, wanted: usize, seed: u64) -> Vec<i64> {
        let batch = draw_rows(numbers(rows, batch_rows), wanted, seed).unwrap();
        batch.column(0).as_primitive::<Int64Type>().values().to_vec()
    }

    #[test]
    fn the_seed_alone_decides_and_rows_keep_their_order() {
        let sample = drawn(50_000, 1_000, 100, 7);
        assert_eq!(sample.len(), 100);
        assert!(sample.windows(2).all(|pair| pair[0] < pair[1]), "{sample:?}");
        assert_eq!(drawn(50_000, 17, 100, 7), sample, "however they come");
        assert_ne!(drawn(50_000, 1_000, 100, 8), sample);
        assert_eq!(drawn(30, 7, 100, 1), (0..30).collect::<Vec<_>>());
        assert!(drawn(30, 7, 0, 1).is_empty() && drawn(0, 7, 5, 1).is_empty());
    }

    /// A chi-square test over ten parts of the rows: 27.9 is exceeded once in a thousand seeds, and these are fixed.
    #[test]
    fn each_row_is_as_likely_as_any_other() {
        let mut counts = [0.0_f64; 10];
        for seed in 0..200 {
            for number in drawn(1_000, 64, 50, seed) {
                counts[number as usize / 100] += 1.0;
            }
        }
        let off: f64 = counts.iter().map(|count| (count - 1_000.0).powi(2) / 1_000.0).sum();
        assert!(off < 27.9, "{counts:?}");
    }

    #[test]
    fn what_is_held_does_not_grow_with_the_rows() {
        let mut reservoir = Reservoir {
            schema: numbers(1, 1).schema(),
            wanted: 10,
            random: SplitMix::new(3),
            drawn: BinaryHeap::new(),
            held: Vec::new(),
            held_rows: 0,
            come: 0,
        };
        for batch in numbers(400_000, 20_000) {
            reservoir.add(&batch.unwrap()).unwrap();
            assert!(reservoir.held_rows <= 2 * 10 + GIVEN_UP && reservoir.drawn.len() == 10);
        }
    }
}
