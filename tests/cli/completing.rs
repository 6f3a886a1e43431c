//! Completion: what a shell offers while a line is typed.

use super::{Home, has};

/// What the program answers a shell that asks what the last word could become, without options.
fn offered(home: &Home, shell: &str, words: &[&str]) -> Vec<String> {
    let mut arguments = vec!["--", "datafolio"];
    arguments.extend(words);
    let output = home
        .command(&arguments)
        .env("DATAFOLIO_COMPLETE", shell)
        .env("_CLAP_IFS", "\n")
        .env("_CLAP_COMPLETE_INDEX", words.len().to_string())
        .output()
        .unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    // zsh gets a description behind a colon, fish behind a tab.
    let words = text.lines().map(|line| line.split(['\t', ':']).next().unwrap_or_default().to_owned());
    words.filter(|word| !word.starts_with('-') && !word.is_empty()).collect()
}

#[test]
fn items_snapshots_versions_and_aliases_are_offered() {
    let home = Home::with_bundle();
    home.ok(&["snapshot", "create", "paper"]);
    home.ok(&["folios", "alias", "study"]);
    home.ok(&["init", "../other"]);
    home.write("more.json", "1");
    home.ok(&["-f", "../other", "add", "more.json"]);
    let version = home.json(&["info", "raw"])["version"].as_str().unwrap().to_owned();
    let before = std::fs::read(home.root().join(".datafolio/registry.json")).unwrap();
    for shell in ["bash", "zsh", "fish"] {
        assert_eq!(offered(&home, shell, &["get", ""]), ["notes", "params", "raw"], "{shell}");
        assert_eq!(offered(&home, shell, &["rm", "raw", "p"]), ["params"]);
        assert_eq!(offered(&home, shell, &["add", "x.json", "--input", "r"]), ["raw"]);
        assert_eq!(offered(&home, shell, &["snapshot", "show", "p"]), ["paper"]);
        assert_eq!(offered(&home, shell, &["at", "pap"]), ["paper"]);
        assert_eq!(offered(&home, shell, &["-a", "s"]), ["study"]);
        assert_eq!(offered(&home, shell, &["ls", "--setting", "ver"]), ["verification="]);
        assert_eq!(offered(&home, shell, &["-f", "../other", "get", ""]), ["more"]);
        assert_eq!(offered(&home, shell, &["cat", "raw", "--version", ""]), [version.as_str()]);
        assert!(offered(&home, shell, &["-f", "nowhere", "get", ""]).is_empty());
    }
    // Looking is no use of a bundle.
    assert_eq!(std::fs::read(home.root().join(".datafolio/registry.json")).unwrap(), before);
}

#[test]
fn commands_are_offered_but_hidden_ones() {
    let home = Home::new();
    let commands = offered(&home, "bash", &[""]);
    for command in ["import", "snapshot", "verify"] {
        assert!(commands.iter().any(|offered| offered == command), "{commands:?}");
    }
    for hidden in ["validate", "cli-reference"] {
        assert!(!commands.iter().any(|offered| offered == hidden), "{commands:?}");
        assert!(offered(&home, "bash", &[&hidden[..3]]).is_empty());
    }
}

#[test]
fn there_is_a_script_for_each_shell() {
    let home = Home::new();
    for (shell, mark) in [
        ("bash", "complete -o nospace"),
        ("zsh", "#compdef datafolio"),
        ("fish", "complete --keep-order"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion"),
    ] {
        has(&home.ok(&["completions", shell]), &[mark, "DATAFOLIO_COMPLETE", "datafolio"]);
    }
    home.fails(&["completions", "cmd"], 2);
}

/// The script as bash runs it.
#[cfg(unix)]
#[test]
fn bash_completes_with_the_script() {
    let home = Home::with_bundle();
    std::fs::write(home.root().join("script"), home.ok(&["completions", "bash"])).unwrap();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_datafolio")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let output = std::process::Command::new("bash")
        .args([
            "--norc",
            "-c",
            "source ../script; COMP_WORDS=(datafolio info pa); COMP_CWORD=2; COMP_TYPE=9
            _clap_complete_datafolio datafolio pa info; printf '%s;' \"${COMPREPLY[@]}\"",
        ])
        .env("PATH", path)
        .env("HOME", home.root())
        .current_dir(home.path(""))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "params;", "{output:?}");
}
