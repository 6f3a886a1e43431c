//! Rows of a frame at random, and frames cut into several.

use datafolio_core::random::{SplitMix, draw};

use super::Frame;
use crate::error::{ColumnsError, ColumnsResult};
use crate::pass::PassOptions;

impl Frame {
    /// So many rows, drawn at random without replacement, each as likely as any other, in their order; all rows where there are fewer. The
    /// same seed draws the same rows of as many.
    ///
    /// # Errors
    /// Those of [`count_rows`](Self::count_rows).
    pub fn sample(&self, rows: u64, seed: u64) -> ColumnsResult<Self> {
        let count = self.count_rows(&PassOptions::default())?;
        self.take(&draw(count, rows, seed))
    }

    /// So many rows, drawn at random with replacement: a row may come several times.
    ///
    /// # Errors
    /// Those of [`count_rows`](Self::count_rows), and of a frame without rows.
    pub fn resample(&self, rows: u64, seed: u64) -> ColumnsResult<Self> {
        let count = self.count_rows(&PassOptions::default())?;
        if count == 0 && rows > 0 {
            return Err(ColumnsError::option("there are no rows to draw from"));
        }
        let mut random = SplitMix::new(seed);
        let mut drawn: Vec<u64> = (0..rows).map(|_| random.below(count)).collect();
        drawn.sort_unstable();
        self.take(&drawn)
    }

    /// All rows in an order of which each is equally likely. Keeps the number of each row, 8 bytes.
    ///
    /// # Errors
    /// Those of [`count_rows`](Self::count_rows).
    pub fn shuffle(&self, seed: u64) -> ColumnsResult<Self> {
        let count = self.count_rows(&PassOptions::default())?;
        let mut rows: Vec<u64> = (0..count).collect();
        SplitMix::new(seed).shuffle(&mut rows);
        self.take(&rows)
    }

    /// Cuts the rows into stretches whose lengths are these shares of all; what the shares leave of 1 makes one more stretch. One share
    /// makes two frames: `split(&[0.8])` gives four fifths and the last fifth.
    ///
    /// # Errors
    /// Those of [`count_rows`](Self::count_rows), and of shares below 0 or beyond 1 in sum.
    pub fn split(&self, shares: &[f64]) -> ColumnsResult<Vec<Self>> {
        let count = self.count_rows(&PassOptions::default())?;
        let ends = ends_of(shares, count)?;
        let mut start = 0;
        let stretch = |end: u64| {
            let frame = self.slice(start..end)?;
            start = end;
            Ok(frame)
        };
        ends.into_iter().map(stretch).collect()
    }

    /// Puts each row at random into one of several frames whose sizes are these shares of all, as [`split`](Self::split) has them. Rows keep
    /// their order within each.
    ///
    /// # Errors
    /// Those of [`split`](Self::split).
    pub fn split_random(&self, shares: &[f64], seed: u64) -> ColumnsResult<Vec<Self>> {
        let count = self.count_rows(&PassOptions::default())?;
        let ends = ends_of(shares, count)?;
        let mut rows: Vec<u64> = (0..count).collect();
        SplitMix::new(seed).shuffle(&mut rows);
        let mut start = 0;
        let part = |end: u64| {
            let part = rows.get_mut(start as usize..end as usize).unwrap_or_default();
            part.sort_unstable();
            start = end;
            self.take(part)
        };
        ends.into_iter().map(part).collect()
    }
}

/// Where stretches of these shares end.
fn ends_of(shares: &[f64], count: u64) -> ColumnsResult<Vec<u64>> {
    let sum: f64 = shares.iter().sum();
    // A third three times is a little more or less than one.
    if shares.iter().any(|share| !(0.0..=1.0).contains(share)) || sum > 1.0 + 1e-9 {
        let shares: Vec<String> = shares.iter().map(f64::to_string).collect();
        return Err(ColumnsError::option(format!(
            "the shares {} are no parts of the whole: each lies between 0 and 1, and so does their sum",
            shares.join(", ")
        )));
    }
    let mut before = 0.0;
    let mut ends: Vec<u64> = shares
        .iter()
        .map(|share| {
            before += share;
            ((before * count as f64).round() as u64).min(count)
        })
        .collect();
    if sum > 1.0 - 1e-9 {
        if let Some(last) = ends.last_mut() {
            *last = count;
        }
    } else {
        ends.push(count);
    }
    Ok(ends)
}
