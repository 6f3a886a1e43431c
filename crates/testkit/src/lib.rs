//! Builders, reference models, conformance suites and fault-injecting storage for the tests of datafolio.
//!
//! * [`handler_suite`] checks the contract of a [`Handler`](datafolio_handlers::Handler) on samples.
//! * [`copies`] copies directories.
//! * [`faults`] fails, shortens and interrupts single I/O steps of local storage.
//! * [`fuzz`] is what the fuzz targets run.
//! * [`object_server`] is an object store in this process that fails when told to.
//! * [`peer_stores`] starts programs of others that speak the language of a store, and [`peers`] finds what is installed.
//! * [`power`] makes what a disk may hold after a power failure.
//! * [`simulated_store`] is an object store whose requests and answers are lost, late and carried out twice, from a seed.
//! * [`tripwires`] tells which files are opened.
//! * [`value_hash`] hashes values as the fixtures of earlier releases record them.

pub mod copies;
pub mod faults;
pub mod fuzz;
pub mod handler_suite;
pub mod object_server;
pub mod peer_stores;
pub mod peers;
pub mod power;
pub mod simulated_store;
pub mod tripwires;
pub mod value_hash;
