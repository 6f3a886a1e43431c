//! What there is to repair from: the commits in the history, most credible first, and the payloads that are there.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafolio_core::history::{CommitRef, HISTORY_DIR, HistoryFile};
use datafolio_core::{Catalogue, Entry, Layout, Published, RelPath, difference, item_type, time};
use datafolio_storage::Storage;

use crate::bundle::gc::{Lost, PAYLOAD_DIRS};
use crate::bundle::repair::lenient;
use crate::bundle::state::{State, file};
use crate::error::{Result, readable};
use crate::history::{chain, rebuild};

/// How many revisions are weighed against each other by the payloads that they miss.
const LOOKED_AT: usize = 16;
/// Where the stamp of a commit stands in a catalogue: within as many bytes, as its seal does.
const HEAD_OF_TEXT: usize = 4096;

/// What the bundle holds beside its catalogue.
#[derive(Debug)]
pub(super) struct Survey {
    /// The commits whose entries can be read, most credible first.
    commits: Vec<Known>,
    /// All payload files that are there.
    payloads: HashSet<RelPath>,
    /// Files that old revisions alone need.
    released: HashSet<RelPath>,
}

/// A commit whose entry can be read.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) commit: CommitRef,
    parent: Option<CommitRef>,
    /// Another commit follows it, so that it was published.
    pub(super) has_child: bool,
    timestamp: Option<DateTime<Utc>>,
    /// Fingerprint of the catalogue that it published.
    catalogue: String,
}

/// A state that the bundle can go back to.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) known: Known,
    pub(super) published: Published,
    /// Current and pinned versions whose files are gone.
    pub(super) missing: Vec<Lost>,
}

/// The state that was chosen, and the later ones that were not, because they have nothing more that can be read.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) candidate: Candidate,
    pub(super) passed_over: Vec<Candidate>,
}

impl Survey {
    pub(super) fn of(storage: &dyn Storage) -> Result<Self> {
        let mut survey = Self { commits: Vec::new(), payloads: HashSet::new(), released: HashSet::new() };
        for dir in PAYLOAD_DIRS {
            survey.payloads.extend(storage.list(Some(&file(dir)?))?.into_iter().map(|info| info.path));
        }
        for (commit, kind) in direct_files(storage)? {
            if kind != HistoryFile::Entry {
                continue;
            }
            let Some(entry) = readable(chain::read_entry(storage, &commit))? else { continue };
            let files = entry.released.iter().flat_map(|released| &released.files);
            survey.released.extend(files.filter_map(|path| RelPath::parse(path).ok()));
            let timestamp = time::from_iso(&entry.timestamp);
            let (parent, catalogue) = (entry.parent, entry.catalogue);
            survey.commits.push(Known { commit, parent, has_child: false, timestamp, catalogue });
        }
        let parents: HashSet<CommitRef> = survey.commits.iter().filter_map(|known| known.parent.clone()).collect();
        for known in &mut survey.commits {
            known.has_child = parents.contains(&known.commit);
        }
        // Of two entries of one revision the earlier is that of a writer that died before it published, or the second
        // could not have begun.
        survey.commits.sort_by_key(|known| Reverse(known.rank()));
        Ok(survey)
    }

    /// The newest revision that was ever given, as far as can be told: by the history, by a damaged text, and by the names
    /// of payload files, which Python DataFolio makes of version ids.
    pub(super) fn newest_revision(&self, text: Option<&str>) -> u64 {
        let of_history = self.commits.iter().map(|known| known.commit.revision);
        let of_payloads = self.payloads.iter().flat_map(|path| lenient::revisions_in(path.file_name()));
        of_history.chain(of_payloads).chain(text.map(lenient::newest_revision)).max().unwrap_or(0)
    }

    /// The commit that wrote a damaged text, by its own id; else by its parent's, when its own id is what is damaged: then
    /// it is the most credible of those that follow the parent.
    pub(super) fn author(&self, text: &str) -> Option<&Known> {
        let head = head_of(text);
        let named = self.commits.iter().find(|known| head.contains(&known.commit.id))?;
        if !head.contains(&format!("\"parent\": \"{}\"", named.commit.id)) {
            return Some(named);
        }
        let successor = self.commits.iter().find(|known| known.parent.as_ref() == Some(&named.commit));
        Some(successor.unwrap_or(named))
    }

    /// Whether a head that names no commit is what a damage made of a commit of ours: it has the revision of one, is not
    /// what that one published, and still has its id or its parent's in its text. A head that another program wrote has
    /// neither; an entry of the same revision is then that of a writer that died.
    pub(super) fn is_damaged_commit(&self, head: &State) -> bool {
        let catalogue = head.catalogue();
        if catalogue.commit.is_some() || catalogue.layout == Layout::V1 {
            return false;
        }
        let text = head_of(&head.published.text);
        let of_revision = || self.commits.iter().filter(|known| known.commit.revision == catalogue.revision);
        let is_named = |known: &Known| {
            text.contains(&known.commit.id) || known.parent.as_ref().is_some_and(|parent| text.contains(&parent.id))
        };
        let fingerprint = head.published.fingerprint();
        of_revision().any(is_named) && !of_revision().any(|known| known.catalogue == fingerprint)
    }

    /// What is known of a commit.
    pub(super) fn known(&self, commit: &CommitRef) -> Option<&Known> {
        self.commits.iter().find(|known| known.commit == *commit)
    }

    /// The commit with this id.
    pub(super) fn with_id(&self, id: &str) -> Option<&CommitRef> {
        self.commits.iter().map(|known| &known.commit).find(|commit| commit.id == id)
    }

    /// The state of one commit, where it can be rebuilt.
    pub(super) fn candidate(&self, storage: &dyn Storage, known: &Known) -> Result<Option<Candidate>> {
        let published = readable(rebuild::from_checkpoint(storage, &known.commit))?;
        Ok(published.map(|published| {
            let missing = self.missing(&published.catalogue);
            Candidate { known: known.clone(), published, missing }
        }))
    }

    /// The state of the most credible commit that can be rebuilt, whatever it misses.
    pub(super) fn latest(&self, storage: &dyn Storage) -> Result<Option<Candidate>> {
        self.states(storage).next().transpose()
    }

    /// The states that can be rebuilt, most credible first.
    pub(super) fn states(&self, storage: &dyn Storage) -> impl Iterator<Item = Result<Candidate>> {
        self.one_of_each_revision().filter_map(|known| self.candidate(storage, known).transpose())
    }

    /// The latest state, or an earlier one that misses fewer payloads and has all that can be read of the later: versions,
    /// snapshots and metadata. What can be read is never given up for what cannot.
    pub(super) fn best(&self, storage: &dyn Storage) -> Result<Option<Chosen>> {
        let mut states = self.states(storage).take(LOOKED_AT);
        let Some(mut best) = states.next().transpose()? else { return Ok(None) };
        let mut passed_over = Vec::new();
        let mut between = Vec::new();
        while !best.missing.is_empty()
            && let Some(earlier) = states.next().transpose()?
        {
            match earlier.missing.len() < best.missing.len() && self.has_all_of(&earlier, &best) {
                true => {
                    passed_over.push(std::mem::replace(&mut best, earlier));
                    passed_over.append(&mut between);
                }
                false => between.push(earlier),
            }
        }
        Ok(Some(Chosen { candidate: best, passed_over }))
    }

    /// Whether an earlier state has everything that can be read of a later one.
    fn has_all_of(&self, earlier: &Candidate, later: &Candidate) -> bool {
        let (earlier, later) = (&earlier.published.catalogue, &later.published.catalogue);
        let versions: HashSet<(&str, String)> = earlier.entries().map(|entry| (entry.name(), entry.token())).collect();
        let changes = difference(earlier, later);
        later
            .entries()
            .filter(|entry| self.is_there(entry))
            .all(|entry| versions.contains(&(entry.name(), entry.token())))
            && changes.metadata.is_empty()
            && !changes.snapshots.iter().any(|change| change.starts_with('+'))
    }

    /// Of each revision the commit that was published. The others' writers had died, and their states never were.
    fn one_of_each_revision(&self) -> impl Iterator<Item = &Known> {
        let mut last = None;
        self.commits.iter().filter(move |known| last.replace(known.commit.revision) != Some(known.commit.revision))
    }

    /// The current and pinned versions of a state whose files are gone.
    pub(super) fn missing(&self, catalogue: &Catalogue) -> Vec<Lost> {
        let orphans = catalogue.orphans();
        let orphans: HashSet<*const Entry> = orphans.iter().map(Arc::as_ptr).collect();
        catalogue
            .entries()
            .filter(|entry| !orphans.contains(&Arc::as_ptr(entry)) && !self.is_there(entry))
            .map(|entry| Lost { item: entry.name().to_owned(), version: entry.token() })
            .collect()
    }

    /// Whether the payload of a version is there, or it has none.
    pub(super) fn is_there(&self, entry: &Entry) -> bool {
        let is_named = item_type::payload_dir(entry.item_type()).is_some() && entry.filename().is_some();
        let payloads = entry.payloads();
        // A name that leads out of the bundle is no payload.
        payloads.len() >= usize::from(is_named) && payloads.iter().all(|path| self.payloads.contains(path))
    }

    /// What is left of revisions that another program made after all that the history has: their number, and the files
    /// that have it in their names.
    pub(super) fn beyond(&self, catalogue: &Catalogue, newest: u64) -> Vec<String> {
        let known = self.commits.first().map_or(0, |known| known.commit.revision);
        if newest <= known {
            return Vec::new();
        }
        let of_theirs = |path: &String| lenient::revisions_in(path).any(|revision| revision > known);
        let files = self.unnamed(catalogue).into_iter().filter(of_theirs);
        let files = files.map(|path| format!("{path}: nothing names it any more"));
        std::iter::once(revisions(known + 1, newest)).chain(files).collect()
    }

    /// Payload files that neither a catalogue names nor an old revision.
    pub(super) fn unnamed(&self, catalogue: &Catalogue) -> Vec<String> {
        let named: HashSet<RelPath> = catalogue.entries().flat_map(|entry| entry.files()).collect();
        let is_unnamed = |path: &&RelPath| !named.contains(*path) && !self.released.contains(*path);
        let mut unnamed: Vec<String> = self.payloads.iter().filter(is_unnamed).map(ToString::to_string).collect();
        unnamed.sort_unstable();
        unnamed
    }
}

impl Known {
    /// Orders commits by how credible it is that theirs is the last state.
    fn rank(&self) -> (u64, bool, Option<DateTime<Utc>>) {
        (self.commit.revision, self.has_child, self.timestamp)
    }
}

/// Revisions whose states are lost, in words.
pub(super) fn revisions(first: u64, last: u64) -> String {
    match first == last {
        true => format!("revision {first}, which another program made"),
        false => format!("revisions {first} to {last}, which another program made"),
    }
}

/// The part of a text that the stamp of a commit stands in.
fn head_of(text: &str) -> &str {
    let mut end = text.len().min(HEAD_OF_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The files of commits that lie right in the history's directory: in those below it, things are kept aside.
pub(super) fn direct_files(storage: &dyn Storage) -> Result<Vec<(CommitRef, HistoryFile)>> {
    let dir = file(HISTORY_DIR)?;
    let files = storage.list(Some(&dir))?.into_iter().filter(|info| info.path.parent().as_ref() == Some(&dir));
    Ok(files.filter_map(|info| CommitRef::from_file_name(info.path.file_name())).collect())
}
