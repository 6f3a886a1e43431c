//! Every command in the documentation is run with the program that was just built.
//!
//! The blocks of a page are one session of a shell, from top to bottom, in a directory that holds nothing but `data`, the
//! example data. A `sh` block must succeed. In a `console` block lines that begin with `$ ` are commands (a `\` at the end
//! continues one), and the lines below are what it prints, errors included: `...` stands for any text within a line, a line
//! `...` for any lines, and `[exit 1]` says how it ends when it fails. `sh ignore` blocks are not run. A `python` block is a
//! program that must succeed, and print what the `text` block right behind it has, where there is one.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::pages::{self, Block};
use crate::compat::peer;

/// Stands before and after what a command prints.
const MARK: char = '\u{1e}';

/// A command and what it should print; `None` when that is not said.
struct Step {
    line: usize,
    command: String,
    expected: Option<Vec<String>>,
}

fn check(page: &str) {
    let path = pages::root().join(page);
    let (blocks, _) = pages::split(&pages::read(&path));
    let steps: Vec<Step> =
        blocks.iter().enumerate().flat_map(|(index, block)| steps(block, blocks.get(index + 1))).collect();
    if steps.is_empty() {
        return;
    }
    let answers = run(&steps);
    for (step, answer) in steps.iter().zip(&answers) {
        let place = format!("{page}:{}\n$ {}", step.line, step.command);
        let Some((output, status)) = answer else {
            panic!("{place}\nwas not reached: a command before it ended the shell")
        };
        let mut lines: Vec<String> = output.lines().map(|line| line.trim_end().to_owned()).collect();
        match &step.expected {
            None => assert_eq!(*status, 0, "{place}\n{output}"),
            Some(expected) => {
                if *status != 0 {
                    lines.push(format!("[exit {status}]"));
                }
                let wanted: Vec<&str> = expected.iter().map(String::as_str).collect();
                let found: Vec<&str> = lines.iter().map(String::as_str).collect();
                assert!(
                    matches(&wanted, &found),
                    "{place}\nshould print\n{}\nand prints\n{}",
                    wanted.join("\n"),
                    found.join("\n")
                );
            }
        }
    }
    assert_eq!(steps.len(), answers.len());
}

fn steps(block: &Block, next: Option<&Block>) -> Vec<Step> {
    match block.info.as_str() {
        "python" => python_step(block, next).into_iter().collect(),
        "sh" => vec![Step { line: block.line, command: block.text.clone(), expected: None }],
        "console" => {
            let mut steps: Vec<Step> = Vec::new();
            let mut continued = false;
            for (index, line) in block.text.lines().enumerate() {
                if continued {
                    let step = steps.last_mut().unwrap();
                    let _ = write!(step.command, "\n{}", line.trim_start_matches("> "));
                    continued = line.ends_with('\\');
                } else if let Some(command) = line.strip_prefix("$ ") {
                    continued = command.ends_with('\\');
                    steps.push(Step {
                        line: block.line + 1 + index,
                        command: command.to_owned(),
                        expected: Some(Vec::new()),
                    });
                } else {
                    let step =
                        steps.last_mut().unwrap_or_else(|| panic!("line {}: output before a command", block.line));
                    step.expected.as_mut().unwrap().push(line.trim_end().to_owned());
                }
            }
            // Empty lines that only set one command off from the next are no output.
            for step in &mut steps {
                let expected = step.expected.as_mut().unwrap();
                while expected.last().is_some_and(String::is_empty) {
                    expected.pop();
                }
            }
            steps
        }
        _ => Vec::new(),
    }
}

/// A program for the Python that has what the guides hand tables to; `None` when the tests may do without.
fn python_step(block: &Block, next: Option<&Block>) -> Option<Step> {
    let python = peer::installed("DATAFOLIO_PYTHON_TABLES", "tables", "Python with Ibis, Polars and pandas")?;
    let command = format!("'{}' - <<'END_OF_BLOCK'\n{}END_OF_BLOCK", python.display(), block.text);
    let printed = next.filter(|next| next.info == "text");
    let expected = printed.map(|printed| printed.text.lines().map(|line| line.trim_end().to_owned()).collect());
    Some(Step { line: block.line, command, expected })
}

/// Runs all commands in one shell; for each what it printed and how it ended, `None` for those that were not reached.
fn run(steps: &[Step]) -> Vec<Option<(String, i32)>> {
    let dir = tempfile::tempdir().unwrap();
    let (home, work) = (dir.path().join("home"), dir.path().join("tour"));
    fs::create_dir(&home).unwrap();
    fs::create_dir(&work).unwrap();
    std::os::unix::fs::symlink(pages::root().join("examples/data"), work.join("data")).unwrap();
    let mut script = "exec 2>&1\n".to_owned();
    for step in steps {
        // The status of a block of several lines is that of the first that fails.
        let failing = if step.expected.is_none() { "set -e\n" } else { "" };
        let _ = write!(
            script,
            "printf '{MARK}'\n{failing}{}\nprintf '{MARK}%d{MARK}' $?\nset +e\n",
            step.command.trim_end()
        );
    }
    let program = Path::new(env!("CARGO_BIN_EXE_datafolio")).parent().unwrap();
    let paths = [program.to_owned(), PathBuf::from("/usr/local/bin"), "/usr/bin".into(), "/bin".into()];
    let output = Command::new("sh")
        .arg("-c")
        .arg(&script)
        .current_dir(&work)
        .env_clear()
        .env("PATH", std::env::join_paths(paths).unwrap())
        .env("HOME", &home)
        .env("USER", "ada")
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut parts = text.split(MARK).skip(1);
    let mut answers = Vec::new();
    for step in steps {
        answers.push(match (parts.next(), parts.next(), parts.next()) {
            (Some(printed), Some(status), _) => Some((printed.to_owned(), status.parse().unwrap())),
            // `set -e` has ended the shell: what was printed says why.
            (Some(printed), None, _) => panic!("{}\n{}\nfailed:\n{printed}", step.line, step.command),
            _ => None,
        });
    }
    answers
}

/// Whether lines are as expected, where `...` alone stands for any lines and within a line for any text.
fn matches(expected: &[&str], found: &[&str]) -> bool {
    match (expected, found) {
        ([], []) => true,
        (["...", rest @ ..], _) => (0..=found.len()).any(|skipped| matches(rest, &found[skipped..])),
        ([first, expected @ ..], [line, found @ ..]) => line_matches(first, line) && matches(expected, found),
        _ => false,
    }
}

fn line_matches(expected: &str, found: &str) -> bool {
    let Some((start, rest)) = expected.split_once("...") else { return expected == found };
    let Some(mut found) = found.strip_prefix(start) else { return false };
    let mut pieces = rest.split("...").peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return found.ends_with(piece);
        }
        match found.find(piece) {
            Some(at) => found = &found[at + piece.len()..],
            None => return false,
        }
    }
    true
}

/// One test for each page, so that they run side by side and fail apart.
macro_rules! pages {
    ($($name:ident: $page:literal),+ $(,)?) => {
        $(#[test]
        fn $name() {
            check($page);
        })+

        #[test]
        fn every_page_with_commands_is_run() {
            for page in pages::all() {
                let (blocks, _) = pages::split(&pages::read(&page));
                let name = pages::name(&page);
                // The pages about the Python package are run by its own tests, python/tests/test_docs.py.
                if name.starts_with("docs/python/") {
                    continue;
                }
                let runs = blocks.iter().any(|block| matches!(block.info.as_str(), "sh" | "console" | "python"));
                assert!(!runs || [$($page),+].contains(&name.as_str()), "{name} has commands that no test runs");
            }
        }
    };
}

pages! {
    readme: "README.md",
    getting_started: "docs/getting-started.md",
    commits: "docs/concepts/commits.md",
    integrity: "docs/concepts/integrity.md",
    lineage: "docs/concepts/lineage.md",
    snapshots: "docs/concepts/snapshots.md",
    versions: "docs/concepts/versions.md",
    clean_up: "docs/guides/clean-up.md",
    import_files: "docs/guides/import-files.md",
    move_from_python: "docs/guides/move-from-python-datafolio.md",
    out_of_core: "docs/guides/out-of-core.md",
    tables: "docs/guides/tables.md",
}
