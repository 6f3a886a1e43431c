//! Answers, before they go over the wire.

use axum::body::Bytes;
use axum::http::HeaderName;
use axum::http::header;
use chrono::{DateTime, Utc};

use super::encoding::escape;

/// An answer to a request, with its whole body.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) body: Bytes,
}

impl Answer {
    /// One without a body.
    pub(super) fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    /// One with an XML document, whose content is escaped already.
    pub(super) fn xml(status: u16, document: &str) -> Self {
        let declared = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{document}");
        Self::new(status).header(header::CONTENT_TYPE, "application/xml".to_owned()).body(declared.into())
    }

    /// The same with one more header.
    pub(super) fn header(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same with this body.
    pub(super) fn body(self, body: Bytes) -> Self {
        Self { body, ..self }
    }

    /// Whether what was asked for was done.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// A request that is not carried out, with the status and the code that S3 has for the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    status: u16,
    code: &'static str,
    message: &'static str,
}

impl Refusal {
    pub(super) const ACCESS_DENIED: Self = Self::new(403, "AccessDenied", "Access Denied");
    pub(super) const CONFLICT: Self =
        Self::new(409, "ConditionalRequestConflict", "A conflicting operation occurred during the request.");
    pub(super) const INTERNAL: Self =
        Self::new(500, "InternalError", "We encountered an internal error. Please try again.");
    pub(super) const INVALID_ARGUMENT: Self = Self::new(400, "InvalidArgument", "An argument is not valid.");
    pub(super) const INVALID_PART: Self =
        Self::new(400, "InvalidPart", "One or more of the specified parts could not be found.");
    pub(super) const INVALID_PART_ORDER: Self =
        Self::new(400, "InvalidPartOrder", "The list of parts was not in ascending order.");
    pub(super) const INVALID_RANGE: Self = Self::new(416, "InvalidRange", "The requested range is not satisfiable");
    pub(super) const INVALID_URI: Self = Self::new(400, "InvalidURI", "Couldn't parse the specified URI.");
    pub(super) const MALFORMED_XML: Self = Self::new(400, "MalformedXML", "The XML you provided was not well-formed.");
    pub(super) const NO_SUCH_BUCKET: Self = Self::new(404, "NoSuchBucket", "The specified bucket does not exist");
    pub(super) const NO_SUCH_KEY: Self = Self::new(404, "NoSuchKey", "The specified key does not exist.");
    pub(super) const NO_SUCH_UPLOAD: Self =
        Self::new(404, "NoSuchUpload", "The specified multipart upload does not exist.");
    pub(super) const NOT_IMPLEMENTED: Self = Self::new(501, "NotImplemented", "This server has no such function.");
    pub(super) const PRECONDITION: Self =
        Self::new(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold");
    pub(super) const SLOW_DOWN: Self = Self::new(503, "SlowDown", "Please reduce your request rate.");
    pub(super) const UNKNOWN_ACCESS_KEY: Self =
        Self::new(403, "InvalidAccessKeyId", "The access key you provided does not exist in our records.");

    const fn new(status: u16, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message }
    }

    /// The answer with the error document.
    pub(super) fn answer(self, resource: &str) -> Answer {
        let Self { status, code, message } = self;
        let resource = escape(resource);
        let document =
            format!("<Error><Code>{code}</Code><Message>{message}</Message><Resource>{resource}</Resource></Error>");
        Answer::xml(status, &document)
    }
}

/// A time as headers have it.
pub(super) fn http_date(time: DateTime<Utc>) -> String {
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// A time as the documents have it: of whole seconds, as in the headers.
pub(super) fn xml_date(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}
