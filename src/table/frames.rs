//! Tables as frames of Polars.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use datafolio_core::ItemRecord;
use datafolio_frames::polars::frame::DataFrame;
use datafolio_frames::polars::lazy::frame::LazyFrame;
use datafolio_frames::{FrameBuilder, LIBRARY, Part, TableSource, data_frame, record_batches, scan};
use datafolio_handlers::plain_parquet_files;

use super::{Condition, IterOptions, TableChunks, TableOptions};
use crate::bundle::{AddOptions, DataFolio, ItemInfo};
use crate::error::Result;

/// Rows of a chunk of a frame: Polars works chunk by chunk, and each costs it something.
const CHUNK_ROWS: usize = 1 << 17;

impl DataFolio {
    /// Adds a frame of Polars as a table, and notes that it was one (`dataframe_library` is `polars`). The frame is streamed
    /// into the file; what is copied on the way is told at [`record_batches`].
    ///
    /// ```
    /// use datafolio::polars::prelude::*;
    /// use datafolio::{AddOptions, DataFolio, TableOptions};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let folio = DataFolio::create(dir.path().join("study"))?;
    /// let frame = df!("id" => [1, 2, 3], "score" => [0.5, 0.1, 0.9])?;
    /// folio.add_polars("scores", frame.clone(), AddOptions::new())?;
    /// assert_eq!(folio.read_polars("scores", &TableOptions::new())?, frame);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`DataFolio::add`]; [`FramesError::Column`](datafolio_frames::FramesError::Column) for 128-bit integers and objects of
    /// Rust.
    pub fn add_polars(&self, name: &str, frame: DataFrame, options: AddOptions) -> Result<ItemInfo> {
        let rows: Box<dyn RecordBatchReader + Send> = Box::new(record_batches(frame)?);
        self.add_table(name, rows, options.dataframe_library(LIBRARY))
    }

    /// Reads a table, or a part of it, as a frame of Polars. What is copied on the way, and how types become those of Polars, is
    /// told at [`data_frame`].
    ///
    /// # Errors
    /// As [`DataFolio::read_table`]; [`FramesError::Column`](datafolio_frames::FramesError::Column) for a column whose type
    /// Polars does not have.
    pub fn read_polars(&self, name: &str, options: &TableOptions) -> Result<DataFrame> {
        if let Some(folio) = self.checking(options.verification) {
            return folio.read_polars(name, options);
        }
        let record = self.table_record(name, options.version.as_deref())?;
        Ok(data_frame(self.read_part_of(&record, options, Some(CHUNK_ROWS))?)?)
    }

    /// Walks through a table as [`DataFolio::iter_table`] does, in frames of Polars.
    ///
    /// # Errors
    /// As [`DataFolio::iter_table`] and [`DataFolio::read_polars`].
    pub fn iter_polars(&self, name: &str, options: &IterOptions) -> Result<FrameChunks> {
        let chunks = self.iter_table(name, options)?;
        let builder = FrameBuilder::new(&chunks.schema())?;
        Ok(FrameChunks { chunks, builder })
    }

    /// A table, or a part of it, as a lazy frame of Polars: nothing is read before its result is asked for, and then only what
    /// the result needs.
    ///
    /// What follows on the lazy frame is pushed down to the reader of this library: the columns that are used; `head` and
    /// `limit`; and conditions, by which row groups are skipped where the table is a Parquet file and the build has the
    /// feature `sql`. A condition that cannot be told in SQL is applied by Polars, to each batch as it is read. Of a
    /// slice further down the table Polars tells no reader; `options` has [`offset`](TableOptions::offset) for it.
    ///
    /// Polars' engine in memory collects it (`collect`); memory holds the columns and rows that were asked for. Its streaming
    /// engine reads no sources but its own, see [`DataFolio::iter_polars`] for larger results.
    ///
    /// The lazy frame keeps to the version that the handle sees now, whatever is written meanwhile.
    ///
    /// ```
    /// use datafolio::polars::prelude::*;
    /// use datafolio::{AddOptions, DataFolio, TableOptions};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let folio = DataFolio::create(dir.path().join("study"))?;
    /// # folio.add_polars("scores", df!("id" => [1, 2, 3], "score" => [0.5, 0.1, 0.9])?, AddOptions::new())?;
    /// let scores = folio.scan_polars("scores", &TableOptions::new())?;
    /// let low = scores.filter(col("score").lt(lit(0.8))).select([col("id").sum()]).collect()?;
    /// assert_eq!(low.column("id")?.i32()?.get(0), Some(3));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`DataFolio::read_polars`]. What goes wrong while the result is collected comes as an error of Polars;
    /// `datafolio::Error::from` takes out of it what this library says.
    pub fn scan_polars(&self, name: &str, options: &TableOptions) -> Result<LazyFrame> {
        if let Some(folio) = self.checking(options.verification) {
            return folio.scan_polars(name, options);
        }
        let record = self.pinned_record(self.table_record(name, options.version.as_deref())?)?;
        let nothing = TableOptions { limit: Some(0), ..options.clone() };
        let schema = self.read_part_of(&record, &nothing, Some(CHUNK_ROWS))?.schema();
        let is_slice = options.offset > 0 || options.limit.is_some();
        let takes_conditions =
            cfg!(feature = "sql") && !is_slice && plain_parquet_files(&self.handler_item(&record))?.is_some();
        let source = Scanned { folio: self.pinned(), record, options: options.clone(), schema, takes_conditions };
        Ok(scan(Arc::new(source))?)
    }
}

/// The chunks of a table as frames of one size.
#[derive(Debug)]
pub struct FrameChunks {
    chunks: TableChunks,
    builder: FrameBuilder,
}

impl FrameChunks {
    /// The row of the table behind the last one that was given: where [`IterOptions::start_row`] goes on.
    pub fn position(&self) -> u64 {
        self.chunks.position()
    }

    fn frame(&self, chunk: RecordBatch) -> Result<DataFrame> {
        Ok(self.builder.frame(&[chunk])?)
    }
}

impl Iterator for FrameChunks {
    type Item = Result<DataFrame>;

    fn next(&mut self) -> Option<Self::Item> {
        let chunk = self.chunks.next()?;
        Some(chunk.and_then(|chunk| self.frame(chunk)))
    }
}

/// A part of one version of a table, for a lazy frame.
#[derive(Debug)]
struct Scanned {
    folio: DataFolio,
    record: Arc<ItemRecord>,
    options: TableOptions,
    schema: SchemaRef,
    takes_conditions: bool,
}

impl TableSource for Scanned {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn takes_conditions(&self) -> bool {
        self.takes_conditions
    }

    fn read(
        &self,
        part: &Part,
    ) -> std::result::Result<Box<dyn RecordBatchReader + Send>, Box<dyn std::error::Error + Send + Sync>> {
        let mut options = self.options.clone();
        options.columns = Some(part.columns.clone());
        options.limit = match (options.limit, part.limit) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        options.filter = match (&options.filter, &part.condition) {
            // One may end with a comment.
            (Some(one), Some(other)) => {
                let sql = format!("({}\n) AND ({other}\n)", one.sql);
                Some(Condition { sql, ..one.clone() })
            }
            (one, other) => one.clone().or(other.clone().map(Condition::new)),
        };
        Ok(self.folio.read_part_of(&self.record, &options, Some(CHUNK_ROWS))?)
    }
}
