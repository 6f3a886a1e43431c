//! Watching tables that are made again.

use std::sync::{Arc, Mutex, PoisonError};

use crate::query::QueryControl;

/// Watches from another thread what [`DataFolio::rerun`](crate::DataFolio::rerun) is at.
#[derive(Debug, Clone, Default)]
pub struct RerunWatch {
    step: Arc<Mutex<Option<RerunStep>>>,
}

/// A table that is made again.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RerunStep {
    /// The table.
    pub name: String,
    /// The how manieth it is, counted from 1.
    pub number: usize,
    /// How many there are to be made, as far as is known: one that turns out to be up to date is not made.
    pub of: usize,
    /// Its query: how much of it is done, and how many rows it has given.
    pub control: QueryControl,
}

impl RerunWatch {
    /// For a rerun to come.
    pub fn new() -> Self {
        Self::default()
    }

    /// The table that is being made, or was made last.
    pub fn last(&self) -> Option<RerunStep> {
        self.step.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Goes on to a table; what watches its query.
    pub(super) fn begin(&self, name: &str, number: usize, of: usize) -> QueryControl {
        let control = QueryControl::new();
        let step = RerunStep { name: name.to_owned(), number, of, control: control.clone() };
        *self.step.lock().unwrap_or_else(PoisonError::into_inner) = Some(step);
        control
    }
}
