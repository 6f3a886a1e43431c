//! Some of the rows of a frame. Positions count the rows that pass its filter.

use std::ops::Range;
use std::sync::Arc;

use super::Frame;
use super::batches::Reading;
use crate::block::{BLOCK, YES, count_yes};
use crate::error::{ColumnsError, ColumnsResult};
use crate::pass::{Ordered, PassOptions};
use crate::source::TakeSource;

/// Rows of a task.
const TASK: u64 = 64 * BLOCK as u64;

/// Where rows that pass are in the source.
struct Located {
    /// The numbers of the rows at the positions, as far as there are so many.
    rows: Vec<u64>,
    /// How many rows pass; not of all where the last position came before the end.
    passed: u64,
}

impl Frame {
    /// How many rows pass the filter. Without a filter nothing is read.
    ///
    /// # Errors
    /// Those of the filter, of rows for which it has no result, and of the source.
    pub fn count_rows(&self, options: &PassOptions) -> ColumnsResult<u64> {
        match self.filter {
            None => Ok(self.rows.end - self.rows.start),
            Some(_) => Ok(self.located(&[u64::MAX], options)?.passed),
        }
    }

    /// The first rows, as many as there are of so many.
    ///
    /// # Errors
    /// Those of [`count_rows`](Self::count_rows).
    pub fn head(&self, rows: u64) -> ColumnsResult<Self> {
        self.slice(0..rows)
    }

    /// The last rows, as many as there are of so many.
    ///
    /// # Errors
    /// Those of [`count_rows`](Self::count_rows).
    pub fn tail(&self, rows: u64) -> ColumnsResult<Self> {
        let count = self.count_rows(&PassOptions::default())?;
        self.slice(count.saturating_sub(rows)..count)
    }

    /// The rows of a stretch, as far as there are so many. The filter stays, and is asked again where rows are looked at.
    ///
    /// # Errors
    /// Those of [`count_rows`](Self::count_rows), and of a stretch that ends before it begins.
    pub fn slice(&self, rows: Range<u64>) -> ColumnsResult<Self> {
        if rows.start > rows.end {
            return Err(ColumnsError::option(format!("rows {} to {} end before they begin", rows.start, rows.end)));
        }
        let mut frame = self.clone();
        let own = self.rows.clone();
        frame.rows = match self.filter {
            None => own.start.saturating_add(rows.start).min(own.end)..own.start.saturating_add(rows.end).min(own.end),
            Some(_) if rows.is_empty() => own.start..own.start,
            Some(_) => {
                // The last row of the stretch, so that what follows it is not looked at.
                let mut wanted = vec![rows.start, rows.end - 1];
                wanted.dedup();
                let located = self.located(&wanted, &PassOptions::default())?;
                let start = located.rows.first().copied().unwrap_or(own.end);
                let last = located.rows.last().filter(|_| located.rows.len() == wanted.len());
                start..last.map_or(own.end, |last| last + 1)
            }
        };
        Ok(frame)
    }

    /// The rows at positions, in their order, each as often as it is named.
    ///
    /// # Errors
    /// Those of [`count_rows`](Self::count_rows), and of a position beyond the last row.
    pub fn take(&self, positions: &[u64]) -> ColumnsResult<Self> {
        let own = self.rows.clone();
        let beyond = |position: u64, count: u64| {
            ColumnsError::option(format!("row {position} was asked for, and the frame has {count}"))
        };
        let rows: Arc<[u64]> = match self.filter {
            None => {
                let count = own.end - own.start;
                let rows = positions.iter().map(|position| match *position < count {
                    true => Ok(own.start + position),
                    false => Err(beyond(*position, count)),
                });
                rows.collect::<ColumnsResult<_>>()?
            }
            Some(_) => {
                let mut sorted = positions.to_vec();
                sorted.sort_unstable();
                sorted.dedup();
                let located = self.located(&sorted, &PassOptions::default())?;
                if let Some(position) = sorted.get(located.rows.len()) {
                    return Err(beyond(*position, located.passed));
                }
                let row = |position: &u64| located.rows.get(sorted.partition_point(|other| other < position)).copied();
                positions.iter().filter_map(row).collect()
            }
        };
        self.taken(rows)
    }

    /// The rows with these numbers in the source, whether they pass the filter or not.
    pub(crate) fn taken(&self, rows: impl Into<Arc<[u64]>>) -> ColumnsResult<Self> {
        let source = Arc::new(TakeSource::new(self.source.clone(), rows)?);
        let rows = 0..crate::source::Source::rows(source.as_ref());
        Ok(Self { source, filter: None, rows, ..self.clone() })
    }

    /// The numbers of the rows in the source that pass the filter.
    pub(super) fn passing(&self, options: &PassOptions) -> ColumnsResult<Vec<u64>> {
        self.source.check()?;
        let reading = Reading::of_filter(self)?;
        let tasks = Arc::new(self.source.tasks(self.rows.clone(), TASK));
        let cut = tasks.clone();
        let found = Ordered::new(tasks.len(), options.threads(), move |task| {
            let task = cut.get(task).cloned().unwrap_or_default();
            let mask = reading.mask(task.clone())?;
            let rows = mask.iter().enumerate().filter(|(_, byte)| **byte == YES);
            Ok::<_, ColumnsError>(rows.map(|(row, _)| task.start + row as u64).collect::<Vec<u64>>())
        });
        let mut all = Vec::new();
        for rows in found {
            all.extend(rows?);
            if options.cancelled() {
                return Err(ColumnsError::Cancelled);
            }
        }
        Ok(all)
    }

    /// Finds the rows at rising positions in one pass, which ends where the last one is found.
    fn located(&self, positions: &[u64], options: &PassOptions) -> ColumnsResult<Located> {
        self.source.check()?;
        let reading = Arc::new(Reading::of_filter(self)?);
        let tasks = Arc::new(self.source.tasks(self.rows.clone(), TASK));
        let (job, cut) = (reading.clone(), tasks.clone());
        let counts = Ordered::new(tasks.len(), options.threads(), move |task| {
            let mask = job.mask(cut.get(task).cloned().unwrap_or_default())?;
            Ok::<_, ColumnsError>(count_yes(&mask) as u64)
        });
        let mut located = Located { rows: Vec::with_capacity(positions.len().min(1 << 20)), passed: 0 };
        let total = self.rows.end - self.rows.start;
        for (count, task) in counts.zip(tasks.iter()) {
            let before = located.passed;
            located.passed += count?;
            let found = located.rows.len();
            let here = positions.iter().skip(found).take_while(|position| **position < located.passed);
            let here: Vec<u64> = here.map(|position| position - before).collect();
            if !here.is_empty() {
                // Masks are not kept, but made once more for the few tasks that have such rows.
                let mask = reading.mask(task.clone())?;
                let mut wanted = here.iter().peekable();
                let passing = mask.iter().enumerate().filter(|(_, byte)| **byte == YES).map(|(row, _)| row as u64);
                for (position, row) in passing.enumerate() {
                    if wanted.next_if(|wanted| **wanted == position as u64).is_some() {
                        located.rows.push(task.start + row);
                    }
                }
            }
            if options.cancelled() {
                return Err(ColumnsError::Cancelled);
            }
            if let Some(progress) = &options.progress
                && !progress(task.end - self.rows.start, total)
            {
                return Err(ColumnsError::Cancelled);
            }
            if located.rows.len() == positions.len() {
                break;
            }
        }
        Ok(located)
    }
}
