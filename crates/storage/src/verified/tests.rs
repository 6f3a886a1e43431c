use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::*;
use crate::conformance::path;
use crate::local::LocalStorage;
use crate::memory::MemoryStorage;
use crate::payload::PayloadWriter;
use crate::reader::{SourceReader, hash_source};

const SIZES: [usize; 6] = [0, 1, BLOCK_SIZE - 1, BLOCK_SIZE, BLOCK_SIZE + 1, 3 * BLOCK_SIZE];

/// A payload in a bundle of its own.
struct Fixture {
    _dir: TempDir,
    storage: Arc<dyn Storage>,
    payload: Payload,
    file: PathBuf,
    bytes: Vec<u8>,
}

impl Fixture {
    fn new(size: usize) -> Self {
        let dir = TempDir::new().unwrap();
        let storage: Arc<dyn Storage> = Arc::new(LocalStorage::open(dir.path()).unwrap());
        let bytes: Vec<u8> = (0..size).map(|n| (n * 31 % 251) as u8).collect();
        let mut writer = PayloadWriter::create(&storage, "tables", "a", ".bin").unwrap();
        writer.write_all(&bytes).unwrap();
        let payload = writer.finish().unwrap();
        let file = storage.local_path(&payload.path).unwrap();
        Self { _dir: dir, storage, payload, file, bytes }
    }

    fn expected(&self) -> Expected {
        Expected::from(&self.payload)
    }

    fn open_as(&self, expected: Expected, verification: Verification) -> StorageResult<VerifiedSource> {
        let cache = VerifiedCache::disabled();
        VerifiedSource::open(&self.storage, &self.payload.path, expected, verification, &cache)
    }

    fn open(&self, verification: Verification) -> StorageResult<VerifiedSource> {
        self.open_as(self.expected(), verification)
    }

    /// Opens and reads a range, with checks of what is touched.
    fn read(&self, start: usize, length: usize) -> StorageResult<Vec<u8>> {
        let mut buffer = vec![0; length];
        self.open(Verification::Touched)?.read_exact_at(&mut buffer, start as u64)?;
        Ok(buffer)
    }

    fn flip(&self, bit: usize) {
        let mut file = fs::File::options().read(true).write(true).open(&self.file).unwrap();
        let mut byte = [0];
        file.seek(SeekFrom::Start((bit / 8) as u64)).unwrap();
        file.read_exact(&mut byte).unwrap();
        byte[0] ^= 1 << (bit % 8);
        file.seek(SeekFrom::Start((bit / 8) as u64)).unwrap();
        file.write_all(&byte).unwrap();
    }

    /// As if it had been written long ago, so that what is checked is remembered.
    fn age(&self, hours: u64) {
        let then = SystemTime::now() - Duration::from_secs(hours * 3600);
        fs::File::options().write(true).open(&self.file).unwrap().set_modified(then).unwrap();
    }

    fn blocks_file(&self) -> PathBuf {
        self.storage.local_path(&self.expected().blocks.unwrap().0).unwrap()
    }
}

fn is_damaged<T: std::fmt::Debug>(result: StorageResult<T>, of: &str) -> bool {
    match result {
        Err(StorageError::Damaged { path, .. }) => path.ends_with(of),
        _ => false,
    }
}

#[test]
fn whole_payloads_pass() {
    for size in SIZES {
        let fixture = Fixture::new(size);
        for verification in [Verification::Full, Verification::Touched, Verification::Off] {
            let source = fixture.open(verification).unwrap();
            assert_eq!(source.size(), size as u64);
            let mut all = Vec::new();
            SourceReader::new(Arc::new(source)).read_to_end(&mut all).unwrap();
            assert_eq!(all, fixture.bytes);
        }
    }
}

#[test]
fn every_range_is_read_right() {
    let fixture = Fixture::new(3 * BLOCK_SIZE + 17);
    let edges = [0, 1, BLOCK_SIZE - 1, BLOCK_SIZE, BLOCK_SIZE + 1, 2 * BLOCK_SIZE, 3 * BLOCK_SIZE, 3 * BLOCK_SIZE + 17];
    let shared = fixture.open(Verification::Touched).unwrap();
    for start in edges {
        for end in edges.into_iter().filter(|end| *end >= start) {
            let fresh = fixture.open(Verification::Touched).unwrap();
            for source in [&shared, &fresh] {
                let mut buffer = vec![0; end - start];
                source.read_exact_at(&mut buffer, start as u64).unwrap();
                assert!(buffer == fixture.bytes[start..end], "{start}..{end}");
            }
        }
        assert!(shared.read_exact_at(&mut vec![0; 3 * BLOCK_SIZE + 18 - start], start as u64).is_err());
    }
    assert!(shared.read_exact_at(&mut [0], u64::MAX).is_err());
}

#[test]
fn every_flipped_bit_is_found() {
    for size in SIZES.into_iter().filter(|size| *size > 0) {
        let fixture = Fixture::new(size);
        let bits = size * 8;
        let mut places = vec![0, 7, bits / 2, bits - 8, bits - 1];
        places.extend((1..20).map(|n| n * 7_368_787 % bits));
        places.extend([BLOCK_SIZE * 8 - 1, BLOCK_SIZE * 8].into_iter().filter(|bit| *bit < bits));
        for bit in places {
            fixture.flip(bit);
            let byte = bit / 8;
            assert!(is_damaged(fixture.open(Verification::Full), ".bin"), "full: bit {bit} of {size} bytes");
            for (start, length) in [(0, size), (byte, 1), (byte.saturating_sub(3), 1 + byte.min(3))] {
                assert!(is_damaged(fixture.read(start, length), ".bin"), "bit {bit} of {size} bytes, from {start}");
            }
            // Without a check it is what it is.
            fixture.open(Verification::Off).unwrap().read_exact_at(&mut [0], byte as u64).unwrap();
            // What lies in other blocks can still be had.
            if size > BLOCK_SIZE && byte >= BLOCK_SIZE {
                assert_eq!(fixture.read(5, 100).unwrap(), fixture.bytes[5..105]);
            }
            fixture.flip(bit);
        }
        assert_eq!(fixture.read(0, size).unwrap(), fixture.bytes);
    }
}

#[test]
fn other_sizes_and_swapped_files_are_found() {
    for size in SIZES {
        let fixture = Fixture::new(size);
        let damaged_everywhere = |what: &str| {
            for verification in [Verification::Full, Verification::Touched, Verification::Off] {
                assert!(is_damaged(fixture.open(verification), ".bin"), "{what}, {size} bytes, {verification:?}");
            }
        };
        fs::write(&fixture.file, [&fixture.bytes[..], b"x"].concat()).unwrap();
        damaged_everywhere("appended");
        if size > 0 {
            fs::write(&fixture.file, &fixture.bytes[..size - 1]).unwrap();
            damaged_everywhere("truncated");
            fs::write(&fixture.file, b"").unwrap();
            damaged_everywhere("emptied");
            // Another payload of the same size in its place.
            fs::write(&fixture.file, vec![9; size]).unwrap();
            assert!(is_damaged(fixture.open(Verification::Full), ".bin"));
            assert!(is_damaged(fixture.read(size - 1, 1), ".bin"));
        }
        fs::remove_file(&fixture.file).unwrap();
        assert_eq!(fixture.open(Verification::Off).unwrap_err().code(), "file-not-found");
    }
}

#[test]
fn a_file_cut_short_while_it_is_open() {
    let fixture = Fixture::new(3 * BLOCK_SIZE);
    let source = fixture.open(Verification::Touched).unwrap();
    fs::File::options().write(true).open(&fixture.file).unwrap().set_len(10).unwrap();
    assert!(is_damaged(source.read_exact_at(&mut [0; 20], 0), ".bin"));
}

#[test]
fn damaged_block_checksums() {
    let fixture = Fixture::new(3 * BLOCK_SIZE);
    let good = fs::read(fixture.blocks_file()).unwrap();
    let without_hashes = Expected { sha256: None, md5: None, ..fixture.expected() };
    let wrongs: [(&str, Option<Vec<u8>>); 5] = [
        ("missing", None),
        ("empty", Some(Vec::new())),
        ("short", Some(good[..good.len() - 1].to_vec())),
        ("long", Some(vec![0; 1 << 20])),
        ("flipped", Some([&good[..30], &[good[30] ^ 1], &good[31..]].concat())),
    ];
    for (what, content) in wrongs {
        match content {
            None => fs::remove_file(fixture.blocks_file()).unwrap(),
            Some(content) => fs::write(fixture.blocks_file(), content).unwrap(),
        }
        // A check of everything says so; so does one that has nothing else to go by.
        for error in [
            fixture.open(Verification::Full).unwrap_err(),
            fixture.open_as(without_hashes.clone(), Verification::Touched).unwrap_err(),
        ] {
            assert!(error.to_string().contains(".bin.blocks"), "{what}: {error}");
        }
        // A reader gets its bytes, checked another way.
        assert_eq!(fixture.read(5, 10).unwrap(), fixture.bytes[5..15], "{what}");
        fixture.flip(2 * BLOCK_SIZE * 8);
        assert!(is_damaged(fixture.read(5, 10), ".bin"), "{what}");
        fixture.flip(2 * BLOCK_SIZE * 8);
    }
    // Checksums of another payload, with the right hash: consistent with the entry and wrong for the file.
    let mut other = blocks::encode(3 * BLOCK_SIZE as u64, &[[7; 32]; 3]);
    let expected = |content: &[u8]| {
        let (path, _) = fixture.expected().blocks.unwrap();
        Expected { blocks: Some((path, hex(&Sha256::digest(content)))), ..fixture.expected() }
    };
    fs::write(fixture.blocks_file(), &other).unwrap();
    assert!(is_damaged(fixture.open_as(expected(&other), Verification::Full), ".bin"));
    let source = fixture.open_as(expected(&other), Verification::Touched).unwrap();
    assert!(is_damaged(source.read_exact_at(&mut [0], 0), ".bin"));
    // A hostile header, with the right hash.
    other[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    fs::write(fixture.blocks_file(), &other).unwrap();
    assert!(is_damaged(fixture.open_as(expected(&other), Verification::Full), ".blocks"));
    assert_eq!(fixture.open_as(expected(&other), Verification::Touched).unwrap().size(), 3 * BLOCK_SIZE as u64);
}

#[test]
fn other_block_sizes_are_read() {
    let fixture = Fixture::new(3 * BLOCK_SIZE + 5);
    for block_size in [4096, 1024 * 1024] {
        let checksums: Vec<_> = fixture.bytes.chunks(block_size).map(|block| *blake3::hash(block).as_bytes()).collect();
        let mut content = blocks::encode(fixture.payload.size, &checksums);
        content[8..12].copy_from_slice(&(block_size as u32).to_le_bytes());
        fs::write(fixture.blocks_file(), &content).unwrap();
        let (path, _) = fixture.expected().blocks.unwrap();
        let expected = Expected { blocks: Some((path, hex(&Sha256::digest(&content)))), ..fixture.expected() };
        fixture.open_as(expected.clone(), Verification::Full).unwrap();
        let source = fixture.open_as(expected.clone(), Verification::Touched).unwrap();
        let mut all = vec![0; fixture.bytes.len()];
        source.read_exact_at(&mut all, 0).unwrap();
        assert!(all == fixture.bytes);
        let bit = (2 * BLOCK_SIZE + 9) * 8;
        fixture.flip(bit);
        assert!(is_damaged(fixture.open_as(expected.clone(), Verification::Full), ".bin"));
        let source = fixture.open_as(expected, Verification::Touched).unwrap();
        assert!(is_damaged(source.read_exact_at(&mut [0], (bit / 8) as u64), ".bin"));
        fixture.flip(bit);
    }
}

/// Files of Python DataFolio: an MD5, and nothing else.
#[test]
fn an_md5_alone_is_enough() {
    let fixture = Fixture::new(3 * BLOCK_SIZE);
    let expected = Expected { md5: fixture.expected().md5.map(|md5| md5.to_uppercase()), ..Expected::default() };
    fixture.open_as(expected.clone(), Verification::Touched).unwrap();
    fixture.flip(12_345);
    assert!(is_damaged(fixture.open_as(expected.clone(), Verification::Touched), ".bin"));
    assert!(is_damaged(fixture.open_as(expected, Verification::Full), ".bin"));
    fixture.open_as(Expected::default(), Verification::Full).unwrap();
}

/// Everything that is recorded must fit, though each hash alone would do.
#[test]
fn a_full_check_uses_every_hash() {
    let fixture = Fixture::new(10);
    for expected in [
        Expected { md5: Some("0".repeat(32)), ..fixture.expected() },
        Expected { sha256: Some("0".repeat(64)), ..fixture.expected() },
    ] {
        let error = fixture.open_as(expected, Verification::Full).unwrap_err().to_string();
        assert!(error.contains("00000000") && error.contains("was recorded"), "{error}");
    }
}

#[test]
fn what_was_checked_is_not_checked_again() {
    for size in [1000, 3 * BLOCK_SIZE] {
        let fixture = Fixture::new(size);
        fixture.age(5);
        let modified = fs::metadata(&fixture.file).unwrap().modified().unwrap();
        assert_eq!(fixture.read(0, 10).unwrap(), fixture.bytes[..10]);
        fixture.flip(3);
        fs::File::options().write(true).open(&fixture.file).unwrap().set_modified(modified).unwrap();
        // Damage that leaves no trace in the times shows that the block was not read for checking.
        fixture.read(0, 10).unwrap();
        // The rest of a large file was not checked and is.
        if size > BLOCK_SIZE {
            fixture.flip((BLOCK_SIZE + 5) * 8);
            fs::File::options().write(true).open(&fixture.file).unwrap().set_modified(modified).unwrap();
            assert!(is_damaged(fixture.read(BLOCK_SIZE, 1), ".bin"));
        }
        // A changed time brings the check back.
        fixture.age(6);
        assert!(is_damaged(fixture.read(0, 10), ".bin"));
    }
}

/// Bytes decay without a trace in the times: once a full check has found that, nobody is served them for verified.
#[test]
fn what_a_full_check_finds_damaged_is_not_known_any_more() {
    for size in [1000, 3 * BLOCK_SIZE] {
        let fixture = Fixture::new(size);
        fixture.age(5);
        let modified = fs::metadata(&fixture.file).unwrap().modified().unwrap();
        assert_eq!(fixture.read(0, size).unwrap(), fixture.bytes);
        fixture.flip(3);
        fs::File::options().write(true).open(&fixture.file).unwrap().set_modified(modified).unwrap();
        assert_eq!(fixture.read(0, 1).unwrap().len(), 1, "nobody has looked yet");
        assert!(is_damaged(fixture.open(Verification::Full), ".bin"));
        assert!(is_damaged(fixture.read(0, 1), ".bin"));
    }
}

/// A file that was written a moment ago may change again without a trace in its times.
#[test]
fn a_fresh_file_is_not_remembered() {
    let fixture = Fixture::new(1000);
    let ahead = SystemTime::now() + Duration::from_secs(3600);
    let touch = || fs::File::options().write(true).open(&fixture.file).unwrap().set_modified(ahead).unwrap();
    touch();
    fixture.read(0, 10).unwrap();
    fixture.flip(3);
    touch();
    assert!(is_damaged(fixture.read(0, 10), ".bin"));
}

#[test]
fn the_cache_knows_what_was_written_or_checked() {
    let cache_dir = TempDir::new().unwrap();
    let cache = VerifiedCache::new(Some(cache_dir.path().join("made/later")));
    let size = 5 * BLOCK_SIZE;
    let fixture = Fixture::new(size);
    fixture.age(5);
    let identity = || fixture.storage.open(&fixture.payload.path).unwrap().identity().unwrap();
    let hash = fixture.payload.sha256.clone();
    assert!(!cache.knows(&identity(), &hash));
    cache.remember_payload(fixture.storage.as_ref(), &fixture.payload).unwrap();
    assert!(cache.knows(&identity(), &hash));
    assert!(!VerifiedCache::disabled().knows(&identity(), &hash));
    // Known files are not read.
    fixture.flip(3);
    fixture.age(7);
    assert!(!cache.knows(&identity(), &hash), "the time of the last write is another");
    cache.remember(&identity(), &hash);
    let open = |cache: &VerifiedCache, verification| {
        VerifiedSource::open(&fixture.storage, &fixture.payload.path, fixture.expected(), verification, cache)
    };
    open(&cache, Verification::Touched).unwrap().read_exact_at(&mut [0], 0).unwrap();
    assert!(is_damaged(open(&cache, Verification::Full), ".bin"));
    assert!(!cache.knows(&identity(), &hash));
    fixture.flip(3);
    // When all blocks have been checked, the file is known.
    fixture.age(8);
    let source = open(&cache, Verification::Touched).unwrap();
    let blocks_hash = fixture.expected().blocks_hash().unwrap();
    source.read_exact_at(&mut vec![0; size - BLOCK_SIZE], BLOCK_SIZE as u64).unwrap();
    assert!(!cache.knows(&identity(), &blocks_hash));
    source.read_exact_at(&mut [0], 0).unwrap();
    assert!(cache.knows(&identity(), &blocks_hash));
    // A cache that cannot be written is no obstacle.
    let blocked = cache_dir.path().join("a-file");
    fs::write(&blocked, "").unwrap();
    open(&VerifiedCache::new(Some(blocked)), Verification::Full).unwrap();
}

/// Whoever takes the file itself reads it unseen: all of it is checked before.
#[test]
fn the_file_is_given_away_only_when_it_is_good() {
    let fixture = Fixture::new(3 * BLOCK_SIZE);
    let file = fixture.open(Verification::Touched).unwrap().try_clone_file().unwrap().unwrap();
    assert_eq!(file.metadata().unwrap().len(), 3 * BLOCK_SIZE as u64);
    fixture.flip(2 * BLOCK_SIZE * 8 + 1);
    let source = fixture.open(Verification::Touched).unwrap();
    let error = source.try_clone_file().unwrap().unwrap_err();
    assert!(matches!(StorageError::from_io("map", "", "", error), StorageError::Damaged { .. }));
    assert!(source.verify_rest().is_err());
}

#[test]
fn a_source_is_a_stream() {
    let fixture = Fixture::new(3 * BLOCK_SIZE);
    let source: Arc<dyn Source> = Arc::new(fixture.open(Verification::Touched).unwrap());
    let (sha256, md5) = hash_source(source.as_ref()).unwrap();
    assert_eq!((sha256, Some(md5)), (fixture.payload.sha256.clone(), fixture.payload.md5.clone()));
    let mut reader = SourceReader::new(source);
    let size = fixture.bytes.len();
    let mut buffer = [0; 5];
    assert_eq!(reader.seek(SeekFrom::End(-3)).unwrap(), size as u64 - 3);
    assert_eq!(reader.read(&mut buffer).unwrap(), 3);
    assert_eq!(buffer[..3], fixture.bytes[size - 3..]);
    assert_eq!(reader.read(&mut buffer).unwrap(), 0);
    assert_eq!(reader.seek(SeekFrom::Current(-(size as i64))).unwrap(), 0);
    reader.read_exact(&mut buffer).unwrap();
    assert_eq!(buffer, fixture.bytes[..5]);
    assert!(reader.seek(SeekFrom::Current(-6)).is_err());
    assert_eq!(reader.seek(SeekFrom::Start(u64::MAX)).unwrap(), u64::MAX);
    assert_eq!(reader.read(&mut buffer).unwrap(), 0);
    // Damage travels through.
    fixture.flip(0);
    let source: Arc<dyn Source> = Arc::new(fixture.open(Verification::Touched).unwrap());
    let error = SourceReader::new(source).read(&mut buffer).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert!(is_damaged::<()>(Err(StorageError::from_io("read", "", "", error)), ".bin"));
}

#[test]
fn places_without_identities_are_always_checked() {
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let mut writer = PayloadWriter::create(&storage, "tables", "a", "").unwrap();
    writer.write_all(&vec![1; 2 * BLOCK_SIZE]).unwrap();
    let payload = writer.finish().unwrap();
    let open = || {
        let expected = Expected::from(&payload);
        let cache = VerifiedCache::disabled();
        VerifiedSource::open(&storage, &payload.path, expected, Verification::Touched, &cache)
    };
    open().unwrap().read_exact_at(&mut [0; 10], 0).unwrap();
    storage.replace(&payload.path, &vec![2; 2 * BLOCK_SIZE]).unwrap();
    assert!(open().unwrap().read_exact_at(&mut [0; 10], 0).is_err());
    assert!(storage.stat(&path("tables")).unwrap().is_none());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// Whatever is flipped and read, in whatever order: each read gives the bytes that were written, or says `Damaged`,
    /// and a read that touches the flipped bit never gives bytes.
    #[test]
    fn no_read_is_silently_wrong(
        size in 1..4 * BLOCK_SIZE,
        flip in 0.0..1.0_f64,
        reads in proptest::collection::vec((0.0..1.0_f64, 0.0..1.0_f64), 1..8),
    ) {
        let fixture = Fixture::new(size);
        let bit = (flip * (size * 8) as f64) as usize;
        fixture.flip(bit);
        // Without block checksums the whole file is refused.
        if let Ok(source) = fixture.open(Verification::Touched) {
            for (start, length) in reads {
                let start = (start * size as f64) as usize;
                let length = (length * (size - start) as f64) as usize;
                let mut buffer = vec![0; length];
                match source.read_exact_at(&mut buffer, start as u64) {
                    Ok(()) => {
                        proptest::prop_assert!(buffer == fixture.bytes[start..start + length]);
                        proptest::prop_assert!(!(start..start + length).contains(&(bit / 8)));
                    }
                    Err(error) => proptest::prop_assert!(is_damaged::<()>(Err(error), ".bin")),
                }
            }
        } else {
            proptest::prop_assert!(size <= BLOCK_SIZE);
        }
    }
}
