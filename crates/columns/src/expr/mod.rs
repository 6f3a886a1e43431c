//! Expressions: what is to be computed of columns, not yet tied to any.
//!
//! An expression is made with operators in Rust (`col("x") * 2.0`), or read from text as Vaex's users write it (`"x * 2"`, in
//! Python's syntax). Both make the same tree, and [`Display`](std::fmt::Display) writes a tree as text that reads back as the
//! same one.

mod build;
mod display;
mod lex;
pub(crate) mod parse;
mod rewrite;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use build::{Case, When, call, call_with, col, lit, when};
pub(crate) use parse::time::{instant_of, instant_text, nanoseconds, ticks as ticks_of};

use crate::error::{ColumnsResult, Span};
use crate::value::Value;

/// What is to be computed. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Expr {
    pub(crate) kind: Arc<Kind>,
    /// Where in the text it was read from it stands.
    pub(crate) span: Option<Span>,
    /// The text it was read from.
    pub(crate) text: Option<Arc<str>>,
}

/// The kinds of expressions.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// A column, a virtual column or a variable.
    Name(Arc<str>),
    /// A value that is written out.
    Literal(Value),
    /// Several expressions in square brackets: an argument of a function.
    List(Vec<Expr>),
    /// Pairs in braces: what `map` looks values up in.
    Pairs(Vec<(Expr, Expr)>),
    Unary(Unary, Expr),
    Binary(Binary, Expr, Expr),
    /// A function, or a method: `x.str.lower()` is `str_lower(x)`, `x.dt.year` is `dt_year(x)`.
    Call(Arc<str>, Vec<Argument>),
    /// Components of a vector: one entry for each axis after the rows.
    Index(Expr, Vec<Axis>),
}

/// An argument of a function, perhaps by name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Argument {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) value: Expr,
}

/// What is taken of an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Axis {
    /// One position, from the end where negative.
    At(i64),
    /// From the first to before the second.
    Slice(Option<i64>, Option<i64>),
}

/// Operators before an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Unary {
    Minus,
    Plus,
    /// `~`, or `not`: the opposite of a truth value, the other bits of an integer.
    Not,
}

/// Operators between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRight,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Binary {
    /// How it is written.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::FloorDivide => "//",
            Self::Modulo => "%",
            Self::Power => "**",
            Self::And => "&",
            Self::Or => "|",
            Self::Xor => "^",
            Self::ShiftLeft => "<<",
            Self::ShiftRight => ">>",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
        }
    }

    /// How tightly it binds, as in Python: the greater, the tighter.
    pub(crate) fn precedence(self) -> u8 {
        match self {
            Self::Equal | Self::NotEqual | Self::Less | Self::LessEqual | Self::Greater | Self::GreaterEqual => 4,
            Self::Or => 5,
            Self::Xor => 6,
            Self::And => 7,
            Self::ShiftLeft | Self::ShiftRight => 8,
            Self::Add | Self::Subtract => 9,
            Self::Multiply | Self::Divide | Self::FloorDivide | Self::Modulo => 10,
            Self::Power => 12,
        }
    }

    /// Whether it compares.
    pub(crate) fn compares(self) -> bool {
        self.precedence() == 4
    }
}

impl Expr {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind: Arc::new(kind), span: None, text: None }
    }

    /// The text that it was read from, and where in it it stands; nothing for what was made with operators.
    pub fn source(&self) -> Option<(&str, Span)> {
        self.text.as_deref().zip(self.span)
    }

    /// Reads an expression from text.
    ///
    /// # Errors
    /// [`Syntax`](crate::ColumnsError::Syntax) where the text is no expression, with the position.
    pub fn parse(text: &str) -> ColumnsResult<Self> {
        parse::parse(text)
    }
}

/// Where an expression was read from makes no difference.
impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}
