//! Making payloads of files that somebody else has written to the place of the bundle.

use std::sync::Arc;

use datafolio_core::RelPath;

use crate::error::{StorageError, StorageResult};
use crate::hash::{CHUNK, Wanted, hash_all};
use crate::payload::{Payload, discard_payload, duplicate_payload, write_blocks};
use crate::storage::{FileInfo, Storage};

/// Gives a file the name of a payload, `<dir>/<stem>--<random><extension>`, beside the name that it has, reads it once under the
/// new one, and gives what is to be recorded of it; `None` when the file is no longer as it was listed, since whoever writes it is not
/// done. No byte is copied where the place has names for that.
///
/// # Errors
/// When it cannot be read or named. Then, and when it has changed, nothing new is there.
pub fn adopt_payload(
    storage: &Arc<dyn Storage>,
    file: &FileInfo,
    place: (&str, &str, &str),
    threads: usize,
) -> StorageResult<Option<Payload>> {
    let (path, _) = duplicate_payload(storage.as_ref(), &file.path, None, place)?;
    let adopted = read_through(storage, file, path.clone(), threads);
    if !matches!(adopted, Ok(Some(_))) {
        discard_payload(storage.as_ref(), &path);
    }
    adopted
}

fn read_through(
    storage: &Arc<dyn Storage>,
    file: &FileInfo,
    path: RelPath,
    threads: usize,
) -> StorageResult<Option<Payload>> {
    let source = storage.open(&path)?;
    let wanted = Wanted { sha256: true, md5: !storage.is_remote(), blocks: true, second_thread: threads > 1 };
    let hashes = hash_all(source.as_ref(), wanted, CHUNK, |_, _| Ok(()))?;
    if let Some(opened) = source.try_clone_file() {
        // Nobody says that its writer has done so, and what was committed survives a crash.
        let synced = opened.and_then(|file| file.sync_all());
        // Windows makes files durable for those alone who may write to them.
        if cfg!(unix) {
            synced.map_err(|error| StorageError::from_io("sync", path.as_str(), &storage.location(), error))?;
        }
    }
    // It may be one file under two names: what was written to it meanwhile is seen at either.
    let now = storage.stat(&file.path)?;
    let is_as_listed = now.is_some_and(|now| (now.size, now.modified, now.id) == (file.size, file.modified, file.id));
    if !is_as_listed || hashes.size != file.size {
        return Ok(None);
    }
    let blocks = write_blocks(storage.as_ref(), &path, &hashes)?;
    Ok(Some(Payload::of(path, hashes, blocks)))
}
