//! Points in time, as the log has them: milliseconds since 1970, in UTC.

use arrow::temporal_conversions::timestamp_ms_to_datetime;

/// As people read it: `2024-01-31T12:30:00.000Z`.
pub(crate) fn iso(milliseconds: i64) -> String {
    match timestamp_ms_to_datetime(milliseconds) {
        Some(time) => format!("{}Z", time.format("%Y-%m-%dT%H:%M:%S%.3f")),
        None => format!("{milliseconds} ms"),
    }
}
