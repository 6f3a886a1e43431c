//! Reading items and what is known of them.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafolio_core::{CoreError, Entry, ItemRecord, item_type};
use datafolio_handlers::npy::NpyArray;
use datafolio_handlers::{Data, HandlerError, Item, StoredArray, TableReadOptions};
use datafolio_storage::{Source, Verification};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::bundle::DataFolio;
use crate::error::{Error, Result};
use crate::view::{is_view, is_view_entry};

/// What the catalogue says of an item.
#[derive(Debug, Clone, Serialize)]
pub struct ItemInfo {
    /// Its name.
    pub name: String,
    /// Its type.
    pub item_type: String,
    /// The list of [`Contents`] that it stands in: `views` for a view, whose type is that of a JSON value.
    pub category: &'static str,
    /// Its current version.
    pub version: String,
    /// Whether it is archived.
    pub archived: bool,
    /// All fields of its entry; of `input_versions`, those that belong to an input.
    pub record: Map<String, Value>,
}

impl ItemInfo {
    pub(crate) fn of(entry: &Entry) -> Result<Self> {
        let mut record = (*entry.record()?).clone();
        record.forget_former_inputs();
        Ok(Self {
            name: entry.name().to_owned(),
            item_type: entry.item_type().to_owned(),
            category: category_of(entry),
            version: entry.token(),
            archived: entry.is_archived(),
            record: record.into_fields(),
        })
    }

    /// The fields as those of a record.
    #[cfg(feature = "cli")]
    pub(crate) fn to_record(&self) -> ItemRecord {
        ItemRecord::new(self.record.clone())
    }

    /// The description, where it has one.
    pub fn description(&self) -> Option<&str> {
        self.record.get("description").and_then(Value::as_str)
    }
}

/// The names of all items by category, in the order in which they came to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Contents {
    /// Tables that lie elsewhere.
    pub referenced_tables: Vec<String>,
    /// Tables in the bundle.
    pub included_tables: Vec<String>,
    /// Views.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub views: Vec<String>,
    /// Arrays.
    pub numpy_arrays: Vec<String>,
    /// JSON values.
    pub json_data: Vec<String>,
    /// Instants.
    pub timestamps: Vec<String>,
    /// Models.
    pub models: Vec<String>,
    /// Files.
    pub artifacts: Vec<String>,
    /// Items of types that are not known here; they are kept as they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other: Vec<String>,
}

impl Contents {
    /// Keeps the names that a condition holds for.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        for names in [
            &mut self.referenced_tables,
            &mut self.included_tables,
            &mut self.views,
            &mut self.numpy_arrays,
            &mut self.json_data,
            &mut self.timestamps,
            &mut self.models,
            &mut self.artifacts,
            &mut self.other,
        ] {
            names.retain(|name| keep(name));
        }
    }

    /// Each category with its names, in the order in which people are shown them.
    pub fn categories(&self) -> [(&'static str, &[String]); 9] {
        [
            ("Referenced tables", &self.referenced_tables),
            ("Tables", &self.included_tables),
            ("Views", &self.views),
            ("Numpy Arrays", &self.numpy_arrays),
            ("JSON Data", &self.json_data),
            ("Models", &self.models),
            ("Artifacts", &self.artifacts),
            ("Timestamps", &self.timestamps),
            ("Other items", &self.other),
        ]
    }
}

/// The list of [`Contents`] that an entry stands in.
pub(crate) fn category_of(entry: &Entry) -> &'static str {
    match entry.item_type() {
        item_type::REFERENCED_TABLE => "referenced_tables",
        item_type::INCLUDED_TABLE | item_type::POLARS_TABLE => "included_tables",
        item_type::NUMPY_ARRAY => "numpy_arrays",
        item_type::JSON_DATA if is_view_entry(entry) => "views",
        item_type::JSON_DATA => "json_data",
        item_type::TIMESTAMP => "timestamps",
        item_type::MODEL | item_type::PYTORCH_MODEL => "models",
        item_type::ARTIFACT => "artifacts",
        _ => "other",
    }
}

impl DataFolio {
    /// Names of all items by category.
    pub fn list(&self, include_archived: bool) -> Contents {
        let mut contents = Contents::default();
        for entry in self.state().catalogue().current.values() {
            if entry.is_archived() && !include_archived {
                continue;
            }
            let list = match category_of(entry) {
                "referenced_tables" => &mut contents.referenced_tables,
                "included_tables" => &mut contents.included_tables,
                "views" => &mut contents.views,
                "numpy_arrays" => &mut contents.numpy_arrays,
                "json_data" => &mut contents.json_data,
                "timestamps" => &mut contents.timestamps,
                "models" => &mut contents.models,
                "artifacts" => &mut contents.artifacts,
                _ => &mut contents.other,
            };
            list.push(entry.name().to_owned());
        }
        contents
    }

    /// Whether there is an item of that name, archived or not.
    pub fn contains(&self, name: &str) -> bool {
        self.state().catalogue().current.contains_key(name)
    }

    /// What the catalogue says of all items, in the order in which they came to be. An entry that cannot be read is an
    /// `Err` in its place.
    pub fn items(&self, include_archived: bool) -> Vec<Result<ItemInfo>> {
        let state = self.state();
        let entries = state.catalogue().current.values();
        entries.filter(|entry| include_archived || !entry.is_archived()).map(|entry| ItemInfo::of(entry)).collect()
    }

    /// What the catalogue says of one item.
    ///
    /// # Errors
    /// [`CoreError::ItemNotFound`]; a snapshot's [`CoreError::LostVersion`].
    pub fn item_info(&self, name: &str) -> Result<ItemInfo> {
        ItemInfo::of(self.state().item(name)?)
    }

    /// Reads an item.
    ///
    /// # Errors
    /// When there is no such item, no handler for its type, or its bytes are missing or damaged.
    pub fn get(&self, name: &str) -> Result<Data> {
        let record = self.record(name)?;
        self.refuse_changed(&record)?;
        self.read_record(&record)
    }

    /// Reads an item with another degree of checking than the handle's setting: [`Verification::Off`] where speed counts and
    /// the bytes were checked before, [`Verification::Full`] where every byte is to be compared before any is used.
    ///
    /// # Errors
    /// As [`DataFolio::get`].
    pub fn get_with(&self, name: &str, verification: Verification) -> Result<Data> {
        match self.checking(Some(verification)) {
            Some(folio) => folio.get(name),
            None => self.get(name),
        }
    }

    /// Reads an array.
    ///
    /// # Errors
    /// As [`DataFolio::get`]; [`Error::WrongType`].
    pub fn get_array(&self, name: &str) -> Result<NpyArray> {
        match self.get_typed(name, "a numpy array", &[item_type::NUMPY_ARRAY])? {
            Data::Array(array) => Ok(array),
            other => Err(self.mismatch(name, "a numpy array", other.kind())),
        }
    }

    /// Opens an array without reading its elements: [`StoredArray`] reads those that are asked for.
    ///
    /// # Errors
    /// As [`DataFolio::get`]; [`Error::WrongType`].
    pub fn open_array(&self, name: &str) -> Result<StoredArray> {
        let record = self.record(name)?;
        match self.stored_array(&record)? {
            Some(array) => Ok(array),
            None => Err(self.mismatch(name, "a numpy array", record.item_type())),
        }
    }

    /// Opens an array, whose elements are then checked to another degree than the handle's setting.
    ///
    /// # Errors
    /// As [`DataFolio::open_array`].
    pub fn open_array_with(&self, name: &str, verification: Verification) -> Result<StoredArray> {
        match self.checking(Some(verification)) {
            Some(folio) => folio.open_array(name),
            None => self.open_array(name),
        }
    }

    /// The array that a record describes; `None` for other types.
    pub(crate) fn stored_array(&self, record: &ItemRecord) -> Result<Option<StoredArray>> {
        if record.item_type() != item_type::NUMPY_ARRAY {
            return Ok(None);
        }
        Ok(Some(datafolio_handlers::open_array(&self.handler_item(record))?))
    }

    /// Reads a JSON value.
    ///
    /// # Errors
    /// As [`DataFolio::get`]; [`Error::WrongType`].
    pub fn get_json(&self, name: &str) -> Result<Value> {
        match self.get_typed(name, "JSON data", &[item_type::JSON_DATA])? {
            Data::Json(value) => Ok(value),
            other => Err(self.mismatch(name, "JSON data", other.kind())),
        }
    }

    /// Reads an instant.
    ///
    /// # Errors
    /// As [`DataFolio::get`]; [`Error::WrongType`].
    pub fn get_timestamp(&self, name: &str) -> Result<DateTime<Utc>> {
        match self.get_typed(name, "a timestamp", &[item_type::TIMESTAMP])? {
            Data::Timestamp(instant) => Ok(instant),
            other => Err(self.mismatch(name, "a timestamp", other.kind())),
        }
    }

    /// The bytes of a file or model, checked as they are read.
    ///
    /// # Errors
    /// As [`DataFolio::get`]; [`Error::WrongType`] for items of other types.
    pub fn get_payload(&self, name: &str) -> Result<Arc<dyn Source>> {
        let expected = "a file or model";
        match self.get_typed(name, expected, &[item_type::ARTIFACT, item_type::MODEL, item_type::PYTORCH_MODEL])? {
            Data::Payload(source) => Ok(source),
            other => Err(self.mismatch(name, expected, other.kind())),
        }
    }

    fn get_typed(&self, name: &str, expected: &'static str, types: &[&str]) -> Result<Data> {
        let record = self.record(name)?;
        if !types.contains(&record.item_type()) {
            return Err(self.mismatch(name, expected, record.item_type()));
        }
        self.read_record(&record)
    }

    fn mismatch(&self, name: &str, expected: &'static str, found: &str) -> Error {
        Error::WrongType { item: name.to_owned(), expected, found: found.to_owned() }
    }

    /// The record of an item's current version.
    pub(crate) fn record(&self, name: &str) -> Result<Arc<ItemRecord>> {
        Ok(self.state().item(name)?.record()?)
    }

    /// Reads the version that a record describes.
    pub(crate) fn read_record(&self, record: &ItemRecord) -> Result<Data> {
        if is_view(record) {
            return Ok(Data::Table(self.open_view(record, &TableReadOptions::default())?));
        }
        let handler = self.registry().for_type(record.item_type()).ok_or_else(|| HandlerError::UnknownType {
            item: record.name().to_owned(),
            item_type: record.item_type().to_owned(),
        })?;
        Ok(handler.read(&self.handler_item(record))?)
    }

    /// A version as its handler sees it.
    pub(crate) fn handler_item<'a>(&'a self, record: &'a ItemRecord) -> Item<'a> {
        Item::new(record, self.storage(), self.settings().verification, self.verified()).with_places(self.places())
    }

    /// The record of any version of an item that the bundle still knows: current, held by a snapshot, or in the history.
    pub(crate) fn version_record(&self, name: &str, version: &str) -> Result<Arc<ItemRecord>> {
        let state = self.state();
        let found = state.catalogue().versions_of(name).find(|entry| entry.token() == version).cloned();
        match found {
            Some(entry) => Ok(entry.record()?),
            None => self
                .versions(name)?
                .into_iter()
                .find(|known| known.version == version)
                .map(|known| Arc::new(ItemRecord::new(known.record)))
                .ok_or_else(|| {
                    CoreError::VersionNotFound { name: name.to_owned(), version: version.to_owned() }.into()
                }),
        }
    }

    /// Reads a version of an item that need not be the current one; [`DataFolio::versions`] lists them.
    ///
    /// # Errors
    /// [`CoreError::VersionNotFound`]; as [`DataFolio::get`].
    pub fn get_version(&self, name: &str, version: &str) -> Result<Data> {
        let record = self.version_record(name, version)?;
        self.refuse_changed(&record)?;
        self.read_record(&record)
    }

    /// Reads a version of an item with another degree of checking than the handle's setting, as [`DataFolio::get_with`] does.
    ///
    /// # Errors
    /// As [`DataFolio::get_version`].
    pub fn get_version_with(&self, name: &str, version: &str, verification: Verification) -> Result<Data> {
        match self.checking(Some(verification)) {
            Some(folio) => folio.get_version(name, version),
            None => self.get_version(name, version),
        }
    }

    /// The bytes of the file of an item, whatever its type, checked as they are read.
    ///
    /// # Errors
    /// As [`DataFolio::get`] and [`DataFolio::get_version`], but for a type that is not known here.
    pub(crate) fn file_of(&self, name: &str, version: Option<&str>) -> Result<Arc<dyn Source>> {
        let record = match version {
            None => self.record(name)?,
            Some(version) => self.version_record(name, version)?,
        };
        Ok(self.handler_item(&record).open_payload()?)
    }

    /// The bundle's metadata.
    pub fn metadata(&self) -> Map<String, Value> {
        self.state().catalogue().metadata_object()
    }
}
