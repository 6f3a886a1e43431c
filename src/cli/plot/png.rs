//! Pictures of pixels: PNG (ISO/IEC 15948) of 24 bits, compressed by `flate2`.

use std::io::{self, Write};

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

/// A picture of so many pixels, white at first.
#[derive(Debug)]
pub(super) struct Pixels {
    width: usize,
    height: usize,
    bytes: Vec<u8>,
}

impl Pixels {
    pub(super) fn new(width: usize, height: usize) -> Self {
        Self { width, height, bytes: vec![255; width * height * 3] }
    }

    /// Fills a rectangle, as far as it lies in the picture.
    pub(super) fn fill(&mut self, x: std::ops::Range<usize>, y: std::ops::Range<usize>, color: [u8; 3]) {
        let (from, to) = (x.start.min(self.width), x.end.min(self.width));
        for row in y.start..y.end.min(self.height) {
            let start = (row * self.width + from) * 3;
            let end = (row * self.width + to) * 3;
            for pixel in self.bytes.get_mut(start..end).unwrap_or_default().chunks_exact_mut(3) {
                pixel.copy_from_slice(&color);
            }
        }
    }

    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let side = |length: usize| u32::try_from(length).map_err(io::Error::other);
        let mut header = Vec::with_capacity(13);
        header.extend_from_slice(&side(self.width)?.to_be_bytes());
        header.extend_from_slice(&side(self.height)?.to_be_bytes());
        // Eight bits for each of three colours, and the only kinds that there are of the rest.
        header.extend_from_slice(&[8, 2, 0, 0, 0]);
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        for row in self.bytes.chunks(self.width * 3) {
            // Each row begins with the filter that was put over it: none.
            encoder.write_all(&[0])?;
            encoder.write_all(row)?;
        }
        out.write_all(b"\x89PNG\r\n\x1a\n")?;
        chunk(out, *b"IHDR", &header)?;
        chunk(out, *b"IDAT", &encoder.finish()?)?;
        chunk(out, *b"IEND", &[])
    }
}

fn chunk(out: &mut impl Write, name: [u8; 4], body: &[u8]) -> io::Result<()> {
    out.write_all(&u32::try_from(body.len()).map_err(io::Error::other)?.to_be_bytes())?;
    out.write_all(&name)?;
    out.write_all(body)?;
    let mut checksum = Crc::new();
    checksum.update(&name);
    checksum.update(body);
    out.write_all(&checksum.sum().to_be_bytes())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The same picture as `PIL.Image.new("RGB", (1, 1), (1, 2, 3))`, but for how it is compressed.
    #[test]
    fn a_pixel_is_a_picture() {
        let mut pixels = Pixels::new(1, 1);
        pixels.fill(0..5, 0..5, [1, 2, 3]);
        let mut bytes = Vec::new();
        pixels.write(&mut bytes).unwrap();
        assert_eq!(bytes[..8], *b"\x89PNG\r\n\x1a\n");
        assert_eq!(bytes[8..33], *b"\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde");
        assert_eq!(bytes[bytes.len() - 12..], *b"\0\0\0\0IEND\xaeB`\x82");
        let mut body = Vec::new();
        let length = u32::from_be_bytes(bytes[33..37].try_into().unwrap()) as usize;
        io::Read::read_to_end(&mut flate2::read::ZlibDecoder::new(&bytes[41..41 + length]), &mut body).unwrap();
        assert_eq!(body, [0, 1, 2, 3]);
    }
}
