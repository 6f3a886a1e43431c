//! Stores that refuse, fail or are not what they seem, under a bundle.

use datafolio::{AddOptions, DataFolio, OpenOptions};
use datafolio_testkit::object_server::FaultKind;
use serde_json::json;

use super::{Remote, settings_in};

#[test]
fn what_is_no_bundle_or_no_store_is_said() {
    let remote = Remote::s3();
    let open = |address: &str| remote.options().open(address).unwrap_err();
    assert_eq!(open(&remote.address("nothing")).code(), "not-a-bundle");
    assert_eq!(open("s3://elsewhere/run").code(), "no-such-bucket");
    assert!(open("s4://bucket/run").to_string().contains("s4://"));
    let secret = open("s3://KEY:SECRET@bucket/run").to_string();
    assert!(secret.contains("credentials") && !secret.contains("SECRET"), "{secret}");
    remote.server.put("runs/other/notes.txt", b"not ours");
    assert_eq!(remote.options().create(remote.address("other")).unwrap_err().code(), "not-empty");
    remote.create("a");
    assert_eq!(remote.options().create(remote.address("a")).unwrap_err().code(), "bundle-exists");
    remote.options().open_or_create(remote.address("a")).unwrap();
    remote.options().open_or_create(remote.address("b")).unwrap();
    let named = remote.options().random_suffix(true).create(remote.address("c")).unwrap();
    assert!(named.location().starts_with("s3://bucket/runs/c-"), "{}", named.location());
}

#[test]
fn a_store_without_conditions_is_read_and_not_written() {
    let remote = Remote::s3();
    remote.create("a").add("x", json!(1), AddOptions::new()).unwrap();
    // Another process, which has not asked the store before.
    let fresh = tempfile::TempDir::new().unwrap();
    std::fs::remove_dir_all(remote.cache.path()).unwrap();
    remote.server.faults().set_ignore_conditions(true);
    let other = remote.server.endpoint().replace("127.0.0.1", "localhost");
    let options = || {
        OpenOptions::new()
            .settings(settings_in(fresh.path()))
            .storage_options(remote.storage_options().with("endpoint", other.clone()))
    };
    let folio = options().open(remote.address("a")).unwrap();
    assert_eq!(folio.get_json("x").unwrap(), json!(1));
    assert_eq!(folio.add("y", json!(2), AddOptions::new()).unwrap_err().code(), "conditions-ignored");
    assert_eq!(options().create(remote.address("b")).unwrap_err().code(), "conditions-ignored");
    assert_eq!(options().open(remote.address("a")).unwrap().revision(), 2);
}

/// Each single fault of each request of a commit: the commit is there once, whoever is told.
#[test]
fn each_request_of_a_commit_can_fail() {
    for kind in [
        FaultKind::ErrorBefore,
        FaultKind::ErrorAfter,
        FaultKind::CutBefore,
        FaultKind::CutAfter,
        FaultKind::Conflict,
        FaultKind::Precondition,
        FaultKind::PreconditionAfter,
    ] {
        for key in ["artifacts/", "history/0", "items.json", "history/published", "CONTENTS.md"] {
            let remote = Remote::s3();
            let folio = remote.create("a");
            remote.server.faults().next(kind, Some("PUT"), key);
            folio.add("x", json!(1), AddOptions::new()).unwrap_or_else(|error| panic!("{kind:?} {key}: {error}"));
            folio.add("y", json!(2), AddOptions::new()).unwrap();
            drop(folio);
            let folio = remote.open("a");
            assert_eq!((folio.revision(), folio.get_json("x").unwrap()), (3, json!(1)), "{kind:?} {key}");
            let commits = remote.server.objects().into_iter().filter(|(key, _)| key.contains("/history/0")).count();
            // One entry for each commit, and the full copy of the first.
            assert!(commits <= 5, "{kind:?} {key}: {commits}");
        }
    }
}

#[test]
fn a_store_that_goes_down_in_a_commit_leaves_it_unknown_and_the_handle_goes_on_afterwards() {
    let remote = Remote::s3();
    let quick = remote.storage_options().with("max_retries", "1");
    let folio = remote.options().storage_options(quick).create(remote.address("a")).unwrap();
    let _: &DataFolio = &folio;
    remote.server.faults().set_down(true);
    let error = folio.add("x", json!(1), AddOptions::new()).unwrap_err();
    assert_eq!(error.code(), "store-unreachable", "{error}");
    assert_eq!(folio.get_json("x").unwrap_err().code(), "item-not-found");
    remote.server.faults().set_down(false);
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    // The catalogue is written, the answer is lost, and then the store is gone.
    for _ in 0..40 {
        remote.server.faults().next(FaultKind::CutAfter, None, "items.json");
    }
    let error = folio.add("y", json!(2), AddOptions::new()).unwrap_err();
    assert_eq!(error.code(), "commit-unknown", "{error}");
    remote.server.faults().clear();
    folio.refresh().unwrap();
    assert_eq!(folio.get_json("y").unwrap(), json!(2));
    assert_eq!(folio.revision(), 3);
}
