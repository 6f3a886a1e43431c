//! The `datafolio` program, for the command that the package installs.

use std::io::Write;

use pyo3::prelude::*;

/// Runs the program with these arguments, the first of which is its name, and returns the code that it exits with.
#[pyfunction]
pub(crate) fn run_program(py: Python<'_>, arguments: Vec<std::ffi::OsString>) -> u8 {
    py.detach(|| {
        let code = datafolio::cli::run_with(arguments);
        // What ends without a line break is written here, for nothing of this program runs when the interpreter ends.
        match std::io::stdout().flush() {
            Ok(()) => code,
            Err(_) => code.max(1),
        }
    })
}
