//! Item types of a bundle: how each is recognised, written, opened and verified.
//!
//! | item type | handler | adding takes | reading gives | payload |
//! | --- | --- | --- | --- | --- |
//! | `included_table` (`polars_table`) | [`IncludedTable`] | [`Data::Table`], [`Data::InferredTable`], [`Data::ParquetFile`] | [`Data::Table`] | `.parquet`, `.arrow` |
//! | `referenced_table` | [`ReferencedTable`] | [`Data::Reference`] | [`Data::Table`] | none |
//! | `numpy_array` | [`NumpyArray`] | [`Data::Array`], [`Data::ArrayFile`] | [`Data::Array`] | `.npy` |
//! | `json_data` | [`JsonData`] | [`Data::Json`] | [`Data::Json`] | `.json` |
//! | `timestamp` | [`Timestamp`] | [`Data::Timestamp`] | [`Data::Timestamp`] | `.json` |
//! | `artifact` | [`Artifact`] | [`Data::File`] | [`Data::Payload`] | as the file |
//! | `model` (`pytorch_model`) | [`ModelFile`] | [`Data::Model`] | [`Data::Payload`] | `.joblib` `.skops` `.onnx` `.pkl` `.pt` |
//!
//! * [`Handler`] is the contract of a type, and the extension point: a program adds types of its own to a [`Registry`].
//! * [`Data`] is a value of any type; [`Sink`] is where a handler writes, [`Item`] what it reads.
//! * [`read_table`] opens a part of a table: columns, offset, limit. [`open_array`] opens an array without its elements.
//! * [`formats`] opens table files outside the bundle.
//! * [`npy`] is numpy's file format.

mod artifact;
mod data;
mod error;
mod file_state;
mod first_failure;
mod foreign_parquet;
pub mod formats;
mod guard;
mod handler;
mod included_table;
mod json_data;
mod json_text;
mod kept_facts;
mod model;
pub mod npy;
mod numpy_array;
mod outside_file;
mod page_rows;
mod payload_bytes;
mod referenced_table;
mod registry;
mod stored_file;
mod table;
mod table_facts;
mod timestamp;

pub use artifact::Artifact;
pub use data::{Data, Model, Reference};
pub use error::{HandlerError, HandlerResult, Misfit};
pub use foreign_parquet::{ForeignParquet, parquet_table_fields, read_foreign_parquet};
pub use guard::quiet_decoder_panics;
pub use handler::{Draft, Handler, Item, Sink, WriteOptions, expected, file_stem, payload_path};
pub use included_table::{IncludedTable, plain_parquet_files, read_table};
pub use json_data::JsonData;
pub use json_text::{JsonError, parse_json};
pub use model::{ModelFile, serialization_format};
pub use numpy_array::{NumpyArray, StoredArray, open_array};
pub use page_rows::{Limit, RowsWithin, ValueRange, ValueSpan, rows_within};
pub use referenced_table::{
    ReferenceCheck, ReferenceState, ReferencedTable, check_reference, pinned_reference, read_ranges, reference_files,
    reference_files_state, reference_format, reference_paths, table_paths, without_secrets,
};
pub use registry::Registry;
pub use stored_file::{ALL_PARTS, StoredFile, all_files, stored_files};
pub use table::{
    Decoders, DictionaryValues, Footers, Joined, OrderedCategories, TableReadOptions, Written, arrow_field_type_name,
    arrow_type_name, column_places, concat_rows, fit_rows, keyed_texts, listed, open_stored_hdf5, read_merged,
    rows_behind, typed_by, unmarked, write_parquet,
};
pub use table_facts::{ColumnFacts, FileFacts, TableFacts, json_value, table_facts};
pub use timestamp::Timestamp;
