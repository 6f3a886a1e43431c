//! What is out of date, and why.

use std::fmt;

use datafolio_core::ItemRecord;
use datafolio_sql::{Quoted, check};
use serde::Serialize;

use super::{Derivation, derivation_of};
use crate::bundle::{DataFolio, lineage_of};
use crate::error::{Error, Result};
use crate::view::{is_view, view_of};

/// A derived table that is out of date, or a view that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stale {
    /// The item.
    pub name: String,
    /// `derived` or `view`.
    pub kind: &'static str,
    /// All that is behind it.
    pub reasons: Vec<StaleReason>,
}

/// Why an item is out of date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum StaleReason {
    /// An input has another version now.
    NewVersion {
        /// The input.
        input: String,
        /// The version that was read.
        was: String,
        /// The version that is there now.
        now: String,
    },
    /// A view among the inputs has another text.
    ViewChanged {
        /// The view.
        input: String,
    },
    /// An input is gone.
    Deleted {
        /// The input.
        input: String,
    },
    /// An input has another name; the text has the old one.
    Renamed {
        /// The name in the text.
        input: String,
        /// Its name now.
        to: String,
    },
    /// The files of a referenced input are others than those that were read.
    FilesChanged {
        /// The input.
        input: String,
    },
    /// A snapshot that was read is not there any more, or holds another version.
    SnapshotChanged {
        /// The snapshot.
        snapshot: String,
        /// The item in it.
        input: String,
    },
    /// A derived table among the inputs is itself out of date.
    UpstreamStale {
        /// The input.
        input: String,
    },
    /// The views among the inputs go round in a circle, the text cannot be read, or it does not fit what it reads.
    Unreadable {
        /// What is wrong.
        message: String,
    },
}

impl fmt::Display for StaleReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewVersion { input, was, now } => write!(f, "{input} has a newer version: {now} (it was {was})"),
            Self::ViewChanged { input } => write!(f, "the view {input} was changed"),
            Self::Deleted { input } => write!(f, "{input} is not there any more"),
            Self::Renamed { input, to } => write!(f, "{input} is called {to} now, and the text has the old name"),
            Self::FilesChanged { input } => write!(f, "the files of {input} have changed"),
            Self::SnapshotChanged { snapshot, input } => {
                write!(f, "snapshot {snapshot} does not hold that version of {input} any more")
            }
            Self::UpstreamStale { input } => write!(f, "{input}, which it is made from, is out of date"),
            Self::Unreadable { message } => f.write_str(message),
        }
    }
}

impl DataFolio {
    /// Derived tables that are out of date, and views that cannot be read, of which an input is gone or has other columns,
    /// each with all reasons; inputs come before what is made from them. A table is also out of date when a derived table that it was made from is.
    ///
    /// # Errors
    /// An entry that cannot be read.
    pub fn stale(&self) -> Result<Vec<Stale>> {
        let state = self.state();
        let mut stale: Vec<Stale> = Vec::new();
        for name in lineage_of(state.catalogue()).topological_order() {
            let Some(entry) = state.catalogue().current.get(name) else { continue };
            let record = entry.record()?;
            let (kind, mut reasons) = match derivation_of(&record)? {
                Some(derivation) => ("derived", self.changes(&record, &derivation)?),
                None if is_view(&record) => ("view", self.broken(&record)),
                None => continue,
            };
            for input in record.inputs() {
                let is_stale = stale.iter().any(|before| before.name == input && before.kind == "derived");
                if kind == "derived" && is_stale {
                    reasons.push(StaleReason::UpstreamStale { input: input.to_owned() });
                }
            }
            if !reasons.is_empty() {
                stale.push(Stale { name: name.to_owned(), kind, reasons });
            }
        }
        Ok(stale)
    }

    /// Why one item is out of date; nothing for one that is not.
    pub(super) fn reasons(&self, name: &str) -> Result<Vec<StaleReason>> {
        Ok(self.stale()?.into_iter().find(|stale| stale.name == name).map_or_else(Vec::new, |stale| stale.reasons))
    }

    /// What became of the versions that a table was made from.
    fn changes(&self, record: &ItemRecord, derivation: &Derivation) -> Result<Vec<StaleReason>> {
        let state = self.state();
        let current = &state.catalogue().current;
        // The list of inputs follows a rename, the derivation does not: both have the same order.
        let now = record.strings("inputs");
        let read: Vec<_> = derivation.inputs.iter().filter(|input| input.snapshot.is_none()).collect();
        let is_aligned = now.len() == read.len();
        let mut reasons = Vec::new();
        for input in &derivation.inputs {
            let Some(snapshot) = &input.snapshot else { continue };
            let held = self.load_snapshot(snapshot).ok().map(|folio| folio.state());
            let token = held.and_then(|state| Some(state.catalogue().current.get(&input.name)?.token()));
            if token.as_ref() != Some(&input.version) {
                reasons.push(StaleReason::SnapshotChanged { snapshot: snapshot.clone(), input: input.name.clone() });
            }
        }
        for (place, input) in read.into_iter().enumerate() {
            let name = input.name.clone();
            let Some(entry) = current.get(&name) else {
                let to = now.get(place).filter(|to| is_aligned && **to != name && current.contains_key(to));
                reasons.push(match to {
                    Some(to) => StaleReason::Renamed { input: name, to: (*to).to_owned() },
                    None => StaleReason::Deleted { input: name },
                });
                continue;
            };
            let token = entry.token();
            let record = entry.record()?;
            let is_same_content = input.sha256.is_some() && record.rows_hash() == input.sha256;
            let seen = input.files.as_ref().map(|before| (before, self.seen_files(&record)));
            reasons.extend(match seen {
                Some((before, Ok(now))) if now.as_ref() == Some(before) => None,
                Some((_, Err(error))) if error.code() != "missing-reference" => {
                    Some(StaleReason::Unreadable { message: error.to_string() })
                }
                Some(_) => Some(StaleReason::FilesChanged { input: name }),
                None if token == input.version || is_same_content => None,
                None if is_view(&record) => Some(StaleReason::ViewChanged { input: name }),
                None => Some(StaleReason::NewVersion { input: name, was: input.version.clone(), now: token }),
            });
        }
        Ok(reasons)
    }

    /// Why a view cannot be read.
    pub(crate) fn broken(&self, record: &ItemRecord) -> Vec<StaleReason> {
        let unreadable = |error: Error| vec![StaleReason::Unreadable { message: error.to_string() }];
        match self.frame_of_view(record) {
            Ok(None) => {}
            Ok(Some(_)) => return Vec::new(),
            Err(error) => return unreadable(error),
        }
        let view = match view_of(record) {
            Ok(Some(view)) => view,
            Ok(None) => return Vec::new(),
            Err(error) => return unreadable(error),
        };
        let checked = match view.sql(record.name()).and_then(|sql| Ok(check(&Quoted::unchanged(sql))?)) {
            Ok(checked) => checked,
            Err(error) => return unreadable(error),
        };
        let state = self.state();
        if let Some(path) = crate::view::cycle_through(state.catalogue(), record.name()) {
            return unreadable(Error::ViewCycle { path });
        }
        let mut reasons = Vec::new();
        for table in &checked.tables {
            match self.resolve(table) {
                Ok(_) => {}
                Err(Error::NoSuchTable { name: input, .. }) if table.schema.is_none() => {
                    let to = crate::view::renamed_input(record, &input).filter(|to| self.contains(to));
                    reasons.push(match to {
                        Some(to) => StaleReason::Renamed { input, to },
                        None => StaleReason::Deleted { input },
                    });
                }
                Err(error) => reasons.extend(unreadable(error)),
            }
        }
        // All that it reads is there, and may have other columns than it asks for.
        if reasons.is_empty()
            && let Err(error) = self.view_schema(record)
        {
            return unreadable(error);
        }
        reasons
    }
}
