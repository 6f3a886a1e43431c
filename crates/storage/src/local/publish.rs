//! Files that change: the catalogue, which is replaced only from a known state, and the derived pages.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use datafolio_core::RelPath;
use sha2::{Digest, Sha256};

use super::directory::Facts;
use super::place::Place;
use super::source::open_file;
use super::temporary::Temporary;
use crate::error::{StorageError, StorageResult};
use crate::hash::hex;
use crate::observe::IoOp;
use crate::storage::{Publish, VersionTag};

/// How often a file that changes while it is read is read again.
const READ_TRIES: usize = 100;

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

/// Facts about a file that other machines may write. It is opened for them: a network file system answers a mere look from
/// memory for some seconds, and asks the server when a file is opened.
fn file_facts(place: &Place, path: &RelPath) -> StorageResult<Option<Facts>> {
    match open_file(place, path) {
        Ok((_, facts)) => Ok(Some(facts)),
        Err(StorageError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
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
    let mut temporary = write_beside(place, path, bytes, old.as_ref())?;
    let error = |error| place.error("replace", path.as_str(), error);
    place.step(IoOp::Fsync, &temporary.path, || temporary.file.sync_all()).map_err(error)?;
    // All that the new state may name is in place for good before it is.
    place.sync_names()?;
    if in_expected_state()?.is_none() {
        return Ok(Publish::Lost);
    }
    let renamed = if old.is_none() { temporary.become_target() } else { temporary.replace_target() };
    match renamed {
        Err(failure) if old.is_none() && failure.kind() == io::ErrorKind::AlreadyExists => return Ok(Publish::Lost),
        other => other.map_err(error)?,
    }
    temporary.keep();
    // Renaming changed the inode's time of change, so that only now its facts are those that others will see.
    let facts = temporary.dir.facts_of(&temporary.file);
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
    let mut temporary = write_beside(place, path, bytes, old.as_ref())?;
    temporary.replace_target().map_err(|error| place.error("replace", path.as_str(), error))
}

/// Writes a new file beside the one that it will replace, with its permissions.
fn write_beside(place: &Arc<Place>, path: &RelPath, bytes: &[u8], old: Option<&Facts>) -> StorageResult<Temporary> {
    let error = |error| place.error("replace", path.as_str(), error);
    let temporary = Temporary::create(place, path, "replace")?;
    place.watch.write_all(&temporary.path, &mut &*temporary.file, bytes).map_err(error)?;
    if let Some(old) = old {
        place.step(IoOp::SetMode, &temporary.path, || temporary.dir.set_mode(&temporary.file, old)).map_err(error)?;
    }
    Ok(temporary)
}

fn parent_path(path: &RelPath) -> &str {
    path.as_str().rsplit_once('/').map_or("", |(parent, _)| parent)
}
