//! `cat`: the whole value of an item on standard output.

use std::io;

use datafolio_handlers::{HandlerError, StoredArray};
use datafolio_storage::{SourceReader, StorageError};

use crate::Data;
use crate::cli::args::how_many;
use crate::cli::completion;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::inputs;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::value::rows::{self, Form, Part};
use crate::cli::value::{self, array, preview};
use crate::cli::words::iso;

/// Write the value of an item to standard output
///
/// A table comes as CSV, an array as the bytes of a .npy file, a file or model as its bytes; --format chooses another
/// form for tables and arrays. Rows are streamed: `datafolio cat big | head` reads no more than it must.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio cat flights > flights.csv
  datafolio cat flights --format jsonl --limit 100 | jq .dep_delay
  datafolio cat flights --columns carrier,dep_delay | head
  datafolio cat plot > plot.png")]
pub(in crate::cli) struct Args {
    /// The item
    #[arg(add = completion::items())]
    item: String,
    /// A version of it, by its id in `datafolio log ITEM --versions`
    #[arg(add = completion::versions(), long, value_name = "ID")]
    version: Option<String>,
    /// Form of a table or array
    #[arg(long, value_enum)]
    format: Option<Form>,
    /// Only these columns of a table, in this order
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',')]
    columns: Vec<String>,
    /// At most so many rows of a table
    #[arg(short = 'n', long, value_name = "N", allow_negative_numbers = true, value_parser = how_many::<usize>)]
    limit: Option<usize>,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    if session.out.is_json() && args.format.is_some_and(|form| form != Form::Json) {
        return Err(Failure::usage("--json prints one JSON value: it goes with no --format but json"));
    }
    let folio = session.reader()?;
    inputs::warn_changed(&folio, &args.item, &mut session.out);
    let form = args.format.or(session.out.is_json().then_some(Form::Json));
    let progress = session.reading_item("reading", &folio, &args.item);
    // On a terminal the value itself shows that it goes on.
    let _progress = (!session.out.is_terminal()).then_some(progress);
    let has_rows = args.limit.is_some() || !args.columns.is_empty();
    let no_rows =
        |kind: &str| Failure::usage(format!("--limit and --columns are for tables, and '{}' is {kind}", args.item));
    if let Some(array) = value::stored_array(&folio, &args.item, args.version.as_deref())? {
        return if has_rows { Err(no_rows("an array")) } else { self::array(&array, args, form, &mut session.out) };
    }
    let data = value::read_or_file(&folio, &args.item, args.version.as_deref())?;
    if !matches!(data, Data::Table(_)) && has_rows {
        return Err(no_rows(data.kind()));
    }
    let out = &mut session.out;
    match data {
        Data::Table(reader) => {
            let part = Part { table: args.item.clone(), columns: args.columns.clone(), limit: args.limit };
            let rows = rows::part(reader, &part)?;
            table(rows, form.unwrap_or(Form::Csv), folio.settings().threads, out)
        }
        Data::Json(value) => out.json(&value),
        Data::Timestamp(instant) if form == Some(Form::Json) => out.json(&iso(instant)),
        Data::Timestamp(instant) => out.line(iso(instant)),
        Data::Payload(source) if form == Some(Form::Json) && value::is_json(&folio, &args.item)? => {
            copy(source, &args.item, out)
        }
        Data::Payload(_) if form.is_some() => {
            Err(Failure::usage(format!("'{}' is a file: its bytes have one form only", args.item))
                .hint("`datafolio get --json` shows the beginning of a text, `datafolio export` writes the file"))
        }
        Data::Payload(source) => copy(source, &args.item, out),
        other => Err(Failure::usage(format!("{} has no bytes to show", other.kind()))),
    }
}

/// An array, of which only a part is ever in memory.
fn array(array: &StoredArray, args: &Args, form: Option<Form>, out: &mut Output) -> Outcome {
    match form {
        None => copy(array.source().clone(), &args.item, out),
        Some(Form::Table) => array::show(array, out),
        Some(Form::Csv) => array::write_csv(array, ',', out.raw()),
        Some(Form::Tsv) => array::write_csv(array, '\t', out.raw()),
        Some(Form::Json) => array::write_json(array, out.raw()),
        Some(Form::Jsonl) => array::write_json_lines(array, out.raw()),
        Some(Form::Parquet | Form::Arrow) => {
            Err(Failure::usage("an array is no table: it has no form as Parquet or Arrow")
                .hint("leave --format out for the bytes of a .npy file"))
        }
    }
}

fn table(rows: rows::Rows, form: Form, threads: usize, out: &mut Output) -> Outcome {
    match form.row_format() {
        Some(format) => rows::write(rows, format, threads, out.raw()).map(drop),
        None => preview::show(rows, out).map(drop),
    }
}

fn copy(source: std::sync::Arc<dyn datafolio_storage::Source>, item: &str, out: &mut Output) -> Outcome {
    copy_to(SourceReader::new(source), item, out.raw())
}

/// Copies the bytes of an item; an error of reading them names the item, one of writing is [`Failure::Output`].
pub(super) fn copy_to(mut reader: SourceReader, item: &str, out: &mut dyn io::Write) -> Outcome {
    let mut buffer = vec![0; 256 << 10];
    loop {
        let count = io::Read::read(&mut reader, &mut buffer).map_err(|error| {
            let source = StorageError::from_io("read", "its file", "the bundle", error);
            Failure::from(HandlerError::Payload { item: item.to_owned(), source })
        })?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { return Ok(()) };
        out.write_all(bytes)?;
    }
}
