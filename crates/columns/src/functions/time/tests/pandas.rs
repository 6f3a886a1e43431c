//! What pandas 3.1 says, with tzdata 2026.6; `tests-data/times/times.py` wrote it down.

use std::path::PathBuf;

use serde_json::Value as Json;

use super::*;

fn said() -> Json {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests-data/times/pandas.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn ticks(json: &Json) -> Vec<Option<i64>> {
    json.as_array().unwrap().iter().map(Json::as_i64).collect()
}

fn same(found: &Value, said: &Json) -> bool {
    match (found, said) {
        (Value::Null, Json::Null) => true,
        (Value::Int(found), said) => said.as_i64().map(i128::from) == Some(*found),
        (Value::Bool(found), said) => said.as_bool() == Some(*found),
        // Python has rounded these to microseconds, and added what is left.
        (Value::Float(found), said) => said.as_f64().is_some_and(|said| (said - found).abs() <= 1e-15 * said.abs().max(1.0)),
        (Value::Text(found), said) => said.as_str() == Some(&**found),
        (Value::Instant(found, ..), said) => said.as_i64() == Some(*found),
        _ => false,
    }
}

/// Compares rows of which pandas says something.
fn check(batch: &RecordBatch, text: &str, said: &Json, instants: &[Option<i64>]) {
    let found = values(batch, text);
    let mut compared = 0;
    for ((found, said), instant) in found.iter().zip(said.as_array().unwrap()).zip(instants) {
        if !said.is_null() {
            assert!(same(found, said), "{text} of {instant:?} is {found:?}, and pandas says {said}");
            compared += 1;
        }
    }
    assert!(compared * 2 > found.len(), "{text}: pandas says too little");
}

#[test]
fn parts_and_texts_are_those_of_local_time() {
    for zone in said()["zones"].as_array().unwrap() {
        let instants = ticks(&zone["instants"]);
        let batch = nanoseconds(instants.clone(), zone["zone"].as_str());
        for (part, said) in zone["parts"].as_object().unwrap() {
            check(&batch, &format!("t.dt.{part}"), said, &instants);
        }
        for (format, said) in zone["formats"].as_object().unwrap() {
            check(&batch, &format!("t.dt.strftime('{format}')"), said, &instants);
        }
    }
}

#[test]
fn bins_begin_when_pandas_says() {
    for zone in said()["zones"].as_array().unwrap() {
        let instants = ticks(&zone["instants"]);
        let batch = nanoseconds(instants.clone(), zone["zone"].as_str());
        for towards in ["floor", "ceil", "round"] {
            for (width, said) in zone[towards].as_object().unwrap() {
                // pandas computes with what clocks show: where they are set back into such a bin, it begins an hour before.
                if width != "7s" || !zone["zone"].as_str().is_some_and(|zone| zone.contains('/')) {
                    check(&batch, &format!("t.dt.{towards}('{width}')"), said, &instants);
                }
            }
        }
    }
}

#[test]
fn local_times_become_the_same_instants() {
    for zone in said()["zones"].as_array().unwrap() {
        let Some(name) = zone["zone"].as_str() else { continue };
        let instants = ticks(&zone["instants"]);
        let zoned = nanoseconds(instants.clone(), Some(name));
        check(&zoned, "t.dt.tz_localize(None)", &zone["local"], &instants);
        for (column, choice, said) in [
            ("local", "NaT", "NaT"),
            ("local", "shift_forward", "shift_forward"),
            ("local", "shift_backward", "shift_backward"),
            ("gaps", "shift_forward", "gaps_forward"),
            ("gaps", "shift_backward", "gaps_backward"),
        ] {
            // Of gaps of minutes, when zones got rid of their local mean time, pandas makes hours.
            let mut local = ticks(&zone[column]);
            let late = |local: &Option<i64>| local.is_some_and(|local| local > -1_500_000_000_000_000_000);
            let said: Json = zone["localize"][said].as_array().unwrap().iter().zip(&local).filter(|(_, local)| late(local)).map(|(said, _)| said.clone()).collect();
            local.retain(late);
            let text = format!("t.dt.tz_localize('{name}', ambiguous='NaT', nonexistent='{choice}')");
            let batch = nanoseconds(local.clone(), None);
            check(&batch, &text, &said, &local);
            let missing = |values: &[Value]| values.iter().filter(|value| value.is_null()).count();
            let nulls = said.as_array().unwrap().iter().filter(|value| value.is_null()).count();
            assert_eq!(missing(&values(&batch, &text)), nulls, "{text}");
        }
    }
}

#[test]
fn months_are_added_as_pandas_does() {
    let said = said();
    let zone = &said["zones"][0];
    let instants = ticks(&zone["instants"]);
    let batch = nanoseconds(instants.clone(), None);
    for (months, said) in zone["months"].as_object().unwrap() {
        check(&batch, &format!("t.dt.add_months({months})"), said, &instants);
    }
}

#[test]
fn durations_are_taken_apart_as_timedeltas_are() {
    let said = said();
    let said = &said["durations"];
    let ticks = ticks(&said["ticks"]);
    let batch = durations(ticks.clone());
    for part in ["days", "seconds", "microseconds", "nanoseconds", "total_seconds"] {
        check(&batch, &format!("d.td.{part}"), &said[part], &ticks);
    }
}
