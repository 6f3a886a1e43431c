//! An object store whose requests and answers fare as a network lets them: lost, late, twice.
//!
//! Everything follows from a seed, in one thread. A request may be carried out long after it was given up, after others that were sent
//! later; it may be carried out twice; its answer may be lost. Between any two requests of one writer others may have a turn: whoever makes
//! the store says what they do then. What the store itself promises holds: a condition is compared and the object replaced at once, and who
//! reads after a write sees it.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use datafolio_core::RelPath;
use datafolio_storage::{
    FileInfo, MemoryStorage, Publish, Reread, Source, Staged, Storage, StorageError, StorageResult, VersionTag,
    WriteLock,
};

/// Of a hundred requests, how many fare in which way.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weather {
    /// Carried out, and the answer is lost.
    pub answer_lost: u64,
    /// Never carried out, and there is no answer.
    pub lost: u64,
    /// Given up, and carried out later.
    pub late: u64,
    /// Carried out, and once more later; the answer is that of the second.
    pub twice: u64,
    /// Reads that fail.
    pub unreadable: u64,
    /// Before a request, another writer has a turn.
    pub interleaved: u64,
}

type Turn = Arc<dyn Fn(u64) + Send + Sync>;

/// The store as one writer reaches it; clones reach the same one.
#[derive(Clone)]
pub struct SimulatedStore {
    files: MemoryStorage,
    network: Arc<Mutex<Network>>,
    /// Which store of this process it is: what others have found out of theirs is kept by its address.
    number: u64,
    /// How many requests are sent before the process that sends them is killed.
    left: Option<Arc<AtomicU64>>,
}

struct Network {
    random: u64,
    weather: Weather,
    on_their_way: Vec<Request>,
    turn: Option<Turn>,
    /// What was written and deleted, one request after the other.
    story: Vec<String>,
}

/// A request that is carried out later.
enum Request {
    Publish(RelPath, Vec<u8>, Option<VersionTag>),
    Create(RelPath, Vec<u8>),
    Delete(RelPath),
}

/// How a request fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Fine,
    AnswerLost,
    Lost,
    Late,
    Twice,
}

impl SimulatedStore {
    /// An empty store.
    pub fn new(seed: u64) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let network = Network {
            random: seed,
            weather: Weather::default(),
            on_their_way: Vec::new(),
            turn: None,
            story: Vec::new(),
        };
        Self { files: MemoryStorage::new(), network: Arc::new(Mutex::new(network)), number, left: None }
    }

    /// The same store as a process reaches it that is killed after so many requests: what it would ask for then is never sent.
    pub fn mortal(&self, requests: u64) -> Self {
        Self { left: Some(Arc::new(AtomicU64::new(requests))), ..self.clone() }
    }

    /// How requests fare from now on.
    pub fn set_weather(&self, weather: Weather) {
        self.network().weather = weather;
    }

    /// What others do between two requests; they are given a random number. While they do it nobody else has a turn.
    pub fn set_turn(&self, turn: impl Fn(u64) + Send + Sync + 'static) {
        self.network().turn = Some(Arc::new(turn));
    }

    /// Fair weather, and nobody's turn: what is on its way arrives, in any order.
    pub fn calm_down(&self) {
        {
            let mut network = self.network();
            (network.weather, network.turn) = (Weather::default(), None);
        }
        while self.deliver() {}
    }

    /// What was asked for so far that changes anything, and what became of it: for when something has gone wrong.
    pub fn story(&self) -> String {
        self.network().story.join("\n")
    }

    fn tell(&self, request: &str, path: &RelPath, fate: impl fmt::Debug, bytes: &[u8]) {
        let writer = if self.left.is_some() { " of one who is killed" } else { "" };
        let is_text = path.as_str().ends_with(".json");
        let text = if is_text { String::from_utf8_lossy(bytes) } else { Cow::default() };
        self.network().story.push(format!("{request} {path}{writer}: {fate:?} {text}"));
    }

    /// A random number below this.
    pub fn draw(&self, below: u64) -> u64 {
        self.network().draw(below)
    }

    fn network(&self) -> MutexGuard<'_, Network> {
        self.network.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries out one of the requests that are on their way.
    fn deliver(&self) -> bool {
        let request = {
            let mut network = self.network();
            let count = network.on_their_way.len() as u64;
            if count == 0 {
                return false;
            }
            let at = network.draw(count) as usize;
            network.on_their_way.swap_remove(at)
        };
        match request {
            Request::Publish(path, bytes, expected) => {
                let done = self.files.publish(&path, &bytes, expected.as_ref());
                self.tell("late PUT", &path, done, &[]);
            }
            Request::Create(path, bytes) => {
                let done = self.create_whole(&path, &bytes);
                self.tell("late create", &path, done, &[]);
            }
            Request::Delete(path) => {
                let done = self.files.delete(&path);
                self.tell("late DELETE", &path, done, &[]);
            }
        }
        true
    }

    /// What happens before a request: something that was late arrives, or others have a turn.
    fn pass(&self) {
        let (delivers, turn) = {
            let mut network = self.network();
            let delivers = !network.on_their_way.is_empty() && network.draw(100) < 30;
            let is_others = network.weather.interleaved > network.draw(100);
            (delivers, if is_others { network.turn.take() } else { None })
        };
        if delivers {
            self.deliver();
        }
        if let Some(turn) = turn {
            turn(self.draw(u64::MAX));
            let mut network = self.network();
            if network.weather.interleaved > 0 {
                network.turn = Some(turn);
            }
        }
    }

    /// Whether the process that sends requests was killed.
    fn is_dead(&self) -> bool {
        let one_less = |left: u64| left.checked_sub(1);
        self.left.as_ref().is_some_and(|left| left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_err())
    }

    fn fate(&self) -> Fate {
        if self.is_dead() {
            return Fate::Lost;
        }
        let mut network = self.network();
        let mut number = network.draw(100);
        let weather = network.weather;
        let rates = [
            (weather.answer_lost, Fate::AnswerLost),
            (weather.lost, Fate::Lost),
            (weather.late, Fate::Late),
            (weather.twice, Fate::Twice),
        ];
        for (rate, fate) in rates {
            if number < rate {
                return fate;
            }
            number -= rate;
        }
        Fate::Fine
    }

    fn no_answer(&self, action: &'static str, path: impl fmt::Display) -> StorageError {
        StorageError::Unreachable {
            action,
            path: path.to_string(),
            location: self.location(),
            source: io::Error::from(io::ErrorKind::TimedOut),
        }
    }

    /// Before a read, which may fail.
    fn reading(&self, path: &RelPath) -> StorageResult<()> {
        self.pass();
        let is_dead = self.is_dead();
        let mut network = self.network();
        let fails = network.weather.unreadable > network.draw(100);
        drop(network);
        if fails || is_dead { Err(self.no_answer("read", path)) } else { Ok(()) }
    }

    fn create_whole(&self, path: &RelPath, bytes: &[u8]) -> StorageResult<()> {
        let mut staged = self.files.create(path)?;
        staged.write_all(bytes).map_err(|error| StorageError::from_io("write", path.as_str(), "memory", error))?;
        staged.finish()
    }

    fn delayed(&self, request: Request) {
        self.network().on_their_way.push(request);
    }
}

impl Network {
    /// SplitMix64.
    fn draw(&mut self, below: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below.max(1)
    }
}

impl fmt::Debug for SimulatedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimulatedStore")
    }
}

impl Storage for SimulatedStore {
    fn location(&self) -> String {
        format!("sim://store-{}", self.number)
    }

    fn caveat(&self) -> Option<String> {
        None
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn local_path(&self, _path: &RelPath) -> Option<PathBuf> {
        None
    }

    fn stat(&self, path: &RelPath) -> StorageResult<Option<FileInfo>> {
        self.reading(path)?;
        self.files.stat(path)
    }

    fn read(&self, path: &RelPath, limit: u64) -> StorageResult<Vec<u8>> {
        self.reading(path)?;
        self.files.read(path, limit)
    }

    fn open(&self, path: &RelPath) -> StorageResult<Arc<dyn Source>> {
        self.reading(path)?;
        self.files.open(path)
    }

    fn open_sized(&self, path: &RelPath, size: u64) -> StorageResult<Arc<dyn Source>> {
        self.reading(path)?;
        self.files.open_sized(path, size)
    }

    fn arrived(&self, _path: &RelPath) -> StorageResult<()> {
        Ok(())
    }

    fn create(&self, path: &RelPath) -> StorageResult<Box<dyn Staged>> {
        Ok(Box::new(Upload { store: self.clone(), path: path.clone(), bytes: Vec::new() }))
    }

    fn list(&self, dir: Option<&RelPath>) -> StorageResult<Vec<FileInfo>> {
        self.pass();
        match self.is_dead() {
            true => Err(self.no_answer("list", dir.map_or_else(String::new, ToString::to_string))),
            false => self.files.list(dir),
        }
    }

    fn delete(&self, path: &RelPath) -> StorageResult<()> {
        self.pass();
        let fate = self.fate();
        self.tell("DELETE", path, fate, &[]);
        if matches!(fate, Fate::Fine | Fate::AnswerLost | Fate::Twice) {
            self.files.delete(path)?;
        }
        if matches!(fate, Fate::Late | Fate::Twice) {
            self.delayed(Request::Delete(path.clone()));
        }
        match fate {
            Fate::Fine | Fate::Twice => Ok(()),
            Fate::AnswerLost | Fate::Lost | Fate::Late => Err(self.no_answer("delete", path)),
        }
    }

    fn now(&self) -> StorageResult<SystemTime> {
        self.files.now()
    }

    fn settle(&self) -> StorageResult<()> {
        Ok(())
    }

    fn duplicate(&self, from: &RelPath, to: &RelPath) -> StorageResult<()> {
        self.pass();
        self.tell("copy", from, to, &[]);
        match self.is_dead() {
            true => Err(self.no_answer("copy", to)),
            false => self.files.duplicate(from, to),
        }
    }

    fn replace(&self, path: &RelPath, bytes: &[u8]) -> StorageResult<()> {
        self.pass();
        match self.fate() {
            Fate::Fine | Fate::Twice => self.files.replace(path, bytes),
            Fate::AnswerLost => self.files.replace(path, bytes).and(Err(self.no_answer("write", path))),
            Fate::Lost | Fate::Late => Err(self.no_answer("write", path)),
        }
    }

    fn lock(&self, timeout: Duration) -> StorageResult<Box<dyn WriteLock>> {
        self.files.lock(timeout)
    }

    fn read_tagged(&self, path: &RelPath, limit: u64) -> StorageResult<Option<(Vec<u8>, VersionTag)>> {
        self.reading(path)?;
        self.files.read_tagged(path, limit)
    }

    fn is_unchanged(&self, path: &RelPath, tag: &VersionTag) -> StorageResult<bool> {
        self.reading(path)?;
        self.files.is_unchanged(path, tag)
    }

    fn read_if_changed(&self, path: &RelPath, limit: u64, tag: &VersionTag) -> StorageResult<Reread> {
        self.reading(path)?;
        self.files.read_if_changed(path, limit, tag)
    }

    fn publish(&self, path: &RelPath, bytes: &[u8], expected: Option<&VersionTag>) -> StorageResult<Publish> {
        self.pass();
        let fate = self.fate();
        self.tell("PUT", path, fate, bytes);
        if matches!(fate, Fate::Late | Fate::Twice) {
            self.delayed(Request::Publish(path.clone(), bytes.to_vec(), expected.cloned()));
        }
        if matches!(fate, Fate::Lost | Fate::Late) {
            return Ok(Publish::Unclear(self.no_answer("write", path)));
        }
        let done = self.files.publish(path, bytes, expected)?;
        self.tell("PUT", path, &done, &[]);
        Ok(match (fate, done) {
            (Fate::AnswerLost, _) => Publish::Unclear(self.no_answer("write", path)),
            // As of the second, which finds what the first has written; and as all stores answer where a condition does not hold.
            (Fate::Twice, _) | (_, Publish::Lost) => {
                Publish::Unclear(StorageError::AlreadyExists { path: path.to_string(), location: self.location() })
            }
            (_, done) => done,
        })
    }

    fn make_dir(&self, _path: &RelPath) -> StorageResult<()> {
        Ok(())
    }
}

/// An object that is not there before it is whole.
struct Upload {
    store: SimulatedStore,
    path: RelPath,
    bytes: Vec<u8>,
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Staged for Upload {
    fn finish(self: Box<Self>) -> StorageResult<()> {
        self.store.pass();
        let fate = self.store.fate();
        self.store.tell("create", &self.path, fate, &self.bytes);
        if matches!(fate, Fate::Late) {
            self.store.delayed(Request::Create(self.path.clone(), self.bytes.clone()));
        }
        if matches!(fate, Fate::Fine | Fate::AnswerLost | Fate::Twice) {
            self.store.create_whole(&self.path, &self.bytes)?;
        }
        match fate {
            // An upload is tried again by the client, which knows its own.
            Fate::Fine | Fate::Twice => Ok(()),
            Fate::AnswerLost | Fate::Lost | Fate::Late => Err(self.store.no_answer("write", &self.path)),
        }
    }

    fn finish_later(self: Box<Self>) -> StorageResult<()> {
        self.finish()
    }
}
