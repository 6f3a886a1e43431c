//! The colours of values: dark blue for the least, yellow for the greatest, evenly brighter in between.

/// Colours at even distances along viridis (van der Walt and Smith 2015, public domain).
const VIRIDIS: [[u8; 3]; 11] = [
    [68, 1, 84],
    [72, 36, 117],
    [65, 68, 135],
    [53, 95, 141],
    [42, 120, 142],
    [33, 145, 140],
    [34, 168, 132],
    [68, 191, 112],
    [122, 209, 81],
    [189, 223, 38],
    [253, 231, 37],
];

/// The colour of a share from 0 to 1.
pub(in crate::cli) fn of_share(share: f64) -> [u8; 3] {
    let place = share.clamp(0.0, 1.0) * (VIRIDIS.len() - 1) as f64;
    let below = (place.floor() as usize).min(VIRIDIS.len() - 2);
    let rest = place - below as f64;
    let mut color = [0; 3];
    for (channel, value) in color.iter_mut().enumerate() {
        let (low, high) = (f64::from(VIRIDIS[below][channel]), f64::from(VIRIDIS[below + 1][channel]));
        *value = (low + (high - low) * rest).round() as u8;
    }
    color
}

/// Where values lie between the least and the greatest of them; none where there is no number.
pub(in crate::cli) fn shares(values: &[Option<f64>]) -> Vec<Option<f64>> {
    let numbers = || values.iter().flatten().copied().filter(|value| value.is_finite());
    let (least, most) = numbers().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
    let share = |value: f64| if most > least { (value - least) / (most - least) } else { 0.5 };
    values.iter().map(|value| value.filter(|value| value.is_finite()).map(share)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_colours_from_dark_to_bright() {
        assert_eq!(of_share(0.0), [68, 1, 84]);
        assert_eq!(of_share(1.0), [253, 231, 37]);
        assert_eq!(of_share(0.5), [33, 145, 140]);
        assert_eq!(of_share(0.05), [70, 19, 101]);
        assert_eq!(shares(&[Some(1.0), None, Some(3.0), Some(f64::NAN)]), [Some(0.0), None, Some(1.0), None]);
        assert_eq!(shares(&[Some(2.0), Some(2.0)]), [Some(0.5), Some(0.5)]);
    }
}
