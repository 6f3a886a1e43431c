//! References to Delta tables in SQL: of files that a query rules out by the log, nothing is read.

use std::ops::Range;
use std::sync::Arc;

use datafolio_core::ItemRecord;
use datafolio_sql::{Asked, Relation, Streamed};

use super::in_question::InQuestion;
use super::numbered::{Numbered, Numbers};
use super::read::is_delta;
use crate::bundle::DataFolio;
use crate::error::Result;

impl DataFolio {
    /// A table as a relation of DuckDB, of which rows may be left out that a query does not ask for.
    pub(crate) fn relation_asked(&self, record: &Arc<ItemRecord>, asked: &Asked) -> Result<Relation> {
        if !is_delta(record) {
            return self.relation(record);
        }
        // Which rows those are is of one version.
        let record = self.pinned_record(Arc::clone(record))?;
        let stream = self.stream(&record)?;
        let found = self.rows_in_question(&record, &stream.schema(), (&asked.table, &asked.bounds), None);
        let stream = match found {
            Some(found) => stream.within(found.rows.into()),
            None => stream,
        };
        Ok(Relation::Stream(Arc::new(stream)))
    }

    /// The rows in question of a Delta table, with their numbers; `None` for other tables.
    pub(super) fn numbered_in_question(
        &self,
        record: &Arc<ItemRecord>,
        found: &InQuestion,
    ) -> Result<Option<Relation>> {
        if !is_delta(record) {
            return Ok(None);
        }
        let rows: Arc<[Range<u64>]> = found.rows.as_slice().into();
        let stream = Arc::new(self.stream(record)?.within(Arc::clone(&rows)));
        Ok(Some(Relation::Stream(Arc::new(Numbered::new(stream, Numbers::Ranges(rows))))))
    }
}
