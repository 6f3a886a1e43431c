//! Ties expressions to columns, and finds their types.

use std::collections::HashMap;
use std::sync::Arc;

use super::call::Call;
use super::operand::{Operand, common_type};
use super::scope::nearest;
use super::{Arguments, Kernel, Node, NodeId, NodeKind, Plan, Scope, operators};
use crate::block::Lane;
use crate::error::{ColumnsError, ColumnsResult, Place};
use crate::expr::{Expr, Kind};
use crate::functions;
use crate::kernels::cast;
use crate::types::Type;
use crate::value::Value;

/// How deep an expression may be, with the virtual columns it is made of, so that the stack of any thread is deep enough.
const MAX_DEPTH: usize = 1000;

/// Makes a plan of expressions.
#[derive(Debug)]
pub(crate) struct Planner<'s> {
    pub(super) scope: &'s Scope,
    plan: Plan,
    /// Nodes by what they compute.
    known: HashMap<String, NodeId>,
    /// Virtual columns that are being bound.
    inside: Vec<Arc<str>>,
    /// How deep the expression is that is being bound.
    depth: usize,
}

/// What the key of a function of the caller's own begins with.
pub(crate) const USER: &str = "user ";

impl<'s> Planner<'s> {
    pub(crate) fn new(scope: &'s Scope) -> Self {
        Self { scope, plan: Plan::default(), known: HashMap::new(), inside: Vec::new(), depth: 0 }
    }

    /// All that is computed, as a text: the same for expressions that come to the same. None where a function of the caller's own is part of
    /// it, of which nothing is known but its name.
    pub(crate) fn computation(&self) -> Option<String> {
        let mut steps: Vec<(NodeId, &str)> = self.known.iter().map(|(key, node)| (*node, key.as_str())).collect();
        steps.sort_unstable();
        let mut text = String::new();
        for (node, key) in steps {
            if key.starts_with(USER) {
                return None;
            }
            text.push_str(&format!("{node} {key}\u{2}"));
        }
        Some(text)
    }

    /// The columns of the source that are read so far.
    pub(crate) fn columns(&self) -> &[usize] {
        &self.plan.columns
    }

    /// The finished plan.
    pub(crate) fn finish(self) -> Plan {
        self.plan
    }

    /// Notes that something looks at a node beside what is computed of it: a sink, or a condition on rows.
    fn add_use(&mut self, node: NodeId) {
        if let Some(node) = self.plan.nodes.get_mut(node) {
            node.uses += 1;
        }
    }

    /// The type of a node.
    pub(crate) fn type_of(&self, node: NodeId) -> Type {
        self.plan.nodes.get(node).map_or(Type::Null, |node| node.type_.clone())
    }

    /// The value of a node that is the same for all rows.
    pub(crate) fn constant_value(&self, node: NodeId) -> Option<Value> {
        let node = self.plan.nodes.get(node)?;
        match &node.kind {
            NodeKind::Constant(lane) => Some(lane.value(0, &node.type_)),
            _ => None,
        }
    }

    /// Binds an expression.
    pub(crate) fn bind(&mut self, expr: &Expr) -> ColumnsResult<NodeId> {
        self.operand(expr).map(|operand| operand.node)
    }

    /// Binds an expression whose values are to be true or false.
    pub(crate) fn bind_condition(&mut self, expr: &Expr) -> ColumnsResult<NodeId> {
        let operand = self.operand(expr)?;
        match operand.type_ {
            Type::Bool => Ok(operand.node),
            Type::Null => self.cast(&operand, &Type::Bool),
            other => Err(ColumnsError::mismatch(
                &operand.expr,
                format!("a condition is true or false, and this is {other}; compare it with something"),
            )),
        }
    }

    /// Binds an expression as an operand.
    pub(crate) fn operand(&mut self, expr: &Expr) -> ColumnsResult<Operand> {
        if self.depth >= MAX_DEPTH {
            return Err(ColumnsError::option(format!(
                "the expression is more than {MAX_DEPTH} operators deep; sum columns with `agg` or add them up in a function"
            )));
        }
        self.depth += 1;
        let operand = self.operand_of(expr);
        self.depth -= 1;
        if let (0, Ok(operand)) = (self.depth, &operand) {
            self.add_use(operand.node);
        }
        operand
    }

    fn operand_of(&mut self, expr: &Expr) -> ColumnsResult<Operand> {
        match &*expr.kind {
            Kind::Name(name) => self.name(name, expr),
            Kind::Literal(value) => self.literal(value.clone(), expr),
            Kind::List(_) | Kind::Pairs(_) => Err(ColumnsError::mismatch(
                expr,
                "several values stand where one is expected; `isin` and `map` take lists".to_owned(),
            )),
            Kind::Unary(operator, operand) => {
                let operand = self.operand(operand)?;
                operators::unary(self, *operator, operand, expr)
            }
            Kind::Binary(operator, left, right) => {
                let left = self.operand(left)?;
                let right = self.operand(right)?;
                operators::binary(self, *operator, left, right, expr)
            }
            Kind::Call(name, arguments) => {
                if let Some(function) = functions::find(name) {
                    let mut call = Call::new(self, function, arguments, expr)?;
                    return (function.bind)(&mut call);
                }
                let registry = self.scope.functions.clone();
                if let Some(function) = registry.find(name) {
                    return function.bind(self, arguments, expr);
                }
                let names = functions::names().chain(registry.names());
                let hint = nearest(name, names).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                Err(ColumnsError::UnknownFunction { place: Place::of(expr), name: name.to_string(), hint })
            }
            Kind::Index(vector, axes) => {
                let vector = self.operand(vector)?;
                functions::vector::index(self, vector, axes, expr)
            }
        }
    }

    fn name(&mut self, name: &Arc<str>, expr: &Expr) -> ColumnsResult<Operand> {
        if let Some(definition) = self.scope.virtuals.get(name) {
            if self.inside.contains(name) {
                let chain: Vec<&str> = self.inside.iter().chain([name]).map(|name| &**name).collect();
                return Err(ColumnsError::RecursiveColumn { name: name.to_string(), chain: chain.join(" -> ") });
            }
            self.inside.push(name.clone());
            let bound = self.operand(&definition.clone());
            self.inside.pop();
            // Where the definition is a number that is written out, it is one with a width from here on.
            return Ok(Operand { literal: None, expr: expr.clone(), ..bound? });
        }
        if let Some(column) = self.scope.columns.get(name) {
            let key = format!("column {}", column.place);
            let node = match self.known.get(&key) {
                Some(node) => *node,
                None => {
                    self.plan.columns.push(column.place);
                    let kind = NodeKind::Column(self.plan.columns.len() - 1);
                    self.push(key, kind, column.type_.clone(), expr)
                }
            };
            return Ok(Operand { node, type_: column.type_.clone(), literal: None, expr: expr.clone() });
        }
        if let Some(value) = self.scope.variables.get(name) {
            return self.literal(value.clone(), expr);
        }
        if let Some(condition) = self.scope.selections.get(name) {
            let node = self.bind_condition(&condition.clone())?;
            return Ok(self.computed(node, expr));
        }
        let hint = nearest(name, self.scope.names()).map(|near| format!("; did you mean `{near}`?"));
        Err(ColumnsError::UnknownColumn {
            place: Place::of(expr),
            name: name.to_string(),
            hint: hint.unwrap_or_else(|| match self.scope.names().take(12).collect::<Vec<_>>().join(", ") {
                names if names.is_empty() => "; there are no columns".to_owned(),
                names => format!("; there are: {names}"),
            }),
        })
    }

    /// A value that is written out.
    pub(crate) fn literal(&mut self, value: Value, expr: &Expr) -> ColumnsResult<Operand> {
        let type_ = value.type_of();
        let node = self.constant(&value, &type_, expr)?;
        Ok(Operand { node, type_, literal: Some(value), expr: expr.clone() })
    }

    /// A constant of a type that the value fits into.
    fn constant(&mut self, value: &Value, type_: &Type, expr: &Expr) -> ColumnsResult<NodeId> {
        let key = format!("value {value} {type_}");
        if let Some(node) = self.known.get(&key) {
            return Ok(*node);
        }
        let lane = Lane::constant(value, type_)
            .ok_or_else(|| ColumnsError::mismatch(expr, format!("{value} is no value of type {type_}")))?;
        Ok(self.push(key, NodeKind::Constant(lane), type_.clone(), expr))
    }

    /// The operand as values of another type, which must be one that it can be promoted to.
    pub(crate) fn cast(&mut self, operand: &Operand, type_: &Type) -> ColumnsResult<NodeId> {
        if &operand.type_ == type_ {
            return Ok(operand.node);
        }
        if let Some(value) = &operand.literal {
            if let (Value::Text(text), Type::Instant(unit, zone)) = (value, type_) {
                let value = cast::instant_of_text(text, *unit, zone.clone())
                    .map_err(|reason| ColumnsError::mismatch(&operand.expr, reason))?;
                return self.constant(&value, type_, &operand.expr);
            }
            let plain =
                matches!(type_, Type::Bool | Type::Int(_) | Type::Float32 | Type::Float64 | Type::Text | Type::Null);
            if (plain || value.is_null())
                && let Ok(node) = self.constant(value, type_, &operand.expr)
            {
                return Ok(node);
            }
        }
        let kernel = cast::promotion(&operand.type_, type_).ok_or_else(|| {
            ColumnsError::mismatch(&operand.expr, format!("this is {}, and {type_} was expected", operand.type_))
        })?;
        self.compute(format!("promote {type_}"), kernel, vec![operand.node], type_.clone(), &operand.expr)
    }

    /// The operands as values of the type that they have in common.
    pub(crate) fn unify(&mut self, operands: &[Operand], expr: &Expr) -> ColumnsResult<(Vec<NodeId>, Type)> {
        let type_ = common_type(operands.iter()).ok_or_else(|| {
            let types: Vec<String> = operands.iter().map(|operand| operand.type_.to_string()).collect();
            ColumnsError::mismatch(
                expr,
                format!("{} have no type in common; cast one of them with `astype`", types.join(" and ")),
            )
        })?;
        let nodes = operands.iter().map(|operand| self.cast(operand, &type_)).collect::<ColumnsResult<_>>()?;
        Ok((nodes, type_))
    }

    /// A computation of nodes. `name` tells it from all others with these arguments.
    pub(crate) fn compute(
        &mut self,
        name: String,
        kernel: Kernel,
        arguments: Vec<NodeId>,
        type_: Type,
        expr: &Expr,
    ) -> ColumnsResult<NodeId> {
        self.compute_with(name, kernel, arguments, type_, expr, true)
    }

    /// A computation of nodes that itself sees to rows without result in its arguments, unless `passes_faults`.
    pub(crate) fn compute_with(
        &mut self,
        name: String,
        kernel: Kernel,
        arguments: Vec<NodeId>,
        type_: Type,
        expr: &Expr,
        passes_faults: bool,
    ) -> ColumnsResult<NodeId> {
        let key = format!("{name}\u{1}{arguments:?}");
        if let Some(node) = self.known.get(&key) {
            return Ok(*node);
        }
        let constants: Option<Vec<Lane<'static>>> = arguments
            .iter()
            .map(|argument| match self.plan.nodes.get(*argument).map(|node| &node.kind) {
                Some(NodeKind::Constant(lane)) => Some(Lane { constant: false, ..lane.clone() }),
                _ => None,
            })
            .collect();
        if let Some(lanes) = constants.filter(|lanes| !lanes.is_empty()) {
            let lane = kernel(Arguments::new(lanes, 1))?;
            if let Some(fault) = lane.fault.as_ref().filter(|fault| !fault.rows.is_empty()) {
                return Err(ColumnsError::NoResult { place: Place::of(expr), row: None, reason: fault.reason.clone() });
            }
            let kind = NodeKind::Constant(Lane { constant: true, ..lane });
            return Ok(self.push(key, kind, type_, expr));
        }
        Ok(self.push(key, NodeKind::Compute { kernel, arguments, passes_faults }, type_, expr))
    }

    /// A node as the operand of what is computed next.
    pub(crate) fn computed(&self, node: NodeId, expr: &Expr) -> Operand {
        Operand { node, type_: self.type_of(node), literal: None, expr: expr.clone() }
    }

    fn push(&mut self, key: String, kind: NodeKind, type_: Type, expr: &Expr) -> NodeId {
        if let NodeKind::Compute { arguments, .. } = &kind {
            for argument in arguments {
                self.add_use(*argument);
            }
        }
        self.plan.nodes.push(Node { kind, type_, uses: 0, place: Place::of(expr) });
        let node = self.plan.nodes.len() - 1;
        self.known.insert(key, node);
        node
    }
}
