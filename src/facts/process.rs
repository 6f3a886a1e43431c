//! Running a helper program for a line of output, without being held up or influenced by it.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Most output that is kept of one program; the rest is not read.
const MOST_OUTPUT: u64 = 64 * 1024;

/// How long the parent sleeps between two looks at a child that has closed its output but not ended.
const POLL: Duration = Duration::from_millis(2);

/// Variables a helper needs to start at all or to find the user's own configuration. All others are withheld: they can
/// redirect a program (`GIT_DIR`), make it run others (`GIT_SSH_COMMAND`, `GIT_EXTERNAL_DIFF`), or change its output.
const PASSED_ON: [&str; 12] = [
    "PATH",
    "HOME",
    "XDG_CONFIG_HOME",
    "GIT_CEILING_DIRECTORIES",
    // Without these, programs on Windows fail in odd ways.
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "USERPROFILE",
    "HOMEDRIVE",
    "HOMEPATH",
    "PATHEXT",
    "TEMP",
    "TMP",
];

/// What a helper answered.
#[derive(Debug)]
pub(super) struct Answer {
    /// Whether it ended with status 0.
    pub(super) success: bool,
    /// What it wrote, cut at [`MOST_OUTPUT`].
    pub(super) output: Vec<u8>,
}

impl Answer {
    /// The output of a successful run as one trimmed text; `None` when it failed, said nothing, or is not Unicode.
    pub(super) fn line(self) -> Option<String> {
        if !self.success {
            return None;
        }
        let text = String::from_utf8(self.output).ok()?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

/// A child that is killed and reaped when it goes out of scope, whatever happened.
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(Some(_))) {
            // It may end by itself in this moment; either way nothing is left to report.
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

/// Runs a program with a cleared environment, without input, and collects its output. `None` when it cannot be started
/// or has not ended by the deadline; it is killed then.
pub(super) fn run(program: &str, arguments: &[&str], dir: Option<&Path>, deadline: Instant) -> Option<Answer> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).env_clear();
    for name in PASSED_ON {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    // No questions, and answers in one language.
    command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
    if let Some(dir) = dir {
        command.current_dir(dir);
    }
    let mut child = Reaped(command.spawn().ok()?);
    let pipe = child.0.stdout.take()?;
    let (sender, receiver) = mpsc::channel();
    // A pipe cannot be read with a time limit, so a thread reads it. It ends when the child does; a grandchild that
    // keeps the pipe open delays that thread and nobody else.
    thread::Builder::new()
        .name("datafolio-facts".to_owned())
        .spawn(move || {
            let mut output = Vec::new();
            let complete = pipe.take(MOST_OUTPUT).read_to_end(&mut output).is_ok();
            // The receiver has gone away after a time-out.
            let _ = sender.send(complete.then_some(output));
        })
        .ok()?;
    let output = receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()??;
    if output.len() as u64 == MOST_OUTPUT {
        // Enough is known; the child is stopped by its closed pipe or by being dropped here.
        return Some(Answer { success: true, output });
    }
    loop {
        match child.0.try_wait() {
            Ok(Some(status)) => return Some(Answer { success: status.success(), output }),
            Ok(None) if Instant::now() < deadline => thread::sleep(POLL),
            _ => return None,
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn soon(milliseconds: u64) -> Instant {
        Instant::now() + Duration::from_millis(milliseconds)
    }

    #[test]
    fn answers_and_failures() {
        let answer = run("sh", &["-c", "echo ' hello '"], None, soon(5000)).unwrap();
        assert_eq!(answer.line().as_deref(), Some("hello"));
        let answer = run("sh", &["-c", "echo no; exit 3"], None, soon(5000)).unwrap();
        assert!(!answer.success);
        assert_eq!(answer.line(), None);
        assert!(run("no-such-program-anywhere", &[], None, soon(5000)).is_none());
        assert!(run("sh", &["-c", "true"], Some(Path::new("/no/such/directory")), soon(5000)).is_none());
    }

    #[test]
    fn slow_children_are_killed() {
        let start = Instant::now();
        assert!(run("sh", &["-c", "exec sleep 30"], None, soon(100)).is_none());
        // A child that closes its output and stays, and one whose own child keeps the output open.
        assert!(run("sh", &["-c", "exec >&-; exec sleep 30"], None, soon(100)).is_none());
        assert!(run("sh", &["-c", "sleep 3 & sleep 3"], None, soon(100)).is_none());
        assert!(start.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn endless_output_is_cut() {
        let answer =
            run("sh", &["-c", "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done"], None, soon(5000)).unwrap();
        assert_eq!(answer.output.len() as u64, MOST_OUTPUT);
    }

    #[test]
    fn environment_is_withheld() {
        let answer = run("env", &[], None, soon(5000)).unwrap();
        let text = answer.line().unwrap();
        for line in text.lines() {
            let name = line.split('=').next().unwrap();
            assert!(PASSED_ON.contains(&name) || ["GIT_TERMINAL_PROMPT", "LC_ALL"].contains(&name), "{name}");
        }
    }
}
