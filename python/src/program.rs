//! The `datafolio` program, for the command that the package installs.

use pyo3::prelude::*;

/// Runs the program with these arguments, the first of which is its name, and returns the code that it exits with.
#[pyfunction]
pub(crate) fn run_program(py: Python<'_>, arguments: Vec<std::ffi::OsString>) -> u8 {
    py.detach(|| datafolio::cli::run_with(arguments))
}
