//! What each request asks for, and how it is carried out.

use std::fmt::Write;
use std::ops::Range;

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, header};

use super::answers::{Answer, Refusal, http_date, xml_date};
use super::encoding::{elements, escape, percent_decode, tag_is_among, unescape};
use super::faults::Switches;
use super::listing::Listing;
use super::objects::{Conditions, Object, Objects};
use super::uploads::parts_of;
use super::{BUCKET, Shared};

/// A request, read in full.
#[derive(Debug)]
pub(super) struct Call {
    method: Method,
    /// `None` where the path is not the encoding of a text.
    bucket: Option<String>,
    /// Empty for a request to the bucket.
    pub(super) key: String,
    pub(super) raw_query: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Call {
    pub(super) fn new(parts: Parts, body: Bytes) -> Self {
        let (bucket, key) = match split_path(parts.uri.path()) {
            Some((bucket, key)) => (Some(bucket), key),
            None => (None, String::new()),
        };
        let raw_query = parts.uri.query().unwrap_or_default().to_owned();
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((percent_decode(name, true)?, percent_decode(value, true)?))
        };
        let query = raw_query.split('&').filter(|each| !each.is_empty()).filter_map(pair).collect();
        Self { method: parts.method, bucket, key, raw_query, query, headers: parts.headers, body }
    }

    pub(super) fn method(&self) -> &str {
        self.method.as_str()
    }

    /// The value of a header, where it is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether it writes on a condition.
    pub(super) fn is_conditional(&self) -> bool {
        Conditions::of(&self.headers).any()
    }

    /// What it is about, as the error documents have it.
    pub(super) fn resource(&self) -> String {
        format!("/{}/{}", self.bucket.as_deref().unwrap_or_default(), self.key)
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(each, _)| each == name).map(|(_, value)| value.as_str())
    }

    /// Carries it out, under the lock of the objects from beginning to end.
    pub(super) fn run(&self, shared: &Shared, switches: &Switches) -> Answer {
        let mut work = Work { call: self, shared, switches, objects: &mut shared.objects() };
        work.run().unwrap_or_else(|refusal| refusal.answer(&self.resource()))
    }
}

/// The bucket and the key of a path.
fn split_path(path: &str) -> Option<(String, String)> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    Some((percent_decode(bucket, false)?, percent_decode(key, false)?))
}

/// A request that is being carried out.
struct Work<'a> {
    call: &'a Call,
    shared: &'a Shared,
    switches: &'a Switches,
    objects: &'a mut Objects,
}

impl Work<'_> {
    fn run(&mut self) -> Result<Answer, Refusal> {
        let call = self.call;
        if call.bucket.as_deref().ok_or(Refusal::INVALID_URI)? != BUCKET {
            return Err(Refusal::NO_SUCH_BUCKET);
        }
        if call.key.is_empty() {
            return match call.method() {
                "GET" if call.parameter("list-type") == Some("2") => {
                    Listing::of(&call.query)?.answer(self.objects, self.switches.page_size)
                }
                "HEAD" => Ok(Answer::new(200)),
                "POST" if call.parameter("delete").is_some() => self.delete_many(),
                _ => Err(Refusal::NOT_IMPLEMENTED),
            };
        }
        // What is not known is not ignored: a request about the tags of an object would replace its content.
        let known = ["uploads", "uploadId", "partNumber", "generation", "versionId", "x-id"];
        if call.query.iter().any(|(name, _)| !known.contains(&name.as_str()) && !name.starts_with("X-Amz-")) {
            return Err(Refusal::NOT_IMPLEMENTED);
        }
        match (call.method(), call.parameter("uploadId")) {
            ("GET" | "HEAD", None) => self.get(),
            ("PUT", None) => self.put(),
            ("DELETE", None) => self.delete(),
            ("POST", None) if call.parameter("uploads").is_some() => Ok(self.begin_upload()),
            ("PUT", Some(id)) => self.put_part(id),
            ("POST", Some(id)) => self.complete_upload(id),
            ("DELETE", Some(id)) => {
                self.objects.abort_upload(&call.key, id)?;
                Ok(Answer::new(204))
            }
            _ => Err(Refusal::NOT_IMPLEMENTED),
        }
    }

    /// The conditions of a write; none when the store does not know of them.
    fn conditions(&self) -> Conditions {
        if self.switches.ignore_conditions { Conditions::default() } else { Conditions::of(&self.call.headers) }
    }

    fn get(&self) -> Result<Answer, Refusal> {
        let call = self.call;
        let object = self.objects.get(&call.key)?;
        if call.parameter("generation").is_some_and(|generation| generation != object.generation.to_string()) {
            return Err(Refusal::NO_SUCH_KEY);
        }
        if call.header("if-match").is_some_and(|tags| !tag_is_among(tags, &object.e_tag)) {
            return Err(Refusal::PRECONDITION);
        }
        if call.header("if-none-match").is_some_and(|tags| tag_is_among(tags, &object.e_tag)) {
            return Ok(described(Answer::new(304), object));
        }
        let size = object.content.len();
        let whole = |status| {
            described(Answer::new(status), object)
                .header(header::LAST_MODIFIED, http_date(object.modified))
                .header(header::ACCEPT_RANGES, "bytes".to_owned())
                .header(header::CONTENT_TYPE, "application/octet-stream".to_owned())
        };
        match range_of(call.header("range"), size) {
            Asked::Whole => Ok(whole(200).body(object.content.clone())),
            Asked::Part(range) => {
                let named = format!("bytes {}-{}/{size}", range.start, range.end - 1);
                Ok(whole(206).header(header::CONTENT_RANGE, named).body(object.content.slice(range)))
            }
            Asked::Outside => {
                let refused = Refusal::INVALID_RANGE.answer(&call.resource());
                Ok(refused.header(header::CONTENT_RANGE, format!("bytes */{size}")))
            }
        }
    }

    fn put(&mut self) -> Result<Answer, Refusal> {
        let call = self.call;
        let now = self.shared.faults.now();
        let source = self.source()?;
        let copied = source.is_some();
        self.conditions().check(self.objects.by_key.get(&call.key))?;
        let object = self.objects.put(&call.key, source.unwrap_or_else(|| call.body.clone()), now);
        if copied { Ok(copy_answer("CopyObjectResult", object)) } else { Ok(described(Answer::new(200), object)) }
    }

    /// The content of the object that is to be copied, where the request is to copy one.
    fn source(&self) -> Result<Option<Bytes>, Refusal> {
        let call = self.call;
        let named = call.header("x-amz-copy-source").or_else(|| call.header("x-goog-copy-source"));
        let Some(named) = named else { return Ok(None) };
        let (bucket, key) = split_path(named).ok_or(Refusal::INVALID_ARGUMENT)?;
        if bucket != BUCKET {
            return Err(Refusal::NO_SUCH_BUCKET);
        }
        let object = self.objects.get(&key)?;
        if call.header("x-amz-copy-source-if-match").is_some_and(|tags| !tag_is_among(tags, &object.e_tag)) {
            return Err(Refusal::PRECONDITION);
        }
        match range_of(call.header("x-amz-copy-source-range"), object.content.len()) {
            Asked::Whole => Ok(Some(object.content.clone())),
            Asked::Part(range) => Ok(Some(object.content.slice(range))),
            Asked::Outside => Err(Refusal::INVALID_RANGE),
        }
    }

    fn delete(&mut self) -> Result<Answer, Refusal> {
        self.conditions().check(self.objects.by_key.get(&self.call.key))?;
        let google = self.call.header("authorization").is_some_and(|value| value.starts_with("Bearer"));
        if !self.objects.remove(&self.call.key) && google {
            return Err(Refusal::NO_SUCH_KEY);
        }
        Ok(Answer::new(204))
    }

    fn delete_many(&mut self) -> Result<Answer, Refusal> {
        let xml = std::str::from_utf8(&self.call.body).map_err(|_| Refusal::MALFORMED_XML)?;
        let keys: Option<Vec<String>> = elements(xml, "Key").into_iter().map(unescape).collect();
        let keys = keys.filter(|keys| (1..=1000).contains(&keys.len())).ok_or(Refusal::MALFORMED_XML)?;
        let quiet = elements(xml, "Quiet").first() == Some(&"true");
        let mut document = String::from("<DeleteResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
        for key in keys {
            self.objects.remove(&key);
            if !quiet {
                let _ = write!(document, "<Deleted><Key>{}</Key></Deleted>", escape(&key));
            }
        }
        document.push_str("</DeleteResult>");
        Ok(Answer::xml(200, &document))
    }

    fn begin_upload(&mut self) -> Answer {
        let key = &self.call.key;
        let id = self.objects.begin_upload(key);
        let document = format!(
            "<InitiateMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>{}</Key><UploadId>{}</UploadId>\
             </InitiateMultipartUploadResult>",
            escape(key),
            escape(&id)
        );
        Answer::xml(200, &document)
    }

    fn put_part(&mut self, id: &str) -> Result<Answer, Refusal> {
        let call = self.call;
        let number = call.parameter("partNumber").and_then(|number| number.parse().ok());
        let number = number.ok_or(Refusal::INVALID_ARGUMENT)?;
        let source = self.source()?;
        let copied = source.is_some();
        let tag = self.objects.put_part(&call.key, id, number, source.unwrap_or_else(|| call.body.clone()))?;
        if copied {
            let (tag, time) = (escape(&tag), xml_date(self.shared.faults.now()));
            let document =
                format!("<CopyPartResult><LastModified>{time}</LastModified><ETag>{tag}</ETag></CopyPartResult>");
            return Ok(Answer::xml(200, &document));
        }
        Ok(Answer::new(200).header(header::ETAG, tag))
    }

    fn complete_upload(&mut self, id: &str) -> Result<Answer, Refusal> {
        let (key, now) = (&self.call.key, self.shared.faults.now());
        let parts = parts_of(&self.call.body)?;
        let conditions = self.conditions();
        let object = self.objects.complete_upload(key, id, &parts, &conditions, now)?;
        let document = format!(
            "<CompleteMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>{}</Key><ETag>{}</ETag>\
             </CompleteMultipartUploadResult>",
            escape(key),
            escape(&object.e_tag)
        );
        Ok(described(Answer::xml(200, &document), object))
    }
}

/// The answer with the e-tag and the generation of the object.
fn described(answer: Answer, object: &Object) -> Answer {
    answer
        .header(header::ETAG, object.e_tag.clone())
        .header(HeaderName::from_static("x-goog-generation"), object.generation.to_string())
}

fn copy_answer(name: &str, object: &Object) -> Answer {
    let (time, tag) = (xml_date(object.modified), escape(&object.e_tag));
    let document = format!("<{name}><LastModified>{time}</LastModified><ETag>{tag}</ETag></{name}>");
    described(Answer::xml(200, &document), object)
}

/// Which bytes of an object are asked for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Whole,
    Part(Range<usize>),
    /// Those behind its end.
    Outside,
}

/// What a range header asks for. One that is not understood, or has several ranges, asks for the whole.
fn range_of(header: Option<&str>, size: usize) -> Asked {
    let Some((first, last)) = header.and_then(|header| header.trim().strip_prefix("bytes=")?.split_once('-')) else {
        return Asked::Whole;
    };
    match (first.parse::<usize>(), last.parse::<usize>()) {
        (Err(_), Ok(length)) if first.is_empty() => match length.min(size) {
            0 => Asked::Outside,
            length => Asked::Part(size - length..size),
        },
        (Ok(first), Err(_)) if last.is_empty() => {
            if first < size {
                Asked::Part(first..size)
            } else {
                Asked::Outside
            }
        }
        (Ok(first), Ok(last)) if first <= last => {
            if first < size {
                Asked::Part(first..size.min(last.saturating_add(1)))
            } else {
                Asked::Outside
            }
        }
        _ => Asked::Whole,
    }
}
