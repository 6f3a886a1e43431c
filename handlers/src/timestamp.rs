//! Instants.

use chrono::{DateTime, Datelike, Utc};
use datafolio_core::{ItemRecord, item_type, time};
use serde_json::{Map, Value, json};

use crate::data::Data;
use crate::error::{HandlerError, HandlerResult};
use crate::handler::{Draft, Handler, Item, Sink, WriteOptions};
use crate::payload_bytes::read_all;

/// Item type `timestamp`: an instant in UTC, to the microsecond. The instant stands in the payload and in the entry; a
/// reader checks that both agree, since Python DataFolio records no checksum for this type.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timestamp;

impl Handler for Timestamp {
    fn item_type(&self) -> &str {
        item_type::TIMESTAMP
    }

    fn recognises(&self, data: &Data) -> bool {
        matches!(data, Data::Timestamp(_))
    }

    /// Fractions of a microsecond are cut off: Python's `datetime` has none.
    fn write(&self, data: Data, _: &WriteOptions, sink: &mut Sink<'_>) -> HandlerResult<Draft> {
        let Data::Timestamp(instant) = data else {
            return Err(HandlerError::WrongKind { expected: "a timestamp", found: data.kind().to_owned() });
        };
        // Through whole microseconds also because a leap second would be written as a fraction of more than one.
        let instant = DateTime::from_timestamp_micros(instant.timestamp_micros())
            .filter(|instant| (1..=9999).contains(&instant.year()))
            .ok_or_else(|| HandlerError::Invalid {
                item: sink.name().to_owned(),
                reason: "instants have years from 1 to 9999".to_owned(),
            })?;
        let iso = time::to_iso(instant);
        let mut writer = sink.payload(".json")?;
        serde_json::to_writer_pretty(&mut writer, &json!({ "iso_string": iso })).map_err(std::io::Error::from)?;
        let payload = writer.finish()?;
        let mut fields = Map::new();
        fields.insert("iso_string".to_owned(), iso.into());
        fields.insert("unix_timestamp".to_owned(), unix(instant).into());
        Ok(Draft::new(fields).with_payload(payload))
    }

    fn read(&self, item: &Item<'_>) -> HandlerResult<Data> {
        let bytes = read_all(item)?;
        let value: Value =
            serde_json::from_slice(&bytes).map_err(|error| item.damaged(format!("not JSON: {error}")))?;
        let instant = value
            .get("iso_string")
            .and_then(Value::as_str)
            .and_then(time::from_iso)
            .ok_or_else(|| item.damaged("its payload holds no instant under iso_string"))?;
        let recorded = item.record().str("iso_string");
        let agrees = recorded.is_none_or(|text| time::from_iso(text) == Some(instant));
        // The float is exact to well below a millisecond in all years.
        let recorded_unix = item.record().get("unix_timestamp").and_then(Value::as_f64);
        let agrees_unix = recorded_unix.is_none_or(|seconds| (seconds - unix(instant)).abs() < 0.001);
        if agrees && agrees_unix {
            Ok(Data::Timestamp(instant))
        } else {
            Err(item
                .damaged(format!("its payload says {}, and its entry records another instant", time::to_iso(instant))))
        }
    }

    fn verify(&self, item: &Item<'_>) -> HandlerResult<()> {
        self.read(item).map(drop)
    }

    fn facts(&self, record: &ItemRecord) -> Vec<(&'static str, String)> {
        let Some(text) = record.str("iso_string") else { return Vec::new() };
        let shown = time::from_iso(text).map(|instant| instant.format("%Y-%m-%d %H:%M:%S UTC").to_string());
        vec![("time", shown.unwrap_or_else(|| text.to_owned()))]
    }
}

/// Seconds since 1970, as Python's `datetime.timestamp()` gives them.
fn unix(instant: DateTime<Utc>) -> f64 {
    instant.timestamp_micros() as f64 / 1e6
}
