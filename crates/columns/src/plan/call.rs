//! Calls of functions: their arguments by place and by name, and what functions need to bind themselves.

use std::sync::Arc;

use super::operand::Operand;
use super::{Arguments, Planner};
use crate::block::Lane;
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::{Argument, Expr, Kind, Unary};
use crate::types::Type;
use crate::value::Value;

/// Binds a call of a function.
pub(crate) type Bind = fn(&mut Call<'_, '_>) -> ColumnsResult<Operand>;

/// A function of expressions.
#[derive(Debug)]
pub(crate) struct Function {
    /// Its name. Methods of texts begin with `str_`, those of instants with `dt_`, of durations with `td_`.
    pub(crate) name: &'static str,
    /// The names of its arguments, those that may be left out with `?` behind them; the last with `*` may occur any number of times.
    pub(crate) arguments: &'static [&'static str],
    /// What it does, in one sentence.
    pub(crate) about: &'static str,
    pub(crate) bind: Bind,
}

/// A call that is being bound.
#[derive(Debug)]
pub(crate) struct Call<'p, 's> {
    pub(crate) planner: &'p mut Planner<'s>,
    /// The whole call.
    pub(crate) expr: Expr,
    function: &'static Function,
    /// What stands in the place of each argument of the function.
    given: Vec<Option<Expr>>,
}

impl<'p, 's> Call<'p, 's> {
    pub(super) fn new(
        planner: &'p mut Planner<'s>,
        function: &'static Function,
        arguments: &[Argument],
        expr: &Expr,
    ) -> ColumnsResult<Self> {
        let name_of = |at: usize| function.arguments.get(at).map(|name| name.trim_end_matches(['?', '*']));
        let repeats = function.arguments.last().is_some_and(|name| name.ends_with('*'));
        let mut given: Vec<Option<Expr>> = vec![None; function.arguments.len()];
        let wrong = |reason: String| {
            let takes: Vec<&str> = function.arguments.to_vec();
            ColumnsError::mismatch(expr, format!("{reason}: {}({})", function.name, takes.join(", ")))
        };
        for (at, argument) in arguments.iter().enumerate() {
            let place = match &argument.name {
                None => at,
                Some(name) => (0..function.arguments.len())
                    .find(|at| name_of(*at) == Some(&**name))
                    .ok_or_else(|| wrong(format!("there is no argument `{name}`")))?,
            };
            if place >= given.len() {
                if !repeats {
                    return Err(wrong(format!("{} arguments are too many", arguments.len())));
                }
                given.push(None);
            }
            match given.get_mut(place) {
                Some(slot @ None) => *slot = Some(argument.value.clone()),
                _ => return Err(wrong("an argument is given twice".to_owned())),
            }
        }
        for (at, slot) in given.iter().enumerate() {
            let name = function.arguments.get(at).copied().unwrap_or_default();
            if slot.is_none() && !name.ends_with(['?', '*']) {
                return Err(wrong(format!("`{name}` is missing")));
            }
        }
        Ok(Self { planner, expr: expr.clone(), function, given })
    }

    /// How many arguments there are, of a function that takes any number.
    pub(crate) fn count(&self) -> usize {
        self.given.iter().take_while(|argument| argument.is_some()).count()
    }

    /// The expression in a place, if there is one.
    pub(crate) fn given(&self, at: usize) -> Option<&Expr> {
        self.given.get(at)?.as_ref()
    }

    /// The argument in a place, bound.
    pub(crate) fn operand(&mut self, at: usize) -> ColumnsResult<Operand> {
        let expr = self.given(at).cloned().ok_or_else(|| self.missing(at))?;
        self.planner.operand(&expr)
    }

    /// The argument in a place, bound, if there is one.
    pub(crate) fn optional(&mut self, at: usize) -> ColumnsResult<Option<Operand>> {
        match self.given(at).cloned() {
            None => Ok(None),
            Some(expr) => self.planner.operand(&expr).map(Some),
        }
    }

    /// All arguments from a place on.
    pub(crate) fn operands(&mut self, from: usize) -> ColumnsResult<Vec<Operand>> {
        (from..self.count()).map(|at| self.operand(at)).collect()
    }

    /// The value in a place, which must be written out (or be a variable), if there is one.
    pub(crate) fn value(&self, at: usize) -> ColumnsResult<Option<Value>> {
        let Some(expr) = self.given(at) else { return Ok(None) };
        self.value_of(expr).map(Some)
    }

    /// The values of a list in a place; one value is a list of one.
    pub(crate) fn values(&self, at: usize) -> ColumnsResult<Vec<Value>> {
        let Some(expr) = self.given(at) else { return Err(self.missing(at)) };
        match &*expr.kind {
            Kind::List(items) => items.iter().map(|item| self.value_of(item)).collect(),
            _ => match self.value_of(expr)? {
                Value::List(values) => Ok(values),
                value => Ok(vec![value]),
            },
        }
    }

    /// The pairs in a place.
    pub(crate) fn pairs(&self, at: usize) -> ColumnsResult<Vec<(Value, Value)>> {
        match self.given(at).map(|expr| &*expr.kind) {
            Some(Kind::Pairs(pairs)) => {
                pairs.iter().map(|(key, value)| Ok((self.value_of(key)?, self.value_of(value)?))).collect()
            }
            _ => Err(self.wrong(at, "pairs in braces are expected, as in {1: \"a\", 2: \"b\"}")),
        }
    }

    /// What an expression that is written out stands for.
    pub(crate) fn value_of(&self, expr: &Expr) -> ColumnsResult<Value> {
        match &*expr.kind {
            Kind::Literal(value) => Ok(value.clone()),
            Kind::Name(name) if self.planner.scope.variables.contains_key(name) => {
                Ok(self.planner.scope.variables.get(name).cloned().unwrap_or(Value::Null))
            }
            Kind::Unary(Unary::Minus, operand) => match self.value_of(operand)? {
                Value::Int(value) => Ok(Value::Int(-value)),
                Value::Float(value) => Ok(Value::Float(-value)),
                _ => Err(ColumnsError::mismatch(expr, "only numbers have a sign".to_owned())),
            },
            _ => Err(ColumnsError::mismatch(
                expr,
                format!("`{}` needs a value here that is written out, not one for each row", self.function.name),
            )),
        }
    }

    /// The text in a place, if there is one.
    pub(crate) fn text(&self, at: usize) -> ColumnsResult<Option<Arc<str>>> {
        match self.value(at)? {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(at, "a text is expected")),
        }
    }

    /// The text in a place.
    pub(crate) fn needed_text(&self, at: usize) -> ColumnsResult<Arc<str>> {
        self.text(at)?.ok_or_else(|| self.wrong(at, "a text is expected"))
    }

    /// The whole number in a place, if there is one.
    pub(crate) fn integer(&self, at: usize) -> ColumnsResult<Option<i64>> {
        match self.value(at)? {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Int(number)) => {
                i64::try_from(number).map(Some).map_err(|_| self.wrong(at, "the number is too large"))
            }
            Some(_) => Err(self.wrong(at, "a whole number is expected")),
        }
    }

    /// Whether the argument in a place is true, if there is one.
    pub(crate) fn flag(&self, at: usize) -> ColumnsResult<Option<bool>> {
        match self.value(at)? {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(_) => Err(self.wrong(at, "True or False is expected")),
        }
    }

    /// The error of an argument that is not what it must be.
    pub(crate) fn wrong(&self, at: usize, reason: &str) -> ColumnsError {
        let name = self.function.arguments.get(at).copied().unwrap_or_default().trim_end_matches(['?', '*']);
        let expr = self.given(at).unwrap_or(&self.expr);
        ColumnsError::mismatch(expr, format!("argument `{name}` of `{}`: {reason}", self.function.name))
    }

    /// The error of an operand of a type that the function does not take.
    pub(crate) fn wrong_type(&self, operand: &Operand, expected: &str) -> ColumnsError {
        ColumnsError::mismatch(
            &operand.expr,
            format!("`{}` takes {expected}, and this is {}", self.function.name, operand.type_),
        )
    }

    fn missing(&self, at: usize) -> ColumnsError {
        self.wrong(at, "is missing")
    }

    /// What the function computes of operands. `parameters` tells it from calls with other values that are written out.
    pub(crate) fn compute<F>(
        &mut self,
        parameters: &str,
        operands: &[&Operand],
        type_: Type,
        kernel: F,
    ) -> ColumnsResult<Operand>
    where
        F: for<'a> Fn(Arguments<'a>) -> ColumnsResult<Lane<'a>> + Send + Sync + 'static,
    {
        let nodes = operands.iter().map(|operand| operand.node).collect();
        let name = format!("{} {parameters}", self.function.name);
        let node = self.planner.compute(name, Arc::new(kernel), nodes, type_, &self.expr)?;
        Ok(self.planner.computed(node, &self.expr))
    }

    /// The operand as values of a type that it can be promoted to.
    pub(crate) fn cast(&mut self, operand: &Operand, type_: &Type) -> ColumnsResult<Operand> {
        let node = self.planner.cast(operand, type_)?;
        Ok(Operand { node, type_: type_.clone(), literal: None, expr: operand.expr.clone() })
    }
}
