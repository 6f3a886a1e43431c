//! A random sample of the rows of a table.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafolio_handlers::{HandlerError, TableReadOptions};

use super::read::{TableOptions, collect};
use crate::bundle::DataFolio;
use crate::error::{Error, Result};

impl DataFolio {
    /// So many rows of a table, drawn at random without replacement, each as likely as any other, in the order in which they
    /// are stored; all rows where there are fewer. The same seed draws the same rows of a table of as many rows.
    ///
    /// Of a Parquet file only the pages with these rows are read. `options` chooses the columns and the version; `offset` and
    /// `limit` choose the rows that are drawn from.
    ///
    /// # Errors
    /// As [`DataFolio::read_table`]; a condition among the options.
    pub fn sample_table(&self, name: &str, rows: usize, seed: u64, options: &TableOptions) -> Result<RecordBatch> {
        if let Some(folio) = self.checking(options.verification) {
            return folio.sample_table(name, rows, seed, options);
        }
        if options.filter.is_some() {
            let message =
                "a sample is drawn from all rows: draw it in SQL, with USING SAMPLE, where a condition is to hold";
            return Err(Error::Invalid(message.to_owned()));
        }
        let record = self.table_record(name, options.version.as_deref())?;
        let all = match self.facts_of(&record)?.rows {
            Some(rows) => rows,
            None => self.count_rows(name, options.version.as_deref())?,
        };
        let first = options.offset.min(all);
        let range = (all - first).min(options.limit.unwrap_or(u64::MAX));
        let mut part = TableReadOptions::default();
        part.columns = options.columns.clone();
        part.rows = Some(draw(range, rows as u64, seed).into_iter().map(|row| first + row).collect::<Arc<[u64]>>());
        collect(self.open_table(&record, &part)?)
    }

    /// The rows of a table that only reading all of it tells.
    fn count_rows(&self, name: &str, version: Option<&str>) -> Result<u64> {
        let options = TableOptions { version: version.map(str::to_owned), ..TableOptions::default() };
        let mut rows = 0;
        for batch in self.read_table(name, &options)? {
            rows += batch.map_err(HandlerError::from)?.num_rows() as u64;
        }
        Ok(rows)
    }
}

/// So many different numbers below `all`, ascending: Floyd's algorithm, which draws once for each.
fn draw(all: u64, wanted: u64, seed: u64) -> BTreeSet<u64> {
    if wanted >= all {
        return (0..all).collect();
    }
    let mut random = SplitMix(seed);
    let mut drawn = BTreeSet::new();
    for last in all - wanted..all {
        let row = random.below(last + 1);
        if !drawn.insert(row) {
            drawn.insert(last);
        }
    }
    drawn
}

/// The generator SplitMix64 (Steele, Lea and Flood 2014): the same numbers for a seed on every machine and in every release.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, each equally likely: what lies in the last, incomplete round is drawn again.
    fn below(&mut self, end: u64) -> u64 {
        let complete = u64::MAX - u64::MAX % end;
        loop {
            let number = self.next();
            if number < complete {
                return number % end;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers for seed 1234567 as other implementations give them.
    #[test]
    fn the_generator_is_splitmix64() {
        let mut random = SplitMix(1_234_567);
        let numbers: Vec<u64> = (0..3).map(|_| random.next()).collect();
        assert_eq!(numbers, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn every_row_is_as_likely_as_any_other() {
        let mut counts = [0_u32; 20];
        for seed in 0..20_000 {
            let rows = draw(20, 5, seed);
            assert_eq!(rows.len(), 5);
            rows.into_iter().for_each(|row| counts[row as usize] += 1);
        }
        // 5,000 expected of each, with a standard deviation of 61.
        assert!(counts.iter().all(|count| (4_700..5_300).contains(count)), "{counts:?}");
        assert_eq!(draw(3, 5, 1).len(), 3);
        assert_eq!(draw(1 << 40, 5, 1), draw(1 << 40, 5, 1));
        assert!(draw(0, 5, 1).is_empty());
    }
}
