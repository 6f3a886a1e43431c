//! `convert`: files of one format as files of another, without a bundle.

use std::path::{Path, PathBuf};

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::error::ArrowError;
use datafolio_columns::hdf5::Hdf5Writer;
use datafolio_columns::{ColumnsError, ColumnsResult, PassOptions, write_parts};
use datafolio_core::ErrorCategory;
use datafolio_handlers::formats::{ImportOptions, TableFiles, open_tables};
use serde_json::json;

use super::table_file::{TableFile, advise};
use crate::Hdf5WriteOptions;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::progress::Progress;
use crate::cli::session::Session;
use crate::cli::value::file::{refuse_existing, write_whole};
use crate::cli::value::rows::{self, RowFormat};
use crate::cli::words::count;
use crate::error::Error;
use crate::mapped::{ROWS_PER_FILE, files_key};
use crate::rows::Stretch;
use crate::table::Reread;
use crate::text::{human_size, printable};

/// Rows that are turned into bytes at once.
const CHUNK_ROWS: usize = 1 << 16;
/// Columns of an HDF5 file for which the rows are walked once.
const COLUMNS_AT_ONCE: usize = 64;

/// Convert table files to another format
///
/// Needs no bundle. Takes what `import` takes, with the same types, and writes .arrow, .parquet, .hdf5, .csv, .tsv, .jsonl or .json; Arrow and
/// HDF5 files are mapped into memory by what computes over them. Several files, a directory or a pattern become one table. A file
/// appears when it is whole. A name that ends in / is a directory of Arrow files of some million rows each: a conversion that was
/// interrupted goes on where it ended when it is run again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio convert flights.csv.gz flights.arrow
  datafolio convert 'logs/2024-*.csv' logs.parquet --type code=string
  datafolio convert huge.csv huge/")]
pub(in crate::cli) struct Args {
    /// The files; a directory or a pattern is many of them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The file to write; or a directory, where it ends in /
    #[arg(value_name = "TO")]
    to: PathBuf,
    #[command(flatten)]
    file: TableFile,
    /// Replace the file if it is there, or what was converted into the directory from other files
    #[arg(long)]
    overwrite: bool,
}

/// What was written.
struct Written {
    rows: u64,
    files: Vec<PathBuf>,
    /// Rows of an earlier run.
    kept: u64,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let threads = session.settings()?.threads;
    let progress =
        Progress::start(&session.out, format!("converting to {}", printable(&args.to.display().to_string())));
    let options = args.file.options(&progress)?;
    let advised = |failure: Failure| advise(failure, "convert");
    let files = TableFiles::find(&args.files, options.format).map_err(|error| advised(Error::from(error).into()))?;
    let written = match is_directory(&args.to) {
        true => to_directory(&files, &options, args),
        false => to_file(&files, &options, args, threads),
    };
    let written = written.map_err(advised)?;
    drop(progress);
    let size: u64 = written.files.iter().filter_map(|file| file.metadata().ok()).map(|found| found.len()).sum();
    let out = &mut session.out;
    if out.is_json() {
        let full = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let files: Vec<PathBuf> = written.files.iter().map(full).collect();
        return out.json(&json!({"files": files, "rows": written.rows, "size_bytes": size}));
    }
    let (to, rows) = (printable(&args.to.display().to_string()), words(written.rows));
    let went_on =
        if written.kept > 0 { format!("; {} were there already", words(written.kept)) } else { String::new() };
    out.done(format_args!("Converted {rows} to {to} ({}){went_on}", human_size(size)))
}

fn words(rows: u64) -> String {
    count(usize::try_from(rows).unwrap_or(usize::MAX), "row")
}

/// Whether a name means a directory.
fn is_directory(path: &Path) -> bool {
    path.as_os_str().to_string_lossy().ends_with(['/', std::path::MAIN_SEPARATOR]) || path.is_dir()
}

fn to_directory(files: &TableFiles, options: &ImportOptions, args: &Args) -> Outcome<Written> {
    let key = files_key(files, options)?;
    let open = |skip: u64| {
        let rows = open_tables(files, options).map_err(|error| of_source(Error::from(error)))?;
        Ok(Stretch::new(rows, skip, None))
    };
    let parts = write_parts(&args.to, &key, ROWS_PER_FILE, args.overwrite, open, &PassOptions::default());
    let parts = parts.map_err(Error::from)?;
    Ok(Written { rows: parts.rows, files: parts.files, kept: parts.kept })
}

fn to_file(files: &TableFiles, options: &ImportOptions, args: &Args, threads: usize) -> Outcome<Written> {
    let to = &args.to;
    let extension = to.extension().map(|text| text.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let rows = match (extension.as_str(), RowFormat::of_extension(&extension)) {
        ("hdf5" | "h5", _) => {
            refuse_existing(to, args.overwrite)?;
            to_hdf5(files, options, to, threads).map_err(Error::from)?
        }
        (_, Some(format)) => {
            let reader = open_tables(files, options).map_err(Error::from)?;
            write_whole(to, args.overwrite, |out| rows::write(reader, format, threads, out))? as u64
        }
        (_, None) => {
            let message = format!("{}: nothing is written to a file of that name", to.display());
            let hint = format!("call it {}, *.hdf5, or end it in / for a directory of Arrow files", rows::EXTENSIONS);
            return Err(Failure::new("unknown-format", ErrorCategory::InvalidInput, message).hint(hint));
        }
    };
    Ok(Written { rows, files: vec![to.clone()], kept: 0 })
}

/// HDF5 needs to know how many rows there are, and what room texts take, before the first byte: the files are read several times.
fn to_hdf5(files: &TableFiles, options: &ImportOptions, to: &Path, threads: usize) -> ColumnsResult<u64> {
    let reader = open_tables(files, options).map_err(|error| of_source(error.into()))?;
    let schema = reader.schema();
    let count = |batch: Result<RecordBatch, ArrowError>| {
        batch.map(|batch| batch.num_rows() as u64).map_err(|error| of_source(error.into()))
    };
    let rows = reader.map(count).sum::<ColumnsResult<u64>>()?;
    let open = |names: Vec<String>| -> Result<rows::Rows, Error> {
        let mut options = options.clone();
        options.columns = Some(names);
        Ok(open_tables(files, &options)?)
    };
    let table = Reread { schema, rows, open };
    let mut writer = Hdf5Writer::create(to, Hdf5WriteOptions::default())?;
    writer.layout(&table, None)?;
    writer.write(&table, CHUNK_ROWS, COLUMNS_AT_ONCE, threads, None)?;
    writer.finish()?;
    Ok(rows)
}

fn of_source(error: Error) -> ColumnsError {
    ColumnsError::Source(Box::new(error))
}
