//! Types of Delta as Arrow has them, and back.

use std::sync::Arc;

use arrow::datatypes::{DataType as Arrow, Field, FieldRef, Fields, TimeUnit};
use delta_kernel::schema::{ArrayType, DataType, MapType, PrimitiveType, StructField, StructType};

use crate::error::{DeltaError, DeltaResult};

/// The Arrow type that values of a Delta type are given out as; `Err` has the name of a type that is not supported.
///
/// Everything may be null: what is missing in an older file is, whatever the schema says of later ones.
pub(crate) fn arrow_type(kind: &DataType) -> Result<Arrow, String> {
    Ok(match kind {
        DataType::Primitive(primitive) => match primitive {
            PrimitiveType::String => Arrow::Utf8,
            PrimitiveType::Long => Arrow::Int64,
            PrimitiveType::Integer => Arrow::Int32,
            PrimitiveType::Short => Arrow::Int16,
            PrimitiveType::Byte => Arrow::Int8,
            PrimitiveType::Float => Arrow::Float32,
            PrimitiveType::Double => Arrow::Float64,
            PrimitiveType::Boolean => Arrow::Boolean,
            PrimitiveType::Binary => Arrow::Binary,
            PrimitiveType::Date => Arrow::Date32,
            PrimitiveType::Timestamp => Arrow::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            PrimitiveType::TimestampNtz => Arrow::Timestamp(TimeUnit::Microsecond, None),
            PrimitiveType::Void => Arrow::Null,
            PrimitiveType::Decimal(decimal) => {
                // At most 38 digits, which the kernel has checked.
                Arrow::Decimal128(decimal.precision(), i8::try_from(decimal.scale()).unwrap_or(i8::MAX))
            }
            PrimitiveType::IntervalYearMonth | PrimitiveType::IntervalDayTime => return Err(kind.to_string()),
        },
        DataType::Array(array) => Arrow::List(Arc::new(Field::new("element", arrow_type(array.element_type())?, true))),
        DataType::Struct(fields) => Arrow::Struct(arrow_fields(fields)?),
        DataType::Map(map) => {
            let key = Field::new("key", arrow_type(map.key_type())?, false);
            let value = Field::new("value", arrow_type(map.value_type())?, true);
            let entries = Arrow::Struct(Fields::from(vec![key, value]));
            Arrow::Map(Arc::new(Field::new("key_value", entries, false)), false)
        }
        DataType::Variant(_) => return Err("variant".to_owned()),
    })
}

/// The Arrow fields of a Delta struct, or of a whole schema, by their logical names.
pub(crate) fn arrow_fields(fields: &StructType) -> Result<Fields, String> {
    fields.fields().map(|field| Ok(Field::new(field.name(), arrow_type(field.data_type())?, true))).collect()
}

/// The columns of a table.
pub(crate) fn table_fields(schema: &StructType) -> DeltaResult<Fields> {
    let fields = schema.fields().map(|field| match arrow_type(field.data_type()) {
        Ok(kind) => Ok(Field::new(field.name(), kind, true)),
        Err(kind) => Err(DeltaError::Unsupported(format!("type {kind} of column {:?}", field.name()))),
    });
    fields.collect()
}

/// The Delta type that holds what an Arrow type does, as far as checkpoints have such types.
pub(crate) fn delta_type(kind: &Arrow) -> DeltaResult<DataType> {
    Ok(match kind {
        Arrow::Utf8 | Arrow::LargeUtf8 | Arrow::Utf8View => DataType::STRING,
        Arrow::Binary | Arrow::LargeBinary | Arrow::BinaryView | Arrow::FixedSizeBinary(_) => DataType::BINARY,
        Arrow::Int64 | Arrow::UInt64 => DataType::LONG,
        Arrow::Int32 | Arrow::UInt32 => DataType::INTEGER,
        Arrow::Int16 | Arrow::UInt16 => DataType::SHORT,
        Arrow::Int8 | Arrow::UInt8 => DataType::BYTE,
        Arrow::Float32 => DataType::FLOAT,
        Arrow::Float64 => DataType::DOUBLE,
        Arrow::Boolean => DataType::BOOLEAN,
        Arrow::Date32 => DataType::DATE,
        Arrow::Timestamp(_, None) => DataType::TIMESTAMP_NTZ,
        Arrow::Timestamp(_, Some(_)) => DataType::TIMESTAMP,
        Arrow::Decimal32(precision, scale)
        | Arrow::Decimal64(precision, scale)
        | Arrow::Decimal128(precision, scale) => {
            DataType::decimal(*precision, u8::try_from(*scale).unwrap_or(u8::MAX))?
        }
        Arrow::List(item) | Arrow::LargeList(item) => ArrayType::new(delta_type(item.data_type())?, true).into(),
        Arrow::Struct(fields) => DataType::try_struct_type(delta_fields(fields)?)?,
        Arrow::Map(entries, _) => match entries.data_type() {
            Arrow::Struct(pair) if pair.len() == 2 => {
                MapType::new(delta_type(pair[0].data_type())?, delta_type(pair[1].data_type())?, true).into()
            }
            other => return Err(DeltaError::damaged("a Parquet file", format!("a map of {other}"))),
        },
        other => return Err(DeltaError::Unsupported(format!("type {other} in a checkpoint"))),
    })
}

/// The same of fields.
pub(crate) fn delta_fields(fields: &Fields) -> DeltaResult<Vec<StructField>> {
    let field =
        |field: &FieldRef| Ok(StructField::new(field.name(), delta_type(field.data_type())?, field.is_nullable()));
    fields.iter().map(field).collect()
}
