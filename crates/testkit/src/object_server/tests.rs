//! The server as a client sees it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where something is not as it should be")]

mod client;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use client::{content, send, status};

use super::encoding::{elements, percent_encode, text_of, unescape};
use super::{FaultKind, ObjectServer};

const HELLO: &str = "\"5d41402abc4b2a76b9719d911017c592\"";

#[test]
fn writes_keep_their_conditions() {
    let server = ObjectServer::start();
    let put = |headers: &[(&str, &str)], body: &[u8]| send(&server, "PUT /bucket/k", headers, body).unwrap();
    // There is nothing yet.
    assert_eq!(put(&[("If-Match", HELLO)], b"x").status, 404);
    assert_eq!(put(&[("x-goog-if-generation-match", "1")], b"x").status, 412);
    assert!(server.objects().is_empty());
    let first = put(&[("If-None-Match", "*")], b"hello");
    assert_eq!((first.status, first.header("etag")), (200, Some(HELLO)));
    let generation = first.header("x-goog-generation").unwrap().to_owned();
    // Now there is.
    for (name, value) in [("If-None-Match", "*"), ("If-Match", "\"other\""), ("x-goog-if-generation-match", "0")] {
        let refused = put(&[(name, value)], b"x");
        assert_eq!((refused.status, refused.code().as_str()), (412, "PreconditionFailed"), "{name}: {value}");
    }
    assert_eq!(put(&[("If-None-Match", HELLO)], b"x").status, 501);
    assert_eq!(content(&server, "k").unwrap(), b"hello");
    let second = put(&[("x-goog-if-generation-match", &generation)], b"hello");
    assert_eq!((second.status, second.header("etag")), (200, Some(HELLO)), "equal bytes have equal e-tags");
    assert_eq!(put(&[("x-goog-if-generation-match", &generation)], b"x").status, 412, "the generation is another one");
    assert_eq!(put(&[("If-Match", HELLO)], b"world").status, 200);
    assert_eq!(content(&server, "k").unwrap(), b"world");
    assert_eq!(put(&[], b"anything").status, 200);

    server.faults().set_ignore_conditions(true);
    assert_eq!(put(&[("If-None-Match", "*")], b"forced").status, 200);
    assert_eq!(put(&[("If-Match", HELLO), ("x-goog-if-generation-match", "7")], b"forced").status, 200);
    assert_eq!(content(&server, "k").unwrap(), b"forced");
}

#[test]
fn one_of_many_writers_creates_an_object() {
    let server = ObjectServer::start();
    let create = |n: usize| status(&server, "PUT /bucket/k", &[("If-None-Match", "*")], n.to_string().as_bytes());
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..16).map(|n| scope.spawn(move || create(n))).collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    let winners: Vec<usize> = (0..16).filter(|n| statuses[*n] == 200).collect();
    assert_eq!(winners.len(), 1, "{statuses:?}");
    assert_eq!(content(&server, "k").unwrap(), winners[0].to_string().as_bytes());
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 15);
}

#[test]
fn reads_give_ranges_and_what_describes_the_object() {
    let server = ObjectServer::start();
    server.faults().set_clock_offset(TimeDelta::days(-10_000));
    server.put("k", b"hello");
    let get = |headers: &[(&str, &str)]| send(&server, "GET /bucket/k", headers, b"").unwrap();
    for (range, named, bytes) in [
        ("bytes=1-2", "bytes 1-2/5", "el"),
        ("bytes=3-", "bytes 3-4/5", "lo"),
        ("bytes=-2", "bytes 3-4/5", "lo"),
        ("bytes=-9", "bytes 0-4/5", "hello"),
        ("bytes=4-99", "bytes 4-4/5", "o"),
    ] {
        let part = get(&[("Range", range)]);
        assert_eq!((part.status, part.header("content-range"), part.text()), (206, Some(named), bytes), "{range}");
        assert_eq!(part.header("etag"), Some(HELLO));
    }
    for range in ["bytes=5-", "bytes=5-6", "bytes=-0"] {
        let refused = get(&[("Range", range)]);
        assert_eq!((refused.status, refused.code().as_str()), (416, "InvalidRange"), "{range}");
        assert_eq!(refused.header("content-range"), Some("bytes */5"));
    }
    for range in ["bytes=3-2", "bytes=0-0,2-2", "lines=1-2"] {
        assert_eq!((get(&[("Range", range)]).status, get(&[("Range", range)]).text()), (200, "hello"), "{range}");
    }
    let unchanged = get(&[("If-None-Match", HELLO)]);
    assert_eq!((unchanged.status, unchanged.header("etag"), unchanged.body.len()), (304, Some(HELLO), 0));
    assert_eq!(get(&[("If-None-Match", "\"other\"")]).text(), "hello");
    assert_eq!(get(&[("If-Match", "\"other\"")]).status, 412);
    assert_eq!(get(&[("If-Match", HELLO)]).status, 200);

    let head = send(&server, "HEAD /bucket/k", &[], b"").unwrap();
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("5"), 0));
    assert_eq!(head.header("accept-ranges"), Some("bytes"));
    assert!(head.header("x-goog-generation").is_some());
    for name in ["last-modified", "date"] {
        let time = DateTime::parse_from_rfc2822(head.header(name).unwrap()).unwrap().with_timezone(&Utc);
        let behind = Utc::now() - time;
        assert!((behind - TimeDelta::days(10_000)).abs() < TimeDelta::minutes(5), "{name}: {time}");
    }
    assert_eq!(send(&server, "GET /bucket/none", &[], b"").unwrap().code(), "NoSuchKey");
    assert_eq!(send(&server, "GET /pail/k", &[], b"").unwrap().code(), "NoSuchBucket");
    assert_eq!(status(&server, "PUT /bucket/k?tagging", &[], b"<Tagging/>"), 501);
    let seen: Vec<_> = server.take_requests().into_iter().filter(|each| each.method == "HEAD").collect();
    assert_eq!((seen.len(), seen[0].sent, seen[0].status), (1, 0, 200));
    assert!(server.requests().is_empty());
}

/// All keys and folders of a list, page by page, and how many pages there were.
fn list(server: &ObjectServer, query: &str) -> (Vec<String>, Vec<String>, usize) {
    let (mut keys, mut folders, mut pages, mut token) = (Vec::new(), Vec::new(), 0, String::new());
    loop {
        let reply = send(server, &format!("GET /bucket?list-type=2{query}{token}"), &[], b"").unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
        pages += 1;
        assert!(pages < 50, "the pages have no end");
        keys.extend(elements(reply.text(), "Contents").iter().map(|each| text_of(each, "Key").unwrap()));
        let inside = |xml: &&str| unescape(elements(xml, "Prefix")[0]).unwrap();
        folders.extend(elements(reply.text(), "CommonPrefixes").iter().map(inside));
        match text_of(reply.text(), "NextContinuationToken") {
            Some(next) => token = format!("&continuation-token={}", percent_encode(&next)),
            None => return (keys, folders, pages),
        }
    }
}

#[test]
fn lists_come_in_pages_with_every_key_once() {
    let server = ObjectServer::start();
    let odd = ["a b", "a+b", "a&b<c>", "a%20b", "d/e f/ü.txt", "d/e f/\"q\"", "d/z", "grün/1", "zz"];
    for key in odd {
        let path = format!("PUT /bucket/{}", percent_encode(key));
        assert_eq!(status(&server, &path, &[], key.as_bytes()), 200);
    }
    // As a client of Google's API writes it, and with a plus sign, which is only a blank in a query.
    assert_eq!(send(&server, "GET /bucket/d%2Fz", &[], b"").unwrap().text(), "d/z");
    assert_eq!(send(&server, "GET /bucket/a+b", &[], b"").unwrap().text(), "a+b");
    let mut sorted: Vec<String> = odd.iter().map(|key| (*key).to_owned()).collect();
    sorted.sort();
    assert_eq!(list(&server, ""), (sorted.clone(), vec![], 1));
    server.faults().set_page_size(2);
    assert_eq!(list(&server, ""), (sorted.clone(), vec![], 5));
    assert_eq!(list(&server, "&max-keys=1").2, 9);
    server.faults().set_page_size(1);
    // A folder is one entry, and no page begins in the middle of one.
    let (keys, folders, pages) = list(&server, "&delimiter=%2F");
    assert_eq!((keys.len(), folders, pages), (5, vec!["d/".to_owned(), "grün/".to_owned()], 7));
    let (keys, folders, _) = list(&server, "&delimiter=/&prefix=d/");
    assert_eq!((keys, folders), (vec!["d/z".to_owned()], vec!["d/e f/".to_owned()]));
    let (keys, _, _) = list(&server, "&prefix=d/e+f/");
    assert_eq!(keys, ["d/e f/\"q\"", "d/e f/ü.txt"]);
    assert_eq!(list(&server, "&start-after=d/z").0, ["grün/1", "zz"]);
    assert_eq!(list(&server, "&prefix=none"), (vec![], vec![], 1));
    let encoded = send(&server, "GET /bucket?list-type=2&prefix=gr&encoding-type=url", &[], b"").unwrap();
    assert_eq!(text_of(encoded.text(), "Key").unwrap(), "gr%C3%BCn/1");

    let gone = b"<Delete><Object><Key>a&amp;b&lt;c&gt;</Key></Object><Object><Key>none</Key></Object></Delete>";
    let deleted = send(&server, "POST /bucket?delete", &[], gone).unwrap();
    assert_eq!(elements(deleted.text(), "Deleted").len(), 2);
    assert_eq!(server.objects().len(), 8);
    assert_eq!(status(&server, "DELETE /bucket/zz", &[], b""), 204);
    assert_eq!(status(&server, "DELETE /bucket/zz", &[], b""), 204);
    assert_eq!(status(&server, "DELETE /bucket/zz", &[("Authorization", "Bearer")], b""), 404);
    assert_eq!(server.objects().len(), 7);
}

#[test]
fn objects_in_parts_appear_when_they_are_completed() {
    let server = ObjectServer::start();
    let begin = || {
        let reply = send(&server, "POST /bucket/k?uploads=", &[], b"").unwrap();
        percent_encode(&text_of(reply.text(), "UploadId").unwrap())
    };
    let part = |id: &str, number: u32, body: &[u8]| {
        let reply = send(&server, &format!("PUT /bucket/k?partNumber={number}&uploadId={id}"), &[], body).unwrap();
        reply.header("etag").unwrap().to_owned()
    };
    let complete = |id: &str, parts: &[(u32, &str)], headers: &[(&str, &str)]| {
        let parts = parts.iter().map(|(n, tag)| format!("<Part><ETag>{tag}</ETag><PartNumber>{n}</PartNumber></Part>"));
        let body = format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", parts.collect::<String>());
        send(&server, &format!("POST /bucket/k?uploadId={id}"), headers, body.as_bytes()).unwrap()
    };
    let id = begin();
    let (second, first) = (part(&id, 2, b"lo"), part(&id, 1, b"hel"));
    assert!(server.objects().is_empty());
    assert_eq!(server.unfinished_uploads(), 1);
    assert_eq!(complete(&id, &[(1, &first), (3, &second)], &[]).code(), "InvalidPart");
    assert_eq!(complete(&id, &[(1, &second), (2, &first)], &[]).code(), "InvalidPart");
    assert_eq!(complete(&id, &[(2, &second), (1, &first)], &[]).code(), "InvalidPartOrder");
    let done = complete(&id, &[(1, &first), (2, &second.replace('"', "&quot;"))], &[("If-None-Match", "*")]);
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(content(&server, "k").unwrap(), b"hello");
    let tag = text_of(done.text(), "ETag").unwrap();
    assert_eq!(tag, "\"554a2f6105cc700b8cc987b5ddfb8102-2\"", "the sum of the sums of the parts");
    assert_eq!(send(&server, "HEAD /bucket/k", &[], b"").unwrap().header("etag"), Some(tag.as_str()));
    assert_eq!(server.unfinished_uploads(), 0);
    assert_eq!(complete(&id, &[(1, &first)], &[]).code(), "NoSuchUpload");

    let again = begin();
    let copy = [("x-amz-copy-source", "bucket/k"), ("x-amz-copy-source-range", "bytes=0-1")];
    let copied = send(&server, &format!("PUT /bucket/k?partNumber=1&uploadId={again}"), &copy, b"").unwrap();
    let tag = text_of(copied.text(), "ETag").unwrap();
    assert_eq!(complete(&again, &[(1, &tag)], &[("If-None-Match", "*")]).status, 412);
    assert_eq!((server.unfinished_uploads(), content(&server, "k").unwrap()), (1, b"hello".to_vec()));
    assert_eq!(complete(&again, &[(1, &tag)], &[]).status, 200);
    assert_eq!(content(&server, "k").unwrap(), b"he");
    let third = begin();
    assert_eq!(status(&server, &format!("DELETE /bucket/k?uploadId={third}"), &[], b""), 204);
    assert_eq!(server.unfinished_uploads(), 0);
}

#[test]
fn objects_are_copied() {
    let server = ObjectServer::start();
    server.put("a b", b"hello");
    let copy = |headers: &[(&str, &str)]| status(&server, "PUT /bucket/to", headers, b"");
    assert_eq!(copy(&[("x-amz-copy-source", "bucket/none")]), 404);
    assert_eq!(copy(&[("x-amz-copy-source", "/bucket/a%20b"), ("x-amz-copy-source-if-match", "\"other\"")]), 412);
    assert!(content(&server, "to").is_none());
    assert_eq!(copy(&[("x-amz-copy-source", "/bucket/a%20b"), ("x-amz-copy-source-if-match", HELLO)]), 200);
    assert_eq!(content(&server, "to").unwrap(), b"hello");
    assert!(server.remove("to") && !server.remove("to"));
    assert_eq!(copy(&[("x-goog-copy-source", "bucket/a%20b"), ("x-goog-if-generation-match", "0")]), 200);
    assert_eq!(copy(&[("x-goog-copy-source", "bucket/a%20b"), ("x-goog-if-generation-match", "0")]), 412);
}

#[test]
fn each_fault_befalls_one_request_and_is_what_it_says() {
    let server = ObjectServer::start();
    server.put("there", b"hello");
    // Of each kind: the status, 0 for no answer at all, and whether the object is written.
    for (kind, expected, written) in [
        (FaultKind::ErrorBefore, 500, false),
        (FaultKind::SlowDown, 503, false),
        (FaultKind::ErrorAfter, 500, true),
        (FaultKind::CutBefore, 0, false),
        (FaultKind::CutAfter, 0, true),
        (FaultKind::Conflict, 409, false),
        (FaultKind::Precondition, 412, false),
        (FaultKind::PreconditionAfter, 412, true),
    ] {
        server.faults().next(kind, Some("PUT"), "ke");
        assert_eq!(status(&server, "GET /bucket/there", &[], b""), 200, "another method");
        assert_eq!(status(&server, "PUT /bucket/other", &[], b""), 200, "another key");
        assert_eq!(server.faults().waiting(), 1);
        server.take_requests();
        let seen = send(&server, "PUT /bucket/key", &[("If-None-Match", "*")], b"hello");
        assert_eq!(seen.map_or(0, |reply| reply.status), expected, "{kind:?}");
        assert_eq!(server.remove("key"), written, "{kind:?}");
        let log = server.take_requests();
        assert_eq!((log.len(), log[0].status, log[0].received), (1, expected, 5), "{kind:?}");
        assert_eq!(server.faults().waiting(), 0);
        assert_eq!(status(&server, "PUT /bucket/key", &[], b""), 200, "only one request has it");
        server.remove("key");
    }
    server.faults().next(FaultKind::ShortRead, None, "there");
    assert!(send(&server, "GET /bucket/there", &[], b"").is_err());
    assert_eq!(server.take_requests().last().unwrap().sent, 2);
    assert_eq!(send(&server, "GET /bucket/there", &[], b"").unwrap().text(), "hello");
}

#[test]
fn a_cut_connection_has_no_byte_of_an_answer_and_a_short_one_half() {
    let server = ObjectServer::start();
    server.put("k", &[7; 100_000]);
    let read_all = || {
        let mut stream = TcpStream::connect(server.endpoint().trim_start_matches("http://")).unwrap();
        let mut bytes = Vec::new();
        // No `Connection: close`: it is the server that has to end it.
        let _ = stream.write_all(b"GET /bucket/k HTTP/1.1\r\nHost: test\r\n\r\n");
        let _ = stream.read_to_end(&mut bytes);
        bytes
    };
    server.faults().next(FaultKind::CutAfter, None, "");
    assert_eq!(read_all(), b"");
    server.faults().next(FaultKind::ShortRead, None, "");
    let bytes = read_all();
    assert_eq!(bytes.iter().filter(|byte| **byte == 7).count(), 50_000);
    assert!(String::from_utf8_lossy(&bytes[..1000]).to_lowercase().contains("content-length: 100000"));
    server.take_requests();
    server.faults().set_down(true);
    assert_eq!(read_all(), b"");
    assert!(server.requests().is_empty());
    server.faults().set_down(false);
    assert_eq!(status(&server, "GET /bucket/k", &[], b""), 200);
}

#[test]
fn chance_is_the_same_for_the_same_seed() {
    let server = ObjectServer::start();
    let statuses = |seed: u64| -> Vec<u16> {
        server.faults().set_seed(seed);
        (0..60).map(|_| status(&server, "PUT /bucket/k", &[], b"x")).collect()
    };
    server.faults().set_write_rate(FaultKind::ErrorBefore, 300);
    server.faults().set_write_rate(FaultKind::SlowDown, 300);
    server.faults().set_write_rate(FaultKind::Precondition, 300);
    let first = statuses(1);
    assert_eq!(statuses(1), first);
    assert_ne!(statuses(2), first);
    for expected in [200, 500, 503] {
        assert!(first.iter().filter(|status| **status == expected).count() > 5, "{first:?}");
    }
    assert!(!first.contains(&412), "a write without a condition cannot fail for one");
    assert_eq!(status(&server, "GET /bucket/k", &[], b""), 200, "reads have rates of their own");
    server.faults().set_read_rate(FaultKind::SlowDown, 1000);
    assert_eq!(status(&server, "GET /bucket/k", &[], b""), 503);
    server.faults().clear();
    assert_eq!(statuses(1), [200; 60]);
}

#[test]
fn requests_are_refused_and_slowed_down() {
    let server = ObjectServer::start();
    server.put("k", &[1; 2000]);
    let get = |headers: &[(&str, &str)]| send(&server, "GET /bucket/k", headers, b"").unwrap();
    server.faults().set_required_key(Some("AKIA"));
    assert_eq!((get(&[]).status, get(&[]).code().as_str()), (403, "InvalidAccessKeyId"));
    assert_eq!(get(&[("Authorization", "AWS4-HMAC-SHA256 Credential=AKIAX/d/r/s3/x")]).status, 403);
    assert_eq!(get(&[("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA/d/r/s3/x")]).status, 200);
    server.faults().set_required_key(None);
    server.faults().set_deny_writes(true);
    assert_eq!((get(&[]).status, status(&server, "DELETE /bucket/k", &[], b"")), (200, 403));
    server.faults().set_deny(true);
    assert_eq!((get(&[]).status, get(&[]).code().as_str()), (403, "AccessDenied"));
    server.faults().clear();

    server.faults().set_latency(Duration::from_millis(150));
    let begun = Instant::now();
    get(&[]);
    assert!(begun.elapsed() >= Duration::from_millis(150));
    server.faults().clear();
    server.faults().set_bandwidth(Some(10_000));
    let begun = Instant::now();
    assert_eq!(get(&[]).body, [1; 2000]);
    assert!(begun.elapsed() >= Duration::from_millis(150));
    server.faults().clear();

    // What is sent in full is done, though nobody waits for it.
    server.faults().set_latency(Duration::from_millis(100));
    let mut stream = TcpStream::connect(server.endpoint().trim_start_matches("http://")).unwrap();
    stream.write_all(b"PUT /bucket/late HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\n\r\nx").unwrap();
    std::thread::sleep(Duration::from_millis(30));
    drop(stream);
    assert!(content(&server, "late").is_none());
    let begun = Instant::now();
    while content(&server, "late").is_none() {
        assert!(begun.elapsed() < Duration::from_secs(10), "it was never done");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_dropped_server_is_gone() {
    let server = ObjectServer::start();
    let address = server.endpoint().trim_start_matches("http://").to_owned();
    // An idle connection does not keep it.
    let mut idle = TcpStream::connect(&address).unwrap();
    idle.write_all(b"GET /bucket/k HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    let _ = idle.read(&mut [0; 10]).unwrap();
    drop(server);
    assert!(TcpStream::connect(&address).is_err());
}
