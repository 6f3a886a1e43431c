//! Bringing back single entries that cannot be read, in a catalogue that can: another program may have nested a field of theirs
//! more deeply than is read here.

use std::sync::Arc;

use datafolio_core::{Catalogue, CoreError, Entry, Layout};
use datafolio_storage::Storage;

use crate::bundle::repair::survey::Survey;
use crate::bundle::repair::{Raw, RepairReport, Repaired, keep_aside, publish};
use crate::bundle::state::State;
use crate::error::Result;
use crate::history::chain;

/// How many revisions are rebuilt in search of entries.
const LOOKED_AT: usize = 1000;
/// How many entries the report's action names.
const NAMED: usize = 3;

/// An entry that stands in for one that cannot be read.
struct Found {
    /// The revision that has it.
    revision: u64,
    damaged: Arc<Entry>,
    entry: Arc<Entry>,
}

/// What is wrong with the entries of a catalogue that cannot be read, in the catalogue's order.
pub(super) fn problems(catalogue: &Catalogue) -> Vec<CoreError> {
    // 1.x has no history to bring them back from.
    let is_ours = catalogue.layout == Layout::V2;
    catalogue.entries().filter(|_| is_ours).filter_map(|entry| entry.record().err()).collect()
}

/// Puts entries in the place of those that cannot be read: each from the newest revision in which the item has one that can,
/// with its file. `None` when there is none to put back.
pub(super) fn restore(
    storage: &dyn Storage,
    survey: &Survey,
    raw: &Raw,
    head: &Arc<State>,
) -> Result<Option<RepairReport>> {
    let problems = problems(head.catalogue());
    if problems.is_empty() {
        return Ok(None);
    }
    let (found, left) = find(storage, survey, head.catalogue())?;
    if found.is_empty() {
        return Ok(None);
    }
    let mut catalogue = Catalogue::clone(head.catalogue());
    let mut given_up = Vec::new();
    for Found { damaged, entry, .. } in &found {
        put(&mut catalogue, damaged, entry);
        if damaged.token() != entry.token() {
            given_up.push(format!("item '{}', version {}: its entry cannot be read", damaged.name(), damaged.token()));
        }
    }
    given_up.extend(left.iter().map(|entry| not_found(entry.name())));
    let action = action(&found);
    let missing = survey.missing(&catalogue);
    let kept_aside = vec![keep_aside(storage, "items.json", &raw.bytes)?];
    let before = chain::ensure_parent(storage, head, head)?.commit;
    let revision = publish(storage, Repaired { catalogue, tag: Some(&raw.tag), before, action: &action })?;
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    Ok(Some(RepairReport {
        problem: Some(problems.join("; ")),
        action: Some(action),
        revision,
        kept_aside,
        missing,
        given_up,
        ..RepairReport::default()
    }))
}

/// That an entry stays as it is.
pub(super) fn not_found(item: &str) -> String {
    format!("item '{item}': its entry cannot be read, and the history has none of it that can")
}

/// The entries that can stand in for those that cannot be read, and those for which there are none.
fn find(storage: &dyn Storage, survey: &Survey, catalogue: &Catalogue) -> Result<(Vec<Found>, Vec<Arc<Entry>>)> {
    let mut left: Vec<Arc<Entry>> = catalogue.entries().filter(|entry| entry.record().is_err()).cloned().collect();
    let mut found = Vec::new();
    let mut states = survey.states(storage).take(LOOKED_AT);
    while !left.is_empty()
        && let Some(state) = states.next().transpose()?
    {
        left.retain(|damaged| match stand_in(survey, &state.published.catalogue, damaged) {
            Some(entry) => {
                found.push(Found { revision: state.known.commit.revision, damaged: Arc::clone(damaged), entry });
                false
            }
            None => true,
        });
    }
    Ok((found, left))
}

/// The entry that an earlier state has in the place of a damaged one: of a current version the current one, of another the
/// same version.
fn stand_in(survey: &Survey, state: &Catalogue, damaged: &Entry) -> Option<Arc<Entry>> {
    let token = damaged.token();
    let entry = match damaged.is_current() {
        true => state.current.get(damaged.name()),
        false => state.versions_of(damaged.name()).find(|entry| !token.is_empty() && entry.token() == token),
    };
    let entry = entry.filter(|entry| entry.record().is_ok() && survey.is_there(entry))?;
    entry.with_currency(damaged.is_current()).ok()
}

fn put(catalogue: &mut Catalogue, damaged: &Arc<Entry>, entry: &Arc<Entry>) {
    if !damaged.is_current() {
        for known in catalogue.retired.iter_mut().filter(|known| Arc::ptr_eq(known, damaged)) {
            *known = Arc::clone(entry);
        }
        return;
    }
    // A snapshot may hold the version already, which is to be there once.
    let token = entry.token();
    catalogue.retired.retain(|known| known.name() != entry.name() || known.token() != token);
    catalogue.current.insert(Arc::clone(entry));
}

/// What was done, in words.
fn action(found: &[Found]) -> String {
    let named =
        found.iter().take(NAMED).map(|found| format!("'{}' from revision {}", found.entry.name(), found.revision));
    let named = named.collect::<Vec<_>>().join(", ");
    let more = found.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let what = if found.len() == 1 { "the entry of item" } else { "the entries of items" };
    format!("put back {what} {named}{more}")
}
