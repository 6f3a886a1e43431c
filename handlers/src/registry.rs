//! Which handler is for which item type and which value.

use std::sync::Arc;

use datafolio_core::item_type;

use crate::data::Data;
use crate::error::{HandlerError, HandlerResult};
use crate::handler::Handler;
use crate::{Artifact, IncludedTable, JsonData, ModelFile, NumpyArray, ReferencedTable, Timestamp};

/// The handlers that a bundle knows: the built-in ones, and those that a program registers. A value of its own, not a
/// global: two bundles of one program can know different types.
#[derive(Debug, Clone)]
pub struct Registry {
    registered: Vec<Arc<dyn Handler>>,
    builtin: Vec<Arc<dyn Handler>>,
}

impl Registry {
    /// A registry of the built-in handlers.
    pub fn with_builtin() -> Self {
        Self {
            registered: Vec::new(),
            builtin: vec![
                Arc::new(IncludedTable),
                Arc::new(ReferencedTable),
                Arc::new(NumpyArray),
                Arc::new(JsonData),
                Arc::new(Timestamp),
                Arc::new(Artifact),
                Arc::new(ModelFile),
            ],
        }
    }

    /// Adds a handler of a further item type.
    ///
    /// # Errors
    /// [`HandlerError::TypeTaken`] when its item type has a handler already, built-in or registered: items of it would
    /// be written by one and read by the other.
    pub fn register(&mut self, handler: Arc<dyn Handler>) -> HandlerResult<()> {
        let item_type = handler.item_type();
        if self.for_type(item_type).is_some() {
            return Err(HandlerError::TypeTaken { item_type: item_type.to_owned() });
        }
        self.registered.push(handler);
        Ok(())
    }

    /// The handler for an item type as the catalogue writes it. Two types of unreleased DataFolio versions are read by
    /// the handlers of their successors: `polars_table` as `included_table`, `pytorch_model` as `model`.
    pub fn for_type(&self, item_type: &str) -> Option<&Arc<dyn Handler>> {
        let item_type = match item_type {
            item_type::POLARS_TABLE => item_type::INCLUDED_TABLE,
            item_type::PYTORCH_MODEL => item_type::MODEL,
            other => other,
        };
        self.all().find(|handler| handler.item_type() == item_type)
    }

    /// The one handler that takes a value. Registered handlers are asked first: one that is written for FITS files may
    /// take the [`Data::File`]s that it knows, and the built-in handler takes the others.
    ///
    /// # Errors
    /// [`HandlerError::Unrecognised`] when none does; [`HandlerError::Ambiguous`] when two registered or two built-in
    /// ones do, naming both: which of them was meant is not guessed, and does not depend on the order of registration.
    pub fn recognise(&self, data: &Data) -> HandlerResult<&Arc<dyn Handler>> {
        let found = || data.kind().to_owned();
        for handlers in [&self.registered, &self.builtin] {
            let mut matching = handlers.iter().filter(|handler| handler.recognises(data));
            match (matching.next(), matching.next()) {
                (None, _) => {}
                (Some(handler), None) => return Ok(handler),
                (Some(first), Some(second)) => {
                    return Err(HandlerError::Ambiguous {
                        found: found(),
                        first: first.item_type().to_owned(),
                        second: second.item_type().to_owned(),
                    });
                }
            }
        }
        Err(HandlerError::Unrecognised { found: found() })
    }

    /// All handlers, registered ones first.
    pub fn all(&self) -> impl Iterator<Item = &Arc<dyn Handler>> {
        self.registered.iter().chain(&self.builtin)
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::with_builtin()
    }
}
