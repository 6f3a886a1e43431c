//! Bringing back what DataFolio 1.3 drops when it writes to a bundle of 2.x: metadata, snapshots and the revision. What it
//! changed of the items stays changed, and so does what 2.x wrote afterwards.

use datafolio_core::Catalogue;
use datafolio_storage::Storage;

use crate::bundle::repair::merge::{Rules, hold_unpinned, merge};
use crate::bundle::repair::survey::Survey;
use crate::bundle::repair::{Raw, RepairReport, Repaired, keep_aside, publish};
use crate::bundle::state::State;
use crate::error::Result;

/// Repairs what 1.3 has left, and 2.x may have written to since.
pub(super) fn restore(storage: &dyn Storage, survey: &Survey, raw: &Raw, found: &State) -> Result<RepairReport> {
    let newest = survey.newest_revision(Some(&raw.text)).max(found.catalogue().revision);
    let (mut state, before, action) = match survey.latest(storage)? {
        Some(latest) => {
            let action = format!("brought metadata and snapshots back from revision {}", latest.known.commit.revision);
            let state = with_history(&latest.published.catalogue, found.catalogue(), newest + 1)?;
            (state, Some(latest.known.commit), action)
        }
        None => {
            let mut state = found.catalogue().in_layout_2();
            hold_unpinned(&mut state, None);
            (state, None, "kept all old versions in snapshots of their own".to_owned())
        }
    };
    state.revision = newest;
    let missing = survey.missing(&state);
    let kept_aside = vec![keep_aside(storage, "items.json", &raw.bytes)?];
    let revision = publish(storage, Repaired { catalogue: state, tag: Some(&raw.tag), before, action: &action })?;
    Ok(RepairReport {
        problem: Some("DataFolio 1.3 has dropped the metadata and snapshots".to_owned()),
        action: Some(action),
        revision,
        kept_aside,
        missing,
        ..RepairReport::default()
    })
}

/// The state that was found with what the history has. 2.x may have made snapshots after our last commit, which neither side
/// knows any more: the versions that they held get snapshots of our own.
fn with_history(before: &Catalogue, found: &Catalogue, revision: u64) -> Result<Catalogue> {
    let rules = Rules { is_whole: true, may_stay: &|_| false, suffix: "-by-1.3", revision };
    let mut merged = merge(before, found, &rules)?;
    hold_unpinned(&mut merged, Some(before));
    Ok(merged)
}
