//! The least and the greatest text.

use std::sync::Arc;

use crate::block::{Texts, YES};
use crate::value::Value;

/// The least and the greatest text so far, by code points.
#[derive(Debug, Clone, Default)]
pub(in crate::aggregate) struct TextExtremes {
    both: Option<(Arc<str>, Arc<str>)>,
}

impl TextExtremes {
    pub(super) fn least(&self) -> Value {
        self.both.as_ref().map_or(Value::Null, |both| Value::Text(both.0.clone()))
    }

    pub(super) fn greatest(&self) -> Value {
        self.both.as_ref().map_or(Value::Null, |both| Value::Text(both.1.clone()))
    }

    /// Takes the texts of a mask.
    pub(super) fn add(&mut self, texts: &Texts<'_>, mask: Option<&[u8]>) {
        let there = |row: usize| mask.is_none_or(|mask| mask.get(row) == Some(&YES));
        if let Texts::Codes(codes, dictionary) = texts {
            // Each text of a small dictionary once.
            if dictionary.texts.len() <= codes.len() {
                let mut seen = vec![false; dictionary.texts.len()];
                for (row, code) in codes.iter().enumerate() {
                    if let Some(seen) = usize::try_from(*code).ok().and_then(|code| seen.get_mut(code)) {
                        *seen |= there(row);
                    }
                }
                for (code, _) in seen.iter().enumerate().filter(|(_, seen)| **seen) {
                    self.see(dictionary.texts.get(code));
                }
                return;
            }
        }
        for row in (0..texts.len()).filter(|row| there(*row)) {
            // Bytes of UTF-8 have the order of the code points.
            let inside = match (texts.bytes(row), &self.both) {
                (Some(bytes), Some((least, greatest))) => bytes >= least.as_bytes() && bytes <= greatest.as_bytes(),
                _ => false,
            };
            if !inside {
                self.see(texts.get(row));
            }
        }
    }

    fn see(&mut self, text: Option<&str>) {
        let Some(text) = text else { return };
        match &mut self.both {
            None => {
                let text: Arc<str> = text.into();
                self.both = Some((text.clone(), text));
            }
            Some((least, _)) if text < &**least => *least = text.into(),
            Some((_, greatest)) if text > &**greatest => *greatest = text.into(),
            Some(_) => {}
        }
    }

    pub(super) fn join(&mut self, other: Self) {
        if let Some((least, greatest)) = other.both {
            self.see(Some(&least));
            self.see(Some(&greatest));
        }
    }
}
