//! Adding, changing and removing items, each call one commit.

use std::path::Path;

use datafolio_core::{Catalogue, CoreError, item_type};
use datafolio_handlers::npy::NpyArray;
use datafolio_handlers::{Data, Model, Reference};
use indexmap::IndexMap;
use serde_json::Value;

use crate::bundle::read::ItemInfo;
use crate::bundle::{AddOptions, DataFolio};
use crate::error::{Error, Result};

/// What was deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deleted {
    /// The items.
    pub names: Vec<String>,
    /// For each of them the items that list it as an input and are still there.
    pub dependents: IndexMap<String, Vec<String>>,
}

impl DataFolio {
    /// Adds an item. The type is recognised from the value: Arrow record batches are a table, a [`NpyArray`] an array, a
    /// JSON value JSON, an instant a timestamp, a path a file to keep, a [`Model`] a model, a [`Reference`] a table that
    /// stays where it is.
    ///
    /// # Errors
    /// [`CoreError::ItemExists`] unless the options say to overwrite; [`CoreError::Conflict`] when another writer has added
    /// or changed the item since the handle last looked; what the handler refuses.
    pub fn add(&self, name: &str, data: impl Into<Data>, options: AddOptions) -> Result<ItemInfo> {
        let ((), made) = self.once_seen(|batch| batch.add(name, data, options))?;
        ItemInfo::of(made.item(name)?)
    }

    /// Adds a table from record batches, which are streamed and never held as a whole.
    ///
    /// # Errors
    /// As [`DataFolio::add`].
    pub fn add_table(&self, name: &str, rows: impl Into<Data>, options: AddOptions) -> Result<ItemInfo> {
        self.add_typed(item_type::INCLUDED_TABLE, name, rows, options)
    }

    /// Adds an array.
    ///
    /// # Errors
    /// As [`DataFolio::add`].
    pub fn add_array(&self, name: &str, array: NpyArray, options: AddOptions) -> Result<ItemInfo> {
        self.add_typed(item_type::NUMPY_ARRAY, name, array, options)
    }

    /// Adds a JSON value.
    ///
    /// # Errors
    /// As [`DataFolio::add`].
    pub fn add_json(&self, name: &str, value: impl Into<Value>, options: AddOptions) -> Result<ItemInfo> {
        self.add_typed(item_type::JSON_DATA, name, value.into(), options)
    }

    /// Adds an instant.
    ///
    /// # Errors
    /// As [`DataFolio::add`].
    pub fn add_timestamp(
        &self,
        name: &str,
        instant: chrono::DateTime<chrono::Utc>,
        options: AddOptions,
    ) -> Result<ItemInfo> {
        self.add_typed(item_type::TIMESTAMP, name, instant, options)
    }

    /// Adds a copy of a file, kept byte for byte with its extension.
    ///
    /// # Errors
    /// As [`DataFolio::add`].
    pub fn add_file(&self, name: &str, path: impl AsRef<Path>, options: AddOptions) -> Result<ItemInfo> {
        self.add_typed(item_type::ARTIFACT, name, path.as_ref(), options)
    }

    /// Adds a model from its file.
    ///
    /// # Errors
    /// As [`DataFolio::add`].
    pub fn add_model(&self, name: &str, model: Model, options: AddOptions) -> Result<ItemInfo> {
        self.add_typed(item_type::MODEL, name, model, options)
    }

    /// Adds a table that stays where it is.
    ///
    /// # Errors
    /// As [`DataFolio::add`].
    pub fn reference_table(&self, name: &str, reference: Reference, options: AddOptions) -> Result<ItemInfo> {
        self.add_typed(item_type::REFERENCED_TABLE, name, reference, options)
    }

    /// Adds an item of a given type, which may be one that a third party has registered.
    ///
    /// # Errors
    /// As [`DataFolio::add`]; a value that is not of the type.
    pub fn add_typed(
        &self,
        item_type: &str,
        name: &str,
        data: impl Into<Data>,
        options: AddOptions,
    ) -> Result<ItemInfo> {
        let ((), made) = self.once_seen(|batch| batch.add_typed(item_type, name, data, options))?;
        ItemInfo::of(made.item(name)?)
    }

    /// Removes items.
    ///
    /// # Errors
    /// As [`Batch::delete`](crate::Batch::delete).
    pub fn delete<S: AsRef<str>>(&self, names: &[S]) -> Result<Deleted> {
        self.once(|batch| batch.delete(names))
    }

    /// Changes the description or the inputs of an item; `None` leaves them, empty removes them.
    ///
    /// # Errors
    /// [`CoreError::ItemNotFound`]; [`CoreError::Conflict`].
    pub fn update_item(&self, name: &str, description: Option<&str>, inputs: Option<&[&str]>) -> Result<()> {
        self.once(|batch| batch.update_item(name, description, inputs))
    }

    /// Gives an item another name.
    ///
    /// # Errors
    /// As [`Batch::rename`](crate::Batch::rename).
    pub fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.once(|batch| batch.rename(from, to))
    }

    /// Archives items by name or glob pattern: they stay readable and snapshotted, and are left out of lists and copies.
    ///
    /// # Errors
    /// [`CoreError::ItemNotFound`] for a plain name that is not there.
    pub fn archive<S: AsRef<str>>(&self, patterns: &[S]) -> Result<Vec<String>> {
        self.once(|batch| batch.set_archived(patterns, true))
    }

    /// Takes items out of the archive.
    ///
    /// # Errors
    /// As [`DataFolio::archive`].
    pub fn unarchive<S: AsRef<str>>(&self, patterns: &[S]) -> Result<Vec<String>> {
        self.once(|batch| batch.set_archived(patterns, false))
    }

    /// Sets a key of the bundle's metadata.
    ///
    /// # Errors
    /// [`CoreError::Conflict`] when another writer has set it to something else since the handle last looked.
    pub fn set_metadata(&self, key: &str, value: impl Into<Value>) -> Result<()> {
        let value = value.into();
        self.once(|batch| batch.set_metadata(key, &value))
    }

    /// Removes a key of the bundle's metadata; `false` when it was not there.
    ///
    /// # Errors
    /// [`CoreError::Conflict`].
    pub fn remove_metadata(&self, key: &str) -> Result<bool> {
        self.once(|batch| batch.remove_metadata(key))
    }
}

/// The items that names and glob patterns mean, in the order of the catalogue.
pub(crate) fn matching<S: AsRef<str>>(catalogue: &Catalogue, patterns: &[S]) -> Result<Vec<String>> {
    let mut found: Vec<bool> = vec![false; catalogue.current.len()];
    for pattern in patterns {
        let pattern = pattern.as_ref();
        if let Some(index) = catalogue.current.place_of(pattern) {
            found[index] = true;
            continue;
        }
        if !pattern.contains(['*', '?', '[']) {
            return Err(CoreError::ItemNotFound { name: pattern.to_owned() }.into());
        }
        let glob = glob::Pattern::new(pattern)
            .map_err(|error| Error::Invalid(format!("{pattern:?} is no pattern: {}", error.msg)))?;
        for (index, name) in catalogue.current.keys().enumerate() {
            found[index] |= glob.matches(name);
        }
    }
    Ok(catalogue.current.keys().zip(found).filter(|(_, found)| *found).map(|(name, _)| name.to_string()).collect())
}
