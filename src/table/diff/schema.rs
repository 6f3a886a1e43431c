//! How the columns of two versions go together.

use arrow::datatypes::{DataType, FieldRef, SchemaRef};
use datafolio_handlers::arrow_field_type_name;

use super::numeral::Numeral;
use super::{ColumnType, RetypedColumn};
use crate::error::{Error, Result};
use crate::table::exact::{refuse_folded, refuse_inexact};

/// The columns of both versions.
#[derive(Debug)]
pub(super) struct Columns {
    /// Those of the key.
    pub(super) key: Vec<String>,
    /// All others of the earlier and of the later version.
    pub(super) from: Vec<String>,
    pub(super) to: Vec<String>,
    /// Those that both have, beside the key.
    pub(super) shared: Vec<Shared>,
    pub(super) added: Vec<ColumnType>,
    pub(super) removed: Vec<ColumnType>,
    pub(super) retyped: Vec<RetypedColumn>,
}

/// A column that both versions have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shared {
    pub(super) name: String,
    pub(super) compared: Comparison,
}

/// How the values of two types are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    /// As SQL does.
    Plainly,
    /// A whole number with a floating-point one that does not hold all of its values: for SQL both are the latter, and several
    /// whole numbers are equal to one.
    Exactly,
    /// Decimals with numbers of another type, which SQL would round to compare them, or cannot: as these are written, in the
    /// earlier and in the later version.
    AsNumerals(Numeral, Numeral),
    /// As what they are written as.
    AsText,
}

/// Kinds of types within which DuckDB compares values.
#[derive(PartialEq, Eq)]
enum Family<'a> {
    Number,
    Text,
    Bytes,
    Instant,
    LocalTime,
    Other(&'a DataType),
}

impl Comparison {
    fn of(before: &DataType, after: &DataType) -> Self {
        let (before, after) = (plain(before), plain(after));
        if family(before) != family(after) {
            return Self::AsText;
        }
        if let Some((before, after)) = Numeral::of(before, after).filter(|_| before != after) {
            return Self::AsNumerals(before, after);
        }
        match (bits(before), bits(after)) {
            (Some((whole, true)), Some((digits, false))) | (Some((digits, false)), Some((whole, true)))
                if whole > digits =>
            {
                Self::Exactly
            }
            _ => Self::Plainly,
        }
    }
}

/// The type of the values that a dictionary or runs say once.
fn plain(of: &DataType) -> &DataType {
    match of {
        DataType::Dictionary(_, values) => plain(values),
        DataType::RunEndEncoded(_, values) => plain(values.data_type()),
        of => of,
    }
}

/// The bits of a whole number, or the binary digits of a floating-point one, and which of the two it is.
fn bits(of: &DataType) -> Option<(usize, bool)> {
    match of {
        DataType::Float16 => Some((11, false)),
        DataType::Float32 => Some((24, false)),
        DataType::Float64 => Some((53, false)),
        of if of.is_integer() => Some((of.primitive_width()? * 8, true)),
        _ => None,
    }
}

fn family(of: &DataType) -> Family<'_> {
    match of {
        of if of.is_numeric() => Family::Number,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Family::Text,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => Family::Bytes,
        DataType::Timestamp(_, Some(_)) => Family::Instant,
        DataType::Timestamp(_, None) | DataType::Date32 | DataType::Date64 => Family::LocalTime,
        of => Family::Other(of),
    }
}

impl Columns {
    /// Matches columns by name.
    pub(super) fn of(item: &str, from: &SchemaRef, to: &SchemaRef, key: &[String]) -> Result<Self> {
        for schema in [from, to] {
            refuse_folded(item, schema.fields().iter().map(|field| field.name().as_str()))?;
            refuse_inexact(item, schema.fields().iter().map(|field| &**field))?;
        }
        let names = |schema: &SchemaRef| -> Vec<String> {
            let names = schema.fields().iter().map(|field| field.name().clone());
            names.filter(|name| !key.contains(name)).collect()
        };
        let typed =
            |field: &FieldRef| ColumnType { name: field.name().clone(), arrow_type: arrow_field_type_name(field) };
        let only = |schema: &SchemaRef, other: &SchemaRef| -> Vec<ColumnType> {
            let fields = schema.fields().iter();
            fields.filter(|field| other.column_with_name(field.name()).is_none()).map(typed).collect()
        };
        let (mut shared, mut retyped) = (Vec::new(), Vec::new());
        for (before, after) in both(from, to) {
            let (was, is) = (arrow_field_type_name(before), arrow_field_type_name(after));
            let compared = Comparison::of(before.data_type(), after.data_type());
            let is_floating = |field: &FieldRef| plain(field.data_type()).is_floating();
            let name = before.name().clone();
            if key.contains(&name) {
                // An integer and the float next to it are equal for SQL, and the next integer may be as well.
                if compared != Comparison::Plainly || is_floating(before) != is_floating(after) {
                    return Err(Error::Invalid(format!(
                        "column '{name}' of table '{item}' is {was} in the earlier and {is} in the later version: \
                         rows cannot be told apart by it"
                    )));
                }
            } else {
                shared.push(Shared { name: name.clone(), compared });
            }
            if was != is {
                retyped.push(RetypedColumn { name, from: was, to: is });
            }
        }
        if key.is_empty() && shared.is_empty() {
            return Err(Error::Invalid(format!("the two versions of table '{item}' have no column in common")));
        }
        Ok(Self {
            key: key.to_vec(),
            from: names(from),
            to: names(to),
            shared,
            added: only(to, from),
            removed: only(from, to),
            retyped,
        })
    }
}

/// The columns of the same name, in the order of the earlier version.
fn both<'a>(from: &'a SchemaRef, to: &'a SchemaRef) -> impl Iterator<Item = (&'a FieldRef, &'a FieldRef)> {
    from.fields().iter().filter_map(|before| Some((before, &to.fields()[to.column_with_name(before.name())?.0])))
}
