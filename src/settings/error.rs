use datafolio_core::ErrorCategory;

use super::Origin;

/// Why settings cannot be read or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// There is no setting of that name.
    #[error("{origin}: there is no setting {key:?}{}", hint(*.suggestion))]
    UnknownKey {
        /// Where it was set.
        origin: Origin,
        /// The name as given.
        key: String,
        /// The setting that was probably meant.
        suggestion: Option<&'static str>,
    },
    /// A value that its setting cannot have.
    #[error("{origin}: {key} = {value:?} is not accepted: expected {accepted}")]
    BadValue {
        /// Where it was set.
        origin: Origin,
        /// The setting.
        key: &'static str,
        /// The value as given.
        value: String,
        /// What the setting accepts.
        accepted: &'static str,
    },
    /// The configuration file is not TOML.
    #[error("{file}{}: {reason}", at_line(*.line))]
    BadFile {
        /// The file.
        file: String,
        /// The line, counted from 1, where it is known.
        line: Option<usize>,
        /// What is wrong.
        reason: String,
    },
    /// The configuration file cannot be read.
    #[error("cannot read settings from {file}: {reason}")]
    UnreadableFile {
        /// The file.
        file: String,
        /// What the system said.
        reason: String,
        /// Whether there is no such file.
        is_missing: bool,
    },
}

impl SettingsError {
    /// What a caller can do about it.
    pub fn category(&self) -> ErrorCategory {
        match self {
            Self::UnknownKey { .. } | Self::BadValue { .. } | Self::BadFile { .. } => ErrorCategory::InvalidInput,
            Self::UnreadableFile { is_missing: true, .. } => ErrorCategory::NotFound,
            Self::UnreadableFile { is_missing: false, .. } => ErrorCategory::Storage,
        }
    }

    /// A stable kebab-case code, one for each kind.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownKey { .. } => "unknown-setting",
            Self::BadValue { .. } => "bad-setting",
            Self::BadFile { .. } => "bad-settings-file",
            Self::UnreadableFile { .. } => "unreadable-settings-file",
        }
    }
}

fn hint(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!(" (did you mean {name:?}?)"))
}

fn at_line(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(", line {line}"))
}
