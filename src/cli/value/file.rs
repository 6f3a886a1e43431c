//! Files outside the bundle: written whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use datafolio_core::ErrorCategory;

use super::super::failure::{Failure, Outcome};
use crate::error::Error;

/// Writes a file by way of a temporary one beside it, so that a failure leaves what was there.
///
/// # Errors
/// A file that exists, unless it is to be replaced; what `write` returns; errors of the disk.
pub(in crate::cli) fn write_whole<T>(
    path: &Path,
    overwrite: bool,
    write: impl FnOnce(&mut BufWriter<File>) -> Outcome<T>,
) -> Outcome<T> {
    refuse_existing(path, overwrite)?;
    let failed = |source: io::Error| Failure::from(Error::File { action: "write", path: path.to_owned(), source });
    let (file, temporary) = create_beside(path).map_err(failed)?;
    let mut file = BufWriter::new(file);
    let written = write(&mut file).and_then(|result| {
        file.flush()?;
        file.get_ref().sync_all()?;
        fs::rename(&temporary, path)?;
        Ok(result)
    });
    written.map_err(|failure| {
        // Nothing is left to do when it cannot be removed.
        let _ = fs::remove_file(&temporary);
        match failure {
            Failure::Output(source) => failed(source),
            other => other,
        }
    })
}

/// # Errors
/// A file that exists, unless it is to be replaced.
pub(in crate::cli) fn refuse_existing(path: &Path, overwrite: bool) -> Outcome {
    if path.exists() && !overwrite {
        let message = format!("{} exists already", path.display());
        return Err(Failure::new("file-exists", ErrorCategory::Exists, message).hint("pass --overwrite to replace it"));
    }
    Ok(())
}

/// A new file of a hidden name in the same directory.
fn create_beside(path: &Path) -> io::Result<(File, PathBuf)> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut count = 0_u64;
    loop {
        let temporary = path.with_file_name(format!(".{name}.{}-{count}.tmp", std::process::id()));
        match File::options().write(true).create_new(true).open(&temporary) {
            // Left by a process of the same number that was killed.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => count += 1,
            opened => return opened.map(|file| (file, temporary)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// In a container every process may have the same number.
    #[test]
    fn what_a_killed_process_left_is_in_nobodys_way() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        let (_, left) = create_beside(&path).unwrap();
        fs::write(&left, "half").unwrap();
        write_whole(&path, false, |out| Ok(out.write_all(b"whole")?)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::read(&left).unwrap(), b"half");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
