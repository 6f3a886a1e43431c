//! Frames in queries, and queries as frames: joins, sorts and windows are DuckDB's, which spills them.

use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::RecordBatchReader;
use arrow::datatypes::SchemaRef;
use datafolio_columns::{Frame, Origin, PassOptions};
use datafolio_sql::{Quoted, Relation, Shares, Streamed, TableName, check};

use super::QueryOptions;
use super::expose::Exposer;
use crate::bundle::DataFolio;
use crate::error::Result;
use crate::rows::Capped;
use crate::table::refuse_folded;

impl DataFolio {
    /// Runs SQL on all tables of the bundle, and on the frames that the options name, and gives the result as a frame: for joins, sorts
    /// and windows, which are DuckDB's, in the middle of what is computed over columns.
    ///
    /// The query runs here. A result that is large goes to a file without a name in the spill directory, within its cap, and is mapped; it
    /// is gone with the last frame of it. To keep a result, store it: [`DataFolio::derive`], or [`DataFolio::add_frame`], which
    /// records the tables that the frame was made of.
    ///
    /// ```
    /// # fn main() -> datafolio::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let folio = datafolio::DataFolio::create(dir.path().join("study"))?;
    /// # let ints = |values: &[i64]| std::sync::Arc::new(arrow::array::Int64Array::from(values.to_vec())) as arrow::array::ArrayRef;
    /// # let batch = arrow::array::RecordBatch::try_from_iter([("id", ints(&[1, 2, 3])), ("score", ints(&[5, 9, 7]))]).unwrap();
    /// # folio.add("scores", batch, datafolio::AddOptions::new())?;
    /// # let batch = arrow::array::RecordBatch::try_from_iter([("id", ints(&[1, 2, 3])), ("age", ints(&[30, 41, 52]))]).unwrap();
    /// # folio.add("people", batch, datafolio::AddOptions::new())?;
    /// use datafolio::QueryOptions;
    /// use datafolio::columns::{agg, col};
    ///
    /// let high = folio.frame("scores")?.filter(col("score").greater(5))?.with_column("double", col("score") * 2);
    /// let joined = folio.query_frame(
    ///     "SELECT age, double FROM high JOIN people USING (id) ORDER BY double DESC",
    ///     &QueryOptions::new().frame("high", &high),
    /// )?;
    /// assert_eq!(joined.aggregate(&[agg::mean(col("age"))])?[0].as_f64(), Some(46.5));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`DataFolio::query`]; those of the frames, and of the disk.
    pub fn query_frame(&self, sql: &str, options: &QueryOptions) -> Result<Frame> {
        if let Some(folio) = self.checking(options.verification) {
            return folio.query_frame(sql, options);
        }
        let checked = check(&Quoted::unchanged(sql))?;
        let mut exposer = Exposer::new(self, None).with_frames(&options.frames);
        checked.tables.iter().try_for_each(|table| exposer.add(table))?;
        let settings = self.query_settings(options);
        let mut origins: Vec<Origin> = Vec::new();
        // What was read from a snapshot is no version that the open state has.
        let tables = exposer.read.iter().filter(|input| input.snapshot.is_none());
        let tables =
            tables.map(|input| Origin { name: input.record.name().to_owned(), version: input.version.clone() });
        let named = |table: &TableName| options.frames.iter().find(|(name, _)| is_frame(name, table));
        let frames = checked.tables.iter().filter_map(named).flat_map(|(_, frame)| frame.origins().iter().cloned());
        for origin in tables.chain(frames) {
            if !origins.contains(&origin) {
                origins.push(origin);
            }
        }
        let rows = datafolio_sql::run(&settings, &exposer.exposed, &checked, &options.params, &Shares::default())?;
        let room = self.settings().spill_cap.saturating_add(settings.memory.unwrap_or(0) / 4);
        let rows = Capped::new(rows, room, "the result", "spill_cap");
        let pass =
            PassOptions { memory: settings.memory, spill: self.settings().spill_dir.clone(), ..PassOptions::default() };
        Ok(Frame::from_reader(rows, &pass)?.with_origins(origins))
    }
}

/// Whether a query means a frame by a name.
pub(super) fn is_frame(frame: &str, table: &TableName) -> bool {
    let is_main = |schema: &String| schema.eq_ignore_ascii_case("main");
    table.schema.as_ref().is_none_or(is_main) && table.name.eq_ignore_ascii_case(frame)
}

/// A frame as DuckDB is given it.
pub(super) fn relation(name: &str, frame: &Frame, threads: usize) -> Result<Relation> {
    let schema = frame.arrow_schema()?;
    refuse_folded(name, schema.fields().iter().map(|field| field.name().as_str()))?;
    let pass = PassOptions { threads: NonZeroUsize::new(threads), ..PassOptions::default() };
    Ok(Relation::Stream(Arc::new(FrameStream { frame: frame.clone(), schema, pass })))
}

#[derive(Debug)]
struct FrameStream {
    frame: Frame,
    schema: SchemaRef,
    pass: PassOptions,
}

impl Streamed for FrameStream {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn rows(&self) -> Option<u64> {
        None
    }

    fn open(
        &self,
        columns: &[String],
    ) -> std::result::Result<Box<dyn RecordBatchReader + Send>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Box::new(self.frame.reader_of(columns, &self.pass)?))
    }
}
