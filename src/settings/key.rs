//! The settings one by one: names, variables, what they accept, and how a text becomes a value.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::parse::{format_duration, format_size, parse_duration, parse_size};
use datafolio_core::did_you_mean;
use datafolio_storage::Verification;

use super::{ChangedReferences, Color, Memory, Origin, Settings, SettingsError};

/// Least memory that work is possible in.
const LEAST_MEMORY: u64 = 16 << 20;
/// More threads than any machine has; a larger number is a mistake.
pub(crate) const MOST_THREADS: usize = 4096;
/// Longest time-out and grace period: ten years.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

const SECOND: u64 = 1;
const DAY: u64 = 24 * 3600;

/// What is known of one setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Its name in files and options.
    pub name: &'static str,
    /// The environment variable that sets it.
    pub variable: &'static str,
    /// Its default, in words.
    pub default: &'static str,
    /// What it accepts, in words.
    pub accepted: &'static str,
    /// What it is for.
    pub meaning: &'static str,
}

/// Every setting, in the order in which they are shown.
pub const KEYS: [Key; 13] = [
    Key {
        name: "threads",
        variable: "DATAFOLIO_THREADS",
        default: "the number of processors",
        accepted: "a number from 1 to 4096, or \"auto\"",
        meaning: "How many threads the rows and files of an item that is added may use: with two and more the columns of a table are encoded side by side, while its next rows are read and those before are written, and large files are hashed in a second thread; how many threads reading a table and a query may use.",
    },
    Key {
        name: "memory",
        variable: "DATAFOLIO_MEMORY",
        default: "50%",
        accepted: "a size such as \"512MB\" or \"2GiB\" (at least 16MiB), or a share of the machine's memory such as \"50%\"",
        meaning: "Memory that a query may take for joins, sorts and aggregations; what needs more goes to `spill_dir`.",
    },
    Key {
        name: "cache_dir",
        variable: "DATAFOLIO_CACHE_DIR",
        default: "`datafolio` in the user's cache directory",
        accepted: "an absolute path, or one that starts with \"~/\"",
        meaning: "Where records of payloads that were verified are kept, and facts and statistics of tables by the hash of their content; tables and text that were converted to files which are mapped; copies of payloads, and catalogues, of bundles on stores; and `sql_history`, what was typed at the prompt of `sql`. May be deleted at any time.",
    },
    Key {
        name: "cache_cap",
        variable: "DATAFOLIO_CACHE_CAP",
        default: "10GiB",
        accepted: "a size such as \"10GiB\"; 0 keeps nothing",
        meaning: "Most that the cache holds, at most 256 MiB of it for facts and statistics, and as much again each of converted tables and of copies of what lies on stores; what was noted or used longest ago goes first. Below 1MiB it keeps nothing.",
    },
    Key {
        name: "spill_dir",
        variable: "DATAFOLIO_SPILL_DIR",
        default: "`spill` in `cache_dir`",
        accepted: "an absolute path, or one that starts with \"~/\"",
        meaning: "Where queries put what exceeds `memory`, each in a directory of its own that goes when it ends. Tables are laid out here before they are stored as HDF5, in files without a name. Not the system's temporary directory by default, as that is often memory itself.",
    },
    Key {
        name: "spill_cap",
        variable: "DATAFOLIO_SPILL_CAP",
        default: "50GiB",
        accepted: "a size such as \"50GiB\"; 0 allows none",
        meaning: "Most that one query puts into `spill_dir`; one that needs more fails.",
    },
    Key {
        name: "verification",
        variable: "DATAFOLIO_VERIFICATION",
        default: "touched",
        accepted: "\"touched\", \"full\" or \"off\"",
        meaning: "When payloads are compared with their recorded hashes: the parts that are read (`touched`), the whole payload before any of it is used (`full`), or only by `verify` (`off`).",
    },
    Key {
        name: "changed_references",
        variable: "DATAFOLIO_CHANGED_REFERENCES",
        default: "warn",
        accepted: "\"warn\" or \"refuse\"",
        meaning: "What reading a reference does whose files are not those that were referenced: it goes on with them as they are now, and the program and the Python package warn (`warn`); or it is an error (`refuse`).",
    },
    Key {
        name: "lock_timeout",
        variable: "DATAFOLIO_LOCK_TIMEOUT",
        default: "30s",
        accepted: "seconds, or a time such as \"500ms\", \"30s\" or \"2m\"",
        meaning: "How long to wait for another writer of the same bundle.",
    },
    Key {
        name: "gc_grace",
        variable: "DATAFOLIO_GC_GRACE",
        default: "7d",
        accepted: "days, or a time such as \"12h\" or \"7d\"",
        meaning: "Age below which garbage collection leaves files alone that nothing names: a writer may be about to name them.",
    },
    Key {
        name: "retention_days",
        variable: "DATAFOLIO_RETENTION_DAYS",
        default: "30",
        accepted: "a number of days from 0 to 36500",
        meaning: "Every revision younger than this is kept. Snapshots are kept for ever.",
    },
    Key {
        name: "retention_revisions",
        variable: "DATAFOLIO_RETENTION_REVISIONS",
        default: "20",
        accepted: "a number from 1 to 1000000",
        meaning: "So many of the latest revisions are kept, however old.",
    },
    Key {
        name: "color",
        variable: "DATAFOLIO_COLOR",
        default: "auto",
        accepted: "\"auto\", \"always\" or \"never\"",
        meaning: "Whether output for terminals is coloured. `NO_COLOR` counts as `never` unless `DATAFOLIO_COLOR` is set.",
    },
];

impl Key {
    /// The setting of that name.
    pub(super) fn find(name: &str, origin: &Origin) -> Result<&'static Self, SettingsError> {
        KEYS.iter().find(|key| key.name == name).ok_or_else(|| SettingsError::UnknownKey {
            origin: origin.clone(),
            key: name.chars().take(80).collect(),
            // Written with hyphens, as in the options of the program, a name is still recognised.
            suggestion: did_you_mean(&name.replace('-', "_"), KEYS.iter().map(|key| key.name)),
        })
    }
}

impl Settings {
    /// Sets one value from text. `home` serves `~/`; `None` stands for the caller's own options, whose paths a shell has
    /// expanded already.
    pub(super) fn apply(
        &mut self,
        key: &'static Key,
        text: &str,
        home: Option<&Home>,
        origin: Origin,
    ) -> Result<(), SettingsError> {
        if self.assign(key.name, text.trim(), home).is_none() {
            return Err(SettingsError::BadValue {
                origin,
                key: key.name,
                value: text.chars().take(200).collect(),
                accepted: key.accepted,
            });
        }
        if let Some(place) =
            KEYS.iter().position(|known| known.name == key.name).and_then(|at| self.origins.get_mut(at))
        {
            *place = origin;
        }
        Ok(())
    }

    /// `None` for a text that the setting does not accept.
    fn assign(&mut self, name: &str, text: &str, home: Option<&Home>) -> Option<()> {
        match name {
            "threads" if text.eq_ignore_ascii_case("auto") => self.threads = Self::default().threads,
            "threads" => self.threads = text.parse().ok().filter(|count| (1..=MOST_THREADS).contains(count))?,
            "memory" => self.memory = parse_memory(text)?,
            "cache_dir" => self.cache_dir = Some(parse_dir(text, home)?),
            "cache_cap" => self.cache_cap = parse_size(text)?,
            "spill_dir" => self.spill_dir = Some(parse_dir(text, home)?),
            "spill_cap" => self.spill_cap = parse_size(text)?,
            "verification" => {
                self.verification = match text.to_ascii_lowercase().as_str() {
                    "touched" => Verification::Touched,
                    "full" => Verification::Full,
                    "off" => Verification::Off,
                    _ => return None,
                }
            }
            "changed_references" => {
                self.changed_references = match text.to_ascii_lowercase().as_str() {
                    "warn" => ChangedReferences::Warn,
                    "refuse" => ChangedReferences::Refuse,
                    _ => return None,
                }
            }
            "lock_timeout" => self.lock_timeout = parse_duration(text, SECOND).filter(|time| *time <= LONGEST)?,
            "gc_grace" => self.gc_grace = parse_duration(text, DAY).filter(|time| *time <= LONGEST)?,
            "retention_days" => self.retention_days = text.parse().ok().filter(|days| *days <= 36_500)?,
            "retention_revisions" => {
                self.retention_revisions = text.parse().ok().filter(|count| (1..=1_000_000).contains(count))?;
            }
            "color" => {
                self.color = match text.to_ascii_lowercase().as_str() {
                    "auto" => Color::Auto,
                    "always" => Color::Always,
                    "never" => Color::Never,
                    _ => return None,
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// The value of a setting, in words that it accepts.
    pub(super) fn value(&self, name: &str) -> String {
        let dir = |path: &Option<PathBuf>| path.as_deref().map_or_else(String::new, |path| path.display().to_string());
        match name {
            "threads" => self.threads.to_string(),
            "memory" => match self.memory {
                Memory::Bytes(bytes) => format_size(bytes),
                Memory::Percent(share) => format!("{share}%"),
            },
            "cache_dir" => dir(&self.cache_dir),
            "cache_cap" => format_size(self.cache_cap),
            "spill_dir" => dir(&self.spill_dir),
            "spill_cap" => format_size(self.spill_cap),
            "verification" => match self.verification {
                Verification::Touched => "touched".to_owned(),
                Verification::Full => "full".to_owned(),
                Verification::Off => "off".to_owned(),
            },
            "changed_references" => match self.changed_references {
                ChangedReferences::Warn => "warn".to_owned(),
                ChangedReferences::Refuse => "refuse".to_owned(),
            },
            "lock_timeout" => format_duration(self.lock_timeout),
            "gc_grace" => format_duration(self.gc_grace),
            "retention_days" => self.retention_days.to_string(),
            "retention_revisions" => self.retention_revisions.to_string(),
            "color" => match self.color {
                Color::Auto => "auto".to_owned(),
                Color::Always => "always".to_owned(),
                Color::Never => "never".to_owned(),
            },
            _ => String::new(),
        }
    }
}

fn parse_memory(text: &str) -> Option<Memory> {
    match text.strip_suffix('%') {
        Some(share) => {
            let share: u8 = share.trim_end().parse().ok()?;
            (1..=100).contains(&share).then_some(Memory::Percent(share))
        }
        None => parse_size(text).filter(|bytes| *bytes >= LEAST_MEMORY).map(Memory::Bytes),
    }
}

/// The home directory, where there is one.
#[derive(Debug, Clone, Default)]
pub(super) struct Home(pub(super) Option<PathBuf>);

/// A directory from a file or variable must not depend on where the program was started; one from the command line is
/// meant relative to just that.
fn parse_dir(text: &str, home: Option<&Home>) -> Option<PathBuf> {
    // The replacement character is what is left of bytes that are no Unicode: that path would be another one.
    if text.is_empty() || text.contains(['\0', '\u{fffd}']) {
        return None;
    }
    let Some(home) = home else { return std::path::absolute(text).ok() };
    let path = match text.strip_prefix("~/") {
        Some(below) => home.0.as_ref()?.join(below.trim_start_matches('/')),
        None => Path::new(text).to_path_buf(),
    };
    path.is_absolute().then_some(path)
}
