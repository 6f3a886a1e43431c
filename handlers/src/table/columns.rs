//! What a table's entry records of its columns, and picking columns by name.

use std::collections::{HashMap, HashSet};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use serde_json::{Map, Value};

use super::type_name::arrow_field_type_name;
use crate::error::{HandlerError, HandlerResult};
use crate::formats::{deep_type, quoted, types_within};
use crate::guard::Blame;

/// A table that was written.
#[derive(Debug)]
#[non_exhaustive]
pub struct Written {
    /// Its columns.
    pub schema: SchemaRef,
    /// How many rows it has.
    pub rows: u64,
}

impl Written {
    /// The fields that the entry has of it, in DataFolio's order.
    pub(crate) fn fields(&self, table_format: &str) -> Map<String, Value> {
        let fields = self.schema.fields();
        let names: Vec<Value> = fields.iter().map(|field| field.name().as_str().into()).collect();
        let types: Map<String, Value> =
            fields.iter().map(|field| (field.name().clone(), arrow_field_type_name(field).into())).collect();
        let mut record = Map::new();
        record.insert("table_format".to_owned(), table_format.into());
        record.insert("is_directory".to_owned(), false.into());
        record.insert("num_rows".to_owned(), self.rows.into());
        record.insert("num_cols".to_owned(), fields.len().into());
        record.insert("columns".to_owned(), names.into());
        record.insert("dtypes".to_owned(), types.into());
        record
    }
}

/// What every table must be: a name can stand for one column only, since the entry's `dtypes`, SQL and every reader find
/// columns by name, and its types must not be nested more deeply than readers follow. `refuse` makes the error of the
/// reason.
pub(crate) fn check_schema(schema: &Schema, refuse: impl FnOnce(String) -> HandlerError) -> HandlerResult<()> {
    if let Some(reason) = deep_type(schema) {
        return Err(refuse(reason));
    }
    let mut names = HashSet::new();
    match schema.fields().iter().find(|field| !names.insert(field.name().as_str())) {
        Some(field) => Err(refuse(format!("two columns are called {:?}: rename one of them", field.name()))),
        None => Ok(()),
    }
}

/// The batches of a stream must have the columns that the stream announced: a file has one schema.
pub(crate) fn refuse_other_columns(item: &str, schema: &Schema, batch: &RecordBatch) -> HandlerResult<()> {
    if has_columns(schema, batch) {
        return Ok(());
    }
    let reason = other_columns(schema, batch.schema_ref(), is_same_type).unwrap_or_else(|| {
        "a later batch has its columns in another order: give them in that of the first one".to_owned()
    });
    Err(HandlerError::Invalid { item: item.to_owned(), reason })
}

/// Whether a batch has these columns, in this order.
pub(super) fn has_columns(schema: &Schema, batch: &RecordBatch) -> bool {
    let (found, wanted) = (batch.schema_ref().fields(), schema.fields());
    let is_same = |one: &FieldRef, other: &FieldRef| {
        one.name() == other.name() && is_same_type(one.data_type(), other.data_type())
    };
    found.len() == wanted.len() && found.iter().zip(wanted).all(|(one, other)| is_same(one, other))
}

/// Whether two types are the same, of structures also in the names of their fields and the order of these, by which Arrow tells their
/// values apart and does not compare.
pub(super) fn is_same_type(one: &DataType, other: &DataType) -> bool {
    one.equals_datatype(other) && (!one.is_nested() || names_within(one) == names_within(other))
}

fn names_within(of: &DataType) -> Vec<&str> {
    let own = match of {
        DataType::Struct(fields) => fields.iter().map(|field| field.name().as_str()).collect(),
        _ => Vec::new(),
    };
    own.into_iter().chain(types_within(of).into_iter().flat_map(names_within)).collect()
}

/// Why a batch with the columns that were found has no place in a stream that announced these; `None` where at most their order is another.
/// `fits` says whether a column of one type can have a place in one of another.
pub(super) fn other_columns(
    schema: &Schema,
    found: &Schema,
    fits: impl Fn(&DataType, &DataType) -> bool,
) -> Option<String> {
    let (found, wanted) = (found.fields(), schema.fields());
    let missing = wanted.iter().find(|field| found.find(field.name()).is_none());
    let new = found.iter().find(|field| wanted.find(field.name()).is_none());
    let retyped = wanted.iter().find_map(|field| {
        let (_, other) = found.find(field.name())?;
        (!fits(other.data_type(), field.data_type())).then_some((field, other))
    });
    Some(match (missing, new, retyped) {
        (Some(field), ..) => {
            format!("a later batch does not have column {}, which the first one has", quoted(field.name()))
        }
        (_, Some(field), _) => {
            format!("a later batch has column {}, which the first one does not have", quoted(field.name()))
        }
        (_, _, Some((field, other))) => {
            let (name, of, first) = (quoted(field.name()), arrow_field_type_name(other), arrow_field_type_name(field));
            format!("column {name} is {of} in a later batch, and {first} in the first one: cast it")
        }
        _ if found.len() != wanted.len() => "a later batch has two columns of one name: rename one of them".to_owned(),
        _ => return None,
    })
}

/// The places of the wanted columns, in the order in which they are wanted.
///
/// # Errors
/// [`Blame::unknown_column`]; [`Blame::invalid`] for a name that is asked for twice.
pub(crate) fn places(blame: &dyn Blame, columns: &[&str], wanted: &[String]) -> HandlerResult<Vec<usize>> {
    let known: HashMap<&str, usize> = columns.iter().enumerate().map(|(place, &name)| (name, place)).collect();
    let mut taken = vec![false; columns.len()];
    let place_of = |name: &String| {
        let place = *known.get(name.as_str()).ok_or_else(|| blame.unknown_column(name, columns))?;
        match std::mem::replace(&mut taken[place], true) {
            true => Err(blame.invalid(format!("column {} is asked for twice: name each column once", quoted(name)))),
            false => Ok(place),
        }
    };
    wanted.iter().map(place_of).collect()
}

/// The places of the wanted columns of a table whatever it is read from, by its name.
///
/// # Errors
/// [`HandlerError::UnknownColumn`]; [`HandlerError::Invalid`] for a name that is asked for twice.
pub fn column_places(table: &str, columns: &[&str], wanted: &[String]) -> HandlerResult<Vec<usize>> {
    places(&table.to_owned(), columns, wanted)
}

/// Columns picked by name: which ones of the file, and where each goes.
#[derive(Debug)]
pub(crate) struct Picked {
    /// Indices in the file, ascending.
    pub(crate) file: Vec<usize>,
    /// For each wanted column, its place among those.
    order: Vec<usize>,
}

impl Picked {
    /// # Errors
    /// As [`places`].
    pub(crate) fn new(blame: &dyn Blame, schema: &Schema, names: &[String]) -> HandlerResult<Self> {
        let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let wanted = places(blame, &columns, names)?;
        let mut file = wanted.clone();
        file.sort_unstable();
        let order = wanted.iter().filter_map(|place| file.binary_search(place).ok()).collect();
        Ok(Self { file, order })
    }

    /// The places of the wanted columns in batches that have the file's order, `None` when they are in order.
    pub(crate) fn into_order(self) -> Option<Vec<usize>> {
        if self.order.is_sorted() { None } else { Some(self.order) }
    }
}
