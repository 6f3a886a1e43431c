//! [`Directory`] with the standard library alone, for systems without Unix' calls.
//!
//! Every segment is looked at before it is used. Between the look and the use a hostile process could swap in a link;
//! on Unix, where that matters most, `unix.rs` closes this gap.

use std::any::Any;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::directory::{Directory, Facts, Irregular, Kind};

/// A directory by its absolute path.
#[derive(Debug)]
pub(super) struct PortableDirectory {
    path: PathBuf,
}

impl PortableDirectory {
    /// Opens a directory by its absolute path.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if fs::metadata(path)?.is_dir() {
            Ok(Self { path: path.to_owned() })
        } else {
            Err(ErrorKind::NotADirectory.into())
        }
    }

    /// The absolute path, after all segments but the last were found to be directories.
    fn resolve(&self, path: &str) -> io::Result<PathBuf> {
        let mut resolved = self.path.clone();
        let mut segments = path.split('/').peekable();
        while let Some(segment) = segments.next() {
            resolved.push(segment);
            if segments.peek().is_some() {
                match kind(&fs::symlink_metadata(&resolved)?) {
                    Kind::Directory => {}
                    Kind::Link => return Err(Irregular::error(Kind::Link)),
                    _ => return Err(ErrorKind::NotADirectory.into()),
                }
            }
        }
        Ok(resolved)
    }
}

impl Directory for PortableDirectory {
    fn enter(&self, path: &str) -> io::Result<Arc<dyn Directory>> {
        let resolved = self.resolve(path)?;
        match kind(&fs::symlink_metadata(&resolved)?) {
            Kind::Directory => Ok(Arc::new(Self { path: resolved })),
            Kind::Link => Err(Irregular::error(Kind::Link)),
            _ => Err(ErrorKind::NotADirectory.into()),
        }
    }

    fn open_file(&self, path: &str) -> io::Result<(File, Facts)> {
        let resolved = self.resolve(path)?;
        facts(&fs::symlink_metadata(&resolved)?).of_file()?;
        let file = File::open(&resolved)?;
        let facts = self.facts_of(&file)?.of_file()?;
        Ok((file, facts))
    }

    fn facts(&self, path: &str) -> io::Result<Facts> {
        Ok(facts(&fs::symlink_metadata(self.resolve(path)?)?))
    }

    fn facts_of(&self, file: &File) -> io::Result<Facts> {
        Ok(facts(&file.metadata()?))
    }

    fn entries(&self) -> io::Result<Vec<(String, Kind)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            match fs::symlink_metadata(entry.path()) {
                Ok(metadata) => found.push((name, kind(&metadata))),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    fn create_file(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create_new(true).open(self.path.join(name))
    }

    fn open_lock_file(&self, name: &str) -> io::Result<File> {
        let path = self.path.join(name);
        match fs::symlink_metadata(&path) {
            Ok(metadata) => {
                facts(&metadata).of_file()?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
    }

    fn create_dir(&self, name: &str) -> io::Result<()> {
        fs::create_dir(self.path.join(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn rename_new(&self, from: &str, to: &str) -> io::Result<()> {
        match fs::symlink_metadata(self.path.join(to)) {
            Ok(_) => Err(ErrorKind::AlreadyExists.into()),
            Err(error) if error.kind() == ErrorKind::NotFound => self.rename(from, to),
            Err(error) => Err(error),
        }
    }

    fn link(&self, name: &str, target: &dyn Directory, new: &str) -> io::Result<()> {
        let target = target.as_any().downcast_ref::<Self>().ok_or(ErrorKind::Unsupported)?;
        fs::hard_link(self.path.join(name), target.path.join(new))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn remove_file(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn set_mode(&self, _file: &File, _of: &Facts) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        // Windows cannot open a directory to flush it; NTFS journals the rename itself.
        if cfg!(unix) { File::open(&self.path)?.sync_all() } else { Ok(()) }
    }
}

fn kind(metadata: &Metadata) -> Kind {
    let file_type = metadata.file_type();
    if file_type.is_symlink() {
        Kind::Link
    } else if file_type.is_dir() {
        Kind::Directory
    } else if file_type.is_file() {
        Kind::File
    } else {
        Kind::Other
    }
}

fn facts(metadata: &Metadata) -> Facts {
    let modified_ns = match metadata.modified().map(|time| time.duration_since(SystemTime::UNIX_EPOCH)) {
        Ok(Ok(since)) => i128::try_from(since.as_nanos()).unwrap_or(i128::MAX),
        Ok(Err(before)) => i128::try_from(before.duration().as_nanos()).map_or(i128::MIN, |ns| -ns),
        Err(_) => 0,
    };
    Facts { kind: kind(metadata), size: metadata.len(), modified_ns, mode: 0, inode: None }
}
