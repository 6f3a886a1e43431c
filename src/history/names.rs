//! The names that an item had, going back in the history.

use datafolio_core::{Difference, ItemChange};

/// The names of an item, followed through renamings from a commit to the one before.
///
/// The name that was asked for always counts as well: what had it before is found under it, whatever became of that.
#[derive(Debug)]
pub(crate) struct Names {
    asked: String,
    then: String,
}

impl Names {
    /// Starts at the latest state.
    pub(crate) fn of(item: &str) -> Self {
        Self { asked: item.to_owned(), then: item.to_owned() }
    }

    /// The names after the commit that was reached.
    pub(crate) fn now(&self) -> impl Iterator<Item = &str> {
        let asked = (self.asked != self.then).then_some(self.asked.as_str());
        std::iter::once(self.then.as_str()).chain(asked)
    }

    /// Whether the commit changed the item.
    pub(crate) fn touched_by(&self, changes: &Difference) -> bool {
        let is_of_it = |change: &ItemChange| {
            self.now().any(|name| change.name == name || change.renamed_from.as_deref() == Some(name))
        };
        changes.items.iter().any(is_of_it)
    }

    /// Goes to the state before the commit.
    pub(crate) fn before(&mut self, changes: &Difference) {
        let renamed = changes.items.iter().find(|change| change.name == self.then);
        if let Some(from) = renamed.and_then(|change| change.renamed_from.clone()) {
            self.then = from;
        }
    }
}
