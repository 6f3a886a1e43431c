//! Which format a file has: by what the caller says, else its name, and always checked against its first bytes.

use std::io::Read;
use std::path::Path;

use super::input::{Meter, TableFile};
use super::{Compression, ImportOptions, TableFormat, bad, zip_member};
use crate::error::{HandlerError, HandlerResult};

/// What is known of a file before it is read.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) format: TableFormat,
    pub(super) compression: Compression,
    /// The name says no more than that it is text.
    pub(super) sniff_delimiter: bool,
}

const KNOWN: &str = ".parquet, .csv, .tsv, .jsonl, .arrow, .hdf5, .npy (text also with .gz or .zip)";

/// Format and compression by the file's name.
pub(super) fn by_name(path: &Path) -> (Option<TableFormat>, Compression) {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let (name, compression) = if let Some(name) = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".gzip")) {
        (name, Compression::Gzip)
    } else if let Some(name) = name.strip_suffix(".zip") {
        (name, Compression::Zip)
    } else {
        (name.as_str(), Compression::None)
    };
    let format = match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("parquet" | "pq") => Some(TableFormat::Parquet),
        Some("csv") => Some(TableFormat::Csv),
        Some("tsv" | "tab") => Some(TableFormat::Tsv),
        Some("jsonl" | "ndjson") => Some(TableFormat::JsonLines),
        Some("arrow" | "feather" | "ipc" | "arrows") => Some(TableFormat::Arrow),
        Some("npy") => Some(TableFormat::Npy),
        Some("hdf5" | "h5") => Some(TableFormat::Hdf5),
        _ => None,
    };
    (format, compression)
}

fn is_text_name(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zip")).unwrap_or(&name);
    name.ends_with(".txt")
}

/// What the bytes of a file say it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Magic {
    Parquet,
    EncryptedParquet,
    ArrowFile,
    FeatherV1,
    Hdf5,
    Gzip,
    Zip,
    Other(&'static str),
    Unknown,
}

/// Looks at both ends of the file: a text file may well begin with the letters `PAR1`, but does not end with them too.
fn magic(file: &TableFile, expected: Option<TableFormat>) -> HandlerResult<Magic> {
    let tail = file.bytes_at(file.size.saturating_sub(8), 8)?;
    // On a store the front would be a request of its own, and whoever says that it is Parquet reads the end of it first.
    if expected == Some(TableFormat::Parquet) && tail.ends_with(b"PAR1") {
        return Ok(Magic::Parquet);
    }
    let head = file.bytes_at(0, 16)?;
    Ok(match head.as_slice() {
        [b'P', b'A', b'R', b'1', ..] if tail.ends_with(b"PAR1") => Magic::Parquet,
        [b'P', b'A', b'R', b'E', ..] if tail.ends_with(b"PARE") => Magic::EncryptedParquet,
        [b'A', b'R', b'R', b'O', b'W', b'1', 0, 0, ..] => Magic::ArrowFile,
        [b'F', b'E', b'A', b'1', ..] if tail.ends_with(b"FEA1") => Magic::FeatherV1,
        [0x1f, 0x8b, 8, ..] => Magic::Gzip,
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Magic::Zip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Magic::Other("zstd data"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Magic::Other("xz data"),
        [b'B', b'Z', b'h', _, 0x31, 0x41, 0x59, 0x26, ..] => Magic::Other("bzip2 data"),
        [0x89, b'H', b'D', b'F', ..] => Magic::Hdf5,
        [0xd0, 0xcf, 0x11, 0xe0, ..] => Magic::Other("an old Excel file"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Magic::Other("UTF-16 text: convert it to UTF-8"),
        head if head.starts_with(b"SQLite format 3\0") => Magic::Other("an SQLite database"),
        _ => Magic::Unknown,
    })
}

/// Finds format and compression, and refuses a file whose bytes say that it is something else.
pub(super) fn resolve(file: &TableFile, options: &ImportOptions) -> HandlerResult<Found> {
    let path = &file.path;
    let (named, named_compression) = by_name(path);
    let magic = magic(file, options.format)?;
    let mut compression = options.compression.unwrap_or(named_compression);
    // Text that was compressed without a word in its name: the first bytes leave no doubt.
    if options.compression.is_none() && compression == Compression::None {
        compression = match magic {
            Magic::Gzip => Compression::Gzip,
            Magic::Zip => Compression::Zip,
            _ => Compression::None,
        };
    }
    match (compression, magic) {
        (Compression::Gzip, magic) if magic != Magic::Gzip => return Err(bad(path, "is not gzip data")),
        (Compression::Zip, magic) if magic != Magic::Zip => return Err(bad(path, "is not a zip archive")),
        _ => {}
    }
    let mut sniff_delimiter = false;
    let mut format = options.format.or(named);
    if format.is_none() {
        let inner = if compression == Compression::Zip { Some(zip_member::name(file)?) } else { None };
        let inner = inner.as_ref().map(Path::new);
        format = inner.and_then(|name| by_name(name).0).or(match magic {
            Magic::Parquet => Some(TableFormat::Parquet),
            Magic::ArrowFile => Some(TableFormat::Arrow),
            Magic::Hdf5 => Some(TableFormat::Hdf5),
            _ => None,
        });
        if format.is_none() && (is_text_name(path) || inner.is_some_and(is_text_name)) {
            format = Some(TableFormat::Csv);
            sniff_delimiter = true;
        }
    }
    let Some(format) = format else {
        return Err(match magic {
            Magic::FeatherV1 => bad(path, feather_v1()),
            Magic::Other(what) => bad(path, format!("is {what}; known here: {KNOWN}")),
            _ => HandlerError::NeedsOption {
                path: path.clone(),
                reason: format!("its name does not tell its format: give the format, or one of the names {KNOWN}"),
                option: "format",
                value: None,
            },
        });
    };
    let is_text = matches!(format, TableFormat::Csv | TableFormat::Tsv | TableFormat::JsonLines);
    if !is_text && compression != Compression::None {
        return Err(bad(path, format!("a {format} file cannot be read compressed: unpack it first")));
    }
    let other = match magic {
        Magic::Parquet if format != TableFormat::Parquet => "a Parquet file".to_owned(),
        Magic::EncryptedParquet => "an encrypted Parquet file, which cannot be read here".to_owned(),
        Magic::ArrowFile if format != TableFormat::Arrow => "an Arrow file".to_owned(),
        Magic::FeatherV1 => return Err(bad(path, feather_v1())),
        Magic::Hdf5 if format != TableFormat::Hdf5 => "an HDF5 file".to_owned(),
        Magic::Other(what) => what.to_owned(),
        _ => return Ok(Found { format, compression, sniff_delimiter }),
    };
    Err(bad(path, format!("should be {format}, but its first bytes say that it is {other}")))
}

fn feather_v1() -> String {
    "is a Feather file of version 1, which is not read here: write it again as version 2 (pandas.read_feather, then \
     to_feather) or as Parquet"
        .to_owned()
}

/// The delimiter of a text file whose name does not tell it: whichever of tab, semicolon, bar and comma its first line
/// has most of.
pub(super) fn sniff_delimiter(file: &TableFile, compression: Compression) -> HandlerResult<u8> {
    let mut start = Vec::new();
    file.content(compression, Meter::silent())?
        .take(64 << 10)
        .read_to_end(&mut start)
        .map_err(|error| file.read_error(&error, compression))?;
    let line = start.split(|byte| matches!(byte, b'\n' | b'\r')).find(|line| !line.is_empty()).unwrap_or_default();
    let count = |delimiter: &u8| line.iter().filter(|byte| *byte == delimiter).count();
    // Of equals, `max_by_key` takes the last: a comma before a bar, a tab before both.
    Ok([b'|', b';', b',', b'\t'].into_iter().max_by_key(count).filter(|best| count(best) > 0).unwrap_or(b','))
}
