//! How much memory does it take to write an HDF5 file, and how long?
//!
//! Writes rows that are made while they are written (`BENCH_ROWS`, 20 million: one gigabyte) to a file in the layout of Vaex, in one
//! thread and in two, and looks at the private memory of the process meanwhile; then one column of more than 2^31 bytes of text,
//! whose offsets have to be wide. Run it with `make bench`; results belong into `docs/benchmarks.md`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement prints its figures, and stops when it cannot be made"
)]

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use arrow::array::{
    ArrayRef, AsArray, FixedSizeListArray, Float32Array, Float64Array, Int64Array, RecordBatch, StringArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafolio_columns::ColumnsResult;
use datafolio_columns::hdf5::{Hdf5Options, Hdf5Table, Hdf5WriteOptions, Hdf5Writer, Rows};

/// Private memory that writing may take, in kilobytes, whatever the size of the file.
const MOST: u64 = 64_000;

fn main() {
    // `cargo test --all-targets` runs benches too: nothing is measured there.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let rows = std::env::var("BENCH_ROWS").map_or(20_000_000, |text| text.parse().unwrap());
    let dir = tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or_else(|| ".".into())).unwrap();
    let path = dir.path().join("t.hdf5");
    for threads in [1, 2] {
        let most = measured("numbers, texts and vectors", &Made::new(rows), &path, threads);
        assert!(most < MOST, "{most} kB of memory, and {MOST} are allowed");
    }
    let texts = Texts::new();
    measured("texts of more than two gigabytes", &texts, &path, 1);
    let table = Hdf5Table::open(&path, &Hdf5Options { group: None, mapped: false }).unwrap();
    let last = table.read(Texts::ROWS - 1..Texts::ROWS, &[0]).unwrap();
    let last = arrow::compute::cast(last.column(0), &DataType::LargeUtf8).unwrap();
    assert_eq!(last.as_string::<i64>().value(0), texts.text, "the end of the file is not what was written");
}

/// Writes a file, and gives the most private memory that was seen meanwhile, in kilobytes.
fn measured(what: &str, rows: &dyn Rows, path: &Path, threads: usize) -> u64 {
    let (before, most) = (private(), AtomicU64::new(0));
    let look = |_: f64| {
        most.fetch_max(private().saturating_sub(before), Ordering::Relaxed);
        true
    };
    let started = Instant::now();
    let mut writer = Hdf5Writer::create(path, Hdf5WriteOptions::default()).unwrap();
    writer.layout(rows, Some(&look)).unwrap();
    writer.write(rows, 100_000, 1, threads, Some(&look)).unwrap();
    writer.finish().unwrap();
    let (spent, most) = (started.elapsed(), most.into_inner());
    println!(
        "{what}: {} MB in {:.1} s with {threads} threads and {:.1} MB of private memory",
        fs::metadata(path).unwrap().len() / 1_000_000,
        spent.as_secs_f64(),
        most as f64 / 1e3
    );
    most
}

/// Kilobytes of private memory; 0 where the system does not tell.
fn private() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

type Batches<'a> = Box<dyn Iterator<Item = ColumnsResult<RecordBatch>> + Send + 'a>;

/// Rows of some types.
struct Made {
    rows: u64,
    schema: SchemaRef,
}

impl Made {
    const BATCH: u64 = 65_536;

    fn new(rows: u64) -> Self {
        let vector = DataType::FixedSizeList(Arc::new(Field::new("item", DataType::Float32, false)), 4);
        let schema = Schema::new(vec![
            Field::new("x", DataType::Float64, false),
            Field::new("n", DataType::Int64, true),
            Field::new("s", DataType::Utf8, true),
            Field::new("v", vector, false),
        ]);
        Self { rows, schema: Arc::new(schema) }
    }

    fn column(&self, column: usize, rows: Range<u64>) -> ArrayRef {
        let text = |row: u64| (row % 10 != 4).then(|| format!("text number {row}"));
        match (column, self.schema.field(column).data_type()) {
            (0, _) => Arc::new(Float64Array::from_iter_values(rows.map(|row| row as f64 * 0.5))),
            (1, _) => Arc::new(rows.map(|row| (row % 10 != 3).then_some(row as i64)).collect::<Int64Array>()),
            (_, DataType::FixedSizeList(field, width)) => {
                let values = rows.flat_map(|row| (0..4).map(move |at| (row + at) as f32));
                let values = Arc::new(Float32Array::from_iter_values(values));
                Arc::new(FixedSizeListArray::new(Arc::clone(field), *width, values, None))
            }
            _ => Arc::new(rows.map(text).collect::<StringArray>()),
        }
    }
}

impl Rows for Made {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn batches(&self, columns: &[usize]) -> ColumnsResult<Batches<'_>> {
        let columns = columns.to_vec();
        let schema = Arc::new(self.schema.project(&columns)?);
        let starts = (0..self.rows).step_by(Self::BATCH as usize);
        Ok(Box::new(starts.map(move |start| {
            let end = self.rows.min(start + Self::BATCH);
            let arrays = columns.iter().map(|column| self.column(*column, start..end)).collect();
            Ok(RecordBatch::try_new(Arc::clone(&schema), arrays)?)
        })))
    }
}

/// Texts of a megabyte each.
struct Texts {
    text: String,
}

impl Texts {
    const ROWS: u64 = 2_049;

    fn new() -> Self {
        Self { text: "x".repeat(1 << 20) }
    }
}

impl Rows for Texts {
    fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new("s", DataType::Utf8, false)]))
    }

    fn rows(&self) -> u64 {
        Self::ROWS
    }

    fn batches(&self, _: &[usize]) -> ColumnsResult<Batches<'_>> {
        let rows = (0..Self::ROWS).map(|_| Arc::new(StringArray::from(vec![self.text.as_str()])) as ArrayRef);
        Ok(Box::new(rows.map(|array| Ok(RecordBatch::try_new(self.schema(), vec![array])?))))
    }
}
