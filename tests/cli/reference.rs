//! The documentation of the commands is what the program says of itself.

use std::path::Path;

use super::Home;

#[test]
fn the_reference_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/cli.md");
    let text = Home::new().ok(&["reference"]);
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
    let commands = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let names: Vec<&str> =
        commands.lines().filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next()).collect();
    assert!(names.len() > 25, "{names:?}");
    for name in names.into_iter().filter(|name| *name != "help") {
        let help = home.ok(&[name, "--help"]);
        assert!(help.contains("Examples:\n  ") && help.contains("datafolio"), "{name}:\n{help}");
    }
}
