//! The `datafolio` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    datafolio::cli::main()
}
