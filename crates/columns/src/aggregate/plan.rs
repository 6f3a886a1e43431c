//! Which sinks answer the aggregations that are asked for together.

use super::distinct::{ApproxNunique, Distinct, Nunique, Report, Tally, TopValues};
use super::ends::End;
use super::list::All;
use super::pairs::{Pair, Pairs};
use super::quantile::{ApproxQuantiles, Quantiles};
use super::request::{Aggregate, Kind};
use super::summary::{Moment, Summary, Wanted};
use super::top::Top;
use super::truth::Truth;
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::{Expr, col};
use crate::pass::{AnySink, Output, PassOptions, SinkPlan, erased};
use crate::plan::{NodeId, Operand, Planner};
use crate::types::Type;
use crate::value::Value;

/// Values that can be told apart.
const DISTINCT: &str =
    "numbers, truth values, texts, instants and durations (of a vector, take one component, as in v[:, 0])";

/// The sinks of some aggregations, and where in their outputs the answers are.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) sinks: Vec<SinkPlan>,
    answers: Vec<Answer>,
}

/// Where an answer is.
#[derive(Debug, Clone, Copy)]
struct Answer {
    sink: usize,
    /// Its place in the list that the sink gives; none where the sink gives nothing else.
    place: Option<usize>,
}

/// What is being gathered by a sink for several aggregations.
struct Shared {
    inputs: Vec<NodeId>,
    selection: Option<NodeId>,
    summary: Summary,
    sink: usize,
}

/// Plans aggregations. All moments and extremes of the same values of the same rows are found out together.
pub(crate) fn plan(
    aggregates: &[Aggregate],
    planner: &mut Planner<'_>,
    options: &PassOptions,
) -> ColumnsResult<Planned> {
    let mut planned = Planned { sinks: Vec::new(), answers: Vec::new() };
    let mut shared: Vec<Shared> = Vec::new();
    let mut single: Vec<(Kind, Vec<NodeId>, Option<NodeId>, usize)> = Vec::new();
    for aggregate in aggregates {
        let selection = aggregate.condition().map(|condition| planner.bind_condition(condition)).transpose()?;
        let operands = operands(aggregate, planner)?;
        let inputs: Vec<NodeId> = operands.iter().map(|operand| operand.node).collect();
        if let Some(wanted) = wanted(aggregate.kind()) {
            let known = shared.iter().position(|shared| shared.inputs == inputs && shared.selection == selection);
            let at = match known {
                Some(at) => at,
                None => {
                    let summary = Summary::new(operands.first().map_or(Type::Null, |operand| operand.type_.clone()));
                    shared.push(Shared {
                        inputs: inputs.clone(),
                        selection,
                        summary: summary.clone(),
                        sink: planned.sinks.len(),
                    });
                    planned.sinks.push(SinkPlan { sink: erased(summary), inputs, selection });
                    shared.len() - 1
                }
            };
            if let Some(shared) = shared.get_mut(at) {
                let place = Some(shared.summary.want(wanted));
                planned.answers.push(Answer { sink: shared.sink, place });
            }
            continue;
        }
        let known =
            single.iter().find(|known| &known.0 == aggregate.kind() && known.1 == inputs && known.2 == selection);
        let sink = match known {
            Some(known) => known.3,
            None => {
                let sink = sink_of(aggregate.kind(), &operands, options);
                planned.sinks.push(SinkPlan { sink, inputs: inputs.clone(), selection });
                single.push((aggregate.kind().clone(), inputs, selection, planned.sinks.len() - 1));
                planned.sinks.len() - 1
            }
        };
        planned.answers.push(Answer { sink, place: None });
    }
    for shared in shared {
        if let Some(plan) = planned.sinks.get_mut(shared.sink) {
            plan.sink = erased(shared.summary);
        }
    }
    Ok(planned)
}

/// Plans a table of different values.
pub(crate) fn plan_distinct(
    name: &str,
    expr: &Expr,
    selection: Option<&Expr>,
    report: Report,
    planner: &mut Planner<'_>,
    options: &PassOptions,
) -> ColumnsResult<SinkPlan> {
    let selection = selection.map(|condition| planner.bind_condition(condition)).transpose()?;
    let operand = planner.operand(expr)?;
    if !Tally::supports(&operand.type_) {
        return Err(ColumnsError::mismatch(expr, format!("`{name}` takes {DISTINCT}, and this is {}", operand.type_)));
    }
    let sink = erased(Distinct { type_: operand.type_, report, memory: options.memory_of_thread() });
    Ok(SinkPlan { sink, inputs: vec![operand.node], selection })
}

/// Plans a table of the rows with the greatest or least values.
pub(crate) fn plan_top(
    expr: &Expr,
    count: usize,
    descending: bool,
    names: &[&str],
    planner: &mut Planner<'_>,
) -> ColumnsResult<SinkPlan> {
    let operand = planner.operand(expr)?;
    if !operand.type_.is_ordered() {
        return Err(ColumnsError::mismatch(
            expr,
            format!("`top_k` takes values that have an order, and this is {}", operand.type_),
        ));
    }
    let mut inputs = vec![operand.node];
    let mut columns = vec![("value".into(), operand.type_)];
    for name in names {
        if ["row", "value"].contains(name) {
            return Err(ColumnsError::option(format!(
                "`top_k` itself gives a column `{name}`; give the one of the frame another name, by with_column"
            )));
        }
        let operand = planner.operand(&col(*name))?;
        inputs.push(operand.node);
        columns.push(((*name).into(), operand.type_));
    }
    Ok(SinkPlan { sink: erased(Top { count, descending, columns }), inputs, selection: None })
}

impl Planned {
    /// The answers, in the order of the aggregations.
    pub(crate) fn answers(&self, outputs: &[Output]) -> ColumnsResult<Vec<Value>> {
        let answer = |answer: &Answer| match (outputs.get(answer.sink), answer.place) {
            (Some(Output::Value(Value::List(values))), Some(place)) => values.get(place).cloned(),
            (Some(Output::Value(value)), None) => Some(value.clone()),
            _ => None,
        };
        let missing =
            || ColumnsError::option("an aggregation gave no value; this is a defect of datafolio, please report it");
        self.answers.iter().map(|place| answer(place).ok_or_else(missing)).collect()
    }
}

/// What a summary tells; none where it takes another sink.
fn wanted(kind: &Kind) -> Option<Wanted> {
    Some(match kind {
        Kind::Moment(moment) => Wanted::Moment(*moment),
        Kind::Min => Wanted::Min,
        Kind::Max => Wanted::Max,
        Kind::MinMax => Wanted::MinMax,
        _ => return None,
    })
}

/// Binds the expressions, and refuses types of which the aggregation makes no sense.
fn operands(aggregate: &Aggregate, planner: &mut Planner<'_>) -> ColumnsResult<Vec<Operand>> {
    let kind = aggregate.kind();
    let name = kind.name();
    let mut operands = aggregate.exprs().iter().map(|expr| planner.operand(expr)).collect::<ColumnsResult<Vec<_>>>()?;
    check_shape(kind, operands.len())?;
    if matches!(kind, Kind::Any | Kind::All) {
        for (operand, expr) in operands.iter_mut().zip(aggregate.exprs()) {
            operand.node = planner.bind_condition(expr)?;
        }
        return Ok(operands);
    }
    for (at, operand) in operands.iter().enumerate() {
        let refuse = |takes: &str| {
            Err(ColumnsError::mismatch(&operand.expr, format!("`{name}` takes {takes}, and this is {}", operand.type_)))
        };
        let type_ = &operand.type_;
        let element = match type_ {
            Type::Vector(element, _) => element,
            type_ => type_,
        };
        let number = |type_: &Type| type_.is_number() || matches!(type_, Type::Bool | Type::Null);
        let tick = matches!(type_, Type::Instant(..) | Type::Duration(_));
        match kind {
            Kind::Moment(Moment::Count) => {}
            Kind::Moment(Moment::Sum) if matches!(type_, Type::Instant(..)) => {
                return refuse(
                    "numbers, truth values and durations; of instants, subtract one from all of them first, or take the mean",
                );
            }
            Kind::Moment(Moment::Variance(_)) if tick => {
                return refuse("numbers and truth values; take the standard deviation, or cast to int64");
            }
            Kind::Moment(_) if !number(element) && !tick => {
                return refuse("numbers, truth values, durations and instants");
            }
            Kind::Min | Kind::Max | Kind::MinMax if !element.is_ordered() && *type_ != Type::Null => {
                return refuse("values that have an order");
            }
            Kind::First | Kind::Last if at == 1 && !type_.is_ordered() => {
                return refuse("values that have an order as its second argument");
            }
            Kind::First | Kind::Last | Kind::List(_) if matches!(type_, Type::Other(_)) => {
                return refuse("values that can be computed with");
            }
            Kind::Quantile { .. } | Kind::ApproxQuantile { .. } if !number(type_) && !tick => {
                return refuse("numbers, durations and instants; of a vector, take one component, as in v[:, 0]");
            }
            Kind::Nunique(_) | Kind::ApproxNunique | Kind::Unique(_) | Kind::TopValues(_) | Kind::Mode
                if !Tally::supports(type_) =>
            {
                return refuse(DISTINCT);
            }
            Kind::Covariance(_) | Kind::Correlation | Kind::CovarianceMatrix(_) | Kind::CorrelationMatrix
                if !number(type_) =>
            {
                return refuse("numbers and truth values; of instants, subtract one and divide by a duration first");
            }
            _ => {}
        }
    }
    Ok(operands)
}

/// Refuses shares and numbers of expressions that make no sense.
fn check_shape(kind: &Kind, exprs: usize) -> ColumnsResult<()> {
    match kind {
        Kind::Quantile { shares, .. } | Kind::ApproxQuantile { shares, .. } => {
            match shares.iter().find(|share| !(0.0..=1.0).contains(*share)) {
                None => Ok(()),
                Some(share) => Err(ColumnsError::option(format!(
                    "the share of a quantile lies between 0 and 1, and this is {share}; the fifth percentile is 0.05"
                ))),
            }
        }
        Kind::CovarianceMatrix(_) | Kind::CorrelationMatrix if exprs == 0 => {
            Err(ColumnsError::option("a matrix of covariances or correlations needs at least one expression"))
        }
        _ => Ok(()),
    }
}

/// The sink of what is not part of a summary.
fn sink_of(kind: &Kind, operands: &[Operand], options: &PassOptions) -> std::sync::Arc<dyn AnySink> {
    let type_ = operands.first().map_or(Type::Null, |operand| operand.type_.clone());
    let memory = options.memory_of_thread();
    let pairs = |pair: Pair, matrix: bool| erased(Pairs { pair, matrix, lanes: operands.len() });
    let distinct = |report: Report| erased(Distinct { type_: type_.clone(), report, memory });
    match kind {
        Kind::First => erased(End { type_, last: false }),
        Kind::Last => erased(End { type_, last: true }),
        Kind::Any => erased(Truth { all: false }),
        Kind::All => erased(Truth { all: true }),
        Kind::Quantile { shares, several } => erased(Quantiles::new(type_, shares.clone(), *several)),
        Kind::ApproxQuantile { shares, several } => {
            erased(ApproxQuantiles { type_, shares: shares.clone(), several: *several })
        }
        Kind::Nunique(keep) if Nunique::supports(&type_) => {
            erased(Nunique { type_, keep: *keep, threads: options.threads(), memory })
        }
        Kind::Nunique(keep) => distinct(Report::Number(*keep)),
        Kind::ApproxNunique => erased(ApproxNunique),
        Kind::Unique(keep) => distinct(Report::List(*keep)),
        Kind::TopValues(count) => erased(TopValues { type_, count: *count, memory }),
        Kind::Mode => distinct(Report::Mode),
        Kind::Covariance(ddof) => pairs(Pair::Covariance(*ddof), false),
        Kind::Correlation => pairs(Pair::Correlation, false),
        Kind::CovarianceMatrix(ddof) => pairs(Pair::Covariance(*ddof), true),
        Kind::CorrelationMatrix => pairs(Pair::Correlation, true),
        Kind::List(keep) => erased(All { type_, keep: *keep, memory }),
        // These are part of a summary; see `wanted`.
        Kind::Moment(_) | Kind::Min | Kind::Max | Kind::MinMax => erased(Summary::new(type_)),
    }
}
