//! What a disk may hold after the power failed.
//!
//! A [`Recorder`] watches a [`LocalStorage`](datafolio_storage::LocalStorage) and notes what it does to the disk. From that,
//! [`Recorder::image`] makes what could be found if the power failed after a given step: of everything that no `fsync` has
//! covered any part may be there or not, in any order. The model promises as little as POSIX does, which is less than what
//! common file systems keep:
//!
//! * the content of a file is there up to its last `fsync`. Of what was written later all, nothing, a beginning, or any
//!   sectors may be there;
//! * a name in a directory (made, changed or removed) is durable with an `fsync` of that directory, whatever else was
//!   synced. Until then each may be there or not, and a later one without an earlier one;
//! * what lies in a directory whose own name is lost is lost.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafolio_core::random::SplitMix;
use datafolio_storage::{IoObserver, IoOp, IoStep, Permit};

/// Notes all that is done to the files of a bundle, from its first on.
#[derive(Debug, Default)]
pub struct Recorder(Mutex<Vec<Event>>);

#[derive(Debug, Clone)]
enum Event {
    Create(String),
    Write(String, Vec<u8>),
    Sync(String),
    SyncDir(String),
    Rename(String, String),
    Link(String, String),
    Unlink(String),
    Mkdir(String),
}

impl Recorder {
    /// One that has seen nothing.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// How many steps it has seen so far that matter to the disk.
    pub fn len(&self) -> usize {
        self.events().len()
    }

    /// Whether it has seen none.
    pub fn is_empty(&self) -> bool {
        self.events().is_empty()
    }

    /// The step before a point, for messages.
    pub fn describe(&self, point: usize) -> String {
        match point.checked_sub(1).and_then(|last| self.events().get(last).cloned()) {
            Some(Event::Write(path, data)) => format!("after writing {} bytes to {path}", data.len()),
            Some(other) => format!("after {other:?}"),
            None => "before anything".to_owned(),
        }
    }

    /// Writes into an empty directory what may be found after a power failure once the first `point` steps were done.
    /// Different seeds give different images; 0 is the one in which nothing unsynced is there, 1 the one in which all is.
    ///
    /// # Errors
    /// When the directory cannot be written to.
    pub fn image(&self, point: usize, seed: u64, into: &Path) -> io::Result<()> {
        let mut disk = Disk::default();
        for event in &self.events()[..point] {
            disk.apply(event);
        }
        disk.write(&mut Chance::new(seed, point), into)
    }

    fn events(&self) -> MutexGuard<'_, Vec<Event>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl IoObserver for Recorder {
    fn before(&self, _step: &IoStep<'_>) -> io::Result<Permit> {
        Ok(Permit::all())
    }

    fn after(&self, step: &IoStep<'_>) -> io::Result<()> {
        let path = step.path.to_owned();
        // The bundle's own directory is taken for granted.
        if step.path == ".." || (step.path.is_empty() && step.op == IoOp::Mkdir) {
            return Ok(());
        }
        let event = match step.op {
            IoOp::Create => Event::Create(path),
            IoOp::Write => Event::Write(path, step.data.to_vec()),
            IoOp::Fsync => Event::Sync(path),
            IoOp::FsyncDir => Event::SyncDir(path),
            IoOp::Rename => Event::Rename(path, step.to.unwrap_or_default().to_owned()),
            IoOp::Link => Event::Link(path, step.to.unwrap_or_default().to_owned()),
            IoOp::Unlink => Event::Unlink(path),
            IoOp::Mkdir => Event::Mkdir(path),
            _ => return Ok(()),
        };
        self.events().push(event);
        Ok(())
    }
}

/// Everything that was done, with what of it is durable.
#[derive(Debug, Default)]
struct Disk {
    files: Vec<Content>,
    /// Which file a name means to whoever looks while the machine runs.
    seen: BTreeMap<String, usize>,
    durable: BTreeMap<String, Node>,
    /// Changes of names that no `fsync` of their directory has covered.
    pending: Vec<NameChange>,
}

#[derive(Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    /// How many of them are durable.
    synced: usize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Node {
    File(usize),
    Directory,
}

/// One change of a directory: which names mean what afterwards. A rename is one change of two names.
#[derive(Debug, Clone)]
struct NameChange {
    dir: String,
    names: Vec<(String, Option<Node>)>,
}

impl Disk {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::Create(path) => {
                self.files.push(Content::default());
                self.seen.insert(path.clone(), self.files.len() - 1);
                self.name(path, vec![(path.clone(), Some(Node::File(self.files.len() - 1)))]);
            }
            Event::Write(path, data) => {
                if let Some(file) = self.file(path) {
                    file.bytes.extend(data);
                }
            }
            Event::Sync(path) => {
                if let Some(file) = self.file(path) {
                    file.synced = file.bytes.len();
                }
            }
            Event::Rename(from, to) => {
                if let Some(file) = self.seen.remove(from) {
                    self.seen.insert(to.clone(), file);
                    self.name(to, vec![(from.clone(), None), (to.clone(), Some(Node::File(file)))]);
                }
            }
            Event::Link(from, to) => {
                if let Some(file) = self.seen.get(from).copied() {
                    self.seen.insert(to.clone(), file);
                    self.name(to, vec![(to.clone(), Some(Node::File(file)))]);
                }
            }
            Event::Unlink(path) => {
                self.seen.remove(path);
                self.name(path, vec![(path.clone(), None)]);
            }
            Event::Mkdir(path) => self.name(path, vec![(path.clone(), Some(Node::Directory))]),
            Event::SyncDir(dir) => {
                let (synced, pending) = std::mem::take(&mut self.pending).into_iter().partition(|c| c.dir == *dir);
                self.pending = pending;
                for change in synced {
                    set(&mut self.durable, &change);
                }
            }
        }
    }

    fn file(&mut self, path: &str) -> Option<&mut Content> {
        let number = *self.seen.get(path)?;
        self.files.get_mut(number)
    }

    fn name(&mut self, path: &str, names: Vec<(String, Option<Node>)>) {
        let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir).to_owned();
        self.pending.push(NameChange { dir, names });
    }

    fn write(self, chance: &mut Chance, into: &Path) -> io::Result<()> {
        let mut names = self.durable;
        let mut pending = self.pending;
        chance.shuffle(&mut pending);
        for change in pending.iter().filter(|_| chance.happens()) {
            set(&mut names, change);
        }
        // In the order of their paths, so that a directory comes before what is in it.
        for (path, node) in names {
            let path = into.join(path);
            match node {
                _ if !path.parent().is_some_and(Path::is_dir) => {}
                Node::Directory => std::fs::create_dir(path)?,
                Node::File(number) => std::fs::write(path, self.files[number].found(chance))?,
            }
        }
        Ok(())
    }
}

fn set(names: &mut BTreeMap<String, Node>, change: &NameChange) {
    for (name, node) in &change.names {
        match node {
            Some(node) => drop(names.insert(name.clone(), *node)),
            None => drop(names.remove(name)),
        }
    }
}

impl Content {
    /// What is there of it.
    fn found(&self, chance: &mut Chance) -> Vec<u8> {
        const SECTOR: usize = 512;
        let unsynced = self.bytes.len() - self.synced;
        if unsynced == 0 {
            return self.bytes.clone();
        }
        match chance.kind() {
            Kind::Nothing => self.bytes[..self.synced].to_vec(),
            Kind::All => self.bytes.clone(),
            Kind::Prefix => self.bytes[..self.synced + chance.below(unsynced + 1)].to_vec(),
            Kind::Torn => {
                let mut bytes = self.bytes.clone();
                for start in (self.synced..bytes.len()).step_by(SECTOR) {
                    if chance.below(2) == 0 {
                        let end = (start + SECTOR).min(bytes.len());
                        bytes[start..end].fill(0);
                    }
                }
                bytes
            }
        }
    }
}

enum Kind {
    Nothing,
    All,
    Prefix,
    Torn,
}

/// What happens to be there: numbers from a seed.
struct Chance {
    seed: u64,
    random: SplitMix,
}

impl Chance {
    fn new(seed: u64, point: usize) -> Self {
        Self { seed, random: SplitMix::new((seed << 32) ^ point as u64) }
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.random.below(bound.max(1) as u64)).unwrap_or(0)
    }

    fn happens(&mut self) -> bool {
        match self.seed {
            0 => false,
            1 => true,
            _ => self.below(2) == 0,
        }
    }

    fn kind(&mut self) -> Kind {
        match (self.seed, self.below(4)) {
            (0, _) => Kind::Nothing,
            (1, _) => Kind::All,
            (_, 0) => Kind::Nothing,
            (_, 1) => Kind::All,
            (_, 2) => Kind::Prefix,
            _ => Kind::Torn,
        }
    }

    /// In any order, but for the two images that are no matter of chance.
    fn shuffle<T>(&mut self, list: &mut [T]) {
        if self.seed < 2 {
            return;
        }
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(events: &[Event]) -> Arc<Recorder> {
        let recorder = Recorder::new();
        recorder.events().extend_from_slice(events);
        recorder
    }

    /// The contents of `a` over many images; `None` where it is not there.
    fn found(events: &[Event]) -> Vec<Option<Vec<u8>>> {
        let recorder = recorded(events);
        let mut found: Vec<Option<Vec<u8>>> = (0..200)
            .map(|seed| {
                let dir = tempfile::tempdir().unwrap();
                recorder.image(events.len(), seed, dir.path()).unwrap();
                std::fs::read(dir.path().join("a")).ok()
            })
            .collect();
        found.sort();
        found.dedup();
        found
    }

    /// The way in which files are written safely, and what goes wrong when any of its steps is left out.
    #[test]
    fn a_file_survives_only_with_all_the_steps() {
        let text = |text: &str| text.to_owned();
        let all = [
            Event::Create(text("t")),
            Event::Write(text("t"), b"whole".to_vec()),
            Event::Sync(text("t")),
            Event::Rename(text("t"), text("a")),
            Event::SyncDir(String::new()),
        ];
        assert_eq!(found(&all), [Some(b"whole".to_vec())]);
        let without = |step: usize| -> Vec<Event> {
            all.iter().enumerate().filter(|(n, _)| *n != step).map(|(_, event)| event.clone()).collect()
        };
        assert_eq!(found(&without(4)), [None, Some(b"whole".to_vec())]);
        let torn = found(&without(2));
        assert!(torn.contains(&Some(Vec::new())) && torn.contains(&Some(b"wh".to_vec())), "{torn:?}");
        assert!(torn.contains(&Some(vec![0; 5])) && torn.contains(&Some(b"whole".to_vec())), "{torn:?}");
        assert!(!torn.contains(&None));
    }

    #[test]
    fn a_directory_that_was_not_synced_takes_its_files_along() {
        let events = [
            Event::Mkdir("d".to_owned()),
            Event::Create("d/f".to_owned()),
            Event::Sync("d/f".to_owned()),
            Event::SyncDir("d".to_owned()),
        ];
        let dir = tempfile::tempdir().unwrap();
        recorded(&events).image(4, 0, dir.path()).unwrap();
        assert!(!dir.path().join("d").exists());
        recorded(&events).image(4, 1, dir.path()).unwrap();
        assert!(dir.path().join("d/f").exists());
    }
}
