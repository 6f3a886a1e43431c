//! Columns that are decoded here, and not by the Parquet library.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use parquet::file::page_index::offset_index::PageLocation;

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

    /// Texts are given as places in the dictionaries of the file, where they are all in such.
    pub(super) fn keyed(self) -> Self {
        match self {
            Self::Text(column) => Self::Text(Box::new(column.keyed())),
            other => other,
        }
    }

    /// Whether it has [`keyed_texts`](super::keyed_texts).
    pub(super) fn is_keyed(&self) -> bool {
        matches!(self, Self::Text(column) if column.is_keyed())
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
