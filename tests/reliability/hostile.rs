//! Bundles made to do harm (promise: an error that names the item, and nothing outside the bundle is read, written or
//! removed; nothing hangs, nothing panics).

use datafolio::core::history::HistoryFile;
use datafolio::core::json::sha256;
use datafolio::core::{fingerprint, seal_of};
use datafolio::{AddOptions, DataFolio};
use serde_json::json;

use super::trap::{CANARY, Make, Trap, made_by, outward};

const TYPES: [&str; 8] =
    ["json_data", "artifact", "included_table", "numpy_array", "model", "timestamp", "polars_table", "of_the_future"];

#[test]
fn file_names_that_lead_out_are_errors_that_name_the_item() {
    let trap = Trap::new();
    let sound = std::fs::read(trap.root.join("items.json")).unwrap();
    for path in outward(&trap) {
        for item_type in ["json_data", "artifact"] {
            std::fs::write(trap.root.join("items.json"), &sound).unwrap();
            let _ = std::fs::remove_dir_all(trap.dir.path().join("copies"));
            trap.add(&json!({"name": "victim", "item_type": item_type, "filename": path, "version_id": "victim--r9"}));
            let what = format!("{item_type} {path:?}");
            let said = trap.spring("victim", &what).unwrap_or_else(|| panic!("{what}: it was read"));
            assert!(said.contains("victim"), "{what}: {said}");
        }
    }
    for item_type in TYPES {
        std::fs::write(trap.root.join("items.json"), &sound).unwrap();
        let _ = std::fs::remove_dir_all(trap.dir.path().join("copies"));
        let path = "../../canary.json";
        trap.add(&json!({
            "name": "victim", "item_type": item_type, "filename": path, "sha256": sha256(CANARY), "size_bytes": 20,
        }));
        assert!(trap.spring("victim", item_type).is_some(), "{item_type}: it was read");
    }
}

#[test]
fn other_fields_that_lead_out_are_harmless() {
    let trap = Trap::new();
    let sound = std::fs::read(trap.root.join("items.json")).unwrap();
    for path in outward(&trap) {
        std::fs::write(trap.root.join("items.json"), &sound).unwrap();
        let _ = std::fs::remove_dir_all(trap.dir.path().join("copies"));
        trap.write(|catalogue| {
            let mut entry = catalogue["items"][0].clone();
            entry["name"] = json!("victim");
            entry["blocks"] = json!({"filename": path, "sha256": sha256(CANARY)});
            entry["version_id"] = json!(path);
            entry["inputs"] = json!([path, "victim"]);
            entry["parts"] = json!([path]);
            catalogue["items"].as_array_mut().unwrap().push(entry);
            let odd = json!({"name": path, "item_type": "json_data", "filename": "x.json", "is_current": true});
            catalogue["items"].as_array_mut().unwrap().push(odd);
            catalogue["snapshots"] = json!({&path: {"item_versions": {"victim": path, &path: path}}});
            catalogue["metadata"][&path] = json!(path);
        });
        trap.spring("victim", &format!("{path:?}"));
    }
}

/// A stamp with an id that is a path, sealed as it should be: the history is looked for under that id.
#[test]
fn commit_ids_that_lead_out_are_harmless() {
    for id in ["../../canary", "../../../canary", "/etc/passwd", "", "a/b", "..", "\u{0}"] {
        let trap = Trap::new();
        let read = trap.root.join("items.json");
        let files = datafolio::core::CatalogueFiles {
            items: std::sync::Arc::new(std::fs::read_to_string(&read).unwrap()),
            metadata: None,
            snapshots: None,
        };
        let parsed = datafolio::core::parse_catalogue(&files, datafolio::core::SealCheck::Required).unwrap();
        let mut catalogue = (*parsed.catalogue).clone();
        catalogue.commit = Some(datafolio::core::CommitStamp { id: id.to_owned(), parent: Some(id.to_owned()) });
        std::fs::write(&read, &*datafolio::core::encode(catalogue).text).unwrap();
        trap.spring("sound", id);
    }
}

#[test]
fn links_pipes_and_devices_in_the_place_of_payloads_are_refused() {
    let kinds: [(&str, Make); 6] = [
        ("link", |path, outside| std::os::unix::fs::symlink(outside.join("canary.json"), path).is_ok()),
        ("link to a pipe of the process", |path, _| std::os::unix::fs::symlink("/proc/self/fd/0", path).is_ok()),
        ("link to a pipe", |path, outside| std::os::unix::fs::symlink(outside.join("pipe"), path).is_ok()),
        ("pipe", |path, _| made_by("mkfifo", &[], path)),
        ("device", |path, _| made_by("mknod", &["c", "1", "5"], path)),
        ("directory", |path, _| std::fs::create_dir(path).is_ok()),
    ];
    for (kind, make) in kinds {
        for item_type in ["json_data", "artifact", "included_table", "numpy_array", "model"] {
            let trap = Trap::new();
            let dir = datafolio::core::item_type::payload_dir(item_type).unwrap();
            let _ = std::fs::create_dir(trap.root.join(dir));
            if !make(&trap.root.join(dir).join("victim.json"), &trap.dir.path().join("elsewhere")) {
                continue;
            }
            trap.add(&json!({"name": "victim", "item_type": item_type, "filename": "victim.json"}));
            let what = format!("{item_type} is a {kind}");
            let said = trap.spring("victim", &what).unwrap_or_else(|| panic!("{what}: it was read"));
            assert!(said.contains("victim"), "{what}: {said}");
        }
    }
}

#[test]
fn links_pipes_and_devices_in_the_place_of_the_bundles_own_files_are_refused() {
    for name in [
        "items.json",
        "items.json.lock",
        "history",
        "artifacts",
        "tables",
        "parts",
        "README.md",
        "CONTENTS.md",
        "metadata.json",
        "snapshots.json",
        "history/v1",
        "history/damaged",
    ] {
        for kind in ["link to a file", "link to a directory", "link to a pipe", "pipe", "device", "dangling link"] {
            let trap = Trap::new();
            let path = trap.root.join(name);
            match path.is_dir() {
                true => std::fs::remove_dir_all(&path).unwrap(),
                false => drop(std::fs::remove_file(&path)),
            }
            let elsewhere = trap.dir.path().join("elsewhere");
            let made = match kind {
                "link to a file" => std::os::unix::fs::symlink(elsewhere.join("canary.json"), &path).is_ok(),
                "link to a directory" => std::os::unix::fs::symlink(&elsewhere, &path).is_ok(),
                "link to a pipe" => std::os::unix::fs::symlink(elsewhere.join("pipe"), &path).is_ok(),
                "dangling link" => std::os::unix::fs::symlink(elsewhere.join("new"), &path).is_ok(),
                "pipe" => made_by("mkfifo", &[], &path),
                _ => made_by("mknod", &["c", "1", "5"], &path),
            };
            if made {
                trap.spring("sound", &format!("{name} is a {kind}"));
            }
        }
    }
}

#[test]
fn nesting_sizes_cycles_and_numbers_are_survived() {
    let deep = |text: &str| format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)).replace("[]", &format!("[{text}]"));
    let raw = |trap: &Trap, from: &str, to: &str| {
        trap.write(|catalogue| catalogue["marker"] = json!("here"));
        let path = trap.root.join("items.json");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from} in {text}");
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
    };
    let deep = deep("1");
    for (what, from, to) in [
        ("an entry", "{\"name\":\"sound\"", format!("{{\"x\":{deep},\"name\":\"sound\"")),
        ("the metadata", "\"metadata\":{", format!("\"metadata\":{{\"x\":{deep},")),
        ("a snapshot", "\"snapshots\":{", format!("\"snapshots\":{{\"s\":{{\"item_versions\":{{}},\"x\":{deep}}}")),
        ("a field", "\"marker\":\"here\"", format!("\"marker\":{deep}")),
        ("the top", "{\"schema_version\"", deep.clone()),
    ] {
        let trap = Trap::new();
        raw(&trap, from, &to);
        trap.spring("sound", &format!("deep nesting in {what}"));
    }
    for size in [json!(-1), json!(u64::MAX), json!(1e300), json!("7"), json!(0), json!(i64::MAX)] {
        let trap = Trap::new();
        trap.write(|catalogue| {
            let entry = &mut catalogue["items"][0];
            for field in ["size_bytes", "num_rows", "num_cols"] {
                entry[field] = size.clone();
            }
            entry["shape"] = json!([size, size]);
        });
        trap.spring("sound", &format!("size {size}"));
    }
    for schema in [json!(3), json!(u64::MAX), json!("9"), json!(-7)] {
        let trap = Trap::new();
        trap.write(|catalogue| catalogue["schema_version"] = schema.clone());
        let said = trap.spring("sound", &format!("schema {schema}")).unwrap();
        assert!(said.contains("schema_version"), "{said}");
    }
    for revision in [json!(u64::MAX), json!(i64::MAX), json!(-1), json!(0)] {
        let trap = Trap::new();
        trap.write(|catalogue| catalogue["revision"] = revision.clone());
        trap.spring("sound", &format!("revision {revision}"));
    }
    let trap = Trap::new();
    trap.write(|catalogue| {
        let items = catalogue["items"].as_array_mut().unwrap();
        for n in 0..1000 {
            let inputs = [format!("c{}", (n + 1) % 1000), format!("c{n}"), format!("c{}", (n + 500) % 1000)];
            items.push(json!({"name": format!("c{n}"), "item_type": "json_data", "filename": "x", "inputs": inputs}));
        }
    });
    trap.spring("c0", "cyclic lineage");
    for revision in [u64::MAX, i64::MAX as u64] {
        let trap = Trap::new();
        std::fs::write(trap.root.join(format!("history/{revision}-abc.json")), "{}").unwrap();
        std::fs::remove_file(trap.root.join("items.json")).unwrap();
        trap.spring("sound", "a history that is at its end");
    }
}

/// Whoever can write into the bundle can seal an entry too.
#[test]
fn history_entries_nested_too_deeply_are_told_or_passed_over() {
    let deep = format!("\"deep\": {}{},", "[".repeat(10_000), "]".repeat(10_000));
    // Behind the seal, which is looked for at the beginning.
    for (place, is_read) in [("\"writer\": {", false), ("\"changes\": {", true)] {
        let trap = Trap::new();
        let folio = DataFolio::open(&trap.root).unwrap();
        let path = crate::support::history_file(&folio, 2, HistoryFile::Entry);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(place), "{place} in {text}");
        let text = text.replacen(place, &format!("{place}{deep}"), 1);
        let seal = seal_of(&text).unwrap().to_owned();
        std::fs::write(&path, text.replacen(&seal, &fingerprint(&text), 1)).unwrap();
        let log = DataFolio::open(&trap.root).unwrap().log(100).unwrap();
        assert_eq!(log.breaks.is_empty(), is_read, "{place}: {log:?}");
        if let Some(found) = log.breaks.first() {
            assert!(found.reason.contains(".json is damaged: recursion limit exceeded"), "{found:?}");
        }
        trap.spring("sound", place);
    }
}

#[test]
fn a_catalogue_of_a_hundred_thousand_items_is_survived() {
    let trap = Trap::new();
    trap.write(|catalogue| {
        let items = catalogue["items"].as_array_mut().unwrap();
        for n in 0..100_000 {
            items.push(
                json!({"name": format!("m{n}"), "item_type": "json_data", "filename": "m.json", "inputs": ["sound"]}),
            );
        }
    });
    trap.spring("m7", "a hundred thousand items");
}

/// A snapshot that nobody can read hides neither the others nor the items, and can be deleted.
#[test]
fn a_damaged_snapshot_costs_itself_alone() {
    let (_dir, folio) = crate::support::new_bundle();
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    for name in ["sound", "odd"] {
        folio.create_snapshot(name, datafolio::SnapshotOptions::default()).unwrap();
    }
    let path = std::path::Path::new(&folio.location()).join("items.json");
    let mut catalogue: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    catalogue.as_object_mut().unwrap().remove("commit");
    catalogue["snapshots"]["odd"] = json!({"item_versions": 7});
    std::fs::write(&path, catalogue.to_string()).unwrap();
    let folio = DataFolio::open(folio.location()).unwrap();
    let list = folio.list_snapshots().unwrap();
    let damaged: Vec<_> = list.iter().map(|info| (info.name.as_str(), info.damage.is_some())).collect();
    assert_eq!(damaged, [("sound", false), ("odd", true)]);
    assert!(folio.describe(&datafolio::DescribeOptions::default()).unwrap().contains("DAMAGED"));
    assert_eq!(folio.load_snapshot("odd").unwrap_err().category(), datafolio::ErrorCategory::Corrupt);
    // It may be the newest, and an older one does not take its place.
    for newest in [folio.newest_snapshot().map(drop), folio.diff_from_snapshot(None).map(drop)] {
        assert_eq!(newest.unwrap_err().category(), datafolio::ErrorCategory::Corrupt);
    }
    assert!(folio.reproduce_instructions(None).is_err());
    folio.delete_snapshot("odd").unwrap();
    assert_eq!(folio.list_snapshots().unwrap().len(), 1);
}
