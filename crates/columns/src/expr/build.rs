//! Expressions made in Rust: operators, and what they have no sign for.
//!
//! ```
//! use datafolio_columns::{col, when};
//!
//! let r = (col("x").pow(2) + col("y").pow(2)).sqrt();
//! assert_eq!(r.to_string(), "sqrt(x ** 2 + y ** 2)");
//!
//! let near = r.less(1.5) & !col("flag");
//! assert_eq!(near.to_string(), "(sqrt(x ** 2 + y ** 2) < 1.5) & ~flag");
//! ```
//!
//! Comparisons have names, since Rust's own answer `true` or `false`: `a == b` on two expressions asks whether they are
//! the same expression. A text is a value, not a column: `col("name").equal("Anna")`. Numbers of any type stand on the
//! right of an operator; on the left, [`lit`] makes an expression of what is neither `i64` nor `f64`.

use std::fmt;
use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Rem, Shl, Shr, Sub};
use std::sync::Arc;

use super::{Argument, Binary, Expr, Kind, Unary};
use crate::value::Value;

/// A column, a virtual column or a variable of that name, whatever characters the name has.
///
/// ```
/// # use datafolio_columns::col;
/// assert_eq!((col("x") * 2).to_string(), "x * 2");
/// assert_eq!(col("odd name").to_string(), "`odd name`");
/// ```
pub fn col(name: impl Into<Arc<str>>) -> Expr {
    Expr::new(Kind::Name(name.into()))
}

/// A value that is written out.
///
/// A list becomes a list of values, and a whole number that fits neither `int64` nor `uint64` a floating-point number:
/// so they are read from text.
///
/// ```
/// # use datafolio_columns::lit;
/// assert_eq!((2.0 * lit(3)).to_string(), "2.0 * 3");
/// assert_eq!(lit("it's").to_string(), "\"it's\"");
/// ```
pub fn lit(value: impl Into<Value>) -> Expr {
    Expr::new(match value.into() {
        Value::List(values) => Kind::List(values.into_iter().map(lit).collect()),
        Value::Int(value) if i64::try_from(value).is_err() && u64::try_from(value).is_err() => {
            Kind::Literal(Value::Float(value as f64))
        }
        value => Kind::Literal(value),
    })
}

/// A function of any name. [`Expr::call`] is the same with its first argument in front, [`call_with`] has named
/// arguments too.
///
/// ```
/// # use datafolio_columns::{call, col};
/// assert_eq!(call("arctan2", [col("y"), col("x")]).to_string(), "arctan2(y, x)");
/// ```
pub fn call(name: impl Into<Arc<str>>, arguments: impl IntoIterator<Item = Expr>) -> Expr {
    call_with(name, arguments, std::iter::empty::<(&str, Expr)>())
}

/// A function of any name, with arguments by place and arguments by name.
///
/// ```
/// # use datafolio_columns::{call_with, col, lit};
/// let matched = call_with("str_contains", [col("name"), lit("a.b")], [("regex", lit(false))]);
/// assert_eq!(matched.to_string(), "str_contains(name, \"a.b\", regex=False)");
/// ```
pub fn call_with<N: Into<Arc<str>>>(
    name: impl Into<Arc<str>>,
    arguments: impl IntoIterator<Item = Expr>,
    named: impl IntoIterator<Item = (N, Expr)>,
) -> Expr {
    let arguments = arguments.into_iter().map(|value| Argument { name: None, value });
    let named = named.into_iter().map(|(name, value)| Argument { name: Some(name.into()), value });
    Expr::new(Kind::Call(name.into(), arguments.chain(named).collect()))
}

/// Begins a choice by conditions, of which the first that is true decides.
///
/// ```
/// # use datafolio_columns::{col, when};
/// let size = when(col("x").less(1)).then("small").when(col("x").less(10)).then("medium").otherwise("large");
/// assert_eq!(size.to_string(), "case(x < 1, \"small\", x < 10, \"medium\", \"large\")");
/// ```
pub fn when(condition: impl Into<Expr>) -> When {
    When { condition: condition.into(), before: Vec::new() }
}

/// A condition of a choice, of which the value is still to come.
#[derive(Debug, Clone)]
#[must_use = "a choice becomes an expression with `otherwise`"]
pub struct When {
    condition: Expr,
    before: Vec<Expr>,
}

impl When {
    /// The value where the condition is true, and none before it is.
    pub fn then(mut self, value: impl Into<Expr>) -> Case {
        self.before.extend([self.condition, value.into()]);
        Case { before: self.before }
    }
}

/// A choice, of which the end is still to come.
#[derive(Debug, Clone)]
#[must_use = "a choice becomes an expression with `otherwise`"]
pub struct Case {
    before: Vec<Expr>,
}

impl Case {
    /// The next condition.
    pub fn when(self, condition: impl Into<Expr>) -> When {
        When { condition: condition.into(), before: self.before }
    }

    /// The value where no condition is true.
    pub fn otherwise(mut self, value: impl Into<Expr>) -> Expr {
        self.before.push(value.into());
        call("case", self.before)
    }
}

macro_rules! binary_methods {
    ($($(#[$doc:meta])* $name:ident $operator:ident)*) => {$(
        $(#[$doc])*
        pub fn $name(&self, other: impl Into<Self>) -> Self {
            binary(Binary::$operator, self, other.into())
        }
    )*};
}

impl Expr {
    binary_methods! {
        /// `self ** other`.
        pow Power
        /// `self // other`: the quotient, rounded down.
        floor_div FloorDivide
        /// `self == other`.
        equal Equal
        /// `self != other`.
        not_equal NotEqual
        /// `self < other`.
        less Less
        /// `self <= other`.
        less_equal LessEqual
        /// `self > other`.
        greater Greater
        /// `self >= other`.
        greater_equal GreaterEqual
        /// `self & other`: both are true, or the bits that both have.
        and And
        /// `self | other`: one is true, or both are.
        or Or
        /// `self ^ other`: one is true, and the other is not.
        xor Xor
    }

    /// `~self`: the opposite of a truth value, or the other bits of a whole number. `!x` is the same.
    pub fn not(&self) -> Self {
        Self::new(Kind::Unary(Unary::Not, self.clone()))
    }

    /// A function with this as its first argument, as a method of Python's.
    ///
    /// ```
    /// # use datafolio_columns::{col, lit};
    /// assert_eq!(col("name").call("str_pad", [lit(8), lit("left")]).to_string(), "str_pad(name, 8, \"left\")");
    /// ```
    pub fn call(&self, name: impl Into<Arc<str>>, arguments: impl IntoIterator<Item = Self>) -> Self {
        call(name, std::iter::once(self.clone()).chain(arguments))
    }

    /// Whether it is one of these values.
    ///
    /// ```
    /// # use datafolio_columns::col;
    /// assert_eq!(col("x").isin([1, 5, 9]).to_string(), "isin(x, [1, 5, 9])");
    /// ```
    pub fn isin<V: Into<Self>>(&self, values: impl IntoIterator<Item = V>) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.call("isin", [Self::new(Kind::List(values))])
    }

    /// Whether it lies between two values, or is one of them.
    ///
    /// ```
    /// # use datafolio_columns::col;
    /// assert_eq!(col("x").between(0, 1.5).to_string(), "(x >= 0) & (x <= 1.5)");
    /// ```
    pub fn between(&self, low: impl Into<Self>, high: impl Into<Self>) -> Self {
        self.greater_equal(low).and(self.less_equal(high))
    }

    /// Whether it is missing: `ismissing(x)`. NaN is a number, and not missing.
    pub fn is_null(&self) -> Self {
        self.call("ismissing", [])
    }

    /// Whether it is there: `notmissing(x)`.
    pub fn is_not_null(&self) -> Self {
        self.call("notmissing", [])
    }

    /// This value where it is missing or NaN: `fillna(x, value)`.
    pub fn fillna(&self, value: impl Into<Self>) -> Self {
        self.call("fillna", [value.into()])
    }

    /// The same as values of a type, which is given by its name or as [`Type`](crate::Type).
    ///
    /// ```
    /// # use datafolio_columns::{Type, col};
    /// assert_eq!(col("x").cast("float32").to_string(), "astype(x, \"float32\")");
    /// assert_eq!(col("x").cast(Type::INT64).to_string(), "astype(x, \"int64\")");
    /// ```
    pub fn cast(&self, type_: impl fmt::Display) -> Self {
        self.call("astype", [lit(type_.to_string())])
    }

    /// The nearest value that is neither below `low` nor above `high`.
    pub fn clip(&self, low: impl Into<Self>, high: impl Into<Self>) -> Self {
        self.call("clip", [low.into(), high.into()])
    }

    /// The value without its sign.
    pub fn abs(&self) -> Self {
        self.call("abs", [])
    }

    /// The square root.
    pub fn sqrt(&self) -> Self {
        self.call("sqrt", [])
    }
}

fn binary(operator: Binary, left: &Expr, right: Expr) -> Expr {
    Expr::new(Kind::Binary(operator, left.clone(), right))
}

impl From<&Expr> for Expr {
    fn from(expr: &Expr) -> Self {
        expr.clone()
    }
}

macro_rules! from_values {
    ($($type:ty)*) => {$(
        impl From<$type> for Expr {
            fn from(value: $type) -> Self {
                lit(value)
            }
        }
    )*};
}
from_values!(Value bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 &str String);

macro_rules! operators {
    ($($trait:ident $method:ident $operator:ident: $($left:ty)*;)*) => {$(
        impl<T: Into<Expr>> $trait<T> for Expr {
            type Output = Expr;

            fn $method(self, other: T) -> Expr {
                binary(Binary::$operator, &self, other.into())
            }
        }

        impl<T: Into<Expr>> $trait<T> for &Expr {
            type Output = Expr;

            fn $method(self, other: T) -> Expr {
                binary(Binary::$operator, self, other.into())
            }
        }

        $(
            impl $trait<Expr> for $left {
                type Output = Expr;

                fn $method(self, other: Expr) -> Expr {
                    binary(Binary::$operator, &lit(self), other)
                }
            }

            impl $trait<&Expr> for $left {
                type Output = Expr;

                fn $method(self, other: &Expr) -> Expr {
                    binary(Binary::$operator, &lit(self), other.clone())
                }
            }
        )*
    )*};
}

// One integer and one floating-point type on the left: with more, the type of `(2 * col("x")).abs()` could not be
// inferred.
operators! {
    Add add Add: i64 f64;
    Sub sub Subtract: i64 f64;
    Mul mul Multiply: i64 f64;
    Div div Divide: i64 f64;
    Rem rem Modulo: i64 f64;
    BitAnd bitand And: i64 bool;
    BitOr bitor Or: i64 bool;
    BitXor bitxor Xor: i64 bool;
    Shl shl ShiftLeft: i64;
    Shr shr ShiftRight: i64;
}

macro_rules! signs {
    ($($trait:ident $method:ident $operator:ident)*) => {$(
        impl $trait for Expr {
            type Output = Expr;

            fn $method(self) -> Expr {
                Expr::new(Kind::Unary(Unary::$operator, self))
            }
        }

        impl $trait for &Expr {
            type Output = Expr;

            fn $method(self) -> Expr {
                Expr::new(Kind::Unary(Unary::$operator, self.clone()))
            }
        }
    )*};
}
signs!(Neg neg Minus Not not Not);
