//! Stores that refuse, are not there or cannot be trusted: a kind for each, and words that help.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use datafolio_storage::conformance::{path, put};
use datafolio_storage::{Publish, Reread, Storage, StorageError, StorageOptions};
use datafolio_testkit::object_server::ObjectServer;

use super::s3;
use crate::{Address, ObjectStorage};

#[test]
fn a_store_that_ignores_conditions_is_refused_for_writing_and_can_be_read() {
    let server = ObjectServer::start();
    server.faults().set_ignore_conditions(true);
    server.put("run/items.json", b"{}");
    let storage = s3(&server, "run");
    for error in [
        put(&storage, "a.bin", b"1").unwrap_err(),
        storage.publish(&path("items.json"), b"x", None).map(drop).unwrap_err(),
        storage.delete(&path("items.json")).unwrap_err(),
        storage.replace(&path("items.json"), b"x").unwrap_err(),
    ] {
        assert_eq!(error.code(), "conditions-ignored", "{error}");
    }
    assert_eq!(server.objects(), [("run/items.json".to_owned(), b"{}".to_vec())]);
    assert_eq!(storage.read(&path("items.json"), 10).unwrap(), b"{}");
    // Once it keeps to them, it can be written to.
    server.faults().set_ignore_conditions(false);
    put(&storage, "a.bin", b"1").unwrap();
}

#[test]
fn refusals_say_what_was_refused_and_which_credentials_were_used() {
    let server = ObjectServer::start();
    server.put("run/items.json", b"{}");
    let storage = s3(&server, "run");
    server.faults().set_deny(true);
    let denied = storage.read(&path("items.json"), 10).unwrap_err();
    assert!(matches!(denied, StorageError::AccessDenied { .. }), "{denied}");
    let text = denied.to_string();
    assert!(text.contains("items.json") && text.contains("option access_key_id") && !text.contains("secret"), "{text}");
    server.faults().set_deny(false);
    server.faults().set_deny_writes(true);
    assert_eq!(put(&storage, "a.bin", b"1").unwrap_err().code(), "access-denied");
    assert_eq!(storage.read(&path("items.json"), 10).unwrap(), b"{}");
    server.faults().set_deny_writes(false);
    server.faults().set_required_key(Some("another"));
    assert_eq!(storage.read(&path("items.json"), 10).unwrap_err().code(), "access-denied");
}

#[test]
fn buckets_that_are_not_there_are_told_from_files() {
    let server = ObjectServer::start();
    let options = || {
        StorageOptions::new()
            .with("endpoint", server.endpoint())
            .with("access_key_id", "key")
            .with("secret_access_key", "secret")
    };
    let storage = ObjectStorage::new(Address::parse("s3://nowhere/run").unwrap(), options(), None).unwrap();
    assert_eq!(storage.read_tagged(&path("items.json"), 10).unwrap_err().code(), "no-such-bucket");
    assert_eq!(put(&storage, "a", b"1").unwrap_err().code(), "no-such-bucket");
    assert_eq!(storage.list(None).unwrap_err().code(), "no-such-bucket");
    assert!(s3(&server, "run").read_tagged(&path("items.json"), 10).unwrap().is_none());
}

#[test]
fn a_store_that_is_down_is_unreachable_and_works_again_afterwards() {
    let server = ObjectServer::start();
    server.put("run/items.json", b"{}");
    let options = StorageOptions::new()
        .with("endpoint", server.endpoint())
        .with("access_key_id", "key")
        .with("secret_access_key", "secret")
        .with("max_retries", "2");
    let storage = ObjectStorage::new(Address::parse("s3://bucket/run").unwrap(), options, None).unwrap();
    put(&storage, "first", b"1").unwrap();
    let (_, tag) = storage.read_tagged(&path("items.json"), 10).unwrap().unwrap();
    server.faults().set_down(true);
    assert_eq!(storage.read(&path("items.json"), 10).unwrap_err().code(), "store-unreachable");
    assert_eq!(put(&storage, "a", b"1").unwrap_err().code(), "store-unreachable");
    let published = storage.publish(&path("items.json"), b"x", Some(&tag));
    assert!(matches!(&published, Ok(Publish::Unclear(error)) if error.code() == "store-unreachable"), "{published:?}");
    server.faults().set_down(false);
    assert_eq!(storage.read(&path("items.json"), 10).unwrap(), b"{}");
    put(&storage, "a", b"1").unwrap();
    // Nobody listens there: a publish was never sent, and is not unclear.
    drop(server);
    let published = storage.publish(&path("items.json"), b"x", Some(&tag)).map(drop);
    assert_eq!(published.unwrap_err().code(), "store-unreachable");
}

#[test]
fn options_that_are_none_are_refused() {
    let open = |options: StorageOptions| ObjectStorage::new(Address::parse("s3://bucket/run").unwrap(), options, None);
    for (options, word) in [
        (StorageOptions::new().with("regoin", "x"), "regoin"),
        (StorageOptions::new().with("endpoint", "http://far.example"), "allow_http"),
        (StorageOptions::new().with("max_retries", "many"), "max_retries"),
        (StorageOptions::new().with("profile", "no such profile"), "no such profile"),
    ] {
        let error = open(options).unwrap_err();
        assert!(error.code() == "invalid-store-option" && error.to_string().contains(word), "{error}");
    }
    let options = StorageOptions::new().with("access_key_id", "AKIA").with("secret_access_key", "SECRET");
    let storage = open(options.clone()).unwrap();
    for text in [format!("{options:?}"), format!("{storage:?}"), storage.location(), storage.access().to_string()] {
        assert!(!text.contains("SECRET") && !text.contains("AKIA"), "{text}");
    }
}

#[test]
fn web_servers_are_only_read() {
    let server = ObjectServer::start();
    server.put("run/items.json", b"{}");
    let url = format!("{}/bucket/run", server.endpoint());
    let storage = ObjectStorage::new(Address::parse(&url).unwrap(), StorageOptions::new(), None).unwrap();
    assert_eq!(storage.read_tagged(&path("items.json"), 10).unwrap().unwrap().0, b"{}");
    assert!(storage.read_tagged(&path("other.json"), 10).unwrap().is_none());
    assert_eq!(put(&storage, "a", b"1").unwrap_err().code(), "read-only-place");
    assert_eq!(storage.publish(&path("items.json"), b"1", None).map(drop).unwrap_err().code(), "read-only-place");
}

/// A web server that says nothing of the state of a file: what it holds tells whether it has changed.
#[test]
fn web_servers_without_e_tags_are_read_anew() {
    let held = Arc::new(Mutex::new(b"{1}".to_vec()));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/run", listener.local_addr().unwrap());
    std::thread::spawn({
        let held = Arc::clone(&held);
        move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
                let body = held.lock().unwrap().clone();
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                stream.write_all(&[head.as_bytes(), &body].concat()).unwrap();
            }
        }
    });
    let storage = ObjectStorage::new(Address::parse(&url).unwrap(), StorageOptions::new(), None).unwrap();
    let (_, tag) = storage.read_tagged(&path("items.json"), 10).unwrap().unwrap();
    assert!(matches!(storage.read_if_changed(&path("items.json"), 10, &tag).unwrap(), Reread::Unchanged));
    *held.lock().unwrap() = b"{2}".to_vec();
    let again = storage.read_if_changed(&path("items.json"), 10, &tag).unwrap();
    assert!(matches!(&again, Reread::Changed(bytes, _) if bytes == b"{2}"), "{again:?}");
    assert!(!storage.is_unchanged(&path("items.json"), &tag).unwrap());
}
