//! `export`: an item as a file.

use std::io::Write;
use std::path::{Path, PathBuf};

use datafolio_core::ErrorCategory;
use datafolio_handlers::HandlerError;
use datafolio_storage::SourceReader;
use serde_json::json;

use super::cat::copy_to;
use crate::Data;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::progress::Progress;
use crate::cli::session::Session;
use crate::cli::value::file::write_whole;
use crate::cli::value::rows::{self, RowFormat};
use crate::cli::value::{self, array};
use crate::cli::words::iso;
use crate::text::{human_size, printable};

/// Write an item to a file
///
/// The file's extension says how: a table as .parquet, .csv, .tsv, .jsonl, .json or .arrow, an array as .npy or .json,
/// JSON and timestamps as .json; files and models are copied as they are.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio export flights flights.csv
  datafolio export model model.joblib --version model--r7 --overwrite
  datafolio at v1.0 export flights flights-v1.parquet")]
pub(in crate::cli) struct Args {
    /// The item
    item: String,
    /// The file
    file: PathBuf,
    /// A version of the item, by its id in `datafolio log ITEM --versions`
    #[arg(long, value_name = "ID")]
    version: Option<String>,
    /// Replace the file if it is there
    #[arg(long)]
    overwrite: bool,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.reader()?;
    let data = value::read(&folio, &args.item, args.version.as_deref())?;
    let extension = args.file.extension().map(|text| text.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let progress = Progress::start(&session.out, format!("exporting {}", args.item));
    write(data, args, &extension)?;
    drop(progress);
    let path = std::path::absolute(&args.file).unwrap_or_else(|_| args.file.clone());
    let size = std::fs::metadata(&path).map(|facts| facts.len()).unwrap_or_default();
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&json!({"item": args.item, "path": path, "size_bytes": size}));
    }
    let shown = printable(&args.file.display().to_string());
    out.done(format_args!("Exported {} to {shown} ({})", printable(&args.item), human_size(size)))
}

fn write(data: Data, args: &Args, extension: &str) -> Outcome {
    let unknown = |known: &str| {
        let message = format!("{}: {} is not written to a file of that name", args.file.display(), data.kind());
        Err(Failure::new("unknown-format", ErrorCategory::InvalidInput, message).hint(format!("call it {known}")))
    };
    let format = match (&data, extension) {
        (Data::Table(_), "parquet" | "pq") => Some(RowFormat::Parquet),
        (Data::Table(_), "csv") => Some(RowFormat::Csv),
        (Data::Table(_), "tsv" | "tab") => Some(RowFormat::Tsv),
        (Data::Table(_), "jsonl" | "ndjson") => Some(RowFormat::Jsonl),
        (Data::Table(_), "json") => Some(RowFormat::Json),
        (Data::Table(_), "arrow" | "feather" | "ipc") => Some(RowFormat::Arrow),
        (Data::Table(_), _) => return unknown("*.parquet, *.csv, *.tsv, *.jsonl, *.json or *.arrow"),
        (Data::Array(_), "npy" | "json") | (Data::Json(_) | Data::Timestamp(_), "json") | (Data::Payload(_), _) => None,
        (Data::Array(_), _) => return unknown("*.npy or *.json"),
        _ => return unknown("*.json"),
    };
    write_as(data, format, &args.item, &args.file, args.overwrite, extension)
}

fn write_as(
    data: Data,
    format: Option<RowFormat>,
    item: &str,
    file: &Path,
    overwrite: bool,
    extension: &str,
) -> Outcome {
    write_whole(file, overwrite, |out| match data {
        Data::Table(reader) => rows::write(reader, format.unwrap_or(RowFormat::Parquet), out).map(drop),
        Data::Array(array) if extension == "json" => Ok(writeln!(out, "{}", array::to_json(&array)?)?),
        Data::Array(array) => array.write(out).map_err(|error| match error {
            datafolio_handlers::npy::NpyError::Io(error) => Failure::Output(error),
            other => HandlerError::Invalid { item: item.to_owned(), reason: other.to_string() }.into(),
        }),
        Data::Json(value) => Ok(writeln!(out, "{value:#}")?),
        Data::Timestamp(instant) => Ok(writeln!(out, "{}", json!(iso(instant)))?),
        Data::Payload(source) => copy_to(SourceReader::new(source), item, out),
        other => Err(Failure::usage(format!("{} has no bytes to write", other.kind()))),
    })
}
