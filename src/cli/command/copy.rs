//! `copy`: items into a new bundle.

use std::path::PathBuf;

use indexmap::IndexSet;
use serde_json::json;

use crate::bundle::{CopyOptions, DataFolio};
use crate::cli::completion;
use crate::cli::doubts;
use crate::cli::failure::Outcome;
use crate::cli::session::Session;
use crate::cli::user_list::expand_home;
use crate::cli::words::{count, recorded_bytes};
use crate::text::printable;
use crate::view::is_view;

/// Copy items into a new bundle
///
/// Copies current versions, without snapshots and history. Every file is checked as it is copied. A copy that fails leaves
/// nothing behind. One that was killed leaves a bundle without items; delete its directory and copy again. `at SNAPSHOT copy`
/// copies from a snapshot; `snapshot export` writes a whole snapshot, and records where it came from.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio copy ../backup
  datafolio copy ../paper --include figure3 --follow-lineage
  datafolio at v1.0 copy ../as-published")]
pub(in crate::cli) struct Args {
    /// The new bundle's directory
    dest: PathBuf,
    /// Only this item; can be given several times. One that is archived is copied with --archived only
    #[arg(add = completion::items(), long = "include", value_name = "ITEM", conflicts_with = "exclude")]
    include: Vec<String>,
    /// All but this item; can be given several times
    #[arg(add = completion::items(), long = "exclude", value_name = "ITEM")]
    exclude: Vec<String>,
    /// With --include: also everything that the items were made from
    #[arg(long, requires = "include")]
    follow_lineage: bool,
    /// Archived items too
    #[arg(long)]
    archived: bool,
    /// Append three random words to the name of the directory
    #[arg(long)]
    random_suffix: bool,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.reader()?;
    let some = |names: &Vec<String>| (!names.is_empty()).then(|| names.clone());
    let options = CopyOptions {
        include: some(&args.include),
        exclude: some(&args.exclude),
        follow_lineage: args.follow_lineage,
        include_archived: args.archived,
        random_suffix: args.random_suffix,
        ..CopyOptions::default()
    };
    // Each file is checked, and then copied.
    let total = match (&options.include, &options.exclude) {
        (None, None) => Some(recorded_bytes(folio.catalogue().current.values()).saturating_mul(2)),
        _ => None,
    };
    let archived = left_behind(&folio, &options);
    let progress = session.reading("copying", total);
    let copy = folio.copy(expand_home(&args.dest), &options)?;
    drop(progress);
    let items = copy.catalogue().current.len();
    let out = &mut session.out;
    doubts::warn(&copy, copy.items(true).iter().flatten(), out);
    for name in archived {
        out.warn(format_args!("item '{name}' is archived and was not copied; --archived copies it too"));
    }
    for (view, input) in unreadable_views(&copy) {
        out.warn(format_args!(
            "view '{view}' reads '{input}', which was not copied; --follow-lineage copies what the items were made from"
        ));
    }
    if out.is_json() {
        return out.json(&json!({"location": copy.location(), "items": items}));
    }
    out.done(format_args!("Copied {} to {}", count(items, "item"), printable(&copy.location())))
}

/// Views of a copy, with what they read and is not in it.
fn unreadable_views(copy: &DataFolio) -> Vec<(String, String)> {
    let catalogue = copy.catalogue();
    let records = catalogue.current.values().filter_map(|entry| entry.record().ok()).filter(|record| is_view(record));
    let missing = records.flat_map(|record| {
        let inputs: Vec<String> = record.inputs().into_iter().map(str::to_owned).collect();
        inputs.into_iter().map(move |input| (record.name().to_owned(), input))
    });
    missing.filter(|(_, input)| !catalogue.current.contains_key(input)).collect()
}

/// Items that were named and are not copied, because they are archived.
fn left_behind(folio: &DataFolio, options: &CopyOptions) -> Vec<String> {
    let catalogue = folio.catalogue();
    let is_archived = |name: &&String| catalogue.current.get(name.as_str()).is_some_and(|entry| entry.is_archived());
    let names: IndexSet<&String> = options.include.iter().flatten().filter(is_archived).collect();
    if options.include_archived { Vec::new() } else { names.into_iter().cloned().collect() }
}
