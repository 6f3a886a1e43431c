//! Parts of a table that queries over it are shared out by.

use std::ops::Range;

use datafolio_core::ItemRecord;
use datafolio_handlers::TableFacts;
use datafolio_sql::{OF_THE_FILE, Relation, Shares};

use super::split::group_starts;
use crate::bundle::DataFolio;
use crate::error::Result;

/// Rows of one query among several: row groups together have at least so many.
const SHARE: u64 = 1 << 20;

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
                shares.rows = cut(&group_starts(&facts), rows);
            }
        }
        if shares.rows.contains(&(0..u64::MAX)) {
            shares.rows.clear();
        }
        Ok(shares)
    }
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

/// The rows between these in shares that begin with row groups.
fn cut(group_starts: &[u64], rows: &Range<u64>) -> Vec<Range<u64>> {
    let mut cuts = vec![rows.start];
    for start in group_starts.iter().copied().filter(|start| rows.contains(start)) {
        if cuts.last().is_some_and(|last| start - last >= SHARE) {
            cuts.push(start);
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
        let groups: Vec<u64> = (0..10).map(|group| group * 491_520).collect();
        let found = cut(&groups, &(0..u64::MAX));
        assert_eq!(found.len(), 4);
        assert_eq!(found.iter().map(|share| share.start / 491_520).collect::<Vec<_>>(), [0, 3, 6, 9]);
        assert!(found.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert_eq!((found[0].start, found[3].end), (0, u64::MAX));
        assert_eq!(cut(&groups, &(700_000..900_000)), vec![700_000..900_000; 1]);
        assert_eq!(cut(&groups, &(700_000..2_500_000)), [700_000..1_966_080, 1_966_080..2_500_000]);
        assert_eq!(cut(&[], &(0..5)), vec![0..5; 1]);
    }
}
