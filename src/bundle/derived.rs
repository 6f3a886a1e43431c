//! README.md and CONTENTS.md: pages for people, derived from the catalogue. They are best effort and never fail a commit.

use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use datafolio_core::{Catalogue, RelPath, SealCheck, item_type};
use datafolio_storage::Storage;

use crate::bundle::state::{State, file, load};
use crate::error::Result;

/// Up to this size of catalogue CONTENTS.md is rewritten with every commit.
const SMALL: usize = 128 * 1024;
/// Above it, at most this often; the last state follows when the handle is closed.
const INTERVAL: Duration = Duration::from_secs(2);

/// When CONTENTS.md was last written by this handle, and whether it is behind.
#[derive(Debug, Default)]
pub(crate) struct Derived(Mutex<Progress>);

#[derive(Debug, Default)]
struct Progress {
    written: Option<Instant>,
    behind: bool,
}

impl Derived {
    /// A commit was made: the page follows now or, for a large catalogue, soon.
    pub(crate) fn committed(&self, storage: &dyn Storage, state: &State) {
        let mut progress = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = progress.written.is_none_or(|written| written.elapsed() >= INTERVAL);
        if state.published.text.len() <= SMALL || due {
            write_contents(storage, state.catalogue());
            *progress = Progress { written: Some(Instant::now()), behind: false };
        } else {
            progress.behind = true;
        }
    }

    /// Writes what was postponed, from the head as it is by now.
    pub(crate) fn flush(&self, storage: &dyn Storage) {
        let mut progress = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::take(&mut progress.behind) {
            return;
        }
        // Under the lock, so that an older page never replaces a newer one; a busy bundle gets its page from whoever is busy.
        let Ok(_lock) = storage.lock(Duration::from_secs(1)) else { return };
        if let Ok(head) = load(storage, SealCheck::Required) {
            write_contents(storage, head.catalogue());
        }
    }
}

fn write_contents(storage: &dyn Storage, catalogue: &Catalogue) {
    let written = file("CONTENTS.md")
        .and_then(|path: RelPath| -> Result<()> { Ok(storage.replace(&path, contents(catalogue).as_bytes())?) });
    if let Err(error) = written {
        tracing::warn!(%error, "CONTENTS.md was not written");
    }
}

/// The text of CONTENTS.md: all current items by name.
fn contents(catalogue: &Catalogue) -> String {
    let mut text = format!(
        "# Contents\n\n> **Derived file — do not edit.** Regenerated from `items.json`, which is the authoritative \
         catalog. This reflects manifest revision **{}**.\n\n| Name | Type | Location | Description |\n\
         | --- | --- | --- | --- |\n",
        catalogue.revision
    );
    let mut entries: Vec<_> = catalogue.current.values().collect();
    entries.sort_by(|a, b| a.name().cmp(b.name()));
    for entry in entries {
        let record = entry.record().ok();
        let description = record.as_ref().and_then(|record| record.description()).unwrap_or_default();
        let location = match (item_type::payload_dir(entry.item_type()), entry.filename()) {
            (Some(dir), Some(filename)) => format!("{dir}/{filename}"),
            _ => {
                let path = record.as_ref().and_then(|record| record.str("path")).unwrap_or_default();
                format!("{path} (external reference)")
            }
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            cell(entry.name()),
            cell(entry.item_type()),
            cell(&location),
            cell(description)
        );
    }
    text
}

/// Text that stays within its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

/// The text of README.md, written once when a bundle is created.
pub(crate) fn readme(location: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "# DataFolio bundle\n\n\
         This directory holds the data of one analysis: tables, arrays, JSON values, models and files, with their\n\
         versions, snapshots, descriptions and lineage. It was created by datafolio {version} at\n\n    {location}\n\n\
         * `items.json` is the catalogue: what there is, and which file holds it. Do not edit it by hand.\n\
         * `CONTENTS.md` lists the current items for people.\n\
         * `tables/`, `models/` and `artifacts/` hold the items themselves, as ordinary files (Parquet, Arrow, .npy, JSON).\n\
         * `history/` holds the record of every commit.\n\n\
         From the shell:\n\n    datafolio -f {location} describe\n\n\
         From Python:\n\n    import datafolio\n    folio = datafolio.DataFolio({quoted})\n    folio.describe()\n",
        quoted = serde_json::Value::from(location)
    )
}
