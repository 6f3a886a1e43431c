//! What can be said of an item when it is added.

use datafolio_handlers::WriteOptions;
use serde_json::{Map, Value};

/// Options of adding an item.
#[derive(Debug, Clone, Default)]
pub struct AddOptions {
    pub(crate) description: Option<String>,
    pub(crate) inputs: Vec<String>,
    pub(crate) overwrite: bool,
    pub(crate) write: WriteOptions,
}

impl AddOptions {
    /// No description, no inputs, nothing is replaced.
    pub fn new() -> Self {
        Self::default()
    }

    /// A description. Replacing an item keeps the description it had unless a new one is given; an empty text removes it.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Names of the items that this one was made from. The versions of them that the handle sees are recorded too.
    pub fn inputs<I: IntoIterator<Item = S>, S: Into<String>>(mut self, names: I) -> Self {
        self.inputs = names.into_iter().map(Into::into).collect();
        self
    }

    /// Replaces an item of that name. The version before stays in the history, and in the snapshots that hold it.
    pub fn overwrite(mut self) -> Self {
        self.overwrite = true;
        self
    }

    /// How a table is stored: `parquet` (the default) or `arrow`, which can be mapped into memory.
    pub fn table_format(mut self, format: impl Into<String>) -> Self {
        self.write.table_format = Some(format.into());
        self
    }

    /// The library that a table came from, so that it can be given back as such: `pandas` or `polars`.
    pub fn dataframe_library(mut self, library: impl Into<String>) -> Self {
        self.write.dataframe_library = Some(library.into());
        self
    }

    /// A label of an artifact.
    pub fn category(mut self, category: impl Into<String>) -> Self {
        self.write.category = Some(category.into());
        self
    }

    /// Further fields of the entry; they are kept, listed and copied as they are.
    pub fn extra(mut self, fields: Map<String, Value>) -> Self {
        self.write.extra = fields;
        self
    }
}
