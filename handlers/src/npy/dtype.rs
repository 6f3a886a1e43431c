//! Element types of arrays: numpy's `descr` of a header, and the names that numpy shows for them.

use std::collections::HashSet;
use std::fmt::Write as _;

use super::NpyError;
use super::literal::{Literal, parse, repr};

/// Largest item size, which also bounds the products below.
const MAX_ITEM_SIZE: u64 = 1 << 31;

/// The type of an array's elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dtype {
    /// Numbers, flags, text, bytes and instants.
    Scalar(Scalar),
    /// A record of fields, packed one after the other.
    Structured(Vec<Field>),
}

/// One element type of a single value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    /// Byte order.
    pub order: ByteOrder,
    /// numpy's kind: `b i u f c m M S U V`.
    pub kind: char,
    /// Bytes of one element.
    pub size: u64,
    /// Unit of `m` and `M` as numpy writes it (`ns`, `25s`), `None` for the generic unit and for other kinds.
    pub unit: Option<String>,
}

/// Byte order of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteOrder {
    /// `<`
    Little,
    /// `>`
    Big,
    /// `|`: elements of single bytes, and bytes without meaning.
    None,
}

/// One field of a structured type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name; `""` for padding.
    pub name: String,
    /// A second name that numpy allows.
    pub title: Option<String>,
    /// Type of its elements.
    pub dtype: Dtype,
    /// Shape, when the field is an array of its own.
    pub shape: Vec<u64>,
}

impl Dtype {
    /// Reads the type from the text of a `descr`: `<f4`, or a list such as `[('a', '<i2'), ('b', '<f8')]`.
    ///
    /// # Errors
    /// [`NpyError::ObjectDtype`] for objects at any depth, [`NpyError::UnknownDtype`] for what is no type.
    pub fn parse(descr: &str) -> Result<Self, NpyError> {
        if descr.trim_start().starts_with('[') {
            Self::from_literal(&parse(descr)?)
        } else {
            Ok(Self::Scalar(Scalar::parse(descr)?))
        }
    }

    pub(super) fn from_literal(literal: &Literal) -> Result<Self, NpyError> {
        match literal {
            Literal::Str(text) => Ok(Self::Scalar(Scalar::parse(text)?)),
            Literal::List(fields) => {
                let fields: Vec<Field> = fields.iter().map(Field::from_literal).collect::<Result<_, _>>()?;
                let mut names = HashSet::new();
                for field in &fields {
                    if !field.is_padding() && !names.insert(field.name.as_str()) {
                        return Err(NpyError::UnknownDtype { descr: format!("two fields named {:?}", field.name) });
                    }
                }
                let dtype = Self::Structured(fields);
                dtype.checked_size()?;
                Ok(dtype)
            }
            _ => Err(NpyError::UnknownDtype { descr: format!("{literal:?}").chars().take(80).collect() }),
        }
    }

    /// Bytes of one element.
    pub fn item_size(&self) -> u64 {
        // Checked when the type was made.
        self.checked_size().unwrap_or(0)
    }

    fn checked_size(&self) -> Result<u64, NpyError> {
        match self {
            Self::Scalar(scalar) => Ok(scalar.size),
            Self::Structured(fields) => {
                let mut total: u64 = 0;
                for field in fields {
                    total =
                        field.size()?.checked_add(total).filter(|size| *size <= MAX_ITEM_SIZE).ok_or_else(too_large)?;
                }
                Ok(total)
            }
        }
    }

    /// The type as the header has it: Python source, quotes included.
    pub fn descr_source(&self) -> String {
        match self {
            Self::Scalar(scalar) => repr(&scalar.code()),
            Self::Structured(fields) => {
                let fields: Vec<String> = fields.iter().map(Field::source).collect();
                format!("[{}]", fields.join(", "))
            }
        }
    }

    /// The type as numpy's `dtype.descr` or `dtype.str` gives it: `<f4`, or the list of fields.
    pub fn descr(&self) -> String {
        match self {
            Self::Scalar(scalar) => scalar.code(),
            Self::Structured(_) => self.descr_source(),
        }
    }

    /// numpy's `dtype.str`: like [`Dtype::descr`], but `|V10` for a structured type.
    pub fn code(&self) -> String {
        match self {
            Self::Scalar(scalar) => scalar.code(),
            Self::Structured(_) => format!("|V{}", self.item_size()),
        }
    }

    /// The name that numpy shows and catalogues record: `float32`, `<U3`, `datetime64[D]`, `[('a', '<i2')]`.
    pub fn name(&self) -> String {
        match self {
            Self::Scalar(scalar) => scalar.name(),
            Self::Structured(_) => self.short(),
        }
    }

    /// numpy's form of a type inside of another.
    fn short(&self) -> String {
        let fields = match self {
            Self::Scalar(scalar) => return repr(&scalar.short()),
            Self::Structured(fields) => fields,
        };
        if fields.iter().any(Field::is_padding) {
            return short_with_offsets(fields, self.item_size());
        }
        let fields: Vec<String> = fields
            .iter()
            .map(|field| {
                let name = match &field.title {
                    Some(title) => format!("({}, {})", repr(title), repr(&field.name)),
                    None => repr(&field.name),
                };
                match field.shape.as_slice() {
                    [] => format!("({name}, {})", field.dtype.short()),
                    shape => format!("({name}, {}, {})", field.dtype.short(), tuple(shape)),
                }
            })
            .collect();
        format!("[{}]", fields.join(", "))
    }
}

/// numpy's form of a structured type with gaps.
fn short_with_offsets(fields: &[Field], item_size: u64) -> String {
    let (mut names, mut formats, mut offsets, mut titles) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut offset = 0;
    for field in fields {
        if !field.is_padding() {
            names.push(repr(&field.name));
            formats.push(match field.shape.as_slice() {
                [] => field.dtype.short(),
                shape => format!("({}, {})", field.dtype.short(), tuple(shape)),
            });
            offsets.push(offset.to_string());
            titles.push(field.title.as_deref().map_or_else(|| "None".to_owned(), repr));
        }
        offset += field.size().unwrap_or(0);
    }
    let mut text = format!(
        "{{'names': [{}], 'formats': [{}], 'offsets': [{}]",
        names.join(", "),
        formats.join(", "),
        offsets.join(", ")
    );
    if titles.iter().any(|title| title != "None") {
        let _ = write!(text, ", 'titles': [{}]", titles.join(", "));
    }
    let _ = write!(text, ", 'itemsize': {item_size}}}");
    text
}

impl Field {
    fn from_literal(literal: &Literal) -> Result<Self, NpyError> {
        let unknown = || NpyError::UnknownDtype { descr: format!("{literal:?}").chars().take(80).collect() };
        let Literal::Tuple(parts) = literal else { return Err(unknown()) };
        let (name, dtype, shape) = match parts.as_slice() {
            [name, dtype] => (name, dtype, None),
            [name, dtype, shape] => (name, dtype, Some(shape)),
            _ => return Err(unknown()),
        };
        let (title, name) = match name {
            Literal::Str(name) => (None, name.clone()),
            Literal::Tuple(pair) => match pair.as_slice() {
                [Literal::Str(title), Literal::Str(name)] => (Some(title.clone()), name.clone()),
                _ => return Err(unknown()),
            },
            _ => return Err(unknown()),
        };
        let shape = match shape {
            None => Vec::new(),
            Some(Literal::Int(length)) => vec![*length],
            Some(shape) => shape_of(shape).ok_or_else(unknown)?,
        };
        let field = Self { name, title, dtype: Dtype::from_literal(dtype)?, shape };
        field.size()?;
        Ok(field)
    }

    /// Whether these are the nameless bytes between two fields.
    fn is_padding(&self) -> bool {
        self.name.is_empty() && matches!(&self.dtype, Dtype::Scalar(scalar) if scalar.kind == 'V')
    }

    fn size(&self) -> Result<u64, NpyError> {
        let mut size = self.dtype.checked_size()?;
        for length in &self.shape {
            size = size.checked_mul(*length).filter(|size| *size <= MAX_ITEM_SIZE).ok_or_else(too_large)?;
        }
        Ok(size)
    }

    fn source(&self) -> String {
        let name = match &self.title {
            Some(title) => format!("({}, {})", repr(title), repr(&self.name)),
            None => repr(&self.name),
        };
        let dtype = self.dtype.descr_source();
        match self.shape.as_slice() {
            [] => format!("({name}, {dtype})"),
            shape => format!("({name}, {dtype}, {})", tuple(shape)),
        }
    }
}

impl Scalar {
    fn parse(text: &str) -> Result<Self, NpyError> {
        let unknown = || NpyError::UnknownDtype { descr: text.chars().take(80).collect() };
        let mut chars = text.chars();
        let mut next = chars.next().ok_or_else(unknown)?;
        let mut order = None;
        if let Some(known) = match next {
            '<' => Some(ByteOrder::Little),
            '>' => Some(ByteOrder::Big),
            '|' => Some(ByteOrder::None),
            _ => None,
        } {
            order = Some(known);
            next = chars.next().ok_or_else(unknown)?;
        }
        let kind = next;
        let rest = chars.as_str();
        if kind == 'O' {
            return Err(NpyError::ObjectDtype);
        }
        let (number, unit) = match rest.split_once('[') {
            Some((number, unit)) => (number, Some(unit.strip_suffix(']').ok_or_else(unknown)?)),
            None => (rest, None),
        };
        if number.is_empty() || number.len() > 10 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(unknown());
        }
        let count: u64 = number.parse().map_err(|_| unknown())?;
        let sizes: &[u64] = match kind {
            'b' => &[1],
            'i' | 'u' => &[1, 2, 4, 8],
            'f' => &[2, 4, 8, 12, 16],
            'c' => &[8, 16, 24, 32],
            'm' | 'M' => &[8],
            'S' | 'U' | 'V' => &[],
            _ => return Err(unknown()),
        };
        let temporal = matches!(kind, 'm' | 'M');
        if (!sizes.is_empty() && !sizes.contains(&count)) || (unit.is_some() && !temporal) {
            return Err(unknown());
        }
        let size = if kind == 'U' { count * 4 } else { count };
        if size > MAX_ITEM_SIZE {
            return Err(too_large());
        }
        let unit = match unit {
            None | Some("generic") => None,
            Some(unit) if is_unit(unit) => Some(unit.to_owned()),
            Some(_) => return Err(unknown()),
        };
        // Order means nothing for single bytes; elsewhere a type without order would have to be guessed.
        let order = match (order, matches!(kind, 'S' | 'V') || size == 1) {
            (_, true) => ByteOrder::None,
            (Some(order @ (ByteOrder::Little | ByteOrder::Big)), false) => order,
            _ => return Err(unknown()),
        };
        Ok(Self { order, kind, size, unit })
    }

    /// numpy's `dtype.str`.
    pub fn code(&self) -> String {
        let order = match self.order {
            ByteOrder::Little => '<',
            ByteOrder::Big => '>',
            ByteOrder::None => '|',
        };
        let count = if self.kind == 'U' { self.size / 4 } else { self.size };
        format!("{order}{}{count}{}", self.kind, self.unit_suffix())
    }

    fn unit_suffix(&self) -> String {
        self.unit.as_ref().map(|unit| format!("[{unit}]")).unwrap_or_default()
    }

    fn name(&self) -> String {
        let bits = self.size * 8;
        let word = match self.kind {
            'b' => return "bool".to_owned(),
            _ if self.order == ByteOrder::Big => return self.code(),
            'i' => "int",
            'u' => "uint",
            'f' => "float",
            'c' => "complex",
            'm' => return format!("timedelta64{}", self.unit_suffix()),
            'M' => return format!("datetime64{}", self.unit_suffix()),
            _ => return self.code(),
        };
        format!("{word}{bits}")
    }

    fn short(&self) -> String {
        match self.kind {
            'b' => "?".to_owned(),
            'S' | 'V' if self.size == 0 => self.kind.to_string(),
            _ => self.code().trim_start_matches('|').to_owned(),
        }
    }
}

fn is_unit(text: &str) -> bool {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    text.len() - unit.len() <= 9
        && matches!(unit, "Y" | "M" | "W" | "D" | "h" | "m" | "s" | "ms" | "us" | "ns" | "ps" | "fs" | "as")
}

pub(super) fn shape_of(literal: &Literal) -> Option<Vec<u64>> {
    let Literal::Tuple(lengths) = literal else { return None };
    lengths
        .iter()
        .map(|length| match length {
            Literal::Int(length) => Some(*length),
            _ => None,
        })
        .collect()
}

/// A shape as Python writes a tuple.
pub(super) fn tuple(shape: &[u64]) -> String {
    match shape {
        [one] => format!("({one},)"),
        shape => format!("({})", shape.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")),
    }
}

fn too_large() -> NpyError {
    NpyError::UnknownDtype { descr: format!("an element larger than {MAX_ITEM_SIZE} bytes") }
}
