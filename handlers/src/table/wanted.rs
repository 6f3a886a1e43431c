//! Which rows and columns of a Parquet file are wanted, and who decodes them.

mod planned;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector};
use parquet::basic::{Encoding, Type as Physical};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::schema::types::SchemaDescriptor;

use super::TableReadOptions;
use super::direct::DirectColumn;
use super::file_rows::{Decoded, FileRows, Sizes};
use super::pages::InGroup;
use super::runs::Runs;
use super::source::SourceFile;
use super::spare::Spare;

/// A batch has no more rows than fit into this, by the sizes that the file records.
const BATCH_BYTES: u64 = 32 << 20;
/// A short first batch costs a page of each column that is decoded twice, some 20,000 rows, and spares copying the others: a
/// tenth as much for each.
const PAYS: u64 = 200_000;

/// Where one of so many rows is wanted or more of them, all are decoded, and those that nobody wants are left out: to pass single rows
/// takes longer.
const DENSE: u64 = 8;
/// Where one of so many rows is wanted, about, or more of them, there are some in every page: nothing is won by looking for the others in
/// the index of the pages.
const IN_EVERY_PAGE: u64 = 2_000;

/// The wanted rows, as the decoder is told of them.
pub(super) struct Wanted<'a> {
    footer: &'a ArrowReaderMetadata,
    batch_rows: usize,
    rows: u64,
    /// The row groups that hold some, unless all are wanted.
    groups: Option<Vec<usize>>,
    offset: u64,
    selection: Option<RowSelection>,
    /// Rows of a first batch that is shorter than the others.
    first_rows: Option<u64>,
    /// What is wanted of the rows that are decoded, where some are in the way.
    left_out: Option<TableReadOptions>,
    /// The first leaf of each column.
    leaves: Vec<usize>,
    /// Whether texts may be given as places in dictionaries.
    are_texts_keyed: bool,
}

impl<'a> Wanted<'a> {
    /// `rows` are wanted of these columns, which ascend.
    pub(super) fn new(footer: &'a ArrowReaderMetadata, part: &TableReadOptions, rows: u64, roots: &[usize]) -> Self {
        let metadata = footer.metadata();
        let mask = ProjectionMask::roots(footer.parquet_schema(), roots.iter().copied());
        let batch_rows = part.batch_rows.min(fitting_rows(metadata.row_groups(), &mask)).max(1);
        let first_rows = part.first_rows.map(|first| first as u64);
        let fits = |first: u64| first > 0 && first < rows && first <= batch_rows as u64;
        let first_rows = first_rows.filter(|first| fits(*first) && rows >= PAYS);
        let leaves = first_leaves(footer.parquet_schema());
        let mut wanted = Self {
            footer,
            batch_rows,
            rows,
            groups: None,
            offset: 0,
            selection: None,
            first_rows,
            left_out: None,
            leaves,
            are_texts_keyed: part.are_texts_keyed,
        };
        let cannot_skip = metadata.row_groups().iter().any(|group| cannot_skip(group, &mask));
        if cannot_skip {
            wanted.first_rows = None;
        }
        if let Some(rows) = &part.rows {
            let groups = groups_with(metadata, rows);
            if cannot_skip || rows_of(metadata, &groups) / DENSE <= rows.len() as u64 {
                wanted.leave_out(
                    TableReadOptions { rows: Some(among(metadata, &groups, rows)), ..part.clone() },
                    &groups,
                );
            } else {
                let selection = select(rows_of(metadata, &groups), &among(metadata, &groups, rows));
                wanted.rows = selection.row_count() as u64;
                wanted.selection = Some(selection);
            }
            wanted.groups = Some(groups);
        } else if !part.wants_all_rows() {
            let (groups, skipped) = groups_of_rows(metadata, part.offset, rows);
            let offset = part.offset - skipped;
            if cannot_skip {
                wanted.leave_out(TableReadOptions { offset, limit: Some(rows), ..part.clone() }, &groups);
            } else {
                wanted.offset = offset;
            }
            wanted.groups = Some(groups);
        }
        wanted
    }

    /// Has all rows of these row groups decoded, of which this part is wanted.
    fn leave_out(&mut self, part: TableReadOptions, groups: &[usize]) {
        self.rows = rows_of(self.footer.metadata(), groups);
        self.left_out = Some(part);
    }

    /// How many rows are decoded.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Which of the rows that are decoded are wanted; `None` for all.
    pub(super) fn left_out(&self) -> Option<&TableReadOptions> {
        self.left_out.as_ref()
    }

    /// A reader of some of the columns, which puts what it can into memory that is used again.
    pub(super) fn open(&self, file: &SourceFile, roots: &[usize]) -> Result<FileRows, ParquetError> {
        let schema = self.footer.schema().project(roots)?;
        let (mut direct, mut others, mut fields) = (Vec::new(), Vec::new(), Vec::new());
        for (place, (root, field)) in roots.iter().zip(schema.fields()).enumerate() {
            let column = self.direct(file, *root, field.data_type());
            match column
                .map(|column| if self.are_texts_keyed { column.keyed(field) } else { (column, Arc::clone(field)) })
            {
                Some((column, given)) => {
                    direct.push((place, column));
                    fields.push(given);
                }
                None => {
                    others.push(*root);
                    fields.push(Arc::clone(field));
                }
            }
        }
        let schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
        let sizes = Sizes {
            first: self.first_rows.and_then(|first| usize::try_from(first).ok()),
            others: self.batch_rows,
            rows: self.rows,
        };
        let decoded = if direct.is_empty() || !others.is_empty() { Some(self.decoded(file, &others)?) } else { None };
        let runs = self.selection.as_ref().filter(|_| !direct.is_empty()).map(Runs::new);
        Ok(FileRows::new(schema, decoded, direct, sizes, runs))
    }

    /// A column that is decoded here.
    fn direct(&self, file: &SourceFile, root: usize, of: &DataType) -> Option<DirectColumn> {
        let metadata = self.footer.metadata();
        if self.selection.is_some() && !self.is_in_every_page() {
            return None;
        }
        let leaf = *self.leaves.get(root)?;
        let all = metadata.row_groups();
        let (memory, in_group) = (Spare::for_arrays(), |group| InGroup { file, group, leaf });
        let Some(groups) = &self.groups else {
            return DirectColumn::new(&memory, of, all.iter().map(in_group), self.offset);
        };
        let column = groups.iter().filter_map(|index| all.get(*index)).map(in_group);
        let column = DirectColumn::new(&memory, of, column, self.offset)?;
        let index = metadata.page_index().and_then(|pages| pages.offset_index(*groups.first()?, leaf));
        Some(match index {
            Some(index) => column.at_page(index.page_locations()),
            None => column,
        })
    }

    /// Whether nearly every page has a wanted row.
    fn is_in_every_page(&self) -> bool {
        let groups = self.groups.as_deref().unwrap_or_default();
        rows_of(self.footer.metadata(), groups) / IN_EVERY_PAGE <= self.rows
    }

    /// Columns that the library decodes.
    fn decoded(&self, file: &SourceFile, roots: &[usize]) -> Result<Decoded, ParquetError> {
        let mask = ProjectionMask::roots(self.footer.parquet_schema(), roots.iter().copied());
        let builder = || {
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file.clone(), self.footer.clone())
                .with_projection(mask.clone())
                .with_batch_size(self.batch_rows);
            match &self.groups {
                Some(groups) => builder.with_row_groups(groups.clone()),
                None => builder,
            }
        };
        let range = |offset: u64, rows: u64| {
            builder()
                .with_offset(usize::try_from(offset).unwrap_or(usize::MAX))
                .with_limit(usize::try_from(rows).unwrap_or(usize::MAX))
                .build()
        };
        match (&self.selection, self.first_rows) {
            (Some(selection), _) => Ok(Decoded::new(None, builder().with_row_selection(selection.clone()).build()?)),
            (None, Some(first)) => {
                let rest = range(self.offset + first, self.rows - first)?;
                Ok(Decoded::new(Some(range(self.offset, first)?), rest))
            }
            (None, None) if self.groups.is_none() => Ok(Decoded::new(None, builder().build()?)),
            (None, None) => Ok(Decoded::new(None, range(self.offset, self.rows)?)),
        }
    }

    /// How many batches of a thread may wait for those of the others.
    pub(super) fn waiting(&self, roots: &[usize]) -> usize {
        let mask = ProjectionMask::roots(self.footer.parquet_schema(), roots.iter().copied());
        waiting(self.batch_rows, fitting_rows(self.footer.metadata().row_groups(), &mask))
    }

    /// The columns in groups, several for each thread, where several threads are allowed and there is enough to do for them.
    pub(super) fn split(&self, roots: &[usize], part: &TableReadOptions) -> Option<Vec<Vec<usize>>> {
        /// A page and the dictionary before it, which are decoded whole for a few rows.
        const AT_LEAST: u64 = 1 << 20;
        // Of rows here and there whole columns are decompressed, where there are some in every page.
        let passed = match &self.selection {
            None => 0,
            Some(_) if !self.is_in_every_page() => return None,
            Some(selection) => selection.skipped_row_count() as u64,
        };
        let rows = self.rows.saturating_add(passed);
        if part.threads < 2 || roots.is_empty() || self.rows == 0 {
            return None;
        }
        let metadata = self.footer.metadata();
        let columns = self.footer.parquet_schema();
        let mut sizes: HashMap<usize, u64> = HashMap::new();
        for group in metadata.row_groups() {
            for (leaf, column) in group.columns().iter().enumerate() {
                let size = decoded_bytes(column);
                *sizes.entry(columns.get_column_root_idx(leaf)).or_default() += size;
            }
        }
        let size_of = |root: &usize| sizes.get(root).copied().unwrap_or(0);
        let all = u128::from(metadata.file_metadata().num_rows().max(1).unsigned_abs());
        let groups = metadata.num_row_groups().max(1) as u64;
        let share = |size: u64| u64::try_from(u128::from(size) * u128::from(rows) / all).unwrap_or(size);
        let bytes = |root: &usize| share(size_of(root)).max((size_of(root) / groups).min(AT_LEAST));
        shared_out(&roots.iter().map(|root| (*root, bytes(root))).collect::<Vec<_>>(), part)
    }
}

/// The first leaf of each column.
pub(super) fn first_leaves(columns: &SchemaDescriptor) -> Vec<usize> {
    let mut leaves = vec![0; columns.root_schema().get_fields().len()];
    for leaf in (0..columns.num_columns()).rev() {
        if let Some(first) = leaves.get_mut(columns.get_column_root_idx(leaf)) {
            *first = leaf;
        }
    }
    leaves
}

/// How many batches of so many rows may wait, where as many as fit into [`BATCH_BYTES`] are `fitting`. Pages are longer than batches, and
/// begin in different places in each column: a thread that may be some batches ahead is not held up where another begins a page.
pub(super) fn waiting(batch_rows: usize, fitting: usize) -> usize {
    const MOST: u64 = 8;
    const BYTES: u64 = 8 << 20;
    let batch_bytes = (batch_rows as u64).saturating_mul(BATCH_BYTES) / (fitting as u64).max(1);
    usize::try_from((BYTES / batch_bytes.max(1)).clamp(1, MOST)).unwrap_or(1)
}

/// Columns, of which each has so many bytes to be decoded, in groups, several for each thread, where several threads are allowed and there
/// is enough to do for them.
pub(super) fn shared_out(columns: &[(usize, u64)], part: &TableReadOptions) -> Option<Vec<Vec<usize>>> {
    const WORTH_IT: u64 = 2 << 20;
    /// Another file is decoded meanwhile: less is worth a thread.
    const WORTH_ONE: u64 = 64 << 10;
    /// With fewer, a thread would wait for another at every batch.
    const GROUPS: usize = 4;
    let bytes: u64 = columns.iter().map(|(_, bytes)| *bytes).fold(0, u64::saturating_add);
    if part.threads < 2 || bytes < WORTH_IT || columns.len() < 2 {
        let is_worth_one = part.threads > 1 && part.decoders.is_some() && bytes >= WORTH_ONE;
        return is_worth_one.then(|| vec![columns.iter().map(|(column, _)| *column).collect()]);
    }
    // The largest first, each to the group that has least.
    let mut largest_first = columns.to_vec();
    largest_first.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    let mut groups = vec![(0_u64, Vec::new()); part.threads.saturating_mul(GROUPS).min(columns.len())];
    for (column, bytes) in largest_first {
        if let Some((size, group)) = groups.iter_mut().min_by_key(|(size, group)| (*size, group.len())) {
            *size += bytes.max(1);
            group.push(column);
        }
    }
    let sorted = groups.into_iter().map(|(_, mut group)| {
        group.sort_unstable();
        group
    });
    Some(sorted.collect())
}

/// How many rows there are in these row groups.
fn rows_of(metadata: &ParquetMetaData, groups: &[usize]) -> u64 {
    let groups = groups.iter().filter_map(|index| metadata.row_groups().get(*index));
    groups.map(|group| group.num_rows().max(0).unsigned_abs()).fold(0, u64::saturating_add)
}

/// The row groups with these rows.
fn groups_with(metadata: &ParquetMetaData, rows: &[u64]) -> Vec<usize> {
    let (mut groups, mut start, mut next) = (Vec::new(), 0_u64, 0);
    for (index, group) in metadata.row_groups().iter().enumerate() {
        start = start.saturating_add(group.num_rows().max(0).unsigned_abs());
        let first = next;
        next += rows[next..].partition_point(|row| *row < start);
        if next > first {
            groups.push(index);
        }
    }
    groups
}

/// These rows of so many, each once, as they are passed and given.
fn select(all: u64, rows: &[u64]) -> RowSelection {
    let mut selectors = Vec::with_capacity(2 * rows.len() + 1);
    let mut at = 0;
    for row in rows {
        selectors.push(RowSelector::skip((*row - at) as usize));
        selectors.push(RowSelector::select(1));
        at = *row + 1;
    }
    selectors.push(RowSelector::skip((all - at) as usize));
    // Neighbours of one kind become one, and empty ones none.
    RowSelection::from(selectors)
}

/// Whether wanted columns have values that the decoder cannot pass over: 32-bit numbers as differences. Where 32 of them in a row are
/// equal and large, the library takes their sum for one that fits, and gives up; numbers that are read instead are right.
fn cannot_skip(group: &RowGroupMetaData, wanted: &ProjectionMask) -> bool {
    group.columns().iter().enumerate().any(|(leaf, column)| {
        wanted.leaf_included(leaf)
            && column.column_type() == Physical::INT32
            && column.encodings_mask().is_set(Encoding::DELTA_BINARY_PACKED)
    })
}

/// The numbers of these rows among those of some row groups.
fn among(metadata: &ParquetMetaData, groups: &[usize], rows: &[u64]) -> Arc<[u64]> {
    let (mut found, mut start, mut before) = (Vec::with_capacity(rows.len()), 0_u64, 0_u64);
    for (index, group) in metadata.row_groups().iter().enumerate() {
        let count = group.num_rows().max(0).unsigned_abs();
        let end = start.saturating_add(count);
        if groups.binary_search(&index).is_ok() {
            let here = &rows[rows.partition_point(|row| *row < start)..rows.partition_point(|row| *row < end)];
            found.extend(here.iter().map(|row| row - start + before));
            before += count;
        }
        start = end;
    }
    found.dedup();
    found.into()
}

/// Bytes of the values of a column of a row group when they are decoded. Dictionaries and differences make them smaller in the file
/// before it is compressed.
pub(super) fn decoded_bytes(column: &ColumnChunkMetaData) -> u64 {
    let (width, others) = match column.column_type() {
        Physical::INT32 | Physical::FLOAT => (4, 0),
        Physical::INT64 | Physical::DOUBLE => (8, 0),
        // Beside the bytes of each text, where it ends.
        Physical::BYTE_ARRAY => (4, column.unencoded_byte_array_data_bytes().unwrap_or(0)),
        Physical::BOOLEAN => (0, column.num_values() / 8),
        Physical::INT96 | Physical::FIXED_LEN_BYTE_ARRAY => (0, 0),
    };
    let values = column.num_values().saturating_mul(width).saturating_add(others);
    column.uncompressed_size().max(values).max(0).unsigned_abs()
}

/// How many rows fit a batch. Rows can be large (embeddings, documents), and those of one row group larger than those of
/// another, so the widest row group counts.
pub(super) fn fitting_rows(groups: &[RowGroupMetaData], wanted: &ProjectionMask) -> usize {
    let fitting = groups.iter().map(|group| {
        let columns = group.columns().iter().enumerate().filter(|(leaf, _)| wanted.leaf_included(*leaf));
        let bytes: u64 = columns.map(|(_, column)| decoded_bytes(column)).fold(0, u64::saturating_add);
        let rows = group.num_rows().max(0).unsigned_abs();
        rows.saturating_mul(BATCH_BYTES).checked_div(bytes).unwrap_or(u64::MAX)
    });
    fitting.min().and_then(|rows| usize::try_from(rows).ok()).unwrap_or(usize::MAX).max(1)
}

/// The row groups that hold some of these rows, and the number of rows in the groups before them.
fn groups_of_rows(metadata: &ParquetMetaData, offset: u64, rows: u64) -> (Vec<usize>, u64) {
    let end = offset.saturating_add(rows);
    let (mut groups, mut skipped, mut start) = (Vec::new(), 0, 0_u64);
    for (index, group) in metadata.row_groups().iter().enumerate() {
        let next = start.saturating_add(u64::try_from(group.num_rows()).unwrap_or(0));
        if next <= offset {
            skipped = next;
        } else if start < end {
            groups.push(index);
        }
        start = next;
    }
    (groups, skipped.min(offset))
}
