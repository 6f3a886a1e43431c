//! The command line: options that every command takes, and all commands.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::command::{
    access, add, append, at, cache, cat, cli_reference, compact, completions, compute, convert, copy, describe, du,
    export, find, folios, gc, get, head, heatmap, hist, import, info, init, iter, lineage, log, ls, meta, path, pull,
    push, reference, rename, repair, rm, sample, set, settings, snapshot, stage, undo, verify,
};
#[cfg(feature = "sql")]
use super::command::{derive, diff, explain, rerun, sql, stale, view};
use super::completion;
use super::failure::Outcome;
use super::session::Session;
use crate::settings::{Color, Settings};

/// A versioned home for the data of one analysis.
///
/// A bundle is a plain directory of ordinary files and one catalogue. It keeps tables, arrays, JSON values, models and
/// files under names, with their versions, snapshots, descriptions and lineage.
///
/// Without -f or -a, a command takes the bundle that DATAFOLIO_PATH names, else the one in the current directory.
#[derive(Debug, Parser)]
#[command(
    name = "datafolio",
    bin_name = "datafolio",
    disable_version_flag = true,
    max_term_width = 100,
    after_help = "\
Examples:
  datafolio init study -d 'Flights of 2013'
  datafolio -f study import flights.csv.gz
  datafolio -f study snapshot create v1.0 -d 'As published'
  datafolio -f study describe

Exit codes:
  0  it worked
  1  it failed; also: verify found damage, find found nothing
  2  the arguments are wrong
  3  verify could not read the bundle, or a file of it
  4  verify could not get the lock"
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    /// Print the version
    #[arg(long)]
    pub(super) version: bool,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

impl Cli {
    /// Whether -f and -a do not both choose a bundle that is there: `init` gives the new one an alias.
    pub(super) fn names_a_new_bundle(&self) -> bool {
        matches!(self.command, Some(Command::Init(_)))
    }
}

/// Options of every command.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// The bundle's directory, or its address (s3://, gs://, az://, https://) [default: $DATAFOLIO_PATH, or the current directory]
    #[arg(short, long, value_name = "PATH", global = true)]
    pub(super) folio: Option<PathBuf>,
    /// The bundle, by an alias of `datafolio folios`
    #[arg(short, long, value_name = "NAME", global = true, add = completion::aliases())]
    pub(super) alias: Option<String>,
    /// Print JSON for programs
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// When to colour [possible values: auto, always, never]
    #[arg(long, value_name = "WHEN", global = true, value_enum, hide_possible_values = true)]
    pub(super) color: Option<ColorChoice>,
    /// Give a setting of `datafolio settings` another value; can be given several times
    #[arg(long, value_name = "KEY=VALUE", global = true, value_parser = setting, add = completion::settings())]
    pub(super) setting: Vec<(String, String)>,
    /// What an object store is reached with, beyond what the environment says; can be given several times. Programs of the same
    /// user can read it: give secrets as environment variables
    #[arg(long, value_name = "NAME=VALUE", global = true, value_parser = storage_option)]
    pub(super) storage_option: Vec<(String, String)>,
    /// Print only what was asked for, and errors
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
}

/// Reads a setting and the value that it is to have.
///
/// # Errors
/// A name that is no setting, a value that it does not accept.
fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("give a name and a value, such as verification=full")?;
    Settings::default().set(key, value).map_err(|error| error.to_string().trim_start_matches("option: ").to_owned())?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Reads an option of a store.
///
/// # Errors
/// A text without a name.
fn storage_option(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("give a name and a value, such as region=eu-central-1".to_owned()),
    }
}

/// Reads how many rows or commits are wanted.
///
/// # Errors
/// Anything but a whole number from 0 on; the message says what to give instead.
pub(super) fn how_many<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "give a whole number that is not negative, such as 10".to_owned())
}

/// When output is coloured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorChoice {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl From<ColorChoice> for clap::ColorChoice {
    fn from(choice: ColorChoice) -> Self {
        match choice {
            ColorChoice::Always => Self::Always,
            ColorChoice::Never => Self::Never,
            ColorChoice::Auto => Self::Auto,
        }
    }
}

impl From<Color> for ColorChoice {
    fn from(setting: Color) -> Self {
        match setting {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Init(init::Args),
    Add(add::Args),
    Import(import::Args),
    Reference(reference::Args),
    Append(append::Args),
    Compact(compact::Args),
    Stage(stage::Args),
    Convert(convert::Args),
    #[command(flatten)]
    Read(ReadCommand),
    #[cfg(feature = "sql")]
    View(view::Args),
    #[cfg(feature = "sql")]
    Derive(derive::Args),
    #[cfg(feature = "sql")]
    Rerun(rerun::Args),
    Set(set::Args),
    Rename(rename::Args),
    Rm(rm::Args),
    Undo(undo::Args),
    Snapshot(snapshot::Args),
    At(at::Args),
    Verify(verify::Args),
    #[command(hide = true)]
    Validate(verify::ValidateArgs),
    Gc(gc::Args),
    Repair(repair::Args),
    Find(find::Args),
    Push(push::Args),
    Pull(pull::Args),
    Folios(folios::Args),
    Cache(cache::Args),
    Access(access::Args),
    Settings(settings::Args),
    Completions(completions::Args),
    #[command(hide = true)]
    CliReference(cli_reference::Args),
}

/// Commands that look at a state of the bundle: `at` runs them on an earlier one.
#[derive(Debug, Subcommand)]
pub(super) enum ReadCommand {
    Ls(ls::Args),
    Describe(describe::Args),
    Info(info::Args),
    Get(get::Args),
    Cat(cat::Args),
    Head(head::Args),
    Sample(sample::Args),
    Iter(iter::Args),
    Compute(compute::Args),
    Hist(hist::Args),
    Heatmap(heatmap::Args),
    #[cfg(feature = "sql")]
    Sql(sql::Args),
    #[cfg(feature = "sql")]
    Diff(diff::Args),
    #[cfg(feature = "sql")]
    Stale(stale::Args),
    #[cfg(feature = "sql")]
    Explain(explain::Args),
    Export(export::Args),
    Path(path::Args),
    Meta(meta::Args),
    Lineage(lineage::Args),
    Log(log::Args),
    Du(du::Args),
    Copy(copy::Args),
}

impl Command {
    pub(super) fn run(self, session: &mut Session) -> Outcome {
        match self {
            Self::Init(args) => init::run(&args, session),
            Self::Add(args) => add::run(&args, session),
            Self::Import(args) => import::run(&args, session),
            Self::Reference(args) => reference::run(args, session),
            Self::Append(args) => append::run(&args, session),
            Self::Compact(args) => compact::run(&args, session),
            Self::Stage(args) => stage::run(&args, session),
            Self::Convert(args) => convert::run(&args, session),
            Self::Read(command) => command.run(session),
            #[cfg(feature = "sql")]
            Self::View(args) => view::run(&args, session),
            #[cfg(feature = "sql")]
            Self::Derive(args) => derive::run(&args, session),
            #[cfg(feature = "sql")]
            Self::Rerun(args) => rerun::run(&args, session),
            Self::Set(args) => set::run(&args, session),
            Self::Rename(args) => rename::run(&args, session),
            Self::Rm(args) => rm::run(&args, session),
            Self::Undo(args) => undo::run(&args, session),
            Self::Snapshot(args) => snapshot::run(&args, session),
            Self::At(args) => at::run(args, session),
            Self::Verify(args) => verify::run(&args, session),
            Self::Validate(args) => verify::run_validate(&args, session),
            Self::Gc(args) => gc::run(&args, session),
            Self::Repair(args) => repair::run(&args, session),
            Self::Find(args) => find::run(&args, session),
            Self::Push(args) => push::run(&args, session),
            Self::Pull(args) => pull::run(&args, session),
            Self::Folios(args) => folios::run(&args, session),
            Self::Cache(args) => cache::run(&args, session),
            Self::Access(access::Args {}) => access::run(session),
            Self::Settings(args) => settings::run(&args, session),
            Self::Completions(args) => completions::run(&args, session),
            Self::CliReference(args) => cli_reference::run(&args, session),
        }
    }
}

impl ReadCommand {
    pub(super) fn run(self, session: &mut Session) -> Outcome {
        match self {
            Self::Ls(args) => ls::run(&args, session),
            Self::Describe(args) => describe::run(&args, session),
            Self::Info(args) => info::run(&args, session),
            Self::Get(args) => get::run(&args, session),
            Self::Cat(args) => cat::run(&args, session),
            Self::Head(args) => head::run(&args, session),
            Self::Sample(args) => sample::run(&args, session),
            Self::Iter(args) => iter::run(&args, session),
            Self::Compute(args) => compute::run(&args, session),
            Self::Hist(args) => hist::run(&args, session),
            Self::Heatmap(args) => heatmap::run(&args, session),
            #[cfg(feature = "sql")]
            Self::Sql(args) => sql::run(&args, session),
            #[cfg(feature = "sql")]
            Self::Diff(args) => diff::run(&args, session),
            #[cfg(feature = "sql")]
            Self::Stale(args) => stale::run(&args, session),
            #[cfg(feature = "sql")]
            Self::Explain(args) => explain::run(&args, session),
            Self::Export(args) => export::run(&args, session),
            Self::Path(args) => path::run(&args, session),
            Self::Meta(args) => meta::run(&args, session),
            Self::Lineage(args) => lineage::run(&args, session),
            Self::Log(args) => log::run(&args, session),
            Self::Du(args) => du::run(&args, session),
            Self::Copy(args) => copy::run(&args, session),
        }
    }
}

/// A kind of item, as people ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ItemKind {
    /// Tables in the bundle, and references.
    Table,
    /// Tables that lie elsewhere.
    Reference,
    /// Queries under a name.
    View,
    /// Models.
    Model,
    /// Files.
    Artifact,
    /// Arrays.
    Array,
    /// JSON values.
    Json,
    /// Instants.
    Timestamp,
}

impl ItemKind {
    /// Whether a category of items is of this kind.
    pub(super) fn holds(self, category: &str) -> bool {
        match self {
            Self::Table => matches!(category, "included_tables" | "referenced_tables"),
            Self::Reference => category == "referenced_tables",
            Self::View => category == "views",
            Self::Model => category == "models",
            Self::Artifact => category == "artifacts",
            Self::Array => category == "numpy_arrays",
            Self::Json => category == "json_data",
            Self::Timestamp => category == "timestamps",
        }
    }
}
