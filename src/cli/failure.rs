//! Why a command failed, what to do next, and with which code the program ends.

use std::borrow::Cow;
use std::io;

use datafolio_core::{CoreError, ErrorCategory, did_you_mean};
use datafolio_handlers::HandlerError;
use datafolio_storage::StorageError;
use serde_json::{Value, json};

use crate::error::Error;
use crate::lineage::LineageError;
use crate::settings::SettingsError;

/// It worked.
pub(super) const EXIT_OK: u8 = 0;
/// It failed; also: `verify` found damage, `log` a break in the history, `find` nothing.
pub(super) const EXIT_ERROR: u8 = 1;
/// The arguments are wrong.
pub(super) const EXIT_USAGE: u8 = 2;
/// `verify` could not read the bundle.
pub(super) const EXIT_UNREADABLE: u8 = 3;
/// `verify` could not get the lock.
pub(super) const EXIT_LOCKED: u8 = 4;

/// Result of a command.
pub(super) type Outcome<T = ()> = Result<T, Failure>;

/// Why a command failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The library refused or failed.
    Library {
        /// Its error.
        error: Box<Error>,
        /// What to do next, when more is known than the error itself says.
        hint: Option<String>,
        /// An exit code other than the usual one.
        exit: Option<u8>,
    },
    /// The program refused or failed.
    Own {
        /// A stable kebab-case code.
        code: &'static str,
        /// What can be done about it.
        category: ErrorCategory,
        /// What is wrong.
        message: String,
        /// What to do next.
        hint: Option<Cow<'static, str>>,
    },
    /// Nobody takes our output.
    Output(io::Error),
    /// The command has said everything; only the exit code is left.
    Said(u8),
}

impl Failure {
    /// A failure of the program's own.
    pub(super) fn new(code: &'static str, category: ErrorCategory, message: impl Into<String>) -> Self {
        Self::Own { code, category, message: message.into(), hint: None }
    }

    /// Arguments that do not fit together.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new("usage", ErrorCategory::InvalidInput, message)
    }

    /// A pattern that cannot be read.
    pub(super) fn pattern(pattern: &str, reason: &str) -> Self {
        let message = format!("Invalid pattern '{pattern}': {reason}");
        Self::new("invalid-pattern", ErrorCategory::InvalidInput, message)
    }

    /// A defect of the program.
    pub(super) fn defect(message: String) -> Self {
        let hint = "please report it, with the command that you ran";
        Self::new("internal", ErrorCategory::Internal, format!("internal error: {message}")).hint(hint)
    }

    /// With what to do next.
    pub(super) fn hint(self, text: impl Into<Cow<'static, str>>) -> Self {
        match self {
            Self::Own { code, category, message, .. } => Self::Own { code, category, message, hint: Some(text.into()) },
            Self::Library { error, exit, .. } => Self::Library { error, hint: Some(text.into().into_owned()), exit },
            other => other,
        }
    }

    /// With the known word that was probably meant by one that is not known.
    pub(super) fn meant<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match did_you_mean(word, known) {
            Some(name) => self.hint(format!("did you mean '{}'?", crate::text::printable(name))),
            None => self,
        }
    }

    /// With another exit code.
    pub(super) fn exit(self, code: u8) -> Self {
        match self {
            Self::Library { error, hint, .. } => Self::Library { error, hint, exit: Some(code) },
            other => other,
        }
    }

    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Library { exit: Some(code), .. } | Self::Said(code) => *code,
            Self::Own { code: "usage" | "invalid-pattern", .. } => EXIT_USAGE,
            _ => EXIT_ERROR,
        }
    }

    /// Whether the reader of our output has gone.
    pub(super) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Whether the message points to a place in a text of the user's own, over several lines: a pattern, or the settings file.
    pub(super) fn points_into_a_text(&self) -> bool {
        matches!(self.code(), "invalid-pattern" | "bad-settings-file")
    }

    /// What can be done about it.
    pub(super) fn category(&self) -> ErrorCategory {
        match self {
            Self::Library { error, .. } => error.category(),
            Self::Own { category, .. } => *category,
            Self::Output(_) | Self::Said(_) => ErrorCategory::Storage,
        }
    }

    /// A stable kebab-case code.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Library { error, .. } => error.code(),
            Self::Own { code, .. } => code,
            Self::Output(_) | Self::Said(_) => "io",
        }
    }

    /// Message and hint; `None` when everything has been said.
    pub(super) fn words(&self) -> Option<(String, Option<String>)> {
        match self {
            Self::Library { error, hint, .. } => {
                Some((error.to_string(), hint.clone().or_else(|| error.hint().map(Cow::into_owned))))
            }
            Self::Own { message, hint, .. } => Some((message.clone(), hint.as_ref().map(ToString::to_string))),
            Self::Output(error) => Some((format!("cannot write the output: {error}"), None)),
            Self::Said(_) => None,
        }
    }

    /// As `--json` shows it.
    pub(super) fn to_json(&self) -> Option<Value> {
        let (message, hint) = self.words()?;
        let category = self.category().as_str();
        Some(json!({"error": {"code": self.code(), "category": category, "message": message, "hint": hint}}))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Library { error: Box::new(error), hint: None, exit: None }
    }
}

/// Writing to standard output; other files have errors with their names.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<LineageError> for Failure {
    fn from(error: LineageError) -> Self {
        Self::new(error.code(), error.category(), error.to_string()).hint("correct the inputs of one of them")
    }
}

macro_rules! from_library {
    ($($kind:ty),*) => {$(
        impl From<$kind> for Failure {
            fn from(error: $kind) -> Self {
                Error::from(error).into()
            }
        }
    )*};
}

from_library!(CoreError, HandlerError, StorageError, SettingsError);
