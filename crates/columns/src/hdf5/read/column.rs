//! A column of the table: what its datasets mean, and the Arrow type that it has.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field};

use super::block::{Block, Label};
use super::locate::{Found, Parts, Values};
use super::missing::Missing;
use super::structure::{Element, Padding};
use super::text::Texts;
use super::time::{Ticks, ticks_of};
use crate::error::ColumnsResult;
use crate::store::Store;

/// What the values of a column are.
#[derive(Debug)]
pub(super) enum Kind {
    /// Numbers as Arrow has them.
    Numbers(DataType),
    /// Truth values, a byte each.
    Bools,
    /// Instants or durations.
    Times(Ticks, DataType),
    /// Texts of any length.
    Texts(Texts),
    /// Texts in cells.
    Cells(Padding),
    /// Texts of so many UTF-32 code units each.
    Utf32(usize),
    /// Codes for the values of another column, which are read once.
    Codes { codes: DataType, values: Box<Column>, read: OnceLock<ArrayRef> },
}

/// A column.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) label: Label,
    pub(super) kind: Kind,
    pub(super) data: Block,
    pub(super) missing: Missing,
    /// How many rows there are.
    pub(super) rows: u64,
    /// Dimensions of a row, of which there are none in most columns.
    pub(super) inner: Vec<i32>,
}

/// The types of a column that NumPy's names in an attribute may change.
#[derive(Clone, Copy)]
enum Noted {
    Nothing,
    Text,
    Utf32,
    Bool,
    Ticks(Ticks),
    Element(Element),
}

impl Column {
    /// The column that was found, with its name, type and notes.
    pub(super) fn open(store: &Store, found: Found) -> ColumnsResult<(Self, Field)> {
        let label = Label::new(store.path(), &found.name);
        let column = match found.parts {
            Parts::Plain(values) => Self::plain(store, label, *values)?,
            Parts::Dictionary(codes, values) => Self::dictionary(store, label, *codes, *values)?,
        };
        let mut notes = HashMap::new();
        for name in ["unit", "ucd", "description"] {
            if let Some(text) = found.attributes.text(name) {
                notes.insert(name.to_owned(), text.to_owned());
            }
        }
        if let Kind::Times(ticks, _) = &column.kind
            && ticks.is_converted()
        {
            notes.insert("numpy_dtype".to_owned(), ticks.name());
        }
        // All may be missing: that no value is in this file says nothing about the next one.
        let field = Field::new(found.name, column.data_type(), true).with_metadata(notes);
        Ok((column, field))
    }

    fn plain(store: &Store, label: Label, values: Values) -> ColumnsResult<Self> {
        let noted = values.data.attributes.text("dtype").map_or(Ok(Noted::Nothing), |name| {
            noted(name).ok_or_else(|| label.unsupported(format_args!("is said to be of type '{name}'")))
        })?;
        let characters = values.data.attributes.number("dlength");
        let data = Block::new(store, &label, values.data)?;
        let mut rows = data.rows;
        let mut inner = data.inner.clone();
        let bytes = data.element.bytes();
        let kind = match (noted, data.element) {
            (Noted::Utf32, _) => {
                let total = data.rows * (data.row_elements() * bytes) as u64;
                let cell = characters.and_then(|characters| characters.checked_mul(4)).filter(|cell| *cell > 0);
                let cell = cell.filter(|cell| total.is_multiple_of(*cell) && *cell <= i32::MAX as u64);
                let Some(cell) = cell else {
                    return Err(label.damaged("is UTF-32 text of a length that does not fit its bytes"));
                };
                if !inner.is_empty() && (data.row_elements() * bytes) as u64 != cell {
                    return Err(label.damaged("is UTF-32 text whose rows are no cells"));
                }
                rows = total / cell;
                inner.clear();
                Kind::Utf32((cell / 4) as usize)
            }
            (Noted::Text, _) | (Noted::Nothing, Element::Text { bytes: 1, .. } | Element::Int { bytes: 1, .. })
                if values.indices.is_some() =>
            {
                let Some(indices) = values.indices else { return Err(label.damaged("is text without offsets")) };
                let texts = Texts::new(&label, &data, Block::new(store, &label, indices)?)?;
                rows = texts.rows();
                Kind::Texts(texts)
            }
            (Noted::Nothing | Noted::Text, Element::Text { bytes, padding }) => {
                if matches!(noted, Noted::Text) && bytes == 1 {
                    return Err(label.damaged("is text without offsets"));
                }
                Kind::Cells(padding)
            }
            (Noted::Text, _) => return Err(label.damaged("is text without offsets")),
            (Noted::Ticks(ticks), _) => match ticks.arrow() {
                Some(_) if bytes != 8 => {
                    return Err(
                        label.damaged(format_args!("is of type {}, and has {bytes} bytes a value", ticks.name()))
                    );
                }
                Some(arrow) => Kind::Times(ticks, arrow),
                None => {
                    let reason = "which differ in length: there is no Arrow type for them";
                    return Err(label.unsupported(format_args!("holds durations in {}, {reason}", ticks.name())));
                }
            },
            (Noted::Bool, _) if bytes == 1 => Kind::Bools,
            (Noted::Nothing, Element::Bool) => Kind::Bools,
            (Noted::Nothing, element) => Kind::Numbers(arrow_of(&label, element)?),
            (Noted::Element(element), _) if element.bytes() == bytes => Kind::Numbers(arrow_of(&label, element)?),
            (Noted::Bool | Noted::Element(_), _) => {
                return Err(label.damaged(format_args!("is of another type than noted, with {bytes} bytes a value")));
            }
        };
        let missing = Missing::new(store, &label, rows, &inner, values.mask, values.bitmap)?;
        let inner = inner.into_iter().map(i32::try_from).collect::<Result<_, _>>();
        let inner = inner.map_err(|_| label.unsupported("has rows of more than 2^31 elements"))?;
        Ok(Self { label, kind, data, missing, rows, inner })
    }

    fn dictionary(store: &Store, label: Label, codes: Values, values: Values) -> ColumnsResult<Self> {
        let mut column = Self::plain(store, label.clone(), codes)?;
        let values = Self::plain(store, label, values)?;
        match &column.kind {
            Kind::Numbers(codes) if codes.is_integer() && column.inner.is_empty() && values.inner.is_empty() => {
                column.kind = Kind::Codes { codes: codes.clone(), values: Box::new(values), read: OnceLock::new() };
                Ok(column)
            }
            _ => Err(column.label.unsupported("is a dictionary with codes that are no whole numbers, or of vectors")),
        }
    }

    /// The Arrow type of a row.
    pub(super) fn data_type(&self) -> DataType {
        let element = match &self.kind {
            Kind::Numbers(arrow) | Kind::Times(_, arrow) => arrow.clone(),
            Kind::Bools => DataType::Boolean,
            Kind::Texts(texts) if texts.is_large() => DataType::LargeUtf8,
            Kind::Texts(_) | Kind::Cells(_) | Kind::Utf32(_) => DataType::Utf8,
            Kind::Codes { codes, values, .. } => {
                DataType::Dictionary(Box::new(codes.clone()), Box::new(values.data_type()))
            }
        };
        self.inner.iter().rev().fold(element, |element, length| DataType::FixedSizeList(item(element), *length))
    }
}

/// The field of a list's elements.
pub(super) fn item(element: DataType) -> Arc<Field> {
    Arc::new(Field::new_list_field(element, true))
}

fn arrow_of(label: &Label, element: Element) -> ColumnsResult<DataType> {
    Ok(match element {
        Element::Int { bytes: 1, signed: true } => DataType::Int8,
        Element::Int { bytes: 2, signed: true } => DataType::Int16,
        Element::Int { bytes: 4, signed: true } => DataType::Int32,
        Element::Int { bytes: 8, signed: true } => DataType::Int64,
        Element::Int { bytes: 1, signed: false } => DataType::UInt8,
        Element::Int { bytes: 2, signed: false } => DataType::UInt16,
        Element::Int { bytes: 4, signed: false } => DataType::UInt32,
        Element::Int { bytes: 8, signed: false } => DataType::UInt64,
        Element::Float { bytes: 2 } => DataType::Float16,
        Element::Float { bytes: 4 } => DataType::Float32,
        Element::Float { bytes: 8 } => DataType::Float64,
        Element::Bool => DataType::Boolean,
        Element::Int { .. } | Element::Float { .. } | Element::Text { .. } => {
            return Err(label.unsupported("holds values of an unusual width"));
        }
    })
}

/// What the attribute `dtype` says that the values are.
fn noted(name: &str) -> Option<Noted> {
    if let Some(ticks) = ticks_of(name) {
        return Some(Noted::Ticks(ticks));
    }
    let int = |bytes, signed| Noted::Element(Element::Int { bytes, signed });
    let float = |bytes| Noted::Element(Element::Float { bytes });
    Some(match name.trim_start_matches(['<', '=', '|']) {
        "str" => Noted::Text,
        "utf32" => Noted::Utf32,
        "bool" | "b1" | "?" => Noted::Bool,
        "int8" | "i1" => int(1, true),
        "int16" | "i2" => int(2, true),
        "int32" | "i4" => int(4, true),
        "int64" | "i8" => int(8, true),
        "uint8" | "u1" => int(1, false),
        "uint16" | "u2" => int(2, false),
        "uint32" | "u4" => int(4, false),
        "uint64" | "u8" => int(8, false),
        "float16" | "f2" => float(2),
        "float32" | "f4" => float(4),
        "float64" | "f8" => float(8),
        _ => return None,
    })
}
