//! `describe`: what the bundle holds, as text.

use serde_json::{Value, json};

use crate::bundle::DescribeOptions;
use crate::cli::completion;
use crate::cli::doubts;
use crate::cli::failure::Outcome;
use crate::cli::session::{Session, View};
use crate::cli::words::{damaged_json, matches};

/// Describe the bundle
///
/// Shows metadata, snapshots, and all items by category, with sizes, types and inputs. PATTERN is a glob pattern, or a
/// word that the names contain.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio describe
  datafolio describe 'model*' --paths
  datafolio describe --snapshot v1.0")]
pub(in crate::cli) struct Args {
    /// Which items
    #[arg(add = completion::items())]
    pattern: Option<String>,
    /// How many fields of the metadata are shown
    #[arg(long, value_name = "N", default_value_t = 10)]
    max_metadata: usize,
    /// Describe this snapshot
    #[arg(add = completion::snapshots(), short, long, value_name = "NAME")]
    snapshot: Option<String>,
    /// Archived items too
    #[arg(long)]
    archived: bool,
    /// The path of each item's file
    #[arg(long)]
    paths: bool,
    /// Categories without items too
    #[arg(long)]
    show_empty: bool,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    if let Some(name) = &args.snapshot {
        session.look_at(View::Snapshot(name.clone()));
    }
    let wanted = matches(args.pattern.as_deref())?;
    // Opened for writing, so that the text does not say that the bundle could only be read.
    let folio = session.writer()?;
    if session.out.is_json() {
        let mut contents = folio.list(args.archived);
        contents.retain(&wanted);
        let mut items: Vec<Value> = Vec::new();
        for item in folio.items(args.archived) {
            match item {
                Ok(info) if !wanted(&info.name) => {}
                Ok(info) => items.push(json!(info)),
                // Damage is shown whatever is asked for.
                Err(error) => items.push(damaged_json(&error)),
            }
        }
        return session.out.json(&json!({
            "location": folio.location(),
            "revision": folio.revision(),
            "snapshot": folio.loaded_snapshot(),
            "metadata": folio.metadata(),
            "contents": contents,
            "items": items,
            "snapshots": folio.list_snapshots()?,
        }));
    }
    let options = DescribeOptions {
        show_empty: args.show_empty,
        max_metadata_fields: args.max_metadata,
        include_archived: args.archived,
        show_paths: args.paths,
        pattern: args.pattern.clone(),
    };
    let items = folio.items(args.archived);
    doubts::warn(&folio, items.iter().flatten().filter(|info| wanted(&info.name)), &mut session.out);
    let text = session.waiting("looking at items", || folio.describe(&options))?;
    session.out.line(text.trim_end())
}
