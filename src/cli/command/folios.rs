//! `folios`: the user's aliases and recently used bundles.

use std::path::PathBuf;

use datafolio_core::ErrorCategory;
use serde_json::json;

use crate::cli::completion;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::user_list::UserList;
use crate::cli::words::long_time;
use crate::text::printable;

/// Manage aliases and recently used bundles
///
/// They are kept in ~/.datafolio, or in the directory that DATAFOLIO_HOME names.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio folios alias study ~/analysis/study
  datafolio -a study describe
  datafolio folios list")]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List them
    #[command(after_help = "\
Examples:
  datafolio folios list
  datafolio folios list --json")]
    List,
    /// Give a bundle an alias
    #[command(after_help = "\
Examples:
  datafolio folios alias study ~/analysis/study
  datafolio -f other folios alias study --overwrite")]
    Alias {
        /// The alias: letters, digits, '.', '_' and '-'
        name: String,
        /// The bundle's directory [default: the bundle that commands would use]
        path: Option<PathBuf>,
        /// Let an alias stand for another bundle than before
        #[arg(long)]
        overwrite: bool,
    },
    /// Take an alias away; the bundle stays
    #[command(after_help = "\
Examples:
  datafolio folios unalias study")]
    Unalias {
        /// The alias
        #[arg(add = completion::aliases())]
        name: String,
    },
    /// Take a bundle off the recent ones; aliases stay
    #[command(after_help = "\
Examples:
  datafolio folios forget ~/analysis/old")]
    Forget {
        /// The bundle's directory
        path: PathBuf,
    },
    /// Take off what is no longer there
    #[command(after_help = "\
Examples:
  datafolio folios prune")]
    Prune,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let user = UserList::of_user()?;
    match &args.command {
        Command::List => list(&user, session),
        Command::Alias { name, path, overwrite } => {
            let path = match path {
                Some(path) => path.clone(),
                None => session.place()?,
            };
            let target = user.set_alias(name, &path, *overwrite)?;
            if session.out.is_json() {
                return session.out.json(&json!({"alias": name, "path": target}));
            }
            session.out.done(format_args!("{name} → {}", printable(&target)))
        }
        Command::Unalias { name } => {
            user.remove_alias(name)?;
            if session.out.is_json() {
                return session.out.json(&json!({"alias": name}));
            }
            session.out.done(format_args!("Removed alias {}", printable(name)))
        }
        Command::Forget { path } => {
            let shown = path.display().to_string();
            if !user.forget(path)? {
                let message = format!("Not in the recent list: {shown}");
                return Err(Failure::new("not-recent", ErrorCategory::NotFound, message)
                    .hint("`datafolio folios list` shows what there is"));
            }
            if session.out.is_json() {
                return session.out.json(&json!({"path": shown}));
            }
            session.out.done(format_args!("Forgot {}", printable(&shown)))
        }
        Command::Prune => {
            let removed = user.prune()?;
            if session.out.is_json() {
                return session.out.json(&json!({"removed": removed}));
            }
            if removed.is_empty() {
                return session.out.note("Nothing to prune.");
            }
            removed.iter().try_for_each(|path| session.out.done(format_args!("Removed {}", printable(path))))
        }
    }
}

fn list(user: &UserList, session: &mut Session) -> Outcome {
    let known = user.all()?;
    let out = &mut session.out;
    if out.is_json() {
        let list: Vec<_> = (known.iter())
            .map(|k| json!({"alias": k.alias, "path": k.path, "last_accessed": k.last_accessed, "exists": k.exists()}))
            .collect();
        return out.json(&list);
    }
    if known.is_empty() {
        return out.note("No folios yet: `datafolio folios alias NAME PATH` adds one");
    }
    let mut table = Table::new(out, &["ALIAS", "PATH", "LAST USED", "EXISTS"], &[]);
    for folio in known {
        let exists = match folio.exists() {
            Some(true) => "yes",
            Some(false) => "no",
            None => "?",
        };
        let last = folio.last_accessed.as_deref().map(long_time).unwrap_or_default();
        table.row([folio.alias.unwrap_or_default(), folio.path, last, exists.to_owned()]);
    }
    table.print(out)
}
