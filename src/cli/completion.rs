//! Completion as the user types: commands and options, and the names that the bundle at hand has.
//!
//! The script that `datafolio completions SHELL` prints runs the program with [`VARIABLE`] set and the words of the line;
//! the program answers with what could come next. It reads catalogues, writes nothing, and is silent when anything is wrong.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::{Command, CommandFactory};
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

use super::args::{Cli, Global};
use super::session::Session;
use super::user_list::UserList;
use crate::bundle::DataFolio;
use crate::settings::KEYS;

/// The environment variable with which a shell asks for completions.
pub(super) const VARIABLE: &str = "DATAFOLIO_COMPLETE";

thread_local! {
    /// The arguments of the program, for those who complete: under another program's command they are not the process's own.
    static ARGUMENTS: RefCell<Vec<OsString>> = const { RefCell::new(Vec::new()) };
}

/// Answers a shell that asks what could come next; `false` when this run is none of that.
pub(super) fn answer(arguments: &[OsString]) -> bool {
    ARGUMENTS.set(arguments.to_vec());
    let here = std::env::current_dir().ok();
    CompleteEnv::with_factory(offered)
        .var(VARIABLE)
        .try_complete(arguments.iter().cloned(), here.as_deref())
        // Nothing that could go wrong with it may disturb a line that is being typed.
        .unwrap_or(std::env::var_os(VARIABLE).is_some())
}

/// The commands that are offered: all but the hidden ones, which are there for those who know them.
pub(super) fn offered() -> Command {
    let all = Cli::command();
    let visible = all.get_subcommands().filter(|command| !command.is_hide_set());
    Command::new("datafolio").args(all.get_arguments().cloned()).subcommands(visible.cloned())
}

/// Names of items.
pub(super) fn items() -> ArgValueCompleter {
    of_bundle(|folio, _| folio.catalogue().current.keys().map(ToString::to_string).collect())
}

/// Names of snapshots.
pub(super) fn snapshots() -> ArgValueCompleter {
    of_bundle(|folio, _| folio.catalogue().snapshots.keys().cloned().collect())
}

/// Keys of the metadata.
pub(super) fn metadata_keys() -> ArgValueCompleter {
    of_bundle(|folio, _| folio.catalogue().metadata.keys().cloned().collect())
}

/// Ids of the versions of the items that stand on the line.
pub(super) fn versions() -> ArgValueCompleter {
    of_bundle(|folio, line| {
        let named = line.words.iter().filter(|word| folio.contains(word));
        let known = named.filter_map(|item| folio.versions(item).ok()).flatten();
        known.map(|version| version.version).collect()
    })
}

/// The user's aliases.
pub(super) fn aliases() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let known = UserList::of_user().and_then(|list| list.all()).unwrap_or_default();
        candidates(current, known.into_iter().filter_map(|known| known.alias).collect())
    })
}

/// Settings, up to their values.
pub(super) fn settings() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        candidates(current, KEYS.iter().map(|key| format!("{}=", key.name)).collect())
    })
}

/// Names that the bundle has which the line means.
fn of_bundle(names: fn(&DataFolio, &Line) -> Vec<String>) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| {
        let line = Line::of(ARGUMENTS.with_borrow(Clone::clone).into_iter());
        let folio = Session::new(line.global()).reader();
        candidates(current, folio.map(|folio| names(&folio, &line)).unwrap_or_default())
    })
}

/// The names that begin as the word does. One with control characters cannot be typed.
fn candidates(current: &OsStr, names: Vec<String>) -> Vec<CompletionCandidate> {
    let Some(current) = current.to_str() else { return Vec::new() };
    let names: BTreeSet<String> =
        names.into_iter().filter(|name| name.starts_with(current) && !name.chars().any(char::is_control)).collect();
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// The line that is being typed.
struct Line {
    words: Vec<String>,
}

impl Line {
    /// The words that the shell passes after `--`, without the name of the program.
    fn of(arguments: impl Iterator<Item = OsString>) -> Self {
        let words = arguments.skip_while(|word| word != "--").skip(2);
        Self { words: words.filter_map(|word| word.into_string().ok()).collect() }
    }

    /// The options that say which bundle is meant.
    fn global(&self) -> Global {
        Global {
            folio: self.value(&["-f", "--folio", "--to"]).map(PathBuf::from),
            alias: self.value(&["-a", "--alias"]),
            quiet: true,
            ..Global::default()
        }
    }

    /// The value of an option that has one of these names.
    fn value(&self, names: &[&str]) -> Option<String> {
        let mut words = self.words.iter();
        let mut found = None;
        while let Some(word) = words.next() {
            if names.contains(&word.as_str()) {
                found = words.next().cloned();
            } else if let Some((_, value)) = word.split_once('=').filter(|(name, _)| names.contains(name)) {
                found = Some(value.to_owned());
            }
        }
        found.filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundle_is_the_one_that_the_line_names() {
        let line = |words: &[&str]| Line::of(words.iter().map(OsString::from));
        let global = line(&["datafolio", "--", "datafolio", "-f", "x", "get", "a"]).global();
        assert_eq!((global.folio, global.alias), (Some("x".into()), None));
        let global = line(&["datafolio", "--", "datafolio", "get", "--alias=y", "--folio", ""]).global();
        assert_eq!((global.folio, global.alias), (None, Some("y".to_owned())));
    }

    #[test]
    fn hidden_commands_are_not_offered() {
        let offered = offered();
        let names: Vec<&str> = offered.get_subcommands().map(Command::get_name).collect();
        assert!(
            names.contains(&"verify") && !names.contains(&"validate") && !names.contains(&"cli-reference"),
            "{names:?}"
        );
    }
}
