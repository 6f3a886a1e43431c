//! `stale`: what is out of date, and why.

use crate::cli::failure::Outcome;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::text::printable;

/// List derived tables that are out of date, and why
///
/// Views that cannot be read, since an input is gone or has other columns, are listed as well. Inputs come before what is made from them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio stale
  datafolio stale --json | jq -r '.[].name'")]
pub(in crate::cli) struct Args {}

pub(in crate::cli) fn run(_: &Args, session: &mut Session) -> Outcome {
    let folio = session.reader()?;
    let stale = session.waiting("looking at inputs", || folio.stale())?;
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&stale);
    }
    if stale.is_empty() {
        return out.done("Nothing is out of date");
    }
    let mut table = Table::new(out, &["ITEM", "KIND", "REASON"], &[]);
    for item in &stale {
        for reason in &item.reasons {
            table.row([printable(&item.name).as_str(), item.kind, printable(&reason.to_string()).as_str()]);
        }
    }
    table.print(out)
}
