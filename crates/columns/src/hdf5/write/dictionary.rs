//! One dictionary out of those of all batches.

use std::collections::HashMap;

use arrow::array::{AnyDictionaryArray, Array, ArrayRef, UInt64Array, new_null_array};
use arrow::compute::{concat, take};
use arrow::datatypes::DataType;

use crate::error::ColumnsResult;

use super::faults;
use super::kind::{Element, Kind, bits_of, bytes_of};
use super::stream::Sink;
use super::text::Texts;

/// The values of all dictionaries, each once, in the order in which they were seen.
#[derive(Debug)]
pub(super) struct Unified {
    values: Kind,
    type_: DataType,
    known: HashMap<Box<[u8]>, u64>,
    /// The code of the missing value.
    missing: Option<u64>,
    pieces: Vec<ArrayRef>,
    count: u64,
    /// The dictionary that was seen last: batches mostly share theirs.
    last: Option<ArrayRef>,
}

impl Unified {
    pub(super) fn new(values: Kind, type_: DataType) -> Self {
        Self { values, type_, known: HashMap::new(), missing: None, pieces: Vec::new(), count: 0, last: None }
    }

    /// Takes in the values of a batch.
    pub(super) fn see(&mut self, batch: &dyn AnyDictionaryArray) -> ColumnsResult<()> {
        let values = batch.values();
        if self.missing.is_none() && batch.null_count() > 0 {
            self.add_missing();
        }
        if self.last.as_ref().is_some_and(|last| same(last, values)) {
            return Ok(());
        }
        let mut fresh = Vec::new();
        let mut missing = None;
        for (row, key) in keys(values, &self.values).into_iter().enumerate() {
            match key {
                Some(key) => {
                    if !self.known.contains_key(key.as_ref()) {
                        self.known.insert(key.into_boxed(), self.count);
                        fresh.push(row as u64);
                        self.count += 1;
                    }
                }
                None => missing = Some(()),
            }
        }
        if !fresh.is_empty() {
            self.pieces.push(take(values, &UInt64Array::from(fresh), None)?);
        }
        if missing.is_some() && self.missing.is_none() {
            self.add_missing();
        }
        self.last = Some(values.clone());
        Ok(())
    }

    fn add_missing(&mut self) {
        self.missing = Some(self.count);
        self.pieces.push(new_null_array(&self.type_, 1));
        self.count += 1;
    }

    /// All values, as an array.
    pub(super) fn array(&self) -> ColumnsResult<ArrayRef> {
        let pieces: Vec<&dyn Array> = self.pieces.iter().map(AsRef::as_ref).collect();
        Ok(if pieces.is_empty() { new_null_array(&self.type_, 0) } else { concat(&pieces)? })
    }

    /// The narrowest type for the codes that is at least as wide as the one they come in.
    pub(super) fn key(&self, key: Element) -> Element {
        let Element::Int { width, signed } = key else { return key };
        let last = self.count.saturating_sub(1);
        let fits = |width: &usize| u128::from(last) < 1_u128 << (width * 8 - usize::from(signed));
        let width = [1, 2, 4, 8].into_iter().filter(|wider| *wider >= width).find(fits).unwrap_or(8);
        Element::Int { width, signed }
    }
}

/// The codes of one batch after the other in the unified dictionary.
#[derive(Debug)]
pub(super) struct Recoder<'a> {
    unified: &'a Unified,
    /// The dictionary that `codes` is of.
    last: Option<ArrayRef>,
    codes: Vec<u64>,
}

impl<'a> Recoder<'a> {
    pub(super) fn new(unified: &'a Unified) -> Self {
        Self { unified, last: None, codes: Vec::new() }
    }

    /// The code of every row.
    pub(super) fn codes<'b>(
        &'b mut self,
        sink: Sink<'b>,
        batch: &'b dyn AnyDictionaryArray,
    ) -> ColumnsResult<impl Iterator<Item = ColumnsResult<u64>> + 'b> {
        let stranger =
            move || faults::column_changed(sink, "has got values in its dictionary that layout has not seen");
        let values = batch.values();
        if !self.last.as_ref().is_some_and(|last| same(last, values)) {
            let codes = keys(values, &self.unified.values).into_iter().map(|key| match key {
                Some(key) => self.unified.known.get(key.as_ref()).copied(),
                None => self.unified.missing,
            });
            self.codes = codes.collect::<Option<Vec<u64>>>().ok_or_else(stranger)?;
            self.last = Some(values.clone());
        }
        let missing = self.unified.missing;
        // Of no values there are no keys, and Arrow cannot normalise them.
        let normal = if values.is_empty() { vec![0; batch.len()] } else { batch.normalized_keys() };
        Ok(normal.into_iter().enumerate().map(move |(row, key)| {
            let code = if batch.is_valid(row) { self.codes.get(key).copied() } else { missing };
            code.ok_or_else(stranger)
        }))
    }
}

/// Whether both are the same dictionary, without looking at its values.
fn same(a: &ArrayRef, b: &ArrayRef) -> bool {
    std::sync::Arc::ptr_eq(a, b) || a.to_data().ptr_eq(&b.to_data())
}

/// What a value is known by.
enum Key<'a> {
    Bytes(&'a [u8]),
    Owned([u8; 8], usize),
}

impl Key<'_> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Owned(bytes, width) => &bytes[..*width],
        }
    }

    fn into_boxed(self) -> Box<[u8]> {
        self.as_ref().into()
    }
}

fn keys<'a>(values: &'a ArrayRef, kind: &Kind) -> Vec<Option<Key<'a>>> {
    match kind {
        Kind::Fixed { element: Element::Bool, .. } => {
            let bits = bits_of(values);
            let bit = |row| Key::Owned([u8::from(bits.as_ref().is_some_and(|bits| bits.value(row))); 8], 1);
            (0..values.len()).map(|row| values.is_valid(row).then(|| bit(row))).collect()
        }
        Kind::Fixed { element, .. } => {
            let width = if *element == Element::Date { 4 } else { element.width() };
            let bytes = bytes_of(values, width);
            let key = |row: usize| {
                let mut key = [0; 8];
                if let Some(bytes) = bytes.as_ref().and_then(|bytes| bytes.get(row * width..(row + 1) * width)) {
                    key[..width].copy_from_slice(bytes);
                }
                Key::Owned(key, width)
            };
            (0..values.len()).map(|row| values.is_valid(row).then(|| key(row))).collect()
        }
        Kind::Text | Kind::Dictionary { .. } => match Texts::of(values) {
            Some(texts) => (0..texts.len()).map(|row| texts.get(row).map(|text| Key::Bytes(text.as_bytes()))).collect(),
            None => Vec::new(),
        },
    }
}
