//! Aggregations of a frame over the cells of a grid.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::concat;

use super::Frame;
use super::components::Components;
use super::group::{results_of, same_name};
use crate::aggregate::{Aggregate, agg};
use crate::block::lane_of_array;
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::Expr;
use crate::group::{Bins, Distinct, GridSink};
use crate::pass::{PassOptions, SinkPlan, erased};
use crate::plan::Planner;
use crate::types::Type;
use crate::value::Value;

/// Between which values an axis lies.
#[derive(Debug, Clone, PartialEq)]
pub enum Limits {
    /// From the first, included, to the second, which is outside.
    Given(f64, f64),
    /// From the least to the greatest value, both included. Takes a pass to find them.
    MinMax,
    /// The middle part of the values, in percent: 95 leaves out 2.5 % on both sides. Both ends are included. Takes a pass that keeps
    /// the values.
    Percent(f64),
}

/// An axis of a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    name: Arc<str>,
    expr: Expr,
    scale: Scale,
    closed: Option<bool>,
}

#[derive(Debug, Clone, PartialEq)]
enum Scale {
    Even(Limits, usize),
    Logarithmic(Limits, usize),
    /// A bin for each value.
    Values,
    /// A bin for each whole number from the least to the greatest.
    Whole,
}

impl Axis {
    /// So many bins of the same width.
    pub fn new(expr: impl Into<Expr>, limits: Limits, bins: usize) -> Self {
        Self::of(expr.into(), Scale::Even(limits, bins))
    }

    /// So many bins whose logarithms have the same width; the limits are above zero.
    pub fn logarithmic(expr: impl Into<Expr>, limits: Limits, bins: usize) -> Self {
        Self::of(expr.into(), Scale::Logarithmic(limits, bins))
    }

    /// A bin for each value that there is, in their order: categories, texts, truth values. Takes a pass to find them.
    pub fn values(expr: impl Into<Expr>) -> Self {
        Self::of(expr.into(), Scale::Values)
    }

    /// A bin for each whole number from the least to the greatest. Takes a pass to find them.
    pub fn whole(expr: impl Into<Expr>) -> Self {
        Self::of(expr.into(), Scale::Whole)
    }

    fn of(expr: Expr, scale: Scale) -> Self {
        Self { name: expr.to_string().into(), expr, scale, closed: None }
    }

    /// Its name in the result, instead of the text of the expression.
    #[must_use]
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Whether the upper limit belongs to the last bin. Otherwise it does where limits are found, and does not where they are given.
    #[must_use]
    pub fn closed(mut self, closed: bool) -> Self {
        self.closed = Some(closed);
        self
    }
}

/// An axis of a result.
#[derive(Debug, Clone)]
pub struct GridAxis {
    /// Its name.
    pub name: Arc<str>,
    /// The edges of its bins, one more than there are; none where bins are values.
    pub edges: Option<Vec<f64>>,
    /// The values that its bins are, where there is one for each value.
    pub values: Option<ArrayRef>,
}

/// Aggregations over the cells of a grid.
#[derive(Debug, Clone)]
pub struct Grid {
    /// The axes, in the order of the shape; that of the selections, where there are any, stands in front of them.
    pub axes: Vec<GridAxis>,
    /// Cells along each axis. With outer cells each has three more: missing or NaN, below, the bins, above.
    pub shape: Vec<usize>,
    /// The values of the cells of each aggregation, the last axis fastest.
    pub columns: Vec<(String, ArrayRef)>,
}

impl Grid {
    /// The values of an aggregation.
    pub fn column(&self, name: &str) -> Option<&ArrayRef> {
        self.columns.iter().find(|(known, _)| known == name).map(|(_, array)| array)
    }
}

/// Rows of a frame in the cells of a grid.
#[derive(Debug, Clone)]
#[must_use]
pub struct BinBy {
    frame: Frame,
    axes: Vec<Axis>,
    outer: bool,
    selections: Vec<Expr>,
}

impl Frame {
    /// Puts rows into the cells of a grid. Bins hold their lower edge and not their upper one; rows outside of an axis, and those
    /// without a value there, are left out.
    ///
    /// ```
    /// # use datafolio_columns::{Axis, Frame, Limits, agg, col};
    /// # use arrow::array::{Float64Array, RecordBatch};
    /// # let x = std::sync::Arc::new(Float64Array::from(vec![0.5, 1.5, 1.5, 2.0])) as _;
    /// # let batch = RecordBatch::try_from_iter([("x", x)])?;
    /// let frame = Frame::from_batches(batch.schema(), vec![batch])?;
    /// let grid = frame.bin_by([Axis::new(col("x"), Limits::Given(0.0, 2.0), 2)]).agg([("n", agg::count_rows())])?;
    /// assert_eq!(grid.shape, [2]);
    /// # Ok::<(), datafolio_columns::ColumnsError>(())
    /// ```
    pub fn bin_by(&self, axes: impl IntoIterator<Item = Axis>) -> BinBy {
        BinBy { frame: self.clone(), axes: axes.into_iter().collect(), outer: false, selections: Vec::new() }
    }
}

impl BinBy {
    /// With three more cells along each axis: what is missing or NaN and what is below in front, what is above behind.
    pub fn outer_cells(mut self) -> Self {
        self.outer = true;
        self
    }

    /// For several conditions at once: they are an axis in front of the others.
    pub fn selections<E: Into<Expr>>(mut self, conditions: impl IntoIterator<Item = E>) -> Self {
        self.selections = conditions.into_iter().map(Into::into).collect();
        self
    }

    /// Computes aggregations of each cell.
    ///
    /// # Errors
    /// Those of [`Frame::aggregate`], of limits that are none, and of more cells than the memory budget holds.
    pub fn agg<N: Into<String>>(&self, aggregates: impl IntoIterator<Item = (N, Aggregate)>) -> ColumnsResult<Grid> {
        self.agg_with(aggregates, &PassOptions::default())
    }

    /// Computes aggregations of each cell with options.
    ///
    /// # Errors
    /// Those of [`agg`](Self::agg), and [`Cancelled`](ColumnsError::Cancelled).
    pub fn agg_with<N: Into<String>>(
        &self,
        aggregates: impl IntoIterator<Item = (N, Aggregate)>,
        options: &PassOptions,
    ) -> ColumnsResult<Grid> {
        let (names, aggregates): (Vec<String>, Vec<Aggregate>) =
            aggregates.into_iter().map(|(name, aggregate)| (name.into(), aggregate)).unzip();
        let (axes, shape, arrays) = self.run(&aggregates, options)?;
        finished(axes, shape, names.into_iter().zip(arrays).collect())
    }

    /// Computes expressions of each cell in which calls such as `sum(a)` are aggregations.
    ///
    /// # Errors
    /// Those of [`agg_with`](Self::agg_with), and of an expression without an aggregation.
    pub fn agg_expr<N: AsRef<str>>(&self, columns: &[(N, Expr)], options: &PassOptions) -> ColumnsResult<Grid> {
        let exprs: Vec<Expr> = columns.iter().map(|(_, expr)| expr.clone()).collect();
        let results = self.frame.results(&exprs)?;
        let (axes, shape, arrays) = self.run(&results.aggregates, options)?;
        let arrays = results_of(&self.frame, &results, arrays)?;
        finished(axes, shape, columns.iter().map(|(name, _)| name.as_ref().to_owned()).zip(arrays).collect())
    }

    /// Computes aggregations of each cell that are written as text, with arithmetic between them.
    ///
    /// # Errors
    /// Those of [`agg`](Self::agg), of text that is no expression, and of one without an aggregation.
    pub fn agg_text<N: AsRef<str>, T: AsRef<str>>(&self, columns: &[(N, T)]) -> ColumnsResult<Grid> {
        let columns: Vec<(&str, Expr)> = columns
            .iter()
            .map(|(name, text)| Ok((name.as_ref(), Expr::parse(text.as_ref())?)))
            .collect::<ColumnsResult<_>>()?;
        self.agg_expr(&columns, &PassOptions::default())
    }

    fn run(
        &self,
        asked: &[Aggregate],
        options: &PassOptions,
    ) -> ColumnsResult<(Vec<GridAxis>, Vec<usize>, Vec<ArrayRef>)> {
        let components = Components::of(&self.frame, asked)?;
        let asked = components.aggregates.as_slice();
        let axes: Vec<(Bins, GridAxis)> =
            self.axes.iter().map(|axis| self.axis(axis, options)).collect::<ColumnsResult<_>>()?;
        let (bins, mut axes): (Vec<Bins>, Vec<GridAxis>) = axes.into_iter().unzip();
        let frame = &self.frame;
        let mut planner = Planner::new(&frame.scope);
        let mut inputs = self.axes.iter().map(|axis| planner.bind(&axis.expr)).collect::<ColumnsResult<Vec<_>>>()?;
        // Each selection has states of its own for each aggregation.
        let selections: Vec<Option<&Expr>> = match self.selections.as_slice() {
            [] => vec![None],
            some => some.iter().map(Some).collect(),
        };
        let each = selections.iter().flat_map(|selection| {
            asked.iter().map(move |asked| match (asked.condition(), selection) {
                (_, None) => asked.clone(),
                (None, Some(one)) => asked.clone().selection((*one).clone()),
                (Some(own), Some(one)) => asked.clone().selection(own.clone().and((*one).clone())),
            })
        });
        let each: Vec<Aggregate> = each.collect();
        let (states, columns) = super::group::states_of(&mut planner, &each, &mut inputs)?;
        // Bins that are values are those of the same rows.
        let bins_asked: Vec<Option<(&Vec<f64>, bool, bool)>> = bins.iter().map(Bins::edges).collect();
        let asked_for = format!("grid {bins_asked:?} {} {states:?} {columns:?}", self.outer);
        let budget = usize::try_from(options.memory_of_thread()).unwrap_or(usize::MAX);
        let sink = GridSink { axes: bins, outer: self.outer, states, columns, budget };
        let mut shape = sink.shape();
        let cells = shape.iter().try_fold(1_usize, |cells, length| cells.checked_mul(*length)).unwrap_or(usize::MAX);
        let bytes = cells.saturating_mul(sink.states.len().max(1) * 64).saturating_mul(options.threads());
        if cells >= u32::MAX as usize || bytes as u64 > options.memory() {
            return Err(ColumnsError::option(format!(
                "a grid of {} cells for {} aggregations is beyond the memory budget; take fewer bins, or group by bin numbers, \
                 which keeps only cells with rows",
                shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" x "),
                each.len()
            )));
        }
        let sink = SinkPlan { sink: erased(sink), inputs, selection: None };
        let batch = frame.table(planner, sink, &asked_for, options)?;
        let arrays = (0..asked.len())
            .map(|at| {
                let parts: Vec<&dyn Array> = (0..selections.len())
                    .map(|selection| batch.column(selection * asked.len() + at).as_ref())
                    .collect();
                Ok(if let [one] = parts.as_slice() { one.slice(0, one.len()) } else { concat(&parts)? })
            })
            .collect::<ColumnsResult<Vec<ArrayRef>>>()?;
        if !self.selections.is_empty() {
            shape.insert(0, self.selections.len());
            let names: Vec<String> = self.selections.iter().map(Expr::to_string).collect();
            let values = Arc::new(arrow::array::StringArray::from(names));
            axes.insert(0, GridAxis { name: "selection".into(), edges: None, values: Some(values) });
        }
        Ok((axes, shape, components.gathered(&arrays)?))
    }

    /// The bins of an axis, whose limits are looked for where they are not given.
    fn axis(&self, axis: &Axis, options: &PassOptions) -> ColumnsResult<(Bins, GridAxis)> {
        let type_ = self.frame.type_of(&axis.expr)?;
        let plain =
            type_.is_number() || matches!(type_, Type::Bool | Type::Instant(..) | Type::Duration(_) | Type::Null);
        if !plain && axis.scale != Scale::Values {
            return Err(ColumnsError::mismatch(
                &axis.expr,
                format!(
                    "bins are of numbers and instants, and this is {type_}; `Axis::values` makes a bin for each value"
                ),
            ));
        }
        let (limits, bins, logarithmic) = match &axis.scale {
            Scale::Even(limits, bins) => (limits, *bins, false),
            Scale::Logarithmic(limits, bins) => (limits, *bins, true),
            Scale::Values => return self.values(axis, &type_),
            Scale::Whole => {
                let (low, high) = self.limits(axis, &Limits::MinMax, options)?;
                if !matches!(type_, Type::Int(_) | Type::Bool | Type::Null) {
                    return Err(ColumnsError::mismatch(
                        &axis.expr,
                        format!("a bin for each whole number needs whole numbers, and this is {type_}"),
                    ));
                }
                let bins = if high >= low { high - low + 1.0 } else { 0.0 };
                if bins > f64::from(1_u32 << 28) {
                    return Err(ColumnsError::mismatch(
                        &axis.expr,
                        format!(
                            "from {low} to {high} there are too many whole numbers; give limits and a number of bins"
                        ),
                    ));
                }
                let bins = Bins::even(low, low + bins, bins as usize, false);
                return Ok(named(axis, bins));
            }
        };
        if bins == 0 || bins >= 1 << 28 {
            return Err(ColumnsError::mismatch(
                &axis.expr,
                format!("{bins} bins are none to count in; there is at least one, and at most 2^28"),
            ));
        }
        let (low, high) = self.limits(axis, limits, options)?;
        let (low, high) = if low.is_nan() {
            (if logarithmic { 1.0 } else { 0.0 }, if logarithmic { 10.0 } else { 1.0 })
        } else {
            (low, high)
        };
        let found = !matches!(limits, Limits::Given(..));
        let order = if found { low <= high } else { low < high };
        if !low.is_finite() || !high.is_finite() || !order || logarithmic && low <= 0.0 {
            let positive = if logarithmic { ", above zero for a logarithmic axis" } else { "" };
            return Err(ColumnsError::mismatch(
                &axis.expr,
                format!(
                    "limits from {low} to {high} are none: the first is less than the second, and both are finite{positive}"
                ),
            ));
        }
        let closed = axis.closed.unwrap_or(found);
        let bins =
            if logarithmic { Bins::logarithmic(low, high, bins, closed) } else { Bins::even(low, high, bins, closed) };
        Ok(named(axis, bins))
    }

    /// The limits of an axis; NaN where there is no value.
    fn limits(&self, axis: &Axis, limits: &Limits, options: &PassOptions) -> ColumnsResult<(f64, f64)> {
        let float = |value: &Value| match value {
            Value::Instant(ticks, ..) | Value::Duration(ticks, _) => *ticks as f64,
            value => value.as_f64().unwrap_or(f64::NAN),
        };
        let two = |aggregate: Aggregate| match self.frame.aggregate_with(&[aggregate], options)?.pop() {
            Some(Value::List(values)) => match values.as_slice() {
                [low, high] => Ok((float(low), float(high))),
                _ => Ok((f64::NAN, f64::NAN)),
            },
            _ => Ok((f64::NAN, f64::NAN)),
        };
        match limits {
            Limits::Given(low, high) => Ok((*low, *high)),
            Limits::MinMax => two(agg::minmax(axis.expr.clone())),
            Limits::Percent(percent) => {
                if !(*percent > 0.0 && *percent <= 100.0) {
                    return Err(ColumnsError::mismatch(
                        &axis.expr,
                        format!("{percent} % of the values is no part of them"),
                    ));
                }
                let outside = (1.0 - percent / 100.0) / 2.0;
                two(agg::quantiles(axis.expr.clone(), &[outside, 1.0 - outside]))
            }
        }
    }

    fn values(&self, axis: &Axis, type_: &Type) -> ColumnsResult<(Bins, GridAxis)> {
        let groups = self.frame.group_by([super::Key::from(("value", axis.expr.clone()))]).sorted();
        let batch = groups.run(&[], &[], &PassOptions::default())?;
        let values = batch.column(0);
        // What is missing comes last, and has no bin.
        let values = values.slice(0, values.len() - values.null_count());
        let mut distinct = Distinct::new(type_)
            .ok_or_else(|| ColumnsError::mismatch(&axis.expr, format!("there is no bin for each value of {type_}")))?;
        let lane = lane_of_array(&values)?;
        distinct.encode(&lane, values.len(), &mut Vec::new())?;
        let bins = values.len() as u32;
        // NaN is last among numbers and has no bin either.
        let nan = distinct.nan().is_some();
        let bins = if nan { bins - 1 } else { bins };
        let values = values.slice(0, bins as usize);
        let axis = GridAxis { name: axis.name.clone(), edges: None, values: Some(values.clone()) };
        Ok((Bins::Values { values: distinct, bins }, axis))
    }
}

fn named(axis: &Axis, bins: Bins) -> (Bins, GridAxis) {
    let edges = match &bins {
        Bins::Edges { edges, .. } => Some(edges.clone()),
        Bins::Values { .. } => None,
    };
    (bins, GridAxis { name: axis.name.clone(), edges, values: None })
}

fn finished(axes: Vec<GridAxis>, shape: Vec<usize>, columns: Vec<(String, ArrayRef)>) -> ColumnsResult<Grid> {
    for (at, (name, _)) in columns.iter().enumerate() {
        if columns.iter().skip(at + 1).any(|(other, _)| other == name) {
            return Err(same_name(name));
        }
    }
    Ok(Grid { axes, shape, columns })
}
