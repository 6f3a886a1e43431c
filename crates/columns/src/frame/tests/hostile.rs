//! Headers that somebody made to do harm: each byte of the saved inputs of the fuzz targets is changed, each length of eight bytes claims too
//! much, and files end anywhere. There is an error or an answer, no panic, and never more memory than the files have.

use std::env;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use arrow::array::Array;

use crate::frame::open::{OpenOptions, open_file};

/// What tells the process that it is the one whose memory is limited.
const LIMITED: &str = "DATAFOLIO_TEST_LIMITED";
/// Kibibytes of addresses that the process may have, for itself, its stacks and all that it reads. The files have 16 KiB at most.
const LIMIT: u32 = 640 << 10;

/// The saved inputs of a fuzz target.
fn inputs(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 7, "{target}");
    files
}

/// A file whose content is another one each time.
struct Copy {
    path: PathBuf,
    file: File,
    /// How many could be opened, and how many were given.
    opened: usize,
    given: usize,
}

impl Copy {
    /// Opens what the bytes are, and reads the rows that there can be.
    fn read(&mut self, bytes: &[u8]) {
        self.file.seek(SeekFrom::Start(0)).unwrap();
        self.file.write_all(bytes).unwrap();
        self.file.set_len(bytes.len() as u64).unwrap();
        self.given += 1;
        // Read in pieces: what is mapped is not to change.
        let options = OpenOptions { mapped: false, ..OpenOptions::default() };
        let Ok(source) = open_file(&self.path, &options) else { return };
        self.opened += 1;
        // A count that is claimed without a byte behind it is no reason to make room for all of it.
        let rows = 0..source.rows().min(100);
        for column in 0..source.schema().fields().len() {
            let Ok(batches) = source.read(rows.clone(), &[column]) else { continue };
            for array in batches.flatten().flat_map(|batch| batch.columns().to_vec()) {
                // Reads everything, through every offset.
                array.to_data().validate_full().unwrap();
            }
        }
    }

    /// Each byte and each length that a file of these bytes can have wrong, those of the first bytes all, of others every `step`th.
    fn damage(&mut self, original: &[u8], step: usize) {
        let mut bytes = original.to_vec();
        let places =
            |width: usize| (0..original.len().saturating_sub(width)).filter(move |at| *at < 256 || at % step == 0);
        for at in places(0) {
            // The extremes, and beside them, in turn, one that differs by its highest or by its lowest bit.
            for value in [if at % 2 == 0 { 0 } else { 0xFF }, original[at] ^ if at % 4 < 2 { 0x80 } else { 1 }] {
                bytes[at] = value;
                self.read(&bytes);
            }
            bytes[at] = original[at];
        }
        for at in places(8).filter(|at| at % 4 == 0) {
            for claim in [u64::MAX, 1 << 40, 1 << 31] {
                bytes[at..at + 8].copy_from_slice(&claim.to_le_bytes());
                self.read(&bytes);
            }
            bytes[at..at + 8].copy_from_slice(&original[at..at + 8]);
        }
        for length in places(0) {
            self.read(&original[..length]);
        }
    }
}

/// Runs the test of this name in a process of its own, whose memory is limited; true in that process.
fn limited(name: &str) -> bool {
    if env::var_os(LIMITED).is_some() {
        return true;
    }
    let limited = format!("ulimit -v {LIMIT} && exec \"$0\" \"$@\"");
    let output = Command::new("sh")
        .args(["-c", &limited])
        .arg(env::current_exe().unwrap())
        .args([&format!("frame::tests::hostile::{name}"), "--exact", "--nocapture", "--test-threads=1"])
        .env(LIMITED, "1")
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    println!("{said}");
    false
}

fn survived(name: &str, target: &str, step: usize) {
    if !limited(name) {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    for input in inputs(target) {
        let original = fs::read(&input).unwrap();
        let path = place.path().join(input.file_name().unwrap());
        let file = File::create(&path).unwrap();
        let mut copy = Copy { path, file, opened: 0, given: 0 };
        copy.read(&original);
        copy.damage(&original, step);
        println!("{}: {} of {} copies opened", input.display(), copy.opened, copy.given);
    }
}

#[test]
fn headers_of_arrow_do_no_harm() {
    survived("headers_of_arrow_do_no_harm", "arrow_columns", 1);
}

#[test]
fn headers_of_hdf5_do_no_harm() {
    survived("headers_of_hdf5_do_no_harm", "hdf5_columns", 13);
}

#[test]
fn headers_of_npy_do_no_harm() {
    survived("headers_of_npy_do_no_harm", "npy_columns", 1);
}
