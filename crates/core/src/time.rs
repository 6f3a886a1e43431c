//! Instants as the bundle formats write them: UTC, ISO 8601, microseconds omitted when zero.

use chrono::{DateTime, SubsecRound, TimeZone, Utc};

/// The current instant, to the microsecond.
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

/// Writes an instant as Python's `datetime.isoformat()` does for an aware UTC datetime.
pub fn to_iso(instant: DateTime<Utc>) -> String {
    let micros = instant.timestamp_subsec_micros();
    let base = instant.format("%Y-%m-%dT%H:%M:%S");
    if micros == 0 { format!("{base}+00:00") } else { format!("{base}.{micros:06}+00:00") }
}

/// Reads an ISO 8601 instant with an offset; a text without an offset is taken for UTC, as no release writes one.
pub fn from_iso(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.with_timezone(&Utc));
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"] {
        if let Ok(naive) = chrono::NaiveDateTime::parse_from_str(text, format) {
            return Some(Utc.from_utc_datetime(&naive));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_is_what_python_writes() {
        // Python: datetime(2026, 11, 21, 5, 14, 32, 131903, tzinfo=timezone.utc).isoformat()
        let text = "2026-11-21T05:14:32.131903+00:00";
        assert_eq!(to_iso(from_iso(text).unwrap()), text);
        let whole = "2024-01-15T10:30:00+00:00";
        assert_eq!(to_iso(from_iso(whole).unwrap()), whole);
        assert_eq!(to_iso(from_iso("2024-01-15T12:30:00.5+02:00").unwrap()), "2024-01-15T10:30:00.500000+00:00");
        assert_eq!(from_iso("yesterday"), None);
    }
}
