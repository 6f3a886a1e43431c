//! Paths inside a bundle: the one place where text from a catalogue becomes a path.

use std::fmt;

use crate::error::{CoreError, CoreResult};

/// Longest path inside a bundle, in bytes.
const MAX_PATH: usize = 1024;
/// Longest segment of a path, in bytes; the usual limit of file systems.
const MAX_SEGMENT: usize = 255;

/// Whether the file system gives a meaning to `\`, `:` and control characters. Elsewhere they are characters like others,
/// and DataFolio 1.x has made files with them.
const IS_WINDOWS: bool = cfg!(windows);

/// A relative path inside a bundle, `/`-separated, which cannot lead out of it.
///
/// Every path that comes from a catalogue passes through [`RelPath::parse`] or [`RelPath::in_dir`]. Storage resolves it
/// beneath the bundle and follows no link on the way, so that neither the text nor the directory tree can make it reach
/// outside.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelPath(String);

impl RelPath {
    /// Checks text from a catalogue or a caller.
    ///
    /// # Errors
    /// [`CoreError::UnsafePath`] for an empty or absolute path, a NUL, an empty, `.` or `..` segment, or too great a
    /// length; on Windows also for a drive letter, a backslash, a control character or a `:`.
    pub fn parse(text: &str) -> CoreResult<Self> {
        Self::checked(text, IS_WINDOWS)
    }

    /// Checks the path of a new file, which must mean the same on every system.
    ///
    /// # Errors
    /// As [`RelPath::parse`] on Windows.
    pub fn portable(text: &str) -> CoreResult<Self> {
        Self::checked(text, true)
    }

    fn checked(text: &str, windows: bool) -> CoreResult<Self> {
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
        if text.contains('\0') {
            return refuse("it has a NUL character");
        }
        if windows && text.contains('\\') {
            return refuse("it has a backslash");
        }
        if windows && text.contains(':') {
            return refuse("it has a colon");
        }
        if windows && text.chars().any(char::is_control) {
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

    /// The path of a file that a catalogue names relative to a directory of the bundle. DataFolio 1.x took any text for a
    /// name, so `a//b`, `./a` and `a/../b` are found in its bundles; they mean `a/b`, `a` and `b`. What counts is the text:
    /// no directory is looked at.
    ///
    /// # Errors
    /// As [`RelPath::parse`]; also when the path climbs above the directory, even if it comes back, or ends there.
    pub fn in_dir(dir: &str, name: &str) -> CoreResult<Self> {
        let refuse = |reason| Err(CoreError::UnsafePath { path: shorten(name), reason });
        if name.starts_with('/') {
            return refuse("it is absolute");
        }
        let mut segments: Vec<&str> = Vec::new();
        for segment in name.split('/') {
            match segment {
                "" | "." => {}
                ".." => {
                    if segments.pop().is_none() {
                        return refuse("it climbs above its directory");
                    }
                }
                _ => segments.push(segment),
            }
        }
        if segments.is_empty() {
            return refuse("it names no file");
        }
        Self::parse(&format!("{dir}/{}", segments.join("/")))
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
        for windows in [false, true] {
            for text in ["", "/etc/passwd", "../x", "a/../../x", "a/./b", "a//b", "a/", "a\0b"] {
                let error = RelPath::checked(text, windows).unwrap_err();
                assert_eq!(error.code(), "unsafe-path", "{text:?}");
            }
            assert!(RelPath::checked(&"a".repeat(256), windows).is_err());
            assert!(RelPath::checked(&"a/".repeat(600), windows).is_err());
        }
    }

    /// Where they mean nothing to the file system, they are found in the file names that 1.x wrote.
    #[test]
    fn characters_that_mean_something_on_windows_are_refused_there_only() {
        for text in ["C:\\x", "c:x", "a\\..\\b", "a\nb", "tables/\u{7f}"] {
            assert_eq!(RelPath::checked(text, true).unwrap_err().code(), "unsafe-path", "{text:?}");
            assert_eq!(RelPath::checked(text, false).unwrap().as_str(), text);
        }
    }

    #[test]
    fn a_file_of_a_directory_stays_in_it() {
        for (name, path) in [
            ("x.json", "artifacts/x.json"),
            ("a//b.json", "artifacts/a/b.json"),
            ("./a/./b", "artifacts/a/b"),
            ("a/../b", "artifacts/b"),
            ("a/b/../../c", "artifacts/c"),
            ("...", "artifacts/..."),
        ] {
            assert_eq!(RelPath::in_dir("artifacts", name).unwrap().as_str(), path, "{name}");
        }
        for name in
            ["", ".", "..", "/", "//", "/etc/passwd", "../artifacts/x", "a/../../x", "a/..", "a/../", "../../x", "a\0b"]
        {
            assert_eq!(RelPath::in_dir("artifacts", name).unwrap_err().code(), "unsafe-path", "{name:?}");
        }
        assert!(RelPath::in_dir("artifacts", &"a".repeat(256)).is_err());
    }
}
