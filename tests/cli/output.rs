//! How output looks: JSON, colours, widths, pipes.

use std::process::Stdio;

use super::{Home, has};

#[test]
fn everything_that_lists_or_shows_has_json() {
    let home = Home::with_bundle();
    home.ok(&["snapshot", "create", "v1"]);
    for (arguments, field) in [
        (&["describe"][..], "/metadata/created_at"),
        (&["ls"], "/0/record/filename"),
        (&["info", "raw"], "/record/num_rows"),
        (&["get", "raw"], "/rows/0/id"),
        (&["cat", "raw"], "/0/id"),
        (&["path", "raw"], "/path"),
        (&["meta"], "/created_at"),
        (&["lineage"], "/items/params/0"),
        (&["log"], "/0/operation"),
        (&["log", "raw", "--versions"], "/0/version"),
        (&["at", "v1", "ls"], "/0/name"),
        (&["du"], "/total_bytes"),
        (&["gc"], "/oldest_kept_revision"),
        (&["verify"], "/versions"),
        (&["repair"], "/revision"),
        (&["settings"], "/threads/value"),
        (&["snapshot", "list"], "/0/name"),
        (&["snapshot", "show", "v1"], "/num_items"),
        (&["snapshot", "compare", "v1", "v1"], "/shared_items/0"),
        (&["snapshot", "diff"], "/unchanged_items/0"),
        (&["snapshot", "status"], "/snapshot/name"),
        (&["snapshot", "reproduce", "v1"], "/instructions"),
        (&["folios", "list"], "/0/path"),
        (&["find", "raw"], "/0/name"),
        (&["init", "new"], "/location"),
        (&["add", "notes.txt", "--overwrite"], "/version"),
        (&["import", "raw.csv", "--overwrite"], "/0/version"),
        (&["export", "raw", "x.csv"], "/size_bytes"),
        (&["set", "raw", "-d", "x"], "/items/0"),
        (&["rename", "raw", "rows"], "/revision"),
        (&["meta", "k", "1"], "/value"),
        (&["rm", "notes"], "/items/0"),
        (&["undo"], "/undone"),
        (&["copy", "copied"], "/items"),
        (&["snapshot", "create", "v2"], "/name"),
        (&["snapshot", "restore", "v1", "-y"], "/changes/snapshot_name"),
        (&["snapshot", "export", "v1", "exported"], "/items"),
        (&["snapshot", "delete", "v2", "-y"], "/snapshot"),
    ] {
        let value = home.json(arguments);
        assert!(value.pointer(field).is_some(), "{arguments:?} has no {field}: {value}");
    }
}

#[test]
fn quiet_programs_print_only_what_was_asked_for() {
    let home = Home::with_bundle();
    assert_eq!(home.ok(&["meta", "k", "1", "-q"]), "");
    assert_eq!(home.ok(&["-q", "import", "raw.csv", "--overwrite"]), "");
    assert_eq!(home.ok(&["-q", "cat", "raw", "-n", "0"]), "id,name\n");
}

#[test]
fn colours_are_for_terminals_or_on_demand() {
    let home = Home::with_bundle();
    let colored = |arguments: &[&str]| home.ok(arguments).contains("\u{1b}[");
    assert!(!colored(&["ls"]));
    assert!(colored(&["ls", "--color", "always"]));
    assert!(!colored(&["ls", "--color", "never"]));
    let err = home.fails(&["get", "nothing", "--color=always"], 1);
    assert!(err.starts_with("\u{1b}[31m✗ Error:\u{1b}[0m Item"), "{err:?}");
    let home = home.with("DATAFOLIO_COLOR", "always");
    assert!(home.ok(&["ls"]).contains("\u{1b}["));
    assert!(!home.ok(&["ls", "--color", "never"]).contains("\u{1b}["));
}

#[test]
fn lists_fit_the_terminal() {
    let home = Home::with_bundle().with("COLUMNS", "60");
    home.ok(&["set", "raw", "-d", &"long words ".repeat(20)]);
    for arguments in [&["ls"][..], &["ls", "-l"], &["du"], &["snapshot", "list"], &["settings"]] {
        for line in home.ok(arguments).lines().filter(|line| !line.starts_with("(no room for")) {
            assert!(line.chars().count() <= 60, "{arguments:?}: {line:?}");
        }
    }
    let wide: Vec<String> = (0..30).map(|column| format!("column{column}")).collect();
    home.write("wide.csv", format!("{}\n{}\n", wide.join(","), vec!["1"; 30].join(",")));
    home.ok(&["import", "wide.csv"]);
    has(&home.ok(&["get", "wide"]), &["column0", "(no room for", "column29)"]);
}

/// A reader that has seen enough ends the program without a word.
#[test]
fn a_closed_pipe_is_no_error() {
    let home = Home::new();
    home.ok(&["init"]);
    let rows: String = (0..200_000).map(|row| format!("{row},some text that fills the pipe\n")).collect();
    home.write("long.csv", format!("a,b\n{rows}"));
    home.ok(&["import", "long.csv"]);
    for arguments in [&["cat", "long"][..], &["cat", "long", "--format", "jsonl"], &["cat", "long", "--json"]] {
        let mut child = home.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = [0; 10];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut first).unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            (output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()),
            (Some(0), ""),
            "{arguments:?}"
        );
    }
}

#[test]
fn completions_for_each_shell() {
    let home = Home::new();
    for (shell, mark) in [("bash", "_datafolio()"), ("zsh", "#compdef datafolio"), ("fish", "complete -c datafolio")] {
        has(&home.ok(&["completions", shell]), &[mark, "snapshot", "import"]);
    }
    home.fails(&["completions", "cmd"], 2);
}

#[test]
fn settings_say_where_they_come_from() {
    let home = Home::new().with("DATAFOLIO_MEMORY", "2GiB");
    let settings = home.json(&["settings"]);
    assert_eq!(settings["memory"]["value"], "2GiB");
    assert_eq!(settings["memory"]["origin"], "environment variable DATAFOLIO_MEMORY");
    assert_eq!(settings["retention_days"]["origin"], "default");
}
