//! `access`: what a store is reached with.

use crate::bundle::store_access;
use crate::cli::failure::Outcome;
use crate::cli::session::Session;
use crate::text::printable;

/// Say where the credentials for a store come from
///
/// Which of the places that are looked at has them, and which endpoint and region they are sent to; never what they hold. Nothing is
/// asked of the store.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio -f s3://lab-data/trial-7 access
  AWS_PROFILE=lab datafolio -f s3://lab-data/trial-7 access --json")]
pub(in crate::cli) struct Args {}

pub(in crate::cli) fn run(session: &mut Session) -> Outcome {
    let access = store_access(session.place()?, &session.settings()?)?;
    let out = &mut session.out;
    if out.is_json() {
        return out.json(&access);
    }
    out.line(format_args!("{}", printable(&access.location)))?;
    out.line(format_args!("  credentials: {}", printable(&access.credentials)))?;
    for (what, value) in [("endpoint", &access.endpoint), ("region", &access.region)] {
        if let Some(value) = value {
            out.line(format_args!("  {what}: {}", printable(value)))?;
        }
    }
    Ok(())
}
