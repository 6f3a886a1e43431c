//! Many files as one table.
//!
//! * Order: sources as they are given; the files of one by their paths, segment by segment and byte by byte, as Polars and
//!   DuckDB sort them: `part-10` before `part-2`.
//! * Columns go by their names. They are those of all files, in the order in which they are first met; a file that does not
//!   have one gives nulls. Types that differ are widened where one type holds both, and refused otherwise.
//! * Partitions (`year=2024/`) are columns behind those of the files, or in place of a column of the same name, which must
//!   then have the same values.
//!
//! All files are of one format.

mod columns;
mod conform;
mod heads;

use std::cmp::Ordering;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

pub(crate) use columns::layout;

use self::columns::{Layout, guessed_layout};
use self::conform::conform;
use super::detect;
use super::hive::Partitions;
use super::inferred::InferredTable;
use super::input::TableFile;
use super::json_lines::Watch;
use super::table_files::{TableFiles, TableSource};
use super::{FilePlace, ImportOptions, Rows, TableFormat, csv, json_lines, open_part, some_rows};
use crate::error::HandlerResult;
use crate::guard::{Batches, GuardedReader};
use crate::table::{Spread, TableReadOptions, places};

/// Opens files as one table; they are looked at for their columns first: text as a whole, others at their footers or heads.
///
/// # Errors
/// Those of [`open_table`](super::open_table) for any of the files; [`HandlerError::BadFile`](crate::HandlerError::BadFile) for files of several formats,
/// for a column whose types have none in common, and for files in different partitions; each names the file.
pub fn open_tables(files: &TableFiles, options: &ImportOptions) -> HandlerResult<Rows> {
    open_tables_part(files, options, &options.part())
}

/// Opens the wanted part of the files. `part` says which columns, not `options`; files without wanted rows have their rows
/// counted at most.
///
/// # Errors
/// As [`open_tables`].
pub(crate) fn open_tables_part(
    files: &TableFiles,
    options: &ImportOptions,
    part: &TableReadOptions,
) -> HandlerResult<Rows> {
    let layout = layout(files, &ImportOptions { columns: part.columns.clone(), ..options.clone() })?;
    let (pass, passes) = if is_looked_through(layout.format) { (1, 2) } else { (0, 1) };
    let meter = Meter::new(files, options, pass, passes);
    rows_of(files, options, part, layout, meter, None)
}

/// Opens JSON lines with the columns of their first lines, of `guessed_from` bytes or a little more, which are read again. When a
/// later line shows that all lines make other columns, reading ends with an error, and the flag is set.
pub(super) fn open_tables_guessing(
    files: &TableFiles,
    options: &ImportOptions,
    guessed_from: u64,
    misjudged: &Arc<AtomicBool>,
) -> HandlerResult<Rows> {
    let Ok((layout, guess)) = guessed_layout(files, options, guessed_from) else {
        // What the first lines lack, the others may have; and what is wrong with them is told there.
        return open_tables(files, options);
    };
    let watch = guess.map(|guess| guess.into_watch(misjudged));
    rows_of(files, options, &options.part(), layout, Meter::new(files, options, 0, 1), watch)
}

/// Gives the rows of files of which the columns are known.
fn rows_of(
    files: &TableFiles,
    options: &ImportOptions,
    part: &TableReadOptions,
    layout: Layout,
    meter: Meter,
    watch: Option<(usize, Watch)>,
) -> HandlerResult<Rows> {
    let columns: Vec<&str> = layout.schema.fields().iter().map(|field| field.name().as_str()).collect();
    let schema = match &part.columns {
        Some(wanted) => {
            let places = places(&files.place, &columns, wanted)?;
            Arc::new(layout.schema.project(&places)?)
        }
        None => Arc::clone(&layout.schema),
    };
    let batches = TablesBatches {
        schema: Arc::clone(&schema),
        meter,
        files: files.files.clone(),
        options: ImportOptions { progress: None, columns: None, ..options.clone() },
        wanted: Spread::new(part.clone()),
        layout,
        watch,
        next: 0,
        current: None,
    };
    Ok(Box::new(GuardedReader::new(&files.place, schema, batches)))
}

/// Tells how many bytes of all files lie behind.
struct Meter {
    options: ImportOptions,
    total: u64,
    done: u64,
}

/// Whether files of a format are read as a whole to find their columns, and then for their rows.
fn is_looked_through(format: TableFormat) -> bool {
    matches!(format, TableFormat::Csv | TableFormat::Tsv | TableFormat::JsonLines)
}

impl Meter {
    /// For one of several passes over all files.
    fn new(files: &TableFiles, options: &ImportOptions, pass: u64, passes: u64) -> Self {
        let size = if options.progress.is_some() { files.size() } else { 0 };
        Self { options: options.clone(), total: size.saturating_mul(passes), done: size.saturating_mul(pass) }
    }

    fn pass(&mut self, file: &TableSource) {
        if let Some(progress) = &self.options.progress {
            self.done += file.place.size_and_time().map_or(0, |(size, _)| size);
            progress(self.done.min(self.total), Some(self.total));
        }
    }
}

struct TablesBatches {
    schema: SchemaRef,
    layout: Layout,
    /// Where the columns are a guess: what watches the lines from this file on.
    watch: Option<(usize, Watch)>,
    files: Vec<TableSource>,
    options: ImportOptions,
    wanted: Spread,
    meter: Meter,
    next: usize,
    /// The file at hand, which is the one before `next`.
    current: Option<OneFile>,
}

struct OneFile {
    rows: Rows,
    partitions: Partitions,
}

impl Batches for TablesBatches {
    fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>> {
        loop {
            if let Some(current) = &mut self.current
                && let Some(file) = self.next.checked_sub(1).and_then(|index| self.files.get(index))
            {
                match current.rows.next() {
                    Some(batch) => {
                        let batch = batch?;
                        self.wanted.gave(batch.num_rows() as u64);
                        return conform(&self.schema, file, &current.partitions, &batch).map(Some);
                    }
                    None => {
                        self.current = None;
                        self.meter.pass(file);
                    }
                }
            }
            if self.wanted.is_done() {
                return Ok(None);
            }
            let Some(file) = self.files.get(self.next) else { return Ok(None) };
            let rows = || count_rows(&file.place, &self.options);
            if let Some(part) = self.wanted.next_file(rows)? {
                self.current = Some(self.open(file, part)?);
            }
            self.next += 1;
        }
    }
}

/// The rows of a file: its headers tell them, or all of it is read.
fn count_rows(place: &FilePlace, options: &ImportOptions) -> HandlerResult<u64> {
    if let Some(rows) = rows_by_head(place, options)? {
        return Ok(rows);
    }
    let mut rows = 0;
    for batch in open_part(place, options, &TableReadOptions::default())? {
        rows += batch?.num_rows() as u64;
    }
    Ok(rows)
}

/// The number of rows that the headers of a file tell; `None` of text, and of a file on a store that would take many requests.
///
/// # Errors
/// As [`open_table`](super::open_table).
pub(crate) fn rows_by_head(place: &FilePlace, options: &ImportOptions) -> HandlerResult<Option<u64>> {
    if let Some(head) = heads::known(place, options) {
        return Ok(head.rows);
    }
    let file = TableFile::open(place)?;
    let found = detect::resolve(&file, options)?;
    if is_looked_through(found.format) {
        return Ok(None);
    }
    Ok(heads::read(file, &found, options)?.rows)
}

impl TablesBatches {
    fn open(&self, source: &TableSource, part: TableReadOptions) -> HandlerResult<OneFile> {
        let partitions = source.partitions()?;
        let wanted = part.columns.is_some().then_some(&self.schema);
        let rows = match self.layout.format {
            TableFormat::Parquet | TableFormat::Arrow | TableFormat::Npy | TableFormat::Hdf5 => {
                let columns = match wanted {
                    None => None,
                    Some(wanted) => {
                        let found = match heads::known(&source.place, &self.options) {
                            Some(head) => head.schema,
                            None => open_part(&source.place, &self.options, &TableReadOptions::default())?.schema(),
                        };
                        let names = wanted.fields().iter().map(|field| field.name());
                        Some(names.filter(|name| found.column_with_name(name).is_some()).cloned().collect())
                    }
                };
                open_part(&source.place, &self.options, &TableReadOptions { columns, ..part })?
            }
            TableFormat::Csv | TableFormat::Tsv | TableFormat::JsonLines => {
                let file = TableFile::open(&source.place)?;
                let found = detect::resolve(&file, &self.options)?;
                let options = ImportOptions { batch_size: part.batch_rows, ..self.options.clone() };
                let schema = &self.layout.schema;
                let rows = match self.layout.format {
                    TableFormat::JsonLines => {
                        let watch = self.watch_of_next();
                        json_lines::open_as(file, &found, &options, schema, &partitions, wanted, watch)?
                    }
                    _ => csv::open_as(file, &found, &options, schema, wanted)?,
                };
                if part.wants_all_rows() { rows } else { some_rows(source.path(), rows, &part) }
            }
        };
        Ok(OneFile { rows, partitions })
    }

    /// What watches the lines of the next file, where not all of them were looked at.
    fn watch_of_next(&self) -> Option<Watch> {
        let (first, watch) = self.watch.as_ref()?;
        match self.next.cmp(first) {
            Ordering::Less => None,
            Ordering::Equal => Some(watch.clone()),
            Ordering::Greater => Some(watch.of_next_file()),
        }
    }
}

/// The value to add for files as one table.
///
/// # Errors
/// As [`open_tables`].
pub fn tables_data(files: &TableFiles, options: &ImportOptions) -> HandlerResult<crate::Data> {
    if files.are_arrays(options.format) {
        return Ok(crate::Data::Table(super::npy_table::open(files, options)?));
    }
    let named = files.paths().next().and_then(|path| detect::by_name(path).0);
    if options.format.or(named) == Some(TableFormat::JsonLines) && options.infer_rows.is_none() {
        return Ok(crate::Data::InferredTable(InferredTable::of_files(files, options)?));
    }
    Ok(crate::Data::Table(open_tables(files, options)?))
}

#[cfg(test)]
mod tests;
