//! The documentation of the commands is what the program says of itself.

use std::path::Path;

use super::Home;

#[test]
fn the_reference_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/cli.md");
    let text = Home::new().ok(&["cli-reference"]);
    if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        std::fs::write(&path, &text).unwrap();
    }
    let documented = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        documented == text,
        "docs/reference/cli.md is out of date: UPDATE_DOCS=1 cargo test --test main cli::reference"
    );
}

#[test]
fn every_command_has_help_with_examples() {
    let home = Home::new();
    let help = home.ok(&["--help"]);
    // Without arguments, the short form of it.
    assert!(home.ok(&[]).contains("Usage: datafolio [OPTIONS] [COMMAND]"));
    let mut checked = Vec::new();
    has_examples(&home, &[], &help, &mut checked);
    // Hidden ones that people may meet.
    has_examples(&home, &["validate"], &home.ok(&["validate", "--help"]), &mut checked);
    for command in ["ls", "snapshot", "snapshot reproduce", "folios prune", "validate"] {
        assert!(checked.iter().any(|name| name == command), "{checked:?}");
    }
    assert!(checked.len() > 40, "{checked:?}");
}

/// Checks the help of a command, and of all below it.
fn has_examples(home: &Home, path: &[&str], help: &str, checked: &mut Vec<String>) {
    let command = path.join(" ");
    let examples = help.split("Examples:\n").nth(1).unwrap_or_else(|| panic!("{command} has no examples:\n{help}"));
    assert!(examples.lines().next().unwrap().contains("datafolio"), "{command}:\n{help}");
    checked.push(command);
    let Some(commands) = help.split("Commands:\n").nth(1) else { return };
    let names = commands.lines().map_while(|line| line.strip_prefix("  ")?.split_whitespace().next());
    // What `at` runs stands by itself as well.
    for name in names.filter(|name| *name != "help" && path != ["at"]) {
        let mut below = path.to_vec();
        below.push(name);
        let mut arguments = below.clone();
        arguments.push("--help");
        has_examples(home, &below, &home.ok(&arguments), checked);
    }
}
