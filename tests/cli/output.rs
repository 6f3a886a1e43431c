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
        (&["copy", "../copied"], "/items"),
        (&["snapshot", "create", "v2"], "/name"),
        (&["snapshot", "restore", "v1", "-y"], "/changes/snapshot_name"),
        (&["snapshot", "export", "v1", "../exported"], "/items"),
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
        for line in home.ok(arguments).lines() {
            assert!(line.chars().count() <= 60, "{arguments:?}: {line:?}");
        }
    }
    let wide: Vec<String> = (0..30).map(|column| format!("column{column}")).collect();
    home.write("wide.csv", format!("{}\n{}\n", wide.join(","), vec!["1"; 30].join(",")));
    home.ok(&["import", "wide.csv"]);
    let ran = home.run(&["get", "wide"]);
    has(&ran.out, &["column0"]);
    has(&ran.err, &["(no room for", "column29)"]);
    // Ids stay in one piece.
    home.write("longer.csv", "a\n1\n");
    home.ok(&["import", "longer.csv", "--input", "raw"]);
    let version = home.json(&["info", "longer"])["version"].as_str().unwrap().to_owned();
    for arguments in [&["ls", "-l"][..], &["log", "longer", "--versions"], &["du", "--versions"]] {
        has(&home.ok(arguments), &[&version]);
    }
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
fn settings_say_where_they_come_from() {
    let home = Home::new().with("DATAFOLIO_MEMORY", "2GiB");
    let settings = home.json(&["settings"]);
    assert_eq!(settings["memory"]["value"], "2GiB");
    assert_eq!(settings["memory"]["origin"], "environment variable DATAFOLIO_MEMORY");
    assert_eq!(settings["retention_days"]["origin"], "default");
}

#[test]
fn every_setting_can_be_given_for_one_run() {
    let home = Home::with_bundle().with("DATAFOLIO_MEMORY", "2GiB");
    let settings = home.json(&["--setting", "threads=3", "--setting=memory=1GiB", "settings"]);
    assert_eq!((&settings["threads"]["value"], &settings["threads"]["origin"]), (&"3".into(), &"option".into()));
    assert_eq!((&settings["memory"]["value"], &settings["memory"]["origin"]), (&"1GiB".into(), &"option".into()));
    // They are in force, and stand behind the command as well.
    let path = home.ok(&["path", "params"]);
    let text = std::fs::read_to_string(path.trim_end()).unwrap();
    std::fs::write(path.trim_end(), text.replace("0.1", "0.2")).unwrap();
    home.fails(&["get", "params"], 1);
    has(&home.ok(&["get", "params", "--setting", "verification=off"]), &["0.2"]);
    for (arguments, said) in [
        (&["ls", "--setting", "thread=3"][..], "threads"),
        (&["ls", "--setting", "threads=none"], "a number from 1"),
        (&["ls", "--setting", "threads"], "verification=full"),
        (&["--setting", "threads=3", "ls", "--setting", "color=never"], "in one place"),
    ] {
        has(&home.fails(arguments, 2), &[said]);
    }
}

/// What a command shows on a terminal that says it has no width, as those of some programs do; `None` where there is no
/// program that makes a terminal.
#[cfg(target_os = "linux")]
fn on_a_terminal(home: &Home, term: &str, command: &str) -> Option<String> {
    on_a_terminal_of(home, term, "cols 0 rows 0", &format!("datafolio {command}"))
}

/// What a line of a shell shows on a terminal of a size.
#[cfg(target_os = "linux")]
pub(super) fn on_a_terminal_of(home: &Home, term: &str, size: &str, line: &str) -> Option<String> {
    let program = env!("CARGO_BIN_EXE_datafolio");
    let command = format!("stty {size}; datafolio() {{ '{program}' \"$@\"; }}; {line}");
    let mut script = std::process::Command::new("script");
    script.args(["-qec", &command, "/dev/null"]).current_dir(home.path("")).stdin(Stdio::null());
    script.env("HOME", home.root()).env("TERM", term).env_remove("COLUMNS").env_remove("NO_COLOR");
    Some(String::from_utf8(script.output().ok()?.stdout).unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_of_no_width_shows_all_columns() {
    let home = Home::with_bundle();
    let Some(text) = on_a_terminal(&home, "xterm", "ls -l") else { return };
    has(&text, &["NAME", "DESCRIPTION", "Raw rows"]);
    // People look at it: it is coloured, and JSON drives no terminal.
    assert!(text.contains("\u{1b}["), "{text:?}");
    home.ok(&["set", "raw", "-d", "a\u{9b}2Jb\u{202e}"]);
    let text = on_a_terminal(&home, "xterm", "info raw --json").unwrap();
    has(&text, &["a\\u009b2Jb\\u202e"]);
    assert_eq!(home.json(&["info", "raw"])["record"]["description"], "a\u{9b}2Jb\u{202e}");
    let text = on_a_terminal(&home, "dumb", "ls").unwrap();
    assert!(!text.contains("\u{1b}["), "{text:?}");
}

/// Names of directories are bytes, and need not be text.
#[cfg(target_os = "linux")]
#[test]
fn a_bundle_may_lie_where_no_text_can_name_it() {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};

    let home = Home::new();
    home.write("x.json", "1");
    let directory = std::ffi::OsString::from_vec(b"caf\xe9".to_vec());
    let run = |arguments: &[&str]| {
        let mut command = home.command(&["-f"]);
        command.arg(&directory).args(arguments).output().unwrap()
    };
    for arguments in [&["init"][..], &["add", "x.json"], &["get", "x"], &["verify"]] {
        let output = run(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }
    let printed = run(&["path", "x"]).stdout;
    let path = std::path::Path::new(std::ffi::OsStr::from_bytes(printed.strip_suffix(b"\n").unwrap()));
    assert_eq!(std::fs::read(path).unwrap(), b"1");
    has(&String::from_utf8_lossy(&run(&["path", "x", "--json"]).stderr), &["it is no Unicode text"]);
    has(&String::from_utf8_lossy(&run(&["folios", "alias", "y"]).stderr), &["cannot have an alias"]);
    assert_eq!(home.json(&["folios", "list"]), serde_json::json!([]));
}
