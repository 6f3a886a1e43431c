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

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Metadata, Schema, SchemaRef};
use indexmap::IndexMap;

use super::csv::CsvColumns;
use super::detect::{self, Found};
use super::hive::{PartitionType, Partitions, partition_array, partitions_of};
use super::input::TableFile;
use super::json_lines::JsonColumns;
use super::table_files::{TableFiles, TableSource};
use super::widen::{common_type, widen};
use super::{
    ImportOptions, Rows, TableFormat, bad, csv, decoder_error, json_lines, open_found, open_part, parse_type, quoted,
    some_rows,
};
use crate::error::HandlerResult;
use crate::guard::{Batches, Blame, GuardedReader};
use crate::table::{Spread, TableReadOptions, places};

/// What is known of a table in several files before its rows are read.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// Its columns: those of the files, and the partitions.
    pub(crate) schema: SchemaRef,
    /// Number of rows, where looking at the columns has told it.
    pub(crate) rows: Option<u64>,
    format: TableFormat,
}

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
    let layout = layout(files, options)?;
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
        meter: if is_looked_through(layout.format) {
            Meter::new(files, options, 1, 2)
        } else {
            Meter::new(files, options, 0, 1)
        },
        files: files.files.clone(),
        options: ImportOptions { progress: None, columns: None, ..options.clone() },
        wanted: Spread::new(part.clone()),
        layout,
        next: 0,
        current: None,
    };
    Ok(Box::new(GuardedReader::new(&files.place, schema, batches)))
}

/// What the files say of their columns.
enum Columns {
    Csv(CsvColumns),
    Json(Box<JsonColumns>),
    /// By name: the field, and the place of the file that had it first.
    Typed(IndexMap<String, (Field, usize)>),
}

/// Looks at the columns of all files, one open at a time.
///
/// # Errors
/// As [`open_tables`].
pub(crate) fn layout(files: &TableFiles, options: &ImportOptions) -> HandlerResult<Layout> {
    files.check_any()?;
    let Some(first) = files.files.first() else { return Err(bad(&files.place, "names no file")) };
    let mut meter = Meter::new(files, options, 0, 2);
    let options = ImportOptions { progress: None, columns: None, ..options.clone() };
    let names: Vec<String> = partitions_of(&first.path, first.fixed)?.into_keys().collect();
    let mut partitions = vec![PartitionType::new(); names.len()];
    let mut metadata = None;
    let mut columns: Option<(TableFormat, Columns)> = None;
    let mut rows = Some(0);
    for (place, source) in files.files.iter().enumerate() {
        let values = partitions_of(&source.path, source.fixed)?;
        if !values.keys().eq(&names) {
            let shown = first.path.display();
            let reason = format!("is partitioned in another way than {shown}: its directories give other columns");
            return Err(bad(&source.path, reason));
        }
        values.values().zip(&mut partitions).for_each(|(value, found)| found.add(value.as_deref()));
        let file = TableFile::open(&source.path)?;
        let found = detect::resolve(&file, &options)?;
        options.refuse_for(&source.path, found.format)?;
        let (format, columns) = columns.get_or_insert_with(|| (found.format, Columns::new(found.format, &options)));
        if *format != found.format {
            let reason = format!(
                "is {}, and {} is {format}: files of one table have one format",
                found.format,
                first.path.display()
            );
            return Err(bad(&source.path, reason));
        }
        let counted = columns.look(files, place, file, &found, &options, &mut metadata)?;
        rows = rows.zip(counted).map(|(all, here)| all + here);
        if is_looked_through(found.format) {
            meter.pass(&source.path);
        }
    }
    let Some((format, columns)) = columns else { return Err(bad(&files.place, "names no file")) };
    // The decoder of JSON lines takes types for granted, so nothing could compare the two.
    if let Columns::Json(known) = &columns
        && let Some(name) = names.iter().find(|name| known.names().any(|known| known == name.as_str()))
    {
        let reason = format!("column {} is a partition as well: leave one of them out", quoted(name));
        return Err(bad(&files.place, reason));
    }
    let mut fields = columns.fields(files, &options)?;
    for (name, found) in names.into_iter().zip(partitions) {
        fields.insert(name.clone(), Field::new(name, found.data_type(), true));
    }
    let fields: Vec<Field> = fields.into_values().collect();
    let schema = Arc::new(Schema::new_with_metadata(fields, metadata.unwrap_or_default()));
    Ok(Layout { schema, rows, format })
}

impl Columns {
    fn new(format: TableFormat, options: &ImportOptions) -> Self {
        match format {
            TableFormat::Csv | TableFormat::Tsv => Self::Csv(CsvColumns::default()),
            TableFormat::JsonLines => Self::Json(Box::new(JsonColumns::new(options))),
            _ => Self::Typed(IndexMap::new()),
        }
    }

    /// Takes in one file; the number of its rows where that tells it.
    fn look(
        &mut self,
        files: &TableFiles,
        place: usize,
        file: TableFile,
        found: &Found,
        options: &ImportOptions,
        metadata: &mut Option<Metadata>,
    ) -> HandlerResult<Option<u64>> {
        let known = match self {
            Self::Csv(columns) => return csv::look(file, found, options, columns),
            Self::Json(columns) => return json_lines::look(&file, found, options, columns),
            Self::Typed(known) => known,
        };
        let path = file.path.clone();
        let rows = match found.format {
            TableFormat::Parquet => Some(super::parquet_file::facts(&file)?.num_rows),
            _ => None,
        };
        let schema = open_found(file, found, options, &TableReadOptions::default())?.schema();
        metadata.get_or_insert_with(|| schema.metadata().clone());
        for field in schema.fields() {
            let Some((wide, first)) = known.get_mut(field.name()) else {
                known.insert(field.name().clone(), (field.as_ref().clone().with_nullable(true), place));
                continue;
            };
            let Some(data_type) = common_type(wide.data_type(), field.data_type()) else {
                let first = files.files.get(*first).map(|file| file.path.display().to_string()).unwrap_or_default();
                let reason = format!(
                    "column {} is {}, and {} in {first}: no type holds both",
                    quoted(field.name()),
                    field.data_type(),
                    wide.data_type()
                );
                return Err(bad(&path, reason));
            };
            *wide = wide.clone().with_data_type(data_type);
        }
        Ok(rows)
    }

    /// The columns of the table, with the types that the caller gives.
    fn fields(self, files: &TableFiles, options: &ImportOptions) -> HandlerResult<IndexMap<String, Field>> {
        let mut fields: IndexMap<String, Field> = match self {
            Self::Csv(columns) => columns.fields().map(|field| (field.name().clone(), field)).collect(),
            Self::Json(columns) => {
                let named = columns.names().map(|name| {
                    let data_type = match options.types.get(name) {
                        // Whatever the values have in common does not count then.
                        Some(_) => DataType::Utf8,
                        None => columns.data_type(name).map_err(|reason| bad(&files.place, reason))?,
                    };
                    Ok((name.to_owned(), Field::new(name, data_type, true)))
                });
                named.collect::<HandlerResult<_>>()?
            }
            Self::Typed(columns) => columns.into_iter().map(|(name, (field, _))| (name, field)).collect(),
        };
        if fields.is_empty() {
            return Err(bad(&files.place, "is empty: none of its files has a column"));
        }
        for (name, text) in &options.types {
            let data_type = parse_type(text)?;
            match fields.get_mut(name) {
                Some(field) => *field = field.clone().with_data_type(data_type),
                None => {
                    let known: Vec<&str> = fields.keys().map(String::as_str).collect();
                    return Err(files.place.unknown_column(name, &known));
                }
            }
        }
        Ok(fields)
    }
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

    fn pass(&mut self, file: &Path) {
        if let Some(progress) = &self.options.progress {
            self.done += std::fs::metadata(file).map_or(0, |facts| facts.len());
            progress(self.done.min(self.total), Some(self.total));
        }
    }
}

struct TablesBatches {
    schema: SchemaRef,
    layout: Layout,
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
                        self.meter.pass(&file.path);
                    }
                }
            }
            if self.wanted.is_done() {
                return Ok(None);
            }
            let Some(file) = self.files.get(self.next) else { return Ok(None) };
            let rows = || count_rows(&file.path, &self.options);
            if let Some(part) = self.wanted.next_file(rows)? {
                self.current = Some(self.open(file, part)?);
            }
            self.next += 1;
        }
    }
}

/// The rows of a file: its footer tells them, or all of it is read.
fn count_rows(path: &Path, options: &ImportOptions) -> HandlerResult<u64> {
    let file = TableFile::open(path)?;
    let found = detect::resolve(&file, options)?;
    if found.format == TableFormat::Parquet {
        return Ok(super::parquet_file::facts(&file)?.num_rows);
    }
    let mut rows = 0;
    for batch in open_found(file, &found, options, &TableReadOptions::default())? {
        rows += batch?.num_rows() as u64;
    }
    Ok(rows)
}

impl TablesBatches {
    fn open(&self, source: &TableSource, part: TableReadOptions) -> HandlerResult<OneFile> {
        let partitions = partitions_of(&source.path, source.fixed)?;
        let wanted = part.columns.is_some().then_some(&self.schema);
        let rows = match self.layout.format {
            TableFormat::Parquet | TableFormat::Arrow | TableFormat::Npy => {
                let columns = match wanted {
                    None => None,
                    Some(wanted) => {
                        let found = open_part(&source.path, &self.options, &TableReadOptions::default())?.schema();
                        let names = wanted.fields().iter().map(|field| field.name());
                        Some(names.filter(|name| found.column_with_name(name).is_some()).cloned().collect())
                    }
                };
                open_part(&source.path, &self.options, &TableReadOptions { columns, ..part })?
            }
            TableFormat::Csv | TableFormat::Tsv | TableFormat::JsonLines => {
                let file = TableFile::open(&source.path)?;
                let found = detect::resolve(&file, &self.options)?;
                let options = ImportOptions { batch_size: part.batch_rows, ..self.options.clone() };
                let schema = &self.layout.schema;
                let rows = match self.layout.format {
                    TableFormat::JsonLines => json_lines::open_as(file, &found, &options, schema, &partitions, wanted)?,
                    _ => csv::open_as(file, &found, &options, schema, wanted)?,
                };
                if part.wants_all_rows() { rows } else { some_rows(&source.path, rows, &part) }
            }
        };
        Ok(OneFile { rows, partitions })
    }
}

/// Gives a batch of one file the columns of the table.
fn conform(
    schema: &SchemaRef,
    file: &TableSource,
    partitions: &Partitions,
    batch: &RecordBatch,
) -> HandlerResult<RecordBatch> {
    let rows = batch.num_rows();
    let columns = schema.fields().iter().map(|field| {
        let column = batch.column_by_name(field.name());
        let Some(value) = partitions.get(field.name()) else {
            let Some(column) = column else { return Ok(new_null_array(field.data_type(), rows)) };
            return widen(column, field.data_type()).map_err(|reason| {
                let name = quoted(field.name());
                bad(&file.path, format!("column {name} cannot become {}: {reason}", field.data_type()))
            });
        };
        let values = partition_array(field.data_type(), value.as_deref(), rows);
        if let Some(column) = column
            && !same_values(column, &values, value.as_deref())
        {
            let name = quoted(field.name());
            let reason = format!(
                "column {name} has other values than the directory {}={}: leave one of them out",
                field.name(),
                value.as_deref().unwrap_or("(missing)")
            );
            return Err(bad(&file.path, reason));
        }
        Ok(values)
    });
    let columns = columns.collect::<HandlerResult<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options)
        .map_err(|error| decoder_error(&file.path, "cannot be read", error))
}

/// Whether a column says what a partition says: its values, and not only what is left of them as the partition's type.
fn same_values(column: &ArrayRef, partition: &ArrayRef, text: Option<&str>) -> bool {
    let same = |a: &ArrayRef, b: &ArrayRef| not_distinct(a, b).is_ok_and(|same| same.true_count() == a.len());
    let exact = CastOptions { safe: false, ..CastOptions::default() };
    let of = |column: &ArrayRef, of: &DataType| cast_with_options(column, of, &exact);
    if matches!(column.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
        let text = partition_array(&DataType::Utf8, text, column.len());
        return of(column, &DataType::Utf8).is_ok_and(|column| same(&column, &text));
    }
    let Ok(as_partition) = of(column, partition.data_type()) else { return false };
    same(&as_partition, partition) && of(&as_partition, column.data_type()).is_ok_and(|back| same(&back, column))
}

/// The value to add for files as one table.
///
/// # Errors
/// As [`open_tables`].
pub fn tables_data(files: &TableFiles, options: &ImportOptions) -> HandlerResult<crate::Data> {
    if files.are_arrays(options.format) {
        return Ok(crate::Data::Table(super::npy_table::open(files, options)?));
    }
    Ok(crate::Data::Table(open_tables(files, options)?))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray, Int64Array, RecordBatchReader};
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

    fn open_at(place: &Path, options: &ImportOptions) -> HandlerResult<Rows> {
        open_tables(&TableFiles::find(&[place], options.format)?, options)
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
        let batch = read(open_at(dir.path(), &default)).unwrap();
        assert_eq!(types(&batch), ["x:Int64", "year:Int64", "city:Utf8"]);
        assert_eq!(batch.column(0).as_primitive::<Int64Type>().values(), &[1, 2, 3]);
        assert_eq!(batch.column(1).as_primitive::<Int64Type>().values(), &[2023, 2023, 2024]);
        let cities: Vec<_> = batch.column(2).as_string::<i32>().iter().collect();
        assert_eq!(cities, [Some("a b"), Some("a b"), None]);
        let options = ImportOptions { columns: Some(vec!["year".into()]), ..Default::default() };
        let batch = read(open_at(dir.path(), &options)).unwrap();
        assert_eq!((types(&batch), batch.num_rows()), (vec!["year:Int64".to_owned()], 3));
        let options = ImportOptions { columns: Some(vec!["city".into(), "x".into()]), ..Default::default() };
        assert_eq!(types(&read(open_at(dir.path(), &options)).unwrap()), ["city:Utf8", "x:Int64"]);
        // A pattern gives the partitions from its first wildcard on.
        let batch = read(open_at(&dir.path().join("year=*/**/p.parquet"), &default)).unwrap();
        assert_eq!((types(&batch).join(" "), batch.num_rows()), ("x:Int64 year:Int64 city:Utf8".to_owned(), 3));
        let batch = read(open_at(&dir.path().join("year=2023/*/p.parquet"), &default)).unwrap();
        assert_eq!((types(&batch).join(" "), batch.num_rows()), ("x:Int64 city:Utf8".to_owned(), 2));
    }

    #[test]
    fn a_partition_takes_the_place_of_a_column_that_says_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let mut columns = x(&[7, 7]);
        columns.push(("y", Arc::new(Int64Array::from(vec![5, 6]))));
        write(dir.path(), "x=7/p.parquet", &columns);
        let batch = read(open_at(dir.path(), &ImportOptions::default())).unwrap();
        assert_eq!(types(&batch), ["x:Int64", "y:Int64"]);
        assert_eq!(batch.column(0).as_primitive::<Int64Type>().value(0), 7);
        write(dir.path(), "x=8/p.parquet", &columns);
        let error = read(open_at(dir.path(), &ImportOptions::default())).unwrap_err().to_string();
        assert!(error.contains("x=8/p.parquet") && error.contains("column \"x\" has other values"), "{error}");
    }

    #[test]
    fn columns_go_by_their_names_and_types_are_widened() {
        let dir = tempfile::tempdir().unwrap();
        let ints = |values: Vec<i32>| Arc::new(arrow::array::Int32Array::from(values)) as ArrayRef;
        let floats = |values: Vec<f64>| Arc::new(arrow::array::Float64Array::from(values)) as ArrayRef;
        let text = |value: &str| Arc::new(arrow::array::StringArray::from(vec![value])) as ArrayRef;
        write(dir.path(), "a.parquet", &[("n", ints(vec![1])), ("old", text("x"))]);
        write(dir.path(), "b.parquet", &[("new", text("y")), ("n", floats(vec![2.5]))]);
        let batch = read(open_at(dir.path(), &ImportOptions::default())).unwrap();
        assert_eq!(types(&batch), ["n:Float64", "old:Utf8", "new:Utf8"]);
        assert_eq!(batch.column(0).as_primitive::<arrow::datatypes::Float64Type>().values(), &[1.0, 2.5]);
        assert_eq!(batch.column(1).as_string::<i32>().iter().collect::<Vec<_>>(), [Some("x"), None]);
        assert_eq!(batch.column(2).as_string::<i32>().iter().collect::<Vec<_>>(), [None, Some("y")]);
        let options = ImportOptions { columns: Some(vec!["new".into()]), ..Default::default() };
        assert_eq!(read(open_at(dir.path(), &options)).unwrap().num_rows(), 2);
        write(dir.path(), "c.parquet", &[("n", text("three"))]);
        let error = read(open_at(dir.path(), &ImportOptions::default())).unwrap_err().to_string();
        let expected = "c.parquet: column \"n\" is Utf8, and Float64 in";
        assert!(error.contains(expected) && error.contains("a.parquet"), "{error}");
    }

    /// The type of a column of text is that of the values in all files, and a column without a value has no say.
    #[test]
    fn text_files_have_the_types_of_all_values() {
        for (format, a, b, list) in [
            ("csv", "n,t,d\n1,,2024-01-01\n", "t,n\n007,2.5\n", "Date32"),
            ("tsv", "n\tt\td\n1\t\t2024-01-01\n", "t\tn\n007\t2.5\n", "Date32"),
            ("jsonl", "{\"n\":1,\"t\":null,\"d\":[1]}\n", "{\"t\":\"007\",\"n\":2.5}\n", "List(Int64)"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            for (name, text) in [("p=1/a", a), ("p=2/b", b)] {
                let path = dir.path().join(format!("{name}.{format}"));
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
            let batch = read(open_at(dir.path(), &ImportOptions::default())).unwrap();
            let d = format!("d:{list}");
            assert_eq!(types(&batch), ["n:Float64", "t:Utf8", d.as_str(), "p:Int64"], "{format}");
            assert_eq!(batch.column(1).as_string::<i32>().iter().collect::<Vec<_>>(), [None, Some("007")]);
            assert_eq!(batch.column(2).null_count(), 1);
            for columns in [vec!["p"], vec!["p", "t"], vec!["d"], vec!["n", "p"]] {
                let columns: Vec<String> = columns.into_iter().map(str::to_owned).collect();
                let options = ImportOptions { columns: Some(columns.clone()), ..Default::default() };
                let part = read(open_at(dir.path(), &options)).unwrap();
                assert_eq!((part.num_rows(), part.num_columns()), (2, columns.len()), "{format} {columns:?}");
            }
            let mut options = ImportOptions::default();
            options.types.insert("n".to_owned(), "string".to_owned());
            let given = read(open_at(dir.path(), &options)).unwrap();
            assert_eq!(given.column(0).as_string::<i32>().iter().collect::<Vec<_>>(), [Some("1"), Some("2.5")]);
        }
    }

    /// Text is read twice: nothing would be shown for half of the time otherwise.
    #[test]
    fn progress_is_told_while_columns_are_looked_for() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.csv", "b.csv"] {
            std::fs::write(dir.path().join(name), "n\n1\n").unwrap();
        }
        let told = Arc::new(std::sync::Mutex::new(Vec::new()));
        let heard = Arc::clone(&told);
        let progress: super::super::Progress =
            Arc::new(move |done, total| heard.lock().unwrap().push((done, total.unwrap())));
        let options = ImportOptions { progress: Some(progress), ..Default::default() };
        let rows = open_at(dir.path(), &options).unwrap();
        assert_eq!(*told.lock().unwrap(), [(4, 16), (8, 16)]);
        assert_eq!(read(Ok(rows)).unwrap().num_rows(), 2);
        assert_eq!(*told.lock().unwrap(), [(4, 16), (8, 16), (12, 16), (16, 16)]);
    }

    #[test]
    fn a_bad_row_is_named_with_file_and_line() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.csv"), "a,b\n1,2\n").unwrap();
        std::fs::write(dir.path().join("b.csv"), "a,b\n1,2\n3\n").unwrap();
        let error = read(open_at(dir.path(), &ImportOptions::default())).unwrap_err().to_string();
        assert!(error.contains("b.csv: line 3"), "{error}");
        std::fs::write(dir.path().join("b.csv"), "a,b\n1,2\n3,x\n").unwrap();
        let mut options = ImportOptions::default();
        options.types.insert("b".to_owned(), "int64".to_owned());
        let error = read(open_at(dir.path(), &options)).unwrap_err().to_string();
        assert!(error.contains("b.csv: line 3") && error.contains("\"x\""), "{error}");
    }

    #[test]
    fn what_makes_no_table() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let failure = |place: &Path| read(open_at(place, &ImportOptions::default())).unwrap_err();
        assert!(failure(dir.path()).to_string().contains("holds no table file"));
        assert_eq!(failure(&at("*.csv")).code(), "file-not-found");
        std::fs::write(at("a.csv"), "a\n1\n").unwrap();
        std::fs::write(at("notes.md"), "text").unwrap();
        std::fs::write(at("e.csv"), "").unwrap();
        assert!(failure(&at("*")).to_string().contains("e.csv: is empty"));
        std::fs::remove_file(at("e.csv")).unwrap();
        assert!(failure(&at("*")).to_string().contains("notes.md"), "a pattern names all that it matches");
        assert_eq!(read(open_at(dir.path(), &ImportOptions::default())).unwrap().num_rows(), 1, "a directory does not");
        std::fs::write(at("b.jsonl"), "{\"a\":1}\n").unwrap();
        let error = failure(dir.path()).to_string();
        assert!(error.contains("b.jsonl: is jsonl, and") && error.contains("a.csv is csv"), "{error}");
        let twice = TableFiles::find(&[at("a.csv"), at("*.csv")], None).unwrap_err().to_string();
        assert!(twice.contains("a.csv: is named twice"), "{twice}");
        // A name that is there is no pattern.
        std::fs::write(at("[a] 50%.csv"), "a\n5\n").unwrap();
        assert_eq!(read(open_at(&at("[a] 50%.csv"), &ImportOptions::default())).unwrap().num_rows(), 1);
    }

    #[test]
    fn texts_of_any_form_go_together_and_other_partitions_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let text: ArrayRef = Arc::new(arrow::array::StringArray::from(vec!["a"]));
        let large: ArrayRef = Arc::new(arrow::array::LargeStringArray::from(vec!["b"]));
        write(dir.path(), "a.parquet", &[("s", text)]);
        write(dir.path(), "b.parquet", &[("s", large)]);
        assert_eq!(types(&read(open_at(dir.path(), &ImportOptions::default())).unwrap()), ["s:Utf8"]);
        write(dir.path(), "p=1/c.parquet", &x(&[1]));
        let error = read(open_at(dir.path(), &ImportOptions::default())).unwrap_err().to_string();
        assert!(error.contains("partitioned in another way"), "{error}");
    }
}
