//! Changing and removing rows: a new version that has every part of the old one in which nothing changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{AsArray, RecordBatchReader};
use arrow::datatypes::{Int64Type, SchemaRef};
use datafolio_core::{ItemRecord, PARTS, Part, counted};
use datafolio_handlers::{Draft, HandlerError, TableReadOptions, read_table, stored_files};
use datafolio_sql::{Expressions, Picked, QueryReader, SqlError, TableName, check_condition, check_value, quote_table};
use indexmap::IndexMap;

use super::changed_rows::{ChangedRows, Picks};
use super::exact::refuse_folded;
use super::numbered::refuse_numbered;
use super::parts::{Place, file_fields, is_derived, number, part_of, require_own_table, table_of};
use super::{Condition, RowsChanged};
use crate::bundle::{Batch, DataFolio};
use crate::error::{Error, Result};
use crate::query::{Exposer, QueryOptions};

/// What becomes of the rows.
enum Edit<'a> {
    /// Those that the condition holds for go.
    Delete,
    /// They get these values: column and SQL expression.
    Set(&'a [(&'a str, &'a str)]),
}

impl<'a> Edit<'a> {
    /// The expressions of the new values.
    fn values(&self) -> impl Iterator<Item = &'a str> {
        let values: &[(&str, &str)] = match self {
            Edit::Delete => &[],
            Edit::Set(values) => values,
        };
        values.iter().map(|(_, value)| *value)
    }

    /// What the log says of it.
    fn told(&self, rows: u64, name: &str) -> String {
        let verb = match self {
            Edit::Delete => "delete",
            Edit::Set(_) => "update",
        };
        format!("{verb} {} of {name}", counted(rows, "row"))
    }
}

/// How rows are picked and changed.
struct Plan {
    /// The condition, and behind it the new values.
    expressions: Expressions,
    /// What becomes of the rows that the condition holds for.
    picks: Picks,
    /// The columns.
    table: SchemaRef,
    /// Who knows the other tables that are looked into; `None` where there are none.
    seen: Option<DataFolio>,
}

impl Plan {
    /// How many columns the query has that picks rows.
    fn columns(&self) -> usize {
        self.expressions.texts.len()
    }
}

impl DataFolio {
    /// Removes the rows of a table for which an SQL condition holds. Where it is neither true nor false, as for a missing value,
    /// the row stays. The version before keeps them, as do snapshots; parts without such a row are shared with it.
    ///
    /// # Errors
    /// As [`DataFolio::query_table`]; what is no table of the bundle's own; [`CoreError::Conflict`](datafolio_core::CoreError::Conflict).
    pub fn delete_rows(&self, name: &str, condition: impl Into<Condition>) -> Result<RowsChanged> {
        let condition = condition.into();
        self.once(|batch| batch.delete_rows(name, condition))
    }

    /// Gives columns new values in the rows for which an SQL condition holds: each a column and an SQL expression, which sees the
    /// row as it was. Parts without such a row are shared with the version before. Values that come with the condition are for the
    /// places of the expressions as well, which are counted behind its own.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// use datafolio::{AppendOptions, DataFolio};
    ///
    /// # fn main() -> datafolio::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let folio = DataFolio::create(dir.path().join("study"))?;
    /// # let column: ArrayRef = Arc::new(Float64Array::from(vec![20.5, 300.0]));
    /// # let measured = RecordBatch::try_from_iter_with_nullable([("celsius", column, true)]).unwrap();
    /// # folio.append_table("temperatures", measured, AppendOptions::new())?;
    /// let done = folio.update_table("temperatures", "celsius > 200", &[("celsius", "celsius - 273.15")])?;
    /// assert_eq!(done.rows, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`DataFolio::delete_rows`]; a column that is not there or is set twice; a value that is not of the column's type.
    pub fn update_table(
        &self,
        name: &str,
        condition: impl Into<Condition>,
        values: &[(&str, &str)],
    ) -> Result<RowsChanged> {
        let condition = condition.into();
        self.once(|batch| batch.update_table(name, condition, values))
    }
}

impl Batch<'_> {
    /// Removes rows of a table.
    ///
    /// # Errors
    /// As [`DataFolio::delete_rows`].
    pub fn delete_rows(&mut self, name: &str, condition: impl Into<Condition>) -> Result<RowsChanged> {
        self.change_rows(name, &condition.into(), &Edit::Delete)
    }

    /// Changes rows of a table.
    ///
    /// # Errors
    /// As [`DataFolio::update_table`].
    pub fn update_table(
        &mut self,
        name: &str,
        condition: impl Into<Condition>,
        values: &[(&str, &str)],
    ) -> Result<RowsChanged> {
        self.change_rows(name, &condition.into(), &Edit::Set(values))
    }

    fn change_rows(&mut self, name: &str, condition: &Condition, edit: &Edit<'_>) -> Result<RowsChanged> {
        let record = self.catalogue().item(name)?.record()?;
        require_own_table(&record)?;
        check_condition(&condition.sql, &condition.params)?;
        let table = read_table(&self.folio().handler_item(&record), &TableReadOptions::default())?.schema();
        let picks = match edit {
            Edit::Delete => Picks::Go,
            Edit::Set(values) => Picks::Get(columns_set(name, values, &table)?),
        };
        refuse_folded(name, table.fields().iter().map(|field| field.name().as_str()))?;
        refuse_numbered(name, &table)?;
        // The condition stands in a query by itself, and in another one beside the values.
        let texts: Vec<&str> = std::iter::once(condition.sql.as_str()).chain(edit.values()).collect();
        let expressions = Expressions::new(&texts, &condition.params)?;
        // What other tables hold by now may be of this batch.
        let seen = expressions.tables.iter().any(|table| !table.is_table()).then(|| self.seen());
        let plan = Plan { expressions, picks, table, seen };
        let named = &plan.expressions.tables;
        let mut done = RowsChanged {
            name: name.to_owned(),
            rows: 0,
            parts_written: 0,
            parts_kept: 0,
            num_rows: 0,
            was_derived: false,
        };
        let parts = match record.parts()? {
            // A condition that looks at the table itself looks at all of it, and one part does not tell.
            Some(parts) if !named.iter().any(TableName::is_table) => parts,
            _ => {
                done.rows = self.count_in(&plan, &record)?;
                done.num_rows = record.u64("num_rows").unwrap_or_default();
                if done.rows == 0 {
                    done.parts_kept = stored_files(&record)?.len();
                    return Ok(done);
                }
                let all = done.num_rows;
                let written = self.write_changed(&plan, &record, &record, Place::Whole, all, done.rows)?;
                (done.parts_written, done.num_rows) = (1, number(&written, "num_rows"));
                self.put_files(&record, file_fields(&written), (&[], IndexMap::new()), edit.told(done.rows, name))?;
                done.was_derived = is_derived(&record);
                return Ok(done);
            }
        };
        let mut left: Vec<Part> = Vec::new();
        let mut new: Vec<Part> = Vec::new();
        for part in &parts {
            let of_part = Arc::new(table_of(&record, std::slice::from_ref(part)));
            let rows = self.count_in(&plan, &of_part)?;
            done.rows += rows;
            match edit {
                _ if rows == 0 => {
                    done.parts_kept += 1;
                    left.push(part.clone());
                }
                // Nothing is left of it.
                Edit::Delete if rows == part.num_rows => {}
                _ => {
                    let all = part.num_rows;
                    let written = self.write_changed(&plan, &record, &of_part, Place::Part, all, rows)?;
                    done.parts_written += 1;
                    let written = written.payload.as_ref().map(|payload| part_of(payload, &written));
                    new.extend(written.clone());
                    left.extend(written);
                }
            }
        }
        done.num_rows = left.iter().map(|part| part.num_rows).sum();
        if done.rows == 0 {
            return Ok(done);
        }
        let fields = if left.is_empty() {
            // A table without rows still has its columns.
            let written = self.write_changed(&plan, &record, &record, Place::Whole, done.rows, done.rows)?;
            done.parts_written = 1;
            file_fields(&written)
        } else {
            let mut fields = self.write_stub(name, &new)?;
            fields.insert("size_bytes".to_owned(), left.iter().map(|part| part.size_bytes).sum::<u64>().into());
            fields.insert("num_rows".to_owned(), done.num_rows.into());
            fields.insert(PARTS.to_owned(), serde_json::to_value(&left).unwrap_or_default());
            fields
        };
        self.put_files(&record, fields, (&[], IndexMap::new()), edit.told(done.rows, name))?;
        done.was_derived = is_derived(&record);
        Ok(done)
    }

    /// How many rows of a table the condition holds for.
    fn count_in(&self, plan: &Plan, table: &Arc<ItemRecord>) -> Result<u64> {
        let condition = plan.expressions.texts.first().map_or("", String::as_str);
        let sql = quote_table(&format!("SELECT count(*) FROM \"table\" WHERE ({condition}\n)"));
        let params = plan.expressions.params.first().cloned().unwrap_or_default();
        let options = QueryOptions { params, ..QueryOptions::default() };
        let folio = plan.seen.as_ref().unwrap_or(self.folio());
        // The query is made of the texts of the caller, and has other places than these.
        let rows = folio.run_query(&sql, Some(table), &options).map_err(Error::without_place)?;
        let mut counted = 0;
        for batch in rows {
            let batch = batch?;
            counted +=
                batch.column(0).as_primitive_opt::<Int64Type>().map_or(0, |column| column.value(0).unsigned_abs());
        }
        Ok(counted)
    }

    /// The numbers of the rows of a table that the condition holds for, and their new values.
    fn pick(&self, plan: &Plan, table: &Arc<ItemRecord>) -> Result<QueryReader> {
        let folio = plan.seen.as_ref().unwrap_or(self.folio());
        let mut exposer = Exposer::new(folio, Some(("table", table)));
        plan.expressions.tables.iter().try_for_each(|table| exposer.add(table))?;
        let others = exposer.exposed;
        let relation = folio.numbered(table, &plan.table)?;
        let shares = folio.shares_of(table, &relation, &(0..u64::MAX), 1)?;
        let picked = Picked { expressions: &plan.expressions, starts: &shares.starts };
        let settings = folio.query_settings(&QueryOptions::default());
        datafolio_sql::pick(&settings, relation, &others, &picked).map_err(|error| Error::from(error).without_place())
    }

    /// Writes the rows of a table, or of one part of it, as they are to be: so many, of which the condition holds for so many.
    fn write_changed(
        &mut self,
        plan: &Plan,
        record: &Arc<ItemRecord>,
        source: &Arc<ItemRecord>,
        place: Place,
        all: u64,
        found: u64,
    ) -> Result<Draft> {
        let picked = self.pick(plan, source)?;
        if picked.schema().fields().len() != plan.columns() {
            let reason = "the condition and the values do not stand for themselves: check their brackets".to_owned();
            return Err(HandlerError::Invalid { item: record.name().to_owned(), reason }.into());
        }
        let mut part = TableReadOptions::default();
        // By their names: files of one table need not have their columns in one order.
        part.columns = Some(plan.table.fields().iter().map(|field| field.name().clone()).collect());
        part.threads = self.folio().settings().threads;
        let rows = read_table(&self.folio().handler_item(source), &part)?;
        let changed = Arc::new(AtomicU64::new(0));
        let picks = plan.picks.clone();
        let rows = Box::new(ChangedRows::new(record.name(), rows, picked, picks, Arc::clone(&changed)));
        let written = self.stage_table(record, place, |write| write(rows))?;
        let expected = match plan.picks {
            Picks::Go => all.saturating_sub(found),
            Picks::Get(_) => all,
        };
        if number(&written, "num_rows") != expected || changed.load(Ordering::Relaxed) != found {
            let reason = "the condition holds for other rows each time it is asked, as with random()".to_owned();
            return Err(HandlerError::Invalid { item: record.name().to_owned(), reason }.into());
        }
        Ok(written)
    }
}

/// The columns that are set.
fn columns_set(name: &str, values: &[(&str, &str)], table: &SchemaRef) -> Result<Vec<usize>> {
    let invalid = |reason: String| HandlerError::Invalid { item: name.to_owned(), reason };
    if values.is_empty() {
        return Err(invalid("no column is given a value".to_owned()).into());
    }
    let mut set = Vec::new();
    for (column, value) in values {
        let Some((place, _)) = table.fields().find(column) else {
            let known = table.fields().iter().map(|field| field.name().clone()).collect();
            let (table, column) = (name.to_owned(), (*column).to_owned());
            return Err(HandlerError::UnknownColumn { table, column, known }.into());
        };
        if set.contains(&place) {
            return Err(invalid(format!("column {column:?} is given two values: give it one")).into());
        }
        set.push(place);
        check_value(value).map_err(|error| of_column(column, error))?;
    }
    Ok(set)
}

/// What is wrong with a new value, with the column that it is for.
fn of_column(column: &str, error: SqlError) -> SqlError {
    let told = |what: String| format!("the new value of column {column:?}: {what}");
    match error {
        SqlError::Syntax { place, message } => SqlError::Syntax { place, message: told(message) },
        SqlError::Refused { place, refusal, reason } => SqlError::Refused { place, refusal, reason: told(reason) },
        other => other,
    }
}
