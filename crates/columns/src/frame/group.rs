//! Aggregations of a frame by group.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, new_empty_array};

use super::Frame;
use super::aggregate::Results;
use super::components::Components;
use crate::aggregate::{Aggregate, Moment};
use crate::block::{BLOCK, Chunk, Lane, Values, array_of_lane};
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::Expr;
use crate::group::{GroupKind, GroupSink, Order, StatePlan, Store};
use crate::pass::{PassOptions, SinkPlan, erased};
use crate::plan::{Arguments, Evaluator, NodeId, Operand, Planner};
use crate::types::Type;

/// A key of groups: an expression, by its own text as its name or by another.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    pub(crate) name: Arc<str>,
    pub(crate) expr: Expr,
}

impl From<Expr> for Key {
    fn from(expr: Expr) -> Self {
        Self { name: expr.to_string().into(), expr }
    }
}

impl<N: Into<Arc<str>>> From<(N, Expr)> for Key {
    fn from((name, expr): (N, Expr)) -> Self {
        Self { name: name.into(), expr }
    }
}

/// Rows of a frame in groups that have the same keys. A missing key is a key, and so is NaN.
///
/// ```
/// # use datafolio_columns::{Frame, agg, col};
/// # use arrow::array::{Float64Array, Int64Array, RecordBatch, StringArray};
/// # let key = std::sync::Arc::new(StringArray::from(vec!["b", "a", "b"])) as _;
/// # let x = std::sync::Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0])) as _;
/// # let batch = RecordBatch::try_from_iter([("key", key), ("x", x)])?;
/// let frame = Frame::from_batches(batch.schema(), vec![batch])?;
/// let groups = frame.group_by([col("key")]).sorted().agg([("n", agg::count_rows()), ("x", agg::sum(col("x")))])?;
/// assert_eq!(groups.num_rows(), 2);
/// # Ok::<(), datafolio_columns::ColumnsError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct GroupBy {
    frame: Frame,
    keys: Vec<Key>,
    order: Order,
}

impl Frame {
    /// Puts rows into groups that have the same keys. Without a key, all rows are one group.
    pub fn group_by<K: Into<Key>>(&self, keys: impl IntoIterator<Item = K>) -> GroupBy {
        GroupBy { frame: self.clone(), keys: keys.into_iter().map(Into::into).collect(), order: Order::default() }
    }
}

impl GroupBy {
    /// Groups in the order of their keys: NaN behind the numbers, what is missing last. Otherwise they come in the order of the row
    /// that each is first seen in.
    pub fn sorted(mut self) -> Self {
        self.order = Order::Ascending;
        self
    }

    /// Groups in the opposite order of their keys, what is missing last.
    pub fn sorted_descending(mut self) -> Self {
        self.order = Order::Descending;
        self
    }

    /// Computes aggregations of each group: a record batch with the keys and a column for each aggregation.
    ///
    /// # Errors
    /// Those of [`Frame::aggregate`], of keys that there are no groups by, of two columns of one name, and of a sum of
    /// whole numbers that is beyond 64 bits.
    pub fn agg<N: Into<String>>(
        &self,
        aggregates: impl IntoIterator<Item = (N, Aggregate)>,
    ) -> ColumnsResult<RecordBatch> {
        self.agg_with(aggregates, &PassOptions::default())
    }

    /// Computes aggregations of each group with options.
    ///
    /// # Errors
    /// Those of [`agg`](Self::agg), and [`Cancelled`](ColumnsError::Cancelled).
    pub fn agg_with<N: Into<String>>(
        &self,
        aggregates: impl IntoIterator<Item = (N, Aggregate)>,
        options: &PassOptions,
    ) -> ColumnsResult<RecordBatch> {
        let (names, aggregates): (Vec<String>, Vec<Aggregate>) =
            aggregates.into_iter().map(|(name, aggregate)| (name.into(), aggregate)).unzip();
        self.run(&names, &aggregates, options)
    }

    /// Computes aggregations of each group that are written as text, with arithmetic between them: `sum(a) / count(b) + 1`.
    ///
    /// # Errors
    /// Those of [`agg`](Self::agg), of text that is no expression, and of one without an aggregation.
    pub fn agg_text<N: AsRef<str>, T: AsRef<str>>(&self, columns: &[(N, T)]) -> ColumnsResult<RecordBatch> {
        let columns: Vec<(&str, Expr)> = columns
            .iter()
            .map(|(name, text)| Ok((name.as_ref(), Expr::parse(text.as_ref())?)))
            .collect::<ColumnsResult<_>>()?;
        self.agg_expr(&columns, &PassOptions::default())
    }

    /// Computes expressions of each group in which calls such as `sum(a)` are aggregations.
    ///
    /// # Errors
    /// Those of [`agg_with`](Self::agg_with), and of an expression without an aggregation.
    pub fn agg_expr<N: AsRef<str>>(&self, columns: &[(N, Expr)], options: &PassOptions) -> ColumnsResult<RecordBatch> {
        let exprs: Vec<Expr> = columns.iter().map(|(_, expr)| expr.clone()).collect();
        let results = self.frame.results(&exprs)?;
        let names: Vec<String> = results.names.iter().map(ToString::to_string).collect();
        let groups = self.run(&names, &results.aggregates, options)?;
        let keys = self.keys.iter().map(|key| key.name.to_string()).zip(groups.columns().iter().cloned());
        let mut arrays: Vec<(String, ArrayRef)> = keys.collect();
        let values = groups.columns().iter().skip(self.keys.len()).cloned().collect();
        for ((name, _), array) in columns.iter().zip(results_of(&self.frame, &results, values)?) {
            if arrays.iter().any(|(known, _)| known == name.as_ref()) {
                return Err(same_name(name.as_ref()));
            }
            arrays.push((name.as_ref().to_owned(), array));
        }
        Ok(RecordBatch::try_from_iter_with_nullable(arrays.into_iter().map(|(name, array)| (name, array, true)))?)
    }

    /// The keys, and a column for each aggregation.
    pub(super) fn run(
        &self,
        names: &[String],
        aggregates: &[Aggregate],
        options: &PassOptions,
    ) -> ColumnsResult<RecordBatch> {
        let names: Vec<String> =
            self.keys.iter().map(|key| key.name.to_string()).chain(names.iter().cloned()).collect();
        for (at, name) in names.iter().enumerate() {
            if names.iter().skip(at + 1).any(|other| other == name) {
                return Err(same_name(name));
            }
        }
        let components = Components::of(&self.frame, aggregates)?;
        let groups = self.groups(&components.aggregates, options)?;
        let (keys, values) = groups.columns().split_at(self.keys.len());
        let arrays = keys.iter().cloned().chain(components.gathered(values)?);
        let columns = names.iter().zip(arrays).map(|(name, array)| (name, array, true));
        match names.is_empty() {
            true => Ok(groups),
            false => Ok(RecordBatch::try_from_iter_with_nullable(columns)?),
        }
    }

    /// The keys, and a column for each aggregation, of which none is of vectors, by their places.
    fn groups(&self, aggregates: &[Aggregate], options: &PassOptions) -> ColumnsResult<RecordBatch> {
        let frame = &self.frame;
        let mut planner = Planner::new(&frame.scope);
        let (mut inputs, mut keys) = (Vec::new(), Vec::new());
        for key in &self.keys {
            let operand = planner.operand(&key.expr)?;
            if matches!(operand.type_, Type::Vector(..) | Type::Other(_)) {
                return Err(ColumnsError::mismatch(
                    &key.expr,
                    format!(
                        "there are no groups by {}; keys are numbers, texts, truth values or instants",
                        operand.type_
                    ),
                ));
            }
            inputs.push(operand.node);
            keys.push(operand.type_);
        }
        let (states, columns) = states_of(&mut planner, aggregates, &mut inputs)?;
        let types = inputs.iter().map(|input| planner.type_of(*input)).collect();
        let asked = format!("groups {keys:?} {states:?} {columns:?} {:?}", self.order);
        // Half is for what the threads have, and half for putting it together.
        let budget = usize::try_from(options.memory()).unwrap_or(usize::MAX) / options.threads() / 2;
        let store = Arc::new(Store::new(options.spill.clone()));
        let sink = GroupSink { keys, states, columns, order: self.order, types, budget, store };
        let sink = SinkPlan { sink: erased(sink), inputs, selection: None };
        frame.table(planner, sink, &asked, options)
    }
}

/// States, and for each aggregation the state and which of its arrays it is.
pub(super) type States = (Vec<StatePlan>, Vec<(usize, usize)>);

/// The states that answer aggregations, and for each of these the state and which of its arrays it is. What they look at is added to
/// the inputs. Moments of the same values have one state.
pub(super) fn states_of(
    planner: &mut Planner<'_>,
    aggregates: &[Aggregate],
    inputs: &mut Vec<NodeId>,
) -> ColumnsResult<States> {
    let (mut states, mut columns) = (Vec::<StatePlan>::new(), Vec::new());
    let mut shared: HashMap<(Vec<NodeId>, Option<NodeId>), usize> = HashMap::new();
    for aggregate in aggregates {
        let kind = GroupKind::of(aggregate);
        let bound = bind(planner, aggregate, &kind)?;
        let moment = matches!(kind, GroupKind::Moment(_));
        let same = (bound.nodes.clone(), bound.selection);
        if let Some(state) = shared.get(&same).copied().filter(|_| moment) {
            if let Some(plan) = states.get_mut(state) {
                plan.kinds.push(kind);
                columns.push((state, plan.kinds.len() - 1));
            }
            continue;
        }
        if moment {
            shared.insert(same, states.len());
        }
        columns.push((states.len(), 0));
        let first = inputs.len();
        inputs.extend(bound.nodes);
        let last = inputs.len();
        inputs.extend(bound.selection);
        let selection = bound.selection.map(|_| last);
        states.push(StatePlan { kinds: vec![kind], types: bound.types, inputs: first..last, selection });
    }
    count_with_moments(&mut states, &mut columns);
    Ok((states, columns))
}

/// Rows are counted by the sums of a lane, if there are any: they have to count the rows that they take as it is.
fn count_with_moments(states: &mut Vec<StatePlan>, columns: &mut [(usize, usize)]) {
    let is_moment = |plan: &StatePlan| {
        plan.selection.is_none() && plan.kinds.iter().all(|kind| matches!(kind, GroupKind::Moment(_)))
    };
    let sums = |kind: &GroupKind| !matches!(kind, GroupKind::Moment(Moment::Count));
    let Some(rows) = states.iter().position(|plan| is_moment(plan) && plan.types.is_empty()) else { return };
    let with = |plan: &StatePlan| is_moment(plan) && !plan.types.is_empty() && plan.kinds.iter().any(sums);
    let Some(mut with) = states.iter().position(with) else { return };
    let Some(plan) = states.get_mut(with) else { return };
    let counted = plan.kinds.len();
    plan.kinds.push(GroupKind::Rows);
    states.remove(rows);
    if with > rows {
        with -= 1;
    }
    for (state, at) in columns {
        if *state == rows {
            (*state, *at) = (with, counted);
        } else if *state > rows {
            *state -= 1;
        }
    }
}

/// What is computed of the values of the aggregations. It sees them, and the variables and functions of the frame.
pub(super) fn results_of(frame: &Frame, results: &Results, values: Vec<ArrayRef>) -> ColumnsResult<Vec<ArrayRef>> {
    let columns = results.names.iter().zip(values).map(|(name, array)| (name, array, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns)?;
    let mut of_results = Frame::from_batches(batch.schema(), vec![batch])?;
    let scope = Arc::make_mut(&mut of_results.scope);
    scope.variables = frame.scope.variables.clone();
    scope.functions = frame.scope.functions.clone();
    of_results.arrays(&results.exprs)
}

pub(super) fn same_name(name: &str) -> ColumnsError {
    ColumnsError::option(format!("two columns of the result are called `{name}`; name one of them otherwise"))
}

impl Frame {
    /// The values of expressions in all rows of a frame that is in memory and has no filter.
    fn arrays(&self, exprs: &[Expr]) -> ColumnsResult<Vec<ArrayRef>> {
        let mut planner = Planner::new(&self.scope);
        let operands: Vec<Operand> = exprs.iter().map(|expr| planner.operand(expr)).collect::<ColumnsResult<_>>()?;
        let plan = planner.finish();
        let mut parts: Vec<Vec<ArrayRef>> = vec![Vec::new(); exprs.len()];
        for batch in self.source.read(self.rows.clone(), &plan.columns)? {
            let batch = batch?;
            let chunk = Chunk::new(batch.columns(), batch.num_rows())?;
            let mut evaluator = Evaluator::new(&plan, &chunk);
            for start in (0..batch.num_rows()).step_by(BLOCK) {
                let rows = start..(start + BLOCK).min(batch.num_rows());
                evaluator.block(rows.clone());
                for (operand, parts) in operands.iter().zip(&mut parts) {
                    let lane = evaluator.lane(operand.node)?;
                    evaluator.check(&lane, None, start as u64)?;
                    parts.push(array_of_lane(lane, rows.len(), &operand.type_)?);
                }
            }
        }
        let source = self.source.schema();
        let none = |operand: &Operand| match self.place_of(&operand.expr) {
            // A column as it is may be of a type that is not computed with, such as lists.
            Some(place) => Ok(new_empty_array(source.field(place).data_type())),
            None => {
                array_of_lane(Lane::new(Values::empty(&operand.type_, 0).unwrap_or(Values::Null)), 0, &operand.type_)
            }
        };
        let columns = parts.iter().zip(&operands);
        columns
            .map(|(parts, operand)| match parts.as_slice() {
                [] => none(operand),
                [one] => Ok(one.clone()),
                parts => Ok(arrow::compute::concat(&parts.iter().map(|part| part.as_ref()).collect::<Vec<_>>())?),
            })
            .collect()
    }
}

/// An aggregation whose expressions are bound.
struct Bound {
    nodes: Vec<NodeId>,
    types: Vec<Type>,
    selection: Option<NodeId>,
}

/// Binds what an aggregation looks at.
fn bind(planner: &mut Planner<'_>, aggregate: &Aggregate, kind: &GroupKind) -> ColumnsResult<Bound> {
    let selection = aggregate.condition().map(|condition| planner.bind_condition(condition)).transpose()?;
    let (mut nodes, mut types) = (Vec::new(), Vec::new());
    for expr in aggregate.exprs() {
        let operand = planner.operand(expr)?;
        nodes.push(match selection {
            None => operand.node,
            Some(selection) => only_selected(planner, &operand, selection)?,
        });
        types.push(operand.type_);
    }
    // What does not fit is found before the first row is read.
    crate::group::check(kind, &types).map_err(|error| match (error, aggregate.exprs().first()) {
        (ColumnsError::InvalidOption { reason }, Some(expr)) => ColumnsError::mismatch(expr, reason),
        (error, _) => error,
    })?;
    Ok(Bound { nodes, types, selection })
}

/// The same values. Rows without result matter only where the condition is true.
fn only_selected(planner: &mut Planner<'_>, operand: &Operand, selection: NodeId) -> ColumnsResult<NodeId> {
    let (nodes, type_) = (vec![operand.node, selection], operand.type_.clone());
    planner.compute_with("only selected".to_owned(), Arc::new(without_faults), nodes, type_, &operand.expr, false)
}

fn without_faults(mut arguments: Arguments<'_>) -> ColumnsResult<Lane<'_>> {
    let rows = arguments.rows;
    let (mut value, condition) = (arguments.next(), arguments.next());
    if let Some(fault) = &mut value.fault {
        let holds = crate::group::holds(&Lane { fault: None, ..condition }, rows);
        let fault = Arc::make_mut(fault);
        fault.rows.iter_mut().zip(&holds).for_each(|(row, holds)| *row &= holds);
    }
    Ok(value)
}
