//! The one place with unsafe code: what goes through DuckDB's C interface by itself.

#![allow(unsafe_code, reason = "DuckDB's C interface has bare pointers")]

mod casts;
mod open;

pub(crate) use open::{RawDatabase, open};

use duckdb::vtab::{BindInfo, InitInfo};

use crate::stream::Registered;

/// What a table function was registered with.
pub(crate) fn registered_at_bind(info: &BindInfo) -> Option<Registered> {
    let pointer = info.get_extra_info::<Registered>();
    // SAFETY: every function of `stream` is registered with a `Registered`, which DuckDB keeps for as long as the function
    // is there, and gives to its callbacks alone.
    unsafe { pointer.as_ref() }.cloned()
}

/// The same, when reading begins.
pub(crate) fn registered_at_init(info: &InitInfo) -> Option<Registered> {
    let pointer = info.get_extra_info::<Registered>();
    // SAFETY: as above.
    unsafe { pointer.as_ref() }.cloned()
}
