//! Writing a catalogue as the text of `items.json`.

use std::ops::Range;
use std::sync::Arc;

use crate::catalogue::Catalogue;
use crate::json::{EMPTY_SEAL, RawJson, fingerprint, quote, seal, seal_of};

/// A catalogue together with the text that it was read from or written as.
#[derive(Debug, Clone)]
pub struct Published {
    /// The state.
    pub catalogue: Arc<Catalogue>,
    /// The text of `items.json`.
    pub text: Arc<String>,
    /// Where the entries stand in the text, in order. Differences between two texts are found between them.
    pub(crate) spans: Vec<Span>,
}

/// Where a text that two catalogues can share stands.
///
/// The text is known by its address: the catalogue beside it keeps it alive. Counting references to 10,000 texts instead
/// would touch every one of them at every commit.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) address: usize,
    pub(crate) range: Range<usize>,
}

impl Span {
    pub(crate) fn of(text: &RawJson, range: Range<usize>) -> Self {
        Self { address: text.as_ptr() as usize, range }
    }
}

impl Published {
    /// The fingerprint of the text. A sealed text was checked when it was read or has just been written: its seal is it.
    pub fn fingerprint(&self) -> String {
        match seal_of(&self.text) {
            Some(seal) if self.catalogue.commit.is_some() => seal.to_owned(),
            _ => fingerprint(&self.text),
        }
    }
}

/// Writes a catalogue in the layout of 2.x and seals it. Entries are copied as the text they were read from.
///
/// A catalogue without a commit stamp is written without a seal, as Python DataFolio writes one.
pub fn encode(catalogue: Catalogue) -> Published {
    encode_into(catalogue, String::new())
}

/// Like [`encode`], into a text whose memory is used again: for a large catalogue, getting fresh memory from the system takes
/// longer than filling it.
pub fn encode_into(catalogue: Catalogue, mut room: String) -> Published {
    room.clear();
    room.reserve(estimate(&catalogue));
    let mut out = Writer { text: room, spans: Vec::with_capacity(catalogue.current.len() + catalogue.retired.len()) };
    out.text.push_str("{\n  \"schema_version\": 2,\n  \"revision\": ");
    out.text.push_str(&catalogue.revision.to_string());
    if let Some(stamp) = &catalogue.commit {
        let parent = stamp.parent.as_deref().map_or_else(|| "null".to_owned(), quote);
        out.text.push_str(&format!(
            ",\n  \"commit\": {{\n    \"id\": {},\n    \"parent\": {parent},\n    \"seal\": \"{EMPTY_SEAL}\"\n  }}",
            quote(&stamp.id)
        ));
    }
    out.text.push_str(",\n  \"metadata\": ");
    out.map(catalogue.metadata.iter().map(|(key, text)| (key.as_str(), text)), false);
    out.text.push_str(",\n  \"items\": ");
    out.list(catalogue.entries().map(|entry| entry.text()));
    out.text.push_str(",\n  \"snapshots\": ");
    out.map(catalogue.snapshots.iter().map(|(name, snapshot)| (name.as_str(), snapshot.text())), true);
    for (key, text) in &catalogue.extra {
        out.text.push_str(&format!(",\n  {}: {text}", quote(key)));
    }
    out.text.push_str("\n}");
    if catalogue.commit.is_some() {
        seal(&mut out.text);
    }
    Published { catalogue: Arc::new(catalogue), text: Arc::new(out.text), spans: out.spans }
}

fn estimate(catalogue: &Catalogue) -> usize {
    let entries: usize = catalogue.entries().map(|entry| entry.text().len() + 8).sum();
    let snapshots: usize = catalogue.snapshots.values().map(|snapshot| snapshot.text().len() + 64).sum();
    let metadata: usize = catalogue.metadata.iter().map(|(key, text)| key.len() + text.len() + 16).sum();
    entries + snapshots + metadata + 1024
}

struct Writer {
    text: String,
    spans: Vec<Span>,
}

impl Writer {
    fn list<'a>(&mut self, entries: impl Iterator<Item = &'a RawJson>) {
        self.text.push('[');
        let mut empty = true;
        for entry in entries {
            self.text.push_str(if empty { "\n    " } else { ",\n    " });
            empty = false;
            self.span(entry);
        }
        self.text.push_str(if empty { "]" } else { "\n  ]" });
    }

    fn map<'a>(&mut self, fields: impl Iterator<Item = (&'a str, &'a RawJson)>, spans: bool) {
        self.text.push('{');
        let mut empty = true;
        for (key, text) in fields {
            self.text.push_str(if empty { "\n    " } else { ",\n    " });
            empty = false;
            self.text.push_str(&quote(key));
            self.text.push_str(": ");
            if spans { self.span(text) } else { self.text.push_str(text) }
        }
        self.text.push_str(if empty { "}" } else { "\n  }" });
    }

    fn span(&mut self, text: &RawJson) {
        let start = self.text.len();
        self.text.push_str(text);
        self.spans.push(Span::of(text, start..self.text.len()));
    }
}
