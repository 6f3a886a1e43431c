//! `add`: puts any file into the bundle.

use std::io::Read;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use datafolio_core::ErrorCategory;
use datafolio_handlers::formats::{ImportOptions, TableFiles, TableFormat};
use datafolio_handlers::{HandlerError, JsonError, formats, reference_format, without_secrets};
use serde_json::Value;

use super::new_item::NewItem;
use super::table_file::advise;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::inputs;
use crate::cli::progress::Progress;
use crate::cli::session::Session;
use crate::error::Error;
use crate::{Data, Model, Reference};

/// Largest JSON file that is read: it is parsed in memory.
const MAX_JSON: u64 = 1 << 30;

/// Put a file into the bundle
///
/// What becomes of it depends on its name:
///
///   .parquet .csv .tsv .jsonl .arrow .feather  a table (text also .gz and .zip)
///   .npy                                       an array
///   .json                                      a JSON value
///   .joblib .skops .onnx .pkl .pt              a model
///   anything else                              the file as it is
///
/// `import` has more to say about tables in text files.
#[derive(Debug, Default, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  datafolio add notes.md -d 'What we found' --category docs
  datafolio add weights.npy --input training_data
  datafolio add flights.parquet --overwrite
  datafolio add -a exp params.json"
)]
pub(in crate::cli) struct Args {
    /// The file
    pub(super) file: PathBuf,
    /// The bundle, instead of -f
    #[arg(long, value_name = "PATH")]
    pub(super) to: Option<PathBuf>,
    /// Name of the item [default: the file's name without extension]
    #[arg(short, long)]
    pub(super) name: Option<String>,
    #[command(flatten)]
    pub(super) item: NewItem,
    /// Leave a table where it is: Python DataFolio's way to say what `reference` does
    #[arg(long, hide = true, conflicts_with_all = ["as_file", "model"])]
    pub(super) reference: bool,
    /// Keep the file as it is, whatever its name
    #[arg(long, conflicts_with = "model")]
    pub(super) as_file: bool,
    /// Keep it as a model, whatever its name
    #[arg(long)]
    pub(super) model: bool,
    /// Format of the model: joblib, skops, onnx, pickle or pt
    #[arg(long)]
    pub(super) format: Option<String>,
    /// Version of a Delta table, for `reference`
    #[arg(skip)]
    pub(super) version: Option<i64>,
    /// The same by a time
    #[arg(skip)]
    pub(super) timestamp: Option<DateTime<Utc>>,
    /// A label for a file that is kept as it is
    #[arg(long)]
    pub(super) category: Option<String>,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    if args.to.is_some() {
        session.refuse_other_bundles("--to")?;
        session.global.folio.clone_from(&args.to);
    }
    let folio = session.writer()?;
    let name = match &args.name {
        Some(name) => name.clone(),
        None => item_name(&args.file)?,
    };
    let mut options = args.item.options();
    if let Some(category) = &args.category {
        options = options.category(category);
    }
    let what = format!("adding {}", crate::text::printable(&name));
    let progress = if is_parsed(args) {
        Progress::start(&session.out, what)
    } else {
        session.writing(what, std::fs::metadata(&args.file).ok().map(|facts| facts.len()))
    };
    let data = data(args, &progress)?;
    let info = folio.add(&name, data, options)?;
    drop(progress);
    let out = &mut session.out;
    inputs::warn(&folio, &[&name], out);
    let path = info.record.get("path").and_then(Value::as_str).unwrap_or_default();
    if args.reference
        && path.contains("://")
        && !path.starts_with("file://")
        && !info.record.contains_key("fingerprint")
    {
        out.warn(format_args!(
            "nothing was seen at {}, so that nobody can tell later whether it is the same: `datafolio verify --references {}` says why",
            crate::text::printable(path),
            crate::text::shell_word(&info.name)
        ));
    }
    if out.is_json() {
        return out.json(&info);
    }
    out.done(format_args!("Added {} ({}) to {}", info.name, info.item_type, crate::text::printable(&folio.location())))
}

/// Whether the file is a table that is read row by row, which tells by itself how far it is.
fn is_parsed(args: &Args) -> bool {
    let is_table = TableFormat::from_path(&args.file)
        .is_some_and(|(format, _)| !matches!(format, TableFormat::Parquet | TableFormat::Npy | TableFormat::Hdf5));
    is_table && !args.reference && !args.as_file && !args.model
}

fn data(args: &Args, progress: &Progress) -> Outcome<Data> {
    let file = &args.file;
    let refuse_category = || match &args.category {
        Some(_) => Err(Failure::usage("--category is for files that are kept as they are")
            .hint("leave it out, or keep the file as it is with --as-file")),
        None => Ok(()),
    };
    if args.reference {
        refuse_category()?;
        return reference(args).map(Data::Reference);
    }
    // A directory, device or missing file has its say before anything else is made of it.
    let facts = std::fs::metadata(file).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => Error::from(HandlerError::FileNotFound { path: file.clone() }),
        _ => Error::File { action: "read", path: file.clone(), source },
    })?;
    let extension = extension(file);
    if args.as_file {
        return Ok(Data::File(file.clone()));
    }
    if args.model || matches!(extension.as_str(), "joblib" | "skops" | "onnx" | "pkl" | "pickle" | "pt" | "pth") {
        refuse_category()?;
        return Ok(Data::Model(Model { file: file.clone(), format: args.format.clone(), model_type: None }));
    }
    if args.format.is_some() {
        return Err(Failure::usage("--format is for models (--model)")
            .hint("`datafolio import` and `datafolio reference` take a --format for tables"));
    }
    // HDF5 files hold all kinds of things, weights of models among them: `import` says that it is a table.
    let format = TableFormat::from_path(file).filter(|(format, _)| *format != TableFormat::Hdf5);
    if format.is_some() || extension == "json" {
        refuse_category()?;
    }
    match (format, extension.as_str()) {
        // `import` makes a column of it.
        (Some((TableFormat::Npy, _)), _) => Ok(Data::ArrayFile(file.clone())),
        (Some(_), _) => {
            let mut options = ImportOptions::default();
            options.progress = Some(progress.of_file());
            formats::table_data(file, &options, true).map_err(|error| advise(error.into(), "import"))
        }
        (None, "json") => read_json(file, facts.len()).map(Data::Json),
        _ => Ok(Data::File(file.clone())),
    }
}

fn reference(args: &Args) -> Outcome<Reference> {
    // An address without detours, where there is something to resolve.
    let path = std::fs::canonicalize(&args.file).unwrap_or_else(|_| args.file.clone()).to_string_lossy().into_owned();
    let is_remote = path.contains("://") && !path.starts_with("file://");
    let is_pattern = path.contains(['*', '?', '[']);
    let names_none = || match is_pattern {
        true => TableFiles::find(&[&args.file], None).is_err_and(|error| error.code() == "file-not-found"),
        false => true,
    };
    if !is_remote && !args.file.exists() && names_none() {
        return Err(HandlerError::FileNotFound { path: args.file.clone() }.into());
    }
    let table_format = match &args.format {
        Some(format) => format.clone(),
        // Of what lies on a store only a version tells that it has some.
        None if args.version.is_some() || args.timestamp.is_some() => "delta".to_owned(),
        None => match reference_format(&path) {
            Some(format) => format.to_owned(),
            None if args.file.is_dir() => "parquet".to_owned(),
            None => {
                let shown = without_secrets(&path);
                let message = format!("{shown}: its name does not tell the format of the table");
                return Err(Failure::new("unknown-format", ErrorCategory::InvalidInput, message)
                    .hint("say it with --format parquet, csv, arrow or delta"));
            }
        },
    };
    if args.version.is_some() && table_format != "delta" {
        return Err(Failure::usage(format!(
            "--version picks the version of a Delta table, and {table_format} has none"
        )));
    }
    Ok(Reference { path, table_format, num_rows: None, version: args.version, timestamp: args.timestamp })
}

fn read_json(file: &Path, size: u64) -> Outcome<Value> {
    let bad = |reason: String| Failure::from(HandlerError::BadFile { path: file.to_owned(), reason });
    if size > MAX_JSON {
        let reason = format!("is larger than the {} that are read as JSON", crate::text::human_size(MAX_JSON));
        return Err(bad(reason).hint("--as-file keeps it as a file"));
    }
    let mut text = String::new();
    let opened = std::fs::File::open(file).map_err(|error| bad(error.to_string()))?;
    opened.take(MAX_JSON).read_to_string(&mut text).map_err(|error| bad(error.to_string()))?;
    datafolio_handlers::parse_json(&text).map_err(|error| {
        let reason = match error {
            JsonError::Syntax(reason) => format!("is no JSON: {reason}"),
            other => other.to_string(),
        };
        bad(reason).hint("--as-file keeps it as a file")
    })
}

fn extension(file: &Path) -> String {
    file.extension().map(|text| text.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

/// The name that an item gets from its file: without extensions that say how a table is stored.
///
/// # Errors
/// A path without a name.
pub(super) fn item_name(file: &Path) -> Outcome<String> {
    let stem = |path: &Path| path.file_stem().map(PathBuf::from).unwrap_or_default();
    let short = match TableFormat::from_path(file) {
        Some((_, formats::Compression::None)) | None => stem(file),
        Some(_) => stem(&stem(file)),
    };
    let name = short.to_string_lossy().into_owned();
    datafolio_core::name::check_item_name(&name)
        .map_err(|error| Failure::from(error).hint("give the item a name with -n/--name"))?;
    Ok(name)
}
