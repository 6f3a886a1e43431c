//! Which values are missing: a mask, a bitmap, or neither.

use std::ops::Range;

use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};

use super::block::{Block, Label};
use super::structure::{Dataset, Element};
use crate::error::ColumnsResult;
use crate::store::Store;

/// What says which values are missing.
#[derive(Debug)]
pub(super) enum Missing {
    /// None are.
    Nothing,
    /// Those for which an element is true: one for each element of the values, or one for each row.
    Mask(Block),
    /// Those for which a bit is 0.
    Bitmap(Block),
}

/// The missing values of some rows.
#[derive(Debug, Default)]
pub(super) struct Nulls {
    /// Of elements.
    pub(super) elements: Option<NullBuffer>,
    /// Of whole rows, of columns whose rows have several elements.
    pub(super) rows: Option<NullBuffer>,
}

impl Missing {
    /// What says which of the values of `data` are missing: the mask, if there is one, else the bitmap.
    pub(super) fn new(
        store: &Store,
        label: &Label,
        rows: u64,
        inner: &[u64],
        mask: Option<Dataset>,
        bitmap: Option<Dataset>,
    ) -> ColumnsResult<Self> {
        if let Some(mask) = mask {
            let mask = Block::new(store, label, mask)?;
            let is_whole = matches!(mask.element, Element::Bool | Element::Int { .. });
            if !is_whole || mask.rows != rows || !(mask.inner.is_empty() || mask.inner == inner) {
                return Err(label.damaged(format_args!("has {rows} rows, and a mask that does not fit them")));
            }
            return Ok(Self::Mask(mask));
        }
        let Some(bitmap) = bitmap else { return Ok(Self::Nothing) };
        let bitmap = Block::new(store, label, bitmap)?;
        let is_bytes = matches!(bitmap.element, Element::Int { bytes: 1, .. });
        if !is_bytes || !bitmap.inner.is_empty() || bitmap.rows < rows.div_ceil(8) {
            return Err(label.damaged(format_args!("has {rows} rows, and a null bitmap that does not fit them")));
        }
        Ok(Self::Bitmap(bitmap))
    }

    /// Which values of some rows are missing.
    pub(super) fn nulls(&self, store: &Store, label: &Label, rows: Range<u64>, vector: bool) -> ColumnsResult<Nulls> {
        let (nulls, of_rows) = match self {
            Self::Nothing => return Ok(Nulls::default()),
            Self::Mask(mask) => {
                let count = (rows.end - rows.start) as usize * mask.row_elements();
                let bytes = mask.bytes(store, label, rows)?;
                let valid = match mask.element.bytes() {
                    1 => BooleanBuffer::collect_bool(count, |at| bytes[at] == 0),
                    width => {
                        let mut elements = bytes.chunks_exact(width);
                        BooleanBuffer::collect_bool(count, |_| {
                            elements.next().is_some_and(|element| element.iter().all(|byte| *byte == 0))
                        })
                    }
                };
                (valid, mask.inner.is_empty())
            }
            Self::Bitmap(bitmap) => {
                let bytes = bitmap.bytes(store, label, rows.start / 8..rows.end.div_ceil(8))?;
                // Copied: that as many are missing as were counted must not depend on who else writes to the file.
                let bytes = Buffer::from_slice_ref(bytes.as_slice());
                let offset = (rows.start % 8) as usize;
                (BooleanBuffer::new(bytes, offset, (rows.end - rows.start) as usize), true)
            }
        };
        let nulls = Some(NullBuffer::new(nulls)).filter(|nulls| nulls.null_count() > 0);
        Ok(match vector && of_rows {
            true => Nulls { elements: None, rows: nulls },
            false => Nulls { elements: nulls, rows: None },
        })
    }
}
