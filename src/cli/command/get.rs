//! `get`: the value of an item, for people.

use std::io::Read;

use datafolio_core::item_type;
use datafolio_storage::SourceReader;
use serde_json::json;

use crate::Data;
use crate::bundle::DataFolio;
use crate::cli::completion;
use crate::cli::doubts;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::inputs;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::value::preview::Rest;
use crate::cli::value::{self, array, preview, rows};
use crate::cli::words::{count, iso};
use crate::text::{human_size, printable};

/// How many rows of a table are shown.
const ROWS: usize = 10;
/// How much of a text file is shown.
const TEXT: u64 = 16 << 10;

/// Show the value of an item
///
/// Small values are shown whole, tables, arrays and text files by their beginning. `head` shows as many rows of a table as are
/// asked for; `cat` writes the whole value for other programs, `export` to a file.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio get params
  datafolio get flights
  datafolio get params --version params--r3-91ab3f --json")]
pub(in crate::cli) struct Args {
    /// The item
    #[arg(add = completion::items())]
    item: String,
    /// A version of it, by its id in `datafolio log ITEM --versions`
    #[arg(add = completion::versions(), long, value_name = "ID")]
    version: Option<String>,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.reader()?;
    if args.version.is_none() {
        doubts::warn(&folio, folio.item_info(&args.item).iter(), &mut session.out);
    }
    inputs::warn_changed(&folio, &args.item, &mut session.out);
    let progress = session.reading_item("reading", &folio, &args.item);
    if let Some(array) = value::stored_array(&folio, &args.item, args.version.as_deref())? {
        drop(progress);
        let out = &mut session.out;
        return if out.is_json() { array::show_json(&array, out) } else { array::show(&array, out) };
    }
    let data = value::read(&folio, &args.item, args.version.as_deref())?;
    drop(progress);
    let out = &mut session.out;
    if out.is_json() { as_json(data, args, out) } else { show(data, args, &folio, out) }
}

fn as_json(data: Data, args: &Args, out: &mut Output) -> Outcome {
    let value = match data {
        Data::Table(reader) => {
            preview::json(rows::part(reader, &rows::Part { limit: Some(ROWS), ..Default::default() })?)?
        }
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
            let (shown, rest) = preview::show_first(reader, ROWS, out)?;
            if rest == Rest::None {
                return Ok(());
            }
            match rows_in_all(args, folio).and_then(|total| total.checked_sub(shown as u64)) {
                Some(more) => {
                    let more = usize::try_from(more).unwrap_or(usize::MAX);
                    out.aside(format_args!("({})", count(more, "more row")))
                }
                None => out.aside("(more rows)"),
            }
        }
        Data::Json(value) => out.json(&value),
        Data::Timestamp(instant) => out.line(iso(instant)),
        Data::Payload(source) => {
            let size = source.size();
            match beginning(SourceReader::new(source), &args.item)? {
                Some(text) => {
                    for line in text.lines() {
                        out.line(printable(line))?;
                    }
                    if size > TEXT { out.aside(format_args!("... ({} in all)", human_size(size))) } else { Ok(()) }
                }
                None => out.line(format_args!("{} of bytes that are no text", human_size(size))),
            }
        }
        other => Err(strange(&other)),
    }
}

/// How many rows a table has, where the bundle can vouch for it: the file of a reference may have changed since.
fn rows_in_all(args: &Args, folio: &DataFolio) -> Option<u64> {
    let table = folio.table_info(&args.item).ok()?;
    let is_ours = args.version.is_none() && table.item_type != item_type::REFERENCED_TABLE;
    table.rows.filter(|_| is_ours)
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
