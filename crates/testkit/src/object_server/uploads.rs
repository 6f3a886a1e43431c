//! Objects that arrive in parts, and appear when the last word on them is said.

use std::collections::BTreeMap;

use axum::body::Bytes;
use chrono::{DateTime, Utc};

use super::answers::Refusal;
use super::encoding::{bare_tag, elements, hex, md5, text_of};
use super::objects::{Conditions, Object, Objects};

/// An upload that is neither completed nor aborted.
#[derive(Debug)]
pub(super) struct Upload {
    key: String,
    parts: BTreeMap<u32, Bytes>,
}

/// The e-tag of a part, with its quotes.
fn tag_of(part: &Bytes) -> String {
    format!("\"{}\"", hex(&md5(part)))
}

/// The parts that a request to complete an upload names, each with its e-tag, in the order of the request.
pub(super) fn parts_of(body: &[u8]) -> Result<Vec<(u32, String)>, Refusal> {
    let xml = std::str::from_utf8(body).map_err(|_| Refusal::MALFORMED_XML)?;
    let part = |xml| Some((text_of(xml, "PartNumber")?.trim().parse().ok()?, text_of(xml, "ETag")?));
    let parts: Option<Vec<_>> = elements(xml, "Part").into_iter().map(part).collect();
    parts.filter(|parts| !parts.is_empty()).ok_or(Refusal::MALFORMED_XML)
}

impl Objects {
    /// Begins an upload; its identifier.
    pub(super) fn begin_upload(&mut self, key: &str) -> String {
        // Characters that are escaped in a query have to come back as they were.
        let id = format!("upload+{}/=", self.number());
        self.uploads.insert(id.clone(), Upload { key: key.to_owned(), parts: BTreeMap::new() });
        id
    }

    /// Adds a part, or replaces the one of this number; its e-tag.
    pub(super) fn put_part(&mut self, key: &str, id: &str, number: u32, part: Bytes) -> Result<String, Refusal> {
        if !(1..=10_000).contains(&number) {
            return Err(Refusal::INVALID_ARGUMENT);
        }
        let upload = self.uploads.get_mut(id).filter(|upload| upload.key == key).ok_or(Refusal::NO_SUCH_UPLOAD)?;
        let tag = tag_of(&part);
        upload.parts.insert(number, part);
        Ok(tag)
    }

    /// Makes the object of the parts that are named. Where a condition does not hold the upload stays, to be aborted.
    pub(super) fn complete_upload(
        &mut self,
        key: &str,
        id: &str,
        named: &[(u32, String)],
        conditions: &Conditions,
        now: DateTime<Utc>,
    ) -> Result<&Object, Refusal> {
        let upload = self.uploads.get(id).filter(|upload| upload.key == key).ok_or(Refusal::NO_SUCH_UPLOAD)?;
        if !named.is_sorted_by(|(one, _), (next, _)| one < next) {
            return Err(Refusal::INVALID_PART_ORDER);
        }
        let (mut content, mut sums) = (Vec::new(), Vec::new());
        for (number, tag) in named {
            let part = upload.parts.get(number).ok_or(Refusal::INVALID_PART)?;
            if bare_tag(tag) != bare_tag(&tag_of(part)) {
                return Err(Refusal::INVALID_PART);
            }
            content.extend_from_slice(part);
            sums.extend(md5(part));
        }
        conditions.check(self.by_key.get(key))?;
        self.uploads.remove(id);
        let e_tag = format!("\"{}-{}\"", hex(&md5(&sums)), named.len());
        Ok(self.put_tagged(key, content.into(), e_tag, now))
    }

    /// Forgets an upload and its parts.
    pub(super) fn abort_upload(&mut self, key: &str, id: &str) -> Result<(), Refusal> {
        self.uploads.get(id).filter(|upload| upload.key == key).ok_or(Refusal::NO_SUCH_UPLOAD)?;
        self.uploads.remove(id);
        Ok(())
    }

    /// How many uploads are neither completed nor aborted.
    pub(super) fn unfinished_uploads(&self) -> usize {
        self.uploads.len()
    }
}
