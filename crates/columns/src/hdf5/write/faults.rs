//! Why a file is not written.

use std::path::Path;

use crate::error::ColumnsError;

use super::stream::Sink;

/// A call that is out of turn.
pub(super) fn order(path: &Path, reason: &str) -> ColumnsError {
    ColumnsError::option(format!("cannot write '{}': {reason}", path.display()))
}

/// A table without rows or columns.
pub(super) fn empty(path: &Path, what: &str) -> ColumnsError {
    ColumnsError::option(format!(
        "cannot write '{}': the table has no {what}, and an HDF5 file of no {what} cannot be opened by Vaex; write at least one, \
         or use another format",
        path.display()
    ))
}

/// A type that the layout has no place for.
pub(super) fn column_type(path: &Path, column: &str, type_: &str, advice: &str) -> ColumnsError {
    ColumnsError::unsupported(path, format!("cannot hold column '{column}' of type {type_} as HDF5: {advice}"))
}

/// Rows that are not those that `layout` has seen.
pub(super) fn changed(path: &Path, what: &str) -> ColumnsError {
    ColumnsError::option(format!(
        "cannot write '{}': {what}; layout and write must be given the same rows",
        path.display()
    ))
}

/// A column that is not the one that `layout` has seen.
pub(super) fn column_changed(sink: Sink<'_>, what: &str) -> ColumnsError {
    changed(sink.path, &format!("column '{}' {what}", sink.column))
}
