//! Reading Arrow IPC files and streams, in the bundle and outside of it.
//!
//! A record batch is the unit of the format: it is read whole, and only of the wanted columns are arrays made. A file that
//! was written as one batch therefore needs as much memory as it has bytes.

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use datafolio_core::counted;

use super::TableReadOptions;
use super::columns::Picked;
use super::window::Window;
use crate::error::HandlerResult;
use crate::guard::{Batches, Blame, guarded, words};

const FORM: &str = "an Arrow file";

/// A decoder of the library, for either form.
pub(crate) type Decoder = Box<dyn RecordBatchReader + Send>;

/// Opens the wanted part of a table. `open` makes a decoder of the columns at these places, or of all; the places are known
/// only after it was called once. `rows` is how many rows there must be in all, where that is known.
///
/// # Errors
/// [`Blame::unreadable`]; as [`Blame::check_columns`]; [`Blame::invalid`] for columns that are not there.
pub(crate) fn open_arrow<B: Blame + Clone>(
    blame: &B,
    open: impl Fn(Option<Vec<usize>>) -> HandlerResult<Result<Decoder, ArrowError>>,
    rows: Option<u64>,
    part: &TableReadOptions,
) -> HandlerResult<(SchemaRef, Window<ArrowBatches<B>, B>)> {
    let open =
        |columns| guarded(blame, || open(columns)?.map_err(|error: ArrowError| blame.unreadable(FORM, words(error))));
    let mut reader = open(None)?;
    blame.check_columns(&reader.schema())?;
    let (mut schema, mut order) = (reader.schema(), None);
    if let Some(names) = &part.columns {
        let picked = Picked::new(blame, &schema, names)?;
        reader = open(Some(picked.file.clone()))?;
        let projected = |schema: SchemaRef, places: &[usize]| {
            schema.project(places).map(SchemaRef::new).map_err(|error| blame.damaged(words(error)))
        };
        schema = projected(schema, &picked.file)?;
        order = picked.into_order();
        if let Some(order) = &order {
            schema = projected(schema, order)?;
        }
    }
    let batches = ArrowBatches { reader, blame: blame.clone(), missing: rows };
    let window = Window::new(batches, blame.clone(), schema.clone(), order).with_part(part);
    Ok((schema, window))
}

/// The batches as the file has them.
pub(crate) struct ArrowBatches<B> {
    reader: Decoder,
    blame: B,
    /// Rows that must still come, when that is known.
    missing: Option<u64>,
}

impl<B: Blame> Batches for ArrowBatches<B> {
    fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>> {
        let batch = self.reader.next().transpose().map_err(|error| self.blame.damaged(words(error)))?;
        match (&batch, &mut self.missing) {
            (Some(batch), Some(missing)) => {
                *missing = missing
                    .checked_sub(batch.num_rows() as u64)
                    .ok_or_else(|| self.blame.damaged("it has more rows than its entry records".to_owned()))?;
            }
            (None, Some(missing)) if *missing > 0 => {
                return Err(self
                    .blame
                    .damaged(format!("it has {} less than its entry records", counted(missing, "row"))));
            }
            _ => {}
        }
        Ok(batch)
    }
}
