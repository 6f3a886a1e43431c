//! A dataset as rows of bytes: checked against the file once, then read by row.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::buffer::{Buffer, MutableBuffer};
use datafolio_core::counted;

use super::structure::{Dataset, Decoded, Element, Place};
use crate::error::{ColumnsError, ColumnsResult};
use crate::store::Store;

/// The most bytes that a row has.
const WIDEST: u64 = 1 << 31;

/// The column that something is said of.
#[derive(Debug, Clone)]
pub(super) struct Label {
    /// The file.
    pub(super) path: PathBuf,
    /// The name of the column.
    pub(super) column: Arc<str>,
}

impl Label {
    /// A column of the file at `path`.
    pub(super) fn new(path: &Path, column: &str) -> Self {
        Self { path: path.to_owned(), column: column.into() }
    }

    /// The column is damaged.
    pub(super) fn damaged(&self, reason: impl std::fmt::Display) -> ColumnsError {
        ColumnsError::damaged(&self.path, format!("has a damaged column '{}': it {reason}", self.column))
    }

    /// The column is of a kind that is not read.
    pub(super) fn unsupported(&self, reason: impl std::fmt::Display) -> ColumnsError {
        let reason = format!("has a column '{}' that this release does not read: it {reason}", self.column);
        ColumnsError::unsupported(&self.path, reason)
    }
}

/// A dataset that lies within its file.
#[derive(Debug)]
pub(super) struct Block {
    /// What an element is.
    pub(super) element: Element,
    /// Elements along the first dimension.
    pub(super) rows: u64,
    /// The other dimensions.
    pub(super) inner: Vec<u64>,
    swapped: bool,
    /// Bytes of a row.
    width: u64,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Nothing,
    At(u64),
    Decoded(Arc<Decoded>),
}

impl Block {
    /// Checks that all of `dataset` lies within the file.
    pub(super) fn new(store: &Store, label: &Label, dataset: Dataset) -> ColumnsResult<Self> {
        let element = dataset.element.map_err(|reason| label.unsupported(reason))?;
        let Some((rows, inner)) = dataset.shape.split_first() else {
            return Err(label.unsupported("is a single value"));
        };
        if inner.contains(&0) {
            return Err(label.unsupported("has rows without elements"));
        }
        let width = inner.iter().try_fold(element.bytes() as u64, |width, length| width.checked_mul(*length));
        let Some(width) = width.filter(|width| *width <= WIDEST) else {
            return Err(label.unsupported(format_args!("has rows of more than {WIDEST} bytes")));
        };
        let total = rows.checked_mul(width).filter(|total| isize::try_from(*total).is_ok());
        let Some(total) = total else {
            return Err(label.damaged(format_args!("claims {rows} rows of {width} bytes")));
        };
        let source = match dataset.place {
            _ if total == 0 => Source::Nothing,
            Place::Nowhere => {
                return Err(label.unsupported("was created, but its values are not in this file"));
            }
            Place::At { offset, size } => {
                let end = offset.checked_add(total).filter(|end| *end <= store.length());
                if size < total || end.is_none() {
                    return Err(label.damaged(format_args!(
                        "claims {total} bytes, of which {size} are to be at {offset}, and the file ends at {}",
                        store.length()
                    )));
                }
                Source::At(offset)
            }
            Place::Decoded(decoded) if decoded.is_plausible() => Source::Decoded(decoded),
            Place::Decoded(_) => return Err(label.damaged("claims more values than the file can hold")),
        };
        let (rows, inner) = (*rows, inner.to_vec());
        Ok(Self { element, rows, inner, swapped: dataset.swapped, width, source })
    }

    /// Elements of a row.
    pub(super) fn row_elements(&self) -> usize {
        (self.width / self.element.bytes() as u64) as usize
    }

    /// The bytes of some rows, as they are in the file.
    pub(super) fn bytes(&self, store: &Store, label: &Label, rows: Range<u64>) -> ColumnsResult<Buffer> {
        if rows.start > rows.end || rows.end > self.rows {
            return Err(label.damaged(format_args!("has {}, and not {}", counted(self.rows, "row"), rows.end)));
        }
        let count = rows.end - rows.start;
        let length = count * self.width;
        match &self.source {
            _ if length == 0 => Ok(Buffer::from_vec(Vec::<u8>::new())),
            Source::Nothing => Err(label.damaged("has no values")),
            Source::At(offset) => store.bytes(offset + rows.start * self.width, length),
            Source::Decoded(decoded) => {
                let bytes = decoded.rows(rows.start, count).map_err(|error| match error {
                    ColumnsError::Damaged { reason, .. } => label.damaged(reason),
                    ColumnsError::Unsupported { reason, .. } => label.unsupported(reason),
                    other => other,
                })?;
                match bytes.len() as u64 == length {
                    true => Ok(Buffer::from_vec(bytes)),
                    false => Err(label.damaged(format_args!("gives {} bytes for {length}", bytes.len()))),
                }
            }
        }
    }

    /// Whether rows are those of a mapping, as they lie in the file.
    pub(super) fn is_mapped(&self, store: &Store) -> bool {
        matches!(self.source, Source::At(_)) && store.is_mapped() && !self.swapped
    }

    /// The bytes from the first row to the end of some rows, of which only those of these rows may be used; none where they are not those of
    /// a mapping.
    pub(super) fn up_to(&self, store: &Store, label: &Label, rows: Range<u64>) -> ColumnsResult<Option<Buffer>> {
        // Refuses what is not as it was recorded.
        self.bytes(store, label, rows.clone())?;
        let Source::At(offset) = &self.source else { return Ok(None) };
        Ok(store.mapped(*offset, rows.end * self.width))
    }

    /// The numbers of some rows in the byte order of this machine, at an address that suits their type.
    pub(super) fn numbers(&self, store: &Store, label: &Label, rows: Range<u64>) -> ColumnsResult<Buffer> {
        let bytes = self.bytes(store, label, rows)?;
        let width = self.element.bytes();
        if self.swapped && width > 1 {
            let mut copy = MutableBuffer::new(bytes.len());
            copy.extend_from_slice(&bytes);
            swap(copy.as_slice_mut(), width);
            return Ok(copy.into());
        }
        match width.is_power_of_two() && bytes.as_ptr().align_offset(width) != 0 {
            true => Ok(Buffer::from_slice_ref(bytes.as_slice())),
            false => Ok(bytes),
        }
    }
}

/// Turns the bytes of every number around.
fn swap(bytes: &mut [u8], width: usize) {
    match width {
        2 => bytes.as_chunks_mut::<2>().0.iter_mut().for_each(|number| number.reverse()),
        4 => bytes.as_chunks_mut::<4>().0.iter_mut().for_each(|number| number.reverse()),
        _ => bytes.as_chunks_mut::<8>().0.iter_mut().for_each(|number| number.reverse()),
    }
}
