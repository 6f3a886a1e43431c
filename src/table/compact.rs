//! Merging the parts of a table.

use std::ops::Range;
use std::sync::Arc;

use datafolio_core::{Change, CompactParts, CoreError, Entry, ItemRecord, Part, counted, item_type, time};
use datafolio_handlers::{TableReadOptions, read_merged, stored_files};
use serde::Serialize;

use super::parts::{Place, number, part_of, require_own_table, table_of};
use crate::bundle::state::State;
use crate::bundle::{Batch, DataFolio, payload_fields};
use crate::error::{Error, Result};

/// So many parts of the lowest tier in a row are merged after an append...
const MANY: usize = 8;
/// ...and so many of each tier above.
const SOME: usize = 4;
/// What the parts of the lowest tier have at most, in bytes; each tier above has [`SOME`] times as much. To read a part costs about
/// as much as to read some hundred kilobytes more, so it does not pay to keep smaller ones apart for long.
const LOWEST_TIER: u64 = 256 << 10;
/// Parts of this size are never merged unasked.
const LARGE: u64 = 64 << 20;

/// What was merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Compacted {
    /// The table.
    pub name: String,
    /// Parts before.
    pub parts_before: usize,
    /// Parts after; 1 for a table of one file.
    pub parts_after: usize,
    /// Rows of the parts that were merged.
    pub rows: u64,
    /// Bytes of the parts that were merged, before.
    pub bytes_before: u64,
    /// And after.
    pub bytes_after: u64,
}

impl DataFolio {
    /// Makes one file of all parts of a table: what a program can read that knows of no parts. Rows and their order stay as
    /// they are, and snapshots and older versions keep the parts.
    ///
    /// It streams, and takes as much room on disk as the table until the older versions are gone. A table of one file is left
    /// as it is.
    ///
    /// # Errors
    /// As [`DataFolio::get_table`]; when a dictionary column has more values in all parts together than its keys can number;
    /// [`CoreError::Conflict`] when another writer has replaced the table or merged its parts.
    /// Rows that were appended meanwhile stay behind the file as parts.
    pub fn compact(&self, name: &str) -> Result<Compacted> {
        let mut batch = self.batch()?;
        let (done, change) = batch.make_whole(name)?;
        let Some(change) = change else { return Ok(done) };
        batch.change(Change::Compact(Box::new(change.clone())), format!("compact {name}"))?;
        match batch.try_commit() {
            Err(Error::Core(CoreError::Conflict { .. })) => {
                // Rows were appended meanwhile. They stay behind the file as parts, and nothing need be written again but what
                // stands for such a version.
                self.refresh()?;
                let mut again = self.batch()?;
                let stub = again.write_stub(name, &change.into)?;
                again.change(
                    Change::Compact(Box::new(CompactParts { stub: Some(stub), ..change })),
                    format!("compact {name}"),
                )?;
                again.take_staged(&mut batch);
                again.commit()?;
                let parts_after = stored_files(&*self.record(name)?)?.len();
                Ok(Compacted { parts_after, ..done })
            }
            made => made.map(|_| done),
        }
    }

    /// Merges small parts of a table when they have piled up. What it cannot do is left to the next append: the one that it
    /// follows is done.
    pub(super) fn compact_small_parts(&self, name: &str, entry: &Arc<Entry>) -> Option<Compacted> {
        let mut entry = Arc::clone(entry);
        let mut done: Option<Compacted> = None;
        // What was merged may complete a run of larger parts.
        while let Some(merged) = self.compact_one_run(name, &entry) {
            match merged {
                Ok((merged, state)) => {
                    let before = done.as_ref().map_or(merged.parts_before, |done| done.parts_before);
                    done = Some(Compacted { parts_before: before, ..merged });
                    entry = Arc::clone(state.item(name).ok()?);
                }
                Err(Error::Core(CoreError::Conflict { .. } | CoreError::ItemNotFound { .. })) => break,
                Err(error) => {
                    tracing::warn!(name, %error, "small parts of a table could not be merged");
                    break;
                }
            }
        }
        done
    }

    /// Merges one run of small parts, if the table still has it; `None` when there is none.
    fn compact_one_run(&self, name: &str, entry: &Entry) -> Option<Result<(Compacted, Arc<State>)>> {
        let parts = entry.record().ok()?.parts().ok().flatten()?;
        let sizes: Vec<u64> = parts.iter().map(|part| part.size_bytes).collect();
        let run = small_parts(&sizes)?;
        let merged = self.once_seen(|batch| {
            // As this handle sees it by now; others may have merged the same parts.
            let record = batch.catalogue().item(name)?.record()?;
            let now = record.parts()?.unwrap_or_default();
            match now.get(run.clone()).is_some_and(|same| same == &parts[run.clone()]) {
                true => batch.merge_run(&record, &now, run.clone()).map(Some),
                false => Ok(None),
            }
        });
        match merged {
            Ok((merged, state)) => merged.map(|merged| Ok((merged, state))),
            Err(error) => Some(Err(error)),
        }
    }
}

impl Batch<'_> {
    /// Makes one file of all parts of a table.
    ///
    /// # Errors
    /// As [`DataFolio::compact`]; here rows that were appended meanwhile are a conflict as well.
    pub fn compact(&mut self, name: &str) -> Result<Compacted> {
        let (done, change) = self.make_whole(name)?;
        if let Some(change) = change {
            self.change(Change::Compact(Box::new(change)), format!("compact {name}"))?;
        }
        Ok(done)
    }

    /// Writes one file of all parts of a table, and says what to change; nothing for a table of one file.
    fn make_whole(&mut self, name: &str) -> Result<(Compacted, Option<CompactParts>)> {
        let record = self.catalogue().item(name)?.record()?;
        require_own_table(&record)?;
        let parts = record.parts()?.unwrap_or_default();
        let (rows, bytes) = totals(&parts);
        let is_whole = parts.len() < 2 && !record.filename().is_some_and(|name| name.ends_with(".parts.json"));
        if is_whole {
            let count = stored_files(&record)?.len();
            let name = name.to_owned();
            let done =
                Compacted { name, parts_before: count, parts_after: count, rows: 0, bytes_before: 0, bytes_after: 0 };
            return Ok((done, None));
        }
        let mut part = TableReadOptions::default();
        part.threads = self.folio().settings().threads;
        let all = read_merged(&self.folio().handler_item(&record), &part)?;
        let written = self.stage_table(&record, Place::Whole, |write| write(all))?;
        let Some(payload) = &written.payload else { return Err(Error::Invalid(format!("table '{name}' has no file"))) };
        let whole = payload_fields(payload);
        // The same file once more where parts lie: what is appended follows it there.
        let mut as_item = ItemRecord::new(whole.clone());
        as_item.set("item_type", Some(item_type::INCLUDED_TABLE.into()));
        as_item.set("name", Some(name.into()));
        let into = match stored_files(&as_item)?.first() {
            Some(file) => self.second_name(name, file, number(&written, "num_rows"), number(&written, "num_cols"))?,
            None => part_of(payload, &written),
        };
        let change = CompactParts {
            name: name.to_owned(),
            stub: None,
            from: parts.iter().map(|part| part.filename.clone()).collect(),
            into: vec![into.clone()],
            whole: Some(whole),
            created_at: time::to_iso(time::now()),
        };
        let (name, parts_before) = (name.to_owned(), parts.len());
        let bytes_after = into.size_bytes;
        Ok((Compacted { name, parts_before, parts_after: 1, rows, bytes_before: bytes, bytes_after }, Some(change)))
    }

    /// Makes one part of several that follow each other.
    fn merge_run(&mut self, record: &Arc<ItemRecord>, parts: &[Part], run: Range<usize>) -> Result<Compacted> {
        let name = record.name();
        let merged = &parts[run.clone()];
        let of_run = table_of(record, merged);
        let (rows, bytes) = totals(merged);
        let reader = read_merged(&self.folio().handler_item(&of_run), &TableReadOptions::default())?;
        let written = self.stage_table(record, Place::Part, |write| write(reader))?;
        let into: Vec<Part> = written.payload.iter().map(|payload| part_of(payload, &written)).collect();
        let bytes_after = into.iter().map(|part| part.size_bytes).sum();
        let change = CompactParts {
            name: name.to_owned(),
            stub: Some(self.write_stub(name, &into)?),
            from: merged.iter().map(|part| part.filename.clone()).collect(),
            into,
            whole: None,
            created_at: time::to_iso(time::now()),
        };
        self.change(Change::Compact(Box::new(change)), format!("merge {} of {name}", counted(merged.len(), "part")))?;
        Ok(Compacted {
            name: name.to_owned(),
            parts_before: parts.len(),
            parts_after: parts.len() - merged.len() + 1,
            rows,
            bytes_before: bytes,
            bytes_after,
        })
    }
}

fn totals(parts: &[Part]) -> (u64, u64) {
    let sum = |count: fn(&Part) -> u64| parts.iter().map(count).fold(0_u64, u64::saturating_add);
    (sum(|part| part.num_rows), sum(|part| part.size_bytes))
}

/// The parts to merge: a run that has enough parts of one tier and none of a higher one, of the lowest such tier. What comes of
/// them is of the next tier, so that each row is written again once for each, whatever the number of appends; in the lowest
/// tier, whose parts are tiny, a few times.
///
/// Of several writers one merges: the one whose append makes a multiple of that number.
fn small_parts(sizes: &[u64]) -> Option<Range<usize>> {
    let tiers: Vec<Option<u32>> = sizes.iter().map(|size| tier(*size)).collect();
    let highest = tiers.iter().flatten().max()?;
    for of in 0..=*highest {
        let enough = if of == 0 { MANY } else { SOME };
        let mut start = 0;
        for end in 0..=tiers.len() {
            if tiers.get(end).is_some_and(|tier| tier.is_some_and(|tier| tier <= of)) {
                continue;
            }
            let count = tiers[start..end].iter().filter(|tier| **tier == Some(of)).count();
            if count >= enough && count.is_multiple_of(enough) {
                return Some(start..end);
            }
            start = end + 1;
        }
    }
    None
}

/// The tier of a part; `None` for one that is large.
fn tier(size: u64) -> Option<u32> {
    if size >= LARGE {
        return None;
    }
    let (mut tier, mut most) = (0, LOWEST_TIER);
    while size > most {
        most *= SOME as u64;
        tier += 1;
    }
    Some(tier)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes after so many appends of one size, and how many bytes merging has written.
    fn grow(appends: usize, size: u64) -> (Vec<u64>, u64) {
        let (mut sizes, mut written) = (Vec::new(), 0);
        for _ in 0..appends {
            sizes.push(size);
            while let Some(run) = small_parts(&sizes) {
                let merged = sizes[run.clone()].iter().sum();
                written += merged;
                sizes.splice(run, [merged]);
            }
        }
        (sizes, written)
    }

    #[test]
    fn parts_stay_few_and_rows_are_seldom_written_again() {
        // Tiny parts are written again often, and cost less than the commit of an append even so.
        for (appends, size, parts, times) in [(10_000, 2_000, 16, 13), (10_000, 30_000, 20, 6), (2_000, 1 << 20, 40, 3)]
        {
            let (sizes, written) = grow(appends, size);
            let total = appends as u64 * size;
            assert_eq!(sizes.iter().sum::<u64>(), total);
            assert!(sizes.len() <= parts, "{appends} appends of {size}: {} parts", sizes.len());
            assert!(
                written <= total * times,
                "{appends} appends of {size}: {:.1} times",
                written as f64 / total as f64
            );
        }
    }

    #[test]
    fn large_parts_are_left_alone() {
        assert_eq!(small_parts(&[LARGE; 64]), None);
        let mut sizes = vec![LARGE; 3];
        sizes.extend([1000; 8]);
        assert_eq!(small_parts(&sizes), Some(3..11));
        assert_eq!(small_parts(&[1000; 7]), None);
        // The ninth writer leaves it to the eighth; the sixteenth does what that one has not done.
        assert_eq!(small_parts(&[1000; 9]), None);
        assert_eq!(small_parts(&[1000; 16]), Some(0..16));
        let mixed = [LOWEST_TIER * 2, 10, 10, 10, 10, 10, 10, 10, 10, LOWEST_TIER * 2];
        assert_eq!(small_parts(&mixed), Some(1..9));
        // Of larger ones a few are enough, with smaller ones between them.
        let larger = [LOWEST_TIER * 20, LOWEST_TIER * 3, LOWEST_TIER * 3, 10, LOWEST_TIER * 3, LOWEST_TIER * 3, 10];
        assert_eq!(small_parts(&larger), Some(1..7));
        // Larger parts are not written again for the sake of a few small ones.
        let few = [LOWEST_TIER * 60, LOWEST_TIER * 3, LOWEST_TIER * 3, 10, 10, 10, 10, 10];
        assert_eq!(small_parts(&few), None);
    }
}
