//! Tables that are added to files.

use std::process::Command;

use super::table::{all_types, dictionaries};
use super::*;

fn added(path: &Path, rows: &dyn Rows, group: &str) -> ColumnsResult<()> {
    let options = Hdf5WriteOptions { mode: Hdf5Mode::Append, ..options(group, ByteOrder::Native) };
    written(path, rows, options, Pace(64, 4, 2))
}

#[test]
fn tables_that_were_there_stay() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("t.hdf5");
    let (first, second, third) = (vec![all_types(0, 20)], vec![dictionaries(0, 9)], vec![all_types(5, 12)]);
    // Nothing is there, so the file is made.
    added(&path, &first, "/table").unwrap();
    added(&path, &second, "/a/b/second").unwrap();
    added(&path, &third, "a/b/third").unwrap();
    // Enough for a tree of two levels.
    let tiny = vec![all_types(0, 2).project(&[0, 1]).unwrap()];
    for number in 0..300 {
        added(&path, &tiny, &format!("/many/{}", number * 7 % 300)).unwrap();
    }
    for (group, batches) in
        [("/table", &first), ("/a/b/second", &second), ("/a/b/third", &third), ("/many/0", &tiny), ("/many/299", &tiny)]
    {
        judged_by_h5py(&path, group, batches, "little");
        judged_by_vaex(&path, group, batches);
    }
    assert_eq!(listed(place.path()), ["t.hdf5"]);
}

#[test]
fn what_would_hide_or_lose_something_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("t.hdf5");
    let batches = vec![all_types(0, 9)];
    added(&path, &batches, "/a/b").unwrap();
    let before = fs::read(&path).unwrap();
    for (group, reason) in [
        ("/a/b", "has a group '/a/b' already"),
        ("/a", "has a group '/a' already"),
        ("/a/b/c", "a table cannot be put inside it"),
        ("/a/b/columns/x", "a table cannot be put inside it"),
    ] {
        let error = added(&path, &batches, group).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(listed(place.path()), ["t.hdf5"]);
}

#[test]
fn files_of_others_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("t.hdf5");
    let batches = vec![all_types(0, 9)];
    for (bytes, reason) in [(&b""[..], "not an HDF5 file"), (&[7; 5000], "not made by this writer")] {
        fs::write(&path, bytes).unwrap();
        let error = added(&path, &batches, "/b").unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    // One of ours that was cut short, and one with an attribute that would be lost.
    added(&place.path().join("ours.hdf5"), &batches, "/a").unwrap();
    let ours = fs::read(place.path().join("ours.hdf5")).unwrap();
    fs::write(&path, &ours[..ours.len() - 64]).unwrap();
    let error = added(&path, &batches, "/b").unwrap_err();
    assert!(matches!(error, crate::ColumnsError::Damaged { .. }), "{error}");
    let Some(python) = h5py() else { return };
    for change in [
        "f.attrs['more'] = 'x'",
        "f['soft'] = h5py.SoftLink('/a')",
        "del f.attrs['writer']",
        "f.create_dataset('a/d', data=[1]).attrs['x'] = 1",
    ] {
        fs::write(&path, &ours).unwrap();
        let code = format!("import h5py, sys\nf = h5py.File(sys.argv[1], 'r+')\n{change}\nf.close()");
        assert!(Command::new(&python).arg("-c").arg(code).arg(&path).status().unwrap().success());
        let error = added(&path, &batches, "/a/d/e").unwrap_err().to_string();
        assert!(error.contains("cannot be added to") || error.contains("put inside it"), "{change}: {error}");
    }
    // A file of h5py's own, with the same superblock.
    let code = "import h5py, sys\nf = h5py.File(sys.argv[1], 'w')\nf['x'] = [1]\nf.close()";
    assert!(Command::new(&python).arg("-c").arg(code).arg(&path).status().unwrap().success());
    let error = added(&path, &batches, "/b").unwrap_err().to_string();
    assert!(error.contains("not made by this writer"), "{error}");
}

#[test]
fn a_file_that_is_changed_meanwhile_is_not_replaced() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("t.hdf5");
    let batches = vec![all_types(0, 9)];
    added(&path, &batches, "/a").unwrap();
    let options = Hdf5WriteOptions { mode: Hdf5Mode::Append, ..options("/b", ByteOrder::Native) };
    let mut writer = Hdf5Writer::create(&path, options).unwrap();
    writer.layout(&batches, None).unwrap();
    writer.write(&batches, 100, 1, 0, None).unwrap();
    added(&path, &batches, "/c").unwrap();
    let now = fs::read(&path).unwrap();
    let error = writer.finish().unwrap_err().to_string();
    assert!(error.contains("changed by someone else"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), now);
    assert_eq!(listed(place.path()), ["t.hdf5"]);
}

/// Every byte of the structures is damaged in turn: an error or a file, never a panic, never more memory than the file has.
#[test]
fn damaged_files_are_refused_or_copied() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("t.hdf5");
    let batch = all_types(0, 2).project(&[0, 1]).unwrap();
    let batches = vec![batch];
    added(&path, &batches, "/a/b").unwrap();
    let whole = fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(3) {
        for value in [0, 0xff, whole[at] ^ 1] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            fs::write(&path, &bytes).unwrap();
            let options = Hdf5WriteOptions { mode: Hdf5Mode::Append, ..options("/a/c", ByteOrder::Native) };
            if let Ok(mut writer) = Hdf5Writer::create(&path, options) {
                let _either = writer.layout(&batches, None);
            }
        }
    }
    assert_eq!(listed(place.path()), ["t.hdf5"]);
}
