//! The compiled half of the Python package `datafolio`: the library of Rust, with the types of Python.

/// The module `datafolio._native`.
#[pymodule]
mod _native {
    use pyo3::prelude::*;

    /// Adds what is no item of Rust.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
