//! `settings`: the settings in force.

use serde_json::{Map, json};

use crate::cli::failure::Outcome;
use crate::cli::session::Session;
use crate::cli::table::Table;

/// Show the settings and where they come from
///
/// Settings are read from datafolio/config.toml in the user's configuration directory (or the file that DATAFOLIO_CONFIG
/// names), and from environment variables such as DATAFOLIO_THREADS.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio settings
  DATAFOLIO_MEMORY=2GiB datafolio settings --json")]
pub(in crate::cli) struct Args {}

pub(in crate::cli) fn run(_: &Args, session: &mut Session) -> Outcome {
    let described = session.settings()?.describe();
    let out = &mut session.out;
    if out.is_json() {
        let settings: Map<_, _> = (described.iter())
            .map(|d| (d.key.to_owned(), json!({"value": d.value, "origin": d.origin.to_string()})))
            .collect();
        return out.json(&settings);
    }
    let mut table = Table::new(out, &["SETTING", "VALUE", "FROM"], &[]);
    for setting in described {
        table.row([setting.key, setting.value.as_str(), setting.origin.to_string().as_str()]);
    }
    table.print(out)
}
