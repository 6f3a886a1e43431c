//! Rows that what files record of their values does not rule out: row groups of Parquet by their statistics, pages by the page
//! index, files of a Delta table by its log.

use std::cmp::Ordering;
use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Schema, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use datafolio_core::item_type;
use datafolio_storage::Verification;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::basic::ColumnOrder;
use parquet::file::metadata::page_index::PageIndexProvider;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

use crate::error::HandlerResult;
use crate::guard::{InPayload, guarded};
use crate::handler::Item;
use crate::included_table::is_parquet;
use crate::referenced_table::delta_target;
use crate::stored_file::stored_files;
use crate::table::{Footers, ParquetFile, SourceFile, TableReadOptions};

/// Chunks of columns of which the page index is read: it comes for all columns, also of a very wide table.
const MOST_CHUNKS: usize = 10_000;

/// Values that a row has in a column, if it is among those that are looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueSpan {
    /// The column.
    pub column: String,
    /// They lie in one of these.
    pub ranges: Vec<ValueRange>,
}

/// A range of values.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueRange {
    /// The smallest of them; `None` for no bound.
    pub least: Option<Limit>,
    /// The largest of them; `None` for no bound.
    pub most: Option<Limit>,
}

/// An end of a [`ValueRange`].
#[derive(Debug, Clone, PartialEq)]
pub enum Limit {
    /// Of whole numbers; of dates in days, of instants in their unit.
    Int(i128),
    /// Of numbers.
    Float(f64),
    /// Of texts, which compare by their bytes.
    Text(String),
}

/// Rows of a table that may have values within some spans.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RowsWithin {
    /// The rows, in ranges that ascend and do not touch.
    pub rows: Vec<Range<u64>>,
    /// How many rows the row groups have that hold some of them; of a Delta table the files.
    pub in_groups: u64,
    /// How many rows the table has.
    pub all: u64,
    /// Whether there are files of it that were never compared with their hashes as a whole. Of those alone pages are told apart.
    pub is_unchecked: bool,
}

/// The rows of a table that may have values within all of these spans. Where a file says nothing, or says it in a way that is
/// not understood, rows stay: nulls, NaN and texts that were cut in the footer rule nothing out. `None` for what is no Parquet
/// file of the bundle and no Delta table. Footers that are kept have the index of the pages, which is looked at then.
///
/// # Errors
/// As [`read_table`](crate::read_table).
pub fn rows_within(
    item: &Item<'_>,
    spans: &[ValueSpan],
    footers: Option<&Footers>,
) -> HandlerResult<Option<RowsWithin>> {
    if item.record().item_type() == item_type::REFERENCED_TABLE {
        return delta_target(item)?.map(|delta| delta.rows_within(spans)).transpose();
    }
    if !is_parquet(item) {
        return Ok(None);
    }
    let mut found = RowsWithin::default();
    for stored in stored_files(item.record())? {
        let source = item.open_file(&stored)?;
        // DuckDB knows row groups, and of a file that was checked as a whole it reads more than a few rows no more slowly.
        let wants_pages = source.is_unchecked() || item.verification() == Verification::Off;
        found.is_unchecked |= wants_pages;
        let footer = footers.map(|footers| footers.of(stored.path.as_str()));
        let file = SourceFile::new(source).with_footer(footer);
        let blame = InPayload { item: item.name().to_owned(), file: file.clone() };
        let mut opened = ParquetFile::open(&blame, file.clone(), &TableReadOptions::default())?;
        let by_groups = guarded(&blame, || Ok(of_file(&opened, spans)))?;
        let chunks: usize = opened.metadata().row_groups().iter().map(RowGroupMetaData::num_columns).sum();
        let rows = if !wants_pages || footers.is_some() || by_groups.0.is_empty() || chunks > MOST_CHUNKS {
            by_groups
        } else {
            opened =
                ParquetFile::open(&blame, file, &TableReadOptions { limit: Some(u64::MAX), ..Default::default() })?;
            guarded(&blame, || Ok(of_file(&opened, spans)))?
        };
        let (rows, in_groups) = rows;
        let start = found.all;
        let later = rows.into_iter().map(|rows| rows.start.saturating_add(start)..rows.end.saturating_add(start));
        found.rows = joined(std::mem::take(&mut found.rows).into_iter().chain(later));
        found.in_groups = found.in_groups.saturating_add(in_groups);
        found.all = start.saturating_add(opened.rows);
    }
    Ok(Some(found))
}

/// The rows of one file, and how many their row groups have. Pages count where the page index was read.
fn of_file(file: &ParquetFile, spans: &[ValueSpan]) -> (Vec<Range<u64>>, u64) {
    let metadata: &ParquetMetaData = file.metadata();
    let columns: Vec<Column<'_>> = spans.iter().filter_map(|span| Column::new(span, &file.schema, metadata)).collect();
    let (mut found, mut in_groups, mut start) = (Vec::new(), 0, 0_u64);
    for (index, group) in metadata.row_groups().iter().enumerate() {
        let rows = group.num_rows().max(0).unsigned_abs();
        let mut kept = joined(std::iter::once(0..rows));
        for column in &columns {
            if column.rules_out(group) {
                kept.clear();
            }
            let pages = metadata.page_index().and_then(|pages| column.pages(pages.as_ref(), index, rows));
            if let Some(pages) = pages {
                kept = common(&kept, &pages);
            }
        }
        if !kept.is_empty() {
            in_groups += rows;
        }
        found.extend(kept.into_iter().map(|rows| rows.start.saturating_add(start)..rows.end.saturating_add(start)));
        start = start.saturating_add(rows);
    }
    (joined(found.into_iter()), in_groups)
}

/// What one file records of a column.
struct Column<'a> {
    span: &'a ValueSpan,
    converter: StatisticsConverter<'a>,
    leaf: usize,
}

impl<'a> Column<'a> {
    fn new(span: &'a ValueSpan, schema: &'a Schema, metadata: &'a ParquetMetaData) -> Option<Self> {
        let file = metadata.file_metadata();
        let converter = StatisticsConverter::try_new(&span.column, schema, file.schema_descr()).ok()?;
        let leaf = converter.parquet_column_index()?;
        // Of a writer that does not say how it compares nobody knows what its extremes mean.
        let order = file.column_orders()?.get(leaf)?;
        let is_known = matches!(order, ColumnOrder::TYPE_DEFINED_ORDER(_) | ColumnOrder::IEEE_754_TOTAL_ORDER);
        is_known.then_some(Self { span, converter, leaf })
    }

    /// Whether no row of a row group has such a value.
    fn rules_out(&self, group: &RowGroupMetaData) -> bool {
        let is_current = group
            .columns()
            .get(self.leaf)
            .and_then(|column| column.statistics())
            .is_some_and(|statistics| !statistics.is_min_max_deprecated());
        let extremes = || {
            let mins = self.converter.row_group_mins([group]).ok()?;
            Some((mins, self.converter.row_group_maxes([group]).ok()?))
        };
        is_current && extremes().is_some_and(|(mins, maxes)| !self.span.may_hold(&mins, &maxes, 0))
    }

    /// The rows of the pages of a row group that may have such values.
    fn pages(&self, index: &dyn PageIndexProvider, group: usize, rows: u64) -> Option<Vec<Range<u64>>> {
        let locations = index.offset_index(group, self.leaf)?.page_locations();
        let mins = self.converter.data_page_mins(index, [&group]).ok()?;
        let maxes = self.converter.data_page_maxes(index, [&group]).ok()?;
        if mins.len() != locations.len() || maxes.len() != locations.len() {
            return None;
        }
        let starts = locations.iter().map(|page| u64::try_from(page.first_row_index).ok());
        let mut cuts: Vec<u64> = starts.collect::<Option<_>>()?;
        cuts.push(rows);
        if cuts.first() != Some(&0) || !cuts.is_sorted() {
            return None;
        }
        let pages = cuts.windows(2).enumerate();
        let pages = pages.filter(|(place, _)| self.span.may_hold(&mins, &maxes, *place));
        Some(joined(pages.map(|(_, pair)| pair[0]..pair[1])))
    }
}

impl ValueSpan {
    /// Whether some value between these extremes lies within it, as far as is known.
    pub(crate) fn may_hold(&self, mins: &ArrayRef, maxes: &ArrayRef, place: usize) -> bool {
        self.ranges.iter().any(|range| range.may_hold(mins, maxes, place))
    }
}

impl ValueRange {
    fn may_hold(&self, mins: &ArrayRef, maxes: &ArrayRef, place: usize) -> bool {
        let is = |values: &ArrayRef, end: Option<&Limit>, ordering| {
            end.is_some_and(|end| compare(values, place, end) == Some(ordering))
        };
        !is(mins, self.most.as_ref(), Ordering::Greater) && !is(maxes, self.least.as_ref(), Ordering::Less)
    }
}

/// How a value compares with an end of a range; `None` where that is not known.
fn compare(values: &ArrayRef, place: usize, end: &Limit) -> Option<Ordering> {
    if place >= values.len() || values.is_null(place) {
        return None;
    }
    let whole = |value: i128| match end {
        Limit::Int(end) => Some(value.cmp(end)),
        Limit::Float(end) => (value as f64).partial_cmp(end),
        Limit::Text(_) => None,
    };
    let float = |value: f64| match end {
        Limit::Float(end) => value.partial_cmp(end),
        _ => None,
    };
    let text = |value: &str| match end {
        Limit::Text(end) => Some(value.as_bytes().cmp(end.as_bytes())),
        _ => None,
    };
    match values.data_type() {
        DataType::Int8 => whole(values.as_primitive::<Int8Type>().value(place).into()),
        DataType::Int16 => whole(values.as_primitive::<Int16Type>().value(place).into()),
        DataType::Int32 => whole(values.as_primitive::<Int32Type>().value(place).into()),
        DataType::Int64 => whole(values.as_primitive::<Int64Type>().value(place).into()),
        DataType::UInt8 => whole(values.as_primitive::<UInt8Type>().value(place).into()),
        DataType::UInt16 => whole(values.as_primitive::<UInt16Type>().value(place).into()),
        DataType::UInt32 => whole(values.as_primitive::<UInt32Type>().value(place).into()),
        DataType::UInt64 => whole(values.as_primitive::<UInt64Type>().value(place).into()),
        DataType::Date32 => whole(values.as_primitive::<Date32Type>().value(place).into()),
        DataType::Timestamp(unit, _) => whole(i128::from(match unit {
            TimeUnit::Second => values.as_primitive::<TimestampSecondType>().value(place),
            TimeUnit::Millisecond => values.as_primitive::<TimestampMillisecondType>().value(place),
            TimeUnit::Microsecond => values.as_primitive::<TimestampMicrosecondType>().value(place),
            TimeUnit::Nanosecond => values.as_primitive::<TimestampNanosecondType>().value(place),
        })),
        DataType::Float32 => float(values.as_primitive::<Float32Type>().value(place).into()),
        DataType::Float64 => float(values.as_primitive::<Float64Type>().value(place)),
        DataType::Utf8 => text(values.as_string::<i32>().value(place)),
        DataType::LargeUtf8 => text(values.as_string::<i64>().value(place)),
        DataType::Utf8View => text(values.as_string_view().value(place)),
        _ => None,
    }
}

/// Ranges that ascend, without empty ones, and those that touch as one.
pub(crate) fn joined(ranges: impl Iterator<Item = Range<u64>>) -> Vec<Range<u64>> {
    let mut found: Vec<Range<u64>> = Vec::new();
    for range in ranges.filter(|range| !range.is_empty()) {
        match found.last_mut() {
            Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
            _ => found.push(range),
        }
    }
    found
}

/// What is in both.
fn common(one: &[Range<u64>], other: &[Range<u64>]) -> Vec<Range<u64>> {
    let (mut found, mut a, mut b) = (Vec::new(), 0, 0);
    while let (Some(left), Some(right)) = (one.get(a), other.get(b)) {
        let both = left.start.max(right.start)..left.end.min(right.end);
        if !both.is_empty() {
            found.push(both);
        }
        match left.end < right.end {
            true => a += 1,
            false => b += 1,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, Int64Array, StringArray};

    use super::*;

    #[test]
    fn what_is_not_known_rules_nothing_out() {
        let span = |least, most| ValueSpan { column: "x".to_owned(), ranges: vec![ValueRange { least, most }] };
        let numbers = |value: Option<i64>| -> ArrayRef { Arc::new(Int64Array::from(vec![value])) };
        let floats = |value: f64| -> ArrayRef { Arc::new(Float64Array::from(vec![value])) };
        let texts = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
        let int = |value| Some(Limit::Int(value));
        let float = |value| Some(Limit::Float(value));
        let text = |value: &str| Some(Limit::Text(value.to_owned()));
        for (span, min, max, expected) in [
            (span(int(5), int(7)), numbers(Some(1)), numbers(Some(5)), true),
            (span(int(5), int(7)), numbers(Some(7)), numbers(Some(9)), true),
            (span(int(5), int(7)), numbers(Some(1)), numbers(Some(4)), false),
            (span(int(5), int(7)), numbers(Some(8)), numbers(Some(9)), false),
            (span(int(5), int(7)), numbers(None), numbers(Some(4)), false),
            (span(int(5), None), numbers(Some(1)), numbers(None), true),
            (span(float(4.5), None), numbers(Some(1)), numbers(Some(4)), false),
            (span(None, float(0.5)), floats(f64::NAN), floats(f64::NAN), true),
            (span(None, float(0.5)), floats(1.0), floats(f64::NAN), false),
            (span(None, int(0)), floats(1.0), floats(2.0), true),
            (span(text("b"), text("c")), texts("a"), texts("b"), true),
            (span(text("b"), text("c")), texts("ca"), texts("d"), false),
            (span(text("5"), None), numbers(Some(1)), numbers(Some(2)), true),
        ] {
            assert_eq!(span.may_hold(&min, &max, 0), expected, "{span:?} {min:?} {max:?}");
        }
        let ranges = [1, 9].map(|value| ValueRange { least: int(value), most: int(value) }).to_vec();
        let span = ValueSpan { column: "x".to_owned(), ranges };
        for (min, max, expected) in [(0, 1, true), (2, 8, false), (2, 9, true), (10, 11, false)] {
            assert_eq!(span.may_hold(&numbers(Some(min)), &numbers(Some(max)), 0), expected, "{min} {max}");
        }
    }

    #[test]
    fn ranges_are_put_together_and_cut() {
        assert_eq!(joined([0..2, 2..5, 5..5, 7..8].into_iter()), [0..5, 7..8]);
        assert_eq!(common(&[0..5, 7..9], &[1..2, 3..8]), [1..2, 3..5, 7..8]);
        assert_eq!(common(&[0..5, 8..9], &[5..8, 9..10]), []);
    }
}
