//! Making and deleting snapshots.

use std::collections::HashSet;

use datafolio_core::{Change, time};
use serde_json::{Map, Value};

use crate::bundle::{DataFolio, check_metadata};
use crate::error::{Error, Result};
use crate::facts::environment::{self, Python};
use crate::facts::{execution, git};
use datafolio_handlers::HandlerError;

/// What a snapshot records beside the versions of all items.
#[derive(Debug, Clone)]
pub struct SnapshotOptions {
    /// What it is for.
    pub description: Option<String>,
    /// Labels.
    pub tags: Vec<String>,
    /// Commit, branch, state and remote of the git repository of the working directory. On by default.
    pub capture_git: bool,
    /// Platform and versions.
    pub capture_environment: bool,
    /// Working directory and command line.
    pub capture_execution: bool,
    /// What a Python caller knows of its interpreter, for what is captured.
    pub python: Option<Python>,
}

impl Default for SnapshotOptions {
    fn default() -> Self {
        Self {
            description: None,
            tags: Vec::new(),
            capture_git: true,
            capture_environment: false,
            capture_execution: false,
            python: None,
        }
    }
}

impl DataFolio {
    /// Makes a snapshot of the state that the handle sees. It costs no copy of data and never changes.
    ///
    /// # Errors
    /// A name that is taken or not allowed, a tag that is empty; [`Error::PayloadGone`] when the file of an item is not there, as when another
    /// program has replaced the item meanwhile.
    pub fn create_snapshot(&self, name: &str, options: SnapshotOptions) -> Result<()> {
        self.once(|batch| {
            let catalogue = batch.base().catalogue().clone();
            check_metadata(&catalogue)?;
            let mut fields = Map::new();
            fields.insert("name".to_owned(), name.into());
            fields.insert("timestamp".to_owned(), time::to_iso(time::now()).into());
            fields.insert("metadata_snapshot".to_owned(), catalogue.metadata_object().into());
            fields.insert("tags".to_owned(), distinct(options.tags)?.into());
            if let Some(text) = options.description.filter(|text| !text.is_empty()) {
                fields.insert("description".to_owned(), text.into());
            }
            let here = std::env::current_dir().unwrap_or_default();
            if let Some(facts) = options.capture_git.then(|| git::capture(&here)).flatten() {
                fields.insert("git".to_owned(), Value::Object(facts));
            }
            if options.capture_environment {
                fields.insert(
                    "environment".to_owned(),
                    Value::Object(environment::capture(&here, options.python.as_ref())),
                );
            }
            if options.capture_execution {
                let arguments = options.python.map_or_else(execution::arguments, |python| python.arguments);
                fields.insert("execution".to_owned(), Value::Object(execution::capture(&here, arguments)));
            }
            let entries: Vec<_> = catalogue.current.values().cloned().collect();
            for entry in &entries {
                // A path that leads out of the bundle is damage of another kind, which `verify` tells.
                for path in entry.payloads() {
                    let found = self
                        .storage()
                        .stat(&path)
                        .map_err(|source| HandlerError::Payload { item: entry.name().to_owned(), source })?;
                    if found.is_none() {
                        return Err(Error::PayloadGone {
                            item: entry.name().to_owned(),
                            version: entry.token(),
                            path: path.to_string(),
                        });
                    }
                }
            }
            let change = Change::AddSnapshot { name: name.to_owned(), fields, entries };
            batch.change(change, format!("create snapshot {name}"))
        })
    }

    /// Deletes a snapshot. Versions that only it held stay in the history for as long as that is kept.
    ///
    /// # Errors
    /// [`CoreError::SnapshotNotFound`](datafolio_core::CoreError::SnapshotNotFound).
    pub fn delete_snapshot(&self, name: &str) -> Result<()> {
        self.once(|batch| {
            batch.change(Change::DeleteSnapshot { name: name.to_owned() }, format!("delete snapshot {name}"))
        })
    }

    /// Versions that are neither current nor held by a snapshot, as Python DataFolio leaves them behind when it deletes a
    /// snapshot. Returns their payload files; with `dry_run` they stay in the catalogue. The files themselves stay until
    /// nothing in the history needs them.
    ///
    /// # Errors
    /// As for every commit.
    pub fn cleanup_orphaned_versions(&self, dry_run: bool) -> Result<Vec<String>> {
        let orphans = self.state().catalogue().orphans();
        let files: Vec<String> = orphans.iter().filter_map(|entry| entry.filename().map(str::to_owned)).collect();
        if !dry_run {
            self.require_writable("clean up")?;
            if !orphans.is_empty() {
                self.once(|batch| {
                    batch.change(Change::DropOrphans, format!("drop {} orphaned versions", orphans.len()))
                })?;
            }
        }
        Ok(files)
    }
}

/// Tags as they are kept: each once, in the order in which they were given.
fn distinct(tags: Vec<String>) -> Result<Vec<String>> {
    if tags.iter().any(|tag| tag.trim().is_empty()) {
        return Err(Error::Invalid("a tag of a snapshot must not be empty".to_owned()));
    }
    let mut seen = HashSet::new();
    Ok(tags.into_iter().filter(|tag| seen.insert(tag.clone())).collect())
}
