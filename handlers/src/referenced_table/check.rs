//! Whether a reference still leads to what was referenced.

use std::collections::HashMap;
use std::fs;

use arrow::datatypes::Schema;
use datafolio_core::{ErrorCategory, ItemRecord, item_type, time};
use datafolio_storage::Patience;
use serde::Serialize;
use serde_json::Value;

use super::delta::delta_target_within;
use super::fingerprint::{Fingerprint, SeenFile};
use super::target::reference_target_within;
use super::{Address, ReferenceTarget, delta_target, identity, reference_target, schema_and_rows};
use crate::error::HandlerResult;
use crate::formats::TableFiles;
use crate::handler::Item;
use crate::table::arrow_field_type_name;

/// What became of the target of a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ReferenceState {
    /// As it was when it was referenced, as far as can be told.
    Unchanged,
    /// Other files, or files that were written since.
    Changed,
    /// Nothing is there.
    Gone,
    /// It could not be looked at: the system refuses, or it lies where this build does not reach.
    Unreachable,
    /// It is there, and the entry has nothing to compare it with.
    Unrecorded,
}

impl ReferenceState {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Changed => "changed",
            Self::Gone => "gone",
            Self::Unreachable => "unreachable",
            Self::Unrecorded => "unrecorded",
        }
    }
}

/// What a look at the target of a reference has told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ReferenceCheck {
    /// The item.
    pub name: String,
    /// What it refers to, as its entry has it.
    pub path: String,
    /// What became of it.
    pub state: ReferenceState,
    /// Why it is in that state, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Files that came.
    pub added: Vec<String>,
    /// Files that went.
    pub removed: Vec<String>,
    /// Files of another size, time or content.
    pub modified: Vec<String>,
    /// What is different about the columns, a sentence each.
    pub schema_changes: Vec<String>,
}

/// Compares the target of a reference with what its entry records: which files there are, their sizes, times, and both ends of
/// their content. A file whose middle was changed, and whose size and time were then set back, is not noticed.
///
/// What keeps it from being looked at is a [`ReferenceState`], no error.
pub fn check_reference(item: &Item<'_>) -> ReferenceCheck {
    let mut check = ReferenceCheck {
        name: item.name().to_owned(),
        path: item.record().str("path").unwrap_or_default().to_owned(),
        state: ReferenceState::Unchanged,
        reason: None,
        added: Vec::new(),
        removed: Vec::new(),
        modified: Vec::new(),
        schema_changes: Vec::new(),
    };
    if let Err(error) = compare(item, &mut check) {
        check.state = match error.category() {
            ErrorCategory::NotFound => ReferenceState::Gone,
            _ => ReferenceState::Unreachable,
        };
        check.reason = Some(error.to_string());
    }
    check
}

fn compare(item: &Item<'_>, check: &mut ReferenceCheck) -> HandlerResult<()> {
    if let Some(delta) = delta_target(item)? {
        return delta.compare(item, check);
    }
    let target = reference_target(item)?;
    target.is_there(item)?;
    let Some(before) = item.record().get("fingerprint").and_then(Fingerprint::from_json) else {
        (check.state, check.reason) = match change(item) {
            Some(change) => (ReferenceState::Changed, Some(change)),
            None if has_identity(item.record()) => (ReferenceState::Unchanged, None),
            None => (ReferenceState::Unrecorded, Some("its entry has nothing to compare it with".to_owned())),
        };
        return Ok(());
    };
    let files = target.found()?;
    if files.places().len() == 0 {
        return Err(target.missing());
    }
    let now = Fingerprint::of(target.path(), &files)?;
    if before.digest == now.digest {
        return Ok(());
    }
    check.state = ReferenceState::Changed;
    if let (Some(before), Some(now)) = (&before.listing, &now.listing) {
        differences(before, now, check);
    }
    check.reason = Some(difference(&before, &now));
    check.schema_changes = match schema_changes(item.record(), &target) {
        Ok(changes) => changes,
        Err(error) => vec![format!("the columns cannot be told any more: {error}")],
    };
    Ok(())
}

/// Whether an entry has what a file of this machine is compared with.
fn has_identity(record: &ItemRecord) -> bool {
    let is_local = |path| matches!(Address::parse(path), Address::Local(_));
    record.get("source_identity").is_some() && record.str("path").is_some_and(is_local)
}

/// Which files came, went and changed.
fn differences(before: &[SeenFile], now: &[SeenFile], check: &mut ReferenceCheck) {
    let known: HashMap<&str, &SeenFile> = before.iter().map(|file| (file.path.as_str(), file)).collect();
    let found: HashMap<&str, &SeenFile> = now.iter().map(|file| (file.path.as_str(), file)).collect();
    let gone = before.iter().filter(|file| !found.contains_key(file.path.as_str()));
    check.removed = gone.map(|file| file.path.clone()).collect();
    for file in now {
        match known.get(file.path.as_str()) {
            None => check.added.push(file.path.clone()),
            Some(before) if *before != file => check.modified.push(file.path.clone()),
            Some(_) => {}
        }
    }
}

/// The files of a reference as they are now, seen from outside: their size together, and a hash of the path, size and time of each. `None`
/// for what is no reference. Of a store that does not answer, it is soon given up.
///
/// # Errors
/// When the target, or a file of it, is gone or cannot be looked at.
pub fn reference_files(item: &Item<'_>) -> HandlerResult<Option<(u64, String)>> {
    if item.record().item_type() != item_type::REFERENCED_TABLE {
        return Ok(None);
    }
    if let Some(delta) = delta_target_within(item, Patience::Short)? {
        return delta.seen_files().map(Some);
    }
    let target = reference_target_within(item, Patience::Short)?;
    let seen = Fingerprint::from_outside(target.path(), &target.found()?)?;
    Ok(Some((seen.bytes, seen.digest)))
}

/// How two looks differ, in a sentence.
fn difference(before: &Fingerprint, now: &Fingerprint) -> String {
    if before.files != now.files {
        let files = if before.files == 1 { "file" } else { "files" };
        return format!("it had {} {files} and has {}", before.files, now.files);
    }
    if before.bytes != now.bytes {
        return format!("it had {} bytes and has {}", before.bytes, now.bytes);
    }
    "its files were written again, and have as many bytes as before".to_owned()
}

/// What is different about the columns of files.
fn schema_changes(record: &ItemRecord, target: &ReferenceTarget) -> HandlerResult<Vec<String>> {
    let seen = schema_and_rows(&target.found()?, target.format)?;
    Ok(seen.map(|seen| column_changes(record, &seen.schema)).unwrap_or_default())
}

/// What is different about columns.
pub(super) fn column_changes(record: &ItemRecord, seen: &Schema) -> Vec<String> {
    let Some(Value::Object(before)) = record.get("dtypes") else { return Vec::new() };
    let mut changes = Vec::new();
    for field in seen.fields() {
        let now = arrow_field_type_name(field);
        match before.get(field.name()).and_then(Value::as_str) {
            None => changes.push(format!("column {:?} is new", field.name())),
            Some(before) if before != now => {
                changes.push(format!("column {:?} is {now}, and was {before}", field.name()));
            }
            Some(_) => {}
        }
    }
    for name in before.keys().filter(|name| seen.column_with_name(name).is_none()) {
        changes.push(format!("column {name:?} is gone"));
    }
    changes
}

/// How the target differs, by a look at sizes and times, from what was seen when it was referenced, when it does.
pub(super) fn change(item: &Item<'_>) -> Option<String> {
    if let Some(delta) = delta_target(item).ok()? {
        return delta.change(item);
    }
    if let Some(before) = item.record().get("fingerprint").and_then(Fingerprint::from_json) {
        return quick_change(item, &before);
    }
    let recorded = item.record().get("source_identity")?;
    let Address::Local(path) = Address::parse(item.record().str("path")?) else { return None };
    let seen = fs::metadata(item.outside_path(path)?).ok().filter(fs::Metadata::is_file)?;
    let found = identity(&seen);
    let size = |identity: &Value| identity.get("size").and_then(Value::as_u64);
    let modified = |identity: &Value| identity.get("last_modified").and_then(Value::as_str).and_then(time::from_iso);
    if let (Some(before), Some(now)) = (size(recorded), size(&found))
        && before != now
    {
        return Some(format!("its file has changed since it was referenced: it had {before} bytes and has {now}"));
    }
    let (before, now) = (modified(recorded)?, modified(&found)?);
    (before != now).then(|| {
        let (before, now) = (time::to_iso(before), time::to_iso(now));
        format!("its file was written again since it was referenced: at {now}, and {before} is recorded")
    })
}

/// The rows that were counted when these files of a reference were looked at; `None` where nobody has counted, and where the files are not
/// those any more.
pub(crate) fn rows_as_referenced(item: &Item<'_>, target: &ReferenceTarget, files: &TableFiles) -> Option<u64> {
    let before = Fingerprint::from_json(item.record().get("fingerprint")?)?;
    // Without a list of the files only their size together would be compared.
    let rows = before.rows.filter(|_| before.listing.is_some())?;
    change_of_files(target, files, &before).is_none().then_some(rows)
}

fn quick_change(item: &Item<'_>, before: &Fingerprint) -> Option<String> {
    let target = reference_target(item).ok()?;
    change_of_files(&target, &target.found().ok()?, before)
}

fn change_of_files(target: &ReferenceTarget, files: &TableFiles, before: &Fingerprint) -> Option<String> {
    let since = "since it was referenced";
    let count = files.places().len() as u64;
    if count == 0 {
        return None;
    }
    if count != before.files {
        return Some(format!("its files have changed {since}: there were {}, and there are {count}", before.files));
    }
    let Some(listing) = &before.listing else {
        let bytes = files.size();
        let has_changed = bytes != before.bytes;
        return has_changed
            .then(|| format!("its files have changed {since}: they had {} bytes and have {bytes}", before.bytes));
    };
    for (place, before) in files.places().zip(listing) {
        let now = SeenFile::of(target.path(), place, false).ok()?;
        let one = if count == 1 { "its file".to_owned() } else { format!("its file {}", before.path) };
        if now.path != before.path {
            return Some(format!("its files have changed {since}: {} is there, and {} is not", now.path, before.path));
        }
        if now.size != before.size {
            return Some(format!("{one} has changed {since}: it had {} bytes and has {}", before.size, now.size));
        }
        if now.modified != before.modified {
            let (now, before) = (&now.modified, &before.modified);
            return Some(format!("{one} was written again {since}: at {now}, and {before} is recorded"));
        }
    }
    None
}
