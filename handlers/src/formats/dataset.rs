//! Many Parquet files as one table: a directory, partitioned or not, and a pattern.
//!
//! What Polars 2 reads the same way: the files in the order of their paths, all of the same columns, and of a directory
//! the partitions (`year=2024/`) as columns behind those of the files, or in place of a column of the same name.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, RecordBatchOptions, StringArray,
    new_null_array,
};
use arrow::compute::{can_cast_types, cast};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use indexmap::{IndexMap, IndexSet};

use super::csv::parse_date;
use super::{ImportOptions, Rows, TableFormat, bad, decoder_error, glob, open_part, parquet_facts, quoted};
use crate::error::{HandlerError, HandlerResult};
use crate::guard::{Batches, GuardedReader};
use crate::table::{Spread, TableReadOptions, places};

/// How Hive writes a missing partition value.
const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// Opens all Parquet files below a directory as one table. Directories `name=value` are columns: bool, int64, float64 or
/// date32 when all values are, else string.
///
/// # Errors
/// [`HandlerError::FileNotFound`]; [`HandlerError::BadFile`] when there is no Parquet file, or files that make no table
/// together; as [`open_table`](super::open_table).
pub fn open_directory(root: &Path, options: &ImportOptions) -> HandlerResult<Rows> {
    open_directory_part(root, options, &options.part())
}

/// Opens the wanted part of a directory. `part` says which columns, not `options`; files without wanted rows have their
/// footers read at most.
///
/// # Errors
/// As [`open_directory`].
pub(crate) fn open_directory_part(
    root: &Path,
    options: &ImportOptions,
    part: &TableReadOptions,
) -> HandlerResult<Rows> {
    if !root.exists() {
        return Err(HandlerError::FileNotFound { path: root.to_owned() });
    }
    let files = glob::parquet_files(root)?;
    if files.is_empty() {
        return Err(bad(root, "holds no Parquet file (.parquet)"));
    }
    let partitions = files.iter().map(|file| partitions_of(root, file)).collect::<HandlerResult<Vec<_>>>()?;
    open_files(root, files, &partitions, options, part)
}

/// Opens all Parquet files that a pattern names as one table: `*`, `?` and `[...]` in a name, `**` for directories at any
/// depth. Partition directories are no columns here.
///
/// # Errors
/// [`HandlerError::FileNotFound`] when there is none; as [`open_directory`].
pub fn open_glob(pattern: &Path, options: &ImportOptions) -> HandlerResult<Rows> {
    open_glob_part(pattern, options, &options.part())
}

/// Opens the wanted part of the files of a pattern, as [`open_directory_part`] does.
///
/// # Errors
/// As [`open_glob`].
pub(crate) fn open_glob_part(pattern: &Path, options: &ImportOptions, part: &TableReadOptions) -> HandlerResult<Rows> {
    let files = glob::expand(pattern)?;
    if files.is_empty() {
        return Err(HandlerError::FileNotFound { path: pattern.to_owned() });
    }
    let partitions = vec![IndexMap::new(); files.len()];
    open_files(pattern, files, &partitions, options, part)
}

/// The partition values of one file, from the directories above it.
type Partitions = IndexMap<String, Option<String>>;

fn partitions_of(root: &Path, file: &Path) -> HandlerResult<Partitions> {
    let mut values = Partitions::new();
    let below = file.strip_prefix(root).ok().and_then(Path::parent).unwrap_or(Path::new(""));
    for segment in below.components() {
        let segment = segment.as_os_str().to_string_lossy();
        let Some((name, value)) = segment.split_once('=').filter(|(name, _)| !name.is_empty()) else { continue };
        let value = (value != HIVE_NULL).then(|| unescape(value));
        if values.insert(unescape(name), value).is_some() {
            return Err(bad(file, format!("two of its directories give partition {}", quoted(name))));
        }
    }
    Ok(values)
}

/// Undoes the percent signs with which partition values are written as directory names.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = (byte == b'%')
            .then(|| after.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()))
            .flatten();
        bytes.push(code.unwrap_or(byte));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// The narrowest type of all values of a partition.
fn partition_type(values: &[Option<&str>]) -> DataType {
    let all = |fits: fn(&str) -> bool| values.iter().flatten().all(|value| fits(value));
    if values.iter().flatten().next().is_none() {
        DataType::Utf8
    } else if all(|value| value == "true" || value == "false") {
        DataType::Boolean
    } else if all(|value| value.parse::<i64>().is_ok()) {
        DataType::Int64
    } else if all(is_number) {
        DataType::Float64
    } else if all(|value| parse_date(value).is_some()) {
        DataType::Date32
    } else {
        DataType::Utf8
    }
}

/// Not `inf` and `nan`: these are names as well.
fn is_number(value: &str) -> bool {
    value.bytes().any(|byte| byte.is_ascii_digit()) && value.parse::<f64>().is_ok()
}

fn partition_array(data_type: &DataType, value: Option<&str>, rows: usize) -> ArrayRef {
    let array = value.and_then(|value| -> Option<ArrayRef> {
        Some(match data_type {
            DataType::Boolean => Arc::new(BooleanArray::from(vec![value == "true"; rows])),
            DataType::Int64 => Arc::new(Int64Array::from_value(value.parse().ok()?, rows)),
            DataType::Float64 => Arc::new(Float64Array::from_value(value.parse().ok()?, rows)),
            DataType::Date32 => Arc::new(Date32Array::from_value(parse_date(value)?, rows)),
            _ => Arc::new(StringArray::from_iter_values(std::iter::repeat_n(value, rows))),
        })
    });
    array.unwrap_or_else(|| new_null_array(data_type, rows))
}

fn open_files(
    place: &Path,
    files: Vec<PathBuf>,
    partitions: &[Partitions],
    options: &ImportOptions,
    part: &TableReadOptions,
) -> HandlerResult<Rows> {
    let Some(first) = files.first() else { return Err(bad(place, "names no file")) };
    let names: Vec<String> = partitions.first().map(|values| values.keys().cloned().collect()).unwrap_or_default();
    if let Some((file, _)) = files.iter().zip(partitions).find(|(_, values)| !values.keys().eq(&names)) {
        let shown = first.display();
        return Err(bad(
            file,
            format!("is partitioned in another way than {shown}: its directories give other columns"),
        ));
    }
    let options = ImportOptions { format: Some(TableFormat::Parquet), ..options.clone() };
    let whole = ImportOptions { progress: None, ..options.clone() };
    let first_schema = open_part(first, &whole, &TableReadOptions::default())?.schema();
    let mut fields: IndexMap<String, Arc<Field>> = first_schema
        .fields()
        .iter()
        .map(|field| (field.name().clone(), Arc::new(field.as_ref().clone().with_nullable(true))))
        .collect();
    let file_columns: IndexSet<String> = fields.keys().cloned().collect();
    for (index, name) in names.iter().enumerate() {
        let values: Vec<Option<&str>> =
            partitions.iter().map(|values| values.get_index(index).and_then(|(_, value)| value.as_deref())).collect();
        fields.insert(name.clone(), Arc::new(Field::new(name, partition_type(&values), true)));
    }
    let columns: Vec<&str> = fields.keys().map(String::as_str).collect();
    let wanted = part.columns.as_deref();
    let places = wanted.map(|wanted| places(&place.to_owned(), &columns, wanted)).transpose()?;
    let fields: Vec<Arc<Field>> = match places {
        Some(places) => {
            places.into_iter().filter_map(|place| fields.get_index(place)).map(|(_, f)| f.clone()).collect()
        }
        None => fields.into_values().collect(),
    };
    let schema = Arc::new(Schema::new_with_metadata(fields, first_schema.metadata().clone()));
    let files: Vec<File> =
        files.into_iter().zip(partitions).map(|(path, values)| File { path, values: values.clone() }).collect();
    let wanted = Spread::new(part.clone());
    let batches =
        DatasetBatches { schema: schema.clone(), file_columns, files, options, wanted, next: 0, current: None };
    Ok(Box::new(GuardedReader::new(place, schema, batches)))
}

struct File {
    path: PathBuf,
    values: Partitions,
}

struct DatasetBatches {
    schema: SchemaRef,
    /// The columns that every file has.
    file_columns: IndexSet<String>,
    files: Vec<File>,
    options: ImportOptions,
    wanted: Spread,
    next: usize,
    /// The file at hand, which is the one before `next`.
    current: Option<Rows>,
}

impl Batches for DatasetBatches {
    fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>> {
        loop {
            if let Some(reader) = &mut self.current
                && let Some(file) = self.next.checked_sub(1).and_then(|index| self.files.get(index))
            {
                match reader.next() {
                    Some(batch) => return conform(&self.schema, file, &batch?).map(Some),
                    None => self.current = None,
                }
            }
            if self.wanted.is_done() {
                return Ok(None);
            }
            let Some(file) = self.files.get(self.next) else { return Ok(None) };
            let rows = || Ok(parquet_facts(&file.path)?.num_rows);
            if let Some(part) = self.wanted.next_file(rows)? {
                self.current = Some(self.open(file, part)?);
            }
            self.next += 1;
            // Progress counts files here: their sizes are not known before they are opened.
            if let Some(progress) = &self.options.progress {
                progress(self.next as u64, Some(self.files.len() as u64));
            }
        }
    }
}

impl DatasetBatches {
    fn open(&self, file: &File, part: TableReadOptions) -> HandlerResult<Rows> {
        let options = ImportOptions { progress: None, ..self.options.clone() };
        let found = open_part(&file.path, &options, &TableReadOptions::default())?.schema();
        let other = |what: &str, name: &str| {
            bad(&file.path, format!("{what} column {}, unlike the other files of the table", quoted(name)))
        };
        if let Some(extra) = found.fields().iter().find(|field| !self.file_columns.contains(field.name())) {
            return Err(other("has a", extra.name()));
        }
        let names: HashSet<&str> = found.fields().iter().map(|field| field.name().as_str()).collect();
        if let Some(missing) = self.file_columns.iter().find(|name| !names.contains(name.as_str())) {
            return Err(other("has no", missing));
        }
        let columns = part.columns.is_some().then(|| {
            let wanted = self.schema.fields().iter().map(|field| field.name());
            wanted.filter(|name| !file.values.contains_key(*name)).cloned().collect()
        });
        open_part(&file.path, &options, &TableReadOptions { columns, ..part })
    }
}

/// Gives a batch of one file the columns of the table.
fn conform(schema: &SchemaRef, file: &File, batch: &RecordBatch) -> HandlerResult<RecordBatch> {
    let columns = schema.fields().iter().map(|field| {
        if let Some(value) = file.values.get(field.name()) {
            return Ok(partition_array(field.data_type(), value.as_deref(), batch.num_rows()));
        }
        let Some(column) = batch.column_by_name(field.name()) else {
            return Err(bad(&file.path, format!("has no column {}", quoted(field.name()))));
        };
        if column.data_type() == field.data_type() {
            return Ok(column.clone());
        }
        if is_same_kind(column.data_type(), field.data_type()) && can_cast_types(column.data_type(), field.data_type())
        {
            return cast(column, field.data_type()).map_err(|error| decoder_error(&file.path, "cannot be read", error));
        }
        let reason = format!(
            "column {} is {}, and {} in the first file of the table",
            quoted(field.name()),
            column.data_type(),
            field.data_type()
        );
        Err(bad(&file.path, reason))
    });
    let columns = columns.collect::<HandlerResult<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options)
        .map_err(|error| decoder_error(&file.path, "cannot be read", error))
}

/// Types that hold the same values in another form: nothing is lost between them.
fn is_same_kind(a: &DataType, b: &DataType) -> bool {
    fn is_text(data_type: &DataType) -> bool {
        match data_type {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
            DataType::Dictionary(_, value) => is_text(value),
            _ => false,
        }
    }
    is_text(a) && is_text(b)
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, RecordBatchReader};
    use arrow::datatypes::Int64Type;
    use parquet::arrow::ArrowWriter;

    use super::*;

    fn write(root: &Path, name: &str, columns: &[(&str, ArrayRef)]) {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let batch = RecordBatch::try_from_iter(columns.to_vec()).unwrap();
        let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    fn x(values: &[i64]) -> Vec<(&'static str, ArrayRef)> {
        vec![("x", Arc::new(Int64Array::from(values.to_vec())))]
    }

    fn read(reader: HandlerResult<Box<dyn RecordBatchReader + Send>>) -> HandlerResult<RecordBatch> {
        let reader = reader?;
        let schema = reader.schema();
        let batches = reader.collect::<Result<Vec<_>, _>>()?;
        Ok(arrow::compute::concat_batches(&schema, &batches)?)
    }

    fn types(batch: &RecordBatch) -> Vec<String> {
        batch.schema().fields().iter().map(|field| format!("{}:{}", field.name(), field.data_type())).collect()
    }

    #[test]
    fn partitions_are_columns_behind_those_of_the_files() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "year=2023/city=a%20b/p.parquet", &x(&[1, 2]));
        write(dir.path(), "year=2024/city=__HIVE_DEFAULT_PARTITION__/p.parquet", &x(&[3]));
        write(dir.path(), "_temporary/p.parquet", &x(&[9]));
        write(dir.path(), "year=2024/city=c/._p.parquet", &x(&[9]));
        let default = ImportOptions::default();
        let batch = read(open_directory(dir.path(), &default)).unwrap();
        assert_eq!(types(&batch), ["x:Int64", "year:Int64", "city:Utf8"]);
        assert_eq!(batch.column(0).as_primitive::<Int64Type>().values(), &[1, 2, 3]);
        assert_eq!(batch.column(1).as_primitive::<Int64Type>().values(), &[2023, 2023, 2024]);
        let cities: Vec<_> = batch.column(2).as_string::<i32>().iter().collect();
        assert_eq!(cities, [Some("a b"), Some("a b"), None]);
        let options = ImportOptions { columns: Some(vec!["year".into()]), ..Default::default() };
        let batch = read(open_directory(dir.path(), &options)).unwrap();
        assert_eq!((types(&batch), batch.num_rows()), (vec!["year:Int64".to_owned()], 3));
        let options = ImportOptions { columns: Some(vec!["city".into(), "x".into()]), ..Default::default() };
        assert_eq!(types(&read(open_directory(dir.path(), &options)).unwrap()), ["city:Utf8", "x:Int64"]);
        let batch = read(open_glob(&dir.path().join("year=*/**/p.parquet"), &default)).unwrap();
        assert_eq!((types(&batch), batch.num_rows()), (vec!["x:Int64".to_owned()], 3));
    }

    /// As Polars 2.1 finds them.
    #[test]
    fn types_of_partitions() {
        for (values, expected) in [
            (&["2023", "2024"][..], DataType::Int64),
            (&["01", "02"], DataType::Int64),
            (&["1", "b"], DataType::Utf8),
            (&["1.5", "2"], DataType::Float64),
            (&["2024-01-01", "2024-01-02"], DataType::Date32),
            (&["true", "false"], DataType::Boolean),
            (&["", "x"], DataType::Utf8),
            (&[], DataType::Utf8),
        ] {
            let values: Vec<Option<&str>> = values.iter().map(|&value| Some(value)).chain([None]).collect();
            assert_eq!(partition_type(&values), expected, "{values:?}");
        }
    }

    #[test]
    fn a_partition_takes_the_place_of_a_column_of_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let mut columns = x(&[1]);
        columns.push(("y", Arc::new(Int64Array::from(vec![5]))));
        write(dir.path(), "x=7/p.parquet", &columns);
        let batch = read(open_directory(dir.path(), &ImportOptions::default())).unwrap();
        assert_eq!(types(&batch), ["x:Int64", "y:Int64"]);
        assert_eq!(batch.column(0).as_primitive::<Int64Type>().value(0), 7);
    }

    #[test]
    fn files_that_make_no_table_together() {
        let text: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
        let large: ArrayRef = Arc::new(arrow::array::LargeStringArray::from(vec!["b"]));
        for (columns, expected) in [
            (vec![("x", text.clone())], Some("column \"x\" is Utf8, and Int64 in the first file")),
            (vec![("z", text.clone())], Some("has a column \"z\"")),
            (vec![], Some("has no column \"x\"")),
            (x(&[2]), None),
        ] {
            let dir = tempfile::tempdir().unwrap();
            write(dir.path(), "a.parquet", &x(&[1]));
            if columns.is_empty() {
                let mut both = x(&[1]);
                both.push(("y", text.clone()));
                write(dir.path(), "a.parquet", &both);
                write(dir.path(), "b.parquet", &both[1..]);
            } else {
                write(dir.path(), "b.parquet", &columns);
            }
            let result = read(open_directory(dir.path(), &ImportOptions::default()));
            match expected {
                Some(expected) => {
                    let error = result.unwrap_err().to_string();
                    assert!(error.contains(expected) && error.contains("b.parquet"), "{error}");
                }
                None => assert_eq!(result.unwrap().num_rows(), 2),
            }
        }
        let dir = tempfile::tempdir().unwrap();
        assert!(
            read(open_directory(dir.path(), &ImportOptions::default())).unwrap_err().to_string().contains("no Parquet")
        );
        write(dir.path(), "a.parquet", &[("s", text)]);
        write(dir.path(), "b.parquet", &[("s", large)]);
        assert_eq!(types(&read(open_directory(dir.path(), &ImportOptions::default())).unwrap()), ["s:Utf8"]);
        write(dir.path(), "p=1/c.parquet", &x(&[1]));
        let error = read(open_directory(dir.path(), &ImportOptions::default())).unwrap_err().to_string();
        assert!(error.contains("partitioned in another way"), "{error}");
    }
}
