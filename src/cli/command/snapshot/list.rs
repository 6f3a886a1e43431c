//! `snapshot list`.

use crate::cli::failure::Outcome;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::words::short_time;

/// List snapshots, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio snapshot list
  datafolio snapshot list --tag paper")]
pub(in crate::cli) struct Args {
    /// Only those with this label
    #[arg(short, long)]
    tag: Option<String>,
}

pub(super) fn run(args: &Args, session: &mut Session) -> Outcome {
    let mut snapshots = session.reader()?.list_snapshots()?;
    if let Some(tag) = &args.tag {
        snapshots.retain(|snapshot| snapshot.tags.contains(tag));
    }
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&snapshots);
    }
    if snapshots.is_empty() {
        return out.note("No snapshots found");
    }
    let mut table = Table::new(out, &["NAME", "DESCRIPTION", "ITEMS", "CREATED", "TAGS"], &[2]);
    for snapshot in &snapshots {
        let lost = match snapshot.lost_items.len() {
            0 => String::new(),
            lost => format!(" ({lost} lost)"),
        };
        table.row([
            snapshot.name.clone(),
            match &snapshot.damage {
                Some(damage) => format!("DAMAGED: {damage}"),
                None => snapshot.description.clone().unwrap_or_default(),
            },
            format!("{}{lost}", snapshot.num_items),
            short_time(&snapshot.timestamp),
            snapshot.tags.join(", "),
        ]);
    }
    table.print(out)
}
