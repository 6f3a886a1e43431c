//! What is remembered of files that others write, to tell later whether they are still the same.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Component, Path};

use chrono::{DateTime, Utc};
use datafolio_core::time;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::error::{HandlerError, HandlerResult};
use crate::formats::{FilePlace, TableFiles, is_pattern};
use crate::outside_file::open_regular;

/// So much of a file's beginning and of its end is hashed. The footer of a Parquet file has the sizes, places and statistics
/// of all its columns, so nearly nothing within it changes without changing its end.
const SAMPLED: u64 = 16 << 10;
/// Beyond so many files their list is not kept, only its hash.
const LISTED: usize = 256;

/// The files of a reference as they were seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fingerprint {
    pub(super) files: u64,
    pub(super) bytes: u64,
    pub(super) digest: String,
    /// `None` for more files than are listed.
    pub(super) listing: Option<Vec<SeenFile>>,
    /// How many rows were counted in them, where they were.
    pub(super) rows: Option<u64>,
}

/// One file as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SeenFile {
    /// Below the directory of the reference, or that in which its pattern begins; of a single file, its name. With `/`.
    pub(super) path: String,
    pub(super) size: u64,
    /// As text; empty where the file system knows none.
    pub(super) modified: String,
    /// Hash of both ends; `None` where they were not looked at.
    pub(super) sample: Option<String>,
}

impl Fingerprint {
    /// Looks at all files of a reference.
    ///
    /// # Errors
    /// When one of them is gone, is no regular file, or cannot be read.
    pub(super) fn of(target: &Path, files: &TableFiles) -> HandlerResult<Self> {
        Self::seen(target, files, true)
    }

    /// The same from outside: the samples are left empty.
    ///
    /// # Errors
    /// When one of the files is gone.
    pub(super) fn from_outside(target: &Path, files: &TableFiles) -> HandlerResult<Self> {
        Self::seen(target, files, false)
    }

    fn seen(target: &Path, files: &TableFiles, sampled: bool) -> HandlerResult<Self> {
        let (mut count, mut bytes, mut hash) = (0, 0, Sha256::new());
        let mut listing = (files.places().len() <= LISTED).then(Vec::new);
        for place in files.places() {
            let seen = SeenFile::of(target, place, sampled)?;
            count += 1;
            bytes += seen.size;
            hash.update(seen.line());
            if let Some(listing) = &mut listing {
                listing.push(seen);
            }
        }
        Ok(Self { files: count, bytes, digest: hex(&hash.finalize()), listing, rows: None })
    }

    pub(super) fn to_json(&self) -> Value {
        let mut value = json!({ "files": self.files, "bytes": self.bytes, "digest": self.digest });
        if let (Some(listing), Some(value)) = (&self.listing, value.as_object_mut()) {
            let listed = listing.iter().map(|file| {
                let (size, modified, sample) = (file.size, &file.modified, file.sample.as_deref().unwrap_or_default());
                json!({ "path": file.path, "size": size, "last_modified": modified, "sample": sample })
            });
            value.insert("listing".to_owned(), listed.collect());
        }
        if let (Some(rows), Some(value)) = (self.rows, value.as_object_mut()) {
            value.insert("rows".to_owned(), rows.into());
        }
        value
    }

    /// Reads what an entry has; `None` for anything else.
    pub(super) fn from_json(value: &Value) -> Option<Self> {
        let number = |name: &str| value.get(name)?.as_u64();
        let text = |value: &Map<String, Value>, name: &str| Some(value.get(name)?.as_str()?.to_owned());
        let listing = match value.get("listing") {
            None => None,
            Some(listing) => {
                let files = listing.as_array()?.iter().map(|file| {
                    let file = file.as_object()?;
                    Some(SeenFile {
                        path: text(file, "path")?,
                        size: file.get("size")?.as_u64()?,
                        modified: text(file, "last_modified")?,
                        sample: Some(text(file, "sample")?),
                    })
                });
                Some(files.collect::<Option<Vec<_>>>()?)
            }
        };
        let digest = text(value.as_object()?, "digest")?;
        Some(Self { files: number("files")?, bytes: number("bytes")?, digest, listing, rows: number("rows") })
    }
}

impl SeenFile {
    /// Looks at a file, and into it where `sampled`. Into what lies on a store nobody looks: its time is never set back.
    pub(super) fn of(target: &Path, place: &FilePlace, sampled: bool) -> HandlerResult<Self> {
        let path = place.path();
        let (size, modified, sample) = if sampled && place.is_here() {
            let (mut file, seen) = open_regular(path)?;
            let sample = sample(&mut file, seen.len()).map_err(|error: io::Error| HandlerError::BadFile {
                path: path.to_owned(),
                reason: format!("cannot be read: {error}"),
            })?;
            (seen.len(), seen.modified().ok(), Some(sample))
        } else {
            let (size, modified) = place.size_and_time()?;
            (size, modified, sampled.then(String::new))
        };
        let modified = modified.map(|time| time::to_iso(DateTime::<Utc>::from(time))).unwrap_or_default();
        Ok(Self { path: name_below(target, path), size, modified, sample })
    }

    fn line(&self) -> String {
        let sample = self.sample.as_deref().unwrap_or_default();
        format!("{}\t{}\t{}\t{sample}\n", self.path, self.size, self.modified)
    }
}

/// The path of a file below what is fixed of its reference.
fn name_below(target: &Path, path: &Path) -> String {
    let fixed = |segment: &Component<'_>| !is_pattern(&segment.as_os_str().to_string_lossy());
    let below = if path == target {
        path.file_name().map(Path::new)
    } else if let Ok(below) = path.strip_prefix(target) {
        Some(below)
    } else {
        let root: std::path::PathBuf = target.components().take_while(fixed).collect();
        path.strip_prefix(root).ok()
    };
    let segments = below.unwrap_or(path).components().map(|segment| segment.as_os_str().to_string_lossy().into_owned());
    segments.collect::<Vec<_>>().join("/")
}

fn sample(file: &mut fs::File, size: u64) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut part = Vec::new();
    file.take(SAMPLED).read_to_end(&mut part)?;
    hash.update(&part);
    part.clear();
    file.seek(SeekFrom::Start(size.saturating_sub(SAMPLED).max(SAMPLED.min(size))))?;
    file.take(SAMPLED).read_to_end(&mut part)?;
    hash.update(&part);
    Ok(hex(&hash.finalize()))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
