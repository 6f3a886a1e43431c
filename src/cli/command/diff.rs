//! `diff`: what has changed in the rows of a table.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, RecordBatchIterator, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use serde_json::json;

use crate::cli::completion;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::Output;
use crate::cli::progress::Progress;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::value::file::write_whole;
use crate::cli::value::first::{Cut, first};
use crate::cli::value::preview::{self, Rest};
use crate::cli::value::rows::{self, EXTENSIONS, RowFormat, Rows};
use crate::cli::words::{count, grouped};
use crate::text::printable;
use crate::{DiffOptions, TableDiff, TableState};

/// How many rows are shown to a person who asks for no number.
const SHOWN: usize = 100;

/// Show what has changed in the rows of a table
///
/// FROM and TO are versions of the table: the name of a snapshot, a revision (12 or r12) or the id of a version in `datafolio
/// log TABLE --versions`; where a word could be several of them, write snapshot:NAME, revision:12 or version:ID. Without TO it
/// is the current version, without FROM the one before it. With --key, rows with the same values in these columns are the same
/// row; without, rows are compared as a whole. (What has changed between snapshots as a whole, `datafolio snapshot compare`
/// tells.)
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio diff results --key id
  datafolio diff results v1.0 --key id,day --full
  datafolio diff results v1.0 v2.0 --key id --output changes.parquet")]
pub(in crate::cli) struct Args {
    /// The table
    #[arg(add = completion::items(), value_name = "TABLE")]
    item: String,
    /// The earlier version
    #[arg(add = completion::snapshots())]
    from: Option<String>,
    /// The later version
    #[arg(add = completion::snapshots())]
    to: Option<String>,
    /// The columns that tell rows apart
    #[arg(short, long, value_name = "COLUMN,...", value_delimiter = ',')]
    key: Vec<String>,
    /// Show the rows that differ, with their values before and after
    #[arg(long, group = "rows")]
    full: bool,
    /// At most so many of the rows that differ, shown or written; the counts are of all [default: 100 of a list, else all]
    #[arg(short = 'n', long, value_name = "N", requires = "rows")]
    limit: Option<usize>,
    /// Write the rows that differ to a file, whose extension says how
    #[arg(short, long, value_name = "FILE", group = "rows")]
    output: Option<PathBuf>,
    /// Replace the file if it is there
    #[arg(long, requires = "output")]
    overwrite: bool,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let file = args.output.as_deref().map(|path| Ok::<_, Failure>((path, format_of(path)?))).transpose()?;
    let folio = session.reader()?;
    let state =
        |text: &Option<String>| text.as_deref().map(|text| TableState::parse(text, &folio.catalogue())).transpose();
    let mut options = DiffOptions::new().key(args.key.iter().cloned());
    (options.from, options.to) = (state(&args.from)?, state(&args.to)?);
    let progress = Progress::start(&session.out, format!("comparing {}", printable(&args.item)));
    let diff = folio.diff_table(&args.item, &options)?;
    // The rows are of the versions that were counted, whatever is written meanwhile.
    options = options.from(TableState::Version(diff.from.clone())).to(TableState::Version(diff.to.clone()));
    let out = &mut session.out;
    let mut value = json!(diff);
    if let Some((path, format)) = file {
        let rows = folio.diff_table_rows(&args.item, &options)?;
        let rows = if matches!(format, RowFormat::Csv | RowFormat::Tsv) { flat(rows) } else { rows };
        let (rows, cut) = first(rows, args.limit);
        let threads = folio.settings().threads;
        let written = write_whole(path, args.overwrite, |file| rows::write(rows, format, threads, file))?;
        drop(progress);
        if out.is_json() {
            value["path"] = json!(path);
            out.json(&value)?;
        } else {
            show(&diff, out)?;
            let shown = printable(&path.display().to_string());
            out.done(format_args!("Wrote {} to {shown}", count(written, "row")))?;
        }
        return tell_cut(&cut, args, out);
    }
    if !args.full {
        drop(progress);
        return if out.is_json() { out.json(&value) } else { show(&diff, out) };
    }
    let rows = folio.diff_table_rows(&args.item, &options)?;
    if out.is_json() {
        let (rows, cut) = first(rows, args.limit);
        let rows = preview::json(rows)?;
        drop(progress);
        value["rows"] = rows["rows"].clone();
        out.json(&value)?;
        return tell_cut(&cut, args, out);
    }
    drop(progress);
    show(&diff, out)?;
    out.line("")?;
    let limit = args.limit.unwrap_or(SHOWN);
    match preview::show_first(rows, limit, out)? {
        (_, Rest::Some) => {
            out.aside(format_args!("(more rows than {}: see --limit and --output)", grouped(limit as u64)))
        }
        (_, Rest::None) => Ok(()),
    }
}

/// Says that rows were left out, which whoever reads the others cannot see.
fn tell_cut(cut: &Cut, args: &Args, out: &mut Output) -> Outcome {
    match args.limit.filter(|_| cut.was_made()) {
        Some(limit) => out.aside(format_args!("(more rows than {}: see --limit)", grouped(limit as u64))),
        None => Ok(()),
    }
}

/// The summary.
fn show(diff: &TableDiff, out: &mut Output) -> Outcome {
    out.line(format_args!("{}: {} -> {}", printable(&diff.name), printable(&diff.from), printable(&diff.to)))?;
    if diff.is_empty() {
        let why = if diff.rows_were_read { "" } else { " (both versions have the same files)" };
        return out.line(format_args!("  No differences{why}"));
    }
    let counted = |rows: u64| count(usize::try_from(rows).unwrap_or(usize::MAX), "row");
    for (label, rows) in [("Added", diff.added), ("Removed", diff.removed), ("Changed", diff.changed)] {
        if label != "Changed" || !diff.key.is_empty() {
            out.line(format_args!("  {:<11}{}", format!("{label}:"), counted(rows)))?;
        }
    }
    if let Some(rows) = diff.unchanged {
        out.line(format_args!("  {:<11}{}", "Unchanged:", counted(rows)))?;
    }
    let mut columns = Table::new(out, &["COLUMN", "CHANGE", "ROWS"], &[2]);
    let mut any = false;
    let mut row = |name: &str, change: String, rows: String| {
        any = true;
        columns.row([name, change.as_str(), rows.as_str()]);
    };
    for column in &diff.added_columns {
        row(&column.name, format!("added, {}", column.arrow_type), String::new());
    }
    for column in &diff.removed_columns {
        row(&column.name, format!("removed, {}", column.arrow_type), String::new());
    }
    let changed = |name: &str| diff.changed_columns.get(name).map(|rows| grouped(*rows)).unwrap_or_default();
    for column in &diff.retyped_columns {
        row(&column.name, format!("{} -> {}", column.from, column.to), changed(&column.name));
    }
    let is_retyped = |name: &str| diff.retyped_columns.iter().any(|column| column.name == name);
    for (name, rows) in diff.changed_columns.iter().filter(|(name, _)| !is_retyped(name)) {
        row(name, "changed".to_owned(), grouped(*rows));
    }
    if any {
        out.line("")?;
        columns.print(out)?;
    }
    Ok(())
}

/// The lists of changed columns as texts, for formats without lists.
fn flat(rows: Rows) -> Rows {
    let is_list = |field: &Field| field.name() == "changed_columns" && matches!(field.data_type(), DataType::List(_));
    let fields = rows.schema();
    let fields = fields.fields().iter().map(|field| match is_list(field) {
        true => Arc::new(Field::new(field.name(), DataType::Utf8, true)),
        false => Arc::clone(field),
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let flat = Arc::clone(&schema);
    let batches = rows.map(move |batch| {
        let batch = batch?;
        let columns = batch.columns().iter().zip(batch.schema_ref().fields()).map(|(column, field)| {
            let Some(lists) = column.as_list_opt::<i32>().filter(|_| is_list(field)) else { return Arc::clone(column) };
            let joined = lists.iter().map(|list| {
                let names = list?;
                let names = names.as_string_opt::<i32>()?;
                Some(names.iter().flatten().collect::<Vec<_>>().join(","))
            });
            Arc::new(joined.collect::<StringArray>())
        });
        RecordBatch::try_new(Arc::clone(&flat), columns.collect())
    });
    Box::new(RecordBatchIterator::new(batches, schema))
}

fn format_of(path: &Path) -> Outcome<RowFormat> {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    RowFormat::of_extension(&extension).ok_or_else(|| {
        Failure::usage(format!("{}: its name does not say how rows are to be written", path.display()))
            .hint(format!("call it {EXTENSIONS}"))
    })
}
