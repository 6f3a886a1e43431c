//! Builders, reference models, conformance suites and fault-injecting storage for the tests of datafolio.
//!
//! * [`handler_suite`] checks the contract of a [`Handler`](datafolio_handlers::Handler) on samples.
//! * [`faults`] fails, shortens and interrupts single I/O steps of local storage.
//! * [`value_hash`] hashes values as the fixtures of earlier releases record them.

pub mod faults;
pub mod handler_suite;
pub mod value_hash;
