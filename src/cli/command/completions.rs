//! `completions`: for the user's shell.

use std::io;

use clap::ValueEnum;
use clap_complete::env::Shells;
use serde_json::json;

use crate::cli::completion;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::session::Session;

/// Print completions for a shell
///
/// The script asks the program what could come next: commands and options, and the names of items, versions, snapshots
/// and aliases. Put it where the shell looks for such scripts, as below, and open a new shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio completions bash > ~/.local/share/bash-completion/completions/datafolio
  datafolio completions zsh > ~/.zfunc/_datafolio    # with fpath+=~/.zfunc before compinit in ~/.zshrc
  datafolio completions fish > ~/.config/fish/completions/datafolio.fish
  datafolio completions powershell >> $PROFILE
  datafolio completions elvish >> ~/.config/elvish/rc.elv")]
pub(in crate::cli) struct Args {
    /// The shell
    shell: Shell,
}

/// A shell that has completions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

impl Shell {
    fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Elvish => "elvish",
            Self::Fish => "fish",
            Self::Powershell => "powershell",
            Self::Zsh => "zsh",
        }
    }
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let name = args.shell.name();
    let shells = Shells::builtins();
    let shell =
        shells.completer(name).ok_or_else(|| Failure::defect(format!("there are no completions for {name}")))?;
    let mut script = Vec::new();
    // By its name: the shell finds the program as it finds it when the line is run.
    shell
        .write_registration(completion::VARIABLE, "datafolio", "datafolio", "datafolio", &mut script)
        .map_err(|error: io::Error| Failure::Output(error))?;
    if session.out.is_json() {
        let script = String::from_utf8_lossy(&script);
        return session.out.json(&json!({"shell": name, "script": script}));
    }
    Ok(session.out.raw().write_all(&script)?)
}
