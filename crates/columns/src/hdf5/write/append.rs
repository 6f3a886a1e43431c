//! A file that a table is added to. It is copied as it is, so that everything in it stays where it says it is; only the groups
//! on the way to the new table are written anew.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::{ColumnsError, ColumnsResult};

use super::format::{Header, SUPERBLOCK, entry, message, superblock};
use super::group::Link;

/// The attribute of the root by which our files are known.
pub(super) const MARKER: (&str, &str) = ("writer", "datafolio-columns 1");
/// More than headers and names of groups of ours can need.
const LARGEST: u64 = 256 * 1024 * 1024;

/// A file of ours.
#[derive(Debug)]
pub(super) struct Existing {
    path: PathBuf,
    pub(super) file: File,
    /// Its bytes.
    pub(super) length: u64,
    changed: Option<SystemTime>,
    root: u64,
}

impl Existing {
    /// Opens the file; none if there is none.
    pub(super) fn open(path: &Path) -> ColumnsResult<Option<Self>> {
        let io = |error| ColumnsError::io("open", path, error);
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io(error)),
        };
        let metadata = file.metadata().map_err(io)?;
        let changed = metadata.modified().ok();
        let mut existing = Self { path: path.to_owned(), file, length: metadata.len(), changed, root: 0 };
        let head = existing.read(0, SUPERBLOCK).map_err(|_| existing.foreign("it is not an HDF5 file"))?;
        let ours = superblock(existing.length, &entry(0, 0, Some((0, 0))));
        // All but the addresses in the entry of the root.
        if head[..40] != ours[..40] || head[48..64] != ours[48..64] {
            return Err(existing.foreign("it was not made by this writer"));
        }
        if head[40..48] != ours[40..48] {
            let reason = format!("says that it ends at byte {}, and ends at {}", u64_at(&head, 40)?, existing.length);
            return Err(ColumnsError::damaged(path, reason));
        }
        existing.root = u64_at(&head, 64)?;
        match existing.header(existing.root)?.marker {
            Some(marker) if marker == MARKER.1 => Ok(Some(existing)),
            _ => Err(existing.foreign("it was not made by this writer")),
        }
    }

    /// The members of the root, of the group in it that is the first component, and so on, for all components but the last,
    /// which must not be there. Where a group is not there the list ends.
    pub(super) fn levels(&self, components: &[String]) -> ColumnsResult<Vec<Vec<Link>>> {
        let (mut levels, mut group) = (Vec::new(), self.header(self.root)?);
        for (depth, component) in components.iter().enumerate() {
            let members = self.members(&group)?;
            let there = members.iter().find(|member| member.name == *component).map(|member| member.header);
            levels.push(members);
            let Some(there) = there else { break };
            let shown = || components.iter().take(depth + 1).map(|name| format!("/{name}")).collect::<String>();
            if depth + 1 == components.len() {
                let reason = format!("has a group '{}' already; choose another, or write the file anew", shown());
                return Err(ColumnsError::unsupported(&self.path, reason));
            }
            group = self.header(there)?;
            if group.symbols.is_none() || group.attributes > 0 {
                let reason = format!("has a table or dataset '{}', and a table cannot be put inside it", shown());
                return Err(ColumnsError::unsupported(&self.path, reason));
            }
        }
        Ok(levels)
    }

    /// That nobody has changed the file meanwhile.
    pub(super) fn check_unchanged(&self) -> ColumnsResult<()> {
        let now = fs::metadata(&self.path).map_err(|error| ColumnsError::io("look at", &self.path, error))?;
        match now.len() == self.length && now.modified().ok() == self.changed {
            true => Ok(()),
            false => {
                Err(ColumnsError::damaged(&self.path, "was changed by someone else while a table was added to it"))
            }
        }
    }

    fn foreign(&self, why: &str) -> ColumnsError {
        let reason = format!("cannot be added to: {why}; write the table to a file of its own");
        ColumnsError::unsupported(&self.path, reason)
    }

    fn damaged(&self) -> ColumnsError {
        ColumnsError::damaged(&self.path, "has groups that point outside of it or contradict themselves")
    }

    fn read(&self, at: u64, length: u64) -> ColumnsResult<Vec<u8>> {
        if length > LARGEST || at.checked_add(length).is_none_or(|end| end > self.length) {
            return Err(self.damaged());
        }
        let mut bytes = vec![0; usize::try_from(length).map_err(|_| self.damaged())?];
        let mut file = &self.file;
        file.seek(SeekFrom::Start(at))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|error| ColumnsError::io("read", &self.path, error))?;
        Ok(bytes)
    }

    fn header(&self, at: u64) -> ColumnsResult<Group> {
        let prefix = self.read(at, Header::PREFIX as u64)?;
        if prefix[0] != 1 {
            return Err(self.foreign("it was changed by another program"));
        }
        let size = u64::from(u32_at(&prefix, 8)?);
        let messages = self.read(at + Header::PREFIX as u64, size)?;
        let (mut group, mut rest) = (Group::default(), messages.as_slice());
        while rest.len() >= Header::MESSAGE {
            let (kind, size) = (u16_at(rest, 0)?, usize::from(u16_at(rest, 2)?));
            let body = rest.get(Header::MESSAGE..Header::MESSAGE + size).ok_or_else(|| self.damaged())?;
            match kind {
                message::NIL => {}
                message::SYMBOLS => group.symbols = Some((u64_at(body, 0)?, u64_at(body, 8)?)),
                message::ATTRIBUTE => {
                    group.attributes += 1;
                    group.marker = self.marker(body)?;
                }
                // A dataset has these; of a group they would be lost.
                message::SPACE | message::TYPE | message::FILL | message::LAYOUT => group.attributes += 1,
                _ => return Err(self.foreign("it was changed by another program")),
            }
            rest = rest.get(Header::MESSAGE + size..).unwrap_or_default();
        }
        // Of the root all attributes but the marker would be lost.
        if at == self.root && group.attributes > 1 {
            return Err(self.foreign("it was changed by another program"));
        }
        Ok(group)
    }

    /// The text of the attribute, if it looks as ours does.
    fn marker(&self, body: &[u8]) -> ColumnsResult<Option<String>> {
        let mut expected = Header::default();
        let value = expected.attribute(MARKER.0, 0, 0) - Header::PREFIX - Header::MESSAGE;
        let expected = expected.finish();
        let (start, value) = (Header::PREFIX + Header::MESSAGE, value - 4);
        if body.len() != expected.len() - start || body.get(..value) != expected.get(start..start + value) {
            return Ok(None);
        }
        let (length, heap, index) = (u32_at(body, value)?, u64_at(body, value + 4)?, u32_at(body, value + 12)?);
        let size = u64_at(&self.read(heap, 16)?, 8)?;
        let collection = self.read(heap, size)?;
        let mut rest = collection.get(16..).unwrap_or_default();
        while rest.len() >= 16 {
            let (number, size) = (u32::from(u16_at(rest, 0)?), u64_at(rest, 8)?);
            if number == 0 {
                break;
            }
            let size = usize::try_from(size).ok().filter(|size| *size < rest.len()).ok_or_else(|| self.damaged())?;
            if number == index {
                let text = rest.get(16..16 + size.min(length as usize)).unwrap_or_default();
                return Ok(Some(String::from_utf8_lossy(text).into_owned()));
            }
            rest = rest.get(16 + size.next_multiple_of(8)..).unwrap_or_default();
        }
        Ok(None)
    }

    fn members(&self, group: &Group) -> ColumnsResult<Vec<Link>> {
        let (tree, heap) = group.symbols.ok_or_else(|| self.damaged())?;
        let heap = self.read(heap, 32)?;
        let names = self.read(u64_at(&heap, 24)?, u64_at(&heap, 8)?)?;
        let mut links = Vec::new();
        self.descend(tree, None, &names, &mut links)?;
        Ok(links)
    }

    /// Levels go down by one, so there is an end to it.
    fn descend(&self, at: u64, level: Option<u8>, names: &[u8], links: &mut Vec<Link>) -> ColumnsResult<()> {
        let node = self.read(at, 24)?;
        let (here, used) = (node[5], u64::from(u16_at(&node, 6)?));
        if !node.starts_with(b"TREE\0") || level.is_some_and(|level| here + 1 != level) || here > 8 {
            return Err(self.damaged());
        }
        let children = self.read(at + 24, used * 16)?;
        for child in children.chunks_exact(16) {
            let child = u64_at(child, 8)?;
            if here > 0 {
                self.descend(child, Some(here), names, links)?;
                continue;
            }
            let head = self.read(child, 8)?;
            if !head.starts_with(b"SNOD\x01") {
                return Err(self.damaged());
            }
            let entries = self.read(child + 8, u64::from(u16_at(&head, 6)?) * 40)?;
            for entry in entries.chunks_exact(40) {
                links.push(self.link(entry, names)?);
            }
            if links.len() as u64 > self.length / 40 {
                return Err(self.damaged());
            }
        }
        Ok(())
    }

    fn link(&self, entry: &[u8], names: &[u8]) -> ColumnsResult<Link> {
        let start = usize::try_from(u64_at(entry, 0)?).map_err(|_| self.damaged())?;
        let name =
            names.get(start..).and_then(|rest| rest.split(|byte| *byte == 0).next()).ok_or_else(|| self.damaged())?;
        let name = String::from_utf8(name.to_vec()).map_err(|_| self.foreign("it was changed by another program"))?;
        let scratch = match u32_at(entry, 16)? {
            0 => None,
            1 => Some((u64_at(entry, 24)?, u64_at(entry, 32)?)),
            _ => return Err(self.foreign("it has a symbolic link, so it was changed by another program")),
        };
        Ok(Link { name, header: u64_at(entry, 8)?, scratch })
    }
}

/// What the header of a group says.
#[derive(Debug, Default)]
struct Group {
    symbols: Option<(u64, u64)>,
    attributes: usize,
    marker: Option<String>,
}

fn take<const N: usize>(bytes: &[u8], at: usize) -> ColumnsResult<[u8; N]> {
    let found = bytes.get(at..at + N).and_then(|bytes| bytes.try_into().ok());
    found.ok_or_else(|| ColumnsError::option("a structure of the HDF5 file ends too early".to_owned()))
}

fn u16_at(bytes: &[u8], at: usize) -> ColumnsResult<u16> {
    Ok(u16::from_le_bytes(take(bytes, at)?))
}

fn u32_at(bytes: &[u8], at: usize) -> ColumnsResult<u32> {
    Ok(u32::from_le_bytes(take(bytes, at)?))
}

fn u64_at(bytes: &[u8], at: usize) -> ColumnsResult<u64> {
    Ok(u64::from_le_bytes(take(bytes, at)?))
}
