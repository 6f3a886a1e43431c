//! Derived tables: stored results that remember the query and the versions they were made from.

mod explain;
mod params;
mod run;
mod stale;
mod watch;

use datafolio_core::ItemRecord;
use datafolio_handlers::HandlerError;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Result;

pub use explain::Explained;
#[cfg(feature = "cli")]
pub(crate) use run::all_rows_of;
pub use run::{FailedRerun, Rerun, RerunOptions};
pub use stale::{Stale, StaleReason};
pub use watch::{RerunStep, RerunWatch};

/// The field of an entry that makes it a derived table.
const DERIVED: &str = "derived";

/// How a derived table was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Derivation {
    /// The language of the text: `sql`.
    pub language: String,
    /// The query.
    pub text: String,
    /// The values that it was given: a list for `?`, an object for `$name`, `null` for none.
    #[serde(default)]
    pub params: Value,
    /// Every version that was read, those that views read included.
    pub inputs: Vec<DerivedInput>,
    /// The program and its version.
    #[serde(default)]
    pub program: String,
}

/// A version that a derived table was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DerivedInput {
    /// The item.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What its rows are known by ([`ItemRecord::rows_hash`]): a version with the same hash has the same rows, whatever else was
    /// edited, and however its parts were merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The snapshot that it was read from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// Of a referenced table: what its files were like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<SeenFiles>,
}

/// What the files of a reference were like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenFiles {
    /// Their size in bytes.
    pub size_bytes: u64,
    /// SHA-256 (hex) of what is known of each from outside: path, size and time of its last change.
    #[serde(default)]
    pub digest: String,
}

/// How a version was derived; `None` for other items.
fn derivation_of(record: &ItemRecord) -> Result<Option<Derivation>> {
    let Some(value) = record.get(DERIVED).filter(|value| !value.is_null()) else { return Ok(None) };
    let damaged = |error| HandlerError::Damaged {
        item: record.name().to_owned(),
        reason: format!("its field derived says no derivation: {error}"),
    };
    Ok(Some(Derivation::deserialize(value).map_err(damaged)?))
}
