//! `meta`: the bundle's metadata.

use datafolio_core::ErrorCategory;
use datafolio_handlers::{JsonError, parse_json};
use serde_json::{Value, json};

use crate::bundle::DataFolio;
use crate::cli::completion;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::session::Session;
use crate::cli::table::Table;

/// Show or change the bundle's metadata
///
/// Without arguments all of it is shown, with KEY its value; KEY and VALUE set it. VALUE is taken as JSON where it is
/// JSON, else as text.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio meta
  datafolio meta rate 0.1
  datafolio meta tags '[\"a\", \"b\"]'
  datafolio meta --unset rate")]
pub(in crate::cli) struct Args {
    /// The key
    #[arg(add = completion::metadata_keys())]
    key: Option<String>,
    /// Its new value
    #[arg(allow_negative_numbers = true)]
    value: Option<String>,
    /// Remove this key
    #[arg(add = completion::metadata_keys(), long, value_name = "KEY", conflicts_with_all = ["key", "value"])]
    unset: Option<String>,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    match (&args.key, &args.value, &args.unset) {
        (_, _, Some(key)) => unset(key, session),
        (Some(key), Some(_), None) if key.trim().is_empty() => {
            Err(Failure::usage("a key of the metadata needs a name: this one is empty"))
        }
        (Some(key), Some(text), None) => {
            let value = match parse_json(text) {
                Ok(value) => value,
                // What is no JSON is a text.
                Err(JsonError::Syntax(_)) => Value::from(text.as_str()),
                Err(error) => {
                    let hint = "in quotes it is kept as a text: '\"...\"'";
                    return Err(Failure::usage(format!("the value of {key}: {error}")).hint(hint));
                }
            };
            let folio = session.writer()?;
            folio.set_metadata(key, value.clone())?;
            let out = &mut session.out;
            if out.is_json() {
                return out.json(&json!({"key": key, "value": value, "revision": folio.revision()}));
            }
            out.done(format_args!("Set {} = {value}", crate::text::printable(key)))
        }
        (Some(key), None, None) => {
            let folio = session.reader()?;
            let mut metadata = folio.metadata();
            let Some(value) = metadata.shift_remove(key) else { return Err(unreadable_or_not_found(key, &folio)) };
            let out = &mut session.out;
            match &value {
                Value::String(text) if !out.is_json() => out.line(crate::text::printable(text)),
                value => out.json(value),
            }
        }
        (None, ..) => {
            let metadata = session.reader()?.metadata();
            let out = &mut session.out;
            if out.is_json() {
                return out.json(&metadata);
            }
            let mut table = Table::new(out, &["KEY", "VALUE"], &[]);
            for (key, value) in &metadata {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                table.row([key.as_str(), text.as_str()]);
            }
            table.print(out)
        }
    }
}

fn unset(key: &str, session: &mut Session) -> Outcome {
    let folio = session.writer()?;
    if !folio.remove_metadata(key)? {
        return Err(not_found(key, folio.metadata().keys()));
    }
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&json!({"key": key, "revision": folio.revision()}));
    }
    out.done(format_args!("Removed {}", crate::text::printable(key)))
}

/// A value that cannot be read is there all the same.
fn unreadable_or_not_found(key: &str, folio: &DataFolio) -> Failure {
    let catalogue = folio.catalogue();
    let Some((_, flaw)) = catalogue.unreadable_metadata().into_iter().find(|(found, _)| *found == key) else {
        return not_found(key, folio.metadata().keys());
    };
    Failure::new(
        "damaged-catalogue",
        ErrorCategory::Corrupt,
        format!("the metadata key '{key}' cannot be read: {flaw}"),
    )
    .hint(format!("`datafolio meta --unset {}` removes it", crate::text::shell_word(key)))
}

fn not_found<'a>(key: &str, known: impl IntoIterator<Item = &'a String>) -> Failure {
    Failure::new("key-not-found", ErrorCategory::NotFound, format!("the metadata has no key '{key}'"))
        .meant(key, known.into_iter().map(String::as_str))
}
