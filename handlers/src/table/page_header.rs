//! The headers of the pages of a Parquet file.
//!
//! The Parquet library gives pages in memory of its own, from which values are copied once more. Whoever reads values to where they
//! belong has to know where in the file they lie, which a header says: a structure of Thrift in its compact form.

/// Structures within structures at most: a page's statistics are one level deep.
const DEEPEST: usize = 8;

/// What a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageKind {
    /// Levels, if there are some, and values, compressed together.
    Data,
    /// Levels beside values, of which only these are compressed.
    DataV2 { rows: u64, nulls: u64, level_bytes: usize, is_compressed: bool },
    /// Values that those of the rows are numbers of: no values of rows.
    Dictionary { entries: usize },
    /// No values of rows either: what later versions bring.
    Other,
}

/// What the header of a page says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PageHeader {
    pub(super) kind: PageKind,
    /// Bytes in the file, and those of them when they are uncompressed.
    pub(super) stored: usize,
    pub(super) whole: usize,
    /// Values of rows, nulls included.
    pub(super) values: usize,
    /// The encoding of the values, by its number.
    pub(super) encoding: u64,
    pub(super) crc: Option<u32>,
    /// Bytes of the header itself.
    pub(super) length: usize,
}

/// The encoding `PLAIN`: values one after another.
pub(super) const PLAIN: u64 = 0;
/// Places in the dictionary, of the first version and of the second: the same bytes.
pub(super) const PLAIN_DICTIONARY: u64 = 2;
pub(super) const RLE_DICTIONARY: u64 = 8;
/// What each whole number is more than the one before.
pub(super) const DELTA_BINARY_PACKED: u64 = 5;

impl PageHeader {
    /// Reads the header that these bytes begin with; `None` where they end before it does, or are none.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut input = Input { bytes, at: 0 };
        let (mut kind, mut crc) = (None, None);
        let (mut whole, mut stored, mut data, mut dictionary, mut data_v2) = (None, None, None, None, None);
        let mut id = 0;
        while let Some(of) = input.field(&mut id)? {
            match id {
                1 => kind = Some(input.number()?),
                2 => whole = Some(input.size()?),
                3 => stored = Some(input.size()?),
                4 => crc = Some(input.number()? as u32),
                5 => data = Some(input.numbers()?),
                7 => dictionary = Some(input.numbers()?),
                8 => data_v2 = Some(input.numbers()?),
                _ => input.skip(of, 0)?,
            }
        }
        let size = |number: Option<i64>| number.and_then(|number| usize::try_from(number).ok());
        let count = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
        let (kind, numbers) = match kind? {
            0 => {
                let numbers: Numbers = data?;
                // How levels are packed, though there may be none.
                let are_known = [3, 4].iter().all(|field| numbers[*field].is_some_and(is_encoding));
                are_known.then_some((PageKind::Data, numbers))?
            }
            2 => {
                let numbers: Numbers = dictionary?;
                (PageKind::Dictionary { entries: size(numbers[1])? }, numbers)
            }
            3 => {
                let numbers: Numbers = data_v2?;
                let level_bytes = size(numbers[5])?.checked_add(size(numbers[6])?)?;
                let (nulls, rows) = (count(numbers[2])?, count(numbers[3])?);
                (PageKind::DataV2 { rows, nulls, level_bytes, is_compressed: numbers[7] != Some(0) }, numbers)
            }
            _ => (PageKind::Other, [Some(0); 8]),
        };
        let encoding = match kind {
            PageKind::DataV2 { .. } => numbers[4],
            PageKind::Data | PageKind::Dictionary { .. } | PageKind::Other => numbers[2],
        };
        let values = match kind {
            PageKind::Data | PageKind::DataV2 { .. } => size(numbers[1])?,
            PageKind::Dictionary { .. } | PageKind::Other => 0,
        };
        Some(Self { kind, stored: stored?, whole: whole?, values, encoding: count(encoding)?, crc, length: input.at })
    }
}

/// Whether an encoding has this number.
fn is_encoding(number: i64) -> bool {
    matches!(number, 0 | 2..=9)
}

/// The whole numbers and truth values of a structure, by the number of their field.
type Numbers = [Option<i64>; 8];

/// Types of Thrift's compact form.
mod of {
    pub(super) const STOP: u8 = 0;
    pub(super) const TRUE: u8 = 1;
    pub(super) const FALSE: u8 = 2;
    pub(super) const BYTE: u8 = 3;
    pub(super) const I16: u8 = 4;
    pub(super) const I64: u8 = 6;
    pub(super) const DOUBLE: u8 = 7;
    pub(super) const BINARY: u8 = 8;
    pub(super) const LIST: u8 = 9;
    pub(super) const SET: u8 = 10;
    pub(super) const STRUCT: u8 = 12;
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Input<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn pass(&mut self, count: u64) -> Option<()> {
        let at = self.at.checked_add(usize::try_from(count).ok()?)?;
        self.at = (at <= self.bytes.len()).then_some(at)?;
        Some(())
    }

    /// A number of seven bits in each byte, the lowest first.
    fn unsigned(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn number(&mut self) -> Option<i64> {
        let number = self.unsigned()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// A length, which has 32 bits at most.
    fn size(&mut self) -> Option<usize> {
        i32::try_from(self.number()?).ok().and_then(|size| usize::try_from(size).ok())
    }

    /// The type of the next field, whose number follows that of the one before; `Some(None)` at the end of the structure.
    fn field(&mut self, id: &mut i64) -> Option<Option<u8>> {
        let byte = self.byte()?;
        if byte == of::STOP {
            return Some(None);
        }
        *id = match byte >> 4 {
            0 => self.number()?,
            step => id.checked_add(i64::from(step))?,
        };
        Some(Some(byte & 0x0f))
    }

    fn numbers(&mut self) -> Option<Numbers> {
        let mut numbers = Numbers::default();
        let mut id = 0;
        while let Some(found) = self.field(&mut id)? {
            let number = match found {
                of::TRUE => 1,
                of::FALSE => 0,
                of::I16..=of::I64 => self.number()?,
                other => {
                    self.skip(other, 0)?;
                    continue;
                }
            };
            if let Some(known) = usize::try_from(id).ok().and_then(|id| numbers.get_mut(id)) {
                *known = Some(number);
            }
        }
        Some(numbers)
    }

    fn skip(&mut self, found: u8, depth: usize) -> Option<()> {
        match found {
            of::TRUE | of::FALSE => Some(()),
            of::BYTE => self.pass(1),
            of::I16..=of::I64 => self.unsigned().map(drop),
            of::DOUBLE => self.pass(8),
            of::BINARY => {
                let length = self.unsigned()?;
                self.pass(length)
            }
            of::LIST | of::SET if depth < DEEPEST => {
                let byte = self.byte()?;
                let count = match byte >> 4 {
                    15 => self.unsigned()?,
                    few => u64::from(few),
                };
                // Truth values take a byte where they are elements.
                let of_element = if byte & 0x0f <= of::FALSE { of::BYTE } else { byte & 0x0f };
                (0..count).try_for_each(|_| self.skip(of_element, depth + 1))
            }
            of::STRUCT if depth < DEEPEST => {
                let mut id = 0;
                while let Some(found) = self.field(&mut id)? {
                    self.skip(found, depth + 1)?;
                }
                Some(())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A page of 300 values with statistics and with a field that nobody knows yet.
    const HEADER: [u8; 41] = [
        0x15, 0, // type: data
        0x15, 0xC0, 0x25, // uncompressed: 2,400
        0x15, 0xD0, 0x0F, // compressed: 1,000
        0x15, 0x03, // CRC: -2
        0x1C, // data page
        0x15, 0xD8, 0x04, 0x15, 0, 0x15, 6, 0x15, 6, // 300 values, PLAIN, levels RLE
        0x1C, 0x18, 1, 7, 0x16, 2, 0x11, 0, // statistics: bytes, a number, true
        0, // end of the data page
        0x49, 0x25, 2, 4, // a list of two numbers
        0x07, 0xC8, 0x01, 1, 2, 3, 4, 5, // a double whose number, 100, stands beside it, ...
    ];

    #[test]
    fn a_header_says_where_values_lie() {
        let mut header = HEADER.to_vec();
        header.extend([6, 7, 8, 0]); // ... and the end
        let found = PageHeader::parse(&header).unwrap();
        let expected = PageHeader {
            kind: PageKind::Data,
            stored: 1_000,
            whole: 2_400,
            values: 300,
            encoding: PLAIN,
            crc: Some(u32::MAX - 1),
            length: header.len(),
        };
        assert_eq!(found, expected);
        // What follows is not looked at; what is cut is not there.
        assert_eq!(PageHeader::parse(&[header.as_slice(), &[9; 9]].concat()), Some(expected));
        for length in 0..header.len() {
            assert_eq!(PageHeader::parse(&header[..length]), None, "{length}");
        }
    }

    #[test]
    fn a_dictionary_has_entries_and_no_rows() {
        // 20 bytes, of which the 5 entries are PLAIN, and sorted.
        let header = [0x15, 4, 0x15, 40, 0x15, 40, 0x4C, 0x15, 10, 0x15, 0, 0x11, 0, 0];
        let found = PageHeader::parse(&header).unwrap();
        assert_eq!((found.kind, found.values, found.encoding), (PageKind::Dictionary { entries: 5 }, 0, PLAIN));
        assert_eq!((found.stored, found.whole, found.length), (20, 20, header.len()));
        assert_eq!(PageHeader::parse(&header[..6]), None);
    }

    #[test]
    fn what_is_no_header_is_none() {
        // Sizes below zero, lists within lists without end, numbers without end.
        assert_eq!(PageHeader::parse(&[0x15, 0, 0x15, 1, 0x15, 2, 0]), None);
        assert_eq!(PageHeader::parse(&[0x95].repeat(100)), None);
        assert_eq!(PageHeader::parse(&[&[0x99][..], &[0xF9, 0xFF, 0xFF, 0x7F].repeat(50)].concat()), None);
        assert_eq!(PageHeader::parse(&[&[0x15][..], &[0xFF; 20]].concat()), None);
        let mut state = 1_u64;
        for _ in 0..20_000 {
            let bytes: Vec<u8> = (0..40)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    (state >> 56) as u8
                })
                .collect();
            let _ = PageHeader::parse(&bytes);
        }
    }
}
