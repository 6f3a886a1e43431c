//! `sql` at a terminal, typed at through one that Python makes.

use std::process::Command;

use super::{Home, has};

fn with_tables() -> Home {
    let home = Home::with_bundle();
    home.write("planes.csv", "tail,seats\nN1,100\nN2,200\n");
    home.ok(&["import", "planes.csv", "--name", "my-planes"]);
    home
}

/// Types lines at the program, each when the text before it has come, and gives all that was shown.
const TYPIST: &str = r#"
import os, pty, select, sys, time
program, *lines = sys.argv[1:]
child, terminal = pty.fork()
if child == 0:
    os.environ["TERM"] = "xterm"
    os.execv(program, [program] + os.environ["ARGUMENTS"].split())
shown = b""
def until(wanted, start):
    end = time.time() + 60
    while wanted not in shown[start:]:
        if time.time() > end:
            sys.stdout.buffer.write(shown)
            sys.exit("waited in vain for %r" % wanted)
        more()
def more():
    global shown
    if select.select([terminal], [], [], 0.1)[0]:
        try:
            part = os.read(terminal, 4096)
        except OSError:
            part = b""
        if not part:
            return False
        shown += part
    return True
until(b"datafolio> ", 0)
for line in lines:
    typed, wanted = line.split("=>")
    start = len(shown)
    os.write(terminal, typed.encode().decode("unicode_escape").encode())
    until(wanted.encode(), start)
    time.sleep(0.2)
os.write(terminal, b"\x04")
end = time.time() + 60
while more() and time.time() < end:
    pass
_, status = os.waitpid(child, 0)
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(status))
"#;

/// All that a terminal shows while these lines are typed; `None` where there is no Python to type.
#[allow(clippy::print_stdout, reason = "whoever leaves tests out is told")]
fn typed(home: &Home, arguments: &str, lines: &[&str]) -> Option<String> {
    let is_there = Command::new("python3").args(["-c", "import pty"]).status().is_ok_and(|status| status.success());
    if !is_there {
        println!("SKIPPED: there is no Python that makes terminals");
        return None;
    }
    let program = home.command(&[]);
    let mut python = Command::new("python3");
    python.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    python.args(["-c", TYPIST, env!("CARGO_BIN_EXE_datafolio")]).args(lines).env("ARGUMENTS", arguments);
    let ran = python.current_dir(home.path("")).output().unwrap();
    let shown = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{shown}\n{}", String::from_utf8_lossy(&ran.stderr));
    Some(shown)
}

#[test]
fn statements_are_typed_at_a_prompt() {
    let home = with_tables();
    let lines = [
        // Over two lines, with completion of a table, a column and a keyword.
        "SELECT coun\\t(*) AS n\\r=>      ...> ",
        "FROM ra\\t;\\r=>(1 row, ",
        // An error does not end it.
        "SELECT nam FROM raw;\\r=>hint",
        ".tables\\r=>my-planes",
        ".schema my-planes\\r=>seats",
        ".mode jsonl\\r=>datafolio> ",
        "SELECT 40 + 2 AS answer; SELECT 'b' AS a;\\r=>{\"a\":\"b\"}",
        ".once out.csv\\r=>datafolio> ",
        "FROM \\\"my\\t;\\r=>out.csv",
        ".once out.csv\\r=>exists already",
        ".mods\\r=>.mode",
    ];
    let Some(shown) = typed(&home, "sql", &lines) else { return };
    has(&shown, &["{\"answer\":42}", "did you mean"]);
    assert_eq!(std::fs::read_to_string(home.path("out.csv")).unwrap(), "tail,seats\nN1,100\nN2,200\n");
    let history = home.root().join(".cache/datafolio/sql_history");
    has(&std::fs::read_to_string(&history).unwrap(), &["SELECT 40 + 2 AS answer", ".tables"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&history).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_statement_that_goes_on_is_told_from_one_that_begins() {
    let home = with_tables();
    let lines = [
        // A column of a table that is named on the line before.
        "FROM \\\"my-planes\\\"\\r=>      ...> ",
        "SELECT max(sea\\t) AS most;\\r=>(1 row, ",
        ".mode jsonl\\r=>datafolio> ",
        // What is not finished is dropped as a whole.
        "SELECT 'half,\\r=>      ...> ",
        "and more\\x03=>datafolio> ",
        // Also an empty line, and one that would be a command, are of a text.
        "SELECT 'one,\\r=>      ...> ",
        "\\r=>      ...> ",
        ".quit' AS t;\\r=>one,",
    ];
    let Some(shown) = typed(&home, "sql", &lines) else { return };
    has(&shown, &["most", "200", "{\"t\":\"one,\\n\\n.quit\"}"]);
    // Each is one entry, as it would be typed again.
    let history = std::fs::read_to_string(home.root().join(".cache/datafolio/sql_history")).unwrap();
    has(&history, &["my-planes", "max(seats)"]);
    assert!(!history.contains("half"), "{history}");
}

#[test]
fn columns_of_a_table_of_a_snapshot_are_shown() {
    let home = with_tables();
    home.ok(&["snapshot", "create", "v1.0", "--no-git"]);
    home.write("planes.csv", "tail,seats,engine\nN1,100,jet\n");
    home.ok(&["import", "planes.csv", "--name", "my-planes", "--overwrite"]);
    let lines = [
        ".schema my-planes\\r=>engine",
        ".schema v1.0.my-planes\\r=>seats",
        ".schema \\\"v1.0\\\".\\\"my-planes\\\"\\r=>seats",
        ".schema v1.0.nothing\\r=>not found",
        ".schema \\\"v9\\\".raw\\r=>Snapshot 'v9' not found",
        ".mode csv\\r=>datafolio> ",
    ];
    let Some(shown) = typed(&home, "sql", &lines) else { return };
    // The snapshot's table does not have the column that came later.
    assert_eq!(shown.matches("engine").count(), 1, "{shown}");
}

#[test]
fn ctrl_c_stops_the_query_and_not_the_program() {
    let home = with_tables();
    let endless =
        "SELECT count(*) FROM range(10000000000) a, range(10000000000) b WHERE a.range + b.range = 3;\\r=>querying";
    let lines = [endless, "\\x03=>cancelled", "half\\x03=>datafolio> ", "SELECT 41 + 1 AS n;\\r=>42"];
    if let Some(shown) = typed(&home, "sql --no-history", &lines) {
        has(&shown, &["(1 row, "]);
        assert!(!home.root().join(".cache/datafolio/sql_history").exists());
    }
}
