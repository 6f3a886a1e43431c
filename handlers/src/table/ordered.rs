//! Ordered categories of a table that grows: the new rows have to order theirs as the table does.
//!
//! Of two orders one must continue the other: the same categories, some of them, or further ones behind the last. Then all
//! files of the table have the beginning of one list, and rows compare alike whichever file they come from.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Schema};
use arrow::error::ArrowError;
use arrow::util::display::array_value_to_string;
use datafolio_core::item_type;

use super::values::{DictionaryValues, most_values, too_many_values};
use super::{ParquetFile, SourceFile, TableReadOptions};
use crate::error::{HandlerError, HandlerResult, Misfit};
use crate::guard::InPayload;
use crate::handler::Item;
use crate::included_table::{is_parquet, open_stored};
use crate::stored_file::{StoredFile, stored_files};

/// The categories of the ordered columns of a table, as its files have them.
#[derive(Debug, Clone, Default)]
pub struct OrderedCategories {
    columns: HashMap<String, ArrayRef>,
    extended: Arc<AtomicBool>,
}

impl OrderedCategories {
    /// Reads those of a table with these columns. Without an ordered column no file is opened.
    ///
    /// # Errors
    /// When its entry names no files. Of a file that cannot be read nothing is known: whoever wants its rows is told.
    pub fn of(item: &Item<'_>, table: &Schema) -> HandlerResult<Self> {
        let mut known = Self::default();
        let ordered = || table.fields().iter().filter(|field| field.dict_is_ordered() == Some(true));
        if ordered().next().is_none() || item.record().item_type() == item_type::REFERENCED_TABLE {
            return Ok(known);
        }
        for file in stored_files(item.record())? {
            for (name, values) in categories_of(item, &file).unwrap_or_default() {
                let is_longer = known.columns.get(&name).is_none_or(|known| known.len() < values.len());
                if is_longer && ordered().any(|field| *field.name() == name) {
                    known.columns.insert(name, values);
                }
            }
        }
        Ok(known)
    }

    /// Those of a column, in their order; `None` for one without, or of which no file tells them.
    pub fn values(&self, column: &str) -> Option<&ArrayRef> {
        self.columns.get(column)
    }

    /// Whether rows that were fitted have brought further categories: then their order is known to follow that of the files
    /// which were read, and of no others.
    pub fn are_extended(&self) -> bool {
        self.extended.load(Ordering::Relaxed)
    }

    /// For rows that are fitted from their beginning.
    pub(super) fn begin(&self) {
        self.extended.store(false, Ordering::Relaxed);
    }

    /// The order that new values of a column must have; `None` for a column without any. `is_ordered` says whether the new rows
    /// claim one as well.
    pub(super) fn order(
        &self,
        item: &str,
        column: &str,
        keys: &DataType,
        is_ordered: bool,
    ) -> HandlerResult<Option<Order>> {
        let Some(values) = self.columns.get(column) else { return Ok(None) };
        Ok(Some(Order {
            item: item.to_owned(),
            column: column.to_owned(),
            known: DictionaryValues::new(Arc::clone(values))?,
            most: most_values(keys),
            is_ordered,
            seen: None,
            extended: Arc::clone(&self.extended),
        }))
    }
}

/// The categories that one file of a table records, by column. Parquet of other programs records none.
fn categories_of(item: &Item<'_>, file: &StoredFile) -> HandlerResult<Vec<(String, ArrayRef)>> {
    if is_parquet(item) {
        let source = SourceFile::new(item.open_file(file)?);
        let blame = InPayload { item: item.name().to_owned(), file: source.clone() };
        return ParquetFile::open(&blame, source, &TableReadOptions::default())?.categories(&blame);
    }
    let mut rows = open_stored(item, file, &TableReadOptions::default())?;
    let Some(first) = rows.next().transpose()? else { return Ok(Vec::new()) };
    let schema = first.schema();
    let columns = schema.fields().iter().zip(first.columns());
    let columns = columns.filter_map(|(field, column)| {
        Some((field.name().clone(), Arc::clone(column.as_any_dictionary_opt()?.values())))
    });
    Ok(columns.collect())
}

/// The order of one column while rows are added to its table.
#[derive(Debug)]
pub(super) struct Order {
    item: String,
    column: String,
    known: DictionaryValues,
    /// How many categories the keys of the column can number.
    most: usize,
    /// Whether the new rows have an order; of texts and of categories without one only the values count.
    is_ordered: bool,
    /// The categories that were looked at last: batches mostly share them.
    seen: Option<ArrayRef>,
    extended: Arc<AtomicBool>,
}

impl Order {
    /// Gives a column of new rows the categories of the table, and those of its own behind them.
    ///
    /// # Errors
    /// [`HandlerError::SchemaMismatch`] for categories in another order, and for a value without a place in it;
    /// [`HandlerError::Invalid`] for more categories than the keys can number.
    pub(super) fn fit(&mut self, column: &ArrayRef) -> HandlerResult<ArrayRef> {
        let Some(dictionary) = column.as_any_dictionary_opt() else { return Ok(Arc::clone(column)) };
        let found = dictionary.values();
        if self.is_ordered && !self.seen.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, found)) {
            let before = self.known.values().len();
            if !take_in(&mut self.known, found)? {
                return Err(self.mismatch(contradiction(found, self.known.values())));
            }
            if self.known.values().len() > self.most {
                return Err(too_many_values(&self.item, &self.column, self.most));
            }
            if self.known.values().len() > before {
                self.extended.store(true, Ordering::Relaxed);
            }
            self.seen = Some(Arc::clone(found));
        }
        match self.known.apply(column)? {
            Some(column) => Ok(column),
            None => {
                let places = self.known.places_of(found)?;
                let keys = dictionary.normalized_keys();
                let unknown = |row: &usize| dictionary.keys().is_valid(*row) && places.is_null(keys[*row]);
                let value = (0..column.len()).find(unknown).map(|row| text_of(found, keys[row])).unwrap_or_default();
                Err(self.mismatch(format!(
                    "{value} is none of its ordered categories ({}), and where it stands among them is not said: give the new \
                     rows ordered categories",
                    listed(self.known.values())
                )))
            }
        }
    }

    fn mismatch(&self, reason: String) -> HandlerError {
        HandlerError::SchemaMismatch {
            item: self.item.clone(),
            column: self.column.clone(),
            misfit: Misfit::Order,
            reason,
        }
    }
}

/// Takes ordered categories in where they continue those that are known, or are some of them in their order; `false` where
/// they contradict them.
pub(super) fn take_in(known: &mut DictionaryValues, found: &ArrayRef) -> Result<bool, ArrowError> {
    let count = known.values().len() as i64;
    let (mut last, mut has_new) = (-1, false);
    for (index, place) in known.places_of(found)?.iter().enumerate() {
        match place {
            Some(place) if has_new || place <= last => return Ok(false),
            Some(place) => last = place,
            None => has_new |= found.is_valid(index),
        }
    }
    // How a new one compares with those in between is known only when it follows the last of them.
    if has_new && last != count - 1 {
        return Ok(false);
    }
    known.extend(found)?;
    Ok(true)
}

/// Says how two orders contradict each other.
fn contradiction(new: &ArrayRef, table: &ArrayRef) -> String {
    format!(
        "its categories are ordered {} in the new rows, and {} in the table: order them as the table does, further ones behind \
         its last",
        listed(new),
        listed(table)
    )
}

/// Categories in their order, as a message shows them.
pub fn listed(values: &ArrayRef) -> String {
    const SHOWN: usize = 10;
    let shown: Vec<String> = (0..values.len().min(SHOWN)).map(|index| text_of(values, index)).collect();
    let more = if values.len() > SHOWN { " < …" } else { "" };
    format!("{}{more}", shown.join(" < "))
}

fn text_of(values: &ArrayRef, index: usize) -> String {
    array_value_to_string(values, index).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::StringArray;

    use super::*;

    fn merged(known: &[&str], found: &[&str]) -> Option<String> {
        let array = |values: &[&str]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
        let mut known = DictionaryValues::new(array(known)).unwrap();
        take_in(&mut known, &array(found)).unwrap().then(|| listed(known.values()))
    }

    #[test]
    fn an_order_is_continued_and_never_guessed() {
        let known = ["low", "middle", "high"];
        let same = Some("low < middle < high".to_owned());
        for found in [&known[..], &["low", "high"], &["middle"], &[]] {
            assert_eq!(merged(&known, found), same, "{found:?}");
        }
        let more = Some("low < middle < high < extreme".to_owned());
        assert_eq!(merged(&known, &["low", "middle", "high", "extreme"]), more);
        assert_eq!(merged(&known, &["high", "extreme"]), more);
        assert_eq!(merged(&[], &["b", "a"]), Some("b < a".to_owned()));
        for found in
            [&["high", "low"][..], &["extreme"], &["none", "low"], &["low", "extreme"], &["high", "extreme", "low"]]
        {
            assert_eq!(merged(&known, found), None, "{found:?}");
        }
    }
}
