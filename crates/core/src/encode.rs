//! Writing a catalogue as the text of `items.json`.

use std::collections::HashMap;
use std::iter::Peekable;
use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::catalogue::Catalogue;
use crate::entry::Entry;
use crate::fingerprint::{EMPTY_SEAL, fingerprint, seal, seal_of};
use crate::json::quote;
use crate::patch::{Splice, splices};

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

/// Where the text of an entry or a snapshot that two catalogues can share stands.
///
/// It is known by its address: the catalogue beside it keeps it alive. Counting references to 10,000 of them instead, or
/// only looking at each, would bring every one of them into the processor's cache at every commit.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) address: usize,
    pub(crate) range: Range<usize>,
    /// Tells what is of another payload file without a look at the entry; 0 where there is none.
    pub(crate) file_key: u64,
}

impl Span {
    pub(crate) fn of_entry(entry: &Arc<Entry>, range: Range<usize>) -> Self {
        Self { address: address(entry), range, file_key: entry.file_key() }
    }
}

fn address<T>(shared: &Arc<T>) -> usize {
    Arc::as_ptr(shared).addr()
}

impl Published {
    /// The fingerprint of the text. A sealed text was checked when it was read or has just been written: its seal is it.
    pub fn fingerprint(&self) -> String {
        match seal_of(&self.text) {
            Some(seal) if self.catalogue.commit.is_some() => seal.to_owned(),
            _ => fingerprint(&self.text),
        }
    }

    /// Whether an entry may name the same payload file as this one; most that do not are told by their keys.
    pub(crate) fn may_name_file_of(&self, entry: &Entry) -> bool {
        let key = entry.file_key();
        // Of a catalogue that was read around, not all entries stand in the text as they are.
        let is_complete = self.spans.len() >= self.catalogue.current.len() + self.catalogue.retired.len();
        !is_complete || self.spans.iter().any(|span| span.file_key == key)
    }
}

/// Writes a catalogue in the layout of 2.x and seals it. Entries are copied as the text they were read from.
///
/// A catalogue without a commit stamp is written without a seal, as Python DataFolio writes one.
pub fn encode(catalogue: Catalogue) -> Published {
    encode_from(None, catalogue, String::new()).0
}

/// Like [`encode`], for a catalogue that follows another one, with the difference between both texts. What they share is
/// copied from the earlier one in long runs; `room` is a text whose memory is used again, because getting fresh memory from
/// the system takes longer than filling it.
pub fn encode_after(before: &Published, catalogue: Catalogue, room: String) -> (Published, Vec<Splice>) {
    let (published, shared) = encode_from(Some(before), catalogue, room);
    let splices = splices(&before.text, &published.text, shared);
    (published, splices)
}

/// A stretch of text that two texts share: where it stands in the earlier one, and in the later one.
pub(crate) type Shared = (Range<usize>, Range<usize>);

fn encode_from(before: Option<&Published>, catalogue: Catalogue, mut room: String) -> (Published, Vec<Shared>) {
    room.clear();
    // A little more than before is nearly always enough, and otherwise the text grows as texts do.
    room.reserve(before.map_or(0, |before| before.text.len()) + 4096);
    let spans = Vec::with_capacity(catalogue.current.len() + catalogue.retired.len() + catalogue.snapshots.len());
    let mut out = Writer { text: room, spans, shared: Vec::new(), before: before.map(Earlier::new) };
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
    out.map(&catalogue.metadata, |out, text| out.text.push_str(text));
    out.text.push_str(",\n  \"items\": ");
    out.list(catalogue.entries());
    out.text.push_str(",\n  \"snapshots\": ");
    out.map(&catalogue.snapshots, |out, snapshot| out.span(snapshot, snapshot.text()));
    for (key, text) in &catalogue.extra {
        out.text.push_str(&format!(",\n  {}: {text}", quote(key)));
    }
    out.text.push_str("\n}");
    if catalogue.commit.is_some() {
        seal(&mut out.text);
    }
    let Writer { text, spans, shared, .. } = out;
    (Published { catalogue: Arc::new(catalogue), text: Arc::new(text), spans }, shared)
}

/// What stands between two entries.
const BETWEEN: &str = ",\n    ";

struct Writer<'a> {
    text: String,
    spans: Vec<Span>,
    /// What was copied from the earlier text.
    shared: Vec<Shared>,
    before: Option<Earlier<'a>>,
}

/// The text of an earlier catalogue, and how far it has been followed.
struct Earlier<'a> {
    text: &'a str,
    spans: &'a [Span],
    next: usize,
    /// How many entries in a row were not found.
    missed: usize,
    /// Where everything stands, for when looking a little further does not do.
    places: Option<HashMap<usize, usize>>,
}

impl<'a> Earlier<'a> {
    fn new(before: &'a Published) -> Self {
        Self { text: &before.text, spans: &before.spans, next: 0, missed: 0, places: None }
    }

    /// Looks further on for what has this address, and goes there.
    fn find(&mut self, address: usize) -> Option<&'a Span> {
        // Of a few entries that were changed, added or removed, the next one stands not far behind.
        const NEAR: usize = 16;
        /// So many in a row are many changes, for which knowing all places is worth its time.
        const MANY: usize = 4;
        let ahead = self.spans[self.next..].iter().take(NEAR);
        let near = ahead.map(|span| span.address).position(|other| other == address).map(|found| self.next + found);
        let found = near.or_else(|| {
            if self.missed < MANY {
                return None;
            }
            let places = || self.spans.iter().enumerate().map(|(place, span)| (span.address, place)).collect();
            self.places.get_or_insert_with(places).get(&address).copied().filter(|place| *place >= self.next)
        });
        match found {
            Some(place) => (self.next, self.missed) = (place + 1, 0),
            None => self.missed += 1,
        }
        found.map(|place| &self.spans[place])
    }

    /// Takes the entries that stand in the earlier text one after the other, laid out as they are here, and says where.
    fn run<'e>(&mut self, entries: &mut Peekable<impl Iterator<Item = &'e Arc<Entry>>>) -> &'a [Span] {
        if entries.peek().is_none_or(|entry| self.find(address(entry)).is_none()) {
            return &[];
        }
        entries.next();
        let start = self.next - 1;
        while let Some(span) = self.spans.get(self.next)
            && self.text[self.spans[self.next - 1].range.end..span.range.start] == *BETWEEN
            && entries.next_if(|entry| address(entry) == span.address).is_some()
        {
            self.next += 1;
        }
        &self.spans[start..self.next]
    }
}

impl Writer<'_> {
    fn list<'e>(&mut self, entries: impl Iterator<Item = &'e Arc<Entry>>) {
        self.text.push('[');
        let mut entries = entries.peekable();
        let end = if entries.peek().is_some() { "\n  ]" } else { "]" };
        let mut between = &BETWEEN[1..];
        while entries.peek().is_some() {
            self.text.push_str(between);
            between = BETWEEN;
            let (text, run) = match &mut self.before {
                Some(before) => (before.text, before.run(&mut entries)),
                None => ("", &[][..]),
            };
            match (run.first(), run.last()) {
                (Some(first), Some(last)) => self.copy(text, first.range.start..last.range.end, run),
                _ => entries.next().into_iter().for_each(|entry| self.put(entry, entry.text(), entry.file_key())),
            }
        }
        self.text.push_str(end);
    }

    fn map<T>(&mut self, fields: &IndexMap<String, T>, value: impl Fn(&mut Self, &T)) {
        self.text.push('{');
        for (index, (key, field)) in fields.iter().enumerate() {
            self.text.push_str(if index == 0 { &BETWEEN[1..] } else { BETWEEN });
            self.text.push_str(&quote(key));
            self.text.push_str(": ");
            value(self, field);
        }
        self.text.push_str(if fields.is_empty() { "}" } else { "\n  }" });
    }

    fn span<T>(&mut self, shared: &Arc<T>, text: &str) {
        let earlier = self.before.as_mut().and_then(|before| before.find(address(shared)));
        self.put(shared, text, 0);
        if let (Some(earlier), Some(here)) = (earlier, self.spans.last()) {
            self.shared.push((earlier.range.clone(), here.range.clone()));
        }
    }

    fn put<T>(&mut self, shared: &Arc<T>, text: &str, file_key: u64) {
        let start = self.text.len();
        self.text.push_str(text);
        self.spans.push(Span { address: address(shared), range: start..self.text.len(), file_key });
    }

    /// Copies a stretch of the earlier text, in which these spans stand.
    fn copy(&mut self, text: &str, stretch: Range<usize>, spans: &[Span]) {
        let (from, to) = (stretch.start, self.text.len());
        self.text.push_str(&text[stretch.clone()]);
        self.shared.push((stretch, to..self.text.len()));
        self.spans.extend(spans.iter().map(|span| Span {
            address: span.address,
            range: span.range.start - from + to..span.range.end - from + to,
            file_key: span.file_key,
        }));
    }
}
