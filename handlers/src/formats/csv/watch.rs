//! Watching whether the types of the first rows are those of all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::datatypes::{DataType, Schema};

use super::block::Cells;
use super::columns::Nulls;
use super::flaw::Flaw;
use super::infer::Seen;

/// Looks at every value of the columns whose type could still be another one.
pub(super) struct Watch {
    columns: Vec<Watched>,
    misjudged: Arc<AtomicBool>,
}

struct Watched {
    place: usize,
    seen: Seen,
    data_type: DataType,
}

impl Watch {
    /// Goes on where the look at the first rows ended. Columns are given by their places in the schema and in the file.
    pub(super) fn new(open: Vec<(usize, usize, Seen)>, schema: &Schema, misjudged: Arc<AtomicBool>) -> Self {
        let watched = |(index, place, seen): (usize, usize, Seen)| {
            let data_type = schema.field(index).data_type().clone();
            Watched { place, seen, data_type }
        };
        Self { columns: open.into_iter().map(watched).collect(), misjudged }
    }

    /// Takes in a block. When a column would have had another type with these values, the flag is set and nothing that is
    /// read afterwards counts.
    pub(super) fn look(&mut self, cells: Cells<'_>, nulls: &Nulls) -> Result<(), Flaw> {
        for column in &mut self.columns {
            let before = column.seen;
            for row in 0..cells.rows() {
                let text = cells.get(row, column.place).ok_or_else(|| cells.split_character(row, column.place))?;
                if !nulls.contain(text) {
                    column.seen.add(text);
                }
            }
            if column.seen != before && column.seen.data_type() != column.data_type {
                self.misjudged.store(true, Ordering::Relaxed);
                let line = cells.line(0, column.place);
                return Err(Flaw::Line(
                    line,
                    "the values from here on are of other types than those before".to_owned(),
                ));
            }
        }
        self.columns.retain(|column| !column.seen.is_settled());
        Ok(())
    }
}
