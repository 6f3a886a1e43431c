//! How often each value occurs: exactly as long as they are few, then in sketches of bounded size.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

use datasketches::common::NumStdDev;
use datasketches::error::Error as SketchError;
use datasketches::frequencies::{ErrorType, FrequentItemsSketch};
use datasketches::hll::{HllSketch, HllType};
use foldhash::fast::RandomState;

use super::Distinct;
use super::ranks::Ranks;

/// Most different values that are counted one by one.
pub(super) const MOST_EXACT: usize = 10_000;
/// Registers of the distinct count, as a power of two: a standard error of 0.7 % in 16 KiB.
const HLL_LG_K: u8 = 14;
/// Values that the counts of frequent ones are kept for: an error of at most 0.02 % of the rows.
const FREQUENT: usize = 16_384;

/// How often each value occurs. `K` is a value, and has an order where ranks are wanted.
#[derive(Debug)]
pub(super) struct Counts<K> {
    state: State<K>,
    wants_ranks: bool,
}

#[derive(Debug)]
enum State<K> {
    Exact(HashMap<K, u64, RandomState>),
    Sketched(Box<Sketches<K>>),
}

#[derive(Debug)]
struct Sketches<K> {
    distinct: HllSketch,
    frequent: FrequentItemsSketch<K>,
    /// Of nothing where no ranks are wanted.
    ranks: Ranks<K>,
}

/// A value and how often it occurs, at most.
pub(super) type Counted<K> = (K, u64);

impl<K: Ord + Hash + Clone> Counts<K> {
    pub(super) fn new(wants_ranks: bool) -> Self {
        Self { state: State::Exact(HashMap::default()), wants_ranks }
    }

    /// Counts a value so many times more.
    pub(super) fn add<Q>(&mut self, value: &Q, times: u64) -> Result<(), SketchError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        match &mut self.state {
            State::Exact(counts) => {
                if let Some(count) = counts.get_mut(value) {
                    *count += times;
                    return Ok(());
                }
                counts.insert(value.to_owned(), times);
                if counts.len() <= MOST_EXACT {
                    return Ok(());
                }
                let mut sketches = Box::new(Sketches {
                    distinct: HllSketch::new(HLL_LG_K, HllType::Hll8)?,
                    frequent: FrequentItemsSketch::new(FREQUENT)?,
                    ranks: Ranks::new(),
                });
                // What is estimated of frequent values depends on the order.
                let mut counted: Vec<Counted<K>> = std::mem::take(counts).into_iter().collect();
                counted.sort_unstable();
                for (value, count) in counted {
                    sketches.add(value.borrow(), count, self.wants_ranks);
                }
                self.state = State::Sketched(sketches);
            }
            State::Sketched(sketches) => sketches.add(value, times, self.wants_ranks),
        }
        Ok(())
    }

    /// How many different values there are.
    pub(super) fn distinct(&self) -> Distinct {
        match &self.state {
            State::Exact(counts) => {
                let count = counts.len() as u64;
                Distinct { count, is_exact: true, low: count, high: count }
            }
            State::Sketched(sketches) => {
                let whole = |count: f64| count.round() as u64;
                // Whatever the sketch says, more were seen than are counted one by one.
                let least = MOST_EXACT as u64 + 1;
                Distinct {
                    count: whole(sketches.distinct.estimate()).max(least),
                    is_exact: false,
                    low: whole(sketches.distinct.lower_bound(NumStdDev::Two).floor()).max(least),
                    high: whole(sketches.distinct.upper_bound(NumStdDev::Two).ceil()).max(least),
                }
            }
        }
    }

    /// The values that occur most often, and by how much a count may be too large. Of values that occur equally often the
    /// smaller come first.
    pub(super) fn top(&self, most: usize) -> (Vec<Counted<K>>, u64) {
        let (mut counted, error) = match &self.state {
            State::Exact(counts) => (counts.iter().map(|(value, count)| (value.clone(), *count)).collect(), 0),
            State::Sketched(sketches) => {
                let frequent = &sketches.frequent;
                let rows = frequent.frequent_items(ErrorType::NoFalsePositives);
                let counted: Vec<_> = rows.iter().map(|row| (row.item().clone(), row.estimate())).collect();
                (counted, frequent.maximum_error())
            }
        };
        let order = |a: &Counted<K>, b: &Counted<K>| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0));
        if counted.len() > most && most > 0 {
            counted.select_nth_unstable_by(most - 1, order);
        }
        counted.truncate(most);
        counted.sort_unstable_by(order);
        (counted, error)
    }

    /// For each share of the rows, ascending or not, the smallest value that at least this share lies at or below, and by which
    /// share of the rows that may be off.
    pub(super) fn quantiles(&self, shares: &[f64]) -> (Vec<K>, f64) {
        match &self.state {
            State::Exact(counts) => {
                let mut sorted: Vec<(&K, u64)> = counts.iter().map(|(value, count)| (value, *count)).collect();
                sorted.sort_unstable_by(|a, b| a.0.cmp(b.0));
                let mut below = 0;
                for (_, count) in &mut sorted {
                    below += *count;
                    *count = below;
                }
                let at = |share: &f64| {
                    let wanted = rank(*share, below);
                    let place = sorted.partition_point(|(_, below)| *below < wanted);
                    sorted.get(place.min(sorted.len().saturating_sub(1))).map(|(value, _)| (*value).clone())
                };
                (shares.iter().filter_map(at).collect(), 0.0)
            }
            State::Sketched(sketches) => {
                let ranks = &sketches.ranks;
                (ranks.at(shares.iter().map(|share| rank(*share, ranks.count()))), ranks.error())
            }
        }
    }
}

/// How many of so many rows a share of them is, counted as DuckDB does: 0.07 of 100 rows is 7 of them, though the product is a
/// little more.
fn rank(share: f64, rows: u64) -> u64 {
    let rows = rows as f64;
    (rows - (rows - share * rows).floor()).max(1.0) as u64
}

impl<K: Ord + Hash + Clone> Sketches<K> {
    fn add<Q>(&mut self, value: &Q, times: u64, wants_ranks: bool)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.distinct.update(value);
        self.frequent.update_with_count_ref(value, times);
        if wants_ranks {
            self.ranks.add(value.to_owned(), times);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(values: impl Iterator<Item = i64>) -> Counts<i64> {
        let mut counts = Counts::new(true);
        values.for_each(|value| counts.add(&value, 1).unwrap());
        counts
    }

    #[test]
    fn few_values_are_counted_exactly() {
        let few = counts([5, 1, 5, 2, 2, 9].into_iter());
        assert_eq!(few.distinct(), Distinct { count: 4, is_exact: true, low: 4, high: 4 });
        assert_eq!(few.top(3), (vec![(2, 2), (5, 2), (1, 1)], 0));
        assert_eq!(few.top(0), (vec![], 0));
        // Sorted: 1 2 2 5 5 9.
        let shares = [0.0, 0.16, 0.17, 0.5, 0.51, 0.83, 0.84, 1.0];
        assert_eq!(few.quantiles(&shares), (vec![1, 1, 2, 2, 5, 5, 9, 9], 0.0));
        let none = counts(std::iter::empty());
        assert_eq!((none.quantiles(&shares).0, none.top(3).0, none.distinct().count), (vec![], vec![], 0));
    }

    /// Every third row is 7, all others are numbers that occur once: 2,000,000 rows.
    #[test]
    fn many_values_are_estimated_within_the_bounds_that_are_given() {
        let rows = 2_000_000_i64;
        let many = counts((0..rows).map(|row| if row % 3 == 0 { 7 } else { row }));
        let truth = (rows - rows / 3) as u64;
        let distinct = many.distinct();
        assert!(!distinct.is_exact && distinct.low <= truth && truth <= distinct.high, "{distinct:?}");
        assert!(distinct.high - distinct.low < truth / 25, "{distinct:?}");
        let (top, error) = many.top(5);
        let sevens = (rows as u64).div_ceil(3) + 1;
        assert_eq!(top.len(), 1, "{top:?}");
        assert!(top[0].0 == 7 && (sevens - 1..=sevens + error).contains(&top[0].1), "{top:?} {error}");
        assert!(error < rows as u64 / 1_000);
        let (values, error) = many.quantiles(&[0.0, 0.25, 0.5, 1.0]);
        assert_eq!((values[0], values[1], values[3]), (1, 7, rows - 1));
        // Below x lie the sevens, and two of three numbers up to x: half of all rows is at a quarter of the numbers.
        let rank = (rows as f64 / 3.0 + values[2] as f64 * 2.0 / 3.0) / rows as f64;
        assert!((rank - 0.5).abs() <= error + 1e-5 && error < 0.002, "{values:?} {error}");
    }
}
