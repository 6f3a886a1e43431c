//! The `datafolio` program: one module per command in `command/`, and here what they share.
//!
//! ```text
//! args.rs      options that every command takes, and the list of commands
//! session.rs   which bundle a command means, opened with the user's settings
//! output.rs    what goes to standard output and error, and how it looks
//! failure.rs   errors: message, hint, exit code
//! user_list.rs the user's aliases and recently used bundles, a file shared with Python DataFolio
//! value/       items as text and as files
//! words.rs     sizes, times and types as lists show them
//! ```
//!
//! The library below never prints, asks, or reads the user's environment; all of that happens here.

mod args;
mod command;
mod failure;
mod output;
mod progress;
mod prompt;
mod session;
mod table;
mod user_list;
mod value;
mod words;

use std::ffi::OsString;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};

use args::{Cli, ColorChoice};
use failure::{Failure, Outcome};
use output::Output;
use session::Session;

/// The last panic, in words. Reading hostile files catches panics of the decoders below, and nobody wants to see those.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Runs the program with the arguments of this process.
pub fn main() -> ExitCode {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
        let words = info.payload_as_str().unwrap_or("no message");
        *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("{words}{place}"));
    }));
    match panic::catch_unwind(AssertUnwindSafe(|| run(std::env::args_os().collect()))) {
        Ok(code) => ExitCode::from(code),
        Err(_) => {
            let words = PANIC.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default();
            Output::plain().error(&Failure::defect(words));
            ExitCode::from(failure::EXIT_ERROR)
        }
    }
}

fn run(arguments: Vec<OsString>) -> u8 {
    let early = Early::of(&arguments);
    let matches = Cli::command().color(early.color.into()).try_get_matches_from(arguments);
    let cli = match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, &early),
    };
    if cli.global.folio.is_some() && cli.global.alias.is_some() && !cli.names_a_new_bundle() {
        let text = "-f/--folio and -a/--alias both name a bundle: pass one of them";
        return usage(&Cli::command().error(ErrorKind::ArgumentConflict, text), &early);
    }
    let mut session = Session::new(cli.global);
    let outcome = match cli.command {
        Some(command) => command.run(&mut session),
        None if cli.version => session.out.line(format_args!("DataFolio version {}", env!("CARGO_PKG_VERSION"))),
        None => {
            let help = Cli::command().render_help();
            session.out.line(help.to_string().trim_end())
        }
    };
    finish(session, outcome)
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
        let mut color = ColorChoice::Auto;
        for (index, word) in words.iter().enumerate() {
            let next = || words.get(index + 1).copied().filter(|_| *word == "--color");
            let value = word.strip_prefix("--color=").or_else(next);
            match value {
                Some("always") => color = ColorChoice::Always,
                Some("never") => color = ColorChoice::Never,
                _ => {}
            }
        }
        Self { color, json: words.contains(&"--json") }
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
        let text = error.to_string();
        let text = text.lines().next().unwrap_or_default();
        Output::json_only().error(&Failure::usage(text.strip_prefix("error: ").unwrap_or(text)));
    } else {
        let _ = error.print();
    }
    failure::EXIT_USAGE
}
