//! A part of a table whose rows lie in several files.

use std::sync::Arc;

use super::TableReadOptions;
use crate::error::HandlerResult;

/// Tells file by file which of its rows are wanted.
#[derive(Debug, Clone)]
pub(crate) struct Spread {
    /// What is still wanted, counted from the file that is next.
    part: TableReadOptions,
    /// Rows that the files before give.
    given: u64,
    /// Of the rows that are wanted by number, how many lie in the files before, which have so many rows.
    passed: usize,
    before: u64,
}

impl Spread {
    pub(crate) fn new(part: TableReadOptions) -> Self {
        Self { part, given: 0, passed: 0, before: 0 }
    }

    /// Whether nothing of the files that follow is wanted.
    pub(crate) fn is_done(&self) -> bool {
        self.part.limit == Some(0) || self.part.rows.as_ref().is_some_and(|rows| rows.len() == self.passed)
    }

    /// A file gives so many rows more.
    pub(crate) fn gave(&mut self, rows: u64) {
        self.given = self.given.saturating_add(rows);
    }

    /// What of the next file is wanted; `None` for nothing. `rows` tells how many the file has, and is only asked where that
    /// makes a difference.
    ///
    /// # Errors
    /// Those of `rows`.
    pub(crate) fn next_file(
        &mut self,
        rows: impl FnOnce() -> HandlerResult<u64>,
    ) -> HandlerResult<Option<TableReadOptions>> {
        // Batches go on as if the rows were those of one file.
        let size = self.part.batch_rows.max(1) as u64;
        self.part.first_rows =
            usize::try_from(size - self.given % size).ok().filter(|first| *first < self.part.batch_rows);
        if self.part.wants_all_rows() {
            return Ok(Some(self.part.clone()));
        }
        let rows = rows()?;
        if let Some(wanted) = &self.part.rows {
            let (left, before) = (wanted.get(self.passed..).unwrap_or_default(), self.before);
            self.before = before.saturating_add(rows);
            let here = left.partition_point(|row| *row < self.before);
            self.passed += here;
            let here: Arc<[u64]> = left.iter().take(here).map(|row| row - before).collect();
            let is_wanted = !here.is_empty();
            return Ok(is_wanted.then(|| TableReadOptions { rows: Some(here), ..self.part.clone() }));
        }
        let offset = self.part.offset.min(rows);
        self.part.offset -= offset;
        let taken = (rows - offset).min(self.part.limit.unwrap_or(u64::MAX));
        if let Some(limit) = &mut self.part.limit {
            *limit -= taken;
        }
        let part = TableReadOptions { offset, limit: Some(taken), ..self.part.clone() };
        Ok((taken > 0).then_some(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Offset, limit and rows of a file.
    type Share = Option<(u64, Option<u64>, Option<Vec<u64>>)>;

    /// The shares of three files, of 3, 0 and 4 rows.
    fn spread(part: TableReadOptions) -> Vec<Share> {
        let mut spread = Spread::new(part);
        let of = |part: TableReadOptions| (part.offset, part.limit, part.rows.map(|rows| rows.to_vec()));
        [3, 0, 4].map(|rows| spread.next_file(|| Ok(rows)).unwrap().map(of)).into()
    }

    #[test]
    fn each_file_gives_its_share() {
        let range = |offset, limit| TableReadOptions { offset, limit, ..TableReadOptions::default() };
        assert_eq!(spread(range(0, None)), [Some((0, None, None)), Some((0, None, None)), Some((0, None, None))]);
        assert_eq!(spread(range(2, Some(3))), [Some((2, Some(1), None)), None, Some((0, Some(2), None))]);
        // Behind the offset all is wanted, and nobody need count.
        assert_eq!(spread(range(3, None)), [None, Some((0, None, None)), Some((0, None, None))]);
        assert_eq!(spread(range(9, Some(1))), [None, None, None]);
        let rows = TableReadOptions { rows: Some([0, 2, 3, 6].into()), ..TableReadOptions::default() };
        assert_eq!(spread(rows), [Some((0, None, Some(vec![0, 2]))), None, Some((0, None, Some(vec![0, 3])))]);
        assert!(Spread::new(range(0, Some(0))).is_done());
    }
}
