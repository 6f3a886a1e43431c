//! HDF5 files, in the layouts of Vaex and plain ones: columns that are read by row.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafolio_columns::ColumnsError;
use datafolio_columns::hdf5::{Hdf5Options, Hdf5Table};

use super::input::{Meter, TableFile};
use super::{BATCH_BYTES, ImportOptions, Rows, bad, some_rows};
use crate::error::{HandlerError, HandlerResult};
use crate::guard::{Batches, GuardedReader};
use crate::table::{Hdf5Batches, TableReadOptions, reason_of};

/// Opens the table in a file.
///
/// # Errors
/// [`HandlerError::BadFile`] for a file that holds no table, or is damaged; [`HandlerError::UnknownColumn`].
pub(super) fn open(file: TableFile, options: &ImportOptions, part: &TableReadOptions) -> HandlerResult<Rows> {
    let table = table_in(&file)?;
    let batches = Hdf5Batches::new(&file.path, table, part, (file.size, BATCH_BYTES as u64))?;
    let (path, schema) = (file.path.clone(), batches.schema()?);
    let batches = FileBatches { meter: Meter::new(options.progress.as_ref(), file.size, 0, 1), file, batches };
    let rows: Rows = Box::new(GuardedReader::new(&path, schema, batches));
    // Rows that are picked one by one are taken out of all of them.
    Ok(if part.rows.is_some() { some_rows(&path, rows, part) } else { rows })
}

/// The columns and the number of rows of the table in a file.
///
/// # Errors
/// As [`open`].
pub(super) fn head(file: &TableFile) -> HandlerResult<(SchemaRef, u64)> {
    let table = table_in(file)?;
    Ok((table.schema(), table.rows()))
}

fn table_in(file: &TableFile) -> HandlerResult<Hdf5Table> {
    if !file.is_here() {
        let what = format!("reading {}, an HDF5 file on a store,", file.path.display());
        return Err(HandlerError::Unsupported { what, needs: "a file on this machine: download it first".to_owned() });
    }
    // Read in pieces: a file that someone cuts meanwhile is an error then. Mapped, it would end the process.
    Hdf5Table::open(&file.path, &Hdf5Options { group: None, mapped: false }).map_err(|error| failed(file, error))
}

struct FileBatches {
    meter: Meter,
    file: TableFile,
    batches: Hdf5Batches,
}

impl Batches for FileBatches {
    fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>> {
        let batch = self.batches.read();
        // What is wrong may come of a change, which says more.
        self.file.check_unchanged()?;
        let batch = batch.map_err(|error| failed(&self.file, error))?;
        let (next, all) = self.batches.position();
        let share = match batch {
            Some(_) => u128::from(self.file.size) * u128::from(next) / u128::from(all.max(1)),
            None => self.file.size.into(),
        };
        self.meter.tell(share as u64);
        Ok(batch)
    }
}

/// The error with the file that it is about, which it names by itself, told once.
fn failed(file: &TableFile, error: ColumnsError) -> HandlerError {
    bad(&file.path, reason_of(error))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use arrow::array::AsArray;
    use arrow::datatypes::{DataType, Float32Type, TimeUnit};

    use super::*;
    use crate::formats::{FilePlace, TableFormat, open_part, open_table};

    /// Files that Vaex wrote.
    fn written_by_vaex(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/columns/tests-data/vaex").join(name)
    }

    fn read(path: &Path, part: &TableReadOptions) -> HandlerResult<Vec<RecordBatch>> {
        open_part(&FilePlace::here(path), &ImportOptions::default(), part)?
            .collect::<Result<_, _>>()
            .map_err(HandlerError::from)
    }

    #[test]
    fn tables_of_vaex_are_read_in_whole_and_in_part() {
        let path = written_by_vaex("table.hdf5");
        let rows = open_table(&path, &ImportOptions::default()).unwrap();
        let schema = rows.schema();
        assert_eq!(schema.field_with_name("x").unwrap().data_type(), &DataType::Float32);
        assert_eq!(schema.field_with_name("ts").unwrap().data_type(), &DataType::Timestamp(TimeUnit::Nanosecond, None));
        assert_eq!(rows.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 5000);
        // The first values of expected.json.
        let part = |part| TableReadOptions { columns: Some(vec!["y".into(), "x".into()]), batch_rows: 2, ..part };
        let some = TableReadOptions { offset: 1, limit: Some(3), ..TableReadOptions::default() };
        let batches = read(&path, &part(some)).unwrap();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(batches[0].column(1).as_primitive::<Float32Type>().values(), &[4.444_863_3, -4.869_345]);
        let picked = TableReadOptions { rows: Some([0, 4].into()), ..TableReadOptions::default() };
        let picked = read(&path, &part(picked)).unwrap();
        let last = picked.last().unwrap();
        let x = last.column(1).as_primitive::<Float32Type>();
        assert_eq!(x.value(x.len() - 1), -1.549_784_2);
        let unknown = TableReadOptions { columns: Some(vec!["nope".into()]), ..TableReadOptions::default() };
        assert!(matches!(read(&path, &unknown), Err(HandlerError::UnknownColumn { .. })));
    }

    #[test]
    fn damage_is_told_with_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let whole = std::fs::read(written_by_vaex("strings.hdf5")).unwrap();
        let path = dir.path().join("cut.hdf5");
        for length in (0..whole.len()).step_by(997) {
            std::fs::write(&path, &whole[..length]).unwrap();
            let options = ImportOptions { format: Some(TableFormat::Hdf5), ..ImportOptions::default() };
            let read = open_table(&path, &options)
                .and_then(|rows| rows.collect::<Result<Vec<_>, _>>().map_err(HandlerError::from));
            match read {
                Ok(_) => panic!("{length} bytes pass for a whole file"),
                Err(HandlerError::BadFile { path: named, .. }) => assert_eq!(named, path),
                Err(other) => panic!("{length}: {other}"),
            }
        }
    }
}
