//! Tables as frames, to compute over out of core.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatchReader;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::error::ArrowError;
use datafolio_columns::source::{Batches, ConcatSource, Guard, Hdf5Source, IpcSource, Source};
use datafolio_columns::{ColumnsError, ColumnsResult, Frame, Origin, PassOptions};
use datafolio_core::{ItemRecord, item_type};
use datafolio_handlers::{Data, HandlerError, open_stored_hdf5, stored_files};
use datafolio_storage::{StorageError, Verification};

use super::TableOptions;
use super::content::content_of;
use super::read::is_delta;
use crate::bundle::{AddOptions, Batch, DataFolio, ItemInfo, Own};
use crate::error::{Error, Result};
use crate::text::shell_word;
use crate::view::is_view;

/// Rows of a batch that the engine is given.
const BATCH_ROWS: usize = 1 << 16;

impl DataFolio {
    /// A table as a frame: virtual columns and filters that cost nothing, and aggregations in one parallel pass over the columns they need.
    ///
    /// Nothing is read before something is asked for. The frame keeps to the version that the handle sees now, whatever is written
    /// meanwhile. Tables in Arrow and HDF5 files (`table_format` `arrow`, `hdf5`) are mapped and used as they lie; what a pass touches is checked
    /// before, once. Answers of aggregations are kept by content, in memory and in the cache directory: the same question about
    /// the same rows takes no pass ([`Frame::without_results`] asks anew). A view that keeps the state of a frame
    /// ([`DataFolio::add_frame_view`]) gives that frame.
    ///
    /// ```
    /// # fn main() -> datafolio::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let folio = datafolio::DataFolio::create(dir.path().join("study"))?;
    /// # let column: arrow::array::ArrayRef = std::sync::Arc::new(arrow::array::Float64Array::from(vec![1.0, 2.0, 4.0]));
    /// # let batch = arrow::array::RecordBatch::try_from_iter([("score", column)]).unwrap();
    /// # folio.add("scores", batch, datafolio::AddOptions::new())?;
    /// use datafolio::columns::{agg, col};
    ///
    /// let scores = folio.frame("scores")?.with_column("double", col("score") * 2);
    /// let high = scores.filter(col("score").greater(1))?;
    /// assert_eq!(high.aggregate(&[agg::mean(col("double"))])?[0].as_f64(), Some(6.0));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`DataFolio::get_table`]; [`HandlerError::Unsupported`] for a view of SQL and for a reference to text files, whose number of rows
    /// only reading them would tell.
    pub fn frame(&self, name: &str) -> Result<Frame> {
        self.frame_of(name, None)
    }

    /// A version of a table as a frame.
    ///
    /// # Errors
    /// As [`DataFolio::frame`], and [`CoreError::VersionNotFound`](datafolio_core::CoreError::VersionNotFound).
    pub fn frame_of_version(&self, name: &str, version: &str) -> Result<Frame> {
        self.frame_of(name, Some(version))
    }

    /// Stores the rows of a frame that pass its filter, with all its columns, as a table. Unless the options name inputs, the tables of this
    /// bundle that the frame was made of are recorded as such, in the versions that it has read.
    ///
    /// ```
    /// # fn main() -> datafolio::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let folio = datafolio::DataFolio::create(dir.path().join("study"))?;
    /// # let column: arrow::array::ArrayRef = std::sync::Arc::new(arrow::array::Float64Array::from(vec![1.0, 2.0, 4.0]));
    /// # let batch = arrow::array::RecordBatch::try_from_iter([("score", column)]).unwrap();
    /// # folio.add("scores", batch, datafolio::AddOptions::new())?;
    /// use datafolio::columns::col;
    ///
    /// let high = folio.frame("scores")?.filter(col("score").greater(1))?.with_column("double", col("score") * 2);
    /// let made = folio.add_frame("high", &high, datafolio::AddOptions::new())?;
    /// assert_eq!(made.record["inputs"], serde_json::json!(["scores"]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`DataFolio::add_table`]; those of expressions, and of rows without a result.
    pub fn add_frame(&self, name: &str, frame: &Frame, options: AddOptions) -> Result<ItemInfo> {
        let pass = PassOptions { threads: NonZeroUsize::new(self.settings().threads), ..PassOptions::default() };
        let ((), made) = self.once_seen(|batch| batch.add_frame(name, frame, options, &pass))?;
        ItemInfo::of(made.item(name)?)
    }

    fn frame_of(&self, name: &str, version: Option<&str>) -> Result<Frame> {
        let record = self.table_record(name, version)?;
        if let Some(frame) = self.frame_of_view(&record)? {
            return Ok(frame);
        }
        // Passes come later, one after the other, and are over the same rows.
        let record = self.pinned_record(record)?;
        let facts = self.facts_of(&record)?;
        let Some(rows) = facts.rows else {
            let what = if is_view(&record) {
                "it is a view of SQL"
            } else {
                "only reading all of it would tell how many rows it has"
            };
            return Err(HandlerError::Unsupported {
                what: format!("computing over '{name}' as a frame ({what})"),
                needs: format!(
                    "a stored table: `datafolio derive NEW --from {0}`, or an import of its file",
                    shell_word(name)
                ),
            }
            .into());
        };
        let version = match version {
            // What an item is made of is a version of an item.
            Some(version) if !(is_delta(&record) && version.parse::<u64>().is_ok()) => version.to_owned(),
            _ => self.state().catalogue().current.get(name).map(|entry| entry.token()).unwrap_or_default(),
        };
        let frame = |source: Arc<dyn Source>| {
            self.with_answers(Frame::new(source).with_origins([Origin { name: name.to_owned(), version }]))
        };
        if self.storage().is_remote() && record.item_type() != item_type::REFERENCED_TABLE {
            // Passes go over the same rows again and again: what lies on a store is fetched once, where the cache has room for it.
            for file in stored_files(&record)? {
                self.handler_item(&record).local_copy_of(&file)?;
            }
        }
        if let Some(source) = self.mapped(&record, &facts.schema)? {
            return Ok(frame(source));
        }
        let mut ends = Vec::new();
        let mut end = 0;
        for file in &facts.files {
            let groups =
                if file.row_groups.is_empty() { vec![file.rows.unwrap_or(0)] } else { file.row_groups.clone() };
            for rows in groups {
                end += rows;
                ends.push(end);
            }
        }
        let fingerprint = content_of(&record);
        let source = TableRows { folio: self.pinned(), record, schema: facts.schema.clone(), rows, ends, fingerprint };
        Ok(frame(Arc::new(source)))
    }
}

impl DataFolio {
    /// A frame whose answers are kept, unless what they are of is not checked, or is to be checked each time.
    pub(crate) fn with_answers(&self, frame: Frame) -> Frame {
        match self.settings().verification {
            // What is read unchecked may be damaged, and who asks for everything to be checked wants it to be read.
            Verification::Off | Verification::Full => frame,
            Verification::Touched => frame.with_results(self.known_facts().answers()),
        }
    }

    /// The rows of a table whose files are used as they lie: Arrow and HDF5 files on this machine. What a pass touches is checked before,
    /// once.
    fn mapped(&self, record: &Arc<ItemRecord>, schema: &Schema) -> Result<Option<Arc<dyn Source>>> {
        let format = match record.str("table_format") {
            Some(format @ ("arrow" | "hdf5")) if record.item_type() != item_type::REFERENCED_TABLE => format,
            _ => return Ok(None),
        };
        if !schema.fields().iter().all(|field| is_mappable(field.data_type())) {
            return Ok(None);
        }
        let (item, content) = (self.handler_item(record), content_of(record));
        let mut sources: Vec<Arc<dyn Source>> = Vec::new();
        for (place, file) in stored_files(record)?.iter().enumerate() {
            let fingerprint = content.as_ref().map(|content| format!("{content} {place}"));
            if format == "hdf5" {
                sources.push(Arc::new(Hdf5Source::new(open_stored_hdf5(&item, file, true)?.0, fingerprint)));
                continue;
            }
            // A copy that is made of what lies on a store is what is opened then.
            let path = item.local_copy_of(file)?;
            let opened = item.open_file(file)?;
            let (Some(open), Some(path)) = (opened.mappable_file(), path) else { return Ok(None) };
            let damage = |source: StorageError| HandlerError::Payload { item: record.name().to_owned(), source };
            let open = open.map_err(damage)?;
            let name = record.name().to_owned();
            let guard: Guard = Arc::new(move |offset, length| {
                let damage = |source| HandlerError::Payload { item: name.clone(), source };
                opened.check(offset, length).map_err(|error| Box::new(damage(error)) as _)
            });
            let source = IpcSource::guarded(open, &path, guard, fingerprint)?;
            if let Some(rows) = file.rows.filter(|rows| *rows != source.rows()) {
                return Err(item
                    .damaged(format!("its entry records {rows} rows, and its file has {}", source.rows()))
                    .into());
            }
            sources.push(Arc::new(source));
        }
        match (sources.pop(), sources.is_empty()) {
            (Some(one), true) => Ok(Some(one)),
            (Some(last), false) => {
                sources.push(last);
                Ok(Some(Arc::new(ConcatSource::new(sources, false)?)))
            }
            (None, _) => Ok(None),
        }
    }
}

impl Batch<'_> {
    /// Stores the rows of a frame as a table. Their pass has the threads that are given, and can be cancelled; where the frame is one of
    /// a table that the batch itself has changed, it is the frame of [`Batch::seen`].
    ///
    /// # Errors
    /// As [`DataFolio::add_frame`].
    pub fn add_frame(&mut self, name: &str, frame: &Frame, options: AddOptions, pass: &PassOptions) -> Result<()> {
        let rows: Box<dyn RecordBatchReader + Send> = Box::new(frame.to_reader(pass)?);
        let (mut options, mut own) = (options, Own::default());
        if options.inputs.is_empty() {
            // A table that takes the place of the one that it was made of has none.
            let others = || frame.origins().iter().filter(|origin| origin.name != name);
            options = options.inputs(others().map(|origin| origin.name.clone()));
            own.input_versions = Some(others().map(|origin| (origin.name.clone(), origin.version.clone())).collect());
        }
        self.add_own(item_type::INCLUDED_TABLE, name, Data::Table(rows), options, own).map_err(of_frame)
    }
}

/// The error of an expression or of a row, where it was carried through a reader of rows.
fn of_frame(error: Error) -> Error {
    let Error::Handler(HandlerError::Arrow(ArrowError::ExternalError(source))) = error else { return error };
    match source.downcast::<ColumnsError>() {
        Ok(error) => Error::from(*error),
        Err(source) => Error::Handler(HandlerError::Arrow(ArrowError::ExternalError(source))),
    }
}

/// Whether values of a type are used as they lie in an Arrow file.
fn is_mappable(of: &DataType) -> bool {
    match of {
        DataType::Union(..) | DataType::RunEndEncoded(..) | DataType::ListView(_) | DataType::LargeListView(_) => false,
        DataType::FixedSizeList(item, width) => *width > 0 && is_mappable(item.data_type()),
        DataType::List(item) | DataType::LargeList(item) | DataType::Map(item, _) => is_mappable(item.data_type()),
        DataType::Dictionary(_, values) => is_mappable(values),
        DataType::Struct(fields) => fields.iter().all(|field| is_mappable(field.data_type())),
        _ => true,
    }
}

/// The rows of a table in a bundle.
#[derive(Debug)]
struct TableRows {
    folio: DataFolio,
    record: Arc<ItemRecord>,
    schema: SchemaRef,
    rows: u64,
    /// Where row groups and files end, in rows.
    ends: Vec<u64>,
    fingerprint: Option<String>,
}

impl Source for TableRows {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    /// A row group is decoded by one thread; groups larger than a task are shared, since a reader finds the pages of its rows.
    fn tasks(&self, rows: Range<u64>, target: u64) -> Vec<Range<u64>> {
        let mut tasks = Vec::new();
        let mut start = rows.start;
        while start < rows.end {
            let group = self.ends.partition_point(|end| *end <= start);
            let end = self.ends.get(group).copied().unwrap_or(self.rows).min(rows.end).max(start + 1);
            let pieces = ((end - start) / (4 * target.max(1))).max(1);
            let piece = (end - start).div_ceil(pieces);
            while start < end {
                let next = (start + piece).min(end);
                tasks.push(start..next);
                start = next;
            }
        }
        tasks
    }

    fn read(&self, rows: Range<u64>, columns: &[usize]) -> ColumnsResult<Batches<'_>> {
        let source = |error: Error| ColumnsError::Source(Box::new(error));
        let names =
            columns.iter().filter_map(|column| self.schema.fields().get(*column)).map(|field| field.name().clone());
        let options = TableOptions::new().columns(names).offset(rows.start).limit(rows.end - rows.start);
        let mut part = options.part(1);
        part.batch_rows = BATCH_ROWS;
        let reader = self.folio.open_table(&self.record, &part).map_err(source)?;
        Ok(Box::new(reader.map(move |batch| batch.map_err(|error| source(error.into())))))
    }

    fn fingerprint(&self, columns: &[usize]) -> Option<String> {
        Some(format!("{} {columns:?}", self.fingerprint.as_ref()?))
    }
}
