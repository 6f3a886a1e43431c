//! Values that are either borrowed from a chunk of a file, or were computed.

use std::ops::Deref;
use std::sync::Arc;

/// A slice of values, cheap to clone. What was computed is written to in place once nobody else holds it.
#[derive(Debug)]
pub(crate) enum Buffer<'a, T> {
    Borrowed(&'a [T]),
    Owned(Arc<Vec<T>>),
}

impl<T> Clone for Buffer<'_, T> {
    fn clone(&self) -> Self {
        match self {
            Self::Borrowed(values) => Self::Borrowed(values),
            Self::Owned(values) => Self::Owned(values.clone()),
        }
    }
}

impl<T> Deref for Buffer<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::Borrowed(values) => values,
            Self::Owned(values) => values,
        }
    }
}

impl<T> From<Vec<T>> for Buffer<'_, T> {
    fn from(values: Vec<T>) -> Self {
        Self::Owned(Arc::new(values))
    }
}

impl<T: Clone> Buffer<'_, T> {
    /// The values to be changed: the same memory where nobody else holds it, else a copy.
    pub(crate) fn into_vec(self) -> Vec<T> {
        match self {
            Self::Borrowed(values) => values.to_vec(),
            Self::Owned(values) => Arc::try_unwrap(values).unwrap_or_else(|shared| shared.as_ref().clone()),
        }
    }

    /// The values that nobody else holds; none where they are borrowed or shared.
    pub(crate) fn try_into_vec(self) -> Result<Vec<T>, Self> {
        match self {
            Self::Owned(values) => Arc::try_unwrap(values).map_err(Self::Owned),
            borrowed => Err(borrowed),
        }
    }

    /// Values that outlive the chunk.
    pub(crate) fn into_static(self) -> Buffer<'static, T> {
        match self {
            Self::Borrowed(values) => Buffer::from(values.to_vec()),
            Self::Owned(values) => Buffer::Owned(values),
        }
    }
}
