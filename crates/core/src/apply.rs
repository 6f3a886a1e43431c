//! Applying changes to a catalogue: the same code when a change is made and when a commit replays it.

mod snapshots;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::catalogue::{Catalogue, CommitStamp};
use crate::change::{Change, ChangeSet, ItemEdit, PutItem};
use crate::diff::same_content;
use crate::entry::Entry;
use crate::error::{CoreError, CoreResult};
use crate::json::quote;
use crate::name::check_item_name;
use crate::parts::{AppendParts, CompactParts};
use crate::record::ItemRecord;

/// A catalogue being changed.
#[derive(Debug, Clone)]
pub struct Working {
    catalogue: Catalogue,
    /// The revision that a commit of these changes would have.
    revision: u64,
    /// The id of that commit. Version ids begin with the revision and carry the beginning of this one.
    commit_id: String,
    /// Version ids given so far.
    ids: HashSet<String>,
    /// Versions put by these changes, by name: inputs of later ones.
    made: HashMap<String, String>,
    /// Versions that were gone from the catalogue and came back for a snapshot.
    reinserted: Vec<Arc<Entry>>,
}

/// A version that a snapshot holds and that is about to be replaced.
#[derive(Debug)]
struct Displaced {
    entry: Arc<Entry>,
    /// What the snapshot recorded for it.
    token: Option<String>,
}

/// The result of replaying a change set onto the head of a bundle.
#[derive(Debug)]
pub struct Applied {
    /// The state to be published.
    pub catalogue: Catalogue,
    /// Versions whose payload must still be there, because nothing in the head held them any more.
    pub reinserted: Vec<Arc<Entry>>,
}

/// Replays a change set onto the head.
///
/// # Errors
/// [`CoreError::Conflict`] when an assumption does not hold; [`CoreError::RevisionLimit`]; what the changes themselves
/// refuse.
pub fn replay(set: &ChangeSet, head: &Arc<Catalogue>, stamp: CommitStamp, now: &str) -> CoreResult<Applied> {
    head.next_revision()?;
    if !Arc::ptr_eq(set.base(), head) {
        set.check(head)?;
    }
    let mut working = Working::new(head, &stamp.id);
    for change in set.changes() {
        working.apply(change)?;
    }
    Ok(working.finish(stamp.parent, now))
}

impl Working {
    /// Starts from a state of the bundle, for a commit that will have this id.
    pub fn new(catalogue: &Catalogue, commit_id: &str) -> Self {
        let catalogue = catalogue.in_layout_2();
        Self {
            revision: catalogue.revision + 1,
            commit_id: commit_id.to_owned(),
            catalogue,
            ids: HashSet::new(),
            made: HashMap::new(),
            reinserted: Vec::new(),
        }
    }

    /// The id of the commit that these changes are for.
    pub fn commit_id(&self) -> &str {
        &self.commit_id
    }

    /// The state with the changes so far.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The state to be published by the commit, which follows the given one.
    pub fn finish(mut self, parent: Option<String>, now: &str) -> Applied {
        self.catalogue.metadata.insert("updated_at".to_owned(), quote(now).into());
        self.catalogue.revision = self.revision;
        self.catalogue.commit = Some(CommitStamp { id: self.commit_id, parent });
        self.catalogue.problems.clear();
        Applied { catalogue: self.catalogue, reinserted: self.reinserted }
    }

    /// Applies one change.
    ///
    /// # Errors
    /// What the change's kind refuses: a name that is taken or missing, or not allowed.
    pub fn apply(&mut self, change: &Change) -> CoreResult<()> {
        match change {
            Change::Put(put) => self.put(put),
            Change::Append(append) => self.append(append),
            Change::Compact(compact) => self.compact(compact),
            Change::Delete { name } => self.remove(name),
            Change::Edit { name, edit } => self.edit(name, edit),
            Change::Rename { from, to } => self.rename(from, to),
            Change::RenameInputs { from, to } => self.rename_in_dependents(from, to),
            Change::Repoint { name, entry } => self.repoint(name, entry.as_ref()),
            Change::SetMetadata { key, value } => {
                match value {
                    Some(text) => drop(self.catalogue.metadata.insert(key.clone(), Arc::clone(text))),
                    None => drop(self.catalogue.metadata.shift_remove(key)),
                }
                Ok(())
            }
            Change::AddSnapshot { name, fields, entries } => self.add_snapshot(name, fields, entries),
            Change::RevertSnapshot { snapshot, entries } => self.revert_snapshot(snapshot, entries),
            Change::DeleteSnapshot { name } => {
                self.catalogue.snapshot(name)?;
                self.catalogue.snapshots.shift_remove(name);
                self.drop_orphans();
                Ok(())
            }
            Change::DropOrphans => {
                self.drop_orphans();
                Ok(())
            }
        }
    }

    fn put(&mut self, put: &PutItem) -> CoreResult<()> {
        let before = self.catalogue.current.get(put.name.as_str()).cloned();
        if before.is_some() && !put.overwrite {
            return Err(CoreError::ItemExists { name: put.name.clone() });
        }
        if before.is_none() {
            // A name that is there already may be one that 1.x allowed.
            check_item_name(&put.name)?;
        }
        let mut fields = Map::new();
        fields.insert("name".to_owned(), put.name.clone().into());
        fields.insert("item_type".to_owned(), put.item_type.clone().into());
        fields.extend(put.fields.clone());
        fields.insert("created_at".to_owned(), put.created_at.clone().into());
        let inherited =
            || before.as_ref().and_then(|entry| entry.record().ok()).and_then(|r| r.description().map(str::to_owned));
        if let Some(text) = put.description.clone().or_else(inherited).filter(|text| !text.is_empty()) {
            fields.insert("description".to_owned(), text.into());
        }
        let mut record = ItemRecord::new(fields);
        self.set_inputs(&mut record, &put.inputs, &put.input_versions);
        let id = self.fresh_id(&put.name);
        self.made.insert(put.name.clone(), id.clone());
        record.set("version_id", Some(id.into()));
        record.set("is_current", Some(true.into()));
        self.replace_current(&put.name, record)
    }

    /// Records names and versions of inputs. An input that was put by the same changes has just been given its version.
    fn set_inputs(&self, record: &mut ItemRecord, names: &[String], read: &indexmap::IndexMap<String, String>) {
        let list = |names: &[String]| (!names.is_empty()).then(|| Value::from(names.to_vec()));
        record.set("inputs", list(names));
        let versions: Map<String, Value> = names
            .iter()
            .filter_map(|name| {
                let version = self.made.get(name).or_else(|| read.get(name))?;
                Some((name.clone(), version.clone().into()))
            })
            .collect();
        record.set("input_versions", (!versions.is_empty()).then_some(Value::Object(versions)));
    }

    fn append(&mut self, append: &AppendParts) -> CoreResult<()> {
        let before = self.catalogue.item(&append.name)?.record()?;
        let mut record = before.appended(append).map_err(|error| self.found_here(error))?;
        if !append.inputs.is_empty() {
            let mut names: Vec<String> = before.inputs().into_iter().map(str::to_owned).collect();
            let mut versions = before.input_versions();
            for name in &append.inputs {
                // The rows that came last were made from this version.
                versions.shift_remove(name);
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
            versions.extend(append.input_versions.clone());
            record.set("models", None);
            self.set_inputs(&mut record, &names, &versions);
        }
        self.put_grown(&append.name, record)
    }

    fn compact(&mut self, compact: &CompactParts) -> CoreResult<()> {
        let before = self.catalogue.item(&compact.name)?.record()?;
        let record = before.compacted(compact).map_err(|error| self.found_here(error))?;
        self.put_grown(&compact.name, record)
    }

    /// Makes the record of a table with other parts the current version.
    fn put_grown(&mut self, name: &str, mut record: ItemRecord) -> CoreResult<()> {
        record.forget_former_inputs();
        let id = self.fresh_id(name);
        self.made.insert(name.to_owned(), id.clone());
        record.set("version_id", Some(id.into()));
        record.set("is_current", Some(true.into()));
        self.replace_current(name, record)
    }

    /// A conflict that shows when a change is made, with the revision that it was made on.
    fn found_here(&self, error: CoreError) -> CoreError {
        match error {
            CoreError::Conflict { key, assumed, found, .. } => {
                CoreError::Conflict { key, assumed, found, revision: self.catalogue.revision }
            }
            other => other,
        }
    }

    fn remove(&mut self, name: &str) -> CoreResult<()> {
        self.catalogue.item(name)?;
        let displaced = self.displaced(name);
        self.catalogue.current.remove(name);
        self.retire(displaced)
    }

    fn edit(&mut self, name: &str, edit: &ItemEdit) -> CoreResult<()> {
        let entry = Arc::clone(self.catalogue.item(name)?);
        let mut record = (*entry.record()?).clone();
        if let Some(text) = &edit.description {
            record.set("description", (!text.is_empty()).then(|| text.clone().into()));
        }
        if let Some((names, versions)) = &edit.inputs {
            self.set_inputs(&mut record, names, versions);
        }
        if let Some(archived) = edit.archived {
            record.set("archived", archived.then_some(true.into()));
        }
        if record == *entry.record()? {
            return Ok(());
        }
        self.put_edited(name, record)
    }

    /// Makes an edited record the current version, under an id of its own: what a snapshot or another handle has seen
    /// never changes under them.
    fn put_edited(&mut self, name: &str, mut record: ItemRecord) -> CoreResult<()> {
        record.forget_former_inputs();
        record.forget_growth();
        let id = self.fresh_id(name);
        record.set("version_id", Some(id.into()));
        record.set("is_current", Some(true.into()));
        self.replace_current(name, record)
    }

    fn rename(&mut self, from: &str, to: &str) -> CoreResult<()> {
        let entry = Arc::clone(self.catalogue.item(from)?);
        check_item_name(to)?;
        if self.catalogue.current.contains_key(to) {
            return Err(CoreError::ItemExists { name: to.to_owned() });
        }
        let position = self.catalogue.current.place_of(from).unwrap_or(0);
        let mut record = (*entry.record()?).clone();
        record.forget_former_inputs();
        record.forget_growth();
        record.set("name", Some(to.into()));
        let id = self.fresh_id(to);
        self.made.insert(to.to_owned(), id.clone());
        record.set("version_id", Some(id.into()));
        let renamed = Arc::new(Entry::from_record(record)?);
        let displaced = self.displaced(from);
        self.catalogue.current.remove(from);
        self.catalogue.current.insert_at(position, renamed);
        self.retire(displaced)?;
        self.rename_in_dependents(from, to)
    }

    fn rename_in_dependents(&mut self, from: &str, to: &str) -> CoreResult<()> {
        let mut edited = Vec::new();
        for (name, entry) in self.catalogue.current.iter() {
            // Most entries do not name the item; their text tells without parsing it, unless it has escapes, which can
            // stand for any character.
            let named = entry.text().contains(from);
            if !named && !entry.text().contains('\\') {
                continue;
            }
            let record = match entry.record() {
                // It may be made from something else altogether, and that it cannot be read is damage to itself alone.
                Err(_) if !named => continue,
                other => other?,
            };
            if !record.inputs().contains(&from) {
                continue;
            }
            let mut record = (*record).clone();
            for field in ["inputs", "models"] {
                let names: Vec<&str> =
                    record.strings(field).into_iter().map(|name| if name == from { to } else { name }).collect();
                let list = (!names.is_empty()).then(|| Value::from(names));
                record.set(field, list);
            }
            if let Some(Value::Object(versions)) = record.fields_mut().get_mut("input_versions") {
                *versions = std::mem::take(versions)
                    .into_iter()
                    .map(|(name, version)| (if name == from { to.to_owned() } else { name }, version))
                    .collect();
            }
            edited.push((name.to_string(), record));
        }
        for (name, record) in edited {
            self.put_edited(&name, record)?;
        }
        Ok(())
    }

    fn repoint(&mut self, name: &str, entry: Option<&Arc<Entry>>) -> CoreResult<()> {
        let Some(entry) = entry else {
            return match self.catalogue.current.contains_key(name) {
                true => self.remove(name),
                false => Ok(()),
            };
        };
        if self.catalogue.current.get(name).is_some_and(|current| same_version(current, entry)) {
            return Ok(());
        }
        let kept = self.catalogue.retired.iter().position(|old| same_version(old, entry));
        // Asked while the version that goes is still there: its id is not free for another one.
        let entry = match kept {
            Some(_) => Arc::clone(entry),
            None => self.with_free_id(entry)?,
        };
        let displaced = self.displaced(name);
        match kept {
            Some(index) => drop(self.catalogue.retired.remove(index)),
            None => self.reinserted.push(Arc::clone(&entry)),
        }
        let current = entry.with_currency(true)?;
        self.catalogue.current.insert(current);
        self.retire(displaced)
    }

    fn replace_current(&mut self, name: &str, record: ItemRecord) -> CoreResult<()> {
        let entry = Arc::new(Entry::from_record(record)?);
        let displaced = self.displaced(name);
        self.catalogue.current.insert(entry);
        self.retire(displaced)
    }

    /// The current version of an item that is about to be replaced, if a snapshot holds it. This must be asked before the
    /// new version is there: to a snapshot of 1.x, which knows checksums only, both can look the same.
    fn displaced(&self, name: &str) -> Option<Displaced> {
        let entry = self.catalogue.current.get(name)?;
        let snapshot = self.catalogue.pinning(entry).next()?;
        let record = self.catalogue.snapshots.get(snapshot)?.record().ok()?;
        Some(Displaced { entry: Arc::clone(entry), token: record.item_versions.get(name).cloned() })
    }

    /// Keeps a version that a snapshot holds as an old one. Versions that none holds live on in the history alone.
    fn retire(&mut self, pinned: Option<Displaced>) -> CoreResult<()> {
        let Some(Displaced { entry, token }) = pinned else { return Ok(()) };
        let mut old = entry.with_currency(false)?;
        // An entry of 1.x is named by the token of its snapshot, so that every release finds it: 2.x knows a version by its
        // id or checksum alone, and the token may be a time.
        if let Some(token) = token.filter(|token| old.version_id().is_none() && !self.is_taken(old.name(), token)) {
            let mut record = (*old.record()?).clone();
            record.set("version_id", Some(token.into()));
            old = Arc::new(Entry::from_record(record)?);
        }
        let (named, _) = self.with_id(&old)?;
        self.catalogue.retired.push(named);
        Ok(())
    }

    fn drop_orphans(&mut self) {
        let orphans = self.catalogue.orphans();
        if !orphans.is_empty() {
            let gone: HashSet<*const Entry> = orphans.iter().map(Arc::as_ptr).collect();
            self.catalogue.retired.retain(|entry| !gone.contains(&Arc::as_ptr(entry)));
        }
    }

    /// A new version id. The revision alone would not do: it counts anew in a copy, whose versions bring the ids of their
    /// source, and after the loss of a catalogue. The beginning of the commit's random id tells such revisions apart.
    fn fresh_id(&mut self, name: &str) -> String {
        const SHOWN: usize = 6;
        let commit = self.commit_id.get(..SHOWN).unwrap_or(&self.commit_id);
        let base = format!("{name}--r{}-{commit}", self.revision);
        let mut id = base.clone();
        let mut suffix = 0;
        while self.ids.contains(&id) || self.is_taken(name, &id) {
            suffix += 1;
            id = format!("{base}-{suffix}");
        }
        self.ids.insert(id.clone());
        id
    }

    fn is_taken(&self, name: &str, id: &str) -> bool {
        let current = self.catalogue.current.get(name);
        let retired = self.catalogue.retired.iter().filter(|entry| entry.name() == name);
        current.into_iter().chain(retired).any(|entry| entry.version_id() == Some(id))
    }
}

/// Whether two entries are the same version; one of them may have been retired or edited in place meanwhile. An id alone
/// does not tell: other programs can give one again for another content, and even write that to a file of the same name.
fn same_version(a: &Arc<Entry>, b: &Arc<Entry>) -> bool {
    if a.name() != b.name() {
        return false;
    }
    match (a.version_id(), b.version_id()) {
        (Some(id), Some(other)) => id == other && same_content(a, b) && !a.contradicts(b),
        _ => a.same_as(b),
    }
}
