//! A real file system that is really full.

use std::path::Path;
use std::process::Command;

use datafolio::{AddOptions, DataFolio, ErrorCategory, NpyArray, VerifyOptions};
use serde_json::json;

use super::faults::expect_state;
use crate::support::model::visible_state;

/// A small file system in memory, unmounted when dropped.
struct Mount<'a>(&'a Path);

impl<'a> Mount<'a> {
    fn new(at: &'a Path) -> Result<Self, String> {
        let output = Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(at).output();
        match output {
            Ok(output) if output.status.success() => Ok(Self(at)),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

/// Set where the test runs in a namespace of its own, in which its user may mount.
const IN_NAMESPACE: &str = "DATAFOLIO_TEST_IN_NAMESPACE";

#[test]
fn a_full_disk_is_reported_and_the_same_handle_works_when_there_is_space() {
    let dir = tempfile::tempdir().unwrap();
    match Mount::new(dir.path()) {
        Ok(_mount) => fill(dir.path()),
        Err(reason) if std::env::var_os(IN_NAMESPACE).is_none() && try_in_namespace() => {
            println!("in a namespace of its own, for here it is: {reason}");
        }
        Err(reason) => {
            let may_be_left_out =
                !is_root() || std::env::var_os("DATAFOLIO_SKIP_MOUNT").is_some_and(|skip| skip == "1");
            assert!(
                may_be_left_out,
                "no file system can be mounted: {reason}; DATAFOLIO_SKIP_MOUNT=1 leaves this test out"
            );
            println!("SKIPPED: no file system can be mounted here: {reason}");
        }
    }
}

/// Runs this test as root of a namespace of its own; whether there can be one.
fn try_in_namespace() -> bool {
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("reliability::disk::a_full_disk_is_reported_and_the_same_handle_works_when_there_is_space")
        .env(IN_NAMESPACE, "1")
        .env("DATAFOLIO_SKIP_MOUNT", "0")
        .output();
    let Ok(output) = output else { return false };
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !said.contains("running 1 test") || errors.contains("no file system can be mounted") {
        return false;
    }
    assert!(output.status.success(), "{said}\n{errors}");
    true
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Lets a bundle on a file system of 2 MB run out of space in all places.
fn fill(disk: &Path) {
    let root = disk.join("bundle");
    let folio = DataFolio::create(&root).unwrap();
    folio.add("first", json!(1), AddOptions::new()).unwrap();
    let filler = disk.join("filler");
    let array = || NpyArray::from_slice(&[100_000], &vec![0.5f64; 100_000]).unwrap();
    // Less and less space: the payload, its checksums, the history and the catalogue each run out of it once.
    let mut failed = 0;
    let filled: Vec<u64> = (0..160).map(|n| 1_000_000 + n * 7_000).collect();
    for (n, size) in filled.into_iter().enumerate() {
        // As much of it as fits.
        let _ = std::fs::write(&filler, vec![1; usize::try_from(size).unwrap()]);
        let before = visible_state(&folio).unwrap();
        let result = match n % 2 {
            0 => folio.add("big", array(), AddOptions::new().overwrite()),
            _ => folio.add("small", json!(n), AddOptions::new().overwrite()),
        };
        match result {
            Ok(_) => {}
            Err(error) => {
                failed += 1;
                assert_eq!(error.category(), ErrorCategory::Storage, "{error}");
                assert!(error.to_string().contains("space"), "{error}");
                expect_state(&root, &before).unwrap();
            }
        }
        std::fs::remove_file(&filler).unwrap();
        if n % 2 == 0 {
            // Two such arrays would fill the disk for good.
            let _ = folio.delete(&["big"]);
            folio.gc(&super::workload::strict_gc()).unwrap();
        }
    }
    assert!(failed > 20, "the disk was full {failed} times");
    folio.add("last", json!(1), AddOptions::new()).unwrap();
    assert!(folio.verify(&VerifyOptions::default()).unwrap().is_clean());
}
