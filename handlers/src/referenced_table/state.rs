//! The state of all files of a reference, as text.

use datafolio_core::item_type;
use sha2::{Digest, Sha256};

use super::fingerprint::hex;
use super::{delta_target, reference_target};
use crate::file_state::FileState;
use crate::handler::Item;

/// What all that its files say depends on: which they are, what they are read as, and the state of each. `None` for what is no
/// reference, and where a change could leave the same state: of files that were changed just now, and where the system tells too
/// little of them.
pub fn reference_files_state(item: &Item<'_>) -> Option<String> {
    if item.record().item_type() != item_type::REFERENCED_TABLE {
        return None;
    }
    if let Some(delta) = delta_target(item).ok()? {
        return delta.state();
    }
    let target = reference_target(item).ok()?;
    let mut digest = Sha256::new();
    digest.update(target.shape());
    for place in target.found().ok()?.places() {
        let state = place.state().filter(FileState::is_settled_for_good)?;
        digest.update(format!("{state:?}"));
    }
    Some(hex(&digest.finalize()))
}
