//! Changing and removing rows: a new version that has every part of the old one in which nothing changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{AsArray, RecordBatchReader};
use arrow::datatypes::{FieldRef, Int64Type, SchemaRef};
use datafolio_core::{Change, ItemRecord, PARTS, Part, PutItem, STAGES_TAKEN, counted, time};
use datafolio_handlers::{Draft, HandlerError, TableReadOptions, read_table, stored_files};
use datafolio_sql::{Expressions, Params, QueryReader, SqlError, TableName, check_condition, check_value, quote_table};
use serde_json::{Map, Value};

use super::as_table::AsTable;
use super::exact::{refuse_folded, refuse_inexact};
use super::parts::{Place, number, part_of, require_own_table, table_of};
use super::{Condition, RowsChanged};
use crate::bundle::{Batch, DataFolio, RESERVED_FIELDS, payload_fields};
use crate::error::{Error, Result};
use crate::query::QueryOptions;

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
}

/// A query and the values for its places.
struct Asked {
    sql: String,
    params: Params,
}

/// How rows are counted and changed.
struct Plan {
    /// The query that counts the rows of a table which the condition holds for.
    count: Asked,
    /// The one that gives the rows that stay; where columns are set, all rows as they were, whether the condition holds for them, and
    /// the new values.
    select: Asked,
    /// The columns that are set, in the order of the values.
    set: Vec<usize>,
    /// The columns.
    table: SchemaRef,
    /// Who knows the other tables that are looked into; `None` where there are none.
    seen: Option<DataFolio>,
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
        let set = columns_set(name, edit, &table)?;
        // The condition stands in a query by itself, and in another one several times, beside the values.
        let texts: Vec<&str> = std::iter::once(condition.sql.as_str()).chain(edit.values()).collect();
        let expressions = Expressions::new(&texts, &condition.params)?;
        let named = &expressions.tables;
        let plan = Plan {
            count: counting(&expressions),
            select: selection(&expressions, &table),
            set,
            table,
            // What other tables hold by now may be of this batch.
            seen: named.iter().any(|table| !table.is_table()).then(|| self.seen()),
        };
        let mut done = RowsChanged { name: name.to_owned(), rows: 0, parts_written: 0, parts_kept: 0, num_rows: 0 };
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
                self.put_changed(&record, file_fields(&written), edit, done.rows)?;
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
        self.put_changed(&record, fields, edit, done.rows)?;
        Ok(done)
    }

    /// How many rows of a table the condition holds for.
    fn count_in(&self, plan: &Plan, table: &Arc<ItemRecord>) -> Result<u64> {
        let mut counted = 0;
        for batch in self.ask(plan, &plan.count, table)? {
            let batch = batch?;
            counted +=
                batch.column(0).as_primitive_opt::<Int64Type>().map_or(0, |column| column.value(0).unsigned_abs());
        }
        Ok(counted)
    }

    fn ask(&self, plan: &Plan, asked: &Asked, table: &Arc<ItemRecord>) -> Result<QueryReader> {
        let folio = plan.seen.as_ref().unwrap_or(self.folio());
        let options = QueryOptions { params: asked.params.clone(), ..QueryOptions::default() };
        let rows = folio.run_query(&quote_table(&asked.sql), Some(table), &options);
        // The query is made of the texts of the caller, and has other places than these.
        rows.map_err(Error::without_place)
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
        let rows = self.ask(plan, &plan.select, source)?;
        let columns = plan.table.fields().len();
        let values = plan.set.len();
        if rows.schema().fields().len() != if values > 0 { columns + 1 + values } else { columns } {
            let reason = "the condition and the values do not stand for themselves: check their brackets".to_owned();
            return Err(HandlerError::Invalid { item: record.name().to_owned(), reason }.into());
        }
        let changed = Arc::new(AtomicU64::new(0));
        let table = SchemaRef::clone(&plan.table);
        let rows = Box::new(AsTable::new(record.name(), rows, plan.set.clone(), table, Arc::clone(&changed)));
        let written = self.stage_table(record, place, |write| write(rows))?;
        let (expected, again) = match plan.set.is_empty() {
            true => (all.saturating_sub(found), found),
            false => (all, changed.load(Ordering::Relaxed)),
        };
        if number(&written, "num_rows") != expected || again != found {
            let reason = "the condition holds for other rows each time it is asked, as with random()".to_owned();
            return Err(HandlerError::Invalid { item: record.name().to_owned(), reason }.into());
        }
        Ok(written)
    }

    /// Replaces the version by one of the same item with other files.
    fn put_changed(
        &mut self,
        record: &ItemRecord,
        files: Map<String, Value>,
        edit: &Edit<'_>,
        rows: u64,
    ) -> Result<()> {
        let mut fields = files;
        for (field, value) in record.fields() {
            // The others say which version it is, and what its files are.
            let is_of_item =
                !RESERVED_FIELDS.contains(&field.as_str()) || ["archived", STAGES_TAKEN].contains(&field.as_str());
            if is_of_item && !fields.contains_key(field) {
                fields.insert(field.clone(), value.clone());
            }
        }
        let put = PutItem {
            name: record.name().to_owned(),
            item_type: record.item_type().to_owned(),
            fields,
            description: None,
            inputs: record.inputs().into_iter().map(str::to_owned).collect(),
            input_versions: record.input_versions(),
            overwrite: true,
            created_at: time::to_iso(time::now()),
        };
        let verb = match edit {
            Edit::Delete => "delete",
            Edit::Set(_) => "update",
        };
        self.change(Change::Put(put), format!("{verb} {} of {}", counted(rows, "row"), record.name()))
    }
}

/// The columns that are set, where everything can be set as it is asked.
fn columns_set(name: &str, edit: &Edit<'_>, table: &SchemaRef) -> Result<Vec<usize>> {
    let invalid = |reason: String| HandlerError::Invalid { item: name.to_owned(), reason };
    refuse_folded(name, table.fields().iter().map(|field| field.name().as_str()))?;
    refuse_inexact(name, table.fields().iter().map(|field| &**field))?;
    let is_ordered = |field: &&FieldRef| field.dict_is_ordered() == Some(true);
    if let Some(ordered) = table.fields().iter().find(is_ordered) {
        let reason = format!(
            "the order of the categories of column {:?} would be lost, since SQL has texts for them: write the table anew instead",
            ordered.name()
        );
        return Err(invalid(reason).into());
    }
    let Edit::Set(values) = edit else { return Ok(Vec::new()) };
    if values.is_empty() {
        return Err(invalid("no column is given a value".to_owned()).into());
    }
    let mut set = Vec::new();
    for (column, value) in *values {
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

/// The query that counts the rows for which the condition holds.
fn counting(expressions: &Expressions) -> Asked {
    let condition = expressions.texts.first().map_or("", String::as_str);
    let params = expressions.params.first().cloned().unwrap_or_default();
    Asked { sql: format!("SELECT count(*) FROM \"table\" WHERE ({condition}\n)"), params }
}

/// The query that gives what becomes the rows.
fn selection(expressions: &Expressions, table: &SchemaRef) -> Asked {
    let quoted = |column: &str| format!("\"{}\"", column.replace('"', "\"\""));
    // By their names: files of one table need not have their columns in one order.
    let columns = table.fields().iter().map(|field| format!("\"table\".{}", quoted(field.name())));
    let columns = columns.collect::<Vec<_>>().join(", ");
    let (condition, values) =
        expressions.texts.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
    let sql = match values {
        [] => format!("SELECT {columns} FROM \"table\" WHERE (({condition}\n) IS NOT TRUE)"),
        // In one expression a new value and an old one would have one type, which need not hold all old ones: whoever sets one row
        // to sqrt(2) would find the integers of all others rounded.
        values => {
            let new = values.iter().map(|value| format!(", CASE WHEN ({condition}\n) THEN ({value}\n) END"));
            format!("SELECT {columns}, ({condition}\n) IS TRUE{} FROM \"table\"", new.collect::<String>())
        }
    };
    Asked { sql, params: expressions.all_params.clone() }
}

/// The fields of an entry for a table of one file.
fn file_fields(written: &Draft) -> Map<String, Value> {
    let mut fields = written.payload.as_ref().map(payload_fields).unwrap_or_default();
    fields.insert("num_rows".to_owned(), number(written, "num_rows").into());
    fields
}
