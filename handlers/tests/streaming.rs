//! Writing and reading a table holds a part of it, never the whole.

/// Memory is measured in a process of its own: the peak of this one belongs to all tests together.
#[cfg(target_os = "linux")]
mod linux {
    use std::io::Write;
    use std::process::{Command, Stdio};
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, RecordBatch, RecordBatchIterator, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};
    use datafolio_handlers::formats::{ImportOptions, table_data};
    use datafolio_handlers::{Data, Handler, IncludedTable, Item, Sink, WriteOptions};
    use datafolio_storage::{LocalStorage, Storage, Verification, VerifiedCache};
    use datafolio_testkit::handler_suite::record;
    use tempfile::TempDir;

    const ROWS: usize = 4_000_000;
    const COLUMNS: usize = 6;
    const BATCH: usize = 20_000;
    const TABLE_KB: u64 = (ROWS * COLUMNS * 8 / 1024) as u64;
    /// Writing needs a row group, or a batch and the ones that it is made of; reading needs less.
    const LIMIT_KB: u64 = 80_000;
    const FORMAT: &str = "DATAFOLIO_TEST_STREAMING";

    fn peak_kb() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    fn generated() -> Data {
        let fields: Vec<Field> = (0..COLUMNS).map(|i| Field::new(format!("c{i}"), DataType::Float64, false)).collect();
        let schema = Arc::new(Schema::new(fields));
        let make = schema.clone();
        let mut state = 1_u64;
        let batches = (0..ROWS / BATCH).map(move |_| {
            let columns: Vec<ArrayRef> = (0..COLUMNS)
                .map(|_| {
                    let values = (0..BATCH).map(|_| {
                        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                        (state >> 11) as f64
                    });
                    Arc::new(Float64Array::from_iter_values(values)) as ArrayRef
                })
                .collect();
            RecordBatch::try_new(make.clone(), columns)
        });
        Data::Table(Box::new(RecordBatchIterator::new(batches, schema)))
    }

    /// Does nothing by itself: the test below runs it in a process of its own, whose memory nobody else uses.
    #[test]
    fn child() {
        let Ok(format) = std::env::var(FORMAT) else { return };
        let dir = TempDir::new().unwrap();
        let storage: Arc<dyn Storage> = Arc::new(LocalStorage::create(dir.path()).unwrap());
        let mut options = WriteOptions::default();
        options.table_format = Some(format.clone());
        let before = peak_kb();
        let mut sink = Sink::new(&storage, "included_table", "t");
        let draft = IncludedTable.write(generated(), &options, &mut sink).unwrap();
        let written = peak_kb() - before;
        let record = record("included_table", "t", &draft);
        let cache = VerifiedCache::disabled();
        let item = Item::new(&record, &storage, Verification::Touched, &cache);
        let Data::Table(reader) = IncludedTable.read(&item).unwrap() else { panic!() };
        let rows: usize = reader.map(|batch| batch.unwrap().num_rows()).sum();
        let read = peak_kb() - before;
        assert_eq!(rows, ROWS);
        println!("{format}: table {TABLE_KB} kB, peak while writing {written} kB, after reading {read} kB");
        assert!(written < LIMIT_KB, "{format}: writing held {written} kB of {TABLE_KB} kB");
        assert!(read < LIMIT_KB, "{format}: reading held {read} kB of {TABLE_KB} kB");
    }

    const WIDE: &str = "DATAFOLIO_TEST_WIDE";
    const WIDE_COLUMNS: usize = 50_000;
    const WIDE_LIMIT_KB: u64 = 500_000;

    /// As [`child`].
    #[test]
    fn wide_child() {
        if std::env::var(WIDE).is_err() {
            return;
        }
        let columns = (0..WIDE_COLUMNS).map(|i| {
            let numbers = (0..100).map(|row| (i * 100 + row) as f64);
            let column: ArrayRef = if i % 2 == 0 {
                Arc::new(Float64Array::from_iter_values(numbers))
            } else {
                Arc::new(StringArray::from_iter_values(numbers.map(|number| format!("{number:>6}"))))
            };
            (format!("c{i}"), column)
        });
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let dir = TempDir::new().unwrap();
        let storage: Arc<dyn Storage> = Arc::new(LocalStorage::create(dir.path()).unwrap());
        let before = peak_kb();
        let mut sink = Sink::new(&storage, "included_table", "t");
        let draft = IncludedTable.write(batch.into(), &WriteOptions::default(), &mut sink).unwrap();
        let written = peak_kb() - before;
        let record = record("included_table", "t", &draft);
        let cache = VerifiedCache::disabled();
        let item = Item::new(&record, &storage, Verification::Touched, &cache);
        let Data::Table(reader) = IncludedTable.read(&item).unwrap() else { panic!() };
        let rows: usize = reader.map(|batch| batch.unwrap().num_rows()).sum();
        assert_eq!(rows, 100);
        println!("wide: peak while writing {written} kB, after reading {} kB", peak_kb() - before);
        assert!(written < WIDE_LIMIT_KB, "writing held {written} kB");
    }

    #[test]
    fn a_table_of_many_columns_needs_little_for_each() {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "streaming::linux::wide_child", "--nocapture"])
            .env(WIDE, "1")
            .env("MALLOC_MMAP_THRESHOLD_", "131072")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        assert!(text.contains("1 passed"), "{text}");
        println!("{}", text.lines().find(|line| line.contains("peak")).unwrap_or_default());
    }

    const SPARSE: &str = "DATAFOLIO_TEST_SPARSE";
    const SPARSE_COLUMNS: usize = 1000;
    const SPARSE_ROWS: usize = 100_000;
    /// Without text in it, the file holds a hundred million fields.
    const SPARSE_LIMIT_KB: u64 = 250_000;

    /// As [`child`].
    #[test]
    fn sparse_child() {
        if std::env::var(SPARSE).is_err() {
            return;
        }
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("sparse.csv");
        let names: Vec<String> = (0..SPARSE_COLUMNS).map(|i| format!("c{i}")).collect();
        let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
        writeln!(file, "{}", names.join(",")).unwrap();
        let row = format!("1{}", ",".repeat(SPARSE_COLUMNS - 1));
        (0..SPARSE_ROWS).for_each(|_| writeln!(file, "{row}").unwrap());
        drop(file);
        let storage: Arc<dyn Storage> = Arc::new(LocalStorage::create(&dir.path().join("bundle")).unwrap());
        let before = peak_kb();
        let data = table_data(&path, &ImportOptions::default(), true).unwrap();
        let guessed = peak_kb() - before;
        let mut sink = Sink::new(&storage, "included_table", "t").with_threads(2);
        IncludedTable.write(data, &WriteOptions::default(), &mut sink).unwrap();
        let written = peak_kb() - before;
        println!("sparse: peak after guessing {guessed} kB, after writing {written} kB");
        assert!(guessed < 40_000, "guessing held {guessed} kB");
        assert!(written < SPARSE_LIMIT_KB, "writing held {written} kB");
    }

    #[test]
    fn empty_fields_take_no_more_memory_than_others() {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "streaming::linux::sparse_child", "--nocapture"])
            .env(SPARSE, "1")
            .env("MALLOC_MMAP_THRESHOLD_", "131072")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        assert!(text.contains("1 passed"), "{text}");
        println!("{}", text.lines().find(|line| line.contains("peak")).unwrap_or_default());
    }

    #[test]
    fn a_table_is_never_held_in_memory() {
        let start = |format: &str| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "streaming::linux::child", "--nocapture"])
                .env(FORMAT, format)
                // What is freed goes back to the system at once: the peak is what was held, not what glibc kept.
                .env("MALLOC_MMAP_THRESHOLD_", "131072")
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        };
        for child in ["parquet", "arrow"].map(start) {
            let output = child.wait_with_output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
            assert!(text.contains("1 passed"), "{text}");
            println!("{}", text.lines().find(|line| line.contains("peak")).unwrap_or_default());
        }
    }
}
