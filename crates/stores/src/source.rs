//! An object open for reading at any position: blocks of it are fetched when they are needed, or shortly before.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use datafolio_storage::{FileIdentity, Source, StorageError, StorageResult};
use object_store::path::Path;

use crate::fetch::{self, FetchError, Fetched};
use crate::runtime;
use crate::storage::Place;

/// What is fetched and kept as one piece.
const BLOCK: u64 = 1 << 20;
/// Blocks of one request, at most: several of them run at a time.
const REQUEST: u64 = 8;
/// Blocks that are kept.
const KEPT: usize = 64;
/// Blocks that one read waits for at a time, so that a long one needs no more memory than a short one.
const AT_ONCE: u64 = 16;
/// Blocks that are fetched before a reader of one stretch.
const AHEAD: usize = 16;
/// The same where several stretches are read, which may be at once.
const AHEAD_OF_EACH: usize = 4;

/// An object of a store.
pub(crate) struct ObjectSource(Arc<Shared>);

struct Shared {
    place: Arc<Place>,
    key: Path,
    path: String,
    size: u64,
    blocks: Mutex<Blocks>,
    arrived: Condvar,
}

#[derive(Default)]
struct Blocks {
    by_index: BTreeMap<u64, Block>,
    /// Counts the reads, to tell which block was used last.
    reads: u64,
    /// The blocks of the stretches that will be read, in order and apart from one another.
    planned: Vec<Range<u64>>,
    /// The e-tag of what was fetched first: what is fetched later must be of the same object.
    e_tag: Option<String>,
}

enum Block {
    OnItsWay,
    Here { bytes: Bytes, used: u64 },
    Failed(StorageError),
}

impl ObjectSource {
    pub(crate) fn new(place: Arc<Place>, key: Path, path: String, size: u64) -> Self {
        Self(Arc::new(Shared { place, key, path, size, blocks: Mutex::default(), arrived: Condvar::new() }))
    }
}

impl Blocks {
    /// The stretches of blocks that are neither here nor on their way, each of one request; from now on they are on their way.
    fn missing(&mut self, wanted: Range<u64>) -> Vec<Range<u64>> {
        let mut stretches: Vec<Range<u64>> = Vec::new();
        for index in wanted {
            if self.by_index.contains_key(&index) {
                continue;
            }
            self.by_index.insert(index, Block::OnItsWay);
            match stretches.last_mut() {
                Some(last) if last.end == index && last.end - last.start < REQUEST => last.end += 1,
                _ => stretches.push(index..index + 1),
            }
        }
        stretches
    }

    /// Notes which blocks will be read.
    fn plan(&mut self, stretches: &[Range<u64>], last: u64) {
        let mut blocks: Vec<Range<u64>> = stretches
            .iter()
            .filter(|stretch| stretch.start < stretch.end)
            .map(|stretch| stretch.start / BLOCK..stretch.end.div_ceil(BLOCK).min(last))
            .chain(std::mem::take(&mut self.planned))
            .collect();
        blocks.sort_unstable_by_key(|blocks| blocks.start);
        for next in blocks {
            match self.planned.last_mut() {
                Some(before) if next.start <= before.end => before.end = before.end.max(next.end),
                _ => self.planned.push(next),
            }
        }
    }

    /// The planned blocks behind a stretch that is read, if half of them are not there yet: the requests are then long ones.
    fn ahead(&mut self, read: &Range<u64>) -> Vec<Range<u64>> {
        let at = self.planned.partition_point(|planned| planned.end <= read.start);
        let Some(here) = self.planned.get(at).filter(|planned| planned.start < read.end) else { return Vec::new() };
        let count = if self.planned.len() == 1 { AHEAD } else { AHEAD_OF_EACH };
        let mut next: Vec<u64> = (read.end..here.end).take(count).collect();
        let later = self.planned[at + 1..].iter().cloned().flatten();
        next.extend(later.take(count - next.len()));
        if next.iter().filter(|index| !self.by_index.contains_key(index)).count() * 2 < next.len().max(1) {
            return Vec::new();
        }
        let mut stretches = Vec::new();
        for index in next {
            stretches.extend(self.missing(index..index + 1));
        }
        joined(stretches)
    }

    /// Forgets the blocks that were used longest ago, but none of these.
    fn make_room(&mut self, but: &Range<u64>) {
        // A reader of one stretch does not come back.
        let kept = if self.planned.len() == 1 { 2 * AHEAD } else { KEPT };
        let mut here: Vec<(u64, u64)> = self
            .by_index
            .iter()
            .filter_map(|(index, block)| match block {
                Block::Here { used, .. } if !but.contains(index) => Some((*used, *index)),
                _ => None,
            })
            .collect();
        let excess = (here.len() + (but.end - but.start) as usize).saturating_sub(kept);
        if excess == 0 {
            return;
        }
        here.sort_unstable();
        for (_, index) in &here[..excess.min(here.len())] {
            self.by_index.remove(index);
        }
    }
}

/// Stretches of blocks that follow one another as one, as far as one request goes.
fn joined(stretches: Vec<Range<u64>>) -> Vec<Range<u64>> {
    let mut joined: Vec<Range<u64>> = Vec::new();
    for next in stretches {
        match joined.last_mut() {
            Some(last) if last.end == next.start && next.end - last.start <= REQUEST => last.end = next.end,
            _ => joined.push(next),
        }
    }
    joined
}

impl Shared {
    fn blocks(&self) -> MutexGuard<'_, Blocks> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The block after the last.
    fn end(&self) -> u64 {
        self.size.div_ceil(BLOCK)
    }

    /// Starts the requests for stretches that are marked as on their way.
    fn fetch(self: &Arc<Self>, stretches: Vec<Range<u64>>) -> StorageResult<()> {
        for (at, stretch) in stretches.iter().enumerate() {
            let (shared, wanted) = (Arc::clone(self), stretch.clone());
            let started = runtime::start(async move {
                let range = wanted.start * BLOCK..(wanted.end * BLOCK).min(shared.size);
                let fetched = match shared.place.clients() {
                    Ok(clients) => fetch::range(clients.patient.as_ref(), &shared.key, range, shared.size)
                        .await
                        .map_err(|error| shared.error(&error)),
                    Err(error) => Err(error),
                };
                shared.arrive(&wanted, fetched);
            });
            if let Err(error) = started {
                let mut blocks = self.blocks();
                for index in stretches[at..].iter().cloned().flatten() {
                    blocks.by_index.remove(&index);
                }
                self.arrived.notify_all();
                return Err(StorageError::from_io("read", &self.path, &self.place.location, error));
            }
        }
        Ok(())
    }

    fn arrive(&self, stretch: &Range<u64>, fetched: StorageResult<Fetched>) {
        let mut blocks = self.blocks();
        let bytes = fetched.and_then(|fetched| {
            let found = fetched.meta.e_tag.unwrap_or_default();
            match *blocks.e_tag.get_or_insert_with(|| found.clone()) == found {
                true => Ok(fetched.bytes),
                false => Err(self.damaged("it was replaced while it was read".to_owned())),
            }
        });
        match bytes {
            Ok(bytes) => {
                let used = blocks.reads;
                for index in stretch.clone() {
                    let from = ((index - stretch.start) * BLOCK) as usize;
                    let until = (from + BLOCK as usize).min(bytes.len());
                    blocks.by_index.insert(index, Block::Here { bytes: bytes.slice(from..until), used });
                }
            }
            Err(error) => {
                // Who waits for the first of them is told; the others are asked for again by whoever needs them.
                for index in stretch.clone() {
                    blocks.by_index.remove(&index);
                }
                blocks.by_index.insert(stretch.start, Block::Failed(error));
            }
        }
        self.arrived.notify_all();
    }

    /// The blocks of a stretch, once all of them are here.
    fn get(self: &Arc<Self>, wanted: &Range<u64>) -> StorageResult<Vec<Bytes>> {
        let mut blocks = self.blocks();
        blocks.reads += 1;
        let mut to_fetch = blocks.missing(wanted.clone());
        to_fetch.extend(blocks.ahead(wanted));
        drop(blocks);
        self.fetch(to_fetch)?;
        let mut blocks = self.blocks();
        loop {
            if let Some(index) = wanted.clone().find(|i| matches!(blocks.by_index.get(i), Some(Block::Failed(_))))
                && let Some(Block::Failed(error)) = blocks.by_index.remove(&index)
            {
                return Err(error);
            }
            let again = blocks.missing(wanted.clone());
            if !again.is_empty() {
                drop(blocks);
                self.fetch(again)?;
                blocks = self.blocks();
                continue;
            }
            let reads = blocks.reads;
            let mut found = Vec::new();
            for index in wanted.clone() {
                if let Some(Block::Here { bytes, used }) = blocks.by_index.get_mut(&index) {
                    *used = reads;
                    found.push(bytes.clone());
                }
            }
            if found.len() as u64 == wanted.end - wanted.start {
                blocks.make_room(wanted);
                return Ok(found);
            }
            blocks = self.arrived.wait(blocks).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn error(&self, error: &FetchError) -> StorageError {
        match error {
            FetchError::Store(error) => self.place.act("read", &self.path).error(error),
            FetchError::TooLarge(size) | FetchError::OtherSize(size) => {
                self.damaged(format!("it has {size} bytes, and {} were recorded", self.size))
            }
        }
    }

    fn damaged(&self, reason: String) -> StorageError {
        StorageError::Damaged { path: self.path.clone(), location: self.place.location.clone(), reason }
    }
}

impl Source for ObjectSource {
    fn size(&self) -> u64 {
        self.0.size
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> StorageResult<()> {
        let shared = &self.0;
        let end = offset.checked_add(buffer.len() as u64).filter(|end| *end <= shared.size).ok_or_else(|| {
            let reason = format!("{} bytes from {offset} reach beyond its {} bytes", buffer.len(), shared.size);
            let error = io::Error::new(io::ErrorKind::UnexpectedEof, reason);
            StorageError::from_io("read", &shared.path, &shared.place.location, error)
        })?;
        let mut position = offset;
        while position < end {
            let first = position / BLOCK;
            let wanted = first..end.div_ceil(BLOCK).min(first + AT_ONCE);
            let until = end.min(wanted.end * BLOCK);
            let blocks = shared.get(&wanted)?;
            for (block, index) in blocks.iter().zip(wanted) {
                let from = (position - index * BLOCK) as usize;
                let length = (block.len() - from).min((until - position) as usize);
                let at = (position - offset) as usize;
                buffer[at..at + length].copy_from_slice(&block[from..from + length]);
                position += length as u64;
            }
        }
        Ok(())
    }

    fn prefetch(&self, offset: u64, length: u64) {
        let shared = &self.0;
        let first = offset / BLOCK;
        let end = offset.saturating_add(length).min(shared.size).div_ceil(BLOCK).min(first + AT_ONCE);
        let missing = shared.blocks().missing(first..end.max(first));
        // What could not be started is asked for again by the read, which says why.
        if let Err(error) = shared.fetch(missing) {
            tracing::debug!(%error, "nothing is fetched ahead");
        }
    }

    fn will_read(&self, stretches: &dyn Fn() -> Vec<Range<u64>>) {
        self.0.blocks().plan(&stretches(), self.0.end());
    }

    fn identity(&self) -> Option<FileIdentity> {
        None
    }

    fn try_clone_file(&self) -> Option<io::Result<std::fs::File>> {
        None
    }
}

impl fmt::Debug for ObjectSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { path, size, .. } = &*self.0;
        f.debug_struct("ObjectSource").field("path", path).field("size", size).finish_non_exhaustive()
    }
}
