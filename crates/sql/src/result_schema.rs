//! The columns of a result, as they are given out.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use duckdb::Statement;
use duckdb::core::LogicalTypeId;

/// What marks a column of a result as one of whole numbers of 128 bits, such as sums of whole numbers: Arrow has them as decimals of 38
/// digits without a fraction, as it has columns of tables that are declared as such. Key and value of the column's metadata.
const WIDE_WHOLE_NUMBERS: (&str, &str) = (datafolio_core::SQL_TYPE, "HUGEINT");
/// The columns of a result with names of their own: of several `x` the others become `x_1`, `x_2`, as in a view.
pub(crate) fn told_apart(schema: &SchemaRef) -> SchemaRef {
    let mut taken: HashSet<String> = HashSet::new();
    let all: HashSet<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    if all.len() == schema.fields().len() {
        return SchemaRef::clone(schema);
    }
    let fields = schema.fields().iter().map(|field| {
        let name = field.name();
        let mut own = name.clone();
        for number in 1.. {
            if !taken.contains(&own) && (own == *name || !all.contains(own.as_str())) {
                break;
            }
            own = format!("{name}_{number}");
        }
        taken.insert(own.clone());
        field.as_ref().clone().with_name(own)
    });
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}

/// The columns of a result, of which those of DuckDB's widest whole numbers are marked.
pub(crate) fn marked(schema: SchemaRef, statement: &Statement<'_>) -> SchemaRef {
    let is_wide = |at: usize| {
        *schema.field(at).data_type() == DataType::Decimal128(38, 0)
            && statement.column_logical_type(at).id() == LogicalTypeId::Hugeint
    };
    if !(0..schema.fields().len()).any(is_wide) {
        return schema;
    }
    let (key, value) = WIDE_WHOLE_NUMBERS;
    let fields = schema.fields().iter().enumerate().map(|(at, field)| match is_wide(at) {
        true => {
            let mark = HashMap::from([(key.to_owned(), value.to_owned())]);
            Arc::new(field.as_ref().clone().with_metadata(mark))
        }
        false => Arc::clone(field),
    });
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}
