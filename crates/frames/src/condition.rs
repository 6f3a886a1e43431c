//! Conditions of Polars as conditions of SQL, which a reader can skip parts of a table by.
//!
//! Polars applies its condition to the rows that come in any case. So what is handed on may let more rows through, and must
//! never leave one out: of `a AND b` it can be `a` alone, and a comparison that the two do not answer alike is none at all.

use arrow::temporal_conversions::{date32_to_datetime, timestamp_ms_to_datetime, timestamp_us_to_datetime};
use polars::lazy::dsl::{BooleanFunction, Expr, FunctionExpr, Operator};
use polars::prelude::{AnyValue, ClosedInterval, DataType, LiteralValue, Schema, TimeUnit};

/// The longest list of values that is handed on.
const MOST_VALUES: usize = 1000;

/// A condition in SQL that holds for all rows that the expression holds for, if there is one.
pub(crate) fn sql_condition(expr: &Expr, schema: &Schema) -> Option<String> {
    let mut names: Vec<String> = schema.iter_names().map(|name| name.to_lowercase()).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        // SQL does not tell upper from lower case.
        return None;
    }
    implied(expr, schema)
}

fn implied(expr: &Expr, schema: &Schema) -> Option<String> {
    match expr {
        Expr::Alias(inner, _) => implied(inner, schema),
        Expr::Column(_) => match column(expr, schema)? {
            (name, DataType::Boolean) => Some(name),
            _ => None,
        },
        Expr::BinaryExpr { left, op, right } => match op {
            Operator::And | Operator::LogicalAnd => match (implied(left, schema), implied(right, schema)) {
                (Some(left), Some(right)) => Some(format!("({left} AND {right})")),
                (one, other) => one.or(other),
            },
            Operator::Or | Operator::LogicalOr => {
                Some(format!("({} OR {})", implied(left, schema)?, implied(right, schema)?))
            }
            _ => compared(left, *op, right, schema).or_else(|| compared(right, turned(*op)?, left, schema)),
        },
        Expr::Function { input, function: FunctionExpr::Boolean(function) } => match (function, input.as_slice()) {
            (BooleanFunction::IsNull, [value]) => Some(format!("({} IS NULL)", column(value, schema)?.0)),
            (BooleanFunction::IsNotNull, [value]) => Some(format!("({} IS NOT NULL)", column(value, schema)?.0)),
            (BooleanFunction::IsBetween { closed }, [value, low, high]) => {
                let (from, to) = match closed {
                    ClosedInterval::Both => (Operator::GtEq, Operator::LtEq),
                    ClosedInterval::Left => (Operator::GtEq, Operator::Lt),
                    ClosedInterval::Right => (Operator::Gt, Operator::LtEq),
                    ClosedInterval::None => (Operator::Gt, Operator::Lt),
                };
                match (compared(value, from, low, schema), compared(value, to, high, schema)) {
                    (Some(low), Some(high)) => Some(format!("({low} AND {high})")),
                    (one, other) => one.or(other),
                }
            }
            (BooleanFunction::IsIn { nulls_equal: false }, [value, Expr::Literal(values)]) => {
                one_of(value, values, schema)
            }
            _ => None,
        },
        _ => None,
    }
}

/// A column of the table, as SQL names it, and its type.
fn column<'a>(expr: &Expr, schema: &'a Schema) -> Option<(String, &'a DataType)> {
    let Expr::Column(name) = expr else { return None };
    Some((format!("\"{}\"", name.replace('"', "\"\"")), schema.get(name)?))
}

/// The same comparison with its sides exchanged.
fn turned(op: Operator) -> Option<Operator> {
    Some(match op {
        Operator::Eq | Operator::NotEq => op,
        Operator::Lt => Operator::Gt,
        Operator::LtEq => Operator::GtEq,
        Operator::Gt => Operator::Lt,
        Operator::GtEq => Operator::LtEq,
        _ => return None,
    })
}

/// A column compared with a value.
fn compared(value: &Expr, op: Operator, with: &Expr, schema: &Schema) -> Option<String> {
    let (name, data_type) = column(value, schema)?;
    let Expr::Literal(literal) = with else { return None };
    let sign = match op {
        Operator::Eq => "=",
        Operator::NotEq => "<>",
        Operator::Lt => "<",
        Operator::LtEq => "<=",
        Operator::Gt => ">",
        Operator::GtEq => ">=",
        _ => return None,
    };
    // NaN is above all numbers for Polars. The statistics of a file leave it out, so a reader that goes by them would too.
    if data_type.is_float() && matches!(op, Operator::NotEq | Operator::Gt | Operator::GtEq) {
        return None;
    }
    Some(format!("({name} {sign} {})", literal_text(literal, data_type)?))
}

/// A column whose value is one of several.
fn one_of(value: &Expr, values: &LiteralValue, schema: &Schema) -> Option<String> {
    let (name, data_type) = column(value, schema)?;
    let list = match values {
        LiteralValue::Series(series) => match series.dtype() {
            DataType::List(_) if series.len() == 1 => match series.get(0).ok()? {
                AnyValue::List(list) => list,
                _ => return None,
            },
            _ => (**series).clone(),
        },
        LiteralValue::Scalar(scalar) => match scalar.value() {
            AnyValue::List(list) => list.clone(),
            _ => return None,
        },
        _ => return None,
    };
    if list.is_empty() || list.len() > MOST_VALUES {
        return None;
    }
    // No row is equal to null, so a null in the list stands for none.
    let values = list.iter().filter(|value| !value.is_null()).map(|value| value_text(&value, data_type));
    let values = values.collect::<Option<Vec<_>>>()?;
    (!values.is_empty()).then(|| format!("({name} IN ({}))", values.join(", ")))
}

fn literal_text(literal: &LiteralValue, column: &DataType) -> Option<String> {
    match literal {
        LiteralValue::Dyn(_) => value_text(&literal.to_any_value()?, column),
        LiteralValue::Scalar(scalar) => value_text(scalar.value(), column),
        _ => None,
    }
}

/// A value as SQL writes it, where SQL compares it with a column of the type as Polars does.
fn value_text(value: &AnyValue<'_>, column: &DataType) -> Option<String> {
    Some(match (value, column) {
        (AnyValue::Boolean(value), DataType::Boolean) => value.to_string(),
        (AnyValue::String(text), DataType::String) => quoted(text)?,
        (AnyValue::StringOwned(text), DataType::String) => quoted(text)?,
        // A number of another width would be converted first, and not by both in the same way.
        (AnyValue::Float64(number), DataType::Float64) if number.is_finite() => format!("CAST('{number:e}' AS DOUBLE)"),
        (AnyValue::Float32(number), DataType::Float32) if number.is_finite() => format!("CAST('{number:e}' AS FLOAT)"),
        (value, column) if column.is_integer() && value.is_integer() => value.extract::<i128>()?.to_string(),
        (AnyValue::Date(days), DataType::Date) => format!("DATE '{}'", plain(date32_to_datetime(*days)?.date())?),
        (
            AnyValue::Datetime(time, unit, None) | AnyValue::DatetimeOwned(time, unit, None),
            DataType::Datetime(of_column, None),
        ) if unit == of_column => {
            // Nanoseconds would be cut off on one side.
            let time = match unit {
                TimeUnit::Milliseconds => timestamp_ms_to_datetime(*time)?,
                TimeUnit::Microseconds => timestamp_us_to_datetime(*time)?,
                TimeUnit::Nanoseconds => return None,
            };
            format!("TIMESTAMP '{} {}'", plain(time.date())?, time.time())
        }
        _ => return None,
    })
}

fn quoted(text: &str) -> Option<String> {
    (!text.contains('\0')).then(|| format!("'{}'", text.replace('\'', "''")))
}

/// A date of four digits' years.
fn plain(date: impl std::fmt::Display) -> Option<String> {
    let text = date.to_string();
    (text.len() == 10 && text.starts_with(|first: char| first.is_ascii_digit())).then_some(text)
}
