//! `info`: all that is known of an item.

use serde_json::{Value, json};

use super::ls::inputs;
use crate::TableInfo;
use crate::cli::completion;
use crate::cli::doubts;
use crate::cli::failure::Outcome;
use crate::cli::output::{Output, Paint};
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::words::{details, grouped, long_time, size_of, size_text, type_word};
use crate::text::printable;

/// Show all that is known of an item
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio info flights
  datafolio info flights --json")]
pub(in crate::cli) struct Args {
    /// The item
    #[arg(add = completion::items())]
    item: String,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.reader()?;
    let info = folio.item_info(&args.item)?;
    let size = size_of(&folio, &info);
    let path = folio.item_path(&args.item).ok().map(|path| path.display().to_string());
    let lineage = folio.lineage();
    let dependents = lineage.dependents(&args.item).unwrap_or_default();
    let catalogue = folio.catalogue();
    let entry = catalogue.item(&args.item)?;
    let snapshots: Vec<&str> = catalogue.pinning(entry).collect();
    let inputs = inputs(&info);
    // What a table's files say; where they cannot be read, what the catalogue says must do.
    let table = folio.table_info(&args.item).ok();
    let out = &mut session.out;
    doubts::warn(&folio, [&info], out);
    if out.is_json() {
        let mut value = json!(info);
        value["size_bytes"] = json!(size);
        value["path"] = json!(path);
        value["inputs"] = json!(inputs);
        value["dependents"] = json!(dependents);
        value["snapshots"] = json!(snapshots);
        if let Some(table) = table {
            value["table"] = json!(table);
        }
        return out.json(&value);
    }
    let text = |key: &str| info.record.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let title = out.paint(Paint::Strong, printable(&info.name));
    out.line(title)?;
    let facts = [
        ("Description", info.description().unwrap_or_default().to_owned()),
        ("Type", format!("{} ({})", type_word(&info.item_type), info.item_type)),
        ("Details", details(&info.to_record())),
        ("Size", size_text(size)),
        ("Version", info.version.clone()),
        ("Created", long_time(&text("created_at"))),
        ("Path", path.unwrap_or_default()),
        ("Inputs", inputs.join(", ")),
        ("Dependents", dependents.join(", ")),
        ("Snapshots", snapshots.join(", ")),
        ("Archived", if info.archived { "yes".to_owned() } else { String::new() }),
        ("SHA-256", text("sha256")),
    ];
    for (label, fact) in facts.iter().filter(|(_, fact)| !fact.is_empty()) {
        out.line(format_args!("  {:<13}{}", format!("{label}:"), printable(fact)))?;
    }
    if let Some(facts) = table {
        return show_columns(&facts, out);
    }
    let Some(Value::Object(types)) = info.record.get("dtypes") else { return Ok(()) };
    out.line("")?;
    let mut table = Table::new(out, &["COLUMN", "TYPE"], &[]);
    for (column, of) in types {
        table.row([column.as_str(), of.as_str().unwrap_or("?")]);
    }
    table.print(out)
}

/// The columns of a table, with what its files say of their values.
fn show_columns(facts: &TableInfo, out: &mut Output) -> Outcome {
    let bound = |value: &Option<Value>| match value {
        None => String::new(),
        Some(Value::String(text)) => printable(text),
        Some(value) => value.to_string(),
    };
    out.line("")?;
    let mut table = Table::new(out, &["COLUMN", "TYPE", "NULLS", "MIN", "MAX"], &[2]);
    for column in &facts.column_facts {
        let nulls = column.null_count.map(grouped).unwrap_or_default();
        table.row(
            [&column.name, &column.arrow_type, &nulls, &bound(&column.min), &bound(&column.max)].map(String::as_str),
        );
    }
    table.print(out)
}
