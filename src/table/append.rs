//! Adding rows to a table: they become a file of their own, and what is there stays as it is.

use std::collections::btree_map;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatchReader;
use arrow::datatypes::SchemaRef;
use datafolio_core::{AppendParts, Change, CoreError, Entry, ItemRecord, Part, counted, time};
use datafolio_handlers::formats::{ImportOptions, TableFiles, TableFormat, import_types, open_table};
use datafolio_handlers::{
    Data, Draft, HandlerError, IncludedTable, Misfit, OrderedCategories, TableReadOptions, fit_rows, read_table,
    stored_files,
};
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Map, Value};

use super::append_typed::Typed;
use super::compact::Compacted;
use super::parts::{Place, column_types, is_derived, number, part_of, require_own_table};
use crate::bundle::state::State;
use crate::bundle::{AddOptions, Batch, DataFolio, Own, table_from_files};
use crate::error::{Error, Result};

/// How rows are added to a table.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AppendOptions {
    /// Columns that only the new rows have come into the table, null in all rows before.
    pub evolve: bool,
    /// Whether small parts are merged afterwards when they have piled up. On by default.
    pub compact: bool,
    /// Of a table that this call creates: its description and format. Of any: what its rows were made from.
    pub(super) add: AddOptions,
}

impl Default for AppendOptions {
    fn default() -> Self {
        Self { evolve: false, compact: true, add: AddOptions::default() }
    }
}

impl AppendOptions {
    /// The rows have the columns of the table.
    pub fn new() -> Self {
        Self::default()
    }

    /// The table gets columns that only the new rows have.
    pub fn evolve(mut self) -> Self {
        self.evolve = true;
        self
    }

    /// Small parts are left as they are, to be merged by [`DataFolio::compact`].
    pub fn without_compaction(mut self) -> Self {
        self.compact = false;
        self
    }

    /// Names of the items that the rows were made from; the table keeps the inputs that it has.
    pub fn inputs<I: IntoIterator<Item = S>, S: Into<String>>(mut self, names: I) -> Self {
        self.add = self.add.inputs(names);
        self
    }

    /// The description of a table that is not there yet.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.add = self.add.description(text);
        self
    }

    /// How a table is stored that is not there yet: `parquet` (the default) or `arrow`.
    pub fn table_format(mut self, format: impl Into<String>) -> Self {
        self.add = self.add.table_format(format);
        self
    }

    /// The library that the rows of a table come from which is not there yet: `pandas` or `polars`.
    pub fn dataframe_library(mut self, library: impl Into<String>) -> Self {
        self.add = self.add.dataframe_library(library);
        self
    }
}

/// What an append has done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Appended {
    /// The table.
    pub name: String,
    /// How many rows were added.
    pub rows: u64,
    /// Bytes of the file that they lie in.
    pub size_bytes: u64,
    /// Whether the table was not there before.
    pub created: bool,
    /// Columns that the table has got.
    pub new_columns: Vec<String>,
    /// How many rows the table has now.
    pub num_rows: u64,
    /// How many parts the table has now; 1 for a table of one file.
    pub parts: usize,
    /// Whether the table was derived until then; now it is one of its own, which nobody makes again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub was_derived: bool,
    /// What was merged afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compacted: Option<Compacted>,
}

impl DataFolio {
    /// Adds rows to a table, or creates it. What that costs follows from the new rows alone; the rows that are there are not
    /// read, and snapshots and older versions keep theirs. Only where a column of the table has had no type, as it had no value yet, and the
    /// new rows have one, all of it is written anew, as one file.
    ///
    /// The columns may come in another order; all else must be as in the table, unless the options let it get new columns.
    /// Appends of several writers all land, in the order of their commits.
    ///
    /// An ordered category keeps one order: new rows may have its categories, some of them, or further ones behind the last.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// use datafolio::{AppendOptions, DataFolio};
    ///
    /// # fn main() -> datafolio::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let folio = DataFolio::create(dir.path().join("study"))?;
    /// # let measured = |value| {
    /// #     let column: ArrayRef = Arc::new(Float64Array::from(vec![value]));
    /// #     RecordBatch::try_from_iter([("celsius", column)]).unwrap()
    /// # };
    /// for celsius in [20.5, 21.0, 21.5] {
    ///     folio.append_table("temperatures", measured(celsius), AppendOptions::new())?;
    /// }
    /// assert_eq!(folio.table_info("temperatures")?.rows, Some(3));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`HandlerError::SchemaMismatch`] for a column that does not fit, or orders its categories otherwise; [`Error::WrongType`]
    /// for what is no table of the bundle's own; [`CoreError::Conflict`] when another writer has replaced, changed or deleted the
    /// table since the handle last looked, or has appended to it and these rows have further ordered categories. Nothing is added
    /// then.
    pub fn append_table(&self, name: &str, rows: impl Into<Data>, options: AppendOptions) -> Result<Appended> {
        let mut batch = self.batch()?;
        let mut appended = batch.append_table(name, rows, options.clone())?;
        let created = appended.created.then(|| batch.catalogue().item(name).cloned()).transpose()?;
        let state = match (batch.try_commit(), created) {
            (Err(Error::Core(CoreError::Conflict { .. })), Some(created)) => {
                // Someone else has created it first. The rows have been written, and are read from there: whoever gave them
                // may not have them any more.
                let (again, state) = self.append_written(&created, &options)?;
                appended = again;
                state
            }
            (made, _) => made?,
        };
        drop(batch);
        (appended.num_rows, appended.parts) = size_of(state.item(name)?)?;
        if options.compact && appended.rows > 0 {
            appended.compacted = self.compact_small_parts(name, state.item(name)?);
        }
        Ok(appended)
    }

    /// Adds the rows of files to a table, or creates it: files, directories and patterns, as [`DataFolio::import_files`] takes
    /// them, together. Text files are read with the types of the table, unless the options give others.
    ///
    /// # Errors
    /// As [`DataFolio::append_table`] and [`DataFolio::import_files`].
    pub fn append_files<P: AsRef<Path>>(
        &self,
        name: &str,
        files: &[P],
        import: &ImportOptions,
        options: AppendOptions,
    ) -> Result<Appended> {
        let mut import = import.clone();
        let mut of_table = Vec::new();
        if let Some(entry) = self.catalogue().current.get(name) {
            let record = entry.record()?;
            require_own_table(&record)?;
            let sources = TableFiles::find(files, import.format)?;
            let by_name = || TableFormat::from_path(sources.paths().next()?);
            let format = import.format.or_else(|| Some(by_name()?.0));
            if !matches!(format, Some(TableFormat::Parquet | TableFormat::Arrow | TableFormat::Npy | TableFormat::Hdf5))
            {
                let table = read_table(&self.handler_item(&record), &TableReadOptions::default())?.schema();
                for (column, word) in import_types(&table) {
                    if let btree_map::Entry::Vacant(place) = import.types.entry(column) {
                        of_table.push(place.key().clone());
                        place.insert(word);
                    }
                }
            }
        }
        let appended =
            table_from_files(files, &import, &options.add).and_then(|rows| self.append_table(name, rows, options));
        appended.map_err(|error| match error {
            // Only the table wants the column.
            Error::Handler(HandlerError::UnknownColumn { table, column, .. }) if of_table.contains(&column) => {
                let reason = format!("{table} does not have it");
                HandlerError::SchemaMismatch { item: name.to_owned(), column, misfit: Misfit::Missing, reason }.into()
            }
            other => other,
        })
    }

    /// Adds the rows of a version that could not become one.
    fn append_written(&self, written: &Arc<Entry>, options: &AppendOptions) -> Result<(Appended, Arc<State>)> {
        let record = written.record()?;
        let rows = read_table(&self.handler_item(&record), &TableReadOptions::default())?;
        self.refresh()?;
        self.once_seen(|batch| batch.append_table(written.name(), rows, options.clone()))
    }
}

impl Appended {
    /// What becomes of a table with these columns by so many rows that lie in a file which was written. Where there are none, nothing
    /// changes, and the file goes with the batch.
    pub(super) fn of(
        record: &ItemRecord,
        schema: &SchemaRef,
        written: &Draft,
        rows: u64,
        parts: usize,
    ) -> Result<Self> {
        let columns = column_types(&written.fields);
        let new_columns = columns.keys().filter(|name| rows > 0 && schema.fields().find(name).is_none());
        Ok(Self {
            name: record.name().to_owned(),
            rows,
            size_bytes: written.payload.as_ref().filter(|_| rows > 0).map_or(0, |payload| payload.size),
            created: false,
            new_columns: new_columns.cloned().collect(),
            num_rows: record.u64("num_rows").unwrap_or_default() + rows,
            parts: if rows > 0 { parts } else { stored_files(record)?.len() },
            was_derived: rows > 0 && is_derived(record),
            compacted: None,
        })
    }
}

impl Batch<'_> {
    /// Adds rows to a table, or adds the table.
    ///
    /// # Errors
    /// As [`DataFolio::append_table`].
    pub fn append_table(&mut self, name: &str, rows: impl Into<Data>, options: AppendOptions) -> Result<Appended> {
        let data = rows.into();
        if !matches!(data, Data::Table(_) | Data::InferredTable(_) | Data::ParquetFile(_)) {
            return Err(HandlerError::WrongKind { expected: "a table", found: data.kind().to_owned() }.into());
        }
        let Some(entry) = self.catalogue().current.get(name).cloned() else {
            self.add_as(&IncludedTable, name, data, options.add, Own::default())?;
            let entry = self.catalogue().item(name)?;
            let (rows, parts) = size_of(entry)?;
            let size_bytes = entry.record()?.u64("size_bytes").unwrap_or_default();
            let (name, new_columns) = (name.to_owned(), Vec::new());
            return Ok(Appended {
                name,
                rows,
                size_bytes,
                created: true,
                new_columns,
                num_rows: rows,
                parts,
                was_derived: false,
                compacted: None,
            });
        };
        let record = entry.record()?;
        require_own_table(&record)?;
        let schema = read_table(&self.folio().handler_item(&record), &TableReadOptions::default())?.schema();
        let data = match self.append_typed(&record, &schema, data, &options)? {
            Typed::Done(appended) => return Ok(appended),
            Typed::Not(data) => data,
        };
        let (written, continues) = self.write_rows(&record, &schema, data, options.evolve)?;
        let rows = number(&written, "num_rows");
        let parts = stored_files(&record)?.len() + 1;
        let appended = Appended::of(&record, &schema, &written, rows, parts)?;
        let Some(part) = written.payload.as_ref().filter(|_| rows > 0).map(|payload| part_of(payload, &written)) else {
            return Ok(appended);
        };
        let columns = column_types(&written.fields);
        let versions = self.versions_read(&options.add.inputs);
        self.append_parts(&record, &schema, vec![part], columns, (continues, None), (options.add.inputs, versions))?;
        Ok(appended)
    }

    /// Adds files that were written, or taken over, to a table: it has the columns of `schema`, and they those of `columns` with their
    /// types. `continues` says whether they have further ordered categories; `stage` is where they come from.
    pub(super) fn append_parts(
        &mut self,
        record: &ItemRecord,
        schema: &SchemaRef,
        parts: Vec<Part>,
        columns: Map<String, Value>,
        (continues, stage): (bool, Option<&str>),
        (inputs, input_versions): (Vec<String>, IndexMap<String, String>),
    ) -> Result<()> {
        let name = record.name();
        let (base, last) = match record.parts()? {
            Some(parts) => (None, parts.last().map(|part| part.filename.clone())),
            None => {
                let base = self.file_as_part(record, schema)?;
                let last = base.1.filename.clone();
                (Some(base), Some(last))
            }
        };
        let rows: u64 = parts.iter().map(|part| part.num_rows).sum();
        let change = AppendParts {
            name: name.to_owned(),
            stub: self.write_stub(name, &parts)?,
            base,
            parts,
            after: last.filter(|_| continues),
            columns,
            stage: stage.map(str::to_owned),
            inputs,
            input_versions,
            created_at: time::to_iso(time::now()),
        };
        self.change(Change::Append(Box::new(change)), format!("append {} to {name}", counted(rows, "row")))
    }

    /// Writes rows with the columns of a table as a file that can become a part of it. Says whether the rows have further ordered
    /// categories.
    fn write_rows(
        &mut self,
        record: &Arc<ItemRecord>,
        table: &SchemaRef,
        data: Data,
        evolve: bool,
    ) -> Result<(Draft, bool)> {
        let name = record.name();
        let categories = OrderedCategories::of(&self.folio().handler_item(record), table)?;
        let draft = self.stage_table(record, Place::Part, |write| {
            let mut fitted =
                |rows: Box<dyn RecordBatchReader + Send>| write(fit_rows(name, table, rows, evolve, &categories)?);
            match data {
                Data::InferredTable(rows) => rows.read_with(fitted),
                Data::ParquetFile(path) => fitted(open_table(&path, &ImportOptions::default())?),
                Data::Table(rows) => fitted(rows),
                other => Err(HandlerError::WrongKind { expected: "a table", found: other.kind().to_owned() }),
            }
        })?;
        Ok((draft, categories.are_extended()))
    }

    /// The one file of a table under a second name, as its first part.
    fn file_as_part(&mut self, record: &ItemRecord, schema: &SchemaRef) -> Result<(String, Part)> {
        let name = record.name();
        let file = stored_files(record)?.into_iter().next();
        let (Some(file), Some(filename)) = (file, record.filename()) else {
            return Err(HandlerError::Damaged { item: name.to_owned(), reason: "it has no file".to_owned() }.into());
        };
        let rows = match file.rows {
            Some(rows) => rows,
            None => self.folio().facts_of(record)?.rows.unwrap_or_default(),
        };
        let part = self.second_name(name, &file, rows, schema.fields().len() as u64)?;
        Ok((filename.to_owned(), part))
    }
}

/// Rows and parts of a table.
fn size_of(entry: &Entry) -> Result<(u64, usize)> {
    let record = entry.record()?;
    Ok((record.u64("num_rows").unwrap_or_default(), stored_files(&record)?.len()))
}
