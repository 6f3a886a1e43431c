//! Paths inside a bundle: the one place where text from a catalogue becomes a path.

use std::fmt;

use crate::error::{CoreError, CoreResult};

/// Longest path inside a bundle, in bytes.
const MAX_PATH: usize = 1024;
/// Longest segment of a path, in bytes; the usual limit of file systems.
const MAX_SEGMENT: usize = 255;

/// A relative path inside a bundle, `/`-separated, which cannot lead out of it.
///
/// Every path that comes from a catalogue passes through [`RelPath::parse`]. Storage resolves it beneath the bundle and
/// follows no link on the way, so that neither the text nor the directory tree can make it reach outside.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelPath(String);

impl RelPath {
    /// Checks text from a catalogue or a caller.
    ///
    /// # Errors
    /// [`CoreError::UnsafePath`] for an empty or absolute path, a drive letter, a backslash, a control character, a `:`,
    /// an empty, `.` or `..` segment, or too great a length.
    pub fn parse(text: &str) -> CoreResult<Self> {
        let refuse = |reason| Err(CoreError::UnsafePath { path: shorten(text), reason });
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text.len() > MAX_PATH {
            return refuse("it is longer than 1024 bytes");
        }
        if text.starts_with('/') {
            return refuse("it is absolute");
        }
        if text.contains('\\') {
            return refuse("it has a backslash");
        }
        if text.contains(':') {
            return refuse("it has a colon");
        }
        if text.chars().any(char::is_control) {
            return refuse("it has a control character");
        }
        for segment in text.split('/') {
            if segment.is_empty() {
                return refuse("it has an empty segment");
            }
            if segment == "." || segment == ".." {
                return refuse("it climbs: '.' and '..' are not allowed");
            }
            if segment.len() > MAX_SEGMENT {
                return refuse("it has a segment longer than 255 bytes");
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The path below this one: `self/rest`.
    ///
    /// # Errors
    /// As [`RelPath::parse`] for the joined text.
    pub fn join(&self, rest: &str) -> CoreResult<Self> {
        Self::parse(&format!("{}/{rest}", self.0))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The directory part, or `None` for a path of one segment.
    pub fn parent(&self) -> Option<RelPath> {
        self.0.rsplit_once('/').map(|(parent, _)| Self(parent.to_owned()))
    }

    /// The last segment.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The segments from the bundle downwards.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// Hostile text is quoted in an error, but not a megabyte of it.
pub(crate) fn shorten(text: &str) -> String {
    const SHOWN: usize = 120;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_paths_pass() {
        for text in ["items.json", "tables/a--r2.parquet", "artifacts/ns/deep/leaf.json", "tables/größe @v1.0.parquet"]
        {
            assert_eq!(RelPath::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn paths_that_could_leave_the_bundle_are_refused() {
        for text in [
            "",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a/./b",
            "a//b",
            "a/",
            "C:\\x",
            "c:x",
            "a\\..\\b",
            "a\0b",
            "a\nb",
            "tables/\u{7f}",
        ] {
            let error = RelPath::parse(text).unwrap_err();
            assert_eq!(error.code(), "unsafe-path", "{text:?}");
        }
        assert!(RelPath::parse(&"a".repeat(256)).is_err());
        assert!(RelPath::parse(&"a/".repeat(600)).is_err());
    }
}
