//! Checking a bundle: that everything the catalogue names is there, and is what was recorded.

use std::collections::HashSet;
use std::sync::Arc;

use datafolio_core::{CoreError, Entry, ErrorCategory, ItemRecord, Layout, RelPath, item_type, name};
use datafolio_handlers::{HandlerError, StoredFile, all_files};
use datafolio_storage::{Verification, VerifiedSource};
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;

use crate::bundle::lineage_of;
use crate::bundle::state::reload;
use crate::bundle::{DataFolio, Mode};
use crate::error::Result;
use crate::lineage::describe_cycle;
use crate::text::shorten_value;

/// Code of the finding for a table whose place or format this build does not know.
const NOT_CHECKED: &str = "not-checked";

/// What is checked.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// Reads every byte and compares hashes: of current and pinned versions, of the versions that only kept revisions name,
    /// and of the copies of the catalogue in the history. On by default; otherwise only presence and size are checked.
    pub read_data: bool,
    /// Only these items, and of them the current and pinned versions; not the history.
    pub items: Option<Vec<String>>,
    /// Reads only this share of the versions, chosen by their hashes; 100 reads all.
    pub percent: u8,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self { read_data: true, items: None, percent: 100 }
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing; nothing is lost.
    Note,
    /// Allowed, and rarely meant: somebody should look at it. Nothing is lost.
    Warning,
    /// A version of an old revision cannot be read; current items and snapshots are whole. DataFolio 2.x leaves these behind
    /// whenever it overwrites an item.
    Lost,
    /// It could not be looked at: the system refused, or this build cannot.
    Unread,
    /// An item, a snapshot or the history is damaged.
    Damage,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The item, where it is about one.
    pub item: Option<String>,
    /// The version, where it is about one.
    pub version: Option<String>,
    /// The snapshots that hold the version.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub snapshots: Vec<String>,
    /// A stable kebab-case code.
    pub code: String,
    /// What is wrong.
    pub message: String,
}

/// The result of a check.
#[derive(Debug, Clone, Default, Serialize)]
pub struct VerifyReport {
    /// What is not as it should be.
    pub findings: Vec<Finding>,
    /// How many versions were checked.
    pub versions: usize,
    /// How many of them were read whole.
    pub read: usize,
    /// How many bytes were read.
    pub bytes: u64,
    /// How many commits of the history were checked.
    pub commits: usize,
    /// Files that were read and found whole: versions of a table that grows have most of theirs in common.
    #[serde(skip)]
    pub(crate) whole: HashSet<(RelPath, Option<String>)>,
}

impl Finding {
    /// About the bundle as a whole.
    fn new(severity: Severity, code: &str, message: String) -> Self {
        Self { severity, item: None, version: None, snapshots: Vec::new(), code: code.to_owned(), message }
    }
}

impl VerifyReport {
    /// Whether nothing is damaged or lost, and all could be looked at.
    pub fn is_clean(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity <= Severity::Warning)
    }

    /// Whether nothing is damaged, and all could be looked at. Versions that only old revisions name may be lost.
    pub fn is_valid(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity <= Severity::Lost)
    }

    /// How many versions that only old revisions name are lost.
    pub fn lost_versions(&self) -> usize {
        let lost = self.findings.iter().filter(|finding| finding.severity == Severity::Lost);
        lost.map(|finding| (&finding.item, &finding.version)).collect::<HashSet<_>>().len()
    }

    pub(crate) fn add(&mut self, severity: Severity, code: &str, message: String) {
        self.findings.push(Finding::new(severity, code, message));
    }

    /// Damage that an error of the model tells, with the item and snapshot that it names.
    fn add_damage(&mut self, error: &CoreError) {
        let mut finding = Finding::new(Severity::Damage, error.code(), error.to_string());
        match error {
            CoreError::LostVersion { snapshot, item, token } => {
                finding.item = Some(item.clone());
                finding.version = Some(token.clone());
                finding.snapshots = vec![snapshot.clone()];
            }
            CoreError::DamagedEntry { item, .. } => finding.item = Some(item.clone()),
            CoreError::DamagedSnapshot { name, .. } => finding.snapshots = vec![name.clone()],
            _ => {}
        }
        self.findings.push(finding);
    }
}

impl Severity {
    /// What an error says of that which it kept from being checked.
    fn of(category: ErrorCategory) -> Self {
        match category {
            // A reference to a place or in a format that this build does not read is among these.
            ErrorCategory::Storage | ErrorCategory::Unsupported => Self::Unread,
            _ => Self::Damage,
        }
    }
}

impl DataFolio {
    /// Checks the bundle: catalogue, snapshots, history, and the files of all current and pinned versions. Findings are in
    /// the report; an error means that the check itself could not be made.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn verify(&self, options: &VerifyOptions) -> Result<VerifyReport> {
        let storage = self.storage().as_ref();
        let state = match self.mode() {
            Mode::ReadWrite | Mode::ReadOnly => reload(storage, &self.state())?,
            _ => self.state(),
        };
        let catalogue = state.catalogue();
        let mut report = VerifyReport::default();
        for problem in &catalogue.problems {
            report.add(Severity::Note, "odd-catalogue", problem.clone());
        }
        if catalogue.is_damaged_by_1x() {
            let message = "DataFolio 1.3 has dropped the metadata and snapshots; `datafolio repair` brings them back";
            report.add(Severity::Damage, "damaged-by-1x", message.to_owned());
        }
        for (key, flaw) in catalogue.unreadable_metadata() {
            let message = format!("the metadata key {key:?} cannot be read ({flaw}); it is kept as it is");
            report.add(Severity::Note, "metadata-not-read", message);
        }
        for (key, flaw) in catalogue.unreadable_extra() {
            report.add(Severity::Damage, "damaged-catalogue", unreadable_field(key, &flaw));
        }
        let wanted = |name: &str| options.items.as_ref().is_none_or(|items| items.iter().any(|item| item == name));
        for name in options.items.iter().flatten() {
            state.item(name)?;
        }
        let entries: Vec<&Arc<Entry>> = catalogue.entries().filter(|entry| wanted(entry.name())).collect();
        for entry in entries {
            self.verify_entry(entry, options, &mut report);
        }
        for (name, error) in &state.lost {
            if wanted(name) {
                report.add_damage(error);
            }
        }
        #[cfg(feature = "sql")]
        for entry in catalogue.current.values().filter(|entry| wanted(entry.name())) {
            self.verify_view(entry, &mut report);
        }
        if options.items.is_none() {
            verify_snapshots(catalogue, &mut report);
            verify_lineage(catalogue, &mut report);
            // An earlier state stands in the history of the head, and has none of its own.
            let is_head = matches!(self.mode(), Mode::ReadWrite | Mode::ReadOnly);
            let head = if is_head { Arc::clone(&state) } else { self.head() };
            if head.catalogue().layout == Layout::V2
                && let Err(error) = self.verify_history(&head, options, &mut report)
            {
                report.add(Severity::of(error.category()), error.code(), error.to_string());
            }
        }
        Ok(report)
    }

    /// A view whose text is not understood, or that reads what is not there: its own file is whole.
    #[cfg(feature = "sql")]
    fn verify_view(&self, entry: &Entry, report: &mut VerifyReport) {
        if !crate::view::is_view_entry(entry) {
            return;
        }
        let Ok(record) = entry.record() else { return };
        for reason in self.broken(&record) {
            report.findings.push(Finding {
                item: Some(entry.name().to_owned()),
                version: Some(entry.token()),
                ..Finding::new(Severity::Note, "broken-view", format!("view '{}': {reason}", entry.name()))
            });
        }
    }

    /// For each current item whether it is whole: its file is there and is what was recorded, or the target of the
    /// reference is there. Of a table that this build cannot read only that can be told, and nothing of one that is not on this
    /// machine: as in Python DataFolio, what cannot be reached does not count as whole.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn validate(&self) -> Result<IndexMap<String, bool>> {
        let state = self.state();
        let mut result = IndexMap::new();
        for (name, entry) in state.catalogue().current.iter() {
            let mut report = VerifyReport::default();
            self.verify_entry(entry, &VerifyOptions::default(), &mut report);
            let is_unchecked = report.findings.iter().any(|finding| finding.code == NOT_CHECKED);
            result.insert(name.to_string(), report.is_clean() && (!is_unchecked || self.has_local_target(entry)));
        }
        Ok(result)
    }

    /// Whether a reference leads to something on this machine.
    fn has_local_target(&self, entry: &Entry) -> bool {
        let Ok(record) = entry.record() else { return false };
        let path = record.str("path").filter(|path| path.starts_with("file://") || !path.contains("://"));
        let path = path.map(|path| path.strip_prefix("file://").unwrap_or(path));
        path.and_then(|path| self.handler_item(&record).outside_path(path)).is_some_and(|path| path.exists())
    }

    fn verify_entry(&self, entry: &Arc<Entry>, options: &VerifyOptions, report: &mut VerifyReport) {
        report.versions += 1;
        let mut add = |severity, code: &str, message: String| {
            let state = self.state();
            let finding = Finding {
                severity,
                item: Some(entry.name().to_owned()),
                version: Some(entry.token()),
                snapshots: state.catalogue().pinning(entry).map(str::to_owned).collect(),
                code: code.to_owned(),
                message,
            };
            report.findings.push(finding);
        };
        let record = match entry.record() {
            Ok(record) => record,
            Err(error) => return add(Severity::Damage, error.code(), error.to_string()),
        };
        if let Err(error) = name::check_item_name(entry.name()) {
            let message = format!("{error}; it can be read, and DataFolio 2.x would not make it");
            add(Severity::Warning, error.code(), message);
        }
        for flaw in record.flaws() {
            add(Severity::Damage, flaw.code, format!("item '{}': {} {}", entry.name(), flaw.field, flaw.reason));
        }
        match self.blocks_are_gone(&record) {
            Ok(false) => {}
            Ok(true) => add(
                Severity::Note,
                "missing-blocks",
                "the checksums of its blocks are gone, as after a copy by DataFolio 2.x: it is read as a whole"
                    .to_owned(),
            ),
            Err(error) => return add(Severity::of(error.category()), error.code(), error.to_string()),
        }
        if let Some(handler) = self.registry().for_type(record.item_type()) {
            for (code, note) in handler.notes(&self.handler_item(&record)) {
                add(Severity::Note, code, note);
            }
        }
        match self.check_version(&record, options, &mut report.whole) {
            Ok(Some(bytes)) => {
                report.read += 1;
                report.bytes += bytes;
            }
            Ok(None) => {}
            Err(error @ HandlerError::Unsupported { .. }) => add(Severity::Note, NOT_CHECKED, error.to_string()),
            Err(HandlerError::UnknownType { .. }) => {
                let checked = if record.filename().is_some() {
                    "only the hash of its file is checked"
                } else {
                    "it has no file to check"
                };
                let message = format!("type {:?} is not known here: {checked}", entry.item_type());
                add(Severity::Note, "unknown-item-type", message);
            }
            Err(error) => add(Severity::of(error.category()), error.code(), error.to_string()),
        }
    }

    /// Whether a version has checksums for its blocks, and a file of them is not there. DataFolio 2.x copies and exports the files
    /// that it knows, and this is none of them; the hash of the whole is still in the entry.
    pub(crate) fn blocks_are_gone(&self, record: &ItemRecord) -> Result<bool, HandlerError> {
        if record.item_type() == item_type::REFERENCED_TABLE || record.filename().is_none() {
            return Ok(false);
        }
        for file in all_files(record)? {
            if let Some((path, _)) = file.expected.blocks
                && self.storage().stat(&path)?.is_none()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Checks one version; the number of bytes when it was read whole.
    pub(crate) fn check_version(
        &self,
        record: &ItemRecord,
        options: &VerifyOptions,
        whole: &mut HashSet<(RelPath, Option<String>)>,
    ) -> Result<Option<u64>, HandlerError> {
        let read = options.read_data && in_sample(record, options.percent);
        let verification = if read { Verification::Full } else { Verification::Off };
        let item = self.handler_item(record).with_verification(verification);
        let handler = self.registry().for_type(record.item_type());
        let unknown =
            || HandlerError::UnknownType { item: record.name().to_owned(), item_type: record.item_type().to_owned() };
        // Whether an entry may do without a file is for its type to say.
        if record.item_type() == item_type::REFERENCED_TABLE || record.filename().is_none() {
            return handler.ok_or_else(unknown)?.verify(&item).map(|()| None);
        }
        // Size and presence, and with `Full` every byte.
        let damage = |source| HandlerError::Payload { item: record.name().to_owned(), source };
        let mut size = 0;
        for StoredFile { path, mut expected, .. } in all_files(record)? {
            if let Some((blocks, _)) = &expected.blocks
                && self.storage().stat(blocks)?.is_none()
            {
                expected.blocks = None;
            }
            // Two entries can say different things of one file.
            let key = (path.clone(), expected.sha256.clone().or_else(|| expected.md5.clone()));
            if read && whole.contains(&key) {
                continue;
            }
            let source =
                VerifiedSource::open(self.storage(), &path, expected, verification, self.verified()).map_err(damage)?;
            size += datafolio_storage::Source::size(&source);
            if read {
                whole.insert(key);
            }
        }
        let handler = handler.ok_or_else(unknown)?;
        if read {
            // The bytes are what was recorded; the handler looks at what they say.
            handler.verify(&item.with_verification(Verification::Touched))?;
        }
        Ok(read.then_some(size))
    }
}

/// What is said of a top-level field of `items.json` that is not known here and cannot be read either.
pub(crate) fn unreadable_field(key: &str, flaw: &str) -> String {
    let key = shorten_value(&Value::from(key));
    format!("items.json: the field '{key}' is not known here and cannot be read ({flaw}); it is kept as it is")
}

/// Whether a version is in the share that is read. The choice follows from the version itself, so that repeated checks with
/// growing shares cover all.
fn in_sample(record: &ItemRecord, percent: u8) -> bool {
    if percent >= 100 {
        return true;
    }
    let token = record.str("sha256").or_else(|| record.str("checksum")).unwrap_or_else(|| record.name());
    let digest = datafolio_core::json::sha256(token);
    let number = u32::from_str_radix(&digest[..8], 16).unwrap_or(0);
    number % 100 < u32::from(percent)
}

fn verify_snapshots(catalogue: &datafolio_core::Catalogue, report: &mut VerifyReport) {
    for name in catalogue.snapshots.keys() {
        match catalogue.snapshot_entries(name) {
            Err(error) => report.add_damage(&error),
            Ok(entries) => entries.into_values().filter_map(Result::err).for_each(|error| report.add_damage(&error)),
        }
    }
}

fn verify_lineage(catalogue: &datafolio_core::Catalogue, report: &mut VerifyReport) {
    for cycle in lineage_of(catalogue).cycles() {
        let message = format!("made from itself, directly or through others: {}", describe_cycle(&cycle));
        let mut finding = Finding::new(Severity::Warning, "cyclic-lineage", message);
        finding.item = cycle.first().map(|&name| name.to_owned());
        report.findings.push(finding);
    }
}
