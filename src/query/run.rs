//! Running queries.

use std::sync::Arc;

use datafolio_core::{ItemRecord, Place};
use datafolio_sql::{
    Asked, Checked, Exposed, Looked, QueryReader, Quoted, Settings, Shares, SqlError, TableName, check_query,
    quote_table,
};

use super::QueryOptions;
use super::expose::{Exposer, ReadInput};
use crate::bundle::DataFolio;
use crate::error::{Error, Result};
use crate::settings::MOST_THREADS;
use crate::table::is_table_entry;

/// The name that the queried table has in a query.
const TABLE: &str = "table";

impl DataFolio {
    /// Runs SQL on one table, which is called `table` in it: `SELECT * FROM table WHERE value > 100`. The item's own name and
    /// `$table` mean the same table; all other tables of the bundle go by their names, those of a snapshot by
    /// `"snapshot"."table"`.
    ///
    /// The result is streamed: rows come while the query runs, and memory does not grow with them. The query sees the revision
    /// that this handle sees, whatever is written meanwhile, and cannot read anything but the tables that it names, nor write
    /// at all. Before DuckDB reads a file that was never checked on this machine, its hash is compared.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchIterator};
    /// use datafolio::{AddOptions, Data, DataFolio, QueryOptions};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let folio = DataFolio::create(dir.path().join("study"))?;
    /// # let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1000));
    /// # let batch = RecordBatch::try_from_iter([("score", column)])?;
    /// # let schema = batch.schema();
    /// # let table = RecordBatchIterator::new([Ok(batch)], schema);
    /// # folio.add("measurements", Data::Table(Box::new(table)), AddOptions::new())?;
    /// let options = QueryOptions::new().params([990]);
    /// let result = folio.query_table("measurements", "SELECT score FROM table WHERE score >= ?", &options)?;
    /// let mut rows = 0;
    /// for batch in result {
    ///     rows += batch?.num_rows();
    /// }
    /// assert_eq!(rows, 10);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Sql`](crate::Error::Sql) for SQL that does not parse, is not allowed or does not fit;
    /// [`Error::NoSuchTable`](crate::Error::NoSuchTable), [`Error::AmbiguousName`](crate::Error::AmbiguousName); as
    /// [`DataFolio::get_table`]. An error after the first row comes from the reader: `datafolio::Error::from` takes it out of the
    /// [`ArrowError`](arrow::error::ArrowError).
    pub fn query_table(&self, name: &str, sql: &str, options: &QueryOptions) -> Result<QueryReader> {
        if let Some(folio) = self.checking(options.verification) {
            return folio.query_table(name, sql, options);
        }
        let argument = self.table_record(name, None)?;
        self.run_query(&quote_table(sql), Some(&argument), options)
    }

    /// Runs SQL on all tables of the bundle, by their names; those of a snapshot go by `"snapshot"."table"`, so that two
    /// versions can be joined and subtracted. Names with other characters than letters, digits and `_` need double quotes.
    ///
    /// # Errors
    /// As [`DataFolio::query_table`].
    pub fn query(&self, sql: &str, options: &QueryOptions) -> Result<QueryReader> {
        if let Some(folio) = self.checking(options.verification) {
            return folio.query(sql, options);
        }
        self.run_query(&Quoted::unchanged(sql), None, options)
    }

    /// Runs any SQL that DuckDB knows, with the tables of the bundle that it names by their own names. It reads, writes and
    /// loads whatever the user of this process may: for the owner of the machine, never for SQL of someone else.
    ///
    /// # Errors
    /// As [`DataFolio::query`], but for what is not allowed there.
    pub fn query_unrestricted(&self, sql: &str, options: &QueryOptions) -> Result<QueryReader> {
        if let Some(folio) = self.checking(options.verification) {
            return folio.query_unrestricted(sql, options);
        }
        let mut exposed = Vec::new();
        let mut hidden = Vec::new();
        for table in self.all_tables() {
            // One that cannot be read is no reason to refuse a query that may not name it.
            let before = exposed.len();
            let mut exposer = Exposer::new(self, None);
            std::mem::swap(&mut exposer.exposed, &mut exposed);
            exposer.know_exposed();
            let result = exposer.add(&table);
            exposed = exposer.exposed;
            if let Err(error) = result {
                exposed.truncate(before);
                hidden.push((table.name, error));
            }
        }
        let settings = self.query_settings(options);
        datafolio_sql::run_unrestricted(&settings, &exposed, sql, &options.params).map_err(|error| match error {
            SqlError::UnknownTable { place, name } => self.why_not_there(name, place, hidden),
            error => error.into(),
        })
    }

    /// Why a table is not there for SQL: it cannot be read, for one of these reasons, or there is none of this name.
    fn why_not_there(&self, name: String, place: Option<Place>, hidden: Vec<(String, Error)>) -> Error {
        if let Some((_, error)) = hidden.into_iter().find(|(table, _)| table.eq_ignore_ascii_case(&name)) {
            return error;
        }
        match self.resolve(&TableName { schema: None, name: name.clone(), place }) {
            Err(error @ Error::NoSuchTable { .. }) => error,
            // One of the bundle's own is there by its name alone, and this was a table of something else.
            _ => Error::NoSuchTable { name, place, suggestion: None },
        }
    }

    pub(crate) fn run_query(
        &self,
        sql: &Quoted,
        argument: Option<&Arc<ItemRecord>>,
        options: &QueryOptions,
    ) -> Result<QueryReader> {
        let Looked { checked, asked, plain } = check_query(sql, &options.params)?;
        let exposed = self.expose_all(&checked, asked, argument, options)?;
        let settings = self.query_settings(options);
        let shares = match (checked.tables.as_slice(), exposed.as_slice()) {
            ([table], [found]) if options.frames.is_empty() && (checked.is_separable() || plain.is_some()) => {
                let (folio, record) = self.record_of(table, argument)?;
                let folio = folio.as_ref().unwrap_or(self);
                let threads = settings.threads.unwrap_or(1);
                let shares = match checked.is_separable() {
                    true => folio.shares_of(&record, &found.relation, &(0..u64::MAX), threads)?,
                    false => Shares::default(),
                };
                if let Some(plain) = plain
                    && let Some(rows) = folio.run_plain(&plain, (&record, &found.relation), &shares, &settings, options)
                {
                    return Ok(rows?);
                }
                shares
            }
            _ => Shares::default(),
        };
        Ok(datafolio_sql::run(&settings, &exposed, &checked, &options.params, &shares)?)
    }

    /// Runs a query, and tells which versions it reads.
    pub(crate) fn query_with_inputs(&self, sql: &str, options: &QueryOptions) -> Result<(QueryReader, Vec<ReadInput>)> {
        if let Some(folio) = self.checking(options.verification) {
            return folio.query_with_inputs(sql, options);
        }
        if let Some((frame, _)) = options.frames.first() {
            return Err(Error::Invalid(format!(
                "a table that is derived can be made again, and frame '{frame}' lasts no longer than this process: store \
                 the frame with add_frame and name that table, or store the result of query_frame with add_frame"
            )));
        }
        let Looked { checked, asked, .. } = check_query(&Quoted::unchanged(sql), &options.params)?;
        let mut exposer = Exposer::new(self, None).with_asked(asked);
        checked.tables.iter().try_for_each(|table| exposer.add(table))?;
        let reader = datafolio_sql::run(
            &self.query_settings(options),
            &exposer.exposed,
            &checked,
            &options.params,
            &Shares::default(),
        )?;
        Ok((reader, exposer.read))
    }

    pub(crate) fn query_settings(&self, options: &QueryOptions) -> Settings {
        let settings = self.settings();
        Settings {
            // More would keep the machine busy with making them.
            threads: Some(options.threads.unwrap_or(settings.threads).min(MOST_THREADS)),
            memory: Some(options.memory.unwrap_or_else(|| settings.memory_bytes())),
            spill_dir: settings.spill_dir.clone().filter(|_| settings.spill_cap > 0),
            spill_cap: Some(settings.spill_cap),
            timeout: options.timeout,
            control: options.control.clone().unwrap_or_default(),
            databases: self.databases().clone(),
        }
    }

    /// All that a query reads.
    fn expose_all(
        &self,
        checked: &Checked,
        asked: Option<Asked>,
        argument: Option<&Arc<ItemRecord>>,
        options: &QueryOptions,
    ) -> Result<Vec<Exposed>> {
        let argument = argument.map(|record| (TABLE, record));
        let mut exposer = Exposer::new(self, argument).with_frames(&options.frames).with_asked(asked);
        checked.tables.iter().try_for_each(|table| exposer.add(table))?;
        if checked.lists_tables {
            self.all_tables().iter().try_for_each(|table| exposer.add_name(table))?;
        }
        Ok(exposer.exposed)
    }

    /// The table that a name stands for, and the handle that sees it.
    fn record_of(
        &self,
        table: &TableName,
        argument: Option<&Arc<ItemRecord>>,
    ) -> Result<(Option<DataFolio>, Arc<ItemRecord>)> {
        match argument.filter(|_| table.is_table()) {
            Some(record) => Ok((None, Arc::clone(record))),
            None => self.resolve(table),
        }
    }

    fn all_tables(&self) -> Vec<TableName> {
        let state = self.state();
        let current = state.catalogue().current.values();
        let tables = current.filter(|entry| is_table_entry(entry) && !entry.is_archived());
        tables.map(|entry| TableName::new(entry.name())).collect()
    }
}
