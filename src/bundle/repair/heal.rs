//! Putting the history of a sound catalogue right: an entry or a full copy that is damaged is set aside, and written again
//! from what its neighbours say.

use std::sync::Arc;

use datafolio_core::history::{CommitKind, CommitRef, EntryStamp, HISTORY_FORMAT, HistoryEntry, HistoryFile, released};
use datafolio_core::patch::{self, diff_texts};
use datafolio_core::{
    Catalogue, CatalogueFiles, Layout, Published, RelPath, SealCheck, difference, fingerprint, parse_catalogue, time,
};
use datafolio_storage::{Storage, StorageError, VersionTag};
use serde_json::Map;

use crate::bundle::repair::survey::direct_files;
use crate::bundle::repair::{RepairReport, Repaired, move_aside, publish};
use crate::bundle::state::{MAX_CATALOGUE, State};
use crate::error::{Error, Result};
use crate::history::chain::{self, read_text};
use crate::history::{external, rebuild};

/// Looks the history over, and puts right what is not. With nothing to do, the report says so.
pub(super) fn heal(storage: &dyn Storage, head: &Arc<State>, tag: Option<&VersionTag>) -> Result<RepairReport> {
    let revision = head.catalogue().revision;
    let nothing = RepairReport { revision, ..RepairReport::default() };
    let Some((start, text)) = start_of(storage, head)? else { return Ok(nothing) };
    let mut mend =
        Mend { storage, files: direct_files(storage)?, found: Vec::new(), kept_aside: Vec::new(), done: Vec::new() };
    if mend.files.is_empty() || mend.is_sound(&start)? {
        return Ok(nothing);
    }
    let mut leads_to_an_end = mend.walk(start.clone(), Arc::clone(&text))?;
    if mend.found.is_empty() {
        return Ok(nothing);
    }
    if leads_to_an_end {
        // With the entries that are there again, copies that were put aside may be known.
        leads_to_an_end = mend.walk(start, text)?;
    }
    if !leads_to_an_end {
        mend.done.push("began the history anew".to_owned());
    }
    let action = mend.done.join("; ");
    let before = match leads_to_an_end {
        true => chain::ensure_parent(storage, head, head)?.commit,
        false => None,
    };
    let catalogue = Catalogue::clone(head.catalogue());
    let revision = publish(storage, Repaired { catalogue, tag, before, action: &action })?;
    Ok(RepairReport {
        problem: Some(mend.found.join("; ")),
        action: Some(action),
        revision,
        kept_aside: mend.kept_aside,
        ..RepairReport::default()
    })
}

/// Where the chain of commits begins, with the text of the catalogue there.
fn start_of(storage: &dyn Storage, head: &State) -> Result<Option<(CommitRef, Arc<String>)>> {
    if head.catalogue().layout == Layout::V1 {
        return Ok(None);
    }
    if let Some(commit) = head.commit_ref() {
        return Ok(Some((commit, Arc::clone(&head.published.text))));
    }
    let last = external::last_before(storage, head, head.catalogue().revision.saturating_add(1))?;
    Ok(last.map(|(commit, state)| (commit, Arc::clone(&state.published.text))))
}

struct Mend<'a> {
    storage: &'a dyn Storage,
    files: Vec<(CommitRef, HistoryFile)>,
    /// What was wrong.
    found: Vec<String>,
    kept_aside: Vec<String>,
    /// What was done about it.
    done: Vec<String>,
}

impl Mend<'_> {
    /// Whether every entry of the chain can be read to its end, and every full copy is one. Nothing is rebuilt for that.
    fn is_sound(&self, start: &CommitRef) -> Result<bool> {
        let mut next = Some(start.clone());
        let mut last: Option<HistoryEntry> = None;
        while let Some(at) = next {
            match self.read(&at)? {
                Some(entry) => {
                    if self.lacks_copy(&entry)? {
                        return Ok(false);
                    }
                    next = parent_of(&entry);
                    last = Some(entry);
                }
                // With older entries left it may be a gap, which only the text of the catalogue tells.
                None => return self.is_end(&at, last.as_ref()),
            }
        }
        Ok(true)
    }

    /// Goes back along the chain with the text of each catalogue, and writes again what cannot be read. Whether the chain
    /// leads to an end now; otherwise it breaks off.
    fn walk(&mut self, start: CommitRef, text: Arc<String>) -> Result<bool> {
        let mut at = start;
        let mut text = Some(text);
        let mut last: Option<(HistoryEntry, Option<Arc<String>>)> = None;
        loop {
            let Some(entry) = self.read(&at)? else {
                let is_gap = text.as_ref().is_some_and(|text| self.is_gap(&at, text));
                if !is_gap && self.is_end(&at, last.as_ref().map(|(entry, _)| entry))? {
                    return Ok(true);
                }
                self.found.push(match self.has(&at, HistoryFile::Entry) {
                    true => format!("{} is damaged", at.entry_path()?),
                    false => format!("{} is missing", at.entry_path()?),
                });
                let rebuilt = match text.take().or(self.sealed_copy(&at)?) {
                    Some(known) => self.rebuild(&at, &known)?.map(|entry| (entry, known)),
                    None => None,
                };
                self.set_aside(&at.entry_path()?)?;
                let Some((entry, known)) = rebuilt else { return self.end_at(last) };
                self.write_copy(&at, &known)?;
                chain::write(self.storage, &entry, None)?;
                self.done.push(format!("wrote the entry of revision {} again", at.revision));
                text = Some(known);
                continue;
            };
            let known = text.take().filter(|text| fingerprint(text) == entry.catalogue);
            let known = known.or_else(|| rebuild::from_checkpoint(self.storage, &at).ok().map(|state| state.text));
            self.mend_copy(&entry, known.as_deref())?;
            let Some(parent) = parent_of(&entry) else { return Ok(true) };
            text = match (&known, &entry.patch) {
                (Some(text), Some(splices)) => patch::revert(text, splices).ok().map(Arc::new),
                _ => None,
            };
            last = Some((entry, known));
            at = parent;
        }
    }

    /// An entry, or `None` when it is missing or damaged.
    fn read(&self, commit: &CommitRef) -> Result<Option<HistoryEntry>> {
        match chain::read_entry(self.storage, commit) {
            Ok(entry) => Ok(Some(entry)),
            Err(Error::Storage(StorageError::NotFound { .. })) => Ok(None),
            Err(error) if is_damage(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn has(&self, commit: &CommitRef, kind: HistoryFile) -> bool {
        self.files.iter().any(|(other, file)| other == commit && *file == kind)
    }

    /// Whether the full copy of a catalogue is damaged, or is not there and should be.
    fn lacks_copy(&self, entry: &HistoryEntry) -> Result<bool> {
        Ok(match self.copy_of(entry)? {
            Some(text) => text.is_none(),
            None => entry.since_checkpoint == 0,
        })
    }

    /// Sees to it that the full copy of a catalogue is one, where the catalogue is known; a damaged one is set aside.
    fn mend_copy(&mut self, entry: &HistoryEntry, text: Option<&String>) -> Result<()> {
        let (commit, path) = (entry.commit_ref(), entry.commit_ref().checkpoint_path()?);
        if !self.lacks_copy(entry)? {
            return Ok(());
        }
        let is_there = self.has(&commit, HistoryFile::Checkpoint);
        match (is_there, text) {
            (true, _) => self.found.push(format!("{path} is damaged")),
            (false, Some(_)) => self.found.push(format!("{path} is missing")),
            // Nothing can be done about it, and the history reads around it where it can.
            (false, None) => return Ok(()),
        }
        self.set_aside(&path)?;
        match text {
            Some(text) => {
                self.write_copy(&commit, text)?;
                self.done.push(format!("wrote the full copy of revision {} again", commit.revision));
            }
            None => self.done.push(format!("put the full copy of revision {} aside", commit.revision)),
        }
        Ok(())
    }

    /// The full copy of a catalogue, if there is one: `None` within when it is not what was published.
    fn copy_of(&self, entry: &HistoryEntry) -> Result<Option<Option<String>>> {
        let commit = entry.commit_ref();
        if !self.has(&commit, HistoryFile::Checkpoint) {
            return Ok(None);
        }
        match read_text(self.storage, &commit.checkpoint_path()?) {
            Ok(text) => Ok(Some(Some(text).filter(|text| fingerprint(text) == entry.catalogue))),
            Err(Error::Storage(StorageError::NotFound { .. })) => Ok(None),
            Err(error) if is_damage(&error) => Ok(Some(None)),
            Err(error) => Err(error),
        }
    }

    /// The full copy of a commit whose entry cannot be read, when it vouches for itself.
    fn sealed_copy(&self, commit: &CommitRef) -> Result<Option<Arc<String>>> {
        let Ok(text) = read_text(self.storage, &commit.checkpoint_path()?) else { return Ok(None) };
        let published = parse(&text);
        let is_sound = published.is_some_and(|published| is_by(&published.catalogue, commit));
        Ok(is_sound.then(|| Arc::new(text)))
    }

    /// Whether the chain ends before a commit without an entry: where garbage collection has ended it, so that nothing older
    /// is left, or at a repair.
    fn is_end(&self, missing: &CommitRef, last: Option<&HistoryEntry>) -> Result<bool> {
        if self.has(missing, HistoryFile::Entry) {
            return Ok(false);
        }
        let is_repair = last.filter(|last| last.kind == CommitKind::Repair);
        let has_copy = is_repair.map(|last| self.copy_of(last)).transpose()?.flatten().flatten().is_some();
        Ok(has_copy || (last.is_some() && self.older_than(missing).next().is_none()))
    }

    /// Whether the entry before a missing one is there: garbage collection would have removed that one as well, or first.
    fn is_gap(&self, missing: &CommitRef, text: &str) -> bool {
        let catalogue = parse(text).map(|published| published.catalogue);
        catalogue.is_some_and(|catalogue| catalogue.commit.is_some() && self.parent_in(&catalogue, missing).is_some())
    }

    fn older_than<'a>(&'a self, commit: &'a CommitRef) -> impl Iterator<Item = &'a CommitRef> {
        let entries = self.files.iter().filter(|(_, kind)| *kind == HistoryFile::Entry);
        entries.map(|(other, _)| other).filter(|other| other.revision < commit.revision)
    }

    /// The commit before the one that published a catalogue. Another program's names none: then it is the latest there is.
    fn parent_in<'a>(&'a self, catalogue: &Catalogue, commit: &'a CommitRef) -> Option<&'a CommitRef> {
        match &catalogue.commit {
            Some(stamp) => self.older_than(commit).find(|other| stamp.parent.as_ref() == Some(&other.id)),
            None => self.older_than(commit).max(),
        }
    }

    /// Makes the last entry that can be read the end of the chain, with a full copy of its catalogue.
    fn end_at(&mut self, last: Option<(HistoryEntry, Option<Arc<String>>)>) -> Result<bool> {
        let Some((entry, Some(text))) = last else { return Ok(false) };
        self.write_copy(&entry.commit_ref(), &text)?;
        // In front of the first entry they would look as if it had a gap there.
        let older: Vec<CommitRef> = self.older_than(&entry.commit_ref()).cloned().collect();
        for commit in older {
            self.set_aside(&commit.entry_path()?)?;
        }
        self.done.push(format!("the history begins with revision {}", entry.revision));
        Ok(true)
    }

    /// The entry that a commit must have had, from the catalogue that it published. Who made it is not known any more.
    fn rebuild(&self, commit: &CommitRef, text: &str) -> Result<Option<HistoryEntry>> {
        let Some(published) = parse(text) else { return Ok(None) };
        let catalogue = &published.catalogue;
        let is_external = catalogue.commit.is_none() && catalogue.revision == commit.revision;
        if !is_external && !is_by(catalogue, commit) {
            return Ok(None);
        }
        let parent = self.parent_in(catalogue, commit);
        let before = parent.and_then(|parent| rebuild::from_checkpoint(self.storage, parent).ok());
        let nothing = Arc::new(Catalogue::empty());
        let catalogue_before = before.as_ref().map_or(&nothing, |before| &before.catalogue);
        let updated_at = catalogue.metadata_value("updated_at").and_then(|value| value.as_str().map(str::to_owned));
        Ok(Some(HistoryEntry {
            format: HISTORY_FORMAT,
            revision: commit.revision,
            commit: EntryStamp { id: commit.id.clone(), seal: String::new() },
            parent: parent.cloned(),
            kind: if is_external { CommitKind::External } else { CommitKind::Commit },
            timestamp: updated_at.unwrap_or_else(|| time::to_iso(time::now())),
            writer: Map::new(),
            operation: "(not known: the entry was damaged and written again)".to_owned(),
            catalogue: published.fingerprint(),
            changes: difference(catalogue_before, catalogue),
            released: released(catalogue_before, &published),
            condemned: Vec::new(),
            overwritten: Vec::new(),
            recovered: Vec::new(),
            patch: before.as_ref().map(|before| diff_texts(before, &published)),
            since_checkpoint: 0,
        }))
    }

    /// Keeps a file of the history aside, under another name.
    fn set_aside(&mut self, path: &RelPath) -> Result<()> {
        match move_aside(self.storage, path) {
            Ok(kept) => self.kept_aside.push(kept),
            Err(Error::Storage(StorageError::NotFound { .. })) => {}
            Err(error) => return Err(error),
        }
        let path = path.file_name();
        self.files.retain(|(commit, kind)| {
            let own = match kind {
                HistoryFile::Entry => commit.entry_path(),
                HistoryFile::Checkpoint => commit.checkpoint_path(),
            };
            own.is_ok_and(|own| own.file_name() != path)
        });
        Ok(())
    }

    /// Writes the full copy of a commit's catalogue, unless it is there.
    fn write_copy(&mut self, commit: &CommitRef, text: &str) -> Result<()> {
        let path = commit.checkpoint_path()?;
        match read_text(self.storage, &path) {
            Ok(found) if found == text => return Ok(()),
            Ok(_) => self.set_aside(&path)?,
            Err(Error::Storage(StorageError::NotFound { .. })) => {}
            Err(error) if is_damage(&error) => self.set_aside(&path)?,
            Err(error) => return Err(error),
        }
        chain::write_new(self.storage, &path, text)?;
        self.files.push((commit.clone(), HistoryFile::Checkpoint));
        Ok(())
    }
}

/// Whether what was read is damaged; a file that is larger than any catalogue is.
fn is_damage(error: &Error) -> bool {
    match error {
        Error::Core(_) => true,
        Error::Storage(StorageError::TooLarge { size, .. }) => *size > MAX_CATALOGUE,
        _ => false,
    }
}

/// The commit before, as far as it is an older one.
fn parent_of(entry: &HistoryEntry) -> Option<CommitRef> {
    entry.parent.clone().filter(|parent| parent.revision < entry.revision)
}

fn is_by(catalogue: &Catalogue, commit: &CommitRef) -> bool {
    catalogue.revision == commit.revision && catalogue.commit.as_ref().is_some_and(|stamp| stamp.id == commit.id)
}

fn parse(text: &str) -> Option<Published> {
    let files = CatalogueFiles { items: Arc::new(text.to_owned()), metadata: None, snapshots: None };
    parse_catalogue(&files, SealCheck::Required).ok()
}
