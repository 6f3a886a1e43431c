//! Pushing a bundle to another place, and pulling it from there: all of it, with its history, or some of its items.
//!
//! A bundle that is pushed whole is the same bundle at both places: the same files, the same commits, the same `items.json` byte for
//! byte. So only files that the other side lacks go over, what was interrupted goes on where it ended, and a place can be
//! brought forward as long as it has no commits of its own. Files come first, then the history, then the catalogue: a push that ends
//! early has changed nothing that anybody sees.

mod control;
mod some;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use datafolio_core::history::{CommitRef, HISTORY_DIR};
use datafolio_core::{Layout, RelPath, SealCheck};
use datafolio_handlers::all_files;
use datafolio_storage::{
    Expected, FileInfo, Publish, Source, Storage, StorageError, Verification, VerifiedSource, copy_source,
};
use serde::Serialize;

use crate::bundle::commit::is_in_line;
use crate::bundle::gc::PAYLOAD_DIRS;
use crate::bundle::parallel::each;
use crate::bundle::place::Place;
use crate::bundle::retention::Kept;
use crate::bundle::state::{State, file, load, reload};
use crate::bundle::unclear::pause;
use crate::bundle::{DataFolio, Mode, OpenOptions, derived};
use crate::error::{Error, Result};
use crate::history::chain;

pub use control::TransferControl;
use some::{check_some, send_some};

/// What goes over.
#[derive(Debug, Clone, Default)]
pub struct TransferOptions {
    /// The current versions of these items, in one commit of the other bundle. Without items and snapshots all of the bundle, with its
    /// history, and without a commit of its own.
    pub include: Option<Vec<String>>,
    /// These snapshots with the versions that they hold, in the same commit.
    pub snapshots: Option<Vec<String>>,
    /// With `include`: items that the other bundle has with another content get a new version there.
    pub overwrite: bool,
    /// What watches it, and may stop it.
    pub control: Option<TransferControl>,
}

impl TransferOptions {
    fn is_whole(&self) -> bool {
        self.include.is_none() && self.snapshots.is_none()
    }
}

/// What went over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Transferred {
    /// The revision that the receiving bundle has now.
    pub revision: u64,
    /// Files that were written.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were there already.
    pub present: u64,
}

/// How many files are on their way at a time.
const AT_ONCE: usize = 4;

impl DataFolio {
    /// Brings the bundle at another place to the state of this one; it is made where there is none.
    ///
    /// # Errors
    /// [`Error::Diverged`] when the other one has commits that this one has not; missing or damaged files; what a store refuses. Nothing that
    /// anybody sees has changed then, and files that went over are not sent again. The same when [`TransferControl::cancel`] has stopped it. Only
    /// a bundle that was made for some items stays, without items, where it ends after that.
    pub fn push(&self, target: impl AsRef<Path>, options: &TransferOptions) -> Result<Transferred> {
        match options.is_whole() {
            false => {
                // Before a bundle is made for it: others may work in that at once, and nobody takes it away again.
                check_some(self, options)?;
                let to = self.options_there().open_or_create(target)?;
                send_some(self, &to, options)
            }
            true => {
                let to = Place::of(target.as_ref()).new_one(self.settings())?;
                let (_, done) = mirror(self, &to, options)?;
                Ok(done)
            }
        }
    }

    /// Brings this bundle to the state of the one at another place, as [`push`](Self::push) does there.
    ///
    /// # Errors
    /// As [`push`](Self::push); [`Error::ReadOnly`].
    pub fn pull(&self, source: impl AsRef<Path>, options: &TransferOptions) -> Result<Transferred> {
        self.require_writable("pull")?;
        let from = self.options_there().read_only(true).open(source)?;
        match options.is_whole() {
            false => send_some(&from, self, options),
            true => {
                let (state, done) = mirror(&from, self.storage(), options)?;
                self.see(state);
                Ok(done)
            }
        }
    }

    fn options_there(&self) -> OpenOptions {
        OpenOptions::new().settings(self.settings().clone()).registry(self.registry().clone())
    }
}

/// Makes a place the mirror of a bundle; its state then.
fn mirror(from: &DataFolio, to: &Arc<dyn Storage>, options: &TransferOptions) -> Result<(Arc<State>, Transferred)> {
    if !matches!(from.mode(), Mode::ReadWrite | Mode::ReadOnly) {
        return Err(Error::Invalid("an earlier state is not sent with its history: name the items".to_owned()));
    }
    let head = reload(from.storage().as_ref(), &from.state())?;
    let Some(commit) = head.commit_ref().filter(|_| head.catalogue().layout == Layout::V2) else {
        return Err(Error::Invalid(format!(
            "{} was last written by another program, which leaves no commit: any commit, such as a description, records that first",
            from.location()
        )));
    };
    let mut done = Transferred { revision: commit.revision, ..Transferred::default() };
    let there = standing(from, &head, &commit, to)?;
    if there.as_ref().is_some_and(|there| there.commit_ref().as_ref() == Some(&commit)) {
        let state = there.map_or_else(|| Arc::clone(&head), Arc::new);
        return Ok((state, done));
    }
    send_files(from, &head, to, &mut done, options.control.as_ref())?;
    let state = publish(from, &head, &commit, to)?;
    Ok((state, done))
}

/// What is at the other place, when it can be brought forward.
fn standing(from: &DataFolio, head: &State, commit: &CommitRef, to: &Arc<dyn Storage>) -> Result<Option<State>> {
    let diverged = |reason: String| Error::Diverged { location: to.location(), reason };
    let there = match load(to.as_ref(), SealCheck::Required) {
        Ok(there) => there,
        Err(Error::NotABundle { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let Some(theirs) = there.commit_ref() else {
        return Err(diverged("another program has written to it".to_owned()));
    };
    if is_in_line(from.storage().as_ref(), head, &theirs)? == Some(true) {
        return Ok(Some(there));
    }
    Err(match is_in_line(to.as_ref(), &there, commit)? {
        Some(true) => diverged(format!(
            "it is ahead, at revision {}, and {} at {}",
            theirs.revision,
            from.location(),
            commit.revision
        )),
        _ => diverged(format!(
            "its revision {} does not follow from the commits of {}",
            theirs.revision,
            from.location()
        )),
    })
}

/// One file that goes over.
struct Sent {
    path: RelPath,
    size: u64,
    expected: Option<Expected>,
}

/// Sends all files that the other place lacks: payloads, then the history.
fn send_files(
    from: &DataFolio,
    head: &Arc<State>,
    to: &Arc<dyn Storage>,
    done: &mut Transferred,
    control: Option<&TransferControl>,
) -> Result<()> {
    let storage = from.storage().as_ref();
    // Of the history, all that is there.
    let kept = Kept::of(storage, head, 0, u32::MAX)?;
    let mut ours: Vec<FileInfo> = Vec::new();
    for dir in PAYLOAD_DIRS {
        ours.extend(storage.list(Some(&file(dir)?))?);
    }
    let names: HashSet<RelPath> = ours.iter().map(|info| info.path.clone()).collect();
    let needed = kept.needed(&names);
    for entry in head.catalogue().entries() {
        if let Some(path) = entry.payloads().into_iter().find(|path| !names.contains(path)) {
            let (item, version) = (entry.name().to_owned(), entry.token());
            return Err(Error::PayloadGone { item, version, path: path.to_string() });
        }
    }
    let theirs: HashMap<RelPath, u64> = to.list(None)?.into_iter().map(|info| (info.path, info.size)).collect();
    let mut expected = expected_of(head)?;
    let mut payloads = Vec::new();
    for info in ours.into_iter().filter(|info| needed.contains(&info.path)) {
        match theirs.get(&info.path) {
            Some(size) if *size == info.size => done.present += 1,
            Some(size) => {
                let (path, location) = (&info.path, to.location());
                return Err(Error::Invalid(format!(
                    "{path} has {size} bytes at {location} and {} here: it is another file, which is not overwritten",
                    info.size
                )));
            }
            None => {
                let expected = expected.remove(&info.path);
                payloads.push(Sent { path: info.path, size: info.size, expected });
            }
        }
    }
    let history = || -> Result<Vec<Sent>> {
        let mut lacking = Vec::new();
        for info in storage.list(Some(&file(HISTORY_DIR)?))? {
            let is_kept = CommitRef::from_file_name(info.path.file_name())
                .is_some_and(|(commit, _)| kept.commits().contains(&commit));
            if is_kept && !theirs.contains_key(&info.path) {
                lacking.push(Sent { path: info.path, size: info.size, expected: None });
            }
        }
        Ok(lacking)
    };
    if let Some(control) = control {
        control.begin(payloads.iter().chain(&history()?).map(|file| file.size).sum());
    }
    let control = control.cloned().unwrap_or_default();
    send(from, to, &payloads, done, &control)?;
    // Looked for again: what was collected while the payloads went over is not missed. Nothing names them yet: their order does not matter.
    send(from, to, &history()?, done, &control)?;
    control.check()
}

/// What the entries of a catalogue record of the files that they name.
fn expected_of(head: &State) -> Result<HashMap<RelPath, Expected>> {
    let mut found = HashMap::new();
    for entry in head.catalogue().entries() {
        // Of a type that is not known here, the files are known and their hashes not.
        let Ok(files) = entry.record().map_err(Error::from).and_then(|record| Ok(all_files(&record)?)) else {
            continue;
        };
        for stored in files {
            if let Some((path, sha256)) = &stored.expected.blocks {
                found.insert(path.clone(), Expected { sha256: Some(sha256.clone()), ..Expected::default() });
            }
            found.insert(stored.path, stored.expected);
        }
    }
    Ok(found)
}

/// Sends files, several at a time. After the first error none is begun.
fn send(
    from: &DataFolio,
    to: &Arc<dyn Storage>,
    files: &[Sent],
    done: &mut Transferred,
    control: &TransferControl,
) -> Result<()> {
    let at_once = AT_ONCE.min(from.settings().threads.max(2));
    let send_one = |file: &Sent| {
        control.check()?;
        send_one(from, to, file, control).map_err(|error| control.why(error))
    };
    each(files, at_once, send_one)?;
    done.files += files.len() as u64;
    done.bytes += files.iter().map(|file| file.size).sum::<u64>();
    Ok(())
}

fn send_one(from: &DataFolio, to: &Arc<dyn Storage>, file: &Sent, control: &TransferControl) -> Result<()> {
    let source: Arc<dyn Source> = match &file.expected {
        Some(expected) => {
            let opened = VerifiedSource::open(
                from.storage(),
                &file.path,
                expected.clone(),
                Verification::Touched,
                from.verified(),
            );
            Arc::new(opened?)
        }
        None => from.storage().open_sized(&file.path, file.size)?,
    };
    match copy_source(&control.counted(source.as_ref()), to.as_ref(), &file.path) {
        // Somebody sends the same bundle at the same time.
        Err(StorageError::AlreadyExists { .. }) => Ok(()),
        other => Ok(other?),
    }
}

/// Makes the catalogue the head of the other place, if that still is what it was.
fn publish(from: &DataFolio, head: &Arc<State>, commit: &CommitRef, to: &Arc<dyn Storage>) -> Result<Arc<State>> {
    const TRIES: u32 = 10;
    let path = file("items.json")?;
    let mut last = None;
    for attempt in 1..=TRIES {
        let lock = to.lock(from.settings().lock_timeout)?;
        let there = standing(from, head, commit, to)?;
        if let Some(there) = there.as_ref().filter(|there| there.commit_ref().as_ref() == Some(commit)) {
            // An earlier try of ours, or somebody who sends the same.
            return Ok(Arc::new(there.clone()));
        }
        let expected = there.as_ref().and_then(|there| there.tag.clone());
        to.settle()?;
        match to.publish(&path, head.published.text.as_bytes(), expected.as_ref())? {
            Publish::Done(tag) => {
                let noted = chain::note_published(to.as_ref(), commit, None);
                let state = Arc::new(State { tag: Some(tag), noted, ..State::clone(head) });
                derived::write_pages(to.as_ref(), &state, there.is_none());
                drop(lock);
                return Ok(state);
            }
            Publish::Lost => last = None,
            Publish::Unclear(source) => last = Some(source),
        }
        drop(lock);
        std::thread::sleep(pause(attempt));
    }
    Err(match last {
        Some(source) => Error::CommitUnknown { revision: commit.revision, commit: commit.id.clone(), source },
        None => Error::TooBusy { location: to.location(), tries: TRIES },
    })
}
