//! Putting a damaged catalogue right. Nothing is deleted: what was found is kept aside.

use std::path::Path;
use std::sync::Arc;

use datafolio_core::history::{CommitKind, CommitRef};
use datafolio_core::{
    Catalogue, CatalogueFiles, ChangeSet, CoreError, Entry, Layout, Published, SealCheck, Snapshot, Working,
    parse_catalogue, time,
};
use datafolio_storage::{LocalStorage, Storage, VersionTag};
use serde::Serialize;

use crate::bundle::commit::{Follows, Intent, attempt_once};
use crate::bundle::state::{State, file, load};
use crate::error::{Error, Result};
use crate::facts::writer::Writer;
use crate::history::{chain, rebuild};
use crate::settings::Settings;

/// How a catalogue is put right.
#[derive(Debug, Clone, Default)]
pub struct RepairOptions {
    /// Takes `items.json` as it is, though it does not match its seal: someone has edited it on purpose.
    pub accept: bool,
    /// Settings; see [`Settings::load`] for those of the user.
    pub settings: Settings,
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RepairReport {
    /// What was wrong; `None` when nothing was.
    pub problem: Option<String>,
    /// What was done about it.
    pub action: Option<String>,
    /// The revision that the bundle has now.
    pub revision: u64,
    /// Where the damaged file was kept aside.
    pub kept_aside: Option<String>,
}

/// Puts the catalogue of a bundle right: one that is damaged goes back to the last good revision of the history, and what
/// DataFolio 1.3 has dropped comes back from it.
///
/// # Errors
/// [`Error::NotABundle`]; the original error when the history has nothing to go back to.
pub fn repair(path: impl AsRef<Path>, options: &RepairOptions) -> Result<RepairReport> {
    let storage = LocalStorage::open(path.as_ref())?;
    repair_storage(&storage, options)
}

fn repair_storage(storage: &dyn Storage, options: &RepairOptions) -> Result<RepairReport> {
    let _lock = storage.lock(options.settings.lock_timeout)?;
    let raw = storage.read_tagged(&file("items.json")?, u64::MAX)?;
    match load(storage, SealCheck::Required) {
        Ok(head) if head.catalogue().is_damaged_by_1x() => restore_after_1x(storage, head),
        Ok(head) if !differs_from_history(storage, &head)? => {
            Ok(RepairReport { revision: head.catalogue().revision, ..RepairReport::default() })
        }
        Ok(_) => recover(storage, options, raw, &Error::Core(CoreError::BrokenSeal)),
        Err(error @ (Error::Core(_) | Error::NotABundle { .. })) => recover(storage, options, raw, &error),
        Err(error) => Err(error),
    }
}

/// Whether the head has the revision of a commit of ours without being what that commit published: damage that also hit
/// the commit's stamp.
fn differs_from_history(storage: &dyn Storage, head: &State) -> Result<bool> {
    if head.commit_ref().is_some() || head.catalogue().layout == Layout::V1 {
        return Ok(false);
    }
    let revision = head.catalogue().revision;
    let fingerprint = head.published.fingerprint();
    let mut same = chain::list(storage)?.into_iter().filter(|commit| commit.revision == revision).peekable();
    if same.peek().is_none() {
        return Ok(false);
    }
    Ok(!same.any(|commit| chain::read_entry(storage, &commit).is_ok_and(|entry| entry.catalogue == fingerprint)))
}

/// Goes back to the last good revision, or takes the file as it is.
fn recover(
    storage: &dyn Storage,
    options: &RepairOptions,
    raw: Option<(Vec<u8>, VersionTag)>,
    problem: &Error,
) -> Result<RepairReport> {
    let text = raw.as_ref().map(|(bytes, _)| String::from_utf8_lossy(bytes).into_owned());
    let commits = chain::list(storage)?;
    let newest = commits.last().map_or(0, |commit| commit.revision);
    let (published, before, action) = if options.accept {
        let files = CatalogueFiles { items: text.clone().unwrap_or_default(), metadata: None, snapshots: None };
        let published = parse_catalogue(&files, SealCheck::Skipped)?;
        let stamp = published.catalogue.commit.as_ref();
        let before = commits.iter().rfind(|commit| stamp.is_some_and(|stamp| stamp.id == commit.id)).cloned();
        (published, before, "items.json was taken as it is".to_owned())
    } else {
        let Some((commit, published)) = last_good(storage, commits, text.as_deref()) else {
            return Err(CoreError::DamagedCatalogue {
                file: "items.json".to_owned(),
                reason: format!("{problem}; the history has no revision to go back to"),
            }
            .into());
        };
        let action = format!("went back to revision {}", commit.revision);
        (published, Some(commit), action)
    };
    let kept_aside = match &raw {
        Some((bytes, _)) => Some(keep_aside(storage, bytes)?),
        None => None,
    };
    // The new revision is above every one that was ever given, so that version ids stay unique.
    let mut catalogue = (*published.catalogue).clone();
    catalogue.revision = catalogue.revision.max(newest);
    let revision = publish_repair(storage, catalogue, raw.map(|(_, tag)| tag), before, &action)?;
    Ok(RepairReport { problem: Some(problem.to_string()), action: Some(action), revision, kept_aside })
}

/// Publishes a repaired state.
fn publish_repair(
    storage: &dyn Storage,
    mut catalogue: Catalogue,
    tag: Option<VersionTag>,
    before: Option<CommitRef>,
    action: &str,
) -> Result<u64> {
    catalogue.layout = Layout::V2;
    let head = Arc::new(State::new(datafolio_core::encode(catalogue), tag));
    let set = ChangeSet::new(Arc::clone(head.catalogue()));
    let intent = Intent {
        operation: format!("repair: {action}"),
        kind: CommitKind::Repair,
        follows: Follows::Repaired(before),
        writer: Writer::capture().to_map(),
        staged: &[],
    };
    let done = attempt_once(storage, &set, &intent, &head, &head, Default::default())?
        .ok_or_else(|| Error::TooBusy { location: storage.location(), tries: 1 })?
        .into_state()?;
    Ok(done.catalogue().revision)
}

/// The latest commit whose catalogue can be rebuilt. An entry is written before its catalogue, so the last one may never
/// have been published: of several, one that the damaged file itself names comes first.
fn last_good(
    storage: &dyn Storage,
    mut commits: Vec<CommitRef>,
    damaged: Option<&str>,
) -> Option<(CommitRef, Published)> {
    if let Some(text) = damaged
        && let Some(index) = commits.iter().rposition(|commit| text.contains(&commit.id))
    {
        let index = successor(storage, &commits, index, text).unwrap_or(index);
        let named = commits.remove(index);
        commits.retain(|commit| commit.revision <= named.revision);
        commits.push(named);
    }
    commits.into_iter().rev().find_map(|commit| {
        let published = rebuild::from_checkpoint(storage, &commit).ok()?;
        Some((commit, published))
    })
}

/// A file that names a commit only as its parent was published by a commit whose own id is what is damaged: of those that
/// follow the parent the last, since the writers of the others must have died before it.
fn successor(storage: &dyn Storage, commits: &[CommitRef], parent: usize, text: &str) -> Option<usize> {
    let named = commits.get(parent)?;
    if text.contains(&format!("\"id\": \"{}\"", named.id)) {
        return None;
    }
    let follows = |(index, commit): (usize, &CommitRef)| {
        let entry = chain::read_entry(storage, commit).ok()?;
        (entry.parent.as_ref() == Some(named)).then_some((entry.timestamp, index))
    };
    commits.iter().enumerate().skip(parent + 1).filter_map(follows).max().map(|(_, index)| index)
}

fn keep_aside(storage: &dyn Storage, bytes: &[u8]) -> Result<String> {
    let stamp = time::now().format("%Y%m%dT%H%M%S%6f");
    let path = file(&format!("history/damaged/{stamp}-items.json"))?;
    let mut staged = storage.create(&path)?;
    staged.write_all(bytes).map_err(|source| datafolio_storage::StorageError::Io {
        action: "write",
        path: path.to_string(),
        location: storage.location(),
        source,
    })?;
    staged.finish()?;
    Ok(path.to_string())
}

/// Brings back what DataFolio 1.3 drops when it writes to a bundle of 2.x: metadata, snapshots and the revision. What it
/// changed of the items stays changed.
fn restore_after_1x(storage: &dyn Storage, found: State) -> Result<RepairReport> {
    let before = chain::list(storage)?.into_iter().rev().find_map(|commit| {
        let published = rebuild::from_checkpoint(storage, &commit).ok()?;
        Some((commit, published))
    });
    let raw = storage.read(&file("items.json")?, u64::MAX)?;
    let kept_aside = keep_aside(storage, &raw)?;
    let (merged, before, action) = match before {
        Some((commit, published)) => {
            let action = format!("brought metadata and snapshots back from revision {}", commit.revision);
            (merge_after_1x(&published.catalogue, found.catalogue())?, Some(commit), action)
        }
        None => {
            let action = "kept all old versions in snapshots of their own".to_owned();
            (without_history(found.catalogue()), None, action)
        }
    };
    let revision = publish_repair(storage, merged, found.tag, before, &action)?;
    for name in ["metadata.json", "snapshots.json"] {
        storage.delete(&file(name)?)?;
    }
    Ok(RepairReport {
        problem: Some("DataFolio 1.3 has dropped the metadata and snapshots".to_owned()),
        action: Some(action),
        revision,
        kept_aside: Some(kept_aside),
    })
}

/// The state before 1.3 wrote, with the items as 1.3 left them.
fn merge_after_1x(before: &Catalogue, found: &Catalogue) -> Result<Catalogue> {
    // In the layout of 2.x again: without what 1.3 writes into every entry.
    let found = Working::new(found).catalogue().clone();
    let same_version = |a: &Entry, b: &Entry| a.name() == b.name() && a.token() == b.token();
    let mut merged = before.clone();
    // 2.x may have written after our last commit; no revision is given twice.
    merged.revision = merged.revision.max(newest_revision(&found));
    merged.current.clear();
    for (name, entry) in &found.current {
        let entry = match before.versions_of(name).find(|old| same_version(old, entry)) {
            Some(old) if old.same_as(entry) => Arc::clone(old),
            // 1.3 edits in place. The id belongs to the version as it was, which snapshots hold.
            Some(_) if entry.version_id().is_some() => without_id(entry)?,
            _ => Arc::clone(entry),
        };
        merged.current.insert(Arc::clone(name), entry);
    }
    let is_current =
        |entry: &Arc<Entry>, merged: &Catalogue| merged.current.values().any(|current| same_version(current, entry));
    // Old versions as 1.3 left them (it renames files), then those that it has dropped and a snapshot holds.
    let pinned = before.current.values().filter(|entry| before.is_pinned(entry));
    merged.retired.clear();
    for entry in found.retired.iter().chain(&before.retired).chain(pinned) {
        let is_there = merged.retired.iter().any(|old| same_version(old, entry)) || is_current(entry, &merged);
        if !is_there {
            let known = before.retired.iter().find(|old| old.same_as(entry)).unwrap_or(entry);
            merged.retired.push(known.with_currency(false)?);
        }
    }
    // What 1.3 itself took a snapshot of meanwhile.
    for (name, snapshot) in &found.snapshots {
        let mut free = name.clone();
        while merged.snapshots.contains_key(&free) {
            free.push_str("-by-1.3");
        }
        merged.snapshots.insert(free.clone(), Arc::new(Snapshot::parse(&free, snapshot.text())));
    }
    for (key, text) in &found.metadata {
        if !["created_at", "updated_at", "_datafolio"].contains(&key.as_str()) {
            merged.metadata.insert(key.clone(), Arc::clone(text));
        }
    }
    Ok(merged)
}

/// The entry as one that has no id yet.
fn without_id(entry: &Entry) -> Result<Arc<Entry>> {
    let mut record = (*entry.record()?).clone();
    record.set("version_id", None);
    Ok(Arc::new(Entry::from_record(record)?))
}

/// The newest revision that an id of the catalogue names.
fn newest_revision(catalogue: &Catalogue) -> u64 {
    catalogue.entries().filter_map(|entry| chain::revision_of(entry.version_id()?)).max().unwrap_or(0)
}

/// Without a history nobody knows which snapshot held which version. All old versions are kept in snapshots of our own, the
/// newest of each item in the first one, so that no clean-up of any release deletes them.
fn without_history(found: &Catalogue) -> Catalogue {
    let mut state = Working::new(found).catalogue().clone();
    state.revision = newest_revision(&state);
    let mut layers: Vec<serde_json::Map<String, serde_json::Value>> = Vec::new();
    for entry in state.orphans().iter().rev() {
        let token = entry.token().into();
        match layers.iter_mut().find(|layer| !layer.contains_key(entry.name())) {
            Some(layer) => drop(layer.insert(entry.name().to_owned(), token)),
            None => layers.push([(entry.name().to_owned(), token)].into_iter().collect()),
        }
    }
    let mut number = 0;
    for versions in layers {
        let name = loop {
            number += 1;
            let name = if number == 1 { "recovered".to_owned() } else { format!("recovered-{number}") };
            if !state.snapshots.contains_key(&name) {
                break name;
            }
        };
        let fields = serde_json::json!({
            "name": name,
            "timestamp": time::to_iso(time::now()),
            "item_versions": versions,
            "metadata_snapshot": found.metadata_object(),
            "tags": ["recovered"],
            "description": "Old versions whose snapshots DataFolio 1.3 has dropped",
        });
        if let serde_json::Value::Object(fields) = fields {
            let snapshot = Snapshot::from_fields(&name, &fields);
            state.snapshots.insert(name, Arc::new(snapshot));
        }
    }
    state
}
