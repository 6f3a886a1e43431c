//! Integration tests of the handlers, in one binary.

// clippy.toml allows these in `#[test]` functions; helpers of tests are meant as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod arrays;
mod batches;
mod conformance;
mod differences;
mod disk;
mod encoding;
mod errors;
mod fixtures;
mod references;
mod streaming;
mod tables;
mod taken_over;
mod texts;
mod third_party;
