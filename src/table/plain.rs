//! Queries that give columns of a table as they are, or count its rows: DuckDB finds the rows at most, and what is in them is read here.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafolio_core::ItemRecord;
use datafolio_sql::{
    Filter, OF_THE_FILE, Plain, QueryReader, ROW, Relation, Settings, Shares, SqlError, SqlResult, Wanted,
    check_condition_on,
};

use super::scan::Scanned;
use crate::bundle::DataFolio;
use crate::query::QueryOptions;

/// Of more files than this the rows are not numbered for a query that does not need it: each of them is a query of its own then.
const MOST_FILES: usize = 16;

impl DataFolio {
    /// Runs a query that only gives columns of the rows for which a condition holds, or their number. `None` where it cannot be run so, and where something
    /// is wrong with its text: who runs it as it is written says what, and where.
    pub(crate) fn run_plain(
        &self,
        plain: &Plain,
        (record, relation): (&Arc<ItemRecord>, &Relation),
        shares: &Shares,
        settings: &Settings,
        options: &QueryOptions,
    ) -> Option<SqlResult<QueryReader>> {
        let stored = &self.facts_of(record).ok()?.schema;
        let schema = columns_of(stored, &plain.wanted)?;
        let condition = check_condition_on(&plain.table, &plain.condition, &options.params).ok()?;
        let wanted = Scanned { table: &plain.table, columns: &schema, rows: &(0..u64::MAX), offset: 0, limit: None };
        match (self.scanned(record, &condition, &wanted, settings), &plain.wanted) {
            (Some(scan), Wanted::Count(name)) => return Some(datafolio_sql::count(settings, scan, name)),
            (Some(scan), _) => return Some(datafolio_sql::scan(settings, scan)),
            (None, Wanted::Count(_)) => return None,
            (None, _) => {}
        }
        let Relation::Parquet(files) = relation else { return None };
        if files.len() > MOST_FILES {
            return None;
        }
        let taken = [OF_THE_FILE, ROW, plain.table.as_str()];
        if stored.fields().iter().any(|field| taken.iter().any(|name| field.name().eq_ignore_ascii_case(name))) {
            return None;
        }
        let columns: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let filter = Filter {
            condition: &condition,
            name: &plain.table,
            columns: &columns,
            is_numbered: false,
            fetch: Some(self.fetched(record, relation, schema)?),
            shares,
            offset: 0,
            limit: None,
        };
        let rows = datafolio_sql::filter(settings, relation.clone(), &[], &filter);
        match &rows {
            Ok(_) | Err(SqlError::Cancelled | SqlError::TimedOut { .. } | SqlError::OutOfMemory { .. }) => Some(rows),
            Err(_) => None,
        }
    }
}

/// The columns of a result as DuckDB gives them; `None` where it gives others than are stored.
fn columns_of(schema: &Schema, wanted: &Wanted) -> Option<SchemaRef> {
    let names: Vec<&str> = match wanted {
        Wanted::Columns(names) => names.iter().map(String::as_str).collect(),
        Wanted::All => schema.fields().iter().map(|field| field.name().as_str()).collect(),
        Wanted::Count(_) => return Some(Arc::new(Schema::empty())),
    };
    let is_repeated = |at: usize| names[..at].contains(&names[at]);
    let column = |(at, name): (usize, &&str)| {
        // One without a name gets one from DuckDB.
        let (_, field) = schema.fields().find(name).filter(|_| !is_repeated(at) && !name.is_empty())?;
        comes_as_it_is(field.data_type()).then(|| Field::new(*name, field.data_type().clone(), true))
    };
    let fields: Vec<Field> = names.iter().enumerate().map(column).collect::<Option<_>>()?;
    (!fields.is_empty()).then(|| Arc::new(Schema::new(fields)))
}

/// Whether values of a type have the same one when they come from DuckDB.
fn comes_as_it_is(of: &DataType) -> bool {
    match of {
        DataType::Boolean | DataType::Float32 | DataType::Float64 | DataType::Date32 | DataType::Utf8 => true,
        DataType::Timestamp(unit, zone) => *unit == TimeUnit::Microsecond && zone.is_none(),
        of => of.is_integer(),
    }
}
