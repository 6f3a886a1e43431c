//! Removing what nothing kept needs.
//!
//! Kept for ever: current versions and those of snapshots. Kept for a time: the revisions of the last days, or the last
//! few, whichever are more, with every version they name. Everything else in the payload directories is garbage once it is
//! older than the grace period, which protects files that a writer has staged and not yet committed. A stage that workers write to
//! goes as a whole, when nothing was written to it for long.
//!
//! On a local disk nobody commits meanwhile. On a store, what is to be removed is committed first: see [`lease`](super::lease).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use datafolio_core::history::{CommitKind, CommitRef, HISTORY_DIR, HistoryFile};
use datafolio_core::{ChangeSet, ErrorCategory, RelPath, counted, fingerprint};
use datafolio_storage::{FileInfo, Storage};
use serde::Serialize;

use crate::bundle::DataFolio;
use crate::bundle::commit::{Follows, Intent, commit_in_place};
use crate::bundle::files::Files;
use crate::bundle::retention::Kept;
use crate::bundle::state::{State, file, reload};
use crate::error::{Error, Result};
use crate::history::ahead::Ahead;
use crate::history::chain::{files, read_entry, read_text, write_whole};
use crate::history::overwritten::overwritten;
use crate::history::rebuild;
use crate::table::{STAGES, stage_of};

/// Directories whose files are payloads.
pub(crate) const PAYLOAD_DIRS: [&str; 4] = ["tables", "models", "artifacts", "parts"];

/// How long a stage stays after the last of its files was written, however short the grace period: whoever works at one may do so for
/// days, and none of its files is named by anything.
const STAGE_GRACE: Duration = Duration::from_secs(7 * 24 * 3600);

/// What is collected.
#[derive(Debug, Clone, Default)]
pub struct GcOptions {
    /// Removes what was found; otherwise it is only listed.
    pub apply: bool,
    /// Files younger than this are left alone; by default the setting `gc_grace`.
    pub grace: Option<Duration>,
    /// Revisions of the last so many days are kept; by default the setting `retention_days`.
    pub retention_days: Option<u32>,
    /// At least so many of the last revisions are kept; by default the setting `retention_revisions`.
    pub retention_revisions: Option<u32>,
}

/// What was found, and with `apply` removed.
#[derive(Debug, Clone, Default, Serialize)]
pub struct GcReport {
    /// Whether it was removed.
    pub applied: bool,
    /// The oldest revision that can be opened afterwards.
    pub oldest_kept_revision: u64,
    /// Payload files that nothing kept needs, block checksums whose payload another program has deleted, and the files of stages that
    /// nobody has written to for a week.
    pub payloads: Vec<String>,
    /// Files of the history that are older than what is kept, or were never published.
    pub history: Vec<String>,
    /// Bytes that go with all these: none of a file that has another name which stays.
    pub bytes: u64,
    /// Files that nothing needs and that are younger than the grace period.
    pub too_young: usize,
    /// Versions of kept revisions whose files are gone: another program deleted them.
    pub lost_versions: Vec<Lost>,
    /// Revisions of the history that the head does not follow from: an older `items.json` was put in its place, or another program has
    /// written over them. Nothing is removed then, for what they name is what they can be brought back from; a repair ends that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub later_revisions: Vec<u64>,
}

/// A version that a kept revision names and whose file is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lost {
    /// The item.
    pub item: String,
    /// The version.
    pub version: String,
}

impl DataFolio {
    /// Finds what nothing kept needs, and removes it when the options say so.
    ///
    /// # Errors
    /// When the history that is to be kept cannot be read or has a gap: nothing is removed on a guess.
    pub fn gc(&self, options: &GcOptions) -> Result<GcReport> {
        if options.apply {
            self.require_writable("collect garbage")?;
        }
        let storage = self.storage().as_ref();
        if options.apply && storage.is_remote() {
            return self.gc_of_store(options);
        }
        // Under the lock no commit can name a file between our look and its removal.
        let _lock = match options.apply {
            true => Some(storage.lock(self.settings().lock_timeout)?),
            false => None,
        };
        let head = reload(storage, &self.state())?;
        if head.catalogue().is_damaged_by_1x() {
            // The history is what it can be repaired from.
            return Err(Error::DamagedBy1x { location: storage.location() });
        }
        let (mut report, kept) = self.find_garbage(&head, options)?;
        if options.apply {
            // A program that takes no lock may have put another catalogue there, which needs other files.
            let is_head =
                head.tag.as_ref().map(|tag| storage.is_unchanged(&file("items.json")?, tag).map_err(Error::from));
            if !is_head.transpose()?.unwrap_or(true) {
                return Err(Error::TooBusy { location: storage.location(), tries: 1 });
            }
            remove(storage, &head, &kept, &mut report)?;
        }
        Ok(report)
    }

    /// Collects on a store, where others may commit at any moment.
    fn gc_of_store(&self, options: &GcOptions) -> Result<GcReport> {
        const TRIES: u32 = 50;
        self.migrate_if_needed()?;
        let storage = self.storage().as_ref();
        for _ in 0..TRIES {
            let head = reload(storage, &self.state())?;
            if head.catalogue().is_damaged_by_1x() {
                return Err(Error::DamagedBy1x { location: storage.location() });
            }
            let (mut report, kept) = self.find_garbage(&head, options)?;
            if report.payloads.is_empty() && report.history.is_empty() {
                report.applied = true;
                return Ok(report);
            }
            let Some(condemned) = self.condemn(&head, &report)? else { continue };
            self.see(condemned);
            remove(storage, &head, &kept, &mut report)?;
            return Ok(report);
        }
        Err(Error::TooBusy { location: storage.location(), tries: TRIES })
    }

    /// Commits what is going to be removed; `None` when somebody else has committed first, who may name some of it.
    fn condemn(&self, head: &Arc<State>, report: &GcReport) -> Result<Option<Arc<State>>> {
        let set = ChangeSet::new(Arc::clone(head.catalogue()));
        let files = report.payloads.len() + report.history.len();
        let intent = Intent {
            operation: format!("collect garbage: {}", counted(files, "file")),
            kind: CommitKind::Commit,
            follows: Follows::Head,
            writer: self.writer(),
            staged: &[],
            staged_since: 0,
            condemned: &report.payloads,
            recovered: &[],
        };
        commit_in_place(self.storage().as_ref(), &set, &intent, head)
    }

    pub(crate) fn find_garbage(&self, head: &State, options: &GcOptions) -> Result<(GcReport, Kept)> {
        let storage = self.storage().as_ref();
        let settings = self.settings();
        let grace = options.grace.unwrap_or(settings.gc_grace);
        let kept = Kept::of(
            storage,
            head,
            options.retention_days.unwrap_or(settings.retention_days),
            options.retention_revisions.unwrap_or(settings.retention_revisions),
        )?;
        let mut report = GcReport { oldest_kept_revision: kept.oldest(), ..GcReport::default() };
        // By the clock that the files have their times from. A store is asked by writing something to it, which who only looks does not.
        let now = if options.apply { storage.now()? } else { SystemTime::now() };
        // A staged file can be a second name of one that was written long ago.
        let young = |info: &FileInfo| now.duration_since(info.changed).map_or(true, |age| age < grace);
        let mut infos: Vec<FileInfo> = Vec::new();
        for dir in PAYLOAD_DIRS {
            infos.extend(storage.list(Some(&file(dir)?))?);
        }
        let there: HashSet<RelPath> = infos.iter().map(|info| info.path.clone()).collect();
        let needed = kept.needed(&there);
        report.lost_versions = kept.lost(&there);
        if let Some(ahead) = Ahead::of(storage, head)? {
            report.later_revisions = ahead.revisions;
            return Ok((report, kept));
        }
        // Further back nothing is kept.
        let overwritten = overwritten(storage, head, kept.oldest())?;
        if !overwritten.is_empty() {
            report.later_revisions = overwritten.iter().map(|commit| commit.revision).collect();
            return Ok((report, kept));
        }
        // Strangers write there: what they have made of it is no reason to leave all else alone.
        let staged = storage.list(Some(&file(STAGES)?)).unwrap_or_else(|error| {
            tracing::warn!(%error, "stages are left alone, since they cannot be listed");
            Vec::new()
        });
        let sizes = Files::of(infos.iter().chain(&staged));
        let is_in_use =
            |info: &FileInfo| now.duration_since(info.changed).map_or(true, |age| age < grace.max(STAGE_GRACE));
        let in_use: HashSet<Option<&str>> =
            staged.iter().filter(|info| is_in_use(info)).map(|info| stage_of(&info.path)).collect();
        let mut garbage: Vec<RelPath> = staged
            .iter()
            .filter(|info| !in_use.contains(&stage_of(&info.path)))
            .map(|info| info.path.clone())
            .collect();
        report.payloads.extend(garbage.iter().map(RelPath::to_string));
        for info in infos.into_iter().filter(|info| !needed.contains(&info.path)) {
            if young(&info) {
                report.too_young += 1;
            } else {
                report.payloads.push(info.path.to_string());
                garbage.push(info.path);
            }
        }
        report.bytes += sizes.freed_by(&garbage);
        find_in_history(storage, head, &kept, young, &mut report)?;
        Ok((report, kept))
    }
}

/// Removes what was found.
fn remove(storage: &dyn Storage, head: &Arc<State>, kept: &Kept, report: &mut GcReport) -> Result<()> {
    let mut condemned = HashMap::new();
    if !report.history.is_empty() {
        keep_copies(storage, head, kept)?;
        if storage.is_remote() {
            condemned = condemned_before(storage, kept)?;
        }
    }
    // The history first, so that interrupted it does not promise versions whose files are gone; and of it the oldest first, so
    // that nothing is left behind the place where the chain then ends. A power failure may undo any of the deletions that are
    // not settled, so each is.
    for path in &report.history {
        for condemned in condemned.remove(path).unwrap_or_default() {
            if storage.stat(&condemned)?.is_some() {
                storage.delete(&condemned)?;
            }
        }
        storage.delete(&file(path)?)?;
        storage.settle()?;
    }
    for path in &report.payloads {
        storage.delete(&file(path)?)?;
    }
    report.applied = true;
    Ok(())
}

/// What earlier collections had condemned, by the entries of the history that tell so and are about to go. Before one goes, these files
/// do, if they still are there: a writer who has paused since then finds them gone, and does not name them. Entries that no later one
/// follows from tell nothing: the collection that wrote them came too late, and removed nothing.
fn condemned_before(storage: &dyn Storage, kept: &Kept) -> Result<HashMap<String, HashSet<RelPath>>> {
    let mut found = HashMap::new();
    let mut next = match kept.oldest_commit() {
        Some(oldest) => read_entry(storage, oldest)?.parent,
        None => None,
    };
    while let Some(commit) = next {
        let entry = match read_entry(storage, &commit) {
            Ok(entry) => entry,
            Err(error) if error.category() == ErrorCategory::Storage => return Err(error),
            // What is not there, or cannot be read, tells nobody.
            Err(_) => break,
        };
        let condemned = entry.condemned.iter().map(|path| file(path)).collect::<Result<HashSet<RelPath>>>()?;
        // An old version that came back before its file went is a version like any other.
        let needed = kept.needed(&condemned);
        found.insert(commit.entry_path()?.to_string(), condemned.difference(&needed).cloned().collect());
        next = entry.parent.filter(|parent| parent.revision < entry.revision);
    }
    Ok(found)
}

/// Finds what is garbage among the files of the history.
fn find_in_history(
    storage: &dyn Storage,
    head: &State,
    kept: &Kept,
    young: impl Fn(&FileInfo) -> bool,
    report: &mut GcReport,
) -> Result<()> {
    let above = Above::of(storage, head, kept)?;
    let mut found: Vec<(u64, String)> = Vec::new();
    for info in storage.list(Some(&file(HISTORY_DIR)?))? {
        let name = info.path.file_name();
        let (revision, can_wait) = match CommitRef::from_file_name(name) {
            // What is older than all that is kept cannot belong to a commit that is being made, and in front of the oldest
            // kept entry it would look as if the chain had a gap there.
            Some((commit, _)) if kept.is_past(&commit) => (commit.revision, false),
            Some((commit, _)) if kept.commits().contains(&commit) || above.keeps(&commit) => continue,
            // An entry that no catalogue follows from may belong to a commit that is being made right now.
            Some((commit, _)) => (commit.revision, true),
            // A copy that was being written when its writer died.
            None if name.starts_with('.') && name.ends_with(".tmp") => (u64::MAX, true),
            None => continue,
        };
        if can_wait && young(&info) {
            report.too_young += 1;
        } else {
            report.bytes += info.size;
            found.push((revision, info.path.to_string()));
        }
    }
    // The oldest first, and each entry before the copy that it promises.
    found.sort_by(|(a, a_path), (b, b_path)| {
        a.cmp(b)
            .then_with(|| a_path.ends_with(".items.json").cmp(&b_path.ends_with(".items.json")))
            .then(a_path.cmp(b_path))
    });
    report.history.extend(found.into_iter().map(|(_, path)| path));
    Ok(())
}

/// Entries of revisions above that of the head. The last commit's writer may have died before it published: that is garbage
/// like any other. More than that means that somebody put an older catalogue in the place of the head, which can be repaired
/// as long as they are there.
struct Above {
    head: u64,
    /// Entries that look like those of writers that died.
    left_behind: HashSet<CommitRef>,
}

impl Above {
    fn of(storage: &dyn Storage, head: &State, kept: &Kept) -> Result<Self> {
        let revision = head.catalogue().revision;
        let above: HashSet<CommitRef> =
            files(storage)?.into_iter().map(|(commit, _)| commit).filter(|commit| commit.revision > revision).collect();
        let follows_the_head = |commit: &CommitRef| {
            let parent = read_entry(storage, commit).map(|entry| entry.parent);
            commit.revision == revision + 1
                && parent.is_ok_and(|parent| parent.is_none_or(|parent| kept.commits().contains(&parent)))
        };
        let left_behind = match above.iter().all(follows_the_head) {
            true => above,
            false => HashSet::new(),
        };
        Ok(Self { head: revision, left_behind })
    }

    fn keeps(&self, commit: &CommitRef) -> bool {
        commit.revision > self.head && !self.left_behind.contains(commit)
    }
}

/// Keeps a full copy of the oldest kept catalogue, which the later ones can be rebuilt from, and sees to it that it is not the
/// only one.
fn keep_copies(storage: &dyn Storage, head: &Arc<State>, kept: &Kept) -> Result<()> {
    let Some(oldest) = kept.oldest_commit() else { return Ok(()) };
    keep_copy(storage, head, oldest)?;
    for (commit, kind) in files(storage)? {
        if kind == HistoryFile::Checkpoint && commit != *oldest && kept.commits().contains(&commit) {
            let text = read_text(storage, &commit.checkpoint_path()?);
            let recorded = read_entry(storage, &commit).map(|entry| entry.catalogue);
            if let (Ok(text), Ok(recorded)) = (text, recorded)
                && fingerprint(&text) == recorded
            {
                return Ok(());
            }
        }
    }
    match kept.newest_commit() {
        Some(newest) if newest != oldest => keep_copy(storage, head, newest),
        _ => Ok(()),
    }
}

fn keep_copy(storage: &dyn Storage, head: &State, commit: &CommitRef) -> Result<()> {
    // Where what came before it is damaged, there still is the way back from the head.
    let published =
        rebuild::from_checkpoint(storage, commit).or_else(|_| rebuild::at_revision(storage, head, commit.revision))?;
    write_whole(storage, &commit.checkpoint_path()?, &published.text)
}

/// Size of the history.
pub(crate) fn history_bytes(storage: &dyn Storage) -> Result<u64> {
    let dir = file(HISTORY_DIR)?;
    Ok(storage.list(Some(&dir))?.iter().map(|info| info.size).sum())
}
