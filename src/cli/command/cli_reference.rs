//! `cli-reference`: the page of the documentation that lists all commands, made from their definitions.

use std::fmt::Write;

use clap::{Command, CommandFactory};

use crate::cli::args::Cli;
use crate::cli::failure::Outcome;
use crate::cli::json_keys::{PRINTED, Printed, Shape};
use crate::cli::session::Session;

/// Print the reference of the command line in Markdown
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {}

pub(in crate::cli) fn run(_: &Args, session: &mut Session) -> Outcome {
    let mut text = HEADER.to_owned();
    json(&mut text);
    let mut command = Cli::command().term_width(100).color(clap::ColorChoice::Never);
    command.build();
    section(&mut command, 2, &mut text);
    session.out.line(text.trim_end())
}

const HEADER: &str = "\
# Command line

<!-- Generated from the program: `make docs` writes this page again. -->

`datafolio [OPTIONS] COMMAND`. Every command has `--help`, and takes the global options that are listed first.

## Which bundle

The one that `-f/--folio` names, else the one with the alias `-a/--alias`, else the one that the environment variable
`DATAFOLIO_PATH` names, else the one in the current directory. Aliases and recently used bundles are kept in
`registry.json` in `~/.datafolio`, or the directory that `DATAFOLIO_HOME` names; Python DataFolio uses the same file.

## Output

Standard output has what was asked for: values, lists, reports, and the lines with ✓ that say what was done, as Python
DataFolio prints them. Standard error has what is said about that: errors (✗) with their hints, warnings (⚠), questions,
progress, and remarks such as `(13 more rows)`, `(no room for ...)` and `No items found`. `--quiet` leaves out ✓ lines,
warnings and remarks.

With `--json` a command prints one JSON value on standard output and asks no questions: what would need an answer fails with
`not-confirmed` unless `-y` is given. [Below](#json) are its keys. On standard error each line is then a JSON
object, `{\"warning\": ...}` or `{\"error\": {\"code\", \"category\", \"message\", \"hint\"}}`.

Colours and progress bars appear on terminals alone; `--color never`, `NO_COLOR`, `TERM=dumb` and the setting `color` turn
colours off. Lists are fitted to the terminal's width, or to `COLUMNS`. On a terminal, control characters and characters that
reorder text are shown as escapes, in JSON as well.

## Exit codes

| code | means |
| --- | --- |
| 0 | it worked; also when the reader of the output closed the pipe |
| 1 | it failed; also: `verify` found damage or a changed reference, `log` a break in the history, `find` nothing |
| 2 | the arguments are wrong, a pattern among them; also: an item that `verify` is to check is not there |
| 3 | `verify` could not read the bundle, a file of it, or what a reference leads to; nothing that it could read is damaged |
| 4 | `verify` could not get the lock |

`validate [PATH]` is Python DataFolio's name for `verify`; it knows the exit codes 0 and 1. `add FILE --reference` is its name for
`reference FILE`.

";

/// The keys of what `--json` prints.
fn json(text: &mut String) {
    text.push_str(JSON);
    for Printed { command, shape, keys } in PRINTED {
        let keys = keys.iter().map(|key| match key.strip_suffix('?') {
            Some(key) => format!("`{key}` (where there are any)"),
            None => format!("`{key}`"),
        });
        let what = match shape {
            Shape::Object => "an object".to_owned(),
            Shape::List => "a list of objects".to_owned(),
            Shape::ListBelow(key) => format!("each of its `{key}`"),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| `{command}` | {what} | {} |", keys.collect::<Vec<_>>().join(", "));
    }
    text.push('\n');
}

const JSON: &str = "\
## JSON

What `--json` prints. Keys are added and never change their meaning; `record` and `fields` are what the catalogue has of an
item or snapshot, see [the format](../spec/format.md). `cat` of a table prints a list of its rows, `cat` and `get` of an array,
JSON value or instant the value itself, `meta` the metadata, `meta KEY` the value, `settings` an object with `value` and
`origin` for each setting, and `at STATE COMMAND` what the command prints. An item whose entry cannot be read stands in the
lists of `ls`, `find` and `describe` as `{\"error\": {\"code\", \"message\"}}`.

| command | prints | keys |
| --- | --- | --- |
";

fn section(command: &mut Command, level: usize, text: &mut String) {
    let path = command.get_bin_name().unwrap_or("datafolio").to_owned();
    let help = command.render_long_help().to_string();
    let mut lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    // The options of every command are described once, at the top.
    if level > 2
        && let Some(start) = lines.iter().position(|line| *line == "Global options:")
    {
        let length = lines[start..].iter().position(|line| *line == "Examples:").unwrap_or(lines.len() - start);
        lines.drain(start..start + length);
    }
    // Writing to a string cannot fail.
    let _ = write!(text, "{} `{path}`\n\n```text\n{}\n```\n\n", "#".repeat(level), lines.join("\n").trim_end());
    for inner in command.get_subcommands_mut() {
        // What `at` runs is described where it stands by itself.
        if !inner.is_hide_set() && inner.get_name() != "help" && !path.ends_with(" at") {
            section(inner, (level + 1).min(4), text);
        }
    }
}
