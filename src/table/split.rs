//! A table shared out among workers.

use std::ops::Range;

use datafolio_handlers::{FileFacts, HandlerError, TableFacts};

use crate::bundle::DataFolio;
use crate::error::{Error, Result};
use crate::text::shell_word;
use crate::view::is_view;

impl DataFolio {
    /// Rows for so many workers: disjoint ranges that together are the whole table, in order, each for
    /// [`IterOptions::rows`](super::IterOptions::rows). Ranges begin with row groups where that costs little balance, so that two workers seldom decode
    /// the same pages. A small table gives fewer ranges than workers.
    ///
    /// # Errors
    /// No worker at all; a table whose rows nobody has counted, such as a referenced CSV file; as [`DataFolio::get_table`].
    pub fn split_table(&self, name: &str, workers: usize) -> Result<Vec<Range<u64>>> {
        if workers == 0 {
            return Err(Error::Invalid(format!("table '{name}' cannot be split among 0 workers")));
        }
        let record = self.table_record(name, None)?;
        let facts = self.facts_of(&record)?;
        let rows = facts.rows.ok_or_else(|| HandlerError::Unsupported {
            what: format!("splitting table '{name}', whose rows are not counted"),
            needs: match is_view(&record) {
                true => format!("a stored table: `datafolio derive NEW --from {}`", shell_word(name)),
                false => "a Parquet or Arrow table: `datafolio import` makes one of a text file".to_owned(),
            },
        })?;
        Ok(split(rows, &group_starts(&facts), workers as u64))
    }
}

/// The first rows of all row groups.
pub(super) fn group_starts(facts: &TableFacts) -> Vec<u64> {
    let mut next = 0;
    let mut starts = Vec::new();
    for file in &facts.files {
        starts.extend(file_groups(file).map(|start| next + start));
        next += file.rows.unwrap_or_default();
    }
    starts
}

/// The first rows of the row groups of a file, counted within it; of a file without row groups that of the file.
fn file_groups(file: &FileFacts) -> impl Iterator<Item = u64> {
    let whole = file.row_groups.is_empty().then_some(0);
    let groups = file.row_groups.iter().scan(0, |next, rows| {
        *next += rows;
        Some(*next - rows)
    });
    whole.into_iter().chain(groups)
}

fn split(rows: u64, group_starts: &[u64], workers: u64) -> Vec<Range<u64>> {
    let share = rows / workers;
    let mut cuts: Vec<u64> = (1..workers)
        .map(|worker| {
            let even = u64::try_from(u128::from(rows) * u128::from(worker) / u128::from(workers)).unwrap_or(rows);
            let after = group_starts.partition_point(|start| *start < even);
            let near = group_starts[after.saturating_sub(1)..].iter().take(2).copied();
            near.filter(|start| start.abs_diff(even) <= share / 4)
                .min_by_key(|start| start.abs_diff(even))
                .unwrap_or(even)
        })
        .collect();
    cuts.insert(0, 0);
    cuts.push(rows);
    cuts.windows(2).map(|pair| pair[0]..pair[1]).filter(|range| !range.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_disjoint_and_complete_and_begin_with_row_groups() {
        assert_eq!(split(100, &[0, 30, 52], 2), [0..52, 52..100]);
        assert_eq!(split(100, &[0], 4), [0..25, 25..50, 50..75, 75..100]);
        assert_eq!(split(3, &[0], 5), [0..1, 1..2, 2..3]);
        assert_eq!(split(0, &[], 5), []);
        for (rows, workers) in [(1_000_003, 7), (50, 50), (17, 16)] {
            let starts: Vec<u64> = (0..rows).step_by(122_880).collect();
            let ranges = split(rows, &starts, workers);
            assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start), "{ranges:?}");
            assert_eq!((ranges[0].start, ranges[ranges.len() - 1].end), (0, rows));
        }
    }
}
