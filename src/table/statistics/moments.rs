//! Mean and variance of a stream.

/// Mean and squared deviations, batch by batch (Chan, Golub and LeVeque 1983): as exact as two passes over all values, also
/// for values that lie far from zero and close to each other.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Moments {
    count: f64,
    mean: f64,
    deviations: f64,
    /// Whether infinite values came, which are in none of the above.
    above: bool,
    below: bool,
}

impl Moments {
    /// Adds values, which are gone through twice.
    pub(super) fn add(&mut self, values: impl Iterator<Item = f64> + Clone) {
        for value in values.clone().filter(|value| value.is_infinite()) {
            (self.above, self.below) = (self.above || value > 0.0, self.below || value < 0.0);
        }
        let values = values.filter(|value| value.is_finite());
        let (count, sum) = values.clone().fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
        if count == 0.0 {
            return;
        }
        // Their sum can be too large where their mean is not.
        let mean: f64 = if f64::is_finite(sum) { sum / count } else { values.clone().map(|value| value / count).sum() };
        let deviations: f64 = values.map(|value| (value - mean) * (value - mean)).sum();
        let all = self.count + count;
        let shift = mean - self.mean;
        self.mean += shift * (count / all);
        self.deviations += deviations + shift * shift * (self.count * count / all);
        self.count = all;
    }

    /// `None` where there are no values, and for infinite ones of both signs.
    pub(super) fn mean(&self) -> Option<f64> {
        match (self.above, self.below) {
            (true, true) => None,
            (true, false) => Some(f64::INFINITY),
            (false, true) => Some(f64::NEG_INFINITY),
            (false, false) => (self.count > 0.0).then_some(self.mean),
        }
    }

    /// Standard deviation of a sample, with one less than the count below; `None` for fewer than two values, and where one of
    /// them is infinite.
    pub(super) fn std(&self) -> Option<f64> {
        let variance = self.deviations / (self.count - 1.0);
        (self.count > 1.0 && variance.is_finite() && !self.above && !self.below).then(|| variance.sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_give_what_one_pass_over_all_gives() {
        let mut moments = Moments::default();
        assert_eq!((moments.mean(), moments.std()), (None, None));
        moments.add([1e9 + 4.0].into_iter());
        assert_eq!((moments.mean(), moments.std()), (Some(1e9 + 4.0), None));
        moments.add([1e9 + 7.0, 1e9 + 13.0].into_iter());
        moments.add(std::iter::empty());
        moments.add([1e9 + 16.0].into_iter());
        // The variance of 4, 7, 13 and 16 is 30.
        assert_eq!(moments.mean(), Some(1e9 + 10.0));
        assert!((moments.std().unwrap() - 30_f64.sqrt()).abs() < 1e-9);
        // Wherever they stand.
        moments.add([1.0, f64::INFINITY, 2.0].into_iter());
        moments.add([3.0].into_iter());
        assert_eq!((moments.mean(), moments.std()), (Some(f64::INFINITY), None));
        moments.add([f64::NEG_INFINITY].into_iter());
        assert_eq!(moments.mean(), None);
        let mut large = Moments::default();
        (0..2).for_each(|_| large.add([1e308; 1000].into_iter()));
        assert!((large.mean().unwrap() / 1e308 - 1.0).abs() < 1e-12);
    }
}
