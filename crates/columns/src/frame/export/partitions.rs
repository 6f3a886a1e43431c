//! Rows as a directory of files: cut by the values of columns, by a number of rows, or both.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::row::{RowConverter, SortField};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use indexmap::IndexMap;

use super::dictionaries::Dictionaries;
use super::{ExportFormat, Parts};
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::col;
use crate::frame::Frame;
use crate::pass::PassOptions;

/// Bytes of rows that wait for their files: all of them together.
const WAITING: usize = 256 << 20;
/// The most files that one export makes: many more are seldom meant, and no file system likes them.
const MOST_FILES: usize = 100_000;
/// What directories of missing values are called, as Hive, Spark and pyarrow call them.
const MISSING: &str = "__HIVE_DEFAULT_PARTITION__";

/// How rows are cut into files.
#[derive(Debug, Clone)]
pub struct PartitionOptions {
    /// Columns, or virtual columns, each of whose values has a directory `name=value`, one within the other; they are left out of the files.
    pub by: Vec<String>,
    /// The most rows of a file, about: files are closed between batches.
    pub rows_per_file: u64,
    /// What the files are: Arrow, Parquet, CSV or JSON lines.
    pub format: ExportFormat,
    /// Threads, progress and cancellation.
    pub pass: PassOptions,
}

impl Default for PartitionOptions {
    /// Parquet files of 16 Mi rows.
    fn default() -> Self {
        Self { by: Vec::new(), rows_per_file: 1 << 24, format: ExportFormat::Parquet, pass: PassOptions::default() }
    }
}

impl Frame {
    /// Writes the rows that pass the filter to a directory of files, which must not be there yet. It appears when all of it is written.
    ///
    /// Files are called `part-00000.parquet`, and so on, within the directories of their values; rows keep their order within a file.
    ///
    /// # Errors
    /// Those of [`export`](Self::export); [`InvalidOption`](ColumnsError::InvalidOption) for a directory that is there, for columns by which nothing
    /// can be cut, and for more than 100,000 files.
    pub fn export_partitioned(&self, dir: impl AsRef<Path>, options: &PartitionOptions) -> ColumnsResult<Parts> {
        let dir = dir.as_ref();
        if fs::symlink_metadata(dir).is_ok() {
            return Err(ColumnsError::option(format!(
                "'{}' is there already: give a directory that is not",
                dir.display()
            )));
        }
        let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(|error| ColumnsError::io("make the directory", parent, error))?;
        let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let hidden = tempfile::Builder::new()
            .prefix(&format!(".{name}."))
            .suffix(".tmp")
            .tempdir_in(parent)
            .map_err(|error| ColumnsError::io("make a directory in", parent, error))?;
        let mut cut = Cut::new(self, hidden.path(), options)?;
        for batch in self.batches_of(&cut.columns, &options.pass)? {
            cut.push(&batch?)?;
        }
        let files = cut.finish()?;
        let rows = files.iter().map(|(_, rows)| rows).sum();
        fs::rename(hidden.path(), dir).map_err(|error| ColumnsError::io("rename to", dir, error))?;
        // It has another name now, under which it stays.
        let _ = hidden.keep();
        let files = files.into_iter().map(|(file, _)| dir.join(file)).collect();
        Ok(Parts { files, rows, kept: 0 })
    }
}

/// Rows on their way to their files.
struct Cut<'o> {
    dir: &'o Path,
    options: &'o PartitionOptions,
    /// What is read: the columns of the files, then those that say which file.
    columns: Vec<(Arc<str>, crate::expr::Expr)>,
    kept: usize,
    keys: Option<RowConverter>,
    dictionaries: Dictionaries,
    schema: SchemaRef,
    parts: IndexMap<Box<[u8]>, Part>,
    waiting: usize,
    files: Vec<(PathBuf, u64)>,
}

/// The rows of some values.
#[derive(Default)]
struct Part {
    /// Where its files lie, below the directory.
    place: PathBuf,
    waiting: Vec<RecordBatch>,
    rows: u64,
    bytes: usize,
    written: usize,
}

impl<'o> Cut<'o> {
    fn new(frame: &Frame, dir: &'o Path, options: &'o PartitionOptions) -> ColumnsResult<Self> {
        let (mut columns, mut keys) = (Vec::new(), Vec::new());
        for name in &options.by {
            if !frame.names.iter().any(|known| **known == **name) {
                return Err(ColumnsError::option(format!("there is no column '{name}' to cut rows by")));
            }
            if keys.iter().any(|(known, _): &(Arc<str>, _)| **known == **name) {
                return Err(ColumnsError::option(format!("rows are cut by column '{name}' twice")));
            }
            keys.push((Arc::from(name.as_str()), col(name.as_str())));
        }
        for name in frame.names.iter().filter(|name| !options.by.iter().any(|by| **by == ***name)) {
            columns.push((name.clone(), col(name.clone())));
        }
        if columns.is_empty() {
            return Err(ColumnsError::option(
                "rows are cut by all of their columns, and nothing is left for the files",
            ));
        }
        let kept = columns.len();
        columns.extend(keys);
        let all = frame.batches_of(&columns, &PassOptions::default())?.schema();
        let (fields, keys) = all.fields().split_at_checked(kept).unwrap_or((all.fields(), &[]));
        if let Some(key) = keys.iter().find(|key| key.data_type().is_nested() && !is_text_code(key.data_type())) {
            return Err(ColumnsError::option(format!(
                "rows cannot be cut by column '{}', of type {}: its values are no names of directories",
                key.name(),
                key.data_type()
            )));
        }
        let fields: SchemaRef = Arc::new(Schema::new(fields.to_vec()));
        let sort = keys.iter().map(|key| SortField::new(key.data_type().clone())).collect::<Vec<_>>();
        let keys = if sort.is_empty() { None } else { Some(RowConverter::new(sort)?) };
        // A file has one dictionary for each column, and what goes to it comes with several.
        let dictionaries = match options.format {
            ExportFormat::Arrow => Dictionaries::plain(&fields),
            _ => Dictionaries::default(),
        };
        let schema = dictionaries.schema(&fields);
        let (parts, files) = (IndexMap::new(), Vec::new());
        Ok(Self { dir, options, columns, kept, keys, dictionaries, schema, parts, waiting: 0, files })
    }

    fn push(&mut self, batch: &RecordBatch) -> ColumnsResult<()> {
        let kept: Vec<usize> = (0..self.kept).collect();
        let rows = self.dictionaries.applied(&batch.project(&kept)?, &self.schema)?;
        let keys = batch.columns().get(self.kept..).unwrap_or_default();
        let Some(converter) = &self.keys else {
            return self.wait(Box::default(), keys, 0, rows);
        };
        let converted = converter.convert_columns(keys)?;
        let mut places: IndexMap<&[u8], Vec<u32>> = IndexMap::new();
        for (row, key) in converted.iter().enumerate() {
            places.entry(key.data()).or_default().push(row as u32);
        }
        for (key, places) in places {
            let first = places.first().map_or(0, |row| *row as usize);
            // A batch of one value, as of a sorted table, is not copied.
            let part = match places.len() == rows.num_rows() {
                true => rows.clone(),
                false => take_record_batch(&rows, &UInt32Array::from(places))?,
            };
            self.wait(key.into(), keys, first, part)?;
        }
        Ok(())
    }

    /// Puts rows with the others of their values.
    fn wait(&mut self, key: Box<[u8]>, keys: &[ArrayRef], row: usize, rows: RecordBatch) -> ColumnsResult<()> {
        if !self.parts.contains_key(&key) {
            let names = self.columns.iter().skip(self.kept).map(|(name, _)| name);
            let mut place = PathBuf::new();
            for (name, values) in names.zip(keys) {
                place.push(format!("{}={}", escaped(name), value_text(values, row)?));
            }
            self.parts.insert(key.clone(), Part { place, ..Part::default() });
        }
        let Some(part) = self.parts.get_mut(&key) else { return Ok(()) };
        let bytes = rows.get_array_memory_size();
        part.rows += rows.num_rows() as u64;
        part.bytes += bytes;
        self.waiting += bytes;
        part.waiting.push(rows);
        if part.rows >= self.options.rows_per_file.max(1) {
            self.write(&key)?;
        }
        while self.waiting > WAITING {
            let largest = self.parts.iter().max_by_key(|(_, part)| part.bytes).map(|(key, _)| key.clone());
            match largest {
                Some(key) => self.write(&key)?,
                None => break,
            }
        }
        Ok(())
    }

    /// Writes the rows that wait to a file of their own.
    fn write(&mut self, key: &[u8]) -> ColumnsResult<()> {
        let Some(part) = self.parts.get_mut(key) else { return Ok(()) };
        if self.files.len() >= MOST_FILES {
            return Err(ColumnsError::option(format!(
                "the rows would be cut into more than {MOST_FILES} files: cut them by other columns"
            )));
        }
        let dir = self.dir.join(&part.place);
        fs::create_dir_all(&dir).map_err(|error| ColumnsError::io("make the directory", &dir, error))?;
        let name = format!("part-{:05}.{}", part.written, ending(&self.options.format));
        let path = dir.join(&name);
        let mut writer = super::RowWriter::create(&path, &self.options.format, &self.schema)?;
        for batch in part.waiting.drain(..) {
            writer.write(&batch)?;
        }
        let rows = writer.finish()?;
        self.files.push((part.place.join(name), rows));
        self.waiting -= part.bytes;
        (part.rows, part.bytes) = (0, 0);
        part.written += 1;
        Ok(())
    }

    fn finish(mut self) -> ColumnsResult<Vec<(PathBuf, u64)>> {
        let left: Vec<Box<[u8]>> =
            self.parts.iter().filter(|(_, part)| part.rows > 0).map(|(key, _)| key.clone()).collect();
        for key in left {
            self.write(&key)?;
        }
        if self.files.is_empty() && self.keys.is_none() {
            self.parts.insert(Box::default(), Part::default());
            self.write(&[])?;
        }
        self.files.sort();
        Ok(self.files)
    }
}

fn is_text_code(type_: &arrow::datatypes::DataType) -> bool {
    matches!(type_, arrow::datatypes::DataType::Dictionary(_, values) if !values.is_nested())
}

fn ending(format: &ExportFormat) -> &'static str {
    match format {
        ExportFormat::Arrow => "arrow",
        ExportFormat::ArrowStream => "arrows",
        ExportFormat::Csv => "csv",
        ExportFormat::JsonLines => "jsonl",
        ExportFormat::Parquet | ExportFormat::Hdf5(_) | ExportFormat::Npy => "parquet",
    }
}

/// A value as the name of a directory.
fn value_text(values: &ArrayRef, row: usize) -> ColumnsResult<String> {
    if values.is_null(row) || values.logical_nulls().is_some_and(|nulls| nulls.is_null(row)) {
        return Ok(MISSING.to_owned());
    }
    let options = FormatOptions::new();
    let formatter = ArrayFormatter::try_new(values, &options)?;
    let mut text = String::new();
    write!(text, "{}", formatter.value(row))
        .map_err(|_| ColumnsError::option(format!("a value of type {} has no text", values.data_type())))?;
    if text.len() > 200 {
        return Err(ColumnsError::option(format!("a value of {} bytes is no name of a directory", text.len())));
    }
    // An empty text, and one that reads as a missing value.
    Ok(if text == MISSING { format!("%5F{}", &MISSING[1..]) } else { escaped(&text) })
}

/// A text whose characters mean nothing in a path, as Hive escapes it: no name climbs out, or is another one where case does not count.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' | ' ' | '+' | ',' | '@' => escaped.push(letter),
            '.' if !escaped.is_empty() => escaped.push(letter),
            letter if !letter.is_ascii() && letter.is_alphanumeric() => escaped.push(letter),
            letter => {
                for byte in letter.to_string().bytes() {
                    let _ = write!(escaped, "%{byte:02X}");
                }
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringArray};

    use super::*;
    use crate::{Frame, agg};

    fn frame(rows: i64) -> Frame {
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
        let kinds = ["a/b", "..", "", "ü x"];
        let kind = |id: i64| (id % 5 != 4).then(|| kinds[id as usize % 5]);
        let texts: ArrayRef = Arc::new(StringArray::from_iter((0..rows).map(kind)));
        let batch = RecordBatch::try_from_iter([("id", ids), ("kind", texts)]).unwrap();
        Frame::from_batches(batch.schema(), vec![batch]).unwrap()
    }

    fn sum(files: &[PathBuf]) -> i128 {
        let frame = Frame::open(files.to_vec()).unwrap();
        frame.aggregate(&[agg::sum(col("id"))]).unwrap()[0].as_i128().unwrap()
    }

    #[test]
    fn rows_go_to_directories_of_their_values() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("out/here");
        let frame =
            frame(10_000).with_column("high", col("id").greater_equal(5_000)).filter(col("id").greater(1)).unwrap();
        let options = PartitionOptions { by: vec!["kind".into(), "high".into()], ..PartitionOptions::default() };
        let parts = frame.export_partitioned(&dir, &options).unwrap();
        assert_eq!((parts.rows, parts.files.len()), (9_998, 10));
        let places: Vec<String> = parts
            .files
            .iter()
            .map(|file| file.strip_prefix(&dir).unwrap().to_str().unwrap().replace('\\', "/"))
            .collect();
        for expected in ["kind=%2E./high=true", "kind=/high=false", "kind=a%2Fb/high=false", "kind=ü x/high=true"] {
            assert!(places.contains(&format!("{expected}/part-00000.parquet")), "{expected}: {places:?}");
        }
        let missing = dir.join("kind=__HIVE_DEFAULT_PARTITION__/high=false/part-00000.parquet");
        assert_eq!(sum(std::slice::from_ref(&missing)), (0..5_000).filter(|id| id % 5 == 4).sum::<i128>());
        assert_eq!(Frame::open(&missing).unwrap().arrow_schema().unwrap().fields().len(), 1);
        assert_eq!(sum(&parts.files), 10_000 * 9_999 / 2 - 1);
        // Nothing but the directory is left, and it is not written over.
        assert_eq!(fs::read_dir(home.path().join("out")).unwrap().count(), 1);
        let error = frame.export_partitioned(&dir, &options).unwrap_err();
        assert!(error.to_string().contains("is there already"), "{error}");
    }

    #[test]
    fn files_have_so_many_rows_in_every_format() {
        let home = tempfile::tempdir().unwrap();
        for format in [ExportFormat::Arrow, ExportFormat::ArrowStream, ExportFormat::Parquet, ExportFormat::JsonLines] {
            let dir = home.path().join(ending(&format));
            let options = PartitionOptions { rows_per_file: 1, format: format.clone(), ..PartitionOptions::default() };
            let parts = frame(600_000).export_partitioned(&dir, &options).unwrap();
            assert!(parts.files.len() > 1 && parts.rows == 600_000, "{format:?}: {}", parts.files.len());
            if format != ExportFormat::JsonLines {
                assert_eq!(sum(&parts.files), 600_000 * 599_999 / 2);
            }
        }
        let empty = frame(0).export_partitioned(home.path().join("none"), &PartitionOptions::default()).unwrap();
        assert_eq!((empty.rows, empty.files.len()), (0, 1));
    }

    #[test]
    fn what_cannot_be_cut_is_told_and_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("out");
        let by = |names: &[&str]| PartitionOptions {
            by: names.iter().map(|name| (*name).to_owned()).collect(),
            ..PartitionOptions::default()
        };
        let frame = frame(100);
        for (options, expected) in [
            (by(&["nothing"]), "'nothing'"),
            (by(&["kind", "kind"]), "twice"),
            (by(&["kind", "id"]), "nothing is left"),
            (PartitionOptions { format: ExportFormat::Npy, ..by(&[]) }, "not written in parts"),
        ] {
            let error = frame.export_partitioned(&dir, &options).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "{expected}");
        }
        let long = frame.with_column("long", crate::lit("x".repeat(300)));
        let error = long.export_partitioned(&dir, &by(&["long"])).unwrap_err();
        assert!(error.to_string().contains("300 bytes"), "{error}");
    }
}
