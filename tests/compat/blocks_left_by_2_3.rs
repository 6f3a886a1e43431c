//! DataFolio 2.3 deletes payloads, and does not know the block checksums beside them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use datafolio::{AddOptions, DataFolio, GcOptions, NpyArray, Severity, VerifyOptions};

use super::peer::{Peer, Release};
use crate::support::{new_bundle, reopen};

/// More than one block.
fn large(first: f64) -> NpyArray {
    let numbers: Vec<f64> = (0..100_000).map(|number| first + f64::from(number)).collect();
    NpyArray::from_slice(&[100_000], &numbers).unwrap()
}

/// The files of an item's payloads, and of their checksums.
fn files_of(folio: &DataFolio, item: &str) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let dir = Path::new(&folio.location()).join("artifacts");
    let files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let is_its = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(&format!("{item}--"));
    files.filter(is_its).partition(|path| path.extension().is_none_or(|suffix| suffix != "blocks"))
}

fn lost(folio: &DataFolio) -> Vec<String> {
    let report = folio.verify(&VerifyOptions::default()).unwrap();
    report.findings.into_iter().filter(|f| f.severity == Severity::Lost).filter_map(|f| f.item).collect()
}

#[test]
fn checksums_whose_payload_2_3_has_deleted_are_collected_at_once() {
    let (dir, folio) = new_bundle();
    for name in ["deleted", "replaced", "current"] {
        folio.add(name, large(0.0), AddOptions::new()).unwrap();
    }
    folio.create_snapshot("holds", Default::default()).unwrap();
    for first in [1.0, 2.0] {
        folio.add("deleted", large(first), AddOptions::new().overwrite()).unwrap();
        folio.add("replaced", large(first), AddOptions::new().overwrite()).unwrap();
    }
    // A file of the user's that is called like checksums, in an old version.
    let own = dir.path().join("notes.blocks");
    fs::write(&own, "mine").unwrap();
    folio.add_file("own", &own, AddOptions::new()).unwrap();
    folio.add("own", large(1.0), AddOptions::new().overwrite()).unwrap();

    let version = folio.item_info("deleted").unwrap().version;
    let (payloads, before) = files_of(&folio, "deleted");
    let kept: Vec<(PathBuf, Vec<u8>)> =
        payloads.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    let Some(mut peer) = Peer::open(Release::V2_3, folio.location()) else { return };
    peer.get("folio.delete('deleted')");
    let (left, checksums) = files_of(&folio, "deleted");
    // Those that a snapshot holds and that only our history knows stay.
    assert_eq!((left.len(), checksums.len(), before.len()), (2, 3, 3));
    let widow = checksums.iter().find(|path| !path.with_extension("").exists()).unwrap();

    let folio = reopen(&folio);
    let patient = folio.gc(&GcOptions::default()).unwrap();
    assert_eq!((patient.payloads.as_slice(), patient.too_young), (&[][..], 1));
    let now = GcOptions { grace: Some(Duration::ZERO), ..Default::default() };
    let report = folio.gc(&now).unwrap();
    let name = widow.file_name().unwrap().to_str().unwrap();
    assert_eq!(report.payloads, [format!("artifacts/{name}")]);
    assert_eq!(report.bytes, fs::metadata(widow).unwrap().len());
    assert_eq!(folio.disk_usage().unwrap().reclaimable_bytes, 0, "it is younger than the grace period");
    assert_eq!(lost(&folio), ["deleted"]);
    folio.gc(&GcOptions { apply: true, ..now.clone() }).unwrap();
    assert!(!widow.exists());

    // Everything else is there still, also after a commit of ours, and what is lost is named as such.
    for commit in [false, true] {
        if commit {
            folio.set_metadata("k", 1).unwrap();
        }
        assert_eq!(folio.gc(&now).unwrap().payloads, [""; 0]);
        assert_eq!(lost(&folio), ["deleted"]);
    }
    for name in ["replaced", "own", "current"] {
        assert!(folio.versions(name).unwrap().iter().all(|version| version.available), "{name}");
    }
    assert!(folio.load_snapshot("holds").unwrap().get_array("deleted").is_ok());

    // From a backup the payload serves again, without the checksums of its blocks.
    for (path, bytes) in kept {
        fs::write(path, bytes).unwrap();
    }
    assert!(folio.versions("deleted").unwrap().iter().all(|version| version.available));
    let datafolio::Data::Array(array) = folio.get_version("deleted", &version).unwrap() else { panic!("no array") };
    assert!(array == large(2.0));
    assert_eq!(lost(&folio), [""; 0]);
}

/// An entry of the head names its checksums, whatever became of the payload.
#[test]
fn checksums_of_a_current_item_stay_when_its_payload_is_gone() {
    let (_dir, folio) = new_bundle();
    folio.add("x", large(0.0), AddOptions::new()).unwrap();
    let (payloads, checksums) = files_of(&folio, "x");
    fs::remove_file(&payloads[0]).unwrap();
    let all = GcOptions { grace: Some(Duration::ZERO), apply: true, ..Default::default() };
    assert_eq!(reopen(&folio).gc(&all).unwrap().payloads, [""; 0]);
    assert!(checksums[0].exists());
}
