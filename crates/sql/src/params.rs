//! Values that are bound to a query.

use duckdb::ToSql;
use duckdb::types::{Decimal, TimeUnit, ToSqlOutput, Value};

use crate::error::{SqlError, SqlResult};
use crate::instants::instant;

/// A value for a place in a query.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ParamValue {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A number.
    Float(f64),
    /// A decimal number: this whole number, of which so many digits stand behind the point.
    Decimal {
        /// All of its digits.
        digits: i128,
        /// How many of them stand behind the point, 38 at most.
        scale: u8,
    },
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A day, counted from 1970-01-01.
    Date(i32),
    /// What a clock shows that tells no time zone, in microseconds from 1970-01-01.
    Timestamp(i64),
    /// An instant, in microseconds from 1970-01-01 in UTC: `TIMESTAMP WITH TIME ZONE` in SQL.
    Instant(i64),
    /// A list.
    List(Vec<ParamValue>),
}

/// The values for a query.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Params {
    /// None.
    #[default]
    None,
    /// For `?`, or `$1`, `$2`, ..., in order.
    Positional(Vec<ParamValue>),
    /// For `$name`.
    Named(Vec<(String, ParamValue)>),
}

macro_rules! from {
    ($($type:ty => $variant:ident),*) => {
        $(impl From<$type> for ParamValue {
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        })*
    };
}

from!(bool => Bool, i32 => Int, i64 => Int, u32 => Int, u64 => Int, f32 => Float, f64 => Float, &str => Text, String => Text);

impl<T: Into<ParamValue>> From<Option<T>> for ParamValue {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Params {
    /// Adds a value for `$name`. Values for `?` go.
    pub fn add(&mut self, name: impl Into<String>, value: impl Into<ParamValue>) {
        let named = (name.into(), value.into());
        match self {
            Self::Named(values) => values.push(named),
            params => *params = Self::Named(vec![named]),
        }
    }

    /// The value for a place, by its name: `1` is that of the first `?`.
    pub(crate) fn get(&self, place: &str) -> Option<&ParamValue> {
        match self {
            Self::None => None,
            Self::Positional(values) => values.get(place.parse::<usize>().ok()?.checked_sub(1)?),
            // DuckDB does not tell names apart by case.
            Self::Named(values) => {
                values.iter().find(|(name, _)| name.eq_ignore_ascii_case(place)).map(|(_, value)| value)
            }
        }
    }

    /// The names of the values.
    fn names(&self) -> Vec<String> {
        match self {
            Self::None => Vec::new(),
            Self::Positional(values) => (1..=values.len()).map(|number| number.to_string()).collect(),
            Self::Named(values) => values.iter().map(|(name, _)| name.clone()).collect(),
        }
    }

    /// Sees to it that each place of a text has a value, and each value a place.
    ///
    /// # Errors
    /// [`SqlError::Parameters`].
    pub fn check(&self, places: &[String]) -> SqlResult<()> {
        let fail = |message: String| Err(SqlError::Parameters { message });
        let is_number = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
        let names = self.names();
        let is_among = |names: &[String], name: &str| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        if let Some((at, twice)) = names.iter().enumerate().find(|(at, name)| is_among(&names[..*at], name)) {
            return fail(format!("value {} and another one have the name {twice:?}", at + 1));
        }
        let numbered = places.iter().filter(|place| is_number(place)).count();
        match self {
            Self::Positional(values) if numbered < places.len() => {
                let named = places.iter().find(|place| !is_number(place)).map_or("", String::as_str);
                let is = if values.len() == 1 { "is" } else { "are" };
                fail(format!(
                    "its places have names, as ${named}, and {} without a name {is} given",
                    told(values.len())
                ))
            }
            Self::Named(_) if numbered > 0 => fail(format!(
                "its places are numbered, as ? and $1, and values with names are given: {}",
                names.join(", ")
            )),
            _ => match places.iter().find(|place| self.get(place).is_none()) {
                Some(place) if is_number(place) => {
                    fail(format!("place {place} has no value: {} given", told_are(names.len())))
                }
                Some(place) => fail(format!("${place} has no value")),
                None => match names.iter().find(|name| !is_among(places, name)) {
                    Some(name) if is_number(name) => {
                        fail(format!("{} given, and there is no place for value {name}", told_are(names.len())))
                    }
                    Some(name) => fail(format!("there is no ${name} in it, for which a value is given")),
                    None => Ok(()),
                },
            },
        }
    }

    /// The same with names written as the places are: DuckDB does not tell them apart by case, and what binds values does.
    pub(crate) fn named_as(&self, places: &[String]) -> Self {
        match self {
            Self::Named(_) => self.only(places),
            Self::None | Self::Positional(_) => self.clone(),
        }
    }

    /// The values for these places.
    pub fn only(&self, places: &[String]) -> Self {
        let value = |place: &String| Some((place.clone(), self.get(place)?.clone()));
        Self::Named(places.iter().filter_map(value).collect())
    }
}

fn told(count: usize) -> String {
    if count == 1 { "1 value".to_owned() } else { format!("{count} values") }
}

fn told_are(count: usize) -> String {
    format!("{} {}", told(count), if count == 1 { "is" } else { "are" })
}

/// A decimal number as text.
pub fn decimal(digits: i128, scale: u8) -> String {
    let (sign, scale) = (if digits < 0 { "-" } else { "" }, usize::from(scale));
    let all = format!("{:0>width$}", digits.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = all.split_at(all.len() - scale);
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

impl ParamValue {
    fn to_duckdb(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Boolean(*value),
            // Whole numbers of a table are 64 bits wide; a wider type would make DuckDB calculate in 128.
            Self::Int(value) => i64::try_from(*value).map_or(Value::HugeInt(*value), Value::BigInt),
            Self::Float(value) => Value::Double(*value),
            Self::Decimal { digits, scale } => {
                let width = digits.unsigned_abs().checked_ilog10().map_or(1, |log| log as u8 + 1).max(*scale);
                // One that is too long is told by DuckDB, which reads it.
                Decimal::new(width, *scale, *digits)
                    .map_or_else(|_| Value::Text(decimal(*digits, *scale)), Value::Decimal)
            }
            Self::Text(text) => Value::Text(text.clone()),
            Self::Bytes(bytes) => Value::Blob(bytes.clone()),
            Self::Date(days) => Value::Date32(*days),
            Self::Timestamp(micros) => Value::Timestamp(TimeUnit::Microsecond, *micros),
            // The query casts it. One that is beyond the calendar is told by DuckDB, which reads it.
            Self::Instant(micros) => Value::Text(instant(*micros).unwrap_or_else(|| format!("{micros} us"))),
            Self::List(values) => Value::List(values.iter().map(Self::to_duckdb).collect()),
        }
    }
}

impl ToSql for ParamValue {
    fn to_sql(&self) -> duckdb::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Owned(self.to_duckdb()))
    }
}
