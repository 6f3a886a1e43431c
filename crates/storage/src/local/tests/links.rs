//! Nothing but regular files inside the bundle is read, written or removed.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::{names, new_storage, open_portable, open_walking};
use crate::conformance::{path, put};
use crate::error::{StorageError, StorageResult};
use crate::local::LocalStorage;
use crate::storage::Storage;

/// Every way of resolving paths, on the same directory.
fn all_ways(root: &Path) -> [LocalStorage; 3] {
    [LocalStorage::open(root).unwrap(), open_walking(root), open_portable(root)]
}

/// By the program that every Unix has: macOS has no `mkfifoat`.
fn make_pipe(at: &Path) {
    assert!(Command::new("mkfifo").arg("-m").arg("600").arg(at).status().unwrap().success());
}

fn refused<T>(result: StorageResult<T>) -> &'static str {
    match result.err().expect("this must be refused") {
        StorageError::NotRegular { found, .. } => found,
        other => panic!("refused for another reason: {other}"),
    }
}

/// Every operation on a path that must be refused.
fn refuses_all(storage: &LocalStorage, at: &str) -> &'static str {
    let at = path(at);
    let found = refused(storage.read(&at, 1000));
    assert_eq!(refused(storage.open(&at)), found);
    assert_eq!(refused(storage.read_tagged(&at, 1000)), found);
    assert_eq!(refused(storage.stat(&at)), found);
    assert_eq!(refused(storage.delete(&at)), found);
    assert_eq!(refused(storage.replace(&at, b"x")), found);
    assert_eq!(refused(storage.publish(&at, b"x", None)), found);
    assert!(storage.create(&at).is_err());
    found
}

#[test]
fn links_to_files() {
    let outside = TempDir::new().unwrap();
    let secret = outside.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    let (dir, storage) = new_storage();
    put(&storage, "inside", b"inside").unwrap();
    symlink(&secret, dir.path().join("absolute")).unwrap();
    symlink("inside", dir.path().join("to-inside")).unwrap();
    symlink("nowhere", dir.path().join("dangling")).unwrap();
    symlink("itself", dir.path().join("itself")).unwrap();
    for storage in all_ways(dir.path()) {
        for at in ["absolute", "to-inside", "dangling", "itself"] {
            assert_eq!(refuses_all(&storage, at), "a symbolic link", "{at}");
        }
        assert_eq!(storage.list(None).unwrap().len(), 1);
    }
    assert_eq!(fs::read(&secret).unwrap(), b"secret");
    assert_eq!(names(outside.path()), ["secret"]);
    assert_eq!(names(dir.path()), ["absolute", "dangling", "inside", "itself", "to-inside"]);
}

#[test]
fn links_to_directories() {
    let outside = TempDir::new().unwrap();
    fs::create_dir(outside.path().join("sub")).unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    fs::write(outside.path().join("sub/secret"), "secret").unwrap();
    let (dir, _) = new_storage();
    symlink(outside.path(), dir.path().join("tables")).unwrap();
    for storage in all_ways(dir.path()) {
        for at in ["tables/secret", "tables/sub/secret"] {
            assert_eq!(refuses_all(&storage, at), "a symbolic link", "{at}");
        }
        assert_eq!(refused(storage.create(&path("tables/new"))), "a symbolic link");
        assert_eq!(refused(storage.create(&path("tables/sub/new"))), "a symbolic link");
        assert_eq!(refused(storage.make_dir(&path("tables"))), "a symbolic link");
        assert_eq!(refused(storage.make_dir(&path("tables/made"))), "a symbolic link");
        assert_eq!(refused(storage.list(Some(&path("tables")))), "a symbolic link");
        assert!(storage.list(None).unwrap().is_empty());
    }
    assert_eq!(names(outside.path()), ["secret", "sub"]);
    assert_eq!(names(&outside.path().join("sub")), ["secret"]);
}

#[test]
fn links_that_are_swapped_in_later() {
    let outside = TempDir::new().unwrap();
    fs::write(outside.path().join("a.bin"), "secret").unwrap();
    let (dir, storage) = new_storage();
    put(&storage, "tables/a.bin", b"inside").unwrap();
    let source = storage.open(&path("tables/a.bin")).unwrap();
    let mut staged = storage.create(&path("tables/b.bin")).unwrap();
    let (_, tag) = storage.read_tagged(&path("tables/a.bin"), 100).unwrap().unwrap();

    fs::rename(dir.path().join("tables"), dir.path().join("moved")).unwrap();
    symlink(outside.path(), dir.path().join("tables")).unwrap();

    // What was opened before stays what it is.
    let mut buffer = [0; 6];
    source.read_exact_at(&mut buffer, 0).unwrap();
    assert_eq!(&buffer, b"inside");
    std::io::Write::write_all(&mut staged, b"new").unwrap();
    staged.finish().unwrap();
    assert_eq!(fs::read(dir.path().join("moved/b.bin")).unwrap(), b"new");
    // What is opened now is refused, although the handle knew the directory.
    assert_eq!(refused(storage.is_unchanged(&path("tables/a.bin"), &tag)), "a symbolic link");
    assert_eq!(refuses_all(&storage, "tables/a.bin"), "a symbolic link");
    assert_eq!(refused(storage.create(&path("tables/c.bin"))), "a symbolic link");
    assert_eq!(names(outside.path()), ["a.bin"]);
    assert_eq!(fs::read(outside.path().join("a.bin")).unwrap(), b"secret");
}

/// An unfinished file whose directory was swapped is removed where it is, and nothing outside.
#[test]
fn a_dropped_file_is_removed_in_its_own_directory() {
    let outside = TempDir::new().unwrap();
    fs::write(outside.path().join("b.bin"), "keep").unwrap();
    let (dir, storage) = new_storage();
    let staged = storage.create(&path("tables/b.bin")).unwrap();
    fs::rename(dir.path().join("tables"), dir.path().join("moved")).unwrap();
    symlink(outside.path(), dir.path().join("tables")).unwrap();
    drop(staged);
    assert!(names(&dir.path().join("moved")).is_empty());
    assert_eq!(names(outside.path()), ["b.bin"]);
}

/// Opening a pipe or device for reading usually blocks or never ends; a test that hangs here has failed.
#[test]
fn special_files() {
    let (dir, _) = new_storage();
    make_pipe(&dir.path().join("pipe"));
    let _socket = UnixListener::bind(dir.path().join("socket")).unwrap();
    symlink("/dev/zero", dir.path().join("zero")).unwrap();
    fs::create_dir(dir.path().join("directory")).unwrap();
    let [unix, walking, portable] = all_ways(dir.path());
    for storage in [&unix, &walking] {
        assert_eq!(refuses_all(storage, "pipe"), "a named pipe");
        assert_eq!(refuses_all(storage, "socket"), "a socket");
    }
    for storage in [&unix, &walking, &portable] {
        assert_eq!(refuses_all(storage, "zero"), "a symbolic link");
        assert_eq!(refuses_all(storage, "directory"), "a directory");
    }
    assert_eq!(refuses_all(&portable, "pipe"), "a special file");
    assert!(unix.list(None).unwrap().is_empty());
    assert_eq!(names(dir.path()), ["directory", "pipe", "socket", "zero"]);
}

#[test]
fn devices() {
    // /dev is a directory like any other; its devices are not regular files.
    let storage = LocalStorage::open(Path::new("/dev")).unwrap();
    for device in ["zero", "null"] {
        assert_eq!(refused(storage.read(&path(device), 10)), "a device");
        assert_eq!(refused(storage.open(&path(device))), "a device");
        assert_eq!(refused(storage.stat(&path(device))), "a device");
    }
}

#[test]
fn a_file_where_a_directory_should_be() {
    let (dir, _) = new_storage();
    fs::write(dir.path().join("tables"), "a file").unwrap();
    for storage in all_ways(dir.path()) {
        let at = path("tables/a.bin");
        assert!(storage.stat(&at).unwrap().is_none());
        assert!(matches!(storage.read(&at, 1).unwrap_err(), StorageError::NotFound { .. }));
        storage.delete(&at).unwrap();
        assert!(matches!(storage.create(&at).err().unwrap(), StorageError::Io { .. }));
        assert!(matches!(storage.make_dir(&path("tables")).unwrap_err(), StorageError::Io { .. }));
    }
    assert_eq!(fs::read(dir.path().join("tables")).unwrap(), b"a file");
}

#[test]
fn the_lock_file_is_no_link() {
    let outside = TempDir::new().unwrap();
    let (dir, _) = new_storage();
    symlink(outside.path().join("made"), dir.path().join("items.json.lock")).unwrap();
    for storage in all_ways(dir.path()) {
        assert_eq!(refused(storage.lock(std::time::Duration::ZERO)), "a symbolic link");
    }
    assert!(names(outside.path()).is_empty());
    fs::remove_file(dir.path().join("items.json.lock")).unwrap();
    make_pipe(&dir.path().join("items.json.lock"));
    let [unix, walking, _] = all_ways(dir.path());
    for storage in [unix, walking] {
        assert_eq!(refused(storage.lock(std::time::Duration::ZERO)), "a named pipe");
    }
}

/// Items of 1.x have files with any character in their names. Only what is no Unicode can be named by no catalogue.
#[test]
fn names_of_any_characters_are_listed_and_names_that_are_no_text_are_not() {
    let (dir, storage) = new_storage();
    for name in ["a:b", "a\\b", "new\nline", "ok"] {
        fs::write(dir.path().join(name), "x").unwrap();
    }
    let raw = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff\xfe");
    fs::write(dir.path().join(raw), "x").unwrap();
    let mut listed: Vec<_> = storage.list(None).unwrap().into_iter().map(|info| info.path.to_string()).collect();
    listed.sort_unstable();
    assert_eq!(listed, ["a:b", "a\\b", "new\nline", "ok"]);
}

#[test]
fn the_root_may_be_reached_through_links() {
    let dir = TempDir::new().unwrap();
    let real = dir.path().join("real");
    let storage = LocalStorage::create(&real.join("deep/bundle")).unwrap();
    put(&storage, "a", b"1").unwrap();
    symlink(&real, dir.path().join("link")).unwrap();
    let through = LocalStorage::open(&dir.path().join("link/deep/bundle")).unwrap();
    assert_eq!(through.read(&path("a"), 1).unwrap(), b"1");
    assert_eq!(through.root(), fs::canonicalize(real.join("deep/bundle")).unwrap());
    assert!(through.local_path(&path("a")).unwrap().is_absolute());
    // Making what is there is fine; opening what is not there, or a file, is not.
    LocalStorage::create(&real.join("deep/bundle")).unwrap();
    assert!(matches!(LocalStorage::open(&real.join("no")).unwrap_err(), StorageError::NotFound { .. }));
    assert!(matches!(LocalStorage::open(&real.join("deep/bundle/a")).unwrap_err(), StorageError::Io { .. }));
    assert!(LocalStorage::create(&real.join("deep/bundle/a")).is_err());
    assert!(LocalStorage::create(&real.join("deep/bundle/a/b")).is_err());
}

#[test]
fn permissions_follow_the_umask_and_survive_replacement() {
    let (dir, storage) = new_storage();
    put(&storage, "payload", b"1").unwrap();
    let tag = crate::conformance::done(storage.publish(&path("items.json"), b"1", None));
    fs::write(dir.path().join("by-std"), "").unwrap();
    let mode = |name: &str| fs::metadata(dir.path().join(name)).unwrap().mode() & 0o777;
    assert_eq!(mode("payload"), mode("by-std"));
    assert_eq!(mode("items.json"), mode("by-std"));
    fs::set_permissions(dir.path().join("items.json"), fs::Permissions::from_mode(0o664)).unwrap();
    // Other permissions are another state of the inode: the writer looks again.
    assert!(!storage.is_unchanged(&path("items.json"), &tag).unwrap());
    let (_, tag) = storage.read_tagged(&path("items.json"), 10).unwrap().unwrap();
    crate::conformance::done(storage.publish(&path("items.json"), b"2", Some(&tag)));
    assert_eq!(mode("items.json"), 0o664);
}

/// Whoever looks for files that were left behind must not take a new name of an old file for one.
#[test]
fn a_second_name_is_new_and_changes_nothing_about_its_file() {
    let (dir, storage) = new_storage();
    put(&storage, "tables/a.bin", b"old").unwrap();
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(30 * 24 * 3600);
    fs::File::options().write(true).open(dir.path().join("tables/a.bin")).unwrap().set_modified(long_ago).unwrap();
    let identity = || storage.open(&path("tables/a.bin")).unwrap().identity();
    let before = identity();
    storage.duplicate(&path("tables/a.bin"), &path("parts/b.bin")).unwrap();
    assert_eq!(identity(), before);
    let facts = |at: &str| storage.stat(&path(at)).unwrap().unwrap();
    let (first, second) = (facts("tables/a.bin"), facts("parts/b.bin"));
    assert_eq!((first.id.is_some(), first.id), (true, second.id));
    assert_eq!(second.modified, first.modified);
    let age = |time: std::time::SystemTime| time.elapsed().unwrap_or_default().as_secs();
    assert!(age(second.modified) > 24 * 3600 && age(second.changed) < 3600, "{second:?}");
    put(&storage, "parts/c.bin", b"new").unwrap();
    assert_ne!(facts("parts/c.bin").id, first.id);
    assert_eq!(storage.list(Some(&path("parts"))).unwrap(), [second, facts("parts/c.bin")]);
}
