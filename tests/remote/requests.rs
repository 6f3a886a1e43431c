//! What opening, looking and writing cost in requests.

use datafolio::{AddOptions, DescribeOptions};
use serde_json::json;

use super::Remote;
use crate::cli::Home;

fn requests(remote: &Remote) -> Vec<String> {
    let shown = |request: datafolio_testkit::object_server::Request| {
        format!("{} {} {}", request.method, request.key.trim_start_matches("runs/a/"), request.status)
    };
    remote.server.take_requests().into_iter().map(shown).collect()
}

#[test]
fn opening_is_one_request_and_looking_around_none() {
    let remote = Remote::s3();
    let folio = remote.create("a");
    folio.add("params", json!({"rate": 0.1}), AddOptions::new().description("of the run")).unwrap();
    drop(folio);
    requests(&remote);
    let folio = remote.open("a");
    assert_eq!(requests(&remote), ["GET items.json 200"]);
    assert_eq!(folio.items(true).len(), 1);
    folio.item_info("params").unwrap();
    assert!(folio.describe(&DescribeOptions::default()).unwrap().contains("params"));
    assert_eq!(requests(&remote), [] as [String; 0]);
    folio.refresh().unwrap();
    assert_eq!(requests(&remote), ["GET items.json 304"]);
    // This machine has seen the catalogue: it is not fetched again, unless it is another one by now.
    assert_eq!(remote.open("a").get_json("params").unwrap()["rate"], 0.1);
    assert_eq!(requests(&remote)[0], "GET items.json 304");
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    requests(&remote);
    assert_eq!(remote.open("a").revision(), 3);
    assert_eq!(requests(&remote), ["GET items.json 200"]);
}

/// The payload, the entry of the history and the catalogue, one after the other, and the note of what was published last. The
/// first commit of a handle looks once when a full copy of the catalogue was kept, and what was noted before; the page for people comes at the
/// end.
#[test]
fn adding_is_four_requests() {
    let remote = Remote::s3();
    remote.create("a").add("first", json!(1), AddOptions::new()).unwrap();
    let folio = remote.open("a");
    requests(&remote);
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    folio.add("y", json!(1), AddOptions::new()).unwrap();
    let whole: Vec<String> = requests(&remote);
    let shown: Vec<String> = whole.iter().map(|request| random_parts_removed(request)).collect();
    assert_eq!(
        shown,
        [
            "PUT artifacts/x.json 200",
            "GET history/0000000002.json 200",
            "PUT history/0000000003.json 200",
            "PUT items.json 200",
            "GET history/published 200",
            "PUT history/published 200",
            "PUT artifacts/y.json 200",
            "PUT history/0000000004.json 200",
            "PUT items.json 200",
            "PUT history/published 200",
        ]
    );
    drop(folio);
    assert_eq!(requests(&remote), ["GET items.json 304", "PUT CONTENTS.md 200"]);
}

/// `x--abc.json` as `x.json`, `0000000002-abc.json` as `0000000002.json`.
fn random_parts_removed(request: &str) -> String {
    match (request.find('-'), request.find(".json")) {
        (Some(dash), Some(end)) if dash < end => format!("{}{}", &request[..dash], &request[end..]),
        _ => request.to_owned(),
    }
}

/// What lists items shows the sizes that the catalogue has, those of JSON values too, and asks the store for nothing else.
#[test]
fn the_program_lists_sizes_without_asking_for_them() {
    let remote = Remote::s3();
    let folio = remote.create("a");
    folio.add("params", json!({"rate": 0.1}), AddOptions::new()).unwrap();
    folio.add("more", json!([1, 2, 3]), AddOptions::new()).unwrap();
    let size = folio.item_info("params").unwrap().record["size_bytes"].as_u64().unwrap();
    drop(folio);
    let home = Home::new()
        .with("AWS_ENDPOINT_URL", &remote.server.endpoint())
        .with("AWS_ACCESS_KEY_ID", "key")
        .with("AWS_SECRET_ACCESS_KEY", "secret")
        .with("AWS_REGION", "here");
    let address = remote.address("a");
    requests(&remote);
    let listed = home.json(&["-f", &address, "ls"]);
    assert_eq!((&listed[0]["name"], &listed[0]["size_bytes"]), (&json!("params"), &json!(size)));
    assert_eq!(requests(&remote), ["GET items.json 200"]);
    for command in ["ls", "describe"] {
        let shown = home.ok(&["-f", &address, command]);
        assert!(shown.contains(&format!("{size} B")), "{command}: {shown}");
        assert_eq!(requests(&remote), ["GET items.json 304"], "{command}");
    }
}
