//! Values looked up among keys that are written out.

use std::collections::HashMap;
use std::sync::Arc;

use super::convert::each_text;
use super::sides::{map, zip};
use crate::block::{Buffer, Dictionary, Fault, Lane, Number, Texts, Values, YES, both_valid, with_numbers};
use crate::plan::{Arguments, Kernel};
use crate::types::Type;
use crate::value::Value;

/// The place of what is no key.
const NONE: u32 = u32::MAX;

/// Keys of one type, numbered in their order. Of equal keys the last counts.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    table: Table,
    /// The number of the key `None`.
    missing: Option<u32>,
}

#[derive(Debug, Clone)]
enum Table {
    /// Bits of numbers and their numbers, few enough to be compared with one after the other.
    Few(Vec<(u64, u32)>),
    /// Numbers by their bits, less the least ones.
    Dense(u64, Vec<u32>),
    /// Bits and numbers at the places that a hash says or behind them; half of the places are free.
    Hashed(Vec<(u64, u32)>),
    Texts(HashMap<Box<[u8]>, u32>),
}

/// Up to this many keys, comparing with all of them takes less time than looking for one.
const FEW: usize = 6;

/// Keys of numbers that lie this close to each other, or of which every eighth place is one, are looked up by place.
const CLOSE: u64 = 1 << 16;

impl Keys {
    /// Keys of numbers, by their bits.
    pub(crate) fn of_numbers(keys: &[Option<u64>], missing: Option<u32>) -> Self {
        let mut by_bits: HashMap<u64, u32> = HashMap::with_capacity(keys.len());
        for (number, bits) in (0..NONE).zip(keys) {
            if let Some(bits) = bits {
                by_bits.insert(*bits, number);
            }
        }
        let mut keys: Vec<(u64, u32)> = by_bits.into_iter().collect();
        keys.sort_unstable();
        let span = keys.last().zip(keys.first()).map_or(0, |(last, first)| last.0 - first.0);
        let table = if keys.len() <= FEW {
            Table::Few(keys)
        } else if span < CLOSE.max(8 * keys.len() as u64) {
            let least = keys.first().map_or(0, |first| first.0);
            let mut places = vec![NONE; span as usize + 1];
            for (bits, number) in keys {
                if let Some(place) = places.get_mut((bits - least) as usize) {
                    *place = number;
                }
            }
            Table::Dense(least, places)
        } else {
            let mut places = vec![(0, NONE); (2 * keys.len()).next_power_of_two()];
            for (bits, number) in keys {
                let mut at = hash(bits, places.len());
                while places.get(at).is_some_and(|place| place.1 != NONE) {
                    at = (at + 1) & (places.len() - 1);
                }
                if let Some(place) = places.get_mut(at) {
                    *place = (bits, number);
                }
            }
            Table::Hashed(places)
        };
        Self { table, missing }
    }

    /// Keys of texts.
    pub(crate) fn of_texts<'k>(keys: impl Iterator<Item = Option<&'k str>>, missing: Option<u32>) -> Self {
        let keys = (0..NONE).zip(keys).filter_map(|(number, key)| Some((key?.as_bytes().into(), number)));
        Self { table: Table::Texts(keys.collect()), missing }
    }

    /// The numbers of the keys that values are.
    fn numbers(&self, lane: &Lane<'_>, rows: usize) -> Vec<u32> {
        let mut numbers = match (&lane.values, &self.table) {
            (Values::Text(texts), Table::Texts(keys)) => numbers_of_texts(texts, keys, rows),
            (Values::Bool(values), table) => table.numbers(&map(values, |value: u8| value & 1)),
            (values, table) => with_numbers!(values, values => table.numbers(values), _ => vec![NONE; rows]),
        };
        if let Some(valid) = lane.valid_rows(rows) {
            let missing = self.missing.unwrap_or(NONE);
            numbers.iter_mut().zip(valid.iter()).for_each(|(number, valid)| {
                if *valid != YES {
                    *number = missing
                }
            });
        }
        numbers
    }
}

fn hash(bits: u64, places: usize) -> usize {
    let mixed = (bits ^ (bits >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 32) as usize & (places - 1)
}

/// The bits by which a number is looked up: all zeros are one, and all NaN.
#[inline(always)]
fn bits_of<T: Number>(value: T) -> u64 {
    if value == T::default() { T::default().ordered_bits() } else { value.ordered_bits() }
}

/// The bits of a value of a type of numbers; none where it is no value of the type, and thus equal to none.
pub(crate) fn key_bits(value: &Value, type_: &Type) -> Option<u64> {
    let lane = match (value, type_) {
        (Value::Null, _) => return None,
        (Value::Float(number), Type::Int(_)) => {
            let whole = *number as i128;
            // What is no whole number is none of them.
            if whole as f64 != *number {
                return None;
            }
            Lane::constant(&Value::Int(whole), type_)?
        }
        _ => Lane::constant(value, type_)?,
    };
    with_numbers!(&lane.values, values => values.first().map(|value| bits_of(*value)), _ => None)
}

impl Table {
    fn numbers<T: Number>(&self, values: &[T]) -> Vec<u32> {
        match self {
            Self::Few(keys) => {
                let found = |value: T| {
                    let bits = bits_of(value);
                    keys.iter().fold(NONE, |found, (key, number)| if *key == bits { *number } else { found })
                };
                values.iter().map(|value| found(*value)).collect()
            }
            Self::Dense(least, places) => {
                let place = |value: T| {
                    bits_of(value).wrapping_sub(*least).try_into().ok().and_then(|at: usize| places.get(at)).copied()
                };
                values.iter().map(|value| place(*value).unwrap_or(NONE)).collect()
            }
            Self::Hashed(places) => values.iter().map(|value| found(bits_of(*value), places)).collect(),
            Self::Texts(_) => vec![NONE; values.len()],
        }
    }

    /// Which values are keys.
    fn contains<'a, T: Number>(&self, values: &[T]) -> Buffer<'a, u8> {
        let mask = |found: bool| if found { YES } else { 0 };
        match self {
            Self::Few(keys) => {
                let mut found: Buffer<'a, u8> = vec![0; values.len()].into();
                for (bits, _) in keys {
                    let key = T::from_ordered_bits(*bits);
                    found = if key.is_number() {
                        zip((&found, false), (values, false), |found, value: T| found | mask(value == key))
                    } else {
                        zip((&found, false), (values, false), |found, value: T| found | mask(!value.is_number()))
                    };
                }
                found
            }
            _ => map(&self.numbers(values), |number| mask(number != NONE)),
        }
    }
}

#[inline]
fn found(bits: u64, places: &[(u64, u32)]) -> u32 {
    let mut at = hash(bits, places.len());
    loop {
        match places.get(at) {
            Some((key, number)) if *number != NONE => {
                if *key == bits {
                    return *number;
                }
            }
            // Half of the places are free, so the search ends.
            _ => return NONE,
        }
        at = (at + 1) & (places.len() - 1);
    }
}

fn numbers_of_texts(texts: &Texts<'_>, keys: &HashMap<Box<[u8]>, u32>, rows: usize) -> Vec<u32> {
    let number =
        |texts: &Texts<'_>, row: usize| texts.bytes(row).and_then(|text| keys.get(text)).copied().unwrap_or(NONE);
    let lane = each_text(texts, None, rows, |texts, _, rows| {
        Lane::new(Values::U32((0..rows).map(|row| number(texts, row)).collect::<Vec<_>>().into()))
    });
    match lane.values {
        Values::U32(numbers) => numbers.into_vec(),
        _ => vec![NONE; rows],
    }
}

/// `isin(x, values)`. What is missing is in the list only if `None` is.
pub(crate) fn contains(keys: Keys) -> Kernel {
    Arc::new(move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let lane = arguments.next();
        let mask = |found: bool| if found { YES } else { 0 };
        let found = match (&lane.values, &keys.table) {
            (Values::Null, _) => vec![0; rows].into(),
            (Values::Text(texts), Table::Texts(keys)) => {
                map(&numbers_of_texts(texts, keys, rows), |number| mask(number != NONE))
            }
            (Values::Bool(values), table) => table.contains(&map(values, |value: u8| value & 1)),
            (values, table) => with_numbers!(values, values => table.contains(values), _ => vec![0; rows].into()),
        };
        let found = match (lane.valid_rows(rows), keys.missing.is_some()) {
            (None, _) => found,
            (Some(valid), false) => zip((&found, false), (&valid, false), |found: u8, valid: u8| found & valid),
            (Some(valid), true) => zip((&found, false), (&valid, false), |found: u8, valid: u8| found & valid | !valid),
        };
        Ok(Lane::new(Values::Bool(found)))
    })
}

/// What stands for values that are no key.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Others {
    /// The number of the result for NaN.
    pub(crate) nan: Option<u32>,
    /// The number of the result for everything else that is there.
    pub(crate) default: Option<u32>,
    /// Whether they are missing where nothing else stands for them; else the row has no result.
    pub(crate) missing: bool,
}

/// `map(x, pairs)`: the results of the keys that values are. What is missing stays so, unless `None` is a key.
pub(crate) fn mapped(keys: Keys, results: Lane<'static>, others: Others, from: Type) -> Kernel {
    // Results that are texts are given as codes: groups are found faster by them.
    let dictionary = match &results.values {
        Values::Text(texts) => Some(Arc::new(Dictionary::new(texts.clone(), results.valid.clone()))),
        _ => None,
    };
    Arc::new(move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let lane = arguments.next();
        let mut numbers = keys.numbers(&lane, rows);
        let present = lane.valid_rows(rows);
        let present = |row: usize| present.as_ref().is_none_or(|valid| valid.get(row) == Some(&YES));
        let mut known: Option<Vec<u8>> = None;
        let mut fault: Option<Vec<u8>> = None;
        for (row, number) in numbers.iter_mut().enumerate().filter(|(_, number)| **number == NONE) {
            let nan = || match &lane.values {
                Values::F32(values) => values.get(row).is_some_and(|value| value.is_nan()),
                Values::F64(values) => values.get(row).is_some_and(|value| value.is_nan()),
                _ => false,
            };
            let other = match present(row) {
                true => others.nan.filter(|_| nan()).or(others.default),
                false => None,
            };
            *number = other.unwrap_or(0);
            if other.is_none() {
                set(&mut known, rows, row, YES, 0);
                if present(row) && !others.missing {
                    set(&mut fault, rows, row, 0, YES);
                }
            }
        }
        let fault = fault.map(|failed| {
            let row = failed.iter().position(|row| *row == YES).unwrap_or(0);
            let value = lane.values.value(row, &from);
            Arc::new(Fault {
                rows: failed,
                reason: format!("{value} is no key of `map`; give it a default_value"),
                node: None,
            })
        });
        let places: Vec<usize> = numbers.iter().map(|number| *number as usize).collect();
        let valid = results.valid.as_ref().map(|valid| valid.gathered(&places));
        let values = match &dictionary {
            Some(dictionary) => Values::Text(Texts::Codes(
                numbers.iter().map(|number| *number as i32).collect::<Vec<_>>().into(),
                dictionary.clone(),
            )),
            None => results.values.gathered(&places),
        };
        Ok(Lane { fault, ..Lane::with_valid(values, both_valid(valid, known.map(Into::into))) })
    })
}

fn set(mask: &mut Option<Vec<u8>>, rows: usize, row: usize, others: u8, value: u8) {
    if let Some(slot) = mask.get_or_insert_with(|| vec![others; rows]).get_mut(row) {
        *slot = value;
    }
}
