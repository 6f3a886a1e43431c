//! Snapshots that are made or come back, and the versions that they hold.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Working, same_version};
use crate::entry::Entry;
use crate::error::{CoreError, CoreResult};
use crate::name::check_snapshot_name;
use crate::snapshot::Snapshot;

impl Working {
    pub(super) fn add_snapshot(
        &mut self,
        name: &str,
        fields: &Map<String, Value>,
        entries: &[Arc<Entry>],
    ) -> CoreResult<()> {
        check_snapshot_name(name)?;
        if self.catalogue.snapshots.contains_key(name) {
            return Err(CoreError::SnapshotExists { name: name.to_owned() });
        }
        let mut versions = Map::new();
        for entry in entries {
            let id = self.hold(entry)?;
            versions.insert(entry.name().to_owned(), id.into());
        }
        // The order of the fields is that of 2.x.
        let mut all = Map::new();
        for (key, value) in fields {
            if key == "metadata_snapshot" {
                all.insert("item_versions".to_owned(), Value::Object(std::mem::take(&mut versions)));
            }
            all.insert(key.clone(), value.clone());
        }
        if !all.contains_key("item_versions") {
            all.insert("item_versions".to_owned(), Value::Object(versions));
        }
        let snapshot = Snapshot::from_fields(name, &all);
        self.catalogue.snapshots.insert(name.to_owned(), Arc::new(snapshot));
        Ok(())
    }

    pub(super) fn revert_snapshot(&mut self, snapshot: &Arc<Snapshot>, entries: &[Arc<Entry>]) -> CoreResult<()> {
        if self.catalogue.snapshots.contains_key(snapshot.name()) {
            return Err(CoreError::SnapshotExists { name: snapshot.name().to_owned() });
        }
        let mut ids = Vec::new();
        for entry in entries {
            ids.push((entry.name(), self.hold(entry)?));
        }
        let mut snapshot = Arc::clone(snapshot);
        // What the snapshot recorded may be the id of another version by now: then it names this one by its new id.
        let record = snapshot.record()?;
        let mut fields = record.fields.clone();
        if let Some(Value::Object(versions)) = fields.get_mut("item_versions") {
            for (item, id) in ids {
                let Some(token) = record.item_versions.get(item) else { continue };
                let found = self.catalogue.resolve(snapshot.name(), item, token);
                if found.is_none_or(|found| found.version_id() != Some(&id)) {
                    versions.insert(item.to_owned(), id.into());
                }
            }
        }
        if fields != record.fields {
            snapshot = Arc::new(Snapshot::from_fields(snapshot.name(), &fields));
        }
        self.catalogue.snapshots.insert(snapshot.name().to_owned(), snapshot);
        Ok(())
    }

    /// Sees to it that the catalogue has this version, with an id that a snapshot can name.
    fn hold(&mut self, entry: &Arc<Entry>) -> CoreResult<String> {
        if let Some(current) = self.catalogue.current.get(entry.name())
            && same_version(current, entry)
        {
            if let Some(id) = current.version_id() {
                return Ok(id.to_owned());
            }
            let (named, id) = self.with_id(&Arc::clone(current))?;
            self.catalogue.current.insert(named);
            return Ok(id);
        }
        if let Some(index) = self.catalogue.retired.iter().position(|old| same_version(old, entry)) {
            let old = Arc::clone(&self.catalogue.retired[index]);
            let (named, id) = self.with_id(&old)?;
            self.catalogue.retired[index] = named;
            return Ok(id);
        }
        let free = self.with_free_id(entry)?;
        let (named, id) = self.with_id(&free.with_currency(false)?)?;
        self.reinserted.push(Arc::clone(&named));
        self.catalogue.retired.push(named);
        Ok(id)
    }

    /// The entry with a version id: its own, else its checksum as 2.x does, else a new one.
    pub(super) fn with_id(&mut self, entry: &Arc<Entry>) -> CoreResult<(Arc<Entry>, String)> {
        if let Some(id) = entry.version_id() {
            return Ok((Arc::clone(entry), id.to_owned()));
        }
        let mut record = (*entry.record()?).clone();
        let id = match record.str("checksum") {
            Some(checksum) if !self.is_taken(entry.name(), checksum) => checksum.to_owned(),
            _ => self.fresh_id(entry.name()),
        };
        record.set("version_id", Some(id.clone().into()));
        Ok((Arc::new(Entry::from_record(record)?), id))
    }

    /// A version that comes back into the catalogue, under a new id when another version has its id by now: a program that
    /// counts revisions anew, as in a copy of a bundle, gives ids again.
    pub(super) fn with_free_id(&mut self, entry: &Arc<Entry>) -> CoreResult<Arc<Entry>> {
        match entry.version_id() {
            Some(id) if self.is_taken(entry.name(), id) => {
                let mut record = (*entry.record()?).clone();
                let id = self.fresh_id(entry.name());
                record.set("version_id", Some(id.into()));
                Ok(Arc::new(Entry::from_record(record)?))
            }
            _ => Ok(Arc::clone(entry)),
        }
    }
}
