//! Items and metadata that are edited or removed in a batch.

use datafolio_core::{Catalogue, Change, ItemEdit, json};
use indexmap::{IndexMap, IndexSet};
use serde_json::Value;

use super::Batch;
use crate::bundle::items::{Deleted, matching};
use crate::bundle::lineage_of;
use crate::error::{Error, Result};
use crate::snapshot::RESERVED;
use crate::text::shell_word;

impl Batch<'_> {
    /// Removes items. Versions that snapshots hold stay, and the history keeps the others for as long as it is kept.
    ///
    /// # Errors
    /// [`ItemNotFound`](datafolio_core::CoreError::ItemNotFound) naming the first that is missing; then nothing is removed.
    pub fn delete<S: AsRef<str>>(&mut self, names: &[S]) -> Result<Deleted> {
        let catalogue = self.working.catalogue();
        for name in names {
            catalogue.item(name.as_ref())?;
        }
        let lineage = lineage_of(catalogue);
        // Naming an item twice removes it once.
        let gone: IndexSet<String> = names.iter().map(|name| name.as_ref().to_owned()).collect();
        let mut dependents = IndexMap::new();
        for name in &gone {
            let left: Vec<String> = lineage
                .dependents(name)
                .unwrap_or_default()
                .into_iter()
                .map(str::to_owned)
                .filter(|other| !gone.contains(other))
                .collect();
            if !left.is_empty() {
                dependents.insert(name.clone(), left);
            }
        }
        self.all_or_nothing(|batch| {
            gone.iter()
                .try_for_each(|name| batch.change(Change::Delete { name: name.clone() }, format!("delete {name}")))
        })?;
        Ok(Deleted { names: gone.into_iter().collect(), dependents })
    }

    /// Changes the description or the inputs of an item; `None` leaves them, empty removes them.
    ///
    /// # Errors
    /// [`ItemNotFound`](datafolio_core::CoreError::ItemNotFound).
    pub fn update_item(&mut self, name: &str, description: Option<&str>, inputs: Option<&[&str]>) -> Result<()> {
        let inputs = inputs.map(|names| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            let versions = self.versions_read(&names);
            (names, versions)
        });
        let edit = ItemEdit { description: description.map(str::to_owned), inputs, archived: None };
        self.change(Change::Edit { name: name.to_owned(), edit }, format!("update {name}"))
    }

    /// Archives or unarchives items, by name or by glob pattern. Returns the names that it found.
    ///
    /// # Errors
    /// [`ItemNotFound`](datafolio_core::CoreError::ItemNotFound) for a plain name; a pattern that matches nothing does nothing.
    pub fn set_archived<S: AsRef<str>>(&mut self, patterns: &[S], archived: bool) -> Result<Vec<String>> {
        let names = matching(self.working.catalogue(), patterns)?;
        let verb = if archived { "archive" } else { "unarchive" };
        self.all_or_nothing(|batch| {
            names.iter().try_for_each(|name| {
                let edit = ItemEdit { archived: Some(archived), ..ItemEdit::default() };
                batch.change(Change::Edit { name: name.clone(), edit }, format!("{verb} {name}"))
            })
        })?;
        Ok(names)
    }

    /// Gives an item another name. Items that were made from it name it by the new name afterwards; snapshots do not.
    ///
    /// # Errors
    /// [`ItemNotFound`](datafolio_core::CoreError::ItemNotFound); [`ItemExists`](datafolio_core::CoreError::ItemExists); a name that is
    /// not allowed; [`Error::ViewCycle`] when a view would read itself under the new name.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        let change = Change::Rename { from: from.to_owned(), to: to.to_owned() };
        self.change(change, format!("rename {from} to {to}"))?;
        #[cfg(feature = "sql")]
        if let Some(path) = crate::view::cycle_through(self.working.catalogue(), to) {
            self.back_to(self.set.changes().len() - 1)?;
            self.done.pop();
            return Err(Error::ViewCycle { path });
        }
        Ok(())
    }

    /// Sets a key of the bundle's metadata.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a key that the bundle itself keeps (`created_at`, `updated_at`, `_datafolio`), and for a value
    /// that is nested more than 120 levels deep.
    pub fn set_metadata(&mut self, key: &str, value: &Value) -> Result<()> {
        refuse_reserved(key)?;
        check_depth(key, value)?;
        let text = json::pretty(value, 4);
        self.change(
            Change::SetMetadata { key: key.to_owned(), value: Some(text.into()) },
            format!("set metadata {key}"),
        )
    }

    /// Removes a key of the bundle's metadata; `false` when it was not there.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a key that the bundle itself keeps.
    pub fn remove_metadata(&mut self, key: &str) -> Result<bool> {
        refuse_reserved(key)?;
        if !self.working.catalogue().metadata.contains_key(key) {
            return Ok(false);
        }
        self.change(Change::SetMetadata { key: key.to_owned(), value: None }, format!("remove metadata {key}"))?;
        Ok(true)
    }
}

fn refuse_reserved(key: &str) -> Result<()> {
    match RESERVED.contains(&key) {
        true => Err(Error::Invalid(format!("the metadata key {key:?} is kept by the bundle itself: choose another"))),
        false => Ok(()),
    }
}

/// What is nested too deeply could be written, and not be read as part of a snapshot.
pub(crate) fn check_depth(key: &str, value: &Value) -> Result<()> {
    const MOST: usize = json::MAX_METADATA_DEPTH;
    match json::is_deeper_than(value, MOST) {
        true => Err(Error::Invalid(format!("the metadata key {key:?} is nested more than {MOST} levels deep"))),
        false => Ok(()),
    }
}

/// What a copy or a snapshot would have to leave out.
pub(crate) fn check_metadata(catalogue: &Catalogue) -> Result<()> {
    match catalogue.unreadable_metadata().first() {
        Some((key, flaw)) => Err(Error::Invalid(format!(
            "the metadata key {key:?}, which another program has written, cannot be read ({flaw}) and would be lost here: \
             `datafolio meta --unset {}` removes it",
            shell_word(key)
        ))),
        None => Ok(()),
    }
}
