//! Checking the history: the chain of commits, the copies of the catalogue, and the versions that only old revisions name.

use std::collections::HashSet;

use datafolio_core::history::{CommitRef, HistoryEntry, HistoryFile, Released};
use datafolio_core::{Entry, fingerprint, patch, versions_in};

use crate::bundle::gc::GcOptions;
use crate::bundle::retention::Kept;
use crate::bundle::state::State;
use crate::bundle::verify::{Finding, Severity, VerifyOptions, VerifyReport};
use crate::bundle::{DataFolio, gc};
use crate::error::{Error, Result};
use crate::history::ahead::Ahead;
use crate::history::chain::{files, read_text};
use crate::history::overwritten::{overwritten, problem};
use crate::history::rebuild;
use crate::history::walk::Walk;

impl DataFolio {
    pub(crate) fn verify_history(
        &self,
        state: &State,
        options: &VerifyOptions,
        report: &mut VerifyReport,
    ) -> Result<()> {
        let storage = self.storage().as_ref();
        let copies: HashSet<CommitRef> = files(storage)?
            .into_iter()
            .filter_map(|(commit, kind)| (kind == HistoryFile::Checkpoint).then_some(commit))
            .collect();
        if let Some(ahead) = Ahead::of(storage, state)? {
            damage(report, "older-catalogue", format!("{}; {}", ahead.problem(), ahead.advice()));
        }
        let gone = overwritten(storage, state, 0)?;
        if !gone.is_empty() {
            let message = format!("{}; `datafolio repair` makes the changes again", problem(&gone));
            damage(report, "overwritten-by-foreign-writer", message);
        }
        let mut seen: HashSet<u64> = HashSet::new();
        for step in Walk::from_head(storage, state)? {
            let entry = match step {
                Ok(entry) => entry,
                Err(found) => {
                    damage(report, found.error.code(), found.error.to_string());
                    continue;
                }
            };
            report.commits += 1;
            if !seen.insert(entry.revision) {
                damage(report, DAMAGED, format!("revision {} stands twice in the history", entry.revision));
            }
            if report.commits == 1 {
                self.verify_latest(state, &entry, options, report);
            }
            self.verify_copy(&entry, &copies, options, report);
        }
        let (garbage, kept) = match self.find_garbage(state, &GcOptions::default()) {
            Ok(found) => found,
            // The walk has come across it.
            Err(Error::Core(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        for gc::Lost { item, version } in garbage.lost_versions {
            let message =
                format!("version {version} of item '{item}', which only old revisions name, is lost: its file is gone");
            report.findings.push(lost("lost-version", &item, &version, message));
        }
        match options.read_data {
            true => self.verify_past_versions(state, &kept, options, report),
            false => Ok(()),
        }
    }

    /// The latest commit made the head, and leads back to it from the last full copy.
    fn verify_latest(&self, state: &State, entry: &HistoryEntry, options: &VerifyOptions, report: &mut VerifyReport) {
        let is_head = entry.revision == state.catalogue().revision;
        if is_head && entry.catalogue != state.published.fingerprint() {
            damage(report, "damaged-catalogue", "items.json is not what the last commit published".to_owned());
        }
        if options.read_data
            && let Err(error) = rebuild::forward(self.storage().as_ref(), &entry.commit_ref())
        {
            damage(report, error.code(), format!("items.json could not be brought back from the history: {error}"));
        }
    }

    /// The full copy of the catalogue that a commit may have.
    fn verify_copy(
        &self,
        entry: &HistoryEntry,
        copies: &HashSet<CommitRef>,
        options: &VerifyOptions,
        report: &mut VerifyReport,
    ) {
        let commit = entry.commit_ref();
        let Ok(path) = commit.checkpoint_path() else { return };
        if !copies.contains(&commit) {
            if entry.since_checkpoint == 0 {
                let message = format!("{path} is missing: a copy of the catalogue, which other files can stand in for");
                report.add(Severity::Note, "missing-copy", message);
            }
        } else if options.read_data {
            match read_text(self.storage().as_ref(), &path) {
                Ok(text) if fingerprint(&text) == entry.catalogue => {}
                Ok(_) => damage(report, DAMAGED, format!("{path} is not the catalogue of revision {}", entry.revision)),
                Err(error) => damage(report, DAMAGED, error.to_string()),
            }
        }
    }

    /// Reads the files of the versions that only kept revisions name.
    fn verify_past_versions(
        &self,
        state: &State,
        kept: &Kept,
        options: &VerifyOptions,
        report: &mut VerifyReport,
    ) -> Result<()> {
        let storage = self.storage().as_ref();
        let mut checked: HashSet<(String, String)> = HashSet::new();
        let mut text = state.commit_ref().map(|_| state.published.text.to_string());
        for entry in Walk::from_head(storage, state)?.filter_map(std::result::Result::ok) {
            let Some(parent) = entry.parent.as_ref().filter(|parent| kept.commits().contains(parent)) else { break };
            text = match (text, &entry.patch) {
                (Some(text), Some(splices)) => patch::revert(&text, splices).ok(),
                _ => None,
            };
            let new = |released: &&Released| checked.insert((released.item.clone(), released.version.clone()));
            let past: Vec<&Released> = entry.released.iter().filter(new).collect();
            if past.is_empty() {
                continue;
            }
            if text.is_none() {
                text = rebuild::from_checkpoint(storage, parent).ok().map(|published| published.text.to_string());
            }
            let before = text.as_deref().unwrap_or_default();
            for released in past {
                let versions = versions_in(before, &released.item).unwrap_or_default();
                match versions.iter().find(|version| version.token() == released.version) {
                    Some(version) => self.verify_past_version(version, options, report),
                    None => {
                        let (item, version) = (&released.item, &released.version);
                        let message = format!("version {version} of item '{item}' is in no state that can be rebuilt");
                        report.findings.push(lost(DAMAGED, item, version, message));
                    }
                }
            }
        }
        Ok(())
    }

    fn verify_past_version(&self, version: &Entry, options: &VerifyOptions, report: &mut VerifyReport) {
        // That it is gone has been said, and what came back into the catalogue has been read. Without the checksums of its
        // blocks it is read as a whole.
        let mut payloads = version.payloads().into_iter();
        let is_there = payloads.all(|path| self.storage().stat(&path).is_ok_and(|info| info.is_some()));
        let is_named =
            self.state().catalogue().versions_of(version.name()).any(|entry| entry.token() == version.token());
        let Ok(record) = version.record() else { return };
        if !is_there || is_named {
            return;
        }
        report.versions += 1;
        match self.check_version(&record, options, &mut report.whole) {
            Ok(read) => {
                report.read += usize::from(read.is_some());
                report.bytes += read.unwrap_or_default();
            }
            Err(datafolio_handlers::HandlerError::UnknownType { .. }) => {}
            Err(error) => {
                let message = format!("version {} in old revisions: {error}", version.token());
                report.findings.push(lost(error.code(), version.name(), &version.token(), message));
            }
        }
    }
}

const DAMAGED: &str = "damaged-history";

fn damage(report: &mut VerifyReport, code: &str, message: String) {
    report.add(Severity::Damage, code, message);
}

/// A finding about a version that only old revisions name.
fn lost(code: &str, item: &str, version: &str, message: String) -> Finding {
    Finding {
        severity: Severity::Lost,
        item: Some(item.to_owned()),
        version: Some(version.to_owned()),
        snapshots: Vec::new(),
        code: code.to_owned(),
        message,
    }
}
