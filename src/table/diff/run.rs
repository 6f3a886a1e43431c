//! Comparing two versions in DuckDB.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, RecordBatchIterator, RecordBatchReader};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use datafolio_sql::{Exposed, Params, QueryReader, Quoted, Shares, check};
use indexmap::IndexMap;

use super::TableDiff;
use super::options::DiffOptions;
use super::sides::{Side, Sides};
use super::statement::{self, CHANGE_TYPE, CHANGED_COLUMNS, COUNT, FROM, TO};
use crate::bundle::DataFolio;
use crate::error::{Error, Result};
use crate::query::QueryOptions;

impl DataFolio {
    /// What has changed in a table between two of its states: versions, revisions or snapshots. By default the current version
    /// is compared with the one before it.
    ///
    /// With a key, a row that both have under the same values of the key is the same one; nulls are values like others there. It
    /// is changed when one of the other columns that both have holds another value; NaN is equal to NaN, and null to null. Columns
    /// that only one version has are told as such and change no row. Without a key, rows are compared as a whole, by the columns
    /// that both have, and as often as they occur. Columns are matched by name. Values of a column whose type has changed are
    /// compared as numbers or texts where both are, else as what they are written as; a whole number or a decimal is equal to a
    /// floating-point one of exactly its value: the decimal 0.5 is, and 0.1 is not, which floating-point numbers do not have.
    ///
    /// Files that both versions have are not read, neither for a key that occurs twice. The others are joined in DuckDB, which
    /// puts what exceeds the setting `memory` on disk.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchIterator};
    /// use datafolio::{AddOptions, Data, DataFolio, DiffOptions};
    ///
    /// # fn main() -> datafolio::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let folio = DataFolio::create(dir.path().join("study"))?;
    /// # let add = |id: Vec<i64>, score: Vec<i64>| {
    /// #     let (id, score): (ArrayRef, ArrayRef) = (Arc::new(Int64Array::from(id)), Arc::new(Int64Array::from(score)));
    /// #     let batch = RecordBatch::try_from_iter([("id", id), ("score", score)]).unwrap();
    /// #     let schema = batch.schema();
    /// #     let table = RecordBatchIterator::new([Ok(batch)], schema);
    /// #     folio.add("results", Data::Table(Box::new(table)), AddOptions::new().overwrite())
    /// # };
    /// # add(vec![1, 2, 3], vec![10, 20, 30])?;
    /// # add(vec![1, 2, 4], vec![10, 21, 40])?;
    /// let diff = folio.diff_table("results", &DiffOptions::new().key(["id"]))?;
    /// assert_eq!((diff.added, diff.removed, diff.changed), (1, 1, 1));
    /// assert_eq!(diff.changed_columns["score"], 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::KeyNotUnique`]; key columns that one version does not have, or has as another type; a state that is not there, or
    /// does not have the table; no version before; two columns whose names differ in case alone; as [`DataFolio::query_table`].
    pub fn diff_table(&self, name: &str, options: &DiffOptions) -> Result<TableDiff> {
        if let Some(folio) = self.checking(options.verification) {
            return folio.diff_table(name, options);
        }
        let sides = self.sides(name, options)?;
        let mut diff = TableDiff {
            name: name.to_owned(),
            from: sides.from.version.clone(),
            to: sides.to.version.clone(),
            key: options.key.clone(),
            added: 0,
            removed: 0,
            changed: 0,
            unchanged: None,
            changed_columns: IndexMap::new(),
            added_columns: sides.columns.added.clone(),
            removed_columns: sides.columns.removed.clone(),
            retyped_columns: sides.columns.retyped.clone(),
            rows_were_read: !sides.is_same,
        };
        if sides.is_same {
            diff.unchanged = self.facts_of(&sides.to.record)?.rows;
            return Ok(diff);
        }
        let tables = self.exposed(&sides)?;
        self.check_key(name, &sides, &tables)?;
        let counts = self.run_diff(&tables, &statement::summary(&sides.columns))?;
        for batch in counts {
            let batch = batch.map_err(Error::from)?;
            let count = |column: usize| number(&batch, column);
            (diff.added, diff.removed, diff.changed) = (count(0), count(1), count(2));
            diff.unchanged = Some(count(3) + sides.skipped_rows);
            if !options.key.is_empty() {
                let counts = sides.columns.shared.iter().enumerate().map(|(at, column)| (&column.name, count(at + 4)));
                diff.changed_columns =
                    counts.filter(|(_, rows)| *rows > 0).map(|(name, rows)| (name.clone(), rows)).collect();
            }
        }
        Ok(diff)
    }

    /// The rows that differ between two states of a table, as [`DataFolio::diff_table`] counts them.
    ///
    /// With a key, one row for each row that is added, removed or changed, in the order of the key: `change_type` (`added`,
    /// `removed`, `changed`), `changed_columns` (a list of names, empty unless it is `changed`), the columns of the key, and for
    /// every other column `old_NAME` and `new_NAME`, or the one of the version that has it. Without a key, one row for each
    /// different row: `change_type`, `count` (how many times more one version has it than the other), the columns that both have, by
    /// which rows are compared (as text where that is how values of two types are compared, as of `int64` and `double`), in the order of
    /// these, and `old_NAME` or `new_NAME` for those that one version alone has. The values of the latter are null in rows of the other
    /// version, and in those that both have, one of them more often: which of them are more nobody knows. `_` follows `change_type` and
    /// `count` where the table has columns of these names.
    ///
    /// # Errors
    /// As [`DataFolio::diff_table`]; a column of the result that would have the name of another.
    pub fn diff_table_rows(&self, name: &str, options: &DiffOptions) -> Result<Box<dyn RecordBatchReader + Send>> {
        if let Some(folio) = self.checking(options.verification) {
            return folio.diff_table_rows(name, options);
        }
        let sides = self.sides(name, options)?;
        let names = statement::row_columns(&sides.columns);
        let mut seen = HashSet::new();
        if let Some(twice) = names.iter().find(|name| !seen.insert(name.to_lowercase())) {
            return Err(Error::Invalid(format!(
                "two columns of the differences of table '{name}' would be called '{twice}': rename that column of the table"
            )));
        }
        let types = self.row_types(&sides)?;
        if sides.is_same {
            let fields = names.iter().map(|name| {
                let of = types.get(name).cloned().unwrap_or(DataType::Utf8);
                Field::new(name, of, true)
            });
            let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
            return Ok(Box::new(RecordBatchIterator::new([], schema)));
        }
        let tables = self.exposed(&sides)?;
        self.check_key(name, &sides, &tables)?;
        let reader = self.run_diff(&tables, &statement::rows(&sides.columns))?;
        Ok(Box::new(Conformed::new(reader, &types)))
    }

    fn exposed(&self, sides: &Sides) -> Result<[Exposed; 2]> {
        let expose = |name: &str, side: &Side| -> Result<Exposed> {
            Ok(Exposed { schema: None, name: name.to_owned(), relation: self.relation(&side.rest)? })
        };
        Ok([expose(FROM, &sides.from)?, expose(TO, &sides.to)?])
    }

    fn run_diff(&self, tables: &[Exposed], sql: &str) -> Result<QueryReader> {
        let checked = check(&Quoted::unchanged(sql))?;
        let settings = self.query_settings(&QueryOptions::default());
        Ok(datafolio_sql::run(&settings, tables, &checked, &Params::None, &Shares::default())?)
    }

    /// A key that occurs twice would pair each of its rows with each of the other side.
    fn check_key(&self, name: &str, sides: &Sides, tables: &[Exposed]) -> Result<()> {
        if sides.columns.key.is_empty() {
            return Ok(());
        }
        for (table, side) in [(FROM, &sides.from), (TO, &sides.to)] {
            let mut count = 0;
            for batch in self.run_diff(tables, &statement::key_check(&sides.columns, table))? {
                count += number(&batch.map_err(Error::from)?, 0);
            }
            if count == 0 {
                continue;
            }
            let mut example = String::new();
            for batch in self.run_diff(tables, &statement::key_example(&sides.columns, table))? {
                let text = cast(batch.map_err(Error::from)?.column(0), &DataType::Utf8).map_err(Error::from)?;
                example = text.as_string::<i32>().iter().flatten().next().unwrap_or_default().to_owned();
            }
            let (item, version, key) = (name.to_owned(), side.version.clone(), sides.columns.key.join(", "));
            return Err(Error::KeyNotUnique { item, version, key, count, example });
        }
        Ok(())
    }

    /// The types of the columns of the differences that the tables say: those of columns whose type is the same in both.
    fn row_types(&self, sides: &Sides) -> Result<HashMap<String, DataType>> {
        let columns = &sides.columns;
        let (from, to) = (self.columns_of(&sides.from.record)?, self.columns_of(&sides.to.record)?);
        let of =
            |schema: &SchemaRef, name: &str| schema.field_with_name(name).map(|field| field.data_type().clone()).ok();
        let mut types = HashMap::new();
        let mut note = |name: String, of: Option<DataType>| of.map(|of| types.insert(name, of));
        let is_retyped = |name: &str| columns.retyped.iter().any(|column| column.name == name);
        let list = DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)));
        match columns.key.is_empty() {
            true => {
                note(statement::free_name(columns, CHANGE_TYPE), Some(DataType::Utf8));
                note(statement::free_name(columns, COUNT), Some(DataType::Int64));
                for column in columns.shared.iter().filter(|column| !is_retyped(&column.name)) {
                    note(column.name.clone(), of(&to, &column.name));
                }
                for (when, schema, own) in [("old", &from, &columns.removed), ("new", &to, &columns.added)] {
                    own.iter()
                        .for_each(|column| drop(note(format!("{when}_{}", column.name), of(schema, &column.name))));
                }
            }
            false => {
                note(CHANGE_TYPE.to_owned(), Some(DataType::Utf8));
                note(CHANGED_COLUMNS.to_owned(), Some(list));
                for name in columns.key.iter().filter(|name| !is_retyped(name)) {
                    note(name.clone(), of(&to, name));
                }
                columns.from.iter().for_each(|name| drop(note(format!("old_{name}"), of(&from, name))));
                columns.to.iter().for_each(|name| drop(note(format!("new_{name}"), of(&to, name))));
            }
        }
        Ok(types)
    }
}

/// A count in the only row of a result.
fn number(batch: &RecordBatch, column: usize) -> u64 {
    let column = batch.column(column);
    let value = column.as_primitive_opt::<Int64Type>().filter(|column| !column.is_empty() && column.is_valid(0));
    value.map_or(0, |column| column.value(0).max(0).unsigned_abs())
}

/// Rows with the types that the table has, where DuckDB has others.
struct Conformed {
    reader: QueryReader,
    schema: SchemaRef,
}

impl Conformed {
    fn new(reader: QueryReader, types: &HashMap<String, DataType>) -> Self {
        let found = reader.schema();
        let fields = found.fields().iter().map(|field| {
            let of = types.get(field.name()).unwrap_or_else(|| field.data_type());
            Field::new(field.name(), of.clone(), true)
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        Self { reader, schema }
    }

    fn conform(&self, batch: &RecordBatch) -> std::result::Result<RecordBatch, ArrowError> {
        let columns = batch.columns().iter().zip(self.schema.fields());
        let columns = columns.map(|(column, field)| match column.data_type() == field.data_type() {
            true => Ok(Arc::clone(column)),
            false => cast(column, field.data_type()),
        });
        RecordBatch::try_new(SchemaRef::clone(&self.schema), columns.collect::<std::result::Result<Vec<_>, _>>()?)
    }
}

impl Iterator for Conformed {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.reader.next()?;
        Some(batch.and_then(|batch| self.conform(&batch)))
    }
}

impl RecordBatchReader for Conformed {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}
