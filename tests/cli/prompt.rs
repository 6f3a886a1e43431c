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
        "SELECT coun\\t(*) AS n\\r=>\n",
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
