//! Tables that lie elsewhere, and whether they still are what was referenced.

use datafolio_core::item_type;
use datafolio_handlers::{ReferenceCheck, check_reference};

use crate::bundle::DataFolio;
use crate::error::{Error, Result};

impl DataFolio {
    /// Looks at the targets of references: all of them, or those of the named items. Each tells whether its files are those
    /// that were referenced, by their sizes, times and both ends of their content: which came, went and changed, and
    /// what that did to the columns. No rows are read of Parquet and Arrow files.
    ///
    /// # Errors
    /// When an item is not there, or is no reference; a target that cannot be looked at is a state, no error.
    pub fn check_references<S: AsRef<str>>(&self, names: Option<&[S]>) -> Result<Vec<ReferenceCheck>> {
        let records = match names {
            Some(names) => names.iter().map(|name| self.record(name.as_ref())).collect::<Result<Vec<_>>>()?,
            None => {
                let state = self.state();
                let all = state.catalogue().current.values();
                let references = all.filter(|entry| entry.item_type() == item_type::REFERENCED_TABLE);
                references.map(|entry| Ok(entry.record()?)).collect::<Result<Vec<_>>>()?
            }
        };
        let checks = records.iter().map(|record| {
            if record.item_type() != item_type::REFERENCED_TABLE {
                let (item, found) = (record.name().to_owned(), record.item_type().to_owned());
                return Err(Error::WrongType { item, expected: "a referenced table", found });
            }
            Ok(check_reference(&self.handler_item(record)))
        });
        checks.collect()
    }

    /// How the files of a reference differ, by a look at sizes and times, from those that were referenced; `None` where they do
    /// not, and for other items.
    #[cfg(feature = "cli")]
    pub(crate) fn changed_reference(&self, name: &str) -> Option<String> {
        let record = self.record(name).ok().filter(|record| record.item_type() == item_type::REFERENCED_TABLE)?;
        let handler = self.registry().for_type(record.item_type())?;
        handler.notes(&self.handler_item(&record)).into_iter().next().map(|(_, note)| note)
    }
}
