//! What is gathered for each group.

use std::collections::HashSet;

use crate::aggregate::{Kind, Moment};
use crate::block::{Lane, Number, Values, YES, with_numbers};
use crate::types::Type;
use crate::value::Value;

/// What one aggregation has of each group.
#[derive(Debug)]
pub(super) enum State {
    Moments(Vec<Sums>),
    Extremes(Vec<Option<(Value, Value)>>),
    /// Numbers that are no NaN.
    Numbers(Vec<Vec<f64>>),
    /// Different values, as text that tells them apart.
    Distinct(Vec<HashSet<Box<[u8]>>>),
}

/// Sums of one group, of differences from its first value, so that a large mean costs no digits.
#[derive(Debug, Clone, Default)]
pub(super) struct Sums {
    count: u64,
    whole: i128,
    first: f64,
    sums: [f64; 4],
}

impl State {
    pub(super) fn new(kind: Kind) -> Self {
        match kind {
            Kind::Moment(Moment::Min | Moment::Max | Moment::MinMax) => Self::Extremes(Vec::new()),
            Kind::Moment(_) => Self::Moments(Vec::new()),
            Kind::Quantile(_) => Self::Numbers(Vec::new()),
            Kind::Distinct(_) => Self::Distinct(Vec::new()),
        }
    }

    /// There are so many groups now.
    pub(super) fn grow(&mut self, groups: usize) {
        match self {
            Self::Moments(sums) => sums.resize(groups, Sums::default()),
            Self::Extremes(extremes) => extremes.resize(groups, None),
            Self::Numbers(numbers) => numbers.resize(groups, Vec::new()),
            Self::Distinct(sets) => sets.resize(groups, HashSet::new()),
        }
    }

    /// Takes the rows of a block that count. Without a lane, rows are counted.
    pub(super) fn update(&mut self, lane: Option<(&Lane<'_>, &Type)>, groups: &[u32], live: Option<&[u8]>, kind: Kind) {
        let rows = groups.len();
        let Some((lane, type_)) = lane else {
            if let Self::Moments(sums) = self {
                for (row, group) in groups.iter().enumerate() {
                    if live.is_none_or(|live| live.get(row) == Some(&YES))
                        && let Some(sums) = sums.get_mut(*group as usize)
                    {
                        sums.count += 1;
                    }
                }
            }
            return;
        };
        let lane = lane.clone().spread(rows);
        let counts = |row: usize| live.is_none_or(|live| live.get(row) == Some(&YES)) && lane.is_valid(row);
        let plain = live.is_none() && lane.valid.is_none();
        match self {
            Self::Moments(sums) => {
                let order = match kind {
                    Kind::Moment(Moment::Count | Moment::Sum | Moment::Mean) => 1,
                    Kind::Moment(Moment::Variance(_) | Moment::Deviation(_)) => 2,
                    _ => 4,
                };
                match &lane.values {
                    Values::Bool(bytes) => add(sums, groups, bytes.iter().map(|byte| byte & 1), plain, counts, order),
                    Values::Text(_) | Values::Vector(..) | Values::Carried(_) => {
                        for (row, group) in groups.iter().enumerate().filter(|(row, _)| counts(*row)) {
                            if let Some(sums) = sums.get_mut(*group as usize) {
                                let _ = row;
                                sums.count += 1;
                            }
                        }
                    }
                    values => {
                        with_numbers!(values, values => add(sums, groups, values.iter().copied(), plain, counts, order), _ => {})
                    }
                }
            }
            Self::Extremes(extremes) => {
                for (row, group) in groups.iter().enumerate().filter(|(row, _)| counts(*row)) {
                    let value = lane.values.value(row, type_);
                    if matches!(value, Value::Float(value) if value.is_nan()) {
                        continue;
                    }
                    if let Some(slot) = extremes.get_mut(*group as usize) {
                        widen(slot, &value, &value);
                    }
                }
            }
            Self::Numbers(numbers) => {
                let mut add = |row: usize, group: u32, value: f64| {
                    if counts(row)
                        && !value.is_nan()
                        && let Some(numbers) = numbers.get_mut(group as usize)
                    {
                        numbers.push(value);
                    }
                };
                match &lane.values {
                    Values::Bool(bytes) => {
                        groups
                            .iter()
                            .zip(bytes.iter())
                            .enumerate()
                            .for_each(|(row, (group, byte))| add(row, *group, f64::from(byte & 1)));
                    }
                    values => with_numbers!(values, values => {
                        groups.iter().zip(values.iter()).enumerate().for_each(|(row, (group, value))| add(row, *group, Number::float(*value)));
                    }, _ => {}),
                }
            }
            Self::Distinct(sets) => {
                let leaves_out = matches!(kind, Kind::Distinct(true));
                for (row, group) in groups.iter().enumerate() {
                    if live.is_some_and(|live| live.get(row) != Some(&YES)) {
                        continue;
                    }
                    let value = lane.value(row, type_);
                    let nothing = value.is_null() || matches!(value, Value::Float(value) if value.is_nan());
                    if nothing && leaves_out {
                        continue;
                    }
                    let text = match &value {
                        // Both zeros are one value.
                        Value::Float(0.0) => "0.0".to_owned(),
                        value => value.to_string(),
                    };
                    if let Some(set) = sets.get_mut(*group as usize) {
                        set.insert(text.into_bytes().into());
                    }
                }
            }
        }
    }

    /// Takes what another thread has, whose group `g` is `mapping[g]` here.
    pub(super) fn merge(&mut self, other: Self, mapping: &[u32]) {
        let place = |group: usize| mapping.get(group).map_or(usize::MAX, |group| *group as usize);
        match (self, other) {
            (Self::Moments(sums), Self::Moments(others)) => {
                for (group, other) in others.iter().enumerate() {
                    if let Some(sums) = sums.get_mut(place(group)) {
                        sums.join(other);
                    }
                }
            }
            (Self::Extremes(extremes), Self::Extremes(others)) => {
                for (group, other) in others.into_iter().enumerate() {
                    if let (Some(slot), Some((least, greatest))) = (extremes.get_mut(place(group)), other) {
                        widen(slot, &least, &greatest);
                    }
                }
            }
            (Self::Numbers(numbers), Self::Numbers(others)) => {
                for (group, other) in others.into_iter().enumerate() {
                    if let Some(numbers) = numbers.get_mut(place(group)) {
                        numbers.extend(other);
                    }
                }
            }
            (Self::Distinct(sets), Self::Distinct(others)) => {
                for (group, other) in others.into_iter().enumerate() {
                    if let Some(set) = sets.get_mut(place(group)) {
                        set.extend(other);
                    }
                }
            }
            _ => {}
        }
    }

    /// The value of a group.
    pub(super) fn value(&mut self, group: usize, kind: Kind, type_: &Type) -> Value {
        match self {
            Self::Moments(sums) => sums.get(group).map_or(Value::Null, |sums| sums.value(kind, type_)),
            Self::Extremes(extremes) => match (extremes.get(group).cloned().flatten(), kind) {
                (None, _) => Value::Null,
                (Some((least, _)), Kind::Moment(Moment::Min)) => least,
                (Some((_, greatest)), Kind::Moment(Moment::Max)) => greatest,
                (Some((least, greatest)), _) => Value::List(vec![least, greatest]),
            },
            Self::Numbers(numbers) => match (numbers.get_mut(group), kind) {
                (Some(numbers), Kind::Quantile(at)) if !numbers.is_empty() => Value::Float(quantile(numbers, at)),
                _ => Value::Null,
            },
            Self::Distinct(sets) => Value::Int(sets.get(group).map_or(0, HashSet::len) as i128),
        }
    }

    /// Bytes that it takes, roughly.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Moments(sums) => (sums.len() * size_of::<Sums>()) as u64,
            Self::Extremes(extremes) => extremes.len() as u64 * 80,
            Self::Numbers(numbers) => numbers.iter().map(|numbers| numbers.capacity() as u64 * 8 + 24).sum(),
            Self::Distinct(sets) => sets.iter().map(|set| set.len() as u64 * 48 + 48).sum(),
        }
    }
}

#[inline(always)]
fn add<T: Number>(
    sums: &mut [Sums],
    groups: &[u32],
    values: impl Iterator<Item = T>,
    plain: bool,
    counts: impl Fn(usize) -> bool,
    order: u32,
) {
    for (row, (group, value)) in groups.iter().zip(values).enumerate() {
        if (plain || counts(row))
            && value.is_number()
            && let Some(sums) = sums.get_mut(*group as usize)
        {
            sums.add(value, order);
        }
    }
}

fn widen(slot: &mut Option<(Value, Value)>, least: &Value, greatest: &Value) {
    match slot {
        None => *slot = Some((least.clone(), greatest.clone())),
        Some((low, high)) => {
            if less(least, low) {
                *low = least.clone();
            }
            if less(high, greatest) {
                *high = greatest.clone();
            }
        }
    }
}

fn less(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => !a & b,
        (Value::Int(a), Value::Int(b)) => a < b,
        (Value::Float(a), Value::Float(b)) => a < b,
        (Value::Text(a), Value::Text(b)) => a < b,
        (Value::Instant(a, ..), Value::Instant(b, ..)) | (Value::Duration(a, _), Value::Duration(b, _)) => a < b,
        _ => false,
    }
}

/// Between the two nearest values, as NumPy does by default.
fn quantile(numbers: &mut [f64], at: f64) -> f64 {
    let position = at * (numbers.len() - 1) as f64;
    let low = position.floor() as usize;
    let (_, value, above) = numbers.select_nth_unstable_by(low, f64::total_cmp);
    let (value, share) = (*value, position - position.floor());
    match above.iter().copied().min_by(f64::total_cmp) {
        Some(next) if share > 0.0 => value + (next - value) * share,
        _ => value,
    }
}

impl Sums {
    #[inline(always)]
    fn add<T: Number>(&mut self, value: T, order: u32) {
        let number = value.float();
        if self.count == 0 {
            self.first = number;
        }
        self.count += 1;
        if !T::FLOAT {
            let (low, high) = value.halves();
            self.whole += (i128::from(high) << 32) + i128::from(low);
        }
        // Infinities would leave nothing of a difference.
        let difference = if self.first.is_finite() { number - self.first } else { number };
        self.sums[0] += difference;
        if order > 1 {
            let square = difference * difference;
            self.sums[1] += square;
            if order > 2 {
                self.sums[2] += square * difference;
                self.sums[3] += square * square;
            }
        }
    }

    /// The same sums of differences from another value.
    fn shifted(&self, first: f64) -> [f64; 4] {
        let n = self.count as f64;
        let [a, b, c, d] = self.sums;
        let s = self.first - first;
        if !s.is_finite() || s == 0.0 {
            return self.sums;
        }
        [
            a + n * s,
            b + 2.0 * s * a + n * s * s,
            c + 3.0 * s * b + 3.0 * s * s * a + n * s * s * s,
            d + 4.0 * s * c + 6.0 * s * s * b + 4.0 * s * s * s * a + n * s * s * s * s,
        ]
    }

    fn join(&mut self, other: &Self) {
        if self.count == 0 {
            *self = other.clone();
            return;
        }
        let others = other.shifted(self.first);
        self.sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += other);
        self.count += other.count;
        self.whole += other.whole;
    }

    fn value(&self, kind: Kind, type_: &Type) -> Value {
        let n = self.count as f64;
        let shift = if self.first.is_finite() { self.first } else { 0.0 };
        let whole = matches!(type_, Type::Int(_) | Type::Bool | Type::Duration(_) | Type::Instant(..));
        let Kind::Moment(moment) = kind else { return Value::Null };
        // About the mean.
        let mean = self.sums[0] / n;
        let [_, second, third, fourth] = self.shifted(self.first + mean);
        match moment {
            Moment::Count => Value::Int(self.count.into()),
            Moment::Sum => match type_ {
                Type::Duration(unit) => Value::Duration(self.whole as i64, *unit),
                _ if whole => Value::Int(self.whole),
                _ => Value::Float(n * shift + self.sums[0]),
            },
            _ if self.count == 0 => Value::Float(f64::NAN),
            Moment::Mean => match type_ {
                Type::Duration(unit) => Value::Duration(self.whole.div_euclid(i128::from(self.count)) as i64, *unit),
                Type::Instant(unit, zone) => {
                    Value::Instant(self.whole.div_euclid(i128::from(self.count)) as i64, *unit, zone.clone())
                }
                _ if whole => Value::Float(self.whole as f64 / n),
                _ => Value::Float(shift + mean),
            },
            Moment::Variance(ddof) | Moment::Deviation(ddof) => {
                let divisor = n - ddof;
                let variance = if divisor > 0.0 { second.max(0.0) / divisor } else { f64::NAN };
                Value::Float(if matches!(moment, Moment::Variance(_)) { variance } else { variance.sqrt() })
            }
            Moment::Skew => Value::Float(n.sqrt() * third / second.powf(1.5)),
            Moment::Kurtosis => Value::Float(n * fourth / (second * second) - 3.0),
            Moment::Min | Moment::Max | Moment::MinMax => Value::Null,
        }
    }
}
