//! The statistics of one column, batch by batch.

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Decimal256Array, Float64Array, Int64Array, PrimitiveArray,
};
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowNativeType, ArrowPrimitiveType, DataType, Decimal128Type, Decimal256Type, Field, Float64Type, Int64Type, i256,
};
use arrow::error::ArrowError;
use datafolio_handlers::{HandlerError, arrow_field_type_name, json_value};
use datasketches::error::Error as SketchError;
use serde_json::Value;

use super::counts::{Counted, Counts};
use super::moments::Moments;
use super::text::Texts;
use super::{ColumnStatistics, Quantile, StatisticsOptions, TopValue};
use crate::error::{Error, Result};

/// What goes wrong while a column is gone through.
#[derive(Debug)]
pub(super) enum Failure {
    Arrow(ArrowError),
    Sketch(SketchError),
}

impl From<ArrowError> for Failure {
    fn from(error: ArrowError) -> Self {
        Self::Arrow(error)
    }
}

impl From<SketchError> for Failure {
    fn from(error: SketchError) -> Self {
        Self::Sketch(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Arrow(error) => error.into(),
            Failure::Sketch(error) => {
                HandlerError::Unsupported { what: format!("statistics: {error}"), needs: "fewer rows".to_owned() }
                    .into()
            }
        }
    }
}

/// What the values of a column are, as far as statistics go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Whole numbers.
    Integer,
    Float,
    Decimal,
    Boolean,
    /// Dates, times, instants.
    Temporal,
}

/// One column.
#[derive(Debug)]
pub(super) struct Column {
    name: String,
    type_name: String,
    /// The type of its values, where a dictionary or runs say them once.
    of: DataType,
    rows: u64,
    nulls: u64,
    values: Values,
}

/// Values of all types in few forms.
#[derive(Debug)]
enum Values {
    /// Without an order: they are counted.
    Opaque,
    Small(Numbers<i64>),
    Wide(Numbers<i128>),
    Widest(Numbers<i256>),
    Text(Texts),
}

impl Column {
    pub(super) fn new(field: &Field) -> Self {
        let of = plain(field.data_type()).clone();
        let small = |kind| Values::Small(Numbers::new(kind, DataType::Int64));
        let values = match &of {
            DataType::Boolean => small(Kind::Boolean),
            DataType::UInt64 => Values::Wide(Numbers::new(Kind::Integer, DataType::Decimal128(20, 0))),
            of if of.is_integer() => small(Kind::Integer),
            of if of.is_floating() => Values::Small(Numbers::new(Kind::Float, DataType::Float64)),
            DataType::Date32
            | DataType::Date64
            | DataType::Time32(_)
            | DataType::Time64(_)
            | DataType::Timestamp(_, _)
            | DataType::Duration(_) => small(Kind::Temporal),
            DataType::Decimal32(_, scale) => Values::Wide(Numbers::new(Kind::Decimal, DataType::Decimal128(9, *scale))),
            DataType::Decimal64(_, scale) => {
                Values::Wide(Numbers::new(Kind::Decimal, DataType::Decimal128(18, *scale)))
            }
            DataType::Decimal128(_, _) => Values::Wide(Numbers::new(Kind::Decimal, of.clone())),
            DataType::Decimal256(_, _) => Values::Widest(Numbers::new(Kind::Decimal, of.clone())),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Values::Text(Texts::new(true)),
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
                Values::Text(Texts::new(false))
            }
            _ => Values::Opaque,
        };
        let (name, type_name) = (field.name().clone(), arrow_field_type_name(field));
        Self { name, type_name, of, rows: 0, nulls: 0, values }
    }

    /// How much work a row is, beside others.
    pub(super) fn weight(&self) -> u32 {
        match self.values {
            Values::Opaque => 0,
            Values::Small(_) => 2,
            Values::Wide(_) | Values::Widest(_) => 3,
            Values::Text(_) => 4,
        }
    }

    pub(super) fn add(&mut self, array: &ArrayRef) -> Result<(), Failure> {
        self.rows += array.len() as u64;
        self.nulls += array.logical_null_count() as u64;
        if matches!(self.values, Values::Opaque) {
            return Ok(());
        }
        let array = if array.data_type() == &self.of { Arc::clone(array) } else { cast(array, &self.of)? };
        match &mut self.values {
            Values::Opaque => Ok(()),
            Values::Small(numbers) if numbers.kind == Kind::Float => {
                numbers.add_floats(cast(&array, &numbers.form)?.as_primitive())
            }
            Values::Small(numbers) => {
                let form = to_form(&array, &numbers.form)?;
                let values: &Int64Array = form.as_primitive();
                numbers.sum += values.iter().flatten().map(i128::from).sum::<i128>();
                numbers.add::<Int64Type>(&array, values)
            }
            Values::Wide(numbers) => {
                let form = to_form(&array, &numbers.form)?;
                let values: &Decimal128Array = form.as_primitive();
                numbers.add::<Decimal128Type>(&array, values)
            }
            Values::Widest(numbers) => {
                let form = to_form(&array, &numbers.form)?;
                let values: &Decimal256Array = form.as_primitive();
                numbers.add::<Decimal256Type>(&array, values)
            }
            Values::Text(texts) => texts.add(&array),
        }
    }

    pub(super) fn finish(self, options: &StatisticsOptions) -> Result<ColumnStatistics, Failure> {
        let mut statistics = ColumnStatistics {
            name: self.name,
            arrow_type: self.type_name,
            count: self.rows - self.nulls,
            null_count: self.nulls,
            nan_count: None,
            distinct: None,
            min: None,
            max: None,
            mean: None,
            std: None,
            quantiles: Vec::new(),
            quantile_error: None,
            top: Vec::new(),
            top_error: None,
        };
        let of = self.of;
        match self.values {
            Values::Opaque => {}
            Values::Small(numbers) if numbers.kind == Kind::Float => {
                let present = |key: i64| {
                    let value = of_key(key);
                    if value.is_infinite() {
                        return Some(infinity(value));
                    }
                    json_value(&cast(&Float64Array::from(vec![value]), &of).ok()?)
                };
                statistics.nan_count = Some(numbers.nans);
                statistics.mean = numbers.moments.mean().and_then(float_value);
                numbers.finish(&mut statistics, options, present)?;
            }
            Values::Small(numbers) => {
                let (sum, kind) = (numbers.sum, numbers.kind);
                let present = |key: i64| {
                    let array: ArrayRef = Arc::new(Int64Array::from(vec![key]));
                    json_value(&from_form(&array, &of).ok()?)
                };
                let count = i128::from(statistics.count);
                if count > 0 {
                    statistics.mean = match kind {
                        // To the whole unit of the type, as its values are.
                        Kind::Temporal => i64::try_from(sum.div_euclid(count)).ok().and_then(present),
                        _ => float_value((sum / count) as f64 + (sum % count) as f64 / count as f64),
                    };
                }
                numbers.finish(&mut statistics, options, present)?;
            }
            Values::Wide(numbers) => {
                let form = numbers.form.clone();
                let present = |key| {
                    let value = Decimal128Array::from(vec![key]).with_data_type(form.clone());
                    json_value(&cast(&value, &of).ok()?)
                };
                statistics.mean = numbers.moments.mean().and_then(float_value);
                numbers.finish(&mut statistics, options, present)?;
            }
            Values::Widest(numbers) => {
                let present = |key| {
                    let value: ArrayRef = Arc::new(Decimal256Array::from(vec![key]).with_data_type(of.clone()));
                    json_value(&value)
                };
                statistics.mean = numbers.moments.mean().and_then(float_value);
                numbers.finish(&mut statistics, options, present)?;
            }
            Values::Text(texts) => texts.finish(&mut statistics, options)?,
        }
        Ok(statistics)
    }
}

/// Numbers, or what is stored as some.
#[derive(Debug)]
struct Numbers<K> {
    kind: Kind,
    /// The Arrow type that they are counted in.
    form: DataType,
    counts: Counts<K>,
    /// Values that were the same one after the other, and are not counted yet: how a sketch is filled does not depend on where
    /// batches end.
    run: Option<Counted<K>>,
    extremes: Option<(K, K)>,
    moments: Moments,
    sum: i128,
    nans: u64,
}

impl<K: ArrowNativeType + Ord + Hash> Numbers<K> {
    fn new(kind: Kind, form: DataType) -> Self {
        let counts = Counts::new(kind != Kind::Boolean);
        Self { kind, form, counts, run: None, extremes: None, moments: Moments::default(), sum: 0, nans: 0 }
    }

    /// Counts values; those that follow each other and are the same are counted at once.
    fn count(&mut self, values: impl Iterator<Item = K>) -> Result<(), SketchError> {
        for value in values {
            let (low, high) = self.extremes.get_or_insert((value, value));
            (*low, *high) = ((*low).min(value), (*high).max(value));
            if let Some((last, times)) = &mut self.run
                && *last == value
            {
                *times += 1;
            } else if let Some((last, times)) = self.run.replace((value, 1)) {
                self.counts.add(last.borrow(), times)?;
            }
        }
        Ok(())
    }

    fn add<T: ArrowPrimitiveType<Native = K>>(
        &mut self,
        array: &ArrayRef,
        values: &PrimitiveArray<T>,
    ) -> Result<(), Failure> {
        if matches!(self.kind, Kind::Integer | Kind::Decimal) {
            let floats = cast(array, &DataType::Float64)?;
            let floats = floats.as_primitive::<Float64Type>();
            match floats.null_count() {
                0 => self.moments.add(floats.values().iter().copied()),
                _ => self.moments.add(floats.iter().flatten()),
            }
        }
        match values.null_count() {
            0 => self.count(values.values().iter().copied())?,
            _ => self.count(values.iter().flatten())?,
        }
        Ok(())
    }

    fn finish(
        mut self,
        statistics: &mut ColumnStatistics,
        options: &StatisticsOptions,
        present: impl Fn(K) -> Option<Value>,
    ) -> Result<(), Failure> {
        if let Some((last, times)) = self.run.take() {
            self.counts.add(last.borrow(), times)?;
        }
        statistics.distinct = Some(self.counts.distinct());
        if let Some((low, high)) = self.extremes {
            (statistics.min, statistics.max) = (present(low), present(high));
        }
        if matches!(self.kind, Kind::Integer | Kind::Float | Kind::Decimal) {
            statistics.std = self.moments.std();
        }
        if self.kind != Kind::Boolean {
            let (values, error) = self.counts.quantiles(&options.quantiles);
            let quantiles = options.quantiles.iter().zip(values);
            statistics.quantiles =
                quantiles.filter_map(|(at, value)| Some(Quantile { at: *at, value: present(value)? })).collect();
            statistics.quantile_error = Some(error);
        }
        let (top, error) = self.counts.top(options.top);
        statistics.top =
            top.into_iter().filter_map(|(key, count)| Some(TopValue { value: present(key)?, count })).collect();
        statistics.top_error = Some(error);
        Ok(())
    }
}

impl Numbers<i64> {
    fn add_floats(&mut self, values: &Float64Array) -> Result<(), Failure> {
        let numbers = || values.iter().flatten().filter(|value| !value.is_nan());
        self.nans += (values.len() - values.null_count() - numbers().count()) as u64;
        self.moments.add(numbers());
        self.count(numbers().map(key_of))?;
        Ok(())
    }
}

/// A number whose order is that of the floats; both zeros are one.
fn key_of(value: f64) -> i64 {
    let bits = (value + 0.0).to_bits().cast_signed();
    bits ^ (((bits >> 63).cast_unsigned()) >> 1).cast_signed()
}

fn of_key(key: i64) -> f64 {
    let bits = key ^ (((key >> 63).cast_unsigned()) >> 1).cast_signed();
    f64::from_bits(bits.cast_unsigned())
}

/// JSON has no infinite numbers.
fn infinity(value: f64) -> Value {
    if value > 0.0 { "inf".into() } else { "-inf".into() }
}

fn float_value(value: f64) -> Option<Value> {
    if value.is_infinite() { Some(infinity(value)) } else { serde_json::Number::from_f64(value).map(Value::Number) }
}

/// The type of the values that a dictionary or runs say once.
fn plain(of: &DataType) -> &DataType {
    match of {
        DataType::Dictionary(_, values) => plain(values),
        DataType::RunEndEncoded(_, values) => plain(values.data_type()),
        of => of,
    }
}

/// What is stored in 32 bits becomes a number of 64 by way of one of 32.
fn halfway(of: &DataType) -> bool {
    matches!(of, DataType::Date32 | DataType::Time32(_))
}

fn to_form(array: &ArrayRef, form: &DataType) -> Result<ArrayRef, ArrowError> {
    if halfway(array.data_type()) {
        return cast(&cast(array, &DataType::Int32)?, form);
    }
    cast(array, form)
}

fn from_form(array: &ArrayRef, of: &DataType) -> Result<ArrayRef, ArrowError> {
    if halfway(of) {
        return cast(&cast(array, &DataType::Int32)?, of);
    }
    cast(array, of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_keep_their_order_as_numbers() {
        let values = [f64::NEG_INFINITY, -1e300, -1.5, -1e-310, 0.0, 1e-310, 2.5, 1e300, f64::INFINITY];
        assert!(values.windows(2).all(|pair| key_of(pair[0]) < key_of(pair[1])));
        assert!(values.iter().all(|value| of_key(key_of(*value)).to_bits() == value.to_bits()));
        assert_eq!(key_of(-0.0), key_of(0.0));
    }
}
