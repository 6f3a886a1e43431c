//! Sizes and times as people write them.

use std::time::Duration;

/// Decimal units as they stand on disks, binary ones as in memory. A bare letter is binary, as in most tools that accept
/// one.
const SIZES: [(&str, u64); 14] = [
    ("", 1),
    ("b", 1),
    ("k", 1 << 10),
    ("kb", 1_000),
    ("kib", 1 << 10),
    ("m", 1 << 20),
    ("mb", 1_000_000),
    ("mib", 1 << 20),
    ("g", 1 << 30),
    ("gb", 1_000_000_000),
    ("gib", 1 << 30),
    ("t", 1 << 40),
    ("tb", 1_000_000_000_000),
    ("tib", 1 << 40),
];

const TIMES: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Reads a size: `512`, `512MB` (powers of 1000), `1.5GiB` or `2G` (powers of 1024); case and a space before the unit do
/// not matter. `None` for anything else and for sizes beyond 64 bits.
pub fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = split_unit(text);
    let (_, factor) = SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    scaled(number, *factor)
}

/// Reads a time: `500ms`, `30s`, `2m`, `12h`, `7d`, also with decimals; a bare number counts in units of so many seconds.
/// `None` for anything else.
pub fn parse_duration(text: &str, bare_seconds: u64) -> Option<Duration> {
    let (number, unit) = split_unit(text);
    let factor = if unit.is_empty() {
        bare_seconds.checked_mul(1_000)?
    } else {
        TIMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?.1
    };
    scaled(number, factor).map(Duration::from_millis)
}

/// Cuts a text after its number.
fn split_unit(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.trim_start())
}

/// A decimal number times a factor, exactly, rounded down. Going through floating point would lose bytes of large sizes.
fn scaled(number: &str, factor: u64) -> Option<u64> {
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() && fraction.len() <= 9 => (whole, fraction),
        Some(_) => return None,
        None => (number, ""),
    };
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let whole = whole.parse::<u64>().ok()?.checked_mul(factor)?;
    let part = match fraction {
        "" => 0,
        digits => {
            let scale = 10_u128.pow(u32::try_from(digits.len()).ok()?);
            u64::try_from(digits.parse::<u128>().ok()? * u128::from(factor) / scale).ok()?
        }
    };
    whole.checked_add(part)
}

/// A size in the largest unit that shows it exactly.
pub(super) fn format_size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 8] = [
        ("TiB", 1 << 40),
        ("GiB", 1 << 30),
        ("MiB", 1 << 20),
        ("TB", 1_000_000_000_000),
        ("GB", 1_000_000_000),
        ("MB", 1_000_000),
        ("KiB", 1 << 10),
        ("KB", 1_000),
    ];
    match UNITS.iter().find(|(_, factor)| bytes > 0 && bytes.is_multiple_of(*factor)) {
        Some((unit, factor)) => format!("{}{unit}", bytes / factor),
        None => bytes.to_string(),
    }
}

/// A time in the largest unit that shows it exactly; what is shorter than a millisecond is left out.
pub(super) fn format_duration(time: Duration) -> String {
    let millis = time.as_millis();
    if millis == 0 {
        return "0s".to_owned();
    }
    let (unit, factor) =
        TIMES.iter().rev().find(|(_, factor)| millis.is_multiple_of(u128::from(*factor))).unwrap_or(&TIMES[0]);
    format!("{}{unit}", millis / u128::from(*factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let good = [
            ("0", 0),
            ("512", 512),
            ("512b", 512),
            ("512MB", 512_000_000),
            ("512 mb", 512_000_000),
            ("2GiB", 2 << 30),
            ("2g", 2 << 30),
            ("1.5KiB", 1536),
            ("0.1GB", 100_000_000),
            ("9007199254740993", 9007199254740993),
            ("18446744073709551615", u64::MAX),
            ("3TiB", 3 << 40),
        ];
        for (text, bytes) in good {
            assert_eq!(parse_size(text), Some(bytes), "{text}");
        }
        for text in [
            "",
            "MB",
            "-1",
            "1.MB",
            ".5GB",
            "1.2.3",
            "1e9",
            "5 MBs",
            "18446744073709551616",
            "99999999999TiB",
            "50%",
            "1,5GB",
            "0.0000000001TB",
            "٣",
        ] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }

    #[test]
    fn times() {
        let good = [
            ("30", 1, 30_000),
            ("7", 86_400, 7 * 86_400_000),
            ("0.5", 1, 500),
            ("500ms", 1, 500),
            ("2m", 1, 120_000),
            ("12h", 86_400, 43_200_000),
            ("7D", 1, 604_800_000),
            ("0", 1, 0),
        ];
        for (text, bare, millis) in good {
            assert_eq!(parse_duration(text, bare), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "-1s", "1 week", "99999999999999999999s", "1e3", "30 000"] {
            assert_eq!(parse_duration(text, 1), None, "{text}");
        }
    }

    #[test]
    fn written_sizes_and_times_read_back() {
        for bytes in [0, 1, 999, 1000, 1024, 1500, 512_000_000, 512 << 20, 10 << 30, (10 << 30) + 1, u64::MAX] {
            assert_eq!(parse_size(&format_size(bytes)), Some(bytes));
        }
        assert_eq!(format_size(10 << 30), "10GiB");
        assert_eq!(format_size(512_000_000), "512MB");
        for millis in [0, 1, 999, 1000, 30_000, 90_000, 7_200_000, 604_800_000] {
            let time = Duration::from_millis(millis);
            assert_eq!(parse_duration(&format_duration(time), 1), Some(time));
        }
        assert_eq!(format_duration(Duration::from_secs(7 * 86_400)), "7d");
    }
}
