//! Reading what is left of a damaged catalogue: every object in it that is whole, and every revision that it names.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::value::RawValue;

/// How deep an object may lie to be looked at. Entries and snapshots lie two deep; damage above them can make it more.
const MAX_DEPTH: usize = 8;
/// Largest revision that is believed where nothing vouches for it: a damaged digit must not use up the numbers.
const PLAUSIBLE: u64 = 1 << 40;

/// The objects of a catalogue that were found whole in a text.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Remains<'a> {
    /// Entries, in order.
    pub(super) entries: Vec<&'a str>,
    /// Snapshots with their names, in order.
    pub(super) snapshots: Vec<(String, &'a str)>,
    /// The metadata.
    pub(super) metadata: Option<&'a str>,
    /// Whether the list of entries is whole, so that what it does not have was not there.
    pub(super) has_all_entries: bool,
    /// Names of items whose entries begin somewhere, whole or not.
    pub(super) names: BTreeSet<String>,
}

/// What an object must have to be an entry or a snapshot.
#[derive(Deserialize)]
struct Look<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    item_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    item_versions: Option<&'a RawValue>,
}

/// Finds what is whole in a text, in one pass.
///
/// Braces are matched outside of strings. A string cannot go on over the end of a line, so that a lost quotation mark costs
/// one line and not the rest of the text.
pub(super) fn remains(text: &str) -> Remains<'_> {
    let mut found = Remains { has_all_entries: has_all_entries(text), names: names(text), ..Remains::default() };
    let mut opened: Vec<usize> = Vec::new();
    let mut depth = 0usize;
    let (mut in_string, mut escaped) = (false, false);
    let mut starts: Vec<usize> = Vec::new();
    for (at, byte) in text.bytes().enumerate() {
        if in_string {
            match byte {
                b'\n' => in_string = false,
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => (in_string, escaped) = (true, false),
            b'{' => {
                if depth < MAX_DEPTH {
                    opened.push(at);
                }
                depth += 1;
            }
            b'}' if depth > 0 => {
                depth -= 1;
                if depth < MAX_DEPTH
                    && let Some(start) = opened.pop()
                {
                    found.look_at(text, start, at + 1, &mut starts);
                }
            }
            _ => {}
        }
    }
    found
}

impl<'a> Remains<'a> {
    /// Keeps an object if it is something; what was found inside it before is a part of it. `starts` says where the entries
    /// begin that were found so far.
    fn look_at(&mut self, text: &'a str, start: usize, end: usize, starts: &mut Vec<usize>) {
        let object = &text[start..end];
        let Ok(look) = serde_json::from_str::<Look<'_>>(object) else {
            let is_metadata = text[..start].trim_end().ends_with("\"metadata\":");
            if is_metadata && self.metadata.is_none() && serde_json::from_str::<&RawValue>(object).is_ok() {
                self.metadata = Some(object);
            }
            return;
        };
        if look.item_type.is_some() && is_element(text, start) {
            while starts.last().is_some_and(|inner| *inner > start) {
                starts.pop();
                self.entries.pop();
            }
            starts.push(start);
            self.entries.push(object);
        } else if look.item_versions.is_some() {
            self.snapshots.push((look.name.into_owned(), object));
        }
    }
}

/// Whether an object that begins here can be an entry, which is an element of a list. What stands behind a colon is a value
/// within one, unless the bracket of the list is what was lost.
fn is_element(text: &str, start: usize) -> bool {
    let before = text[..start].trim_end();
    !before.ends_with(':') || before.ends_with("\"items\":")
}

/// Whether the list of entries can be read to its end.
fn has_all_entries(text: &str) -> bool {
    // Once is enough; a few in case a value of the user comes first.
    text.match_indices("\"items\":").take(4).any(|(at, mark)| {
        let rest = &text[at + mark.len()..];
        let mut lists = serde_json::Deserializer::from_str(rest).into_iter::<Vec<&RawValue>>();
        matches!(lists.next(), Some(Ok(list)) if list.iter().all(|raw| serde_json::from_str::<Look<'_>>(raw.get()).is_ok()))
    })
}

/// The names of items whose entries begin in the text: a name, and the type right after it.
fn names(text: &str) -> BTreeSet<String> {
    let after = |(at, mark): (usize, &str)| {
        let start = text[..at].trim_end().strip_suffix('{')?.len();
        let rest = text[at + mark.len()..].trim_start();
        let mut texts = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        let name = texts.next()?.ok()?;
        let rest = rest.get(texts.byte_offset()..)?.trim_start().strip_prefix(',')?.trim_start();
        (rest.starts_with("\"item_type\":") && is_element(text, start)).then_some(name)
    };
    text.match_indices("\"name\":").filter_map(after).collect()
}

/// The largest revision that a damaged text names, as its own or in a version id; 0 when it names none.
pub(super) fn newest_revision(text: &str) -> u64 {
    own_revision(text).into_iter().chain(revisions_in(text)).max().unwrap_or(0)
}

/// The revision that a damaged text gives as its own.
pub(super) fn own_revision(text: &str) -> Option<u64> {
    text.match_indices("\"revision\":").find_map(|(at, mark)| number(text[at + mark.len()..].trim_start()))
}

/// The revisions in the version ids of a text, or in the name of a payload file: what follows `--r`.
pub(super) fn revisions_in(text: &str) -> impl Iterator<Item = u64> {
    text.match_indices("--r").filter_map(|(at, mark)| number(&text[at + mark.len()..]))
}

/// A number at the start of a text, unless it goes on like a word: a payload may have a random name such as `r25pa7f7zg`.
fn number(text: &str) -> Option<u64> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let goes_on = text[length..].starts_with(|next: char| next.is_alphanumeric() || next == '_');
    let number = text[..length].parse().ok()?;
    (!goes_on && number <= PLAUSIBLE).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"{
  "schema_version": 2,
  "revision": 7,
  "metadata": {
    "note": {"name": "x"}
  },
  "items": [
    {
      "name": "a",
      "item_type": "json_data",
      "filename": "a--r2.json",
      "extra": {"name": "inner", "item_type": "none"},
      "version_id": "a--r2"
    },
    {
      "name": "b",
      "item_type": "json_data",
      "description": "braces } { and \" quotes",
      "version_id": "b--r6-0a1b2c"
    }
  ],
  "snapshots": {
    "s": {
      "name": "s",
      "item_versions": {
        "a": "a--r2"
      }
    }
  }
}"#;

    fn names_of(remains: &Remains<'_>) -> Vec<String> {
        let name = |text: &&str| serde_json::from_str::<Look<'_>>(text).unwrap().name.into_owned();
        remains.entries.iter().map(name).collect()
    }

    #[test]
    fn everything_is_found_in_a_whole_text() {
        let found = remains(WHOLE);
        assert_eq!(names_of(&found), ["a", "b"]);
        assert_eq!(found.snapshots[0].0, "s");
        assert_eq!(found.metadata, Some("{\n    \"note\": {\"name\": \"x\"}\n  }"));
        assert!(found.has_all_entries);
        assert_eq!(newest_revision(WHOLE), 7);
    }

    #[test]
    fn a_text_cut_anywhere_gives_what_was_whole_before_the_cut() {
        for length in 0..WHOLE.len() {
            let Some(cut) = WHOLE.get(..length) else { continue };
            let found = remains(cut);
            let whole = WHOLE.match_indices("\n    }").filter(|(at, mark)| at + mark.len() <= length).count();
            assert_eq!(found.entries.len() + found.snapshots.len(), whole, "{length}");
            assert_eq!(found.has_all_entries, length > WHOLE.find("],").unwrap(), "{length}");
        }
    }

    #[test]
    fn a_lost_character_costs_the_object_it_was_in_and_no_other() {
        for (at, lost) in WHOLE.char_indices() {
            let mut text = WHOLE.to_owned();
            text.remove(at);
            let found = remains(&text);
            let begin = |name: &str| WHOLE.find(&format!("{{\n      \"name\": {name}")).unwrap();
            let (a, b, end) = (begin("\"a\""), begin("\"b\""), WHOLE.find("],").unwrap());
            if at < a || at >= b {
                assert!(names_of(&found).contains(&"a".to_owned()), "{at} {lost:?}: {found:?}");
            }
            if at < b || at >= end {
                assert!(names_of(&found).contains(&"b".to_owned()), "{at} {lost:?}: {found:?}");
            }
        }
    }

    #[test]
    fn revisions_are_found_where_nothing_can_be_parsed() {
        assert_eq!(newest_revision("\"revision\": 12,\n\"x--r40-2\", \"y--r7.json\" x--r99q"), 40);
        assert_eq!(newest_revision("\"revision\": 9223372036854775807, --r99999999999999999999 --r3"), 3);
        assert_eq!(newest_revision("--r25pa7f7zg.json"), 0);
        assert_eq!(newest_revision(""), 0);
    }

    #[test]
    fn nesting_without_end_costs_nothing() {
        let text = "{\"name\": ".repeat(1 << 20);
        assert_eq!(remains(&text).entries.len(), 0);
        assert_eq!(remains(&"}".repeat(1 << 20)), Remains::default());
    }
}
