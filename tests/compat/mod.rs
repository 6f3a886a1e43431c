//! The releases of Python DataFolio themselves, working on the bundles that are written here, and the other way round.
//!
//! `scripts/peers.sh` installs them. Without them these tests fail, unless `DATAFOLIO_SKIP_PEERS=1` says that they may be
//! left out. What Python does stands in the tests line by line; `python/session.py` runs it, `python/reading.py` reads
//! items in the form that the fixtures have, and both sides hash values as `HASH_METHOD.md` says.

mod blocks_left_by_2_3;
mod copies;
mod damage_by_1_3;
mod growing;
mod history;
mod ids;
mod interleaved;
mod migration;
#[cfg(unix)] // Elsewhere most of these names can be no names of files.
mod names_of_1_3;
mod on_disk;
pub(crate) mod peer;
mod read_by_2_3;
mod repair;
mod sample;
#[cfg(feature = "sql")]
mod views;
mod written_by_2_3;
