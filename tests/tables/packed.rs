//! Numbers that hardly repeat: how they are packed, and that all readers give them back.

use std::fs::File;
use std::process::Command;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, FixedSizeListArray, Float64Array, Int32Array, Int64Array, RecordBatch,
    TimestampMicrosecondArray, UInt32Array, UInt64Array,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field};
use datafolio::{AddOptions, DataFolio, OpenOptions, Settings, TableOptions};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, Encoding};

use crate::compat::peer::installed;
use crate::support::new_bundle;

/// More than a row group.
const ROWS: i64 = 600_000;

fn mixed(row: i64) -> i64 {
    let mut z = row.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed());
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9_u64.cast_signed());
    z ^ (z >> 27)
}

fn numbers() -> RecordBatch {
    let rows = || 0..ROWS;
    // All values of some pages are null.
    let there = |row: i64| row % 3 > 0 && !(100_000..170_000).contains(&row);
    let vectors = Float64Array::from_iter_values((0..2 * ROWS).map(|n| mixed(n) as f64 / 3.0));
    let element = Arc::new(Field::new("element", DataType::Float64, false));
    let columns: [(&str, ArrayRef); 10] = [
        ("counted", Arc::new(Int64Array::from_iter_values(rows()))),
        ("forty bits", Arc::new(Int64Array::from_iter_values(rows().map(|row| mixed(row) & 0xff_ffff_ffff)))),
        ("signed", Arc::new(Int32Array::from_iter_values(rows().map(|row| mixed(row) as i32 / 100)))),
        ("with nulls", Arc::new(Int64Array::from_iter(rows().map(|row| there(row).then(|| mixed(row) >> 30))))),
        ("beyond half", Arc::new(UInt64Array::from_iter_values(rows().map(|row| u64::MAX - 7 * row as u64)))),
        ("narrow", Arc::new(UInt32Array::from_iter_values(rows().map(|row| u32::MAX - (row as u32) * 5)))),
        ("day", Arc::new(Date32Array::from_iter_values(rows().map(|row| (row - ROWS / 2) as i32)))),
        (
            "instant",
            Arc::new(TimestampMicrosecondArray::from_iter_values(rows().map(|row| row * 1_000_000 + mixed(row) % 999))),
        ),
        ("noise", Arc::new(Float64Array::from_iter(rows().map(|row| there(row).then(|| mixed(row) as f64 / 7.0))))),
        ("vectors", Arc::new(FixedSizeListArray::new(element, 2, Arc::new(vectors), None))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

fn whole(folio: &DataFolio, options: &TableOptions) -> RecordBatch {
    let reader = folio.read_table("numbers", options).unwrap();
    let schema = reader.schema();
    concat_batches(&schema, &reader.map(Result::unwrap).collect::<Vec<_>>()).unwrap()
}

#[test]
fn numbers_that_hardly_repeat_are_packed_and_read_by_all() {
    let (_dir, folio) = new_bundle();
    let batch = numbers();
    folio.add("numbers", batch.clone(), AddOptions::new()).unwrap();
    let path = folio.get_table_path("numbers").unwrap();
    let footer = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
    let group = footer.metadata().row_group(0);
    for (index, column) in group.columns().iter().enumerate() {
        let is_noise = index >= 8;
        let has_differences = column.encodings().any(|encoding| encoding == Encoding::DELTA_BINARY_PACKED);
        assert_eq!(has_differences, !is_noise, "{}", column.column_path());
        assert!(!is_noise || column.compression() == Compression::UNCOMPRESSED, "{}", column.column_path());
    }
    let all = whole(&folio, &TableOptions::new());
    assert_eq!(all, batch);
    for (offset, limit) in [(0, 1), (99_990, 70_020), (491_519, 2), (599_999, 5)] {
        let part = whole(&folio, &TableOptions::new().offset(offset).limit(limit));
        let rows = (ROWS as usize - offset as usize).min(limit as usize);
        assert_eq!(part, batch.slice(offset as usize, rows), "{offset}");
    }
    let sample = folio.sample_table("numbers", 1_000, 7, &TableOptions::new()).unwrap();
    assert_eq!(sample.num_rows(), 1_000);
    // The same rows as Arrow writes them, for the others.
    folio.add("plain", batch, AddOptions::new().table_format("arrow")).unwrap();
    for threads in [1, 2, 5] {
        let mut settings = Settings::default();
        settings.threads = threads;
        let folio = OpenOptions::new().settings(settings).open(folio.location()).unwrap();
        for rows in [1_000, 70_000] {
            let drawn = |name: &str| folio.sample_table(name, rows, 7, &TableOptions::new()).unwrap();
            assert_eq!(drawn("numbers").columns(), drawn("plain").columns(), "{rows} rows, {threads} threads");
        }
    }
    let Some(python) = installed("DATAFOLIO_PYTHON_TABLES", "tables", "Python with Ibis, Polars and pandas") else {
        return;
    };
    let code = "import sys, duckdb, polars, pyarrow, pyarrow.parquet\n\
                packed, plain = sys.argv[1:]\n\
                expected = pyarrow.ipc.open_file(plain).read_all()\n\
                assert pyarrow.parquet.read_table(packed).equals(expected)\n\
                assert polars.read_parquet(packed).equals(polars.from_arrow(expected))\n\
                found = duckdb.sql('SELECT * EXCLUDE vectors FROM read_parquet($1) EXCEPT ALL SELECT * EXCLUDE vectors FROM expected', params=[packed])\n\
                assert found.fetchall() == [], found";
    let output =
        Command::new(python).args(["-c", code]).arg(path).arg(folio.get_table_path("plain").unwrap()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
