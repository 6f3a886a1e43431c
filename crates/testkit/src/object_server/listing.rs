//! Lists of the bucket, in pages.

use std::fmt::Write;
use std::ops::Bound;

use super::BUCKET;
use super::answers::{Answer, Refusal, xml_date};
use super::encoding::{escape, hex, percent_encode, unhex};
use super::objects::{Object, Objects};

/// How many entries S3 puts on a page at most.
const MOST: usize = 1000;

/// What a list is asked for.
#[derive(Debug, Default)]
pub(super) struct Listing {
    prefix: String,
    delimiter: Option<String>,
    start_after: Option<String>,
    token: Option<String>,
    max_keys: usize,
    url_encoded: bool,
}

/// The last entry of a page: the next one begins after it.
#[derive(Debug, Clone)]
enum Mark {
    Key(String),
    /// All keys with a prefix, which were one entry.
    Prefix(String),
}

impl Mark {
    fn text(&self) -> &str {
        let (Self::Key(text) | Self::Prefix(text)) = self;
        text
    }

    /// As a token, in which no client can read the key.
    fn token(&self) -> String {
        let kind = if matches!(self, Self::Key(_)) { 'k' } else { 'p' };
        hex(format!("{kind}{}", self.text()).as_bytes())
    }

    fn of(token: &str) -> Option<Self> {
        let text = String::from_utf8(unhex(token)?).ok()?;
        match text.split_at_checked(1)? {
            ("k", key) => Some(Self::Key(key.to_owned())),
            ("p", prefix) => Some(Self::Prefix(prefix.to_owned())),
            _ => None,
        }
    }
}

impl Listing {
    /// That of the pairs of a query.
    pub(super) fn of(query: &[(String, String)]) -> Result<Self, Refusal> {
        let mut listing = Self { max_keys: MOST, ..Self::default() };
        for (name, value) in query {
            match name.as_str() {
                "prefix" => listing.prefix = value.clone(),
                "delimiter" => listing.delimiter = Some(value.clone()).filter(|delimiter| !delimiter.is_empty()),
                "start-after" => listing.start_after = Some(value.clone()),
                "continuation-token" => listing.token = Some(value.clone()),
                "max-keys" => listing.max_keys = value.parse().map_err(|_| Refusal::INVALID_ARGUMENT)?,
                "encoding-type" if value == "url" => listing.url_encoded = true,
                "list-type" | "fetch-owner" | "x-id" => {}
                _ => return Err(Refusal::NOT_IMPLEMENTED),
            }
        }
        Ok(listing)
    }

    /// The page of these objects that is asked for, with at most so many entries.
    pub(super) fn answer(&self, objects: &Objects, page_size: usize) -> Result<Answer, Refusal> {
        let limit = self.max_keys.min(page_size).min(MOST);
        let mut last = match (&self.token, &self.start_after) {
            (Some(token), _) => Some(Mark::of(token).ok_or(Refusal::INVALID_ARGUMENT)?),
            (None, start) => start.clone().map(Mark::Key),
        };
        let begin = match &last {
            Some(mark) if mark.text() >= self.prefix.as_str() => Bound::Excluded(mark.text().to_owned()),
            _ => Bound::Included(self.prefix.clone()),
        };
        let (mut contents, mut prefixes, mut truncated, mut count) = (String::new(), String::new(), false, 0);
        for (key, object) in objects.by_key.range((begin, Bound::Unbounded)) {
            let Some(rest) = key.strip_prefix(&self.prefix) else { break };
            if matches!(&last, Some(Mark::Prefix(prefix)) if key.starts_with(prefix)) {
                continue;
            }
            if count >= limit {
                // With no entries allowed there is no next page either.
                truncated = limit > 0;
                break;
            }
            let folder = self.delimiter.as_ref().and_then(|delimiter| Some(rest.find(delimiter)? + delimiter.len()));
            last = Some(match folder {
                Some(length) => {
                    let prefix = &key[..self.prefix.len() + length];
                    let _ = write!(prefixes, "<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", self.name(prefix));
                    Mark::Prefix(prefix.to_owned())
                }
                None => {
                    contents.push_str(&self.entry(key, object));
                    Mark::Key(key.clone())
                }
            });
            count += 1;
        }
        let next = last.filter(|_| truncated).map(|mark| mark.token());
        let mut document = String::from("<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
        let named = |element: &str, text: &str| format!("<{element}>{text}</{element}>");
        document.push_str(&named("Name", BUCKET));
        document.push_str(&named("Prefix", &self.name(&self.prefix)));
        for (element, text) in [("Delimiter", &self.delimiter), ("StartAfter", &self.start_after)] {
            document.extend(text.as_ref().map(|text| named(element, &self.name(text))));
        }
        document.extend(self.token.as_ref().map(|token| named("ContinuationToken", &escape(token))));
        document.extend(self.url_encoded.then(|| named("EncodingType", "url")));
        document.push_str(&named("KeyCount", &count.to_string()));
        document.push_str(&named("MaxKeys", &self.max_keys.to_string()));
        document.push_str(&named("IsTruncated", &truncated.to_string()));
        document.extend(next.map(|token| named("NextContinuationToken", &token)));
        document.push_str(&contents);
        document.push_str(&prefixes);
        document.push_str("</ListBucketResult>");
        Ok(Answer::xml(200, &document))
    }

    fn entry(&self, key: &str, object: &Object) -> String {
        format!(
            "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>{}</ETag><Size>{}</Size>\
             <StorageClass>STANDARD</StorageClass></Contents>",
            self.name(key),
            xml_date(object.modified),
            escape(&object.e_tag),
            object.content.len()
        )
    }

    /// A key or a part of one, as the document has it.
    fn name(&self, key: &str) -> String {
        if self.url_encoded { percent_encode(key) } else { escape(key) }
    }
}
