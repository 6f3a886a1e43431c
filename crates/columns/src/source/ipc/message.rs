//! The frame around a message: a mark, the length of the header, the header, and the body behind it.

use std::ops::Range;

use arrow::buffer::{Buffer, MutableBuffer};
use arrow::ipc::{Message, root_as_message};

use crate::error::{ColumnsError, ColumnsResult};
use crate::store::Store;

/// Longest header that is read: tables of a hundred thousand columns stay far below.
const LONGEST: u64 = 1 << 28;

/// Where a message lies.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Its header, without mark and length.
    pub(super) header: Range<u64>,
    /// Its body.
    pub(super) body: Range<u64>,
}

/// What stands before a header.
pub(super) enum Frame {
    /// A header of so many bytes follows, at this place.
    Header(Range<u64>),
    /// The stream says that it ends.
    End,
}

/// Reads what stands at a place: a mark and a length, or only the length, as Arrow wrote it before 0.15.
pub(super) fn frame(store: &Store, at: u64) -> ColumnsResult<Frame> {
    let word = |at: u64| -> ColumnsResult<u32> {
        let bytes = store.bytes(at, 4)?;
        let bytes: [u8; 4] = bytes.as_slice().try_into().unwrap_or_default();
        Ok(u32::from_le_bytes(bytes))
    };
    let (length, start) = match word(at)? {
        u32::MAX => (word(at + 4)?, at + 8),
        length => (length, at + 4),
    };
    if length == 0 {
        return Ok(Frame::End);
    }
    let end = start.checked_add(u64::from(length)).filter(|end| *end <= store.length() && u64::from(length) <= LONGEST);
    match end {
        Some(end) => Ok(Frame::Header(start..end)),
        None => Err(ColumnsError::damaged(
            store.path(),
            format!(
                "has a message at {at} whose header is to have {length} bytes, and the file ends at {}",
                store.length()
            ),
        )),
    }
}

/// The bytes of a header: a copy, which nobody changes once it was checked.
pub(super) fn header(store: &Store, place: &Range<u64>) -> ColumnsResult<Buffer> {
    let bytes = store.bytes(place.start, place.end.saturating_sub(place.start))?;
    let mut copy = MutableBuffer::with_capacity(bytes.len());
    copy.extend_from_slice(bytes.as_slice());
    Ok(copy.into())
}

/// The header as what it says, with every place in it checked.
pub(super) fn parse<'h>(store: &Store, header: &'h Buffer) -> ColumnsResult<Message<'h>> {
    root_as_message(header.as_slice())
        .map_err(|error| ColumnsError::damaged(store.path(), format!("has a message that cannot be read: {error}")))
}

/// The stretch of a body that begins where the header ends.
pub(super) fn body(store: &Store, start: u64, length: i64) -> ColumnsResult<Range<u64>> {
    let end =
        u64::try_from(length).ok().and_then(|length| start.checked_add(length)).filter(|end| *end <= store.length());
    match end {
        Some(end) => Ok(start..end),
        None => Err(ColumnsError::damaged(
            store.path(),
            format!("has a message of {length} bytes at {start}, and ends at {}", store.length()),
        )),
    }
}
