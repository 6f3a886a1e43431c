//! The table that the files of a stage are to be, or to be added to.

use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use datafolio_core::name::check_item_name;
use datafolio_core::{CoreError, Entry, ItemRecord};
use datafolio_handlers::{ForeignParquet, OrderedCategories, TableReadOptions, read_table};

use super::note::{Note, StageMode};
use crate::bundle::DataFolio;
use crate::error::Result;
use crate::table::append::{Place, require_own_table};

/// The table that files are to be parts of.
pub(super) struct Target {
    /// What it is, where it is there.
    pub(super) record: Option<Arc<ItemRecord>>,
    pub(super) schema: SchemaRef,
    /// The same with the columns that the files bring, where they may.
    pub(super) grown: SchemaRef,
    pub(super) categories: OrderedCategories,
    /// Whether a file can be taken over as it is.
    takes_parquet: bool,
}

impl Target {
    /// Whether a file has the columns of the table, before or after, in the form that it has them in.
    pub(super) fn takes(&self, file: &ForeignParquet, place: Place) -> bool {
        // A single file has its categories in whatever order it likes.
        self.takes_parquet && (place == Place::Whole || file.is_of(&self.schema) || file.is_of(&self.grown))
    }

    /// The table that the files are added to, or that they make.
    ///
    /// # Errors
    /// [`Error::WrongType`](crate::Error::WrongType) for what is no table of the bundle's own.
    pub(super) fn of(
        folio: &DataFolio,
        note: &Note,
        current: Option<&Arc<Entry>>,
        opened: &[ForeignParquet],
    ) -> Result<Self> {
        let (record, schema, categories) = match (note.mode, current) {
            (StageMode::Append, Some(entry)) => {
                let record = entry.record()?;
                require_own_table(&record)?;
                let item = folio.handler_item(&record);
                let schema = read_table(&item, &TableReadOptions::default())?.schema();
                let categories = OrderedCategories::of(&item, &schema)?;
                (Some(record), schema, categories)
            }
            _ => {
                let first = opened.iter().find(|file| file.rows() > 0).or(opened.first());
                let schema = first.map_or_else(|| Arc::new(Schema::empty()), |file| Arc::clone(file.schema()));
                (None, schema, OrderedCategories::default())
            }
        };
        let mut grown: Vec<FieldRef> = schema.fields().iter().cloned().collect();
        for field in opened.iter().filter(|_| note.evolve).flat_map(|file| file.schema().fields()) {
            let is_known = grown.iter().any(|known| known.name() == field.name());
            if !is_known && !field.data_type().is_null() {
                // The rows of other files have no value for it.
                grown.push(Arc::new(field.as_ref().clone().with_nullable(true)));
            }
        }
        let format = record.as_ref().and_then(|record| record.str("table_format"));
        Ok(Self {
            takes_parquet: format.unwrap_or("parquet") == "parquet",
            grown: Arc::new(Schema::new_with_metadata(grown, schema.metadata().clone())),
            record,
            schema,
            categories,
        })
    }

    /// A column with ordered categories.
    pub(super) fn ordered_column(&self) -> Option<&str> {
        let ordered = self.schema.fields().iter().find(|field| field.dict_is_ordered() == Some(true));
        ordered.map(|field| field.name().as_str())
    }
}

/// Whether what is there now is what the stage was begun for.
pub(super) fn check_current(note: &Note, current: Option<&Arc<Entry>>, revision: u64) -> Result<()> {
    if current.is_none() {
        // Anybody can have written the note.
        check_item_name(&note.item)?;
    }
    let found = current.map(|entry| entry.token());
    match note.mode {
        StageMode::Create if current.is_some() => Err(CoreError::ItemExists { name: note.item.clone() }.into()),
        StageMode::Overwrite if found != note.base => {
            let shown = |version: &Option<String>| match version {
                Some(version) => format!("version {version}"),
                None => "nothing".to_owned(),
            };
            let (assumed, found) = (shown(&note.base), shown(&found));
            Err(CoreError::Conflict { key: note.item.clone(), assumed, found, revision }.into())
        }
        _ => Ok(()),
    }
}
