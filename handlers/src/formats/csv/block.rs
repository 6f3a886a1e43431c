//! Records that were split into fields.

use super::flaw::Flaw;

/// Some whole records, split into fields.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// The fields' text, unquoted, one after the other.
    pub(super) data: Vec<u8>,
    /// Where each field ends in `data`.
    pub(super) ends: Vec<u32>,
    /// The line that each record begins in.
    pub(super) lines: Vec<u64>,
    pub(super) width: usize,
}

impl Block {
    pub(super) fn rows(&self) -> usize {
        self.lines.len()
    }

    /// The memory that it takes, in bytes.
    pub(super) fn room(&self) -> usize {
        self.data.len() + size_of_val(self.ends.as_slice()) + size_of_val(self.lines.as_slice())
    }

    /// Ends a field at the end of the data.
    #[inline]
    pub(super) fn end_field(&mut self) -> Result<(), Flaw> {
        // `MAX_RECORD` keeps blocks far smaller.
        let end =
            u32::try_from(self.data.len()).map_err(|_| Flaw::File("holds a record of more than 4 GiB".to_owned()))?;
        self.ends.push(end);
        Ok(())
    }

    /// The text of a field; empty beyond the last.
    fn field(&self, field: usize) -> &[u8] {
        let start = field.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |&end| end as usize);
        let end = self.ends.get(field).map_or(start, |&end| end as usize);
        &self.data[start..end]
    }

    /// The text, checked to be UTF-8 without NUL.
    pub(super) fn text(&self) -> Result<Cells<'_>, Flaw> {
        let (at, reason) = match std::str::from_utf8(&self.data) {
            Ok(text) => match self.data.iter().position(|&byte| byte == 0) {
                None => return Ok(Cells { block: self, text }),
                Some(at) => (at, "a NUL byte: this is not text, or the file is damaged"),
            },
            Err(error) => (error.valid_up_to(), "not valid UTF-8: convert the file to UTF-8"),
        };
        Err(Flaw::Line(self.line_at(at), reason.to_owned()))
    }

    /// The line of a place in `data`.
    fn line_at(&self, at: usize) -> u64 {
        let field = self.ends.partition_point(|&end| end as usize <= at);
        let start = field.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        self.line_of(field) + line_ends(&self.data[start..at.max(start)])
    }

    /// The line that a field begins in: that of its record, and the line ends inside quotes before it.
    fn line_of(&self, field: usize) -> u64 {
        let width = self.width.max(1);
        let row = (field / width).min(self.lines.len().saturating_sub(1));
        let inside: u64 = (row * width..field).map(|before| line_ends(self.field(before))).sum();
        self.lines.get(row).copied().unwrap_or(1) + inside
    }
}

/// The fields of a block, as text.
#[derive(Clone, Copy)]
pub(in crate::formats) struct Cells<'a> {
    block: &'a Block,
    text: &'a str,
}

impl<'a> Cells<'a> {
    pub(super) fn rows(&self) -> usize {
        self.block.rows()
    }

    /// Number of fields of a record.
    pub(super) fn width(&self) -> usize {
        self.block.width
    }

    /// Length of all fields.
    pub(super) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// One field; `None` when its ends lie within a character, as they do where the bytes of two fields, neither of them
    /// UTF-8, are UTF-8 together.
    #[inline]
    pub(super) fn get(&self, row: usize, column: usize) -> Option<&'a str> {
        let field = row * self.block.width + column;
        let start = if field == 0 { 0 } else { self.block.ends[field - 1] as usize };
        self.text.get(start..self.block.ends[field] as usize)
    }

    /// The line of a field.
    pub(super) fn line(&self, row: usize, column: usize) -> u64 {
        self.block.line_of(row * self.block.width + column)
    }

    /// The flaw of a field that [`get`](Self::get) gives nothing for.
    pub(super) fn split_character(&self, row: usize, column: usize) -> Flaw {
        Flaw::Line(self.line(row, column), "not valid UTF-8: convert the file to UTF-8".to_owned())
    }
}

/// Number of line ends in the text of a field: `\r\n` is one.
fn line_ends(field: &[u8]) -> u64 {
    let mut after_cr = false;
    let mut count = 0;
    for &byte in field {
        count += u64::from(byte == b'\r' || (byte == b'\n' && !after_cr));
        after_cr = byte == b'\r';
    }
    count
}
