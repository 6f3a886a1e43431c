//! Characters in a log, whichever way JSON writes them.

use std::fs;

use datafolio_delta::Pick;

use crate::{all, commit, copied, open_at};

#[test]
fn partitions_have_the_characters_that_are_meant() {
    let dir = copied("partitioned");
    let path = commit(dir.path(), 0);
    let text = fs::read_to_string(&path).unwrap();
    for (written, expected) in [
        (r"\ud840\udc00", "\u{20000}"),
        (r"\uDBFF\uDFFF\ud83d\ude00", "\u{10ffff}\u{1f600}"),
        ("\u{20000}", "\u{20000}"),
        (r"\\ud840\u00e9", "\\ud840é"),
    ] {
        fs::write(&path, text.replace(r#""text":"plain""#, &format!(r#""text":"{written}""#))).unwrap();
        let rows = all(&open_at(dir.path(), Pick::Newest).unwrap()).unwrap();
        assert_eq!(rows.iter().filter(|row| row["text"] == expected).count(), 2, "{written}");
    }
}
