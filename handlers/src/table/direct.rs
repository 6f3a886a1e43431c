//! Columns that are decoded here, and not by the Parquet library.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, FieldRef};
use parquet::file::page_index::offset_index::PageLocation;

use super::keyed::keyed_texts;
use super::pages::{InGroup, Result};
use super::plain::PlainColumn;
use super::runs::Run;
use super::source::SourceFile;
use super::spare::Spare;
use super::texts::TextColumn;

/// A column without nulls, of numbers that are stored as they are, in dictionaries or as differences, or of texts. What else a column can be
/// (nulls, lists, texts that share their beginnings) is the library's.
pub(super) enum DirectColumn {
    Plain(Box<PlainColumn>),
    Text(Box<TextColumn>),
}

impl DirectColumn {
    /// The column of this type in these row groups, of one file or several, behind `skipped` rows, where it can be decoded here.
    pub(super) fn new<'a>(
        memory: &Spare,
        data_type: &DataType,
        groups: impl Iterator<Item = InGroup<'a>> + Clone,
        skipped: u64,
    ) -> Option<Self> {
        let text = || TextColumn::new(memory, data_type, groups.clone(), skipped);
        match PlainColumn::new(memory, data_type, groups.clone(), skipped) {
            Some(column) => Some(Self::Plain(Box::new(column))),
            None => text().map(Box::new).map(Self::Text),
        }
    }

    /// Begins with the page that has the first wanted row, where those of the first row group are known.
    pub(super) fn at_page(self, pages: &[PageLocation]) -> Self {
        match self {
            Self::Plain(column) => Self::Plain(Box::new(column.at_page(pages))),
            Self::Text(column) => Self::Text(Box::new(column.at_page(pages))),
        }
    }

    /// The file that is read.
    pub(super) fn file(&self) -> &SourceFile {
        match self {
            Self::Plain(column) => column.file(),
            Self::Text(column) => column.file(),
        }
    }

    /// Texts are given as places in the dictionaries of the file, where they are all in such; and the field of what is given, where this is
    /// that of the file.
    pub(super) fn keyed(self, field: &FieldRef) -> (Self, FieldRef) {
        let Self::Text(column) = self else { return (self, Arc::clone(field)) };
        let column = column.keyed();
        let given = match column.is_keyed() {
            true => Arc::new(field.as_ref().clone().with_data_type(keyed_texts())),
            false => Arc::clone(field),
        };
        (Self::Text(Box::new(column)), given)
    }

    /// The values of the next runs, which must be there: of `rows` rows.
    ///
    /// # Errors
    /// Those of the file; for pages that are not what the footer says.
    pub(super) fn next(&mut self, runs: &[Run], rows: usize) -> Result<ArrayRef> {
        match self {
            Self::Plain(column) => column.next(runs, rows),
            Self::Text(column) => column.next(runs, rows),
        }
    }
}
