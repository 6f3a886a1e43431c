//! Saving what can be read of a damaged catalogue that the history does not have: another program wrote it.

use std::collections::HashSet;
use std::sync::Arc;

use datafolio_core::history::CommitRef;
use datafolio_core::{Catalogue, Entry, ErrorCategory, Snapshot, encode, item_type, json};
use datafolio_handlers::{StoredFile, all_files};
use datafolio_storage::{Storage, Verification, VerifiedCache, VerifiedSource};
use serde_json::{Map, Value};

use crate::bundle::repair::lenient::{self, Remains};
use crate::bundle::repair::merge::{Rules, hold_unpinned, merge};
use crate::bundle::repair::survey::{Candidate, Survey, revisions};
use crate::bundle::state::State;
use crate::error::{Result, readable};
use crate::history::external;

/// What became of a damaged text.
#[derive(Debug)]
pub(super) struct Salvage {
    /// The last state of the history with what was saved.
    pub(super) catalogue: Catalogue,
    /// The commit that made that state.
    pub(super) before: Option<CommitRef>,
    /// Items of which a version was saved that the history does not have.
    pub(super) items: Vec<String>,
    /// Snapshots that were saved and that the history does not have.
    pub(super) snapshots: Vec<String>,
    /// What could not be saved.
    pub(super) given_up: Vec<String>,
}

/// Saves what is whole in a damaged text. `None` when that is nothing that the history does not have.
pub(super) fn salvage(storage: &Arc<dyn Storage>, survey: &Survey, text: &str) -> Result<Option<Salvage>> {
    let remains = lenient::remains(text);
    let mut entries = Vec::new();
    let mut given_up = Vec::new();
    for text in &remains.entries {
        match Entry::parse(text).and_then(|entry| entry.record().map(|_| entry)) {
            Ok(entry) => entries.push(Arc::new(entry)),
            Err(error) => given_up.push(error.to_string()),
        }
    }
    let whole: HashSet<&str> = entries.iter().map(|entry: &Arc<Entry>| entry.name()).collect();
    let cut: Vec<String> = remains.names.iter().filter(|name| !whole.contains(name.as_str())).cloned().collect();
    let newest = survey.newest_revision(Some(text));
    let base = base(storage.as_ref(), survey, &remains, &entries, text)?;
    if base.is_none() && !text.contains("\"schema_version\"") {
        return Ok(None);
    }
    let (before, commit) = match &base {
        Some(candidate) => (Arc::clone(&candidate.published.catalogue), Some(candidate.known.commit.clone())),
        None => (Arc::new(Catalogue::empty()), None),
    };
    let sieve = Sieve { storage, survey, before: &before, is_later: lenient::newest_revision(text) > before.revision };
    let (mut kept, mut items) = (Vec::new(), Vec::new());
    for entry in entries {
        match sieve.judge(&entry)? {
            Verdict::Known if sieve.is_later => kept.push(entry),
            // The state of the history says better which version is current.
            Verdict::Known | Verdict::Older => {}
            Verdict::Saved => {
                if !items.contains(&entry.name().to_owned()) {
                    items.push(entry.name().to_owned());
                }
                kept.push(entry);
            }
            Verdict::Lost(reason) => {
                given_up.push(format!("item '{}', version {}: {reason}", entry.name(), entry.token()))
            }
        }
    }
    let is_whole = sieve.is_later && remains.has_all_entries && given_up.is_empty();
    let theirs = catalogue_of(&remains, kept, sieve.is_later);
    let snapshots: Vec<String> =
        theirs.snapshots.keys().filter(|name| !before.snapshots.contains_key(*name)).cloned().collect();
    if items.is_empty() && snapshots.is_empty() && !is_whole {
        return Ok(None);
    }
    let may_stay = |entry: &Entry| survey.is_there(entry);
    let rules = Rules { is_whole, may_stay: &may_stay, suffix: "-salvaged", revision: newest + 1 };
    let mut catalogue = merge(&before, &theirs, &rules)?;
    catalogue.revision = newest;
    let held = hold_unpinned(&mut catalogue, Some(&before));
    if held > 0 {
        given_up.push(format!("snapshots that held {held} old versions; snapshots named 'recovered' hold these now"));
    }
    if let Some(commit) = &commit
        && lenient::newest_revision(text) > commit.revision
    {
        let lost = revisions(commit.revision + 1, lenient::newest_revision(text));
        given_up.push(format!("{lost}, as they were one by one"));
    }
    given_up.extend(unsaved(survey, &before, &catalogue, &cut));
    Ok(Some(Salvage { catalogue, before: commit, items, snapshots, given_up }))
}

/// The state of the history that the text followed, as far as it says so; else the latest.
fn base(
    storage: &dyn Storage,
    survey: &Survey,
    remains: &Remains<'_>,
    entries: &[Arc<Entry>],
    text: &str,
) -> Result<Option<Candidate>> {
    let Some(latest) = survey.latest(storage)? else { return Ok(None) };
    let revision = lenient::newest_revision(text);
    if revision <= latest.known.commit.revision {
        return Ok(Some(latest));
    }
    let mut theirs = catalogue_of(remains, entries.to_vec(), true);
    theirs.revision = revision;
    let head = State::new(encode(theirs), None);
    let before = readable(external::last_before(storage, &head, revision))?.flatten();
    let known = before.and_then(|(commit, _)| survey.known(&commit));
    let candidate = known.map(|known| survey.candidate(storage, known)).transpose()?.flatten();
    Ok(candidate.or(Some(latest)))
}

/// A catalogue of what was found. Snapshots and metadata count when the text is later than the state of the history: what that
/// does not have of an earlier text was deleted.
fn catalogue_of(remains: &Remains<'_>, entries: Vec<Arc<Entry>>, is_later: bool) -> Catalogue {
    let mut theirs = Catalogue::empty();
    for entry in entries {
        match entry.is_current() {
            true => drop(theirs.current.insert(entry)),
            false => theirs.retired.push(entry),
        }
    }
    if !is_later {
        return theirs;
    }
    for (name, text) in &remains.snapshots {
        let snapshot = Snapshot::parse(name, text);
        if snapshot.record().is_ok() {
            theirs.snapshots.insert(name.clone(), Arc::new(snapshot));
        }
    }
    let metadata = remains.metadata.and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok());
    for (key, value) in metadata.into_iter().flatten() {
        theirs.metadata.insert(key, json::pretty(&value, 4).into());
    }
    theirs
}

/// What becomes of an entry.
#[derive(Debug)]
enum Verdict {
    /// The history has it.
    Known,
    /// The history has gone beyond it.
    Older,
    /// It is new, and its payload is what it says.
    Saved,
    /// Its payload is gone or damaged.
    Lost(String),
}

/// Tells the entries that are worth keeping.
struct Sieve<'a> {
    storage: &'a Arc<dyn Storage>,
    survey: &'a Survey,
    before: &'a Catalogue,
    /// Whether the text is of a later revision than the state of the history.
    is_later: bool,
}

impl Sieve<'_> {
    fn judge(&self, entry: &Arc<Entry>) -> Result<Verdict> {
        let known = self.before.versions_of(entry.name()).find(|old| old.token() == entry.token());
        if let Some(known) = known
            && known.filename() == entry.filename()
        {
            let is_same = known.with_currency(entry.is_current()).is_ok_and(|known| known.same_as(entry));
            return Ok(match (is_same, self.is_later) {
                (true, _) => Verdict::Known,
                // Python DataFolio edits in place what no snapshot holds.
                (false, true) => Verdict::Saved,
                // As likely as not the difference is the damage.
                (false, false) => Verdict::Older,
            });
        }
        let given = entry.version_id().and_then(|id| lenient::revisions_in(id).last());
        if !self.is_later && given.is_some_and(|revision| revision <= self.before.revision) {
            return Ok(Verdict::Older);
        }
        if !self.survey.is_there(entry) && entry.item_type() != item_type::REFERENCED_TABLE {
            return Ok(Verdict::Lost("its file is gone".to_owned()));
        }
        match self.check_payload(entry) {
            Ok(()) => Ok(Verdict::Saved),
            Err(error) if error.category() == ErrorCategory::Storage => Err(error),
            Err(error) => Ok(Verdict::Lost(error.to_string())),
        }
    }

    /// Reads the payload, where the entry says what it should be.
    fn check_payload(&self, entry: &Entry) -> Result<()> {
        if entry.item_type() == item_type::REFERENCED_TABLE {
            return Ok(());
        }
        let cache = VerifiedCache::new(None);
        let record = entry.record()?;
        for StoredFile { path, mut expected, .. } in all_files(&record)? {
            // A missing or damaged file of block checksums does not make the payload a damaged one.
            expected.blocks = None;
            VerifiedSource::open(self.storage, &path, expected, Verification::Full, &cache)?;
        }
        Ok(())
    }
}

/// What nobody can have any more: items whose entries are not whole, versions whose files were deleted, and
/// files that nothing names.
fn unsaved(survey: &Survey, before: &Catalogue, merged: &Catalogue, cut: &[String]) -> Vec<String> {
    let mut list = Vec::new();
    list.extend(cut.iter().map(|name| match merged.current.get(name.as_str()) {
        Some(entry) => format!("item '{name}': its entry is damaged; version {} was kept", entry.token()),
        None => format!("item '{name}': its entry is damaged"),
    }));
    for (name, entry) in before.current.iter().filter(|(_, entry)| !survey.is_there(entry)) {
        if !merged.current.contains_key(name) {
            list.push(format!("item '{name}', version {}: its file is gone", entry.token()));
        }
    }
    for name in merged.snapshots.keys().filter(|name| !before.snapshots.contains_key(*name)) {
        let lost = merged.snapshot_entries(name).into_iter().flatten().filter_map(|(_, entry)| entry.err());
        list.extend(lost.map(|error| error.to_string()));
    }
    list.extend(survey.unnamed(merged).iter().map(|path| format!("{path}: nothing names it any more")));
    list
}
