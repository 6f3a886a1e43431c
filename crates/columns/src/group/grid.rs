//! Groups that are the cells of a grid: bin numbers along each axis make the number of a cell.

use arrow::array::{Array, RecordBatch};

use super::column::Distinct;
use super::kind::state_of;
use super::sink::{StatePlan, looks, update};
use super::state::{GroupState, RowNumbers};
use crate::block::{Lane, Number, Values, YES, count_yes, with_numbers, yes_rows};
use crate::error::{ColumnsError, ColumnsResult};
use crate::pass::{BlockView, Outcome, Output, Sink};
use crate::simd::{Loop, vectorised};

/// How values of an axis become numbers of bins.
#[derive(Debug, Clone)]
pub(crate) enum Bins {
    /// Between edges, which rise; the last is one more than there are bins. Equally wide, or on a logarithmic scale.
    Edges { edges: Vec<f64>, logarithmic: bool, closed: bool },
    /// Each of so many first values has a bin, in their order.
    Values { values: Distinct, bins: u32 },
}

impl Bins {
    /// Bins of the same width. No edge is off by the rounding of a width.
    pub(crate) fn even(low: f64, high: f64, bins: usize, closed: bool) -> Self {
        let edge = |at: usize| match at {
            0 => low,
            last if last == bins => high,
            at => low + (at as f64 * (high - low)) / bins as f64,
        };
        Self::Edges { edges: (0..=bins).map(edge).collect(), logarithmic: false, closed }
    }

    /// Bins whose logarithms have the same width.
    pub(crate) fn logarithmic(low: f64, high: f64, bins: usize, closed: bool) -> Self {
        let edge = |at: usize| match at {
            0 => low,
            last if last == bins => high,
            at => low * (high / low).powf(at as f64 / bins as f64),
        };
        Self::Edges { edges: (0..=bins).map(edge).collect(), logarithmic: true, closed }
    }

    /// The edges, whether they are on a logarithmic scale, and whether the last one belongs to the last bin; none where bins are values.
    pub(crate) fn edges(&self) -> Option<(&Vec<f64>, bool, bool)> {
        match self {
            Self::Edges { edges, logarithmic, closed } => Some((edges, *logarithmic, *closed)),
            Self::Values { .. } => None,
        }
    }

    /// How many bins there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Edges { edges, .. } => edges.len().saturating_sub(1),
            Self::Values { bins, .. } => *bins as usize,
        }
    }
}

/// What stands in the place of a bin number. With outer cells there are, in front of the bins, one for what is missing or NaN and
/// one for what is below, and behind them one for what is above.
#[derive(Debug, Clone, Copy)]
struct Cells {
    missing: i32,
    below: i32,
    first: i32,
    above: i32,
}

/// No cell of an axis among several.
const OUTSIDE: i32 = -1;

impl Cells {
    fn new(bins: usize, outer: bool, outside: i32) -> Self {
        match outer {
            false => Self { missing: outside, below: outside, first: 0, above: outside },
            true => Self { missing: 0, below: 1, first: 2, above: bins as i32 + 2 },
        }
    }
}

/// A grid over some axes, whose lanes are the first.
#[derive(Debug)]
pub(crate) struct GridSink {
    pub(crate) axes: Vec<Bins>,
    /// Whether there are cells for what is missing, below and above.
    pub(crate) outer: bool,
    pub(crate) states: Vec<StatePlan>,
    /// For each column, the state and which of its arrays it is.
    pub(crate) columns: Vec<(usize, usize)>,
    /// Bytes that the cells of a thread may take.
    pub(crate) budget: usize,
}

/// The cells of a thread.
#[derive(Debug)]
pub(crate) struct Grid {
    axes: Vec<Bins>,
    states: Vec<Box<dyn GroupState>>,
    cells: Vec<u32>,
    /// Cells of an axis, without a sign though [`OUTSIDE`] has one.
    along: Vec<u32>,
    numbers: Vec<u32>,
    /// Blocks since the last look at the memory.
    blocks: usize,
}

impl GridSink {
    /// Cells along each axis.
    pub(crate) fn shape(&self) -> Vec<usize> {
        self.axes.iter().map(|axis| axis.len() + if self.outer { 3 } else { 0 }).collect()
    }

    fn take(&self, grid: &mut Grid, lanes: &[Lane<'_>], count: usize, rows: RowNumbers<'_>) -> ColumnsResult<()> {
        let shape = self.shape();
        let total: usize = shape.iter().product();
        // The cells of a single axis are those of the grid.
        let is_single = grid.axes.len() == 1;
        let outside = if is_single { total as i32 } else { OUTSIDE };
        if !is_single {
            grid.cells.clear();
            grid.cells.resize(count, 0);
        }
        for ((axis, length), lane) in grid.axes.iter_mut().zip(&shape).zip(lanes) {
            let lane = lane.clone().spread(count);
            let cells = Cells::new(axis.len(), self.outer, outside);
            match axis {
                Bins::Edges { edges, logarithmic, closed } => {
                    bins_of(&lane, count, edges, *logarithmic, *closed, cells, &mut grid.along);
                }
                Bins::Values { values, bins } => {
                    values.encode(&lane, count, &mut grid.numbers)?;
                    // There are bins for all values, so what has another number is missing.
                    let number =
                        |number: &u32| if *number < *bins { cells.first + *number as i32 } else { cells.missing };
                    grid.along.clear();
                    grid.along.extend(grid.numbers.iter().map(|found| number(found) as u32));
                }
            }
            // Rows outside of an axis go to a cell behind all others.
            if is_single {
                std::mem::swap(&mut grid.cells, &mut grid.along);
                break;
            }
            vectorised(Combine {
                cells: &mut grid.cells,
                along: &grid.along,
                length: *length as u32,
                outside: total as u32,
            });
        }
        update(&self.states, &mut grid.states, lanes, &grid.cells, count, rows)?;
        grid.blocks += 1;
        if grid.blocks < looks(total) {
            return Ok(());
        }
        grid.blocks = 0;
        let memory: usize = grid.states.iter().map(|state| state.memory()).sum();
        if memory > self.budget {
            return Err(ColumnsError::option(format!(
                "what is kept of the cells takes {memory} bytes, which is beyond the memory budget; raise the budget, group by bin numbers, \
                 which goes to the disk, or ask for less than all values of a cell"
            )));
        }
        Ok(())
    }
}

impl Sink for GridSink {
    type Part = Grid;

    fn start(&self) -> ColumnsResult<Grid> {
        let cells = self.shape().iter().product::<usize>() + 1;
        let mut states: Vec<Box<dyn GroupState>> =
            self.states.iter().map(|plan| state_of(&plan.kinds, &plan.types)).collect::<ColumnsResult<_>>()?;
        states.iter_mut().for_each(|state| state.grow(cells));
        Ok(Grid {
            axes: self.axes.clone(),
            states,
            cells: Vec::new(),
            along: Vec::new(),
            numbers: Vec::new(),
            blocks: 0,
        })
    }

    fn block(&self, part: &mut Grid, block: &BlockView<'_, '_>) -> ColumnsResult<()> {
        let Some(live) = block.live else {
            return self.take(part, block.lanes, block.rows, RowNumbers::From(block.first_row));
        };
        let kept = count_yes(live);
        let lanes: Vec<Lane<'_>> = block.lanes.iter().map(|lane| lane.compact(live, kept)).collect();
        let rows: Vec<u64> = yes_rows(live, kept).iter().map(|row| block.first_row + *row as u64).collect();
        self.take(part, &lanes, kept, RowNumbers::Each(&rows))
    }

    fn merge(&self, part: &mut Grid, mut other: Grid) -> ColumnsResult<()> {
        let cells = self.shape().iter().product::<usize>() as u32;
        let mapping: Vec<u32> = (0..cells).collect();
        part.states
            .iter_mut()
            .zip(&mut other.states)
            .try_for_each(|(state, other)| state.merge(other.as_mut(), &mapping))
    }

    fn finish(&self, mut part: Grid) -> ColumnsResult<Outcome> {
        let cells = self.shape().iter().product::<usize>();
        let values = part.states.iter_mut().map(|state| state.finish()).collect::<ColumnsResult<Vec<_>>>()?;
        let mut arrays = Vec::with_capacity(self.columns.len());
        for (at, (state, which)) in self.columns.iter().enumerate() {
            let Some(array) = values.get(*state).and_then(|arrays| arrays.get(*which)) else {
                return Err(ColumnsError::option(
                    "an aggregation has no values; this is a defect of datafolio, please report it",
                ));
            };
            arrays.push((at.to_string(), array.slice(0, cells.min(array.len())), true));
        }
        Ok(Outcome::Done(Output::Batch(RecordBatch::try_from_iter_with_nullable(arrays)?)))
    }
}

/// Writes the cells of values along an axis.
fn bins_of(
    lane: &Lane<'_>,
    rows: usize,
    edges: &[f64],
    logarithmic: bool,
    closed: bool,
    cells: Cells,
    along: &mut Vec<u32>,
) {
    // All of them are written below.
    along.resize(rows, 0);
    let (Some(low), Some(high)) = (edges.first().copied(), edges.last().copied()) else {
        along.fill(cells.missing as u32);
        return;
    };
    let bins = edges.len() - 1;
    let width = if logarithmic { high.ln() - low.ln() } else { high - low };
    let scale = if width > 0.0 { bins as f64 / width } else { 0.0 };
    let even = Even { low, scale };
    let logs = Logarithmic { low: low.ln(), scale };
    macro_rules! find {
        ($values:expr, $position:expr) => {{
            let search = Search {
                values: $values,
                position: $position,
                low,
                high,
                closed,
                bins: bins as i32,
                cells,
                along: &mut *along,
            };
            if vectorised(search) {
                settle($values, edges, cells.first, along);
            }
        }};
    }
    match &lane.values {
        Values::Bool(bytes) => {
            let ones: Vec<u8> = bytes.iter().map(|byte| byte & 1).collect();
            find!(&ones, even);
        }
        values => with_numbers!(values, values => {
            if logarithmic { find!(values, logs) } else { find!(values, even) }
        }, _ => along.fill(cells.missing as u32)),
    }
    if let Some(valid) = &lane.valid {
        along
            .iter_mut()
            .zip(valid.iter())
            .filter(|(_, valid)| **valid != YES)
            .for_each(|(cell, _)| *cell = cells.missing as u32);
    }
}

/// Puts values right that are so near an edge that rounding may have put them on its wrong side.
fn settle<T: Number>(values: &[T], edges: &[f64], first: i32, along: &mut [u32]) {
    let last = edges.len() as i32 - 2;
    for (value, cell) in values.iter().zip(along) {
        let bin = *cell as i32 - first;
        if bin < 0 || bin > last {
            continue;
        }
        let value = value.float();
        let edge = |at: i32| edges.get(at as usize).copied().unwrap_or(f64::NAN);
        if value < edge(bin) && bin > 0 {
            *cell -= 1;
        } else if value >= edge(bin + 1) && bin < last {
            *cell += 1;
        }
    }
}

/// Adds an axis to the numbers of cells.
struct Combine<'c> {
    cells: &'c mut [u32],
    along: &'c [u32],
    length: u32,
    outside: u32,
}

impl Loop for Combine<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { cells, along, length, outside } = self;
        for (cell, along) in cells.iter_mut().zip(along) {
            let inside = (*along as i32 >= 0) & (*cell != outside);
            let next = cell.wrapping_mul(length).wrapping_add(*along);
            *cell = if inside { next } else { outside };
        }
    }
}

/// How many bins a value is above the lowest edge. A trait, since a closure would not be compiled for the processor that a loop is.
trait Position: Copy {
    fn of(self, value: f64) -> f64;
}

#[derive(Clone, Copy)]
struct Even {
    low: f64,
    scale: f64,
}

impl Position for Even {
    #[inline(always)]
    fn of(self, value: f64) -> f64 {
        (value - self.low) * self.scale
    }
}

#[derive(Clone, Copy)]
struct Logarithmic {
    low: f64,
    scale: f64,
}

impl Position for Logarithmic {
    #[inline(always)]
    fn of(self, value: f64) -> f64 {
        (value.ln() - self.low) * self.scale
    }
}

/// More bins than any rounding of a position comes to.
const NEAR: f64 = 1e-6;

/// Finds bins. Answers whether any value is near an edge.
struct Search<'v, T, P> {
    values: &'v [T],
    position: P,
    low: f64,
    high: f64,
    closed: bool,
    bins: i32,
    cells: Cells,
    along: &'v mut [u32],
}

impl<T: Number, P: Position> Loop for Search<'_, T, P> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        let Self { values, position, low, high, closed, bins, cells, along } = self;
        let last = f64::from(bins - 1);
        let end = f64::from(bins) + NEAR;
        let mut near = 0_u32;
        for (value, cell) in values.iter().zip(along) {
            let value = value.float();
            let at = position.of(value);
            // What is no number comes to the last bin, and gets its own cell below.
            let bounded = if at < last { at } else { last };
            let bin = if bounded > 0.0 { bounded } else { 0.0 } as i32;
            let rest = at - f64::from(bin);
            let inside = (at > -NEAR) & (at < end);
            near |= u32::from(inside & !(NEAR..=1.0 - NEAR).contains(&rest));
            let above = (value > high) | (!closed & (value == high));
            let found = if above { cells.above } else { cells.first + bin };
            let found = if value < low { cells.below } else { found };
            *cell = if value.is_nan() { cells.missing } else { found } as u32;
        }
        near != 0
    }
}
