//! The user's aliases and recently used bundles, for other programs over this library: the Python package.

use std::path::Path;

use datafolio_core::ErrorCategory;

use super::failure::{Failure, Outcome};
use super::user_list::UserList;

/// A bundle that the user has given an alias or used lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownBundle {
    /// Its alias, where it has one.
    pub alias: Option<String>,
    /// Where it is.
    pub path: String,
    /// When the program last used it.
    pub last_accessed: Option<String>,
    /// Whether it is there; `None` for addresses that are not on this machine.
    pub exists: Option<bool>,
}

/// Why the list could not be read or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct AliasError {
    /// A stable kebab-case code.
    pub code: String,
    /// What can be done about it.
    pub category: ErrorCategory,
    /// What is wrong.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

/// All bundles of the list: those with an alias by their names, then the recent ones.
///
/// # Errors
/// When the list cannot be read.
pub fn known() -> Result<Vec<KnownBundle>, AliasError> {
    let all = told(UserList::of_user().and_then(|list| list.all()))?;
    let known = all.into_iter().map(|bundle| KnownBundle {
        exists: bundle.exists(),
        alias: bundle.alias,
        path: bundle.path,
        last_accessed: bundle.last_accessed,
    });
    Ok(known.collect())
}

/// The path that an alias stands for.
///
/// # Errors
/// An alias that is not known.
pub fn path_of(alias: &str) -> Result<String, AliasError> {
    let path = told(UserList::of_user().and_then(|list| list.alias(alias)))?;
    Ok(path.to_string_lossy().into_owned())
}

/// Gives a bundle an alias; the path as the list keeps it.
///
/// # Errors
/// A name that is not allowed, or, without `overwrite`, stands for another bundle.
pub fn set(alias: &str, path: impl AsRef<Path>, overwrite: bool) -> Result<String, AliasError> {
    told(UserList::of_user().and_then(|list| list.set_alias(alias, path.as_ref(), overwrite)))
}

/// Takes an alias away.
///
/// # Errors
/// An alias that is not known.
pub fn remove(alias: &str) -> Result<(), AliasError> {
    told(UserList::of_user().and_then(|list| list.remove_alias(alias)))
}

fn told<T>(outcome: Outcome<T>) -> Result<T, AliasError> {
    outcome.map_err(|failure: Failure| {
        let (message, hint) = failure.words().unwrap_or_default();
        AliasError { code: failure.code().to_owned(), category: failure.category(), message, hint }
    })
}
