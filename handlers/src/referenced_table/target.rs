//! What a reference leads to: on this machine, or on a store.

use std::path::{Component, Path, PathBuf};

use arrow::array::RecordBatchReader;
use datafolio_core::ItemRecord;
use datafolio_storage::Patience;

use super::address::{Address, without_secrets};
use super::on_store::OnStore;
use super::{Places, of_item};
use crate::error::{HandlerError, HandlerResult};
use crate::formats::{FilePlace, ImportOptions, TableFiles, TableFormat, is_pattern, open_part, open_tables_part};
use crate::handler::Item;
use crate::table::TableReadOptions;

/// What an item refers to.
#[derive(Debug)]
pub(crate) struct ReferenceTarget {
    item: String,
    place: Place,
    pub(crate) format: TableFormat,
    /// Whether directories from the first wildcard of a pattern on are partitions; those of a directory always are.
    has_partitions: bool,
}

#[derive(Debug)]
enum Place {
    Here(PathBuf),
    OnStore(OnStore),
}

/// Finds what an item refers to.
pub(crate) fn reference_target(item: &Item<'_>) -> HandlerResult<ReferenceTarget> {
    reference_target_within(item, Patience::Usual)
}

/// The same, for which a store is waited for with this patience.
pub(super) fn reference_target_within(item: &Item<'_>, patience: Patience) -> HandlerResult<ReferenceTarget> {
    let record = item.record();
    let text = record.str("path").ok_or_else(|| item.damaged("its entry has no path"))?;
    let format = format_of(record).map_err(|written| HandlerError::Unsupported {
        what: format!("reading table '{}' in format {written:?}", item.name()),
        needs: "a later release".to_owned(),
    })?;
    let place = match Address::parse(text) {
        Address::Url(url) => {
            let places = reachable(item, url)?;
            let store = OnStore::new(url, is_directory(record), places, patience);
            Place::OnStore(store.map_err(|error| of_item(item.name(), error))?)
        }
        Address::Local(_) => Place::Here(local_target(item, text)?),
    };
    let has_partitions = record.str("partitioning") == Some("hive");
    Ok(ReferenceTarget { item: item.name().to_owned(), place, format, has_partitions })
}

fn format_of(record: &ItemRecord) -> Result<TableFormat, String> {
    let written = record.str("table_format").unwrap_or("parquet");
    TableFormat::from_name(written).ok_or_else(|| written.to_owned())
}

pub(super) fn is_directory(record: &ItemRecord) -> bool {
    record.get("is_directory").and_then(serde_json::Value::as_bool).unwrap_or_default()
}

/// What reaches a table that does not lie on this machine.
pub(super) fn reachable<'a>(item: &Item<'a>, url: &str) -> HandlerResult<Places<'a>> {
    item.places().ok_or_else(|| HandlerError::Unsupported {
        what: format!("reading table '{}' at {}", item.name(), without_secrets(url)),
        needs: "a build with the feature stores".to_owned(),
    })
}

/// The path on this machine that a local address stands for.
pub(super) fn local_target(item: &Item<'_>, text: &str) -> HandlerResult<PathBuf> {
    let (Address::Local(path) | Address::Url(path)) = Address::parse(text);
    if climbs(Path::new(path)) {
        return Err(item.damaged(format!("its path {path:?} is relative and leads out of the bundle")));
    }
    item.outside_path(path).ok_or_else(|| HandlerError::Unsupported {
        what: format!("reading table '{}' at a path relative to its bundle", item.name()),
        needs: "a bundle on a local disk".to_owned(),
    })
}

/// Whether a relative path leads above where it starts. What lies beside a bundle differs from place to place, so such a
/// path names a file that nobody chose.
fn climbs(path: &Path) -> bool {
    let mut depth = 0_usize;
    for component in path.components() {
        match component {
            Component::Prefix(_) | Component::RootDir => return false,
            Component::CurDir => {}
            Component::Normal(_) => depth += 1,
            Component::ParentDir => match depth.checked_sub(1) {
                Some(above) => depth = above,
                None => return true,
            },
        }
    }
    false
}

/// Whether something lies at a path that an item refers to. Nothing is opened.
pub(super) fn is_there(item: &Item<'_>, path: &Path) -> HandlerResult<()> {
    let mut place = path;
    // Of a pattern, the directory in which it begins: to list what lies below it may take long.
    if !place.exists() {
        while let (true, Some(parent)) = (is_pattern(&place.to_string_lossy()), place.parent()) {
            place = parent;
        }
    }
    match place.exists() {
        true => Ok(()),
        false => Err(HandlerError::MissingReference { item: item.name().to_owned(), path: path.to_owned() }),
    }
}

impl ReferenceTarget {
    /// A new reference to this machine.
    pub(super) fn here(item: &str, path: PathBuf, format: TableFormat) -> Self {
        Self { item: item.to_owned(), place: Place::Here(path), format, has_partitions: true }
    }

    /// A new reference to a store.
    pub(super) fn on_store(item: &str, store: OnStore, format: TableFormat) -> Self {
        Self { item: item.to_owned(), place: Place::OnStore(store), format, has_partitions: true }
    }

    /// Its path, or its address.
    pub(super) fn path(&self) -> &Path {
        match &self.place {
            Place::Here(path) => path,
            Place::OnStore(store) => store.path(),
        }
    }

    /// Its files, in the order of their rows.
    pub(crate) fn found(&self) -> HandlerResult<TableFiles> {
        match &self.place {
            Place::Here(path) => TableFiles::of_reference(path, self.format, self.has_partitions),
            Place::OnStore(store) => {
                store.find(self.format, self.has_partitions).map_err(|error| of_item(&self.item, error))
            }
        }
    }

    /// What tells it from references that have the same files and are read otherwise.
    pub(super) fn shape(&self) -> String {
        format!("{:?}", (self.path(), self.format, self.has_partitions))
    }

    /// Whether something lies there. Nothing is opened.
    pub(super) fn is_there(&self, item: &Item<'_>) -> HandlerResult<()> {
        match &self.place {
            Place::Here(path) => is_there(item, path),
            Place::OnStore(_) if self.found()?.places().len() > 0 => Ok(()),
            Place::OnStore(_) => Err(self.missing()),
        }
    }

    pub(super) fn missing(&self) -> HandlerError {
        HandlerError::MissingReference { item: self.item.clone(), path: self.path().to_owned() }
    }

    /// The Parquet file of this machine that is all of it.
    pub(crate) fn into_parquet_file(self) -> Option<PathBuf> {
        match self.place {
            Place::Here(path) if self.format == TableFormat::Parquet && path.is_file() => Some(path),
            _ => None,
        }
    }

    pub(super) fn open(
        &self,
        options: &ImportOptions,
        part: &TableReadOptions,
    ) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
        let options = ImportOptions { format: Some(self.format), ..options.clone() };
        // A file by its path: what is wrong with it is told of it, and not of a table that has none.
        if let Place::Here(path) = &self.place
            && !path.is_dir()
            && (path.exists() || !is_pattern(&path.to_string_lossy()))
        {
            return open_part(&FilePlace::here(path), &options, part);
        }
        let files = self.found()?;
        match (&self.place, files.only_file()) {
            (Place::OnStore(_), Some(file)) => open_part(file, &options, part),
            _ => open_tables_part(&files, &options, part),
        }
    }
}
