//! The documentation stays true: its commands run, its links lead somewhere, its tables are those of the code.
//!
//! * [`shell`]: every `sh` and `console` block is executed, in order, in an empty directory.
//! * [`example`]: the worked example of the format specification is generated.
//! * [`errors`]: the table of error codes has every code of the sources, and no other.
//! * [`numbers`]: the limits and sizes that pages name are those of the sources.
//! * [`links`]: every relative link resolves, and no page names a place on someone's machine.
//!
//! The Rust blocks are doctests of the library (`src/doc_pages.rs`).

mod errors;
mod example;
mod links;
mod numbers;
mod pages;
#[cfg(unix)] // The pages are written for a Unix shell.
mod shell;
