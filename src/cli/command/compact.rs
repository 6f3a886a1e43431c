//! `compact`: one file of all that a table has grown by.

use crate::cli::completion;
use crate::cli::failure::Outcome;
use crate::cli::session::Session;
use crate::cli::words::count;
use crate::text::{human_size, printable};

/// Make one file of a table that has grown
///
/// Rows and order stay. Older versions and snapshots keep the files that they have, until `datafolio gc` finds that nothing
/// needs them any more. Programs that know of no parts, Python DataFolio 2.3 among them, read the table afterwards.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio compact measurements")]
pub(in crate::cli) struct Args {
    /// The tables
    #[arg(add = completion::items(), required = true, value_name = "ITEM")]
    items: Vec<String>,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.writer()?;
    let mut reports = Vec::new();
    for item in &args.items {
        let size = folio.item_info(item)?.record.get("size_bytes").and_then(serde_json::Value::as_u64);
        let progress = session.writing(format!("compacting {}", printable(item)), size);
        reports.push(folio.compact(item)?);
        drop(progress);
    }
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&reports);
    }
    for done in reports {
        let name = printable(&done.name);
        if done.rows == 0 && done.parts_before == done.parts_after {
            out.done(format_args!("{name} lies in {} already", count(done.parts_after, "file")))?;
            continue;
        }
        let (before, after) = (human_size(done.bytes_before), human_size(done.bytes_after));
        let files = count(done.parts_before, "file");
        out.done(format_args!("Compacted {name}: {files} ({before}) are one of {after}"))?;
    }
    Ok(())
}
