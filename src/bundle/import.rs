//! Tables from files.

use std::path::Path;

use datafolio_core::item_type;
use datafolio_handlers::Data;
use datafolio_handlers::formats::{ImportOptions, TableFiles, table_data, tables_data};

use crate::bundle::{AddOptions, Batch, DataFolio, ItemInfo};
use crate::error::Result;

impl DataFolio {
    /// Adds a table from a file: CSV or TSV (also gzipped or zipped), JSON lines, Parquet, Arrow or Feather, or numpy's `.npy`,
    /// which is a column. Rows are streamed; a Parquet file that is taken as it is, is copied byte for byte. A directory
    /// or a pattern is one table of many files, as in [`DataFolio::import_files`].
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
        self.import_files(name, &[path], import, options)
    }

    /// Adds one table from several sources, each a file, a directory, or a pattern such as `data/part-*.csv` or
    /// `logs/**/*.parquet`. Sources are read in the given order, the files of one in the order of their paths, one at a
    /// time, however many and large they are. All are of one format.
    ///
    /// Columns go by their names: a file that does not have one gives nulls, and types that differ are widened where one
    /// type holds both. Directories `year=2024/` are columns behind those of the files. Several `.npy` files are columns
    /// side by side.
    ///
    /// # Errors
    /// As [`DataFolio::add`]; a source that names no file; a file that is no table, of another format, or whose columns do not
    /// go with the others, by its name; a bad row, with file and line.
    pub fn import_files<P: AsRef<Path>>(
        &self,
        name: &str,
        sources: &[P],
        import: &ImportOptions,
        options: AddOptions,
    ) -> Result<ItemInfo> {
        let ((), made) = self.once_seen(|batch| batch.import_files(name, sources, import, options))?;
        ItemInfo::of(made.item(name)?)
    }
}

impl Batch<'_> {
    /// Adds one table from several sources.
    ///
    /// # Errors
    /// As [`DataFolio::import_files`].
    pub fn import_files<P: AsRef<Path>>(
        &mut self,
        name: &str,
        sources: &[P],
        import: &ImportOptions,
        options: AddOptions,
    ) -> Result<()> {
        let data = table_from_files(sources, import, &options)?;
        self.add_typed(item_type::INCLUDED_TABLE, name, data, options)
    }
}

/// The value to add for a table from files.
pub(crate) fn table_from_files<P: AsRef<Path>>(
    sources: &[P],
    import: &ImportOptions,
    options: &AddOptions,
) -> Result<Data> {
    if let [file] = sources
        && (file.as_ref().is_file() || !names_many(file.as_ref()))
    {
        let keeps_parquet = options.write.table_format.as_deref().is_none_or(|format| format == "parquet");
        return Ok(table_data(file.as_ref(), import, keeps_parquet)?);
    }
    Ok(tables_data(&TableFiles::find(sources, import.format)?, import)?)
}

/// Whether a source is a directory or a pattern.
pub(crate) fn names_many(source: &Path) -> bool {
    source.is_dir() || (TableFiles::is_pattern(source) && !source.exists())
}
