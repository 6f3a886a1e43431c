//! Count, sum, mean, variance and standard deviation, skew and kurtosis, and extremes: all that is wanted of one expression at once.
//!
//! Numbers are summed in blocks: running sums side by side, which are added up pairwise, and blocks by compensated summation, so that
//! the error does not grow with the number of rows. Whole numbers are summed exactly. Powers are taken of differences from a value near
//! the mean, so that a large mean costs no digits.

mod loops;
mod part;
mod text;

pub(in crate::aggregate) use loops::extremes;
use part::Needs;
pub(crate) use part::Part;
pub(in crate::aggregate) use text::TextExtremes;

use super::bits::value_of_bits;
use super::masks::{mask_of, ones};
use crate::block::{Lane, Number, Values, count_yes, with_numbers};
use crate::error::{ColumnsError, ColumnsResult};
use crate::pass::{BlockView, Outcome, Output, Sink};
use crate::types::Type;
use crate::value::Value;

/// What is wanted of the moments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Moment {
    /// Values that are neither missing nor NaN.
    Count,
    Sum,
    Mean,
    /// With so many degrees of freedom taken off.
    Variance(f64),
    Deviation(f64),
    Skew,
    Kurtosis,
}

/// One of the things that a summary tells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Wanted {
    Moment(Moment),
    Min,
    Max,
    MinMax,
}

impl Wanted {
    fn needs(self) -> Needs {
        let order = match self {
            Self::Moment(Moment::Count | Moment::Sum | Moment::Mean) => 1,
            Self::Moment(Moment::Variance(_) | Moment::Deviation(_)) => 2,
            Self::Moment(Moment::Skew) => 3,
            Self::Moment(Moment::Kurtosis) => 4,
            Self::Min | Self::Max | Self::MinMax => 0,
        };
        Needs { order, extremes: order == 0 }
    }
}

/// Everything that is wanted of one lane, or of rows where there is none. Its answer is a list with an entry for each.
#[derive(Debug, Clone)]
pub(crate) struct Summary {
    wanted: Vec<Wanted>,
    type_: Type,
    needs: Needs,
}

/// What a thread knows of the lane.
#[derive(Debug)]
pub(crate) struct SummaryPart {
    /// One for each component of a vector; else one.
    numbers: Vec<Part>,
    /// Values that are only counted.
    others: u64,
    texts: TextExtremes,
}

impl Summary {
    /// A summary of a lane of a type.
    pub(crate) fn new(type_: Type) -> Self {
        Self { wanted: Vec::new(), type_, needs: Needs::default() }
    }

    /// Wants one more thing, and tells its place in the answer.
    pub(crate) fn want(&mut self, wanted: Wanted) -> usize {
        if let Some(place) = self.wanted.iter().position(|known| *known == wanted) {
            return place;
        }
        let needs = wanted.needs();
        self.needs = Needs { order: self.needs.order.max(needs.order), extremes: self.needs.extremes | needs.extremes };
        self.wanted.push(wanted);
        self.wanted.len() - 1
    }

    /// Whether values are only counted, and none of them can be NaN.
    fn only_counts(&self) -> bool {
        let float = match &self.type_ {
            Type::Vector(..) => true,
            type_ => type_.is_float(),
        };
        !float && self.wanted.iter().all(|wanted| *wanted == Wanted::Moment(Moment::Count))
    }
}

impl Sink for Summary {
    type Part = SummaryPart;

    fn start(&self) -> ColumnsResult<SummaryPart> {
        let components = match &self.type_ {
            Type::Vector(_, shape) => shape.iter().product(),
            _ => 1,
        };
        Ok(SummaryPart { numbers: vec![Part::default(); components], others: 0, texts: TextExtremes::default() })
    }

    fn block(&self, part: &mut SummaryPart, block: &BlockView<'_, '_>) -> ColumnsResult<()> {
        let Some(lane) = block.lanes.first() else {
            part.others += block.count() as u64;
            return Ok(());
        };
        if self.only_counts() {
            part.others += block.valid(lane).map_or(block.rows, |mask| count_yes(&mask)) as u64;
            return Ok(());
        }
        let spread;
        let lane: &Lane<'_> = match lane.constant {
            false => lane,
            true => {
                spread = lane.clone().spread(block.rows);
                &spread
            }
        };
        let mask = mask_of(block, lane);
        let mask = mask.as_deref();
        let needs = self.needs;
        match &lane.values {
            Values::Vector(values, width) => match &**values {
                Values::Bool(bytes) => by_component(&mut part.numbers, &ones(bytes), *width, mask, needs),
                numbers => with_numbers!(numbers, values => {
                    by_component(&mut part.numbers, values, *width, mask, needs);
                }, _ => {}),
            },
            Values::Text(texts) => {
                part.others += mask.map_or(block.rows, count_yes) as u64;
                if needs.extremes {
                    part.texts.add(texts, mask);
                }
            }
            values => {
                let Some(part) = part.numbers.first_mut() else { return Ok(()) };
                match values {
                    Values::Bool(bytes) => part.add(&ones(bytes), mask, needs),
                    numbers => with_numbers!(numbers, values => part.add(values, mask, needs), _ => {}),
                }
            }
        }
        Ok(())
    }

    fn merge(&self, part: &mut SummaryPart, other: SummaryPart) -> ColumnsResult<()> {
        part.numbers.iter_mut().zip(&other.numbers).for_each(|(part, other)| part.join(other, self.needs.order));
        part.others += other.others;
        part.texts.join(other.texts);
        Ok(())
    }

    fn finish(&self, part: SummaryPart) -> ColumnsResult<Outcome> {
        let answers = self.wanted.iter().map(|wanted| self.answer(*wanted, &part)).collect::<ColumnsResult<_>>()?;
        Ok(Outcome::Done(Output::Value(Value::List(answers))))
    }
}

/// Components that are looked at together: as many as a cache line has.
const TOGETHER: usize = 16;

/// Takes vectors, each component to a part of its own.
fn by_component<T: Number>(parts: &mut [Part], values: &[T], width: usize, mask: Option<&[u8]>, needs: Needs) {
    if width == 0 {
        return;
    }
    let mut columns: Vec<Vec<T>> = Vec::new();
    for (tile, parts) in parts.chunks_mut(TOGETHER).enumerate() {
        let first = tile * TOGETHER;
        columns.resize_with(parts.len(), || Vec::with_capacity(values.len() / width));
        columns.iter_mut().for_each(Vec::clear);
        for row in values.chunks_exact(width) {
            let row = row.get(first..).unwrap_or_default();
            columns.iter_mut().zip(row).for_each(|(column, value)| column.push(*value));
        }
        for (part, column) in parts.iter_mut().zip(&columns) {
            part.add(column, mask, needs);
        }
    }
}

impl Summary {
    fn answer(&self, wanted: Wanted, part: &SummaryPart) -> ColumnsResult<Value> {
        match &self.type_ {
            Type::Vector(element, _) => {
                let parts = part.numbers.iter();
                Ok(Value::List(parts.map(|part| answer(wanted, part, element)).collect::<ColumnsResult<_>>()?))
            }
            Type::Text => Ok(match wanted {
                Wanted::Moment(_) => Value::Int(part.others.into()),
                Wanted::Min => part.texts.least(),
                Wanted::Max => part.texts.greatest(),
                Wanted::MinMax => Value::List(vec![part.texts.least(), part.texts.greatest()]),
            }),
            _ if wanted == Wanted::Moment(Moment::Count) => {
                let counted = part.numbers.first().map_or(0, |part| part.count);
                Ok(Value::Int(i128::from(part.others) + i128::from(counted)))
            }
            type_ => part.numbers.first().map_or(Ok(Value::Null), |part| answer(wanted, part, type_)),
        }
    }
}

/// What is wanted of numbers of a type.
fn answer(wanted: Wanted, part: &Part, type_: &Type) -> ColumnsResult<Value> {
    let extreme = |of: fn((u64, u64)) -> u64| part.extremes.map_or(Value::Null, |both| value_of_bits(of(both), type_));
    Ok(match wanted {
        Wanted::Moment(moment) => of_moment(moment, part, type_)?,
        Wanted::Min => extreme(|both| both.0),
        Wanted::Max => extreme(|both| both.1),
        Wanted::MinMax => Value::List(vec![extreme(|both| both.0), extreme(|both| both.1)]),
    })
}

fn of_moment(moment: Moment, part: &Part, type_: &Type) -> ColumnsResult<Value> {
    let whole = !type_.is_float();
    let count = part.count as f64;
    let float = |value: f64| Value::Float(if part.count == 0 { f64::NAN } else { value });
    Ok(match moment {
        Moment::Count => Value::Int(part.count.into()),
        Moment::Sum if whole => of_whole_sum(part.whole, type_)?,
        Moment::Sum => Value::Float(part.float_sum()),
        Moment::Mean => match type_ {
            Type::Instant(..) | Type::Duration(_) if part.count == 0 => Value::Null,
            // The mean tick, rounded down.
            Type::Instant(unit, zone) => {
                Value::Instant(part.whole.div_euclid(i128::from(part.count)) as i64, *unit, zone.clone())
            }
            Type::Duration(unit) => Value::Duration(part.whole.div_euclid(i128::from(part.count)) as i64, *unit),
            _ if whole => float(part.whole as f64 / count),
            _ => float(part.float_sum() / count),
        },
        Moment::Variance(ddof) => Value::Float(part.variance(ddof)),
        Moment::Deviation(ddof) => match (type_, part.variance(ddof).sqrt()) {
            (Type::Duration(_) | Type::Instant(..), deviation) if deviation.is_nan() => Value::Null,
            (Type::Duration(unit) | Type::Instant(unit, _), deviation) => {
                Value::Duration(deviation.round() as i64, *unit)
            }
            (_, deviation) => Value::Float(deviation),
        },
        Moment::Skew => float(part.skew()),
        Moment::Kurtosis => float(part.kurtosis()),
    })
}

fn of_whole_sum(sum: i128, type_: &Type) -> ColumnsResult<Value> {
    match (type_, i64::try_from(sum), u64::try_from(sum)) {
        (Type::Duration(unit), Ok(ticks), _) => Ok(Value::Duration(ticks, *unit)),
        (Type::Duration(_), ..) => Err(ColumnsError::option(format!(
            "the sum is {sum} ticks, which is beyond 64 bits; sum durations of a coarser unit, with astype"
        ))),
        (_, Ok(_), _) | (_, _, Ok(_)) => Ok(Value::Int(sum)),
        _ => Err(ColumnsError::option(format!(
            "the sum is {sum}, which is beyond 64 bits; sum it as float64, with astype"
        ))),
    }
}
