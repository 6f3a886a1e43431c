//! The columns of many files as one table: each file is looked at, and types that differ are widened.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Metadata, Schema, SchemaRef};
use indexmap::IndexMap;

use crate::error::HandlerResult;
use crate::formats::csv::CsvColumns;
use crate::formats::detect::{self, Found};
use crate::formats::hive::{PartitionType, partitions_of};
use crate::formats::input::TableFile;
use crate::formats::json_lines::JsonColumns;
use crate::formats::table_files::TableFiles;
use crate::formats::widen::common_type;
use crate::formats::{ImportOptions, TableFormat, bad, csv, json_lines, open_found, parquet_file, parse_type, quoted};
use crate::guard::Blame;
use crate::table::TableReadOptions;

/// What is known of a table in several files before its rows are read.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// Its columns: those of the files, and the partitions.
    pub(crate) schema: SchemaRef,
    /// Number of rows, where looking at the columns has told it.
    pub(crate) rows: Option<u64>,
    pub(super) format: TableFormat,
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
            TableFormat::Parquet => Some(parquet_file::facts(&file)?.num_rows),
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
