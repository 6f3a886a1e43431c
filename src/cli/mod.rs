//! The `datafolio` program: one module per command in `command/`, and here what they share.
//!
//! ```text
//! aliases.rs   aliases, for other programs
//! args.rs      options that every command takes, and the list of commands
//! json_keys.rs what --json prints, for the reference
//! completion.rs what could come next on the line that is being typed
//! doubts.rs    warnings about what the catalogue says of items and cannot be
//! session.rs   which bundle a command means, opened with the user's settings
//! output.rs    what goes to standard output and error, and how it looks
//! failure.rs   errors: message, hint, exit code
//! inputs.rs    warnings about the inputs that items are given
//! panics.rs    a command that panics, and threads that do
//! user_list.rs the user's aliases and recently used bundles, a file shared with Python DataFolio
//! value/       items as text and as files
//! watched.rs   counting bytes for progress bars
//! words.rs     sizes, times and types as lists show them
//! ```
//!
//! The library below never prints, asks, or reads the user's environment; all of that happens here.

pub mod aliases;
mod args;
mod command;
mod completion;
mod doubts;
mod failure;
mod inputs;
mod json_keys;
mod output;
mod panics;
mod plot;
mod progress;
mod prompt;
mod session;
mod table;
mod user_list;
mod value;
mod watched;
mod words;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches};

use args::{Cli, ColorChoice};
use failure::{Failure, Outcome};
use output::Output;
use session::Session;

use crate::settings::Settings;

/// Runs the program with the arguments of this process.
pub fn main() -> ExitCode {
    ExitCode::from(run_with(std::env::args_os().collect()))
}

/// Runs the program with these arguments, the first of which is its name, and gives the code to exit with.
pub fn run_with(arguments: Vec<OsString>) -> u8 {
    panics::install();
    if panics::caught(|| completion::answer(&arguments)).unwrap_or(true) {
        return 0;
    }
    match panics::caught(|| run(arguments)) {
        Ok(code) => code,
        Err(words) => {
            Output::plain().error(&Failure::defect(words));
            failure::EXIT_ERROR
        }
    }
}

/// The arguments as the parser takes them for what they are: SQL that begins with a comment is no option. The value of an option, which
/// stands behind it, stays as it is.
fn unmistakable(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let begins = |argument: &OsString, with: &str| argument.to_str().is_some_and(|text| text.starts_with(with));
    let is_comment = |argument: &OsString| {
        let rest = argument.to_str().and_then(|text| text.strip_prefix("--"));
        rest.is_some_and(|rest| rest.starts_with(char::is_whitespace))
    };
    for at in 1..arguments.len() {
        if is_comment(&arguments[at]) && !begins(&arguments[at - 1], "-") {
            let mut spaced = OsString::from(" ");
            spaced.push(&arguments[at]);
            arguments[at] = spaced;
        }
    }
    arguments
}

fn run(arguments: Vec<OsString>) -> u8 {
    let arguments = unmistakable(arguments);
    let early = Early::of(&arguments);
    let settings = count_settings(&arguments);
    let matches = Cli::command().color(early.color.into()).try_get_matches_from(arguments);
    let cli = match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return usage(&with_better_tips(error), &early),
    };
    if cli.global.folio.is_some() && cli.global.alias.is_some() && !cli.names_a_new_bundle() {
        let text = "-f/--folio and -a/--alias both name a bundle: pass one of them";
        return usage(&Cli::command().error(ErrorKind::ArgumentConflict, text), &early);
    }
    // The parser keeps those of one place alone.
    if settings != cli.global.setting.len() {
        let text = "--setting stands before the command and behind it: give all of them in one place";
        return usage(&Cli::command().error(ErrorKind::ArgumentConflict, text), &early);
    }
    let mut session = Session::new(cli.global);
    let outcome = match cli.command {
        Some(command) => command.run(&mut session),
        None if cli.version && session.out.is_json() => {
            session.out.json(&serde_json::json!({"version": env!("CARGO_PKG_VERSION")}))
        }
        None if cli.version => session.out.line(format_args!("DataFolio version {}", env!("CARGO_PKG_VERSION"))),
        None if session.out.is_json() => {
            Err(Failure::usage("no command was given").hint("`datafolio --help` lists the commands"))
        }
        None => {
            let help = Cli::command().render_help();
            session.out.line(help.to_string().trim_end())
        }
    };
    finish(session, outcome)
}

/// How many settings are given a value.
fn count_settings(arguments: &[OsString]) -> usize {
    let words = arguments.iter().filter_map(|word| word.to_str()).take_while(|word| *word != "--");
    words.filter(|word| *word == "--setting" || word.starts_with("--setting=")).count()
}

/// Shows how it went; the exit code.
fn finish(mut session: Session, outcome: Outcome) -> u8 {
    let outcome = outcome.and_then(|()| session.out.flush());
    match outcome {
        Ok(()) => {
            session.remember();
            failure::EXIT_OK
        }
        // Whoever read our output has read enough.
        Err(failure) if failure.is_broken_pipe() => failure::EXIT_OK,
        Err(failure) => {
            let failure = session.advise(failure);
            // What was printed before the failure still counts.
            let _ = session.out.flush();
            session.out.error(&failure);
            failure.exit_code()
        }
    }
}

/// What has to be known before the arguments are understood.
struct Early {
    color: ColorChoice,
    json: bool,
}

impl Early {
    fn of(arguments: &[OsString]) -> Self {
        let words: Vec<&str> = arguments.iter().filter_map(|word| word.to_str()).collect();
        let mut color = None;
        for (index, word) in words.iter().enumerate() {
            let next = || words.get(index + 1).copied().filter(|_| *word == "--color");
            let value = word.strip_prefix("--color=").or_else(next);
            match value {
                Some("always") => color = Some(ColorChoice::Always),
                Some("never") => color = Some(ColorChoice::Never),
                Some("auto") => color = Some(ColorChoice::Auto),
                _ => {}
            }
        }
        // Settings that cannot be read are an error of the command that needs them.
        let color = color.or_else(|| Some(Settings::load().ok()?.color.into())).unwrap_or_default();
        Self { color, json: words.contains(&"--json") }
    }
}

/// The parser advises to pass what it does not know as a value, `-- -1`. That leads nowhere for a number, as no item is
/// called like one with a sign, nor for `-n`, which other commands have.
fn with_better_tips(mut error: clap::Error) -> clap::Error {
    let argument = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) => argument.clone(),
        _ => return error,
    };
    let is_number = argument.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if error.kind() == ErrorKind::UnknownArgument && (is_number || argument == "-n") {
        error.remove(ContextKind::Suggested);
        if argument == "-n" {
            let tip = "`datafolio head ITEM -n 5` shows so many rows of a table";
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
        }
    }
    error
}

/// What is wrong with the arguments as an error like others: what the parser says up to its tips is the message, the tips
/// are the hint.
fn usage_failure(text: &str) -> Failure {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let text = text.split("\nFor more information").next().unwrap_or(text);
    let (said, usage) = text.split_once("\nUsage:").unwrap_or((text, ""));
    let (message, tips) = said.split_once("\n\n  tip: ").unwrap_or((said, ""));
    let lines = |text: &str| text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    let failure = Failure::usage(lines(message));
    match (lines(&tips.replace("tip: ", "")), usage.lines().next()) {
        (tips, _) if !tips.is_empty() => failure.hint(tips),
        (_, Some(usage)) if !usage.is_empty() => failure.hint(format!("usage: {}", usage.trim())),
        _ => failure,
    }
}

/// Shows help, the version, or what is wrong with the arguments.
fn usage(error: &clap::Error, early: &Early) -> u8 {
    if !error.use_stderr() {
        // A reader who closes the pipe has seen enough of the help.
        let _ = error.print();
        return failure::EXIT_OK;
    }
    if early.json {
        Output::json_only().error(&usage_failure(&error.to_string()));
    } else {
        let _ = error.print();
    }
    failure::EXIT_USAGE
}
