//! Remembering which files were verified: for the life of the process, and for longer on this machine.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::SystemTime;

use datafolio_core::RelPath;
use sha2::{Digest, Sha256};

use crate::copies::Copies;
use crate::error::StorageResult;
use crate::hash::hex;
use crate::payload::Payload;
use crate::storage::{FileIdentity, Storage};
use crate::verified::{Expected, Touched};

/// Smaller files are faster checked than looked up.
pub(crate) const SMALLEST: u64 = 1024 * 1024;

/// Subdirectories that the markers are spread over.
const SHARDS: u64 = 256;
/// Markers that a subdirectory may hold before its older half is removed: 131,072 in all.
const PER_SHARD: u64 = 512;
/// What a marker counts for. It is an empty file; its entry and inode take less than a block of the file system.
const MARKER_BYTES: u64 = 4096;

/// Files written more recently than this are not remembered for having been read: the clock of a file system may be so
/// coarse that a change right after the check would leave the same time.
const SETTLED_AFTER_NS: i128 = 100_000_000;

/// Remembers, in a directory of this machine, which files were verified or written here, so that nothing large is hashed
/// twice. What identifies a file is its path, size, time of the last write and inode, and the hash that it was found to
/// have; a file with any of them different is checked again.
///
/// It is a convenience: when its directory cannot be read or written, files are checked again, and nothing fails.
///
/// It also knows the local [copies](Copies) of what lies on a store, if such are kept: whoever is given the one needs the
/// other.
#[derive(Debug, Clone, Default)]
pub struct VerifiedCache {
    markers: Markers,
    copies: Copies,
}

/// The empty files by which it remembers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Markers {
    dir: Option<Arc<PathBuf>>,
    /// Markers that a subdirectory may hold.
    per_shard: usize,
}

impl VerifiedCache {
    /// A cache in a directory, which is made when it is first needed; `None` remembers nothing.
    pub fn new(dir: Option<PathBuf>) -> Self {
        Self::default().with(Markers { dir: dir.map(Arc::new), per_shard: most_markers(u64::MAX) })
    }

    /// The cache within so many bytes on disk; what was noted longest ago goes first. With too few for a marker in each
    /// subdirectory (1 MiB), nothing is kept.
    #[must_use]
    pub fn capped(self, bytes: u64) -> Self {
        let markers = match most_markers(bytes) {
            0 => Markers::default(),
            per_shard => Markers { per_shard, ..self.markers.clone() },
        };
        self.with(markers)
    }

    /// The cache with these copies of payloads that lie on a store; by default there are none.
    #[must_use]
    pub fn with_copies(self, copies: Copies) -> Self {
        let markers = self.markers.clone();
        Self { copies, ..self }.with(markers)
    }

    /// The copies of payloads that lie on a store.
    pub fn copies(&self) -> &Copies {
        &self.copies
    }

    /// The same, remembering here, and so do the copies.
    fn with(self, markers: Markers) -> Self {
        Self { copies: self.copies.with_markers(markers.clone()), markers }
    }

    /// A cache that remembers nothing.
    pub fn disabled() -> Self {
        Self::default()
    }

    /// Remembers a payload that was just written through this storage.
    ///
    /// # Errors
    /// When the payload cannot be opened.
    pub fn remember_payload(&self, storage: &dyn Storage, payload: &Payload) -> StorageResult<()> {
        // What lies on a store has no identity on this machine.
        if self.markers.keeps(payload.size)
            && !storage.is_remote()
            && let Some(identity) = storage.open(&payload.path)?.identity()
            && let Some(hash) = Expected::from(payload).hash()
        {
            self.remember(&identity, &hash);
        }
        Ok(())
    }

    /// Remembers that a second name of a payload is as good as the first, where that is known to be verified.
    ///
    /// # Errors
    /// When one of them cannot be opened.
    pub fn remember_duplicate(
        &self,
        storage: &dyn Storage,
        (from, to): (&RelPath, &RelPath),
        expected: &Expected,
    ) -> StorageResult<()> {
        if self.markers.dir.is_some()
            && expected.size.is_none_or(|size| size >= SMALLEST)
            && let Some(hash) = expected.hash()
            && let Some(known) = storage.open(from)?.identity()
            && self.knows(&known, &hash)
            && let Some(identity) = storage.open(to)?.identity()
            && (identity.inode, identity.size, identity.modified_ns) == (known.inode, known.size, known.modified_ns)
        {
            self.remember(&identity, &hash);
        }
        Ok(())
    }

    /// Whether the file was found to have this hash.
    pub(crate) fn knows(&self, identity: &FileIdentity, hash: &str) -> bool {
        self.markers.knows(identity, hash)
    }

    /// Notes that the file has this hash.
    pub(crate) fn remember(&self, identity: &FileIdentity, hash: &str) {
        self.markers.remember(identity, hash);
    }

    /// Takes back that the file has this hash: it was found not to, and nothing but its bytes may have changed.
    pub(crate) fn forget(&self, identity: &FileIdentity, hash: &str) {
        self.markers.forget(identity, hash);
    }
}

impl Markers {
    /// Whether a file of this size may get one.
    pub(crate) fn keeps(&self, size: u64) -> bool {
        self.dir.is_some() && size >= SMALLEST
    }

    /// Whether the file was found to have this hash.
    fn knows(&self, identity: &FileIdentity, hash: &str) -> bool {
        self.marker(identity, hash)
            .is_some_and(|marker| fs::symlink_metadata(marker).is_ok_and(|found| found.is_file()))
    }

    /// Notes that the file has this hash.
    pub(crate) fn remember(&self, identity: &FileIdentity, hash: &str) {
        let Some(marker) = self.marker(identity, hash) else { return };
        if let Err(error) = mark(&marker, self.per_shard) {
            tracing::debug!(path = %marker.display(), %error, "could not note that a file was verified");
        }
    }

    /// Takes back that the file has this hash.
    fn forget(&self, identity: &FileIdentity, hash: &str) {
        let Some(marker) = self.marker(identity, hash) else { return };
        if let Err(error) = fs::remove_file(&marker)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %marker.display(), %error, "a damaged file is still noted as verified");
        }
    }

    /// The marker's path: two hex digits, then the rest.
    fn marker(&self, identity: &FileIdentity, hash: &str) -> Option<PathBuf> {
        let dir = self.dir.as_ref().filter(|_| self.keeps(identity.size))?;
        let FileIdentity { path, size, modified_ns, inode } = identity;
        let mut digest = Sha256::new();
        // Zero bytes separate: no path has one.
        digest.update(path.as_os_str().as_encoded_bytes());
        digest.update(format!("\0{size}\0{modified_ns}\0{inode}\0{hash}"));
        let name = hex(&digest.finalize());
        let (shard, rest) = name.split_at(2);
        Some(dir.join(shard).join(rest))
    }
}

/// Markers in each subdirectory for a cache of so many bytes.
fn most_markers(bytes: u64) -> usize {
    usize::try_from((bytes / (SHARDS * MARKER_BYTES)).min(PER_SHARD)).unwrap_or(0)
}

/// Makes an empty file, and room for it among so many.
fn mark(marker: &std::path::Path, most: usize) -> io::Result<()> {
    let Some(shard) = marker.parent() else { return Ok(()) };
    fs::create_dir_all(shard)?;
    fs::File::create(marker)?;
    let mut markers = Vec::new();
    for entry in fs::read_dir(shard)? {
        markers.push(entry?);
    }
    if markers.len() > most {
        markers.sort_by_cached_key(|entry| {
            entry.metadata().and_then(|metadata| metadata.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
        });
        // Half of what may stay, so that this is not done for every marker; a cap that was lowered counts at once.
        let stay = most.div_ceil(2);
        for entry in &markers[..markers.len().saturating_sub(stay)] {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// What this process has checked.
#[derive(Default)]
struct Memory {
    /// Files that were checked as a whole, with the hash that they have.
    whole: HashSet<(FileIdentity, String)>,
    /// Files of which some blocks were.
    touched: HashMap<(FileIdentity, String), Arc<Touched>>,
}

/// More than these are not remembered; a file checked again costs time and nothing else.
const MOST_WHOLE: usize = 65_536;
const MOST_TOUCHED: usize = 1_024;

static MEMORY: LazyLock<Mutex<Memory>> = LazyLock::new(Mutex::default);

/// Whether this process has found the file to have this hash.
pub(crate) fn process_knows(identity: &FileIdentity, hash: &str) -> bool {
    let memory = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    memory.whole.contains(&(identity.clone(), hash.to_owned()))
}

/// Notes that the file has this hash.
pub(crate) fn process_remember(identity: &FileIdentity, hash: &str) {
    let mut memory = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    if memory.whole.len() >= MOST_WHOLE {
        memory.whole.clear();
    }
    memory.whole.insert((identity.clone(), hash.to_owned()));
}

/// Takes back that the file has this hash, and which of its blocks were checked.
pub(crate) fn process_forget(identity: &FileIdentity, hash: &str) {
    let mut memory = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (identity.clone(), hash.to_owned());
    memory.whole.remove(&key);
    memory.touched.remove(&key);
}

/// The blocks of the file that this process has checked.
pub(crate) fn process_touched(identity: &FileIdentity, hash: &str) -> Option<Arc<Touched>> {
    let memory = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    memory.touched.get(&(identity.clone(), hash.to_owned())).cloned()
}

/// Shares what is checked of the file from now on with the whole process.
pub(crate) fn process_share(identity: &FileIdentity, hash: &str, touched: Touched) -> Arc<Touched> {
    let mut memory = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    if memory.touched.len() >= MOST_TOUCHED {
        memory.touched.retain(|_, touched| Arc::strong_count(touched) > 1);
    }
    // Two threads may have opened the file at the same time: both must use one.
    Arc::clone(memory.touched.entry((identity.clone(), hash.to_owned())).or_insert_with(|| Arc::new(touched)))
}

/// Whether the file was last written long enough ago for its time to tell a later change.
pub(crate) fn is_settled(identity: &FileIdentity) -> bool {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = i128::try_from(now.as_nanos()).unwrap_or(0);
    now - identity.modified_ns > SETTLED_AFTER_NS
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn the_cache_stays_small() {
        let dir = TempDir::new().unwrap();
        let cache = VerifiedCache::new(Some(dir.path().to_owned()));
        let identity = |n: u64| FileIdentity { path: "/x".into(), size: 1 << 30, modified_ns: 0, inode: n };
        for n in 0..150_000 {
            // Only what falls into one subdirectory, to keep the test short.
            if cache.markers.marker(&identity(n), "h").is_some_and(|marker| marker.parent().unwrap().ends_with("ab")) {
                cache.remember(&identity(n), "h");
            }
        }
        let markers = fs::read_dir(dir.path().join("ab")).unwrap().count();
        assert!((200..=512).contains(&markers), "{markers}");
        // A lower cap counts from the next marker on.
        let small = cache.clone().capped(8 * SHARDS * MARKER_BYTES);
        let next =
            (150_000..).find(|n| cache.markers.marker(&identity(*n), "h").unwrap().parent().unwrap().ends_with("ab"));
        small.remember(&identity(next.unwrap()), "h");
        assert_eq!(fs::read_dir(dir.path().join("ab")).unwrap().count(), 4);
        // And none keeps nothing.
        let none = cache.clone().capped(0);
        none.remember(&identity(150_000), "h");
        assert!(!cache.knows(&identity(150_000), "h"));
        // Small files are not worth a marker.
        cache.remember(&FileIdentity { size: 1000, ..identity(1) }, "small");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
