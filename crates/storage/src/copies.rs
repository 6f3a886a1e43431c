//! Local copies of payloads that lie on a store.

mod part;
mod room;

use std::fs::{self, File, FileTimes, Metadata};
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use datafolio_core::RelPath;
use sha2::{Digest, Sha256};

use self::part::{Part, Taken};
use crate::cache::{self, Markers};
use crate::error::{StorageError, StorageResult};
use crate::hash::hex;
use crate::local::OutsideSource;
use crate::storage::{FileIdentity, Storage};
use crate::verified::Expected;

/// What is read from the store and written at a time.
const CHUNK: u64 = 1 << 20;
/// How precisely the time of the last use is kept, and the age at which what a dead process left is removed.
const HOUR: Duration = Duration::from_secs(3600);
/// How long another process may stand still while it fetches what is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at what another process fetches.
const SHORTEST_WAIT: Duration = Duration::from_millis(2);
const LONGEST_WAIT: Duration = Duration::from_millis(50);
/// The action of the errors of the cache's own directory, by which they are told from those of the store.
const WRITE: &str = "write the local copy of";

/// Keeps copies of the payloads of remote bundles in a directory of this machine, for what needs a file or reads much
/// of one.
///
/// Payloads never change, and a copy has its payload's SHA-256 as its name: it is right for every bundle that records
/// that hash. Those that were used longest ago are removed when there is no room for another. All processes of this
/// machine share them. In the directory no link is followed, and files that are no copies are left alone.
#[derive(Debug, Clone, Default)]
pub struct Copies {
    inner: Arc<Inner>,
    /// Where it is noted that a copy was verified.
    markers: Markers,
}

#[derive(Debug, Default)]
struct Inner {
    dir: Option<PathBuf>,
    cap: u64,
    patience: Duration,
}

/// What became of [`Copies::fetch`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetch {
    /// The copy, which may be removed at any time once it is not open.
    Copy(PathBuf),
    /// The payload is larger than all copies together may be.
    TooLarge {
        /// Its size in bytes.
        size: u64,
        /// Most bytes of all copies.
        cap: u64,
    },
    /// There is no directory to keep it in, its size or SHA-256 is not recorded, or another process has begun to fetch
    /// it and stands still.
    NotKept,
}

/// A copy that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyInfo {
    /// SHA-256 of the payload, in lower-case hex.
    pub sha256: String,
    /// Size in bytes.
    pub size: u64,
    /// When it was used last, to the hour.
    pub used: SystemTime,
}

impl Copies {
    /// Copies in a directory, which is made when it is first needed, of at most `cap` bytes together. `None`, or a cap
    /// of 0, keeps nothing and finds nothing.
    pub fn new(dir: Option<PathBuf>, cap: u64) -> Self {
        // What was verified is remembered by path, which must not depend on the working directory.
        let dir = dir.map(|dir| std::path::absolute(&dir).unwrap_or(dir));
        Self { inner: Arc::new(Inner { dir, cap, patience: PATIENCE }), markers: Markers::default() }
    }

    /// The same copies; that they were verified is noted here.
    pub(crate) fn with_markers(self, markers: Markers) -> Self {
        Self { markers, ..self }
    }

    /// The directory.
    pub fn dir(&self) -> Option<&Path> {
        self.inner.dir.as_deref()
    }

    /// Most bytes of all copies.
    pub fn cap(&self) -> u64 {
        self.inner.cap
    }

    /// The copy of a payload, if it is there. Its content is not looked at: [`VerifiedSource`](crate::VerifiedSource)
    /// does that.
    pub fn find(&self, expected: &Expected) -> Option<PathBuf> {
        let (place, size) = self.wanted(expected)?;
        let facts = place.facts().filter(|facts| facts.len() == size)?;
        note_use(&place.copy, &facts);
        Some(place.copy)
    }

    /// The copy of a payload, which is fetched if it is not there. Of several threads and processes that want it at the
    /// same time, one does.
    ///
    /// # Errors
    /// Those of the store; [`StorageError::Damaged`] when what it gave is not what was recorded; and
    /// [`StorageError::Io`] when the copy cannot be written, for which [`failed_to_keep`](Self::failed_to_keep) is
    /// true. Then nothing is left of it.
    pub fn fetch(&self, storage: &dyn Storage, path: &RelPath, expected: &Expected) -> StorageResult<Fetch> {
        let Some((place, size)) = self.wanted(expected) else { return Ok(Fetch::NotKept) };
        let own = |error| place.error(path, error);
        let (mut seen, mut since, mut wait) = (None, Instant::now(), SHORTEST_WAIT);
        loop {
            if let Some(copy) = self.find(expected) {
                return Ok(Fetch::Copy(copy));
            }
            if size > self.cap() {
                return Ok(Fetch::TooLarge { size, cap: self.cap() });
            }
            match Part::take(&place).map_err(own)? {
                Taken::Mine(part) => {
                    // Whoever had it before may have finished since this one looked.
                    return match self.find(expected) {
                        Some(copy) => Ok(Fetch::Copy(copy)),
                        None => self.download(part, &place, storage, (path, size)).map(Fetch::Copy),
                    };
                }
                Taken::Busy { length } if seen != Some(length) => (seen, since) = (Some(length), Instant::now()),
                // A process that was stopped keeps its lock. Nobody should have to wait until it goes on.
                Taken::Busy { .. } if since.elapsed() >= self.inner.patience => {
                    tracing::warn!(%path, part = %place.part.display(), "another process fetches this and stands still");
                    return Ok(Fetch::NotKept);
                }
                Taken::Busy { .. } => {}
            }
            // Not the system's own waiting call: a process that was forked meanwhile may keep the lock, and the copy is
            // there.
            std::thread::sleep(wait);
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// The copy of a payload, which is fetched if it is not there; `None` when it cannot be kept, for whatever reason.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch), but for those of the cache's own directory, which are logged.
    pub fn fetch_if_kept(
        &self,
        storage: &dyn Storage,
        path: &RelPath,
        expected: &Expected,
    ) -> StorageResult<Option<PathBuf>> {
        match self.fetch(storage, path, expected) {
            Ok(Fetch::Copy(copy)) => Ok(Some(copy)),
            Ok(Fetch::TooLarge { .. } | Fetch::NotKept) => Ok(None),
            Err(error) if Self::failed_to_keep(&error) => {
                tracing::warn!(%path, %error, "going on without a local copy");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether an error is one of the directory that holds the copies, and not of the store: whoever can do without a
    /// copy goes on.
    pub fn failed_to_keep(error: &StorageError) -> bool {
        matches!(error, StorageError::Io { action, .. } if *action == WRITE)
    }

    /// All copies, most recently used first.
    pub fn list(&self) -> Vec<CopyInfo> {
        let mut copies = self.dir().map(|dir| room::walk(dir).copies).unwrap_or_default();
        copies.sort_by(|a, b| (b.info.used, &a.info.sha256).cmp(&(a.info.used, &b.info.sha256)));
        copies.into_iter().map(|found| found.info).collect()
    }

    /// Bytes of all copies.
    pub fn bytes(&self) -> u64 {
        self.list().iter().map(|copy| copy.size).sum()
    }

    /// Removes a copy; `false` when it is not there.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, sha256: &str) -> StorageResult<bool> {
        let Some(place) = self.place(sha256).filter(|place| place.facts().is_some()) else { return Ok(false) };
        room::remove_file(&place.copy).map_err(|error| remove_error(&place.copy, error))
    }

    /// Removes all copies, and what dead processes left of others; files that are being fetched stay. Gives the number
    /// of the copies and their bytes.
    ///
    /// # Errors
    /// When one of them cannot be removed; others may have been.
    pub fn clear(&self) -> StorageResult<(usize, u64)> {
        let Some(dir) = self.dir() else { return Ok((0, 0)) };
        let found = room::walk(dir);
        let (mut count, mut bytes) = (0, 0);
        for copy in found.copies {
            if room::remove_file(&copy.path).map_err(|error| remove_error(&copy.path, error))? {
                (count, bytes) = (count + 1, bytes + copy.info.size);
            }
        }
        for (part, _) in found.parts {
            part::remove_abandoned(&part).map_err(|error| remove_error(&part, error))?;
        }
        Ok((count, bytes))
    }

    /// The copy of a payload as a source, if it is there.
    pub(crate) fn open(&self, expected: &Expected) -> Option<OutsideSource> {
        let path = self.find(expected)?;
        let file = part::open(&path, File::options().read(true)).ok()?;
        let facts = file.metadata().ok().filter(Metadata::is_file)?;
        let source = OutsideSource::new(&path, file, facts.len());
        Some(source.with_identity(identity(&path, &facts)))
    }

    /// Removes a copy that was found to be damaged while it was open; `false` when it is still there.
    pub(crate) fn discard(&self, damaged: &FileIdentity) -> bool {
        // Another process may have found that too, and fetched it again. The time may differ: something has written
        // into it.
        let is_it = fs::symlink_metadata(&damaged.path)
            .is_ok_and(|facts| facts.is_file() && identity(&damaged.path, &facts).inode == damaged.inode);
        match if is_it { room::remove_file(&damaged.path) } else { Ok(false) } {
            Ok(_) => true,
            Err(error) => {
                tracing::warn!(path = %damaged.path.display(), %error, "a damaged copy could not be removed");
                false
            }
        }
    }

    /// Fetches a payload into a file that nobody else writes.
    fn download(
        &self,
        mut part: Part,
        place: &Place,
        storage: &dyn Storage,
        (path, size): (&RelPath, u64),
    ) -> StorageResult<PathBuf> {
        let own = |error| place.error(path, error);
        let damaged = |reason| StorageError::Damaged { path: path.to_string(), location: storage.location(), reason };
        let make_room = || room::make(&place.dir, self.cap(), (&place.sha256, size)).map_err(own);
        drop(make_room()?);
        let source = storage.open_sized(path, size)?;
        source.will_read(&|| vec![Range { start: 0, end: size }]);
        if source.size() != size {
            return Err(damaged(format!("it has {} bytes, and {size} were recorded", source.size())));
        }
        let mut digest = Sha256::new();
        let mut buffer = vec![0; size.min(CHUNK) as usize];
        let mut offset = 0;
        while offset < size {
            let chunk = &mut buffer[..(size - offset).min(CHUNK) as usize];
            source.read_exact_at(chunk, offset)?;
            digest.update(&*chunk);
            part.write_all(chunk).map_err(own)?;
            offset += chunk.len() as u64;
        }
        let found = hex(&digest.finalize());
        if found != place.sha256 {
            return Err(damaged(format!("it has the SHA-256 {found}, and {} was recorded", place.sha256)));
        }
        // The note that it is verified must not outlive its bytes in a crash of the machine.
        let facts = part.settle(self.markers.keeps(size)).map_err(own)?;
        let identity = identity(&place.copy, &facts);
        // Again: others may have fetched something at the same time, each within the room that it saw.
        let held = make_room()?;
        part.finish(&place.copy).map_err(own)?;
        drop(held);
        cache::process_remember(&identity, &place.sha256);
        self.markers.remember(&identity, &place.sha256);
        Ok(place.copy.clone())
    }

    /// Where the copy of a payload belongs and how large it is, if it is one to be kept.
    fn wanted(&self, expected: &Expected) -> Option<(Place, u64)> {
        let place = self.place(expected.sha256.as_deref()?).filter(|_| self.cap() > 0)?;
        Some((place, expected.size?))
    }

    fn place(&self, sha256: &str) -> Option<Place> {
        let dir = self.dir()?;
        let sha256 = sha256.to_ascii_lowercase();
        room::is_sha256(&sha256).then(|| {
            let shard = dir.join(&sha256[..2]);
            let (copy, part) = (shard.join(&sha256), shard.join(format!("{sha256}{}", room::PART)));
            Place { dir: dir.to_owned(), shard, copy, part, sha256 }
        })
    }
}

/// The files of a payload.
struct Place {
    sha256: String,
    dir: PathBuf,
    shard: PathBuf,
    copy: PathBuf,
    part: PathBuf,
}

impl Place {
    /// Facts of the copy, if it is a regular file in a directory, neither reached through a link.
    fn facts(&self) -> Option<Metadata> {
        fs::symlink_metadata(&self.shard).ok().filter(Metadata::is_dir)?;
        fs::symlink_metadata(&self.copy).ok().filter(Metadata::is_file)
    }

    fn error(&self, path: &RelPath, error: io::Error) -> StorageError {
        let location = format!("in the cache: {}", self.part.display());
        StorageError::from_io(WRITE, path.as_str(), &location, error)
    }
}

/// Sets the time of the last access, and nothing else: that of the last write is part of what identifies a verified
/// file.
fn note_use(path: &Path, facts: &Metadata) {
    let (Ok(used), now) = (facts.accessed(), SystemTime::now()) else { return };
    // A time to come would keep it forever.
    if now.duration_since(used).unwrap_or_else(|ahead| ahead.duration()) <= HOUR {
        return;
    }
    let noted = part::open(path, &mut part::for_times()).and_then(|file| {
        if !file.metadata()?.is_file() {
            return Err(ErrorKind::InvalidInput.into());
        }
        file.set_times(FileTimes::new().set_accessed(now))
    });
    if let Err(error) = noted {
        tracing::debug!(path = %path.display(), %error, "could not note that a copy was used");
    }
}

fn remove_error(path: &Path, error: io::Error) -> StorageError {
    StorageError::from_io("remove the local copy", &path.display().to_string(), "in the cache", error)
}

/// What identifies the bytes of a copy.
fn identity(path: &Path, facts: &Metadata) -> FileIdentity {
    #[cfg(unix)]
    let (modified_ns, inode) = {
        use std::os::unix::fs::MetadataExt;
        (i128::from(facts.mtime()) * 1_000_000_000 + i128::from(facts.mtime_nsec()), facts.ino())
    };
    #[cfg(not(unix))]
    let (modified_ns, inode) = {
        let since = facts.modified().ok().and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
        (since.map_or(0, |since| i128::try_from(since.as_nanos()).unwrap_or(0)), 0)
    };
    FileIdentity { path: path.to_owned(), size: facts.len(), modified_ns, inode }
}

#[cfg(test)]
mod tests;
