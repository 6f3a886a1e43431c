//! The user's aliases and recently used bundles: `registry.json` in `~/.datafolio` or `DATAFOLIO_HOME`.
//!
//! Python DataFolio reads and writes the same file, so it keeps its form, and fields that are not known here stay. It is
//! changed under a lock and replaced as a whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use datafolio_core::{ErrorCategory, name, time};
use serde_json::{Map, Value, json};

use super::failure::{Failure, Outcome};
use crate::error::Error;

/// How many recent bundles are kept.
const MOST_RECENT: usize = 50;
/// How long to wait for another program that changes the file.
const PATIENCE: Duration = Duration::from_secs(10);
/// As above, for what is only a convenience.
const LITTLE_PATIENCE: Duration = Duration::from_millis(200);

/// A bundle of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    /// Its alias, where it has one.
    pub(super) alias: Option<String>,
    /// Where it is.
    pub(super) path: String,
    /// When the program last used it.
    pub(super) last_accessed: Option<String>,
}

impl Known {
    /// Whether it is there; `None` for addresses that are not on this machine.
    pub(super) fn exists(&self) -> Option<bool> {
        (!is_remote(&self.path)).then(|| Path::new(&self.path).exists())
    }
}

/// The user's list.
#[derive(Debug)]
pub(super) struct UserList {
    home: PathBuf,
}

impl UserList {
    /// The list of the user who runs this process.
    ///
    /// # Errors
    /// When the user has no home.
    pub(super) fn of_user() -> Outcome<Self> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = match variable("DATAFOLIO_HOME") {
            Some(home) => Some(expand_home(&home)),
            None => user_home().map(|home| home.join(".datafolio")),
        };
        home.map(|home| Self { home }).ok_or_else(|| {
            Failure::new("no-home", ErrorCategory::NotFound, "there is no home directory to keep aliases in")
                .hint("set DATAFOLIO_HOME to a directory")
        })
    }

    fn file(&self) -> PathBuf {
        self.home.join("registry.json")
    }

    fn failed(&self, action: &'static str, source: io::Error) -> Failure {
        Error::File { action, path: self.file(), source }.into()
    }

    fn read(&self) -> Outcome<Map<String, Value>> {
        let text = match fs::read(self.file()) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Map::new()),
            Err(error) => return Err(self.failed("read", error)),
        };
        serde_json::from_slice(&text).map_err(|error| {
            let message = format!("{} is no list of bundles: {error}", self.file().display());
            Failure::new("damaged-registry", ErrorCategory::Corrupt, message)
                .hint("put it right or remove it; it holds aliases and recently used bundles, no data")
        })
    }

    /// Changes the file as a whole, one program at a time.
    fn change<T>(&self, patience: Duration, change: impl FnOnce(&mut Map<String, Value>) -> Outcome<T>) -> Outcome<T> {
        fs::create_dir_all(&self.home).map_err(|error| self.failed("write", error))?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.home.join("registry.json.lock"))
            .map_err(|error| self.failed("lock", error))?;
        let deadline = Instant::now() + patience;
        while lock.try_lock().is_err() {
            if Instant::now() >= deadline {
                return Err(self.failed("lock", io::ErrorKind::WouldBlock.into()));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let mut fields = self.read()?;
        let before = fields.clone();
        let result = change(&mut fields)?;
        if fields != before {
            self.replace(&fields).map_err(|error| self.failed("write", error))?;
        }
        Ok(result)
    }

    fn replace(&self, fields: &Map<String, Value>) -> io::Result<()> {
        let temporary = self.home.join(format!(".registry-{}.tmp", std::process::id()));
        let written = File::create(&temporary).and_then(|mut file| {
            file.write_all(serde_json::to_string_pretty(fields)?.as_bytes())?;
            file.sync_all()?;
            fs::rename(&temporary, self.file())
        });
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    /// The path that an alias stands for.
    ///
    /// # Errors
    /// An alias that is not known.
    pub(super) fn alias(&self, alias: &str) -> Outcome<PathBuf> {
        let aliases = aliases(&self.read()?);
        match aliases.iter().find(|(name, _)| name == alias) {
            Some((_, path)) => Ok(PathBuf::from(path)),
            None => Err(unknown_alias(alias, &aliases)),
        }
    }

    /// All bundles of the list: those with an alias by their names, then the recent ones.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn all(&self) -> Outcome<Vec<Known>> {
        let fields = self.read()?;
        let recent = recent(&fields);
        let last = |path: &str| recent.iter().find(|(known, _)| known == path).and_then(|(_, when)| when.clone());
        let mut all: Vec<Known> = Vec::new();
        for (alias, path) in aliases(&fields) {
            all.push(Known { alias: Some(alias), last_accessed: last(&path), path });
        }
        for (path, last_accessed) in &recent {
            if !all.iter().any(|known| known.path == *path) {
                all.push(Known { alias: None, path: path.clone(), last_accessed: last_accessed.clone() });
            }
        }
        Ok(all)
    }

    /// Checks that a bundle can be given an alias.
    ///
    /// # Errors
    /// A name that is not allowed, or that stands for another bundle.
    pub(super) fn check_alias(&self, alias: &str, path: &Path) -> Outcome {
        is_free(&self.read()?, alias, &normalized(path)).map(drop)
    }

    /// Gives a bundle an alias.
    ///
    /// # Errors
    /// A name that is not allowed, or that stands for another bundle.
    pub(super) fn set_alias(&self, alias: &str, path: &Path, overwrite: bool) -> Outcome<String> {
        if path.to_str().is_none() {
            let message = format!("{}: a path that is no Unicode text cannot have an alias", path.display());
            return Err(Failure::new("invalid-alias", ErrorCategory::InvalidInput, message));
        }
        let target = normalized(path);
        self.change(PATIENCE, |fields| {
            match is_free(fields, alias, &target) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(failure) if overwrite && failure.code() == "alias-exists" => {}
                Err(failure) => return Err(failure),
            }
            let entry = json!({"path": target, "created_at": time::to_iso(time::now())});
            map_of(fields, "aliases").insert(alias.to_owned(), entry);
            Ok(())
        })?;
        Ok(target)
    }

    /// Takes an alias away.
    ///
    /// # Errors
    /// An alias that is not known.
    pub(super) fn remove_alias(&self, alias: &str) -> Outcome {
        self.change(PATIENCE, |fields| match map_of(fields, "aliases").shift_remove(alias) {
            Some(_) => Ok(()),
            None => Err(unknown_alias(alias, &aliases(fields))),
        })
    }

    /// Takes a bundle off the recent ones; `false` when it was not among them.
    ///
    /// # Errors
    /// When the file cannot be changed.
    pub(super) fn forget(&self, path: &Path) -> Outcome<bool> {
        let target = normalized(path);
        self.change(PATIENCE, |fields| {
            let list = list_of(fields, "recent");
            let before = list.len();
            list.retain(|entry| path_of(entry) != Some(&target));
            Ok(list.len() != before)
        })
    }

    /// Takes off what is no longer there; the paths.
    ///
    /// # Errors
    /// When the file cannot be changed.
    pub(super) fn prune(&self) -> Outcome<Vec<String>> {
        let gone = |entry: &Value| {
            path_of(entry).filter(|path| !is_remote(path) && !Path::new(path).exists()).map(str::to_owned)
        };
        self.change(PATIENCE, |fields| {
            let mut removed: Vec<String> = Vec::new();
            let mut keep = |entry: &Value| match gone(entry) {
                Some(path) => {
                    removed.push(path);
                    false
                }
                None => true,
            };
            map_of(fields, "aliases").retain(|_, entry| keep(entry));
            list_of(fields, "recent").retain(|entry| keep(entry));
            removed.sort_unstable();
            removed.dedup();
            Ok(removed)
        })
    }

    /// Puts a bundle in front of the recent ones, as far as that is possible.
    pub(super) fn note_recent(&self, path: &str) {
        let entry = json!({"path": path, "last_accessed": time::to_iso(time::now())});
        // A convenience that must not disturb anything.
        let _ = self.change(LITTLE_PATIENCE, |fields| {
            fields.entry("version").or_insert_with(|| 1.into());
            map_of(fields, "aliases");
            let list = list_of(fields, "recent");
            list.retain(|known| path_of(known) != Some(path));
            list.insert(0, entry);
            list.truncate(MOST_RECENT);
            Ok(())
        });
    }
}

/// Whether an alias may come to stand for a bundle; `false` when it does already.
fn is_free(fields: &Map<String, Value>, alias: &str, target: &str) -> Outcome<bool> {
    name::check_snapshot_name(alias).map_err(|_| {
        let message = format!("Alias {alias:?} can only contain letters, digits, '.', '_' and '-'");
        Failure::new("invalid-alias", ErrorCategory::InvalidInput, message)
    })?;
    match aliases(fields).into_iter().find(|(name, _)| name == alias) {
        Some((_, path)) if path == target => Ok(false),
        Some((_, path)) => {
            let message = format!("alias '{alias}' stands for {path} already");
            Err(Failure::new("alias-exists", ErrorCategory::Exists, message)
                .hint("pass --overwrite to let it stand for the new place"))
        }
        None => Ok(true),
    }
}

fn unknown_alias(alias: &str, known: &[(String, String)]) -> Failure {
    let names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
    let listed = if names.is_empty() { "(none)".to_owned() } else { names.join(", ") };
    let message = format!("No folio registered as '{alias}'. Known aliases: {listed}");
    let failure = Failure::new("alias-not-found", ErrorCategory::NotFound, message)
        .hint("`datafolio folios alias NAME PATH` gives a bundle an alias");
    failure.meant(alias, names)
}

fn aliases(fields: &Map<String, Value>) -> Vec<(String, String)> {
    let entries = fields.get("aliases").and_then(Value::as_object);
    let mut found: Vec<(String, String)> = (entries.into_iter().flatten())
        .filter_map(|(name, entry)| Some((name.clone(), path_of(entry)?.to_owned())))
        .collect();
    found.sort_unstable();
    found
}

fn recent(fields: &Map<String, Value>) -> Vec<(String, Option<String>)> {
    let entries = fields.get("recent").and_then(Value::as_array);
    let last = |entry: &Value| entry.get("last_accessed").and_then(Value::as_str).map(str::to_owned);
    (entries.into_iter().flatten()).filter_map(|entry| Some((path_of(entry)?.to_owned(), last(entry)))).collect()
}

fn path_of(entry: &Value) -> Option<&str> {
    entry.get("path").and_then(Value::as_str)
}

/// A field as a map; anything else in its place is nothing that could be used.
fn map_of<'a>(fields: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let value = fields.entry(key).or_insert_with(|| json!({}));
    if !value.is_object() {
        *value = json!({});
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("it was just made a map"),
    }
}

fn list_of<'a>(fields: &'a mut Map<String, Value>, key: &str) -> &'a mut Vec<Value> {
    let value = fields.entry(key).or_insert_with(|| json!([]));
    if !value.is_array() {
        *value = json!([]);
    }
    match value {
        Value::Array(list) => list,
        _ => unreachable!("it was just made a list"),
    }
}

/// Whether an address is not on this machine.
pub(super) fn is_remote(path: &str) -> bool {
    path.contains("://") && !path.starts_with("file://")
}

/// A path as the list keeps it: absolute, links resolved where it is there.
pub(super) fn normalized(path: &Path) -> String {
    let text = path.to_string_lossy();
    if is_remote(&text) {
        return text.trim_end_matches('/').to_owned();
    }
    let path = expand_home(Path::new(text.strip_prefix("file://").unwrap_or(&text)));
    let absolute = fs::canonicalize(&path).or_else(|_| std::path::absolute(&path)).unwrap_or(path);
    absolute.display().to_string()
}

/// A path whose `~/` no shell has replaced.
pub(super) fn expand_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), user_home()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

fn user_home() -> Option<PathBuf> {
    let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
}
