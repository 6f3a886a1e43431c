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
    let temporary = beside(path);
    let mut file = BufWriter::new(File::options().write(true).create_new(true).open(&temporary).map_err(failed)?);
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

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}
