//! Which of the rows of some row groups are wanted, in runs, as decoders pass them and give them.

use parquet::arrow::arrow_reader::RowSelection;

/// Rows that are passed, and behind them rows that are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) passed: u64,
    pub(super) wanted: usize,
}

impl Run {
    /// The next rows, without one that is passed.
    pub(super) fn of(rows: usize) -> Self {
        Self { passed: 0, wanted: rows }
    }
}

/// All runs of a file, of which some are taken at a time.
#[derive(Debug)]
pub(super) struct Runs {
    all: Vec<Run>,
    /// The first that is left, of which some rows may be taken.
    next: usize,
}

impl Runs {
    pub(super) fn new(selection: &RowSelection) -> Self {
        let (mut all, mut passed) = (Vec::new(), 0);
        for selector in selection.iter() {
            if selector.skip {
                passed += selector.row_count as u64;
            } else {
                all.push(Run { passed, wanted: selector.row_count });
                passed = 0;
            }
        }
        Self { all, next: 0 }
    }

    /// Those of so many wanted rows, of which there are as many; of the last one perhaps a part.
    pub(super) fn take(&mut self, rows: usize) -> Vec<Run> {
        let (mut left, mut taken) = (rows, Vec::new());
        while let Some(run) = self.all.get_mut(self.next).filter(|_| left > 0) {
            let wanted = run.wanted.min(left);
            taken.push(Run { wanted, ..*run });
            left -= wanted;
            *run = Run::of(run.wanted - wanted);
            if run.wanted == 0 {
                self.next += 1;
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use parquet::arrow::arrow_reader::RowSelector;

    use super::*;

    #[test]
    fn runs_are_taken_in_parts() {
        let selectors = [RowSelector::select(2), RowSelector::skip(5), RowSelector::select(3), RowSelector::skip(1)];
        let mut runs = Runs::new(&RowSelection::from(selectors.to_vec()));
        assert_eq!(runs.take(1), [Run::of(1)]);
        assert_eq!(runs.take(0), []);
        assert_eq!(runs.take(3), [Run::of(1), Run { passed: 5, wanted: 2 }]);
        assert_eq!(runs.take(1), [Run::of(1)]);
        assert_eq!(runs.take(1), []);
    }
}
