//! What the rows of a version are known by, whatever files they lie in.

use serde_json::{Value, json};

use crate::json::{quote, sha256};
use crate::parts::PARTS;
use crate::record::ItemRecord;

/// The field of an entry that says what the rows were known by before parts of them were merged (`sha256`), and of which files that is
/// so (`of`): whatever changes the files makes it void, by whatever program.
const SAME_ROWS: &str = "same_rows";

impl ItemRecord {
    /// What the rows of a version are known by: versions with the same hash have the same rows in the same order. It is that of their
    /// files, or of those that they were merged from. `None` where the files have no hash.
    pub fn rows_hash(&self) -> Option<String> {
        let of_files = self.files_hash()?;
        let merged_from = self.get(SAME_ROWS).and_then(|same| {
            let text = |field| same.get(field).and_then(Value::as_str);
            text("sha256").filter(|_| text("of") == Some(&of_files))
        });
        Some(merged_from.map_or(of_files, str::to_owned))
    }

    /// The hash of the file that holds the rows. That of a table of several parts only stands for them: there it is a hash of theirs, and
    /// of the names of the columns, since parts may lack some.
    fn files_hash(&self) -> Option<String> {
        if self.get(PARTS).is_none() {
            return self.str("sha256").map(str::to_owned);
        }
        let parts = self.parts().ok()??;
        let mut lines = parts.into_iter().map(|part| part.sha256).collect::<Option<Vec<String>>>()?;
        lines.extend(self.strings("columns").into_iter().map(quote));
        Some(sha256(&lines.join("\n")))
    }

    /// Notes that the files hold the rows of another record.
    pub(crate) fn set_rows_of(&mut self, before: &Self) {
        let same = before.rows_hash().zip(self.files_hash()).filter(|(before, now)| before != now);
        self.set(SAME_ROWS, same.map(|(before, now)| json!({ "sha256": before, "of": now })));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(parts: &[&str]) -> ItemRecord {
        let parts: Vec<Value> = parts
            .iter()
            .map(|name| json!({"filename": name, "sha256": name.repeat(64), "size_bytes": 1, "num_rows": 1, "num_cols": 1}))
            .collect();
        let entry = json!({"name": "t", "columns": ["x"], "parts": parts});
        ItemRecord::new(entry.as_object().unwrap().clone())
    }

    #[test]
    fn merged_files_are_known_by_what_they_were_merged_from_until_they_change() {
        let before = table(&["a", "b", "c"]);
        let mut merged = table(&["d", "c"]);
        assert_ne!(merged.rows_hash(), before.rows_hash());
        merged.set_rows_of(&before);
        assert_eq!(merged.rows_hash(), before.rows_hash());
        // Again, and by way of the first.
        let mut whole = table(&["e"]);
        whole.set_rows_of(&merged);
        assert_eq!(whole.rows_hash(), before.rows_hash());
        // A program that adds a part, or another column, and knows nothing of the field.
        for change in [("parts", table(&["d", "c", "f"]).get("parts").cloned()), ("columns", Some(json!(["x", "y"])))] {
            let mut changed = merged.clone();
            changed.set(change.0, change.1);
            assert_ne!(changed.rows_hash(), before.rows_hash());
            assert_ne!(changed.rows_hash(), merged.rows_hash());
        }
        let mut unknown = table(&["d"]);
        unknown.set_rows_of(&ItemRecord::default());
        assert_eq!(unknown.rows_hash(), table(&["d"]).rows_hash());
    }
}
