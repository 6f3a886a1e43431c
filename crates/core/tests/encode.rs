//! Writing a catalogue: nothing changes that nobody changed, and nothing that changed goes unnoticed.

use std::sync::Arc;

use datafolio_core::patch::{self, diff_texts};
use datafolio_core::{Catalogue, Change, ChangeSet, Published, encode, encode_after, replay};
use serde_json::{Value, json};

use crate::support::{NOW, describe, entry, parse, put, set, snapshot, stamp};

/// A small catalogue as our commits make it.
fn committed() -> Published {
    let mut head = Arc::new(Catalogue::empty());
    for n in 0..3 {
        let mut changes = ChangeSet::new(Arc::clone(&head));
        changes.push(put(&format!("item{n}"), &format!("file{n}.json"), &[], false));
        changes.push(set("größe \"k\"", Some(json!({"n": n, "list": [], "map": {}, "deep": {"a": [1, 2.5, null]}}))));
        if n == 1 {
            changes.push(snapshot("v1", &head));
        }
        if n == 2 {
            changes.push(describe("item0", "zweite\nZeile \u{2028} \u{1f600}"));
        }
        let applied = replay(&changes, &head, stamp(&format!("commit{n}")), NOW).unwrap();
        head = Arc::new(applied.catalogue);
    }
    encode((*head).clone())
}

#[test]
fn what_is_written_is_read_again_and_written_the_same() {
    let first = committed();
    let second = parse(&first.text).unwrap();
    let third = encode((*second.catalogue).clone());
    assert_eq!(first.text, third.text);
    assert_eq!(first.fingerprint(), third.fingerprint());
    let (a, b) = (&first.catalogue, &second.catalogue);
    assert_eq!((a.revision, &a.commit, &a.metadata, &a.extra), (b.revision, &b.commit, &b.metadata, &b.extra));
    assert_eq!(a.current.keys().collect::<Vec<_>>(), b.current.keys().collect::<Vec<_>>());
    assert!(a.entries().zip(b.entries()).all(|(a, b)| a.text() == b.text()));
    assert!(a.snapshots.values().zip(b.snapshots.values()).all(|(a, b)| a.same_as(b)));
}

/// `serde_json` lays JSON out as `orjson` does with two spaces.
#[test]
fn the_layout_is_that_of_python_datafolio() {
    let text = committed().text;
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(*text, serde_json::to_string_pretty(&value).unwrap());
}

#[test]
fn entries_that_nobody_changes_keep_their_text_to_the_byte() {
    let odd = r#"{ "name":"odd",  "novel" : {"b":1,"a":1.50e3, "é":"\u00e9"},
        "version_id":"odd--r1" }"#;
    let other = entry("x", 1, true, &[]).to_string();
    let text = format!(
        r#"{{"schema_version": 2, "revision": 1, "novel": [1,  2], "metadata": {{"k": {{"a":1}}}}, "items": [{odd}, {other}], "snapshots": {{}}}}"#
    );
    let read = parse(&text).unwrap();
    let mut changes = ChangeSet::new(Arc::clone(&read.catalogue));
    changes.push(describe("x", "changed"));
    let written = encode(replay(&changes, &read.catalogue, stamp("a"), NOW).unwrap().catalogue);
    assert!(written.text.contains(odd));
    assert!(written.text.contains(r#""novel": [1,  2]"#));
    assert!(written.text.contains(r#""k": {"a":1}"#));
}

/// A single altered byte, whichever it is and however it is altered, is either no JSON any more or breaks the seal.
#[test]
fn every_altered_byte_is_noticed() {
    let text = committed().text;
    for at in 0..text.len() {
        for flip in [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40] {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] ^= flip;
            // A catalogue that is no UTF-8 is noticed before it is parsed.
            let Ok(altered) = String::from_utf8(bytes) else { continue };
            let around = || altered[at.saturating_sub(20)..].chars().take(40).collect::<String>();
            assert!(parse(&altered).is_err(), "byte {at}, bit {flip:#x}: {:?}", around());
        }
    }
}

#[test]
fn every_truncation_and_every_appendix_is_noticed() {
    let text = committed().text;
    for length in 0..text.len() {
        if text.is_char_boundary(length) {
            assert!(parse(&text[..length]).is_err(), "{length}");
        }
    }
    for more in ["x", "}", "{}", " ", "\n"] {
        assert!(parse(&format!("{text}{more}")).is_err(), "{more:?}");
    }
}

/// Whatever was put, removed or renamed: copying what stayed from the text before gives the text that writing all gives.
#[test]
fn a_text_that_follows_another_is_the_one_that_is_written_alone() {
    let name = |n: usize| format!("item{n}");
    let mut changes = ChangeSet::new(Arc::new(Catalogue::empty()));
    (0..40).for_each(|n| changes.push(put(&name(n), &format!("file{n}.json"), &[], false)));
    let base = Arc::clone(changes.base());
    let ours = encode(replay(&changes, &base, stamp("first"), NOW).unwrap().catalogue);
    let pinned = {
        let mut changes = ChangeSet::new(Arc::clone(&ours.catalogue));
        changes.push(snapshot("v1", &ours.catalogue));
        changes.push(put(&name(7), "other.json", &[], true));
        encode_after(&ours, replay(&changes, &ours.catalogue, stamp("pin"), NOW).unwrap().catalogue, String::new()).0
    };
    // As other programs lay it out, where nothing can be copied in runs.
    let mut compact: Value = serde_json::from_str(&ours.text).unwrap();
    compact.as_object_mut().unwrap().remove("commit");
    let theirs = parse(&compact.to_string()).unwrap();
    let edits: [&[usize]; 6] = [&[0], &[39], &[20, 21, 22], &[0, 5, 39], &[7], &[]];
    for before in [&ours, &pinned, &theirs] {
        for (case, edit) in edits.iter().enumerate() {
            for removed in [vec![], vec![0], vec![38, 39], (10..15).collect(), (1..36).collect()] {
                let mut changes = ChangeSet::new(Arc::clone(&before.catalogue));
                edit.iter().for_each(|n| changes.push(describe(&name(*n), "edited")));
                removed.iter().for_each(|n| changes.push(Change::Delete { name: name(*n) }));
                changes.push(put("new", "new.json", &[], false));
                let stamp = stamp(&format!("case{case}"));
                let after = replay(&changes, &before.catalogue, stamp, NOW).unwrap().catalogue;
                let alone = encode(after.clone());
                let (following, splices) = encode_after(before, after, "room that was used before".to_owned());
                assert_eq!(following.text, alone.text, "{case} {removed:?}");
                let by_comparison = diff_texts(before, &following);
                let size = |splices: &[patch::Splice]| -> usize {
                    splices.iter().map(|splice| splice.insert.len() + splice.remove.len()).sum()
                };
                // Some entries may be written as changed before it is seen that many were removed.
                assert!(size(&splices) <= size(&by_comparison) + 3_000, "{case} {removed:?}");
                for splices in [splices, by_comparison] {
                    assert_eq!(patch::apply(&before.text, &splices).unwrap(), *alone.text);
                    assert_eq!(patch::revert(&alone.text, &splices).unwrap(), *before.text);
                }
                assert!(parse(&following.text).is_ok());
            }
        }
    }
}
