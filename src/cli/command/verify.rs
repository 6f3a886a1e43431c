//! `verify`, and `validate` as Python DataFolio calls it.

use std::path::PathBuf;

use datafolio_core::{Entry, item_type};
use serde_json::json;

use crate::bundle::{DataFolio, Finding, Severity, VerifyOptions, VerifyReport};
use crate::cli::completion;
use crate::cli::failure::{EXIT_ERROR, EXIT_LOCKED, EXIT_UNREADABLE, EXIT_USAGE, Failure, Outcome};
use crate::cli::output::{Output, Paint};
use crate::cli::progress::Progress;
use crate::cli::session::Session;
use crate::cli::words::{count, grouped, recorded_bytes};
use crate::text::{human_size, printable};
use crate::{ReferenceCheck, ReferenceState};

/// So many files of one kind are named of a reference; `--json` has all.
const SHOWN_FILES: usize = 5;

/// Check that everything is there and is what was recorded
///
/// Reads the files of all current and snapshotted versions, and of those that kept revisions name, and compares them with
/// their hashes; checks catalogue, snapshots, lineage and history.
///
/// With --references, looks at what references lead to instead: whether their files are those that were referenced, by their
/// number, sizes and times and by both ends of their content.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio verify
  datafolio verify flights planes
  datafolio verify --sample 10
  datafolio verify --references

Exit codes:
  0  no damage; there may be warnings or lost old versions; with --references, nothing has changed
  1  something is damaged; with --references, has changed or is gone
  2  the arguments are wrong; also an ITEM that is not there
  3  the bundle, a file of it, or what a reference leads to could not be read
  4  another program held the lock")]
pub(in crate::cli) struct Args {
    /// Only these items
    #[arg(add = completion::items(), value_name = "ITEM")]
    items: Vec<String>,
    /// Look at presence and sizes alone, and read no data
    #[arg(long)]
    quick: bool,
    /// Read this share of the versions only; growing shares include the smaller ones
    #[arg(long, value_name = "PERCENT", conflicts_with = "quick", value_parser = clap::value_parser!(u8).range(1..=100))]
    sample: Option<u8>,
    /// Tell which references have changed or are gone; checks nothing of the bundle itself
    #[arg(long, conflicts_with_all = ["quick", "sample"])]
    references: bool,
}

/// Check a bundle, as Python DataFolio's command of this name does
///
/// The same as `verify`, with the bundle's directory as its argument, and with the exit codes 0 and 1 alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  datafolio validate study
  datafolio -a study validate")]
pub(in crate::cli) struct ValidateArgs {
    /// The bundle's directory
    path: Option<PathBuf>,
}

pub(in crate::cli) fn run(args: &Args, session: &mut Session) -> Outcome {
    let options = VerifyOptions {
        read_data: !args.quick,
        items: (!args.items.is_empty()).then(|| args.items.clone()),
        percent: args.sample.unwrap_or(100),
    };
    let checked = if args.references { check_references(args, session) } else { check(&options, session) };
    checked.map_err(|failure| {
        let code = match failure.code() {
            "locked" => EXIT_LOCKED,
            "item-not-found" | "wrong-type" => EXIT_USAGE,
            _ => EXIT_UNREADABLE,
        };
        failure.exit(code)
    })
}

pub(in crate::cli) fn run_validate(args: &ValidateArgs, session: &mut Session) -> Outcome {
    if args.path.is_some() {
        session.refuse_other_bundles("PATH")?;
        session.global.folio.clone_from(&args.path);
    }
    check(&VerifyOptions::default(), session).map_err(|failure| match failure {
        // Python's command knows no other code.
        Failure::Said(_) => Failure::Said(EXIT_ERROR),
        other => other,
    })
}

fn check(options: &VerifyOptions, session: &mut Session) -> Outcome {
    let folio = session.reader()?;
    let progress = session.reading("verifying", to_read(&folio, options));
    let report = folio.verify(options)?;
    drop(progress);
    let out = &mut session.out;
    if out.is_json() {
        let mut value = json!(report);
        value["valid"] = json!(report.is_valid());
        value["clean"] = json!(report.is_clean());
        value["location"] = json!(folio.location());
        out.json(&value)?;
    } else {
        show(&folio, options, &report, out)?;
    }
    match report.findings.iter().map(|finding| finding.severity).max() {
        None | Some(Severity::Note | Severity::Warning | Severity::Lost) => Ok(()),
        Some(Severity::Unread) => Err(Failure::Said(EXIT_UNREADABLE)),
        Some(Severity::Damage) => Err(Failure::Said(EXIT_ERROR)),
    }
}

fn check_references(args: &Args, session: &mut Session) -> Outcome {
    let folio = session.reader()?;
    let progress = Progress::start(&session.out, "looking at references");
    let checks = folio.check_references((!args.items.is_empty()).then_some(args.items.as_slice()))?;
    drop(progress);
    let out = &mut session.out;
    if out.is_json() {
        out.json(&checks)?;
    } else if checks.is_empty() {
        out.aside("No references found")?;
    } else {
        checks.iter().try_for_each(|check| show_reference(check, out))?;
    }
    let is_any = |states: &[ReferenceState]| checks.iter().any(|check| states.contains(&check.state));
    if is_any(&[ReferenceState::Changed, ReferenceState::Gone]) {
        return Err(Failure::Said(EXIT_ERROR));
    }
    if is_any(&[ReferenceState::Unreachable]) { Err(Failure::Said(EXIT_UNREADABLE)) } else { Ok(()) }
}

fn show_reference(check: &ReferenceCheck, out: &mut Output) -> Outcome {
    let paint = match check.state {
        ReferenceState::Gone | ReferenceState::Unreachable => Paint::Bad,
        ReferenceState::Changed => Paint::Warn,
        _ => Paint::Faint,
    };
    let word = out.paint(paint, format_args!("{:<11}", check.state.as_str()));
    let reason = check.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    out.line(format!("{word}  {}", printable(&(check.name.clone() + &reason))))?;
    let files = [("added", &check.added), ("removed", &check.removed), ("modified", &check.modified)];
    for (what, files) in files.into_iter().filter(|(_, files)| !files.is_empty()) {
        let shown = files.iter().take(SHOWN_FILES).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = files.len().saturating_sub(SHOWN_FILES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        out.line(format!("{:13}{what}: {}{more}", "", printable(&shown)))?;
    }
    check.schema_changes.iter().try_for_each(|change| out.line(format!("{:13}{}", "", printable(change))))
}

/// How many bytes a check reads: each payload once for its hash, and once more for what it says where its type says
/// something.
fn to_read(folio: &DataFolio, options: &VerifyOptions) -> Option<u64> {
    if !options.read_data {
        return None;
    }
    let catalogue = folio.catalogue();
    let is_wanted = |name: &str| options.items.as_ref().is_none_or(|items| items.iter().any(|item| item == name));
    let is_opaque = |entry: &Entry| matches!(entry.item_type(), item_type::ARTIFACT | item_type::MODEL);
    let wanted = || catalogue.entries().filter(|entry| is_wanted(entry.name()));
    let bytes = recorded_bytes(wanted()).saturating_add(recorded_bytes(wanted().filter(|entry| !is_opaque(entry))));
    Some(bytes / 100 * u64::from(options.percent))
}

fn show(folio: &DataFolio, options: &VerifyOptions, report: &VerifyReport, out: &mut Output) -> Outcome {
    let location = printable(&folio.location());
    if report.is_valid() {
        let lost = match report.lost_versions() {
            0 => String::new(),
            1 => ", 1 old version is lost".to_owned(),
            lost => format!(", {} old versions are lost", grouped(lost as u64)),
        };
        out.done(format_args!("Valid DataFolio bundle: {location}{lost}"))?;
    } else {
        let mark = out.paint(Paint::Bad, "✗");
        out.line(format_args!("{mark} Invalid DataFolio bundle: {location}"))?;
    }
    let catalogue = folio.catalogue();
    let items = options.items.as_ref().map_or(catalogue.current.len(), Vec::len);
    out.note(format_args!("  Items: {items}"))?;
    let read = match report.read {
        0 => "none of them read".to_owned(),
        read => format!("{read} of them read, {}", human_size(report.bytes)),
    };
    out.note(format_args!("  Versions: {} ({read})", report.versions))?;
    if options.items.is_none() {
        out.note(format_args!("  Snapshots: {}", catalogue.snapshots.len()))?;
        out.note(format_args!("  History: {}", count(report.commits, "commit")))?;
    }
    let warnings = report.findings.iter().filter(|finding| finding.severity == Severity::Warning).count();
    if warnings > 0 {
        out.note(format_args!("  Warnings: {}", grouped(warnings as u64)))?;
    }
    let mut findings: Vec<&Finding> = report.findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    for finding in findings {
        let (paint, word) = match finding.severity {
            Severity::Damage => (Paint::Bad, "damage"),
            Severity::Lost => (Paint::Warn, "lost"),
            Severity::Unread => (Paint::Warn, "unread"),
            Severity::Warning => (Paint::Warn, "warn"),
            Severity::Note => (Paint::Faint, "note"),
        };
        let word = out.paint(paint, format_args!("{word:<6}"));
        let about = match &finding.item {
            // The item may be called as any word of the message: only in quotes is it named.
            Some(item) if !finding.message.contains(&format!("'{item}'")) => format!("item '{item}': "),
            _ => String::new(),
        };
        let line = format!("  {word}  {}", printable(&(about + &finding.message)));
        match finding.severity {
            Severity::Note => out.note(line)?,
            _ => out.line(line)?,
        }
        if !finding.snapshots.is_empty() {
            out.line(format_args!("          held by snapshots: {}", printable(&finding.snapshots.join(", "))))?;
        }
    }
    Ok(())
}
