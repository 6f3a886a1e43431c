//! Aggregations in the text of expressions: `mean((x * y) ** 2)`, `sum(a) / count() + 1`.

use std::sync::Arc;

use super::{Aggregate, Kind, Moment};
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::{Argument, Expr, Kind as Form};
use crate::value::Value;

/// What stands in an expression for the answer of an aggregation, with its number behind it.
pub(crate) const ANSWER: &str = "__answer_";

impl Aggregate {
    /// Reads an aggregation: the name of one, with what it is computed of. `selection=` has a condition for the rows, `ddof=` the
    /// degrees of freedom that `var` and `std` take off.
    ///
    /// ```
    /// # use datafolio_columns::{Aggregate, agg, col};
    /// let aggregate = Aggregate::parse("std(x, ddof=1, selection=y > 0)")?;
    /// assert_eq!(aggregate, agg::std(col("x"), 1).selection(col("y").greater(0)));
    /// # Ok::<(), datafolio_columns::ColumnsError>(())
    /// ```
    ///
    /// # Errors
    /// [`Syntax`](ColumnsError::Syntax), and [`TypeMismatch`](ColumnsError::TypeMismatch) where it is no aggregation.
    pub fn parse(text: &str) -> ColumnsResult<Self> {
        let expr = Expr::parse(text)?;
        of_call(&expr)?.ok_or_else(|| {
            ColumnsError::mismatch(&expr, format!("this is no aggregation; there are: {}", NAMES.join(", ")))
        })
    }
}

/// The names of aggregations.
pub(crate) const NAMES: &[&str] = &[
    "count", "sum", "mean", "var", "std", "skew", "kurtosis", "min", "max", "minmax", "median", "quantile", "nunique",
];

/// The aggregation that a call is; none for a call of something else.
fn of_call(expr: &Expr) -> ColumnsResult<Option<Aggregate>> {
    let Form::Call(name, arguments) = &*expr.kind else { return Ok(None) };
    // Over the axis of a vector, it has a value for each row.
    let by_row = arguments.iter().any(|argument| argument.name.as_deref() == Some("axis"));
    if by_row || !NAMES.contains(&&**name) {
        return Ok(None);
    }
    let given = Given { name, arguments, expr };
    let of = given.place(0);
    let kind = match &**name {
        "count" => Kind::Moment(Moment::Count),
        "sum" => Kind::Moment(Moment::Sum),
        "mean" => Kind::Moment(Moment::Mean),
        "var" => Kind::Moment(Moment::Variance(given.number("ddof", 1)?.unwrap_or(0.0))),
        "std" => Kind::Moment(Moment::Deviation(given.number("ddof", 1)?.unwrap_or(0.0))),
        "skew" => Kind::Moment(Moment::Skew),
        "kurtosis" => Kind::Moment(Moment::Kurtosis),
        "min" => Kind::Moment(Moment::Min),
        "max" => Kind::Moment(Moment::Max),
        "minmax" => Kind::Moment(Moment::MinMax),
        "median" => Kind::Quantile(0.5),
        "quantile" => match given.number("q", 1)? {
            Some(at) if (0.0..=1.0).contains(&at) => Kind::Quantile(at),
            _ => return Err(given.wrong("takes a number from 0 to 1 behind the expression, as in quantile(x, 0.9)")),
        },
        _ => Kind::Distinct(given.flag("dropna")?),
    };
    let most = match &**name {
        "var" | "std" | "quantile" => 2,
        _ => 1,
    };
    if arguments.iter().filter(|argument| argument.name.is_none()).count() > most {
        return Err(given.wrong("takes one expression; an element-wise minimum is `minimum(a, b)`"));
    }
    let known = ["ddof", "q", "dropna", "selection"];
    if let Some(other) =
        arguments.iter().filter_map(|argument| argument.name.as_deref()).find(|name| !known.contains(name))
    {
        return Err(given.wrong(&format!("has no argument `{other}`")));
    }
    if of.is_none() && &**name != "count" {
        return Err(given.wrong("takes an expression"));
    }
    Ok(Some(Aggregate { kind, expr: of.cloned(), selection: given.named("selection").cloned() }))
}

struct Given<'e> {
    name: &'e str,
    arguments: &'e [Argument],
    expr: &'e Expr,
}

impl<'e> Given<'e> {
    fn place(&self, at: usize) -> Option<&'e Expr> {
        self.arguments.iter().filter(|argument| argument.name.is_none()).nth(at).map(|argument| &argument.value)
    }

    fn named(&self, name: &str) -> Option<&'e Expr> {
        self.arguments.iter().find(|argument| argument.name.as_deref() == Some(name)).map(|argument| &argument.value)
    }

    fn number(&self, name: &str, place: usize) -> ColumnsResult<Option<f64>> {
        match self.named(name).or_else(|| self.place(place)).map(|expr| &*expr.kind) {
            None => Ok(None),
            Some(Form::Literal(value @ (Value::Int(_) | Value::Float(_)))) => Ok(value.as_f64()),
            Some(_) => Err(self.wrong(&format!("takes a number that is written out for `{name}`"))),
        }
    }

    fn flag(&self, name: &str) -> ColumnsResult<bool> {
        match self.named(name).map(|expr| &*expr.kind) {
            None => Ok(false),
            Some(Form::Literal(Value::Bool(value))) => Ok(*value),
            Some(_) => Err(self.wrong(&format!("takes True or False for `{name}`"))),
        }
    }

    fn wrong(&self, reason: &str) -> ColumnsError {
        ColumnsError::mismatch(self.expr, format!("`{}` {reason}", self.name))
    }
}

/// The aggregations in an expression, and the expression with names for their answers in their places.
pub(crate) fn aggregates_of(expr: &Expr, found: &mut Vec<Aggregate>) -> ColumnsResult<Expr> {
    if let Some(aggregate) = of_call(expr)? {
        let at = found.iter().position(|known| *known == aggregate).unwrap_or_else(|| {
            found.push(aggregate);
            found.len() - 1
        });
        return Ok(crate::expr::col(Arc::from(format!("{ANSWER}{at}"))));
    }
    expr.with_parts(&mut |part| aggregates_of(part, found))
}
