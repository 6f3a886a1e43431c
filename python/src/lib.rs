//! The compiled half of the Python package `datafolio`: the library of Rust, with plain values of Python on the outside.
//!
//! The package itself is written in Python (`python/datafolio`), over what is here: `Bundle`, and the rows that it gives.

mod aliases;
mod arrow_value;
mod bundle;
mod condition;
mod ending;
mod error;
mod ffi;
mod fork;
mod frame;
mod interrupt;
#[cfg(feature = "sql")]
mod params;
mod program;
mod rows;
mod value;

/// The module `datafolio._native`.
#[pyo3::pymodule]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::aliases::{known_bundles, path_of_alias, remove_alias, set_alias, store_access};
    #[pymodule_export]
    use crate::bundle::{Bundle, open_snapshot};
    #[pymodule_export]
    use crate::frame::{
        Chunk, Chunks, Frame, Hdf5Writer, frame_functions, frame_of_arrays, frame_of_arrow, open_frame,
    };
    #[pymodule_export]
    use crate::program::run_program;
    #[pymodule_export]
    use crate::rows::{RowStream, Rows};

    /// Adds what is no item of Rust.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::ending::watch(module)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
