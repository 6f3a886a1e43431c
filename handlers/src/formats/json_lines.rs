//! JSON lines: one object a line. One pass over the file to find the columns, one to give the rows.

use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchReader, make_array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use serde_json::Value;

use super::detect::Found;
use super::guard::{Batches, GuardedReader};
use super::input::{Meter, TableFile};
use super::json_infer::JsonColumns;
use super::{Compression, ImportOptions, MAX_RECORD, bad, invalid, parse_type, projection, quoted};
use crate::error::{HandlerError, HandlerResult};

/// How much text makes a batch: it is held until the batch is made, to tell the line of an error.
const TEXT_BYTES: usize = 8 << 20;

pub(super) fn open(
    file: TableFile,
    found: &Found,
    options: &ImportOptions,
) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
    let path = file.path.clone();
    let (schema, expected) = infer(&file, found.compression, options)?;
    let lines = Lines::open(&file, found.compression, Meter::new(options.progress.as_ref(), file.size, 1, 2))?;
    let batches = JsonBatches {
        file,
        compression: found.compression,
        decoded: decoded_schema(&schema),
        schema: schema.clone(),
        // With some columns left out, what is not in the schema is meant to be skipped; otherwise it would be lost.
        strict: options.columns.is_none(),
        lines,
        batch_size: options.batch_size.max(1),
        expected,
        read: 0,
    };
    Ok(Box::new(GuardedReader::new(&path, schema, batches)))
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

/// The first pass: the schema of the wanted columns, and the number of rows where all were looked at.
fn infer(
    file: &TableFile,
    compression: Compression,
    options: &ImportOptions,
) -> HandlerResult<(SchemaRef, Option<u64>)> {
    let mut lines = Lines::open(file, compression, Meter::new(options.progress.as_ref(), file.size, 0, 2))?;
    let mut columns = JsonColumns::default();
    let mut line = Vec::new();
    let mut rows = 0;
    let limit = options.infer_rows.unwrap_or(u64::MAX);
    let complete = loop {
        if rows == limit {
            break false;
        }
        line.clear();
        let Some(number) = lines.next(file, compression, &mut line)? else { break true };
        let at = |reason: String| bad(&file.path, format!("line {number}: {reason}"));
        match serde_json::from_slice(&line) {
            Ok(Value::Object(object)) => columns.add(&object).map_err(at)?,
            Ok(_) if rows == 0 => {
                return Err(at(
                    "not a JSON object: this file is JSON, but not JSON lines (one object a line)".to_owned()
                ));
            }
            Ok(_) => return Err(at("not a JSON object".to_owned())),
            Err(error) if error.is_eof() && rows == 0 => {
                return Err(at(
                    "the object does not end in this line: JSON lines have one whole object a line".to_owned()
                ));
            }
            Err(error) => {
                // serde_json counts lines too, from the start of what it was given: this line.
                let text = error.to_string();
                let text = text.split(" at line ").next().unwrap_or(&text);
                let text = if std::str::from_utf8(&line).is_ok() { text } else { "not valid UTF-8" };
                return Err(at(format!("not JSON: {text} (character {})", error.column())));
            }
        }
        rows += 1;
    };
    if columns.names().next().is_none() {
        return Err(bad(&file.path, "is empty: it has no object that tells the columns"));
    }
    let names: Vec<&str> = columns.names().collect();
    if let Some(unknown) = options.types.keys().find(|name| !names.contains(&name.as_str())) {
        return Err(invalid(
            &file.path,
            format!("a type is given for column {}, which it does not have", quoted(unknown)),
        ));
    }
    let wanted = projection(&file.path, columns.names(), options)?;
    let wanted: Vec<&str> = match wanted {
        Some(places) => places.into_iter().filter_map(|place| names.get(place).copied()).collect(),
        None => names,
    };
    let fields = wanted.into_iter().map(|name| {
        let data_type = match options.types.get(name) {
            Some(text) => parse_type(text)?,
            None => columns.data_type(name).map_err(|reason| bad(&file.path, reason))?,
        };
        Ok(Field::new(name, data_type, true))
    });
    let schema = Schema::new(fields.collect::<HandlerResult<Vec<_>>>()?);
    Ok((Arc::new(schema), complete.then_some(rows)))
}

/// The decoder knows a time zone only as an offset.
fn decoded_schema(schema: &SchemaRef) -> SchemaRef {
    let is_utc =
        |field: &Field| matches!(field.data_type(), DataType::Timestamp(_, Some(zone)) if zone.as_ref() == "UTC");
    if !schema.fields().iter().any(|field| is_utc(field)) {
        return schema.clone();
    }
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Timestamp(unit, Some(_)) if is_utc(field) => {
            Field::new(field.name(), DataType::Timestamp(*unit, Some("+00:00".into())), true)
        }
        _ => field.as_ref().clone(),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

struct JsonBatches {
    file: TableFile,
    compression: Compression,
    schema: SchemaRef,
    /// The schema as the decoder takes it.
    decoded: SchemaRef,
    strict: bool,
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
            match self.lines.next(&self.file, self.compression, &mut text)? {
                Some(number) => ends.push((text.len(), number)),
                None => break,
            }
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
            Ok(batch) => Ok(Some(batch)),
            Err(error) => Err(self.locate(&text, &ends, error)),
        }
    }
}

impl JsonBatches {
    fn decode(&self, text: &[u8], rows: usize) -> Result<RecordBatch, ArrowError> {
        let mut decoder = ReaderBuilder::new(self.decoded.clone())
            .with_batch_size(rows)
            .with_coerce_primitive(true)
            .with_strict_mode(self.strict)
            .build_decoder()?;
        let used = decoder.decode(text)?;
        match decoder.flush()? {
            // What is left is the end of the last line at most, unless a line holds more than one object.
            Some(batch) if batch.num_rows() == rows && text[used..].trim_ascii().is_empty() => self.labelled(batch),
            _ => Err(ArrowError::JsonError("not one whole object".to_owned())),
        }
    }

    /// Gives the columns the zone that was asked for: UTC by this name is UTC as an offset.
    fn labelled(&self, batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
        if Arc::ptr_eq(&self.schema, &self.decoded) {
            return Ok(batch);
        }
        let columns = batch.columns().iter().zip(self.schema.fields()).map(|(column, field)| {
            if column.data_type() == field.data_type() {
                return Ok(column.clone());
            }
            Ok(make_array(column.to_data().into_builder().data_type(field.data_type().clone()).build()?))
        });
        RecordBatch::try_new(self.schema.clone(), columns.collect::<Result<_, ArrowError>>()?)
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
mod tests {
    use std::path::Path;

    use arrow::array::AsArray;
    use arrow::datatypes::TimestampMicrosecondType;
    use arrow::util::display::array_value_to_string;

    use super::*;
    use crate::formats::open_table;

    fn read(text: &[u8], options: &ImportOptions) -> HandlerResult<Vec<RecordBatch>> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.jsonl");
        std::fs::write(&path, text).unwrap();
        open_table(Path::new(&path), options)?.collect::<Result<_, _>>().map_err(HandlerError::from)
    }

    fn error(text: &[u8], options: &ImportOptions) -> String {
        let error = read(text, options).unwrap_err().to_string();
        error.split_once(": ").map(|(_, reason)| reason.to_owned()).unwrap()
    }

    fn types(batch: &RecordBatch) -> Vec<String> {
        batch.schema().fields().iter().map(|field| format!("{} {}", field.name(), field.data_type())).collect()
    }

    #[test]
    fn types_over_the_whole_file() {
        let text = b"\xef\xbb\xbf{\"a\": 1, \"b\": null, \"s\": \"x\", \"m\": 1}\r\n\n  \n{\"a\": 2.5, \"b\": true, \"m\": \"two\", \"u\": 18446744073709551615}\n{\"n\": {\"x\": [1, 2], \"y\": null}, \"e\": null}";
        let batches = read(text, &ImportOptions::default()).unwrap();
        assert_eq!(
            types(&batches[0]),
            [
                "a Float64",
                "b Boolean",
                "s Utf8",
                "m Utf8",
                "u UInt64",
                "n Struct(\"x\": List(Int64), \"y\": Utf8)",
                "e Utf8"
            ]
        );
        assert_eq!(batches[0].num_rows(), 3);
        for (column, row, expected) in [(4, 1, "18446744073709551615"), (3, 0, "1"), (3, 1, "two"), (0, 0, "1.0")] {
            assert_eq!(array_value_to_string(batches[0].column(column), row).unwrap(), expected);
        }
    }

    #[test]
    fn columns_and_types_given() {
        let mut options = ImportOptions { columns: Some(vec!["b".into(), "a".into()]), ..Default::default() };
        options.types.insert("a".into(), "string".into());
        let batches = read(b"{\"a\": 1, \"b\": 2, \"c\": {}}\n", &options).unwrap();
        assert_eq!(types(&batches[0]), ["b Int64", "a Utf8"]);
        options.types.insert("a".into(), "timestamp[us, UTC]".into());
        let batches = read(b"{\"a\": \"2024-01-01T01:00:00+01:00\", \"b\": 2}\n", &options).unwrap();
        let times = batches[0].column(1).as_primitive::<TimestampMicrosecondType>();
        assert_eq!((times.value(0), times.timezone()), (1_704_067_200_000_000, Some("UTC")));
        options.types.insert("z".into(), "string".into());
        assert!(error(b"{\"a\": 1, \"b\": 2}\n", &options).contains("\"z\""));
    }

    #[test]
    fn errors_tell_the_line() {
        let default = ImportOptions::default();
        for (text, expected) in [
            (&b""[..], "is empty"),
            (b"\n\n", "is empty"),
            (b"[{\"a\": 1}]\n", "line 1: not a JSON object: this file is JSON, but not JSON lines"),
            (b"{\n\"a\": 1\n}\n", "line 1: the object does not end in this line"),
            (b"{\"a\": 1}\n\n{\"a\": }\n", "line 3: not JSON: expected value (character 7)"),
            (b"{\"a\": 1}\n{\"a\": \"\xff\"}\n", "line 2: not JSON: not valid UTF-8"),
            (
                b"{\"a\": {\"b\": 1}}\n{\"a\": {\"b\": [1]}}\n",
                "line 2: column \"a.b\": a list here, and a plain value in",
            ),
            (b"{\"a\": {}}\n", "column \"a\" holds nothing but empty objects"),
            (b"{\"a\": 1}{\"a\": 2}\n", "line 1: not JSON: trailing characters"),
        ] {
            let found = error(text, &default);
            assert!(found.starts_with(expected), "{found:?} for {:?}", String::from_utf8_lossy(text));
        }
        let deep = format!("{{\"a\": {}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(error(deep.as_bytes(), &default).contains("recursion limit"));
    }

    #[test]
    fn a_late_value_that_does_not_fit_tells_its_line() {
        let mut text = String::new();
        for number in 0..1000 {
            text.push_str(&format!("{{\"a\": {number}}}\n\n"));
        }
        text.push_str("{\"a\": \"x\"}\n{\"a\": 5}\n");
        let options = ImportOptions { infer_rows: Some(10), ..Default::default() };
        let found = error(text.as_bytes(), &options);
        assert!(found.starts_with("line 2001: "), "{found}");
        let found =
            error(b"{\"a\": 1}\n{\"a\": 1, \"b\": 2}\n", &ImportOptions { infer_rows: Some(1), ..Default::default() });
        assert!(found.starts_with("line 2: ") && found.contains('b'), "{found}");
    }
}
