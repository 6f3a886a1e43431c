//! JSON lines: one object a line. One pass over the file to find the columns, one to give the rows.

mod infer;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, RecordBatchOptions, RecordBatchReader};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;

pub(super) use self::infer::JsonColumns;
use super::csv::{Chosen, Column, Nulls, column};
use super::detect::Found;
use super::hive::Partitions;
use super::input::{Meter, TableFile};
use super::{Compression, ImportOptions, MAX_RECORD, bad, decoder_error, invalid, parse_type};
use crate::error::{HandlerError, HandlerResult};
use crate::guard::{Batches, Blame, GuardedReader};
use crate::json_text::{self, Token, Tokens, unquote};
use crate::table::places;

/// How much text makes a batch: it is held until the batch is made, to tell the line of an error.
const TEXT_BYTES: usize = 8 << 20;

pub(super) fn open(
    file: TableFile,
    found: &Found,
    options: &ImportOptions,
) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
    let inferred = infer(&file, found.compression, options)?;
    reader(file, found, options, inferred, options.columns.is_none())
}

/// Gives the rows. When not `strict`, what is not in the schema is skipped.
fn reader(
    file: TableFile,
    found: &Found,
    options: &ImportOptions,
    inferred: Inferred,
    strict: bool,
) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
    let path = file.path.clone();
    let Inferred { schema, rows, unseen } = inferred;
    let given = given_columns(&file, &schema, options)?;
    let lines = Lines::open(&file, found.compression, Meter::new(options.progress.as_ref(), file.size, 1, 2))?;
    let batches = JsonBatches {
        file,
        compression: found.compression,
        decoded: decoded_schema(&schema, &given),
        schema: schema.clone(),
        given,
        nulls: options.null_values.as_deref().map(Nulls::new),
        // With some columns left out, what is not in the schema is meant to be skipped; otherwise it would be lost.
        strict,
        unseen,
        lines,
        batch_size: options.batch_size.max(1),
        expected: rows,
        read: 0,
    };
    Ok(Box::new(GuardedReader::new(&path, schema, batches)))
}

/// Takes in the columns of one of several files; the number of its rows where all were looked at.
pub(super) fn look(
    file: &TableFile,
    found: &Found,
    options: &ImportOptions,
    columns: &mut JsonColumns,
) -> HandlerResult<Option<u64>> {
    look_at(file, found.compression, options, columns)
}

/// Opens one of several files with the columns of the table; those that it does not have are nulls. `wanted` are the columns to
/// be read, where not all are. Columns of these partitions are no columns of the file.
pub(super) fn open_as(
    file: TableFile,
    found: &Found,
    options: &ImportOptions,
    table: &Schema,
    partitions: &Partitions,
    wanted: Option<&SchemaRef>,
) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
    let is_wanted = |name: &String| wanted.is_none_or(|wanted| wanted.column_with_name(name).is_some());
    let fields = table.fields().iter().filter(|field| !partitions.contains_key(field.name()));
    let fields: Vec<_> = fields.filter(|field| is_wanted(field.name())).cloned().collect();
    let inferred = Inferred { schema: Arc::new(Schema::new(fields)), rows: None, unseen: None };
    reader(file, found, options, inferred, wanted.is_none())
}

/// Reads lines, skipping empty ones.
struct Lines {
    input: BufReader<Box<dyn Read + Send>>,
    number: u64,
}

impl Lines {
    fn open(file: &TableFile, compression: Compression, meter: Meter) -> HandlerResult<Self> {
        Ok(Self { input: BufReader::with_capacity(128 << 10, file.content(compression, meter)?), number: 0 })
    }

    /// Appends the next line that is not empty, and gives its number.
    fn next(&mut self, file: &TableFile, compression: Compression, buffer: &mut Vec<u8>) -> HandlerResult<Option<u64>> {
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
}

/// The object of a line.
///
/// # Errors
/// A sentence on a line that is something else.
fn object_text(line: &[u8], is_first: bool) -> Result<&str, String> {
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

/// What the first pass found.
struct Inferred {
    /// The wanted columns.
    schema: SchemaRef,
    /// The number of rows where all were looked at.
    rows: Option<u64>,
    /// Where not all were: the columns, to look at the others when they are read.
    unseen: Option<JsonColumns>,
}

fn infer(file: &TableFile, compression: Compression, options: &ImportOptions) -> HandlerResult<Inferred> {
    let mut columns = JsonColumns::new(options);
    let rows = look_at(file, compression, options, &mut columns)?;
    if columns.names().next().is_none() {
        return Err(bad(&file.path, "is empty: it has no object that tells the columns"));
    }
    let names: Vec<&str> = columns.names().collect();
    if let Some(unknown) = options.types.keys().find(|name| !names.contains(&name.as_str())) {
        return Err(file.path.unknown_column(unknown, &names));
    }
    let wanted: Vec<&str> = match &options.columns {
        Some(wanted) => places(&file.path, &names, wanted)?.into_iter().map(|place| names[place]).collect(),
        None => names,
    };
    let fields = wanted.into_iter().map(|name| {
        let data_type = match options.types.get(name) {
            Some(text) => parse_type(text)?,
            None => columns.data_type(name).map_err(|reason| bad(&file.path, reason))?,
        };
        Ok(Field::new(name, data_type, true))
    });
    let schema = Arc::new(Schema::new(fields.collect::<HandlerResult<Vec<_>>>()?));
    Ok(Inferred { schema, rows, unseen: rows.is_none().then_some(columns) })
}

/// Takes in the lines of a file; their number where all were looked at.
fn look_at(
    file: &TableFile,
    compression: Compression,
    options: &ImportOptions,
    columns: &mut JsonColumns,
) -> HandlerResult<Option<u64>> {
    let mut lines = Lines::open(file, compression, Meter::new(options.progress.as_ref(), file.size, 0, 2))?;
    let mut line = Vec::new();
    let mut rows = 0;
    let limit = options.infer_rows.unwrap_or(u64::MAX);
    let complete = loop {
        if rows == limit {
            break false;
        }
        line.clear();
        let Some(number) = lines.next(file, compression, &mut line)? else { break true };
        object_text(&line, rows == 0)
            .and_then(|object| columns.add(object))
            .map_err(|reason| bad(&file.path, format!("line {number}: {reason}")))?;
        rows += 1;
    };
    Ok(complete.then_some(rows))
}

/// The columns whose type is given, by their place: Arrow's decoder gives their values as text, and the readers of CSV
/// fields make the values. Its own conversions change what does not fit: 1.7 becomes the integer 1.
type Given = BTreeMap<usize, Box<dyn Column>>;

fn given_columns(file: &TableFile, schema: &Schema, options: &ImportOptions) -> HandlerResult<Given> {
    let fields = schema.fields().iter().enumerate().filter(|(_, field)| options.types.contains_key(field.name()));
    let columns = fields.map(|(place, field)| {
        column(field.data_type(), Chosen::ByCaller, place, field.name())
            .map(|column| (place, column))
            .ok_or_else(|| invalid(&file.path, format!("text cannot be read as {}", field.data_type())))
    });
    columns.collect()
}

fn decoded_schema(schema: &SchemaRef, given: &Given) -> SchemaRef {
    let fields = schema.fields().iter().enumerate().map(|(place, field)| {
        if given.contains_key(&place) {
            Arc::new(Field::new(field.name(), DataType::Utf8, true))
        } else {
            field.clone()
        }
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The line with null in place of the plain values that stand for it.
fn without_nulls(line: &str, nulls: &Nulls) -> Result<String, serde_json::Error> {
    let mut changed = String::with_capacity(line.len());
    let mut copied = 0;
    let mut tokens = Tokens::new(line);
    while let Some((token, span)) = tokens.next_span() {
        let is_null = match token {
            Token::Number(text) => nulls.contain(text),
            Token::Bool(value) => nulls.contain(if value { "true" } else { "false" }),
            Token::String(text) => !tokens.is_before_colon() && nulls.contain(&unquote(text)?),
            _ => false,
        };
        if is_null {
            changed.push_str(&line[copied..span.start]);
            changed.push_str("null");
            copied = span.end;
        }
    }
    changed.push_str(&line[copied..]);
    Ok(changed)
}

struct JsonBatches {
    file: TableFile,
    compression: Compression,
    schema: SchemaRef,
    /// The schema as the decoder takes it.
    decoded: SchemaRef,
    given: Given,
    nulls: Option<Nulls>,
    strict: bool,
    unseen: Option<JsonColumns>,
    lines: Lines,
    batch_size: usize,
    expected: Option<u64>,
    read: u64,
}

impl Batches for JsonBatches {
    fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>> {
        let mut text = Vec::new();
        // Where each line ends in the text, and its number.
        let mut ends: Vec<(usize, u64)> = Vec::new();
        while ends.len() < self.batch_size && text.len() < TEXT_BYTES {
            let start = text.len();
            let Some(number) = self.lines.next(&self.file, self.compression, &mut text)? else { break };
            self.prepare(&mut text, start)
                .map_err(|reason| bad(&self.file.path, format!("line {number}: {reason}")))?;
            ends.push((text.len(), number));
        }
        self.read += ends.len() as u64;
        if ends.is_empty() {
            self.file.check_unchanged()?;
            if self.expected.is_some_and(|expected| expected != self.read) {
                return Err(bad(&self.file.path, "was changed while it was read: try again"));
            }
            return Ok(None);
        }
        match self.decode(&text, ends.len()) {
            Ok(batch) => self.typed(&batch, &ends).map(Some),
            Err(error) => Err(self.locate(&text, &ends, error)),
        }
    }
}

impl JsonBatches {
    /// Looks at a line that the first pass did not see, and takes out what stands for null.
    fn prepare(&mut self, text: &mut Vec<u8>, start: usize) -> Result<(), String> {
        if let Some(columns) = &mut self.unseen {
            columns.add(object_text(&text[start..], false)?)?;
            if let Some(misfit) = columns.misfit(&self.schema) {
                return Err(misfit);
            }
        }
        if let Some(nulls) = &self.nulls {
            let changed = without_nulls(object_text(&text[start..], false)?, nulls)
                .map_err(|error| format!("not JSON: {}", json_text::sentence(&error)))?;
            text.truncate(start);
            text.extend_from_slice(changed.as_bytes());
            text.push(b'\n');
        }
        Ok(())
    }

    fn decode(&self, text: &[u8], rows: usize) -> Result<RecordBatch, ArrowError> {
        let mut decoder = ReaderBuilder::new(self.decoded.clone())
            .with_batch_size(rows)
            .with_coerce_primitive(true)
            .with_strict_mode(self.strict)
            .build_decoder()?;
        let used = decoder.decode(text)?;
        match decoder.flush()? {
            // What is left is the end of the last line at most, unless a line holds more than one object.
            Some(batch) if batch.num_rows() == rows && text[used..].trim_ascii().is_empty() => Ok(batch),
            _ => Err(ArrowError::JsonError("not one whole object".to_owned())),
        }
    }

    /// Turns the text of columns whose type is given into that type.
    fn typed(&mut self, batch: &RecordBatch, ends: &[(usize, u64)]) -> HandlerResult<RecordBatch> {
        let mut arrays = batch.columns().to_vec();
        for (&place, column) in &mut self.given {
            for (value, (_, line)) in arrays[place].as_string::<i32>().iter().zip(ends) {
                column.add(value, *line).map_err(|flaw| flaw.into_error(&self.file, self.compression))?;
            }
            arrays[place] = column.finish();
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)
            .map_err(|error| decoder_error(&self.file.path, "cannot be read", error))
    }

    /// Finds the line of an error, by halves: a batch is read again as often as its number of lines has bits.
    fn locate(&self, text: &[u8], ends: &[(usize, u64)], mut error: ArrowError) -> HandlerError {
        let start_of = |line: usize| line.checked_sub(1).and_then(|before| ends.get(before)).map_or(0, |end| end.0);
        let (mut low, mut high) = (0, ends.len());
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            match self.decode(&text[start_of(low)..start_of(middle)], middle - low) {
                Err(found) => {
                    error = found;
                    high = middle;
                }
                Ok(_) => low = middle,
            }
        }
        if let Err(found) = self.decode(&text[start_of(low)..start_of(high)], high - low) {
            error = found;
        }
        let number = ends.get(low).map_or(self.lines.number, |end| end.1);
        let reason = error.to_string();
        let reason = reason.strip_prefix("Json error: ").unwrap_or(&reason);
        let shown: String = reason.chars().take(200).collect();
        bad(&self.file.path, format!("line {number}: {shown}"))
    }
}

#[cfg(test)]
mod tests;
