//! `find`: items of all bundles that the user knows.

use regex::RegexBuilder;
use serde_json::{Value, json};

use crate::bundle::DataFolio;
use crate::cli::args::ItemKind;
use crate::cli::completion;
use crate::cli::failure::{EXIT_ERROR, Failure, Outcome};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::user_list::{Known, UserList, is_remote, normalized};
use crate::cli::words::{damaged_json, type_word};
use crate::error::Error;
use crate::text::printable;

/// Find items in all bundles that have an alias or were used recently
///
/// PATTERN is a glob pattern for the names of items. Only catalogues are read. Exits with 1 when nothing is found.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio find 'cells*'
  datafolio find 'synapse|soma' --regex --type table
  datafolio find 'dataset=minnie*' --metadata
  datafolio find synapse --desc --in study")]
pub(in crate::cli) struct Args {
    /// What to look for
    #[arg(default_value = "*")]
    pattern: String,
    /// PATTERN is a regular expression, found anywhere in the name
    #[arg(long)]
    regex: bool,
    /// Only items of this kind; can be given several times
    #[arg(long = "type", value_name = "KIND", value_enum)]
    kinds: Vec<ItemKind>,
    /// Look for keys of the bundles' metadata: KEY or KEY=VALUE
    #[arg(long)]
    metadata: bool,
    /// Only in this alias or directory; can be given several times
    #[arg(add = completion::aliases(), long = "in", value_name = "FOLIO")]
    places: Vec<String>,
    /// Only in bundles with an alias
    #[arg(long)]
    aliases_only: bool,
    /// Only in bundles on this machine
    #[arg(long)]
    local_only: bool,
    /// Archived items too
    #[arg(long)]
    include_archived: bool,
    /// Upper and lower case differ
    #[arg(long)]
    case_sensitive: bool,
    /// Also look for the text anywhere in descriptions
    #[arg(long)]
    desc: bool,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let search = Search::new(args)?;
    let mut found: Vec<Value> = Vec::new();
    let mut damaged: Vec<Value> = Vec::new();
    for place in places(args)? {
        if is_remote(&place.path) {
            if !args.local_only {
                session.out.warn(format_args!("left out {}: only local bundles are read", place.path));
            }
            continue;
        }
        let options = session.options()?.read_only(true);
        let looked = session.waiting(format!("looking into {}", printable(&place.path)), || {
            options.open(&place.path).map(|folio| search.look_into(&folio, &place, &mut found))
        });
        match looked {
            Ok(errors) => {
                for error in errors {
                    match session.out.is_json() {
                        true => {
                            let mut row = damaged_json(&error);
                            row["alias"] = json!(place.alias);
                            row["folio_path"] = json!(place.path);
                            damaged.push(row);
                        }
                        false => session.out.warn(format_args!("{}: {error}", place.path)),
                    }
                }
            }
            Err(error) => session.out.warn(format_args!("left out {}: {error}", place.path)),
        }
    }
    let out = &mut session.out;
    if out.is_json() {
        out.json(&found.iter().chain(&damaged).collect::<Vec<_>>())?;
    } else if found.is_empty() {
        out.note(format_args!("No matches for '{}'.", printable(&args.pattern)))?;
    } else {
        show(args, &found, out)?;
    }
    if found.is_empty() { Err(Failure::Said(EXIT_ERROR)) } else { Ok(()) }
}

fn places(args: &Args) -> Outcome<Vec<Known>> {
    let known = UserList::of_user()?.all()?;
    if args.places.is_empty() {
        // A bundle with several aliases is searched once.
        let mut places: Vec<Known> = Vec::new();
        for place in known.into_iter().filter(|place| place.alias.is_some() || !args.aliases_only) {
            if !places.iter().any(|other| other.path == place.path) {
                places.push(place);
            }
        }
        return Ok(places);
    }
    let named = |place: &String| {
        let by_alias = known.iter().find(|known| known.alias.as_deref() == Some(place));
        by_alias.cloned().unwrap_or_else(|| {
            let path = normalized(place.as_ref());
            let alias = known.iter().find(|known| known.path == path).and_then(|known| known.alias.clone());
            Known { alias, path, last_accessed: None }
        })
    };
    Ok(args.places.iter().map(named).collect())
}

/// What is searched for.
struct Search<'a> {
    args: &'a Args,
    name: Matcher,
    value: Option<Matcher>,
    description: Option<Matcher>,
}

impl<'a> Search<'a> {
    fn new(args: &'a Args) -> Outcome<Self> {
        let matcher = |text: &str| Matcher::new(text, args.regex, args.case_sensitive);
        let (name, value) = match args.pattern.split_once('=') {
            Some((key, value)) if args.metadata => (matcher(key)?, Some(matcher(value)?)),
            _ => (matcher(&args.pattern)?, None),
        };
        let anywhere = if args.regex { args.pattern.clone() } else { format!("*{}*", args.pattern.trim_matches('*')) };
        let description = (args.desc && !args.metadata).then(|| matcher(&anywhere)).transpose()?;
        Ok(Self { args, name, value, description })
    }

    /// Adds what a bundle has of it; the items whose entries cannot be read, which may be among those that are looked for.
    fn look_into(&self, folio: &DataFolio, place: &Known, found: &mut Vec<Value>) -> Vec<Error> {
        let mut damaged = Vec::new();
        if self.args.metadata {
            for (key, value) in folio.metadata() {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                if self.name.matches(&key) && self.value.as_ref().is_none_or(|matcher| matcher.matches(&text)) {
                    found.push(json!({"alias": place.alias, "folio_path": place.path, "key": key, "value": value}));
                }
            }
            return damaged;
        }
        for info in folio.items(self.args.include_archived) {
            let info = match info {
                Ok(info) => info,
                Err(error) => {
                    damaged.push(error);
                    continue;
                }
            };
            let description = info.description().unwrap_or_default();
            let matched = self.name.matches(&info.name)
                || self.description.as_ref().is_some_and(|matcher| matcher.matches(description));
            let is_kind = self.args.kinds.is_empty() || self.args.kinds.iter().any(|kind| kind.holds(info.category));
            if matched && is_kind {
                found.push(json!({
                    "alias": place.alias,
                    "folio_path": place.path,
                    "name": info.name,
                    "item_type": info.item_type,
                    "category": info.category,
                    "description": info.record.get("description"),
                    "created_at": info.record.get("created_at"),
                }));
            }
        }
        damaged
    }
}

enum Matcher {
    Regex(regex::Regex),
    Glob(glob::Pattern, glob::MatchOptions),
}

impl Matcher {
    fn new(text: &str, is_regex: bool, case_sensitive: bool) -> Outcome<Self> {
        if is_regex {
            let regex = RegexBuilder::new(text).case_insensitive(!case_sensitive).build();
            return regex.map(Self::Regex).map_err(|error| Failure::pattern(text, &error.to_string()));
        }
        let options = glob::MatchOptions { case_sensitive, ..glob::MatchOptions::default() };
        glob::Pattern::new(text)
            .map(|glob| Self::Glob(glob, options))
            .map_err(|error| Failure::pattern(text, error.msg))
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Regex(regex) => regex.is_match(text),
            Self::Glob(glob, options) => glob.matches_with(text, *options),
        }
    }
}

fn show(args: &Args, found: &[Value], out: &mut Output) -> Outcome {
    let text = |row: &Value, key: &str| match row.get(key) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    };
    let (header, keys): (&[&str], &[&str]) = match args.metadata {
        true => (&["FOLIO", "KEY", "VALUE"], &["key", "value"]),
        false => (&["FOLIO", "ITEM", "TYPE", "DESCRIPTION"], &["name", "item_type", "description"]),
    };
    let mut table = Table::new(out, header, &[]);
    for row in found {
        let mut row = row.clone();
        if let Some(item_type) = row.get("item_type").and_then(Value::as_str) {
            let is_view = row.get("category").and_then(Value::as_str) == Some("views");
            row["item_type"] = json!(if is_view { "view" } else { type_word(item_type) });
        }
        let row = &row;
        let folio = if row["alias"].is_string() { text(row, "alias") } else { text(row, "folio_path") };
        table.row(std::iter::once(folio).chain(keys.iter().map(|key| text(row, key))));
    }
    table.print(out)
}
