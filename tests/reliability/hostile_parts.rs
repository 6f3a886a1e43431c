//! Tables whose parts are where no part can be (promise: as for all other files that a bundle names).

use datafolio::{AppendOptions, DataFolio, VerifyOptions};
use datafolio_testkit::value_hash::bytes_sha256;
use serde_json::{Value, json};

use super::trap::{Make, Trap, made_by, outward};
use crate::support::table;

/// A bundle with a table of two parts, and what its entry says of the second one.
fn with_parts() -> (Trap, Value) {
    let trap = Trap::new();
    let folio = DataFolio::open(&trap.root).unwrap();
    for _ in 0..2 {
        folio.append_table("victim", table(4), AppendOptions::new().without_compaction()).unwrap();
    }
    assert!(folio.verify(&VerifyOptions::default()).unwrap().is_clean());
    let part = folio.item_info("victim").unwrap().record["parts"][1].clone();
    (trap, part)
}

/// Changes what the entry says of its second part.
fn change_part(trap: &Trap, change: impl FnOnce(&mut Value)) {
    trap.write(|catalogue| {
        let items = catalogue["items"].as_array_mut().unwrap();
        let current = |item: &&mut Value| item["name"] == "victim" && item["is_current"] != json!(false);
        change(&mut items.iter_mut().find(current).unwrap()["parts"][1]);
    });
}

/// Says of a part all that there is to say of the file outside, so that nothing but the way there is wrong.
fn describe_canary(trap: &Trap, part: &mut Value) {
    let bytes = std::fs::read(trap.dir.path().join("elsewhere/canary.parquet")).unwrap();
    part["sha256"] = json!(bytes_sha256(&bytes));
    part["size_bytes"] = json!(bytes.len());
    part["num_rows"] = json!(1);
    part.as_object_mut().unwrap().remove("blocks");
}

fn refused(trap: &Trap, what: &str) {
    let said = trap.spring("victim", what).unwrap_or_else(|| panic!("{what}: it was read"));
    assert!(said.contains("victim"), "{what}: {said}");
}

#[test]
fn parts_that_lead_out_are_errors_that_name_the_item() {
    for path in outward(&Trap::new()) {
        let path = path.replace("canary.json", "canary.parquet");
        let (trap, _) = with_parts();
        change_part(&trap, |part| {
            describe_canary(&trap, part);
            part["filename"] = json!(path);
        });
        refused(&trap, &format!("a part {path:?}"));
        let (trap, _) = with_parts();
        let hash = bytes_sha256(&std::fs::read(trap.dir.path().join("canary.json")).unwrap());
        change_part(&trap, |part| part["blocks"] = json!({"filename": path, "sha256": hash}));
        // Where the path is one, the file itself is good, and is checked as a whole instead.
        if let Some(said) = trap.spring("victim", &format!("block checksums of a part {path:?}")) {
            assert!(said.contains("victim"), "{path:?}: {said}");
        }
    }
}

#[test]
fn links_pipes_and_devices_in_the_place_of_parts_are_refused() {
    let kinds: [(&str, Make); 6] = [
        ("link", |path, outside| std::os::unix::fs::symlink(outside.join("canary.parquet"), path).is_ok()),
        ("link upwards", |path, _| std::os::unix::fs::symlink("../../canary.parquet", path).is_ok()),
        ("link to a pipe of the process", |path, _| std::os::unix::fs::symlink("/proc/self/fd/0", path).is_ok()),
        ("pipe", |path, _| made_by("mkfifo", &[], path)),
        ("device", |path, _| made_by("mknod", &["c", "1", "5"], path)),
        ("directory", |path, _| std::fs::create_dir(path).is_ok()),
    ];
    for (kind, make) in kinds {
        let (trap, part) = with_parts();
        let path = trap.root.join("parts").join(part["filename"].as_str().unwrap());
        std::fs::remove_file(&path).unwrap();
        if make(&path, &trap.dir.path().join("elsewhere")) {
            change_part(&trap, |part| describe_canary(&trap, part));
            refused(&trap, &format!("a part is a {kind}"));
        }
    }
}

/// The name of the part is a good one, and there is a file of that name and content where the link leads.
#[test]
fn a_link_in_the_place_of_all_parts_is_refused() {
    let (trap, _) = with_parts();
    std::fs::remove_dir_all(trap.root.join("parts")).unwrap();
    std::os::unix::fs::symlink(trap.dir.path().join("elsewhere"), trap.root.join("parts")).unwrap();
    trap.write(|catalogue| {
        let items = catalogue["items"].as_array_mut().unwrap();
        let current = |item: &&mut Value| item["name"] == "victim" && item["is_current"] != json!(false);
        let parts = items.iter_mut().find(current).unwrap()["parts"].as_array_mut().unwrap();
        parts.remove(0);
        describe_canary(&trap, &mut parts[0]);
        parts[0]["filename"] = json!("canary.parquet");
    });
    refused(&trap, "parts is a link");
}
