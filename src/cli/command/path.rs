//! `path`: where an item lies.

use datafolio_core::ErrorCategory;
use serde_json::json;

use crate::cli::completion;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::text::printable;
use crate::{DataFolio, Error, HandlerError, TablePaths};

/// Print where an item lies
///
/// For a reference, that is the address it notes; for a table that has grown a line for each of its files. They belong to the bundle: read them, and never write to them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  duckdb -c \"SELECT count(*) FROM '$(datafolio path flights)'\"
  datafolio path --tables --json")]
pub(in crate::cli) struct Args {
    /// The item
    #[arg(add = completion::items(), required_unless_present = "tables")]
    item: Option<String>,
    /// All tables: name, tab, path
    #[arg(long, conflicts_with = "item")]
    tables: bool,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.reader()?;
    let Some(item) = &args.item else { return tables(&folio, &mut session.out) };
    if folio.item_info(item)?.record.contains_key("view") {
        let message = format!("'{item}' is a view: there is no file of its rows");
        return Err(Failure::new("wrong-type", ErrorCategory::WrongState, message)
            .hint(format!("`datafolio derive NAME --from {item}` stores them as a table")));
    }
    let path = match folio.get_table_paths(item) {
        // One for each file of a table that has grown.
        Ok(paths) if paths.len() > 1 => return several(item, &paths, &mut session.out),
        Ok(paths) => paths.into_iter().next().unwrap_or_default().into(),
        // What is no table, and a path that is no text.
        Err(Error::WrongType { .. } | Error::Handler(HandlerError::Unsupported { .. })) => folio.item_path(item)?,
        Err(error) => return Err(error.into()),
    };
    let out = &mut session.out;
    if out.is_json() {
        let path = path.to_str().ok_or_else(|| {
            let message = format!("{}: JSON cannot hold this path, it is no Unicode text", path.display());
            Failure::new("unsupported", ErrorCategory::Unsupported, message)
                .hint("without --json its bytes are printed")
        })?;
        return out.json(&json!({"item": item, "path": path}));
    }
    if out.is_terminal() {
        return out.line(printable(&path.display().to_string()));
    }
    // For other programs, the path as it is.
    out.raw().write_all(path.as_os_str().as_encoded_bytes())?;
    out.line("")
}

/// Where the files of a table lie, in the order of their rows.
fn several(item: &str, paths: &[String], out: &mut Output) -> Outcome {
    if out.is_json() {
        return out.json(&json!({"item": item, "path": paths}));
    }
    paths.iter().try_for_each(|path| out.line(printable(path)))
}

/// Where all tables lie.
fn tables(folio: &DataFolio, out: &mut Output) -> Outcome {
    let paths = folio.get_all_table_paths()?;
    if out.is_json() {
        return out.json(&paths);
    }
    for (name, paths) in &paths {
        let paths: &[String] = match paths {
            TablePaths::One(path) => std::slice::from_ref(path),
            TablePaths::Several(paths) => paths,
        };
        for path in paths {
            out.line(format_args!("{}\t{}", printable(name), printable(path)))?;
        }
    }
    Ok(())
}
