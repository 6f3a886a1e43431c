//! SHA-256, MD5 and block checksums of a stream, in one pass.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use md5::Md5;
use sha2::{Digest, Sha256};

use crate::error::{StorageError, StorageResult};
use crate::storage::Source;

/// Bytes that are hashed, read and written at a time; also the size of a block of the block checksums.
pub(crate) const CHUNK: usize = 256 * 1024;

/// From this size on MD5 has a thread of its own: it is the slowest by a factor of two, and cannot be split. Starting a
/// thread costs about as much as hashing 30 KB.
const OWN_THREAD_FROM: u64 = 2 * 1024 * 1024;

/// Chunks that may wait for the MD5 thread.
const WAITING: usize = 8;

/// Which hashes are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) sha256: bool,
    pub(crate) md5: bool,
    pub(crate) blocks: bool,
    /// Whether a second thread may help with a large stream.
    pub(crate) second_thread: bool,
}

/// What came out. Hashes that were not wanted are empty.
#[derive(Debug)]
pub(crate) struct Hashes {
    pub(crate) size: u64,
    pub(crate) sha256: String,
    pub(crate) md5: String,
    pub(crate) blocks: Vec<[u8; 32]>,
}

/// Hashes a stream that comes in chunks.
pub(crate) struct StreamHasher {
    size: u64,
    second_thread: bool,
    sha256: Option<Sha256>,
    md5: Option<Md5State>,
    blocks: Option<Vec<[u8; 32]>>,
}

enum Md5State {
    Here(Md5),
    Thread(Md5Thread),
}

struct Md5Thread {
    chunks: SyncSender<Arc<Vec<u8>>>,
    /// Chunks that are done with, to be filled again.
    used: Receiver<Arc<Vec<u8>>>,
    handle: JoinHandle<Md5>,
}

impl StreamHasher {
    pub(crate) fn new(wanted: Wanted) -> Self {
        Self {
            size: 0,
            second_thread: wanted.second_thread,
            sha256: wanted.sha256.then(Sha256::new),
            md5: wanted.md5.then(|| Md5State::Here(Md5::new())),
            blocks: wanted.blocks.then(Vec::new),
        }
    }

    /// Whether a second thread may help from now on.
    pub(crate) fn allow_second_thread(&mut self, allowed: bool) {
        self.second_thread = allowed;
    }

    /// Takes the next chunk: [`CHUNK`] bytes, or fewer at the end of the stream.
    pub(crate) fn update(&mut self, chunk: &Arc<Vec<u8>>) {
        self.size += chunk.len() as u64;
        if let Some(Md5State::Here(_)) = self.md5
            && self.second_thread
            && self.size > OWN_THREAD_FROM
            && (self.sha256.is_some() || self.blocks.is_some())
        {
            self.md5 = self.md5.take().map(Md5State::into_thread);
        }
        match &mut self.md5 {
            None => {}
            Some(Md5State::Here(md5)) => md5.update(&**chunk),
            // A thread that is gone is noticed in `finish`.
            Some(Md5State::Thread(thread)) => drop(thread.chunks.send(Arc::clone(chunk))),
        }
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(&**chunk);
        }
        if let Some(blocks) = &mut self.blocks {
            blocks.push(*blake3::hash(chunk).as_bytes());
        }
    }

    /// An empty buffer with room for a chunk; one that was used before, if possible.
    pub(crate) fn buffer(&self, used: Option<Arc<Vec<u8>>>) -> Vec<u8> {
        let returned = match &self.md5 {
            Some(Md5State::Thread(thread)) => thread.used.try_recv().ok(),
            _ => None,
        };
        let mut buffer = [used, returned]
            .into_iter()
            .flatten()
            .find_map(|chunk| Arc::try_unwrap(chunk).ok())
            .unwrap_or_else(|| Vec::with_capacity(CHUNK));
        buffer.clear();
        buffer
    }

    /// Ends the stream.
    pub(crate) fn finish(self) -> io::Result<Hashes> {
        let md5 = match self.md5 {
            None => None,
            Some(Md5State::Here(md5)) => Some(md5),
            Some(Md5State::Thread(thread)) => {
                drop(thread.chunks);
                Some(thread.handle.join().map_err(|_| io::Error::other("the thread that computes MD5 failed"))?)
            }
        };
        Ok(Hashes {
            size: self.size,
            sha256: self.sha256.map(|sha256| hex(&sha256.finalize())).unwrap_or_default(),
            md5: md5.map(|md5| hex(&md5.finalize())).unwrap_or_default(),
            blocks: self.blocks.unwrap_or_default(),
        })
    }
}

impl Md5State {
    /// Goes on in a thread, or here when none can be had.
    fn into_thread(self) -> Self {
        let Self::Here(md5) = self else { return self };
        let (chunks, incoming) = sync_channel::<Arc<Vec<u8>>>(WAITING);
        let (done, used) = channel();
        let state = md5.clone();
        let thread = std::thread::Builder::new().name("datafolio-md5".to_owned());
        match thread.spawn(move || md5_thread(state, &incoming, &done)) {
            Ok(handle) => Self::Thread(Md5Thread { chunks, used, handle }),
            Err(_) => Self::Here(md5),
        }
    }
}

fn md5_thread(mut md5: Md5, incoming: &Receiver<Arc<Vec<u8>>>, done: &Sender<Arc<Vec<u8>>>) -> Md5 {
    while let Ok(chunk) = incoming.recv() {
        md5.update(&*chunk);
        // Nobody may want it any more.
        let _ = done.send(chunk);
    }
    md5
}

/// Reads a whole source in chunks of this size; each chunk is also given to `each`, before it is hashed.
pub(crate) fn hash_all(
    source: &dyn Source,
    wanted: Wanted,
    chunk_size: usize,
    mut each: impl FnMut(u64, &[u8]) -> StorageResult<()>,
) -> StorageResult<Hashes> {
    source.will_read(&|| vec![Range { start: 0, end: source.size() }]);
    let mut hasher = StreamHasher::new(wanted);
    let (mut offset, mut used) = (0, None);
    while offset < source.size() {
        let length = (source.size() - offset).min(chunk_size as u64);
        let mut chunk = hasher.buffer(used.take());
        chunk.resize(length as usize, 0);
        source.read_exact_at(&mut chunk, offset)?;
        each(offset, &chunk)?;
        let chunk = Arc::new(chunk);
        hasher.update(&chunk);
        used = Some(chunk);
        offset += length;
    }
    hasher.finish().map_err(|error| StorageError::from_io("hash", "a file", "in memory", error))
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes_of(bytes: &[u8], second_thread: bool) -> Hashes {
        let mut hasher = StreamHasher::new(Wanted { sha256: true, md5: true, blocks: true, second_thread });
        let mut used = None;
        for chunk in bytes.chunks(CHUNK) {
            let mut buffer = hasher.buffer(used.take());
            buffer.extend_from_slice(chunk);
            let chunk = Arc::new(buffer);
            hasher.update(&chunk);
            used = Some(chunk);
        }
        hasher.finish().unwrap()
    }

    #[test]
    fn known_answers() {
        let empty = hashes_of(b"", true);
        assert_eq!(empty.md5, "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(empty.sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert!(empty.blocks.is_empty());
        let abc = hashes_of(b"abc", true);
        assert_eq!(abc.md5, "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(abc.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(hex(&abc.blocks[0]), "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85");
    }

    #[test]
    fn the_thread_makes_no_difference() {
        for size in [OWN_THREAD_FROM as usize - 1, OWN_THREAD_FROM as usize + 1, 5 * OWN_THREAD_FROM as usize + 77] {
            let bytes: Vec<u8> = (0..size).map(|n| (n * 31 % 251) as u8).collect();
            for second_thread in [false, true] {
                let hashes = hashes_of(&bytes, second_thread);
                assert_eq!(hashes.size, size as u64);
                assert_eq!(hashes.md5, hex(&Md5::digest(&bytes)));
                assert_eq!(hashes.sha256, hex(&Sha256::digest(&bytes)));
                assert_eq!(hashes.blocks.len(), size.div_ceil(CHUNK));
                assert_eq!(hashes.blocks[1], *blake3::hash(&bytes[CHUNK..2 * CHUNK]).as_bytes());
            }
        }
    }
}
