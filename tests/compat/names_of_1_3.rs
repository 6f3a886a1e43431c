//! Items of any name that 1.3 takes, in the files that it really writes.

use datafolio::{AddOptions, CopyOptions, DataFolio, SnapshotOptions, VerifyOptions};
use serde_json::json;

use super::peer::{Peer, Release};
use crate::support::reopen;

/// Most can be no part of a path by the rules of 2.x, and some mean something else as a path than they say.
const NAMES: [&str; 17] = [
    "has space",
    "_lead",
    "x:y",
    "a//b",
    "say \"hi\"",
    "é",
    ".dot",
    "-dash",
    "w*ild",
    "data[1]",
    "tab\there",
    "CON",
    "back\\slash",
    "q?x",
    "a/../b",
    "trail.",
    "./here",
];

#[test]
fn items_of_any_name_are_read_copied_renamed_and_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("old");
    let long = "n".repeat(240);
    let names: Vec<&str> = NAMES.into_iter().chain([long.as_str()]).collect();
    let Some(mut old) = Peer::open(Release::V1_3, &place) else { return };
    for name in &names {
        old.get(&format!("folio.add_json({name:?}, {{'n': {name:?}}})"));
    }
    let inputs = json!(names);
    old.get(&format!("folio.add_json('child', 1, inputs={inputs})"));
    old.get("folio.create_snapshot('s1')");
    drop(old);

    // As it lies there.
    let before = DataFolio::open_read_only(&place).unwrap();
    let is_sound = |folio: &DataFolio| {
        let report = folio.verify(&VerifyOptions::default()).unwrap();
        assert!(report.findings.iter().all(|finding| finding.code == "invalid-item-name"), "{report:?}");
    };
    let assert_values = |folio: &DataFolio| {
        for name in &names {
            assert_eq!(folio.get_json(name).unwrap(), json!({"n": name}));
            assert!(folio.item_path(name).unwrap().is_file());
        }
    };
    assert_values(&before);
    is_sound(&before);
    // What 2.3 reads of a copy that is made before anything is changed.
    before.copy(dir.path().join("copy"), &CopyOptions::default()).unwrap();
    assert_values(&DataFolio::open(dir.path().join("copy")).unwrap());
    let reads = |peer: &mut Peer, name: &str, value: &serde_json::Value| {
        assert_eq!(peer.get(&format!("folio.get({name:?})")), *value, "{name:?}");
    };
    let mut peer = Peer::open(Release::V2_3, dir.path().join("copy")).unwrap();
    for name in &names {
        reads(&mut peer, name, &json!({"n": name}));
    }
    assert_eq!(peer.get("folio.is_valid()"), true);

    // And as it is worked with.
    let folio = DataFolio::open(&place).unwrap();
    folio.create_snapshot("s2", SnapshotOptions::default()).unwrap();
    for (index, name) in names.iter().enumerate() {
        folio.add(name, json!([index]), AddOptions::new().overwrite()).unwrap();
        let stem = folio.item_path(name).unwrap().file_name().unwrap().to_str().unwrap().to_owned();
        assert!(stem.len() < 130 && stem.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)), "{stem}");
    }
    let mut peer = Peer::open(Release::V2_3, &place).unwrap();
    for (index, name) in names.iter().enumerate() {
        reads(&mut peer, name, &json!([index]));
        assert_eq!(reopen(&folio).get_json(name).unwrap(), json!([index]));
    }
    for (index, name) in names.iter().enumerate() {
        folio.rename(name, &format!("good{index}")).unwrap();
    }
    let renamed: Vec<String> = (0..names.len()).map(|index| format!("good{index}")).collect();
    assert_eq!(folio.item_info("child").unwrap().record["inputs"], json!(renamed), "dependents follow");
    for snapshot in ["s1", "s2"] {
        assert_values(&folio.load_snapshot(snapshot).unwrap());
        assert_eq!(
            peer.get(&format!("datafolio.DataFolio.load_snapshot(path, '{snapshot}').get('x:y')")),
            json!({"n": "x:y"})
        );
    }
    folio.restore_snapshot("s1").unwrap();
    assert_values(&reopen(&folio));
    is_sound(&reopen(&folio));
    assert_eq!(peer.get("folio.is_valid()"), true);
}
