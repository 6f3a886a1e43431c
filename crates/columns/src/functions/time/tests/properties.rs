//! Any instants, of any unit and zone, against plain arithmetic and `chrono`.

use arrow::array::{Date32Array, TimestampMicrosecondArray, TimestampMillisecondArray};
use chrono::{DateTime, Datelike, TimeZone, Timelike};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::*;
use crate::types::Unit;

const ZONES: [&str; 6] =
    ["America/New_York", "Europe/Berlin", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe", "Africa/Casablanca"];

fn int(value: impl Into<i128>) -> Value {
    Value::Int(value.into())
}

#[test]
fn edges_of_blocks_and_missing_rows_make_no_difference() {
    for rows in [0, 1, 4_095, 4_096, 4_097, 10_000] {
        let ticks = |row: usize| (row % 7 != 3).then_some(row as i64 * 7_919_000_000_007 - 20_000_000_000_000_000);
        let all = nanoseconds((0..rows).map(ticks).collect(), Some("America/New_York"));
        for text in
            ["t.dt.year", "t.dt.hour", "t.dt.day_name", "t.dt.floor('M')", "t.dt.round('15min')", "t.dt.strftime('%d')"]
        {
            let together = values(&all, text);
            assert_eq!(together.len(), rows);
            for row in (0..rows).step_by(97) {
                let one = nanoseconds(vec![ticks(row)], Some("America/New_York"));
                assert_eq!(values(&one, text)[0], together[row], "{text} in row {row} of {rows}");
                assert_eq!(together[row].is_null(), ticks(row).is_none());
            }
        }
        if rows > 10 {
            let cut = all.slice(3, rows - 5);
            assert_eq!(values(&cut, "t.dt.day"), values(&all, "t.dt.day")[3..rows - 2]);
        }
    }
}

#[test]
fn no_time_is_missing() {
    // NumPy's mark, where nobody has made a missing value of it.
    let batch = nanoseconds(vec![Some(i64::MIN), Some(0)], None);
    for text in [
        "t.dt.year",
        "t.dt.date",
        "t.dt.weekofyear",
        "t.dt.hour",
        "t.dt.floor('W')",
        "t.dt.strftime('%Y')",
        "t.dt.month_name",
        "t.dt.timestamp()",
        "t.dt.add_months(1)",
        "t.dt.tz_localize('Asia/Kolkata')",
        "t.dt.is_month_end",
        "t.dt.ceil('h')",
    ] {
        let values = values(&batch, text);
        assert!(values[0].is_null() && !values[1].is_null(), "{text}: {values:?}");
    }
    let batch = durations(vec![Some(i64::MIN), None, Some(0)]);
    for text in ["d.td.days", "d.td.total_seconds", "d.td.nanoseconds"] {
        let values = values(&batch, text);
        assert!(values[0].is_null() && values[1].is_null() && !values[2].is_null(), "{text}: {values:?}");
    }
    let none = batch.slice(0, 2);
    assert_eq!(values(&none, "dt_year(None)"), [Value::Null, Value::Null]);
    assert_eq!(values(&none, "td_days(None)"), [Value::Null, Value::Null]);
}

#[test]
fn constants_stand_for_all_rows() {
    let batch = nanoseconds(vec![Some(0), Some(1)], None);
    assert_eq!(values(&batch, "datetime64('2024-02-29').dt.dayofyear"), [int(60), int(60)]);
    assert_eq!(values(&batch, "dt_year('1969-12-31T23:59:59.5')"), [int(1969), int(1969)]);
    assert_eq!(values(&batch, "datetime64('2024').dt.is_leap_year"), [Value::Bool(true), Value::Bool(true)]);
    assert_eq!(values(&batch, "datetime64('2024-02').dt.days_in_month"), [int(29), int(29)]);
    assert_eq!(values(&batch, "datetime64(0, 'D', 'Asia/Kolkata').dt.minute"), [int(30), int(30)]);
    let day = |days| Value::Instant(days, Unit::Day, None);
    assert_eq!(values(&batch, "dt_add_months(datetime64('2024-01-31'), 1)"), [day(19_782), day(19_782)]);
    let months = |months| Value::Instant(months, Unit::Month, None);
    assert_eq!(values(&batch, "datetime64('1971-05').dt.floor('Q')"), [months(15), months(15)]);
    assert_eq!(values(&batch, "datetime64('1971-05').dt.floor('W')"), [day(480), day(480)]);
    assert_eq!(values(&batch, "datetime64('1999').dt.floor('10Y')")[0], Value::Instant(20, Unit::Year, None));
    assert_eq!(values(&batch, "datetime64('1999').dt.round('Q')")[0], months(29 * 12));
    assert_eq!(values(&batch, "datetime64('1971-05') + timedelta64(2, 'M')"), [months(18), months(18)]);
}

#[test]
fn every_unit_has_the_same_parts() {
    let days = [-800_000_i32, -719_529, -141_428, -1, 0, 1, 59, 60, 11_016, 20_000, 800_000];
    let seconds_of = |day: &i32| i64::from(*day) * 86_400 + 3_723;
    let columns = batch(vec![
        ("D", Arc::new(Date32Array::from(days.to_vec()))),
        ("s", Arc::new(TimestampSecondArray::from_iter_values(days.iter().map(seconds_of)))),
        (
            "ms",
            Arc::new(TimestampMillisecondArray::from_iter_values(days.iter().map(|day| seconds_of(day) * 1_000 + 456))),
        ),
        (
            "us",
            Arc::new(TimestampMicrosecondArray::from_iter_values(
                days.iter().map(|day| seconds_of(day) * 1_000_000 + 456_789),
            )),
        ),
    ]);
    for part in
        ["year", "month", "day", "weekofyear", "isoyear", "day_name", "days_in_month", "date", "strftime('%j %G-%V')"]
    {
        let said = values(&columns, &format!("D.dt.{part}"));
        for unit in ["s", "ms", "us"] {
            assert_eq!(values(&columns, &format!("{unit}.dt.{part}")), said, "{part} of {unit}");
        }
    }
    assert_eq!(values(&columns, "ms.dt.millisecond"), vec![int(456); days.len()]);
    assert_eq!(values(&columns, "us.dt.microsecond"), vec![int(456_789); days.len()]);
    assert_eq!(values(&columns, "us.dt.nanosecond + D.dt.hour + s.dt.millisecond"), vec![int(0); days.len()]);
    assert_eq!(values(&columns, "s.dt.hour * 10000 + s.dt.minute * 100 + s.dt.second"), vec![int(10_203); days.len()]);
    // Across the widest range too.
    let far = seconds(vec![Some(-180_000_000_000_000), Some(180_000_000_000_000)], None);
    assert_eq!(values(&far, "t.dt.floor('Y').dt.month"), [int(1), int(1)]);
}

#[test]
fn days_that_clocks_begin_twice_or_late_are_one_bin() {
    // In Havana clocks go from 01:00 back to 00:00 (2021-11-07T05:00 UTC), and from 00:00 to 01:00 (2021-03-14T05:00 UTC).
    let first_midnight = 1_636_257_600;
    let batch = seconds(
        vec![
            Some(first_midnight),
            Some(first_midnight + 3_600),
            Some(first_midnight + 5_400),
            Some(1_615_698_000),
            Some(1_615_701_600),
        ],
        Some("America/Havana"),
    );
    let ticks = |text: &str| -> Vec<i64> {
        values(&batch, text)
            .iter()
            .map(|value| if let Value::Instant(ticks, ..) = value { *ticks } else { panic!() })
            .collect()
    };
    assert_eq!(
        ticks("t.dt.floor('D')"),
        [first_midnight, first_midnight, first_midnight, 1_615_698_000, 1_615_698_000]
    );
    // The hour that clocks show twice is two.
    let hours = ticks("t.dt.floor('h')");
    assert_eq!(hours[..3], [first_midnight, first_midnight + 3_600, first_midnight + 3_600]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn local_parts_are_those_of_chrono(
        ticks in prop::collection::vec(-3_000_000_000_i64..4_100_000_000, 1..50),
        zone in 0_usize..ZONES.len(),
    ) {
        let zone_name = ZONES[zone];
        let zone: Tz = zone_name.parse().unwrap();
        let batch = seconds(ticks.iter().copied().map(Some).collect(), Some(zone_name));
        let local: Vec<_> = ticks.iter().map(|tick| zone.from_utc_datetime(&DateTime::from_timestamp(*tick, 0).unwrap().naive_utc())).collect();
        let expect = |f: &dyn Fn(&DateTime<Tz>) -> i64| local.iter().map(|local| int(f(local))).collect::<Vec<_>>();
        prop_assert_eq!(values(&batch, "t.dt.hour"), expect(&|local| local.hour().into()));
        prop_assert_eq!(values(&batch, "t.dt.minute"), expect(&|local| local.minute().into()));
        prop_assert_eq!(values(&batch, "t.dt.second"), expect(&|local| local.second().into()));
        prop_assert_eq!(values(&batch, "t.dt.dayofyear"), expect(&|local| local.ordinal().into()));
        prop_assert_eq!(values(&batch, "t.dt.weekofyear"), expect(&|local| local.iso_week().week().into()));
        // One by one, where there is no block to have one offset, and all, where there may be.
        let floors = values(&batch, "t.dt.floor('D')");
        for (floor, tick) in floors.iter().zip(&ticks) {
            let one = seconds(vec![Some(*tick)], Some(zone_name));
            prop_assert_eq!(&values(&one, "t.dt.floor('D')")[0], floor);
        }
        prop_assert_eq!(values(&batch, "t.dt.strftime('%Y-%m-%dT%H:%M:%S')"),
            local.iter().map(|local| Value::from(local.format("%Y-%m-%dT%H:%M:%S").to_string())).collect::<Vec<_>>());
    }

    #[test]
    fn bins_are_around_their_instants(
        ticks in prop::collection::vec(-3_000_000_000_i64..9_000_000_000, 1..30),
        zone in prop::option::of(0_usize..ZONES.len()),
        width in prop::sample::select(vec!["7s", "15min", "h", "5h", "D", "3D", "W", "2W", "M", "5M", "Q", "Y", "10Y"]),
    ) {
        let batch = seconds(ticks.iter().copied().map(Some).collect(), zone.map(|zone| ZONES[zone]));
        let of = |text: String| -> Vec<i64> {
            values(&batch, &text).iter().map(|value| if let Value::Instant(ticks, ..) = value { *ticks } else { i64::MIN }).collect()
        };
        let floors = of(format!("t.dt.floor('{width}')"));
        let ceils = of(format!("t.dt.ceil('{width}')"));
        let nearest = of(format!("t.dt.round('{width}')"));
        let again = of(format!("t.dt.floor('{width}').dt.floor('{width}')"));
        let begun = of(format!("t.dt.ceil('{width}').dt.floor('{width}')"));
        for row in 0..ticks.len() {
            let (tick, floor, ceil, near) = (ticks[row], floors[row], ceils[row], nearest[row]);
            prop_assert!(floor <= tick && tick <= ceil, "{width} of {tick}: {floor} {ceil}");
            prop_assert_eq!(floor == tick, ceil == tick, "{} of {}: {} {}", width, tick, floor, ceil);
            prop_assert_eq!(again[row], floor, "{} of {}", width, tick);
            prop_assert_eq!(begun[row], ceil, "{} of {}", width, tick);
            let closer = if tick - floor < ceil - tick { floor } else { ceil };
            prop_assert!(near == closer || (tick - floor == ceil - tick && near == floor), "{width} of {tick}: {near}");
        }
    }

    #[test]
    fn local_times_and_back(ticks in prop::collection::vec(-3_000_000_000_i64..9_000_000_000, 1..30), zone in 0_usize..ZONES.len()) {
        let batch = seconds(ticks.iter().copied().map(Some).collect(), Some(ZONES[zone]));
        let back = |which: &str| values(&batch, &format!(
            "dt_timestamp(dt_tz_localize(dt_tz_localize(t, None), '{}', ambiguous='{which}'), 's')", ZONES[zone]));
        for ((early, late), tick) in back("earliest").iter().zip(back("latest")).zip(&ticks) {
            prop_assert!(*early == int(*tick) || late == int(*tick), "{early:?} {late:?} {tick}");
        }
    }

    #[test]
    fn months_are_added_as_chrono_does(day in -200_000_i64..200_000, months in -3_000_i64..3_000) {
        let batch = batch(vec![
            ("t", Arc::new(TimestampSecondArray::from(vec![day * 86_400 + 5, 0]))),
            ("n", numbers(vec![Some(months), None])),
        ]);
        let date = DateTime::from_timestamp(day * 86_400 + 5, 0).unwrap();
        let later = match u32::try_from(months) {
            Ok(months) => date.checked_add_months(chrono::Months::new(months)),
            Err(_) => date.checked_sub_months(chrono::Months::new(months.unsigned_abs() as u32)),
        };
        let found = values(&batch, "t.dt.add_months(n)");
        prop_assert_eq!(&found[0], &Value::Instant(later.unwrap().timestamp(), Unit::Second, None));
        prop_assert!(found[1].is_null());
    }

    #[test]
    fn parts_of_durations_add_up(ticks in any::<i64>()) {
        prop_assume!(ticks != i64::MIN);
        let batch = durations(vec![Some(ticks)]);
        let one = |text: &str| match values(&batch, text)[0] { Value::Int(value) => value, ref other => panic!("{other:?}") };
        let (days, seconds) = (one("d.td.days"), one("d.td.seconds"));
        let (micros, nanos) = (one("d.td.microseconds"), one("d.td.nanoseconds"));
        prop_assert!((0..86_400).contains(&seconds) && (0..1_000_000).contains(&micros) && (0..1_000).contains(&nanos));
        prop_assert_eq!(((days * 86_400 + seconds) * 1_000_000 + micros) * 1_000 + nanos, i128::from(ticks));
    }
}
