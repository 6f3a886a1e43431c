//! The files of a table that lies in several.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::hive::partitions_of;
use super::{TableFormat, bad, detect, glob, refuse_url};
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
    pub(super) path: PathBuf,
    /// How many segments of the path come before those that can be partitions.
    pub(super) fixed: usize,
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
                vec![TableSource { path: source.to_owned(), fixed }]
            } else {
                return Err(HandlerError::FileNotFound { path: source.to_owned() });
            };
            let found = Self { place: source.to_owned(), files: found };
            found.check_any()?;
            files.extend(found.files);
        }
        let mut seen = HashSet::with_capacity(files.len());
        if let Some(twice) = files.iter().find(|file| !seen.insert(file.path.as_path())) {
            return Err(bad(&twice.path, "is named twice: its rows would be there twice"));
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
            vec![TableSource { path: target.to_owned(), fixed: usize::MAX }]
        };
        Ok(Self { place: target.to_owned(), files })
    }

    fn of_directory(root: &Path, format: Option<TableFormat>) -> HandlerResult<Vec<TableSource>> {
        let is_wanted = |path: &Path| {
            let (named, _) = detect::by_name(path);
            named.is_some_and(|named| format.is_none_or(|format| format == named))
        };
        let paths = glob::files_below(root, is_wanted)?;
        let fixed = root.components().count();
        Ok(paths.into_iter().map(|path| TableSource { path, fixed }).collect())
    }

    fn of_pattern(pattern: &Path, has_partitions: bool) -> HandlerResult<Vec<TableSource>> {
        let paths = glob::expand(pattern)?;
        let fixed = if has_partitions { glob::fixed_segments(pattern) } else { usize::MAX };
        Ok(paths.into_iter().map(|path| TableSource { path, fixed }).collect())
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
        self.files
            .first()
            .is_some_and(|file| partitions_of(&file.path, file.fixed).is_ok_and(|values| !values.is_empty()))
    }

    /// Their paths, in the order of their rows.
    pub fn paths(&self) -> impl ExactSizeIterator<Item = &Path> {
        self.files.iter().map(|file| file.path.as_path())
    }

    /// The sizes of all files together, as far as they can be seen.
    pub fn size(&self) -> u64 {
        self.paths().filter_map(|path| std::fs::metadata(path).ok()).map(|facts| facts.len()).sum()
    }

    /// Whether the first file's name tells an array, which is a column where other files are rows.
    pub(super) fn are_arrays(&self, format: Option<TableFormat>) -> bool {
        let named = self.files.first().and_then(|file| detect::by_name(&file.path).0);
        format.or(named) == Some(TableFormat::Npy)
    }
}
