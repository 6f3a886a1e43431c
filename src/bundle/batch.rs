//! Changes that are committed together: all or nothing.

use std::collections::HashSet;
use std::sync::Arc;

use datafolio_core::history::CommitKind;
use datafolio_core::name::check_item_name;
use datafolio_core::{
    Catalogue, Change, ChangeSet, CoreError, ItemEdit, PutItem, RelPath, Working, item_type, json, time,
};
use datafolio_handlers::{Data, Draft, Handler, HandlerError, Sink};
use datafolio_storage::{Payload, discard_payload};
use indexmap::{IndexMap, IndexSet};
use serde_json::{Map, Value, json};

use crate::bundle::DataFolio;
use crate::bundle::commit::{Committed, Follows, Intent, commit};
use crate::bundle::items::{Deleted, matching};
use crate::bundle::lineage_of;
use crate::bundle::options::AddOptions;
use crate::bundle::state::State;
use crate::bundle::state::reload;
use crate::error::{Error, Result};
use crate::history::chain;
use crate::snapshot::RESERVED;
use crate::text::shell_word;

/// Fields of an entry that callers cannot set as they like.
pub(crate) const RESERVED_FIELDS: [&str; 21] = [
    "name",
    "item_type",
    "filename",
    "checksum",
    "sha256",
    "size_bytes",
    "blocks",
    "created_at",
    "description",
    "inputs",
    "input_versions",
    "version_id",
    "is_current",
    "archived",
    "in_snapshots",
    "parts",
    "grown_from",
    "same_rows",
    "view",
    "derived",
    "stages",
];

/// Changes to a bundle that become one commit.
///
/// Nothing is visible to anyone before [`commit`](Batch::commit); a batch that is dropped has changed nothing, and the
/// files it had staged are removed.
///
/// ```
/// # fn main() -> datafolio::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let folio = datafolio::DataFolio::create(dir.path().join("b"))?;
/// use datafolio::AddOptions;
///
/// let mut batch = folio.batch()?;
/// batch.add("raw", serde_json::json!([1, 2]), AddOptions::new())?;
/// batch.add("sum", serde_json::json!(3), AddOptions::new().inputs(["raw"]))?;
/// batch.commit()?;
/// assert_eq!(folio.revision(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Batch<'a> {
    folio: &'a DataFolio,
    base: Arc<State>,
    set: ChangeSet,
    working: Working,
    staged: Vec<RelPath>,
    done: Vec<String>,
}

/// What only datafolio itself says of an item that is added.
#[derive(Debug, Default)]
pub(crate) struct Own {
    /// Fields of the entry.
    pub(crate) fields: Map<String, Value>,
    /// The versions of the inputs that were read, where they need not be those that the handle sees.
    pub(crate) input_versions: Option<IndexMap<String, String>>,
}

impl DataFolio {
    /// Begins a batch. A bundle of 1.x is changed to the layout of 2.x first, which is a commit of its own.
    ///
    /// # Errors
    /// [`Error::ReadOnly`]; [`Error::DamagedBy1x`].
    pub fn batch(&self) -> Result<Batch<'_>> {
        self.require_writable("change the bundle")?;
        self.migrate_if_needed()?;
        let base = self.state();
        let set = ChangeSet::new(Arc::clone(base.catalogue()));
        let working = Working::new(base.catalogue(), &chain::new_commit_id()?);
        Ok(Batch { folio: self, base, set, working, staged: Vec::new(), done: Vec::new() })
    }

    /// A batch of one step.
    pub(crate) fn once<T>(&self, step: impl FnOnce(&mut Batch<'_>) -> Result<T>) -> Result<T> {
        Ok(self.once_seen(step)?.0)
    }

    /// A batch of one step, with the state that it made. The handle itself may be at a later one by the time of the
    /// answer: another thread may have committed through it.
    pub(crate) fn once_seen<T>(&self, step: impl FnOnce(&mut Batch<'_>) -> Result<T>) -> Result<(T, Arc<State>)> {
        let mut batch = self.batch()?;
        let result = step(&mut batch)?;
        Ok((result, batch.commit_state()?))
    }
}

impl Batch<'_> {
    /// Adds an item: the handler that recognises the value stages its files.
    ///
    /// # Errors
    /// A name that is taken or not allowed; a value that no handler takes; what the handler refuses.
    pub fn add(&mut self, name: &str, data: impl Into<Data>, options: AddOptions) -> Result<()> {
        let data = data.into();
        let handler = Arc::clone(self.folio.registry().recognise(&data)?);
        self.add_as(handler.as_ref(), name, data, options, Own::default())
    }

    /// Adds an item of a given type.
    ///
    /// # Errors
    /// As [`Batch::add`]; a value that is not of the type.
    pub fn add_typed(&mut self, item_type: &str, name: &str, data: impl Into<Data>, options: AddOptions) -> Result<()> {
        self.add_own(item_type, name, data.into(), options, Own::default())
    }

    /// Adds an item of a given type with fields of its entry that are datafolio's own.
    pub(crate) fn add_own(
        &mut self,
        item_type: &str,
        name: &str,
        data: Data,
        options: AddOptions,
        own: Own,
    ) -> Result<()> {
        let handler = self
            .folio
            .registry()
            .for_type(item_type)
            .cloned()
            .ok_or_else(|| HandlerError::UnknownType { item: name.to_owned(), item_type: item_type.to_owned() })?;
        self.add_as(handler.as_ref(), name, data, options, own)
    }

    pub(crate) fn add_as(
        &mut self,
        handler: &dyn Handler,
        name: &str,
        data: Data,
        options: AddOptions,
        own: Own,
    ) -> Result<()> {
        // Refused before a byte is written.
        if let Some(field) = options.write.extra.keys().find(|field| RESERVED_FIELDS.contains(&field.as_str())) {
            return Err(Error::Invalid(format!("{name}: the field {field:?} is datafolio's own and cannot be given")));
        }
        match self.working.catalogue().current.contains_key(name) {
            true if !options.overwrite => return Err(CoreError::ItemExists { name: name.to_owned() }.into()),
            true => {}
            false => check_item_name(name)?,
        }
        let created_at = time::to_iso(time::now());
        let stored_type = handler.item_type().to_owned();
        let settings = self.folio.settings();
        let mut sink = Sink::new(self.folio.storage(), &stored_type, name)
            .with_threads(settings.threads)
            .with_scratch(settings.spill_dir.clone())
            .with_places(self.folio.places());
        let written = handler.write(data, &options.write, &mut sink);
        if !written.as_ref().is_ok_and(|draft| draft.payload.is_some()) {
            // No entry will name what the handler may have finished all the same.
            sink.discard();
        }
        let draft = written?;
        if let Some(payload) = &draft.payload {
            self.staged.push(payload.path.clone());
            // What was hashed as it was written need not be hashed again on this machine.
            self.folio.verified().remember_payload(self.folio.storage().as_ref(), payload)?;
        }
        let mut fields = entry_fields(&stored_type, draft, &options.write.extra);
        fields.extend(own.fields);
        let put = PutItem {
            name: name.to_owned(),
            item_type: stored_type.clone(),
            fields,
            description: options.description,
            input_versions: own.input_versions.unwrap_or_else(|| self.versions_read(&options.inputs)),
            inputs: options.inputs,
            overwrite: options.overwrite,
            created_at,
        };
        let verb = if self.working.catalogue().current.contains_key(name) { "replace" } else { "add" };
        self.change(Change::Put(put), format!("{verb} {name}"))
    }

    /// The versions of inputs that the caller has read, as far as the handle sees them.
    pub(crate) fn versions_read(&self, inputs: &[String]) -> IndexMap<String, String> {
        let current = &self.base.catalogue().current;
        inputs.iter().filter_map(|name| Some((name.clone(), current.get(name.as_str())?.token()))).collect()
    }

    /// Removes items. Versions that snapshots hold stay, and the history keeps the others for as long as it is kept.
    ///
    /// # Errors
    /// [`CoreError::ItemNotFound`] naming the first that is missing; then nothing is removed.
    pub fn delete<S: AsRef<str>>(&mut self, names: &[S]) -> Result<Deleted> {
        let catalogue = self.working.catalogue();
        for name in names {
            catalogue.item(name.as_ref())?;
        }
        let lineage = lineage_of(catalogue);
        // Naming an item twice removes it once.
        let gone: IndexSet<String> = names.iter().map(|name| name.as_ref().to_owned()).collect();
        let mut dependents = IndexMap::new();
        for name in &gone {
            let left: Vec<String> = lineage
                .dependents(name)
                .unwrap_or_default()
                .into_iter()
                .map(str::to_owned)
                .filter(|other| !gone.contains(other))
                .collect();
            if !left.is_empty() {
                dependents.insert(name.clone(), left);
            }
        }
        self.all_or_nothing(|batch| {
            gone.iter()
                .try_for_each(|name| batch.change(Change::Delete { name: name.clone() }, format!("delete {name}")))
        })?;
        Ok(Deleted { names: gone.into_iter().collect(), dependents })
    }

    /// Changes the description or the inputs of an item; `None` leaves them, empty removes them.
    ///
    /// # Errors
    /// [`CoreError::ItemNotFound`].
    pub fn update_item(&mut self, name: &str, description: Option<&str>, inputs: Option<&[&str]>) -> Result<()> {
        let inputs = inputs.map(|names| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            let versions = self.versions_read(&names);
            (names, versions)
        });
        let edit = ItemEdit { description: description.map(str::to_owned), inputs, archived: None };
        self.change(Change::Edit { name: name.to_owned(), edit }, format!("update {name}"))
    }

    /// Archives or unarchives items, by name or by glob pattern. Returns the names that it found.
    ///
    /// # Errors
    /// [`CoreError::ItemNotFound`] for a plain name; a pattern that matches nothing does nothing.
    pub fn set_archived<S: AsRef<str>>(&mut self, patterns: &[S], archived: bool) -> Result<Vec<String>> {
        let names = matching(self.working.catalogue(), patterns)?;
        let verb = if archived { "archive" } else { "unarchive" };
        self.all_or_nothing(|batch| {
            names.iter().try_for_each(|name| {
                let edit = ItemEdit { archived: Some(archived), ..ItemEdit::default() };
                batch.change(Change::Edit { name: name.clone(), edit }, format!("{verb} {name}"))
            })
        })?;
        Ok(names)
    }

    /// Gives an item another name. Items that were made from it name it by the new name afterwards; snapshots do not.
    ///
    /// # Errors
    /// [`CoreError::ItemNotFound`]; [`CoreError::ItemExists`]; a name that is not allowed; [`Error::ViewCycle`] when a view would
    /// read itself under the new name.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        let change = Change::Rename { from: from.to_owned(), to: to.to_owned() };
        self.change(change, format!("rename {from} to {to}"))?;
        #[cfg(feature = "sql")]
        if let Some(path) = crate::view::cycle_through(self.working.catalogue(), to) {
            self.back_to(self.set.changes().len() - 1)?;
            self.done.pop();
            return Err(Error::ViewCycle { path });
        }
        Ok(())
    }

    /// Sets a key of the bundle's metadata.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a key that the bundle itself keeps (`created_at`, `updated_at`, `_datafolio`), and for a value
    /// that is nested more than 120 levels deep.
    pub fn set_metadata(&mut self, key: &str, value: &Value) -> Result<()> {
        refuse_reserved(key)?;
        check_depth(key, value)?;
        let text = json::pretty(value, 4);
        self.change(
            Change::SetMetadata { key: key.to_owned(), value: Some(text.into()) },
            format!("set metadata {key}"),
        )
    }

    /// Removes a key of the bundle's metadata; `false` when it was not there.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a key that the bundle itself keeps.
    pub fn remove_metadata(&mut self, key: &str) -> Result<bool> {
        refuse_reserved(key)?;
        if !self.working.catalogue().metadata.contains_key(key) {
            return Ok(false);
        }
        self.change(Change::SetMetadata { key: key.to_owned(), value: None }, format!("remove metadata {key}"))?;
        Ok(true)
    }

    /// The state with the changes of this batch.
    pub fn catalogue(&self) -> &Catalogue {
        self.working.catalogue()
    }

    /// A handle to the state with the changes of this batch, for reading: what was added can be read before it is committed. It
    /// does not see what the batch changes afterwards, and is of no use once the batch is given up.
    ///
    /// ```
    /// # fn main() -> datafolio::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let folio = datafolio::DataFolio::create(dir.path().join("b"))?;
    /// let mut batch = folio.batch()?;
    /// batch.add("rate", serde_json::json!(3), datafolio::AddOptions::new())?;
    /// assert_eq!(batch.seen().get_json("rate")?, 3);
    /// assert!(!folio.contains("rate"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn seen(&self) -> DataFolio {
        let state = match self.set.is_empty() {
            true => State::clone(&self.base),
            false => State::detached(self.working.catalogue().clone(), self.base.lost.clone()),
        };
        self.folio.detached(state, crate::bundle::Mode::ReadOnly)
    }

    /// The bundle.
    pub(crate) fn folio(&self) -> &DataFolio {
        self.folio
    }

    /// Notes a file that no entry names before the batch is committed.
    pub(crate) fn keep_staged(&mut self, path: RelPath) {
        self.staged.push(path);
    }

    /// Takes over what another batch has staged and could not commit.
    pub(crate) fn take_staged(&mut self, other: &mut Self) {
        self.staged.append(&mut other.staged);
    }

    /// The state that the batch was begun on.
    pub(crate) fn base(&self) -> &Arc<State> {
        &self.base
    }

    /// Makes a change here first, so that what is wrong with it is said at once, and in order.
    pub(crate) fn change(&mut self, change: Change, operation: String) -> Result<()> {
        if let Err(error) = self.working.apply(&change) {
            // It may have got half-way, and the caller may go on without it: back to what the changes before had made.
            self.back_to(self.set.changes().len())?;
            return Err(error.into());
        }
        self.set.push(change);
        self.done.push(operation);
        Ok(())
    }

    /// A step of several changes: when one fails, none of them was made.
    fn all_or_nothing(&mut self, step: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let (changes, done) = (self.set.changes().len(), self.done.len());
        let result = step(self);
        if result.is_err() {
            self.back_to(changes)?;
            self.done.truncate(done);
        }
        result
    }

    /// Forgets all but the first changes.
    fn back_to(&mut self, count: usize) -> Result<()> {
        let mut set = ChangeSet::new(Arc::clone(self.base.catalogue()));
        let mut working = Working::new(self.base.catalogue(), self.working.commit_id());
        for made in &self.set.changes()[..count] {
            working.apply(made)?;
            set.push(made.clone());
        }
        (self.set, self.working) = (set, working);
        Ok(())
    }

    /// Says in one line what all changes so far are.
    pub(crate) fn name(&mut self, operation: String) {
        self.done = vec![operation];
    }

    /// Commits all changes as one revision, and returns it. Without changes nothing is written.
    ///
    /// # Errors
    /// [`CoreError::Conflict`] when another writer has changed one of the same things since the handle last looked; then,
    /// as with every error, nothing of the batch is published.
    pub fn commit(self) -> Result<u64> {
        Ok(self.commit_state()?.catalogue().revision)
    }

    /// Commits, and returns the state that this made.
    fn commit_state(mut self) -> Result<Arc<State>> {
        self.try_commit()
    }

    /// The same, for who still needs what was staged when it fails. Nothing more can be added.
    pub(crate) fn try_commit(&mut self) -> Result<Arc<State>> {
        if self.changes_nothing()? {
            return Ok(Arc::clone(&self.base));
        }
        let intent = Intent {
            operation: summary(&self.done),
            kind: CommitKind::Commit,
            follows: Follows::Head,
            writer: self.folio.writer(),
            staged: &self.staged,
            condemned: &[],
            recovered: &[],
        };
        let done = std::mem::replace(&mut self.working, Working::new(&Catalogue::empty(), ""));
        match commit(self.folio, &self.set, &intent, Some(done)) {
            Ok(Committed { state, is_it }) => {
                // What is left here is removed when the batch goes: payloads that the batch itself replaced or deleted. A later head does
                // not tell which these are: the revision that was made may name what it no longer does.
                self.staged = if is_it { self.superseded(state.catalogue()) } else { Vec::new() };
                self.folio.give_room(std::mem::replace(&mut self.base, Arc::clone(&state)));
                Ok(state)
            }
            Err(error) => {
                if matches!(error, Error::NotDurable { .. } | Error::CommitUnknown { .. }) {
                    // The commit is visible, or may be, so its payloads have to stay.
                    self.staged.clear();
                }
                Err(error)
            }
        }
    }
}

impl Batch<'_> {
    /// Whether the changes add up to nothing, such as a description set to what it was, and nobody else has changed
    /// anything meanwhile that they would be in conflict with.
    fn changes_nothing(&self) -> Result<bool> {
        if self.set.is_empty() {
            return Ok(true);
        }
        let (base, now) = (self.base.catalogue(), self.working.catalogue());
        let same_lists = base.current.len() == now.current.len() && base.retired.len() == now.retired.len();
        if !same_lists || base.metadata != now.metadata {
            return Ok(false);
        }
        let same_entries = base.current.differing(&now.current).is_empty()
            && base.retired.iter().zip(&now.retired).all(|(a, b)| Arc::ptr_eq(a, b));
        let same_snapshots = base.snapshots.len() == now.snapshots.len()
            && base.snapshots.values().zip(now.snapshots.values()).all(|(a, b)| Arc::ptr_eq(a, b));
        if !same_entries || !same_snapshots {
            return Ok(false);
        }
        Ok(Arc::ptr_eq(&reload(self.folio.storage().as_ref(), &self.base)?, &self.base))
    }

    /// Staged payloads that the published catalogue does not name.
    fn superseded(&mut self, published: &Catalogue) -> Vec<RelPath> {
        let staged = std::mem::take(&mut self.staged);
        if staged.len() == self.set.changes().len() && staged.len() < 2 {
            return Vec::new();
        }
        let named: HashSet<RelPath> = published.entries().flat_map(|entry| entry.files()).collect();
        staged.into_iter().filter(|path| !named.contains(path)).collect()
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        for path in &self.staged {
            discard_payload(self.folio.storage().as_ref(), path);
        }
    }
}

fn refuse_reserved(key: &str) -> Result<()> {
    match RESERVED.contains(&key) {
        true => Err(Error::Invalid(format!("the metadata key {key:?} is kept by the bundle itself: choose another"))),
        false => Ok(()),
    }
}

/// What is nested too deeply could be written, and not be read as part of a snapshot.
pub(crate) fn check_depth(key: &str, value: &Value) -> Result<()> {
    const MOST: usize = json::MAX_METADATA_DEPTH;
    match json::is_deeper_than(value, MOST) {
        true => Err(Error::Invalid(format!("the metadata key {key:?} is nested more than {MOST} levels deep"))),
        false => Ok(()),
    }
}

/// What a copy or a snapshot would have to leave out.
pub(crate) fn check_metadata(catalogue: &Catalogue) -> Result<()> {
    match catalogue.unreadable_metadata().first() {
        Some((key, flaw)) => Err(Error::Invalid(format!(
            "the metadata key {key:?}, which another program has written, cannot be read ({flaw}) and would be lost here: \
             `datafolio meta --unset {}` removes it",
            shell_word(key)
        ))),
        None => Ok(()),
    }
}

/// The fields of a new entry that come from its payload and its type.
fn entry_fields(stored_type: &str, draft: Draft, extra: &Map<String, Value>) -> Map<String, Value> {
    let mut fields = Map::new();
    if let Some(payload) = &draft.payload {
        fields = payload_fields(payload);
        if stored_type == item_type::TIMESTAMP {
            fields.shift_remove("checksum");
        }
    }
    for (key, value) in extra.iter().chain(&draft.fields) {
        fields.insert(key.clone(), value.clone());
    }
    fields
}

/// What an entry says of its payload.
pub(crate) fn payload_fields(payload: &Payload) -> Map<String, Value> {
    // Its name is relative to the directory of the item type.
    let path = payload.path.as_str();
    let mut fields = Map::new();
    fields.insert("filename".to_owned(), path.split_once('/').map_or(path, |(_, name)| name).into());
    if let Some(md5) = &payload.md5 {
        fields.insert("checksum".to_owned(), md5.as_str().into());
    }
    fields.insert("sha256".to_owned(), payload.sha256.as_str().into());
    fields.insert("size_bytes".to_owned(), payload.size.into());
    if let Some(blocks) = &payload.blocks {
        fields.insert("blocks".to_owned(), json!({"filename": blocks.filename, "sha256": blocks.sha256}));
    }
    fields
}

/// One line for all that a batch did.
fn summary(done: &[String]) -> String {
    const SHOWN: usize = 5;
    match done.len() {
        0..=SHOWN => done.join(", "),
        n => format!("{}, and {} more", done[..SHOWN].join(", "), n - SHOWN),
    }
}
