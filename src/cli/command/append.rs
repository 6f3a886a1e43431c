//! `append`: rows of files behind those of a table.

use std::path::PathBuf;

use super::table_file::{TableFile, advise};
use crate::cli::completion;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::inputs;
use crate::cli::progress::Progress;
use crate::cli::session::Session;
use crate::cli::words::count;
use crate::text::printable;
use crate::{AppendOptions, Appended};

/// Append rows of files to a table
///
/// The table is created if it is not there. What is there is neither read nor copied; snapshots and older versions keep what
/// they have. Columns can be in another order, and must otherwise be those of the table: text files are read with its types.
/// Many processes can append to one table at once. Small parts are merged by and by.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio append measurements today.csv
  datafolio append log 'hour-*.parquet' --evolve")]
pub(in crate::cli) struct Args {
    /// The table
    #[arg(add = completion::items())]
    item: String,
    /// Files, directories or patterns, of one format
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Let the table get columns that only the new rows have; they are null in the rows before
    #[arg(long)]
    evolve: bool,
    /// Leave small parts as they are, to be merged by `datafolio compact`
    #[arg(long)]
    no_compact: bool,
    /// An item that the rows were made from; can be given several times
    #[arg(add = completion::items(), long = "input", value_name = "NAME")]
    inputs: Vec<String>,
    /// What the table is, when it is created
    #[arg(short, long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    file: TableFile,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.writer()?;
    let progress = Progress::start(&session.out, format!("appending to {}", printable(&args.item)));
    let mut options = AppendOptions::new().inputs(args.inputs.iter().cloned());
    options.evolve = args.evolve;
    options.compact = !args.no_compact;
    if let Some(text) = &args.description {
        options = options.description(text);
    }
    let import = args.file.options(&progress)?;
    let done = folio
        .append_files(&args.item, &args.files, &import, options)
        .map_err(|error| advise(Failure::from(error), "append"))?;
    drop(progress);
    let out = &mut session.out;
    inputs::warn(&folio, std::slice::from_ref(&args.item), out);
    if done.was_derived {
        let name = printable(&args.item);
        out.warn(format_args!(
            "{name} is no longer a derived table, and `rerun` leaves it alone; `datafolio undo` takes this back"
        ));
    }
    if out.is_json() {
        return out.json(&done);
    }
    let rows = |rows: u64| count(usize::try_from(rows).unwrap_or(usize::MAX), "row");
    let Appended { name, new_columns, .. } = &done;
    let verb = if done.created { "Created" } else { "Appended to" };
    let now = format!("{} in all, in {}", rows(done.num_rows), count(done.parts, "file"));
    out.done(format_args!("{verb} {}: {}, {now}", printable(name), rows(done.rows)))?;
    if !new_columns.is_empty() {
        let columns: Vec<String> = new_columns.iter().map(|column| printable(column)).collect();
        out.note(format_args!("new columns: {}", columns.join(", ")))?;
    }
    if let Some(merged) = &done.compacted {
        out.note(format_args!("merged small files: {} are {} now", merged.parts_before, merged.parts_after))?;
    }
    Ok(())
}
