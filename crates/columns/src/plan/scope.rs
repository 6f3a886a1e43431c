//! What names and functions mean in expressions of a frame.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::expr::Expr;
use crate::functions::Registry;
use crate::types::Type;
use crate::value::Value;

/// Names and what they stand for. Where a name stands for several things, a virtual column comes before a column of the source, then
/// variables, then selections. Names that begin with two underscores are of columns that are no longer shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    /// The columns of the source, in its order. A name that a frame has dropped or given to another column is not here.
    pub(crate) columns: IndexMap<Arc<str>, Column>,
    /// Columns that are computed.
    pub(crate) virtuals: IndexMap<Arc<str>, Expr>,
    /// Named values.
    pub(crate) variables: IndexMap<Arc<str>, Value>,
    /// Conditions with names, which stand for columns of truth values.
    pub(crate) selections: IndexMap<Arc<str>, Expr>,
    /// Functions that callers have added.
    pub(crate) functions: Registry,
}

/// A column of the source.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// Its place in the schema of the source.
    pub(crate) place: usize,
    pub(crate) type_: Type,
}

impl Scope {
    /// All names that could have been meant.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let computed = self.virtuals.keys().chain(self.columns.keys());
        computed
            .filter(|name| !name.starts_with("__"))
            .chain(self.variables.keys())
            .chain(self.selections.keys())
            .map(|name| &**name)
    }

    /// Gives a column another name, in every expression too.
    pub(crate) fn rename(&mut self, old: &str, new: &Arc<str>) {
        let other = |name: &str| (name == old).then(|| new.clone());
        if let Some(at) = self.virtuals.get_index_of(old) {
            // The order stays.
            let _ = self.virtuals.replace_index(at, new.clone());
        } else if let Some(at) = self.columns.get_index_of(old) {
            let _ = self.columns.replace_index(at, new.clone());
        }
        for expr in self.virtuals.values_mut().chain(self.selections.values_mut()) {
            *expr = expr.renamed(&other);
        }
    }

    /// A name like this one that nothing has.
    pub(crate) fn hidden_name(&self, name: &str) -> Arc<str> {
        let taken = |name: &str| self.columns.contains_key(name) || self.virtuals.contains_key(name);
        let mut hidden = format!("__{name}");
        while taken(&hidden) {
            hidden.push('_');
        }
        hidden.into()
    }
}

/// The candidate that is most like what was written; none where none is like it.
pub(crate) fn nearest<'c>(written: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let lower = written.to_lowercase();
    let limit = 1 + written.chars().count() / 4;
    candidates
        .map(|candidate| (distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be added, left out, replaced or exchanged with the next to make one text of the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut least = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(before[j - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut last, next);
    }
    last.last().copied().unwrap_or(0)
}
