//! Rows as a directory of Arrow files, written one after the other: what was interrupted goes on where the last whole file ends.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatchReader;
use serde_json::{Value as Json, json};

use super::ExportFormat;
use super::writer::RowWriter;
use crate::error::{ColumnsError, ColumnsResult};
use crate::hdf5::Target;
use crate::pass::PassOptions;
use crate::source::{IpcSource, Source, of_reader};

/// The file that says what the others hold.
const CONTENTS: &str = "contents.json";
/// What the file says that it is.
const KIND: &str = "datafolio parts 1";

/// A directory of Arrow files that hold the rows of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// The files, in the order of their rows.
    pub files: Vec<PathBuf>,
    /// Rows of all of them.
    pub rows: u64,
    /// Rows that an earlier run had written.
    pub kept: u64,
}

/// Writes rows to a directory of Arrow files of about `rows_per_file` rows, which [`Frame::open`](crate::Frame::open) maps as one frame.
///
/// `source` names what the rows are of: the hash of a file, say. A directory that is whole and of the same source is left as it is, one of
/// another source is written anew if `overwrite` says so, and one that was interrupted is continued: `open` is given the number of rows that are there already, and gives a reader of those that
/// follow. Progress is told with 0 for all rows. Each file appears when it is whole.
///
/// # Errors
/// Those of the reader and of the disk; [`InvalidOption`](ColumnsError::InvalidOption) for a directory that holds something else, which
/// is left alone, whatever `overwrite` says, where it was not written here; [`Cancelled`](ColumnsError::Cancelled).
pub fn write_parts<R: RecordBatchReader>(
    dir: impl AsRef<Path>,
    source: &str,
    rows_per_file: u64,
    overwrite: bool,
    open: impl FnOnce(u64) -> ColumnsResult<R>,
    options: &PassOptions,
) -> ColumnsResult<Parts> {
    let dir = dir.as_ref();
    if let Some(parts) = whole_parts(dir, source)? {
        return Ok(parts);
    }
    fs::create_dir_all(dir).map_err(|error| ColumnsError::io("make the directory", dir, error))?;
    let mut parts = begun(dir, source, overwrite)?;
    write_contents(dir, source, None)?;
    let mut rows = open(parts.rows)?;
    let mut waiting = None;
    while let Some(first) = match waiting.take() {
        Some(batch) => Some(batch),
        None => rows.next().transpose().map_err(of_reader)?,
    } {
        let path = part_path(dir, parts.files.len());
        // A stream, in which a dictionary may take the place of another.
        let mut part = RowWriter::create(&path, &ExportFormat::ArrowStream, &first.schema())?;
        let mut next = Some(first);
        while let Some(batch) = next.take() {
            // A file is closed between batches: rows that are read once are not cut.
            if part.rows() >= rows_per_file.max(1) {
                waiting = Some(batch);
                break;
            }
            part.write(&batch)?;
            let goes_on = options.progress.as_ref().is_none_or(|progress| progress(parts.rows + part.rows(), 0));
            if options.cancelled() || !goes_on {
                return Err(ColumnsError::Cancelled);
            }
            next = rows.next().transpose().map_err(of_reader)?;
        }
        parts.rows += part.finish()?;
        parts.files.push(path);
    }
    if parts.files.is_empty() {
        let path = part_path(dir, 0);
        RowWriter::create(&path, &ExportFormat::ArrowStream, &rows.schema())?.finish()?;
        parts.files.push(path);
    }
    write_contents(dir, source, Some(&parts))?;
    Ok(parts)
}

/// The files of a directory that is whole and of a source; none where it is not, whatever it is.
fn whole_parts(dir: &Path, source: &str) -> ColumnsResult<Option<Parts>> {
    let Some(contents) = read_contents(dir)?.filter(|contents| contents["source"] == source) else { return Ok(None) };
    let Some(lengths) = contents["lengths"].as_array() else { return Ok(None) };
    let files: Vec<PathBuf> = (0..lengths.len()).map(|place| part_path(dir, place)).collect();
    let is_whole = lengths.iter().zip(&files).all(|(length, file)| {
        fs::symlink_metadata(file).is_ok_and(|found| found.is_file() && Some(found.len()) == length.as_u64())
    });
    let rows = contents["rows"].as_u64();
    Ok(rows.filter(|_| is_whole && !files.is_empty()).map(|rows| Parts { files, rows, kept: rows }))
}

/// The files that an earlier run has finished.
fn begun(dir: &Path, source: &str, overwrite: bool) -> ColumnsResult<Parts> {
    let mut parts = Parts { files: Vec::new(), rows: 0, kept: 0 };
    let contents = read_contents(dir)?;
    if contents.is_none() {
        let listed = fs::read_dir(dir).map_err(|error| ColumnsError::io("look into", dir, error))?;
        // Nothing of somebody else's is overwritten or mixed with.
        if listed.flatten().any(|entry| !entry.file_name().to_string_lossy().starts_with('.')) {
            return Err(ColumnsError::option(format!(
                "directory '{}' holds other files: give one that is empty, or that is not there",
                dir.display()
            )));
        }
        return Ok(parts);
    }
    let is_of = contents.as_ref().is_some_and(|contents| contents["source"] == source);
    if !is_of && !overwrite {
        return Err(ColumnsError::option(format!(
            "directory '{}' holds the rows of something else, or of an earlier state of it: give another one, or pass `overwrite` to \
             replace them",
            dir.display()
        )));
    }
    let is_same = is_of && contents.is_some_and(|contents| contents["lengths"].is_null());
    loop {
        let path = part_path(dir, parts.files.len());
        let part = match is_same && path.is_file() {
            true => IpcSource::open(&path, true, None),
            false => break,
        };
        // What cannot be read is written again, and so is what follows.
        let Ok(part) = part else { break };
        parts.rows += part.rows();
        parts.files.push(path);
    }
    parts.kept = parts.rows;
    for place in parts.files.len().. {
        match fs::remove_file(part_path(dir, place)) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => break,
            Err(error) => return Err(ColumnsError::io("remove", &part_path(dir, place), error)),
        }
    }
    Ok(parts)
}

fn part_path(dir: &Path, place: usize) -> PathBuf {
    dir.join(format!("part-{place:05}.arrow"))
}

fn read_contents(dir: &Path) -> ColumnsResult<Option<Json>> {
    let path = dir.join(CONTENTS);
    match fs::read(&path) {
        Ok(bytes) => {
            let contents: Option<Json> = serde_json::from_slice(&bytes).ok();
            Ok(contents.filter(|contents| contents["kind"] == KIND))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ColumnsError::io("read", &path, error)),
    }
}

/// What the directory holds: lengths once all of it is there.
fn write_contents(dir: &Path, source: &str, parts: Option<&Parts>) -> ColumnsResult<()> {
    let path = dir.join(CONTENTS);
    let mut contents = json!({ "kind": KIND, "source": source });
    if let Some(parts) = parts {
        let length = |file: &PathBuf| {
            fs::metadata(file).map(|found| found.len()).map_err(|error| ColumnsError::io("read", file, error))
        };
        contents["rows"] = json!(parts.rows);
        contents["lengths"] = json!(parts.files.iter().map(length).collect::<ColumnsResult<Vec<u64>>>()?);
    }
    let mut target = Target::create(&path)?;
    target.file.write_all(contents.to_string().as_bytes()).map_err(|error| ColumnsError::io("write", &path, error))?;
    target.commit()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchIterator, StringArray};

    use super::*;
    use crate::{Frame, agg, col};

    /// Rows 0 to 1,000 in batches of 100, from one on; fails before a batch where that is wanted.
    fn rows(skip: u64, fails_at: Option<i64>) -> impl RecordBatchReader {
        let batch = |start: i64| {
            let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(start..start + 100));
            let texts: ArrayRef =
                Arc::new(StringArray::from_iter_values((start..start + 100).map(|id| id.to_string())));
            RecordBatch::try_from_iter([("id", ids), ("text", texts)]).unwrap()
        };
        let schema = batch(0).schema();
        let batches =
            (0..10).map(|place| place * 100).filter(move |start| *start >= skip as i64).map(
                move |start| match fails_at == Some(start) {
                    true => Err(arrow::error::ArrowError::ExternalError("the disk of the rows is gone".into())),
                    false => Ok(batch(start)),
                },
            );
        RecordBatchIterator::new(batches, schema)
    }

    fn opened(parts: &Parts) -> (u64, f64) {
        let frame = Frame::open(parts.files.clone()).unwrap();
        let sum = frame.aggregate(&[agg::sum(col("id"))]).unwrap()[0].as_f64().unwrap();
        (frame.count_rows(&PassOptions::default()).unwrap(), sum)
    }

    #[test]
    fn what_was_interrupted_goes_on_after_the_last_whole_file() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("made/parts");
        let none = PassOptions::default();
        let error = write_parts(&dir, "s", 300, false, |_| Ok(rows(0, Some(700))), &none).unwrap_err();
        assert_eq!(error.to_string(), "the disk of the rows is gone");
        // Of the third file nothing is left.
        let names = || {
            let mut names: Vec<String> =
                fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        };
        assert_eq!(names(), ["contents.json", "part-00000.arrow", "part-00001.arrow"]);
        let mut asked = None;
        let open = |skip| {
            asked = Some(skip);
            Ok(rows(skip, None))
        };
        let parts = write_parts(&dir, "s", 300, false, open, &none).unwrap();
        assert_eq!((asked, parts.rows, parts.kept, parts.files.len()), (Some(600), 1_000, 600, 4));
        assert_eq!(opened(&parts), (1_000, 999.0 * 500.0));
        // What is whole is not read again.
        let again = write_parts(
            &dir,
            "s",
            300,
            false,
            |_| -> ColumnsResult<RecordBatchIterator<Vec<_>>> { panic!("read") },
            &none,
        );
        assert_eq!(again.unwrap(), Parts { kept: 1_000, ..parts.clone() });
        // Another source, or a file that was cut.
        let refused = write_parts(&dir, "t", 5_000, false, |skip| Ok(rows(skip, None)), &none).unwrap_err();
        assert!(refused.to_string().contains("something else"), "{refused}");
        assert_eq!(opened(&parts), (1_000, 999.0 * 500.0));
        let other = write_parts(&dir, "t", 5_000, true, |skip| Ok(rows(skip, None)), &none).unwrap();
        assert_eq!((other.kept, other.files.len(), names().len()), (0, 1, 2));
        fs::write(&other.files[0], b"cut").unwrap();
        let mended = write_parts(&dir, "t", 5_000, false, |skip| Ok(rows(skip, None)), &none).unwrap();
        assert_eq!((mended.kept, opened(&mended)), (0, (1_000, 999.0 * 500.0)));
    }

    #[test]
    fn what_is_somebody_elses_is_left_alone_and_no_rows_are_a_file() {
        let home = tempfile::tempdir().unwrap();
        let none = PassOptions::default();
        fs::write(home.path().join("thesis.tex"), "x").unwrap();
        let error = write_parts(home.path(), "s", 10, false, |skip| Ok(rows(skip, None)), &none).unwrap_err();
        assert!(error.to_string().contains("holds other files"), "{error}");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
        let empty = write_parts(home.path().join("e"), "s", 10, false, |_| Ok(rows(1_000, None)), &none).unwrap();
        assert_eq!(Frame::open(empty.files.clone()).unwrap().count_rows(&none).unwrap(), 0);
        let stop = PassOptions {
            progress: Some(Arc::new(|done, all| {
                assert_eq!(all, 0);
                done < 500
            })),
            ..PassOptions::default()
        };
        let stopped = write_parts(home.path().join("c"), "s", 200, false, |skip| Ok(rows(skip, None)), &stop);
        assert!(matches!(stopped, Err(ColumnsError::Cancelled)));
        let parts = write_parts(home.path().join("c"), "s", 200, false, |skip| Ok(rows(skip, None)), &none).unwrap();
        assert_eq!(parts.kept, 400);
    }
}
