//! Record batches as the kernel looks at them.

use std::ops::Range;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, ListArray, MapArray, PrimitiveArray, RecordBatch, StringArray,
    StructArray,
};
use arrow::buffer::NullBuffer;
use arrow::compute::filter_record_batch;
use arrow::datatypes::{
    DataType as Arrow, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimeUnit, TimestampMicrosecondType,
};
use delta_kernel::engine_data::{EngineData, GetData, ListItem, MapItem, RowVisitor, StringArrayAccessor};
use delta_kernel::expressions::{ArrayData, ColumnName};
use delta_kernel::schema::SchemaRef;
use delta_kernel::{KernelError, KernelResult};

/// A batch of actions or files.
pub(crate) struct Batch(pub(crate) RecordBatch);

impl Batch {
    /// The batch that is behind what the kernel hands back.
    pub(crate) fn of(data: &dyn EngineData) -> KernelResult<&RecordBatch> {
        let batch = data.any_ref().downcast_ref::<Self>();
        batch.map(|batch| &batch.0).ok_or_else(|| KernelError::engine_data_type("record batch"))
    }
}

/// A column, also one within structs, and where it has a value: what Parquet's decoder gives of a field that its struct has not is
/// no null of its own.
pub(crate) fn column(batch: &RecordBatch, path: &[String]) -> Option<(ArrayRef, Option<NullBuffer>)> {
    let (first, rest) = path.split_first()?;
    let mut found = batch.column_by_name(first)?;
    let mut nulls = found.nulls().cloned();
    for name in rest {
        found = found.as_any().downcast_ref::<StructArray>()?.column_by_name(name)?;
        nulls = NullBuffer::union(nulls.as_ref(), found.nulls());
    }
    Some((ArrayRef::clone(found), nulls))
}

impl EngineData for Batch {
    fn visit_rows(&self, columns: &[ColumnName], visitor: &mut dyn RowVisitor) -> KernelResult<()> {
        let found: Vec<(ArrayRef, Option<NullBuffer>)> = columns
            .iter()
            .map(|name| {
                let missing = || KernelError::MissingColumn(format!("Column {name} not found in the data"));
                column(&self.0, name.path()).ok_or_else(missing)
            })
            .collect::<KernelResult<_>>()?;
        let leaves: Vec<Leaf<'_>> = found
            .iter()
            .zip(columns)
            .map(|((array, nulls), name)| {
                let values = Values::of(array)
                    .ok_or_else(|| KernelError::unexpected_column_type(format!("{name} is {}", array.data_type())))?;
                Ok(Leaf { values, nulls: nulls.as_ref() })
            })
            .collect::<KernelResult<_>>()?;
        let getters: Vec<&dyn GetData<'_>> = leaves.iter().map(|leaf| leaf as &dyn GetData<'_>).collect();
        visitor.visit(self.len(), &getters)
    }

    fn len(&self) -> usize {
        self.0.num_rows()
    }

    fn append_columns(&self, _schema: SchemaRef, _columns: Vec<ArrayData>) -> KernelResult<Box<dyn EngineData>> {
        Err(KernelError::unsupported("appending columns"))
    }

    fn apply_selection_vector(self: Box<Self>, mut selected: Vec<bool>) -> KernelResult<Box<dyn EngineData>> {
        if selected.len() > self.len() {
            let (given, rows) = (selected.len(), self.len());
            return Err(KernelError::InvalidSelectionVector(format!("{given} of {rows} rows")));
        }
        selected.resize(self.len(), true);
        let kept = filter_record_batch(&self.0, &BooleanArray::from(selected)).map_err(KernelError::generic_err)?;
        Ok(Box::new(Self(kept)))
    }

    fn has_field(&self, name: &ColumnName) -> bool {
        column(&self.0, name.path()).is_some()
    }
}

/// A column that the kernel looks into.
struct Leaf<'a> {
    values: Values<'a>,
    nulls: Option<&'a NullBuffer>,
}

enum Values<'a> {
    Null,
    Bool(&'a BooleanArray),
    Byte(&'a PrimitiveArray<Int8Type>),
    Short(&'a PrimitiveArray<Int16Type>),
    Int(&'a PrimitiveArray<Int32Type>),
    Long(&'a PrimitiveArray<Int64Type>),
    Float(&'a PrimitiveArray<Float32Type>),
    Double(&'a PrimitiveArray<Float64Type>),
    Date(&'a PrimitiveArray<Date32Type>),
    Timestamp(&'a PrimitiveArray<TimestampMicrosecondType>),
    Decimal(&'a PrimitiveArray<Decimal128Type>),
    Text(&'a StringArray),
    Binary(&'a BinaryArray),
    List(&'a ListArray, Texts<'a>),
    Map(&'a MapArray, Texts<'a>, Texts<'a>),
}

impl<'a> Values<'a> {
    /// `None` for a type that the kernel does not ask for.
    fn of(array: &'a ArrayRef) -> Option<Self> {
        Some(match array.data_type() {
            Arrow::Null => Self::Null,
            Arrow::Boolean => Self::Bool(array.as_boolean()),
            Arrow::Int8 => Self::Byte(array.as_primitive()),
            Arrow::Int16 => Self::Short(array.as_primitive()),
            Arrow::Int32 => Self::Int(array.as_primitive()),
            Arrow::Int64 => Self::Long(array.as_primitive()),
            Arrow::Float32 => Self::Float(array.as_primitive()),
            Arrow::Float64 => Self::Double(array.as_primitive()),
            Arrow::Date32 => Self::Date(array.as_primitive()),
            Arrow::Timestamp(TimeUnit::Microsecond, _) => Self::Timestamp(array.as_primitive()),
            Arrow::Decimal128(..) => Self::Decimal(array.as_primitive()),
            Arrow::Utf8 => Self::Text(array.as_string()),
            Arrow::Binary => Self::Binary(array.as_binary()),
            Arrow::List(_) => {
                let list = array.as_list::<i32>();
                Self::List(list, Texts(list.values().as_string_opt()?))
            }
            Arrow::Map(..) => {
                let map = array.as_map();
                Self::Map(map, Texts(map.keys().as_string_opt()?), Texts(map.values().as_string_opt()?))
            }
            _ => return None,
        })
    }
}

/// Texts within lists and maps.
struct Texts<'a>(&'a StringArray);

impl StringArrayAccessor for Texts<'_> {
    fn len(&self) -> usize {
        Array::len(self.0)
    }

    fn value(&self, index: usize) -> &str {
        self.0.value(index)
    }

    fn is_valid(&self, index: usize) -> bool {
        Array::is_valid(self.0, index)
    }
}

/// Where the values of a row begin and end.
fn range(offsets: &[i32], row: usize) -> Range<usize> {
    let at = |row: usize| usize::try_from(offsets[row]).unwrap_or_default();
    at(row)..at(row + 1)
}

impl Leaf<'_> {
    fn has(&self, row: usize) -> bool {
        self.nulls.is_none_or(|nulls| nulls.is_valid(row)) && !matches!(self.values, Values::Null)
    }

    fn other<T>(&self, field: &str, wanted: &str) -> KernelResult<Option<T>> {
        match self.values {
            Values::Null => Ok(None),
            _ => Err(KernelError::unexpected_column_type(format!("{field} is not of type {wanted}"))),
        }
    }
}

macro_rules! get {
    ($(($name:ident, $variant:ident, $kind:ty)),*) => {
        $(
            fn $name(&'a self, row: usize, field: &str) -> KernelResult<Option<$kind>> {
                match self.values {
                    Values::$variant(values) => Ok(self.has(row).then(|| values.value(row))),
                    _ => self.other(field, stringify!($variant)),
                }
            }
        )*
    };
}

impl<'a> GetData<'a> for Leaf<'_> {
    get!(
        (get_bool, Bool, bool),
        (get_byte, Byte, i8),
        (get_short, Short, i16),
        (get_int, Int, i32),
        (get_long, Long, i64),
        (get_float, Float, f32),
        (get_double, Double, f64),
        (get_date, Date, i32),
        (get_timestamp, Timestamp, i64),
        (get_decimal, Decimal, i128),
        (get_str, Text, &'a str),
        (get_binary, Binary, &'a [u8])
    );

    fn get_list(&'a self, row: usize, field: &str) -> KernelResult<Option<ListItem<'a>>> {
        match &self.values {
            Values::List(list, texts) => {
                Ok(self.has(row).then(|| ListItem::new(texts, range(list.value_offsets(), row))))
            }
            _ => self.other(field, "list"),
        }
    }

    fn get_map(&'a self, row: usize, field: &str) -> KernelResult<Option<MapItem<'a>>> {
        match &self.values {
            Values::Map(map, keys, values) => {
                Ok(self.has(row).then(|| MapItem::new(keys, values, range(map.value_offsets(), row))))
            }
            _ => self.other(field, "map"),
        }
    }
}
