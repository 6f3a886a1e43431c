//! Integration tests of the public library and the program, in one binary.

mod bundle;
mod fixtures;
mod support;
