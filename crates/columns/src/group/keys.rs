//! Which group a row belongs to.

use std::collections::HashMap;

use crate::block::{Lane, Number, TextBuilder, Texts, Values, YES, with_numbers};
use crate::types::{Int, Type};

/// The number of the group of rows without a key, until it is given one.
const NONE: u32 = u32::MAX;
/// How many neighbouring whole numbers are looked up directly.
const DIRECT: usize = 1 << 16;

/// Numbers for the different values of one lane, in the order in which they are met.
#[derive(Debug)]
pub(super) struct Keys {
    words: Words,
    texts: HashMap<Box<[u8]>, u32, foldhash::fast::RandomState>,
    /// The value of each number.
    values: Vec<Key>,
    missing: u32,
    /// Of the dictionary with this number: the number of each of its texts.
    dictionary: Option<(u64, Vec<u32>)>,
}

/// A value of a key.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Key {
    Missing,
    /// Bits of a number in the order of the numbers, or a text of up to seven bytes.
    Word(u64),
    Text(Box<[u8]>),
}

impl Default for Keys {
    fn default() -> Self {
        Self { words: Words::default(), texts: HashMap::default(), values: Vec::new(), missing: NONE, dictionary: None }
    }
}

impl Keys {
    /// How many different values there were.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The value of a number.
    pub(super) fn key(&self, number: u32) -> Option<&Key> {
        self.values.get(number as usize)
    }

    /// The number of a value.
    pub(super) fn number(&mut self, key: &Key) -> u32 {
        match key {
            Key::Missing => self.missing(),
            Key::Word(word) => self.word(*word),
            Key::Text(text) => self.text(text),
        }
    }

    /// The number of each row of a block; of rows that do not count, any.
    pub(super) fn numbers(&mut self, lane: &Lane<'_>, live: Option<&[u8]>, rows: usize, numbers: &mut Vec<u32>) {
        numbers.clear();
        let valid = lane.valid_rows(rows);
        let all = lane.valid.is_none() && live.is_none();
        let lane = lane.clone().spread(rows);
        let counts = |row: usize| live.is_none_or(|live| live.get(row) == Some(&YES));
        let has = |row: usize| valid.as_ref().is_none_or(|valid| valid.get(row) == Some(&YES));
        match &lane.values {
            Values::Text(Texts::Codes(codes, dictionary)) => {
                let known = self.of_dictionary(dictionary.id, &dictionary.texts);
                let mut known = known;
                for (row, code) in codes.iter().enumerate() {
                    let number = match (counts(row), has(row)) {
                        (false, _) => 0,
                        (true, false) => self.missing(),
                        (true, true) => {
                            let code = usize::try_from(*code).unwrap_or(0);
                            match known.get(code).copied().filter(|number| *number != NONE) {
                                Some(number) => number,
                                None => {
                                    let number = self.text(dictionary.texts.bytes(code).unwrap_or_default());
                                    if let Some(slot) = known.get_mut(code) {
                                        *slot = number;
                                    }
                                    number
                                }
                            }
                        }
                    };
                    numbers.push(number);
                }
                self.dictionary = Some((dictionary.id, known));
            }
            Values::Text(texts) => {
                for row in 0..rows {
                    numbers.push(match (counts(row), has(row)) {
                        (false, _) => 0,
                        (true, false) => self.missing(),
                        (true, true) => self.text(texts.bytes(row).unwrap_or_default()),
                    });
                }
            }
            Values::Bool(bytes) => {
                for (row, byte) in bytes.iter().enumerate() {
                    numbers.push(match (counts(row), has(row)) {
                        (false, _) => 0,
                        (true, false) => self.missing(),
                        (true, true) => self.word(u64::from(byte & 1)),
                    });
                }
            }
            values => with_numbers!(values, values => {
                if all {
                    values.iter().for_each(|value| numbers.push(self.word(bits(*value))));
                } else {
                    for (row, value) in values.iter().enumerate() {
                        numbers.push(match (counts(row), has(row)) {
                            (false, _) => 0,
                            (true, false) => self.missing(),
                            (true, true) => self.word(bits(*value)),
                        });
                    }
                }
            }, _ => {
                let missing = self.missing();
                numbers.resize(rows, missing);
            }),
        }
    }

    /// The numbers that texts of a dictionary have so far.
    fn of_dictionary(&mut self, id: u64, texts: &Texts<'_>) -> Vec<u32> {
        match self.dictionary.take() {
            Some((known, numbers)) if known == id => numbers,
            _ => vec![NONE; texts.len()],
        }
    }

    fn missing(&mut self) -> u32 {
        if self.missing == NONE {
            self.missing = self.values.len() as u32;
            self.values.push(Key::Missing);
        }
        self.missing
    }

    #[inline]
    fn word(&mut self, word: u64) -> u32 {
        let next = self.values.len() as u32;
        let number = self.words.number(word, next);
        if number == next {
            self.values.push(Key::Word(word));
        }
        number
    }

    #[inline]
    fn text(&mut self, text: &[u8]) -> u32 {
        if let Some(word) = short(text) {
            return self.word(word);
        }
        if let Some(number) = self.texts.get(text) {
            return *number;
        }
        let number = self.values.len() as u32;
        self.texts.insert(text.into(), number);
        self.values.push(Key::Text(text.into()));
        number
    }
}

/// Bits by which numbers are told apart. Both zeros are one, and all NaN are.
#[inline(always)]
fn bits<T: Number>(value: T) -> u64 {
    if value == T::default() { T::default().ordered_bits() } else { value.ordered_bits() }
}

/// A text of up to seven bytes with its length, in 64 bits.
#[inline(always)]
fn short(text: &[u8]) -> Option<u64> {
    if text.len() > 7 {
        return None;
    }
    let mut word = (text.len() as u64) << 56;
    for (at, byte) in text.iter().enumerate() {
        word |= u64::from(*byte) << (8 * at);
    }
    Some(word)
}

/// Numbers for words: directly where they lie close together, else by open addressing.
#[derive(Debug, Default)]
struct Words {
    /// The least word that is looked up directly, and the numbers from there on.
    base: u64,
    direct: Vec<u32>,
    /// Words and their numbers; no number for a free place.
    slots: Vec<(u64, u32)>,
    len: usize,
}

impl Words {
    #[inline]
    fn number(&mut self, word: u64, next: u32) -> u32 {
        if self.direct.is_empty() {
            self.base = word.saturating_sub(DIRECT as u64 / 2);
            self.direct = vec![NONE; DIRECT];
        }
        if let Some(number) = self.direct.get_mut(word.wrapping_sub(self.base) as usize) {
            if *number == NONE {
                *number = next;
            }
            return *number;
        }
        self.hashed(word, next)
    }

    fn hashed(&mut self, word: u64, next: u32) -> u32 {
        if (self.len + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let mut at = place(word) & mask;
        while let Some(slot) = self.slots.get_mut(at) {
            if slot.1 == NONE {
                *slot = (word, next);
                self.len += 1;
                return next;
            }
            if slot.0 == word {
                return slot.1;
            }
            at = (at + 1) & mask;
        }
        next
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(1024);
        let old = std::mem::replace(&mut self.slots, vec![(0, NONE); size]);
        for (word, number) in old.into_iter().filter(|(_, number)| *number != NONE) {
            let mut at = place(word) & (size - 1);
            while self.slots.get(at).is_some_and(|slot| slot.1 != NONE) {
                at = (at + 1) & (size - 1);
            }
            if let Some(slot) = self.slots.get_mut(at) {
                *slot = (word, number);
            }
        }
    }
}

#[inline(always)]
fn place(word: u64) -> usize {
    let word = word.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (word ^ (word >> 32)) as usize
}

/// The values of keys as a lane of a type.
pub(super) fn lane_of_keys(keys: &[Key], type_: &Type) -> Lane<'static> {
    let valid: Vec<u8> = keys.iter().map(|key| if matches!(key, Key::Missing) { 0 } else { YES }).collect();
    let words = || keys.iter().map(|key| if let Key::Word(word) = key { *word } else { 0 });
    fn numbers<T: Number>(words: impl Iterator<Item = u64>) -> Values<'static> {
        T::values(words.map(T::from_ordered_bits).collect::<Vec<T>>().into())
    }
    let values = match type_ {
        Type::Text => {
            let mut builder = TextBuilder::with_capacity(keys.len(), keys.len() * 8);
            for key in keys {
                match key {
                    Key::Missing => builder.push(""),
                    Key::Text(text) => builder.push(std::str::from_utf8(text).unwrap_or_default()),
                    Key::Word(word) => {
                        let bytes = word.to_le_bytes();
                        let text = bytes.get(..usize::from(bytes[7])).unwrap_or_default();
                        builder.push(std::str::from_utf8(text).unwrap_or_default());
                    }
                }
            }
            Values::Text(builder.finish())
        }
        Type::Bool => Values::Bool(words().map(|word| if word == 1 { YES } else { 0 }).collect::<Vec<u8>>().into()),
        Type::Int(Int::I8) => numbers::<i8>(words()),
        Type::Int(Int::I16) => numbers::<i16>(words()),
        Type::Int(Int::I32) => numbers::<i32>(words()),
        Type::Int(Int::U8) => numbers::<u8>(words()),
        Type::Int(Int::U16) => numbers::<u16>(words()),
        Type::Int(Int::U32) => numbers::<u32>(words()),
        Type::Int(Int::U64) => numbers::<u64>(words()),
        Type::Float32 => numbers::<f32>(words()),
        Type::Float64 => numbers::<f64>(words()),
        Type::Null => Values::Null,
        _ => numbers::<i64>(words()),
    };
    let all = !valid.contains(&0);
    Lane::with_valid(values, if all { None } else { Some(valid.into()) })
}
