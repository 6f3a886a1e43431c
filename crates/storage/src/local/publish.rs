//! Files that change: the catalogue, which is replaced only from a known state, and the derived pages.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use datafolio_core::RelPath;
use sha2::{Digest, Sha256};

use super::directory::{Directory, Facts, Kind};
use super::place::{Place, is_absent};
use super::source::open_file;
use crate::error::{StorageError, StorageResult};
use crate::hash::hex;
use crate::observe::{IoOp, IoStep};
use crate::random;
use crate::storage::{Publish, VersionTag};

/// How often a file that changes while it is read is read again.
const READ_TRIES: usize = 100;

/// A temporary file older than this was left by a process that died.
const STALE_AFTER: Duration = Duration::from_secs(3600);

/// A whole file in memory.
pub(super) fn read(place: &Place, path: &RelPath, limit: u64) -> StorageResult<Vec<u8>> {
    let (file, facts) = open_file(place, path)?;
    read_open(place, path, &file, &facts, limit)
}

fn read_open(place: &Place, path: &RelPath, file: &File, facts: &Facts, limit: u64) -> StorageResult<Vec<u8>> {
    let too_large =
        |size| StorageError::TooLarge { path: path.to_string(), location: place.location.clone(), size, limit };
    if facts.size > limit {
        return Err(too_large(facts.size));
    }
    let bytes = place
        .step(IoOp::Read, path.as_str(), || {
            let mut bytes = Vec::new();
            // The size is the file system's word: a sparse file may claim more than there is memory.
            bytes.try_reserve_exact(usize::try_from(facts.size).map_err(io::Error::other)?)?;
            file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
            Ok(bytes)
        })
        .map_err(|error| place.error("read", path.as_str(), error))?;
    if bytes.len() as u64 > limit {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(bytes)
}

/// A file with the tag of exactly the state that was read.
pub(super) fn read_tagged(place: &Place, path: &RelPath, limit: u64) -> StorageResult<Option<(Vec<u8>, VersionTag)>> {
    for _ in 0..READ_TRIES {
        let (file, before) = match open_file(place, path) {
            Err(StorageError::NotFound { .. }) => return Ok(None),
            other => other?,
        };
        let bytes = read_open(place, path, &file, &before, limit)?;
        let after = place.dir.facts_of(&file).map_err(|error| place.error("read", path.as_str(), error))?;
        // Writers rename a new file into place, and the file that we hold stays whole. One that writes in place shows
        // itself by these. The time of change does not count: being replaced changes it too.
        let unchanged =
            before.size == bytes.len() as u64 && (before.size, before.modified_ns) == (after.size, after.modified_ns);
        if unchanged {
            let tag = tag(&before, &bytes, Arc::new(file));
            return Ok(Some((bytes, tag)));
        }
    }
    Err(place.error("read", path.as_str(), io::Error::other("it keeps changing while it is read")))
}

/// The tag of a file's state.
///
/// The tag keeps the file open. While it does, the system cannot give the inode number to another file, so that a file
/// with the same device and inode number *is* this file. Without that, two replacements in quick succession could bring
/// the number back, with the same size and, on a coarse clock, the same times, and a change would go unseen.
fn tag(facts: &Facts, bytes: &[u8], file: Arc<File>) -> VersionTag {
    match facts.token() {
        Some(token) => VersionTag { token, keep_open: Some(file) },
        // Here files have no identity that could be trusted; their content has.
        None => VersionTag::from_token(content_token(bytes)),
    }
}

fn content_token(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

/// Whether the file is in the state of the tag.
pub(super) fn is_unchanged(place: &Place, path: &RelPath, tag: &VersionTag) -> StorageResult<bool> {
    match file_facts(place, path)? {
        None => Ok(false),
        Some(facts) => is_in_state(place, path, &facts, tag),
    }
}

fn file_facts(place: &Place, path: &RelPath) -> StorageResult<Option<Facts>> {
    place
        .facts(path)
        .and_then(|facts| facts.map(Facts::of_file).transpose())
        .map_err(|error| place.error("look at", path.as_str(), error))
}

fn is_in_state(place: &Place, path: &RelPath, facts: &Facts, tag: &VersionTag) -> StorageResult<bool> {
    match facts.token() {
        Some(token) => Ok(token == tag.token),
        None => match read(place, path, facts.size) {
            Ok(bytes) => Ok(content_token(&bytes) == tag.token),
            // Gone, or grown, since its facts were taken.
            Err(StorageError::NotFound { .. } | StorageError::TooLarge { .. }) => Ok(false),
            Err(error) => Err(error),
        },
    }
}

/// Replaces a file durably, if it is in the expected state.
pub(super) fn publish(
    place: &Arc<Place>,
    path: &RelPath,
    bytes: &[u8],
    expected: Option<&VersionTag>,
) -> StorageResult<Publish> {
    // Looked at before anything is written, which makes losing cheap, and again right before the rename: a program that
    // does not take the lock has that much less time to get in between.
    let in_expected_state = || match (file_facts(place, path)?, expected) {
        (None, None) => Ok(Some(None)),
        (Some(facts), Some(tag)) => Ok(is_in_state(place, path, &facts, tag)?.then_some(Some(facts))),
        _ => Ok::<_, StorageError>(None),
    };
    let Some(old) = in_expected_state()? else { return Ok(Publish::Lost) };
    let mut temporary = Temporary::write(place, path, bytes, old.as_ref())?;
    let error = |error| place.error("replace", path.as_str(), error);
    place.step(IoOp::Fsync, &temporary.path, || temporary.file.sync_all()).map_err(error)?;
    if in_expected_state()?.is_none() {
        return Ok(Publish::Lost);
    }
    match temporary.rename(old.is_none()) {
        Err(failure) if old.is_none() && failure.kind() == io::ErrorKind::AlreadyExists => return Ok(Publish::Lost),
        other => other.map_err(error)?,
    }
    // Renaming changed the inode's time of change, so that only now its facts are those that others will see.
    let facts = place.dir.facts_of(&temporary.file);
    let durable = place.step(IoOp::FsyncDir, parent_path(path), || temporary.dir.sync());
    match (durable, facts) {
        (Ok(()), Ok(facts)) => Ok(Publish::Done(tag(&facts, bytes, Arc::clone(&temporary.file)))),
        // The rename cannot be taken back: readers may have seen it, and undoing it could fail the same way.
        (Err(source), _) | (_, Err(source)) => {
            Err(StorageError::NotDurable { path: path.to_string(), location: place.location.clone(), source })
        }
    }
}

/// Replaces a derived file; a crash of the machine may lose the new text.
pub(super) fn replace(place: &Arc<Place>, path: &RelPath, bytes: &[u8]) -> StorageResult<()> {
    let old = file_facts(place, path)?;
    let mut temporary = Temporary::write(place, path, bytes, old.as_ref())?;
    temporary.rename(false).map_err(|error| place.error("replace", path.as_str(), error))
}

fn parent_path(path: &RelPath) -> &str {
    path.as_str().rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// A new file beside the one that it will replace; removed again unless it is renamed.
struct Temporary<'a> {
    place: &'a Place,
    dir: Arc<dyn Directory>,
    target: &'a RelPath,
    name: String,
    path: String,
    file: Arc<File>,
    in_place: bool,
}

impl<'a> Temporary<'a> {
    /// Writes `.<name>.<random>.tmp`, with the permissions of the file that it replaces.
    fn write(place: &'a Place, target: &'a RelPath, bytes: &[u8], old: Option<&Facts>) -> StorageResult<Self> {
        let error = |error| place.error("replace", target.as_str(), error);
        let dir = place.parent_of(target)?;
        let name = format!(".{}.{}.tmp", target.file_name(), random::name().map_err(error)?);
        let path = match target.parent() {
            None => name.clone(),
            Some(parent) => format!("{parent}/{name}"),
        };
        let file = place.step(IoOp::Create, &path, || dir.create_file(&name)).map_err(error)?;
        let temporary = Self { place, dir, target, name, path, file: Arc::new(file), in_place: false };
        place.watch.write_all(&temporary.path, &mut &*temporary.file, bytes).map_err(error)?;
        if let Some(old) = old {
            place
                .step(IoOp::SetMode, &temporary.path, || temporary.dir.set_mode(&temporary.file, old))
                .map_err(error)?;
        }
        Ok(temporary)
    }

    /// Gives it the name of the target.
    fn rename(&mut self, must_be_new: bool) -> io::Result<()> {
        let (from, to) = (self.name.as_str(), self.target.file_name());
        let step = IoStep { to: Some(self.target.as_str()), ..IoStep::new(IoOp::Rename, &self.path) };
        let renamed = self
            .place
            .watch
            .step(step, || if must_be_new { self.dir.rename_new(from, to) } else { self.dir.rename(from, to) });
        // A network file system may have done it and lost the answer.
        self.in_place = renamed.is_ok() || self.is_target();
        if self.in_place { Ok(()) } else { renamed }
    }

    /// Whether the target is this very file.
    fn is_target(&self) -> bool {
        match (self.dir.facts(self.target.file_name()), self.dir.facts_of(&self.file)) {
            (Ok(target), Ok(own)) => own.inode.is_some() && own.same_file(&target),
            _ => false,
        }
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if self.in_place {
            return;
        }
        if let Err(error) = self.place.step(IoOp::Unlink, &self.path, || self.dir.remove_file(&self.name)) {
            tracing::warn!(path = self.path, %error, "a temporary file could not be removed; it will be later");
        }
    }
}

/// Removes temporary files that a process left in the bundle's directory when it died.
pub(super) fn sweep(place: &Place) {
    let attempt = || -> io::Result<()> {
        for (name, kind) in place.step(IoOp::List, "", || place.dir.entries())? {
            if kind == Kind::File && is_temporary(&name) && is_stale(&place.dir.facts(&name)?) {
                place.step(IoOp::Unlink, &name, || place.dir.remove_file(&name))?;
                tracing::debug!(path = name, "removed a temporary file that was left behind");
            }
        }
        Ok(())
    };
    match attempt() {
        Err(error) if !is_absent(&error) => tracing::debug!(%error, "could not look for temporary files left behind"),
        _ => {}
    }
}

/// Whether a name is one that [`Temporary::write`] gives. Only those are removed: a user's `.notes.tmp` is not ours.
fn is_temporary(name: &str) -> bool {
    let inner = name.strip_prefix('.').and_then(|rest| rest.strip_suffix(".tmp"));
    inner
        .and_then(|inner| inner.rsplit_once('.'))
        .is_some_and(|(stem, random)| !stem.is_empty() && random::is_name(random))
}

fn is_stale(facts: &Facts) -> bool {
    SystemTime::now().duration_since(facts.modified()).is_ok_and(|age| age > STALE_AFTER)
}
