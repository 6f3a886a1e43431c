//! The program, run as its users run it: in an empty home, with nothing in the environment that could change what it does.
//!
//! Texts that are marked as relied on by users of Python DataFolio were taken from its program, others from what the
//! command was asked to do.

mod advice;
mod arrays;
#[cfg(all(feature = "sql", feature = "stores", unix))]
mod cached;
mod completing;
mod computing;
mod converting;
#[cfg(feature = "delta")]
mod delta;
mod errors;
mod folios;
mod history;
mod hostile;
mod importing;
mod items;
mod json_keys;
mod oddities;
mod output;
#[cfg(target_os = "linux")]
mod progress;
#[cfg(feature = "sql")]
mod prompt;
mod python;
mod reference;
#[cfg(all(feature = "sql", unix))]
mod reruns;
mod snapshots;
mod tables;
mod verifying;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A user's home, with a working directory in it.
pub struct Home {
    dir: TempDir,
    variables: Vec<(String, String)>,
}

/// What a run of the program gave.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
    pub bytes: Vec<u8>,
}

impl Home {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("work")).unwrap();
        Self { dir, variables: Vec::new() }
    }

    /// A home whose working directory is a bundle with an item of each kind.
    pub fn with_bundle() -> Self {
        let home = Self::new();
        home.ok(&["init"]);
        home.write("raw.csv", "id,name\n1,one\n2,two\n3,\n");
        home.write("params.json", r#"{"rate": 0.1, "steps": [1, 2, 3]}"#);
        home.write("notes.txt", "first line\nsecond line\n");
        home.ok(&["import", "raw.csv", "-d", "Raw rows"]);
        home.ok(&["add", "params.json", "--input", "raw"]);
        home.ok(&["add", "notes.txt", "--category", "docs"]);
        home
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("work").join(name)
    }

    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_datafolio"));
        command.args(arguments).env_clear().current_dir(self.path(""));
        for name in ["PATH", "SystemRoot", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.env("HOME", self.dir.path()).env("USERPROFILE", self.dir.path()).env("TZ", "UTC").env("TERM", "dumb");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.answer(arguments, "")
    }

    /// Runs the program with something on its standard input.
    pub fn answer(&self, arguments: &[&str], input: &str) -> Ran {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that asks nothing has closed its end already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let ran = Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            bytes: output.stdout,
        };
        assert!(!ran.err.contains("internal error"), "{arguments:?}: {}", ran.err);
        ran
    }

    /// What a run prints that has to succeed.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {} {}", ran.out, ran.err);
        ran.out
    }

    /// The JSON value that a run prints which has to succeed.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.push("--json");
        let out = self.ok(&all);
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}"))
    }

    /// The JSON value that a run prints, however it ends.
    pub fn json_of(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.push("--json");
        serde_json::from_str(&self.run(&all).out).unwrap()
    }

    /// What a run says on standard error that has to fail with this code.
    pub fn fails(&self, arguments: &[&str], code: i32) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {} {}", ran.out, ran.err);
        ran.err
    }
}

/// Fails unless all of these stand in the text.
pub fn has(text: &str, expected: &[&str]) {
    for part in expected {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}
