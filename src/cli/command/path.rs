//! `path`: where an item lies.

use serde_json::json;

use crate::cli::failure::Outcome;
use crate::cli::session::Session;
use crate::text::printable;

/// Print where an item lies
///
/// For a reference, that is the address it notes. The file belongs to the bundle: read it, and never write to it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  duckdb -c \"SELECT count(*) FROM '$(datafolio path flights)'\"")]
pub(in crate::cli) struct Args {
    /// The item
    item: String,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.reader()?;
    let path = folio.item_path(&args.item)?;
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&json!({"item": args.item, "path": path.display().to_string()}));
    }
    out.line(printable(&path.display().to_string()))
}
