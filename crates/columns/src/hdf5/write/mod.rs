//! Writing HDF5 files that Vaex and h5py open: `layout` looks at the rows and lays out the file, `write` fills it.
//!
//! The structures are those that the HDF5 library writes by default (superblock 0, symbol tables, version 1 object
//! headers), so that every reader knows them. They come first in the file, the columns after them, each dataset contiguous
//! and aligned to 64 bytes. Datasets are filled by positioned writes, so a table may be of any size: what is held of it is a
//! batch of each column that is being written, and the values of dictionaries.

mod append;
mod column;
mod dictionary;
mod faults;
mod fill;
mod fixed;
mod format;
mod group;
mod heap;
mod kind;
mod names;
mod plan;
mod rows;
mod stream;
mod survey;
mod target;
mod text;
mod writer;

#[cfg(test)]
mod tests;

pub use rows::Rows;
pub(crate) use target::Target;
pub use writer::Hdf5Writer;

/// Told how much is done, from 0 to 1; stops the pass by answering `false`.
pub type Progress<'a> = &'a (dyn Fn(f64) -> bool + Sync);

/// What becomes of a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hdf5Mode {
    /// It is replaced, at the end and in one step.
    #[default]
    Write,
    /// Its tables are kept, and this one is added in another group. Only files that this writer has made can be added to; a
    /// file that is not there is made.
    Append,
}

/// Which byte of a number comes first. Only the values of numeric columns follow it: Vaex takes everything else in the order
/// of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ByteOrder {
    /// As on this machine.
    #[default]
    Native,
    /// The lowest.
    Little,
    /// The highest.
    Big,
}

impl ByteOrder {
    /// Whether numbers are written the other way round than they are in memory.
    fn swaps(self) -> bool {
        match self {
            Self::Native => false,
            Self::Little => cfg!(target_endian = "big"),
            Self::Big => cfg!(target_endian = "little"),
        }
    }
}

/// How a file is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hdf5WriteOptions {
    /// The group that becomes the table, `/table` unless said otherwise, which is where Vaex looks.
    pub group: String,
    /// What becomes of a file that is there already.
    pub mode: Hdf5Mode,
    /// Of the values of numeric columns.
    pub byte_order: ByteOrder,
}

impl Default for Hdf5WriteOptions {
    fn default() -> Self {
        Self { group: "/table".to_owned(), mode: Hdf5Mode::default(), byte_order: ByteOrder::default() }
    }
}
