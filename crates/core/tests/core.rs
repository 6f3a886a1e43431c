//! Tests of the catalogue model from outside, in one binary.

// clippy.toml allows these in `#[test]` functions; helpers of tests are meant as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod encode;
mod merge;
mod model;
mod parse;
mod patch;
mod support;
mod versions;
