//! Tables stored in the bundle.

use std::path::{Path, PathBuf};

use arrow::array::RecordBatchReader;
use datafolio_core::{ItemRecord, PARTS, item_type};
use datafolio_storage::{PayloadWriter, Verification};

use crate::data::Data;
use crate::error::{HandlerError, HandlerResult};
use crate::guard::GuardedReader;
use crate::handler::{Draft, Handler, Item, Sink, WriteOptions};
use crate::outside_file::OutsideFile;
use crate::payload_bytes::facts_of;
use crate::referenced_table::{delta_target, read_reference, reference_target};
use crate::stored_file::{StoredFile, stored_files};
use crate::table::{
    ParquetFile, SourceFile, TableReadOptions, Written, alike, check_schema, read_arrow, read_hdf5, read_parquet,
    read_parts, unmarked, write_arrow, write_hdf5, write_parquet,
};

const PARQUET: &str = "parquet";
const ARROW: &str = "arrow";
const HDF5: &str = "hdf5";

/// Item type `included_table`: a table as one Parquet file (`table_format` `parquet`, the default), or as one Arrow IPC file
/// (`arrow`) or HDF5 file in the layout of Vaex (`hdf5`), for tables that are to be mapped. It also reads `polars_table` items of
/// unreleased versions.
///
/// A stream of batches is written as it comes, one row group or batch in memory. Where the [`Sink`] allows several threads, its
/// next batches are read in one of their own. A Parquet file is taken over byte for
/// byte after all of it was decoded once.
#[derive(Debug, Clone, Copy, Default)]
pub struct IncludedTable;

impl Handler for IncludedTable {
    fn item_type(&self) -> &str {
        item_type::INCLUDED_TABLE
    }

    fn recognises(&self, data: &Data) -> bool {
        matches!(data, Data::Table(_) | Data::InferredTable(_) | Data::ParquetFile(_))
    }

    fn write(&self, data: Data, options: &WriteOptions, sink: &mut Sink<'_>) -> HandlerResult<Draft> {
        let format = options.table_format.as_deref().unwrap_or(PARQUET);
        let (written, writer) = match data {
            Data::Table(reader) => write_stream(reader, format, sink)?,
            Data::InferredTable(table) => table.read_with(|reader| {
                sink.discard();
                write_stream(reader, format, sink)
            })?,
            Data::ParquetFile(path) => {
                if format != PARQUET {
                    let reason = format!("a Parquet file is taken over as it is, and cannot become {format}");
                    return Err(HandlerError::Invalid { item: sink.name().to_owned(), reason });
                }
                take_over(&path, sink)?
            }
            other => return Err(HandlerError::WrongKind { expected: "a table", found: other.kind().to_owned() }),
        };
        let payload = writer.finish()?;
        let mut fields = written.fields(format);
        fields.insert("size_bytes".to_owned(), payload.size.into());
        if let Some(library) = &options.dataframe_library {
            fields.insert("dataframe_library".to_owned(), library.as_str().into());
        }
        Ok(Draft::new(fields).with_payload(payload))
    }

    fn read(&self, item: &Item<'_>) -> HandlerResult<Data> {
        Ok(Data::Table(read_table(item, &TableReadOptions::default())?))
    }

    /// Reads the whole table only where the bundle had no hash to check: bytes that are what was written decode to what
    /// was written.
    fn verify(&self, item: &Item<'_>) -> HandlerResult<()> {
        let reader = read_table(item, &TableReadOptions::default())?;
        if item.record().str("sha256").or_else(|| item.record().str("checksum")).is_none() {
            for batch in reader {
                batch?;
            }
        }
        Ok(())
    }

    fn facts(&self, record: &ItemRecord) -> Vec<(&'static str, String)> {
        facts_of(record, &[("rows", "num_rows"), ("columns", "num_cols"), ("format", "table_format")])
    }
}

/// Opens the table of an item, included or referenced, or the part of it that is asked for. Of a Parquet file only the row
/// groups and pages that hold the wanted rows and columns are read, of other files what comes before the last wanted row.
///
/// The reader's errors carry [`HandlerError`]s: `HandlerError::from` takes them out of the [`arrow::error::ArrowError`].
///
/// # Errors
/// [`HandlerError::Damaged`] or [`HandlerError::Payload`] when the file is not what was recorded,
/// [`HandlerError::Invalid`] for columns that it does not have, and [`HandlerError::Unsupported`] for formats that this
/// build cannot read.
pub fn read_table(item: &Item<'_>, options: &TableReadOptions) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
    if item.record().item_type() == item_type::REFERENCED_TABLE {
        return read_reference(item, options);
    }
    if item.record().get(PARTS).is_some() {
        return read_parts(item, options);
    }
    match stored_files(item.record())?.first() {
        Some(file) => open_stored(item, file, options),
        None => Err(item.damaged("it has no file")),
    }
}

/// Opens a part of one file of a table in the bundle.
///
/// # Errors
/// As [`read_table`].
pub(crate) fn open_stored(
    item: &Item<'_>,
    file: &StoredFile,
    options: &TableReadOptions,
) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
    let name = item.name();
    let open = match item.record().str("table_format").unwrap_or(PARQUET) {
        PARQUET => read_parquet,
        ARROW => read_arrow,
        HDF5 => return read_hdf5(item, file, options),
        other => {
            let what = format!("table '{name}' in format {other:?}");
            return Err(HandlerError::Unsupported { what, needs: "another release or feature".to_owned() });
        }
    };
    open(name, source_of(item, file, options)?, file.rows, options)
}

/// A file of a table in the bundle, with what was read of it before.
///
/// # Errors
/// When it is not what was recorded.
pub(crate) fn source_of(item: &Item<'_>, file: &StoredFile, options: &TableReadOptions) -> HandlerResult<SourceFile> {
    let footer = options.footers.as_ref().map(|footers| footers.of(file.path.as_str()));
    Ok(SourceFile::new(item.open_file(file)?).with_footer(footer))
}

/// The Parquet files that are all of a table, in the order of their rows, where they have the same columns and are on this machine,
/// or can be: what other engines can read by themselves. Copies of what lies on a store are made for it.
///
/// # Errors
/// When the item refers to something that is not there, or names no file; what the store refuses.
pub fn plain_parquet_files(item: &Item<'_>) -> HandlerResult<Option<Vec<PathBuf>>> {
    if item.record().item_type() == item_type::REFERENCED_TABLE {
        // The files of a Delta table are not all of it: its log says which of them, and which of their rows, are.
        if delta_target(item)?.is_some() {
            return Ok(None);
        }
        return Ok(reference_target(item)?.into_parquet_file().map(|path| vec![path]));
    }
    let files = stored_files(item.record())?;
    let has_parts = item.record().get(PARTS).is_some();
    let columns = item.record().strings("columns").len() as u64;
    if !is_parquet(item) || (has_parts && files.iter().any(|file| file.columns != Some(columns))) {
        return Ok(None);
    }
    // Who wants every byte of the bundle compared is not given a copy that was compared once.
    if item.is_remote() && item.verification() == Verification::Full {
        return Ok(None);
    }
    files.iter().map(|file| item.local_copy_of(file)).collect()
}

/// Whether the payload of a table is Parquet.
pub(crate) fn is_parquet(item: &Item<'_>) -> bool {
    item.record().str("table_format").unwrap_or(PARQUET) == PARQUET
}

fn write_stream(
    reader: Box<dyn RecordBatchReader + Send>,
    format: &str,
    sink: &mut Sink<'_>,
) -> HandlerResult<(Written, PayloadWriter)> {
    let item = sink.name().to_owned();
    let reader = unmarked(alike(&item, reader));
    check_schema(&reader.schema(), |reason| HandlerError::Invalid { item: item.clone(), reason })?;
    let mut writer;
    let written = match format {
        PARQUET => {
            writer = sink.payload(".parquet")?;
            write_parquet(&item, reader, sink.threads(), &mut writer)?
        }
        ARROW => {
            writer = sink.payload(".arrow")?;
            write_arrow(&item, reader, sink.threads(), &mut writer)?
        }
        HDF5 => {
            let (threads, scratch) = (sink.threads(), sink.scratch().to_owned());
            writer = sink.payload(".hdf5")?;
            write_hdf5(&item, reader, threads, &scratch, &mut writer)?
        }
        other => {
            let reason = format!("table format {other:?} is not known: it is {PARQUET}, {ARROW} or {HDF5}");
            return Err(HandlerError::Invalid { item, reason });
        }
    };
    Ok((written, writer))
}

/// Takes a Parquet file over byte for byte. All its batches are decoded first: what enters a bundle gets a hash that says
/// ever after that these bytes are right, so they must be right when they come.
fn take_over(path: &Path, sink: &mut Sink<'_>) -> HandlerResult<(Written, PayloadWriter)> {
    let (path, whole) = (path.to_owned(), TableReadOptions::default());
    let item = sink.name().to_owned();
    let named = |error| match error {
        HandlerError::BadFile { path, reason } => {
            HandlerError::BadFile { path, reason: format!("{reason}; it does not become item '{item}'") }
        }
        other => other,
    };
    let file = OutsideFile::open(&path)?;
    let opened = ParquetFile::open(&path, file.source()?, &whole).map_err(named)?;
    let rows = opened.rows;
    let (schema, batches) = opened.read(&path, &whole).map_err(named)?;
    for batch in GuardedReader::new(&path, schema.clone(), batches) {
        batch.map_err(|error| named(error.into()))?;
    }
    let mut writer = sink.payload(".parquet")?;
    file.copy_to(&mut writer)?;
    Ok((Written { schema, rows }, writer))
}
