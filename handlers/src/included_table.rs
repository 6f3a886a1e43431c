//! Tables stored in the bundle.

use arrow::array::RecordBatchReader;
use datafolio_core::{ItemRecord, item_type};
use datafolio_storage::PayloadWriter;

use crate::data::Data;
use crate::error::{HandlerError, HandlerResult};
use crate::handler::{Draft, Handler, Item, Sink, WriteOptions};
use crate::outside_file::OutsideFile;
use crate::payload_bytes::facts_of;
use crate::table::{
    SourceFile, TableReadOptions, Written, check_parquet, read_arrow, read_parquet, refuse_duplicates, write_arrow,
    write_parquet,
};

const PARQUET: &str = "parquet";
const ARROW: &str = "arrow";

/// Item type `included_table`: a table as one Parquet file (`table_format` `parquet`, the default) or one Arrow IPC file
/// (`arrow`, for tables that are to be mapped). It also reads `polars_table` items of unreleased versions.
///
/// A stream of batches is written as it comes, one row group or batch in memory. A Parquet file is taken over byte for
/// byte after its footer was checked.
#[derive(Debug, Clone, Copy, Default)]
pub struct IncludedTable;

impl Handler for IncludedTable {
    fn item_type(&self) -> &str {
        item_type::INCLUDED_TABLE
    }

    fn recognises(&self, data: &Data) -> bool {
        matches!(data, Data::Table(_) | Data::ParquetFile(_))
    }

    fn write(&self, data: Data, options: &WriteOptions, sink: &mut Sink<'_>) -> HandlerResult<Draft> {
        let format = options.table_format.as_deref().unwrap_or(PARQUET);
        let (written, writer) = match data {
            Data::Table(reader) => write_stream(reader, format, sink)?,
            Data::ParquetFile(path) => {
                if format != PARQUET {
                    let reason = format!("a Parquet file is taken over as it is, and cannot become {format}");
                    return Err(HandlerError::Invalid { item: sink.name().to_owned(), reason });
                }
                take_over(&OutsideFile::open(&path)?, sink)?
            }
            other => return Err(HandlerError::WrongKind { expected: "a table", found: other.kind().to_owned() }),
        };
        let payload = writer.finish()?;
        let mut fields = written.fields(format);
        fields.insert("size_bytes".to_owned(), payload.size.into());
        if let Some(library) = &options.dataframe_library {
            fields.insert("dataframe_library".to_owned(), library.as_str().into());
        }
        Ok(Draft { fields, payload: Some(payload) })
    }

    fn read(&self, item: &Item<'_>) -> HandlerResult<Data> {
        Ok(Data::Table(read_table(item, &TableReadOptions::default())?))
    }

    /// Reads the whole table only where the bundle had no hash to check: bytes that are what was written decode to what
    /// was written.
    fn verify(&self, item: &Item<'_>) -> HandlerResult<()> {
        let reader = read_table(item, &TableReadOptions::default())?;
        if item.record.str("sha256").or_else(|| item.record.str("checksum")).is_none() {
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

/// Opens the table of an item, or the part of it that is asked for. Of a Parquet file only the row groups and pages that
/// hold the wanted rows and columns are read, of an Arrow file the batches up to the last wanted row.
///
/// The reader's errors carry [`HandlerError`]s: `HandlerError::from` takes them out of the [`arrow::error::ArrowError`].
///
/// # Errors
/// [`HandlerError::Damaged`] or [`HandlerError::Payload`] when the file is not what was recorded,
/// [`HandlerError::Invalid`] for columns that it does not have, and [`HandlerError::Unsupported`] for formats that this
/// build cannot read.
pub fn read_table(item: &Item<'_>, options: &TableReadOptions) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
    let unsupported = |what: String, needs: &str| HandlerError::Unsupported { what, needs: needs.to_owned() };
    let name = item.record.name();
    if item.record.get("parts").is_some() {
        return Err(unsupported(format!("reading the parts of table '{name}' as one file"), "the bundle's own reader"));
    }
    let format = item.record.str("table_format").unwrap_or(PARQUET);
    let open = match format {
        PARQUET => read_parquet,
        ARROW => read_arrow,
        other => return Err(unsupported(format!("table '{name}' in format {other:?}"), "another release or feature")),
    };
    let source = item.open_payload()?;
    let reader = open(name, SourceFile::new(source), item.record.u64("num_rows"), options)?;
    Ok(Box::new(reader))
}

fn write_stream(
    reader: Box<dyn RecordBatchReader + Send>,
    format: &str,
    sink: &mut Sink<'_>,
) -> HandlerResult<(Written, PayloadWriter)> {
    let item = sink.name().to_owned();
    refuse_duplicates(&item, &reader.schema())?;
    let mut writer;
    let written = match format {
        PARQUET => {
            writer = sink.payload(".parquet")?;
            write_parquet(&item, reader, &mut writer)?
        }
        ARROW => {
            writer = sink.payload(".arrow")?;
            write_arrow(&item, reader, &mut writer)?
        }
        other => {
            let reason = format!("table format {other:?} is not known: it is {PARQUET} or {ARROW}");
            return Err(HandlerError::Invalid { item, reason });
        }
    };
    Ok((written, writer))
}

fn take_over(file: &OutsideFile<'_>, sink: &mut Sink<'_>) -> HandlerResult<(Written, PayloadWriter)> {
    // As when reading from a bundle: the footer of someone's file may be anything.
    let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check_parquet(file.file())));
    let written = match checked {
        Ok(Ok(written)) => written,
        Ok(Err(error)) => return Err(file.bad(format!("it cannot be read as Parquet: {error}"))),
        Err(_) => return Err(file.bad("it cannot be read as Parquet: its footer cannot be decoded")),
    };
    refuse_duplicates(sink.name(), &written.schema)?;
    // Checking the footer has moved the position of the open file.
    std::io::Seek::rewind(&mut file.file()).map_err(|error| file.bad(error.to_string()))?;
    let mut writer = sink.payload(".parquet")?;
    file.copy_to(&mut writer)?;
    Ok((written, writer))
}
