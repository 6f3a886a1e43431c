//! HDF5 files in Vaex's layout: a group of columns, each a contiguous dataset.

mod read;
mod write;

pub use read::{Hdf5Options, Hdf5Table};
pub(crate) use write::Target;
pub use write::{ByteOrder, Hdf5Mode, Hdf5WriteOptions, Hdf5Writer, Progress, Rows};
