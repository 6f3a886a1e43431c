//! Numbers drawn at random: the same for a seed on every machine and in every release.

use std::collections::HashSet;

/// The generator SplitMix64 (Steele, Lea and Flood 2014).
#[derive(Debug, Clone)]
pub struct SplitMix(u64);

impl SplitMix {
    /// The generator of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number; each of 64 bits is as likely as any other.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, each equally likely: what lies in the last, incomplete round is drawn again. 0 where `end` is.
    pub fn below(&mut self, end: u64) -> u64 {
        if end == 0 {
            return 0;
        }
        let complete = u64::MAX - u64::MAX % end;
        loop {
            let number = self.draw();
            if number < complete {
                return number % end;
            }
        }
    }

    /// Puts values in an order of which each is equally likely (Fisher and Yates).
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            values.swap(last, other);
        }
    }
}

/// So many different numbers below `all`, ascending: Floyd's algorithm, which draws once for each.
pub fn draw(all: u64, wanted: u64, seed: u64) -> Vec<u64> {
    if wanted >= all {
        return (0..all).collect();
    }
    let mut random = SplitMix::new(seed);
    let mut drawn = Drawn::new(all, wanted);
    for last in all - wanted..all {
        if !drawn.insert(random.below(last + 1)) {
            drawn.insert(last);
        }
    }
    drawn.ascending()
}

/// Numbers that were drawn: few in a set, many as a bit of each that there is.
enum Drawn {
    Few(HashSet<u64>),
    Many(Vec<u64>),
}

impl Drawn {
    fn new(all: u64, wanted: u64) -> Self {
        // An entry of the set takes some 16 bytes, a bit an eighth of one.
        if wanted < all / 128 {
            return Self::Few(HashSet::with_capacity(usize::try_from(wanted).unwrap_or(0)));
        }
        Self::Many(vec![0; usize::try_from(all.div_ceil(64)).unwrap_or(0)])
    }

    /// Whether it is a new one.
    fn insert(&mut self, number: u64) -> bool {
        match self {
            Self::Few(drawn) => drawn.insert(number),
            Self::Many(bits) => {
                let Some(word) = bits.get_mut((number / 64) as usize) else { return false };
                let bit = 1 << (number % 64);
                let new = *word & bit == 0;
                *word |= bit;
                new
            }
        }
    }

    fn ascending(self) -> Vec<u64> {
        match self {
            Self::Few(drawn) => {
                let mut numbers: Vec<u64> = drawn.into_iter().collect();
                numbers.sort_unstable();
                numbers
            }
            Self::Many(bits) => {
                let within = |(at, word): (usize, &u64)| {
                    let word = *word;
                    (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at as u64 * 64 + bit)
                };
                bits.iter().enumerate().flat_map(within).collect()
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
        let mut random = SplitMix::new(1_234_567);
        let numbers: Vec<u64> = (0..3).map(|_| random.draw()).collect();
        assert_eq!(numbers, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn every_number_is_as_likely_as_any_other() {
        for (all, wanted, expected) in [(20, 5, 5_000), (20, 19, 19_000)] {
            let mut counts = [0_u32; 20];
            for seed in 0..20_000 {
                let rows = draw(all, wanted, seed);
                assert_eq!(rows.len() as u64, wanted);
                rows.into_iter().for_each(|row| counts[row as usize] += 1);
            }
            // With a standard deviation of 61, or of 31.
            assert!(counts.iter().all(|count| (expected - 300..expected + 300).contains(count)), "{counts:?}");
        }
        assert_eq!(draw(3, 5, 1).len(), 3);
        assert_eq!(draw(1 << 40, 5, 1), draw(1 << 40, 5, 1));
        assert!(draw(0, 5, 1).is_empty());
        let many = draw(1_000, 900, 3);
        assert!(many.len() == 900 && many.is_sorted_by(|a, b| a < b) && many.iter().all(|number| *number < 1_000));
    }

    #[test]
    fn every_place_is_as_likely_as_any_other() {
        let mut counts = [[0_u32; 5]; 5];
        let mut random = SplitMix::new(7);
        for _ in 0..20_000 {
            let mut values = [0, 1, 2, 3, 4];
            random.shuffle(&mut values);
            values.iter().enumerate().for_each(|(place, value)| counts[place][*value] += 1);
        }
        // 4,000 expected of each, with a standard deviation of 57.
        assert!(counts.iter().flatten().all(|count| (3_700..4_300).contains(count)), "{counts:?}");
    }
}
