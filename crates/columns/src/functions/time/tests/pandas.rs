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
        (Value::Float(found), said) => {
            said.as_f64().is_some_and(|said| (said - found).abs() <= 1e-15 * said.abs().max(1.0))
        }
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
    assert!(compared >= 10, "{text}: pandas says too little");
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
                // pandas computes with what clocks show: it knows no bins that begin with a change, goes an hour too far where
                // clocks are set back, and takes bins that have an hour more for as wide as the others.
                let seconds = [
                    ("7s", 7),
                    ("15min", 900),
                    ("h", 3_600),
                    ("2h", 7_200),
                    ("6h", 21_600),
                    ("D", 86_400),
                    ("3D", 259_200),
                ];
                let most = seconds
                    .iter()
                    .find(|(name, _)| name == width)
                    .map_or(i64::MAX, |(_, seconds)| seconds * 1_000_000_000);
                let set_back = width == "7s" && zone["zone"].as_str().is_some_and(|zone| zone.contains('/'));
                let (floors, ceils) = (ticks(&zone["floor"][width]), &zone["ceil"][width]);
                let said = said.as_array().unwrap().iter().enumerate().zip(&instants).map(|((row, said), instant)| {
                    let uneven = towards == "round"
                        && floors[row].zip(ceils[row].as_i64()).is_some_and(|(a, b)| a != b && b - a != most);
                    let far = said.as_i64().zip(*instant).is_some_and(|(said, instant)| (said - instant).abs() > most);
                    if far || (uneven && most < i64::MAX) || floors[row].is_none() { Json::Null } else { said.clone() }
                });
                if !set_back {
                    check(&batch, &format!("t.dt.{towards}('{width}')"), &said.collect(), &instants);
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
            ("local", "shift_forward", "local_forward"),
            ("local", "shift_backward", "local_backward"),
            ("gaps", "shift_forward", "gaps_forward"),
            ("gaps", "shift_backward", "gaps_backward"),
        ] {
            let local = ticks(&zone[column]);
            let said = &zone["localize"][said];
            let text = format!("t.dt.tz_localize('{name}', ambiguous='NaT', nonexistent='{choice}')");
            let batch = nanoseconds(local.clone(), None);
            check(&batch, &text, said, &local);
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
