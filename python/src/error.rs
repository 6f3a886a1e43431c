//! Errors of the library as exceptions of Python.

use arrow::error::ArrowError;
use datafolio::cli::aliases::AliasError;
use datafolio::{Catalogue, CoreError, Error, HandlerError, StorageError, did_you_mean};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// What can go wrong in a call: in the library, or in Python.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The library refused.
    Library(Error),
    /// The library knows no such name, and there is one that was perhaps meant.
    Misnamed(Box<(Error, String)>),
    /// An exception that is on its way already.
    Python(PyErr),
}

/// Result of what is called from Python.
pub(crate) type Outcome<T> = Result<T, Failure>;

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Library(error.into())
    }
}

impl Failure {
    /// An error of an item or snapshot that is not there, with the name in the catalogue that was perhaps meant; any other as it is.
    pub(crate) fn of(error: Error, catalogue: &Catalogue) -> Self {
        let near = match &error {
            Error::Core(CoreError::ItemNotFound { name, .. }) => did_you_mean(name, catalogue.current.keys()),
            Error::Core(CoreError::SnapshotNotFound { name, .. }) => {
                did_you_mean(name, catalogue.snapshots.keys().map(String::as_str))
            }
            _ => None,
        };
        match near.map(str::to_owned) {
            Some(name) => Self::Misnamed(Box::new((error, name))),
            None => Self::Library(error),
        }
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Library(error) => Python::attach(|py| library_error(py, &error)),
            Failure::Misnamed(misnamed) => {
                let (error, name) = *misnamed;
                let hint = format!("did you mean '{name}'?");
                Python::attach(|py| make(py, &error, Some(&hint)).unwrap_or_else(|failed| failed))
            }
            Failure::Python(error) => error,
        }
    }
}

/// An exception as a failure: `?` takes the errors of the library alone.
pub(crate) fn python(error: PyErr) -> Failure {
    Failure::Python(error)
}

/// The exception for an error of the library: `datafolio.exceptions` has a class for each category.
pub(crate) fn library_error(py: Python<'_>, error: &Error) -> PyErr {
    raised_below(py, error).unwrap_or_else(|| make(py, error, error.hint().as_deref()).unwrap_or_else(|failed| failed))
}

/// The exception that code of the caller has raised, such as an iterator that gives the chunks of a table.
fn raised_below(py: Python<'_>, error: &Error) -> Option<PyErr> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(raised) = error.downcast_ref::<PyErr>() {
            return Some(raised.clone_ref(py));
        }
        next = error.source();
    }
    None
}

/// The exception for an error about the user's aliases.
pub(crate) fn alias_error(py: Python<'_>, error: &AliasError) -> PyErr {
    let facts = (error.category.as_str(), &error.code, &error.message, &error.hint, None::<&str>, Vec::<String>::new());
    let exception = py.import("datafolio.exceptions").and_then(|module| module.getattr("_from_library")?.call1(facts));
    exception.map_or_else(|failed| failed, PyErr::from_value)
}

/// The exception of an argument of a type that is not acceptable.
#[cfg(feature = "sql")]
pub(crate) const WRONG_TYPE: &str = "InvalidTypeError";
/// The exception of an argument that is not acceptable.
pub(crate) const WRONG_VALUE: &str = "InvalidInputError";

/// The exception for an argument, of one of these classes.
pub(crate) fn argument_error(py: Python<'_>, class: &str, message: &str) -> PyErr {
    let raised = || -> PyResult<Bound<'_, PyAny>> {
        let facts = PyDict::new(py);
        facts.set_item("code", "invalid-argument")?;
        py.import("datafolio.exceptions")?.getattr(class)?.call((message,), Some(&facts))
    };
    raised().map_or_else(|failed| failed, PyErr::from_value)
}

/// The exception for an error that came through a stream of rows: one of the library where it was one.
pub(crate) fn arrow_error(py: Python<'_>, error: ArrowError) -> PyErr {
    match error {
        ArrowError::ExternalError(source) => match source.downcast::<PyErr>() {
            Ok(raised) => *raised,
            Err(source) => library_error(py, &Error::from(ArrowError::ExternalError(source))),
        },
        other => library_error(py, &Error::from(other)),
    }
}

fn make(py: Python<'_>, error: &Error, hint: Option<&str>) -> PyResult<PyErr> {
    let facts = PyDict::new(py);
    facts.set_item("category", error.category().as_str())?;
    facts.set_item("code", error.code())?;
    facts.set_item("message", error.to_string())?;
    facts.set_item("hint", hint)?;
    facts.set_item("item", item_of(error))?;
    facts.set_item("causes", causes(error))?;
    let exception = py.import("datafolio.exceptions")?.getattr("_from_library")?.call((), Some(&facts))?;
    Ok(PyErr::from_value(exception))
}

/// The errors behind an error, as far as its own text does not say them.
fn causes(error: &Error) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut said = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        let text = source.to_string();
        if !said.contains(&text) {
            said.clone_from(&text);
            causes.push(text);
        }
        next = source.source();
    }
    causes
}

/// The item that an error is about.
fn item_of(error: &Error) -> Option<&str> {
    match error {
        Error::WrongType { item, .. }
        | Error::PayloadGone { item, .. }
        | Error::KeyNotUnique { item, .. }
        | Error::InputGone { item, .. } => Some(item),
        Error::NoSuchTable { name, .. } => Some(name),
        Error::Core(CoreError::ItemNotFound { name, .. } | CoreError::ItemExists { name, .. }) => Some(name),
        Error::Handler(
            HandlerError::Damaged { item, .. }
            | HandlerError::UnknownColumn { table: item, .. }
            | HandlerError::SchemaMismatch { item, .. }
            | HandlerError::Payload { item, source: StorageError::NotFound { .. } | StorageError::Damaged { .. } },
        ) => Some(item),
        _ => None,
    }
}
