//! The one file in a zip archive, as a stream.
//!
//! The `zip` crate reads the directory; the member itself is unpacked here, because a reader that borrows the archive
//! could not be handed out. Checked against the directory: the size as the bytes come (a member that unpacks to more than
//! it claims stops there) and the CRC at the end.

use std::io::{self, BufReader, Read, Seek, SeekFrom, Take};

use datafolio_storage::SourceReader;
use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use super::input::{Counted, Meter, TableFile};
use super::{bad, quoted};
use crate::error::HandlerResult;
use crate::guard::guarded;

/// What the directory says of the member.
struct Member {
    index: usize,
    name: String,
}

fn find(file: &TableFile) -> HandlerResult<(ZipArchive<BufReader<SourceReader>>, Member)> {
    let damaged = |error: zip::result::ZipError| bad(&file.path, format!("is not a readable zip archive: {error}"));
    let mut archive = ZipArchive::new(BufReader::new(file.handle())).map_err(damaged)?;
    let mut members = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(damaged)?;
        let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
        // Finder adds these beside the file that was packed.
        if !entry.is_dir() && !name.starts_with("__MACOSX/") && !name.ends_with(".DS_Store") {
            members.push(Member { index, name });
        }
    }
    if members.len() > 1 {
        let shown: Vec<String> = members.iter().take(5).map(|member| quoted(&member.name)).collect();
        let more = if members.len() > shown.len() { ", …" } else { "" };
        return Err(bad(
            &file.path,
            format!(
                "the archive holds {} files, and a table is one file: unpack it and take one of {}{more}",
                members.len(),
                shown.join(", ")
            ),
        ));
    }
    match members.pop() {
        Some(member) => Ok((archive, member)),
        None => Err(bad(&file.path, "the archive holds no file")),
    }
}

/// The name of the member, which tells the format where the archive's own name does not.
pub(super) fn name(file: &TableFile) -> HandlerResult<String> {
    guarded(&file.path, || Ok(find(file)?.1.name)).map_err(|error| file.cause_of(error))
}

/// Opens the member.
pub(super) fn open(file: &TableFile, meter: Meter) -> HandlerResult<MemberReader> {
    let opened = guarded(&file.path, || {
        let (mut archive, member) = find(file)?;
        let damaged = |reason: String| bad(&file.path, format!("{} in the archive {reason}", quoted(&member.name)));
        let entry = archive.by_index_raw(member.index).map_err(|error| damaged(format!("cannot be read: {error}")))?;
        if entry.encrypted() {
            return Err(damaged("is encrypted: unpack it first".to_owned()));
        }
        let start = entry.data_start().ok_or_else(|| damaged("has no data".to_owned()))?;
        let (packed, size, crc) = (entry.compressed_size(), entry.size(), entry.crc32());
        if start.checked_add(packed).is_none_or(|end| end > file.size) {
            return Err(damaged("reaches beyond the end of the file: the archive is truncated".to_owned()));
        }
        let method = entry.compression();
        let mut handle = file.handle();
        handle.seek(SeekFrom::Start(start)).map_err(|error| damaged(format!("cannot be read: {error}")))?;
        let bytes = BufReader::with_capacity(128 << 10, Counted::new(handle, meter)).take(packed);
        let unpacked = match method {
            CompressionMethod::Stored => Unpacked::Stored(bytes),
            CompressionMethod::Deflated => Unpacked::Deflated(DeflateDecoder::new(bytes)),
            other => return Err(damaged(format!("is packed with {other}: only deflate is known here"))),
        };
        Ok(MemberReader { unpacked, crc: Crc::new(), seen: 0, size, expected_crc: crc })
    });
    opened.map_err(|error| file.cause_of(error))
}

type Packed = Take<BufReader<Counted<SourceReader>>>;

enum Unpacked {
    Stored(Packed),
    Deflated(DeflateDecoder<Packed>),
}

/// Unpacks and checks the member.
pub(super) struct MemberReader {
    unpacked: Unpacked,
    crc: Crc,
    seen: u64,
    size: u64,
    expected_crc: u32,
}

impl Read for MemberReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = match &mut self.unpacked {
            Unpacked::Stored(bytes) => bytes.read(buffer),
            Unpacked::Deflated(bytes) => bytes.read(buffer),
        }?;
        let damaged = |reason| Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        self.crc.update(&buffer[..count]);
        self.seen += count as u64;
        if self.seen > self.size {
            return damaged("it is larger than the archive says");
        }
        if count == 0 {
            if self.seen != self.size {
                return damaged("it is smaller than the archive says");
            }
            if self.crc.sum() != self.expected_crc {
                return damaged("its CRC does not match");
            }
        }
        Ok(count)
    }
}
