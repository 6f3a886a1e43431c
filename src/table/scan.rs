//! Tables whose rows a condition is compared with here: its columns are read, and of the others what it holds for.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafolio_core::{ItemRecord, item_type};
use datafolio_handlers::Footers;
use datafolio_sql::{Condition, Scan, Scannable, Settings, Test};

use super::shares::scanned;
use crate::bundle::DataFolio;
use crate::view::is_view;

/// What is wanted of a table on which there is a condition.
pub(super) struct Scanned<'a> {
    /// The name that it has in the condition.
    pub(super) table: &'a str,
    /// The columns that are given; where rows are only counted, none.
    pub(super) columns: &'a SchemaRef,
    /// The rows that are looked at...
    pub(super) rows: &'a Range<u64>,
    /// ...of which, where the condition holds, so many are left out, and so many given.
    pub(super) offset: u64,
    pub(super) limit: Option<u64>,
}

impl DataFolio {
    /// How a table is looked through; `None` where DuckDB is to do that, since the condition is more than what is known here.
    ///
    /// A file that others write could be replaced between its columns, which nobody would see.
    pub(super) fn scanned(
        &self,
        record: &Arc<ItemRecord>,
        condition: &Condition,
        wanted: &Scanned<'_>,
        settings: &Settings,
    ) -> Option<Scan> {
        if is_view(record) || record.item_type() == item_type::REFERENCED_TABLE {
            return None;
        }
        let predicate = condition.predicate.as_ref()?;
        let facts = self.facts_of(record).ok()?;
        let all = facts.rows?;
        let ranges = |name: &str| {
            let column = facts.columns.iter().find(|column| column.name == name)?;
            Some((column.min.as_ref()?.as_i64()?, column.max.as_ref()?.as_i64()?))
        };
        let test = Test::new(predicate, &facts.schema, wanted.table, &ranges)?;
        let footers = Footers::default();
        let stream = |schema| self.stream_of(Arc::clone(record), schema).with_footers(&footers);
        let asked = test.stages().iter().map(|stage| {
            let fields = stage.columns().iter().map(|name| facts.schema.field_with_name(name).cloned());
            let schema = Schema::new(fields.collect::<Result<Vec<_>, _>>().ok()?);
            Some(Arc::new(stream(Arc::new(schema)).with_keyed_texts()) as Arc<dyn Scannable>)
        });
        let asked = asked.collect::<Option<_>>()?;
        let in_question =
            self.rows_in_question(record, &facts.schema, (wanted.table, &condition.bounds), Some(&footers));
        Some(Scan {
            test,
            asked,
            columns: Arc::new(stream(SchemaRef::clone(wanted.columns))),
            is_numbered: false,
            shares: scanned(&facts, wanted.rows, all, settings.threads.unwrap_or(1)),
            in_question: in_question.map(|found| found.rows),
            offset: wanted.offset,
            limit: wanted.limit,
        })
    }
}
