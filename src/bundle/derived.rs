//! README.md and CONTENTS.md: pages for people, derived from the catalogue. They are best effort and never fail a commit.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use datafolio_core::{Catalogue, RelPath, item_type};
use datafolio_storage::{Storage, WriteLock};

use crate::bundle::state::{State, file, reload};
use crate::error::Result;
use crate::text::{printable, printable_json, shell_word};

const PAGE: &str = "CONTENTS.md";
/// Up to this size of catalogue CONTENTS.md is rewritten with every commit.
const SMALL: usize = 128 * 1024;
/// Above it, and where each is a request, at most this often; the last state follows when the handle is closed.
const INTERVAL: Duration = Duration::from_secs(2);
/// How long is waited for the lock, for a page alone.
const PATIENCE: Duration = Duration::from_secs(1);

/// When CONTENTS.md was last written by this handle, and whether it is behind.
///
/// Whoever made the head sees to it that the page follows, now or when its handle is closed. So the page is right once all
/// have closed theirs, and nobody has to look after the commits of others.
#[derive(Debug, Default)]
pub(crate) struct Derived(Mutex<Progress>);

#[derive(Debug, Default)]
struct Progress {
    written: Option<Instant>,
    behind: bool,
}

impl Derived {
    /// A commit was made: the page follows now or, for a large catalogue, soon. The lock that the commit was made under is
    /// given back, before the work for a large page.
    pub(crate) fn committed(&self, storage: &dyn Storage, state: &State, lock: Box<dyn WriteLock>) {
        if state.published.text.len() <= SMALL && !storage.is_remote() {
            write_contents(storage, &contents(state.catalogue()));
            self.note(true);
            return;
        }
        drop(lock);
        match self.is_due(storage) {
            true => self.follow(storage, state, false),
            false => self.note(false),
        }
    }

    /// Writes what was postponed. `known` is what the handle sees.
    pub(crate) fn flush(&self, storage: &dyn Storage, known: &Arc<State>) {
        if !self.progress().behind {
            return;
        }
        match reload(storage, known) {
            Ok(head) => self.follow(storage, &head, storage.is_remote()),
            Err(error) => tracing::warn!(%error, "CONTENTS.md was not written"),
        }
    }

    /// Writes the page of a state if that is the head, which may be known; if not, the page is for who made the head.
    fn follow(&self, storage: &dyn Storage, state: &State, is_known_to_be: bool) {
        let text = contents(state.catalogue());
        // Under the lock, so that an older page never replaces a newer one; a busy bundle gets its page from who is busy.
        let lock = storage.lock(PATIENCE);
        let is_head = is_known_to_be
            || lock.is_ok()
                && state.tag.as_ref().is_some_and(|tag| {
                    file("items.json").is_ok_and(|items| storage.is_unchanged(&items, tag).unwrap_or(false))
                });
        if is_head {
            write_contents(storage, &text);
        }
        self.note(is_head);
    }

    /// Whether it is long enough ago that the page was written, by this handle or, before its first commit, by any.
    fn is_due(&self, storage: &dyn Storage) -> bool {
        if let Some(written) = self.progress().written {
            return written.elapsed() >= INTERVAL;
        }
        // A handle of a store is opened for a few commits: its first page can wait for its end.
        if storage.is_remote() {
            self.progress().written = Some(Instant::now());
            return false;
        }
        let info = file(PAGE).ok().and_then(|path| storage.stat(&path).ok().flatten());
        let age = info.and_then(|info| SystemTime::now().duration_since(info.modified).ok());
        age.is_none_or(|age| age >= INTERVAL)
    }

    fn note(&self, written: bool) {
        let mut progress = self.progress();
        progress.behind = !written;
        if written {
            progress.written = Some(Instant::now());
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the pages of a bundle that was made what it is by other means than a commit.
pub(crate) fn write_pages(storage: &dyn Storage, state: &State, is_new: bool) {
    write_contents(storage, &contents(state.catalogue()));
    if is_new {
        write_readme(storage);
    }
}

/// Writes README.md. The bundle is there by now: what goes wrong with a page for people must not say otherwise.
pub(crate) fn write_readme(storage: &dyn Storage) {
    let written = file("README.md").and_then(|path| {
        let text = readme(&storage.location());
        Ok(storage.replace(&path, text.as_bytes())?)
    });
    if let Err(error) = written {
        tracing::warn!(%error, "README.md was not written");
    }
}

fn write_contents(storage: &dyn Storage, text: &str) {
    let written = file(PAGE).and_then(|path: RelPath| -> Result<()> { Ok(storage.replace(&path, text.as_bytes())?) });
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
        let described = entry.described();
        let location: Cow<'_, str> = match (item_type::payload_dir(entry.item_type()), entry.filename()) {
            (Some(dir), Some(filename)) => format!("{dir}/{filename}").into(),
            _ => match described.path.as_deref().filter(|path| !path.is_empty()) {
                Some(path) => format!("{path} (external reference)").into(),
                None => "".into(),
            },
        };
        text.push_str("| ");
        for content in [entry.name(), entry.item_type(), &location] {
            push_cell(&mut text, content);
            text.push_str(" | ");
        }
        push_cell(&mut text, described.description.as_deref().unwrap_or_default());
        text.push_str(" |\n");
    }
    text
}

/// Text that stays within its cell, and drives no terminal that the page is shown on. A line end of any kind is one space, as
/// DataFolio 2.3 writes it; what is harmless stays as it is.
fn push_cell(page: &mut String, text: &str) {
    // Most cells are harmless, and a large bundle has many.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'|') {
        page.push_str(text);
        return;
    }
    let line = text.replace('|', "\\|").replace("\r\n", " ").replace(['\n', '\r'], " ");
    page.push_str(&line.split('\t').map(printable).collect::<Vec<_>>().join("\t"));
}

/// The text of README.md, written once when a bundle is created.
fn readme(location: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let shown = printable(location);
    format!(
        "# DataFolio bundle\n\n\
         This directory holds the data of one analysis: tables, arrays, JSON values, models and files, with their\n\
         versions, snapshots, descriptions and lineage. It was created by datafolio {version} at\n\n    {shown}\n\n\
         * `items.json` is the catalogue: what there is, and which file holds it. Do not edit it by hand.\n\
         * `CONTENTS.md` lists the current items for people.\n\
         * `tables/`, `models/` and `artifacts/` hold the items themselves, as ordinary files (Parquet, Arrow, .npy, JSON).\n\
         * `history/` holds the record of every commit.\n\n\
         From the shell:\n\n    datafolio -f {word} describe\n\n\
         From Python:\n\n    import datafolio\n    folio = datafolio.DataFolio({quoted})\n    folio.describe()\n",
        word = shell_word(location),
        quoted = printable_json(&serde_json::Value::from(location).to_string())
    )
}
