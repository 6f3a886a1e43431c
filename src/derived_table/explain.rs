//! How an item came to be.

use std::collections::HashSet;

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
    /// The items that it was made from, as they are now; each is told of once.
    pub upstream: Vec<Explained>,
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
        self.explained(name, &stale, &mut HashSet::new())
    }

    fn explained(
        &self,
        name: &str,
        stale: &std::collections::HashMap<String, Vec<StaleReason>>,
        seen: &mut HashSet<String>,
    ) -> Result<Explained> {
        seen.insert(name.to_owned());
        let mut explained = Explained {
            name: name.to_owned(),
            kind: "missing".to_owned(),
            version: None,
            created_at: None,
            language: None,
            text: None,
            params: Value::Null,
            inputs: Vec::new(),
            program: None,
            rows: None,
            stale: stale.get(name).cloned().unwrap_or_default(),
            upstream: Vec::new(),
        };
        if !self.contains(name) {
            return Ok(explained);
        }
        let record = self.record(name)?;
        explained.kind = record.item_type().to_owned();
        explained.version = Some(self.state().item(name)?.token());
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
        for input in record.inputs() {
            if !seen.contains(input) {
                explained.upstream.push(self.explained(input, stale, seen)?);
            }
        }
        Ok(explained)
    }
}
