//! A bundle of DataFolio 1.x becomes one of 2.x with the first commit.

use datafolio_core::history::CommitKind;
use datafolio_core::{ChangeSet, Layout};

use crate::bundle::DataFolio;
use crate::bundle::commit::{Follows, Intent, commit};
use crate::bundle::state::file;
use crate::error::{Error, Result};
use crate::history::chain::write_whole;
use datafolio_storage::Storage;

/// Where the catalogue of 1.x is kept aside.
const KEPT_ASIDE: &str = "history/v1";
/// The files that 1.x keeps beside `items.json`.
const BESIDE: [&str; 2] = ["metadata.json", "snapshots.json"];

impl DataFolio {
    /// Changes the layout when the bundle still has that of 1.x: revision 1, with the old catalogue kept aside. A bundle
    /// that cannot be written to is refused here, before anything is staged for it.
    ///
    /// The files beside `items.json` are removed last: as soon as `items.json` is of 2.x they no longer count.
    pub(crate) fn migrate_if_needed(&self) -> Result<()> {
        let state = self.state();
        if state.catalogue().is_damaged_by_1x() {
            return Err(Error::DamagedBy1x { location: self.location() });
        }
        state.catalogue().next_revision()?;
        if state.catalogue().layout != Layout::V1 {
            return Ok(());
        }
        let storage = self.storage().as_ref();
        for name in ["items.json", "metadata.json", "snapshots.json"] {
            let path = file(name)?;
            if storage.stat(&path)?.is_none() {
                continue;
            }
            let text = crate::history::chain::read_text(storage, &path)?;
            write_whole(storage, &file(&format!("{KEPT_ASIDE}/{name}"))?, &text)?;
        }
        // Replaying any change set onto a catalogue of 1.x makes it one of 2.x, also one without changes.
        let set = ChangeSet::new(std::sync::Arc::clone(state.catalogue()));
        let intent = Intent {
            operation: "migrate from DataFolio 1.x (layout 1 to 2)".to_owned(),
            kind: CommitKind::Migration,
            follows: Follows::Head,
            writer: self.writer(),
            staged: &[],
            staged_since: 0,
            condemned: &[],
            recovered: &[],
        };
        commit(self, &set, &intent, None)?;
        forget_old_layout(storage);
        Ok(())
    }
}

/// Removes the files that 1.x keeps beside `items.json`. They no longer count, here and in 2.x, which clears them away with
/// every write; 1.3 would still read them.
pub(crate) fn forget_old_layout(storage: &dyn Storage) {
    for name in BESIDE {
        if let Err(error) = file(name).and_then(|path| Ok(storage.delete(&path)?)) {
            tracing::debug!(name, %error, "a file of the old layout stays behind");
        }
    }
}
