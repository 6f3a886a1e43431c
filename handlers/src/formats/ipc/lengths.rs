//! How many rows the batches of an Arrow file have, from the headers of the batches: no value is read.

use arrow::ipc::reader::read_footer_length;
use arrow::ipc::{MessageHeader, root_as_footer, root_as_message};

use crate::error::{HandlerError, HandlerResult};
use crate::formats::bad;
use crate::formats::input::TableFile;

/// What a file of the file form ends with: the length of its footer, and its magic.
const TRAILER: u64 = 10;
/// What stands before the length of a header, but in files of releases before 0.15.
const CONTINUATION: [u8; 4] = [0xff; 4];
/// Each header of a file on a store takes requests: of more batches than this nobody asks.
const ASKED: usize = 8;

/// The rows of each batch, in the order of the file; `None` where finding out would take long.
///
/// # Errors
/// [`HandlerError::BadFile`] for a file that is truncated or damaged where this is told.
pub(super) fn batch_lengths(file: &TableFile, is_file_form: bool) -> HandlerResult<Option<Vec<u64>>> {
    if !is_file_form {
        return if file.is_here() { lengths_of_stream(file).map(Some) } else { Ok(None) };
    }
    let places = places_in_footer(file)?;
    if !file.is_here() && places.len() > ASKED {
        return Ok(None);
    }
    places.into_iter().map(|place| length_at(file, place)).collect::<HandlerResult<_>>().map(Some)
}

/// How many batches lie before a row, and how many rows these have: of a file of the file form. The last batch is not among them: its
/// columns are those of a table without rows.
///
/// # Errors
/// As [`batch_lengths`].
pub(super) fn batches_before(file: &TableFile, row: u64) -> HandlerResult<(usize, u64)> {
    let places = places_in_footer(file)?;
    let (mut batches, mut rows) = (0, 0_u64);
    if !file.is_here() && places.len() > ASKED {
        return Ok((batches, rows));
    }
    for place in places.iter().take(places.len().saturating_sub(1)) {
        let Some(next) = rows.checked_add(length_at(file, *place)?).filter(|next| *next <= row) else { break };
        (batches, rows) = (batches + 1, next);
    }
    Ok((batches, rows))
}

fn length_at(file: &TableFile, place: u64) -> HandlerResult<u64> {
    let rows = Header::read(file, place)?.and_then(|header| header.rows);
    rows.ok_or_else(|| damaged(file, "its footer names a batch that is none"))
}

fn lengths_of_stream(file: &TableFile) -> HandlerResult<Vec<u64>> {
    let (mut lengths, mut next) = (Vec::new(), 0);
    while let Some(header) = Header::read(file, next)? {
        lengths.extend(header.rows);
        next = header.end;
    }
    Ok(lengths)
}

/// Where the batches begin.
fn places_in_footer(file: &TableFile) -> HandlerResult<Vec<u64>> {
    let cut = || damaged(file, "its footer is cut off or damaged");
    let end = file.size.checked_sub(TRAILER).ok_or_else(cut)?;
    let trailer = file.bytes_at(end, TRAILER)?;
    let length = trailer.try_into().ok().and_then(|trailer| read_footer_length(trailer).ok()).ok_or_else(cut)? as u64;
    let footer = file.bytes_at(end.checked_sub(length).ok_or_else(cut)?, length)?;
    let footer = root_as_footer(&footer).map_err(|_| cut())?;
    let blocks = footer.recordBatches().into_iter().flatten();
    blocks.map(|block| u64::try_from(block.offset()).map_err(|_| cut())).collect()
}

/// What is in front of a batch, or of the schema or a dictionary.
struct Header {
    /// `None` for what is no batch.
    rows: Option<u64>,
    /// Where the next header begins.
    end: u64,
}

impl Header {
    /// `None` at the end of a stream.
    fn read(file: &TableFile, place: u64) -> HandlerResult<Option<Self>> {
        let broken = || damaged(file, format!("its part at byte {place} is cut off or damaged"));
        let front = file.bytes_at(place, 8)?;
        let number = |bytes: &[u8]| bytes.try_into().ok().map(u32::from_le_bytes);
        let (start, length) = match front.get(..4) {
            Some(mark) if mark == CONTINUATION => (place + 8, front.get(4..8).and_then(number).ok_or_else(broken)?),
            Some(length) => (place + 4, number(length).ok_or_else(broken)?),
            // A stream may end without a mark.
            None => return Ok(None),
        };
        if length == 0 {
            return Ok(None);
        }
        let bytes = file.bytes_at(start, length.into())?;
        let message = root_as_message(&bytes).map_err(|_| broken())?;
        let body = u64::try_from(message.bodyLength()).map_err(|_| broken())?;
        let rows = match message.header_type() {
            MessageHeader::RecordBatch => {
                let batch = message.header_as_record_batch().ok_or_else(broken)?;
                Some(u64::try_from(batch.length()).map_err(|_| broken())?)
            }
            _ => None,
        };
        let end = start.checked_add(length.into()).and_then(|end| end.checked_add(body));
        let end = end.filter(|end| *end <= file.size).ok_or_else(broken)?;
        Ok(Some(Self { rows, end }))
    }
}

fn damaged(file: &TableFile, reason: impl Into<String>) -> HandlerError {
    bad(&file.path, format!("is truncated, damaged or not an Arrow file: {}", reason.into()))
}
