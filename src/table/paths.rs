//! Where tables lie, for Ibis, Polars, DuckDB, Dask, Ray, Spark and whatever else reads files.

use std::path::{Path, PathBuf};

use datafolio_core::{ItemRecord, RelPath, item_type};
use datafolio_handlers::formats::TableFiles;
use datafolio_handlers::{HandlerError, reference_paths, stored_files, table_paths};
use datafolio_storage::{StorageError, Verification};
use indexmap::IndexMap;
use serde::Serialize;

use super::read::is_table;
use crate::bundle::DataFolio;
use crate::error::{Error, Result};
use crate::text::shell_word;
use crate::view::is_view;

/// Where one table lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum TablePaths {
    /// In one file or directory, or at an address.
    One(String),
    /// In several files, in the order of their rows.
    Several(Vec<String>),
}

impl DataFolio {
    /// The absolute path of a table's file, or its address on a store; for a reference its target: a path on this machine, or an
    /// address.
    ///
    /// # Errors
    /// When there is no such table or its file is not there; [`Error::Invalid`] for a table in several files, which
    /// [`DataFolio::get_table_paths`] lists: of several parts, or a reference to a pattern that several files match.
    pub fn get_table_path(&self, name: &str) -> Result<String> {
        match self.paths_of(name)? {
            TablePaths::One(path) => Ok(path),
            TablePaths::Several(paths) => Err(several_files(&*self.record(name)?, paths.len())),
        }
    }

    /// The absolute paths of a table's files, in the order of their rows; also of a reference to a pattern, or to a directory
    /// on this machine, of which [`DataFolio::get_table_path`] gives the place. Of a Delta table and of what is referenced on a store it is the place:
    /// their files alone are not the table, or take requests to find.
    ///
    /// # Errors
    /// As [`DataFolio::get_table_path`], but for tables in several files.
    pub fn get_table_paths(&self, name: &str) -> Result<Vec<String>> {
        let record = self.table_record(name, None)?;
        match reference_paths(&self.handler_item(&record))? {
            Some(paths) => Ok(paths),
            None => self.places_of(name),
        }
    }

    fn places_of(&self, name: &str) -> Result<Vec<String>> {
        Ok(match self.paths_of(name)? {
            TablePaths::One(path) => vec![path],
            TablePaths::Several(paths) => paths,
        })
    }

    /// Where a table lies, for a program that reads the files by itself and checks nothing: the bundle's own files on this machine are
    /// compared with their recorded hashes before, unless that was done already or the settings say not to.
    ///
    /// # Errors
    /// As [`DataFolio::get_table_paths`]; a file that is not what was recorded.
    pub fn verified_table_paths(&self, name: &str) -> Result<Vec<String>> {
        let paths = self.places_of(name)?;
        let record = self.table_record(name, None)?;
        if !self.storage().is_remote() && record.item_type() != item_type::REFERENCED_TABLE {
            self.verify_files(&record)?;
        }
        Ok(paths)
    }

    /// Compares the files of a table with their recorded hashes, unless that was done on this machine already or is turned off.
    ///
    /// # Errors
    /// A file that is not what was recorded.
    pub(crate) fn verify_files(&self, record: &ItemRecord) -> Result<()> {
        let item = self.handler_item(record);
        if item.verification() == Verification::Off {
            return Ok(());
        }
        for file in stored_files(record)? {
            let checked = item.open_file(&file)?.verify_rest();
            checked.map_err(|source| HandlerError::Payload { item: item.name().to_owned(), source })?;
        }
        Ok(())
    }

    /// Where every table lies, by name, archived ones excepted. A reference whose target is not there now has the path where it
    /// should be: the other tables are whole. [`DataFolio::check_references`] tells of such.
    ///
    /// # Errors
    /// When the file of a table in the bundle is not there.
    pub fn get_all_table_paths(&self) -> Result<IndexMap<String, TablePaths>> {
        let state = self.state();
        let current = state.catalogue().current.values();
        let tables = current.filter(|entry| is_table(entry.item_type()) && !entry.is_archived());
        let paths = tables.map(|entry| {
            let paths = match self.paths_of(entry.name()) {
                Err(Error::Handler(HandlerError::MissingReference { path, .. })) => {
                    TablePaths::One(path.to_string_lossy().into_owned())
                }
                paths => paths?,
            };
            Ok((entry.name().to_owned(), paths))
        });
        paths.collect()
    }

    /// The address of a file on a store.
    pub(crate) fn address_of(&self, path: &RelPath) -> String {
        format!("{}/{path}", self.location().trim_end_matches('/'))
    }

    fn paths_of(&self, name: &str) -> Result<TablePaths> {
        let record = self.table_record(name, None)?;
        if is_view(&record) {
            return Err(HandlerError::Unsupported {
                what: format!("the path of '{name}', a view, whose rows no file holds,"),
                needs: format!(
                    "a stored table: `datafolio derive NEW --from {0}`, or `datafolio export {0} FILE`",
                    shell_word(name)
                ),
            }
            .into());
        }
        let item = self.handler_item(&record);
        if let Some(target) = table_paths(&item)? {
            // A pattern is no path; to find the files of one on a store takes requests.
            let path = Path::new(&target);
            let is_pattern = TableFiles::is_pattern(path) && !is_address(&target) && !path.exists();
            let files = if is_pattern { reference_paths(&item)? } else { None };
            return Ok(files.map_or(TablePaths::One(target), one_or_several));
        }
        let mut paths = Vec::new();
        for file in stored_files(&record)? {
            // Whoever is given a path finds a file there.
            if self.storage().is_remote() {
                let missing = || {
                    let (path, location) = (file.path.to_string(), self.location());
                    let source = StorageError::NotFound { path, location };
                    HandlerError::Payload { item: name.to_owned(), source }
                };
                self.storage().stat(&file.path)?.ok_or_else(missing)?;
                paths.push(self.address_of(&file.path));
                continue;
            }
            let path: PathBuf = self.path_of_file(&record, &file.path)?;
            paths.push(path.into_os_string().into_string().map_err(|path| HandlerError::Unsupported {
                what: format!("the path of table '{name}': {} is no UTF-8 text", path.to_string_lossy()),
                needs: "a bundle in a directory with another name".to_owned(),
            })?);
        }
        Ok(one_or_several(paths))
    }
}

fn one_or_several(mut paths: Vec<String>) -> TablePaths {
    match paths.len() {
        1 => TablePaths::One(paths.remove(0)),
        _ => TablePaths::Several(paths),
    }
}

/// What is said where one path is asked for, and there are several.
pub(crate) fn several_files(record: &ItemRecord, count: usize) -> Error {
    let merge = if record.item_type() == item_type::REFERENCED_TABLE { "import" } else { "compact" };
    Error::Invalid(format!(
        "table '{}' lies in {count} files: get_table_paths (`datafolio path`) lists them, and {merge} makes one of them",
        record.name()
    ))
}

/// Whether it is an address, and no path on this machine.
fn is_address(path: &str) -> bool {
    path.contains("://")
}
