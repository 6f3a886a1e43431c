//! The ranks of many values, in a sketch of bounded size that says the same of the same values each time.
//!
//! Values lie in levels; one of level `h` stands for 2^h values. A level that is full is sorted, and every second of its values
//! moves up: the first, third, ... and the next time the second, fourth, ... Whatever lies below a value is then counted too large
//! by one at most, and the next time too small, so that the error is known and needs no luck. Sketches that toss a coin instead
//! are somewhat smaller, and say something else each time.

/// Values of a level that is full. The error grows with the number of levels: 0.1 % of two million values, 0.2 % of a billion.
const FULL: usize = 4_096;

/// What is kept of the values.
#[derive(Debug)]
pub(super) struct Ranks<K> {
    levels: Vec<Level<K>>,
    count: u64,
    /// The smallest and the largest value.
    extremes: Option<(K, K)>,
}

#[derive(Debug)]
struct Level<K> {
    values: Vec<K>,
    /// How often every second value has moved up.
    halvings: u64,
}

impl<K: Ord + Clone> Ranks<K> {
    pub(super) fn new() -> Self {
        Self { levels: Vec::new(), count: 0, extremes: None }
    }

    /// Takes a value so many times.
    pub(super) fn add(&mut self, value: K, times: u64) {
        match &mut self.extremes {
            None => self.extremes = Some((value.clone(), value.clone())),
            Some((low, _)) if value < *low => *low = value.clone(),
            Some((_, high)) if value > *high => *high = value.clone(),
            Some(_) => {}
        }
        self.count += times;
        // A value that comes 2^h times is one of level h.
        for at in 0..(u64::BITS - times.leading_zeros()) as usize {
            if (times >> at) & 1 == 1 {
                self.push(at, value.clone());
            }
        }
    }

    fn push(&mut self, at: usize, value: K) {
        self.level(at).values.push(value);
        let mut at = at;
        while self.level(at).values.len() >= FULL {
            let halved = self.level(at).halve();
            at += 1;
            self.level(at).values.extend(halved);
        }
    }

    fn level(&mut self, at: usize) -> &mut Level<K> {
        if self.levels.len() <= at {
            self.levels.resize_with(at + 1, || Level { values: Vec::new(), halvings: 0 });
        }
        &mut self.levels[at]
    }

    /// The values of these ranks, counted from 1.
    pub(super) fn at(&self, ranks: impl Iterator<Item = u64>) -> Vec<K> {
        let Some((low, high)) = &self.extremes else { return Vec::new() };
        let levels = self.levels.iter().enumerate();
        let kept = levels.flat_map(|(at, level)| level.values.iter().map(move |value| (value, 1_u64 << at)));
        let mut kept: Vec<(&K, u64)> = kept.collect();
        kept.sort_unstable_by(|a, b| a.0.cmp(b.0));
        let mut below = 0;
        for (_, count) in &mut kept {
            below += *count;
            *count = below;
        }
        let value = |rank: u64| {
            let place = kept.partition_point(|(_, below)| *below < rank);
            match kept.get(place) {
                _ if rank <= 1 => low,
                Some((value, _)) if rank < self.count => *value,
                _ => high,
            }
        };
        ranks.map(|rank| value(rank).clone()).collect()
    }

    /// How many values there are.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// By which share of the values a rank is off at most.
    pub(super) fn error(&self) -> f64 {
        let levels = self.levels.iter().enumerate();
        // Two halvings of a level in turn are off by one of its values, as is one.
        let off = levels.map(|(at, level)| level.halvings.div_ceil(2) as f64 * 2_f64.powi(at as i32)).sum::<f64>();
        if self.count == 0 { 0.0 } else { off / self.count as f64 }
    }
}

impl<K: Ord> Level<K> {
    /// Every second of its values, in their order. Of an odd number the largest stays.
    fn halve(&mut self) -> Vec<K> {
        let mut values = std::mem::take(&mut self.values);
        values.sort_unstable();
        if values.len() % 2 == 1 {
            self.values.extend(values.pop());
        }
        let first = (self.halvings % 2) as usize;
        self.halvings += 1;
        values.into_iter().skip(first).step_by(2).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers below `count`, each once, in an order that is none.
    fn mixed(count: u64) -> impl Iterator<Item = u64> {
        // The factor has no divisor in common with the count.
        (0..count).map(move |n| n * 7_368_787 % count)
    }

    #[test]
    fn ranks_are_off_by_no_more_than_is_said() {
        for count in [1, 5_000, 300_000, 2_000_000] {
            for sorted in [true, false] {
                let mut ranks = Ranks::new();
                match sorted {
                    true => (0..count).for_each(|n| ranks.add(n, 1)),
                    false => mixed(count).for_each(|n| ranks.add(n, 1)),
                }
                let error = ranks.error();
                assert!(error < 0.002, "{error}");
                let wanted: Vec<u64> = (0..=100).map(|percent| (count * percent / 100).max(1)).collect();
                for (rank, value) in wanted.iter().zip(ranks.at(wanted.iter().copied())) {
                    // The value n has the rank n + 1.
                    let off = (value + 1).abs_diff(*rank);
                    assert!(off as f64 <= error * count as f64 + 1.0, "{count}: {value} for {rank}");
                }
                assert_eq!(ranks.at([1, count].into_iter()), [0, count - 1]);
                assert_eq!(ranks.count(), count);
            }
        }
        assert_eq!(Ranks::<u64>::new().at([1].into_iter()), Vec::<u64>::new());
    }

    #[test]
    fn values_that_come_often_count_as_often() {
        let mut ranks = Ranks::new();
        (0..10_000_u64).for_each(|n| ranks.add(n, if n == 4_000 { 1_000_003 } else { 1 }));
        assert_eq!(ranks.count(), 1_010_002);
        assert_eq!(ranks.at([1, 100_000, 1_000_000, 1_010_002].into_iter()), [0, 4_000, 4_000, 9_999]);
    }
}
