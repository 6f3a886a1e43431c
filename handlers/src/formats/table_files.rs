//! The files of a table that lies in several.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafolio_storage::{FileInfo, Storage};

use super::hive::{Partitions, partitions_of};
use super::{FilePlace, TableFormat, bad, detect, glob, refuse_url};
use crate::error::{HandlerError, HandlerResult};

/// The files of one table, found but not opened.
#[derive(Debug, Clone)]
pub struct TableFiles {
    /// What they were found by, for messages.
    pub(super) place: PathBuf,
    pub(super) files: Vec<TableSource>,
}

/// One file of a table.
#[derive(Debug, Clone)]
pub(super) struct TableSource {
    pub(super) place: FilePlace,
    /// How many segments of the path come before those that can be partitions.
    fixed: usize,
}

impl TableSource {
    fn here(path: PathBuf, fixed: usize) -> Self {
        Self { place: FilePlace::here(path), fixed }
    }

    /// Its path, or its address.
    pub(super) fn path(&self) -> &Path {
        self.place.path()
    }

    /// The values of its partitions.
    pub(super) fn partitions(&self) -> HandlerResult<Partitions> {
        partitions_of(self.path(), self.fixed)
    }
}

impl TableFiles {
    /// Finds the files of sources, each a file, a directory, or a pattern: `*`, `?` and `[...]` in a name, `**` for
    /// directories at any depth. A path that is there is no pattern, whatever characters it has.
    ///
    /// Of a directory, its files at any depth whose names tell a table format (`format`, where it is given), but for
    /// those whose names, or whose directories' names, begin with `.` or `_`. Of a pattern, all that it names. Directories `name=value` are
    /// partitions below a directory, from the first wildcard of a pattern on, and in the paths of files that are named one by
    /// one.
    ///
    /// # Errors
    /// [`HandlerError::FileNotFound`] for a source that is not there or names no file; [`HandlerError::BadFile`] for a
    /// directory without table files or one that cannot be listed, for more than a million files, and for a file that two
    /// sources name; [`HandlerError::Unsupported`] for a URL.
    pub fn find<P: AsRef<Path>>(sources: &[P], format: Option<TableFormat>) -> HandlerResult<Self> {
        let mut files = Vec::new();
        for source in sources.iter().map(AsRef::as_ref) {
            refuse_url(source)?;
            let found = if source.is_dir() {
                Self::of_directory(source, format)?
            } else if Self::is_pattern(source) && !source.exists() {
                Self::of_pattern(source, true)?
            } else if source.exists() {
                let fixed = if sources.len() == 1 { usize::MAX } else { 0 };
                vec![TableSource::here(source.to_owned(), fixed)]
            } else {
                return Err(HandlerError::FileNotFound { path: source.to_owned() });
            };
            let found = Self { place: source.to_owned(), files: found };
            found.check_any()?;
            files.extend(found.files);
        }
        let mut seen = HashSet::with_capacity(files.len());
        if let Some(twice) = files.iter().find(|file| !seen.insert(file.path())) {
            return Err(bad(twice.path(), "is named twice: its rows would be there twice"));
        }
        let place = sources.first().map_or_else(PathBuf::new, |source| source.as_ref().to_owned());
        Ok(Self { place, files })
    }

    /// Whether a path has a wildcard in it.
    pub fn is_pattern(path: &Path) -> bool {
        glob::is_pattern(&path.to_string_lossy())
    }

    /// The files of a table that a reference names.
    pub(crate) fn of_reference(target: &Path, format: TableFormat, has_partitions: bool) -> HandlerResult<Self> {
        let files = if target.is_dir() {
            Self::of_directory(target, Some(format))?
        } else if Self::is_pattern(target) && !target.exists() {
            Self::of_pattern(target, has_partitions)?
        } else {
            vec![TableSource::here(target.to_owned(), usize::MAX)]
        };
        Ok(Self { place: target.to_owned(), files })
    }

    /// The files of a table that a reference to a store names, of those that were found there. With a pattern, those that it matches
    /// below where it begins; without, those that a directory gives.
    pub(crate) fn of_store(
        target: &Path,
        format: TableFormat,
        has_partitions: bool,
        store: &Arc<dyn Storage>,
        listed: &[FileInfo],
        pattern: Option<&[&str]>,
    ) -> HandlerResult<Self> {
        let wanted = glob::listed(target, listed, pattern, |path| is_named(path, Some(format)))?;
        let fixed = match pattern {
            Some(_) if !has_partitions => usize::MAX,
            _ => Path::new(&store.location()).components().count(),
        };
        let source = |listed| TableSource { place: FilePlace::on_store(store, listed), fixed };
        Ok(Self { place: target.to_owned(), files: wanted.into_iter().map(source).collect() })
    }

    /// The one file of a table that a reference to a store names.
    pub(crate) fn of_object(target: &Path, store: &Arc<dyn Storage>, listed: &FileInfo) -> Self {
        let source = TableSource { place: FilePlace::on_store(store, listed), fixed: usize::MAX };
        Self { place: target.to_owned(), files: vec![source] }
    }

    /// No file.
    pub(crate) fn none(target: &Path) -> Self {
        Self { place: target.to_owned(), files: Vec::new() }
    }

    fn of_directory(root: &Path, format: Option<TableFormat>) -> HandlerResult<Vec<TableSource>> {
        let paths = glob::files_below(root, |path| is_named(path, format))?;
        let fixed = root.components().count();
        Ok(paths.into_iter().map(|path| TableSource::here(path, fixed)).collect())
    }

    fn of_pattern(pattern: &Path, has_partitions: bool) -> HandlerResult<Vec<TableSource>> {
        let paths = glob::expand(pattern)?;
        let fixed = if has_partitions { glob::fixed_segments(pattern) } else { usize::MAX };
        Ok(paths.into_iter().map(|path| TableSource::here(path, fixed)).collect())
    }

    /// Refuses a source that names no file.
    pub(super) fn check_any(&self) -> HandlerResult<()> {
        if !self.files.is_empty() {
            return Ok(());
        }
        if self.place.is_dir() {
            return Err(bad(&self.place, "holds no table file, by the names of the files below it"));
        }
        Err(HandlerError::FileNotFound { path: self.place.clone() })
    }

    /// Whether directories above the files are partitions.
    pub(crate) fn have_partitions(&self) -> bool {
        self.files.first().is_some_and(|file| file.partitions().is_ok_and(|values| !values.is_empty()))
    }

    /// What the directories above each file say; `None` where these are no partitions.
    pub(crate) fn partitions(&self) -> Option<Vec<Partitions>> {
        let values: Vec<Partitions> =
            self.files.iter().map(TableSource::partitions).collect::<HandlerResult<_>>().ok()?;
        values.first().is_some_and(|first| !first.is_empty()).then_some(values)
    }

    /// Their paths, in the order of their rows.
    pub fn paths(&self) -> impl ExactSizeIterator<Item = &Path> {
        self.files.iter().map(TableSource::path)
    }

    /// Where they lie, in the order of their rows.
    pub(crate) fn places(&self) -> impl ExactSizeIterator<Item = &FilePlace> {
        self.files.iter().map(|file| &file.place)
    }

    /// Whether it is one file that was named by itself.
    pub(crate) fn is_one_by_name(&self) -> bool {
        matches!(self.files.as_slice(), [only] if only.fixed == usize::MAX)
    }

    /// The only file, where no directory above it is a partition.
    pub(crate) fn only_file(&self) -> Option<&FilePlace> {
        match self.files.as_slice() {
            [only] if !self.have_partitions() => Some(&only.place),
            _ => None,
        }
    }

    /// The sizes of all files together, as far as they can be seen.
    pub fn size(&self) -> u64 {
        self.places().filter_map(|place| place.size_and_time().ok()).map(|(size, _)| size).sum()
    }

    /// Whether the first file's name tells an array, which is a column where other files are rows.
    pub(super) fn are_arrays(&self, format: Option<TableFormat>) -> bool {
        let named = self.files.first().and_then(|file| detect::by_name(file.path()).0);
        format.or(named) == Some(TableFormat::Npy)
    }
}

/// Whether the name of a file tells a table format, or the one that is wanted.
fn is_named(path: &Path, format: Option<TableFormat>) -> bool {
    let (named, _) = detect::by_name(path);
    named.is_some_and(|named| format.is_none_or(|format| format == named))
}
