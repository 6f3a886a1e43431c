//! The structures of HDF5 as bytes: superblock, object headers, and the messages in them.

use super::kind::Element;

/// What stands for no address.
pub(super) const NOWHERE: u64 = u64::MAX;
/// What a file begins with.
pub(super) const SIGNATURE: &[u8; 8] = b"\x89HDF\r\n\x1a\n";
/// How long the superblock is.
pub(super) const SUPERBLOCK: u64 = 96;
/// Half of the entries of a leaf, as the library chooses by default.
pub(super) const LEAF_K: u16 = 4;
/// Half of the children of a node, as the library chooses by default.
pub(super) const NODE_K: u16 = 16;

/// Kinds of messages in an object header.
pub(super) mod message {
    /// Nothing: padding.
    pub(in super::super) const NIL: u16 = 0x00;
    /// The shape of a dataset.
    pub(in super::super) const SPACE: u16 = 0x01;
    /// The type of its elements.
    pub(in super::super) const TYPE: u16 = 0x03;
    /// What it is filled with where nothing is written.
    pub(in super::super) const FILL: u16 = 0x05;
    /// Where it is.
    pub(in super::super) const LAYOUT: u16 = 0x08;
    /// An attribute.
    pub(in super::super) const ATTRIBUTE: u16 = 0x0c;
    /// The members of a group.
    pub(in super::super) const SYMBOLS: u16 = 0x11;
}

/// The type of a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DiskType {
    /// A whole number.
    Int { width: usize, signed: bool, swapped: bool },
    /// A floating-point number.
    Float { width: usize, swapped: bool },
    /// An enumeration of FALSE and TRUE over bytes.
    Bool,
    /// A byte of text.
    Char,
}

impl DiskType {
    /// A byte of a bitmap.
    pub(super) const BYTE: Self = Self::Int { width: 1, signed: false, swapped: false };

    /// What an element is stored as, and whether its bytes are swapped.
    pub(super) fn of(element: Element, swaps: bool) -> Self {
        match element {
            Element::Int { width, signed } => Self::Int { width, signed, swapped: swaps },
            Element::Float { width } => Self::Float { width, swapped: swaps },
            Element::Bool => Self::Bool,
            Element::Instant(_) | Element::Duration(_) | Element::Date => {
                Self::Int { width: 8, signed: true, swapped: false }
            }
        }
    }

    /// The message.
    fn encoded(self) -> Vec<u8> {
        match self {
            Self::Int { width, signed, swapped } => {
                let mut bytes = vec![0x10, order(swapped) | if signed { 8 } else { 0 }, 0, 0];
                bytes.extend_from_slice(&(width as u32).to_le_bytes());
                bytes.extend_from_slice(&[0, 0]);
                bytes.extend_from_slice(&(width as u16 * 8).to_le_bytes());
                bytes
            }
            Self::Float { width, swapped } => {
                let (exponent, mantissa, bias) = match width {
                    2 => (5_u8, 10_u8, 15_u32),
                    4 => (8, 23, 127),
                    _ => (11, 52, 1023),
                };
                // The leading bit of the mantissa is implied.
                let mut bytes = vec![0x11, order(swapped) | 0x20, exponent + mantissa, 0];
                bytes.extend_from_slice(&(width as u32).to_le_bytes());
                bytes.extend_from_slice(&[0, 0]);
                bytes.extend_from_slice(&(width as u16 * 8).to_le_bytes());
                bytes.extend_from_slice(&[mantissa, exponent, 0, mantissa]);
                bytes.extend_from_slice(&bias.to_le_bytes());
                bytes
            }
            Self::Bool => {
                let mut bytes = vec![0x18, 2, 0, 0, 1, 0, 0, 0];
                bytes.extend_from_slice(&Self::Int { width: 1, signed: true, swapped: false }.encoded());
                bytes.extend_from_slice(b"FALSE\0\0\0TRUE\0\0\0\0\x00\x01");
                bytes
            }
            // Padded with NULs, ASCII: what Vaex declares its UTF-8 to be.
            Self::Char => vec![0x13, 0x01, 0, 0, 1, 0, 0, 0],
        }
    }
}

fn order(swapped: bool) -> u8 {
    u8::from(cfg!(target_endian = "big") != swapped)
}

/// An object header in the making.
#[derive(Debug, Default)]
pub(super) struct Header {
    count: u16,
    messages: Vec<u8>,
}

impl Header {
    /// Bytes before the first message.
    pub(super) const PREFIX: usize = 16;
    /// Bytes before what a message says.
    pub(super) const MESSAGE: usize = 8;

    fn message(&mut self, kind: u16, body: &[u8]) -> usize {
        let size = body.len().next_multiple_of(8);
        self.messages.extend_from_slice(&kind.to_le_bytes());
        self.messages.extend_from_slice(&(size as u16).to_le_bytes());
        self.messages.extend_from_slice(&[0; 4]);
        let at = Self::PREFIX + self.messages.len();
        self.messages.extend_from_slice(body);
        self.messages.resize(self.messages.len() - body.len() + size, 0);
        self.count += 1;
        at
    }

    /// Says which members a group has.
    pub(super) fn symbols(&mut self, tree: u64, heap: u64) {
        self.message(message::SYMBOLS, &[tree.to_le_bytes(), heap.to_le_bytes()].concat());
    }

    /// Says what a dataset is. Returns where in the header its address is to be written.
    pub(super) fn dataset(&mut self, type_: DiskType, shape: &[u64], size: u64) -> usize {
        let mut space = vec![1, shape.len() as u8, 0, 0, 0, 0, 0, 0];
        space.extend(shape.iter().flat_map(|length| length.to_le_bytes()));
        self.message(message::SPACE, &space);
        self.message(message::TYPE, &type_.encoded());
        // Version 2; allocated early, filled if a value is set, and the value is zero.
        self.message(message::FILL, &[2, 1, 2, 1, 0, 0, 0, 0]);
        // Version 3, contiguous.
        let layout = [&[3, 1][..], &NOWHERE.to_le_bytes(), &size.to_le_bytes()].concat();
        self.message(message::LAYOUT, &layout) + 2
    }

    /// Adds a text. Returns where in the header the address of its collection is to be written.
    pub(super) fn attribute(&mut self, name: &str, length: u32, index: u32) -> usize {
        // A sequence of bytes that is a UTF-8 text, 16 bytes a reference.
        let text = [0x19, 0x01, 0x01, 0, 16, 0, 0, 0, 0x10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0];
        let scalar = [1, 0, 0, 0, 0, 0, 0, 0];
        let mut body = vec![1, 0];
        body.extend_from_slice(&(name.len() as u16 + 1).to_le_bytes());
        body.extend_from_slice(&20_u16.to_le_bytes());
        body.extend_from_slice(&(scalar.len() as u16).to_le_bytes());
        body.extend_from_slice(name.as_bytes());
        body.push(0);
        body.resize(body.len().next_multiple_of(8), 0);
        body.extend_from_slice(&text);
        body.extend_from_slice(&scalar);
        let at = body.len() + 4;
        body.extend_from_slice(&length.to_le_bytes());
        body.extend_from_slice(&0_u64.to_le_bytes());
        body.extend_from_slice(&index.to_le_bytes());
        self.message(message::ATTRIBUTE, &body) + at
    }

    /// The header as it is written.
    pub(super) fn finish(self) -> Vec<u8> {
        let mut bytes = vec![1, 0];
        bytes.extend_from_slice(&self.count.to_le_bytes());
        bytes.extend_from_slice(&1_u32.to_le_bytes());
        bytes.extend_from_slice(&(self.messages.len() as u32).to_le_bytes());
        bytes.resize(Self::PREFIX, 0);
        bytes.extend_from_slice(&self.messages);
        bytes
    }
}

/// An entry of a group's table of members. `scratch` is what the table keeps of a group: its tree and its heap.
pub(super) fn entry(name: u64, header: u64, scratch: Option<(u64, u64)>) -> [u8; 40] {
    let (tree, heap) = scratch.unwrap_or_default();
    let mut bytes = [0; 40];
    bytes[..8].copy_from_slice(&name.to_le_bytes());
    bytes[8..16].copy_from_slice(&header.to_le_bytes());
    bytes[16] = u8::from(scratch.is_some());
    bytes[24..32].copy_from_slice(&tree.to_le_bytes());
    bytes[32..].copy_from_slice(&heap.to_le_bytes());
    bytes
}

/// The superblock of a file of so many bytes, whose root has this entry.
pub(super) fn superblock(end: u64, root: &[u8; 40]) -> Vec<u8> {
    let mut bytes = SIGNATURE.to_vec();
    // All versions 0; addresses and lengths of 8 bytes.
    bytes.extend_from_slice(&[0, 0, 0, 0, 0, 8, 8, 0]);
    bytes.extend_from_slice(&LEAF_K.to_le_bytes());
    bytes.extend_from_slice(&NODE_K.to_le_bytes());
    bytes.extend_from_slice(&0_u32.to_le_bytes());
    for address in [0, NOWHERE, end, NOWHERE] {
        bytes.extend_from_slice(&address.to_le_bytes());
    }
    bytes.extend_from_slice(root);
    bytes
}
