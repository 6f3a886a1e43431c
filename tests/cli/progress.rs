//! What takes longer than a second shows on a terminal that it goes on.

use super::output::on_a_terminal_of;
use super::{Home, has};

/// A line of a shell, on a terminal of a common size.
fn shown(home: &Home, line: &str) -> Option<String> {
    on_a_terminal_of(home, "xterm", "cols 80 rows 24", line)
}

/// What a command shows while another program has the lock that it needs.
fn shown_while_locked(home: &Home, command: &str) -> Option<String> {
    shown(home, &format!("flock items.json.lock sleep 3 & sleep 0.3; datafolio {command}; wait"))
}

#[test]
fn what_waits_for_others_shows_that_it_waits() {
    let watch = |command: &str, expected: &str, done: &str| {
        let home = Home::with_bundle();
        home.ok(&["snapshot", "create", "v1", "--no-git"]);
        home.ok(&["meta", "key", "1"]);
        home.write("more.csv", "id\n1\n");
        let Some(text) = shown_while_locked(&home, command) else { return };
        has(&text, &[expected, done]);
        // It goes away with the work.
        let end = text.find(done).unwrap();
        assert!(!text[end..].contains(expected), "{command}: {text:?}");
    };
    std::thread::scope(|scope| {
        for (command, expected, done) in [
            ("undo", "undoing", "Undid"),
            ("snapshot create v2 --no-git", "making snapshot v2", "Created snapshot"),
            ("snapshot restore v1 -y", "restoring", "Restored"),
            ("snapshot delete v1 -y", "deleting", "Deleted snapshot"),
            ("reference more.csv", "adding more", "Added"),
            ("repair", "repairing", "Nothing to repair"),
        ] {
            scope.spawn(move || watch(command, expected, done));
        }
    });
}

#[test]
fn what_git_takes_is_shown_too() {
    use std::os::unix::fs::PermissionsExt;

    let home = Home::with_bundle();
    std::fs::create_dir(home.path("slow")).unwrap();
    home.write("slow/git", "#!/bin/sh\nsleep 3\nexit 1\n");
    std::fs::set_permissions(home.path("slow/git"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let Some(text) = shown(&home, "PATH=\"$PWD/slow:$PATH\"; datafolio snapshot create v1") else { return };
    has(&text, &["making snapshot v1", "Created snapshot"]);
}

/// The rows of a table are read several times for it, and the bytes that were read tell nothing. However fast the machine is, this
/// takes more than a second: time and again the program is made to stand still.
#[cfg(feature = "sql")]
#[test]
fn an_export_to_hdf5_shows_how_far_it_is() {
    let home = Home::with_bundle();
    home.ok(&["view", "many", "SELECT i, 'a text with the number ' || i AS s FROM range(8000000) AS t(i)"]);
    let line = "datafolio export many many.hdf5 & for i in 1 2 3 4 5 6; do \
                sleep 0.02; kill -STOP $!; sleep 0.6; kill -CONT $!; done; wait";
    let Some(text) = shown(&home, line) else { return };
    has(&text, &["exporting many", " % ", "Exported many"]);
    let end = text.find("Exported").unwrap();
    assert!(!text[end..].contains("exporting"), "{text:?}");
}

/// Of what goes over it is known how much it is; at the end another program has the lock of the other bundle.
#[test]
fn a_push_shows_how_far_it_is() {
    let home = Home::with_bundle();
    home.ok(&["push", "../mirror"]);
    home.write("more.txt", "more");
    home.ok(&["add", "more.txt"]);
    let line = "flock ../mirror/items.json.lock sleep 3 & sleep 0.3; datafolio push ../mirror; wait";
    let Some(text) = shown(&home, line) else { return };
    has(&text, &["pushing", " % ", "Pushed"]);
    let end = text.find("Pushed").unwrap();
    assert!(!text[end..].contains("pushing"), "{text:?}");
}

/// Programs, and people who asked for quiet, see nothing of it.
#[test]
fn nothing_is_shown_where_nobody_watches() {
    std::thread::scope(|scope| {
        for options in ["--json", "--quiet", "2>err"] {
            scope.spawn(move || {
                let home = Home::with_bundle();
                let command = format!("snapshot create v1 --no-git {options}");
                let Some(text) = shown_while_locked(&home, &command) else { return };
                assert!(!text.contains("making"), "{options}: {text:?}");
                home.ok(&["snapshot", "show", "v1"]);
            });
        }
    });
}
