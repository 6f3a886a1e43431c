//! `snapshot show`.

use serde_json::{Map, Value};

use super::heading;
use crate::cli::completion;
use crate::cli::failure::Outcome;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::words::long_time;
use crate::snapshot::SnapshotInfo;
use crate::text::{printable, shorten_value};

/// Show what is known of a snapshot
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio snapshot show v1.0")]
pub(in crate::cli) struct Args {
    /// The snapshot
    #[arg(add = completion::snapshots())]
    name: String,
}

pub(super) fn run(args: &Args, session: &mut Session) -> Outcome {
    let info = session.reader()?.snapshot_info(&args.name)?;
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&info);
    }
    heading(&format!("Snapshot: {}", printable(&info.name)), out)?;
    if let Some(text) = &info.description {
        out.line(format_args!("\nDescription: {}", printable(text)))?;
    }
    if !info.tags.is_empty() {
        out.line(format_args!("Tags: {}", printable(&info.tags.join(", "))))?;
    }
    out.line(format_args!("Timestamp: {}", long_time(&info.timestamp)))?;
    items(&info, out)?;
    facts(&info, out)?;
    metadata(&info, out)
}

fn items(info: &SnapshotInfo, out: &mut Output) -> Outcome {
    out.line(format_args!("\nItems ({}):", info.num_items))?;
    let versions = info.fields.get("item_versions").and_then(Value::as_object);
    let mut names: Vec<&String> = versions.into_iter().flat_map(Map::keys).collect();
    names.sort_unstable();
    for name in names {
        let mark = if info.lost_items.contains(name) {
            " (lost)"
        } else if info.mutable_references.contains(name) {
            " (reference: may have changed since)"
        } else {
            ""
        };
        out.line(format_args!("  • {}{mark}", printable(name)))?;
    }
    Ok(())
}

/// Title, field of the snapshot, and its own fields with their labels.
type Section<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

/// What was recorded of the surroundings.
fn facts(info: &SnapshotInfo, out: &mut Output) -> Outcome {
    let sections: [Section<'_>; 3] = [
        ("Git", "git", &[("Commit", "commit_short"), ("Branch", "branch"), ("Remote", "remote")]),
        (
            "Environment",
            "environment",
            &[("Python", "python_version"), ("Platform", "platform"), ("datafolio", "datafolio_version")],
        ),
        ("Execution", "execution", &[("Command", "entry_point"), ("Directory", "working_dir")]),
    ];
    for (title, key, fields) in sections {
        let Some(Value::Object(recorded)) = info.fields.get(key) else { continue };
        out.line(format_args!("\n{title}:"))?;
        for (label, field) in fields {
            if let Some(text) = recorded.get(*field).and_then(Value::as_str).filter(|text| !text.is_empty()) {
                out.line(format_args!("  {label}: {}", printable(text)))?;
            }
        }
        match recorded.get("dirty").and_then(Value::as_bool) {
            Some(true) => out.line("  Status: dirty (uncommitted changes)")?,
            Some(false) => out.line("  Status: clean")?,
            None => {}
        }
    }
    Ok(())
}

fn metadata(info: &SnapshotInfo, out: &mut Output) -> Outcome {
    let Some(Value::Object(recorded)) = info.fields.get("metadata_snapshot") else { return Ok(()) };
    let fields: Vec<_> = recorded
        .iter()
        .filter(|(key, _)| !["created_at", "updated_at", "_datafolio"].contains(&key.as_str()))
        .collect();
    if fields.is_empty() {
        return Ok(());
    }
    out.line(format_args!("\nMetadata ({} fields):", fields.len()))?;
    for (key, value) in fields {
        out.line(format_args!("  • {}: {}", printable(key), printable(&shorten_value(value))))?;
    }
    Ok(())
}
