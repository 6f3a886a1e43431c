//! Making a view: what it reads is found, and that it does not read itself.

use datafolio_core::{Catalogue, item_type};
use datafolio_handlers::Data;
use datafolio_sql::{Checked, Exposed, Quoted, Relation, SqlError, Streamed, check};
use serde_json::{Map, json};

use super::read::{READ, ViewStream};
use super::{SQL, VIEW, View, ViewColumn, is_view_entry, view_of};
use crate::bundle::{AddOptions, Batch, DataFolio, ItemInfo, Own};
use crate::error::{Error, Result};
use crate::query::{Exposer, QueryOptions};

impl DataFolio {
    /// Adds a view: an item that holds no rows, but SQL that is run when it is read, over the tables and views that the reading
    /// handle sees: those of the revision or snapshot that is open. It is read by all that reads a table, is versioned and
    /// snapshotted like any item, and can read other views.
    ///
    /// What it reads is found in its text and recorded as its inputs; inputs that the options name are not taken.
    ///
    /// # Errors
    /// [`Error::Sql`] for SQL that does not parse, is not allowed, has parameters, or does not fit; [`Error::NoSuchTable`];
    /// [`Error::ViewCycle`]; as [`DataFolio::add`].
    pub fn add_view(&self, name: &str, sql: &str, options: AddOptions) -> Result<ItemInfo> {
        let ((), made) = self.once_seen(|batch| batch.add_view(name, sql, options))?;
        ItemInfo::of(made.item(name)?)
    }

    /// What a view is: its language, text and columns.
    ///
    /// # Errors
    /// [`Error::WrongType`] for another item; as [`DataFolio::item_info`].
    pub fn view(&self, name: &str) -> Result<View> {
        let record = self.record(name)?;
        view_of(&record)?.ok_or_else(|| Error::WrongType {
            item: name.to_owned(),
            expected: "a view",
            found: record.item_type().to_owned(),
        })
    }
}

impl Batch<'_> {
    /// Adds a view, which can read what the batch itself has added.
    ///
    /// ```
    /// # fn main() -> datafolio::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let folio = datafolio::DataFolio::create(dir.path().join("b"))?;
    /// # let column: arrow::array::ArrayRef = std::sync::Arc::new(arrow::array::Int64Array::from(vec![1, 20]));
    /// # let scores = arrow::array::RecordBatch::try_from_iter([("score", column)]).unwrap();
    /// use datafolio::AddOptions;
    ///
    /// let mut batch = folio.batch()?;
    /// batch.add("scores", scores, AddOptions::new())?;
    /// batch.add_view("high", "SELECT * FROM scores WHERE score > 10", AddOptions::new())?;
    /// batch.commit()?;
    /// assert_eq!(folio.preview_table("high", 5)?.num_rows(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`DataFolio::add_view`].
    pub fn add_view(&mut self, name: &str, sql: &str, options: AddOptions) -> Result<()> {
        let checked = check(&Quoted::unchanged(sql))?;
        refuse_unsettled(name, &checked)?;
        let folio = self.seen();
        let mut exposer = Exposer::new(&folio, None);
        exposer.begin_view(name);
        let mut inputs = Vec::new();
        for table in &checked.tables {
            exposer.add(table)?;
            if table.schema.is_none() {
                let input = folio.resolve(table)?.1.name().to_owned();
                if !inputs.contains(&input) {
                    inputs.push(input);
                }
            }
        }
        let mut exposed = exposer.exposed;
        exposed.push(Exposed { schema: None, name: READ.to_owned(), relation: Relation::View(checked) });
        let schema = ViewStream::new(name, folio.query_settings(&QueryOptions::default()), exposed)?.schema();
        let column = |field: &arrow::datatypes::FieldRef| ViewColumn {
            name: field.name().clone(),
            arrow_type: field.data_type().to_string(),
        };
        let view = View {
            language: SQL.to_owned(),
            text: sql.to_owned(),
            columns: schema.fields().iter().map(column).collect(),
        };
        let value = json!(view);
        let fields = Map::from_iter([(VIEW.to_owned(), value.clone())]);
        let own = Own { fields, input_versions: None };
        self.add_own(item_type::JSON_DATA, name, Data::Json(value), options.inputs(inputs), own)
    }
}

/// A view means the same wherever it is read: the same tables, and no values that only some readers have.
fn refuse_unsettled(name: &str, checked: &Checked) -> Result<()> {
    if !checked.places.is_empty() {
        let message = format!(
            "view '{name}' is read without values: write the value into its text, or store the result with derive, which \
             takes values"
        );
        return Err(SqlError::Parameters { message }.into());
    }
    if checked.lists_tables {
        return Err(Error::Invalid(format!("view '{name}' cannot list the tables of the bundle: SELECT from them")));
    }
    let of_main = |schema: &String| schema.eq_ignore_ascii_case("main");
    match checked.tables.iter().find(|table| table.schema.as_ref().is_some_and(of_main)) {
        Some(table) => Err(Error::Invalid(format!(
            "view '{name}' names main.{}: name the table without main, so that a snapshot of the view reads the snapshot",
            table.name
        ))),
        None => Ok(()),
    }
}

/// The names without a schema that a text reads, each once, in its order.
pub(super) fn names_of(checked: &Checked) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for table in checked.tables.iter().filter(|table| table.schema.is_none()) {
        if !names.iter().any(|name| name.to_lowercase() == table.name.to_lowercase()) {
            names.push(table.name.clone());
        }
    }
    names
}

/// The views through which an item is made from itself, the item first.
pub(crate) fn cycle_through(catalogue: &Catalogue, start: &str) -> Option<Vec<String>> {
    let named = |name: &str| {
        let folded = name.to_lowercase();
        catalogue.current.keys().find(|key| key.to_lowercase() == folded).map(str::to_owned)
    };
    // What cannot be parsed cannot be read either, and leads nowhere.
    let reads = |name: &str| -> Vec<String> {
        let Some(entry) = catalogue.current.get(name).filter(|entry| is_view_entry(entry)) else { return Vec::new() };
        let view = entry.record().ok().and_then(|record| view_of(&record).ok().flatten());
        let checked = view.and_then(|view| check(&Quoted::unchanged(&view.text)).ok());
        checked.map_or_else(Vec::new, |checked| names_of(&checked).iter().filter_map(|name| named(name)).collect())
    };
    let mut seen = std::collections::HashSet::new();
    let mut path = vec![(start.to_owned(), reads(start).into_iter())];
    while let Some((_, inputs)) = path.last_mut() {
        match inputs.next() {
            None => drop(path.pop()),
            Some(input) if input == start => return Some(path.into_iter().map(|(name, _)| name).collect()),
            Some(input) if seen.insert(input.clone()) => {
                let inputs = reads(&input).into_iter();
                path.push((input, inputs));
            }
            Some(_) => {}
        }
    }
    None
}
