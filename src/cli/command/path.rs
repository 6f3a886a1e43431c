//! `path`: where an item lies.

use datafolio_core::ErrorCategory;
use serde_json::json;

use crate::cli::completion;
use crate::cli::failure::{Failure, Outcome};
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
    #[arg(add = completion::items())]
    item: String,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.reader()?;
    let path = folio.item_path(&args.item)?;
    let out = &mut session.out;
    if out.is_json() {
        let path = path.to_str().ok_or_else(|| {
            let message = format!("{}: JSON cannot hold this path, it is no Unicode text", path.display());
            Failure::new("unsupported", ErrorCategory::Unsupported, message)
                .hint("without --json its bytes are printed")
        })?;
        return out.json(&json!({"item": args.item, "path": path}));
    }
    if out.is_terminal() {
        return out.line(printable(&path.display().to_string()));
    }
    // For other programs, the path as it is.
    out.raw().write_all(path.as_os_str().as_encoded_bytes())?;
    out.line("")
}
