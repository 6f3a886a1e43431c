//! A table larger than the memory that is allowed.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;

use super::*;

/// Rows that are made when they are asked for.
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

    fn column(&self, column: usize, rows: std::ops::Range<u64>) -> ArrayRef {
        match column {
            0 => Arc::new(Float64Array::from_iter_values(rows.map(|row| row as f64 * 0.5))),
            1 => Arc::new(Int64Array::from_iter(rows.map(|row| (row % 10 != 3).then_some(row as i64)))),
            2 => {
                Arc::new(StringArray::from_iter(rows.map(|row| (row % 10 != 4).then(|| format!("text number {row}")))))
            }
            _ => {
                let DataType::FixedSizeList(field, width) = self.schema.field(3).data_type() else { unreachable!() };
                let values =
                    Float32Array::from_iter_values(rows.flat_map(|row| (0..4).map(move |at| (row + at) as f32)));
                Arc::new(FixedSizeListArray::new(field.clone(), *width, Arc::new(values), None))
            }
        }
    }
}

impl Rows for Made {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn batches(
        &self,
        columns: &[usize],
    ) -> ColumnsResult<Box<dyn Iterator<Item = ColumnsResult<RecordBatch>> + Send + '_>> {
        let columns = columns.to_vec();
        let schema = Arc::new(self.schema.project(&columns)?);
        let starts = (0..self.rows).step_by(Self::BATCH as usize);
        Ok(Box::new(starts.map(move |start| {
            let end = self.rows.min(start + Self::BATCH);
            let arrays = columns.iter().map(|column| self.column(*column, start..end)).collect();
            Ok(RecordBatch::try_new(schema.clone(), arrays)?)
        })))
    }
}

/// Kilobytes of private memory.
fn private() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn measured(rows: u64, threads: usize) -> (u64, u64) {
    use std::sync::atomic::{AtomicU64, Ordering};
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("t.hdf5");
    let (made, most) = (Made::new(rows), AtomicU64::new(0));
    let before = private();
    let look = |_: f64| {
        most.fetch_max(private().saturating_sub(before), Ordering::Relaxed);
        true
    };
    let mut writer = Hdf5Writer::create(&path, Hdf5WriteOptions::default()).unwrap();
    writer.layout(&made, Some(&look)).unwrap();
    writer.write(&made, 100_000, 1, threads, Some(&look)).unwrap();
    writer.finish().unwrap();
    (fs::metadata(&path).unwrap().len(), most.into_inner())
}

#[test]
fn memory_does_not_grow_with_rows() {
    // Other tests run in the same process, so the bound is wide: the file alone has 132 MB.
    let (bytes, most) = measured(2_500_000, 2);
    println!("{} MB written with {} MB of private memory", bytes / 1_000_000, most / 1000);
    assert!(bytes > 130_000_000 && most < 100_000, "{bytes} bytes, {most} kB");
}
