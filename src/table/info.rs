//! What a table is, without reading its rows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use datafolio_core::{ItemRecord, item_type};
use datafolio_handlers::{ColumnFacts, FileFacts, TableFacts, table_facts};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::bundle::DataFolio;
use crate::error::Result;
use crate::view::{is_view, view_of};

/// What a table is: from the footers of its files and the catalogue alone.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct TableInfo {
    /// The item.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `included_table` or `referenced_table`.
    pub item_type: String,
    /// Number of rows; `None` where only reading all of them would tell, as of a referenced text file.
    pub rows: Option<u64>,
    /// Number of columns.
    pub columns: usize,
    /// Size of its files in bytes.
    pub size_bytes: u64,
    /// The same in units of 1,000,000 bytes.
    pub size_mb: f64,
    /// The columns' names.
    pub column_names: Vec<String>,
    /// The columns' Arrow types by name.
    pub dtypes: Map<String, Value>,
    /// What is known of each column.
    pub column_facts: Vec<ColumnFacts>,
    /// How the files are laid out: `parquet`, `arrow`, `csv`, ...
    pub table_format: String,
    /// Number of row groups; 0 for formats without.
    pub row_groups: usize,
    /// Codecs of the column data.
    pub compression: Vec<String>,
    /// The files, in the order of their rows.
    pub parts: Vec<FileFacts>,
    /// When the item was first added.
    pub created_at: Option<String>,
    /// The columns as Arrow knows them.
    #[serde(skip)]
    pub schema: SchemaRef,
}

/// Facts of tables by the hash of their content, which tells all there is to know of them. Those of references are not kept:
/// their files may change.
#[derive(Debug, Default)]
pub(crate) struct KnownFacts(Mutex<HashMap<String, Arc<TableFacts>>>);

impl KnownFacts {
    /// Most tables that are remembered; the first ones of a larger bundle are as good as any others.
    const MOST: usize = 1024;

    fn get(&self, hash: &str) -> Option<Arc<TableFacts>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(hash).cloned()
    }

    fn keep(&self, hash: &str, facts: &Arc<TableFacts>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < Self::MOST {
            known.insert(hash.to_owned(), Arc::clone(facts));
        }
    }
}

impl DataFolio {
    /// What a table is: rows, columns, types, sizes, and what its files record of every column. No row is read.
    ///
    /// # Errors
    /// As [`DataFolio::get_table`].
    pub fn table_info(&self, name: &str) -> Result<TableInfo> {
        let item = self.item_info(name)?;
        let record = self.table_record(name, None)?;
        let facts = self.facts_of(&record)?;
        let text = |field: &str| record.str(field).map(str::to_owned);
        let fields = facts.schema.fields();
        Ok(TableInfo {
            name: item.name,
            version: item.version,
            item_type: item.item_type,
            rows: facts.rows,
            columns: fields.len(),
            size_bytes: facts.size_bytes,
            size_mb: facts.size_bytes as f64 / 1e6,
            column_names: fields.iter().map(|field| field.name().clone()).collect(),
            dtypes: facts
                .columns
                .iter()
                .map(|column| (column.name.clone(), column.arrow_type.clone().into()))
                .collect(),
            column_facts: facts.columns.clone(),
            table_format: text("table_format")
                .unwrap_or_else(|| if is_view(&record) { "view" } else { "parquet" }.to_owned()),
            row_groups: facts.files.iter().map(|file| file.row_groups.len()).sum(),
            compression: facts.compression.clone(),
            parts: facts.files.clone(),
            created_at: text("created_at"),
            schema: SchemaRef::clone(&facts.schema),
        })
    }

    /// The files of a table, in the order of their rows, with the rows of each row group: what a worker of another program
    /// needs to read its share.
    ///
    /// # Errors
    /// As [`DataFolio::get_table`].
    pub fn table_parts(&self, name: &str) -> Result<Vec<FileFacts>> {
        let record = self.table_record(name, None)?;
        Ok(self.facts_of(&record)?.files.clone())
    }

    /// What the footers of a table say, read once for each content.
    pub(super) fn facts_of(&self, record: &ItemRecord) -> Result<Arc<TableFacts>> {
        if let Some(view) = view_of(record)? {
            return Ok(Arc::new(TableFacts::of_schema(view.schema(record.name())?)));
        }
        let hash = (record.item_type() != item_type::REFERENCED_TABLE).then(|| record.str("sha256")).flatten();
        if let Some(facts) = hash.and_then(|hash| self.known_facts().get(hash)) {
            return Ok(facts);
        }
        let facts = Arc::new(table_facts(&self.handler_item(record))?);
        if let Some(hash) = hash {
            self.known_facts().keep(hash, &facts);
        }
        Ok(facts)
    }
}
