//! Rows that are converted once to files that can be mapped, and kept in the cache: text, and tables in Parquet for those who compute over
//! them again and again.

use std::fs::{self, File};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use datafolio_columns::{ColumnsError, ColumnsResult, Frame, PassOptions, write_parts};
use datafolio_core::item_type;
use datafolio_core::json::sha256;
use datafolio_handlers::formats::{ImportOptions, TableFiles, TableFormat, open_tables};
use datafolio_handlers::reference_files_state;

use crate::bundle::DataFolio;
use crate::error::{Error, Result};
use crate::rows::{Capped, Rows, Stretch};
use crate::settings::Settings;
use crate::table::TableOptions;

/// Rows of a file of the cache: so many are lost where a conversion is interrupted.
pub(crate) const ROWS_PER_FILE: u64 = 1 << 22;
/// What the directory of the cache is called.
const DIR: &str = "mapped";

impl DataFolio {
    /// A table as a frame of mapped columns, whatever it is stored as: for many questions about one version. What is not in Arrow or HDF5
    /// files is converted once, to the cache directory; a conversion that was interrupted goes on where it ended, and other processes
    /// wait for it. The files are kept under the content of the version, so that a table which has changed is converted anew; what was
    /// used longest ago goes when `cache_cap` is reached.
    ///
    /// `pass` tells of the rows that were converted (0 for all of them where nobody knows how many there are), and stops it.
    ///
    /// # Errors
    /// As [`DataFolio::frame`]; [`Error::Invalid`] where the settings allow no cache, or less than the table needs.
    pub fn mapped_frame(&self, name: &str, pass: &PassOptions) -> Result<Frame> {
        let record = self.pinned_record(self.table_record(name, None)?)?;
        let is_reference = record.item_type() == item_type::REFERENCED_TABLE;
        let as_it_lies = !is_reference && matches!(record.str("table_format"), Some("arrow" | "hdf5"));
        if as_it_lies || crate::view::is_view(&record) {
            return self.frame(name);
        }
        let content = match crate::table::content_of(&record) {
            Some(content) => Some(format!("table {content}")),
            None => reference_files_state(&self.handler_item(&record)).map(|state| format!("reference {state}")),
        };
        let Some(content) = content else {
            return Err(Error::Invalid(format!(
                "table '{name}' is not converted, since nothing tells when its files change: import it, or copy it with \
                 `datafolio derive NEW --from {}`",
                crate::text::shell_word(name)
            )));
        };
        let open = |skip: u64| -> Result<Rows> { self.read_part_of(&record, &TableOptions::new().offset(skip), None) };
        let frame = MappedCache::of(self.settings())?.frame(&content, open, pass)?;
        let version = self.state().item(name)?.token();
        let frame = frame.with_origins([datafolio_columns::Origin { name: name.to_owned(), version }]);
        Ok(self.with_answers(frame))
    }
}

/// Opens files that are in no bundle as a frame, text included: CSV and TSV (also with `.gz` or `.zip`) and JSON lines are converted once
/// to mapped files in the cache directory, with the types that `import` would give them, as [`DataFolio::mapped_frame`] converts
/// tables. Other files are opened as [`Frame::open`] opens them, and nothing is converted.
///
/// ```
/// # fn main() -> datafolio::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// use datafolio::columns::{PassOptions, agg, col};
/// use datafolio::{ImportOptions, Settings};
///
/// let mut settings = Settings::default();
/// settings.cache_dir = Some(dir.path().join("cache"));
/// let options = ImportOptions::default();
/// let flights = datafolio::open_frame(&["examples/data/flights.csv.gz"], &options, &settings, &PassOptions::default())?;
/// assert_eq!(flights.aggregate(&[agg::count_rows()])?[0].as_i128(), Some(336_776));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of [`Frame::open`] and of reading text; as [`DataFolio::mapped_frame`].
pub fn open_frame<P: AsRef<Path>>(
    sources: &[P],
    import: &ImportOptions,
    settings: &Settings,
    pass: &PassOptions,
) -> Result<Frame> {
    let files = TableFiles::find(sources, import.format)?;
    let is_text = |path: &Path| {
        let format = import.format.or_else(|| TableFormat::from_path(path).map(|(format, _)| format));
        !matches!(format, Some(TableFormat::Parquet | TableFormat::Arrow | TableFormat::Npy | TableFormat::Hdf5))
    };
    if !files.paths().any(is_text) {
        return Ok(Frame::open(files.paths().map(Path::to_owned).collect::<Vec<PathBuf>>())?);
    }
    let open = |skip: u64| -> Result<Rows> {
        let rows = open_tables(&files, import)?;
        Ok(if skip == 0 { rows } else { Box::new(Stretch::new(rows, skip, None)) })
    };
    MappedCache::of(settings)?.frame(&files_key(&files, import)?, open, pass)
}

/// What names the rows of files: where they lie, what tells that they change, and how they are read.
pub(crate) fn files_key(files: &TableFiles, import: &ImportOptions) -> Result<String> {
    let mut key = String::from("files");
    for path in files.paths() {
        let failed = |source| Error::File { action: "read", path: path.to_owned(), source };
        let found = fs::metadata(path).map_err(failed)?;
        let time = found.modified().ok().and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
        let full = fs::canonicalize(path).map_err(failed)?;
        key.push_str(&format!(" {full:?} {} {time:?}", found.len()));
    }
    let how = (import.format, import.compression, import.delimiter, import.has_header, import.quote, import.escape);
    let values = (&import.comment, &import.null_values, &import.types, &import.columns, &import.infer_rows);
    Ok(format!("{key} {how:?} {values:?}"))
}

/// A directory of converted tables.
struct MappedCache {
    dir: PathBuf,
    cap: u64,
    threads: usize,
}

impl MappedCache {
    fn of(settings: &Settings) -> Result<Self> {
        match settings.cache_dir.as_ref().filter(|_| settings.cache_cap > 0) {
            Some(dir) => Ok(Self { dir: dir.join(DIR), cap: settings.cache_cap, threads: settings.threads }),
            None => Err(Error::Invalid(
                "converted tables are kept in the cache, and the settings allow none: set cache_dir and cache_cap, or \
                 convert the file yourself with `datafolio convert`"
                    .to_owned(),
            )),
        }
    }

    /// The rows that a key names, converted if they are not there.
    fn frame(&self, key: &str, open: impl FnOnce(u64) -> Result<Rows>, pass: &PassOptions) -> Result<Frame> {
        let name = sha256(key);
        let dir = self.dir.join(&name);
        let failed = |action| move |source| Error::File { action, path: self.dir.clone(), source };
        fs::create_dir_all(&self.dir).map_err(failed("make"))?;
        // One process converts, and the others wait for it. The lock goes with the process.
        let lock = File::create(self.dir.join(format!("{name}.lock"))).map_err(failed("write to"))?;
        lock.lock().map_err(failed("lock"))?;
        let pass = PassOptions { threads: pass.threads.or(NonZeroUsize::new(self.threads)), ..pass.clone() };
        let reader = |skip: u64| -> ColumnsResult<Capped<Rows>> {
            let rows = open(skip).map_err(|error| ColumnsError::Source(Box::new(error)))?;
            Ok(Capped::new(rows, self.cap, "the converted table", "cache_cap"))
        };
        let parts = write_parts(&dir, key, ROWS_PER_FILE, true, reader, &pass)?;
        // For whoever looks what was used longest ago.
        let _ = File::open(&dir).and_then(|dir| dir.set_modified(SystemTime::now()));
        self.make_room(&dir);
        Ok(Frame::open(parts.files)?)
    }

    /// Removes what was used longest ago until the rest is within the cap. What is mapped elsewhere stays readable there, or, where the
    /// system does not allow it, is not removed.
    fn make_room(&self, used: &Path) {
        let mut found: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                let files = fs::read_dir(&path).into_iter().flatten().flatten();
                let size = files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum();
                found.push((metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), size, path));
            }
        }
        found.sort();
        let mut held: u64 = found.iter().map(|(_, size, _)| size).sum();
        for (_, size, path) in found {
            if held <= self.cap {
                break;
            }
            let lock = path.with_extension("lock");
            // One that another process is at work on is left to it.
            let is_free = path != used && File::create(&lock).is_ok_and(|lock| lock.try_lock().is_ok());
            if is_free && fs::remove_dir_all(&path).is_ok() {
                let _ = fs::remove_file(&lock);
                held -= size;
            }
        }
    }
}
