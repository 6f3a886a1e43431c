//! Tables in part, in chunks, sampled, described, and as paths.

mod appending;
mod categories;
mod computing;
#[cfg(feature = "delta")]
mod delta;
#[cfg(unix)] // Whether two names are one file is told by its inode.
mod links;
mod mapped;
mod packed;
mod paths;
mod reading;
mod sources;
mod staging;
mod statistics;
mod untyped;

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use datafolio::{AddOptions, AppendOptions, Data, DataFolio, Reference};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

/// Rows of the sample table; its row groups have 10,000.
const ROWS: i64 = 25_000;

/// Columns `id` (its own number), `half` (a null every tenth row) and `name`.
fn sample(rows: std::ops::Range<i64>) -> RecordBatch {
    let id: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.clone()));
    let half = rows.clone().map(|row| (row % 10 != 3).then_some(row as f64 / 2.0));
    let half: ArrayRef = Arc::new(half.collect::<Float64Array>());
    let name: ArrayRef = Arc::new(StringArray::from_iter_values(rows.map(|row| format!("row {row:06}"))));
    RecordBatch::try_from_iter([("id", id), ("half", half), ("name", name)]).unwrap()
}

fn write_parquet(path: &Path, batch: &RecordBatch) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(10_000))
        .set_data_page_row_count_limit(1_000)
        .set_write_batch_size(500)
        .build();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

/// The sample table in every form that can be read in part: item names.
fn with_tables(folio: &DataFolio, dir: &Path) -> [&'static str; 10] {
    let all = sample(0..ROWS);
    let file = dir.join("sample.parquet");
    write_parquet(&file, &all);
    folio.add("parquet", Data::ParquetFile(file.clone()), AddOptions::new()).unwrap();
    let reader = || {
        let batches = [all.slice(0, 7), all.slice(7, 12_000), all.slice(12_007, all.num_rows() - 12_007)];
        Data::Table(Box::new(arrow::array::RecordBatchIterator::new(batches.map(Ok), all.schema())))
    };
    folio.add("streamed", reader(), AddOptions::new()).unwrap();
    folio.add("arrow", reader(), AddOptions::new().table_format("arrow")).unwrap();
    folio.add("hdf5", reader(), AddOptions::new().table_format("hdf5")).unwrap();
    let parts = dir.join("parts");
    for (index, rows) in [0..9_999, 9_999..10_000, 10_000..10_000, 10_000..ROWS].into_iter().enumerate() {
        write_parquet(&parts.join(format!("p{index}.parquet")), &sample(rows));
    }
    let csv = dir.join("sample.csv");
    let mut writer = arrow::csv::Writer::new(std::fs::File::create(&csv).unwrap());
    writer.write(&all).unwrap();
    drop(writer);
    for (name, path, format) in [("one_file", file, "parquet"), ("directory", parts, "parquet"), ("text", csv, "csv")] {
        let reference = Reference {
            path: path.to_str().unwrap().to_owned(),
            table_format: format.to_owned(),
            num_rows: None,
            version: None,
            timestamp: None,
        };
        folio.add(name, reference, AddOptions::new()).unwrap();
    }
    for (name, format) in [("parts", "parquet"), ("arrow_parts", "arrow"), ("hdf5_parts", "hdf5")] {
        for rows in [0..7, 7..12_007, 12_007..12_008, 12_008..ROWS] {
            let options = AppendOptions::new().table_format(format).without_compaction();
            folio.append_table(name, sample(rows), options).unwrap();
        }
    }
    ["parquet", "streamed", "arrow", "hdf5", "one_file", "directory", "text", "parts", "arrow_parts", "hdf5_parts"]
}
