//! Some items and snapshots of a bundle, sent to another one as a commit of its own.

use std::collections::HashMap;
use std::sync::Arc;

use datafolio_core::{Change, Entry, ItemRecord, RelPath, counted, item_type};
use datafolio_handlers::all_files;

use super::{TransferControl, TransferOptions, Transferred};
use crate::bundle::{Batch, DataFolio};
use crate::error::{Error, Result};

/// Sees to it that what is to be sent is there, and that it is still wanted.
pub(super) fn check_some(from: &DataFolio, options: &TransferOptions) -> Result<()> {
    let state = from.state();
    for name in options.include.iter().flatten() {
        state.item(name)?;
    }
    for name in options.snapshots.iter().flatten() {
        state.catalogue().snapshot(name)?;
    }
    options.control.as_ref().map_or(Ok(()), TransferControl::check)
}

/// Sends items and snapshots, as one commit of the other bundle.
pub(super) fn send_some(from: &DataFolio, to: &DataFolio, options: &TransferOptions) -> Result<Transferred> {
    let (theirs, state) = (to.catalogue(), from.state());
    let mut done = Transferred::default();
    let mut wanted = Vec::new();
    for name in options.include.iter().flatten() {
        let entry = state.item(name)?;
        match theirs.current.get(name.as_str()) {
            Some(there) if is_same(there, entry)? => done.present += 1,
            Some(_) if !options.overwrite => {
                return Err(Error::Invalid(format!(
                    "item '{name}' has another content at {}: overwrite gives it a new version there",
                    to.location()
                )));
            }
            _ => wanted.push(Arc::clone(entry)),
        }
    }
    let mut snapshots = Vec::new();
    for name in options.snapshots.iter().flatten() {
        let snapshot = state.catalogue().snapshot(name)?;
        match theirs.snapshots.get(name) {
            Some(there) if there.same_as(snapshot) => done.present += 1,
            Some(_) => {
                return Err(Error::Invalid(format!(
                    "there is another snapshot '{name}' at {}: delete it there first, or give this one another name",
                    to.location()
                )));
            }
            None => {
                let entries = state.catalogue().snapshot_entries(name)?.into_values().collect::<Result<Vec<_>, _>>()?;
                snapshots.push((Arc::clone(snapshot), entries));
            }
        }
    }
    let control = options.control.clone().unwrap_or_default();
    let total = bytes_of(wanted.iter().chain(snapshots.iter().flat_map(|(_, entries)| entries)));
    if !wanted.is_empty() || !snapshots.is_empty() {
        let mut written = Vec::new();
        to.once(|batch| {
            control.begin(total);
            let mut copy = |batch: &mut Batch<'_>, entry: &Arc<Entry>| {
                let before = written.len();
                let copied = from.copy_entry(to, entry, &mut written, &control).map_err(|error| control.why(error));
                // What was written goes again if it comes to nothing, and must still be there when it comes to a commit.
                written[before..].iter().for_each(|file| batch.keep_staged(file.path.clone()));
                copied
            };
            for entry in &wanted {
                let copied = copy(batch, entry)?;
                batch.change(Change::Repoint { name: entry.name().to_owned(), entry: Some(copied) }, String::new())?;
            }
            for (snapshot, entries) in &snapshots {
                let entries = entries.iter().map(|entry| copy(batch, entry)).collect::<Result<Vec<_>>>()?;
                batch.change(Change::RevertSnapshot { snapshot: Arc::clone(snapshot), entries }, String::new())?;
            }
            let sent = [(wanted.len(), "item"), (snapshots.len(), "snapshot")];
            let sent = sent.iter().filter(|(count, _)| *count > 0).map(|(count, what)| counted(*count, what));
            batch.name(format!("receive {} from {}", sent.collect::<Vec<_>>().join(" and "), from.location()));
            control.check()
        })?;
        done.files = written.len() as u64;
        done.bytes = written.iter().map(|file| file.size).sum();
    }
    done.revision = to.revision();
    Ok(done)
}

/// The bytes of the files that versions name, each once; of those whose size is recorded.
fn bytes_of<'a>(entries: impl Iterator<Item = &'a Arc<Entry>>) -> u64 {
    let mut sizes: HashMap<RelPath, u64> = HashMap::new();
    let with_files =
        |entry: &&Arc<Entry>| entry.filename().is_some() && entry.item_type() != item_type::REFERENCED_TABLE;
    for entry in entries.filter(with_files) {
        // What cannot be read is told where it is sent.
        let Some(files) = entry.record().ok().and_then(|record| all_files(&record).ok()) else { continue };
        sizes.extend(files.into_iter().filter_map(|file| Some((file.path, file.expected.size?))));
    }
    sizes.values().fold(0, |sum, size| sum.saturating_add(*size))
}

/// Whether two versions have the same payload, by its recorded hash, and the same description.
fn is_same(one: &Entry, other: &Entry) -> Result<bool> {
    let (one, other) = (one.record()?, other.record()?);
    let hash = |record: &ItemRecord| record.str("sha256").or_else(|| record.str("checksum")).map(str::to_owned);
    Ok(hash(&one).is_some() && hash(&one) == hash(&other) && one.str("description") == other.str("description"))
}
