//! `reference`: the page of the documentation that lists all commands, made from their definitions.

use std::fmt::Write;

use clap::{Command, CommandFactory};

use crate::cli::args::Cli;
use crate::cli::failure::Outcome;
use crate::cli::session::Session;

/// Print the reference of the command line in Markdown
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {}

pub(in crate::cli) fn run(_: &Args, session: &mut Session) -> Outcome {
    let mut text = HEADER.to_owned();
    let mut command = Cli::command().term_width(100).color(clap::ColorChoice::Never);
    command.build();
    section(&mut command, 2, &mut text);
    session.out.line(text.trim_end())
}

const HEADER: &str = "\
# Command line

<!-- Generated from the program: `UPDATE_DOCS=1 cargo test --test main cli` writes this page again. -->

`datafolio [OPTIONS] COMMAND`. Every command has `--help`, and takes the global options that are listed first.

## Which bundle

The one that `-f/--folio` names, else the one with the alias `-a/--alias`, else the one that the environment variable
`DATAFOLIO_PATH` names, else the one in the current directory. Aliases and recently used bundles are kept in
`registry.json` in `~/.datafolio`, or the directory that `DATAFOLIO_HOME` names; Python DataFolio uses the same file.

## Output

Data goes to standard output, everything said about it to standard error. With `--json` a command prints one JSON value,
whose fields are those of the library's structs and stay as they are; an error is then an object
`{\"error\": {\"code\", \"category\", \"message\", \"hint\"}}` on standard error. Colours and progress bars appear on
terminals alone; `--color never`, `NO_COLOR` and the setting `color` turn colours off. Lists are fitted to the terminal's
width, or to `COLUMNS`.

## Exit codes

| code | means |
| --- | --- |
| 0 | it worked; also when the reader of the output closed the pipe |
| 1 | it failed; also: `verify` found damage, `find` found nothing |
| 2 | the arguments are wrong |
| 3 | `verify` could not read the bundle |
| 4 | `verify` could not get the lock |

`validate [PATH]` is Python DataFolio's name for `verify`; it knows the exit codes 0 and 1.

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
