//! Patterns of file names: `*`, `?` and `[...]` within a segment of a path, `**` for any number of directories.

use std::path::{Component, Path, PathBuf};

use datafolio_storage::FileInfo;
use regex::Regex;

use super::{bad, invalid};
use crate::error::HandlerResult;

/// Most files of one table, and how deep directories may lie: beyond these a directory is not what was meant.
const MAX_FILES: usize = 1_000_000;
const MAX_DEPTH: usize = 64;

/// Whether a path has a wildcard in it.
pub(crate) fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// The files that a pattern names, sorted by path. As in a shell, a wildcard does not match a leading dot.
///
/// # Errors
/// A directory that cannot be listed, a pattern that is none, or too many files.
pub(crate) fn expand(pattern: &Path) -> HandlerResult<Vec<PathBuf>> {
    let segments: Vec<Component<'_>> = pattern.components().collect();
    let mut files = Vec::new();
    walk(pattern, PathBuf::new(), &segments, 0, &mut files)?;
    files.sort();
    files.dedup();
    Ok(files)
}

fn walk(
    pattern: &Path,
    at: PathBuf,
    segments: &[Component<'_>],
    depth: usize,
    files: &mut Vec<PathBuf>,
) -> HandlerResult<()> {
    let Some((segment, rest)) = segments.split_first() else {
        if at.is_file() {
            files.push(at);
        }
        return if files.len() > MAX_FILES { Err(bad(pattern, "names more than a million files")) } else { Ok(()) };
    };
    let text = segment.as_os_str().to_string_lossy();
    if text == "**" {
        walk(pattern, at.clone(), rest, depth, files)?;
        for entry in list(&at)?.into_iter().filter(|entry| entry.is_dir && !entry.name.starts_with('.')) {
            if depth >= MAX_DEPTH {
                return Err(bad(&entry.path, "lies too deep: does a link lead back up?"));
            }
            walk(pattern, entry.path, segments, depth + 1, files)?;
        }
        return Ok(());
    }
    if !matches!(segment, Component::Normal(_)) || !is_pattern(&text) {
        let next = at.join(segment);
        return if next.exists() { walk(pattern, next, rest, depth, files) } else { Ok(()) };
    }
    let matcher = matcher(&text).ok_or_else(|| invalid(pattern, format!("{text:?} is not a pattern")))?;
    if !at.is_dir() && !at.as_os_str().is_empty() {
        return Ok(());
    }
    for entry in list(&at)? {
        let hidden = entry.name.starts_with('.') && !text.starts_with('.');
        if !hidden && matcher.is_match(&entry.name) && (entry.is_dir || rest.is_empty()) {
            walk(pattern, entry.path, rest, depth, files)?;
        }
    }
    Ok(())
}

struct Entry {
    name: String,
    path: PathBuf,
    is_dir: bool,
}

/// The entries of a directory, sorted by name.
fn list(directory: &Path) -> HandlerResult<Vec<Entry>> {
    let place = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let failed = |error: std::io::Error| bad(place, format!("cannot be listed: {error}"));
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(place).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = directory.join(entry.file_name());
        let is_dir = path.is_dir();
        entries.push(Entry { name: entry.file_name().to_string_lossy().into_owned(), path, is_dir });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// All wanted files below a directory, sorted by path. Names that begin with `.` or `_` are left out, as Spark and Arrow
/// do: they are half-written files and markers. A partition of a column `_x` is `_x=1`, and stays.
///
/// # Errors
/// A directory that cannot be listed or leads back to itself, or too many files.
pub(crate) fn files_below(root: &Path, is_wanted: impl Fn(&Path) -> bool) -> HandlerResult<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut directories = vec![(root.to_owned(), 0)];
    while let Some((directory, depth)) = directories.pop() {
        if depth > MAX_DEPTH {
            return Err(bad(&directory, "lies too deep: does a link lead back up?"));
        }
        for entry in list(&directory)? {
            if entry.name.starts_with('.')
                || (entry.name.starts_with('_') && !(entry.is_dir && entry.name.contains('=')))
            {
                continue;
            }
            if entry.is_dir {
                directories.push((entry.path, depth + 1));
            } else if is_wanted(&entry.path) {
                files.push(entry.path);
            }
            if files.len() + directories.len() > MAX_FILES {
                return Err(bad(root, "holds more than a million files"));
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The wanted ones of the files that a store has below a directory, in the order that files of this machine would have. With a pattern,
/// those that it matches; without, as [`files_below`] does.
///
/// # Errors
/// A pattern that is none, or too many files.
pub(crate) fn listed<'a>(
    place: &Path,
    files: &'a [FileInfo],
    pattern: Option<&[&str]>,
    is_wanted: impl Fn(&Path) -> bool,
) -> HandlerResult<Vec<&'a FileInfo>> {
    let is_hidden = |(place, name): (usize, &str), last: usize| {
        name.starts_with('.') || (name.starts_with('_') && (place == last || !name.contains('=')))
    };
    let matchers = pattern.map(|segments| Segment::all(place, segments)).transpose()?;
    let mut found: Vec<(PathBuf, &FileInfo)> = Vec::new();
    for file in files {
        let path = PathBuf::from(file.path.as_str());
        let names: Vec<&str> = file.path.as_str().split('/').collect();
        let is_meant = match &matchers {
            Some(matchers) => Segment::match_all(matchers, &names),
            None => !names.iter().copied().enumerate().any(|name| is_hidden(name, names.len() - 1)) && is_wanted(&path),
        };
        if is_meant {
            found.push((path, file));
        }
        if found.len() > MAX_FILES {
            return Err(bad(place, "names more than a million files"));
        }
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(found.into_iter().map(|(_, file)| file).collect())
}

/// A segment of a pattern, made ready.
enum Segment {
    /// `**`: directories at any depth.
    Any,
    /// A name, or a wildcard within one; whether it can match a leading dot.
    One(Regex, bool),
}

impl Segment {
    fn all(pattern: &Path, segments: &[&str]) -> HandlerResult<Vec<Self>> {
        let ready = |segment: &&str| match *segment {
            "**" => Ok(Self::Any),
            text if is_pattern(text) => {
                let matcher = matcher(text).ok_or_else(|| invalid(pattern, format!("{text:?} is not a pattern")))?;
                Ok(Self::One(matcher, text.starts_with('.')))
            }
            text => Regex::new(&format!("^{}$", regex::escape(text)))
                .map(|matcher| Self::One(matcher, true))
                .map_err(|_| invalid(pattern, format!("{text:?} is not a pattern"))),
        };
        segments.iter().map(ready).collect()
    }

    fn match_all(segments: &[Self], names: &[&str]) -> bool {
        match (segments, names) {
            ([], []) => true,
            ([Self::Any, rest @ ..], names) => {
                Self::match_all(rest, names)
                    || names.split_first().is_some_and(|(name, below)| {
                        !name.starts_with('.') && !below.is_empty() && Self::match_all(segments, below)
                    })
            }
            ([Self::One(matcher, takes_hidden), rest @ ..], [name, below @ ..]) => {
                (*takes_hidden || !name.starts_with('.')) && matcher.is_match(name) && Self::match_all(rest, below)
            }
            _ => false,
        }
    }
}

/// How many segments of a pattern come before the first one with a wildcard.
pub(crate) fn fixed_segments(pattern: &Path) -> usize {
    let is_fixed = |segment: &Component<'_>| !is_pattern(&segment.as_os_str().to_string_lossy());
    pattern.components().take_while(is_fixed).count()
}

/// A segment as a regular expression.
fn matcher(segment: &str) -> Option<Regex> {
    let mut pattern = String::from("(?s)^");
    let mut chars = segment.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' => pattern.push_str(".*"),
            '?' => pattern.push('.'),
            '[' => {
                pattern.push('[');
                if chars.next_if(|&c| c == '!' || c == '^').is_some() {
                    pattern.push('^');
                }
                let mut first = true;
                loop {
                    match chars.next()? {
                        ']' if !first => break,
                        '-' => pattern.push('-'),
                        c => pattern.push_str(&regex::escape(&c.to_string())),
                    }
                    first = false;
                }
                pattern.push(']');
            }
            c => pattern.push_str(&regex::escape(&c.to_string())),
        }
    }
    pattern.push('$');
    Regex::new(&pattern).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments() {
        for (pattern, yes, no) in [
            ("*.parquet", "a.b.parquet", "a.parquet.tmp"),
            ("p?.x", "pé.x", "p.x"),
            ("[a-c]1", "b1", "d1"),
            ("[!a-c]1", "d1", "b1"),
            ("[]]", "]", "["),
            ("a+(b)", "a+(b)", "aab"),
            ("[.]", ".", "x"),
        ] {
            let matcher = matcher(pattern).unwrap();
            assert!(matcher.is_match(yes) && !matcher.is_match(no), "{pattern}");
        }
        assert!(matcher("[a").is_none());
    }

    #[test]
    fn files_of_a_pattern() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a/1.pq", "a/2.pq", "b/c/3.pq", "b/.hidden/4.pq", "a/.5.pq", "a/x.txt"] {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"").unwrap();
        }
        let names = |pattern: &str| -> Vec<String> {
            let files = expand(&dir.path().join(pattern)).unwrap();
            files.iter().map(|path| path.strip_prefix(dir.path()).unwrap().display().to_string()).collect()
        };
        assert_eq!(names("*/*.pq"), ["a/1.pq", "a/2.pq"]);
        assert_eq!(names("**/*.pq"), ["a/1.pq", "a/2.pq", "b/c/3.pq"]);
        assert_eq!(names("b/**/[0-3].pq"), ["b/c/3.pq"]);
        assert!(names("none/*.pq").is_empty());
        assert_eq!(fixed_segments(Path::new("a/b/*.pq")), 2);
        assert!(expand(&dir.path().join("[a/*")).is_err());
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(dir.path(), dir.path().join("b/up")).unwrap();
            assert!(expand(&dir.path().join("**/*.pq")).is_err());
            assert!(files_below(dir.path(), |_| true).is_err());
        }
    }
}
