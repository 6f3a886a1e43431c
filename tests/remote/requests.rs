//! What opening, looking and writing cost in requests.

use datafolio::{AddOptions, DescribeOptions};
use serde_json::json;

use super::Remote;

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
}

#[test]
fn adding_is_four_requests() {
    let remote = Remote::s3();
    remote.create("a").add("first", json!(1), AddOptions::new()).unwrap();
    let folio = remote.open("a");
    requests(&remote);
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    folio.add("y", json!(1), AddOptions::new()).unwrap();
    println!("{:#?}", requests(&remote));
    drop(folio);
    println!("{:#?}", requests(&remote));
}
