//! History: one immutable record for every commit, from which any kept revision can be rebuilt.

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::catalogue::Catalogue;
use crate::diff::Difference;
use crate::encode::Published;
use crate::entry::Entry;
use crate::error::{CoreError, CoreResult};
use crate::fingerprint::{EMPTY_SEAL, fingerprint, seal, seal_of};
use crate::json::pretty;
use crate::parse::MAX_REVISION;
use crate::patch::Splice;
use crate::path::RelPath;

/// Directory of the history inside a bundle.
pub const HISTORY_DIR: &str = "history";

/// The format of its files.
pub const HISTORY_FORMAT: u32 = 1;

/// Identifies a commit: its revision and its random id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CommitRef {
    /// The revision that the commit made.
    pub revision: u64,
    /// Its random id.
    pub id: String,
}

/// What made a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommitKind {
    /// A commit of ours.
    Commit,
    /// Whatever another program wrote since the commit before: found when the next commit was made.
    External,
    /// The change of a 1.x bundle to the layout of 2.x.
    Migration,
    /// A catalogue that was damaged and put right.
    Repair,
}

/// The record of one commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Format of this file.
    pub format: u32,
    /// The revision that the commit made.
    pub revision: u64,
    /// The commit's id and the seal of this file.
    pub commit: EntryStamp,
    /// The commit before.
    pub parent: Option<CommitRef>,
    /// What made it.
    pub kind: CommitKind,
    /// When, by the clock of the machine that made it.
    pub timestamp: String,
    /// Who and where: user, host, process, program.
    pub writer: Map<String, Value>,
    /// What was done, in a few words.
    pub operation: String,
    /// Fingerprint of the catalogue that was published.
    pub catalogue: String,
    /// What changed, by name.
    pub changes: Difference,
    /// Versions that the parent's catalogue named and this one does not: their files serve older revisions alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub released: Vec<Released>,
    /// Files that a collection of garbage removes after this commit, on a store where it holds no lock: no later commit may name
    /// them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub condemned: Vec<String>,
    /// Of an external entry on a store: commits that were acknowledged before, and that the other program has written over, since it asks
    /// for no conditions. They do not follow from each other and this one, and what they changed is in their own entries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overwritten: Vec<CommitRef>,
    /// Commits that had been overwritten and whose changes this one has made again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recovered: Vec<CommitRef>,
    /// The text of the catalogue as a difference from the parent's; absent where the parent's text was not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<Vec<Splice>>,
    /// How many commits lie between the last full copy of the catalogue and this one; 0 when this one has a copy.
    pub since_checkpoint: u32,
}

/// A version that left the catalogue, with the files that nothing in the catalogue names any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// The item.
    pub item: String,
    /// The version.
    pub version: String,
    /// Paths inside the bundle.
    pub files: Vec<String>,
}

/// The versions that left the catalogue between two states.
///
/// Versions whose files another entry still names (after an edit or a renaming) are not released.
pub fn released(before: &Catalogue, published: &Published) -> Vec<Released> {
    let after = &*published.catalogue;
    // Most commits leave most entries in their places: those are passed over without a search.
    let mut moved: Vec<&Arc<Entry>> =
        before.current.differing(&after.current).into_iter().filter_map(|(old, _)| old).collect();
    let mut places = after.retired.iter();
    moved.extend(before.retired.iter().filter(|entry| !places.next().is_some_and(|other| Arc::ptr_eq(entry, other))));
    if moved.is_empty() {
        return Vec::new();
    }
    let retired: HashSet<*const Entry> = after.retired.iter().map(Arc::as_ptr).collect();
    moved.retain(|entry| {
        let is_current = after.current.get(entry.name()).is_some_and(|other| Arc::ptr_eq(entry, other));
        !is_current && !retired.contains(&Arc::as_ptr(entry))
    });
    let gone = moved;
    // Of a few, keys tell without a look at all entries that no other one names their files.
    const FEW: usize = 16;
    let may_be_named = |entry: &&&Arc<Entry>| gone.len() > FEW || published.may_name_file_of(entry);
    let sought: HashSet<&str> = gone.iter().filter(may_be_named).filter_map(|entry| entry.filename()).collect();
    let named: HashSet<(&str, &str)> = match sought.is_empty() {
        true => HashSet::new(),
        false => after
            .entries()
            .filter_map(|entry| Some((entry.item_type(), entry.filename()?)))
            .filter(|(_, filename)| sought.contains(filename))
            .collect(),
    };
    // Versions of a table that grows have most of their parts in common.
    let shared: HashSet<RelPath> = match gone.iter().any(|entry| entry.has_parts()) {
        true => after.entries().filter(|entry| entry.has_parts()).flat_map(|entry| entry.files()).collect(),
        false => HashSet::new(),
    };
    gone.into_iter()
        .filter(|entry| entry.filename().is_some_and(|file| !named.contains(&(entry.item_type(), file))))
        .map(|entry| Released {
            item: entry.name().to_owned(),
            version: entry.token(),
            files: entry.files().iter().filter(|file| !shared.contains(*file)).map(ToString::to_string).collect(),
        })
        .filter(|released| !released.files.is_empty())
        .collect()
}

#[derive(Deserialize)]
struct Formatted {
    format: u32,
}

/// Id and seal of a history entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryStamp {
    /// The commit's random id.
    pub id: String,
    /// BLAKE3 of this file with the seal's characters as zeros.
    pub seal: String,
}

impl HistoryEntry {
    /// The commit it records.
    pub fn commit_ref(&self) -> CommitRef {
        CommitRef { revision: self.revision, id: self.commit.id.clone() }
    }

    /// The text of the file, sealed.
    pub fn encode(&self) -> String {
        let mut entry = self.clone();
        entry.commit.seal = EMPTY_SEAL.to_owned();
        let mut text = pretty(&entry, 0);
        seal(&mut text);
        text
    }

    /// Reads the text of a history file.
    ///
    /// # Errors
    /// [`CoreError::DamagedHistory`] when it is no entry or does not match its seal; [`CoreError::UnknownHistory`] when a later release has
    /// written it.
    pub fn parse(file: &str, text: &str) -> CoreResult<Self> {
        let damaged = |reason: String| CoreError::DamagedHistory { file: file.to_owned(), reason };
        if seal_of(text) != Some(&fingerprint(text)) {
            return Err(damaged("it does not match its own seal".to_owned()));
        }
        let broken = |error: serde_json::Error| damaged(error.to_string());
        // First: what else a later format has may be of other types.
        match serde_json::from_str::<Formatted>(text).map_err(broken)?.format {
            HISTORY_FORMAT => serde_json::from_str(text).map_err(broken),
            found if found > HISTORY_FORMAT => {
                Err(CoreError::UnknownHistory { file: file.to_owned(), found, known: HISTORY_FORMAT })
            }
            found => Err(damaged(format!("it has the format {found}, which no release writes"))),
        }
    }
}

impl CommitRef {
    /// Where the record of the commit lies.
    ///
    /// # Errors
    /// [`CoreError::UnsafePath`] when the id is no id.
    pub fn entry_path(&self) -> CoreResult<RelPath> {
        RelPath::parse(&format!("{HISTORY_DIR}/{}.json", self.stem()?))
    }

    /// Where the full copy of the commit's catalogue lies, if there is one.
    ///
    /// # Errors
    /// [`CoreError::UnsafePath`] when the id is no id.
    pub fn checkpoint_path(&self) -> CoreResult<RelPath> {
        RelPath::parse(&format!("{HISTORY_DIR}/{}.items.json", self.stem()?))
    }

    fn stem(&self) -> CoreResult<String> {
        if self.id.is_empty() || !self.id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(CoreError::UnsafePath {
                path: crate::path::shorten(&self.id),
                reason: "a commit id has letters and digits only",
            });
        }
        Ok(format!("{:010}-{}", self.revision, self.id))
    }

    /// The commit whose record or checkpoint a file of the history directory is.
    pub fn from_file_name(name: &str) -> Option<(Self, HistoryFile)> {
        let stem = name.strip_suffix(".json")?;
        let (stem, kind) = match stem.strip_suffix(".items") {
            Some(stem) => (stem, HistoryFile::Checkpoint),
            None => (stem, HistoryFile::Entry),
        };
        let (revision, id) = stem.split_once('-')?;
        let revision = revision.parse().ok().filter(|revision| *revision <= MAX_REVISION)?;
        let commit = Self { revision, id: id.to_owned() };
        commit.stem().ok()?;
        Some((commit, kind))
    }
}

/// The two kinds of files in the history directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryFile {
    /// The record of a commit.
    Entry,
    /// A full copy of the catalogue that a commit published.
    Checkpoint,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> HistoryEntry {
        HistoryEntry {
            format: 1,
            revision: 7,
            commit: EntryStamp { id: "abc123".to_owned(), seal: String::new() },
            parent: Some(CommitRef { revision: 6, id: "aaa".to_owned() }),
            kind: CommitKind::Commit,
            timestamp: "2026-11-21T05:14:32+00:00".to_owned(),
            writer: Map::new(),
            operation: "add x".to_owned(),
            catalogue: "0".repeat(64),
            changes: Difference::default(),
            released: Vec::new(),
            condemned: Vec::new(),
            overwritten: Vec::new(),
            recovered: Vec::new(),
            patch: Some(vec![Splice { at: 3, remove: "a".to_owned(), insert: "\n\"ß".to_owned() }]),
            since_checkpoint: 1,
        }
    }

    #[test]
    fn an_entry_comes_back_as_it_was_and_any_flipped_byte_is_noticed() {
        let text = entry().encode();
        let read = HistoryEntry::parse("f", &text).unwrap();
        assert_eq!(read.patch, entry().patch);
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            if let Ok(altered) = String::from_utf8(bytes) {
                assert!(HistoryEntry::parse("f", &altered).is_err(), "byte {at}");
            }
        }
    }

    #[test]
    fn file_names_sort_by_revision_and_hostile_ids_are_refused() {
        let commit = entry().commit_ref();
        let path = commit.entry_path().unwrap();
        assert_eq!(path.as_str(), "history/0000000007-abc123.json");
        assert_eq!(CommitRef::from_file_name(path.file_name()), Some((commit.clone(), HistoryFile::Entry)));
        let checkpoint = commit.checkpoint_path().unwrap();
        assert_eq!(CommitRef::from_file_name(checkpoint.file_name()), Some((commit, HistoryFile::Checkpoint)));
        for id in ["", "../x", "a/b", "a.b"] {
            assert!(CommitRef { revision: 1, id: id.to_owned() }.entry_path().is_err());
        }
    }
}
