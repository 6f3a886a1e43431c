//! Reading a table, or a part of it.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchReader};
use chrono::{DateTime, Utc};
use datafolio_core::{Entry, ItemRecord, item_type, time};
use datafolio_handlers::{HandlerError, TableReadOptions, concat_rows, pinned_reference, read_table};
use datafolio_storage::Verification;

use super::{Condition, Conditional};
use crate::bundle::DataFolio;
use crate::error::{Error, Result};
use crate::view::{is_view, is_view_entry};

/// Which part of a table is wanted; by default all of it.
///
/// ```
/// use datafolio::TableOptions;
///
/// let options = TableOptions::new().columns(["id", "value"]).offset(40_000_000).limit(5_000);
/// assert_eq!(options.limit, Some(5_000));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct TableOptions {
    /// These columns, in this order; `None` for all.
    pub columns: Option<Vec<String>>,
    /// Only rows for which this SQL condition holds, such as `value > 100 AND kind = 'a'`.
    pub filter: Option<Condition>,
    /// Leave out this many rows at the start; with a condition, of those for which it holds.
    pub offset: u64,
    /// At most this many rows; `None` for all.
    pub limit: Option<u64>,
    /// This version of the item, by its id; `None` for the current one.
    pub version: Option<String>,
    /// How what is read is compared with its recorded hashes; `None` as the settings say.
    pub verification: Option<Verification>,
}

impl TableOptions {
    /// All of the current version.
    pub fn new() -> Self {
        Self::default()
    }

    /// These columns, in this order.
    pub fn columns<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.columns = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// Only rows for which this SQL condition holds.
    pub fn filter(mut self, condition: impl Into<Condition>) -> Self {
        self.filter = Some(condition.into());
        self
    }

    /// Without this many rows at the start.
    pub fn offset(mut self, rows: u64) -> Self {
        self.offset = rows;
        self
    }

    /// At most this many rows.
    pub fn limit(mut self, rows: u64) -> Self {
        self.limit = Some(rows);
        self
    }

    /// Of this version, by its id ([`DataFolio::versions`] lists them); of a reference to a Delta table also by the number of a version
    /// of that table.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Compares what is read with its recorded hashes to this degree, whatever the settings say.
    pub fn verification(mut self, verification: Verification) -> Self {
        self.verification = Some(verification);
        self
    }

    /// The same, for the handler.
    pub(super) fn part(&self, threads: usize) -> TableReadOptions {
        let mut part = TableReadOptions::default();
        part.columns = self.columns.clone();
        part.offset = self.offset;
        part.limit = self.limit;
        part.threads = threads;
        part
    }
}

impl DataFolio {
    /// Reads a table as a stream of record batches.
    ///
    /// # Errors
    /// As [`DataFolio::get`]; [`Error::WrongType`] when it is no table.
    pub fn get_table(&self, name: &str) -> Result<Box<dyn RecordBatchReader + Send>> {
        self.read_table(name, &TableOptions::default())
    }

    /// Reads a part of a table as a stream of record batches. Of a Parquet file only the row groups and pages that hold
    /// these rows and columns are read. An offset behind the end gives no rows, with the columns of the table.
    ///
    /// # Errors
    /// As [`DataFolio::get_table`]; [`HandlerError::Invalid`] for columns that the table does not have or that are wanted
    /// twice; [`CoreError::VersionNotFound`](datafolio_core::CoreError::VersionNotFound); with a condition, those of
    /// [`DataFolio::query_table`].
    pub fn read_table(&self, name: &str, options: &TableOptions) -> Result<Box<dyn RecordBatchReader + Send>> {
        if let Some(folio) = self.checking(options.verification) {
            return folio.read_table(name, options);
        }
        let record = self.table_record(name, options.version.as_deref())?;
        self.read_part_of(&record, options, None)
    }

    /// Reads a part of a version, in batches of so many rows where that is said.
    pub(crate) fn read_part_of(
        &self,
        record: &Arc<ItemRecord>,
        options: &TableOptions,
        batch_rows: Option<usize>,
    ) -> Result<Box<dyn RecordBatchReader + Send>> {
        if let Some(condition) = &options.filter {
            let wanted = Conditional {
                condition,
                columns: options.columns.as_deref(),
                rows: 0..u64::MAX,
                offset: options.offset,
                limit: options.limit,
            };
            return Ok(Box::new(self.filter_table(record, &wanted)?));
        }
        let mut part = options.part(self.settings().threads);
        if let Some(rows) = batch_rows {
            part.batch_rows = rows;
        }
        self.open_table(record, &part)
    }

    /// The first rows of a table.
    ///
    /// # Errors
    /// As [`DataFolio::read_table`].
    pub fn preview_table(&self, name: &str, rows: usize) -> Result<RecordBatch> {
        collect(self.read_table(name, &TableOptions::new().limit(rows as u64))?)
    }

    /// The record of a table: of its current version, or another one.
    pub(crate) fn table_record(&self, name: &str, version: Option<&str>) -> Result<Arc<ItemRecord>> {
        let record = match version {
            None => self.record(name)?,
            Some(version) => match (version.parse::<u64>(), self.record(name)) {
                // The ids of our own versions are no numbers.
                (Ok(number), Ok(record)) if is_delta(&record) => Arc::new(at_version(&record, number)),
                _ => self.version_record(name, version)?,
            },
        };
        match is_table(record.item_type()) || is_view(&record) {
            true => {
                self.refuse_changed(&record)?;
                Ok(record)
            }
            false => Err(Error::WrongType {
                item: name.to_owned(),
                expected: "a table",
                found: record.item_type().to_owned(),
            }),
        }
    }

    /// The number of the version that the Delta table of a reference had at a time: of its last version of then or before.
    ///
    /// # Errors
    /// [`Error::WrongType`] for what is no such reference; [`HandlerError::MissingTableVersion`] when the table was not there then.
    pub fn table_version_at(&self, name: &str, moment: DateTime<Utc>) -> Result<u64> {
        let record = self.record(name)?;
        if !is_delta(&record) {
            let (item, found) = (name.to_owned(), record.item_type().to_owned());
            return Err(Error::WrongType { item, expected: "a reference to a Delta table", found });
        }
        let mut then = ItemRecord::clone(&record);
        then.set("version", None);
        then.set("timestamp", Some(time::to_iso(moment).into()));
        let pinned = pinned_reference(&self.handler_item(&then))?;
        pinned.and_then(|pinned| pinned.u64("version")).ok_or_else(|| {
            HandlerError::Damaged { item: name.to_owned(), reason: "its version cannot be told".to_owned() }.into()
        })
    }

    /// The record of a table that is read in several steps: of a reference to the newest version of a Delta table, the version that is
    /// the newest now.
    pub(crate) fn pinned_record(&self, record: Arc<ItemRecord>) -> Result<Arc<ItemRecord>> {
        Ok(pinned_reference(&self.handler_item(&record))?.map_or(record, Arc::new))
    }

    /// Opens a part of a table.
    pub(super) fn open_table(
        &self,
        record: &ItemRecord,
        part: &TableReadOptions,
    ) -> Result<Box<dyn RecordBatchReader + Send>> {
        if is_view(record) {
            return self.open_view(record, part);
        }
        Ok(read_table(&self.handler_item(record), part)?)
    }
}

/// Whether items of a type are tables.
pub(crate) fn is_table(item_type: &str) -> bool {
    matches!(item_type, item_type::INCLUDED_TABLE | item_type::REFERENCED_TABLE | item_type::POLARS_TABLE)
}

/// Whether an item is a reference to a Delta table, which has versions of its own.
pub(crate) fn is_delta(record: &ItemRecord) -> bool {
    record.item_type() == item_type::REFERENCED_TABLE && record.str("table_format") == Some("delta")
}

/// A reference to a Delta table, as one to another version of it.
fn at_version(record: &ItemRecord, version: u64) -> ItemRecord {
    let mut record = record.clone();
    record.set("version", Some(version.into()));
    record.set("timestamp", None);
    record
}

/// Whether an entry is a table, or a view, which is read like one.
pub(crate) fn is_table_entry(entry: &Entry) -> bool {
    is_table(entry.item_type()) || is_view_entry(entry)
}

/// All rows of a stream as one batch.
pub(super) fn collect(reader: Box<dyn RecordBatchReader + Send>) -> Result<RecordBatch> {
    let schema = reader.schema();
    let batches = reader.collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(concat_rows(&schema, &batches).map_err(HandlerError::from)?)
}
