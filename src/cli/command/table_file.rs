//! How the files are read that tables are made of: options of `import` and `append`.

use std::collections::BTreeMap;

use datafolio_handlers::HandlerError;
use datafolio_handlers::formats::{self, ImportOptions, TableFormat};

use crate::cli::failure::{Failure, Outcome};
use crate::cli::progress::Progress;
use crate::error::Error;

/// What the files are like.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct TableFile {
    /// Format of the files: csv, tsv, jsonl, parquet, arrow, hdf5 or npy [default: what their names say]
    #[arg(long)]
    format: Option<String>,
    /// What separates the fields of a text file: one character, or 'tab'
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// The first line of a text file is data; columns are called column_1, column_2, ...
    #[arg(long)]
    no_header: bool,
    /// What stands for a missing value; can be given several times, and replaces the usual ones (NA, NaN, null, ...)
    #[arg(long = "null", value_name = "VALUE", allow_hyphen_values = true)]
    nulls: Vec<String>,
    /// Type of a column, as in zip=string, day=date, t=timestamp[us]; can be given several times
    #[arg(long = "type", value_name = "COLUMN=TYPE", value_parser = column_type)]
    types: Vec<(String, String)>,
    /// Only these columns, in this order
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',')]
    columns: Option<Vec<String>>,
}

impl TableFile {
    /// The format that was given.
    pub(super) fn format(&self) -> Outcome<Option<TableFormat>> {
        let Some(name) = &self.format else { return Ok(None) };
        let known = TableFormat::from_name(name).ok_or_else(|| {
            Failure::usage(format!("there is no format '{name}'"))
                .meant(name, ["csv", "tsv", "jsonl", "parquet", "arrow", "hdf5", "npy"])
        })?;
        Ok(Some(known))
    }

    /// The same, for the library.
    pub(super) fn options(&self, progress: &Progress) -> Outcome<ImportOptions> {
        let mut options = ImportOptions::default();
        options.format = self.format()?;
        options.delimiter = self.delimiter;
        options.has_header = !self.no_header;
        options.null_values = (!self.nulls.is_empty()).then(|| self.nulls.clone());
        options.types = self.types.iter().cloned().collect::<BTreeMap<_, _>>();
        options.columns.clone_from(&self.columns);
        options.progress = Some(progress.of_file());
        Ok(options)
    }
}

/// With the option that the library asks for or refuses, as it is called here.
pub(super) fn advise(failure: Failure, command: &str) -> Failure {
    let Failure::Library { error, .. } = &failure else { return failure };
    let hint = match &**error {
        Error::Handler(HandlerError::NeedsOption { option: "delimiter", value: Some(value), .. }) => {
            format!("pass --delimiter '{value}' to `datafolio {command}`")
        }
        Error::Handler(HandlerError::NeedsOption { option: "format", value, .. }) => {
            let value = value.as_deref().unwrap_or("csv, tsv, jsonl, parquet, arrow, hdf5 or npy");
            format!("pass --format {value} to `datafolio {command}`")
        }
        Error::Handler(HandlerError::OptionNotTaken { option, .. }) => {
            let flag = match *option {
                "has_header" => "no-header",
                "null_values" => "null",
                "types" => "type",
                other => other,
            };
            format!("leave out --{flag}")
        }
        _ => return failure,
    };
    failure.hint(hint)
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() => Ok(*byte),
        _ => Err("it is one ASCII character, or 'tab'".to_owned()),
    }
}

fn column_type(text: &str) -> Result<(String, String), String> {
    let (column, of) = text.rsplit_once('=').ok_or("write COLUMN=TYPE")?;
    formats::parse_type(of).map_err(|error| error.to_string())?;
    Ok((column.to_owned(), of.to_owned()))
}
