//! The lines of a file, and the object that each of them is.

use std::io::{BufRead, BufReader, Read};

use crate::error::HandlerResult;
use crate::formats::input::{Meter, TableFile};
use crate::formats::{Compression, MAX_RECORD, bad};
use crate::json_text;

/// Reads lines, skipping empty ones.
pub(super) struct Lines {
    input: BufReader<Box<dyn Read + Send>>,
    number: u64,
    kept: Kept,
}

/// Lines that were given out, and are to be given out again.
#[derive(Default)]
struct Kept {
    text: Vec<u8>,
    /// Where each of them ends in the text, and its number.
    ends: Vec<(usize, u64)>,
    /// How many were given out again.
    given: usize,
}

impl Lines {
    pub(super) fn open(file: &TableFile, compression: Compression, meter: Meter) -> HandlerResult<Self> {
        let input = BufReader::with_capacity(128 << 10, file.content(compression, meter)?);
        Ok(Self { input, number: 0, kept: Kept::default() })
    }

    /// The number of the last line that was read.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Appends the next line that is not empty, and gives its number.
    pub(super) fn next(
        &mut self,
        file: &TableFile,
        compression: Compression,
        buffer: &mut Vec<u8>,
    ) -> HandlerResult<Option<u64>> {
        if let Some(number) = self.kept.next(buffer) {
            return Ok(Some(number));
        }
        loop {
            let start = buffer.len();
            let limit = MAX_RECORD as u64 + 1;
            let count = (&mut self.input)
                .take(limit)
                .read_until(b'\n', buffer)
                .map_err(|error| file.read_error(&error, compression))?;
            if count == 0 {
                return Ok(None);
            }
            self.number += 1;
            if count as u64 == limit {
                return Err(bad(&file.path, format!("line {}: longer than {} MiB", self.number, MAX_RECORD >> 20)));
            }
            if self.number == 1 && buffer[start..].starts_with(b"\xef\xbb\xbf") {
                buffer.drain(start..start + 3);
            }
            if buffer[start..].iter().any(|byte| !byte.is_ascii_whitespace()) {
                if buffer.last() != Some(&b'\n') {
                    buffer.push(b'\n');
                }
                return Ok(Some(self.number));
            }
            buffer.truncate(start);
        }
    }

    /// Keeps a line that [`Lines::next`] gave, so that those that are kept come once more before what follows them.
    pub(super) fn keep(&mut self, line: &[u8], number: u64) {
        self.kept.text.extend_from_slice(line);
        self.kept.ends.push((self.kept.text.len(), number));
        // What is being looked at is not given out again meanwhile.
        self.kept.given = self.kept.ends.len();
    }

    /// From now on gives what was kept.
    pub(super) fn give_kept(&mut self) {
        self.kept.given = 0;
    }
}

impl Kept {
    fn next(&mut self, buffer: &mut Vec<u8>) -> Option<u64> {
        let &(end, number) = self.ends.get(self.given)?;
        let start = self.given.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |before| before.0);
        buffer.extend_from_slice(&self.text[start..end]);
        self.given += 1;
        if self.given == self.ends.len() {
            *self = Self::default();
        }
        Some(number)
    }
}

/// The object of a line.
///
/// # Errors
/// A sentence on a line that is something else.
pub(super) fn object_text(line: &[u8], is_first: bool) -> Result<&str, String> {
    // An error at the end of the line is in this line, not before the first character of the next.
    let line = std::str::from_utf8(line.trim_ascii_end())
        .map_err(|error| format!("not JSON: not valid UTF-8 (character {})", error.valid_up_to() + 1))?;
    match json_text::check(line) {
        Ok(()) if line.trim_start().starts_with('{') => Ok(line),
        Ok(()) if is_first => {
            Err("not a JSON object: this file is JSON, but not JSON lines (one object a line)".to_owned())
        }
        Ok(()) => Err("not a JSON object".to_owned()),
        Err(error) if error.is_eof() && is_first => {
            Err("the object does not end in this line: JSON lines have one whole object a line".to_owned())
        }
        Err(error) => Err(format!("not JSON: {} (character {})", json_text::sentence(&error), error.column())),
    }
}
