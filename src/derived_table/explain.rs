//! How an item came to be.

use std::collections::{HashMap, HashSet};

use datafolio_core::ErrorCategory;
use serde::Serialize;
use serde_json::Value;

use super::stale::StaleReason;
use super::{DerivedInput, derivation_of};
use crate::bundle::DataFolio;
use crate::error::Result;
use crate::view::view_of;

/// How an item was made, and everything that it was made from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explained {
    /// The item.
    pub name: String,
    /// `derived`, `view`, or the type of an item that was added as it is.
    pub kind: String,
    /// Its version; `None` when it is not there any more.
    pub version: Option<String>,
    /// When the version was made.
    pub created_at: Option<String>,
    /// The language of the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The values that the query was given.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub params: Value,
    /// The versions that a derived table read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<DerivedInput>,
    /// The program that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Number of rows, where that is known.
    pub rows: Option<u64>,
    /// Why it is out of date; empty when it is not.
    pub stale: Vec<StaleReason>,
    /// The version of the item that is there now, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_version: Option<String>,
    /// The items that it was made from, in the versions that were read where these are recorded; each version is told of once.
    pub upstream: Vec<Explained>,
}

/// An item in the version that is to be explained; `None` for the one that is there now.
struct Asked<'a> {
    name: &'a str,
    version: Option<&'a str>,
}

impl DataFolio {
    /// How an item was made: the query, its parameters, the versions it read and when they were made, the program, and the same
    /// for all that it was made from.
    ///
    /// # Errors
    /// [`ItemNotFound`](datafolio_core::CoreError::ItemNotFound); an entry that cannot be read.
    pub fn explain(&self, name: &str) -> Result<Explained> {
        self.record(name)?;
        let stale = self.stale()?.into_iter().map(|stale| (stale.name, stale.reasons)).collect();
        self.explained(&Asked { name, version: None }, &HashMap::new(), &stale, &mut HashSet::new())
    }

    /// `read` are the versions that whoever asks has read.
    fn explained(
        &self,
        asked: &Asked<'_>,
        read: &HashMap<&str, &str>,
        stale: &HashMap<String, Vec<StaleReason>>,
        seen: &mut HashSet<(String, Option<String>)>,
    ) -> Result<Explained> {
        let name = asked.name;
        let current = self.state().item(name).ok().map(|entry| entry.token());
        let version = asked.version.map(str::to_owned).or_else(|| current.clone());
        seen.insert((name.to_owned(), version.clone()));
        let is_current = version == current;
        let mut explained = Explained {
            name: name.to_owned(),
            kind: "missing".to_owned(),
            created_at: None,
            language: None,
            text: None,
            params: Value::Null,
            inputs: Vec::new(),
            program: None,
            rows: None,
            stale: stale.get(name).filter(|_| is_current).cloned().unwrap_or_default(),
            current_version: current.filter(|_| !is_current),
            upstream: Vec::new(),
            version,
        };
        let Some(version) = &explained.version else { return Ok(explained) };
        let record = match self.version_record(name, version) {
            Ok(record) => record,
            // What was read may be known by its version alone by now.
            Err(error) if error.category() == ErrorCategory::NotFound => return Ok(explained),
            Err(error) => return Err(error),
        };
        explained.kind = record.item_type().to_owned();
        explained.created_at = record.str("created_at").map(str::to_owned);
        explained.rows = record.u64("num_rows");
        if let Some(derivation) = derivation_of(&record)? {
            explained.kind = "derived".to_owned();
            explained.language = Some(derivation.language);
            explained.text = Some(derivation.text);
            explained.params = derivation.params;
            explained.inputs = derivation.inputs;
            explained.program = Some(derivation.program);
        } else if let Some(view) = view_of(&record)? {
            explained.kind = "view".to_owned();
            explained.language = Some(view.language);
            explained.text = Some(view.text);
        }
        let noted = record.input_versions();
        let made_from: Vec<Asked<'_>> = if explained.kind == "derived" {
            explained.inputs.iter().map(|input| Asked { name: &input.name, version: Some(&input.version) }).collect()
        } else {
            // What a view stands on was read by whoever read the view.
            let is_view = explained.kind == "view";
            let noted = |input: &str| noted.get(input).map(String::as_str).filter(|_| !is_view);
            let version_of = |input: &str| noted(input).or_else(|| read.get(input).copied());
            record.inputs().into_iter().map(|name| Asked { name, version: version_of(name) }).collect()
        };
        let read: HashMap<&str, &str> = if explained.kind == "derived" {
            // What was read of a snapshot is none of what views stand on.
            let of_here = explained.inputs.iter().filter(|input| input.snapshot.is_none());
            of_here.map(|input| (input.name.as_str(), input.version.as_str())).collect()
        } else {
            made_from.iter().filter_map(|input| Some((input.name, input.version?))).collect()
        };
        let mut upstream = Vec::new();
        for input in &made_from {
            let version = input.version.map(str::to_owned);
            let version = version.or_else(|| self.state().item(input.name).ok().map(|entry| entry.token()));
            if !seen.contains(&(input.name.to_owned(), version)) {
                upstream.push(self.explained(input, &read, stale, seen)?);
            }
        }
        explained.upstream = upstream;
        Ok(explained)
    }
}
