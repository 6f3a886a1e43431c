//! `du`: what takes how much space.

use crate::cli::failure::Outcome;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::text::{human_size, printable};

/// Show what takes how much space
///
/// By item, version and snapshot; and what `gc --apply` would free.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio du
  datafolio du --versions")]
pub(in crate::cli) struct Args {
    /// Each version of each item
    #[arg(long)]
    versions: bool,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.reader()?;
    let usage = session.waiting("adding up", || folio.disk_usage())?;
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&usage);
    }
    for found in &usage.history_breaks {
        out.warn(format_args!("what revision {} replaced is not known: {}", found.revision, printable(&found.reason)));
    }
    let mut table = Table::new(out, &["ITEM", "CURRENT", "ALL VERSIONS", "VERSIONS"], &[1, 2, 3]).whole(&[0]);
    for item in &usage.items {
        let versions = item.versions.len().to_string();
        table.row([item.name.clone(), human_size(item.current_bytes), human_size(item.total_bytes), versions]);
        for found in item.versions.iter().filter(|_| args.versions) {
            table.row([format!("  {}", found.version), String::new(), human_size(found.bytes), String::new()]);
        }
    }
    if !usage.items.is_empty() {
        table.print(out)?;
    }
    if !usage.snapshots.is_empty() {
        out.line("")?;
        let mut table = Table::new(out, &["SNAPSHOT", "HOLDS", "ALONE"], &[1, 2]);
        for (name, snapshot) in &usage.snapshots {
            table.row([name.clone(), human_size(snapshot.bytes), human_size(snapshot.unique_bytes)]);
        }
        table.print(out)?;
    }
    if !usage.items.is_empty() || !usage.snapshots.is_empty() {
        out.line("")?;
    }
    out.line(format_args!("Catalogue and history: {}", human_size(usage.catalogue_bytes)))?;
    out.line(format_args!("Total: {}", human_size(usage.total_bytes)))?;
    out.line(format_args!("`datafolio gc --apply` would free: {}", human_size(usage.reclaimable_bytes)))
}
