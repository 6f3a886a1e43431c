//! A bundle of DataFolio 1.x becomes one of 2.x with the first commit.

use datafolio_core::history::CommitKind;
use datafolio_core::{ChangeSet, Layout};
use datafolio_storage::StorageError;

use crate::bundle::DataFolio;
use crate::bundle::commit::{Follows, Intent, commit};
use crate::bundle::state::file;
use crate::error::{Error, Result};
use crate::history::chain::write_new;

/// Where the catalogue of 1.x is kept aside.
const KEPT_ASIDE: &str = "history/v1";
/// The files that 1.x keeps beside `items.json`.
const BESIDE: [&str; 2] = ["metadata.json", "snapshots.json"];

impl DataFolio {
    /// Changes the layout when the bundle still has that of 1.x: revision 1, with the old catalogue kept aside.
    ///
    /// The files beside `items.json` are removed last: as soon as `items.json` is of 2.x they no longer count.
    pub(crate) fn migrate_if_needed(&self) -> Result<()> {
        let state = self.state();
        if state.catalogue().layout != Layout::V1 {
            return Ok(());
        }
        if state.catalogue().is_damaged_by_1x() {
            return Err(Error::DamagedBy1x { location: self.location() });
        }
        let storage = self.storage().as_ref();
        for name in ["items.json", "metadata.json", "snapshots.json"] {
            let path = file(name)?;
            if storage.stat(&path)?.is_none() {
                continue;
            }
            let text = crate::history::chain::read_text(storage, &path)?;
            match write_new(storage, &file(&format!("{KEPT_ASIDE}/{name}"))?, &text) {
                // Kept by an attempt that was interrupted.
                Err(Error::Storage(StorageError::AlreadyExists { .. })) => {}
                other => other?,
            }
        }
        // Replaying any change set onto a catalogue of 1.x makes it one of 2.x, also one without changes.
        let set = ChangeSet::new(std::sync::Arc::clone(state.catalogue()));
        let intent = Intent {
            operation: "migrate from DataFolio 1.x".to_owned(),
            kind: CommitKind::Migration,
            follows: Follows::Head,
            writer: self.writer(),
            staged: &[],
        };
        commit(self, &set, &intent)?;
        for name in BESIDE {
            storage.delete(&file(name)?)?;
        }
        Ok(())
    }
}
