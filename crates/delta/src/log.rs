//! The names in a log: which versions there are.

use std::collections::BTreeSet;

use crate::error::{DeltaError, DeltaResult};
use crate::place::{Listed, Place};

/// Where the log lies.
pub(crate) const LOG: &str = "_delta_log";

/// The versions of a table, by the names of its log's files.
#[derive(Debug, Default)]
pub(crate) struct Log {
    commits: BTreeSet<u64>,
    /// Versions with a checkpoint, be it whole or not.
    checkpoints: BTreeSet<u64>,
    files: Vec<(u64, Listed)>,
}

impl Log {
    /// Lists the log of a table.
    pub(crate) fn list(place: &dyn Place) -> DeltaResult<Self> {
        let unreadable = |error: std::io::Error| DeltaError::listing(LOG, &error);
        let listed = place.list(LOG).map_err(&unreadable)?;
        if listed.is_empty() {
            return Err(match place.is_there().map_err(unreadable)? {
                true => DeltaError::NoTable(format!("its directory has no {LOG}, or an empty one")),
                false => DeltaError::NotFound,
            });
        }
        let mut log = Self::default();
        for file in listed {
            let name = file.path.strip_prefix(LOG).and_then(|name| name.strip_prefix('/')).unwrap_or_default();
            let Some((version, rest)) = version_of(name) else { continue };
            if rest == "json" {
                log.commits.insert(version);
            } else if rest.starts_with("checkpoint.") {
                log.checkpoints.insert(version);
            } else {
                continue;
            }
            log.files.push((version, file));
        }
        match log.commits.is_empty() && log.checkpoints.is_empty() {
            true => Err(DeltaError::NoTable(format!("{LOG} has no commit"))),
            false => Ok(log),
        }
    }

    /// The newest version.
    pub(crate) fn newest(&self) -> u64 {
        let last = |versions: &BTreeSet<u64>| versions.last().copied().unwrap_or_default();
        last(&self.commits).max(last(&self.checkpoints))
    }

    /// The files that make a version what it is.
    pub(crate) fn files_of(&self, version: u64) -> impl Iterator<Item = &Listed> {
        self.files.iter().filter(move |(of, _)| *of == version).map(|(_, file)| file)
    }

    /// Whether a version can be put together from what is there.
    pub(crate) fn check(&self, wanted: u64) -> DeltaResult<()> {
        let last = self.newest();
        if wanted > last {
            return Err(DeltaError::NoVersion { wanted, first: None, last });
        }
        let base = self.checkpoints.range(..=wanted).next_back().copied();
        let mut needed = base.map_or(0, |base| base + 1)..=wanted;
        match needed.find(|version| !self.commits.contains(version)) {
            None => Ok(()),
            // What lies before the first checkpoint is gone when the log was cleaned up.
            Some(missing) if base.is_none() && self.commits.range(..=missing).next().is_none() => {
                Err(DeltaError::NoVersion { wanted, first: self.checkpoints.first().copied(), last })
            }
            Some(missing) => Err(DeltaError::damaged(
                LOG,
                format!("{missing:020}.json is missing between others, and version {wanted} needs it"),
            )),
        }
    }
}

/// The version in a name, and what follows its point.
fn version_of(name: &str) -> Option<(u64, &str)> {
    let (digits, rest) = name.split_once('.')?;
    let is_version = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    Some((digits.parse().ok().filter(|_| is_version)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(commits: &[u64], checkpoints: &[u64]) -> Log {
        Log {
            commits: commits.iter().copied().collect(),
            checkpoints: checkpoints.iter().copied().collect(),
            files: Vec::new(),
        }
    }

    #[test]
    fn names_of_versions() {
        assert_eq!(version_of("00000000000000000012.json"), Some((12, "json")));
        assert_eq!(version_of("00000000000000000012.checkpoint.parquet"), Some((12, "checkpoint.parquet")));
        for other in ["_last_checkpoint", "12.json", "0000000000000000000x.json", "99999999999999999999.json", ""] {
            assert_eq!(version_of(other), None, "{other}");
        }
    }

    #[test]
    fn versions_that_can_be_put_together() {
        let whole = log(&[0, 1, 2], &[]);
        assert_eq!(whole.newest(), 2);
        assert!((0..=2).all(|version| whole.check(version).is_ok()));
        assert_eq!(whole.check(3), Err(DeltaError::NoVersion { wanted: 3, first: None, last: 2 }));
        let cleaned = log(&[3, 4, 5], &[4]);
        assert!(cleaned.check(4).is_ok() && cleaned.check(5).is_ok());
        for gone in [1, 3] {
            assert_eq!(cleaned.check(gone), Err(DeltaError::NoVersion { wanted: gone, first: Some(4), last: 5 }));
        }
        let torn = log(&[0, 1, 3], &[]);
        assert!(torn.check(1).is_ok());
        let error = torn.check(3).unwrap_err().to_string();
        assert!(error.contains("00000000000000000002.json is missing"), "{error}");
        // A checkpoint alone is a version.
        assert!(log(&[], &[7]).check(7).is_ok());
    }
}
