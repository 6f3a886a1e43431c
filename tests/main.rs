//! Integration tests of the public library and the program, in one binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where something is not as it should be"
)]

mod bundle;
mod cli;
mod compat;
mod docs;
mod fixtures;
#[cfg(feature = "polars")]
mod frames;
mod reliability;
#[cfg(feature = "stores")]
mod remote;
#[cfg(feature = "sql")]
mod sql;
mod support;
mod tables;
