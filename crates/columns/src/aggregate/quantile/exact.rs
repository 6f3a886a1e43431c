//! Exact quantiles out of core.
//!
//! A first pass counts the values by their upper sixteen bits, in the order of the values. The cell in which the wanted value lies is cut
//! into finer cells in the next pass, or its values are gathered and sorted where there are few. That takes two passes over values of 32
//! bits, up to four over those of 64, and 256 KiB a thread.

use std::collections::HashMap;

use super::histogram::{Found, Place, Window};
use super::rank::Rank;
use crate::aggregate::bits::{nan_bits, width_of};
use crate::aggregate::masks::{mask_of, ones};
use crate::aggregate::summary::extremes;
use crate::block::{Number, Values, with_numbers};
use crate::error::ColumnsResult;
use crate::pass::{BlockView, Outcome, Output, Sink, erased};
use crate::types::Type;
use crate::value::Value;

/// Quantiles of a lane of numbers, instants, durations or truth values.
#[derive(Debug, Clone)]
pub(crate) struct Quantiles {
    type_: Type,
    shares: Vec<f64>,
    several: bool,
    /// Where values are looked for in this pass.
    windows: Vec<(Window, Option<u64>)>,
    /// What earlier passes have found; none in the first.
    known: Option<Known>,
}

/// What is known after the first pass.
#[derive(Debug, Clone)]
struct Known {
    count: u64,
    /// The bits of the values of these ranks.
    exact: HashMap<u64, u64>,
    /// The ranks that are still looked for: in which window, and the rank there.
    open: Vec<(u64, usize, u64)>,
}

/// What a thread has found.
#[derive(Debug)]
pub(crate) struct QuantilesPart {
    found: Vec<Found>,
    /// In the first pass.
    extremes: Option<(u64, u64)>,
}

impl Quantiles {
    /// Quantiles of values of a type that lie in memory as numbers.
    pub(crate) fn new(type_: Type, shares: Vec<f64>, several: bool) -> Self {
        let all = u64::MAX >> (64 - width_of(&type_).unwrap_or(64));
        Self { type_, shares, several, windows: vec![(Window::new(0, all), None)], known: None }
    }

    fn add<T: Number>(&self, part: &mut QuantilesPart, values: &[T], mask: Option<&[u8]>) {
        let wanted = self.known.is_none() && T::BITS == 64;
        if let Some((least, greatest)) = wanted.then(|| extremes(values, mask)).flatten() {
            let (least, greatest) = (least.ordered_bits(), greatest.ordered_bits());
            let (low, high) = part.extremes.unwrap_or((least, greatest));
            part.extremes = Some((low.min(least), high.max(greatest)));
        }
        part.found.iter_mut().for_each(|found| found.add(values, mask));
    }
}

impl Sink for Quantiles {
    type Part = QuantilesPart;

    fn start(&self) -> ColumnsResult<QuantilesPart> {
        let found = self.windows.iter().map(|(window, expected)| Found::new(*window, *expected)).collect();
        Ok(QuantilesPart { found, extremes: None })
    }

    fn block(&self, part: &mut QuantilesPart, block: &BlockView<'_, '_>) -> ColumnsResult<()> {
        let Some(lane) = block.lanes.first() else { return Ok(()) };
        let lane = lane.clone().spread(block.rows);
        let mask = mask_of(block, &lane);
        let mask = mask.as_deref();
        match &lane.values {
            Values::Bool(bytes) => self.add(part, &ones(bytes), mask),
            numbers => with_numbers!(numbers, values => self.add(part, values, mask), _ => {}),
        }
        Ok(())
    }

    fn merge(&self, part: &mut QuantilesPart, other: QuantilesPart) -> ColumnsResult<()> {
        part.found.iter_mut().zip(other.found).for_each(|(found, other)| found.join(other));
        part.extremes = match (part.extremes, other.extremes) {
            (None, one) | (one, None) => one,
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        };
        Ok(())
    }

    fn finish(&self, mut part: QuantilesPart) -> ColumnsResult<Outcome> {
        let counts: Vec<u64> = part.found.iter_mut().map(Found::settle).collect();
        let mut known = match &self.known {
            Some(known) => known.clone(),
            None => {
                let mut count = counts.iter().sum();
                if let (Some(nan), Some(found)) = (nan_bits(&self.type_), part.found.first_mut()) {
                    // No number shares the upper bits of NaN.
                    count -= found.leave_out(nan);
                }
                let ranks = self.shares.iter().map(|share| Rank::of(*share, count));
                let mut open: Vec<(u64, usize, u64)> =
                    ranks.flat_map(|rank| [(rank.low, 0, rank.low), (rank.high, 0, rank.high)]).collect();
                open.sort_unstable();
                open.dedup();
                Known { count, exact: HashMap::new(), open: if count == 0 { Vec::new() } else { open } }
            }
        };
        let mut windows: Vec<(Window, Option<u64>)> = Vec::new();
        let mut open = Vec::new();
        for (rank, window, inside) in std::mem::take(&mut known.open) {
            match part.found.get(window).and_then(|found| found.place(inside)) {
                Some(Place::Exact(bits)) => {
                    known.exact.insert(rank, bits);
                }
                Some(Place::Within { low, high, count, rank: inside }) => {
                    // Where values lie close together, cells need not be as wide as the type has it.
                    let (least, greatest) = part.extremes.unwrap_or((low, high));
                    let window = (Window::new(low.max(least), high.min(greatest).max(low.max(least))), Some(count));
                    let place = windows.iter().position(|known| *known == window).unwrap_or_else(|| {
                        windows.push(window);
                        windows.len() - 1
                    });
                    open.push((rank, place, inside));
                }
                None => {}
            }
        }
        known.open = open;
        if windows.is_empty() {
            return Ok(Outcome::Done(Output::Value(self.value(&known))));
        }
        Ok(Outcome::Again(erased(Self { windows, known: Some(known), ..self.clone() })))
    }
}

impl Quantiles {
    fn value(&self, known: &Known) -> Value {
        let mut values = self.shares.iter().map(|share| {
            let rank = Rank::of(*share, known.count);
            match (known.exact.get(&rank.low), known.exact.get(&rank.high)) {
                (Some(low), Some(high)) => rank.value(*low, *high, &self.type_),
                _ if matches!(self.type_, Type::Instant(..) | Type::Duration(_)) => Value::Null,
                _ => Value::Float(f64::NAN),
            }
        });
        if self.several { Value::List(values.collect()) } else { values.next().unwrap_or(Value::Null) }
    }
}
