//! Symbolic links in a log: followed, but not for ever.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use datafolio_delta::{DeltaError, LocalPlace, Pick, Place};

use crate::{all, copied, open, open_at};

#[test]
fn a_log_behind_links_is_read() {
    let dir = copied("v2_parquet");
    let log = dir.path().join("_delta_log");
    let elsewhere = tempfile::tempdir().unwrap();
    for name in ["_delta_log/_sidecars", "_delta_log"] {
        let (from, to) = (dir.path().join(name), elsewhere.path().join(name.replace('/', "-")));
        fs::rename(&from, &to).unwrap();
        symlink(&to, &from).unwrap();
    }
    assert!(log.is_symlink() && log.join("_sidecars").is_symlink());
    let through = open_at(dir.path(), Pick::Newest).unwrap();
    assert_eq!(all(&through).unwrap(), all(&open("v2_parquet", Pick::Newest).unwrap()).unwrap());
    // Two ways to one directory are no loop.
    symlink(log.join("_sidecars"), log.join("again")).unwrap();
    assert_eq!(all(&open_at(dir.path(), Pick::Newest).unwrap()).unwrap(), all(&through).unwrap());
}

#[test]
fn links_that_lead_back_are_refused() {
    type Make = fn(&Path);
    let to_itself: Make = |log| symlink(log, log.join("link")).unwrap();
    let to_the_table: Make = |log| symlink(log.parent().unwrap(), log.join("link")).unwrap();
    let to_the_top: Make = |log| symlink("/", log.join("link")).unwrap();
    let from_below: Make = |log| {
        fs::create_dir_all(log.join("a/b")).unwrap();
        symlink("../../a", log.join("a/b/link")).unwrap();
    };
    let in_turn: Make = |log| {
        let beside = log.parent().unwrap().join("beside");
        fs::create_dir_all(&beside).unwrap();
        symlink(&beside, log.join("there")).unwrap();
        symlink(log, beside.join("link")).unwrap();
    };
    for (name, make) in [
        ("to itself", to_itself),
        ("to the table", to_the_table),
        ("to the top", to_the_top),
        ("from below", from_below),
        ("in turn", in_turn),
    ] {
        let dir = copied("plain");
        make(&dir.path().join("_delta_log"));
        let error = open_at(dir.path(), Pick::Newest).unwrap_err();
        assert!(matches!(&error, DeltaError::LinkLoop { link } if link.ends_with("link")), "{name}: {error:?}");
    }
}

#[test]
fn directories_are_looked_into_so_deep_and_no_deeper() {
    let dir = copied("plain");
    let deep = |levels: usize| dir.path().join("_delta_log").join(vec!["d"; levels].join("/"));
    fs::create_dir_all(deep(32)).unwrap();
    fs::write(deep(32).join("file"), "x").unwrap();
    let listed = LocalPlace::new(dir.path()).list("_delta_log").unwrap();
    assert!(listed.iter().any(|file| file.path.ends_with("d/file")), "{listed:?}");
    fs::create_dir_all(deep(33)).unwrap();
    let error = open_at(dir.path(), Pick::Newest).unwrap_err();
    assert!(matches!(error, DeltaError::TooDeep { most: 32, .. }), "{error:?}");
}
