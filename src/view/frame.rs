//! Views that are states of frames: virtual columns, filters and variables over one table, kept under a name.

use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::RecordBatchReader;
use datafolio_columns::{ColumnsError, Frame, PassOptions};
use datafolio_core::{ItemRecord, item_type};
use datafolio_handlers::{Data, HandlerError, TableReadOptions};
use serde_json::{Map, Value, json};

use super::{FRAME, VIEW, View, ViewColumn, check_columns, damaged, is_view, view_of};
use crate::bundle::{AddOptions, Batch, DataFolio, ItemInfo, Own};
use crate::error::{Error, Result};
use crate::rows::{Picked, Stretch};

impl DataFolio {
    /// Keeps the state of a frame under a name: what was made of a table (virtual columns, the filter, variables, selections), without
    /// any rows. It is a view, versioned and snapshotted like any item: [`DataFolio::frame`] gives the frame again, over the table
    /// that the reading handle sees, and all that reads a table reads its rows.
    ///
    /// `state` is one of [`Frame::state`](datafolio_columns::Frame::state), or a state file of Vaex. The table is recorded as its input,
    /// also when it is renamed; for a view of this kind it is the table that this one stands on.
    ///
    /// ```
    /// # fn main() -> datafolio::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let folio = datafolio::DataFolio::create(dir.path().join("study"))?;
    /// # let column: arrow::array::ArrayRef = std::sync::Arc::new(arrow::array::Float64Array::from(vec![1.0, 2.0, 4.0]));
    /// # let batch = arrow::array::RecordBatch::try_from_iter([("score", column)]).unwrap();
    /// # folio.add("scores", batch, datafolio::AddOptions::new())?;
    /// use datafolio::AddOptions;
    /// use datafolio::columns::{agg, col};
    ///
    /// let high = folio.frame("scores")?.with_column("double", col("score") * 2).filter(col("score").greater(1))?;
    /// folio.add_frame_view("high", "scores", &high.state(), AddOptions::new())?;
    /// assert_eq!(folio.frame("high")?.aggregate(&[agg::sum(col("double"))])?[0].as_f64(), Some(12.0));
    /// assert_eq!(folio.preview_table("high", 5)?.num_rows(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Columns`] where the state does not fit the table; as [`DataFolio::frame`] and [`DataFolio::add`].
    pub fn add_frame_view(&self, name: &str, table: &str, state: &Value, options: AddOptions) -> Result<ItemInfo> {
        let ((), made) = self.once_seen(|batch| batch.add_frame_view(name, table, state, options))?;
        ItemInfo::of(made.item(name)?)
    }
}

impl Batch<'_> {
    /// Keeps the state of a frame under a name, over a table that may have been added by the batch itself.
    ///
    /// # Errors
    /// As [`DataFolio::add_frame_view`].
    pub fn add_frame_view(&mut self, name: &str, table: &str, state: &Value, options: AddOptions) -> Result<()> {
        let folio = self.seen();
        let record = folio.table_record(table, None)?;
        let table = match view_of(&record)? {
            Some(view) if view.language == FRAME => table_of(&record)?.to_owned(),
            _ => table.to_owned(),
        };
        if table == name {
            return Err(Error::Invalid(format!(
                "view '{name}' would take the place of the table that it stands on: give it another name"
            )));
        }
        // What is kept is what this release has understood of it, whoever wrote it.
        let frame = folio.frame(&table)?.with_state(state)?;
        let schema = frame.arrow_schema()?;
        let column = |field: &arrow::datatypes::FieldRef| ViewColumn {
            name: field.name().clone(),
            arrow_type: field.data_type().to_string(),
        };
        let view = View {
            language: FRAME.to_owned(),
            text: frame.state().to_string(),
            columns: schema.fields().iter().map(column).collect(),
        };
        let value = json!(view);
        let fields = Map::from_iter([(VIEW.to_owned(), value.clone())]);
        let own = Own { fields, input_versions: None };
        self.add_own(item_type::JSON_DATA, name, Data::Json(value), options.inputs([table]), own)
    }
}

impl DataFolio {
    /// The frame that a view of this kind stands for; `None` for other items.
    ///
    /// # Errors
    /// Where its table is gone, is a view now, or no longer has what the state names.
    pub(crate) fn frame_of_view(&self, record: &ItemRecord) -> Result<Option<Frame>> {
        let Some(view) = view_of(record)?.filter(|view| view.language == FRAME) else { return Ok(None) };
        let table = table_of(record)?;
        if !self.contains(table) {
            return Err(Error::InputGone { item: record.name().to_owned(), input: table.to_owned(), renamed_to: None });
        }
        let below = self.table_record(table, None)?;
        if is_view(&below) {
            let reason = format!("its table '{table}' is a view now, and such a view stands on a stored table");
            return Err(HandlerError::Invalid { item: record.name().to_owned(), reason }.into());
        }
        let state = serde_json::from_str(&view.text).map_err(|error| damaged(record.name(), error))?;
        let explained = |error: ColumnsError| match error {
            ColumnsError::Source(_) | ColumnsError::Io { .. } => Error::from(error),
            error => {
                let reason = format!("its state does not fit table '{table}': {error}");
                HandlerError::Invalid { item: record.name().to_owned(), reason }.into()
            }
        };
        Ok(Some(self.frame(table)?.with_state(&state).map_err(explained)?))
    }

    /// Opens a part of the rows of such a view.
    pub(super) fn open_frame(
        &self,
        view: &str,
        frame: &Frame,
        part: &TableReadOptions,
    ) -> Result<Box<dyn RecordBatchReader + Send>> {
        if let Some(wanted) = &part.columns {
            check_columns(view, &frame.arrow_schema()?, wanted)?;
        }
        let pass = PassOptions { threads: NonZeroUsize::new(self.settings().threads), ..PassOptions::default() };
        let reader = Box::new(match &part.columns {
            Some(columns) => frame.reader_of(columns, &pass)?,
            None => frame.to_reader(&pass)?,
        });
        Ok(match &part.rows {
            Some(rows) => Box::new(Picked::new(reader, Arc::clone(rows))),
            None if part.offset == 0 && part.limit.is_none() => reader,
            None => Box::new(Stretch::new(reader, part.offset, part.limit)),
        })
    }
}

/// The table that a view of this kind stands on.
fn table_of(record: &ItemRecord) -> Result<&str> {
    match record.inputs().first() {
        Some(table) => Ok(table),
        None => Err(damaged(record.name(), "it names no table that it stands on").into()),
    }
}
