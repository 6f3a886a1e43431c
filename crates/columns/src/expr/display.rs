//! Expressions as text: Python's syntax, with no more parentheses than reading needs.
//!
//! The text reads back as the same tree. Methods are written as functions, chains of comparisons as what they are made
//! of, and what would be read as something else (a column called `nan`, a function called `col`) stands in backticks,
//! in which a backtick is doubled.

use std::fmt::{self, Display};

use super::lex::is_plain;
use super::parse::{is_sql_call, time};
use super::{Argument, Axis, Binary, Expr, Kind, Unary};
use crate::value::{Value, write_text};

/// Precedence of an operator before an operand: between `*` and `**`.
const UNARY: u8 = 11;
/// Precedence of what needs no parentheses anywhere.
const ATOM: u8 = 13;
/// What operands of comparisons bind at least like. That is tighter than Python needs: `a > b & c` is too easily
/// misread, and refused where it is read and `b` is a number.
const COMPARED: u8 = 8;

impl Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.kind {
            Kind::Name(name) => write_name(f, name, is_plain(name)),
            Kind::Literal(value) => write_value(f, value),
            Kind::List(items) => {
                f.write_str("[")?;
                separated(f, items, |f, item| item.fmt(f))?;
                f.write_str("]")
            }
            Kind::Pairs(pairs) => {
                f.write_str("{")?;
                separated(f, pairs, |f, (key, value)| write!(f, "{key}: {value}"))?;
                f.write_str("}")
            }
            Kind::Unary(operator, operand) => {
                f.write_str(match operator {
                    Unary::Minus => "-",
                    Unary::Plus => "+",
                    Unary::Not => "~",
                })?;
                // Without parentheses it would be a negative number.
                let number = matches!(&*operand.kind, Kind::Literal(Value::Int(_) | Value::Float(_)));
                let above = number && *operator == Unary::Minus && precedence(operand) == ATOM;
                write_operand(f, operand, if above { ATOM + 1 } else { UNARY })
            }
            Kind::Binary(operator, left, right) => {
                let (least_left, least_right) = match operator {
                    Binary::Power => (ATOM, UNARY),
                    operator if operator.compares() => (above_null(*operator, left), above_null(*operator, right)),
                    operator => (operator.precedence(), operator.precedence() + 1),
                };
                write_operand(f, left, least_left)?;
                write!(f, " {} ", operator.as_str())?;
                write_operand(f, right, least_right)
            }
            Kind::Call(name, arguments) => {
                let special = matches!(&**name, "col" | "datetime64" | "timedelta64") || is_sql_call(name);
                write_name(f, name, is_plain(name) && !special)?;
                f.write_str("(")?;
                separated(f, arguments, |f, Argument { name, value }| {
                    if let Some(name) = name {
                        write_name(f, name, is_plain(name))?;
                        f.write_str("=")?;
                    }
                    value.fmt(f)
                })?;
                f.write_str(")")
            }
            Kind::Index(operand, axes) => {
                write_operand(f, operand, ATOM)?;
                f.write_str("[:")?;
                for axis in axes {
                    f.write_str(", ")?;
                    write_axis(f, *axis)?;
                }
                f.write_str("]")
            }
        }
    }
}

/// An operand, in parentheses unless it binds at least as tightly as that.
fn write_operand(f: &mut fmt::Formatter<'_>, operand: &Expr, least: u8) -> fmt::Result {
    if precedence(operand) >= least { operand.fmt(f) } else { write!(f, "({operand})") }
}

fn precedence(expr: &Expr) -> u8 {
    match &*expr.kind {
        Kind::Binary(operator, ..) => operator.precedence(),
        Kind::Unary(..) => UNARY,
        Kind::Literal(Value::Int(value)) if *value < 0 => UNARY,
        Kind::Literal(Value::Float(value)) if value.is_sign_negative() && !value.is_nan() => UNARY,
        _ => ATOM,
    }
}

/// As a bare `x == None` is refused, a missing value that is compared stands in parentheses.
fn above_null(operator: Binary, operand: &Expr) -> u8 {
    let equality = matches!(operator, Binary::Equal | Binary::NotEqual);
    if equality && *operand.kind == Kind::Literal(Value::Null) { ATOM + 1 } else { COMPARED }
}

fn write_name(f: &mut fmt::Formatter<'_>, name: &str, plain: bool) -> fmt::Result {
    if plain { f.write_str(name) } else { write!(f, "`{}`", name.replace('`', "``")) }
}

fn write_value(f: &mut fmt::Formatter<'_>, value: &Value) -> fmt::Result {
    match value {
        Value::Instant(ticks, unit, zone) => {
            if zone.is_none()
                && let Some(text) = time::instant_text(*ticks, *unit)
            {
                return write!(f, "datetime64(\"{text}\")");
            }
            write!(f, "datetime64({ticks}, \"{}\"", unit.as_str())?;
            if let Some(zone) = zone {
                f.write_str(", ")?;
                write_text(f, zone)?;
            }
            f.write_str(")")
        }
        Value::Duration(ticks, unit) => write!(f, "timedelta64({ticks}, \"{}\")", unit.as_str()),
        Value::List(values) => {
            f.write_str("[")?;
            separated(f, values, write_value)?;
            f.write_str("]")
        }
        other => other.fmt(f),
    }
}

fn write_axis(f: &mut fmt::Formatter<'_>, axis: Axis) -> fmt::Result {
    let shown = |end: Option<i64>| end.map(|end| end.to_string()).unwrap_or_default();
    match axis {
        Axis::At(position) => position.fmt(f),
        Axis::Slice(from, to) => write!(f, "{}:{}", shown(from), shown(to)),
    }
}

fn separated<'a, T: 'a>(
    f: &mut fmt::Formatter<'_>,
    items: impl IntoIterator<Item = &'a T>,
    write: impl Fn(&mut fmt::Formatter<'_>, &'a T) -> fmt::Result,
) -> fmt::Result {
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            f.write_str(", ")?;
        }
        write(f, item)?;
    }
    Ok(())
}
