//! Files that are damaged, cut or hostile: an error or other values, never a panic, a long wait or bytes from elsewhere.

use std::time::{Duration, Instant};

use arrow::array::Array;

use super::{Hdf5Options, Hdf5Table, all, fixture};
use crate::error::ColumnsError;
use crate::store::Store;

/// Small numbers that repeat from run to run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

fn mutate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    match dice.below(10) {
        0 => bytes.truncate(dice.below(bytes.len())),
        1 => {
            // A length, an address or a count that claims too much.
            let at = dice.below(bytes.len() - 8);
            let value = [u64::MAX, 1 << 40, 1 << 31, bytes.len() as u64, 0][dice.below(5)];
            bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        2 => {
            let (from, to, length) = (dice.below(bytes.len() - 64), dice.below(bytes.len() - 64), 1 + dice.below(63));
            bytes.copy_within(from..from + length, to);
        }
        _ => {
            for _ in 0..=dice.below(12) {
                let at = dice.below(bytes.len());
                bytes[at] = match dice.below(4) {
                    0 => 0,
                    1 => 0xff,
                    2 => bytes[at] ^ (1 << dice.below(8)),
                    _ => dice.below(256) as u8,
                };
            }
        }
    }
}

fn read_everything(path: &std::path::Path, mapped: bool) -> Result<u64, ColumnsError> {
    let mut values = 0;
    let groups = Hdf5Table::groups(path).unwrap_or_default();
    for group in groups.into_iter().map(Some).chain([None]).take(8) {
        let Ok(table) = Hdf5Table::open(path, &Hdf5Options { group, mapped }) else { continue };
        let rows = table.rows().min(100_000);
        for column in 0..table.schema().fields().len() {
            for rows in [0..rows, rows / 3..rows, table.rows() - rows / 2..table.rows()] {
                let Ok(batch) = table.read(rows, &[column]) else { continue };
                // Reads everything, through every offset.
                batch.column(0).to_data().validate_full()?;
                values += batch.num_rows() as u64;
            }
        }
    }
    Ok(values)
}

fn fuzz(name: &str, seed: u64, copies: usize) {
    let original = std::fs::read(fixture(name)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice(seed);
    let mut slowest = Duration::ZERO;
    let mut read = 0;
    for copy in 0..copies {
        let mut bytes = original.clone();
        for _ in 0..=dice.below(2) {
            if bytes.len() > 128 {
                mutate(&mut bytes, &mut dice);
            }
        }
        let path = folder.path().join("copy.hdf5");
        // A new file each time: the last one may still be mapped.
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, &bytes).unwrap();
        let began = Instant::now();
        let values =
            read_everything(&path, copy % 2 == 0).unwrap_or_else(|error| panic!("{name} copy {copy}: {error}"));
        slowest = slowest.max(began.elapsed());
        read += usize::from(values > 0);
    }
    println!("{name}: {read} of {copies} copies gave values, the slowest took {slowest:?}");
    assert!(slowest < Duration::from_secs(5), "{name}: {slowest:?}");
    assert!(read > copies / 20, "{name}: {read}");
}

#[test]
fn mutated_texts_and_masks_do_no_harm() {
    fuzz("rows_9.hdf5", 1, 1500);
}

#[test]
fn mutated_dictionaries_do_no_harm() {
    fuzz("dictionary.hdf5", 2, 1000);
}

#[test]
fn mutated_chunks_do_no_harm() {
    fuzz("chunked.hdf5", 3, 1000);
}

#[test]
fn mutated_structures_of_the_newer_kind_do_no_harm() {
    fuzz("../hdf5/latest.hdf5", 4, 300);
    fuzz("../hdf5/foreign.hdf5", 5, 300);
}

/// Every length that a cut file can have.
#[test]
fn cut_files_are_refused_or_read() {
    let original = std::fs::read(fixture("rows_9.hdf5")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for length in (0..original.len()).step_by(97) {
        let path = folder.path().join(format!("{length}.hdf5"));
        std::fs::write(&path, &original[..length]).unwrap();
        let opened = Hdf5Table::open(&path, &Hdf5Options::default());
        assert!(opened.is_err_and(|error| matches!(error, ColumnsError::Damaged { .. })), "{length}");
    }
}

/// A file that is cut after it was opened would end the process if it were touched beyond its end.
#[test]
fn a_file_that_is_cut_while_it_is_open_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    for mapped in [true, false] {
        let path = folder.path().join("cut.hdf5");
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, std::fs::read(fixture("table.hdf5")).unwrap()).unwrap();
        let table = Hdf5Table::open(&path, &Hdf5Options { mapped, group: None }).unwrap();
        all(&table, 0..table.rows()).unwrap();
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(20_000).unwrap();
        let error = all(&table, 0..table.rows()).unwrap_err();
        assert!(matches!(error, ColumnsError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("was cut while it was open"), "{error}");
    }
}

/// The HDF5 crate would make room for 4 GiB.
#[test]
fn a_chunk_that_claims_too_much_is_refused() {
    let mut bytes = std::fs::read(fixture("chunked.hdf5")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chunk.hdf5");
    // The highest byte of the length of the first chunk, 36.
    assert_eq!(bytes[4520..4524], 36_u32.to_le_bytes());
    bytes[4523] = 0xff;
    std::fs::write(&path, &bytes).unwrap();
    let table = Hdf5Table::open(&path, &Hdf5Options::default()).unwrap();
    let error = table.read(0..5, &[0]).unwrap_err();
    assert!(error.to_string().contains("damaged column 'a': it has a chunk of 4278190116 bytes"), "{error}");
    assert_eq!(table.read(0..5, &[1]).unwrap().num_rows(), 5);
}

/// Each of the two guards by itself: the one when a file is opened, and the one at every read.
#[test]
fn bytes_beyond_the_end_are_refused() {
    let original = std::fs::read(fixture("root.hdf5")).unwrap();
    let layout: Vec<u8> = [2048_u64, 424].iter().flat_map(|number| number.to_le_bytes()).collect();
    let at = original.windows(16).position(|window| window == layout).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (address, size) in [(original.len() as u64 - 423, 424), (u64::MAX - 100, 424), (1 << 40, 424), (2048, 423)] {
        let mut bytes = original.clone();
        bytes[at..at + 8].copy_from_slice(&address.to_le_bytes());
        bytes[at + 8..at + 16].copy_from_slice(&u64::to_le_bytes(size));
        let path = folder.path().join(format!("{address}.hdf5"));
        std::fs::write(&path, &bytes).unwrap();
        let error = Hdf5Table::open(&path, &Hdf5Options::default()).unwrap_err();
        assert!(error.to_string().contains("damaged column 'a': it claims 424 bytes"), "{error}");
    }
    for mapped in [true, false] {
        let store = Store::open(&fixture("root.hdf5"), mapped).unwrap();
        let length = store.length();
        assert_eq!(store.bytes(length - 2, 2).unwrap().as_slice(), &original[original.len() - 2..]);
        for (offset, count) in [(length - 1, 2), (length, 1), (u64::MAX, 1), (1, u64::MAX), (0, length + 1)] {
            assert!(matches!(store.bytes(offset, count), Err(ColumnsError::Damaged { .. })), "{offset} {count}");
        }
    }
}
