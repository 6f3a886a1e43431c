//! What a terminal shows of a command that takes its time, in a terminal that Python makes.

use std::process::Command;

use super::{Home, has};

/// Runs the program until it has shown a text, and stops it then.
const WATCHER: &str = r#"
import fcntl, os, pty, select, signal, struct, sys, termios, time
program, wanted, *arguments = sys.argv[1:]
child, terminal = pty.fork()
if child == 0:
    os.environ["TERM"] = "xterm"
    os.execv(program, [program] + arguments)
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
shown = b""
end = time.time() + 60
while wanted.encode() not in shown and time.time() < end:
    if select.select([terminal], [], [], 0.1)[0]:
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        shown += part
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
sys.stdout.buffer.write(shown)
"#;

#[test]
#[allow(clippy::print_stdout, reason = "whoever leaves tests out is told")]
fn a_rerun_tells_which_of_how_many_tables_it_is_at() {
    let is_there = Command::new("python3").args(["-c", "import pty"]).status().is_ok_and(|status| status.success());
    if !is_there {
        println!("SKIPPED: there is no Python that makes terminals");
        return;
    }
    let home = Home::with_bundle();
    home.write("n.csv", "n\n1\n");
    home.ok(&["import", "n.csv"]);
    let endless = "SELECT count(*) AS c FROM n a, n b, n c, n d, n e WHERE a.n + b.n + c.n + d.n + e.n = 3";
    home.ok(&["derive", "slow", endless]);
    home.ok(&["derive", "after", "FROM slow"]);
    let rows: String = (0..3000).map(|n| format!("{n}\n")).collect();
    home.write("n.csv", format!("n\n{rows}"));
    home.ok(&["import", "n.csv", "--overwrite"]);
    let program = home.command(&[]);
    let mut python = Command::new("python3");
    python.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    python.args(["-c", WATCHER, env!("CARGO_BIN_EXE_datafolio"), "deriving slow (table 1 of 2)", "rerun", "--all"]);
    let ran = python.current_dir(home.path("")).output().unwrap();
    has(&String::from_utf8_lossy(&ran.stdout), &["deriving slow (table 1 of 2)"]);
}
