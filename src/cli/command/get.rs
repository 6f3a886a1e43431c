//! `get`: the value of an item, for people.

use std::io::Read;

use datafolio_storage::SourceReader;
use serde_json::{Value, json};

use crate::Data;
use crate::bundle::DataFolio;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::{Output, Paint};
use crate::cli::session::Session;
use crate::cli::value::{self, array, preview, rows};
use crate::cli::words::{grouped, iso};
use crate::text::{human_size, printable};

/// How much of a text file is shown.
const TEXT: u64 = 16 << 10;

/// Show the value of an item
///
/// Small values are shown whole, tables, arrays and text files by their beginning. `cat` writes the whole value for other
/// programs, `export` to a file.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio get params
  datafolio get flights --limit 3
  datafolio get params --version params--r3 --json")]
pub(in crate::cli) struct Args {
    /// The item
    item: String,
    /// A version of it, by its id in `datafolio log ITEM --versions`
    #[arg(long, value_name = "ID")]
    version: Option<String>,
    /// How many rows of a table are shown
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    limit: usize,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.reader()?;
    let data = value::read(&folio, &args.item, args.version.as_deref())?;
    let out = &mut session.out;
    if out.is_json() { as_json(data, args, out) } else { show(data, args, &folio, out) }
}

fn as_json(data: Data, args: &Args, out: &mut Output) -> Outcome {
    let value = match data {
        Data::Table(reader) => {
            preview::json(rows::part(reader, &rows::Part { limit: Some(args.limit), ..Default::default() })?)?
        }
        Data::Array(array) => array::json(&array),
        Data::Json(value) => value,
        Data::Timestamp(instant) => json!(iso(instant)),
        Data::Payload(source) => {
            let size = source.size();
            let text = beginning(SourceReader::new(source), &args.item)?;
            json!({"size_bytes": size, "text": text, "complete": size <= TEXT})
        }
        other => return Err(strange(&other)),
    };
    out.json(&value)
}

fn show(data: Data, args: &Args, folio: &DataFolio, out: &mut Output) -> Outcome {
    match data {
        Data::Table(reader) => {
            let total = match &args.version {
                None => folio.item_info(&args.item)?.record.get("num_rows").and_then(Value::as_u64),
                Some(_) => None,
            };
            let part = rows::part(reader, &rows::Part { limit: Some(args.limit), ..Default::default() })?;
            let shown = preview::show(part, out)?;
            match total {
                Some(total) if total > shown as u64 => {
                    let more = out.paint(Paint::Faint, format_args!("({} more rows)", grouped(total - shown as u64)));
                    out.note(more)
                }
                _ => Ok(()),
            }
        }
        Data::Array(array) => array::show(&array, out),
        Data::Json(value) => out.json(&value),
        Data::Timestamp(instant) => out.line(iso(instant)),
        Data::Payload(source) => {
            let size = source.size();
            match beginning(SourceReader::new(source), &args.item)? {
                Some(text) => {
                    for line in text.lines() {
                        out.line(printable(line))?;
                    }
                    if size > TEXT { out.note(format_args!("... ({} in all)", human_size(size))) } else { Ok(()) }
                }
                None => out.line(format_args!("{} of bytes that are no text", human_size(size))),
            }
        }
        other => Err(strange(&other)),
    }
}

/// The beginning of a file when it is text.
fn beginning(reader: SourceReader, item: &str) -> Outcome<Option<String>> {
    let mut bytes = Vec::new();
    reader.take(TEXT).read_to_end(&mut bytes).map_err(|error| {
        let source = datafolio_storage::StorageError::from_io("read", "its file", "the bundle", error);
        Failure::from(datafolio_handlers::HandlerError::Payload { item: item.to_owned(), source })
    })?;
    // The cut may go through a character.
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(bytes.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default()
        }
        Err(_) => return Ok(None),
    };
    Ok((!text.contains('\0')).then(|| text.to_owned()))
}

fn strange(data: &Data) -> Failure {
    let message = format!("{} cannot be shown", data.kind());
    Failure::new("unsupported", datafolio_core::ErrorCategory::Unsupported, message)
}
