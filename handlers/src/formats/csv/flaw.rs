//! What is wrong with a CSV file, and where.

use std::io;

use crate::error::HandlerError;
use crate::formats::input::TableFile;
use crate::formats::{Compression, bad};

/// What is wrong with a CSV file.
#[derive(Debug)]
pub(in crate::formats) enum Flaw {
    /// It cannot be read.
    Io(io::Error),
    /// It is not what it should be, in this line (counted from 1).
    Line(u64, String),
    /// It is not what it should be, as a whole.
    File(String),
    /// The caller has to say more about it: an import option, and the value that the file suggests.
    Needs { reason: String, option: &'static str, value: String },
}

impl Flaw {
    /// The flaw as an error about its file.
    pub(in crate::formats) fn into_error(self, file: &TableFile, compression: Compression) -> HandlerError {
        match self {
            Self::Io(error) => file.read_error(&error, compression),
            Self::Line(line, reason) => bad(&file.path, format!("line {line}: {reason}")),
            Self::File(reason) => bad(&file.path, reason),
            Self::Needs { reason, option, value } => {
                HandlerError::NeedsOption { path: file.path.clone(), reason, option, value: Some(value) }
            }
        }
    }
}

impl From<io::Error> for Flaw {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
