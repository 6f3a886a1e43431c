//! The Rust of the documentation, compiled and run as doctests.

/// README.md
#[doc = include_str!("../README.md")]
struct Readme;

/// docs/getting-started.md
#[doc = include_str!("../docs/getting-started.md")]
struct GettingStarted;

/// docs/concepts/commits.md
#[doc = include_str!("../docs/concepts/commits.md")]
struct Commits;

/// docs/concepts/integrity.md
#[doc = include_str!("../docs/concepts/integrity.md")]
struct Integrity;

/// docs/concepts/lineage.md
#[doc = include_str!("../docs/concepts/lineage.md")]
struct Lineage;

/// docs/concepts/snapshots.md
#[doc = include_str!("../docs/concepts/snapshots.md")]
struct Snapshots;

/// docs/concepts/versions.md
#[doc = include_str!("../docs/concepts/versions.md")]
struct Versions;

/// docs/guides/clean-up.md
#[doc = include_str!("../docs/guides/clean-up.md")]
struct CleanUp;

/// docs/guides/out-of-core.md
#[doc = include_str!("../docs/guides/out-of-core.md")]
struct OutOfCore;

/// docs/guides/tables.md
#[cfg(feature = "sql")]
#[doc = include_str!("../docs/guides/tables.md")]
struct Tables;

/// docs/guides/polars.md
#[cfg(feature = "polars")]
#[doc = include_str!("../docs/guides/polars.md")]
struct Polars;

/// docs/guides/import-files.md
#[doc = include_str!("../docs/guides/import-files.md")]
struct ImportFiles;

/// docs/guides/object-stores.md
#[cfg(feature = "stores")]
#[doc = include_str!("../docs/guides/object-stores.md")]
struct ObjectStores;
