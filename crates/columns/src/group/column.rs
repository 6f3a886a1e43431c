//! Distinct values of one lane, and the number of each: numbers of keys, and of what is counted by group.

use std::cmp::Ordering;

use crate::block::{Buffer, Lane, Number, TextBuilder, Texts, Values, YES, with_numbers};
use crate::error::{ColumnsError, ColumnsResult};
use crate::simd::vectorised;
use crate::types::{Int, Type};

use super::lookup::{FindShort, LookUp, Offset, Range};
use super::table::{NONE, Table};

/// The most numbers that are looked up by their place in a range.
const WIDEST: u64 = 1 << 20;

/// Values that are told apart, in the order in which they are first seen. All NaN are one value, and so are both zeros.
#[derive(Debug, Clone)]
pub(crate) struct Distinct {
    type_: Type,
    kept: Kept,
    table: Table,
    /// The number of rows without a value.
    missing: Option<u32>,
    count: u32,
    range: Option<Range>,
    /// Numbers of the texts of the dictionary that was seen last, by their codes.
    codes: Option<(u64, Vec<u32>)>,
}

/// The values by number; of what is missing, anything.
#[derive(Debug, Clone)]
enum Kept {
    /// Numbers, truth values and ticks, by [`Number::ordered_bits`].
    Bits(Vec<u64>),
    /// Bytes of texts, and where each ends.
    Texts(Vec<usize>, Vec<u8>),
}

impl Distinct {
    /// For values of a type.
    pub(crate) fn new(type_: &Type) -> Option<Self> {
        let (kept, range) = match type_ {
            Type::Text => (Kept::Texts(Vec::new(), Vec::new()), None),
            Type::Float32 | Type::Float64 => (Kept::Bits(Vec::new()), None),
            Type::Null | Type::Bool | Type::Int(_) | Type::Instant(..) | Type::Duration(_) => {
                (Kept::Bits(Vec::new()), Some(Range { first: 0, numbers: Vec::new() }))
            }
            Type::Vector(..) | Type::Other(_) => return None,
        };
        let type_ = type_.clone();
        Some(Self { type_, kept, table: Table::new(), missing: None, count: 0, range, codes: None })
    }

    /// How many values there are, with the missing one.
    pub(crate) fn len(&self) -> usize {
        self.count as usize
    }

    /// The number of what is missing, if a row was without a value.
    pub(crate) fn missing(&self) -> Option<u32> {
        self.missing
    }

    /// The number of NaN, if there is one.
    pub(crate) fn nan(&self) -> Option<u32> {
        let bits = match self.type_ {
            Type::Float32 => f32::NAN.ordered_bits(),
            Type::Float64 => f64::NAN.ordered_bits(),
            _ => return None,
        };
        self.table.get(bits, 0)
    }

    /// Bytes that it takes.
    pub(crate) fn memory(&self) -> usize {
        let kept = match &self.kept {
            Kept::Bits(bits) => bits.capacity() * 8,
            Kept::Texts(ends, bytes) => ends.capacity() * 8 + bytes.capacity(),
        };
        let range = self.range.as_ref().map_or(0, |range| range.numbers.capacity() * 4);
        let codes = self.codes.as_ref().map_or(0, |(_, codes)| codes.capacity() * 4);
        kept + range + codes + self.table.memory()
    }

    fn next(&mut self) -> ColumnsResult<u32> {
        let number = self.count;
        if number >= NONE - 1 {
            return Err(ColumnsError::option("there are more than four thousand million different values"));
        }
        self.count += 1;
        Ok(number)
    }

    fn number_of_missing(&mut self) -> ColumnsResult<u32> {
        if let Some(number) = self.missing {
            return Ok(number);
        }
        let number = self.next()?;
        match &mut self.kept {
            Kept::Bits(bits) => bits.push(0),
            Kept::Texts(ends, bytes) => ends.push(bytes.len()),
        }
        self.missing = Some(number);
        Ok(number)
    }

    /// The number of a value, by its ordered bits.
    pub(super) fn number_of_bits(&mut self, bits: u64) -> ColumnsResult<u32> {
        if let Some(number) = self.table.get(bits, 0) {
            return Ok(number);
        }
        let number = self.next()?;
        self.table.insert(bits, 0, number);
        if let Kept::Bits(kept) = &mut self.kept {
            kept.push(bits);
        }
        Ok(number)
    }

    fn number_of_text(&mut self, text: &[u8]) -> ColumnsResult<u32> {
        let (key, tag) = key_of(text);
        if let Some(number) = self.find_text(key, tag, text) {
            return Ok(number);
        }
        let number = self.next()?;
        self.table.insert(key, tag, number);
        if let Kept::Texts(ends, bytes) = &mut self.kept {
            bytes.extend_from_slice(text);
            ends.push(bytes.len());
        }
        Ok(number)
    }

    #[inline(always)]
    fn find_text(&self, key: u64, tag: u32, text: &[u8]) -> Option<u32> {
        if tag <= 8 {
            return self.table.get(key, tag);
        }
        self.table.find(key, tag, |number| self.text(number) == text)
    }

    fn text(&self, number: u32) -> &[u8] {
        let Kept::Texts(ends, bytes) = &self.kept else { return &[] };
        let at = number as usize;
        let start = at.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
        ends.get(at).and_then(|end| bytes.get(start..*end)).unwrap_or_default()
    }

    /// Writes the number of each row's value, with new numbers for values that are new.
    pub(crate) fn encode(&mut self, lane: &Lane<'_>, rows: usize, numbers: &mut Vec<u32>) -> ColumnsResult<()> {
        numbers.clear();
        if lane.constant {
            let mut one = Vec::with_capacity(1);
            self.encode(&Lane { constant: false, ..lane.clone() }, 1, &mut one)?;
            numbers.resize(rows, one.first().copied().unwrap_or(0));
            return Ok(());
        }
        match &lane.values {
            Values::Null => {
                let number = self.number_of_missing()?;
                numbers.resize(rows, number);
                return Ok(());
            }
            Values::Text(texts) => return self.encode_texts(texts, lane.valid.as_deref(), numbers),
            Values::Bool(bytes) => self.encode_numbers::<u8>(bytes, lane.valid.as_deref(), numbers)?,
            values => with_numbers!(values, buffer => {
                self.encode_numbers(buffer, lane.valid.as_deref(), numbers)?
            }, _ => return Err(ColumnsError::option("there are no groups of vectors"))),
        }
        Ok(())
    }

    fn encode_numbers<T: Number>(
        &mut self,
        values: &[T],
        valid: Option<&[u8]>,
        numbers: &mut Vec<u32>,
    ) -> ColumnsResult<()> {
        let mut all = false;
        if let Some(range) = &self.range {
            numbers.resize(values.len(), NONE);
            all = vectorised(LookUp { values, range, numbers });
        } else {
            numbers.reserve(values.len());
            let mut found = true;
            for value in values {
                let number = self.table.find_key(bits_of(*value), 0);
                found &= number != NONE;
                numbers.push(number);
            }
            all |= found;
        }
        if let Some(valid) = valid.filter(|valid| valid.iter().any(|byte| *byte != YES)) {
            let missing = self.number_of_missing()?;
            for (number, valid) in numbers.iter_mut().zip(valid) {
                *number = if *valid == YES { *number } else { missing };
            }
        }
        if all {
            return Ok(());
        }
        if self.range.is_some() {
            self.widen(values, valid);
        }
        for (number, value) in numbers.iter_mut().zip(values) {
            if *number == NONE {
                let bits = bits_of(*value);
                *number = self.number_of_bits(bits)?;
                if let Some(range) = &mut self.range
                    && let Some(place) = range.numbers.get_mut(bits.wrapping_sub(range.first) as usize)
                {
                    *place = *number;
                }
            }
        }
        Ok(())
    }

    /// Makes the range wide enough for the values, or gives it up where they lie too far apart.
    fn widen<T: Number>(&mut self, values: &[T], valid: Option<&[u8]>) {
        let Some(range) = &mut self.range else { return };
        let (mut least, mut greatest) = match range.numbers.len() as u64 {
            0 => (u64::MAX, 0),
            length => (range.first, range.first + (length - 1)),
        };
        for (row, value) in values.iter().enumerate() {
            if valid.is_none_or(|valid| valid.get(row) == Some(&YES)) {
                let bits = value.ordered_bits();
                least = least.min(bits);
                greatest = greatest.max(bits);
            }
        }
        if least > greatest {
            return;
        }
        let inside = least >= range.first && greatest - range.first < range.numbers.len() as u64;
        if inside {
            return;
        }
        let width = greatest - least;
        if width >= WIDEST {
            self.range = None;
            return;
        }
        // Some room on both sides, so that values that rise do not widen it with every block.
        let room = (width / 4).max(128);
        let (first, last) = (least.saturating_sub(room), greatest.saturating_add(room).min(u64::MAX - 1));
        let mut numbers = vec![NONE; (last - first + 1) as usize];
        if let Kept::Bits(kept) = &self.kept {
            for (number, bits) in kept.iter().enumerate() {
                if Some(number as u32) == self.missing {
                    continue;
                }
                if let Some(place) = numbers.get_mut(bits.wrapping_sub(first) as usize) {
                    *place = number as u32;
                }
            }
        }
        *range = Range { first, numbers };
    }

    fn encode_texts(&mut self, texts: &Texts<'_>, valid: Option<&[u8]>, numbers: &mut Vec<u32>) -> ColumnsResult<()> {
        match texts {
            Texts::Short(offsets, bytes) => self.encode_bytes(offsets, bytes, valid, numbers),
            Texts::Long(offsets, bytes) => self.encode_bytes(offsets, bytes, valid, numbers),
            Texts::Codes(codes, dictionary) => {
                let known = match self.codes.take() {
                    Some((id, known)) if id == dictionary.id => known,
                    _ => vec![NONE; dictionary.texts.len()],
                };
                let mut known = known;
                for (row, code) in codes.iter().enumerate() {
                    if valid.is_some_and(|valid| valid.get(row) != Some(&YES)) {
                        numbers.push(self.number_of_missing()?);
                        continue;
                    }
                    let place = usize::try_from(*code).ok().and_then(|code| known.get_mut(code));
                    let Some(place) = place else {
                        return Err(ColumnsError::option(
                            "a code of a category has no text; is its file being written to?",
                        ));
                    };
                    if *place == NONE {
                        *place = self.number_of_text(dictionary.texts.bytes(*code as usize).unwrap_or_default())?;
                    }
                    numbers.push(*place);
                }
                self.codes = Some((dictionary.id, known));
                Ok(())
            }
        }
    }

    fn encode_bytes<O: Offset>(
        &mut self,
        offsets: &[O],
        bytes: &[u8],
        valid: Option<&[u8]>,
        numbers: &mut Vec<u32>,
    ) -> ColumnsResult<()> {
        let ends = offsets.get(1..).unwrap_or_default();
        numbers.resize(ends.len(), NONE);
        let mut all = vectorised(FindShort { offsets, ends, bytes, table: &self.table, numbers });
        if let Some(valid) = valid.filter(|valid| valid.iter().any(|byte| *byte != YES)) {
            let missing = self.number_of_missing()?;
            for (number, valid) in numbers.iter_mut().zip(valid) {
                *number = if *valid == YES { *number } else { missing };
            }
            all = false;
        }
        if all {
            return Ok(());
        }
        for (number, (start, end)) in numbers.iter_mut().zip(offsets.iter().zip(ends)) {
            if *number == NONE {
                *number = self.number_of_text(bytes.get(start.place()..end.place()).unwrap_or_default())?;
            }
        }
        Ok(())
    }

    /// Takes the values of another, and tells which number each has here.
    pub(crate) fn absorb(&mut self, other: &Self) -> ColumnsResult<Vec<u32>> {
        (0..other.count).map(|number| self.absorb_one(other, number)).collect()
    }

    /// Takes a value of another, and tells which number it has here.
    pub(crate) fn absorb_one(&mut self, other: &Self, number: u32) -> ColumnsResult<u32> {
        match &other.kept {
            _ if other.missing == Some(number) => self.number_of_missing(),
            Kept::Bits(bits) => self.number_of_bits(bits.get(number as usize).copied().unwrap_or(0)),
            Kept::Texts(..) => self.number_of_text(other.text(number)),
        }
    }

    /// How two values are ordered: NaN after numbers, and what is missing last.
    pub(crate) fn compare(&self, a: u32, b: u32) -> Ordering {
        match (self.missing == Some(a), self.missing == Some(b)) {
            (false, false) => match &self.kept {
                Kept::Bits(bits) => bits.get(a as usize).cmp(&bits.get(b as usize)),
                Kept::Texts(..) => self.text(a).cmp(self.text(b)),
            },
            (a, b) => a.cmp(&b),
        }
    }

    /// A hash of a value, the same in every thread and table of the process.
    pub(crate) fn hash(&self, number: u32) -> u64 {
        match &self.kept {
            _ if self.missing == Some(number) => HASH_OF_MISSING,
            Kept::Bits(bits) => mix(bits.get(number as usize).copied().unwrap_or(0)),
            Kept::Texts(..) => hash_of_text(self.text(number)),
        }
    }

    /// The values of these numbers.
    pub(crate) fn lane(&self, numbers: &[u32]) -> Lane<'static> {
        let valid = self.missing.filter(|missing| numbers.contains(missing)).map(|missing| {
            Buffer::from(numbers.iter().map(|number| if *number == missing { 0 } else { YES }).collect::<Vec<u8>>())
        });
        let values = match &self.kept {
            Kept::Bits(bits) => values_of_bits(
                &self.type_,
                numbers.iter().map(|number| bits.get(*number as usize).copied().unwrap_or(0)),
            ),
            Kept::Texts(..) => {
                let mut builder = TextBuilder::with_capacity(numbers.len(), 0);
                for number in numbers {
                    builder.push_with(|bytes| bytes.extend_from_slice(self.text(*number)));
                }
                Values::Text(builder.finish())
            }
        };
        Lane::with_valid(values, valid)
    }
}

/// Values of a type from their ordered bits.
pub(crate) fn values_of_bits(type_: &Type, bits: impl Iterator<Item = u64>) -> Values<'static> {
    fn all<T: Number>(bits: impl Iterator<Item = u64>) -> Values<'static> {
        T::values(bits.map(T::from_ordered_bits).collect::<Vec<_>>().into())
    }
    match type_ {
        Type::Bool => Values::Bool(bits.map(|bits| bits as u8).collect::<Vec<_>>().into()),
        Type::Int(Int::I8) => all::<i8>(bits),
        Type::Int(Int::I16) => all::<i16>(bits),
        Type::Int(Int::I32) => all::<i32>(bits),
        Type::Int(Int::U8) => all::<u8>(bits),
        Type::Int(Int::U16) => all::<u16>(bits),
        Type::Int(Int::U32) => all::<u32>(bits),
        Type::Int(Int::U64) => all::<u64>(bits),
        Type::Float32 => all::<f32>(bits),
        Type::Float64 => all::<f64>(bits),
        Type::Int(Int::I64) | Type::Instant(..) | Type::Duration(_) => all::<i64>(bits),
        Type::Null | Type::Text | Type::Vector(..) | Type::Other(_) => Values::Null,
    }
}

/// Bits of a value in the order of the values, of which both zeros have the same.
#[inline(always)]
pub(crate) fn bits_of<T: Number>(value: T) -> u64 {
    // Of whole numbers nothing is changed.
    if T::FLOAT && value == T::default() { T::default().ordered_bits() } else { value.ordered_bits() }
}

/// What stands for a text in a table: its bytes where there are up to eight, else a hash of them.
fn key_of(text: &[u8]) -> (u64, u32) {
    let length = u32::try_from(text.len()).unwrap_or(NONE - 1);
    if text.len() <= 8 {
        let mut word = [0; 8];
        word.iter_mut().zip(text).for_each(|(byte, letter)| *byte = *letter);
        return (u64::from_le_bytes(word), length);
    }
    let mut hash = 0x51_7C_C1_B7_27_22_0A_95_u64 ^ u64::from(length);
    let words = text.chunks_exact(8);
    let mut last = [0; 8];
    last.iter_mut().zip(words.remainder()).for_each(|(byte, letter)| *byte = *letter);
    for word in words.map(|word| word.try_into().map(u64::from_le_bytes).unwrap_or(0)).chain([u64::from_le_bytes(last)])
    {
        hash = mix(hash ^ word);
    }
    (hash, length)
}

const HASH_OF_MISSING: u64 = 0x6D69_7373_696E_6721;

fn hash_of_text(text: &[u8]) -> u64 {
    let (key, length) = key_of(text);
    mix(key ^ (u64::from(length) << 40))
}

/// Adds the hash of each row's value to what is there: those of the keys of a row in turn make the hash that its group has.
pub(crate) fn hash_rows(lane: &Lane<'_>, hashes: &mut [u64]) {
    let lane = lane.clone().spread(hashes.len());
    fn numbers<T: Number>(values: &[T], lane: &Lane<'_>, hashes: &mut [u64]) {
        for (row, (hash, value)) in hashes.iter_mut().zip(values).enumerate() {
            let own = if lane.is_valid(row) { mix(bits_of(*value)) } else { HASH_OF_MISSING };
            *hash = mix(*hash ^ own);
        }
    }
    match &lane.values {
        Values::Bool(values) => numbers::<u8>(values, &lane, hashes),
        Values::Text(texts) => {
            for (row, hash) in hashes.iter_mut().enumerate() {
                let text = texts.bytes(row).filter(|_| lane.is_valid(row));
                *hash = mix(*hash ^ text.map_or(HASH_OF_MISSING, hash_of_text));
            }
        }
        values => with_numbers!(values, values => numbers(values, &lane, hashes), _ => {
            hashes.iter_mut().for_each(|hash| *hash = mix(*hash ^ HASH_OF_MISSING));
        }),
    }
}

/// Spreads what differs in any bit over all of them.
#[inline(always)]
pub(crate) fn mix(value: u64) -> u64 {
    let product = u128::from(value ^ 0x9E37_79B9_7F4A_7C15) * u128::from(0xD6E8_FEB8_6659_FD93_u64);
    (product >> 64) as u64 ^ product as u64
}
