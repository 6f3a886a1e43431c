//! Arrow types as pyarrow writes them, which is how catalogues record the columns of a table.

use arrow::datatypes::{DataType, Field, IntervalUnit, TimeUnit, UnionMode};

/// The name of a type as pyarrow's `str(type)` gives it: `double`, `large_string`, `timestamp[us, tz=UTC]`,
/// `list<item: int64>`, `dictionary<values=string, indices=int8, ordered=0>`.
///
/// Arrow keeps "ordered" beside a dictionary type, in its field; inside of this type alone it is not known and written as
/// 0. [`arrow_field_type_name`] has it.
pub fn arrow_type_name(data_type: &DataType) -> String {
    name(data_type, false)
}

/// The name of a field's type, with "ordered" of a dictionary as the field has it.
pub fn arrow_field_type_name(field: &Field) -> String {
    name(field.data_type(), is_ordered(field))
}

fn is_ordered(field: &Field) -> bool {
    field.dict_is_ordered().unwrap_or(false)
}

fn name(data_type: &DataType, ordered: bool) -> String {
    match data_type {
        DataType::Null => "null".to_owned(),
        DataType::Boolean => "bool".to_owned(),
        DataType::Int8 => "int8".to_owned(),
        DataType::Int16 => "int16".to_owned(),
        DataType::Int32 => "int32".to_owned(),
        DataType::Int64 => "int64".to_owned(),
        DataType::UInt8 => "uint8".to_owned(),
        DataType::UInt16 => "uint16".to_owned(),
        DataType::UInt32 => "uint32".to_owned(),
        DataType::UInt64 => "uint64".to_owned(),
        DataType::Float16 => "halffloat".to_owned(),
        DataType::Float32 => "float".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Utf8 => "string".to_owned(),
        DataType::LargeUtf8 => "large_string".to_owned(),
        DataType::Utf8View => "string_view".to_owned(),
        DataType::Binary => "binary".to_owned(),
        DataType::LargeBinary => "large_binary".to_owned(),
        DataType::BinaryView => "binary_view".to_owned(),
        DataType::FixedSizeBinary(size) => format!("fixed_size_binary[{size}]"),
        DataType::Date32 => "date32[day]".to_owned(),
        DataType::Date64 => "date64[ms]".to_owned(),
        DataType::Time32(unit) => format!("time32[{}]", unit_name(*unit)),
        DataType::Time64(unit) => format!("time64[{}]", unit_name(*unit)),
        DataType::Timestamp(unit, None) => format!("timestamp[{}]", unit_name(*unit)),
        DataType::Timestamp(unit, Some(zone)) => format!("timestamp[{}, tz={zone}]", unit_name(*unit)),
        DataType::Duration(unit) => format!("duration[{}]", unit_name(*unit)),
        DataType::Interval(IntervalUnit::YearMonth) => "month_interval".to_owned(),
        DataType::Interval(IntervalUnit::DayTime) => "day_time_interval".to_owned(),
        DataType::Interval(IntervalUnit::MonthDayNano) => "month_day_nano_interval".to_owned(),
        DataType::Decimal32(precision, scale) => format!("decimal32({precision}, {scale})"),
        DataType::Decimal64(precision, scale) => format!("decimal64({precision}, {scale})"),
        DataType::Decimal128(precision, scale) => format!("decimal128({precision}, {scale})"),
        DataType::Decimal256(precision, scale) => format!("decimal256({precision}, {scale})"),
        DataType::List(item) => format!("list<{}>", member(item)),
        DataType::LargeList(item) => format!("large_list<{}>", member(item)),
        DataType::ListView(item) => format!("list_view<{}>", member(item)),
        DataType::LargeListView(item) => format!("large_list_view<{}>", member(item)),
        DataType::FixedSizeList(item, size) => format!("fixed_size_list<{}>[{size}]", member(item)),
        DataType::Struct(fields) => {
            format!("struct<{}>", fields.iter().map(|field| member(field)).collect::<Vec<_>>().join(", "))
        }
        DataType::Map(entries, sorted) => map_name(entries, *sorted),
        DataType::Dictionary(keys, values) => {
            format!(
                "dictionary<values={}, indices={}, ordered={}>",
                arrow_type_name(values),
                arrow_type_name(keys),
                u8::from(ordered)
            )
        }
        DataType::RunEndEncoded(ends, values) => {
            format!(
                "run_end_encoded<run_ends: {}, values: {}>",
                arrow_field_type_name(ends),
                arrow_field_type_name(values)
            )
        }
        DataType::Union(fields, mode) => {
            let mode = match mode {
                UnionMode::Sparse => "sparse",
                UnionMode::Dense => "dense",
            };
            let fields: Vec<String> = fields.iter().map(|(id, field)| format!("{}={id}", member(field))).collect();
            format!("{mode}_union<{}>", fields.join(", "))
        }
    }
}

fn map_name(entries: &Field, sorted: bool) -> String {
    let (key, value) = match entries.data_type() {
        DataType::Struct(fields) if fields.len() == 2 => {
            (arrow_field_type_name(&fields[0]), arrow_field_type_name(&fields[1]))
        }
        other => (arrow_type_name(other), String::new()),
    };
    let sorted = if sorted { ", keys_sorted" } else { "" };
    format!("map<{key}, {value}{sorted}>")
}

fn member(field: &Field) -> String {
    let required = if field.is_nullable() { "" } else { " not null" };
    format!("{}: {}{required}", field.name(), arrow_field_type_name(field))
}

fn unit_name(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "us",
        TimeUnit::Nanosecond => "ns",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{Fields, UnionFields};

    use super::*;

    fn list(name: &str, item: DataType) -> DataType {
        DataType::List(Arc::new(Field::new(name, item, true)))
    }

    fn dictionary(keys: DataType, values: DataType) -> DataType {
        DataType::Dictionary(Box::new(keys), Box::new(values))
    }

    /// Every type in the catalogues of the fixture bundles, and more that pyarrow 24 was asked for.
    #[test]
    fn names_are_those_of_pyarrow() {
        let berlin = Some("Europe/Berlin".into());
        let structure =
            Fields::from(vec![Field::new("a", DataType::Int64, true), Field::new("b", DataType::LargeUtf8, true)]);
        let entries =
            Fields::from(vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Int32, true)]);
        let map =
            |sorted| DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries.clone()), false)), sorted);
        let union = UnionFields::try_new(
            [0, 1],
            [Field::new("a", DataType::Int8, true), Field::new("b", DataType::Utf8, false)],
        )
        .unwrap();
        for (data_type, expected) in [
            (DataType::Null, "null"),
            (DataType::Boolean, "bool"),
            (DataType::Int8, "int8"),
            (DataType::Int64, "int64"),
            (DataType::UInt16, "uint16"),
            (DataType::UInt32, "uint32"),
            (DataType::UInt64, "uint64"),
            (DataType::Float16, "halffloat"),
            (DataType::Float32, "float"),
            (DataType::Float64, "double"),
            (DataType::Utf8, "string"),
            (DataType::LargeUtf8, "large_string"),
            (DataType::Utf8View, "string_view"),
            (DataType::LargeBinary, "large_binary"),
            (DataType::BinaryView, "binary_view"),
            (DataType::FixedSizeBinary(4), "fixed_size_binary[4]"),
            (DataType::Date32, "date32[day]"),
            (DataType::Date64, "date64[ms]"),
            (DataType::Time32(TimeUnit::Millisecond), "time32[ms]"),
            (DataType::Time64(TimeUnit::Nanosecond), "time64[ns]"),
            (DataType::Duration(TimeUnit::Microsecond), "duration[us]"),
            (DataType::Timestamp(TimeUnit::Nanosecond, None), "timestamp[ns]"),
            (DataType::Timestamp(TimeUnit::Second, None), "timestamp[s]"),
            (DataType::Timestamp(TimeUnit::Microsecond, berlin), "timestamp[us, tz=Europe/Berlin]"),
            (DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), "timestamp[us, tz=UTC]"),
            (DataType::Interval(IntervalUnit::MonthDayNano), "month_day_nano_interval"),
            (DataType::Decimal32(5, 1), "decimal32(5, 1)"),
            (DataType::Decimal128(10, 2), "decimal128(10, 2)"),
            (DataType::Decimal256(40, -3), "decimal256(40, -3)"),
            (list("item", DataType::Int64), "list<item: int64>"),
            (list("item", list("item", DataType::Int64)), "list<item: list<item: int64>>"),
            (DataType::List(Arc::new(Field::new("x", DataType::Int8, false))), "list<x: int8 not null>"),
            (DataType::LargeList(Arc::new(Field::new("item", DataType::Int64, true))), "large_list<item: int64>"),
            (DataType::ListView(Arc::new(Field::new("item", DataType::Int8, true))), "list_view<item: int8>"),
            (
                DataType::FixedSizeList(Arc::new(Field::new("item", DataType::Int8, true)), 3),
                "fixed_size_list<item: int8>[3]",
            ),
            (DataType::Struct(structure), "struct<a: int64, b: large_string>"),
            (DataType::Struct(Fields::empty()), "struct<>"),
            (map(false), "map<string, int32>"),
            (map(true), "map<string, int32, keys_sorted>"),
            (
                dictionary(DataType::Int8, DataType::LargeUtf8),
                "dictionary<values=large_string, indices=int8, ordered=0>",
            ),
            (
                dictionary(DataType::UInt32, DataType::LargeUtf8),
                "dictionary<values=large_string, indices=uint32, ordered=0>",
            ),
            (
                DataType::RunEndEncoded(
                    Arc::new(Field::new("run_ends", DataType::Int32, false)),
                    Arc::new(Field::new("values", DataType::Utf8, true)),
                ),
                "run_end_encoded<run_ends: int32, values: string>",
            ),
            (DataType::Union(union, UnionMode::Dense), "dense_union<a: int8=0, b: string not null=1>"),
        ] {
            assert_eq!(arrow_type_name(&data_type), expected);
        }
        let ordered = Field::new("d", dictionary(DataType::Int8, DataType::Utf8), true).with_dict_is_ordered(true);
        assert_eq!(arrow_field_type_name(&ordered), "dictionary<values=string, indices=int8, ordered=1>");
        let within = DataType::Struct(Fields::from(vec![ordered.with_nullable(false)]));
        assert_eq!(arrow_type_name(&within), "struct<d: dictionary<values=string, indices=int8, ordered=1> not null>");
    }
}
