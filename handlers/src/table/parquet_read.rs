//! Reading Parquet files, in the bundle and outside of it.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::error::ArrowError;
use datafolio_core::counted;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use parquet::file::reader::Length;

use super::columns::Picked;
use super::file_rows::FileRows;
use super::footers::Footer;
use super::keyed::with_keyed_texts;
use super::source::SourceFile;
use super::split_columns::SplitColumns;
use super::wanted::Wanted;
use super::window::Window;
use super::{TableReadOptions, categories, dates};
use crate::error::HandlerResult;
use crate::guard::{Batches, Blame, guarded, words};

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
        guarded(blame, || {
            let size = file.len();
            let footer = footer_of(&file, part).map_err(|error| blame.unreadable(FORM, words(error)))?;
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

    /// Where its bytes are.
    pub(super) fn source(&self) -> &SourceFile {
        &self.file
    }

    /// Its columns, in the types that they are decoded to.
    pub(super) fn decoded(&self) -> &SchemaRef {
        &self.decoded
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
            let decoders = part.decoders.clone().unwrap_or_default();
            let open = |roots: &[usize]| wanted.open(&file, roots).map_err(|error| damaged(&error));
            let mut keyed = |readers: &[FileRows]| {
                if part.are_texts_keyed {
                    let found: Vec<_> = readers.iter().flat_map(|reader| reader.schema().fields().to_vec()).collect();
                    decoded = Arc::new(with_keyed_texts(&decoded, &found));
                    given = Arc::new(with_keyed_texts(&given, &found));
                }
                SchemaRef::clone(&decoded)
            };
            let columns = match wanted.split(&roots, part) {
                Some(groups) => {
                    let readers = groups.iter().map(|roots| open(roots)).collect::<HandlerResult<Vec<_>>>()?;
                    let (waiting, schema) = (wanted.waiting(&roots), keyed(&readers));
                    Columns::Split(SplitColumns::start(&decoders, blame, schema, readers, part.threads, waiting)?)
                }
                None => {
                    let reader = open(&roots)?;
                    keyed(std::slice::from_ref(&reader));
                    Columns::Whole(Box::new(reader))
                }
            };
            let restored = dates::restored_schema(&decoded);
            let restored = (restored != decoded).then_some(restored);
            let rows = wanted.rows();
            let batches = ParquetBatches { columns, restore, restored, blame: blame.clone(), rows, read: 0 };
            let window = Window::new(batches, blame.clone(), SchemaRef::clone(&given), order);
            Ok((given, wanted.left_out().into_iter().fold(window, Window::with_part)))
        })
    }
}

/// What stands at the end of a file, which may have been read before.
fn footer_of(file: &SourceFile, part: &TableReadOptions) -> Result<ArrowReaderMetadata, ParquetError> {
    if let Some(known) = file.footer().and_then(Footer::get) {
        return Ok(known);
    }
    // The page index is read only where rows in the middle are wanted.
    let wants_pages = file.footer().is_some() || !part.wants_all_rows();
    let policy = if wants_pages { PageIndexPolicy::Optional } else { PageIndexPolicy::Skip };
    let footer = ArrowReaderMetadata::load(file, ArrowReaderOptions::new().with_page_index_policy(policy))?;
    if let Some(known) = file.footer() {
        known.keep(&footer);
    }
    Ok(footer)
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
pub(super) enum Columns {
    /// This thread.
    Whole(Box<FileRows>),
    /// Several.
    Split(SplitColumns),
}

impl<B> ParquetBatches<B> {
    /// Columns whose types tell all that the file does of them, but for `restored` ones: so many rows.
    pub(super) fn new(columns: Columns, restored: Option<SchemaRef>, blame: B, rows: u64) -> Self {
        Self { columns, restore: categories::Restore::default(), restored, blame, rows, read: 0 }
    }
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
