//! Tables in the bundle: what is read is checked against the entry.

use arrow::ipc::reader::FileReader;
use datafolio_core::counted;

use super::arrow_read::{Decoder, open_arrow};
use super::parquet_read::ParquetFile;
use super::source::SourceFile;
use super::{TableReadOptions, TableReader};
use crate::error::HandlerResult;
use crate::guard::{Blame, GuardedReader, InPayload};

/// Opens a Parquet file. `rows` is what the entry records.
pub(crate) fn read_parquet(
    item: &str,
    file: SourceFile,
    rows: Option<u64>,
    part: &TableReadOptions,
) -> HandlerResult<TableReader> {
    let (blame, opened) = open_parquet(item, file, rows, part)?;
    let (schema, batches) = opened.read(&blame, part)?;
    Ok(Box::new(GuardedReader::blaming(blame, schema, batches)))
}

/// The same before any of it is read, and who answers for it.
pub(super) fn open_parquet(
    item: &str,
    file: SourceFile,
    rows: Option<u64>,
    part: &TableReadOptions,
) -> HandlerResult<(InPayload, ParquetFile)> {
    let blame = InPayload { item: item.to_owned(), file: file.clone() };
    let opened = ParquetFile::open(&blame, file, part)?;
    if let Some(rows) = rows.filter(|rows| *rows != opened.rows) {
        return Err(blame.damaged(format!(
            "its entry records {}, and its file has {}",
            counted(rows, "row"),
            opened.rows
        )));
    }
    Ok((blame, opened))
}

/// Opens an Arrow file. `rows` is what the entry records.
pub(crate) fn read_arrow(
    item: &str,
    file: SourceFile,
    rows: Option<u64>,
    part: &TableReadOptions,
) -> HandlerResult<TableReader> {
    let blame = InPayload { item: item.to_owned(), file: file.clone() };
    let open = |columns| Ok(FileReader::try_new(file.cursor(0), columns).map(|reader| Box::new(reader) as Decoder));
    let (schema, batches) = open_arrow(&blame, open, rows, part)?;
    Ok(Box::new(GuardedReader::blaming(blame, schema, batches)))
}
