//! Watching whether the columns that were found in some of the lines are those of all.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;

use super::infer::JsonColumns;
use super::lines::object_text;

/// Goes on looking at lines where the look for the columns ended. The files of one table share what was seen.
#[derive(Debug, Clone)]
pub(in crate::formats) struct Watch {
    columns: Arc<Mutex<JsonColumns>>,
    /// The columns that were found.
    schema: SchemaRef,
    /// The last line that was looked at.
    after: u64,
    /// Whether no line of this file was looked at.
    is_first: bool,
    misjudged: Option<Arc<AtomicBool>>,
}

impl Watch {
    /// A later line must have the columns and types of the schema.
    pub(super) fn new(columns: JsonColumns, schema: &SchemaRef, after: u64) -> Self {
        let (columns, schema) = (Arc::new(Mutex::new(columns)), Arc::clone(schema));
        Self { columns, schema, after, is_first: after == 0, misjudged: None }
    }

    /// The schema is a guess: where a later line would have made another one, the flag is set and nothing that is read afterwards
    /// counts.
    pub(in crate::formats) fn guess(
        columns: JsonColumns,
        schema: &SchemaRef,
        after: u64,
        misjudged: &Arc<AtomicBool>,
    ) -> Self {
        Self { misjudged: Some(Arc::clone(misjudged)), ..Self::new(columns, schema, after) }
    }

    /// The same for a file of which no line was looked at.
    pub(in crate::formats) fn of_next_file(&self) -> Self {
        Self { after: 0, is_first: true, ..self.clone() }
    }

    /// Takes in a line.
    ///
    /// # Errors
    /// A sentence on a line that does not go with those before it.
    pub(super) fn look(&mut self, line: &[u8], number: u64) -> Result<(), String> {
        if number <= self.after {
            return Ok(());
        }
        let mut columns = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
        columns.add(object_text(line, std::mem::take(&mut self.is_first))?)?;
        let Some(misjudged) = &self.misjudged else {
            return columns.misfit(&self.schema).map_or(Ok(()), Err);
        };
        if columns.still_make(&self.schema) {
            return Ok(());
        }
        misjudged.store(true, Ordering::Relaxed);
        Err("the values from here on are of other types than those before".to_owned())
    }
}
