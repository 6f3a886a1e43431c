//! The machine and the software that a snapshot was made with.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use md5::{Digest, Md5};
use serde_json::{Map, Value};

/// Describes the surroundings of the running program.
///
/// The fields, in this order: `python_version` and `platform` as given by a Python caller; without them no
/// `python_version`, and a `platform` put together here in the same style; `uv_lock_hash` (MD5) when there is a
/// `uv.lock` in the directory; `datafolio_version`. Readers of older releases show the Python version when there is one
/// and pass over what they do not know. Environment variables are never recorded.
pub fn capture(dir: &Path, python: Option<&Python>) -> Map<String, Value> {
    let mut facts = Map::new();
    if let Some(python) = python {
        facts.insert("python_version".to_owned(), Value::from(python.version.as_str()));
    }
    let platform = python.and_then(|python| python.platform.clone()).unwrap_or_else(platform);
    facts.insert("platform".to_owned(), Value::from(platform));
    if let Some(hash) = uv_lock_hash(dir) {
        facts.insert("uv_lock_hash".to_owned(), Value::from(hash));
    }
    facts.insert("datafolio_version".to_owned(), Value::from(env!("CARGO_PKG_VERSION")));
    facts
}

/// What a Python caller knows of its interpreter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Python {
    /// Such as `3.11.5`.
    pub version: String,
    /// What `platform.platform()` says, such as `Linux-6.1.0-x86_64-with-glibc2.36`.
    pub platform: Option<String>,
    /// `sys.argv`: the script and what it was called with.
    pub arguments: Vec<String>,
}

/// System, release and processor, as far as they can be known without asking other programs: `Linux-6.1.0-x86_64`.
fn platform() -> String {
    let system = match std::env::consts::OS {
        "linux" => "Linux",
        "macos" => "macOS",
        "windows" => "Windows",
        "freebsd" => "FreeBSD",
        other => other,
    };
    let mut parts = vec![system.to_owned()];
    // Linux only; elsewhere there is no such file.
    if let Ok(release) = fs::read_to_string("/proc/sys/kernel/osrelease") {
        parts.push(release.trim().to_owned());
    }
    parts.push(std::env::consts::ARCH.to_owned());
    parts.join("-")
}

/// MD5 of `uv.lock`, which pins the Python packages of a project: the hash finds the file again in the history of the
/// code. MD5 is what older releases recorded; nothing is protected by it.
fn uv_lock_hash(dir: &Path) -> Option<String> {
    let path = dir.join("uv.lock");
    // Opening something else, such as a pipe, could wait for ever.
    if !fs::metadata(&path).ok()?.is_file() {
        return None;
    }
    md5_of(File::open(&path).ok()?).ok()
}

fn md5_of(mut source: impl Read) -> io::Result<String> {
    let mut hasher = Md5::new();
    let mut buffer = [0_u8; 16 * 1024];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_their_order() {
        let dir = std::env::temp_dir().join(format!("datafolio-environment-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let names = |facts: &Map<String, Value>| facts.keys().cloned().collect::<Vec<_>>().join(" ");

        let bare = capture(&dir, None);
        assert_eq!(names(&bare), "platform datafolio_version");
        assert!(bare["platform"].as_str().unwrap().ends_with(std::env::consts::ARCH));

        fs::write(dir.join("uv.lock"), "hello").unwrap();
        let python =
            Python { version: "3.11.5".to_owned(), platform: Some("Linux-x".to_owned()), arguments: Vec::new() };
        let full = capture(&dir, Some(&python));
        assert_eq!(names(&full), "python_version platform uv_lock_hash datafolio_version");
        assert_eq!(full["python_version"], "3.11.5");
        assert_eq!(full["platform"], "Linux-x");
        assert_eq!(full["uv_lock_hash"], "5d41402abc4b2a76b9719d911017c592");

        fs::remove_file(dir.join("uv.lock")).unwrap();
        fs::create_dir(dir.join("uv.lock")).unwrap();
        assert!(!capture(&dir, None).contains_key("uv_lock_hash"));
        fs::remove_dir_all(&dir).unwrap();
    }
}
