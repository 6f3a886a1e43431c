//! Names, paths, item records and the catalogue of a datafolio bundle: the model, without any I/O.

mod apply;
mod catalogue;
mod change;
pub mod civil;
mod diff;
mod encode;
mod entry;
mod error;
mod fingerprint;
mod flaw;
pub mod history;
pub mod item_type;
mod items;
pub mod json;
mod migrate;
pub mod name;
mod parse;
mod parts;
pub mod patch;
mod path;
mod place;
pub mod random;
mod record;
mod rows_hash;
mod snapshot;
pub mod time;
mod words;

pub use apply::{Applied, Working, replay};
pub use catalogue::{Catalogue, CommitStamp, Layout, Resolver, SCHEMA_VERSION};
pub use change::{Assumed, Change, ChangeSet, ItemEdit, Key, PutItem};
pub use diff::{Difference, ItemChange, VersionComparison, compare_versions, difference};
pub use encode::{Published, encode, encode_after};
pub use entry::{Described, Entry};
pub use error::{CoreError, CoreResult, ErrorCategory};
pub use fingerprint::{fingerprint, seal_of, seal_position};
pub use flaw::Flaw;
pub use items::Items;
pub use parse::{CatalogueFiles, SealCheck, parse_catalogue, versions_in};
pub use parts::{AppendParts, CompactParts, PARTS, PARTS_DIR, Part, STAGES_TAKEN};
pub use path::RelPath;
pub use place::Place;
pub use record::ItemRecord;
pub use snapshot::{Snapshot, SnapshotRecord};
pub use words::{counted, did_you_mean, no_column, quoted};

/// Under this key the metadata of a column of a result says which type it has in SQL, where its Arrow type does not tell.
pub const SQL_TYPE: &str = "datafolio.sql_type";
