//! Splitting CSV text into records and fields, knowing the line of each.
//!
//! This is not left to a library: Arrow's and csv-core's splitters count records instead of lines, take an unclosed quote
//! for one field that reaches to the end of the file, and let it grow without limit.
//!
//! The dialect is that of csv-core and pandas. A quote counts only at the start of a field; inside it, a doubled quote is
//! a quote; text after the closing quote belongs to the field. Lines end with `\n`, `\r\n` or `\r`; empty ones are skipped.

use std::io::{self, Read};

use super::block::Block;
use super::flaw::Flaw;
use crate::formats::{ImportOptions, MAX_COLUMNS, MAX_RECORD};

const CHUNK: usize = 256 << 10;
/// A block ends with the record that reaches this size: small enough to stay in the processor's cache.
const BLOCK_BYTES: usize = 128 << 10;
/// Or with the record that brings it to so many fields.
const BLOCK_FIELDS: usize = 32 << 10;

/// The characters that a CSV file is made of; all of them ASCII.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    pub(super) quote: Option<u8>,
    pub(super) escape: Option<u8>,
    pub(super) comment: Option<u8>,
}

impl Dialect {
    /// Takes the options' characters.
    ///
    /// # Errors
    /// A sentence about characters that are not ASCII, or serve two ends.
    pub(super) fn new(options: &ImportOptions, delimiter: u8) -> Result<Self, String> {
        let (quote, escape, comment) = (options.quote, options.escape, options.comment);
        let escape = escape.filter(|_| quote.is_some() && escape != quote);
        let given = [("delimiter", Some(delimiter)), ("quote", quote), ("escape", escape), ("comment", comment)];
        for (index, (what, byte)) in given.iter().enumerate() {
            let Some(byte) = byte else { continue };
            if !byte.is_ascii() || matches!(byte, b'\n' | b'\r' | 0) {
                return Err(format!("the {what} must be one ASCII character, and not a line end"));
            }
            if let Some((other, _)) = given[..index].iter().find(|(_, earlier)| *earlier == Some(*byte)) {
                return Err(format!("the {what} and the {other} are both {:?}", char::from(*byte)));
            }
        }
        Ok(Self { delimiter, quote, escape, comment })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first character of a record.
    Start,
    /// In a line that is skipped.
    Comment,
    /// Before the first character of a field.
    Field,
    /// In a field without quotes, or behind its closing quote.
    Plain,
    /// Between quotes.
    Quoted,
    /// Behind a quote between quotes: it ends the field or is doubled.
    QuoteSeen,
    /// Behind the escape character.
    Escaped,
}

/// Splits a stream of bytes.
pub(super) struct Splitter<R> {
    input: R,
    dialect: Dialect,
    /// True for the bytes that a plain run of text stops at.
    stops: [bool; 256],
    /// True for the bytes that a run between quotes stops at.
    quoted_stops: [bool; 256],
    chunk: Vec<u8>,
    at: usize,
    filled: usize,
    ended: bool,
    state: State,
    /// The line of the next byte.
    line: u64,
    /// The last byte was `\r`: a `\n` belongs to it.
    after_cr: bool,
    quote_line: u64,
    started: bool,
}

impl<R: Read> Splitter<R> {
    pub(super) fn new(input: R, dialect: Dialect) -> Self {
        let mut stops = [false; 256];
        for byte in [dialect.delimiter, b'\n', b'\r'] {
            stops[usize::from(byte)] = true;
        }
        let mut quoted_stops = [false; 256];
        for byte in [dialect.quote, dialect.escape, Some(b'\n'), Some(b'\r')].into_iter().flatten() {
            quoted_stops[usize::from(byte)] = true;
        }
        Self {
            input,
            dialect,
            stops,
            quoted_stops,
            chunk: vec![0; CHUNK],
            at: 0,
            filled: 0,
            ended: false,
            state: State::Start,
            line: 1,
            after_cr: false,
            quote_line: 1,
            started: false,
        }
    }

    /// The first record, whose number of fields is the width of the table; `None` when there is no record.
    pub(super) fn first(&mut self, block: &mut Block) -> Result<bool, Flaw> {
        self.split(block, 1, None)
    }

    /// The next records, each of this many fields and at most `limit` of them; `false` at the end of the file.
    pub(super) fn next(&mut self, block: &mut Block, width: usize, limit: usize) -> Result<bool, Flaw> {
        self.split(block, (BLOCK_FIELDS / width.max(1)).min(limit).max(1), Some(width))
    }

    fn fill(&mut self) -> io::Result<()> {
        self.at = 0;
        self.filled = 0;
        while self.filled == 0 && !self.ended {
            match self.input.read(&mut self.chunk) {
                Ok(0) => self.ended = true,
                Ok(count) => self.filled = count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Skips a byte order mark, also one that arrives byte by byte.
    fn skip_mark(&mut self) -> io::Result<()> {
        self.started = true;
        let mut held = 0;
        while held < 3 && !self.ended {
            match self.input.read(&mut self.chunk[held..]) {
                Ok(0) => self.ended = true,
                Ok(count) => held += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.filled = held;
        self.at = if self.chunk[..held].starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Ok(())
    }

    fn split(&mut self, block: &mut Block, max_rows: usize, width: Option<usize>) -> Result<bool, Flaw> {
        block.data.clear();
        block.ends.clear();
        block.lines.clear();
        block.width = width.unwrap_or(0);
        if !self.started {
            self.skip_mark()?;
        }
        // Where the record at hand begins.
        let mut record_data = 0;
        let mut record_fields = 0;
        loop {
            if self.at == self.filled {
                self.fill()?;
                if self.filled == 0 {
                    self.finish(block, width, record_fields)?;
                    return Ok(!block.lines.is_empty());
                }
            }
            // Before anything is added: every way through the loop comes by here.
            if block.data.len() - record_data > MAX_RECORD {
                return Err(self.too_long(block));
            }
            let byte = self.chunk[self.at];
            match self.state {
                State::Start => {
                    let second_half = self.after_cr && byte == b'\n';
                    self.after_cr = false;
                    match byte {
                        b'\n' if second_half => self.at += 1,
                        b'\n' | b'\r' => self.end_line(byte),
                        _ if Some(byte) == self.dialect.comment => self.state = State::Comment,
                        _ => {
                            block.lines.push(self.line);
                            self.state = State::Field;
                        }
                    }
                }
                State::Comment => {
                    let rest = &self.chunk[self.at..self.filled];
                    match rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
                        None => self.at = self.filled,
                        Some(count) => {
                            self.at += count;
                            let byte = self.chunk[self.at];
                            self.end_line(byte);
                            self.state = State::Start;
                        }
                    }
                }
                State::Field => {
                    if Some(byte) == self.dialect.quote {
                        self.quote_line = self.line;
                        self.state = State::Quoted;
                        self.at += 1;
                    } else {
                        self.state = State::Plain;
                    }
                }
                State::Plain | State::QuoteSeen => {
                    if self.state == State::QuoteSeen {
                        if Some(byte) == self.dialect.quote {
                            block.data.push(byte);
                            self.state = State::Quoted;
                            self.at += 1;
                            continue;
                        }
                        self.state = State::Plain;
                    }
                    let rest = &self.chunk[self.at..self.filled];
                    let run = rest.iter().position(|&byte| self.stops[usize::from(byte)]).unwrap_or(rest.len());
                    block.data.extend_from_slice(&rest[..run]);
                    self.at += run;
                    if self.at == self.filled {
                        continue;
                    }
                    let byte = self.chunk[self.at];
                    block.end_field()?;
                    if byte == self.dialect.delimiter {
                        self.at += 1;
                        self.state = State::Field;
                        self.plain_fields(block)?;
                        self.check_fields(block, width, record_fields)?;
                    } else {
                        self.end_line(byte);
                        self.state = State::Start;
                        check_width(block, width, record_fields)?;
                        if block.lines.len() >= max_rows || block.data.len() >= BLOCK_BYTES {
                            return Ok(true);
                        }
                        record_data = block.data.len();
                        record_fields = block.ends.len();
                    }
                }
                State::Quoted => {
                    let rest = &self.chunk[self.at..self.filled];
                    let run = rest.iter().position(|&byte| self.quoted_stops[usize::from(byte)]).unwrap_or(rest.len());
                    block.data.extend_from_slice(&rest[..run]);
                    self.at += run;
                    self.after_cr &= run == 0;
                    if self.at < self.filled {
                        let byte = self.chunk[self.at];
                        self.at += 1;
                        self.count_quoted(byte);
                        if matches!(byte, b'\n' | b'\r') {
                            block.data.push(byte);
                        } else if Some(byte) == self.dialect.quote {
                            self.state = State::QuoteSeen;
                        } else {
                            self.state = State::Escaped;
                        }
                    }
                }
                State::Escaped => {
                    self.count_quoted(byte);
                    block.data.push(byte);
                    self.at += 1;
                    self.state = State::Quoted;
                }
            }
        }
    }

    /// Takes the fields without quotes that lie whole in the chunk up to the last of their record: nearly all fields of
    /// most files. Changes nothing that [`split`](Self::split) would not do field by field.
    fn plain_fields(&mut self, block: &mut Block) -> Result<(), Flaw> {
        let rest = &self.chunk[self.at..self.filled];
        let mut start = 0;
        while rest.get(start).is_some_and(|&byte| Some(byte) != self.dialect.quote) {
            let Some(run) = rest[start..].iter().position(|&byte| self.stops[usize::from(byte)]) else { break };
            if rest[start + run] != self.dialect.delimiter || block.ends.len() >= MAX_COLUMNS {
                break;
            }
            block.data.extend_from_slice(&rest[start..start + run]);
            block.end_field()?;
            start += run + 1;
        }
        self.at += start;
        Ok(())
    }

    /// Consumes a line end that is outside quotes.
    fn end_line(&mut self, byte: u8) {
        self.line += 1;
        self.after_cr = byte == b'\r';
        self.at += 1;
    }

    /// Counts the line ends between quotes.
    fn count_quoted(&mut self, byte: u8) {
        self.line += u64::from(byte == b'\r' || (byte == b'\n' && !self.after_cr));
        self.after_cr = byte == b'\r';
    }

    /// The file has ended: so does the record at hand.
    fn finish(&mut self, block: &mut Block, width: Option<usize>, record_fields: usize) -> Result<(), Flaw> {
        match self.state {
            State::Start | State::Comment => {}
            State::Quoted | State::Escaped => {
                return Err(Flaw::Line(self.quote_line, "a quote is opened here and never closed".to_owned()));
            }
            State::Field | State::Plain | State::QuoteSeen => {
                block.end_field()?;
                self.state = State::Start;
                check_width(block, width, record_fields)?;
            }
        }
        Ok(())
    }

    /// Stops at a record of far too many fields before they fill the memory.
    fn check_fields(&self, block: &Block, width: Option<usize>, record_fields: usize) -> Result<(), Flaw> {
        let fields = block.ends.len() - record_fields;
        if fields >= MAX_COLUMNS && width.is_none_or(|width| fields > width) {
            let line = block.lines.last().copied().unwrap_or(self.line);
            return Err(Flaw::Line(line, format!("more than {MAX_COLUMNS} fields")));
        }
        Ok(())
    }

    fn too_long(&self, block: &Block) -> Flaw {
        let limit = MAX_RECORD >> 20;
        match self.state {
            State::Quoted | State::Escaped => {
                Flaw::Line(self.quote_line, format!("a quote is opened here and not closed within {limit} MiB"))
            }
            _ => {
                let line = block.lines.last().copied().unwrap_or(self.line);
                Flaw::Line(line, format!("a record of more than {limit} MiB"))
            }
        }
    }
}

/// A record that does not have as many fields as the others.
fn check_width(block: &mut Block, width: Option<usize>, record_fields: usize) -> Result<(), Flaw> {
    let fields = block.ends.len() - record_fields;
    match width {
        None => block.width = fields,
        Some(width) if fields != width => {
            let line = block.lines.last().copied().unwrap_or(1);
            let s = if fields == 1 { "" } else { "s" };
            return Err(Flaw::Line(line, format!("{fields} field{s}, where {width} are expected")));
        }
        Some(_) => {}
    }
    Ok(())
}
