//! Items that are added in a batch.

use std::sync::Arc;

use datafolio_core::name::check_item_name;
use datafolio_core::{Change, CoreError, PutItem, item_type, time};
use datafolio_handlers::{Data, Draft, Handler, HandlerError, Sink};
use datafolio_storage::Payload;
use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::Batch;
use crate::bundle::options::AddOptions;
use crate::error::{Error, Result};

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

/// What only datafolio itself says of an item that is added.
#[derive(Debug, Default)]
pub(crate) struct Own {
    /// Fields of the entry.
    pub(crate) fields: Map<String, Value>,
    /// The versions of the inputs that were read, where they need not be those that the handle sees.
    pub(crate) input_versions: Option<IndexMap<String, String>>,
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
