//! `import`: tables from files.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::add::item_name;
use super::new_item::NewItem;
use super::table_file::{TableFile, advise};
use crate::Data;
use crate::bundle::{AddOptions, names_many, table_from_files};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::inputs;
use crate::cli::progress::Progress;
use crate::cli::session::Session;
use crate::cli::words::count;

/// Import tables from files
///
/// Takes CSV and TSV (also with .gz or .zip), JSON lines, Parquet, Arrow or Feather, HDF5, and .npy files. Columns of text files
/// get the narrowest type that holds all their values; a row that does not fit is reported with its line. A directory, or
/// a pattern in quotes, is one table of many files, and so are several files with one --name; directories year=2024/ are
/// columns of it. Otherwise each file becomes a table. All are one commit: either all tables or none.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio import flights.csv.gz planes.csv
  datafolio import survey.txt --delimiter ';' --null -99 -n survey
  datafolio import codes.csv --type zip=string --columns zip,city
  datafolio import 'logs/2024-*.csv.gz' -n logs
  datafolio import events/ more_events/ -n events
  datafolio import big.parquet --table-format arrow --overwrite")]
pub(in crate::cli) struct Args {
    /// The files; a directory or a pattern is many of them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Name of the one table that all of them become [default: a table for each, called as the file or directory]
    #[arg(short, long)]
    name: Option<String>,
    #[command(flatten)]
    item: NewItem,
    #[command(flatten)]
    file: TableFile,
    /// How tables are stored: parquet, or arrow or hdf5 (the layout of Vaex), which can be mapped into memory
    #[arg(long, value_name = "FORMAT", value_parser = ["parquet", "arrow", "hdf5"])]
    table_format: Option<String>,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    args.file.format()?;
    let tables = tables(args)?;
    let names: Vec<&String> = tables.iter().map(|(name, _)| name).collect();
    let folio = session.writer()?;
    let mut batch = folio.batch()?;
    for (name, files) in &tables {
        let what = format!("importing {name}");
        let mut progress = Progress::start(&session.out, what.clone());
        let data = rows(args, files, &progress)?;
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

/// The tables that are asked for, and the files of each.
fn tables(args: &Args) -> Outcome<Vec<(String, &[PathBuf])>> {
    if let Some((twice, _)) = args.files.iter().enumerate().find(|(index, file)| args.files[..*index].contains(file)) {
        return Err(Failure::usage(format!("{} is named twice", args.files[twice].display())));
    }
    if let Some(name) = &args.name {
        return Ok(vec![(name.clone(), &args.files)]);
    }
    let mut tables: Vec<(String, &[PathBuf])> = Vec::new();
    for file in &args.files {
        let name = name_of(file)?;
        // The second would replace the first, or be refused as if the first had been there before.
        if let Some((_, other)) = tables.iter().find(|(known, _)| *known == name) {
            let (one, two) = (other.first().unwrap_or(file).display(), file.display());
            let message = format!("{one} and {two} would both become item '{name}'");
            return Err(Failure::usage(message)
                .hint("import them one by one, each with a --name of its own, or as one table with one --name"));
        }
        tables.push((name, std::slice::from_ref(file)));
    }
    Ok(tables)
}

/// What a table is called by its source.
fn name_of(source: &Path) -> Outcome<String> {
    if source.is_dir() {
        let full = std::fs::canonicalize(source).unwrap_or_else(|_| source.to_owned());
        let name = full.file_name().unwrap_or_default().to_string_lossy().into_owned();
        datafolio_core::name::check_item_name(&name)
            .map_err(|error| Failure::from(error).hint("give the table a name with -n/--name"))?;
        return Ok(name);
    }
    if names_many(source) {
        let message = format!("{} is a pattern, which gives the table no name", source.display());
        return Err(Failure::usage(message).hint("give the table a name with -n/--name"));
    }
    item_name(source)
}

fn rows(args: &Args, files: &[PathBuf], progress: &Progress) -> Outcome<Data> {
    let options = args.file.options(progress)?;
    table_from_files(files, &options, &add_options(args)).map_err(|error| advise(error.into(), "import"))
}

fn add_options(args: &Args) -> AddOptions {
    let options = args.item.options();
    match &args.table_format {
        Some(format) => options.table_format(format),
        None => options,
    }
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
