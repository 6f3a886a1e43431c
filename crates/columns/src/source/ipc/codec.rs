//! Buffers that are compressed, each by itself, behind its length.

use std::io::Read;

use arrow::buffer::Buffer;

use super::layout::Codec;

/// The first `needed` bytes of a buffer, decompressed. No more memory is taken than there are bytes.
pub(super) fn decompressed(codec: Codec, compressed: &Buffer, needed: usize) -> Result<Buffer, String> {
    if needed == 0 || compressed.is_empty() {
        return match needed {
            0 => Ok(Buffer::from_vec(Vec::<u8>::new())),
            _ => Err(format!("holds nothing, and {needed} bytes were expected")),
        };
    }
    let Some((length, data)) = compressed.as_slice().split_first_chunk::<8>() else {
        return Err("is too short to be compressed".to_owned());
    };
    let short = |length: i64| format!("holds {length} bytes, and {needed} were expected");
    match i64::from_le_bytes(*length) {
        // It would not have become smaller.
        -1 if data.len() >= needed => Ok(compressed.slice_with_length(8, needed)),
        -1 => Err(short(data.len() as i64)),
        length if usize::try_from(length).is_ok_and(|length| length >= needed) => {
            let mut bytes = Vec::with_capacity(needed.min(data.len().saturating_mul(8)));
            let read = match codec {
                Codec::Lz4 => lz4_flex::frame::FrameDecoder::new(data).take(needed as u64).read_to_end(&mut bytes),
                Codec::Zstd => match zstd::stream::read::Decoder::with_buffer(data) {
                    Ok(decoder) => decoder.take(needed as u64).read_to_end(&mut bytes),
                    Err(error) => Err(error),
                },
            };
            read.map_err(|error| format!("cannot be decompressed: {error}"))?;
            match bytes.len() == needed {
                true => Ok(Buffer::from_vec(bytes)),
                false => Err(short(bytes.len() as i64)),
            }
        }
        length => Err(short(length)),
    }
}
