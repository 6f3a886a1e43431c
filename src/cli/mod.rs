//! The `datafolio` program.
