//! Making derived tables, and making them again.

use std::collections::HashSet;
use std::time::Duration;

use datafolio_core::item_type;
use datafolio_handlers::{Data, HandlerResult, reference_files};
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Map, json};

use super::stale::StaleReason;
use super::watch::RerunWatch;
use super::{DERIVED, Derivation, DerivedInput, SeenFiles, derivation_of, params};
use crate::bundle::{AddOptions, DataFolio, ItemInfo, Own, lineage_of};
use crate::error::{Error, Result};
use crate::query::{QueryControl, QueryOptions, ReadInput};
use crate::view::is_view;

/// What is made again.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RerunOptions {
    /// Also what is up to date.
    pub force: bool,
    /// What watches it.
    pub watch: Option<RerunWatch>,
    /// How many threads the query of each table may use, 4096 at most; `None` as the settings say.
    pub threads: Option<usize>,
    /// Bytes of memory for the query of each table; `None` as the settings say.
    pub memory: Option<u64>,
    /// How long the query of each table may take; `None` for as long as it wants.
    pub timeout: Option<Duration>,
}

impl RerunOptions {
    /// Only what is out of date.
    pub fn new() -> Self {
        Self::default()
    }

    /// Also what is up to date.
    pub fn force(mut self) -> Self {
        self.force = true;
        self
    }

    /// Watched by this.
    pub fn watch(mut self, watch: &RerunWatch) -> Self {
        self.watch = Some(watch.clone());
        self
    }

    /// At most this many threads for the query of each table.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// At most so many bytes of memory for the query of each table.
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// At most this long for the query of each table. One that takes longer fails, and its table stays as it is.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// What the query of a table is given beside its text and its values.
    fn query(&self, control: Option<QueryControl>) -> QueryOptions {
        let (threads, memory, timeout) = (self.threads, self.memory, self.timeout);
        QueryOptions { threads, memory, timeout, control, ..QueryOptions::new() }
    }
}

/// What was made again.
#[derive(Debug, Serialize)]
pub struct Rerun {
    /// Tables that were made again, in this order, each in a commit of its own.
    pub done: Vec<String>,
    /// Tables that were up to date.
    pub fresh: Vec<String>,
    /// Tables that could not be made: they are as they were, and so are those that are made from them.
    pub failed: Vec<FailedRerun>,
    /// Tables that are made from these.
    pub left: Vec<String>,
}

/// A table that could not be made again.
#[derive(Debug, Serialize)]
pub struct FailedRerun {
    /// The table.
    pub name: String,
    /// Why.
    #[serde(skip)]
    pub error: Error,
    /// Why, as [`Error::code`] says it.
    pub code: &'static str,
    /// Why, in words.
    pub message: String,
}

impl DataFolio {
    /// Stores the result of a query as a table that remembers the SQL, its parameters and the versions that it read, so that
    /// [`DataFolio::stale`] can tell when it is out of date and [`DataFolio::rerun`] make it again. The rows are streamed into
    /// the file, and are one commit.
    ///
    /// # Errors
    /// As [`DataFolio::query`] and [`DataFolio::add`]; [`Error::Invalid`] for a parameter that JSON cannot hold, and for a table
    /// that would be made from itself.
    pub fn derive(&self, name: &str, sql: &str, query: &QueryOptions, options: AddOptions) -> Result<ItemInfo> {
        let params = params::to_json(&query.params)?;
        let ((), made) = self.once_seen(|batch| {
            if !options.overwrite && batch.catalogue().current.contains_key(name) {
                return Err(datafolio_core::CoreError::ItemExists { name: name.to_owned() }.into());
            }
            let (rows, read) = self.query_with_inputs(sql, query)?;
            let mut inputs: Vec<String> = Vec::new();
            let mut versions = IndexMap::new();
            let mut recorded = Vec::new();
            for input in &read {
                let item = input.record.name();
                recorded.push(self.recorded(input)?);
                if input.snapshot.is_none() {
                    if item == name {
                        return Err(Error::Invalid(format!(
                            "table '{name}' would be made from itself: give the result another name"
                        )));
                    }
                    let lineage = lineage_of(batch.catalogue());
                    if lineage.upstream(item).is_some_and(|upstream| upstream.contains(&name)) {
                        return Err(Error::Invalid(format!(
                            "table '{name}' would be made from itself, through '{item}': give the result another name"
                        )));
                    }
                    inputs.push(item.to_owned());
                    versions.insert(item.to_owned(), input.version.clone());
                }
            }
            let derivation = Derivation {
                language: "sql".to_owned(),
                text: sql.to_owned(),
                params,
                inputs: recorded,
                program: concat!("datafolio ", env!("CARGO_PKG_VERSION")).to_owned(),
            };
            let fields = Map::from_iter([(DERIVED.to_owned(), json!(derivation))]);
            let own = Own { fields, input_versions: Some(versions) };
            batch.add_own(item_type::INCLUDED_TABLE, name, Data::Table(Box::new(rows)), options.inputs(inputs), own)
        })?;
        ItemInfo::of(made.item(name)?)
    }

    /// Stores the rows of a view or table as [`DataFolio::derive`] does.
    ///
    /// # Errors
    /// As [`DataFolio::derive`].
    pub fn derive_from(&self, name: &str, source: &str, options: AddOptions) -> Result<ItemInfo> {
        self.derive(name, &all_rows_of(source), &QueryOptions::new(), options)
    }

    fn recorded(&self, input: &ReadInput) -> Result<DerivedInput> {
        Ok(DerivedInput {
            name: input.record.name().to_owned(),
            version: input.version.clone(),
            sha256: input.record.rows_hash(),
            snapshot: input.snapshot.clone(),
            // What cannot be reached is not known.
            files: self.seen_files(&input.record).ok().flatten(),
        })
    }

    /// What the files of a reference are like now; `None` for what is no reference.
    pub(super) fn seen_files(&self, record: &datafolio_core::ItemRecord) -> HandlerResult<Option<SeenFiles>> {
        let seen = reference_files(&self.handler_item(record))?;
        Ok(seen.map(|(size_bytes, digest)| SeenFiles { size_bytes, digest }))
    }

    /// Makes derived tables again that are out of date, with the SQL and the parameters that they remember: those that are
    /// named and the derived tables that they are made from, or with no name all. Inputs come before what is made from them,
    /// and each table is one commit. Of one that fails, those that are made from it are left as they are; the others are made.
    ///
    /// # Errors
    /// [`ItemNotFound`](datafolio_core::CoreError::ItemNotFound); [`Error::WrongType`] for a name that is no derived table. A
    /// table that cannot be made is told in the answer.
    pub fn rerun<S: AsRef<str>>(&self, names: &[S], options: RerunOptions) -> Result<Rerun> {
        self.require_writable("make tables again")?;
        let lineage = lineage_of(self.state().catalogue());
        let mut wanted: HashSet<String> = HashSet::new();
        for name in names {
            let name = name.as_ref();
            let record = self.record(name)?;
            if derivation_of(&record)?.is_none() {
                let found = match is_view(&record) {
                    true => "a view, which is always up to date".to_owned(),
                    false => record.item_type().to_owned(),
                };
                return Err(Error::WrongType { item: name.to_owned(), expected: "a derived table", found });
            }
            wanted.insert(name.to_owned());
            wanted.extend(lineage.upstream(name).unwrap_or_default().into_iter().map(str::to_owned));
        }
        let mut order: Vec<(String, Derivation)> = Vec::new();
        for name in lineage.topological_order() {
            if (names.is_empty() || wanted.contains(name)) && self.contains(name) {
                let record = self.record(name)?;
                order.extend(derivation_of(&record)?.map(|derivation| (name.to_owned(), derivation)));
            }
        }
        let is_forced =
            |name: &str| options.force && (names.is_empty() || names.iter().any(|wanted| wanted.as_ref() == name));
        // Only for those who watch: each table is looked at again when it is its turn.
        let mut ahead: HashSet<String> = HashSet::new();
        if options.watch.is_some() {
            let stale: HashSet<String> = self.stale()?.into_iter().map(|stale| stale.name).collect();
            let names = order.iter().map(|(name, _)| name);
            ahead.extend(names.filter(|name| stale.contains(*name) || is_forced(name.as_str())).cloned());
        }
        let mut report = Rerun { done: Vec::new(), fresh: Vec::new(), failed: Vec::new(), left: Vec::new() };
        for (name, derivation) in order {
            ahead.remove(&name);
            let upstream = lineage.upstream(&name).unwrap_or_default();
            if report.failed.iter().any(|failed| upstream.contains(&failed.name.as_str())) {
                report.left.push(name);
                continue;
            }
            let reasons = self.reasons(&name)?;
            if reasons.is_empty() && !is_forced(&name) {
                report.fresh.push(name);
                continue;
            }
            let number = report.done.len() + 1;
            let control = options.watch.as_ref().map(|watch| watch.begin(&name, number, number + ahead.len()));
            match self.remake(&name, &derivation, &reasons, options.query(control)) {
                Ok(()) => report.done.push(name),
                Err(error) => {
                    let message = error.to_string();
                    report.failed.push(FailedRerun { name, code: error.code(), error, message });
                }
            }
        }
        Ok(report)
    }

    fn remake(
        &self,
        name: &str,
        derivation: &Derivation,
        reasons: &[StaleReason],
        mut query: QueryOptions,
    ) -> Result<()> {
        query.params = params::from_json(&derivation.params)?;
        let extra = self.record(name)?;
        let mut options = AddOptions::new().overwrite();
        if let Some(format) = extra.str("table_format") {
            options = options.table_format(format);
        }
        match self.derive(name, &derivation.text, &query, options) {
            Ok(_) => Ok(()),
            Err(Error::NoSuchTable { name: input, place, suggestion }) => {
                let renamed = reasons.iter().find_map(|reason| match reason {
                    StaleReason::Renamed { input: from, to } if from.eq_ignore_ascii_case(&input) => Some(to.clone()),
                    _ => None,
                });
                match (renamed, suggestion) {
                    (None, suggestion @ Some(_)) => Err(Error::NoSuchTable { name: input, place, suggestion }),
                    (renamed_to, _) => Err(Error::InputGone { item: name.to_owned(), input, renamed_to }),
                }
            }
            Err(error) => Err(error),
        }
    }
}

/// The query for all rows of a view or table.
pub(crate) fn all_rows_of(source: &str) -> String {
    format!("SELECT * FROM \"{}\"", source.replace('"', "\"\""))
}
