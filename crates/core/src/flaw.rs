//! Fields of an entry that hold what they cannot mean, as damage or another program may leave them.

use serde_json::Value;

use crate::path::shorten;
use crate::record::ItemRecord;

/// Fields that count rows, columns or bytes.
const COUNTS: [&str; 4] = ["num_rows", "num_cols", "size_bytes", "file_size"];
/// Fields that are texts, without which less is checked or known of the payload.
const TEXTS: [&str; 5] = ["checksum", "sha256", "table_format", "dtype", "created_at"];
/// Fields that list the names of other items.
const NAMES: [&str; 2] = ["inputs", "models"];
/// No file, table or array of any format has more of anything.
const MOST: u64 = i64::MAX as u64;

/// A field of an entry that holds what it cannot mean. It is kept as it is, and counts as absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The field.
    pub field: &'static str,
    /// A stable kebab-case code: `impossible-number`, `malformed-inputs` or `malformed-field`.
    pub code: &'static str,
    /// What it holds, and what that is not.
    pub reason: String,
}

impl ItemRecord {
    /// One field, when it is a number that can count rows, columns or bytes: whole, not negative, and no more than any file
    /// or table has.
    pub fn count(&self, field: &str) -> Option<u64> {
        as_count(self.get(field)?)
    }

    /// The lengths of an array, when `shape` can be such.
    pub fn shape(&self) -> Option<Vec<u64>> {
        as_shape(self.get("shape")?)
    }

    /// Whether a field counts something and holds what is no count.
    pub fn is_miscounted(&self, field: &str) -> bool {
        COUNTS.contains(&field) && self.get(field).is_some_and(|value| !value.is_null()) && self.count(field).is_none()
    }

    /// The fields that hold what they cannot mean.
    pub fn flaws(&self) -> Vec<Flaw> {
        let counts = COUNTS.into_iter().filter(|field| self.is_miscounted(field)).map(|field| Flaw {
            field,
            code: "impossible-number",
            reason: format!("is {}, which is no number of {}", self.shown(field), what_is_counted(field)),
        });
        let is_flawed = |shape: &&Value| !shape.is_null() && as_shape(shape).is_none();
        let shape = self.get("shape").filter(is_flawed).map(|_| Flaw {
            field: "shape",
            code: "impossible-number",
            reason: format!("is {}, which is no list of lengths", self.shown("shape")),
        });
        let is_no_text = |field: &&str| self.get(field).is_some_and(|text| !text.is_null() && !text.is_string());
        let texts = TEXTS.into_iter().filter(is_no_text).map(|field| Flaw {
            field,
            code: "malformed-field",
            reason: format!("is {}, which is no text", self.shown(field)),
        });
        let names = NAMES.into_iter().filter(|field| self.get(field).is_some_and(|names| !is_names(names)));
        let names = names.map(|field| Flaw {
            field,
            code: "malformed-inputs",
            reason: format!("is {}, which is no list of names", self.shown(field)),
        });
        counts.chain(shape).chain(texts).chain(names).collect()
    }

    /// What a field holds, cut where it is long.
    fn shown(&self, field: &str) -> String {
        self.get(field).map(|value| shorten(&value.to_string())).unwrap_or_default()
    }
}

fn what_is_counted(field: &str) -> &'static str {
    match field {
        "num_rows" => "rows",
        "num_cols" => "columns",
        _ => "bytes",
    }
}

fn as_count(value: &Value) -> Option<u64> {
    value.as_u64().filter(|number| *number <= MOST)
}

fn as_shape(value: &Value) -> Option<Vec<u64>> {
    value.as_array()?.iter().map(as_count).collect()
}

/// Whether a value is a list of texts; null counts as an empty one, as in Python DataFolio.
fn is_names(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(names) => names.iter().all(Value::is_string),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(fields: Value) -> ItemRecord {
        match fields {
            Value::Object(fields) => ItemRecord::new(fields),
            _ => ItemRecord::default(),
        }
    }

    #[test]
    fn what_a_field_can_mean_is_no_flaw() {
        let sound = record(serde_json::json!({
            "num_rows": 0, "num_cols": null, "size_bytes": i64::MAX, "shape": [], "inputs": ["a"], "models": null,
        }));
        assert_eq!(sound.flaws(), []);
        assert_eq!((sound.count("num_rows"), sound.count("num_cols")), (Some(0), None));
    }

    #[test]
    fn what_it_cannot_mean_is_told_with_its_reason() {
        for (field, value, reason) in [
            ("num_rows", serde_json::json!(-1), "is -1, which is no number of rows"),
            ("num_cols", serde_json::json!(2.5), "is 2.5, which is no number of columns"),
            ("size_bytes", serde_json::json!(u64::MAX), "is 18446744073709551615, which is no number of bytes"),
            ("file_size", serde_json::json!("7"), "is \"7\", which is no number of bytes"),
            ("shape", serde_json::json!([2, -3]), "is [2,-3], which is no list of lengths"),
            ("sha256", serde_json::json!(7), "is 7, which is no text"),
            ("inputs", serde_json::json!("raw"), "is \"raw\", which is no list of names"),
            ("models", serde_json::json!(["a", 1]), "is [\"a\",1], which is no list of names"),
        ] {
            let flaws = record(serde_json::json!({field: value})).flaws();
            assert_eq!(flaws.iter().map(|flaw| (flaw.field, &*flaw.reason)).collect::<Vec<_>>(), [(field, reason)]);
        }
    }
}
