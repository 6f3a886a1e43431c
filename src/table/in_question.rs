//! Rows that a condition cannot hold for, by what the files of a table record of their values: they are not looked at.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, TimeUnit};
use chrono::NaiveDate;
use datafolio_core::ItemRecord;
use datafolio_handlers::{Footers, Limit, RowsWithin, ValueRange, ValueSpan, rows_within, stored_files};
use datafolio_sql::{Bound, Comparison, Condition, Constant, of_one_type};

use super::read::is_delta;
use super::shares::MOST_FILES;
use crate::bundle::DataFolio;

/// So few rows are read here, page by page...
const FEW: u64 = 1 << 16;
/// ... where DuckDB would have so many more before it, in row groups that it cannot skip.
const MANY: u64 = 1 << 18;
/// A list of more values is looked for as what lies between them: each would be compared with the extremes of each page.
const MOST_RANGES: usize = 1_000;

/// The rows of a table that a condition may hold for.
pub(super) struct InQuestion {
    /// In ranges that ascend.
    pub(super) rows: Vec<Range<u64>>,
    /// How many rows the table has.
    pub(super) all: u64,
    /// Whether they are better read here, and streamed: DuckDB reads row groups, and of a file that was never checked on this
    /// machine all is checked before.
    pub(super) is_streamed: bool,
}

impl DataFolio {
    /// The rows among these that a condition may hold for; `None` where nothing is known of them.
    pub(super) fn in_question(
        &self,
        record: &Arc<ItemRecord>,
        schema: &Schema,
        condition: &Condition,
        wanted: &Range<u64>,
    ) -> Option<InQuestion> {
        let found = self.rows_in_question(record, schema, ("table", &condition.bounds), None)?;
        let within = found.rows.iter().map(|rows| rows.start.max(wanted.start)..rows.end.min(wanted.end));
        let rows: Vec<Range<u64>> = within.filter(|rows| !rows.is_empty()).collect();
        let count: u64 = rows.iter().map(|rows| rows.end - rows.start).sum();
        let pays = count <= FEW && found.in_groups >= count.saturating_add(MANY);
        // What is streamed is the table to all of the condition.
        let is_streamed = found.is_unchecked && pays && !condition.reads_table && comes_alike(schema);
        Some(InQuestion { rows, all: found.all, is_streamed })
    }

    /// The rows of a table that goes by this name for which bounds may hold, by what its files record; `None` where nothing is known of them.
    /// With footers that are kept each page is looked at, which costs nothing more then.
    pub(super) fn rows_in_question(
        &self,
        record: &Arc<ItemRecord>,
        schema: &Schema,
        (table, bounds): (&str, &[Bound]),
        footers: Option<&Footers>,
    ) -> Option<RowsWithin> {
        let spans = spans(schema, table, bounds);
        // Files of a Delta table are not opened to tell what they hold.
        if spans.is_empty() || (!is_delta(record) && stored_files(record).ok()?.len() > MOST_FILES) {
            return None;
        }
        // What is wrong with a file is told by who reads its rows.
        let found = rows_within(&self.handler_item(record), &spans, footers);
        found.inspect_err(|error| tracing::debug!(%error, "no rows are left out")).ok()?
    }
}

impl InQuestion {
    /// Leaves of each share what lies between the first and the last row in question. No shares are all rows at once.
    pub(super) fn narrow(&self, shares: &mut Vec<Range<u64>>) {
        if shares.is_empty() {
            shares.push(0..u64::MAX);
        }
        let of_share = |share: &Range<u64>| {
            let first = self.rows.iter().find(|rows| rows.end > share.start)?;
            let last = self.rows.iter().rev().find(|rows| rows.start < share.end)?;
            let narrow = first.start.max(share.start)..last.end.min(share.end);
            (!narrow.is_empty()).then_some(narrow)
        };
        let narrowed: Vec<Range<u64>> = shares.iter().filter_map(of_share).collect();
        *shares = match narrowed.as_slice() {
            // Someone has to tell the columns.
            [] => std::iter::once(0..0).collect(),
            [only] if only.start == 0 && only.end >= self.all => Vec::new(),
            _ => narrowed,
        };
    }
}

fn is_text(of: &DataType) -> bool {
    matches!(of, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Whether the columns of a table are the same to SQL whether DuckDB reads them or they are streamed to it.
fn comes_alike(schema: &Schema) -> bool {
    schema.fields().iter().all(|field| match field.data_type() {
        DataType::Boolean | DataType::Float32 | DataType::Float64 | DataType::Date32 | DataType::Binary => true,
        DataType::Timestamp(unit, None) => *unit != TimeUnit::Second,
        // SQL keeps microseconds of the finer ones, which a stream refuses.
        DataType::Timestamp(unit, Some(_)) => matches!(unit, TimeUnit::Millisecond | TimeUnit::Microsecond),
        DataType::Dictionary(_, value) => is_text(value),
        DataType::FixedSizeList(inner, _) => inner.data_type() == &DataType::Float32,
        of => is_text(of) || of.is_integer(),
    })
}

/// The values that rows must have for which bounds hold, as far as they can be told.
fn spans(schema: &Schema, table: &str, bounds: &[Bound]) -> Vec<ValueSpan> {
    // `table.x` would be a part of such a column.
    if schema.fields().iter().any(|field| field.name().eq_ignore_ascii_case(table)) {
        return Vec::new();
    }
    bounds.iter().filter_map(|bound| span(schema, bound)).collect()
}

fn span(schema: &Schema, bound: &Bound) -> Option<ValueSpan> {
    let folded = bound.column.to_lowercase();
    let field = schema.fields().iter().find(|field| field.name().to_lowercase() == folded)?;
    let constants = of_one_type(&bound.constants);
    let ranges = constants.iter().map(|constant| range(field.data_type(), bound.comparison, constant));
    let ranges: Vec<ValueRange> = ranges.collect::<Option<_>>()?;
    let ranges = if ranges.len() > MOST_RANGES { vec![around(ranges)] } else { ranges };
    Some(ValueSpan { column: field.name().clone(), ranges })
}

/// What lies between the smallest and the largest value of ranges of one type.
fn around(ranges: Vec<ValueRange>) -> ValueRange {
    let order = |one: &Limit, other: &Limit| match (one, other) {
        (Limit::Int(one), Limit::Int(other)) => one.cmp(other),
        (Limit::Float(one), Limit::Float(other)) => one.total_cmp(other),
        (Limit::Text(one), Limit::Text(other)) => one.cmp(other),
        _ => Ordering::Equal,
    };
    let (least, most): (Vec<_>, Vec<_>) = ranges.into_iter().map(|range| (range.least, range.most)).unzip();
    // One that has no end leaves all of them without.
    let least: Option<Vec<Limit>> = least.into_iter().collect();
    let most: Option<Vec<Limit>> = most.into_iter().collect();
    ValueRange {
        least: least.and_then(|ends| ends.into_iter().min_by(order)),
        most: most.and_then(|ends| ends.into_iter().max_by(order)),
    }
}

/// The values of a type that compare so with a constant.
fn range(of: &DataType, comparison: Comparison, constant: &Constant) -> Option<ValueRange> {
    let (least, most) = ends(of, constant)?;
    let (least, most) = match comparison {
        Comparison::Less => (None, Some(below(&least, most))),
        Comparison::AtMost => (None, Some(most)),
        Comparison::Equal => (Some(least), Some(most)),
        // NaN is above all numbers, and extremes do not tell of it.
        Comparison::AtLeast | Comparison::More if of.is_floating() => return None,
        Comparison::AtLeast => (Some(least), None),
        Comparison::More => (Some(above(least, &most)), None),
    };
    Some(ValueRange { least, most })
}

/// The next smaller whole number, where a constant is one.
fn below(least: &Limit, most: Limit) -> Limit {
    match (least, &most) {
        (Limit::Int(one), Limit::Int(other)) if one == other => Limit::Int(one.saturating_sub(1)),
        _ => most,
    }
}

/// The next larger whole number, where a constant is one.
fn above(least: Limit, most: &Limit) -> Limit {
    match (&least, most) {
        (Limit::Int(one), Limit::Int(other)) if one == other => Limit::Int(one.saturating_add(1)),
        _ => least,
    }
}

/// The smallest and the largest value of a type that a constant may stand for: SQL rounds numbers to what they are compared with.
fn ends(of: &DataType, constant: &Constant) -> Option<(Limit, Limit)> {
    Some(match (of, constant) {
        (of, Constant::Int(value)) if of.is_integer() => (Limit::Int(*value), Limit::Int(*value)),
        (of, Constant::Float(value)) if of.is_integer() => {
            (Limit::Float(value.next_down()), Limit::Float(value.next_up()))
        }
        (DataType::Float64, Constant::Int(_) | Constant::Float(_)) => {
            let value = number(constant)?;
            (Limit::Float(value.next_down()), Limit::Float(value.next_up()))
        }
        (DataType::Float32, Constant::Int(_) | Constant::Float(_)) => {
            let value = number(constant)? as f32;
            (Limit::Float(value.next_down().into()), Limit::Float(value.next_up().into()))
        }
        (of, Constant::Text(text) | Constant::Varchar(text)) if is_text(of) => {
            (Limit::Text(text.clone()), Limit::Text(text.clone()))
        }
        (DataType::Dictionary(_, of), Constant::Text(_) | Constant::Varchar(_)) if is_text(of) => {
            return ends(of, constant);
        }
        (DataType::Date32, Constant::Text(text) | Constant::Time(text)) => {
            let (first, last) = days(text)?;
            (Limit::Int(first), Limit::Int(last))
        }
        (DataType::Date32, Constant::Instant(text)) => {
            let (first, last) = days_anywhere(text)?;
            (Limit::Int(first), Limit::Int(last))
        }
        (DataType::Timestamp(unit, None), Constant::Text(text) | Constant::Time(text)) => {
            let (first, last) = days(text)?;
            (Limit::Int(first * day(*unit)), Limit::Int(last * day(*unit)))
        }
        // Which zone a text without one is in is for SQL to say.
        (DataType::Timestamp(unit, Some(_)), Constant::Text(text) | Constant::Time(text))
        | (DataType::Timestamp(unit, _), Constant::Instant(text)) => {
            let (first, last) = days_anywhere(text)?;
            (Limit::Int(first * day(*unit)), Limit::Int(last * day(*unit)))
        }
        _ => return None,
    })
}

/// The length of a day.
fn day(unit: TimeUnit) -> i128 {
    86_400
        * match unit {
            TimeUnit::Second => 1,
            TimeUnit::Millisecond => 1_000,
            TimeUnit::Microsecond => 1_000_000,
            TimeUnit::Nanosecond => 1_000_000_000,
        }
}

fn number(constant: &Constant) -> Option<f64> {
    match constant {
        Constant::Int(value) => Some(*value as f64),
        Constant::Float(value) => Some(*value),
        _ => None,
    }
}

/// The days between which a date or an instant lies, counted from 1970-01-01: the one of a date; around that of an instant, which may
/// have a zone.
fn days(text: &str) -> Option<(i128, i128)> {
    let (date, time) = text.split_at_checked(10)?;
    let is_plain = date.bytes().enumerate().all(|(place, byte)| match place {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    let is_time = time.chars().all(|c| c.is_ascii_digit() || " :.T+-Z".contains(c));
    if !is_plain || !is_time {
        return None;
    }
    let date: NaiveDate = date.parse().ok()?;
    let day = i128::from(date.signed_duration_since(NaiveDate::default()).num_days());
    Some(if time.is_empty() { (day, day) } else { (day - 1, day + 2) })
}

/// The same wherever on Earth the text is meant.
fn days_anywhere(text: &str) -> Option<(i128, i128)> {
    let (first, last) = days(text)?;
    Some(if first == last { (first - 1, first + 2) } else { (first, last) })
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Field;

    use super::*;

    fn told(of: DataType, comparison: Comparison, constant: Constant) -> Option<(Option<Limit>, Option<Limit>)> {
        told_of_all(of, comparison, vec![constant])?.pop()
    }

    fn told_of_all(
        of: DataType,
        comparison: Comparison,
        constants: Vec<Constant>,
    ) -> Option<Vec<(Option<Limit>, Option<Limit>)>> {
        let schema = Schema::new(vec![Field::new("X", of, true)]);
        let bound = Bound { column: "x".to_owned(), comparison, constants };
        let found = spans(&schema, "table", &[bound]).pop()?;
        assert_eq!(found.column, "X");
        Some(found.ranges.into_iter().map(|range| (range.least, range.most)).collect())
    }

    #[test]
    fn a_list_stands_for_each_of_its_values() {
        let int = |value| (Some(Limit::Int(value)), Some(Limit::Int(value)));
        let listed = |of, constants| told_of_all(of, Comparison::Equal, constants);
        assert_eq!(listed(DataType::Int64, vec![Constant::Int(9), Constant::Int(1)]), Some(vec![int(9), int(1)]));
        // SQL makes floating-point numbers of all, of which several whole ones are one.
        let ends = listed(DataType::Int64, vec![Constant::Int((1 << 53) + 1), Constant::Float(0.5)]).unwrap();
        let Some(Limit::Float(least)) = &ends[0].0 else { panic!("{ends:?}") };
        assert!(*least < (1_i64 << 53) as f64);
        let many: Vec<Constant> = (0..=MOST_RANGES as i128).rev().map(Constant::Int).collect();
        assert_eq!(listed(DataType::Int64, many), Some(vec![(int(0).0, int(MOST_RANGES as i128).1)]));
        assert_eq!(listed(DataType::Int64, vec![Constant::Int(1), Constant::Text("2".to_owned())]), None);
    }

    #[test]
    fn instants_within_zones_lie_between_the_days_around_them() {
        const DAY: i128 = 86_400_000;
        let zoned = DataType::Timestamp(TimeUnit::Millisecond, Some("Europe/Berlin".into()));
        let around = (Some(Limit::Int(0)), Some(Limit::Int(3 * DAY)));
        for text in ["1970-01-02", "1970-01-02 10:00", "1970-01-02T10:00:00.5+05:30"].map(str::to_owned) {
            for constant in [Constant::Text(text.clone()), Constant::Time(text.clone()), Constant::Instant(text)] {
                assert_eq!(told(zoned.clone(), Comparison::Equal, constant).as_ref(), Some(&around));
            }
        }
        let local = DataType::Timestamp(TimeUnit::Millisecond, None);
        let midnight = || "1970-01-02".to_owned();
        assert_eq!(told(local.clone(), Comparison::Equal, Constant::Instant(midnight())).as_ref(), Some(&around));
        let listed = vec![Constant::Time(midnight()), Constant::Instant(midnight())];
        assert_eq!(told_of_all(local, Comparison::Equal, listed).unwrap(), [around.clone(), around]);
        let berlin = Constant::Text("1970-01-02 10:00 Europe/Berlin".to_owned());
        assert_eq!(told(zoned, Comparison::Equal, berlin), None);
    }

    #[test]
    fn constants_stand_for_no_less_than_they_may_become() {
        use Comparison::{AtLeast, AtMost, Equal, Less, More};
        let int = |value| Some(Limit::Int(value));
        let text = |text: &str| Constant::Text(text.to_owned());
        assert_eq!(told(DataType::Int64, Less, Constant::Int(5)), Some((None, int(4))));
        assert_eq!(told(DataType::UInt8, AtLeast, Constant::Int(-5)), Some((int(-5), None)));
        assert_eq!(told(DataType::Int32, More, Constant::Int(5)), Some((int(6), None)));
        for equal in [text("a"), Constant::Varchar("a".to_owned())] {
            assert_eq!(told(DataType::Utf8, Equal, equal).unwrap().0, Some(Limit::Text("a".to_owned())));
        }
        assert_eq!(told(DataType::Date32, AtMost, text("1970-01-03")), Some((None, int(2))));
        assert_eq!(told(DataType::Date32, Less, text("1970-01-03")), Some((None, int(1))));
        assert_eq!(told(DataType::Date32, Less, Constant::Time("1970-01-03T10:00".to_owned())), Some((None, int(4))));
        let at = DataType::Timestamp(TimeUnit::Millisecond, None);
        assert_eq!(told(at, AtLeast, text("1970-01-02")), Some((int(86_400_000), None)));
        // Texts and numbers are rounded as SQL may do.
        let Some((None, Some(Limit::Float(most)))) = told(DataType::Float32, Less, Constant::Float(0.1)) else {
            panic!("no bound")
        };
        assert!(most > f64::from(0.1_f32) && most < 0.100_001, "{most}");
        let Some((Some(Limit::Float(least)), None)) = told(DataType::Int64, AtLeast, Constant::Float(1e18)) else {
            panic!("no bound")
        };
        assert!(least < 1e18 && least > 1e18 - 1_000.0, "{least}");
        for (of, comparison, constant) in [
            (DataType::Float64, More, Constant::Int(5)),
            (DataType::Float32, AtLeast, Constant::Float(0.5)),
            (DataType::Int64, Equal, text("5")),
            (DataType::Utf8, Equal, Constant::Int(5)),
            (DataType::Date32, Less, Constant::Varchar("2024-01-03".to_owned())),
            (DataType::Date32, Less, text("yesterday")),
            (DataType::Date32, Less, text("2024-02-30")),
            (DataType::Date32, Less, text("2024-01-03 (BC)")),
            (DataType::Boolean, Equal, Constant::Int(1)),
        ] {
            assert_eq!(told(of, comparison, constant), None);
        }
    }

    #[test]
    fn shares_keep_what_lies_between_the_rows_in_question() {
        let narrowed = |rows: &[Range<u64>], shares: &[Range<u64>]| {
            let mut shares = shares.to_vec();
            InQuestion { rows: rows.to_vec(), all: 100, is_streamed: false }.narrow(&mut shares);
            shares
        };
        let shares = [0..40, 40..u64::MAX];
        assert_eq!(narrowed(&[10..20, 30..60, 70..80], &shares), [10..40, 40..80]);
        assert_eq!(narrowed(&[50..60, 70..80], &shares), vec![50..80; 1]);
        assert_eq!(narrowed(&[10..20, 70..80], &[]), vec![10..80; 1]);
        assert_eq!(narrowed(&[0..20, 70..100], &[]), []);
        assert_eq!(narrowed(&[], &[]), vec![0..0; 1]);
        assert_eq!(narrowed(&[10..20, 70..80], &[20..70, 90..95]), vec![0..0; 1]);
    }
}
