//! States of transforms, read without trust in who wrote them.
//!
//! What is wrong is told by its kind, never written out: JSON from elsewhere can be of any length, and nested so deep that writing it takes
//! more stack than there is.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use crate::error::{ColumnsError, ColumnsResult};

/// The version of the form that is written.
const VERSION: u64 = 1;

/// The error of a state that is none.
pub(super) fn wrong(reason: impl std::fmt::Display) -> ColumnsError {
    ColumnsError::option(format!("the state of a transform cannot be read: {reason}"))
}

/// The name of the transform that a state is of.
pub(super) fn name(state: &Json) -> ColumnsResult<&str> {
    let members =
        state.as_object().ok_or_else(|| wrong(format!("a JSON object is expected, and this is {}", kind(state))))?;
    let name = members.get("transform").and_then(Json::as_str);
    // The name may be a book.
    name.filter(|name| name.len() <= 100).ok_or_else(|| wrong("it has no `transform` that names what it is of"))
}

/// A state with its head, and nothing else yet.
pub(super) fn state(name: &str, rest: Json) -> Json {
    let mut members = Map::new();
    members.insert("transform".to_owned(), json!(name));
    members.insert("version".to_owned(), json!(VERSION));
    if let Json::Object(rest) = rest {
        members.extend(rest);
    }
    Json::Object(members)
}

/// The members of an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Members<'j>(&'j Map<String, Json>);

impl<'j> Members<'j> {
    /// Those of a state of a certain transform.
    pub(super) fn of(state: &'j Json, expected: &str) -> ColumnsResult<Self> {
        let found = name(state)?;
        if found != expected {
            return Err(wrong(format!("it is of '{found}', not of '{expected}'; `Transform::from_json` reads any")));
        }
        let members = Self(state.as_object().ok_or_else(|| wrong("a JSON object is expected"))?);
        match members.member("version")?.as_u64() {
            Some(VERSION) => Ok(members),
            Some(other) => Err(wrong(format!("its version is {other}, and this release reads {VERSION}"))),
            None => Err(wrong("its `version` is no whole number")),
        }
    }

    /// The objects that tell what was fitted to each column.
    pub(super) fn columns(self) -> ColumnsResult<Vec<Self>> {
        let entry = |entry: &'j Json| match entry {
            Json::Object(members) => Ok(Self(members)),
            other => Err(wrong(format!("among its `columns` is {}, where an object is expected", kind(other)))),
        };
        self.list("columns")?.iter().map(entry).collect()
    }

    fn member(self, key: &str) -> ColumnsResult<&'j Json> {
        self.0.get(key).ok_or_else(|| wrong(format!("it lacks `{key}`")))
    }

    fn expected<T>(self, key: &str, what: &str, read: impl FnOnce(&'j Json) -> Option<T>) -> ColumnsResult<T> {
        let member = self.member(key)?;
        read(member).ok_or_else(|| wrong(format!("its `{key}` is {}, where {what} is expected", kind(member))))
    }

    pub(super) fn text(self, key: &str) -> ColumnsResult<&'j str> {
        self.expected(key, "text", Json::as_str)
    }

    /// The name of a column.
    pub(super) fn column(self) -> ColumnsResult<Arc<str>> {
        self.text("column").map(Arc::from)
    }

    pub(super) fn flag(self, key: &str) -> ColumnsResult<bool> {
        self.expected(key, "true or false", Json::as_bool)
    }

    /// A number that is neither NaN nor infinite, which JSON cannot write anyway.
    pub(super) fn number(self, key: &str) -> ColumnsResult<f64> {
        self.expected(key, "a finite number", finite)
    }

    /// A number that values can be divided by.
    pub(super) fn divisor(self, key: &str) -> ColumnsResult<f64> {
        self.expected(key, "a number above 0", |member| finite(member).filter(|number| *number > 0.0))
    }

    /// Two numbers.
    pub(super) fn pair(self, key: &str) -> ColumnsResult<(f64, f64)> {
        self.expected(key, "a list of two finite numbers", |member| match member.as_array().map(Vec::as_slice) {
            Some([first, second]) => Some((finite(first)?, finite(second)?)),
            _ => None,
        })
    }

    pub(super) fn list(self, key: &str) -> ColumnsResult<&'j [Json]> {
        self.expected(key, "a list", |member| member.as_array().map(Vec::as_slice))
    }

    pub(super) fn whole(self, key: &str) -> ColumnsResult<i64> {
        self.expected(key, "a whole number of 64 bits", Json::as_i64)
    }

    pub(super) fn count(self, key: &str) -> ColumnsResult<usize> {
        let count = self.expected(key, "a number of things", Json::as_u64)?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// A member that may be left out.
    pub(super) fn optional_text(self, key: &str) -> ColumnsResult<Option<&'j str>> {
        match self.0.get(key) {
            None | Some(Json::Null) => Ok(None),
            Some(_) => self.text(key).map(Some),
        }
    }

    pub(super) fn has(self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// The members of an object within a list.
    pub(super) fn within(value: &'j Json) -> Option<Self> {
        value.as_object().map(Self)
    }
}

/// A number that is finite.
pub(super) fn finite(value: &Json) -> Option<f64> {
    value.as_f64().filter(|number| number.is_finite())
}

/// What a value is, in words.
pub(super) fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "a truth value",
        Json::Number(_) => "a number that does not go here",
        Json::String(_) => "text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}
