//! Reading a view: its query runs, over the tables that this handle sees.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions, RecordBatchReader};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use datafolio_core::ItemRecord;
use datafolio_handlers::TableReadOptions;
use datafolio_sql::{Exposed, Params, Quoted, Settings, Shares, SqlResult, Streamed, check};
use datafolio_storage::Verification;

use super::check_columns;
use crate::bundle::DataFolio;
use crate::error::Result;
use crate::query::{Exposer, QueryOptions};
use crate::rows::{Picked, Rows};

/// The name that a view has in the query that reads it, whatever it is called in the bundle.
pub(super) const READ: &str = "datafolio_view";

impl DataFolio {
    /// A view with all that it stands on, ready to be read.
    pub(crate) fn view_stream(&self, record: &Arc<ItemRecord>) -> Result<ViewStream> {
        let mut exposer = Exposer::new(self, Some((READ, record)));
        exposer.add(&datafolio_sql::TableName::new(READ))?;
        ViewStream::new(record.name(), self.query_settings(&QueryOptions::default()), exposer.exposed)
    }

    /// The columns that a view has now, whatever they were when it was made. What it reads is not compared with its hashes for that.
    pub(crate) fn view_schema(&self, record: &ItemRecord) -> Result<SchemaRef> {
        let unchecked = self.checking(Some(Verification::Off));
        let folio = unchecked.as_ref().unwrap_or(self);
        match folio.frame_of_view(record)? {
            Some(frame) => Ok(frame.arrow_schema()?),
            None => Ok(folio.view_stream(&Arc::new(record.clone()))?.schema),
        }
    }

    /// Opens a part of a view.
    pub(crate) fn open_view(&self, record: &ItemRecord, part: &TableReadOptions) -> Result<Rows> {
        if let Some(frame) = self.frame_of_view(record)? {
            return self.open_frame(record.name(), &frame, part);
        }
        let stream = self.view_stream(&Arc::new(record.clone()))?;
        if let Some(wanted) = &part.columns {
            check_columns(record.name(), &stream.schema, wanted)?;
        }
        let columns = part.columns.as_deref();
        match &part.rows {
            None => Ok(stream.select(columns, part.offset, part.limit)?),
            Some(rows) => {
                // Nothing behind the last one is read.
                let end = rows.last().map_or(0, |last| last.saturating_add(1));
                let reader = stream.select(columns, 0, Some(end))?;
                Ok(Box::new(Picked::new(reader, Arc::clone(rows))))
            }
        }
    }
}

/// A view that is read, or streamed into another query.
#[derive(Debug)]
pub(crate) struct ViewStream {
    /// What the view is called in the bundle.
    name: String,
    settings: Settings,
    exposed: Vec<Exposed>,
    schema: SchemaRef,
}

impl ViewStream {
    /// The last of what is exposed is the view, as [`READ`].
    pub(super) fn new(name: &str, settings: Settings, exposed: Vec<Exposed>) -> Result<Self> {
        let mut stream = Self { name: name.to_owned(), settings, exposed, schema: Arc::new(Schema::empty()) };
        stream.schema = stream.select(None, 0, Some(0))?.schema();
        Ok(stream)
    }

    /// These columns of these rows.
    fn select(&self, columns: Option<&[String]>, offset: u64, limit: Option<u64>) -> SqlResult<Rows> {
        let list = match columns {
            None => "*".to_owned(),
            Some([]) => "1".to_owned(),
            Some(columns) => columns.iter().map(|name| quote(name)).collect::<Vec<_>>().join(", "),
        };
        let mut sql = format!("SELECT {list} FROM {READ}");
        if offset > 0 || limit.is_some() {
            let most = i64::MAX.unsigned_abs();
            sql.push_str(&format!(" LIMIT {} OFFSET {}", limit.unwrap_or(most).min(most), offset.min(most)));
        }
        let checked = check(&Quoted::unchanged(&sql))?;
        let rows = datafolio_sql::run(&self.settings, &self.exposed, &checked, &Params::None, &Shares::default())
            .map_err(|error| error.with_view_named(READ, &self.name))?;
        Ok(match columns {
            Some([]) => Box::new(Bare(Box::new(rows))),
            _ => Box::new(rows),
        })
    }
}

impl Streamed for ViewStream {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn rows(&self) -> Option<u64> {
        None
    }

    fn open(&self, columns: &[String]) -> std::result::Result<Rows, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.select(Some(columns), 0, None)?)
    }
}

/// A name as SQL writes it.
fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Rows without any column.
struct Bare(Rows);

impl Iterator for Bare {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.0.next()?.and_then(|batch| {
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)
        }))
    }
}

impl RecordBatchReader for Bare {
    fn schema(&self) -> SchemaRef {
        Arc::new(Schema::empty())
    }
}
