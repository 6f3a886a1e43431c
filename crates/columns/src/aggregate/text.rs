//! Aggregations written as text: `mean((x * y) ** 2)`, `quantile(x, 0.9)`, `sum(a, where=b > 1) / count(b) + 1`.
//!
//! A call whose name is that of an aggregation is computed of the rows, and what is around it of the results.

use std::sync::Arc;

use super::Moment;
use super::request::{Aggregate, Keep, Kind};
use crate::error::{ColumnsError, ColumnsResult, Place};
use crate::expr::{Argument, Expr, Kind as Form, Unary};
use crate::value::Value;

impl Aggregate {
    /// Reads an aggregation: the name of one, with what it is computed of. `where=` (or `selection=`) has a condition for the rows, `ddof=`
    /// the degrees of freedom that `var` and `std` take off.
    ///
    /// ```
    /// # use datafolio_columns::{Aggregate, agg, col};
    /// let aggregate = Aggregate::parse("std(x, ddof=1, where=y > 0)")?;
    /// assert_eq!(aggregate, agg::std(col("x"), 1).selection(col("y").greater(0)));
    /// # Ok::<(), datafolio_columns::ColumnsError>(())
    /// ```
    ///
    /// # Errors
    /// [`Syntax`](ColumnsError::Syntax), and [`TypeMismatch`](ColumnsError::TypeMismatch) where it is no aggregation.
    pub fn parse(text: &str) -> ColumnsResult<Self> {
        let expr = Expr::parse(text)?;
        of_call(&expr)?.ok_or_else(|| {
            let known: Vec<&str> = names().collect();
            ColumnsError::mismatch(&expr, format!("this is no aggregation; there are: {}", known.join(", ")))
        })
    }
}

/// An aggregation by the name that it has in text.
struct Named {
    name: &'static str,
    /// Of how many expressions it is, at most.
    exprs: usize,
    /// The names of its arguments, with `?` behind those that may be left out. `where` (or `selection`) is one of all.
    arguments: &'static [&'static str],
    make: fn(&Given<'_>) -> ColumnsResult<Kind>,
}

const fn of(name: &'static str, make: fn(&Given<'_>) -> ColumnsResult<Kind>) -> Named {
    Named { name, exprs: 1, arguments: &["x"], make }
}

const MANY: &[Named] = &[
    Named { arguments: &["x?"], ..of("count", |_| Ok(Kind::Moment(Moment::Count))) },
    of("sum", |_| Ok(Kind::Moment(Moment::Sum))),
    of("mean", |_| Ok(Kind::Moment(Moment::Mean))),
    Named { arguments: &["x", "ddof?"], ..of("var", |given| Ok(Kind::Moment(Moment::Variance(given.ddof(1)?)))) },
    Named { arguments: &["x", "ddof?"], ..of("std", |given| Ok(Kind::Moment(Moment::Deviation(given.ddof(1)?)))) },
    of("skew", |_| Ok(Kind::Moment(Moment::Skew))),
    of("kurtosis", |_| Ok(Kind::Moment(Moment::Kurtosis))),
    of("min", |_| Ok(Kind::Min)),
    of("max", |_| Ok(Kind::Max)),
    of("minmax", |_| Ok(Kind::MinMax)),
    Named { exprs: 2, arguments: &["x", "order?"], ..of("first", |_| Ok(Kind::First)) },
    Named { exprs: 2, arguments: &["x", "order?"], ..of("last", |_| Ok(Kind::Last)) },
    of("any", |_| Ok(Kind::Any)),
    of("all", |_| Ok(Kind::All)),
    of("median", |_| Ok(Kind::Quantile { shares: vec![0.5], several: false })),
    Named {
        arguments: &["x", "q"],
        ..of("quantile", |given| Ok(Kind::Quantile { shares: vec![given.share(1)?], several: false }))
    },
    of("approx_median", |_| Ok(Kind::ApproxQuantile { shares: vec![0.5], several: false })),
    Named {
        arguments: &["x", "q"],
        ..of("approx_quantile", |given| Ok(Kind::ApproxQuantile { shares: vec![given.share(1)?], several: false }))
    },
    of("mode", |_| Ok(Kind::Mode)),
    Named {
        arguments: &["x", "dropna?", "dropnan?", "dropmissing?"],
        ..of("nunique", |given| Ok(Kind::Nunique(given.keep()?)))
    },
    of("approx_nunique", |_| Ok(Kind::ApproxNunique)),
    Named {
        arguments: &["x", "dropna?", "dropnan?", "dropmissing?"],
        ..of("unique", |given| Ok(Kind::Unique(given.keep()?)))
    },
    Named { arguments: &["x", "n?"], ..of("top_values", |given| Ok(Kind::TopValues(given.number(1, 10)?))) },
    Named {
        arguments: &["x", "dropna?", "dropnan?", "dropmissing?"],
        ..of("list", |given| Ok(Kind::List(given.keep()?)))
    },
    Named { exprs: 2, arguments: &["x", "y", "ddof?"], ..of("covar", |given| Ok(Kind::Covariance(given.ddof(2)?))) },
    Named { exprs: 2, arguments: &["x", "y"], ..of("correlation", |_| Ok(Kind::Correlation)) },
];

/// The arguments of a call.
struct Given<'e> {
    named: &'static Named,
    expr: &'e Expr,
    given: Vec<Option<Expr>>,
    selection: Option<Expr>,
}

impl<'e> Given<'e> {
    fn new(named: &'static Named, arguments: &[Argument], expr: &'e Expr) -> ColumnsResult<Self> {
        let takes = || format!("{}({}, where?)", named.name, named.arguments.join(", "));
        let name_of = |at: usize| named.arguments.get(at).map(|name| name.trim_end_matches('?'));
        let mut given = Self { named, expr, given: vec![None; named.arguments.len()], selection: None };
        for (at, argument) in arguments.iter().enumerate() {
            let place = match argument.name.as_deref() {
                Some("where" | "selection") => {
                    if given.selection.replace(argument.value.clone()).is_some() {
                        return Err(ColumnsError::mismatch(expr, format!("a condition is given twice: {}", takes())));
                    }
                    continue;
                }
                Some(name) => (0..named.arguments.len()).find(|at| name_of(*at) == Some(name)),
                None => Some(at),
            };
            match place.and_then(|place| given.given.get_mut(place)) {
                Some(slot @ None) => *slot = Some(argument.value.clone()),
                Some(_) => {
                    return Err(ColumnsError::mismatch(expr, format!("an argument is given twice: {}", takes())));
                }
                None => {
                    let what = argument.name.as_ref().map_or("there are too many arguments".to_owned(), |name| {
                        format!("there is no argument `{name}`")
                    });
                    return Err(ColumnsError::mismatch(expr, format!("{what}: {}", takes())));
                }
            }
        }
        for (slot, name) in given.given.iter().zip(named.arguments) {
            if slot.is_none() && !name.ends_with('?') {
                return Err(ColumnsError::mismatch(expr, format!("`{name}` is missing: {}", takes())));
            }
        }
        Ok(given)
    }

    fn value(&self, at: usize) -> ColumnsResult<Option<Value>> {
        let Some(Some(expr)) = self.given.get(at) else { return Ok(None) };
        match &*expr.kind {
            Form::Literal(value) => Ok(Some(value.clone())),
            Form::Unary(Unary::Minus, operand) => match &*operand.kind {
                Form::Literal(Value::Int(value)) => Ok(Some(Value::Int(-value))),
                Form::Literal(Value::Float(value)) => Ok(Some(Value::Float(-value))),
                _ => Err(self.wrong(at, "a value that is written out is expected")),
            },
            _ => Err(self.wrong(at, "a value that is written out is expected")),
        }
    }

    fn ddof(&self, at: usize) -> ColumnsResult<f64> {
        match self.value(at)? {
            None => Ok(0.0),
            Some(Value::Int(ddof)) if (0..=1_000_000).contains(&ddof) => Ok(ddof as f64),
            Some(_) => Err(self.wrong(at, "a whole number that is not negative is expected")),
        }
    }

    fn flag(&self, at: usize) -> ColumnsResult<bool> {
        match self.value(at)? {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(self.wrong(at, "True or False is expected")),
        }
    }

    /// What counts as a value, by the three arguments behind the first one.
    fn keep(&self) -> ColumnsResult<Keep> {
        let both = self.flag(1)?;
        Ok(Keep { nan: !both && !self.flag(2)?, missing: !both && !self.flag(3)? })
    }

    fn share(&self, at: usize) -> ColumnsResult<f64> {
        let share = self.value(at)?.and_then(|value| value.as_f64()).filter(|share| (0.0..=1.0).contains(share));
        share.ok_or_else(|| self.wrong(at, "a number from 0 to 1 is expected, as in quantile(x, 0.9)"))
    }

    fn number(&self, at: usize, otherwise: usize) -> ColumnsResult<usize> {
        match self.value(at)? {
            None => Ok(otherwise),
            Some(Value::Int(number)) if number > 0 => Ok(usize::try_from(number).unwrap_or(usize::MAX)),
            Some(_) => Err(self.wrong(at, "a whole number above zero is expected")),
        }
    }

    fn wrong(&self, at: usize, reason: &str) -> ColumnsError {
        let name = self.named.arguments.get(at).copied().unwrap_or_default().trim_end_matches('?');
        let expr = self.given.get(at).and_then(Option::as_ref).unwrap_or(self.expr);
        ColumnsError::mismatch(expr, format!("argument `{name}` of `{}`: {reason}", self.named.name))
    }
}

/// The names of all aggregations that text may call.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    MANY.iter().map(|named| named.name)
}

/// The aggregation that an expression calls; none if it calls none.
pub(crate) fn of_call(expr: &Expr) -> ColumnsResult<Option<Aggregate>> {
    let Form::Call(name, arguments) = &*expr.kind else { return Ok(None) };
    // Over the axis of a vector, it has a value for each row.
    if arguments.iter().any(|argument| argument.name.as_deref() == Some("axis")) {
        return Ok(None);
    }
    let Some(named) = MANY.iter().find(|named| named.name == &**name) else { return Ok(None) };
    let given = Given::new(named, arguments, expr)?;
    let kind = (named.make)(&given)?;
    let exprs: Vec<Expr> = given.given.into_iter().take(named.exprs).flatten().collect();
    for inner in exprs.iter().chain(&given.selection) {
        if let Some(call) = call_within(inner) {
            return Err(ColumnsError::mismatch(
                &call,
                "an aggregation stands within another; add its result as a variable, or compute it first".to_owned(),
            ));
        }
    }
    let aggregate = Aggregate::new(kind, exprs);
    Ok(Some(match given.selection {
        None => aggregate,
        Some(condition) => aggregate.selection(condition),
    }))
}

/// The first call of an aggregation in an expression.
fn call_within(expr: &Expr) -> Option<Expr> {
    let mut open = vec![expr.clone()];
    while let Some(expr) = open.pop() {
        match &*expr.kind {
            Form::Call(name, arguments)
                if MANY.iter().any(|named| named.name == &**name)
                    && arguments.iter().all(|argument| argument.name.as_deref() != Some("axis")) =>
            {
                return Some(expr);
            }
            kind => open.extend(children(kind)),
        }
    }
    None
}

fn children(kind: &Form) -> Vec<Expr> {
    match kind {
        Form::Name(_) | Form::Literal(_) => Vec::new(),
        Form::List(items) => items.clone(),
        Form::Pairs(pairs) => pairs.iter().flat_map(|(key, value)| [key.clone(), value.clone()]).collect(),
        Form::Unary(_, operand) | Form::Index(operand, _) => vec![operand.clone()],
        Form::Binary(_, left, right) => vec![left.clone(), right.clone()],
        Form::Call(_, arguments) => arguments.iter().map(|argument| argument.value.clone()).collect(),
    }
}

/// How deep arithmetic of aggregations may be.
const MAX_DEPTH: usize = 500;

/// Takes the aggregations out of an expression, and gives what is computed of their results. They go behind those of `found`, where one
/// that is there already is used again; `name` makes the name of each of its place.
pub(crate) fn take_out(
    expr: &Expr,
    found: &mut Vec<Aggregate>,
    name: &dyn Fn(usize) -> Arc<str>,
) -> ColumnsResult<Expr> {
    replaced(expr, found, name, 0)
}

fn replaced(
    expr: &Expr,
    taken: &mut Vec<Aggregate>,
    name: &dyn Fn(usize) -> Arc<str>,
    depth: usize,
) -> ColumnsResult<Expr> {
    if depth > MAX_DEPTH {
        return Err(ColumnsError::Syntax {
            place: Place::of(expr),
            reason: format!("arithmetic of aggregations is at most {MAX_DEPTH} operators deep"),
        });
    }
    if let Some(found) = of_call(expr)? {
        let at = taken.iter().position(|known| *known == found).unwrap_or_else(|| {
            taken.push(found);
            taken.len() - 1
        });
        return Ok(Expr { kind: Arc::new(Form::Name(name(at))), ..expr.clone() });
    }
    let mut each = |expr: &Expr| replaced(expr, taken, name, depth + 1);
    let kind = match &*expr.kind {
        Form::Unary(operator, operand) => Form::Unary(*operator, each(operand)?),
        Form::Binary(operator, left, right) => Form::Binary(*operator, each(left)?, each(right)?),
        Form::Index(vector, axes) => Form::Index(each(vector)?, axes.clone()),
        Form::Call(function, arguments) => {
            let arguments = arguments
                .iter()
                .map(|argument| Ok(Argument { name: argument.name.clone(), value: each(&argument.value)? }));
            Form::Call(function.clone(), arguments.collect::<ColumnsResult<_>>()?)
        }
        other => other.clone(),
    };
    Ok(Expr { kind: Arc::new(kind), ..expr.clone() })
}
