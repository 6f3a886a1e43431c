//! How the state of a snapshot can be made again, from what it recorded.

use std::fmt::Write;

use serde_json::{Map, Value};

use crate::bundle::DataFolio;
use crate::error::{Error, Result};
use crate::facts::address::redact_address;
use crate::snapshot::{RESERVED, SnapshotInfo};
use crate::text::{printable, shell_word, shorten_value};

impl DataFolio {
    /// Steps for a person who wants to make the state of a snapshot again: code, environment, command, and the values to
    /// expect; the newest snapshot when none is named. Credentials in recorded addresses are left out.
    ///
    /// # Errors
    /// [`CoreError::SnapshotNotFound`](datafolio_core::CoreError::SnapshotNotFound); [`Error::Invalid`] when the bundle has
    /// no snapshots.
    pub fn reproduce_instructions(&self, name: Option<&str>) -> Result<String> {
        let info = match name {
            Some(name) => self.snapshot_info(name)?,
            None => self.newest_snapshot()?.ok_or_else(|| Error::Invalid("the bundle has no snapshots".to_owned()))?,
        };
        Ok(instructions(&info))
    }
}

fn instructions(info: &SnapshotInfo) -> String {
    let mut text = format!("To reproduce snapshot '{}':\n", printable(&info.name));
    if let Some(description) = &info.description {
        let _ = writeln!(text, "Description: {}", printable(description));
    }
    let mut number = 0;
    for (title, lines) in [
        ("Restore code", section(info, "git").map(code).unwrap_or_default()),
        ("Restore environment", section(info, "environment").map(environment).unwrap_or_default()),
        ("Run", section(info, "execution").map(execution).unwrap_or_default()),
        ("Expected results", section(info, "metadata_snapshot").map(results).unwrap_or_default()),
    ] {
        if lines.is_empty() {
            continue;
        }
        number += 1;
        // Writing to a string cannot fail.
        let _ = write!(text, "\n{number}. {title}:\n");
        for line in lines {
            let _ = writeln!(text, "   {}", printable(&line));
        }
    }
    if number == 0 {
        text.push_str("\nIt recorded nothing of code, environment and command.\n");
    }
    text
}

fn section<'a>(info: &'a SnapshotInfo, key: &str) -> Option<&'a Map<String, Value>> {
    info.fields.get(key).and_then(Value::as_object)
}

fn text<'a>(fields: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    fields.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn code(git: &Map<String, Value>) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(remote) = text(git, "remote").and_then(redact_address) {
        // Git would take it for one of its options, some of which run programs.
        match remote.starts_with('-') {
            true => lines.push(format!("Note: what was recorded as remote is no address: {remote}")),
            false => {
                lines.push(format!("git clone {}", shell_word(&remote)));
                lines.push("cd <repository>".to_owned());
            }
        }
    }
    if let Some(commit) = text(git, "commit").or_else(|| text(git, "commit_short")) {
        // The snapshot may be someone else's, and these lines are made to be run.
        match commit.len() <= 64 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            true => lines.push(format!("git checkout {commit}")),
            false => lines.push(format!("Note: what was recorded as commit is none: {commit}")),
        }
    }
    if git.get("dirty") == Some(&Value::Bool(true)) {
        lines.push("Note: there were changes that were not committed".to_owned());
    }
    lines
}

fn environment(facts: &Map<String, Value>) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(text(facts, "python_version").map(|version| format!("Python {version}")));
    lines.extend(text(facts, "datafolio_version").map(|version| format!("datafolio {version}")));
    lines.extend(text(facts, "platform").map(|platform| format!("Platform: {platform}")));
    if text(facts, "uv_lock_hash").is_some() {
        lines.push("uv sync".to_owned());
    }
    lines
}

fn execution(facts: &Map<String, Value>) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(text(facts, "working_dir").map(|dir| match dir.starts_with('-') {
        true => format!("Note: what was recorded as working directory is none: {dir}"),
        false => format!("cd {}", shell_word(dir)),
    }));
    lines.extend(text(facts, "entry_point").map(str::to_owned));
    lines
}

fn results(metadata: &Map<String, Value>) -> Vec<String> {
    let fields = metadata.iter().filter(|(key, _)| !RESERVED.contains(&key.as_str()));
    fields.map(|(key, value)| format!("- {key}: {}", shorten_value(value))).collect()
}
