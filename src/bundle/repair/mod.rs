//! Putting a damaged bundle right. Nothing is deleted: what was found is kept aside.
//!
//! What there is to repair from is looked over first ([`survey`]). A catalogue that is damaged goes back to the state of a
//! commit, or, where another program wrote it, what is whole in it is saved ([`salvage`], with [`lenient`] reading); what
//! DataFolio 1.3 has dropped comes back ([`after_1x`]); both put two states together ([`merge`]). Single entries that cannot be
//! read come back from the history ([`entries`]). A sound catalogue whose
//! history is damaged gets that put right ([`heal`]), and one that is older than the history gives way to what was committed
//! after it ([`forward`]). What another program has written over on a store is committed again ([`overwritten`]).

mod after_1x;
mod entries;
mod forward;
mod heal;
mod lenient;
mod merge;
mod overwritten;
mod salvage;
mod survey;

use std::path::Path;
use std::sync::Arc;

use datafolio_core::history::{CommitKind, CommitRef};
use datafolio_core::{
    Catalogue, CatalogueFiles, ChangeSet, CoreError, ErrorCategory, Layout, RelPath, SealCheck, encode,
    parse_catalogue, time,
};
use datafolio_storage::{Storage, StorageError, VersionTag};
use serde::Serialize;

use crate::bundle::commit::{Follows, Intent, commit_in_place};
use crate::bundle::gc::Lost;
use crate::bundle::migrate::forget_old_layout;
use crate::bundle::place::Place;
use crate::bundle::repair::salvage::{Salvage, salvage};
use crate::bundle::repair::survey::{Candidate, Chosen, Survey};
use crate::bundle::state::{MAX_CATALOGUE, State, file, load};
use crate::error::{Error, Result};
use crate::facts::writer::Writer;
use crate::history::ahead::Ahead;
use crate::settings::Settings;

/// How a catalogue is put right.
#[derive(Debug, Clone, Default)]
pub struct RepairOptions {
    /// Takes `items.json` as it is, though it does not match its seal, or its revision is behind that of the history:
    /// someone has edited or replaced it on purpose.
    pub accept: bool,
    /// Settings; see [`Settings::load`] for those of the user.
    pub settings: Settings,
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RepairReport {
    /// What was wrong; `None` when nothing was.
    pub problem: Option<String>,
    /// What was done about it.
    pub action: Option<String>,
    /// The revision that the bundle has now.
    pub revision: u64,
    /// Where the damaged files were kept aside.
    pub kept_aside: Vec<String>,
    /// Whether nothing vouches for the state that the bundle went back to: it is the last that the history has, and its
    /// writer may have died before it published it.
    pub unconfirmed: bool,
    /// Current versions, and those of snapshots, whose files are gone.
    pub missing: Vec<Lost>,
    /// Items of which a version was saved out of the damaged file.
    pub salvaged_items: Vec<String>,
    /// Snapshots that were saved out of the damaged file.
    pub salvaged_snapshots: Vec<String>,
    /// What could not be saved, in words: revisions, items, and files that nothing names any more.
    pub given_up: Vec<String>,
}

/// Puts a bundle right: a catalogue that is damaged goes back to the last good revision of the history, with what can be
/// saved of later writes of another program; what DataFolio 1.3 has dropped comes back; a damaged history is mended.
///
/// # Errors
/// [`Error::NotABundle`]; the original error when there is nothing to go back to.
pub fn repair(path: impl AsRef<Path>, options: &RepairOptions) -> Result<RepairReport> {
    repair_storage(Place::of(path.as_ref()).existing(&options.settings)?, options)
}

/// Puts a bundle in a storage of the caller's right, as [`repair`] does.
///
/// # Errors
/// As [`repair`].
pub fn repair_storage(storage: Arc<dyn Storage>, options: &RepairOptions) -> Result<RepairReport> {
    let storage = &storage;
    let _lock = storage.lock(options.settings.lock_timeout)?;
    let raw = match storage.read_tagged(&file("items.json")?, MAX_CATALOGUE) {
        Ok(found) => found.map(|(bytes, tag)| {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            Raw { bytes, text, tag }
        }),
        // No catalogue is as large. It cannot be taken as it is either.
        Err(error @ StorageError::TooLarge { .. }) if !options.accept => {
            return recover(storage, options, Found::TooLarge, &error.into());
        }
        Err(error) => return Err(error.into()),
    };
    let head = match load(storage.as_ref(), SealCheck::Required) {
        Ok(head) => head,
        // A catalogue of a later format is not damaged, and going back would lose what it has.
        Err(error) if error.category() == ErrorCategory::Unsupported => return Err(error),
        Err(error @ (Error::Core(_) | Error::NotABundle { .. })) => {
            return recover(storage, options, Found::of(raw), &error);
        }
        Err(error) => return Err(error),
    };
    let survey = Survey::of(storage.as_ref())?;
    if let Some(raw) = &raw
        && let Some(ahead) = Ahead::of(storage.as_ref(), &head)?
    {
        return match options.accept {
            true => accept(storage.as_ref(), &survey, raw, &ahead.problem()),
            false => forward::forward(storage.as_ref(), &survey, raw, &head, &ahead),
        };
    }
    match raw {
        Some(raw) if head.catalogue().is_damaged_by_1x() => {
            match options.accept && head.catalogue().layout == Layout::V2 {
                true => accept(storage.as_ref(), &survey, &raw, "its revision is behind that of the history"),
                false => after_1x::restore(storage.as_ref(), &survey, &raw, &head),
            }
        }
        // What is left of a bundle of 1.x is no reason to forget the items of 2.x.
        None if head.catalogue().is_damaged_by_1x() => {
            recover(storage, options, Found::Nothing, &missing(storage.as_ref()))
        }
        raw if survey.is_damaged_commit(&head) => {
            recover(storage, options, Found::of(raw), &Error::Core(CoreError::BrokenSeal))
        }
        raw => {
            let head = Arc::new(head);
            match overwritten::restore(storage.as_ref(), &head, options.accept)? {
                Some(report) => Ok(report),
                None => mend(storage.as_ref(), &survey, raw.as_ref(), &head),
            }
        }
    }
}

/// Puts right what is damaged in a catalogue that is sound as a whole, or in its history.
fn mend(storage: &dyn Storage, survey: &Survey, raw: Option<&Raw>, head: &Arc<State>) -> Result<RepairReport> {
    if let Some(raw) = raw
        && let Some(report) = entries::restore(storage, survey, raw, head)?
    {
        return Ok(report);
    }
    let mut report = heal::heal(storage, head, raw.map(|raw| &raw.tag))?;
    let mut left = entries::problems(head.catalogue()).into_iter().peekable();
    match left.peek() {
        Some(CoreError::DamagedEntry { item, reason }) if report.problem.is_none() => {
            let reason = format!("{reason}; the history has none of it that can be read");
            Err(CoreError::DamagedEntry { item: item.clone(), reason }.into())
        }
        _ => {
            report.given_up.extend(left.map(|problem| problem.to_string()));
            Ok(report)
        }
    }
}

/// `items.json` as it was found.
#[derive(Debug)]
struct Raw {
    bytes: Vec<u8>,
    /// The bytes as text, as far as they are.
    text: String,
    tag: VersionTag,
}

/// What stands in the place of `items.json`.
#[derive(Debug)]
enum Found {
    Nothing,
    /// A file that was read.
    Raw(Raw),
    /// A file that is larger than what is read at once. Of it nothing is known, and nothing is saved.
    TooLarge,
}

impl Found {
    fn of(raw: Option<Raw>) -> Self {
        raw.map_or(Self::Nothing, Self::Raw)
    }

    fn raw(&self) -> Option<&Raw> {
        match self {
            Self::Raw(raw) => Some(raw),
            Self::Nothing | Self::TooLarge => None,
        }
    }
}

fn missing(storage: &dyn Storage) -> Error {
    Error::NotABundle { location: storage.location() }
}

/// Goes back to the last good revision, saves what is whole, or takes the file as it is.
fn recover(storage: &Arc<dyn Storage>, options: &RepairOptions, found: Found, problem: &Error) -> Result<RepairReport> {
    let survey = Survey::of(storage.as_ref())?;
    let raw = found.raw();
    let text = raw.map(|raw| raw.text.as_str());
    if options.accept
        && let Some(raw) = raw
    {
        return accept(storage.as_ref(), &survey, raw, &problem.to_string());
    }
    // What the text names was published, and is exactly what the text was.
    let written = match text.and_then(|text| survey.author(text)) {
        Some(known) => survey.candidate(storage.as_ref(), known)?,
        None => None,
    };
    let saved = match (&written, text) {
        (None, Some(text)) => salvage(storage, &survey, text)?,
        _ => None,
    };
    let newest = survey.newest_revision(text);
    let (plan, report) = match (written, saved) {
        (Some(candidate), _) => back_to(candidate, RepairReport::default()),
        (None, Some(saved)) => back_with(saved, &survey),
        (None, None) => match survey.best(storage.as_ref())? {
            Some(chosen) => back_to_best(chosen, &survey, newest),
            None if matches!(problem, Error::NotABundle { .. }) => return Err(missing(storage.as_ref())),
            None => {
                let problem = match problem {
                    Error::Core(CoreError::DamagedCatalogue { reason, .. }) => reason.clone(),
                    other => other.to_string(),
                };
                return Err(CoreError::DamagedCatalogue {
                    file: "items.json".to_owned(),
                    reason: format!("{problem}; the history has no revision to go back to"),
                }
                .into());
            }
        },
    };
    let (mut catalogue, before) = plan;
    // The new revision is above every one that was ever given, so that version ids stay unique.
    catalogue.revision = catalogue.revision.max(newest);
    let kept_aside = match &found {
        Found::Raw(raw) => vec![keep_aside(storage.as_ref(), "items.json", &raw.bytes)?],
        Found::TooLarge => vec![move_aside(storage.as_ref(), &file("items.json")?)?],
        Found::Nothing => Vec::new(),
    };
    let action = report.action.clone().unwrap_or_default();
    let tag = raw.map(|raw| &raw.tag);
    let revision = publish(storage.as_ref(), Repaired { catalogue, tag, before, action: &action })?;
    Ok(RepairReport { problem: Some(problem.to_string()), revision, kept_aside, ..report })
}

/// A state to publish, and the commit that it follows.
type Plan = (Catalogue, Option<CommitRef>);

fn back_to(candidate: Candidate, report: RepairReport) -> (Plan, RepairReport) {
    let action = format!("went back to revision {}", candidate.known.commit.revision);
    let report = RepairReport { action: Some(action), missing: candidate.missing, ..report };
    ((Catalogue::clone(&candidate.published.catalogue), Some(candidate.known.commit)), report)
}

fn back_to_best(chosen: Chosen, survey: &Survey, newest: u64) -> (Plan, RepairReport) {
    let are = |count: usize| if count == 1 { "is" } else { "are" };
    let given_up = chosen.passed_over.iter().map(|later| {
        let count = later.missing.len();
        format!("revision {}: {count} of its files {} gone", later.known.commit.revision, are(count))
    });
    let mut given_up: Vec<String> = given_up.collect();
    given_up.extend(survey.beyond(&chosen.candidate.published.catalogue, newest));
    let report = RepairReport { given_up, unconfirmed: !chosen.candidate.known.has_child, ..RepairReport::default() };
    back_to(chosen.candidate, report)
}

fn back_with(saved: Salvage, survey: &Survey) -> (Plan, RepairReport) {
    let count = saved.items.len() + saved.snapshots.len();
    let what = format!("{count} {} out of the damaged file", if count == 1 { "entry" } else { "entries" });
    let action = match &saved.before {
        Some(commit) => format!("went back to revision {} and saved {what}", commit.revision),
        None => format!("saved {what}"),
    };
    let report = RepairReport {
        action: Some(action),
        missing: survey.missing(&saved.catalogue),
        salvaged_items: saved.items,
        salvaged_snapshots: saved.snapshots,
        given_up: saved.given_up,
        ..RepairReport::default()
    };
    ((saved.catalogue, saved.before), report)
}

/// Takes the file as it is.
fn accept(storage: &dyn Storage, survey: &Survey, raw: &Raw, problem: &str) -> Result<RepairReport> {
    let files = CatalogueFiles { items: Arc::new(raw.text.clone()), metadata: None, snapshots: None };
    let published = parse_catalogue(&files, SealCheck::Skipped)?;
    let stamp = published.catalogue.commit.as_ref();
    let before = stamp.and_then(|stamp| survey.with_id(&stamp.id)).cloned();
    let mut catalogue = Catalogue::clone(&published.catalogue);
    catalogue.revision = catalogue.revision.max(survey.newest_revision(Some(&raw.text)));
    let missing = survey.missing(&catalogue);
    let action = "items.json was taken as it is".to_owned();
    let kept_aside = vec![keep_aside(storage, "items.json", &raw.bytes)?];
    let revision = publish(storage, Repaired { catalogue, tag: Some(&raw.tag), before, action: &action })?;
    let problem = Some(problem.to_owned());
    Ok(RepairReport { problem, action: Some(action), revision, kept_aside, missing, ..RepairReport::default() })
}

/// A state that is put in the place of the head.
struct Repaired<'a> {
    /// The state, with the revision that the new one follows.
    catalogue: Catalogue,
    /// The file that it replaces.
    tag: Option<&'a VersionTag>,
    /// The commit that it follows.
    before: Option<CommitRef>,
    /// What was done.
    action: &'a str,
}

/// Publishes a repaired state; its revision.
fn publish(storage: &dyn Storage, repaired: Repaired<'_>) -> Result<u64> {
    let mut catalogue = repaired.catalogue;
    catalogue.layout = Layout::V2;
    catalogue.overwritten_by_1x = false;
    let head = Arc::new(State::new(encode(catalogue), repaired.tag.cloned()));
    let set = ChangeSet::new(Arc::clone(head.catalogue()));
    let intent = Intent {
        operation: format!("repair: {}", repaired.action),
        kind: CommitKind::Repair,
        follows: Follows::Repaired(repaired.before),
        writer: Writer::capture().to_map(),
        staged: &[],
        staged_since: 0,
        condemned: &[],
        recovered: &[],
    };
    let done = commit_in_place(storage, &set, &intent, &head)?
        .ok_or_else(|| Error::TooBusy { location: storage.location(), tries: 1 })?;
    forget_old_layout(storage);
    Ok(done.catalogue().revision)
}

/// Keeps what a file held aside; its path.
fn keep_aside(storage: &dyn Storage, name: &str, bytes: &[u8]) -> Result<String> {
    let path = aside(name)?;
    let mut staged = storage.create(&path)?;
    staged.write_all(bytes).map_err(|source| StorageError::Io {
        action: "write",
        path: path.to_string(),
        location: storage.location(),
        source,
    })?;
    staged.finish()?;
    Ok(path.to_string())
}

/// Gives a file a name among those that are kept aside, instead of its own; its new path. It may be of any size: where the
/// place has second names for files, no byte of it is read or copied.
fn move_aside(storage: &dyn Storage, from: &RelPath) -> Result<String> {
    let path = aside(from.file_name())?;
    storage.duplicate(from, &path)?;
    // Otherwise a crash could leave the file without any name.
    storage.settle()?;
    storage.delete(from)?;
    Ok(path.to_string())
}

/// A name for a file that is kept aside.
fn aside(name: &str) -> Result<RelPath> {
    let stamp = time::now().format("%Y%m%dT%H%M%S%6f");
    file(&format!("history/damaged/{stamp}-{name}"))
}
