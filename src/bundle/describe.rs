//! What a bundle holds, as text for people.

use std::fmt::Write;
use std::sync::Arc;

use chrono::{Local, Utc};
use datafolio_core::{Entry, ItemRecord, item_type, time};
use datafolio_handlers::stored_files;
use serde_json::Value;

use crate::bundle::read::category_of;
use crate::bundle::state::State;
use crate::bundle::{DataFolio, Mode};
use crate::error::Result;
use crate::text::{human_size, human_time, printable, shorten_value};

/// How many snapshots are shown.
const SNAPSHOTS_SHOWN: usize = 5;
/// How many hyperparameters of a model are shown.
const HYPERPARAMETERS_SHOWN: usize = 3;
/// Metadata that is shown elsewhere or means nothing to people.
const RESERVED: [&str; 4] = ["created_at", "updated_at", "_datafolio", "parent_bundle"];

/// What is described, and how much of it.
#[derive(Debug, Clone)]
pub struct DescribeOptions {
    /// Shows categories without items too.
    pub show_empty: bool,
    /// How many fields of the metadata are shown.
    pub max_metadata_fields: usize,
    /// Archived items too.
    pub include_archived: bool,
    /// The path of each payload.
    pub show_paths: bool,
    /// Only items whose name matches one of these names or glob patterns.
    pub pattern: Option<String>,
}

impl Default for DescribeOptions {
    fn default() -> Self {
        Self { show_empty: false, max_metadata_fields: 10, include_archived: false, show_paths: false, pattern: None }
    }
}

impl DataFolio {
    /// What the bundle holds, as text: metadata, snapshots, and all items by category with sizes, types and inputs.
    ///
    /// # Errors
    /// When the pattern is none, or a snapshot cannot be read.
    pub fn describe(&self, options: &DescribeOptions) -> Result<String> {
        let state = self.state();
        let mut text = String::new();
        self.heading(&state, &mut text)?;
        metadata(&state, options, &mut text);
        self.snapshots_section(&mut text, options.show_empty)?;
        let shown = self.shown(&state, options)?;
        for (title, categories) in SECTIONS {
            let of_section = |entry: &&Arc<Entry>| categories.contains(&category_of(entry));
            let mut entries: Vec<&Arc<Entry>> = shown.iter().filter(of_section).collect();
            // References first, as they are the ones to be careful with.
            entries.sort_by_key(|entry| entry.item_type() != item_type::REFERENCED_TABLE);
            self.section(title, &entries, options, &mut text);
        }
        let other: Vec<&Arc<Entry>> = shown.iter().filter(|entry| is_other(entry)).collect();
        if !other.is_empty() {
            self.section("Other items", &other, options, &mut text);
        }
        Ok(text)
    }

    fn shown(&self, state: &State, options: &DescribeOptions) -> Result<Vec<Arc<Entry>>> {
        let catalogue = state.catalogue();
        let names = match &options.pattern {
            Some(pattern) if pattern.contains(['*', '?', '[']) => {
                Some(super::items::matching(catalogue, &[pattern.as_str()])?)
            }
            // A plain word shows all items whose name contains it.
            Some(word) => Some(
                catalogue.current.keys().filter(|name| name.contains(word.as_str())).map(ToString::to_string).collect(),
            ),
            None => None,
        };
        let wanted = |entry: &&Arc<Entry>| {
            (options.include_archived || !entry.is_archived())
                && names.as_ref().is_none_or(|names| names.iter().any(|name| name == entry.name()))
        };
        Ok(catalogue.current.values().filter(wanted).cloned().collect())
    }

    fn heading(&self, state: &State, text: &mut String) -> Result<()> {
        if let Mode::Snapshot(snapshot) = self.mode() {
            line(text, &format!("Snapshot: {}", printable(snapshot.name())));
            let record = snapshot.record()?;
            if let Some(timestamp) = record.timestamp() {
                line(text, &format!("Created: {}", printable(timestamp)));
            }
            if let Some(description) = record.description().filter(|text| !text.is_empty()) {
                line(text, &format!("Description: {}", printable(description)));
            }
            if !record.tags().is_empty() {
                line(text, &format!("Tags: {}", printable(&record.tags().join(", "))));
            }
            line(text, "");
        }
        match self.mode() {
            Mode::ReadWrite => {}
            Mode::Revision(revision) => line(text, &format!("[READ-ONLY MODE: revision {revision}]\n")),
            Mode::ReadOnly | Mode::Snapshot(_) => line(text, "[READ-ONLY MODE]\n"),
        }
        let title = format!("DataFolio: {}", printable(&self.location()));
        line(text, &title);
        line(text, &"=".repeat(title.chars().count()));
        line(text, "");
        for (label, key) in [("Created", "created_at"), ("Updated", "updated_at")] {
            if let Some(Value::String(instant)) = state.catalogue().metadata_value(key) {
                line(text, &format!("{label}: {}", when(&instant)));
            }
        }
        if let Some(parent) = state.catalogue().metadata_value("parent_bundle") {
            line(text, &format!("Parent: {}", printable(&shorten_value(&parent))));
        }
        Ok(())
    }

    fn snapshots_section(&self, text: &mut String, show_empty: bool) -> Result<()> {
        let snapshots = self.list_snapshots()?;
        if snapshots.is_empty() {
            if show_empty {
                line(text, "\nSnapshots (0):\n  (none)");
            }
            return Ok(());
        }
        line(text, &format!("\nSnapshots ({}):", snapshots.len()));
        for snapshot in snapshots.iter().take(SNAPSHOTS_SHOWN) {
            let description = snapshot.description.as_deref().unwrap_or("(no description)");
            line(text, &format!("  • {}: {}", printable(&snapshot.name), printable(description)));
            if let Some(damage) = &snapshot.damage {
                line(text, &format!("    ↳ DAMAGED: {}", printable(damage)));
                continue;
            }
            line(text, &format!("    ↳ created: {}, items: {}", when(&snapshot.timestamp), snapshot.num_items));
            if !snapshot.tags.is_empty() {
                line(text, &format!("    ↳ tags: {}", printable(&snapshot.tags.join(", "))));
            }
            if !snapshot.lost_items.is_empty() {
                line(text, &format!("    ↳ LOST: {}", printable(&snapshot.lost_items.join(", "))));
            }
        }
        if snapshots.len() > SNAPSHOTS_SHOWN {
            line(text, &format!("  ... ({} more snapshots)", snapshots.len() - SNAPSHOTS_SHOWN));
        }
        Ok(())
    }

    fn section(&self, title: &str, entries: &[&Arc<Entry>], options: &DescribeOptions, text: &mut String) {
        if entries.is_empty() && !options.show_empty {
            return;
        }
        line(text, &format!("\n{title} ({}):", entries.len()));
        if entries.is_empty() {
            line(text, "  (none)");
        }
        for entry in entries {
            self.item_lines(entry, options, text);
        }
    }

    fn item_lines(&self, entry: &Entry, options: &DescribeOptions, text: &mut String) {
        let name = printable(entry.name());
        let record = match entry.record() {
            Ok(record) => record,
            Err(error) => return line(text, &format!("  • {name}: (damaged: {error})")),
        };
        let label = match entry.item_type() {
            item_type::REFERENCED_TABLE => " (reference)".to_owned(),
            item_type::ARTIFACT => record.str("category").map(|c| format!(" ({})", printable(c))).unwrap_or_default(),
            other if is_other(entry) => format!(" ({})", printable(other)),
            _ => String::new(),
        };
        let archived = if entry.is_archived() { " [archived]" } else { "" };
        let description = record.description().unwrap_or("(no description)");
        line(text, &format!("  • {name}{label}{archived}: {}", printable(description)));
        if options.show_paths
            && entry.filename().is_some()
            && let Ok(path) = self.path_of(&record)
        {
            line(text, &format!("    ↳ path: {}", printable(&path.display().to_string())));
        }
        for fact in self.fact_lines(entry, &record) {
            line(text, &format!("    ↳ {}", printable(&fact)));
        }
    }

    fn fact_lines(&self, entry: &Entry, record: &ItemRecord) -> Vec<String> {
        let mut lines = Vec::new();
        match self.registry().for_type(entry.item_type()) {
            Some(handler) => {
                let facts = handler.facts(record);
                if !facts.is_empty() {
                    let facts: Vec<String> =
                        facts.into_iter().map(|(label, fact)| format!("{label}: {fact}")).collect();
                    lines.push(facts.join(", "));
                }
            }
            None => lines.push("kept as it is; this program has no handler for its type".to_owned()),
        }
        // Where the file of an unknown type lies is not known either.
        if entry.filename().is_some() && item_type::payload_dir(entry.item_type()).is_some() {
            // A store would have to be asked for each of them.
            let is_asked = !self.storage().is_remote();
            let size = if is_asked { self.payload_size(record) } else { Self::recorded_payload_size(record) };
            match size {
                Ok(Some(bytes)) => lines.push(format!("size: {}", human_size(bytes))),
                Ok(None) if is_asked => lines.push("MISSING: its file is not there".to_owned()),
                Ok(None) => {}
                Err(error) => lines.push(format!("UNREADABLE: {error}")),
            }
        }
        let inputs = record.inputs();
        if !inputs.is_empty() {
            lines.push(format!("inputs: {}", inputs.join(", ")));
        }
        if let Some(Value::Object(values)) = record.get("hyperparameters") {
            let mut shown: Vec<String> = values
                .iter()
                .take(HYPERPARAMETERS_SHOWN)
                .map(|(name, value)| format!("{name}={}", shorten_value(value)))
                .collect();
            if values.len() > HYPERPARAMETERS_SHOWN {
                shown.push(format!("... ({} more)", values.len() - HYPERPARAMETERS_SHOWN));
            }
            if !shown.is_empty() {
                lines.push(format!("hyperparameters: {}", shown.join(", ")));
            }
        }
        lines
    }

    /// The size of an item's payload as its entry records it.
    fn recorded_payload_size(record: &ItemRecord) -> Result<Option<u64>> {
        let sizes = stored_files(record)?.into_iter().map(|file| file.expected.size);
        Ok(sizes.sum())
    }

    /// The size of an item's payload; `None` when it is not there.
    pub(crate) fn payload_size(&self, record: &ItemRecord) -> Result<Option<u64>> {
        let mut size = 0;
        for file in stored_files(record)? {
            let Some(info) = self.storage().stat(&file.path)? else { return Ok(None) };
            size += info.size;
        }
        Ok(Some(size))
    }
}

/// The sections in the order in which they are shown, with the categories of their items.
const SECTIONS: [(&str, &[&str]); 7] = [
    ("Tables", &["referenced_tables", "included_tables"]),
    ("Views", &["views"]),
    ("Numpy Arrays", &["numpy_arrays"]),
    ("JSON Data", &["json_data"]),
    ("Models", &["models"]),
    ("Artifacts", &["artifacts"]),
    ("Timestamps", &["timestamps"]),
];

fn is_other(entry: &Entry) -> bool {
    category_of(entry) == "other"
}

fn metadata(state: &State, options: &DescribeOptions, text: &mut String) {
    let metadata = state.catalogue().metadata_object();
    let mut fields: Vec<(&String, &Value)> =
        metadata.iter().filter(|(key, _)| !RESERVED.contains(&key.as_str())).collect();
    if fields.is_empty() {
        return;
    }
    fields.sort_by_key(|(key, _)| key.as_str());
    line(text, &format!("\nMetadata ({} fields):", fields.len()));
    for (key, value) in fields.iter().take(options.max_metadata_fields) {
        line(text, &format!("  • {}: {}", printable(key), printable(&shorten_value(value))));
    }
    if fields.len() > options.max_metadata_fields {
        line(text, &format!("  ... ({} more fields)", fields.len() - options.max_metadata_fields));
    }
}

/// An instant as people say it, in the time zone of the machine.
pub(crate) fn when(text: &str) -> String {
    match time::from_iso(text) {
        Some(instant) => human_time(instant, Utc::now(), &Local),
        None => printable(text),
    }
}

fn line(text: &mut String, content: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{content}");
}
