//! Builders, reference models, conformance suites and fault-injecting storage for the tests of datafolio.
//!
//! * [`handler_suite`] checks the contract of a [`Handler`](datafolio_handlers::Handler) on samples.
//! * [`value_hash`] hashes values as the fixtures of earlier releases record them.

pub mod handler_suite;
pub mod value_hash;
