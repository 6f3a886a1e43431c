//! Errors of a store as errors of storage: which kind, in words that hold nothing that grants access.

use std::error::Error as _;
use std::future::Future;
use std::io;

use datafolio_storage::{StorageError, StorageResult};
use object_store::Error;
use object_store::client::{HttpError, HttpErrorKind};

use crate::runtime;

/// What was done to which file of which bundle, for errors.
#[derive(Debug, Clone)]
pub(crate) struct Act<'a> {
    pub(crate) action: &'static str,
    pub(crate) path: &'a str,
    pub(crate) location: &'a str,
    /// What the store is reached with.
    pub(crate) access: &'a str,
}

impl Act<'_> {
    /// Makes a request and waits for its answer.
    pub(crate) fn wait<T: Send + 'static>(
        &self,
        request: impl Future<Output = object_store::Result<T>> + Send + 'static,
    ) -> StorageResult<T> {
        self.answer(request)?.map_err(|error| self.error(&error))
    }

    /// The same, and `None` for what is not there.
    pub(crate) fn find<T: Send + 'static>(
        &self,
        request: impl Future<Output = object_store::Result<T>> + Send + 'static,
    ) -> StorageResult<Option<T>> {
        match self.wait(request) {
            Ok(found) => Ok(Some(found)),
            Err(StorageError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The same, with the answer as the store gave it.
    pub(crate) fn answer<T: Send + 'static>(
        &self,
        request: impl Future<Output = T> + Send + 'static,
    ) -> StorageResult<T> {
        runtime::wait(request).map_err(|error| self.bad_answer(error.to_string()))
    }

    /// The kind of an error.
    pub(crate) fn error(&self, error: &Error) -> StorageError {
        let (path, location) = (self.path.to_owned(), self.location.to_owned());
        let text = words(error);
        match error {
            Error::NotFound { .. } | Error::Generic { .. } if names_bucket(&text) => {
                StorageError::NoSuchBucket { location }
            }
            Error::NotFound { .. } => StorageError::NotFound { path, location },
            Error::AlreadyExists { .. } | Error::Precondition { .. } => StorageError::AlreadyExists { path, location },
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => self.denied(&text),
            _ if lacks_credentials(&text) => self.denied(&text),
            _ => StorageError::Unreachable { action: self.action, path, location, source: io::Error::other(text) },
        }
    }

    /// An answer that is not what was asked for.
    pub(crate) fn bad_answer(&self, reason: impl Into<String>) -> StorageError {
        let (path, location) = (self.path.to_owned(), self.location.to_owned());
        StorageError::Unreachable { action: self.action, path, location, source: io::Error::other(reason.into()) }
    }

    fn denied(&self, text: &str) -> StorageError {
        StorageError::AccessDenied {
            action: self.action,
            path: self.path.to_owned(),
            location: self.location.to_owned(),
            source: io::Error::other(format!("{text}; credentials: {}", self.access)),
        }
    }
}

/// Whether a request was never sent, so that nothing can have come of it.
pub(crate) fn was_never_sent(error: &Error) -> bool {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(error) = inner.downcast_ref::<HttpError>() {
            return error.kind() == HttpErrorKind::Connect;
        }
        source = inner.source();
    }
    false
}

/// Whether a store refused for good: the same request will be refused again, and nothing came of it.
pub(crate) fn is_final(error: &Error) -> bool {
    matches!(
        error,
        Error::PermissionDenied { .. }
            | Error::Unauthenticated { .. }
            | Error::InvalidPath { .. }
            | Error::NotSupported { .. }
            | Error::NotImplemented { .. }
            | Error::UnknownConfigurationKey { .. }
    ) || matches!(error, Error::NotFound { .. } | Error::Generic { .. } if names_bucket(&words(error)))
        || lacks_credentials(&words(error))
}

fn names_bucket(text: &str) -> bool {
    ["NoSuchBucket", "ContainerNotFound", "ContainerBeingDeleted", "bucket does not exist"]
        .iter()
        .any(|sign| text.contains(sign))
}

/// Whether there were no credentials to make a request with.
fn lacks_credentials(text: &str) -> bool {
    ["169.254.169.254", "metadata.google.internal", "Error performing token request", "instance metadata"]
        .iter()
        .any(|sign| text.contains(sign))
}

/// An error in one line: the message of a store where it gave one, and no parameters of addresses, which may be signatures.
pub(crate) fn words(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    // What is inside often says the same again; the innermost says what happened.
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        source = inner.source();
    }
    if let (Some(code), Some(message)) = (element(&text, "Code"), element(&text, "Message")) {
        text = format!("{code}: {message}");
    }
    let mut clean = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !clean.is_empty() {
            clean.push(' ');
        }
        match word.split_once('?') {
            Some((address, _)) if address.contains("://") => clean.push_str(address),
            _ => clean.push_str(word),
        }
    }
    clean
}

/// The content of the first XML element of a name.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0)
}
