//! Who makes a commit, for its history entry.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::process;

/// Longest name that is recorded.
const LONGEST: usize = 128;

/// The author of a commit. What is not known is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Writer {
    /// Login name of the user.
    pub user: String,
    /// Name of the machine.
    pub host: String,
    /// Process id.
    pub pid: u32,
    /// Name of the program, such as `datafolio` or `python3`.
    pub program: String,
    /// Version of datafolio.
    pub version: String,
}

impl Writer {
    /// Describes this process. To be called once for a handle rather than for every commit: on some systems, finding the
    /// name of the machine starts a program.
    pub fn capture() -> Self {
        let environment = |name: &str| std::env::var(name).ok();
        let program = std::env::current_exe().ok().or_else(|| std::env::args_os().next().map(Into::into));
        let program = program.as_deref().and_then(Path::file_stem).map(|name| name.to_string_lossy().into_owned());
        Self {
            user: known([environment("USER"), environment("LOGNAME"), environment("USERNAME"), user_of_process()]),
            host: known([
                fs::read_to_string("/proc/sys/kernel/hostname").ok(),
                environment("COMPUTERNAME"),
                environment("HOSTNAME"),
                fs::read_to_string("/etc/hostname").ok(),
                host_by_program(),
            ]),
            pid: std::process::id(),
            program: known([program]),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// The same writer under another program name, for callers that know better, such as a script's own name.
    #[must_use]
    pub fn with_program(mut self, program: &str) -> Self {
        self.program = known([Some(program.to_owned())]);
        self
    }

    /// As it stands in a history entry: `user`, `host`, `pid`, `program`, `version`, without what is not known.
    pub fn to_map(&self) -> Map<String, Value> {
        let mut map = Map::new();
        let texts = |map: &mut Map<String, Value>, name: &str, text: &str| {
            if !text.is_empty() {
                map.insert(name.to_owned(), Value::from(text));
            }
        };
        texts(&mut map, "user", &self.user);
        texts(&mut map, "host", &self.host);
        map.insert("pid".to_owned(), Value::from(self.pid));
        texts(&mut map, "program", &self.program);
        texts(&mut map, "version", &self.version);
        map
    }

    /// Reads what [`Writer::to_map`] wrote; missing or strange fields count as not known.
    pub fn from_map(map: &Map<String, Value>) -> Self {
        let text = |name: &str| map.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let pid = map.get("pid").and_then(Value::as_u64).and_then(|pid| u32::try_from(pid).ok()).unwrap_or_default();
        Self { user: text("user"), host: text("host"), pid, program: text("program"), version: text("version") }
    }
}

/// The first text that says something, on one line and not too long.
fn known<const N: usize>(candidates: [Option<String>; N]) -> String {
    let clean = |text: String| text.trim().chars().filter(|c| !c.is_control()).take(LONGEST).collect::<String>();
    candidates.into_iter().flatten().map(clean).find(|text| !text.is_empty()).unwrap_or_default()
}

/// The user by number, for processes without the usual variables (services, containers): `/proc/self` belongs to the
/// user of the process, and the number is turned into a name where there is a list of users.
#[cfg(unix)]
fn user_of_process() -> Option<String> {
    use std::os::unix::fs::MetadataExt;

    let id = fs::metadata("/proc/self").ok()?.uid().to_string();
    let list = fs::read_to_string("/etc/passwd").unwrap_or_default();
    Some(user_by_id(&list, &id).unwrap_or(id))
}

#[cfg(not(unix))]
fn user_of_process() -> Option<String> {
    None
}

#[cfg_attr(not(unix), allow(dead_code))]
fn user_by_id(list: &str, id: &str) -> Option<String> {
    list.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id).then(|| name.to_owned())
    })
}

/// The name of the machine from a program that Unix systems without `/proc` have.
fn host_by_program() -> Option<String> {
    if !cfg!(unix) || Path::new("/proc/sys/kernel/hostname").exists() {
        return None;
    }
    process::run("hostname", &[], None, Instant::now() + Duration::from_secs(1))?.line()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process() {
        let writer = Writer::capture();
        assert_eq!(writer.pid, std::process::id());
        assert_eq!(writer.version, env!("CARGO_PKG_VERSION"));
        assert!(!writer.program.is_empty());
        #[cfg(target_os = "linux")]
        assert!(!writer.host.is_empty() && !writer.user.is_empty());
        assert_eq!(Writer::from_map(&writer.to_map()), writer);
    }

    #[test]
    fn fields_in_order_and_unknown_ones_left_out() {
        let writer = Writer { pid: 7, version: "1".to_owned(), ..Writer::default() }.with_program("run\n.py");
        assert_eq!(serde_json::to_string(&writer.to_map()).unwrap(), r#"{"pid":7,"program":"run.py","version":"1"}"#);
        assert_eq!(Writer::from_map(&writer.to_map()), writer);
        let strange = serde_json::json!({"user": 5, "pid": -1});
        assert_eq!(Writer::from_map(strange.as_object().unwrap()), Writer::default());
    }

    #[test]
    fn users_by_number() {
        let list = "root:x:0:0:root:/root:/bin/sh\nbroken\nme:x:1000:1000::/home/me:/bin/sh\n";
        assert_eq!(user_by_id(list, "1000").as_deref(), Some("me"));
        assert_eq!(user_by_id(list, "5"), None);
        assert_eq!(known([None, Some(" \n".to_owned()), Some(format!("{}\n", "x".repeat(500)))]).len(), LONGEST);
    }
}
