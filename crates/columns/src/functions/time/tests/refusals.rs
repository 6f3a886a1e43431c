//! What is refused, with advice.

use super::*;

#[test]
fn errors_say_what_would_do() {
    let batch = batch(vec![
        ("t", Arc::new(TimestampNanosecondArray::from(vec![0, 1]))),
        ("z", Arc::new(TimestampNanosecondArray::from(vec![0, 1]).with_timezone("Europe/Berlin"))),
        ("w", Arc::new(TimestampNanosecondArray::from(vec![0, 1]).with_timezone("Europe/Berlim"))),
        ("n", numbers(vec![Some(1), Some(2)])),
        ("d", Arc::new(DurationNanosecondArray::from(vec![0, 1]))),
    ]);
    for (text, part) in [
        ("n.dt.year", "`dt_year` takes instants; cast ticks since 1970 with `astype(\"datetime64[s]\")`"),
        ("d.dt.year", "parts of durations are `.td.days`"),
        ("t.td.days", "parts of instants are `.dt.day`"),
        ("n.td.days", "a difference of instants is one"),
        ("timedelta64(3, 'M').td.days", "months and years differ in theirs"),
        (
            "w.dt.year",
            "'Europe/Berlim' is no time zone: one is named as in 'Europe/Berlin', 'UTC' or '+05:30'; did you mean 'Europe/Berlin'?",
        ),
        ("t.dt.strftime('%Y-%Q')", "argument `format` of `dt_strftime`: '%Q' stands for nothing in a format"),
        ("t.dt.strftime('100%')", "'%' stands for nothing in a format; a percent sign is written '%%'"),
        ("t.dt.strftime('%:z')", "needs instants with a zone"),
        ("t.dt.floor('fortnight')", "'fortnight' is no width of time; a width is a unit"),
        ("t.dt.floor('0D')", "'0D' has no width"),
        ("t.dt.floor('W-SUN')", "weeks begin on Monday"),
        ("t.dt.floor('ME')", "write 'M', 'Q' or 'Y'"),
        ("t.dt.floor('99999999999999999999D')", "is no width of time"),
        ("t.dt.floor('999999D')", "'999999D' is wider than what ns can count"),
        ("t.dt.floor(n)", "needs a value here that is written out"),
        ("t.dt.tz_convert('Europe/Berlin')", "these are local times without a zone; `dt_tz_localize(x, \"UTC\")`"),
        ("z.dt.tz_localize('UTC')", "these are instants of Europe/Berlin already"),
        ("t.dt.tz_localize('UTC', ambiguous='infer')", "it is one of \"raise\", \"earliest\", \"latest\" and \"NaT\""),
        ("t.dt.timestamp('M')", "a unit is one of"),
        ("t.dt.add_months(1.5)", "a whole number of months"),
        ("t + timedelta64(1, 'M')", "months and years differ in length; `dt_add_months(x, n)` adds them"),
    ] {
        let message = message(&batch, text);
        assert!(message.contains(part), "{text}: {message}");
    }
}

#[test]
fn rows_beyond_what_is_counted_have_no_result() {
    let far = seconds(vec![Some(0), Some(i64::MAX / 2)], None);
    assert!(message(&far, "t.dt.year").starts_with("the instant is more than 5.8 million years from 1970, in row 1"));
    let early = nanoseconds(vec![Some(i64::MIN + 1)], None);
    assert!(
        message(&early, "t.dt.floor('D')").starts_with("the bin begins before or after what ns can count, in row 0")
    );
    assert!(
        message(&early, "t.dt.floor('M')").starts_with("the bin begins before or after what ns can count, in row 0")
    );
    let late = nanoseconds(vec![Some(i64::MAX)], None);
    assert!(
        message(&late, "t.dt.ceil('7h')").starts_with("the bin begins before or after what ns can count, in row 0")
    );
    assert!(message(&late, "t.dt.add_months(1)").starts_with("the instant is beyond what ns can count, in row 0"));
    let zoned = nanoseconds(vec![Some(i64::MAX)], Some("Asia/Kolkata"));
    assert!(message(&zoned, "t.dt.hour").starts_with("local time is beyond what ns can count"));
}

#[test]
fn times_that_clocks_showed_twice_or_never_are_refused() {
    // 2021-10-31T02:30 and 2021-03-28T02:30.
    let local = seconds(vec![Some(1_635_647_400), Some(1_616_898_600)], None);
    assert!(
        message(&local, "t.dt.tz_localize('Europe/Berlin')")
            .starts_with("clocks in Europe/Berlin showed this time twice, or never")
    );
    let text =
        |ambiguous: &str| format!("t.dt.tz_localize('Europe/Berlin', ambiguous='{ambiguous}', nonexistent='NaT')");
    let instant = |second| Value::Instant(second, crate::types::Unit::Second, Some("Europe/Berlin".into()));
    assert_eq!(values(&local, &text("earliest")), [instant(1_635_640_200), Value::Null]);
    assert_eq!(values(&local, &text("latest")), [instant(1_635_643_800), Value::Null]);
}
