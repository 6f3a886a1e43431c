//! Going back to a snapshot.

use datafolio_core::{Change, json};

use crate::bundle::DataFolio;
use crate::error::Result;
use crate::snapshot::load::held;

impl DataFolio {
    /// Makes the state of a snapshot the current one: items and metadata go back, items that came later are removed,
    /// deleted ones return. It is one commit, copies no data, and can itself be undone.
    ///
    /// # Errors
    /// [`CoreError::SnapshotNotFound`](datafolio_core::CoreError::SnapshotNotFound);
    /// [`CoreError::LostVersion`](datafolio_core::CoreError::LostVersion) when a version is lost: then nothing is changed.
    pub fn restore_snapshot(&self, name: &str) -> Result<()> {
        self.once(|batch| {
            let catalogue = batch.base().catalogue().clone();
            let (entries, lost) = held(&catalogue, name)?;
            if let Some((_, error)) = lost.into_iter().next() {
                return Err(error.into());
            }
            let operation = || format!("restore snapshot {name}");
            for item in catalogue.current.keys().filter(|item| !entries.contains_key(*item)) {
                batch.change(Change::Repoint { name: item.to_string(), entry: None }, operation())?;
            }
            for (item, entry) in entries {
                batch.change(Change::Repoint { name: item, entry: Some(entry) }, operation())?;
            }
            let record = catalogue.snapshot(name)?.record()?;
            let nothing = serde_json::Map::new();
            let then = record.metadata().unwrap_or(&nothing);
            for key in catalogue.metadata.keys().filter(|key| !then.contains_key(*key)) {
                batch.change(Change::SetMetadata { key: key.clone(), value: None }, operation())?;
            }
            for (key, value) in then {
                if catalogue.metadata_value(key).as_ref() != Some(value) && key != "updated_at" {
                    let value = Some(json::pretty(value, 4).into());
                    batch.change(Change::SetMetadata { key: key.clone(), value }, operation())?;
                }
            }
            batch.name(operation());
            Ok(())
        })
    }
}
