//! What every implementation of [`Storage`] must do, as tests.
//!
//! An implementation calls [`all`] from a test of its own with a function that makes a new, empty place.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // These functions are tests: failing is their purpose.

use std::any::Any;
use std::fmt;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use datafolio_core::RelPath;

use crate::error::{StorageError, StorageResult};
use crate::storage::{Publish, Reread, Source, Storage, VersionTag};

/// A new, empty place, seen by two handles as two processes would see it.
pub struct Place {
    /// One handle.
    pub first: Arc<dyn Storage>,
    /// Another handle to the same place.
    pub second: Arc<dyn Storage>,
    /// What a tag of the place tells apart.
    pub tags: Tags,
    /// Kept until the test is done: a temporary directory, a server.
    pub keep: Box<dyn Any>,
}

/// What the tags of a place tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tags {
    /// Every state from every other.
    OfStates,
    /// States with different bytes, as the e-tags of S3 do. Catalogues never have the bytes of another: each has the random id of
    /// its commit.
    OfContents,
}

impl Place {
    /// A place whose tags tell every state from every other.
    pub fn new(first: impl Storage + 'static, second: impl Storage + 'static, keep: impl Any) -> Self {
        Self { first: Arc::new(first), second: Arc::new(second), tags: Tags::OfStates, keep: Box::new(keep) }
    }

    /// The bytes of one of many states: the same for all, where tags tell even those apart.
    fn state(&self, number: usize) -> Vec<u8> {
        match self.tags {
            Tags::OfStates => b"same".to_vec(),
            Tags::OfContents => format!("same {number:03}").into_bytes(),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("first", &self.first).field("second", &self.second).finish_non_exhaustive()
    }
}

/// Makes a [`Place`].
pub type MakePlace<'a> = &'a dyn Fn() -> Place;

/// Every test of the suite.
pub fn all(make: MakePlace<'_>) {
    absent_and_present(make);
    create_is_exclusive(make);
    dropped_files_are_gone(make);
    nested_paths(make);
    list_is_complete_and_ordered(make);
    delete_of_missing_and_present(make);
    duplicates_outlive_what_they_were_made_of(make);
    too_large_is_refused(make);
    sources_read_anywhere(make);
    replace_needs_no_state(make);
    publish_creates_once(make);
    publish_wins_or_loses(make);
    changes_are_seen(make);
    tags_never_repeat(make);
    locks_can_be_taken_again(make);
    writers_lose_no_update(make);
}

/// A path from text.
pub fn path(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

/// Writes a whole new file.
pub fn put(storage: &dyn Storage, at: &str, bytes: &[u8]) -> StorageResult<()> {
    let mut staged = storage.create(&path(at))?;
    staged.write_all(bytes).map_err(|error| StorageError::from_io("write", at, "a test", error))?;
    staged.finish()
}

/// The tag of a publish that must not be lost.
pub fn done(published: StorageResult<Publish>) -> VersionTag {
    match published.unwrap() {
        Publish::Done(tag) => tag,
        other => panic!("{other:?}"),
    }
}

/// Where a commit is a conditional request, who makes it looks again in any case.
fn lost(published: StorageResult<Publish>) -> bool {
    matches!(published.unwrap(), Publish::Lost | Publish::Unclear(_))
}

fn is_missing<T: fmt::Debug>(result: StorageResult<T>) -> bool {
    matches!(result.unwrap_err(), StorageError::NotFound { .. })
}

/// Asking for what is not there, and for what is.
pub fn absent_and_present(make: MakePlace<'_>) {
    let Place { first, second, keep: _keep, .. } = make();
    let at = path("items.json");
    assert!(first.stat(&at).unwrap().is_none());
    assert!(is_missing(first.read(&at, 10)));
    assert!(is_missing(first.open(&at)));
    assert!(first.read_tagged(&at, 10).unwrap().is_none());
    assert!(!first.is_unchanged(&at, &VersionTag::from_token("x")).unwrap());
    assert!(first.stat(&path("no/such/dir/file")).unwrap().is_none());
    assert!(is_missing(first.read(&path("no/such/dir/file"), 10)));

    put(first.as_ref(), "items.json", b"hello").unwrap();
    let info = second.stat(&at).unwrap().unwrap();
    assert_eq!((info.path, info.size), (at.clone(), 5));
    assert!(info.modified.elapsed().is_ok_and(|age| age < Duration::from_secs(3600)));
    assert_eq!(second.read(&at, 5).unwrap(), b"hello");
    let (bytes, tag) = second.read_tagged(&at, 5).unwrap().unwrap();
    assert_eq!(bytes, b"hello");
    assert!(second.is_unchanged(&at, &tag).unwrap());
    assert!(first.is_unchanged(&at, &tag).unwrap());
}

/// A name that is taken stays what it is. Of two that write under one name at once, one is told so, at the end at last.
pub fn create_is_exclusive(make: MakePlace<'_>) {
    let Place { first, second, keep: _keep, .. } = make();
    let at = path("tables/a.bin");
    let mut staged = first.create(&at).unwrap();
    staged.write_all(b"one").unwrap();
    let rival = second.create(&at).and_then(|mut rival| {
        rival.write_all(b"two").map_err(|error| StorageError::from_io("write", at.as_str(), "a test", error))?;
        Ok(rival)
    });
    staged.finish().unwrap();
    let told = rival.and_then(|rival| rival.finish());
    assert!(matches!(told.unwrap_err(), StorageError::AlreadyExists { .. }));
    assert!(matches!(put(second.as_ref(), "tables/a.bin", b"three").unwrap_err(), StorageError::AlreadyExists { .. }));
    assert_eq!(second.read(&at, 10).unwrap(), b"one");
}

/// What is not finished leaves nothing, and its name is free.
pub fn dropped_files_are_gone(make: MakePlace<'_>) {
    let Place { first, second, keep: _keep, .. } = make();
    let mut staged = first.create(&path("a/b.bin")).unwrap();
    staged.write_all(b"half").unwrap();
    drop(staged);
    assert!(second.stat(&path("a/b.bin")).unwrap().is_none());
    assert!(second.list(None).unwrap().is_empty());
    put(second.as_ref(), "a/b.bin", b"whole").unwrap();
    assert_eq!(first.read(&path("a/b.bin"), 10).unwrap(), b"whole");
}

/// Directories need not be made first; making them twice is fine.
pub fn nested_paths(make: MakePlace<'_>) {
    let Place { first, second, keep: _keep, .. } = make();
    first.make_dir(&path("tables")).unwrap();
    second.make_dir(&path("tables")).unwrap();
    first.make_dir(&path("x/y")).unwrap();
    put(first.as_ref(), "tables/ns/deep/leaf.bin", b"1").unwrap();
    put(second.as_ref(), "x/y/z.bin", b"2").unwrap();
    assert_eq!(second.read(&path("tables/ns/deep/leaf.bin"), 1).unwrap(), b"1");
    assert_eq!(first.read(&path("x/y/z.bin"), 1).unwrap(), b"2");
}

/// All files, at any depth, in the order of their paths, and only those below the directory that was asked for.
pub fn list_is_complete_and_ordered(make: MakePlace<'_>) {
    let Place { first, second, keep: _keep, .. } = make();
    let mut all = ["a/z", "a/b/c", "a.b", "ab/x", "a/b.c", "B", "größe/ä b", "a/b/c.blocks"];
    for (size, at) in all.iter().enumerate() {
        put(first.as_ref(), at, &vec![0; size]).unwrap();
    }
    first.make_dir(&path("empty/dir")).unwrap();
    let sizes: Vec<_> = second.list(None).unwrap().iter().map(|info| (info.path.to_string(), info.size)).collect();
    let mut expected: Vec<_> = all.iter().enumerate().map(|(size, at)| ((*at).to_owned(), size as u64)).collect();
    expected.sort();
    assert_eq!(sizes, expected);
    all.sort_unstable();
    let names = |dir: &str| -> Vec<String> {
        second.list(Some(&path(dir))).unwrap().iter().map(|info| info.path.to_string()).collect()
    };
    assert_eq!(names("a"), ["a/b.c", "a/b/c", "a/b/c.blocks", "a/z"]);
    assert_eq!(names("a/b"), ["a/b/c", "a/b/c.blocks"]);
    assert!(names("empty").is_empty());
    assert!(names("not/there").is_empty());
}

/// Deleting what is not there is no error.
pub fn delete_of_missing_and_present(make: MakePlace<'_>) {
    let Place { first, second, keep: _keep, .. } = make();
    first.delete(&path("a")).unwrap();
    first.delete(&path("no/dir/a")).unwrap();
    put(first.as_ref(), "d/a", b"1").unwrap();
    second.delete(&path("d/a")).unwrap();
    first.delete(&path("d/a")).unwrap();
    assert!(first.stat(&path("d/a")).unwrap().is_none());
}

/// A second name is as good as the first, and must be free.
pub fn duplicates_outlive_what_they_were_made_of(make: MakePlace<'_>) {
    let Place { first, second, keep: _keep, .. } = make();
    put(first.as_ref(), "d/a", b"12345").unwrap();
    second.duplicate(&path("d/a"), &path("e/f/b")).unwrap();
    let taken = second.duplicate(&path("d/a"), &path("e/f/b")).unwrap_err();
    assert!(matches!(&taken, StorageError::AlreadyExists { path, .. } if path == "e/f/b"), "{taken}");
    first.delete(&path("d/a")).unwrap();
    assert_eq!(first.read(&path("e/f/b"), 10).unwrap(), b"12345");
    let missing = second.duplicate(&path("d/a"), &path("e/c")).unwrap_err();
    assert!(matches!(&missing, StorageError::NotFound { path, .. } if path == "d/a"), "{missing}");
    assert!(second.stat(&path("e/c")).unwrap().is_none());
}

/// A limit holds for every way of reading a whole file.
pub fn too_large_is_refused(make: MakePlace<'_>) {
    let Place { first, keep: _keep, .. } = make();
    put(first.as_ref(), "a", b"12345").unwrap();
    let at = path("a");
    for error in [first.read(&at, 4).unwrap_err(), first.read_tagged(&at, 4).unwrap_err()] {
        assert!(matches!(error, StorageError::TooLarge { size: 5, limit: 4, .. }), "{error}");
    }
    assert_eq!(first.read(&at, 5).unwrap(), b"12345");
    assert_eq!(first.read(&at, u64::MAX).unwrap(), b"12345");
}

/// Any range can be read, and none beyond the end.
pub fn sources_read_anywhere(make: MakePlace<'_>) {
    let Place { first, second, keep: _keep, .. } = make();
    put(first.as_ref(), "a", b"0123456789").unwrap();
    for source in [second.open(&path("a")).unwrap(), second.open_sized(&path("a"), 10).unwrap()] {
        source_reads_anywhere(first.as_ref(), source.as_ref());
        put(first.as_ref(), "a", b"0123456789").unwrap();
    }
    // Where the size that is known is not asked for, a read tells that it is another one.
    let source = second.open_sized(&path("a"), 11).unwrap();
    assert!(source.size() == 10 || source.read_exact_at(&mut [0; 2], 0).is_err());
    let missing = second.open_sized(&path("b"), 11);
    assert!(is_missing(missing.and_then(|source| source.read_exact_at(&mut [0; 2], 0))));
}

fn source_reads_anywhere(storage: &dyn Storage, source: &dyn Source) {
    assert_eq!(source.size(), 10);
    for (offset, length) in [(0, 10), (0, 1), (9, 1), (3, 4), (10, 0), (0, 0)] {
        let mut buffer = vec![0; length];
        source.read_exact_at(&mut buffer, offset).unwrap();
        assert_eq!(buffer, &b"0123456789"[offset as usize..][..length]);
    }
    for (offset, length) in [(0, 11), (10, 1), (11, 1), (u64::MAX, 1), (u64::MAX - 1, 2)] {
        assert!(source.read_exact_at(&mut vec![0; length], offset).is_err(), "{length} bytes from {offset}");
    }
    // What was read of an open file stays readable.
    storage.delete(&path("a")).unwrap();
    let mut buffer = [0; 2];
    source.read_exact_at(&mut buffer, 8).unwrap();
    assert_eq!(&buffer, b"89");
}

/// Derived files are replaced whatever they were.
pub fn replace_needs_no_state(make: MakePlace<'_>) {
    let Place { first, second, keep: _keep, .. } = make();
    first.replace(&path("README.md"), b"one, long").unwrap();
    second.replace(&path("README.md"), b"two").unwrap();
    assert_eq!(first.read(&path("README.md"), 100).unwrap(), b"two");
    first.replace(&path("sub/dir/X.md"), b"").unwrap();
    assert_eq!(first.list(None).unwrap().len(), 2);
}

/// Of two that create the catalogue, one wins.
pub fn publish_creates_once(make: MakePlace<'_>) {
    let Place { first, second, keep: _keep, .. } = make();
    let at = path("items.json");
    assert!(lost(first.publish(&at, b"x", Some(&VersionTag::from_token("0:0:0:0:0")))));
    assert!(first.stat(&at).unwrap().is_none());
    let tag = done(first.publish(&at, b"one", None));
    assert!(lost(second.publish(&at, b"two", None)));
    assert_eq!(second.read(&at, 10).unwrap(), b"one");
    assert!(second.is_unchanged(&at, &tag).unwrap());
    assert_eq!(second.list(None).unwrap().len(), 1, "a file was left behind");
}

/// Publishing needs the tag of the present state.
pub fn publish_wins_or_loses(make: MakePlace<'_>) {
    let Place { first, second, keep: _keep, .. } = make();
    let at = path("items.json");
    let one = done(first.publish(&at, b"one", None));
    let (_, read) = second.read_tagged(&at, 10).unwrap().unwrap();
    assert_eq!(one, read);
    let two = done(second.publish(&at, b"two", Some(&read)));
    assert!(lost(first.publish(&at, b"lost", Some(&one))));
    assert_eq!(first.read(&at, 10).unwrap(), b"two");
    let three = done(first.publish(&at, b"three", Some(&two)));
    assert_ne!(two, three);
    first.delete(&at).unwrap();
    assert!(lost(first.publish(&at, b"lost", Some(&three))));
    assert!(first.list(None).unwrap().is_empty(), "a file was left behind");
}

/// A tag knows its state from every later one: the same size, the same bytes, within the same millisecond.
pub fn changes_are_seen(make: MakePlace<'_>) {
    let place = make();
    let (first, second) = (&place.first, &place.second);
    let at = path("items.json");
    let mut tag = done(first.publish(&at, &place.state(50), None));
    for round in 0..50 {
        assert!(first.is_unchanged(&at, &tag).unwrap());
        assert!(matches!(first.read_if_changed(&at, 10, &tag).unwrap(), Reread::Unchanged));
        let next = place.state(round);
        match round % 3 {
            0 => second.replace(&at, &next).unwrap(),
            1 => drop(done(second.publish(&at, &next, Some(&tag)))),
            _ => {
                second.delete(&at).unwrap();
                assert!(!first.is_unchanged(&at, &tag).unwrap());
                assert!(matches!(first.read_if_changed(&at, 10, &tag).unwrap(), Reread::Gone));
                put(second.as_ref(), "items.json", &next).unwrap();
            }
        }
        assert!(!first.is_unchanged(&at, &tag).unwrap(), "round {round}");
        assert!(lost(first.publish(&at, b"over", Some(&tag))), "round {round}");
        let Reread::Changed(bytes, now) = first.read_if_changed(&at, 10, &tag).unwrap() else {
            panic!("round {round}")
        };
        assert_eq!(bytes, next);
        tag = first.read_tagged(&at, 10).unwrap().unwrap().1;
        assert_eq!(tag, now);
    }
}

/// A tag that is kept stays different from all that come after it.
pub fn tags_never_repeat(make: MakePlace<'_>) {
    let place = make();
    let at = path("items.json");
    let mut tags = vec![done(place.first.publish(&at, &place.state(50), None))];
    for round in 0..50 {
        let next = done(place.first.publish(&at, &place.state(round), tags.last()));
        assert!(!tags.contains(&next));
        tags.push(next);
    }
}

/// A lock that was given back can be had.
pub fn locks_can_be_taken_again(make: MakePlace<'_>) {
    let Place { first, second, keep: _keep, .. } = make();
    for _ in 0..3 {
        drop(first.lock(Duration::from_secs(5)).unwrap());
        drop(second.lock(Duration::from_secs(5)).unwrap());
    }
}

/// Threads that read, add and publish in a loop: every acknowledged addition is in the file.
pub fn writers_lose_no_update(make: MakePlace<'_>) {
    const WRITERS: u8 = 4;
    const ADDITIONS: usize = 10;
    let Place { first, second, keep: _keep, .. } = make();
    let at = path("items.json");
    let add = |storage: &dyn Storage, byte: u8| loop {
        let _lock = storage.lock(Duration::from_secs(60)).unwrap();
        let (mut bytes, tag) = match storage.read_tagged(&at, 1000).unwrap() {
            Some((bytes, tag)) => (bytes, Some(tag)),
            None => (Vec::new(), None),
        };
        bytes.push(byte);
        if matches!(storage.publish(&at, &bytes, tag.as_ref()).unwrap(), Publish::Done(_)) {
            return;
        }
    };
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let storage = if writer % 2 == 0 { &first } else { &second };
            scope.spawn(move || (0..ADDITIONS).for_each(|_| add(storage.as_ref(), writer)));
        }
    });
    let bytes = first.read(&at, 1000).unwrap();
    for writer in 0..WRITERS {
        assert_eq!(bytes.iter().filter(|byte| **byte == writer).count(), ADDITIONS, "of writer {writer}");
    }
}
