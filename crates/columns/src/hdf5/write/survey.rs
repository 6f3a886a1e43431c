//! The first pass: how many bytes the texts have, where values are missing, and which values dictionaries have.

use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, Schema};

use crate::error::ColumnsResult;

use super::dictionary::Unified;
use super::fill::Meter;
use super::kind::{Kind, flattened};
use super::rows::{Rows, walk};
use super::text::Texts;

/// How many columns are looked at in one walk over the rows.
const COLUMNS: usize = 64;
/// Rows that are looked at in one go.
const CHUNK: usize = 128 * 1024;

/// What was found in a column.
#[derive(Debug)]
pub(super) struct Found {
    /// Whether a value is missing.
    pub(super) missing: bool,
    /// The bytes of its texts.
    pub(super) bytes: u64,
    /// Its dictionary.
    pub(super) unified: Option<Unified>,
}

impl Found {
    fn new(kind: &Kind, type_: &DataType) -> Self {
        let unified = match (kind, type_) {
            (Kind::Dictionary { values, .. }, DataType::Dictionary(_, type_)) => {
                Some(Unified::new((**values).clone(), (**type_).clone()))
            }
            _ => None,
        };
        Self { missing: false, bytes: 0, unified }
    }

    fn see(&mut self, array: &ArrayRef) -> ColumnsResult<()> {
        if let Some(unified) = &mut self.unified {
            return array.as_any_dictionary_opt().map_or(Ok(()), |batch| unified.see(batch));
        }
        if let Some(texts) = Texts::of(array) {
            self.bytes += texts.total();
            self.missing |= array.null_count() > 0;
        } else if !self.missing {
            self.missing = flattened(array)?.1.is_some();
        }
        Ok(())
    }
}

/// What is in a column that is already at hand.
pub(super) fn look(kind: &Kind, array: &ArrayRef) -> ColumnsResult<Found> {
    let mut found = Found::new(kind, array.data_type());
    found.see(array)?;
    Ok(found)
}

/// Looks at the columns that have to be looked at.
pub(super) fn survey(
    path: &Path,
    rows: &dyn Rows,
    schema: &Schema,
    kinds: &[Kind],
    meter: &Meter<'_>,
) -> ColumnsResult<Vec<Found>> {
    let mut found: Vec<Found> =
        kinds.iter().zip(schema.fields()).map(|(kind, field)| Found::new(kind, field.data_type())).collect();
    let columns = surveyed(schema, kinds);
    for columns in columns.chunks(COLUMNS) {
        walk(path, rows, schema, columns, CHUNK, |arrays| {
            let length = arrays.first().map_or(0, |array| array.len() as u64);
            for (array, column) in arrays.iter().zip(columns) {
                if let Some(found) = found.get_mut(*column) {
                    found.see(array)?;
                }
            }
            meter.add(length * columns.len() as u64)
        })?;
    }
    Ok(found)
}

/// The columns of which the layout depends on the values.
pub(super) fn surveyed(schema: &Schema, kinds: &[Kind]) -> Vec<usize> {
    fn nullable(field: &Field) -> bool {
        field.is_nullable()
            || match field.data_type() {
                DataType::FixedSizeList(inner, _) => nullable(inner),
                _ => false,
            }
    }
    let needs = |(kind, field): (&Kind, &Field)| !matches!(kind, Kind::Fixed { .. }) || nullable(field);
    (0..kinds.len())
        .filter(|at| kinds.get(*at).zip(schema.fields().get(*at).map(AsRef::as_ref)).is_some_and(needs))
        .collect()
}
