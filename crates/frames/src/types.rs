//! Which types have a counterpart on the other side.

use std::sync::Arc;

use arrow::compute::can_cast_types;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, TimeUnit};
use polars::prelude::{DataType as PolarsType, TimeZone};

use crate::error::{FramesError, FramesResult};
use crate::metadata;

/// Decimals have at most so many digits in Polars.
const MOST_DIGITS: u8 = 38;

/// The columns of a table in types that Polars has, each the nearest one to that of the table.
///
/// # Errors
/// A column whose type has no counterpart.
pub(crate) fn for_polars(schema: &Schema) -> FramesResult<Vec<Field>> {
    let fields = schema.fields().iter().map(|field| {
        let near = near_field(field).map_err(|reason| FramesError::column(field.name(), reason))?;
        if field.data_type() != near.data_type() && !can_cast_types(field.data_type(), near.data_type()) {
            let reason = format!("has type {}, which Polars does not have", field.data_type());
            return Err(FramesError::column(field.name(), reason));
        }
        Ok(near)
    });
    fields.collect()
}

/// A field in types of Polars. Of its metadata only what Polars has written itself is kept.
fn near_field(field: &Field) -> Result<Field, String> {
    if field.name().contains('\0') {
        return Err("has a zero byte in a name, which cannot be handed to Polars: rename it".to_owned());
    }
    let near = Field::new(field.name(), near_type(field.data_type())?, field.is_nullable());
    Ok(near.with_metadata(metadata::trusted(field.metadata())))
}

fn near_ref(field: &FieldRef) -> Result<FieldRef, String> {
    near_field(field).map(Arc::new)
}

fn near_type(data_type: &DataType) -> Result<DataType, String> {
    use DataType as D;
    Ok(match data_type {
        D::Date64 | D::Timestamp(TimeUnit::Second, None) => D::Timestamp(TimeUnit::Millisecond, None),
        D::Timestamp(unit, Some(zone)) => {
            let unit = if *unit == TimeUnit::Second { TimeUnit::Millisecond } else { *unit };
            // The instants are in UTC whatever the zone; one that Polars does not know is given up for it.
            let is_known = TimeZone::opt_try_new(Some(zone.as_ref())).is_ok();
            D::Timestamp(unit, Some(if is_known { Arc::clone(zone) } else { "UTC".into() }))
        }
        D::Duration(TimeUnit::Second) => D::Duration(TimeUnit::Millisecond),
        D::Time32(_) | D::Time64(_) => D::Time64(TimeUnit::Nanosecond),
        D::Decimal32(digits, scale) | D::Decimal64(digits, scale) | D::Decimal128(digits, scale) => {
            near_decimal(*digits, *scale)?
        }
        D::Decimal256(digits, scale) => near_decimal(*digits, *scale)?,
        D::List(item) => D::List(near_ref(item)?),
        D::LargeList(item) | D::ListView(item) | D::LargeListView(item) => D::LargeList(near_ref(item)?),
        D::FixedSizeList(item, size) => D::FixedSizeList(near_ref(item)?, *size),
        D::Struct(fields) => D::Struct(fields.iter().map(near_ref).collect::<Result<_, _>>()?),
        // Polars makes a list of structures of it.
        D::Map(entries, sorted) => D::Map(near_ref(entries)?, *sorted),
        D::Dictionary(_, values) if is_text(values) => data_type.clone(),
        D::Dictionary(_, values) => near_type(values)?,
        D::RunEndEncoded(_, values) => near_type(values.data_type())?,
        D::Union(..) | D::Interval(_) => return Err(format!("has type {data_type}, which Polars does not have")),
        same => same.clone(),
    })
}

fn near_decimal(digits: u8, scale: i8) -> Result<DataType, String> {
    // Without places behind the point the places before it are written out.
    let (all, places) = match scale {
        0.. => (digits, scale),
        _ => (digits.saturating_add(scale.unsigned_abs()), 0),
    };
    match all <= MOST_DIGITS {
        true => Ok(DataType::Decimal128(all, places)),
        false => Err(format!("is a decimal of {all} digits, and those of Polars have at most {MOST_DIGITS}")),
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Refuses a column that no table can hold.
///
/// # Errors
/// A type that Arrow does not have; a name with a zero byte.
pub(crate) fn check_storable(column: &str, data_type: &PolarsType) -> FramesResult<()> {
    let zero_byte = "has a zero byte in a name, which cannot be handed on: rename it";
    if column.contains('\0') {
        return Err(FramesError::column(&column.replace('\0', "\\0"), zero_byte));
    }
    match data_type {
        PolarsType::List(item) | PolarsType::Array(item, _) => check_storable(column, item),
        PolarsType::Struct(fields) => fields.iter().try_for_each(|field| {
            if field.name().contains('\0') {
                return Err(FramesError::column(column, zero_byte));
            }
            check_storable(column, field.dtype())
        }),
        PolarsType::Int128 | PolarsType::UInt128 => {
            Err(FramesError::column(column, "holds integers of 128 bits, which Arrow does not have: cast it"))
        }
        other if other.is_object() || matches!(other, PolarsType::Unknown(_) | PolarsType::BinaryOffset) => {
            Err(FramesError::column(column, "has a type that cannot be stored: cast it, or leave the column out"))
        }
        _ => Ok(()),
    }
}

/// Whether there are categories in a type that grow with the rows.
pub(crate) fn has_categories(data_type: &PolarsType) -> bool {
    match data_type {
        PolarsType::Categorical(..) => true,
        PolarsType::List(item) | PolarsType::Array(item, _) => has_categories(item),
        PolarsType::Struct(fields) => fields.iter().any(|field| has_categories(field.dtype())),
        _ => false,
    }
}
