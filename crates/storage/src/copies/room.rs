//! What lies in the directory of the copies, and making room in it.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{CopyInfo, HOUR, part};

/// How the name of a copy ends while it is being fetched.
pub(super) const PART: &str = ".part";

/// Locked while room is made and taken: of two that do so at the same time, each would miss the bytes of the other, or
/// remove them.
const LOCK: &str = "room.lock";
/// How often it is tried, and the time between two tries. Then it goes without: whoever has it may have been stopped.
const LOCK_TRIES: u32 = 200;
const BETWEEN: Duration = Duration::from_millis(5);

/// All that is ours in the directory.
#[derive(Default)]
pub(super) struct Found {
    pub(super) copies: Vec<Kept>,
    /// What is being fetched or was left by dead processes, and when it was last written.
    pub(super) parts: Vec<(PathBuf, SystemTime)>,
}

pub(super) struct Kept {
    pub(super) path: PathBuf,
    pub(super) info: CopyInfo,
}

/// Whether this is a SHA-256 in lower-case hex, and so a name without a way out of a directory.
pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Looks through the directory. Links are not followed; what cannot be read and what is not ours is not there.
pub(super) fn walk(dir: &Path) -> Found {
    let mut found = Found::default();
    for shard in fs::read_dir(dir).into_iter().flatten().flatten() {
        // Two letters that begin the name of a copy.
        let (name, is_dir) = (shard.file_name(), shard.file_type().is_ok_and(|kind| kind.is_dir()));
        let Some(prefix) = name.to_str().filter(|name| is_dir && name.len() == 2) else { continue };
        for entry in fs::read_dir(shard.path()).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| name.starts_with(prefix)) else { continue };
            // Of an entry, these are facts of the link itself.
            let Some(facts) = entry.metadata().ok().filter(fs::Metadata::is_file) else { continue };
            let modified = facts.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            if name.strip_suffix(PART).is_some_and(is_sha256) {
                found.parts.push((entry.path(), modified));
            } else if is_sha256(name) {
                let used = facts.accessed().unwrap_or(modified);
                let info = CopyInfo { sha256: name.to_owned(), size: facts.len(), used };
                found.copies.push(Kept { path: entry.path(), info });
            }
        }
    }
    found
}

/// Removes the copies that were used longest ago until there is room for one of this size beside those that stay; never
/// that one itself. What dead processes left goes too. Nobody else makes room as long as the lock that is given is
/// held.
pub(super) fn make(dir: &Path, cap: u64, (sha256, size): (&str, u64)) -> io::Result<Option<RoomLock>> {
    let lock = RoomLock::take(dir);
    let mut found = walk(dir);
    let now = SystemTime::now();
    for (path, modified) in found.parts {
        if now.duration_since(modified).is_ok_and(|age| age > HOUR)
            && let Err(error) = part::remove_abandoned(&path)
        {
            tracing::debug!(path = %path.display(), %error, "an abandoned copy stays for now");
        }
    }
    found.copies.retain(|copy| copy.info.sha256 != sha256);
    let mut held: u64 = found.copies.iter().map(|copy| copy.info.size).sum();
    found.copies.sort_by_key(|copy| copy.info.used);
    let mut failed = None;
    for copy in found.copies {
        if held.saturating_add(size) <= cap {
            break;
        }
        match remove_file(&copy.path) {
            Ok(_) => held -= copy.info.size,
            // Where an open file cannot be removed, another one can.
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) if held.saturating_add(size) > cap => Err(error),
        _ => Ok(lock),
    }
}

/// Held while room is made and taken.
pub(super) struct RoomLock(File);

impl RoomLock {
    fn take(dir: &Path) -> Option<Self> {
        let attempt = || {
            let file = part::open_shared(&dir.join(LOCK))?;
            for _ in 0..LOCK_TRIES {
                if part::try_lock(&file)? {
                    return Ok(Some(Self(file)));
                }
                std::thread::sleep(BETWEEN);
            }
            Ok(None)
        };
        attempt().unwrap_or_else(|error: io::Error| {
            tracing::debug!(dir = %dir.display(), %error, "making room for a copy without a lock");
            None
        })
    }
}

impl Drop for RoomLock {
    fn drop(&mut self) {
        // Closing does not do it where a process was forked meanwhile.
        let _ = self.0.unlock();
    }
}

/// Removes a file; `false` when another process has done so.
pub(super) fn remove_file(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
