//! HDF5 files, in the layouts of Vaex and plain ones: columns that are read by row.

use arrow::array::RecordBatch;
use datafolio_columns::ColumnsError;
use datafolio_columns::hdf5::{Hdf5Options, Hdf5Table};

use super::input::{Meter, TableFile};
use super::{BATCH_BYTES, ImportOptions, Rows, bad, some_rows};
use crate::error::{HandlerError, HandlerResult};
use crate::guard::{Batches, GuardedReader};
use crate::table::{TableReadOptions, places};

/// Opens the table in a file.
///
/// # Errors
/// [`HandlerError::BadFile`] for a file that holds no table, or is damaged; [`HandlerError::UnknownColumn`].
pub(super) fn open(file: TableFile, options: &ImportOptions, part: &TableReadOptions) -> HandlerResult<Rows> {
    // Read in pieces: a file that someone cuts meanwhile is an error then. Mapped, it would end the process.
    let table = Hdf5Table::open(&file.path, &Hdf5Options { group: None, mapped: false })
        .map_err(|error| failed(&file, error))?;
    let all = table.schema();
    let names: Vec<&str> = all.fields().iter().map(|field| field.name().as_str()).collect();
    let columns = match &part.columns {
        Some(wanted) => places(&file.path, &names, wanted)?,
        None => (0..names.len()).collect(),
    };
    let schema = std::sync::Arc::new(all.project(&columns)?);
    // Rows that are picked one by one are taken out of all of them.
    let (start, end) = match &part.rows {
        Some(_) => (0, table.rows()),
        None => {
            let start = part.offset.min(table.rows());
            (start, part.limit.map_or(table.rows(), |limit| start.saturating_add(limit).min(table.rows())))
        }
    };
    let row_bytes = (file.size / table.rows().max(1)).max(1);
    let most = usize::try_from(BATCH_BYTES as u64 / row_bytes).unwrap_or(usize::MAX).max(1);
    let path = file.path.clone();
    let batches = TableBatches {
        meter: Meter::new(options.progress.as_ref(), file.size, 0, 1),
        file,
        table,
        columns,
        next: start,
        end,
        batch_rows: part.batch_rows.clamp(1, most) as u64,
    };
    let rows: Rows = Box::new(GuardedReader::new(&path, schema, batches));
    Ok(if part.rows.is_some() { some_rows(&path, rows, part) } else { rows })
}

struct TableBatches {
    meter: Meter,
    file: TableFile,
    table: Hdf5Table,
    columns: Vec<usize>,
    next: u64,
    end: u64,
    batch_rows: u64,
}

impl Batches for TableBatches {
    fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>> {
        if self.next >= self.end {
            self.meter.tell(self.file.size);
            return Ok(None);
        }
        let end = self.next.saturating_add(self.batch_rows).min(self.end);
        let batch = self.table.read(self.next..end, &self.columns);
        // What is wrong may come of a change, which says more.
        self.file.check_unchanged()?;
        let batch = batch.map_err(|error| failed(&self.file, error))?;
        self.next = end;
        let share = u128::from(self.file.size) * u128::from(end) / u128::from(self.table.rows().max(1));
        self.meter.tell(share as u64);
        Ok(Some(batch))
    }
}

/// The error with the file that it is about, which it names by itself, told once.
fn failed(file: &TableFile, error: ColumnsError) -> HandlerError {
    bad(
        &file.path,
        match error {
            ColumnsError::Damaged { reason, .. } | ColumnsError::Unsupported { reason, .. } => reason,
            ColumnsError::Io { action, source, .. } => format!("cannot {action} it: {source}"),
            other => other.to_string(),
        },
    )
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use arrow::array::AsArray;
    use arrow::datatypes::{DataType, Float32Type, TimeUnit};

    use super::*;
    use crate::formats::{TableFormat, open_part, open_table};

    /// Files that Vaex wrote.
    fn written_by_vaex(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/columns/tests-data/vaex").join(name)
    }

    fn read(path: &Path, part: &TableReadOptions) -> HandlerResult<Vec<RecordBatch>> {
        open_part(path, &ImportOptions::default(), part)?.collect::<Result<_, _>>().map_err(HandlerError::from)
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
