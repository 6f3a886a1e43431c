//! State of the Git repository that a snapshot was made from.
//!
//! The repository is that of the running code (the working directory), not of the bundle. A failure of any kind means
//! that nothing is recorded: a snapshot never fails for want of Git. File names are not recorded, only whether anything
//! was changed.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::address::redact_address;
use super::process;

/// Time for all questions together.
const TIME_OUT: Duration = Duration::from_secs(5);

/// Options of every call. A repository is data, possibly someone else's: nothing that its configuration names is run,
/// and its files are not touched.
///
/// The machine-wide configuration stays in force: it says which directories of other users are trusted, and on Windows
/// how line ends are compared, without which unchanged files would count as changed.
const OPTIONS: [&str; 6] = [
    // No refreshed index is written.
    "--no-optional-locks",
    "--no-pager",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
];

/// Asks Git about the repository that holds a directory. `None` when there is no Git or no repository, or no answer
/// within five seconds.
///
/// The fields, in this order: `commit` and `commit_short` (7 characters; both empty before the first commit), `branch`
/// (`null` when no branch is checked out), `dirty` (`null` when there was no time to compare all files), and `remote`
/// without credentials, when there is an `origin` and it is no command (`ext::`).
pub fn capture(dir: &Path) -> Option<Map<String, Value>> {
    capture_until(dir, Instant::now() + TIME_OUT)
}

fn capture_until(dir: &Path, deadline: Instant) -> Option<Map<String, Value>> {
    let ask = |arguments: &[&str]| {
        let all: Vec<&str> = OPTIONS.iter().chain(arguments).copied().collect();
        process::run("git", &all, Some(dir), deadline)
    };
    if !ask(&["rev-parse", "--git-dir"])?.success {
        return None;
    }
    // Fails before the first commit. An empty text is what readers expect then: they cut it to seven characters.
    let commit = ask(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])?.line().unwrap_or_default();
    let branch = ask(&["symbolic-ref", "--quiet", "HEAD"])?.line();
    let branch = branch.map(|name| name.strip_prefix("refs/heads/").unwrap_or(&name).to_owned());
    let remote = ask(&["config", "--get", "remote.origin.url"])?.line();
    // Last, as it is the one that takes long; without it, the rest is still worth recording. It fails in a repository
    // without working files.
    let dirty = ask(&["status", "--porcelain"]).filter(|answer| answer.success).map(|answer| !answer.output.is_empty());

    let mut facts = Map::new();
    facts.insert("commit".to_owned(), Value::from(commit.as_str()));
    facts.insert("commit_short".to_owned(), Value::from(commit.chars().take(7).collect::<String>()));
    facts.insert("branch".to_owned(), Value::from(branch));
    facts.insert("dirty".to_owned(), Value::from(dirty));
    if let Some(remote) = remote.as_deref().and_then(redact_address) {
        facts.insert("remote".to_owned(), Value::from(remote));
    }
    Some(facts)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::process::Command;

    use super::*;

    /// A directory that goes away with the test.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("datafolio-git-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn git(&self, arguments: &[&str]) -> bool {
            let identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"];
            let mut command = Command::new("git");
            command.args(identity).args(arguments).current_dir(&self.0);
            command.output().is_ok_and(|output| output.status.success())
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn life_of_a_repository() {
        let scratch = Scratch::new("life");
        let dir = &scratch.0;
        if !scratch.git(&["init", "-q", "-b", "trunk/one", "."]) {
            // Without the program there is nothing to compare with; `capture` says `None`, which the last test checks.
            return;
        }
        let facts = capture(dir).unwrap();
        assert_eq!(
            Value::Object(facts),
            serde_json::json!({
                "commit": "", "commit_short": "", "branch": "trunk/one", "dirty": false,
            })
        );

        fs::write(dir.join("a.txt"), "one").unwrap();
        assert_eq!(capture(dir).unwrap()["dirty"], true);
        assert!(scratch.git(&["add", "."]) && scratch.git(&["commit", "-q", "-m", "first"]));
        assert!(scratch.git(&["remote", "add", "origin", "https://me:secret@example.org/x.git"]));
        fs::create_dir(dir.join("sub")).unwrap();
        let facts = capture(&dir.join("sub")).unwrap();
        let names: Vec<&str> = facts.keys().map(String::as_str).collect();
        assert_eq!(names, ["commit", "commit_short", "branch", "dirty", "remote"]);
        let commit = facts["commit"].as_str().unwrap();
        assert_eq!(commit.len(), 40);
        assert_eq!(facts["commit_short"], commit[..7]);
        assert_eq!(facts["branch"], "trunk/one");
        assert_eq!(facts["dirty"], false);
        assert_eq!(facts["remote"], "https://example.org/x.git");

        assert!(scratch.git(&["checkout", "-q", "--detach"]));
        assert_eq!(capture(dir).unwrap()["branch"], Value::Null);
    }

    /// The monitor is a program that `git status` would run.
    #[cfg(unix)]
    #[test]
    fn programs_named_by_the_repository_do_not_run() {
        let scratch = Scratch::new("hostile");
        if !scratch.git(&["init", "-q", "."]) {
            return;
        }
        let ran = scratch.0.join(".git/ran");
        let script = scratch.0.join(".git/monitor");
        fs::write(&script, format!("#!/bin/sh\ntouch '{}'\n", ran.display())).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&script, mode).unwrap();
        assert!(scratch.git(&["config", "core.fsmonitor", &script.display().to_string()]));
        fs::write(scratch.0.join("a.txt"), "one").unwrap();
        assert_eq!(capture(&scratch.0).unwrap()["dirty"], true);
        assert!(!ran.exists());
    }

    #[test]
    fn no_repository_no_facts() {
        let scratch = Scratch::new("none");
        // A temporary directory may itself lie inside a repository, but one that does not exist does not.
        assert!(capture(&scratch.0.join("missing")).is_none());
        assert!(capture_until(&scratch.0, Instant::now()).is_none());
    }
}
