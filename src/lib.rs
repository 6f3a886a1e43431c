//! A versioned home for the data of one analysis.
//!
//! A *bundle* is a plain directory of ordinary files (Parquet, Arrow, `.npy`, JSON) and one catalogue, `items.json`. It
//! keeps names, versions, snapshots, lineage and descriptions, and many processes may write to it at once.
//!
//! [`DataFolio`] is the handle to a bundle. From there:
//!
//! * adding and reading items: [`DataFolio::add`], [`DataFolio::get`], several changes at once with [`DataFolio::batch`];
//! * tables: [`DataFolio::read_table`], [`DataFolio::iter_table`], [`DataFolio::sample_table`], [`DataFolio::table_info`],
//!   [`DataFolio::append_table`], [`DataFolio::describe_table`], [`DataFolio::diff_table`], [`DataFolio::get_table_path`];
//! * Polars, with the feature `polars`: `DataFolio::add_polars`, `DataFolio::read_polars`, `DataFolio::scan_polars`;
//! * SQL: [`DataFolio::query_table`] on one table, [`DataFolio::query`] on all;
//! * snapshots: [`DataFolio::create_snapshot`], [`DataFolio::load_snapshot`], [`DataFolio::restore_snapshot`];
//! * time: [`DataFolio::log`], [`DataFolio::at_revision`], [`DataFolio::versions`], [`DataFolio::undo`];
//! * lineage: [`DataFolio::lineage`];
//! * care: [`DataFolio::verify`], [`DataFolio::gc`], [`DataFolio::disk_usage`], [`repair`].
//!
//! # The map
//!
//! ```text
//! bin/datafolio.rs  the program: cli/, one module per command
//! bundle/           DataFolio: opening, items, batches; commit.rs is the one place that commits
//! history/          every commit on record; earlier revisions, undo
//! snapshot/         named states of the bundle
//! table/            tables in part, in chunks, sampled, described, compared, as paths
//! query/            SQL over the tables, in DuckDB
//! view/             views: queries that are read like tables
//! derived_table/    tables that remember the query they were made by
//! lineage.rs        what was made from what
//! mapped.rs         rows that are converted once to files which are mapped
//! facts/            what snapshots and commits record of their surroundings
//! settings.rs       threads, memory, cache, retention
//! ```
//!
//! Below it lie `datafolio-handlers` (the item types), `datafolio-storage` (where a bundle lives) and `datafolio-core` (the
//! catalogue and its merge rules, without I/O).

mod bundle;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "sql")]
mod derived_table;
#[cfg(doctest)]
mod doc_pages;
mod error;
pub mod facts;
mod history;
mod lineage;
mod mapped;
mod query;
mod rows;
mod settings;
mod snapshot;
mod table;
mod text;
mod view;

pub use bundle::{
    AddOptions, Batch, Contents, CopyOptions, DataFolio, Deleted, DescribeOptions, DiskUsage, Finding, GcOptions,
    GcReport, ItemInfo, ItemUsage, Lost, OpenOptions, Prefetched, RepairOptions, RepairReport, Severity, SnapshotUsage,
    StoreAccess, TransferControl, TransferOptions, Transferred, VerifyOptions, VerifyReport, VersionUsage, repair,
    repair_storage, store_access,
};
pub use datafolio_columns::ColumnsError;
pub use datafolio_columns::hdf5::{ByteOrder, Hdf5Mode, Hdf5WriteOptions};
pub use datafolio_core::history::CommitKind;
pub use datafolio_core::{
    Catalogue, CoreError, Difference, Entry, ErrorCategory, ItemChange, VersionComparison, did_you_mean,
};
#[cfg(feature = "polars")]
pub use datafolio_frames::{FramesError, polars};
pub use datafolio_handlers::formats::ImportOptions;
pub use datafolio_handlers::npy::NpyArray;
pub use datafolio_handlers::{
    ColumnFacts, Data, FileFacts, Handler, HandlerError, Misfit, Model, Reference, ReferenceCheck, ReferenceState,
    Registry, StoredArray,
};
pub use datafolio_storage::{Source, SourceReader, Storage, StorageError, StorageOptions, Verification};
#[cfg(feature = "sql")]
pub use derived_table::{
    Derivation, DerivedInput, Explained, FailedRerun, Rerun, RerunOptions, RerunStep, RerunWatch, SeenFiles, Stale,
    StaleReason,
};
pub use error::{Error, Result};
pub use history::{Log, LogBreak, LogEntry, Undone, VersionInfo};
pub use lineage::{Lineage, LineageError};
pub use mapped::open_frame;
pub use query::QueryOptions;
#[cfg(feature = "sql")]
pub use query::{ParamValue, Params, QueryControl, QueryReader, Refusal, SqlError};
pub use settings::{ChangedReferences, Color, Described, KEYS, Memory, Origin, Settings, SettingsError};
pub use snapshot::{DiffFromSnapshot, ExportOptions, SnapshotComparison, SnapshotInfo, SnapshotOptions};
#[cfg(feature = "polars")]
pub use table::FrameChunks;
pub use table::{
    AbortedStage, AppendOptions, Appended, ChangedReference, ColumnStatistics, ColumnType, CommittedStage, Compacted,
    Condition, DEFAULT_CHUNK_SIZE, DiffOptions, Distinct, IterOptions, Quantile, RetypedColumn, RowsChanged, Stage,
    StageMode, StageOptions, StatisticsOptions, TableChunks, TableDiff, TableInfo, TableOptions, TablePaths,
    TableState, TableStatistics, TopValue,
};
pub use text::human_size;
pub use view::{View, ViewColumn};

pub use datafolio_columns as columns;
pub use datafolio_core as core;
#[cfg(feature = "polars")]
pub use datafolio_frames as frames;
pub use datafolio_handlers as handlers;
pub use datafolio_storage as storage;
#[cfg(feature = "stores")]
pub use datafolio_stores as stores;
