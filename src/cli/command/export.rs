//! `export`: an item as a file.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafolio_columns::{ExportFormat, PartitionOptions};
use datafolio_core::ErrorCategory;
use datafolio_handlers::StoredArray;
use datafolio_storage::SourceReader;
use serde_json::json;

use super::cat::copy_to;
use super::frame_args::pass_options;
use crate::bundle::is_the_bundles_own;
use crate::cli::completion;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::inputs;
use crate::cli::progress::Progress;
use crate::cli::session::Session;
use crate::cli::value::file::{refuse_existing, write_whole};
use crate::cli::value::rows::{self, RowFormat};
use crate::cli::value::{self, array};
use crate::cli::words::iso;
use crate::error::Error;
use crate::table::is_table_entry;
use crate::text::{human_size, printable};
use crate::{Data, DataFolio, Hdf5WriteOptions, TableOptions};

/// Write an item to a file
///
/// The file's extension says how: a table as .parquet, .csv, .tsv, .jsonl, .json, .arrow or .hdf5, an array as .npy or .json,
/// JSON and timestamps as .json; files, models, and items of types that are not known here are copied as they are, and so is JSON
/// of other programs that cannot be read here: nested too deeply, or with numbers beyond 64 bits. The file gets
/// its name when it is whole; a run that is killed leaves a hidden .NAME.*.tmp beside it, which can be deleted. With --by, or a name
/// that ends in /, a table becomes a directory of files, which must not be there yet.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio export flights flights.csv
  datafolio export model model.joblib --version model--r7-0c4e2a --overwrite
  datafolio at v1.0 export flights flights-v1.parquet
  datafolio export flights by-month/ --by year,month")]
pub(in crate::cli) struct Args {
    /// The item
    #[arg(add = completion::items())]
    item: String,
    /// The file
    file: PathBuf,
    /// A version of the item, by its id in `datafolio log ITEM --versions`
    #[arg(add = completion::versions(), long, value_name = "ID")]
    version: Option<String>,
    /// Replace the file if it is there
    #[arg(long, conflicts_with_all = ["by", "rows_per_file", "format"])]
    overwrite: bool,
    /// Cut the rows by the values of these columns: each has a directory NAME=VALUE, and is left out of the files
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',')]
    by: Vec<String>,
    /// The most rows of a file of a directory, about
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u64).range(1..))]
    rows_per_file: Option<u64>,
    /// What the files of a directory are [default: parquet]
    #[arg(long, value_parser = ["parquet", "arrow", "csv", "jsonl"])]
    format: Option<String>,
}

impl Args {
    /// Whether a directory of files is asked for.
    fn is_directory(&self) -> bool {
        let ends = self.file.as_os_str().to_string_lossy().ends_with(['/', std::path::MAIN_SEPARATOR]);
        ends || !self.by.is_empty() || self.rows_per_file.is_some() || self.format.is_some()
    }
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.reader()?;
    // What lies there is for the bundle alone to write.
    if is_the_bundles_own(&args.file, Path::new(&folio.location())) {
        let message = format!("{} is a place that belongs to the bundle itself", args.file.display());
        return Err(Failure::new("invalid-argument", ErrorCategory::InvalidInput, message).hint("give another file"));
    }
    inputs::warn_changed(&folio, &args.item, &mut session.out);
    let extension = args.file.extension().map(|text| text.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let mut progress = session.reading_item("exporting", &folio, &args.item);
    let version = args.version.as_deref();
    if args.is_directory() {
        if !is_table(&folio, &args.item)? {
            let message = format!("{} is no table, and only tables become directories of files", printable(&args.item));
            return Err(Failure::new("invalid-argument", ErrorCategory::InvalidInput, message)
                .hint("leave out --by, --rows-per-file and --format, and give the name of a file"));
        }
        let size = to_directory(&folio, args)?;
        drop(progress);
        return said(args, size, session);
    }
    match value::stored_array(&folio, &args.item, version)? {
        Some(array) => write_array(&array, args, &extension)?,
        None if matches!(extension.as_str(), "hdf5" | "h5") && is_table(&folio, &args.item)? => {
            refuse_existing(&args.file, args.overwrite)?;
            let mut rows = TableOptions::new();
            rows.version = args.version.clone();
            // Its rows are read several times: the bytes that were read do not say how far it is.
            let done = Arc::new(AtomicU64::new(0));
            let told = Arc::clone(&done);
            let percent = move || Some(f64::from_bits(told.load(Ordering::Relaxed)));
            progress = Progress::of_share(&session.out, format!("exporting {}", printable(&args.item)), percent);
            let tell = |share: f64| {
                done.store((share * 100.0).to_bits(), Ordering::Relaxed);
                true
            };
            folio.export_hdf5_watched(&args.item, &args.file, &rows, &Hdf5WriteOptions::default(), &tell)?;
        }
        None => {
            let data = value::read_or_file(&folio, &args.item, version)?;
            if matches!(data, Data::Payload(_)) && extension != "json" && value::is_json(&folio, &args.item)? {
                return Err(unknown(args, "a JSON value", "*.json"));
            }
            write(data, args, &extension, folio.settings().threads)?;
        }
    }
    drop(progress);
    let size = std::fs::metadata(&args.file).map(|facts| facts.len()).unwrap_or_default();
    said(args, size, session)
}

/// Says what was written.
fn said(args: &Args, size: u64, session: &mut Session) -> Outcome {
    let path = std::path::absolute(&args.file).unwrap_or_else(|_| args.file.clone());
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&json!({"item": args.item, "path": path, "size_bytes": size}));
    }
    let shown = printable(&args.file.display().to_string());
    out.done(format_args!("Exported {} to {shown} ({})", printable(&args.item), human_size(size)))
}

/// Writes a table as a directory of files; says how many bytes they have.
fn to_directory(folio: &DataFolio, args: &Args) -> Outcome<u64> {
    let frame = match &args.version {
        None => folio.frame(&args.item)?,
        Some(version) => folio.frame_of_version(&args.item, version)?,
    };
    let mut options =
        PartitionOptions { by: args.by.clone(), pass: pass_options(folio), ..PartitionOptions::default() };
    if let Some(rows) = args.rows_per_file {
        options.rows_per_file = rows;
    }
    options.format = match args.format.as_deref() {
        Some("arrow") => ExportFormat::Arrow,
        Some("csv") => ExportFormat::Csv,
        Some("jsonl") => ExportFormat::JsonLines,
        _ => ExportFormat::Parquet,
    };
    let parts = frame.export_partitioned(&args.file, &options).map_err(Error::from)?;
    Ok(parts.files.iter().filter_map(|file| file.metadata().ok()).map(|facts| facts.len()).sum())
}

/// Whether an item is read as a table: what is none may well be a file of that name.
fn is_table(folio: &DataFolio, item: &str) -> Outcome<bool> {
    Ok(is_table_entry(folio.catalogue().item(item)?))
}

/// Writes an array, of which only a part is ever in memory.
fn write_array(array: &StoredArray, args: &Args, extension: &str) -> Outcome {
    let is_json = match extension {
        "npy" => false,
        "json" => true,
        _ => return Err(unknown(args, "an array", "*.npy or *.json")),
    };
    write_whole(&args.file, args.overwrite, |out| match is_json {
        false => copy_to(SourceReader::new(array.source().clone()), &args.item, out),
        true => array::write_json(array, out),
    })
}

fn unknown(args: &Args, kind: &str, known: &str) -> Failure {
    let message = format!("{}: {kind} is not written to a file of that name", args.file.display());
    Failure::new("unknown-format", ErrorCategory::InvalidInput, message).hint(format!("call it {known}"))
}

fn write(data: Data, args: &Args, extension: &str, threads: usize) -> Outcome {
    let unknown = |known: &str| Err(unknown(args, data.kind(), known));
    let format = match (&data, extension) {
        (Data::Table(_), extension) => match RowFormat::of_extension(extension) {
            Some(format) => Some(format),
            None => return unknown(&format!("{}, or *.hdf5", rows::EXTENSIONS)),
        },
        (Data::Json(_) | Data::Timestamp(_), "json") | (Data::Payload(_), _) => None,
        _ => return unknown("*.json"),
    };
    write_whole(&args.file, args.overwrite, |out| match data {
        Data::Table(reader) => rows::write(reader, format.unwrap_or(RowFormat::Parquet), threads, out).map(drop),
        Data::Json(value) => Ok(writeln!(out, "{value:#}")?),
        Data::Timestamp(instant) => Ok(writeln!(out, "{}", json!(iso(instant)))?),
        Data::Payload(source) => copy_to(SourceReader::new(source), &args.item, out),
        other => Err(Failure::usage(format!("{} has no bytes to write", other.kind()))),
    })
}
