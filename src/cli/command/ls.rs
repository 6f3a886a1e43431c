//! `ls`: the items in a list.

use serde_json::{Value, json};

use crate::bundle::{DataFolio, ItemInfo};
use crate::cli::args::ItemKind;
use crate::cli::completion;
use crate::cli::doubts;
use crate::cli::failure::Outcome;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::words::{damaged_json, details, kind_word, matches, short_time, size_of, size_text};
use crate::error::Result;

/// List items
///
/// PATTERN is a glob pattern, or a word that the names contain.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio ls
  datafolio ls 'raw/*' -l
  datafolio ls --type table --json")]
pub(in crate::cli) struct Args {
    /// Which items
    #[arg(add = completion::items())]
    pattern: Option<String>,
    /// Only items of this kind; can be given several times
    #[arg(long = "type", value_name = "KIND", value_enum)]
    kinds: Vec<ItemKind>,
    /// Archived items too
    #[arg(long)]
    archived: bool,
    /// With version, time and inputs
    #[arg(short, long)]
    long: bool,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.reader()?;
    let wanted = matches(args.pattern.as_deref())?;
    let is_wanted = |info: &Result<ItemInfo>| match info {
        Ok(info) => {
            wanted(&info.name) && (args.kinds.is_empty() || args.kinds.iter().any(|kind| kind.holds(info.category)))
        }
        // Damage is shown whatever is asked for.
        Err(_) => true,
    };
    let items: Vec<Result<ItemInfo>> = folio.items(args.archived).into_iter().filter(is_wanted).collect();
    let out = &mut session.out;
    doubts::warn(&folio, items.iter().flatten(), out);
    if out.is_json() {
        return out.json(&items.iter().map(|item| as_json(&folio, item)).collect::<Vec<_>>());
    }
    if items.is_empty() {
        return out.aside("No items found");
    }
    list(&folio, &items, args.long, out)
}

fn as_json(folio: &DataFolio, item: &Result<ItemInfo>) -> Value {
    match item {
        Ok(info) => {
            let mut value = json!(info);
            value["size_bytes"] = json!(size_of(folio, info));
            value
        }
        Err(error) => damaged_json(error),
    }
}

fn list(folio: &DataFolio, items: &[Result<ItemInfo>], long: bool, out: &mut Output) -> Outcome {
    let mut header = vec!["NAME", "TYPE", "DETAILS", "SIZE"];
    if long {
        header.extend(["VERSION", "CREATED", "INPUTS"]);
    }
    header.push("DESCRIPTION");
    let mut table = Table::new(out, &header, &[3]).whole(if long { &[0, 4] } else { &[0] });
    let mut damaged = Vec::new();
    for item in items {
        let info = match item {
            Ok(info) => info,
            Err(error) => {
                damaged.push(error.to_string());
                continue;
            }
        };
        let name = if info.archived { format!("{} [archived]", info.name) } else { info.name.clone() };
        let record = info.to_record();
        let mut row = vec![name, kind_word(&record).to_owned(), details(&record), size_text(size_of(folio, info))];
        if long {
            let created = info.record.get("created_at").and_then(Value::as_str).map(short_time);
            row.extend([info.version.clone(), created.unwrap_or_default(), inputs(info).join(", ")]);
        }
        row.push(info.description().unwrap_or_default().to_owned());
        table.row(row);
    }
    table.print(out)?;
    for message in damaged {
        out.warn(message);
    }
    Ok(())
}

/// Names of an item's inputs.
pub(super) fn inputs(info: &ItemInfo) -> Vec<String> {
    let record = info.to_record();
    record.inputs().into_iter().map(str::to_owned).collect()
}
