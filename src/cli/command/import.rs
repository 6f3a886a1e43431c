//! `import`: tables from files.

use std::path::PathBuf;

use serde_json::Value;

use super::add::item_name;
use super::table_file::{TableFile, advise};
use crate::Data;
use crate::bundle::{AddOptions, table_from_file};
use crate::cli::completion;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::inputs;
use crate::cli::progress::Progress;
use crate::cli::session::Session;
use crate::cli::words::count;

/// Import tables from files
///
/// Takes CSV and TSV (also with .gz or .zip), JSON lines, Parquet and Arrow or Feather files. Columns of text files get
/// the narrowest type that holds all their values; a row that does not fit is reported with its line. Several files
/// become several tables, in one commit: either all of them or none.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio import flights.csv.gz planes.csv
  datafolio import survey.txt --delimiter ';' --null -99 -n survey
  datafolio import codes.csv --type zip=string --columns zip,city
  datafolio import big.parquet --table-format arrow --overwrite")]
pub(in crate::cli) struct Args {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Name of the table, when there is one file [default: the file's name without extension]
    #[arg(short, long)]
    name: Option<String>,
    /// What it is
    #[arg(short, long, value_name = "TEXT")]
    description: Option<String>,
    /// An item that it was made from; can be given several times
    #[arg(add = completion::items(), long = "input", value_name = "NAME")]
    inputs: Vec<String>,
    /// Replace tables of that name; their versions before stay in the history
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    file: TableFile,
    /// How tables are stored: parquet, or arrow, which can be mapped into memory
    #[arg(long, value_name = "FORMAT", value_parser = ["parquet", "arrow"])]
    table_format: Option<String>,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    if args.name.is_some() && args.files.len() > 1 {
        return Err(Failure::usage("--name is for one file; several files are called by their own names"));
    }
    args.file.format()?;
    let mut names: Vec<String> = Vec::new();
    for file in &args.files {
        if file.is_dir() {
            let message = format!("{} is a directory, and `import` takes files", file.display());
            return Err(Failure::usage(message).hint("name the files in it"));
        }
        let name = match &args.name {
            Some(name) => name.clone(),
            None => item_name(file)?,
        };
        // The second would replace the first, or be refused as if the first had been there before.
        if let Some(other) = names.iter().position(|known| *known == name) {
            let (one, two) = (args.files[other].display(), file.display());
            let message = format!("{one} and {two} would both become item '{name}'");
            return Err(Failure::usage(message).hint("import them one by one, each with a --name of its own"));
        }
        names.push(name);
    }
    let folio = session.writer()?;
    let mut batch = folio.batch()?;
    for (file, name) in args.files.iter().zip(&names) {
        let what = format!("importing {name}");
        let mut progress = Progress::start(&session.out, what.clone());
        let data = rows(args, file, &progress)?;
        if let Some(size) = taken_over(&data) {
            drop(progress);
            progress = session.writing(what, Some(size));
        }
        batch.add(name, data, add_options(args))?;
        drop(progress);
    }
    batch.commit()?;
    let infos = names.iter().map(|name| Ok(folio.item_info(name)?)).collect::<Outcome<Vec<_>>>()?;
    let out = &mut session.out;
    inputs::warn(&folio, &names, out);
    if out.is_json() {
        return out.json(&infos);
    }
    for info in infos {
        let number = |key: &str| info.record.get(key).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
        let rows = count(number("num_rows").unwrap_or_default(), "row");
        let columns = count(number("num_cols").unwrap_or_default(), "column");
        out.done(format_args!("Imported {}: {rows}, {columns}", info.name))?;
    }
    Ok(())
}

/// The size of a file that is taken over as it is: it is not read row by row, and what is written of it tells how far it is.
fn taken_over(data: &Data) -> Option<u64> {
    match data {
        Data::ParquetFile(path) => std::fs::metadata(path).ok().map(|facts| facts.len()),
        _ => None,
    }
}

fn rows(args: &Args, file: &std::path::Path, progress: &Progress) -> Outcome<Data> {
    let options = args.file.options(progress)?;
    table_from_file(file, &options, &add_options(args)).map_err(|error| advise(error.into(), "import"))
}

fn add_options(args: &Args) -> AddOptions {
    let mut options = AddOptions::new().inputs(args.inputs.iter().cloned());
    if let Some(text) = &args.description {
        options = options.description(text);
    }
    if let Some(format) = &args.table_format {
        options = options.table_format(format);
    }
    if args.overwrite { options.overwrite() } else { options }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Its import showed a spinner: nothing reads it row by row, which would tell how far it is.
    #[test]
    fn how_far_a_file_is_that_is_taken_over_its_size_tells() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.parquet");
        std::fs::write(&path, [0; 300]).unwrap();
        assert_eq!(taken_over(&Data::ParquetFile(path.clone())), Some(300));
        assert_eq!(taken_over(&Data::ParquetFile(path.with_extension("gone"))), None);
        assert_eq!(taken_over(&Data::Json(Value::Null)), None);
    }
}
