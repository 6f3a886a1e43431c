//! The structure of an HDF5 file: groups, datasets, their types, attributes and places. The one file that names the HDF5
//! crate; values of contiguous datasets never pass through it.

use std::collections::HashMap;
use std::fs::File as SystemFile;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use hdf5_pure::{
    AttrValue, ChunkCacheConfig, Datatype, DatatypeByteOrder, Error, File, FileAccessProperties, FormatError, Layout,
    MetadataCacheConfig, Source, StringPadding,
};

use crate::error::{ColumnsError, ColumnsResult};
use crate::store::{Store, read_at};

/// Bytes of decoded chunks that are kept for each chunked dataset.
const CHUNK_CACHE: usize = 16 << 20;
/// Bytes of structure that are kept while a file is opened.
const METADATA_CACHE: usize = 8 << 20;
/// The most that chunks can be compressed by: deflate manages 1032 to 1.
const COMPRESSION: u64 = 4096;
/// No chunked dataset is longer than this.
const LONGEST: u64 = 1 << 40;

/// What an element of a dataset is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    /// A whole number of so many bytes.
    Int { bytes: usize, signed: bool },
    /// An IEEE floating-point number of so many bytes.
    Float { bytes: usize },
    /// A truth value of one byte.
    Bool,
    /// Text of so many bytes, padded.
    Text { bytes: usize, padding: Padding },
}

impl Element {
    /// Bytes of an element.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Int { bytes, .. } | Self::Float { bytes } | Self::Text { bytes, .. } => bytes,
            Self::Bool => 1,
        }
    }
}

/// What follows a text that is shorter than its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Padding {
    /// A zero byte, and after that anything.
    Terminated,
    /// Zero bytes to the end.
    Zeros,
    /// Spaces to the end.
    Spaces,
}

/// Where the values of a dataset are.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// In one piece in the file.
    At { offset: u64, size: u64 },
    /// Nowhere: nothing was ever written.
    Nowhere,
    /// In chunks or in a header, to be decoded.
    Decoded(Arc<Decoded>),
}

/// The file as a tree.
#[derive(Debug)]
pub(super) struct Tree {
    path: PathBuf,
    length: u64,
    root: hdf5_pure::Group,
    /// How many more groups may be listed: a damaged file may hold itself.
    budget: AtomicU64,
}

/// A group.
#[derive(Debug, Clone)]
pub(super) struct Group<'tree> {
    tree: &'tree Tree,
    group: hdf5_pure::Group,
}

/// A dataset.
#[derive(Debug)]
pub(super) struct Dataset {
    /// Of the elements, if it is one that is read.
    pub(super) element: Result<Element, String>,
    /// Whether the bytes of numbers are in the order that this machine does not use.
    pub(super) swapped: bool,
    /// The lengths of all dimensions.
    pub(super) shape: Vec<u64>,
    /// Where the values are.
    pub(super) place: Place,
    /// What is noted on it.
    pub(super) attributes: Attributes,
}

/// Notes on a group or dataset.
#[derive(Debug, Clone, Default)]
pub(super) struct Attributes(HashMap<String, AttrValue>);

impl Attributes {
    /// The text of a name.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(AttrValue::as_str)
    }

    /// The whole number of a name.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.0.get(name).and_then(AttrValue::as_u64)
    }
}

impl Tree {
    /// Reads the structure of the file that is open in `store`.
    pub(super) fn open(store: &Store) -> ColumnsResult<Self> {
        let path = store.path();
        let source = Positioned { file: store.file(), length: store.length() };
        let properties = FileAccessProperties::new()
            .with_metadata_cache(MetadataCacheConfig::new(METADATA_CACHE))
            .with_chunk_cache(ChunkCacheConfig::new().with_max_bytes(CHUNK_CACHE));
        let root = guarded(path, || Ok(File::from_source_with_options(source, properties)?.root()))?;
        let budget = AtomicU64::new((store.length() / 16).clamp(64, 1 << 22));
        Ok(Self { path: path.to_owned(), length: store.length(), root, budget })
    }

    /// The group that holds all others.
    pub(super) fn root(&self) -> Group<'_> {
        Group { tree: self, group: self.root.clone() }
    }

    fn spend(&self) -> ColumnsResult<()> {
        let spent = self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        spent.map(drop).map_err(|_| {
            ColumnsError::damaged(&self.path, "holds more groups than there is room for: some hold themselves")
        })
    }

    fn dataset(&self, dataset: hdf5_pure::Dataset) -> ColumnsResult<Dataset> {
        let (datatype, shape, layout, attributes) =
            guarded(&self.path, || Ok((dataset.datatype()?, dataset.shape()?, dataset.layout()?, dataset.attrs()?)))?;
        let (element, big) = element(&datatype);
        let size = element.as_ref().map_or(1, |element| element.bytes() as u64);
        let total = shape.iter().try_fold(size, |total, length| total.checked_mul(*length));
        let place = match layout {
            Layout::Contiguous { address: Some(offset), size } => Place::At { offset, size },
            Layout::Contiguous { address: None, .. } => Place::Nowhere,
            Layout::Virtual => {
                return Ok(Dataset {
                    element: Err("is a virtual dataset, made of other files".to_owned()),
                    swapped: false,
                    shape,
                    place: Place::Nowhere,
                    attributes: Attributes(attributes),
                });
            }
            layout => {
                let most = self.length.saturating_mul(COMPRESSION).min(LONGEST);
                let chunk = match &layout {
                    Layout::Chunked { chunk_shape, .. } => {
                        chunk_shape.iter().try_fold(size, |chunk, length| chunk.checked_mul(*length))
                    }
                    _ => Some(0),
                };
                let within = total.is_some_and(|total| total <= most) && chunk.is_some_and(|chunk| chunk <= most);
                let checked = OnceLock::new();
                if chunk == Some(0) {
                    let _ = checked.set(());
                }
                let (path, length) = (self.path.clone(), self.length);
                Place::Decoded(Arc::new(Decoded { path, length, dataset, within, checked }))
            }
        };
        let swapped = big != cfg!(target_endian = "big");
        Ok(Dataset { element, swapped, shape, place, attributes: Attributes(attributes) })
    }
}

impl<'tree> Group<'tree> {
    /// The groups in it, by name.
    pub(super) fn groups(&self) -> ColumnsResult<Vec<(String, Group<'tree>)>> {
        self.tree.spend()?;
        let groups = guarded(&self.tree.path, || Ok(self.group.iter_groups()?.collect::<Vec<_>>()))?;
        let mut groups: Vec<_> =
            groups.into_iter().map(|(name, group)| (name, Group { tree: self.tree, group })).collect();
        groups.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(groups)
    }

    /// The datasets in it, by name.
    pub(super) fn datasets(&self) -> ColumnsResult<Vec<(String, Dataset)>> {
        self.tree.spend()?;
        let datasets = guarded(&self.tree.path, || Ok(self.group.iter_datasets()?.collect::<Vec<_>>()))?;
        let mut datasets = datasets
            .into_iter()
            .map(|(name, dataset)| Ok((name, self.tree.dataset(dataset)?)))
            .collect::<ColumnsResult<Vec<_>>>()?;
        datasets.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(datasets)
    }

    /// What is noted on it.
    pub(super) fn attributes(&self) -> ColumnsResult<Attributes> {
        guarded(&self.tree.path, || Ok(Attributes(self.group.attrs()?)))
    }
}

/// A dataset whose values have to be decoded.
pub(super) struct Decoded {
    path: PathBuf,
    length: u64,
    dataset: hdf5_pure::Dataset,
    /// Whether the file can hold as much as the dataset claims.
    within: bool,
    /// Whether all chunks lie within the file. The HDF5 crate makes room for what a chunk claims before it reads it.
    checked: OnceLock<()>,
}

impl std::fmt::Debug for Decoded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoded").field("within", &self.within).finish_non_exhaustive()
    }
}

impl Decoded {
    /// Whether the file can hold as much as the dataset claims.
    pub(super) fn is_plausible(&self) -> bool {
        self.within
    }

    /// The bytes of some rows.
    pub(super) fn rows(&self, start: u64, count: u64) -> ColumnsResult<Vec<u8>> {
        if !self.within {
            return Err(ColumnsError::damaged(&self.path, "claims more values than it can hold"));
        }
        if self.checked.get().is_none() {
            self.check_chunks()?;
            let _ = self.checked.set(());
        }
        guarded(&self.path, || self.dataset.read_raw_rows(start, count))
    }

    fn check_chunks(&self) -> ColumnsResult<()> {
        let chunks = guarded(&self.path, || self.dataset.chunks())?;
        let is_beyond = |chunk: &hdf5_pure::Chunk| {
            chunk.address.checked_add(chunk.storage_size).is_none_or(|end| end > self.length)
        };
        match chunks.iter().find(|chunk| is_beyond(chunk)) {
            None => Ok(()),
            Some(chunk) => Err(ColumnsError::damaged(
                &self.path,
                format!(
                    "has a chunk of {} bytes at {}, and ends at {}",
                    chunk.storage_size, chunk.address, self.length
                ),
            )),
        }
    }
}

/// What of `datatype` is read, and whether its numbers are big-endian.
fn element(datatype: &Datatype) -> (Result<Element, String>, bool) {
    let is_big = |order: &DatatypeByteOrder| *order == DatatypeByteOrder::BigEndian;
    match datatype {
        Datatype::FixedPoint { size: size @ (1 | 2 | 4 | 8), byte_order, layout }
            if *byte_order != DatatypeByteOrder::Vax
                && layout.bit_offset == 0
                && u32::from(layout.bit_precision) == size * 8 =>
        {
            (Ok(Element::Int { bytes: *size as usize, signed: layout.signed }), is_big(byte_order))
        }
        Datatype::FloatingPoint { size, byte_order, layout } if *byte_order != DatatypeByteOrder::Vax => {
            let parts = (layout.exponent_size, layout.mantissa_size, layout.exponent_bias);
            let is_whole = layout.bit_offset == 0
                && layout.mantissa_location == 0
                && layout.exponent_location == layout.mantissa_size;
            match (size, parts) {
                (2, (5, 10, 15)) | (4, (8, 23, 127)) | (8, (11, 52, 1023)) if is_whole => {
                    (Ok(Element::Float { bytes: *size as usize }), is_big(byte_order))
                }
                _ => (Err(format!("holds floating-point numbers of an unusual kind, of {size} bytes")), false),
            }
        }
        Datatype::String { size, padding, .. } if *size > 0 => {
            let padding = match padding {
                StringPadding::NullTerminate => Padding::Terminated,
                StringPadding::NullPad => Padding::Zeros,
                StringPadding::SpacePad => Padding::Spaces,
            };
            (Ok(Element::Text { bytes: *size as usize, padding }), false)
        }
        Datatype::Enumeration { base_type, members, .. } => {
            let has = |name: &str, value: u8| {
                members.iter().any(|member| member.name.eq_ignore_ascii_case(name) && member.value == [value])
            };
            match element(base_type) {
                (Ok(Element::Int { bytes: 1, .. }), _) if members.len() == 2 && has("false", 0) && has("true", 1) => {
                    (Ok(Element::Bool), false)
                }
                // Other enumerations are carried as their numbers, as h5py does.
                base => base,
            }
        }
        other => (Err(format!("holds {}", kind(other))), false),
    }
}

/// What a type that is not read is, in words.
fn kind(datatype: &Datatype) -> &'static str {
    match datatype {
        Datatype::FixedPoint { .. } => "whole numbers of an unusual width",
        Datatype::Time { .. } => "times of HDF5's own kind",
        Datatype::BitField { .. } => "bit fields",
        Datatype::Opaque { .. } => "opaque values",
        Datatype::Compound { .. } => "compound values",
        Datatype::Reference { .. } => "references",
        Datatype::VariableLength { is_string: true, .. } => "texts of variable length in a heap",
        Datatype::VariableLength { .. } => "lists of variable length",
        Datatype::Array { .. } => "arrays within elements",
        _ => "values of a type that is not known",
    }
}

/// Calls into the HDF5 crate. It is young: should it panic over a damaged file, that is the file's fault here.
fn guarded<T>(path: &Path, call: impl FnOnce() -> Result<T, Error>) -> ColumnsResult<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(Error::Io(source))) => Err(ColumnsError::io("read", path, source)),
        // What HDF5 2.0 writes when it is asked for its latest format.
        Ok(Err(Error::Format(FormatError::InvalidLayoutVersion(version @ 5..=9)))) => {
            let hint = "write it for an earlier version of HDF5 (in h5py, without libver='latest')";
            Err(ColumnsError::unsupported(path, format!("holds a data layout of version {version}; {hint}")))
        }
        Ok(Err(Error::Format(
            error @ (FormatError::UnsupportedVersion(_)
            | FormatError::UnsupportedMessage(_)
            | FormatError::UnsupportedFilter(_)
            | FormatError::UnsupportedFilteredHeapObject
            | FormatError::UnsupportedVirtualLayout
            | FormatError::UnsupportedExternalStorage
            | FormatError::UnsupportedSohmReference
            | FormatError::UnsupportedFillValueVersion(_)),
        ))) => Err(ColumnsError::unsupported(path, format!("holds what is not read: {error}"))),
        Ok(Err(Error::Format(FormatError::SignatureNotFound))) => Err(ColumnsError::damaged(path, "is no HDF5 file")),
        Ok(Err(error)) => Err(ColumnsError::damaged(path, format!("is damaged, or no HDF5 file: {error}"))),
        Err(_) => Err(ColumnsError::damaged(path, "is damaged: its structure makes no sense")),
    }
}

/// The file as the HDF5 crate sees it: the same handle that values are read from, so that nobody can change one for
/// another in between.
struct Positioned {
    file: Arc<SystemFile>,
    length: u64,
}

impl Source for Positioned {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), FormatError> {
        let end = offset.checked_add(buffer.len() as u64);
        if end.is_none_or(|end| end > self.length) {
            return Err(FormatError::UnexpectedEof { expected: buffer.len(), available: 0 });
        }
        read_at(&self.file, offset, buffer).map_err(|error| FormatError::Source(error.to_string()))
    }
}
