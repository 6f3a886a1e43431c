use chrono::{DateTime, LocalResult};
use proptest::prelude::*;

use super::*;

fn offset_of_chrono(zone: Tz, second: i64) -> i32 {
    zone.offset_from_utc_datetime(&DateTime::from_timestamp(second, 0).unwrap().naive_utc()).fix().local_minus_utc()
}

#[test]
fn names_and_offsets_are_read() {
    let fixed = |name: &str| match Zone::named(name) {
        Ok(Zone::Fixed(offset)) => Some(offset),
        _ => None,
    };
    for (name, offset) in [
        ("UTC", 0),
        ("utc", 0),
        ("Z", 0),
        ("Etc/UTC", 0),
        ("+00:00", 0),
        ("+05:30", 19_800),
        ("-0330", -12_600),
        ("+01", 3_600),
        ("UTC-01:00", -3_600),
        ("Etc/GMT+5", -18_000),
    ] {
        assert_eq!(fixed(name), Some(offset), "{name}");
    }
    for name in ["", "+", "+5", "+5:30", "+24:00", "+01:60", "+01:5", "++01", "+é1", "Mars/Base", "europe/berlin "] {
        assert!(Zone::named(name).is_err(), "{name}");
    }
    assert!(Zone::named("Europe/Berln").unwrap_err().ends_with("did you mean 'Europe/Berlin'?"));
}

#[test]
fn every_zone_has_the_changes_of_its_rules() {
    for zone in chrono_tz::TZ_VARIANTS {
        let rules = Zone::named(zone.name()).unwrap();
        let Zone::Named(table) = &rules else { continue };
        for start in table.starts.iter().skip(1).filter(|start| **start < LAST) {
            for second in [start - 1, *start] {
                assert_eq!(rules.offset(second), offset_of_chrono(zone, second), "{zone} at {second}");
            }
        }
        for second in (FIRST - 10 * DAY..LAST).step_by(31 * DAY as usize + 7_777) {
            assert_eq!(rules.offset(second), offset_of_chrono(zone, second), "{zone} at {second}");
        }
    }
}

#[test]
fn rules_go_on_after_the_database_ends() {
    // The rule is the last Sundays of March and October, at 01:00 UTC.
    let berlin = Zone::named("Europe/Berlin").unwrap();
    for (second, offset) in [
        (4_109_878_799, 3_600), // 2100-03-28T00:59:59
        (4_109_878_800, 7_200),
        (4_128_627_599, 7_200), // 2100-10-31T00:59:59
        (4_128_627_600, 3_600),
        (END + 10 * DAY, 3_600), // January and July of 2500, and of 2900.
        (END + 200 * DAY, 7_200),
        (END + CYCLE + 10 * DAY, 3_600),
        (END + CYCLE + 200 * DAY, 7_200),
    ] {
        assert_eq!(berlin.offset(second), offset, "{second}");
        let interval = berlin.interval(second);
        assert!(
            interval.start <= second && second < interval.end && interval.offset == offset,
            "{second}: {interval:?}"
        );
    }
    // Morocco's rules end with a fixed offset.
    let casablanca = Zone::named("Africa/Casablanca").unwrap();
    assert_eq!(casablanca.offset(LAST + 3 * CYCLE), offset_of_chrono(Tz::Africa__Casablanca, LAST - 1));
}

proptest! {
    #[test]
    fn local_times_are_the_instants_of_chrono(second in -4_000_000_000_i64..4_000_000_000, zone in 0_usize..596, near in any::<bool>()) {
        let zone = chrono_tz::TZ_VARIANTS[zone % chrono_tz::TZ_VARIANTS.len()];
        let rules = Zone::named(zone.name()).unwrap();
        // Half of them are around a change.
        let start = rules.interval(second).start;
        let second = if near && start > FIRST { start + second % 10_000 } else { second };
        let local = DateTime::from_timestamp(second, 0).unwrap().naive_utc();
        let said = zone.from_local_datetime(&local);
        match (rules.instants(second), said) {
            (Instants::One(found), LocalResult::Single(said)) => prop_assert_eq!(found, said.timestamp()),
            (Instants::Two(a, b), LocalResult::Ambiguous(x, y)) => {
                prop_assert_eq!((a, b), (x.timestamp().min(y.timestamp()), x.timestamp().max(y.timestamp())));
            }
            (Instants::None(gap), LocalResult::None) => {
                prop_assert_eq!(rules.interval(gap).start, gap);
                prop_assert!(i64::from(rules.offset(gap - 1)) <= second - (gap - 1) && second - gap < i64::from(rules.offset(gap)));
            }
            (found, said) => prop_assert!(false, "{zone} {local}: {found:?} {said:?}"),
        }
    }
}
