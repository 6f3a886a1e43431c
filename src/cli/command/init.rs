//! `init`: makes a bundle.

use std::path::PathBuf;

use serde_json::{Map, json};

use crate::bundle::DataFolio;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::Paint;
use crate::cli::prompt::{Answer, confirm};
use crate::cli::session::Session;
use crate::cli::user_list::{UserList, expand_home};
use crate::error::Error;
use crate::text::shell_word;

/// Make a bundle
///
/// Makes a bundle in PATH, or in the current directory. With -a/--alias NAME the new bundle can be reached by that name
/// from anywhere.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio init experiments/new -d 'My experiment'
  datafolio init experiments/new -a exp
  datafolio -a exp describe")]
pub(in crate::cli) struct Args {
    /// Where; made if it is not there [default: the current directory]
    path: Option<PathBuf>,
    /// What the bundle is for
    #[arg(short, long, value_name = "TEXT")]
    description: Option<String>,
    /// A name for people [default: that of the directory]
    #[arg(short, long)]
    name: Option<String>,
    /// Do not ask before a directory that is not empty is used
    #[arg(short, long)]
    yes: bool,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    if args.path.is_some() && session.global.folio.is_some() {
        return Err(Failure::usage("PATH and -f/--folio both name a bundle: pass one of them"));
    }
    let path = args.path.clone().or_else(|| session.global.folio.clone()).unwrap_or_else(|| PathBuf::from("."));
    let path = expand_home(&path);
    let mut metadata = Map::new();
    metadata.extend(args.description.iter().map(|text| ("description".to_owned(), json!(text))));
    metadata.extend(args.name.iter().map(|text| ("name".to_owned(), json!(text))));
    let alias = session.global.alias.clone();
    if let Some(alias) = &alias {
        // Before a bundle is made that would then lack the name it was to have.
        UserList::of_user()?.check_alias(alias, &path).map_err(of_init)?;
    }
    let options = session.options()?.metadata(metadata.clone());
    let folio = match options.clone().create(&path) {
        Ok(folio) => folio,
        Err(error @ Error::NotEmpty { .. }) => {
            if !agreed(session, &error.to_string(), "Initialize a bundle in this directory?", args.yes)? {
                return Ok(());
            }
            options.allow_existing(true).create(&path)?
        }
        Err(error @ Error::BundleExists { .. }) => {
            if !agreed(session, &error.to_string(), "Reinitialize it? Nothing in it is deleted.", args.yes)? {
                return Ok(());
            }
            let folio = options.open(&path)?;
            let mut batch = folio.batch()?;
            for (key, value) in &metadata {
                batch.set_metadata(key, value)?;
            }
            batch.commit()?;
            folio
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(alias) = &alias {
        UserList::of_user()?.set_alias(alias, folio.location().as_ref(), false).map_err(of_init)?;
    }
    session.uses(&folio);
    report(args, alias.as_deref(), &folio, session)
}

fn agreed(session: &mut Session, what: &str, question: &str, yes: bool) -> Outcome<bool> {
    session.out.warn(what);
    Ok(yes || confirm(&mut session.out, question)? == Answer::Yes)
}

fn report(args: &Args, alias: Option<&str>, folio: &DataFolio, session: &mut Session) -> Outcome {
    let location = folio.location();
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&json!({"location": location, "alias": alias, "revision": folio.revision()}));
    }
    let directory = std::path::Path::new(&location).file_name().unwrap_or_default().to_string_lossy();
    let name = args.name.as_deref().unwrap_or(&directory);
    out.done(format_args!("Initialized DataFolio bundle: {}", crate::text::printable(name)))?;
    out.note(format_args!("  Path: {}", crate::text::printable(&location)))?;
    if let Some(text) = &args.description {
        out.note(format_args!("  Description: {}", crate::text::printable(text)))?;
    }
    let chosen = match alias {
        Some(alias) => {
            out.note(format_args!("  Alias: {alias}"))?;
            format!(" -a {alias}")
        }
        None if std::env::current_dir().is_ok_and(|here| here.as_os_str() == location.as_str()) => String::new(),
        None => format!(" -f {}", shell_word(&location)),
    };
    let title = out.paint(Paint::Strong, "Next steps:");
    out.note(format_args!(
        "\n{title}\n  datafolio{chosen} import my_table.csv -d 'What it is'\n  \
         datafolio{chosen} snapshot create v1.0 -d 'Initial version'"
    ))
}

/// `init` has no --overwrite.
fn of_init(failure: Failure) -> Failure {
    match failure.code() {
        "alias-exists" => {
            failure.hint("choose another alias, or move it: `datafolio folios alias NAME PATH --overwrite`")
        }
        _ => failure,
    }
}
