//! How the program that made a snapshot was called.

use std::path::Path;

use serde_json::{Map, Value};

use super::redact::redact_arguments;

/// Describes a call: `working_dir`, and `entry_point`, the program and its arguments joined by spaces as older releases
/// do, without secrets (see [`redact_arguments`]); no `entry_point` when there are no arguments at all.
pub fn capture<S: AsRef<str>>(dir: &Path, arguments: impl IntoIterator<Item = S>) -> Map<String, Value> {
    let mut facts = Map::new();
    facts.insert("working_dir".to_owned(), Value::from(dir.to_string_lossy()));
    let arguments = redact_arguments(arguments);
    if !arguments.is_empty() {
        facts.insert("entry_point".to_owned(), Value::from(arguments.join(" ")));
    }
    facts
}

/// The arguments of this process, program first; characters that are not Unicode are replaced.
pub fn arguments() -> Vec<String> {
    std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn call_is_recorded_without_secrets() {
        let facts = capture(Path::new("/project"), ["train.py", "--token", "abc", "--config", "a.json"]);
        assert_eq!(
            Value::Object(facts),
            json!({"working_dir": "/project", "entry_point": "train.py --token *** --config a.json"})
        );
        assert_eq!(Value::Object(capture(Path::new("/project"), [""; 0])), json!({"working_dir": "/project"}));
        assert!(!arguments().is_empty());
    }
}
