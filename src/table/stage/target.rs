//! The table that the files of a stage are to be, or to be added to.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use datafolio_core::name::check_item_name;
use datafolio_core::{CoreError, Entry, ItemRecord};
use datafolio_handlers::{ForeignParquet, OrderedCategories, TableReadOptions, read_table};

use super::note::{Note, StageMode};
use crate::bundle::DataFolio;
use crate::error::Result;
use crate::table::parts::{Place, require_own_table};

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
    pub(super) fn of<'a>(
        folio: &DataFolio,
        note: &Note,
        current: Option<&Arc<Entry>>,
        files: impl Iterator<Item = &'a ForeignParquet> + Clone,
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
            _ => (None, Arc::new(first_columns(files.clone())), OrderedCategories::default()),
        };
        let mut grown: Vec<FieldRef> = schema.fields().iter().cloned().collect();
        let mut known: HashSet<String> = grown.iter().map(|field| field.name().clone()).collect();
        for field in files.filter(|_| note.evolve).flat_map(|file| file.schema.fields()) {
            if !field.data_type().is_null() && known.insert(field.name().clone()) {
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

    /// The columns that a file is written anew with: those of the table, and of the new ones those that it has.
    pub(super) fn for_file(&self, file: &ForeignParquet) -> SchemaRef {
        let has: HashSet<&str> = file.schema.fields().iter().map(|field| field.name().as_str()).collect();
        let old = self.schema.fields().len();
        let fields = self.grown.fields().iter().enumerate();
        let fields: Vec<FieldRef> = fields
            .filter(|(index, field)| *index < old || has.contains(field.name().as_str()))
            .map(|(_, field)| Arc::clone(field))
            .collect();
        Arc::new(Schema::new_with_metadata(fields, self.grown.metadata().clone()))
    }

    /// A column with ordered categories.
    pub(super) fn ordered_column(&self) -> Option<&str> {
        let ordered = self.grown.fields().iter().find(|field| field.dict_is_ordered() == Some(true));
        ordered.map(|field| field.name().as_str())
    }
}

/// The columns of a new table: those of the first file, each of the first type that is one, and with nulls where any file may have some.
fn first_columns<'a>(files: impl Iterator<Item = &'a ForeignParquet> + Clone) -> Schema {
    let Some(first) = files.clone().next() else { return Schema::empty() };
    let fields = first.schema.fields().iter().map(|field| {
        let same = files.clone().filter_map(|file| Some(file.schema.fields().find(field.name())?.1));
        let typed = same.clone().find(|other| !other.data_type().is_null()).unwrap_or(field);
        let is_nullable = same.clone().any(|other| other.is_nullable() || other.data_type().is_null());
        Arc::new(typed.as_ref().clone().with_nullable(is_nullable))
    });
    Schema::new_with_metadata(fields.collect::<Vec<FieldRef>>(), first.schema.metadata().clone())
}

/// What tells a version from those that a stage was not begun for: rows may be added to the table of one to append to.
pub(super) fn base_of(mode: StageMode, current: Option<&Arc<Entry>>) -> Result<Option<String>> {
    Ok(match (mode, current) {
        (StageMode::Append, Some(entry)) => entry.record()?.grown_from().map(str::to_owned),
        (_, current) => current.map(|entry| entry.token()),
    })
}

/// Whether what is there now is what the stage was begun for.
pub(super) fn check_current(note: &Note, current: Option<&Arc<Entry>>, revision: u64) -> Result<()> {
    if current.is_none() {
        // Anybody can have written the note.
        check_item_name(&note.item)?;
    }
    let found = base_of(note.mode, current)?;
    match note.mode {
        StageMode::Create if current.is_some() => Err(CoreError::ItemExists { name: note.item.clone() }.into()),
        // A table that somebody else has begun meanwhile is added to.
        StageMode::Append if note.base.is_none() => Ok(()),
        StageMode::Append | StageMode::Overwrite if found != note.base => {
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
