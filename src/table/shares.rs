//! Parts of a table that queries over it are shared out by.

use std::ops::Range;

use datafolio_core::ItemRecord;
use datafolio_handlers::TableFacts;
use datafolio_sql::{OF_THE_FILE, Relation, Shares};

use super::split::group_starts;
use crate::bundle::DataFolio;
use crate::error::Result;

/// Rows of one query among several, about: each query is prepared anew, which takes a millisecond.
const SHARE: u64 = 3 << 19;
/// Rows that are looked through here at a time.
const SCANNED: u64 = 1 << 18;

/// Of more files than this only one query is run at a time: each query opens all of them.
pub(super) const MOST_FILES: usize = 64;

impl DataFolio {
    /// The rows between these, in shares that a query may run over side by side; none where that is all of the table, in one.
    /// DuckDB runs a plain filter whose rows are to come in order in one thread, whatever it may use.
    pub(crate) fn shares_of(
        &self,
        record: &ItemRecord,
        relation: &Relation,
        rows: &Range<u64>,
        threads: usize,
    ) -> Result<Shares> {
        let mut shares = Shares { rows: vec![rows.clone()], starts: Vec::new() };
        if let Relation::Parquet(paths) = relation {
            let facts = self.facts_of(record)?;
            shares.starts = starts(&facts);
            let has_number = facts.schema.fields().iter().any(|field| field.name().eq_ignore_ascii_case(OF_THE_FILE));
            if threads > 1 && paths.len() <= MOST_FILES && shares.starts.len() == paths.len() && !has_number {
                shares.rows = cut(&group_starts(&facts), rows, facts.rows.unwrap_or_default(), threads, SHARE);
            }
        }
        if shares.rows.contains(&(0..u64::MAX)) {
            shares.rows.clear();
        }
        Ok(shares)
    }
}

/// The rows between these of a table with so many, in parts that are looked through here.
pub(super) fn scanned(facts: &TableFacts, rows: &Range<u64>, all: u64, threads: usize) -> Vec<Range<u64>> {
    let within = rows.start.min(all)..rows.end.min(all);
    cut(&group_starts(facts), &within, all, threads, SCANNED)
}

/// For each file the number of its first row.
fn starts(facts: &TableFacts) -> Vec<u64> {
    let mut next = 0;
    let start_of = |rows: Option<u64>| {
        let start = next;
        next += rows.unwrap_or_default();
        start
    };
    facts.files.iter().map(|file| file.rows).map(start_of).collect()
}

/// The rows between these, of so many in all, in shares that begin with row groups: as many for each thread, and about as long. Where there
/// are several for each thread, the first one of each is a row group alone: how the others are run is judged by it.
fn cut(group_starts: &[u64], rows: &Range<u64>, all: u64, threads: usize, share: u64) -> Vec<Range<u64>> {
    let end = rows.end.min(all);
    let within: Vec<u64> =
        group_starts.iter().copied().filter(|start| rows.contains(start) && *start > rows.start).collect();
    let shares_of = |count: u64| usize::try_from(count / share).unwrap_or(usize::MAX).next_multiple_of(threads);
    let mut cuts = vec![rows.start];
    if end.saturating_sub(rows.start) >= 2 * share * threads as u64 {
        cuts.extend(within.iter().take(threads));
    }
    let first = cuts.len();
    let start = cuts.last().copied().unwrap_or_default();
    let count = end.saturating_sub(start);
    let shares = if count < share { 1 } else { shares_of(count) };
    let length = count / shares as u64;
    let half = within.windows(2).next().map_or(0, |pair| (pair[1] - pair[0]) / 2);
    for group in within.into_iter().skip(first - 1) {
        // The nearest one to where the next share would begin if all were of one length.
        let made = cuts.len() + 1 - first;
        if made < shares && group.saturating_add(half) >= start + made as u64 * length {
            cuts.push(group);
        }
    }
    cuts.push(rows.end);
    cuts.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_begin_with_row_groups_and_are_the_whole() {
        const GROUP: u64 = 491_520;
        let groups: Vec<u64> = (0..21).map(|group| group * GROUP).collect();
        let all = 20 * GROUP + 5;
        for (threads, starts) in [(2, vec![0, 1, 2, 5, 8, 11, 14, 17]), (4, vec![0, 2, 5, 7, 10, 12, 15, 17])] {
            let found = cut(&groups, &(0..u64::MAX), all, threads, SHARE);
            assert_eq!(found.iter().map(|share| share.start / GROUP).collect::<Vec<_>>(), starts);
            assert!(found.windows(2).all(|pair| pair[0].end == pair[1].start));
            assert_eq!((found[0].start, found.last().unwrap().end), (0, u64::MAX));
        }
        assert_eq!(cut(&groups, &(700_000..900_000), all, 2, SHARE), vec![700_000..900_000; 1]);
        assert_eq!(cut(&groups, &(700_000..4_000_000), all, 2, SHARE), [700_000..5 * GROUP, 5 * GROUP..4_000_000]);
        assert_eq!(cut(&[], &(0..5), 5, 2, SHARE), vec![0..5; 1]);
        // No share is shorter than a group.
        assert_eq!(cut(&[0, 5], &(0..u64::MAX), 10_000_000, 8, SHARE), vec![0..u64::MAX; 1]);
    }
}
