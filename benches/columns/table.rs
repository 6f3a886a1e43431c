//! The table that is asked, and its columns as slices.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, FixedSizeListArray, Float32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
};
use arrow::datatypes::{DataType, Field, Float32Type, Float64Type, Int32Type, Int64Type};
use datafolio_columns::Frame;
use datafolio_columns::hdf5::{Hdf5Options, Hdf5Table, Hdf5WriteOptions, Hdf5Writer};
use datafolio_columns::source::Hdf5Source;
use datafolio_core::random::SplitMix;

/// Components of a vector.
pub const WIDTH: usize = 768;
/// Rows that are made at once.
const STEP: usize = 1 << 20;

/// A generator of numbers, the same every time.
struct Random(SplitMix);

impl Random {
    fn unit(&mut self) -> f64 {
        (self.0.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Two normally distributed numbers.
    fn normal(&mut self) -> (f64, f64) {
        let (radius, angle) = ((-2.0 * (1.0 - self.unit()).ln()).sqrt(), std::f64::consts::TAU * self.unit());
        (radius * angle.cos(), radius * angle.sin())
    }
}

fn rows(from: usize, count: usize, total: usize) -> RecordBatch {
    let mut random = Random(SplitMix::new(from as u64));
    let normal: Vec<(f64, f64)> = (0..count).map(|_| random.normal()).collect();
    let x: ArrayRef = Arc::new(Float32Array::from_iter_values(normal.iter().map(|pair| pair.0 as f32)));
    let y: ArrayRef = Arc::new(Float32Array::from_iter_values(normal.iter().map(|pair| pair.1 as f32)));
    let vx: ArrayRef = Arc::new(Float64Array::from_iter_values((0..count).map(|_| random.unit() * 100.0 - 50.0)));
    let cat: ArrayRef = Arc::new(Int32Array::from_iter_values((0..count).map(|_| (random.0.draw() % 100) as i32)));
    let key: ArrayRef =
        Arc::new(StringArray::from_iter_values((0..count).map(|_| format!("key{:03}", random.0.draw() % 1000))));
    // Sixty of a hundred rows have a number that no other has.
    let id: ArrayRef =
        Arc::new(Int64Array::from_iter_values((0..count).map(|_| (random.0.draw() % total as u64) as i64 * 7919)));
    let many: ArrayRef =
        Arc::new(Int64Array::from_iter_values((0..count).map(|_| (random.0.draw() % 1_000_000) as i64 * 7919)));
    let n: ArrayRef = Arc::new(Float64Array::from_iter((0..count).map(|_| {
        let value = random.unit();
        (value > 0.1).then_some(value)
    })));
    RecordBatch::try_from_iter_with_nullable([
        ("x", x, false),
        ("y", y, false),
        ("vx", vx, false),
        ("cat", cat, false),
        ("key", key, false),
        ("id", id, false),
        ("many", many, false),
        ("n", n, true),
    ])
    .unwrap()
}

fn vectors(from: usize, count: usize) -> RecordBatch {
    let mut random = Random(SplitMix::new(from as u64 + 1));
    let values: Vec<f32> = (0..count * WIDTH).map(|_| random.unit() as f32 - 0.5).collect();
    let field = Arc::new(Field::new("item", DataType::Float32, false));
    let list = FixedSizeListArray::try_new(field, WIDTH as i32, Arc::new(Float32Array::from(values)), None).unwrap();
    RecordBatch::try_from_iter([("v", Arc::new(list) as ArrayRef)]).unwrap()
}

/// Makes the files that are not there yet.
pub fn make(dir: &Path, total: usize) {
    std::fs::create_dir_all(dir).unwrap();
    let steps = |total: usize, step: usize| (0..total).step_by(step).map(move |from| (from, step.min(total - from)));
    if !dir.join("done").exists() {
        println!("making {total} rows in {}", dir.display());
        let schema = rows(0, 1, total).schema();
        let file = |name: &str| std::io::BufWriter::new(std::fs::File::create(dir.join(name)).unwrap());
        let mut ipc = arrow::ipc::writer::FileWriter::try_new(file("table.arrow"), &schema).unwrap();
        let properties = parquet::file::properties::WriterProperties::builder()
            .set_compression(parquet::basic::Compression::ZSTD(parquet::basic::ZstdLevel::try_new(1).unwrap()))
            .build();
        let mut parquet =
            parquet::arrow::ArrowWriter::try_new(file("table.parquet"), schema.clone(), Some(properties)).unwrap();
        let mut batches = Vec::new();
        for (from, count) in steps(total, STEP) {
            let batch = rows(from, count, total);
            ipc.write(&batch).unwrap();
            parquet.write(&batch).unwrap();
            batches.push(batch);
        }
        ipc.finish().unwrap();
        parquet.close().unwrap();
        write_hdf5(&dir.join("table.hdf5"), &batches);
        drop(batches);
        let count = (total / 50).max(1000);
        let batches: Vec<_> = steps(count, 1 << 14).map(|(from, count)| vectors(from, count)).collect();
        write_hdf5(&dir.join("vectors.hdf5"), &batches);
        std::fs::write(dir.join("done"), "").unwrap();
    }
}

fn write_hdf5(path: &Path, batches: &[RecordBatch]) {
    let mut writer = Hdf5Writer::create(path, Hdf5WriteOptions::default()).unwrap();
    writer.layout(&batches, None).unwrap();
    writer.write(&batches, 1 << 18, 2, 2, None).unwrap();
    writer.finish().unwrap();
}

/// The table as a frame.
pub fn frame(dir: &Path) -> Frame {
    let table = Hdf5Table::open(dir.join("table.hdf5"), &Hdf5Options::default()).unwrap();
    Frame::new(Arc::new(Hdf5Source::new(table, None)))
}

/// The columns of the mapped files as slices.
pub struct Columns {
    batch: RecordBatch,
    vectors: RecordBatch,
}

impl Columns {
    pub fn open(dir: &Path) -> Self {
        let all = |name: &str| {
            let table = Hdf5Table::open(dir.join(name), &Hdf5Options::default()).unwrap();
            let columns: Vec<usize> = (0..table.schema().fields().len()).collect();
            table.read(0..table.rows(), &columns).unwrap()
        };
        Self { batch: all("table.hdf5"), vectors: all("vectors.hdf5") }
    }

    fn column(&self, name: &str) -> &ArrayRef {
        self.batch.column_by_name(name).unwrap()
    }

    pub fn f32(&self, name: &str) -> &[f32] {
        self.column(name).as_primitive::<Float32Type>().values()
    }

    pub fn f64(&self, name: &str) -> &[f64] {
        self.column(name).as_primitive::<Float64Type>().values()
    }

    pub fn i32(&self, name: &str) -> &[i32] {
        self.column(name).as_primitive::<Int32Type>().values()
    }

    pub fn i64(&self, name: &str) -> &[i64] {
        self.column(name).as_primitive::<Int64Type>().values()
    }

    pub fn texts(&self, name: &str) -> (&[i32], &[u8]) {
        let texts = self.column(name).as_string::<i32>();
        (texts.value_offsets(), texts.value_data())
    }

    pub fn vectors(&self) -> &[f32] {
        self.vectors.column(0).as_fixed_size_list().values().as_primitive::<Float32Type>().values()
    }
}
