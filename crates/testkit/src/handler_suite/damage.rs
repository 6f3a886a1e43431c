//! What damaged bytes must lead to.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use datafolio_core::{ErrorCategory, ItemRecord};
use datafolio_handlers::{Data, HandlerError, HandlerResult, Item};
use datafolio_storage::{Verification, VerifiedCache};

use super::place::Place;
use super::{Case, NAME};

/// Payloads up to this size have every byte flipped and are cut at every length.
const SMALL: usize = 4096;
/// Bytes that are flipped in larger ones.
const FLIPS: usize = 500;
/// Lengths that larger ones are cut to.
const CUTS: usize = 100;

impl Case<'_> {
    /// Damages the files that a version is read from.
    pub(super) fn damage(&self) {
        let place = Place::new();
        let record = self.write(&place).unwrap();
        if record.filename().is_some() {
            self.damage_payload(&place, &record);
        }
        if let Some(target) = &self.sample.target {
            self.damage_target(&place, &record, &target(place.files.path()));
        }
    }

    /// Flips bits of the payload and of its block checksums, cuts the payload, removes it.
    fn damage_payload(&self, place: &Place, record: &ItemRecord) {
        let expected = self.expected();
        let bare = without_hashes(record);
        let payload = place.payload(record);
        let bytes = fs::read(&payload).unwrap();
        let small = bytes.len() <= SMALL;
        let must_be_seen = |what: &str| {
            self.must_be_damage(place, record, Verification::Full, what);
            self.must_be_damage(place, record, Verification::Touched, what);
            self.must_not_panic(place, record, small, what);
            self.must_not_panic(place, &bare, small, what);
        };
        for at in positions(bytes.len(), FLIPS) {
            put(&payload, at, flipped(&bytes, at));
            must_be_seen(&format!("byte {at} of {} flipped", bytes.len()));
            put(&payload, at, bytes[at]);
        }
        for length in positions(bytes.len(), CUTS) {
            fs::write(&payload, &bytes[..length]).unwrap();
            must_be_seen(&format!("cut to {length} of {}", bytes.len()));
        }
        fs::write(&payload, &bytes).unwrap();
        if let Some(blocks) = place.blocks(record) {
            let checksums = fs::read(&blocks).unwrap();
            for at in positions(checksums.len(), FLIPS) {
                put(&blocks, at, flipped(&checksums, at));
                let what = format!("byte {at} of its block checksums flipped");
                self.must_be_damage(place, record, Verification::Full, &what);
                // The payload itself is good, and the hash of the whole file says so.
                let read = self.read(place, record, Verification::Touched);
                assert!(read.is_ok_and(|read| read == expected), "{self:?}: {what}");
                put(&blocks, at, checksums[at]);
            }
        }
        assert!(self.read(place, record, Verification::Full).unwrap() == expected);
        fs::remove_file(&payload).unwrap();
        for verification in [Verification::Full, Verification::Touched, Verification::Off] {
            let error = self.must_be_damage(place, record, verification, "removed");
            assert_eq!(error.code(), "missing-payload", "{self:?}");
        }
        // A payload outside of its directory is never opened.
        for filename in ["../items.json", "/etc/hostname", "a/../../x"] {
            let mut hostile = record.clone();
            hostile.set("filename", Some(filename.into()));
            self.must_be_damage(place, &hostile, Verification::Off, filename);
        }
    }

    /// Flips bits of the file that a reference names, cuts it, removes it. Nobody knows its hash, so what is read may be
    /// another value; it must be no panic, and an error must say whose file it is.
    fn damage_target(&self, place: &Place, record: &ItemRecord, target: &Path) {
        let bytes = fs::read(target).unwrap();
        let small = bytes.len() <= SMALL;
        for at in positions(bytes.len(), FLIPS) {
            put(target, at, flipped(&bytes, at));
            self.must_not_panic(place, record, small, &format!("byte {at} of its target flipped"));
            put(target, at, bytes[at]);
        }
        for length in positions(bytes.len(), CUTS) {
            fs::write(target, &bytes[..length]).unwrap();
            self.must_not_panic(place, record, small, &format!("target cut to {length} of {}", bytes.len()));
        }
        fs::write(target, &bytes).unwrap();
        assert!(self.read(place, record, Verification::Full).unwrap() == self.expected(), "{self:?}");
        fs::remove_file(target).unwrap();
        for verification in [Verification::Full, Verification::Touched, Verification::Off] {
            let error = self.open(place, record, verification).unwrap_err();
            assert_eq!(error.code(), "missing-reference", "{self:?}: {error:?}");
            assert!(error.to_string().contains(NAME), "{self:?}: the message does not name the item: {error}");
            let cache = VerifiedCache::disabled();
            let item = Item::new(record, &place.storage, verification, &cache);
            assert_eq!(self.handler.verify(&item).unwrap_err().code(), "missing-reference", "{self:?}");
        }
    }

    /// Reads all of a payload that may be damaged, and looks at every value of a small one.
    fn try_read(
        &self,
        place: &Place,
        record: &ItemRecord,
        verification: Verification,
        small: bool,
    ) -> HandlerResult<()> {
        match self.open(place, record, verification)? {
            Data::Table(mut reader) if !small => reader.try_for_each(|batch| Ok(batch.map(drop)?)),
            data => (self.sample.canonical)(data).map(drop),
        }
    }

    fn must_be_damage(
        &self,
        place: &Place,
        record: &ItemRecord,
        verification: Verification,
        what: &str,
    ) -> HandlerError {
        let read = catch_unwind(AssertUnwindSafe(|| self.try_read(place, record, verification, true)));
        let error = match read {
            Ok(Ok(_)) => panic!("{self:?}: {what}: read as if nothing had happened ({verification:?})"),
            Ok(Err(error)) => error,
            Err(_) => panic!("{self:?}: {what}: reading panicked ({verification:?})"),
        };
        assert_eq!(error.category(), ErrorCategory::Corrupt, "{self:?}: {what}: {error:?}");
        assert!(error.to_string().contains(NAME), "{self:?}: {what}: the message does not name the item: {error}");
        error
    }

    fn must_not_panic(&self, place: &Place, record: &ItemRecord, small: bool, what: &str) {
        let read = catch_unwind(AssertUnwindSafe(|| self.try_read(place, record, Verification::Off, small)));
        match read {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                // What the bytes became may be a value that this build has no type for.
                let told = matches!(error.category(), ErrorCategory::Corrupt | ErrorCategory::Unsupported);
                assert!(told, "{self:?}: {what}: {error:?}");
                assert!(error.to_string().contains(NAME), "{self:?}: {what}: it does not name the item: {error}");
            }
            Err(_) => panic!("{self:?}: {what}: reading without verification panicked"),
        }
    }
}

/// The record without anything that a reader could check bytes by.
fn without_hashes(record: &ItemRecord) -> ItemRecord {
    let mut bare = record.clone();
    for field in ["sha256", "checksum", "blocks", "size_bytes", "file_size", "num_rows"] {
        bare.set(field, None);
    }
    bare
}

/// A byte with one bit flipped.
fn flipped(bytes: &[u8], at: usize) -> u8 {
    bytes[at] ^ (1 << (at % 8))
}

/// Changes one byte of a file.
fn put(path: &Path, at: usize, byte: u8) {
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at as u64)).unwrap();
    file.write_all(&[byte]).unwrap();
}

/// Every position of a small payload; of a large one the first and last, where headers and footers are, and others as
/// they come from a fixed generator.
fn positions(length: usize, count: usize) -> Box<dyn Iterator<Item = usize>> {
    if length <= SMALL {
        return Box::new(0..length);
    }
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    Box::new((0..count).map(move |index| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let random = (state >> 33) as usize;
        match index % 4 {
            0 => random % 64.min(length),
            1 => length - 1 - random % 1024.min(length),
            _ => random % length,
        }
    }))
}
