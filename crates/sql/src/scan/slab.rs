//! Some rows of a table, one after the other: which of them a condition holds for, and what is in these.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{BooleanArray, BooleanBufferBuilder, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, Field};

use super::kept::{Keeping, Kept};
use super::texts::Answers;
use super::{Rows, Scannable, Scanning, Stage};
use crate::fetch::{Fetched, failed, of_table};
use crate::reader::Stop;

/// Where one of so many rows is wanted or more of them, all are read, and the others left out.
const DENSE: u64 = 8;
/// Batches with fewer rows are put together...
const FEWEST: usize = 1 << 13;
/// ...up to so many bytes.
const MOST_BYTES: usize = 4 << 20;

/// Rows that are read together.
enum Asked {
    /// All of these.
    All(Range<u64>),
    /// Those of these numbers.
    Picked(Arc<[u64]>),
}

/// Rows that a condition holds for.
enum Found {
    None,
    /// Those of these numbers, of which some columns are known.
    Few(Arc<[u64]>, Kept),
    /// Of all of these those whose bits are set.
    Many(Range<u64>, BooleanBuffer),
}

impl Asked {
    fn count(&self) -> u64 {
        match self {
            Self::All(rows) => rows.end - rows.start,
            Self::Picked(numbers) => numbers.len() as u64,
        }
    }

    /// Whether so many of them are better read by their numbers than all.
    fn is_sparse(&self, count: u64) -> bool {
        match self {
            Self::All(rows) => count.saturating_mul(DENSE) < rows.end - rows.start,
            Self::Picked(_) => true,
        }
    }

    /// The numbers of those that were found among them.
    fn numbers(&self, found: &BooleanBuffer) -> Vec<u64> {
        match self {
            Self::All(rows) => found.set_indices().map(|at| rows.start + at as u64).collect(),
            Self::Picked(numbers) => found.set_indices().filter_map(|at| numbers.get(at).copied()).collect(),
        }
    }
}

impl Scanning {
    /// Gives the rows among these that the condition holds for to `give`, batch by batch, as long as it wants more; `false` when it does not.
    pub(super) fn slab(
        &self,
        rows: Range<u64>,
        give: impl FnMut(RecordBatch) -> Result<bool, Stop>,
    ) -> Result<bool, Stop> {
        match self.found(rows)? {
            Found::Few(numbers, kept) => {
                let columns = kept.beside(&self.scan.columns);
                Fetched { columns, ..self.given }.give(&numbers, give)
            }
            Found::Many(rows, found) => self.filtered(rows, &found, give),
            Found::None => Ok(true),
        }
    }

    /// How many of these rows the condition holds for.
    pub(super) fn count(&self, rows: Range<u64>) -> Result<u64, Stop> {
        Ok(match self.found(rows)? {
            Found::Few(numbers, _) => numbers.len() as u64,
            Found::Many(_, found) => found.count_set_bits() as u64,
            Found::None => 0,
        })
    }

    /// The rows among these that the condition holds for.
    fn found(&self, rows: Range<u64>) -> Result<Found, Stop> {
        let Some(mut asked) = self.in_question(rows) else { return Ok(Found::None) };
        let (mut found, mut kept): (Option<BooleanBuffer>, Kept) = (None, Kept::default());
        for (stage, columns) in self.scan.test.stages().iter().zip(&self.scan.asked) {
            let (here, values) = self.holds(&asked, stage, columns.as_ref())?;
            let before = found.take();
            let both = before.as_ref().map_or_else(|| here.clone(), |before| before & &here);
            match both.count_set_bits() as u64 {
                0 => return Ok(Found::None),
                count if asked.is_sparse(count) => {
                    // What a stage has kept is of the rows that it holds for, whatever one before it says.
                    kept = match values.filter(|_| before.is_none()) {
                        Some(values) => kept.narrowed(&here, values).map_err(|error| failed(&error.to_string()))?,
                        None => Kept::default(),
                    };
                    asked = Asked::Picked(asked.numbers(&both).into());
                }
                _ => found = Some(both),
            }
        }
        Ok(match (asked, found) {
            (Asked::Picked(numbers), _) => Found::Few(numbers, kept),
            (Asked::All(rows), Some(found)) => Found::Many(rows, found),
            (Asked::All(_), None) => Found::None,
        })
    }

    /// What is read of these rows to look at those that the condition may hold for; `None` where there are none.
    fn in_question(&self, rows: Range<u64>) -> Option<Asked> {
        let Some(all) = &self.scan.in_question else { return Some(Asked::All(rows)) };
        let from = all.partition_point(|range| range.end <= rows.start);
        let within = all.get(from..)?.iter().take_while(|range| range.start < rows.end);
        let within: Vec<Range<u64>> =
            within.map(|range| range.start.max(rows.start)..range.end.min(rows.end)).collect();
        let between = within.first()?.start..within.last()?.end;
        let count: u64 = within.iter().map(|range| range.end - range.start).sum();
        let between = Asked::All(between);
        Some(match between.is_sparse(count) {
            true => Asked::Picked(within.into_iter().flatten().collect()),
            false => between,
        })
    }

    /// For which of these rows a stage of the condition holds, which looks at these columns; and their values there, where these are few.
    fn holds(
        &self,
        asked: &Asked,
        stage: &Stage,
        columns: &dyn Scannable,
    ) -> Result<(BooleanBuffer, Option<Keeping>), Stop> {
        let rows: Rows = match asked {
            Asked::All(rows) => columns.stretch(rows.clone()),
            Asked::Picked(numbers) => columns.rows(Arc::clone(numbers)),
        };
        let count = asked.count() as usize;
        let mut found = BooleanBufferBuilder::new(count);
        let mut answers = Answers::default();
        let (mut kept, mut kept_rows) = (Some(Keeping::new(stage, self.scan.columns.schema())), 0);
        for batch in rows.map_err(Stop::Table)? {
            self.go_on()?;
            let batch = batch.map_err(of_table)?;
            let holds = stage.holds(&batch, &mut answers).map_err(|error| failed(&error.to_string()))?;
            kept_rows += holds.count_set_bits() as u64;
            kept = kept.filter(|kept| asked.is_sparse(kept_rows) && kept.is_small());
            if let Some(kept) = &mut kept {
                kept.add(&batch, &holds).map_err(|error| failed(&error.to_string()))?;
            }
            found.append_buffer(&holds);
        }
        match found.len() == count {
            true => Ok((found.finish(), kept)),
            false => Err(failed("a condition has looked at other rows than those that it was to")),
        }
    }

    /// Reads all of these rows, and gives those that were found.
    fn filtered(
        &self,
        rows: Range<u64>,
        found: &BooleanBuffer,
        mut give: impl FnMut(RecordBatch) -> Result<bool, Stop>,
    ) -> Result<bool, Stop> {
        let schema = self.given.schema();
        // Arrow would number the categories of several batches anew.
        let fewest = if schema.fields().iter().all(|field| is_flat(field)) { FEWEST } else { 1 };
        let (mut at, mut held, mut held_rows, mut held_bytes) = (0, Vec::new(), 0, 0);
        for batch in self.scan.columns.stretch(rows.clone()).map_err(Stop::Table)? {
            let batch = batch.map_err(of_table)?;
            let count = batch.num_rows();
            if at + count > found.len() {
                return Err(failed("there are more rows than were looked at"));
            }
            let wanted = found.slice(at, count);
            let start = rows.start + at as u64;
            at += count;
            let numbers: Vec<u64> = match self.given.is_numbered {
                true => wanted.set_indices().map(|at| start + at as u64).collect(),
                false => Vec::new(),
            };
            let complete = || {
                let batch = filter_record_batch(&batch, &BooleanArray::new(wanted, None))?;
                self.given.complete(&schema, &batch, &numbers)
            };
            let batch = complete().map_err(|error| failed(&error.to_string()))?;
            held_rows += batch.num_rows();
            held_bytes += batch.get_array_memory_size();
            if batch.num_rows() > 0 {
                held.push(batch);
            }
            if held_rows < fewest && held_bytes < MOST_BYTES && at < found.len() {
                continue;
            }
            let batch = concat_batches(&schema, &held).map_err(|error| failed(&error.to_string()))?;
            (held, held_rows, held_bytes) = (Vec::new(), 0, 0);
            if batch.num_rows() > 0 && !give(batch)? {
                return Ok(false);
            }
        }
        match at == found.len() {
            true => Ok(true),
            false => Err(failed("there are fewer rows than were looked at")),
        }
    }
}

/// Whether a column has nothing within it that is numbered.
fn is_flat(field: &Field) -> bool {
    let of = field.data_type();
    !of.is_nested() && !matches!(of, DataType::Dictionary(..))
}
