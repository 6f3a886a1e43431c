//! Facts about the surroundings of a snapshot or commit: code, machine, command line, writer.
//!
//! Everything here is asked for explicitly, none of it is needed to store data, and nothing fails: what cannot be found
//! out is left out. Facts are published with the bundle, so what looks like a secret is removed before it is recorded.

pub mod address;
mod credentials;
pub mod environment;
pub mod execution;
pub mod git;
mod process;
pub mod redact;
pub mod writer;
