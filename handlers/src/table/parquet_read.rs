//! Reading Parquet files, in the bundle and outside of it.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::error::ArrowError;
use datafolio_core::counted;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};
use parquet::basic::Type as Physical;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::Length;

use super::columns::Picked;
use super::file_rows::FileRows;
use super::source::SourceFile;
use super::split_columns::SplitColumns;
use super::window::Window;
use super::{TableReadOptions, categories, dates};
use crate::error::HandlerResult;
use crate::guard::{Batches, Blame, guarded, words};

/// A batch has no more rows than fit into this, by the sizes that the file records.
const BATCH_BYTES: u64 = 32 << 20;
/// A short first batch costs a page of each column that is decoded twice, some 20,000 rows, and spares copying the others: a
/// tenth as much for each.
const PAYS: u64 = 200_000;
const FORM: &str = "a Parquet file";

/// A file whose footer was read: all that it says fits into the file.
pub(crate) struct ParquetFile {
    file: SourceFile,
    footer: ArrowReaderMetadata,
    /// Number of rows.
    pub(crate) rows: u64,
    /// The columns as the table has them, without what only the file needs.
    pub(crate) schema: SchemaRef,
    /// The same in the types that they are decoded to.
    decoded: SchemaRef,
}

impl ParquetFile {
    /// Reads and checks the footer.
    ///
    /// # Errors
    /// [`Blame::unreadable`] for what has no footer, [`Blame::damaged`] when the footer tells of more than the file can
    /// hold; as [`Blame::check_columns`].
    pub(crate) fn open(blame: &dyn Blame, file: SourceFile, part: &TableReadOptions) -> HandlerResult<Self> {
        let options = ArrowReaderOptions::new().with_page_index_policy(if part.wants_all_rows() {
            PageIndexPolicy::Skip
        } else {
            // The page index is read only where rows in the middle are wanted.
            PageIndexPolicy::Optional
        });
        guarded(blame, || {
            let size = file.len();
            let footer =
                ArrowReaderMetadata::load(&file, options).map_err(|error| blame.unreadable(FORM, words(error)))?;
            let rows = check_chunks(footer.metadata(), size).map_err(|reason| blame.damaged(reason))?;
            let decoded = categories::without_key(footer.schema());
            blame.check_columns(&decoded)?;
            Ok(Self { file, footer, rows, schema: dates::restored_schema(&decoded), decoded })
        })
    }

    /// What the footer says.
    pub(crate) fn metadata(&self) -> &Arc<ParquetMetaData> {
        self.footer.metadata()
    }

    /// The categories that the footer has, by column.
    ///
    /// # Errors
    /// [`Blame::damaged`] for what is none.
    pub(super) fn categories(&self, blame: &dyn Blame) -> HandlerResult<Vec<(String, ArrayRef)>> {
        let key_values = self.footer.metadata().file_metadata().key_value_metadata();
        guarded(blame, || {
            let found =
                categories::Restore::new(&self.decoded, key_values).map_err(|error| blame.damaged(words(error)))?;
            let named = found.categories().filter_map(|(index, values)| {
                let field = self.schema.fields().get(index)?;
                let DataType::Dictionary(_, of) = field.data_type() else { return None };
                Some(dates::retyped(values, of).map(|values| (field.name().clone(), values)))
            });
            named.collect::<Result<_, _>>().map_err(|error| blame.damaged(words(error)))
        })
    }

    /// Opens the wanted part. Of the file only the row groups and pages with wanted rows and columns are read; columns are
    /// decoded in several threads where that is allowed and pays.
    ///
    /// # Errors
    /// [`Blame::invalid`] for columns that are not there; [`Blame::damaged`].
    pub(crate) fn read<B: Blame + Clone + 'static>(
        self,
        blame: &B,
        part: &TableReadOptions,
    ) -> HandlerResult<(SchemaRef, Window<ParquetBatches<B>, B>)> {
        let Self { file, footer, rows, schema, mut decoded } = self;
        let picked = part.columns.as_ref().map(|names| Picked::new(blame, &schema, names)).transpose()?;
        let expected = part.wanted_rows(rows);
        guarded(blame, || {
            let damaged = |error: &dyn std::fmt::Display| blame.damaged(words(error));
            let (mut order, mut given) = (None, schema);
            let mut roots: Vec<usize> = (0..decoded.fields().len()).collect();
            if let Some(picked) = picked {
                decoded = project(blame, &decoded, &picked.file)?;
                roots = picked.file.clone();
                order = picked.into_order();
                given = dates::restored_schema(&decoded);
                if let Some(order) = &order {
                    given = project(blame, &given, order)?;
                }
            }
            let wanted = Wanted::new(&footer, part, expected, &roots);
            file.will_read(&|| wanted.stretches(&roots));
            let key_values = footer.metadata().file_metadata().key_value_metadata();
            let restore = categories::Restore::new(&decoded, key_values).map_err(|error| damaged(&error))?;
            let open = |roots: &[usize]| wanted.open(&file, roots).map_err(|error| damaged(&error));
            let columns = match wanted.split(&roots, part) {
                Some(groups) => {
                    let readers = groups.iter().map(|roots| open(roots)).collect::<HandlerResult<Vec<_>>>()?;
                    let waiting = wanted.waiting(&roots);
                    let decoders = part.decoders.clone().unwrap_or_default();
                    let schema = SchemaRef::clone(&decoded);
                    Columns::Split(SplitColumns::start(&decoders, blame, schema, readers, part.threads, waiting)?)
                }
                None => Columns::Whole(Box::new(open(&roots)?)),
            };
            let restored = dates::restored_schema(&decoded);
            let restored = (restored != decoded).then_some(restored);
            let batches = ParquetBatches { columns, restore, restored, blame: blame.clone(), rows: expected, read: 0 };
            Ok((given.clone(), Window::new(batches, blame.clone(), given, order)))
        })
    }
}

/// The wanted rows, as the decoder is told of them.
struct Wanted<'a> {
    footer: &'a ArrowReaderMetadata,
    batch_rows: usize,
    rows: u64,
    /// The row groups that hold some, unless all are wanted.
    groups: Option<Vec<usize>>,
    offset: u64,
    selection: Option<RowSelection>,
    /// Rows of a first batch that is shorter than the others.
    first_rows: Option<u64>,
}

impl<'a> Wanted<'a> {
    fn new(footer: &'a ArrowReaderMetadata, part: &TableReadOptions, rows: u64, roots: &[usize]) -> Self {
        let metadata = footer.metadata();
        let mask = ProjectionMask::roots(footer.parquet_schema(), roots.iter().copied());
        let batch_rows = part.batch_rows.min(fitting_rows(metadata.row_groups(), &mask)).max(1);
        let first_rows = part.first_rows.map(|first| first as u64).filter(|first| *first > 0 && rows >= PAYS);
        let mut wanted = Self { footer, batch_rows, rows, groups: None, offset: 0, selection: None, first_rows };
        if let Some(rows) = &part.rows {
            let (groups, selection) = select(metadata, rows);
            (wanted.groups, wanted.selection) = (Some(groups), Some(selection));
        } else if !part.wants_all_rows() {
            let (groups, skipped) = groups_of_rows(metadata, part.offset, rows);
            (wanted.groups, wanted.offset) = (Some(groups), part.offset - skipped);
        }
        wanted
    }

    fn open(&self, file: &SourceFile, roots: &[usize]) -> Result<FileRows, ParquetError> {
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
            (Some(selection), _) => Ok(FileRows::new(None, builder().with_row_selection(selection.clone()).build()?)),
            (None, Some(first)) => {
                let rest = range(self.offset + first, self.rows - first)?;
                Ok(FileRows::new(Some(range(self.offset, first)?), rest))
            }
            (None, None) if self.groups.is_none() => Ok(FileRows::new(None, builder().build()?)),
            (None, None) => Ok(FileRows::new(None, range(self.offset, self.rows)?)),
        }
    }

    /// The bytes of the wanted columns, where most of the rows of their row groups are wanted: of few rows single pages are read.
    fn stretches(&self, roots: &[usize]) -> Vec<Range<u64>> {
        let metadata = self.footer.metadata();
        let mask = ProjectionMask::roots(self.footer.parquet_schema(), roots.iter().copied());
        let groups: Vec<usize> = self.groups.clone().unwrap_or_else(|| (0..metadata.num_row_groups()).collect());
        let groups: Vec<_> = groups.into_iter().map(|group| metadata.row_group(group)).collect();
        let rows: u64 = groups.iter().map(|group| group.num_rows().max(0).unsigned_abs()).sum();
        if self.selection.is_some() || self.rows < rows / 2 {
            return Vec::new();
        }
        let chunks = groups.into_iter().flat_map(|group| group.columns().iter().enumerate());
        let wanted = chunks.filter(|(leaf, _)| mask.leaf_included(*leaf)).map(|(_, chunk)| chunk.byte_range());
        wanted.map(|(start, length)| start..start.saturating_add(length)).collect()
    }

    /// How many batches of a thread may wait for those of the others. Pages are longer than batches, and begin in different
    /// places in each column: a thread that may be some batches ahead is not held up where another begins a page.
    fn waiting(&self, roots: &[usize]) -> usize {
        const MOST: u64 = 8;
        const BYTES: u64 = 16 << 20;
        let mask = ProjectionMask::roots(self.footer.parquet_schema(), roots.iter().copied());
        // As many rows as have 32 MiB, where a batch has fewer.
        let fitting = fitting_rows(self.footer.metadata().row_groups(), &mask) as u64;
        let batch_bytes = (self.batch_rows as u64).saturating_mul(BATCH_BYTES) / fitting.max(1);
        usize::try_from((BYTES / batch_bytes.max(1)).clamp(1, MOST)).unwrap_or(1)
    }

    /// The columns in groups, several for each thread, where several threads are allowed and there is enough to do for them.
    fn split(&self, roots: &[usize], part: &TableReadOptions) -> Option<Vec<Vec<usize>>> {
        const WORTH_IT: u64 = 2 << 20;
        /// Another file is decoded meanwhile: less is worth a thread.
        const WORTH_ONE: u64 = 64 << 10;
        /// With fewer, a thread would wait for another at every batch.
        const GROUPS: usize = 4;
        /// A page and the dictionary before it, which are decoded whole for a few rows.
        const AT_LEAST: u64 = 1 << 20;
        let threads = part.threads;
        if threads < 2 || roots.is_empty() || self.rows == 0 || self.selection.is_some() {
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
        let share = |size: u64| u64::try_from(u128::from(size) * u128::from(self.rows) / all).unwrap_or(size);
        let bytes: u64 = roots.iter().map(size_of).map(|size| share(size).max((size / groups).min(AT_LEAST))).sum();
        if bytes < WORTH_IT || roots.len() < 2 {
            return (part.decoders.is_some() && bytes >= WORTH_ONE).then(|| vec![roots.to_vec()]);
        }
        // The largest first, each to the group that has least.
        let mut largest_first = roots.to_vec();
        largest_first.sort_by_key(|root| std::cmp::Reverse(size_of(root)));
        let mut groups = vec![(0_u64, Vec::new()); threads.saturating_mul(GROUPS).min(roots.len())];
        for root in largest_first {
            if let Some((size, group)) = groups.iter_mut().min_by_key(|(size, group)| (*size, group.len())) {
                *size += size_of(&root).max(1);
                group.push(root);
            }
        }
        Some(
            groups
                .into_iter()
                .map(|(_, mut group)| {
                    group.sort_unstable();
                    group
                })
                .collect(),
        )
    }
}

/// The row groups with these rows, and which of the rows of those groups they are.
fn select(metadata: &ParquetMetaData, rows: &[u64]) -> (Vec<usize>, RowSelection) {
    let (mut groups, mut selectors) = (Vec::new(), Vec::new());
    let (mut start, mut next) = (0_u64, 0);
    for (index, group) in metadata.row_groups().iter().enumerate() {
        let end = start.saturating_add(group.num_rows().max(0).unsigned_abs());
        let mut at = start;
        let first = next;
        while let Some(row) = rows.get(next).filter(|row| **row < end) {
            // Rows ascend; one that is named twice comes once.
            if *row >= at {
                selectors.push(RowSelector::skip((*row - at) as usize));
                selectors.push(RowSelector::select(1));
                at = *row + 1;
            }
            next += 1;
        }
        if next > first {
            groups.push(index);
            selectors.push(RowSelector::skip((end - at) as usize));
        }
        start = end;
    }
    // Neighbours of one kind become one, and empty ones none.
    (groups, RowSelection::from(selectors))
}

fn project(blame: &dyn Blame, schema: &Schema, places: &[usize]) -> HandlerResult<SchemaRef> {
    schema.project(places).map(SchemaRef::new).map_err(|error| blame.damaged(words(error)))
}

/// Number of rows, when all that the footer says fits into the file; else what does not.
fn check_chunks(metadata: &ParquetMetaData, size: u64) -> Result<u64, String> {
    let count = |rows: i64| u64::try_from(rows).map_err(|_| format!("its footer counts {}", counted(rows, "row")));
    let mut rows: u64 = 0;
    for (index, group) in metadata.row_groups().iter().enumerate() {
        rows = rows.saturating_add(count(group.num_rows())?);
        for column in group.columns() {
            let (start, length) = column.byte_range();
            if start.checked_add(length).is_none_or(|end| end > size) {
                let name = column.column_path().string();
                return Err(format!("column {name} of row group {index} lies behind the end of the file"));
            }
        }
    }
    let recorded = count(metadata.file_metadata().num_rows())?;
    if rows == recorded {
        Ok(rows)
    } else {
        Err(format!("its footer counts {}, and its row groups have {rows}", counted(recorded, "row")))
    }
}

/// Bytes of the values of a column of a row group when they are decoded. Dictionaries and differences make them smaller in the file
/// before it is compressed.
fn decoded_bytes(column: &ColumnChunkMetaData) -> u64 {
    let width = match column.column_type() {
        Physical::INT32 | Physical::FLOAT => 4,
        Physical::INT64 | Physical::DOUBLE => 8,
        Physical::BOOLEAN | Physical::INT96 | Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY => 0,
    };
    let numbers = column.num_values().saturating_mul(width);
    let texts = column.unencoded_byte_array_data_bytes().unwrap_or(0);
    column.uncompressed_size().max(texts).max(numbers).max(0).unsigned_abs()
}

/// How many rows fit a batch. Rows can be large (embeddings, documents), and those of one row group larger than those of
/// another, so the widest row group counts.
fn fitting_rows(groups: &[RowGroupMetaData], wanted: &ProjectionMask) -> usize {
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

/// The batches of a file, with the categories and the types that its footer has.
pub(crate) struct ParquetBatches<B> {
    columns: Columns,
    restore: categories::Restore,
    /// The columns as the table has them, where they are decoded to others.
    restored: Option<SchemaRef>,
    blame: B,
    /// Rows that must come in all, and those that have come.
    rows: u64,
    read: u64,
}

/// Who decodes the columns.
enum Columns {
    /// This thread.
    Whole(Box<FileRows>),
    /// Several.
    Split(SplitColumns),
}

impl<B: Blame> Batches for ParquetBatches<B> {
    fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>> {
        let damaged = |error: ArrowError| self.blame.damaged(words(error));
        let next = match &mut self.columns {
            Columns::Whole(reader) => reader.next().transpose().map_err(damaged)?,
            Columns::Split(split) => split.next_batch(&self.blame)?,
        };
        let Some(batch) = next else {
            if self.read != self.rows {
                let reason = format!("{} of its rows are wanted, and it gives {}", self.rows, self.read);
                return Err(self.blame.damaged(reason));
            }
            return Ok(None);
        };
        let batch = if self.restore.is_empty() { batch } else { self.restore.apply(batch).map_err(damaged)? };
        let batch = match &self.restored {
            Some(schema) => dates::retyped_batch(batch, schema).map_err(damaged)?,
            None => batch,
        };
        self.read = self.read.saturating_add(batch.num_rows() as u64);
        Ok(Some(batch))
    }
}
