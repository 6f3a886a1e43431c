//! How many bytes files take: one with several names takes them once.

use std::collections::{HashMap, HashSet};

use datafolio_core::RelPath;
use datafolio_storage::{FileId, FileInfo};

/// The files of a bundle by their names.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// Size, and which of the files it is.
    by_path: HashMap<RelPath, (u64, usize)>,
    /// How many names each has.
    names: Vec<usize>,
}

impl Files {
    /// Those of a list.
    pub(super) fn of<'a>(infos: impl IntoIterator<Item = &'a FileInfo>) -> Self {
        let mut files = Self::default();
        let mut known: HashMap<FileId, usize> = HashMap::new();
        for info in infos {
            let next = files.names.len();
            let file = info.id.map_or(next, |id| *known.entry(id).or_insert(next));
            if file == next {
                files.names.push(0);
            }
            files.names[file] += 1;
            files.by_path.insert(info.path.clone(), (info.size, file));
        }
        files
    }

    /// Which file has a name; `None` for a name that is not there.
    pub(super) fn file(&self, path: &RelPath) -> Option<usize> {
        self.by_path.get(path).map(|(_, file)| *file)
    }

    /// Bytes of the files with these names which were not seen before.
    pub(super) fn unseen<'a>(&self, paths: impl IntoIterator<Item = &'a RelPath>, seen: &mut HashSet<usize>) -> u64 {
        let found = paths.into_iter().filter_map(|path| self.by_path.get(path));
        found.filter(|(_, file)| seen.insert(*file)).map(|(size, _)| size).sum()
    }

    /// Bytes of the files with these names.
    pub(super) fn size<'a>(&self, paths: impl IntoIterator<Item = &'a RelPath>) -> u64 {
        self.unseen(paths, &mut HashSet::new())
    }

    /// Bytes of all files.
    pub(super) fn total(&self) -> u64 {
        self.size(self.by_path.keys())
    }

    /// Bytes of the files that have no names but these, each of which is given once.
    pub(super) fn freed_by(&self, paths: &[RelPath]) -> u64 {
        let mut left = self.names.clone();
        let mut freed = 0;
        for (size, file) in paths.iter().filter_map(|path| self.by_path.get(path)) {
            left[*file] -= 1;
            if left[*file] == 0 {
                freed += size;
            }
        }
        freed
    }
}
