//! Values that a condition computes of the columns of a row.

use serde_json::Value;

use crate::bounds::{Constant, column_of};
use crate::property::Property;

/// A number that is computed for each row.
#[derive(Debug, Clone, PartialEq)]
pub enum Formula {
    /// That of a column, as the condition writes it.
    Column(String),
    /// One that the texts, dates or moments of a column have.
    Property(Property, String),
    /// The same for all rows.
    Constant(Constant),
    /// What becomes of one number.
    Unary(Unary, Box<Formula>),
    /// What becomes of two.
    Binary(Binary, Box<[Formula; 2]>),
}

/// What is done with one number. What is no number (the root of one below 0) is NaN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unary {
    /// `-x`
    Negate,
    /// `abs(x)`
    Absolute,
    /// A function that gives floating-point numbers.
    Float(FloatFunction),
    /// `round(x, n)`: to so many digits behind the point, or before it where there are less than none; halves away from 0.
    Round(i32),
}

/// A function of floating-point numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the function of that name")]
pub enum FloatFunction {
    Sqrt,
    Cbrt,
    Exp,
    Ln,
    Log2,
    Log10,
    Floor,
    Ceil,
    Sin,
    Cos,
    Tan,
    Atan,
    Sinh,
    Cosh,
    Tanh,
}

impl FloatFunction {
    /// That of this name in SQL.
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "sqrt" => Self::Sqrt,
            "cbrt" => Self::Cbrt,
            "exp" => Self::Exp,
            "ln" => Self::Ln,
            "log2" => Self::Log2,
            "log" | "log10" => Self::Log10,
            "floor" => Self::Floor,
            "ceil" | "ceiling" => Self::Ceil,
            "sin" => Self::Sin,
            "cos" => Self::Cos,
            "tan" => Self::Tan,
            "atan" => Self::Atan,
            "sinh" => Self::Sinh,
            "cosh" => Self::Cosh,
            "tanh" => Self::Tanh,
            _ => return None,
        })
    }
}

/// What is done with two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// `x + y`
    Add,
    /// `x - y`
    Subtract,
    /// `x * y`
    Multiply,
    /// `x / y`, a fraction whatever they are
    Divide,
    /// `x % y`, with the sign of x
    Remainder,
    /// `x ** y`, a floating-point number whatever they are
    Power,
}

impl Formula {
    /// What an expression on a table of this name is, whose constants are read so; `None` where it is something else.
    pub(crate) fn of(expression: &Value, table: &str, constant: &dyn Fn(&Value) -> Option<Constant>) -> Option<Self> {
        if let Some(column) = column_of(expression, table) {
            return Some(Self::Column(column));
        }
        if let Some(constant) = constant(expression) {
            return Some(Self::Constant(constant));
        }
        if let Some((property, column)) = Property::of(expression, table) {
            return Some(Self::Property(property, column));
        }
        let (name, arguments) = call_of(expression)?;
        let operands = arguments.into_iter().map(|argument| Self::of(argument, table, constant));
        Some(match (name, operands.collect::<Option<Vec<_>>>()?.as_slice()) {
            ("-", [one]) => Self::Unary(Unary::Negate, Box::new(one.clone())),
            ("abs" | "@", [one]) => Self::Unary(Unary::Absolute, Box::new(one.clone())),
            ("round", [one]) => Self::Unary(Unary::Round(0), Box::new(one.clone())),
            ("round", [one, Self::Constant(Constant::Int(digits))]) => {
                Self::Unary(Unary::Round(i32::try_from(*digits).ok()?), Box::new(one.clone()))
            }
            (name, [one]) => Self::Unary(Unary::Float(FloatFunction::of(name)?), Box::new(one.clone())),
            (name, [left, right]) => {
                let operation = match name {
                    "+" | "add" => Binary::Add,
                    "-" | "subtract" => Binary::Subtract,
                    "*" | "multiply" => Binary::Multiply,
                    "/" => Binary::Divide,
                    "%" | "mod" => Binary::Remainder,
                    "**" | "^" | "pow" | "power" => Binary::Power,
                    _ => return None,
                };
                Self::Binary(operation, Box::new([left.clone(), right.clone()]))
            }
            _ => return None,
        })
    }
}

/// The function that an expression calls, and its arguments, where it does no more than that.
pub(crate) fn call_of(expression: &Value) -> Option<(&str, Vec<&Value>)> {
    let is_empty = |name: &str| expression.get(name).is_none_or(|value| value == "");
    let is_call = expression.get("class")? == "FUNCTION"
        && is_empty("schema")
        && is_empty("catalog")
        && expression.get("filter").is_none_or(Value::is_null)
        && expression.get("distinct").is_none_or(|distinct| distinct == false)
        && expression.get("order_bys").is_none_or(crate::separable::is_empty);
    let name = expression.get("function_name").filter(|_| is_call)?.as_str()?;
    let arguments = expression.get("arguments")?.as_array()?.iter().map(|argument| {
        let is_named = argument.get("name").is_some_and(|name| name != "");
        argument.get("expression").filter(|_| !is_named)
    });
    Some((name, arguments.collect::<Option<_>>()?))
}
