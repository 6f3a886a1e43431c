//! Mean and variance of a stream.

/// Mean and squared deviations, batch by batch (Chan, Golub and LeVeque 1983): as exact as two passes over all values, also
/// for values that lie far from zero and close to each other.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Moments {
    count: f64,
    mean: f64,
    deviations: f64,
}

impl Moments {
    /// Adds values, which are gone through twice.
    pub(super) fn add(&mut self, values: impl Iterator<Item = f64> + Clone) {
        let (count, sum) = values.clone().fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
        if count == 0.0 {
            return;
        }
        let mean: f64 = sum / count;
        let deviations: f64 = values.map(|value| (value - mean) * (value - mean)).sum();
        let all = self.count + count;
        let shift = mean - self.mean;
        self.mean += shift * (count / all);
        self.deviations += deviations + shift * shift * (self.count * count / all);
        self.count = all;
    }

    /// `None` where there are no values.
    pub(super) fn mean(&self) -> Option<f64> {
        (self.count > 0.0).then_some(self.mean)
    }

    /// Standard deviation of a sample, with one less than the count below; `None` for fewer than two values, and where one of
    /// them is infinite.
    pub(super) fn std(&self) -> Option<f64> {
        let variance = self.deviations / (self.count - 1.0);
        (self.count > 1.0 && variance.is_finite()).then(|| variance.sqrt())
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
        moments.add([f64::INFINITY].into_iter());
        assert_eq!(moments.std(), None);
    }
}
