//! Which files of a stage hold its rows, and in which order.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use datafolio_core::RelPath;
use datafolio_storage::FileInfo;

/// What workers have written, in the order of the rows: by path, numbers in names by their value, so that `part.10` comes behind
/// `part.9`.
///
/// Names that begin with `_` or `.` are what the engines note for themselves, and are passed over, as the engines do.
///
/// # Errors
/// The reason why the files are no table: one that is not Parquet, or that lies in a directory of a partition. Nothing is left out
/// unsaid.
pub(super) fn files_of(dir: &RelPath, listed: Vec<FileInfo>) -> Result<Vec<FileInfo>, String> {
    let mut files = Vec::new();
    let directories: HashSet<String> = listed
        .iter()
        .flat_map(|info| std::iter::successors(info.path.parent(), RelPath::parent))
        .map(|path| path.to_string())
        .chain([dir.to_string()])
        .collect();
    for info in listed {
        let below = below(dir, &info.path);
        // Some programs make empty objects for directories.
        let is_marker = info.size == 0 && directories.contains(info.path.as_str());
        if is_hidden(below) || is_marker {
            continue;
        }
        if let Some((column, _)) = below.rsplit_once('/').and_then(|(above, _)| above.split_once('=')) {
            let column = column.rsplit('/').next().unwrap_or(column);
            return Err(format!(
                "{below} lies in a directory of a partition: the file lacks the column {column:?}. Write without partitions"
            ));
        }
        if !below.ends_with(".parquet") {
            return Err(format!(
                "{below} is not called .parquet: a table is taken over from Parquet files alone. Remove it, or write it as Parquet"
            ));
        }
        files.push(info);
    }
    if files.is_empty() {
        return Err("no Parquet file has been written to it".to_owned());
    }
    files.sort_by(|a, b| natural(a.path.as_str(), b.path.as_str()));
    Ok(files)
}

/// Something in a directory that was not listed, since it is no file of a bundle: a link, or a name that is no text.
///
/// # Errors
/// When the directory cannot be read.
pub(super) fn unlisted(place: &Path, listed: &HashSet<PathBuf>) -> io::Result<Option<PathBuf>> {
    for entry in fs::read_dir(place)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().first().is_some_and(|first| matches!(first, b'_' | b'.')) {
            continue;
        }
        let found = match entry.file_type()?.is_dir() {
            true => unlisted(&path, listed)?,
            false => (!listed.contains(&path)).then_some(path),
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Whether a file holds rows.
pub(super) fn is_parquet(dir: &RelPath, path: &RelPath) -> bool {
    let below = below(dir, path);
    !is_hidden(below) && below.ends_with(".parquet")
}

/// A path as it is seen from the directory of the stage.
pub(super) fn below<'a>(dir: &RelPath, path: &'a RelPath) -> &'a str {
    path.as_str().strip_prefix(dir.as_str()).map_or(path.as_str(), |rest| rest.trim_start_matches('/'))
}

fn is_hidden(below: &str) -> bool {
    below.split('/').any(|segment| segment.starts_with(['_', '.']))
}

/// Compares texts, and numbers in them by their value.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let (text_a, rest_a) = left.split_at(left.find(|c: char| c.is_ascii_digit()).unwrap_or(left.len()));
        let (text_b, rest_b) = right.split_at(right.find(|c: char| c.is_ascii_digit()).unwrap_or(right.len()));
        let (number_a, more_a) = rest_a.split_at(rest_a.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest_a.len()));
        let (number_b, more_b) = rest_b.split_at(rest_b.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest_b.len()));
        let value = |digits: &str| {
            let digits = digits.trim_start_matches('0').to_owned();
            (digits.len(), digits)
        };
        let order = text_a.cmp(text_b).then_with(|| value(number_a).cmp(&value(number_b)));
        if order != Ordering::Equal {
            return order;
        }
        if more_a.is_empty() || more_b.is_empty() {
            // `a01` and `a1` are two files.
            return more_a.len().cmp(&more_b.len()).then_with(|| a.cmp(b));
        }
        (left, right) = (more_a, more_b);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn found(names: &[&str]) -> Result<Vec<String>, String> {
        let dir = RelPath::parse("stages/t--1").unwrap();
        let infos = names.iter().map(|name| FileInfo {
            path: dir.join(name).unwrap(),
            size: 1,
            modified: SystemTime::UNIX_EPOCH,
            changed: SystemTime::UNIX_EPOCH,
            id: None,
        });
        let files = files_of(&dir, infos.collect())?;
        Ok(files.iter().map(|info| below(&dir, &info.path).to_owned()).collect())
    }

    #[test]
    fn files_of_rows_come_by_their_numbers() {
        let names =
            ["part.10.parquet", "_SUCCESS", "part.9.parquet", "_temporary/0/x.parquet", ".part.9.crc", "a/b.parquet"];
        assert_eq!(found(&names).unwrap(), ["a/b.parquet", "part.9.parquet", "part.10.parquet"]);
        assert_eq!(
            found(&["p-2-x1.parquet", "p-2-x01.parquet", "p-10.parquet", "p.parquet"]).unwrap(),
            ["p-2-x01.parquet", "p-2-x1.parquet", "p-10.parquet", "p.parquet"]
        );
    }

    #[test]
    fn nothing_is_left_out_unsaid() {
        assert!(found(&["_SUCCESS"]).unwrap_err().contains("no Parquet file"));
        assert!(found(&["a.parquet", "b.csv"]).unwrap_err().contains("b.csv is not called .parquet"));
        let error = found(&["x/year=2024/a.parquet"]).unwrap_err();
        assert!(error.contains("lacks the column \"year\""), "{error}");
    }
}
