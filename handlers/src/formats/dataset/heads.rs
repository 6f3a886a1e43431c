//! What heads and footers of files say of their columns, remembered for as long as the process runs: a reference to thousands
//! of files is looked at whenever it is opened.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::SchemaRef;

use crate::error::HandlerResult;
use crate::file_state::FileState;
use crate::formats::detect::Found;
use crate::formats::input::TableFile;
use crate::formats::{Compression, FilePlace, ImportOptions, TableFormat, hdf5, ipc, open_found, parquet_file};
use crate::table::TableReadOptions;

/// Beyond so many files all are forgotten: a file that is looked at again costs time and nothing else.
const MOST: usize = 65_536;

/// What one file says. Text files say nothing before all of them is read, and are not remembered.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) format: TableFormat,
    pub(super) schema: SchemaRef,
    /// Number of rows, where it says that.
    pub(super) rows: Option<u64>,
}

/// The state of a file, and what it is to be read as.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    file: FileState,
    format: Option<TableFormat>,
    compression: Option<Compression>,
}

#[derive(Default)]
struct Known {
    heads: HashMap<Key, Head>,
    /// Files of one table mostly have the same columns, which then are in memory once.
    last: Option<SchemaRef>,
}

static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

fn all() -> MutexGuard<'static, Known> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is remembered of a file as it is now.
pub(super) fn known(place: &FilePlace, options: &ImportOptions) -> Option<Head> {
    let key = Key::of(place.state()?, options);
    all().heads.get(&key).cloned()
}

/// Reads what a file says.
///
/// # Errors
/// As [`open_table`](crate::formats::open_table).
pub(super) fn read(file: TableFile, found: &Found, options: &ImportOptions) -> HandlerResult<Head> {
    let state = file.state.clone();
    let format = found.format;
    let (schema, rows) = match format {
        TableFormat::Parquet => {
            let facts = parquet_file::facts(&file)?;
            (facts.schema, Some(facts.num_rows))
        }
        TableFormat::Arrow => {
            let rows = ipc::rows(&file)?;
            (open_found(file, found, options, &TableReadOptions::default())?.schema(), rows)
        }
        TableFormat::Hdf5 => hdf5::head(&file).map(|(schema, rows)| (schema, Some(rows)))?,
        _ => (open_found(file, found, options, &TableReadOptions::default())?.schema(), None),
    };
    let mut head = Head { format, schema, rows };
    if let Some(state) = state.filter(FileState::is_settled) {
        let mut known = all();
        match known.last.as_ref().filter(|last| is_same(last, &head.schema)).cloned() {
            Some(last) => head.schema = last,
            None => known.last = Some(SchemaRef::clone(&head.schema)),
        }
        if known.heads.len() >= MOST {
            known.heads.clear();
        }
        known.heads.insert(Key::of(state, options), head.clone());
    }
    Ok(head)
}

impl Key {
    fn of(file: FileState, options: &ImportOptions) -> Self {
        Self { file, format: options.format, compression: options.compression }
    }
}

/// Whether two schemas are the same in all. That categories have an order is no part of what Arrow compares.
fn is_same(one: &SchemaRef, other: &SchemaRef) -> bool {
    let orders = |schema: &SchemaRef| -> Vec<Option<bool>> {
        schema.fields().iter().map(|field| field.dict_is_ordered()).collect()
    };
    one == other && orders(one) == orders(other)
}
