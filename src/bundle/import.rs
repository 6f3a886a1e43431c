//! Tables from files.

use std::path::Path;

use datafolio_core::item_type;
use datafolio_handlers::Data;
use datafolio_handlers::formats::{ImportOptions, table_data};

use crate::bundle::{AddOptions, DataFolio, ItemInfo};
use crate::error::Result;

impl DataFolio {
    /// Adds a table from a file: CSV or TSV (also gzipped or zipped), JSON lines, Parquet, Arrow or Feather. Rows are
    /// streamed; a Parquet file that is taken as it is, is copied byte for byte.
    ///
    /// # Errors
    /// As [`DataFolio::add`]; a file that cannot be read, with the line where it has lines.
    pub fn import_table(
        &self,
        name: &str,
        path: impl AsRef<Path>,
        import: &ImportOptions,
        options: AddOptions,
    ) -> Result<ItemInfo> {
        let data = table_from_file(path.as_ref(), import, &options)?;
        self.add_typed(item_type::INCLUDED_TABLE, name, data, options)
    }
}

/// The value to add for a table file.
pub(crate) fn table_from_file(path: &Path, import: &ImportOptions, options: &AddOptions) -> Result<Data> {
    let keeps_parquet = options.write.table_format.as_deref().is_none_or(|format| format == "parquet");
    Ok(table_data(path, import, keeps_parquet)?)
}
