//! What a Parquet file has, as the table's columns: found by name or id, renamed, widened, and null where it is missing.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType as Arrow, Field, FieldRef, Fields};
use delta_kernel::schema::{ColumnMetadataKey, DataType, MetadataValue, StructField, StructType};
use delta_kernel::table_features::ColumnMappingMode;
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;

use crate::error::{DeltaError, DeltaResult};
use crate::partition;
use crate::table::DeltaFile;
use crate::types::arrow_type;

/// A column, or a field of one, as the table has it.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// As it is given out.
    pub(crate) field: FieldRef,
    /// Its name in the files.
    pub(crate) physical: String,
    /// What the files know it by, where that goes before the name.
    id: Option<i64>,
    /// Whether a file may be without it.
    is_nullable: bool,
    /// Whether its type was a narrower one before.
    pub(crate) is_widened: bool,
    within: Within,
}

/// What a column is made of.
#[derive(Debug, Clone)]
enum Within {
    Values,
    Fields(Vec<Wanted>),
    Element(Box<Wanted>),
    KeyAndValue(Box<(Wanted, Wanted)>),
}

impl Wanted {
    /// The columns of a schema.
    pub(crate) fn of(schema: &StructType, mode: ColumnMappingMode) -> DeltaResult<Vec<Self>> {
        schema.fields().map(|field| Self::of_field(field, mode)).collect()
    }

    fn of_field(field: &StructField, mode: ColumnMappingMode) -> DeltaResult<Self> {
        let key = match mode {
            ColumnMappingMode::Id => Some(ColumnMetadataKey::ColumnMappingId),
            ColumnMappingMode::None => Some(ColumnMetadataKey::ParquetFieldId),
            ColumnMappingMode::Name => None,
        };
        let id = key.and_then(|key| match field.get_config_value(&key) {
            Some(MetadataValue::Number(id)) => Some(*id),
            _ => None,
        });
        let mut wanted = Self::of_type(field.name(), field.data_type(), mode)?;
        wanted.physical = field.physical_name(mode).to_owned();
        wanted.id = id;
        wanted.is_nullable = field.is_nullable();
        wanted.is_widened = field.metadata.contains_key("delta.typeChanges");
        Ok(wanted)
    }

    fn of_type(name: &str, kind: &DataType, mode: ColumnMappingMode) -> DeltaResult<Self> {
        let unsupported = |kind| DeltaError::Unsupported(format!("type {kind} of column {name:?}"));
        let arrow = arrow_type(kind).map_err(unsupported)?;
        let within = match kind {
            DataType::Struct(fields) => Within::Fields(Self::of(fields, mode)?),
            DataType::Array(array) => Within::Element(Box::new(Self::of_type(name, array.element_type(), mode)?)),
            DataType::Map(map) => Within::KeyAndValue(Box::new((
                Self::of_type(name, map.key_type(), mode)?,
                Self::of_type(name, map.value_type(), mode)?,
            ))),
            DataType::Primitive(_) | DataType::Variant(_) => Within::Values,
        };
        let field = Arc::new(Field::new(name, arrow, true));
        Ok(Self { field, physical: name.to_owned(), id: None, is_nullable: true, is_widened: false, within })
    }

    /// Where it is among the fields of a file. Where the table knows its columns by id, a field of the right name and another id is
    /// another column: one that was dropped, and whose name was taken again.
    pub(crate) fn place(&self, fields: &Fields) -> Option<usize> {
        let id_of = |field: &FieldRef| field.metadata().get(PARQUET_FIELD_ID_META_KEY)?.parse::<i64>().ok();
        let by_id = self.id.and_then(|id| fields.iter().position(|field| id_of(field) == Some(id)));
        by_id.or_else(|| {
            let mut named = fields.iter();
            named.position(|field| *field.name() == self.physical && (self.id.is_none() || id_of(field).is_none()))
        })
    }

    /// The text that a file has of it, where it is a partition; `None` for null.
    pub(crate) fn partition_of<'a>(&self, file: &'a DeltaFile) -> Option<&'a str> {
        partition::present(file.partition.get(&self.physical).map(String::as_str))
    }

    /// What stands in for it in a file that has it not; `Err` says that each file has to have it.
    pub(crate) fn missing(&self, rows: usize) -> Result<ArrayRef, String> {
        match self.is_nullable {
            true => Ok(new_null_array(self.field.data_type(), rows)),
            false => Err(format!("it has no column {:?}, which may not be null", self.field.name())),
        }
    }

    /// Its values, of those that a file has; `Err` says why they do not fit.
    pub(crate) fn fit(&self, found: &ArrayRef) -> Result<ArrayRef, String> {
        let misfit = || format!("column {:?} has type {} there", self.field.name(), found.data_type());
        match &self.within {
            Within::Values => fit_values(found, self.field.data_type())
                .map_err(|reason| format!("{}, and {} in the table: {reason}", misfit(), self.field.data_type())),
            Within::Fields(fields) => {
                let found = found.as_struct_opt().ok_or_else(misfit)?;
                let columns = fields.iter().map(|field| match field.place(found.fields()) {
                    Some(place) => field.fit(found.column(place)),
                    None => Ok(new_null_array(field.field.data_type(), found.len())),
                });
                let columns = columns.collect::<Result<Vec<_>, _>>()?;
                let Arrow::Struct(made) = self.field.data_type() else { return Err(misfit()) };
                let made = StructArray::try_new_with_length(made.clone(), columns, found.nulls().cloned(), found.len());
                Ok(Arc::new(made.map_err(|error| words(&error))?))
            }
            Within::Element(element) => {
                let found = found.as_list_opt::<i32>().ok_or_else(misfit)?;
                let values = element.fit(found.values())?;
                let Arrow::List(field) = self.field.data_type() else { return Err(misfit()) };
                let made =
                    ListArray::try_new(Arc::clone(field), found.offsets().clone(), values, found.nulls().cloned());
                Ok(Arc::new(made.map_err(|error| words(&error))?))
            }
            Within::KeyAndValue(pair) => {
                let found = found.as_map_opt().ok_or_else(misfit)?;
                let columns = vec![pair.0.fit(found.keys())?, pair.1.fit(found.values())?];
                let Arrow::Map(entries, ordered) = self.field.data_type() else { return Err(misfit()) };
                let Arrow::Struct(fields) = entries.data_type() else { return Err(misfit()) };
                let (entries, fields) = (Arc::clone(entries), fields.clone());
                let pairs = StructArray::try_new(fields, columns, None).map_err(|error| words(&error))?;
                let (offsets, nulls) = (found.offsets().clone(), found.nulls().cloned());
                let made = MapArray::try_new(entries, offsets, pairs, nulls, *ordered);
                Ok(Arc::new(made.map_err(|error| words(&error))?))
            }
        }
    }
}

/// Values in the type of the table, which may be wider than that of an older file.
fn fit_values(found: &ArrayRef, wanted: &Arrow) -> Result<ArrayRef, String> {
    let from = found.data_type();
    if from == wanted {
        return Ok(ArrayRef::clone(found));
    }
    if !fits(from, wanted) {
        return Err("the one is not read as the other".to_owned());
    }
    // What does not fit is an error and not a null.
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(found, wanted, &options).map_err(|error| words(&error))
}

/// Whether values of the one type are read as the other: what the protocol calls type widening, and types that a Parquet file has in
/// several forms.
fn fits(from: &Arrow, to: &Arrow) -> bool {
    match (from, to) {
        (Arrow::Null, _) => true,
        (from, to) if from.is_integer() && to.is_integer() => true,
        (from, Arrow::Float64) => from.is_integer() || *from == Arrow::Float32,
        (from, Arrow::Decimal128(precision, scale)) => match from {
            Arrow::Decimal32(p, s) | Arrow::Decimal64(p, s) | Arrow::Decimal128(p, s) => {
                s <= scale && i16::from(*p) - i16::from(*s) <= i16::from(*precision) - i16::from(*scale)
            }
            from => from.is_integer(),
        },
        (Arrow::Date32, Arrow::Timestamp(_, None)) | (Arrow::Int32, Arrow::Date32) => true,
        (Arrow::Int64 | Arrow::Timestamp(..), Arrow::Timestamp(..)) => true,
        (Arrow::LargeUtf8 | Arrow::Utf8View | Arrow::Binary | Arrow::LargeBinary | Arrow::BinaryView, Arrow::Utf8) => {
            true
        }
        (Arrow::LargeBinary | Arrow::BinaryView | Arrow::FixedSizeBinary(_) | Arrow::Utf8, Arrow::Binary) => true,
        _ => false,
    }
}

/// An error of Arrow or Parquet in its own words, without the kinds of errors that a library has: they tell a user nothing.
pub(crate) fn words(error: &dyn std::fmt::Display) -> String {
    const KINDS: [&str; 8] = [
        "Parquet error: ",
        "Parquet argument error: ",
        "Arrow: ",
        "Json error: ",
        "Parser error: ",
        "External: ",
        "Cast error: ",
        "Invalid argument error: ",
    ];
    let text = error.to_string();
    let mut text = text.as_str();
    while let Some(rest) = KINDS.iter().find_map(|kind| text.strip_prefix(kind)) {
        text = rest;
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use arrow::array::{Int64Array, StringArray};

    use super::*;

    fn of_file(name: &str, id: Option<i64>) -> Field {
        let field = Field::new(name, Arrow::Int64, true);
        match id {
            Some(id) => field.with_metadata(HashMap::from([(PARQUET_FIELD_ID_META_KEY.to_owned(), id.to_string())])),
            None => field,
        }
    }

    fn wanted(nullable: bool) -> StructField {
        StructField::new("new", DataType::LONG, nullable).with_metadata([
            ("delta.columnMapping.id", MetadataValue::Number(3)),
            ("delta.columnMapping.physicalName", MetadataValue::String("a".to_owned())),
        ])
    }

    #[test]
    fn columns_are_found_as_the_table_knows_them() {
        let of = |mode| Wanted::of_field(&wanted(true), mode).unwrap();
        let (by_id, by_name, plain) =
            (of(ColumnMappingMode::Id), of(ColumnMappingMode::Name), of(ColumnMappingMode::None));
        let fields = Fields::from(vec![of_file("new", None), of_file("a", Some(7)), of_file("b", Some(3))]);
        assert_eq!((by_id.place(&fields), by_name.place(&fields), plain.place(&fields)), (Some(2), Some(1), Some(0)));
        // A column of the right name and another id is one that was dropped; without an id the name counts.
        assert_eq!(by_id.place(&Fields::from(vec![of_file("a", Some(7))])), None);
        assert_eq!(by_id.place(&Fields::from(vec![of_file("a", None)])), Some(0));
    }

    #[test]
    fn what_is_missing_is_null_unless_it_may_not_be() {
        let of = |nullable| Wanted::of_field(&wanted(nullable), ColumnMappingMode::None).unwrap();
        assert_eq!(of(true).missing(2).unwrap().null_count(), 2);
        assert!(of(false).missing(2).unwrap_err().contains("\"new\""));
    }

    #[test]
    fn types_are_widened_and_never_bent() {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, i64::MAX]));
        assert!(fit_values(&numbers, &Arrow::Int32).unwrap_err().contains("9223372036854775807"));
        assert!(fit_values(&numbers, &Arrow::Utf8).is_err());
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
        assert!(fit_values(&texts, &Arrow::Int64).is_err());
        let small: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        assert_eq!(fit_values(&small, &Arrow::Decimal128(20, 2)).unwrap().data_type(), &Arrow::Decimal128(20, 2));
    }
}
