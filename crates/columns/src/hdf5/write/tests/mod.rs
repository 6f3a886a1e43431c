//! Files that are written, and what reads them: h5py, Vaex, hdf5-pure.

mod append;
mod failures;
mod large;
#[cfg(target_os = "linux")] // Its kernel tells how much memory a process has of its own.
mod memory;
mod peers;
mod pure;
mod table;

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use arrow::array::RecordBatch;
use arrow::ipc::writer::StreamWriter;

use super::*;
use crate::error::ColumnsResult;

/// How rows are walked and written.
#[derive(Debug, Clone, Copy)]
struct Pace(usize, usize, usize);

fn options(group: &str, byte_order: ByteOrder) -> Hdf5WriteOptions {
    Hdf5WriteOptions { group: group.to_owned(), byte_order, ..Hdf5WriteOptions::default() }
}

fn written(path: &Path, rows: &dyn Rows, options: Hdf5WriteOptions, pace: Pace) -> ColumnsResult<()> {
    let mut writer = Hdf5Writer::create(path, options)?;
    writer.layout(rows, None)?;
    writer.write(rows, pace.0, pace.1, pace.2, None)?;
    writer.finish()
}

/// The interpreter in `DATAFOLIO_PEERS` that has h5py.
fn h5py() -> Option<PathBuf> {
    let python = peer("hdf5");
    if python.is_none() {
        let missing = "DATAFOLIO_PEERS/hdf5/bin/python (with h5py, numpy and pyarrow) is not there";
        assert!(env::var_os("DATAFOLIO_SKIP_PEERS").is_some_and(|skip| skip == "1"), "{missing}");
        println!("SKIPPED: {missing}");
    }
    python
}

/// The interpreter in `DATAFOLIO_PEERS` that has Vaex.
fn vaex() -> Option<PathBuf> {
    let python = peer("vaex");
    if python.is_none() {
        println!("SKIPPED: DATAFOLIO_PEERS/vaex/bin/python is not there (Vaex needs a Python below 3.13)");
    }
    python
}

fn peer(name: &str) -> Option<PathBuf> {
    let python = PathBuf::from(env::var_os("DATAFOLIO_PEERS")?).join(name).join("bin/python");
    python.is_file().then_some(python)
}

/// Fails if h5py reads something else.
fn judged_by_h5py(path: &Path, group: &str, batches: &[RecordBatch], order: &str) {
    if let Some(python) = h5py() {
        judged(&python, "h5py", path, group, batches, order);
    }
}

/// Fails if Vaex reads something else.
fn judged_by_vaex(path: &Path, group: &str, batches: &[RecordBatch]) {
    if let Some(python) = vaex() {
        judged(&python, "vaex", path, group, batches, "little");
    }
}

fn judged(python: &Path, reader: &str, path: &Path, group: &str, batches: &[RecordBatch], order: &str) {
    let place = tempfile::tempdir().unwrap();
    let (script, arrow) = (place.path().join("judge.py"), place.path().join("expected.arrow"));
    fs::write(&script, include_str!("judge.py")).unwrap();
    let mut file = StreamWriter::try_new(File::create(&arrow).unwrap(), &batches[0].schema()).unwrap();
    for batch in batches {
        file.write(batch).unwrap();
    }
    file.finish().unwrap();
    let output = Command::new(python)
        .arg(&script)
        .args([reader.as_ref(), path.as_os_str(), group.as_ref(), arrow.as_os_str(), order.as_ref()])
        // Vaex keeps settings and caches at home.
        .env("HOME", place.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{reader} on {}:\n{}", path.display(), String::from_utf8_lossy(&output.stderr));
}

/// The names in a directory.
fn listed(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
