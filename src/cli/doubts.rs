//! What the catalogue says of items and cannot be. Commands that show it say so, and leave it out of what they show.

use crate::bundle::{DataFolio, ItemInfo};

use super::output::Output;
use super::words::recorded_size;

/// How many doubts are shown of each command.
const SHOWN: usize = 8;

/// Warns of fields that hold what they cannot mean, and of sizes that are not those of the files.
pub(super) fn warn<'a>(folio: &DataFolio, items: impl IntoIterator<Item = &'a ItemInfo>, out: &mut Output) {
    let mut left = 0;
    for (count, doubt) in items.into_iter().flat_map(|info| doubts(folio, info)).enumerate() {
        match count < SHOWN {
            true => out.warn(doubt),
            false => left += 1,
        }
    }
    if left > 0 {
        out.warn(format_args!("{left} more fields cannot be true: `datafolio verify` lists them"));
    }
}

fn doubts(folio: &DataFolio, info: &ItemInfo) -> Vec<String> {
    let record = info.to_record();
    let name = &info.name;
    let mut doubts: Vec<String> =
        record.flaws().iter().map(|flaw| format!("item '{name}': {} {}", flaw.field, flaw.reason)).collect();
    // A store would have to be asked for each item, which `verify` does.
    if !folio.storage().is_remote()
        && let (Some(recorded), Ok(Some(found))) = (recorded_size(&record), folio.payload_size(&record))
        && recorded != found
    {
        let field = if record.count("size_bytes").is_some() { "size_bytes" } else { "file_size" };
        doubts.push(format!("item '{name}': {field} is {recorded}, and its file has {found} bytes"));
    }
    doubts
}
