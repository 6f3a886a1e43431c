//! Gzip data, all members of it, as a stream.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// Unpacks the members of a gzip file one after the other, as `gzip` does.
///
/// Behind the last one there may be zeros, with which tapes and block devices are filled up, and nothing else: the reader
/// of `flate2` ends at the first byte that begins no member, without a word about the bytes that it leaves.
pub(super) struct GzipReader<R> {
    /// `None` at the end.
    member: Option<GzDecoder<R>>,
    /// This is not the first member.
    is_later: bool,
    /// Something of this member has come.
    has_begun: bool,
}

impl<R: BufRead> GzipReader<R> {
    pub(super) fn new(input: R) -> Self {
        Self { member: Some(GzDecoder::new(input)), is_later: false, has_begun: false }
    }
}

impl<R: BufRead> Read for GzipReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while let Some(mut member) = self.member.take() {
            let count = match member.read(buffer) {
                Ok(count) => count,
                // What begins like a member and has no header of one.
                Err(error) if self.is_later && !self.has_begun && error.kind() == io::ErrorKind::InvalidInput => {
                    return Err(bytes_follow());
                }
                Err(error) => return Err(error),
            };
            self.has_begun = true;
            if count > 0 {
                self.member = Some(member);
                return Ok(count);
            }
            let mut input = member.into_inner();
            if next_member(&mut input)? {
                self.member = Some(GzDecoder::new(input));
                self.is_later = true;
                self.has_begun = false;
            }
        }
        Ok(0)
    }
}

/// Whether another member begins here. Zeros up to the end of the file are none.
fn next_member(input: &mut impl BufRead) -> io::Result<bool> {
    let mut has_zeros = false;
    loop {
        let bytes = match input.fill_buf() {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        match bytes.iter().position(|&byte| byte != 0) {
            None if bytes.is_empty() => return Ok(false),
            None => {
                has_zeros = true;
                let count = bytes.len();
                input.consume(count);
            }
            Some(0) if is_magic(bytes) && !has_zeros => return Ok(true),
            Some(_) => return Err(bytes_follow()),
        }
    }
}

/// Of two bytes, one may lie behind what was read so far.
fn is_magic(bytes: &[u8]) -> bool {
    bytes[0] == 0x1f && bytes.get(1).is_none_or(|&byte| byte == 0x8b)
}

fn bytes_follow() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "bytes follow the gzip data")
}
