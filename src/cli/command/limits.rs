//! `--timeout`, `--memory` and `--threads`: what a query may take.

use std::time::Duration;

use crate::cli::failure::{Failure, Outcome};
use crate::settings::{parse_duration, parse_size};
use crate::{QueryOptions, RerunOptions};

/// Less memory is of no use to DuckDB.
const LEAST: u64 = 16 << 20;

/// What a query may take.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Limits {
    /// How long it may take, such as 30s or 5m
    #[arg(long, value_name = "TIME")]
    timeout: Option<String>,
    /// Memory that it may take, such as 2GB, instead of the setting
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
    /// Threads that it may use, instead of the setting
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

impl Limits {
    /// The options of a query, within these limits.
    pub(super) fn of_query(&self, mut options: QueryOptions) -> Outcome<QueryOptions> {
        (options.timeout, options.memory, options.threads) = (self.timeout()?, self.memory()?, self.threads()?);
        Ok(options)
    }

    /// The options of tables that are made again, the query of each within these limits.
    pub(super) fn of_rerun(&self, mut options: RerunOptions) -> Outcome<RerunOptions> {
        (options.timeout, options.memory, options.threads) = (self.timeout()?, self.memory()?, self.threads()?);
        Ok(options)
    }

    fn timeout(&self) -> Outcome<Option<Duration>> {
        let Some(text) = &self.timeout else { return Ok(None) };
        let time = parse_duration(text, 1).filter(|time| !time.is_zero());
        time.map(Some).ok_or_else(|| Failure::usage(format!("--timeout {text}: a time such as 30s or 5m is needed")))
    }

    fn memory(&self) -> Outcome<Option<u64>> {
        let Some(text) = &self.memory else { return Ok(None) };
        let size = parse_size(text).filter(|size| *size >= LEAST);
        size.map(Some)
            .ok_or_else(|| Failure::usage(format!("--memory {text}: a size such as 2GB is needed, at least 16MiB")))
    }

    fn threads(&self) -> Outcome<Option<usize>> {
        match self.threads {
            Some(0) => Err(Failure::usage("--threads 0: a query needs at least one")),
            threads => Ok(threads),
        }
    }
}
