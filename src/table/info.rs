//! What a table is, without reading its rows.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use datafolio_core::{ItemRecord, item_type};
use datafolio_handlers::{TableFacts, table_facts};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::bundle::DataFolio;
use crate::error::Result;

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
    pub column_facts: Vec<TableColumn>,
    /// How the files are laid out: `parquet`, `arrow`, `csv`, ...
    pub table_format: String,
    /// Number of row groups; 0 for formats without.
    pub row_groups: usize,
    /// Codecs of the column data.
    pub compression: Vec<String>,
    /// The files, in the order of their rows.
    pub parts: Vec<TablePart>,
    /// When the item was first added.
    pub created_at: Option<String>,
    /// The columns as Arrow knows them.
    #[serde(skip)]
    pub schema: SchemaRef,
}

/// What is known of a column without reading it.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct TableColumn {
    /// Its name.
    pub name: String,
    /// Its type, as Arrow names it.
    pub arrow_type: String,
    /// Its type in the Parquet file, with what the file says it means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logical_type: Option<String>,
    /// How many values are missing, where the files say so.
    pub null_count: Option<u64>,
    /// The smallest value, where the files say so.
    pub min: Option<Value>,
    /// The largest value, where the files say so.
    pub max: Option<Value>,
    /// Whether `min` and `max` are values of the column: files cut long texts, and keep what lies below or above.
    pub is_exact: bool,
    /// Bytes in the files, where they say so.
    pub compressed_bytes: Option<u64>,
    /// Bytes before compression, where the files say so.
    pub uncompressed_bytes: Option<u64>,
}

/// One file of a table.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct TablePart {
    /// Where it lies; `None` where it has no path on this machine.
    pub path: Option<PathBuf>,
    /// Number of rows, where that is known.
    pub rows: Option<u64>,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Rows of each row group; empty for formats without.
    pub row_groups: Vec<u64>,
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
            column_facts: facts
                .columns
                .iter()
                .map(|column| TableColumn {
                    name: column.name.clone(),
                    arrow_type: column.arrow_type.clone(),
                    logical_type: column.logical_type.clone(),
                    null_count: column.null_count,
                    min: column.min.clone(),
                    max: column.max.clone(),
                    is_exact: column.is_exact,
                    compressed_bytes: column.compressed_bytes,
                    uncompressed_bytes: column.uncompressed_bytes,
                })
                .collect(),
            table_format: text("table_format").unwrap_or_else(|| "parquet".to_owned()),
            row_groups: facts.files.iter().map(|file| file.row_groups.len()).sum(),
            compression: facts.compression.clone(),
            parts: parts_of(&facts),
            created_at: text("created_at"),
            schema: SchemaRef::clone(&facts.schema),
        })
    }

    /// The files of a table, in the order of their rows, with the rows of each row group: what a worker of another program
    /// needs to read its share.
    ///
    /// # Errors
    /// As [`DataFolio::get_table`].
    pub fn table_parts(&self, name: &str) -> Result<Vec<TablePart>> {
        let record = self.table_record(name, None)?;
        Ok(parts_of(self.facts_of(&record)?.as_ref()))
    }

    /// What the footers of a table say, read once for each content.
    pub(super) fn facts_of(&self, record: &ItemRecord) -> Result<Arc<TableFacts>> {
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

fn parts_of(facts: &TableFacts) -> Vec<TablePart> {
    let part = |file: &datafolio_handlers::FileFacts| TablePart {
        path: file.path.clone(),
        rows: file.rows,
        size_bytes: file.size_bytes,
        row_groups: file.row_groups.clone(),
    };
    facts.files.iter().map(part).collect()
}
