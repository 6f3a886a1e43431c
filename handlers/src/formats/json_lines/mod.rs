//! JSON lines: one object a line. One pass over the file to find the columns, one to give the rows. Or a single one, with the
//! columns of the first lines, while all others are watched.

mod infer;
mod lines;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow::array::{AsArray, RecordBatch, RecordBatchOptions, RecordBatchReader};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;

pub(super) use self::infer::JsonColumns;
use self::lines::{Lines, object_text};
pub(super) use self::watch::Watch;
use super::csv::{Chosen, Column, Nulls, column};
use super::detect::Found;
use super::hive::Partitions;
use super::input::{Meter, TableFile};
use super::{Compression, ImportOptions, bad, decoder_error, invalid, parse_type};
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
    let mut columns = JsonColumns::new(options);
    let Looked { rows, last, .. } = look(&file, found, options, u64::MAX, &mut columns)?;
    let schema = wanted_schema(&file, &columns, options)?;
    let watch = rows.is_none().then(|| Watch::new(columns, &schema, last));
    let lines = Lines::open(&file, found.compression, Meter::new(options.progress.as_ref(), file.size, 1, 2))?;
    let known = Known { schema, rows, watch, is_strict: options.columns.is_none() };
    reader(file, found, options, known, lines)
}

/// Opens a file with the columns of its first lines, of `guessed_from` bytes or a little more; these are kept until they are
/// given out. When a later line shows that all lines make other columns, reading ends with an error, and the flag is set.
pub(super) fn open_guessing(
    file: TableFile,
    found: &Found,
    options: &ImportOptions,
    guessed_from: u64,
    misjudged: &Arc<AtomicBool>,
) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
    let mut columns = JsonColumns::new(options);
    let mut lines = Lines::open(&file, found.compression, Meter::new(options.progress.as_ref(), file.size, 0, 1))?;
    let limit = Limit { rows: u64::MAX, bytes: guessed_from };
    let Looked { rows, last, .. } = look_at(&file, found, &mut lines, limit, true, &mut columns)?;
    let schema = match wanted_schema(&file, &columns, options) {
        Ok(schema) => schema,
        // What the first lines lack, the others may have.
        Err(_) if rows.is_none() => {
            drop(lines);
            return open(file, found, options);
        }
        Err(error) => return Err(error),
    };
    lines.give_kept();
    let watch = rows.is_none().then(|| Watch::guess(columns, &schema, last, misjudged));
    let known = Known { schema, rows, watch, is_strict: options.columns.is_none() };
    reader(file, found, options, known, lines)
}

/// What is known of the columns before the rows are read.
struct Known {
    /// The wanted columns.
    schema: SchemaRef,
    /// The number of rows where all were looked at.
    rows: Option<u64>,
    /// Where not all were.
    watch: Option<Watch>,
    /// Whether what is not in the schema would be lost. With some columns left out, it is meant to be skipped.
    is_strict: bool,
}

/// Gives the rows.
fn reader(
    file: TableFile,
    found: &Found,
    options: &ImportOptions,
    known: Known,
    lines: Lines,
) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
    let path = file.path.clone();
    let schema = Arc::clone(&known.schema);
    let given = given_columns(&file, &schema, options)?;
    let batches = JsonBatches {
        file,
        compression: found.compression,
        decoded: decoded_schema(&schema, &given),
        given,
        nulls: options.null_values.as_deref().map(Nulls::new),
        known,
        lines,
        batch_size: options.batch_size.max(1),
        read: 0,
    };
    Ok(Box::new(GuardedReader::new(&path, schema, batches)))
}

/// How much of a file was looked at for its columns.
pub(super) struct Looked {
    /// The number of its rows where all were looked at.
    pub(super) rows: Option<u64>,
    /// The last line that was looked at.
    pub(super) last: u64,
    /// How many bytes all these lines have.
    pub(super) bytes: u64,
}

/// How much of a file is to be looked at.
struct Limit {
    rows: u64,
    bytes: u64,
}

/// Takes in the columns of a file, or of as many of its first lines as the options say, or of so many bytes.
pub(super) fn look(
    file: &TableFile,
    found: &Found,
    options: &ImportOptions,
    bytes: u64,
    columns: &mut JsonColumns,
) -> HandlerResult<Looked> {
    let meter = Meter::new(options.progress.as_ref(), file.size, 0, 2);
    let limit = Limit { rows: options.infer_rows.unwrap_or(u64::MAX), bytes };
    look_at(file, found, &mut Lines::open(file, found.compression, meter)?, limit, false, columns)
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
    watch: Option<Watch>,
) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
    let is_wanted = |name: &String| wanted.is_none_or(|wanted| wanted.column_with_name(name).is_some());
    let fields = table.fields().iter().filter(|field| !partitions.contains_key(field.name()));
    let fields: Vec<_> = fields.filter(|field| is_wanted(field.name())).cloned().collect();
    let known = Known { schema: Arc::new(Schema::new(fields)), rows: None, watch, is_strict: wanted.is_none() };
    let lines = Lines::open(&file, found.compression, Meter::new(options.progress.as_ref(), file.size, 1, 2))?;
    reader(file, found, options, known, lines)
}

/// The wanted columns, with the types that hold all that was seen.
fn wanted_schema(file: &TableFile, columns: &JsonColumns, options: &ImportOptions) -> HandlerResult<SchemaRef> {
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
    Ok(Arc::new(Schema::new(fields.collect::<HandlerResult<Vec<_>>>()?)))
}

/// Takes in lines, up to a limit. Those that are kept come once more.
fn look_at(
    file: &TableFile,
    found: &Found,
    lines: &mut Lines,
    limit: Limit,
    keeps: bool,
    columns: &mut JsonColumns,
) -> HandlerResult<Looked> {
    let mut line = Vec::new();
    let (mut rows, mut bytes) = (0, 0);
    let complete = loop {
        if rows == limit.rows || bytes >= limit.bytes {
            break false;
        }
        line.clear();
        let Some(number) = lines.next(file, found.compression, &mut line)? else { break true };
        object_text(&line, rows == 0)
            .and_then(|object| columns.add(object))
            .map_err(|reason| bad(&file.path, format!("line {number}: {reason}")))?;
        if keeps {
            lines.keep(&line, number);
        }
        rows += 1;
        bytes += line.len() as u64;
    };
    Ok(Looked { rows: complete.then_some(rows), last: lines.number(), bytes })
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
    known: Known,
    /// The schema as the decoder takes it.
    decoded: SchemaRef,
    given: Given,
    nulls: Option<Nulls>,
    lines: Lines,
    batch_size: usize,
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
            self.prepare(&mut text, start, number)
                .map_err(|reason| bad(&self.file.path, format!("line {number}: {reason}")))?;
            ends.push((text.len(), number));
        }
        self.read += ends.len() as u64;
        if ends.is_empty() {
            self.file.check_unchanged()?;
            if self.known.rows.is_some_and(|expected| expected != self.read) {
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
    /// Looks at a line that was not looked at for the columns, and takes out what stands for null.
    fn prepare(&mut self, text: &mut Vec<u8>, start: usize, number: u64) -> Result<(), String> {
        if let Some(watch) = &mut self.known.watch {
            watch.look(&text[start..], number)?;
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
            .with_strict_mode(self.known.is_strict)
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
        RecordBatch::try_new_with_options(self.known.schema.clone(), arrays, &options)
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
        let number = ends.get(low).map_or(self.lines.number(), |end| end.1);
        let reason = error.to_string();
        let reason = reason.strip_prefix("Json error: ").unwrap_or(&reason);
        let shown: String = reason.chars().take(200).collect();
        bad(&self.file.path, format!("line {number}: {shown}"))
    }
}

#[cfg(test)]
mod tests;
