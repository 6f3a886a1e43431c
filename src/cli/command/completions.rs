//! `completions`: for the user's shell.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::args::Cli;
use crate::cli::failure::Outcome;
use crate::cli::session::Session;

/// Print completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio completions bash > ~/.local/share/bash-completion/completions/datafolio
  datafolio completions zsh > ~/.zfunc/_datafolio
  datafolio completions fish > ~/.config/fish/completions/datafolio.fish")]
pub(in crate::cli) struct Args {
    /// The shell
    shell: Shell,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "datafolio", &mut script);
    Ok(session.out.raw().write_all(&script)?)
}
