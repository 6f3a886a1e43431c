//! Writers of both kinds at work on one bundle at the same time.

use std::time::{Duration, Instant};

use datafolio::core::RelPath;
use datafolio::storage::LocalStorage;
use datafolio::{AddOptions, OpenOptions, Settings, Storage};
use serde_json::json;

use super::peer::{Peer, Release};
use crate::support::new_bundle;

#[test]
fn our_handle_open_across_their_write_merges_or_conflicts() {
    let (_dir, folio) = new_bundle();
    folio.add("same", json!("ours"), AddOptions::new()).unwrap();
    folio.add("edited", json!("ours"), AddOptions::new()).unwrap();
    folio.add("deleted", json!("ours"), AddOptions::new()).unwrap();
    let Some(mut peer) = Peer::open(Release::V2_3, folio.location()) else { return };
    peer.get("folio.add('same', 'theirs', overwrite=True)");
    peer.get("folio.update_item('edited', description='theirs')");
    peer.get("folio.delete('deleted')");
    peer.get("folio.add('new', 'theirs')");
    peer.get("folio.metadata['key'] = 'theirs'");

    // The handle still sees its own revision. What it has not seen it does not overwrite.
    assert!(!folio.contains("new"));
    let overwrite = || AddOptions::new().overwrite();
    for name in ["same", "edited", "deleted", "new"] {
        let error = folio.add(name, json!("again"), overwrite()).unwrap_err();
        assert_eq!(error.code(), "conflict", "{name}: {error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    assert_eq!(folio.update_item("same", Some("d"), None).unwrap_err().code(), "conflict");
    assert_eq!(folio.rename("edited", "other").unwrap_err().code(), "conflict");
    assert_eq!(folio.set_metadata("key", "ours").unwrap_err().code(), "conflict");
    // Everything else merges.
    folio.add("ours", json!(1), AddOptions::new()).unwrap();
    assert_eq!(folio.get_json("same").unwrap(), "theirs");
    assert_eq!(peer.get("folio.get('ours')"), 1);
    folio.add("same", json!("again"), overwrite()).unwrap();
    assert_eq!(peer.get("folio.get('same')"), "again");
}

#[test]
fn their_handle_open_across_our_write_is_told() {
    let (_dir, folio) = new_bundle();
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    let Some(mut peer) = Peer::open(Release::V2_3, folio.location()) else { return };
    folio.add("y", json!(2), AddOptions::new()).unwrap();
    let raised = peer.run("folio.add('z', 3)").unwrap_err();
    assert_eq!(raised.error, "ConcurrentWriteError");
    folio.refresh().unwrap();
    assert!(!folio.contains("z"));
    peer.get("folio.refresh(); folio.add('z', 3)");
    folio.refresh().unwrap();
    assert_eq!(folio.get_json("z").unwrap(), 3);
    assert_eq!(peer.get("folio.get('y')"), 2);
    // A read refreshes by itself.
    folio.add("y", json!(4), AddOptions::new().overwrite()).unwrap();
    assert_eq!(peer.get("folio.get('y')"), 4);
}

/// 2.3 waits while we hold the lock.
#[test]
fn their_write_waits_for_our_lock() {
    let (_dir, folio) = new_bundle();
    let Some(mut peer) = Peer::open(Release::V2_3, folio.location()) else { return };
    let storage = LocalStorage::open(std::path::Path::new(&folio.location())).unwrap();
    let lock = storage.lock(Duration::ZERO).unwrap();
    peer.send("folio.add('x', 1)");
    assert!(peer.still_waits(Duration::from_secs(1)));
    assert!(storage.stat(&RelPath::parse("items.json.lock").unwrap()).unwrap().is_some());
    drop(lock);
    peer.answer().unwrap();
    folio.refresh().unwrap();
    assert_eq!(folio.get_json("x").unwrap(), 1);
}

/// We wait while 2.3 holds the lock, and say so when it takes too long.
#[test]
fn our_write_waits_for_their_lock() {
    let (_dir, folio) = new_bundle();
    let Some(mut peer) = Peer::open(Release::V2_3, folio.location()) else { return };
    peer.get("lock = folio._local_lock(); lock.acquire(); None");
    let mut settings = Settings::default();
    settings.lock_timeout = Duration::from_millis(300);
    let hasty = OpenOptions::new().settings(settings).open(folio.location()).unwrap();
    let begun = Instant::now();
    let error = hasty.add("x", json!(1), AddOptions::new()).unwrap_err();
    assert_eq!(error.code(), "locked", "{error}");
    assert!(begun.elapsed() >= Duration::from_millis(300));
    // Readers never wait.
    assert!(hasty.items(true).is_empty());
    peer.send("import time; time.sleep(1); lock.release()");
    let begun = Instant::now();
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(500), "{:?}", begun.elapsed());
    peer.answer().unwrap();
    assert_eq!(peer.get("folio.get('x')"), 1);
}

/// The file of the lock stays, and neither side is confused by the other's.
#[test]
fn many_writes_in_turn() {
    let (_dir, folio) = new_bundle();
    let Some(mut peer) = Peer::open(Release::V2_3, folio.location()) else { return };
    for round in 0..10 {
        folio.add(&format!("ours{round}"), json!(round), AddOptions::new()).unwrap();
        peer.get(&format!("folio.refresh(); folio.add('theirs{round}', {round})"));
    }
    folio.refresh().unwrap();
    assert_eq!(folio.revision(), 21);
    assert_eq!(folio.list(false).json_data.len(), 20);
    let log = folio.log(100).unwrap();
    assert_eq!(log.len(), 21);
    assert!(log.windows(2).all(|pair| pair[0].revision == pair[1].revision + 1));
}
