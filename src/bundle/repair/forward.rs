//! Bringing back what was committed after the catalogue that somebody put in the place of the head.

use datafolio_storage::Storage;

use crate::bundle::repair::survey::Survey;
use crate::bundle::repair::{Raw, RepairReport, Repaired, back_to_best, keep_aside, publish};
use crate::bundle::state::State;
use crate::error::Result;
use crate::history::ahead::{Ahead, Relation};

/// Goes to the last state that the history has.
///
/// # Errors
/// When the later commits are of several lines, or may be, so that going to one gives up what another has; when no later
/// state can be rebuilt.
pub(super) fn forward(
    storage: &dyn Storage,
    survey: &Survey,
    raw: &Raw,
    head: &State,
    ahead: &Ahead,
) -> Result<RepairReport> {
    let chosen = match survey.best(storage)? {
        Some(chosen) if ahead.relation == Relation::Follow => chosen,
        _ => return Err(ahead.conflict()),
    };
    let newest = survey.newest_revision(Some(&raw.text));
    let ((mut catalogue, before), report) = back_to_best(chosen, survey, newest);
    let action = match catalogue.revision {
        revision if revision > head.catalogue().revision => format!("went forward to revision {revision}"),
        // The later states have nothing more that could be read.
        revision => format!("stayed at revision {revision}"),
    };
    catalogue.revision = catalogue.revision.max(newest);
    let kept_aside = vec![keep_aside(storage, "items.json", &raw.bytes)?];
    let revision = publish(storage, Repaired { catalogue, tag: Some(&raw.tag), before, action: &action })?;
    Ok(RepairReport { problem: Some(ahead.problem()), action: Some(action), revision, kept_aside, ..report })
}
