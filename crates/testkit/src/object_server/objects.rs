//! The objects of the bucket, and the conditions that writing them can have.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::header::{IF_MATCH, IF_NONE_MATCH};
use chrono::{DateTime, Utc};

use super::answers::Refusal;
use super::encoding::{hex, md5, tag_is_among};
use super::uploads::Upload;

/// An object as it is now; nothing is kept of what it was before.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) content: Bytes,
    /// With its quotes.
    pub(super) e_tag: String,
    pub(super) generation: u64,
    pub(super) modified: DateTime<Utc>,
}

/// What the bucket holds.
#[derive(Debug, Default)]
pub(super) struct Objects {
    pub(super) by_key: BTreeMap<String, Object>,
    pub(super) uploads: BTreeMap<String, Upload>,
    /// How many objects and uploads there ever were: no number is given twice, whatever is removed in between.
    numbers: u64,
}

impl Objects {
    /// The next of the numbers that are never given twice.
    pub(super) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// The object with this key.
    pub(super) fn get(&self, key: &str) -> Result<&Object, Refusal> {
        self.by_key.get(key).ok_or(Refusal::NO_SUCH_KEY)
    }

    /// Writes an object whatever was there before; its e-tag is the MD5 sum of its content.
    pub(super) fn put(&mut self, key: &str, content: Bytes, now: DateTime<Utc>) -> &Object {
        let e_tag = format!("\"{}\"", hex(&md5(&content)));
        self.put_tagged(key, content, e_tag, now)
    }

    /// The same with an e-tag that is no function of the content alone.
    pub(super) fn put_tagged(&mut self, key: &str, content: Bytes, e_tag: String, now: DateTime<Utc>) -> &Object {
        let object = Object { content, e_tag, generation: self.number(), modified: now };
        self.by_key.entry(key.to_owned()).insert_entry(object).into_mut()
    }

    /// Removes an object; whether it was there.
    pub(super) fn remove(&mut self, key: &str) -> bool {
        self.by_key.remove(key).is_some()
    }

    /// Keys and contents, sorted by key.
    pub(super) fn contents(&self) -> Vec<(String, Vec<u8>)> {
        self.by_key.iter().map(|(key, object)| (key.clone(), object.content.to_vec())).collect()
    }
}

/// What has to hold for an object to be written or removed.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    if_none_match: Option<String>,
    if_match: Option<String>,
    if_generation: Option<String>,
}

impl Conditions {
    /// Those of the headers of a request.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        Self {
            if_none_match: text(IF_NONE_MATCH.as_str()),
            if_match: text(IF_MATCH.as_str()),
            if_generation: text("x-goog-if-generation-match"),
        }
    }

    /// Whether there is one at all.
    pub(super) fn any(&self) -> bool {
        self.if_none_match.is_some() || self.if_match.is_some() || self.if_generation.is_some()
    }

    /// Whether all hold for what is there now.
    pub(super) fn check(&self, there: Option<&Object>) -> Result<(), Refusal> {
        match self.if_none_match.as_deref().map(str::trim) {
            None => {}
            Some("*") if there.is_none() => {}
            Some("*") => return Err(Refusal::PRECONDITION),
            // S3 has only the star for writes.
            Some(_) => return Err(Refusal::NOT_IMPLEMENTED),
        }
        if let Some(tag) = &self.if_match {
            let object = there.ok_or(Refusal::NO_SUCH_KEY)?;
            if !tag_is_among(tag, &object.e_tag) {
                return Err(Refusal::PRECONDITION);
            }
        }
        if let Some(generation) = &self.if_generation {
            let wanted: u64 = generation.trim().parse().map_err(|_| Refusal::INVALID_ARGUMENT)?;
            if wanted != there.map_or(0, |object| object.generation) {
                return Err(Refusal::PRECONDITION);
            }
        }
        Ok(())
    }
}
