//! One version of a table: its columns and its files.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use delta_kernel::history_manager::{HistoryCommitType, latest_version_as_of};
use delta_kernel::scan::state::{DvInfo, ScanFile};
use delta_kernel::{Snapshot, SnapshotRef};

use crate::conform::Wanted;
use crate::data_file::DataFile;
use crate::engine::PlaceEngine;
use crate::error::{DeltaError, DeltaResult};
use crate::log::{LOG, Log};
use crate::place::{Listed, Place, ROOT, TableFile, percent_decoded, root};
use crate::statistics::texts_of;
use crate::types::table_fields;

/// Which version of a table is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// The newest that there is.
    Newest,
    /// This one.
    Version(u64),
    /// The last one that was made at this time or before, in milliseconds since 1970: by the time that the commit records, or else
    /// by when its file in the log was written.
    At(i64),
}

/// The newest version of a table, or the one that is asked for, and the files of the log that make it what it is, by a listing alone.
///
/// # Errors
/// Where no table is, and where its log cannot be listed.
pub fn log_of(place: &dyn Place, version: Option<u64>) -> DeltaResult<(u64, Vec<Listed>)> {
    let log = Log::list(place)?;
    let version = version.unwrap_or_else(|| log.newest());
    Ok((version, log.files_of(version).cloned().collect()))
}

/// A version of a table, open for reading.
pub struct DeltaTable {
    pub(crate) place: Arc<dyn Place>,
    pub(crate) engine: PlaceEngine,
    snapshot: SnapshotRef,
    schema: SchemaRef,
}

impl fmt::Debug for DeltaTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeltaTable").field("place", &self.place).field("version", &self.version()).finish()
    }
}

/// A data file of a version.
#[derive(Clone)]
pub struct DeltaFile {
    /// Its path below the table, with `/`.
    pub path: String,
    /// Its size in bytes, as the log has it.
    pub size: u64,
    /// When it was written, in milliseconds since 1970, as the log has it.
    pub modified: i64,
    /// How many rows it has, deleted ones too, where the log tells.
    pub stored_rows: Option<u64>,
    /// How many of them are deleted.
    pub deleted_rows: u64,
    pub(crate) deletions: DvInfo,
    /// Texts of the partitions, by the physical names of their columns.
    pub(crate) partition: HashMap<String, String>,
    /// What the log tells of its values, where that was asked for.
    pub(crate) statistics: Option<Box<str>>,
}

impl fmt::Debug for DeltaFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeltaFile").field("path", &self.path).field("rows", &self.rows()).finish_non_exhaustive()
    }
}

impl DeltaFile {
    /// How many rows it has, but for deleted ones, where the log tells.
    pub fn rows(&self) -> Option<u64> {
        self.stored_rows?.checked_sub(self.deleted_rows)
    }
}

impl DeltaTable {
    /// Opens a version of the table in a place: reads of its log what tells the columns.
    ///
    /// # Errors
    /// Where no table is, or not the version; for features and types that are not supported; for a damaged log.
    pub fn open(place: Arc<dyn Place>, pick: Pick) -> DeltaResult<Self> {
        let log = Log::list(place.as_ref())?;
        let engine = PlaceEngine::new(&place);
        let version = match pick {
            Pick::Newest => log.newest(),
            Pick::Version(version) => version,
            Pick::At(time) => {
                log.check(log.newest())?;
                let newest = snapshot(&engine, log.newest())?;
                latest_version_as_of(&newest, &engine, time, HistoryCommitType::Recreatable)?.version
            }
        };
        log.check(version)?;
        let snapshot = snapshot(&engine, version)?;
        // What cannot be read is refused here, not where the first row is asked for.
        Arc::clone(&snapshot).scan_builder().without_row_transforms().build()?;
        let schema = Arc::new(Schema::new(table_fields(&snapshot.schema())?));
        Ok(Self { place, engine, snapshot, schema })
    }

    /// The version.
    pub fn version(&self) -> u64 {
        self.snapshot.version()
    }

    /// When the version was made, in milliseconds since 1970; `None` where the log no longer tells.
    pub fn timestamp(&self) -> Option<i64> {
        self.snapshot.get_timestamp(&self.engine).ok()
    }

    /// What tells the table from another that is made in its place.
    pub fn id(&self) -> String {
        self.snapshot.table_configuration().metadata().id().to_owned()
    }

    /// The columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The names of the columns that are partitions.
    pub fn partition_columns(&self) -> &[String] {
        self.snapshot.table_configuration().metadata().partition_columns()
    }

    /// The columns as the files have them.
    pub(crate) fn columns(&self) -> DeltaResult<Vec<Wanted>> {
        Wanted::of(&self.snapshot.schema(), self.snapshot.table_configuration().column_mapping_mode())
    }

    /// Those of some names, in this order; `None` for all.
    pub(crate) fn named<T: AsRef<str>>(&self, names: Option<&[T]>) -> DeltaResult<Vec<Wanted>> {
        let all = self.columns()?;
        let Some(names) = names else { return Ok(all) };
        let column = |name: &T| {
            let found = all.iter().find(|column| column.field.name() == name.as_ref());
            found.cloned().ok_or_else(|| DeltaError::UnknownColumn {
                name: name.as_ref().to_owned(),
                known: all.iter().map(|column| column.field.name().clone()).collect(),
            })
        };
        names.iter().map(column).collect()
    }

    /// The data files, in the order of their rows: as they were written, and by path where that was at one time. What is appended comes
    /// last so, and the order is the same each time, whatever of the log has become a checkpoint.
    ///
    /// # Errors
    /// For a log that is damaged, and files that lie outside of the table's directory.
    pub fn files(&self) -> DeltaResult<Vec<DeltaFile>> {
        self.listed_files(false)
    }

    /// The same, with what the log tells of their values, for [`DeltaTable::bounds`].
    ///
    /// # Errors
    /// As [`DeltaTable::files`].
    pub fn files_with_statistics(&self) -> DeltaResult<Vec<DeltaFile>> {
        self.listed_files(true)
    }

    fn listed_files(&self, with_statistics: bool) -> DeltaResult<Vec<DeltaFile>> {
        let scan = Arc::clone(&self.snapshot).scan_builder().without_row_transforms().build()?;
        let mut files = Vec::new();
        for found in scan.scan_metadata(&self.engine)? {
            let found = found?;
            let texts = with_statistics.then(|| texts_of(&found.scan_files)).transpose()?;
            let mut texts = texts.into_iter().flatten();
            for file in found.visit_scan_files(Vec::new(), |found, file| found.push(file))? {
                let mut file = delta_file(file)?;
                file.statistics = texts.next().flatten();
                files.push(file);
            }
        }
        files.sort_by(|a, b| (a.modified, &a.path).cmp(&(b.modified, &b.path)));
        Ok(files)
    }

    /// How many rows a file has, but for deleted ones: as the log tells, or else by a look at its footer.
    ///
    /// # Errors
    /// For a file that is gone or damaged.
    pub fn rows_of(&self, file: &DeltaFile) -> DeltaResult<u64> {
        if let Some(rows) = file.rows() {
            return Ok(rows);
        }
        let opened = TableFile::open(self.place.as_ref(), &file.path, Some(file.size)).and_then(DataFile::open);
        let stored = opened.and_then(|opened| opened.rows()).map_err(|error| error.in_version(self.version()))?;
        let misfit = || DeltaError::damaged(&file.path, "more of its rows are deleted than it has");
        stored.checked_sub(file.deleted_rows).ok_or_else(misfit)
    }

    /// Whether all data files are there, and the deletion vectors that they need.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check_files(&self) -> DeltaResult<()> {
        for file in self.files()? {
            let here = TableFile::open(self.place.as_ref(), &file.path, None);
            here.and_then(|_| self.deleted_rows(&file)).map_err(|error| error.in_version(self.version()))?;
        }
        Ok(())
    }

    /// Which of the rows of a file are deleted, ascending.
    pub(crate) fn deleted_rows(&self, file: &DeltaFile) -> DeltaResult<Vec<u64>> {
        let deleted = file.deletions.get_row_indexes(&self.engine, &root())?;
        Ok(deleted.unwrap_or_default())
    }
}

fn snapshot(engine: &PlaceEngine, version: u64) -> DeltaResult<SnapshotRef> {
    // What a commit needs and is gone is no data file that VACUUM took.
    Snapshot::builder_for(ROOT).at_version(version).build(engine).map_err(|error| match error.into() {
        DeltaError::FileGone { file, .. } => DeltaError::damaged(LOG, format!("{file} is missing")),
        error => error,
    })
}

/// Whether a path is an address: `s3://bucket/x`, and `file:/x` as Hadoop writes it.
fn is_address(path: &str) -> bool {
    let scheme = path.split_once(":/").map_or("", |(scheme, _)| scheme);
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

fn delta_file(file: ScanFile) -> DeltaResult<DeltaFile> {
    let outside = || DeltaError::Unsupported(format!("a file outside of the table's directory, {}", file.path));
    // A path below the table has its special characters escaped, so that what looks like an address is one.
    let path = percent_decoded(&file.path).filter(|_| !is_address(&file.path)).ok_or_else(outside)?;
    if path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return Err(outside());
    }
    let size = u64::try_from(file.size).map_err(|_| DeltaError::damaged(LOG, format!("{path} has a negative size")))?;
    let deleted_rows = file.dv_info.cardinality()?.unwrap_or_default();
    Ok(DeltaFile {
        path,
        size,
        modified: file.modification_time,
        stored_rows: file.stats.map(|stats| stats.num_records),
        deleted_rows,
        deletions: file.dv_info,
        partition: file.partition_values,
        statistics: None,
    })
}
