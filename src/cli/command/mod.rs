//! The commands, one module each: an `Args` whose comments are the help, and `run`.

pub(super) mod access;
pub(super) mod add;
pub(super) mod append;
pub(super) mod at;
pub(super) mod cache;
pub(super) mod cat;
pub(super) mod cli_reference;
pub(super) mod compact;
pub(super) mod completions;
pub(super) mod compute;
pub(super) mod convert;
pub(super) mod copy;
#[cfg(feature = "sql")]
pub(super) mod derive;
pub(super) mod describe;
#[cfg(feature = "sql")]
pub(super) mod diff;
pub(super) mod du;
#[cfg(feature = "sql")]
pub(super) mod explain;
pub(super) mod export;
pub(super) mod find;
pub(super) mod folios;
mod frame_args;
pub(super) mod gc;
pub(super) mod get;
pub(super) mod head;
pub(super) mod heatmap;
pub(super) mod hist;
pub(super) mod import;
pub(super) mod info;
pub(super) mod init;
pub(super) mod iter;
#[cfg(feature = "sql")]
mod limits;
pub(super) mod lineage;
pub(super) mod log;
pub(super) mod ls;
pub(super) mod meta;
mod new_item;
pub(super) mod path;
pub(super) mod pull;
pub(super) mod push;
pub(super) mod reference;
pub(super) mod rename;
pub(super) mod repair;
#[cfg(feature = "sql")]
pub(super) mod rerun;
pub(super) mod rm;
pub(super) mod sample;
pub(super) mod set;
pub(super) mod settings;
pub(super) mod snapshot;
#[cfg(feature = "sql")]
pub(super) mod sql;
pub(super) mod stage;
#[cfg(feature = "sql")]
pub(super) mod stale;
mod table_file;
mod transfer;
pub(super) mod undo;
mod values;
pub(super) mod verify;
#[cfg(feature = "sql")]
pub(super) mod view;
