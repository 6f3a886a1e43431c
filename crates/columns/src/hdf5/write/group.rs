//! Groups, datasets and attributes: the part of a file that says where everything is.

use crate::error::{ColumnsError, ColumnsResult};

use super::format::{DiskType, Header, LEAF_K, NODE_K, NOWHERE, entry};
use super::heap::{Heap, Kept};

/// What datasets are aligned to.
pub(super) const ALIGNMENT: u64 = 64;

/// A stretch of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Region {
    /// Where it begins, counted from where the data begin.
    pub(super) start: u64,
    /// Its bytes.
    pub(super) length: u64,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// Its name.
    pub(super) name: String,
    /// Where its object header is.
    pub(super) header: u64,
    /// Tree and heap of a group.
    pub(super) scratch: Option<(u64, u64)>,
}

/// Attributes by name.
pub(super) type Attributes<'a> = &'a [(&'a str, &'a str)];

enum Patch {
    Data(u64),
    Collection(usize),
}

/// The structures of a file in the making, and how the data are parted.
pub(super) struct Image {
    /// Where in the file the bytes will be.
    base: u64,
    bytes: Vec<u8>,
    patches: Vec<(usize, Patch)>,
    heap: Heap,
    data: u64,
}

/// The structures, ready.
pub(super) struct Finished {
    /// What is to be written at the base.
    pub(super) bytes: Vec<u8>,
    /// Where the data begin.
    pub(super) origin: u64,
    /// Where the file ends.
    pub(super) end: u64,
}

impl Image {
    pub(super) fn new(base: u64) -> Self {
        Self { base, bytes: Vec::new(), patches: Vec::new(), heap: Heap::default(), data: 0 }
    }

    /// Adds a dataset, and room for it.
    pub(super) fn dataset(
        &mut self,
        name: &str,
        type_: DiskType,
        shape: &[u64],
        width: usize,
        attributes: Attributes<'_>,
    ) -> ColumnsResult<(Link, Region)> {
        let length =
            shape.iter().try_fold(width as u64, |size, length| size.checked_mul(*length)).ok_or_else(too_large)?;
        let region = Region { start: self.data, length };
        let end = self.data.checked_add(length).and_then(|end| end.checked_next_multiple_of(ALIGNMENT));
        self.data = end.filter(|end| *end < i64::MAX as u64).ok_or_else(too_large)?;
        let mut header = Header::default();
        let address = header.dataset(type_, shape, length);
        let mut patches = self.attributes(&mut header, attributes)?;
        // What has no bytes has no address.
        if length > 0 {
            patches.push((address, Patch::Data(region.start)));
        }
        let header = self.object(header, patches);
        Ok((Link { name: name.to_owned(), header, scratch: None }, region))
    }

    /// Adds a group.
    pub(super) fn group(
        &mut self,
        name: &str,
        mut links: Vec<Link>,
        attributes: Attributes<'_>,
    ) -> ColumnsResult<Link> {
        links.sort_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
        // The names, after an empty one.
        let mut names = vec![0_u8; 8];
        let mut offsets = Vec::with_capacity(links.len());
        for link in &links {
            offsets.push(names.len() as u64);
            names.extend_from_slice(link.name.as_bytes());
            names.push(0);
            names.resize(names.len().next_multiple_of(8), 0);
        }
        let segment = self.place(&names);
        let mut heap = b"HEAP\0\0\0\0".to_vec();
        // No free block is 1.
        for value in [names.len() as u64, 1, segment] {
            heap.extend_from_slice(&value.to_le_bytes());
        }
        let heap = self.place(&heap);
        let tree = self.tree(&links, &offsets);
        let mut header = Header::default();
        header.symbols(tree, heap);
        let patches = self.attributes(&mut header, attributes)?;
        let header = self.object(header, patches);
        Ok(Link { name: name.to_owned(), header, scratch: Some((tree, heap)) })
    }

    /// The tree over the members of a group. Keys are names: each child's are greater than the key before it, and not greater
    /// than the one after.
    fn tree(&mut self, links: &[Link], offsets: &[u64]) -> u64 {
        let mut children = Vec::new();
        for (links, offsets) in links.chunks(usize::from(LEAF_K) * 2).zip(offsets.chunks(usize::from(LEAF_K) * 2)) {
            let mut leaf = b"SNOD\x01\0".to_vec();
            leaf.extend_from_slice(&(links.len() as u16).to_le_bytes());
            for (link, offset) in links.iter().zip(offsets) {
                leaf.extend_from_slice(&entry(*offset, link.header, link.scratch));
            }
            leaf.resize(8 + usize::from(LEAF_K) * 2 * 40, 0);
            children.push((self.place(&leaf), offsets.last().copied().unwrap_or_default()));
        }
        let fan = usize::from(NODE_K) * 2;
        let mut level = 0_u8;
        loop {
            let size = 24 + 8 * (fan * 2 + 1);
            let first = self.next();
            let nodes = children.len().div_ceil(fan).max(1);
            let mut parents = Vec::with_capacity(nodes);
            let mut least = 0_u64;
            for number in 0..nodes {
                let members = children.chunks(fan).nth(number).unwrap_or_default();
                let beside = |there: bool, number: usize| if there { first + (number * size) as u64 } else { NOWHERE };
                let mut node = b"TREE\0".to_vec();
                node.push(level);
                node.extend_from_slice(&(members.len() as u16).to_le_bytes());
                node.extend_from_slice(&beside(number > 0, number.wrapping_sub(1)).to_le_bytes());
                node.extend_from_slice(&beside(number + 1 < nodes, number + 1).to_le_bytes());
                node.extend_from_slice(&least.to_le_bytes());
                for (child, greatest) in members {
                    node.extend_from_slice(&child.to_le_bytes());
                    node.extend_from_slice(&greatest.to_le_bytes());
                    least = *greatest;
                }
                node.resize(size, 0);
                parents.push((self.place(&node), least));
            }
            match parents.as_slice() {
                [(root, _)] => return *root,
                _ => (children, level) = (parents, level + 1),
            }
        }
    }

    fn attributes(&mut self, header: &mut Header, attributes: Attributes<'_>) -> ColumnsResult<Vec<(usize, Patch)>> {
        let mut patches = Vec::new();
        for (name, text) in attributes {
            let Kept { collection, index, length } = self
                .heap
                .keep(text)
                .ok_or_else(|| ColumnsError::option(format!("attribute '{name}' is longer than HDF5 can hold")))?;
            let at = header.attribute(name, length, index);
            patches.extend(collection.map(|collection| (at, Patch::Collection(collection))));
        }
        Ok(patches)
    }

    fn object(&mut self, header: Header, patches: Vec<(usize, Patch)>) -> u64 {
        let at = self.bytes.len();
        self.patches.extend(patches.into_iter().map(|(offset, patch)| (at + offset, patch)));
        self.place(&header.finish())
    }

    fn next(&self) -> u64 {
        self.base + self.bytes.len() as u64
    }

    /// Everything placed is a multiple of 8 bytes long, so all of it is aligned to that.
    fn place(&mut self, bytes: &[u8]) -> u64 {
        let address = self.next();
        self.bytes.extend_from_slice(bytes);
        address
    }

    /// Puts in the addresses that were not known before.
    pub(super) fn finish(mut self) -> Finished {
        let collections = std::mem::take(&mut self.heap).finish();
        let addresses: Vec<u64> = collections.iter().map(|collection| self.place(collection)).collect();
        let origin = self.next().next_multiple_of(ALIGNMENT);
        for (at, patch) in self.patches {
            let address = match patch {
                Patch::Data(start) => origin + start,
                Patch::Collection(number) => addresses.get(number).copied().unwrap_or(NOWHERE),
            };
            self.bytes[at..at + 8].copy_from_slice(&address.to_le_bytes());
        }
        Finished { bytes: self.bytes, origin, end: origin + self.data }
    }
}

fn too_large() -> ColumnsError {
    ColumnsError::option("the table is larger than a file can be".to_owned())
}
