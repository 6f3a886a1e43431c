//! What a table is, without reading its rows.

use arrow::datatypes::SchemaRef;
use datafolio_handlers::{ColumnFacts, FileFacts};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::bundle::DataFolio;
use crate::error::Result;
use crate::table::ChangedReference;
use crate::view::is_view;

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
    /// The references among what the table is read from whose files are not those that were referenced, as
    /// [`DataFolio::changed_inputs`] tells them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changed_references: Vec<ChangedReference>,
    /// The columns as Arrow knows them.
    #[serde(skip)]
    pub schema: SchemaRef,
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
            parts: self.placed_files(&record, &facts),
            created_at: text("created_at"),
            changed_references: self.changed_inputs(name)?,
            schema: SchemaRef::clone(&facts.schema),
        })
    }

    /// What is known of each column of a table, or of another version of it by its id, without reading its rows. That no value is missing
    /// is also known of a column that allows none.
    ///
    /// # Errors
    /// As [`DataFolio::read_table`].
    pub fn column_facts(&self, name: &str, version: Option<&str>) -> Result<Vec<ColumnFacts>> {
        let record = self.table_record(name, version)?;
        let facts = self.facts_of(&record)?;
        let known = facts.columns.iter().zip(facts.schema.fields()).map(|(column, field)| {
            let mut column = column.clone();
            if !field.is_nullable() {
                column.null_count = column.null_count.or(Some(0));
            }
            column
        });
        Ok(known.collect())
    }

    /// The files of a table, in the order of their rows, with the rows of each row group: what a worker of another program
    /// needs to read its share.
    ///
    /// # Errors
    /// As [`DataFolio::get_table`].
    pub fn table_parts(&self, name: &str) -> Result<Vec<FileFacts>> {
        let record = self.table_record(name, None)?;
        let facts = self.facts_of(&record)?;
        Ok(self.placed_files(&record, &facts))
    }
}
