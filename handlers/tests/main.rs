//! Integration tests of the handlers, in one binary.

mod conformance;
mod errors;
mod fixtures;
mod streaming;
mod tables;
mod third_party;
