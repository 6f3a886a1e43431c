//! The columns of many files as one table: each file is looked at, and types that differ are widened.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Metadata, Schema, SchemaRef};
use indexmap::IndexMap;

use super::heads::{self, Head};
use super::{Meter, is_looked_through};
use crate::error::HandlerResult;
use crate::formats::csv::CsvColumns;
use crate::formats::detect::{self, Found};
use crate::formats::hive::{PartitionType, partitions_of};
use crate::formats::input::TableFile;
use crate::formats::json_lines::JsonColumns;
use crate::formats::table_files::TableFiles;
use crate::formats::widen::common_type;
use crate::formats::{ImportOptions, TableFormat, bad, csv, json_lines, parse_type, quoted};
use crate::guard::Blame;

/// What is known of a table in several files before its rows are read.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// Its columns: those of the files, and the partitions.
    pub(crate) schema: SchemaRef,
    /// Number of rows, where looking at the columns has told it.
    pub(crate) rows: Option<u64>,
    pub(super) format: TableFormat,
}

/// A file of which the format is known.
struct Looked {
    path: PathBuf,
    state: State,
}

/// How far it was looked at.
enum State {
    /// It was looked at before.
    Known(Head),
    Open(TableFile, Found),
}

impl Looked {
    fn at(path: &Path, options: &ImportOptions) -> HandlerResult<Self> {
        let state = match heads::known(path, options) {
            Some(head) => State::Known(head),
            None => {
                let file = TableFile::open(path)?;
                let found = detect::resolve(&file, options)?;
                State::Open(file, found)
            }
        };
        Ok(Self { path: path.to_owned(), state })
    }

    fn format(&self) -> TableFormat {
        match &self.state {
            State::Known(head) => head.format,
            State::Open(_, found) => found.format,
        }
    }

    /// What its head or footer says.
    fn head(self, options: &ImportOptions) -> HandlerResult<Head> {
        match self.state {
            State::Known(head) => Ok(head),
            State::Open(file, found) => heads::read(file, &found, options),
        }
    }

    /// The file itself.
    fn open(self, options: &ImportOptions) -> HandlerResult<(TableFile, Found)> {
        match self.state {
            State::Open(file, found) => Ok((file, found)),
            State::Known(_) => {
                let file = TableFile::open(&self.path)?;
                let found = detect::resolve(&file, options)?;
                Ok((file, found))
            }
        }
    }
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
/// As [`open_tables`](super::open_tables).
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
        let looked = Looked::at(&source.path, &options)?;
        let here = looked.format();
        options.refuse_for(&source.path, here)?;
        let (format, columns) = columns.get_or_insert_with(|| (here, Columns::new(here, &options)));
        if *format != here {
            let shown = first.path.display();
            let reason = format!("is {here}, and {shown} is {format}: files of one table have one format");
            return Err(bad(&source.path, reason));
        }
        let counted = columns.take_in(files, place, looked, &options, &mut metadata)?;
        rows = rows.zip(counted).map(|(all, here)| all + here);
        if is_looked_through(here) {
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
    fn take_in(
        &mut self,
        files: &TableFiles,
        place: usize,
        looked: Looked,
        options: &ImportOptions,
        metadata: &mut Option<Metadata>,
    ) -> HandlerResult<Option<u64>> {
        let path = looked.path.clone();
        let known = match self {
            Self::Csv(columns) => {
                let (file, found) = looked.open(options)?;
                return csv::look(file, &found, options, columns);
            }
            Self::Json(columns) => {
                let (file, found) = looked.open(options)?;
                return json_lines::look(&file, &found, options, columns);
            }
            Self::Typed(known) => known,
        };
        let Head { schema, rows, .. } = looked.head(options)?;
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
