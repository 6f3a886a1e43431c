//! What footers record of one column.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, make_comparator};
use arrow::compute::{SortOptions, cast};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;

use super::{ColumnFacts, Footer, json_value};

pub(super) fn column_facts(field: &Field, footers: &[Footer]) -> ColumnFacts {
    let mut facts = ColumnFacts::unknown(field);
    let (mut compressed, mut uncompressed, mut leaves) = (0_u64, 0_u64, 0);
    for footer in footers {
        let columns = footer.metadata.file_metadata().schema_descr();
        for (leaf, column) in columns.columns().iter().enumerate() {
            if columns.get_column_root(leaf).name() != field.name() {
                continue;
            }
            leaves += 1;
            if facts.logical_type.is_none() && !field.data_type().is_nested() {
                let logical = column.logical_type_ref().map(|logical| format!(" ({logical:?})"));
                facts.logical_type = Some(format!("{}{}", column.physical_type(), logical.unwrap_or_default()));
            }
            for group in footer.groups() {
                compressed += group.column(leaf).compressed_size().max(0).unsigned_abs();
                uncompressed += group.column(leaf).uncompressed_size().max(0).unsigned_abs();
            }
        }
    }
    if leaves == 0 {
        return facts;
    }
    (facts.compressed_bytes, facts.uncompressed_bytes) = (Some(compressed), Some(uncompressed));
    if !field.data_type().is_nested() {
        let statistics: Option<Vec<Seen>> = footers.iter().map(|footer| Seen::of(field, footer)).collect();
        if let Some(statistics) = statistics {
            facts.null_count = statistics.iter().map(|seen| seen.nulls).sum();
            // Of a file that tells none, the values may lie beyond those of all others.
            if statistics.iter().all(|seen| seen.is_known) {
                facts.min =
                    extreme(statistics.iter().map(|seen| &seen.mins), false).and_then(|value| json_value(&value));
                facts.max =
                    extreme(statistics.iter().map(|seen| &seen.maxes), true).and_then(|value| json_value(&value));
            }
            let has_any = facts.min.is_some() || facts.max.is_some();
            facts.is_exact = has_any && statistics.iter().all(|seen| seen.is_exact);
        }
    }
    facts
}

/// What the row groups of one file record of a column.
struct Seen {
    nulls: Option<u64>,
    /// Those of its row groups; null for one of nulls alone.
    mins: ArrayRef,
    maxes: ArrayRef,
    /// Whether no row group with values is without extremes.
    is_known: bool,
    is_exact: bool,
}

impl Seen {
    fn of(field: &Field, footer: &Footer) -> Option<Self> {
        let columns = footer.metadata.file_metadata().schema_descr();
        if footer.schema.fields().find(field.name()).is_none() {
            // A part from before the column was there.
            let none = arrow::array::new_null_array(field.data_type(), 1);
            return Some(Self {
                nulls: footer.facts.rows,
                mins: none.clone(),
                maxes: none,
                is_known: true,
                is_exact: true,
            });
        }
        let schema: SchemaRef = match field.data_type() {
            // Parquet has durations as whole numbers, and the library no statistics of durations.
            DataType::Duration(_) => {
                let as_stored = footer.schema.fields().iter().map(|known| match known.name() == field.name() {
                    true => Arc::new(Field::new(known.name(), DataType::Int64, true)),
                    false => Arc::clone(known),
                });
                Arc::new(Schema::new(as_stored.collect::<Vec<_>>()))
            }
            _ => SchemaRef::clone(&footer.schema),
        };
        let converter = StatisticsConverter::try_new(field.name(), &schema, columns).ok()?;
        let groups = || footer.groups().iter();
        let nulls = converter.with_missing_null_counts_as_zero(false);
        let counts = nulls.row_group_null_counts(groups()).ok()?;
        let as_column = |found: ArrayRef| match field.data_type() {
            DataType::Duration(_) => cast(&found, field.data_type()),
            _ => Ok(found),
        };
        let mins = as_column(nulls.row_group_mins(groups()).ok()?).ok()?;
        let maxes = as_column(nulls.row_group_maxes(groups()).ok()?).ok()?;
        // A row group of nulls alone has no extremes; any other without them leaves those of the file unknown.
        let is_known = footer.groups().iter().enumerate().all(|(index, group)| {
            let all_null = counts.is_valid(index) && counts.value(index) == group.num_rows().max(0).unsigned_abs();
            all_null || (mins.is_valid(index) && maxes.is_valid(index))
        });
        let is_exact = [nulls.row_group_is_min_value_exact(groups()), nulls.row_group_is_max_value_exact(groups())]
            .into_iter()
            .all(|exact| exact.is_ok_and(|exact| exact.iter().all(|exact| exact != Some(false))));
        let is_nullless = counts.null_count() == 0;
        Some(Self { nulls: is_nullless.then(|| counts.values().iter().sum()), mins, maxes, is_known, is_exact })
    }
}

/// The smallest or largest value of all files, as an array of one.
pub(crate) fn extreme<'a>(arrays: impl Iterator<Item = &'a ArrayRef>, largest: bool) -> Option<ArrayRef> {
    let arrays: Vec<&dyn Array> = arrays.map(AsRef::as_ref).collect();
    let all = arrow::compute::concat(&arrays).ok()?;
    let compare = make_comparator(&all, &all, SortOptions::default()).ok()?;
    let places = (0..all.len()).filter(|place| all.is_valid(*place));
    let place = match largest {
        true => places.max_by(|a, b| compare(*a, *b)),
        false => places.min_by(|a, b| compare(*a, *b)),
    }?;
    Some(all.slice(place, 1))
}

/// The facts of a column whose values stand in the paths of the files: of each file the value, in an array of one, and how many rows
/// have it, where that is known.
pub(super) fn partition_facts(field: &Field, values: &[(ArrayRef, Option<u64>)]) -> ColumnFacts {
    let mut facts = ColumnFacts::unknown(field);
    let rows = values.iter().map(|(value, rows)| rows.map(|rows| if value.is_null(0) { rows } else { 0 }));
    facts.null_count = rows.sum();
    // A file without rows has no value.
    let of_rows = || values.iter().filter(|(_, rows)| *rows != Some(0)).map(|(value, _)| value);
    facts.min = extreme(of_rows(), false).and_then(|value| json_value(&value));
    facts.max = extreme(of_rows(), true).and_then(|value| json_value(&value));
    facts.is_exact = facts.min.is_some() && values.iter().all(|(_, rows)| rows.is_some());
    facts
}
