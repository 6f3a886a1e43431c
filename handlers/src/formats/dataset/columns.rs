//! The columns of many files as one table: each file is looked at, and types that differ are widened.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow::datatypes::{DataType, Field, Metadata, Schema, SchemaRef};
use indexmap::IndexMap;

use super::heads::{self, Head};
use super::{Meter, is_looked_through};
use crate::error::HandlerResult;
use crate::formats::csv::CsvColumns;
use crate::formats::detect::{self, Found};
use crate::formats::hive::PartitionType;
use crate::formats::input::TableFile;
use crate::formats::json_lines::{JsonColumns, Watch};
use crate::formats::table_files::TableFiles;
use crate::formats::widen::common_type;
use crate::formats::{FilePlace, ImportOptions, TableFormat, bad, csv, json_lines, parse_type, quoted};
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

/// What was looked at for a layout that is a guess.
pub(super) struct Guess {
    columns: JsonColumns,
    /// The columns without the partitions.
    schema: SchemaRef,
    rest: Rest,
}

impl Guess {
    /// What watches the lines that were not looked at; the place of the first file that has such.
    pub(super) fn into_watch(self, misjudged: &Arc<AtomicBool>) -> (usize, Watch) {
        (self.rest.file, Watch::guess(self.columns, &self.schema, self.rest.after, misjudged))
    }
}

/// Where the look at the files ended.
#[derive(Debug, Clone, Copy)]
struct Rest {
    /// The place of the first file that has lines that were not looked at.
    file: usize,
    /// Its last line that was.
    after: u64,
}

/// How much text is looked at.
struct Room {
    bytes: u64,
    rest: Option<Rest>,
}

/// A file of which the format is known.
struct Looked {
    place: FilePlace,
    state: State,
}

/// How far it was looked at.
enum State {
    /// It was looked at before.
    Known(Head),
    Open(TableFile, Found),
}

impl Looked {
    fn at(place: &FilePlace, options: &ImportOptions) -> HandlerResult<Self> {
        let state = match heads::known(place, options) {
            Some(head) => State::Known(head),
            None => {
                let file = TableFile::open(place)?;
                let found = detect::resolve(&file, options)?;
                State::Open(file, found)
            }
        };
        Ok(Self { place: place.clone(), state })
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
                let file = TableFile::open(&self.place)?;
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
    Ok(look_through(files, options, u64::MAX)?.0)
}

/// The same, where only so many bytes of JSON lines are looked at for their columns. What comes beside is `None` where that was
/// all there is.
pub(super) fn guessed_layout(
    files: &TableFiles,
    options: &ImportOptions,
    from: u64,
) -> HandlerResult<(Layout, Option<Guess>)> {
    look_through(files, &ImportOptions { progress: None, ..options.clone() }, from)
}

fn look_through(files: &TableFiles, options: &ImportOptions, bytes: u64) -> HandlerResult<(Layout, Option<Guess>)> {
    files.check_any()?;
    let Some(first) = files.files.first() else { return Err(bad(&files.place, "names no file")) };
    let mut meter = Meter::new(files, options, 0, 2);
    // What the others hold does not matter in JSON lines. Which columns a file has, a reader tells of all of them.
    let of_wanted = options;
    let options = ImportOptions { progress: None, columns: None, ..options.clone() };
    let names: Vec<String> = first.partitions()?.into_keys().collect();
    let mut partitions = vec![PartitionType::new(); names.len()];
    let mut metadata = None;
    let mut columns: Option<(TableFormat, Columns)> = None;
    let mut rows = Some(0);
    let mut room = Room { bytes, rest: None };
    for (place, source) in files.files.iter().enumerate() {
        let values = source.partitions()?;
        if !values.keys().eq(&names) {
            let shown = first.path().display();
            let reason = format!("is partitioned in another way than {shown}: its directories give other columns");
            return Err(bad(source.path(), reason));
        }
        values.values().zip(&mut partitions).for_each(|(value, found)| found.add(value.as_deref()));
        let looked = Looked::at(&source.place, &options)?;
        let here = looked.format();
        options.refuse_for(source.path(), here)?;
        let (format, columns) = columns.get_or_insert_with(|| (here, Columns::new(here, of_wanted)));
        if *format != here {
            let shown = first.path().display();
            let reason = format!("is {here}, and {shown} is {format}: files of one table have one format");
            return Err(bad(source.path(), reason));
        }
        let counted = columns.take_in(files, place, looked, &options, &mut metadata, &mut room)?;
        rows = rows.zip(counted).map(|(all, here)| all + here);
        if is_looked_through(here) {
            meter.pass(source);
        }
    }
    let Some((format, columns)) = columns else { return Err(bad(&files.place, "names no file")) };
    // The decoder of JSON lines takes types for granted, so nothing could compare the two.
    let is_wanted = |name: &String| of_wanted.columns.as_ref().is_none_or(|wanted| wanted.contains(name));
    let mut read = names.iter().filter(|name| is_wanted(name));
    if let Columns::Json(known) = &columns
        && let Some(name) = read.find(|name| known.names().any(|known| known == name.as_str()))
    {
        let reason = format!("column {} is a partition as well: leave one of them out", quoted(name));
        return Err(bad(&files.place, reason));
    }
    let mut fields = columns.fields(files, &options)?;
    let guess = match (columns, room.rest) {
        (Columns::Json(columns), Some(rest)) => {
            let schema = Arc::new(Schema::new(fields.values().cloned().collect::<Vec<_>>()));
            Some(Guess { columns: *columns, schema, rest })
        }
        _ => None,
    };
    for (name, found) in names.into_iter().zip(partitions) {
        fields.insert(name.clone(), Field::new(name, found.data_type(), true));
    }
    let fields: Vec<Field> = fields.into_values().collect();
    let schema = Arc::new(Schema::new_with_metadata(fields, metadata.unwrap_or_default()));
    Ok((Layout { schema, rows, format }, guess))
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
        room: &mut Room,
    ) -> HandlerResult<Option<u64>> {
        let path = looked.place.path().to_owned();
        let known = match self {
            Self::Csv(columns) => {
                let (file, found) = looked.open(options)?;
                return csv::look(file, &found, options, columns);
            }
            Self::Json(columns) => {
                if room.bytes == 0 {
                    room.rest.get_or_insert(Rest { file: place, after: 0 });
                    return Ok(None);
                }
                let (file, found) = looked.open(options)?;
                let json_lines::Looked { rows, last, bytes } =
                    json_lines::look(&file, &found, options, room.bytes, columns)?;
                room.bytes = room.bytes.saturating_sub(bytes);
                if rows.is_none() && options.infer_rows.is_none() {
                    room.rest.get_or_insert(Rest { file: place, after: last });
                }
                return Ok(rows);
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
                let first = files.files.get(*first).map(|file| file.path().display().to_string()).unwrap_or_default();
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
    fn fields(&self, files: &TableFiles, options: &ImportOptions) -> HandlerResult<IndexMap<String, Field>> {
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
            Self::Typed(columns) => columns.iter().map(|(name, (field, _))| (name.clone(), field.clone())).collect(),
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
