//! Remembering, on this machine, what was found out of the bytes of payloads.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::hash::hex;

/// The first line of an entry. What entries hold may change with a release, and then the number does.
const MAGIC: &str = "datafolio content cache 1";
/// Subdirectories that the entries are spread over.
const SHARDS: u64 = 16;
/// Most bytes of all entries.
const MOST: u64 = 256 << 20;
/// Largest entry.
const LARGEST: usize = 4 << 20;

/// Keeps what was found out of bytes, under a key that names these bytes by their hash: the facts of a footer, the
/// statistics of columns. Whoever makes a key puts into it all that the answer depends on.
///
/// It is a convenience: an entry that is cut, changed, of another key or of another release is not there, and when the
/// directory cannot be read or written, nothing fails.
#[derive(Debug, Clone, Default)]
pub struct ContentCache {
    dir: Option<Arc<PathBuf>>,
    /// Bytes that a subdirectory may hold.
    per_shard: u64,
}

impl ContentCache {
    /// A cache in a directory, which is made when it is first needed; `None` remembers nothing.
    pub fn new(dir: Option<PathBuf>) -> Self {
        Self { dir: dir.map(Arc::new), per_shard: MOST / SHARDS }
    }

    /// The part of a cache of so many bytes that such entries may take: a quarter of what lies above 1 MiB, and no more than
    /// 256 MiB.
    pub fn share_of(cap: u64) -> u64 {
        (cap.saturating_sub(1 << 20) / 4).min(MOST)
    }

    /// The cache within so many bytes on disk; what was noted longest ago goes first.
    #[must_use]
    pub fn capped(self, bytes: u64) -> Self {
        Self { per_shard: bytes.min(MOST) / SHARDS, ..self }
    }

    /// What is kept under a key.
    pub fn get(&self, key: &str) -> Option<Vec<u8>> {
        let path = self.path(key)?;
        let mut file = Vec::new();
        // What is no regular file could keep whoever opens it waiting.
        let found = fs::symlink_metadata(&path).ok()?;
        if !found.is_file() || found.len() > (LARGEST + 4096 + key.len()) as u64 {
            return None;
        }
        fs::File::open(&path).and_then(|mut opened| opened.read_to_end(&mut file)).ok()?;
        let head = head(key, &digest(key, &[]));
        // The digest stands at the end of the head, and is that of the key and all that follows.
        let start = head.len() - 65;
        let body = file.get(head.len()..)?;
        let is_whole = file.get(..start) == Some(&head.as_bytes()[..start])
            && file.get(start..head.len()) == Some(format!("{}\n", digest(key, body)).as_bytes());
        is_whole.then(|| body.to_vec())
    }

    /// Keeps bytes under a key.
    pub fn put(&self, key: &str, bytes: &[u8]) {
        let Some(path) = self.path(key).filter(|_| bytes.len() <= LARGEST && bytes.len() as u64 <= self.per_shard / 2)
        else {
            return;
        };
        if let Err(error) = self.write(&path, key, bytes) {
            tracing::debug!(path = %path.display(), %error, "could not keep what was found out");
        }
    }

    fn write(&self, path: &Path, key: &str, bytes: &[u8]) -> io::Result<()> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let Some(shard) = path.parent() else { return Ok(()) };
        fs::create_dir_all(shard)?;
        let mut entry = head(key, &digest(key, bytes)).into_bytes();
        entry.extend_from_slice(bytes);
        // Other processes see a whole entry or none. A crash of the machine may leave a cut one, which its digest tells.
        let temporary = shard.join(format!("{}-{}.tmp", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        let written = fs::write(&temporary, &entry).and_then(|()| fs::rename(&temporary, path));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written?;
        make_room(shard, self.per_shard)
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        let dir = self.dir.as_ref().filter(|_| self.per_shard > 0)?;
        let name = hex(&Sha256::digest(key.as_bytes()));
        let (shard, rest) = name.split_at(1);
        Some(dir.join(shard).join(rest))
    }
}

/// What stands before the bytes: the form, the length of the key, the key, the digest.
fn head(key: &str, digest: &str) -> String {
    format!("{MAGIC}\n{}\n{key}\n{digest}\n", key.len())
}

fn digest(key: &str, bytes: &[u8]) -> String {
    let mut digest = Sha256::new();
    digest.update((key.len() as u64).to_le_bytes());
    digest.update(key);
    digest.update(bytes);
    hex(&digest.finalize())
}

/// Removes the oldest entries of a subdirectory until half of what it may hold is left, once it holds more.
fn make_room(shard: &Path, most: u64) -> io::Result<()> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(shard)? {
        let entry = entry?;
        let Ok(metadata) = entry.metadata() else { continue };
        entries.push((metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), metadata.len(), entry.path()));
    }
    let mut held: u64 = entries.iter().map(|(_, size, _)| size).sum();
    if held <= most {
        return Ok(());
    }
    entries.sort();
    for (_, size, path) in entries {
        if held <= most / 2 {
            break;
        }
        // Another process may have removed it.
        let _ = fs::remove_file(path);
        held -= size;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn files(dir: &Path) -> Vec<PathBuf> {
        let shards = fs::read_dir(dir).unwrap().map(|shard| shard.unwrap().path());
        shards.flat_map(|shard| fs::read_dir(shard).unwrap().map(|file| file.unwrap().path())).collect()
    }

    #[test]
    fn what_was_kept_comes_back_under_its_key_alone() {
        let dir = TempDir::new().unwrap();
        let cache = ContentCache::new(Some(dir.path().join("made/later")));
        assert_eq!(cache.get("a"), None);
        cache.put("a", b"one");
        cache.put("b", b"");
        cache.put("line\nbreak", b"two");
        assert_eq!(cache.get("a").as_deref(), Some(&b"one"[..]));
        assert_eq!(cache.get("b").as_deref(), Some(&b""[..]));
        assert_eq!(cache.get("line\nbreak").as_deref(), Some(&b"two"[..]));
        cache.put("a", b"three");
        assert_eq!(cache.get("a").as_deref(), Some(&b"three"[..]));
        assert_eq!(files(&dir.path().join("made/later")).len(), 3);
        ContentCache::new(None).put("a", b"nowhere");
        assert_eq!(ContentCache::new(None).get("a"), None);
        let none = cache.clone().capped(0);
        none.put("c", b"x");
        assert_eq!((none.get("a"), cache.get("c")), (None, None));
    }

    #[test]
    fn entries_that_are_cut_changed_or_of_another_key_are_not_there_and_are_written_again() {
        let dir = TempDir::new().unwrap();
        let cache = ContentCache::new(Some(dir.path().to_owned()));
        cache.put("a", b"the facts of a");
        let path = cache.path("a").unwrap();
        let whole = fs::read(&path).unwrap();
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            fs::write(&path, &changed).unwrap();
            assert_eq!(cache.get("a"), None, "byte {place}");
            fs::write(&path, &whole[..place]).unwrap();
            assert_eq!(cache.get("a"), None, "cut to {place}");
        }
        fs::write(&path, [&whole[..], b"more"].concat()).unwrap();
        assert_eq!(cache.get("a"), None);
        // A whole entry that lies where another one belongs.
        fs::write(&path, &whole).unwrap();
        let other = cache.path("b").unwrap();
        fs::create_dir_all(other.parent().unwrap()).unwrap();
        fs::copy(&path, &other).unwrap();
        assert_eq!(cache.get("b"), None);
        cache.put("b", b"the facts of b");
        assert_eq!(cache.get("b").as_deref(), Some(&b"the facts of b"[..]));
        // What is no file is neither opened nor followed.
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(cache.get("a"), None);
        cache.put("a", b"x");
    }

    #[test]
    fn the_oldest_go_when_there_is_no_room() {
        let dir = TempDir::new().unwrap();
        let cache = ContentCache::new(Some(dir.path().to_owned())).capped(SHARDS * 100_000);
        for number in 0..400 {
            cache.put(&format!("key {number}"), &[7; 10_000]);
        }
        let held: u64 = files(dir.path()).iter().map(|path| fs::metadata(path).unwrap().len()).sum();
        assert!((400_000..=SHARDS * 100_000).contains(&held), "{held}");
        assert!(cache.get("key 399").is_some());
        // Too large for half of what a subdirectory may hold.
        cache.put("large", &[7; 60_000]);
        assert_eq!(cache.get("large"), None);
        assert_eq!((ContentCache::share_of(1 << 20), ContentCache::share_of(u64::MAX)), (0, MOST));
    }
}
