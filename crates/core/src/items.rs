//! The current versions of a catalogue, by name and in order, shared between the states of a bundle.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use hashbrown::HashTable;

use crate::entry::Entry;

/// Entries of a chunk. A change copies one chunk of pointers and the list of chunks, each of about as many for 10,000 items.
const CHUNK: usize = 128;

/// Current versions by item name, in the order in which the names came to be.
///
/// A copy shares nearly everything with what it was copied from. A catalogue is copied for every commit, and counting one
/// more reference to each of 10,000 entries would bring all of them into the processor's cache.
#[derive(Debug, Clone, Default)]
pub struct Items {
    /// All of [`CHUNK`] entries but the last one.
    chunks: Vec<Arc<Vec<Arc<Entry>>>>,
    len: usize,
    index: Arc<Index>,
}

/// Where the entry of each name stands.
#[derive(Debug, Clone, Default)]
struct Index {
    places: HashTable<Place>,
    hasher: RandomState,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    /// The hash of the name, so that the table grows and is copied without a look at the entries.
    hash: u64,
    at: usize,
}

/// What two states have at the same place.
pub type Pair<'a> = (Option<&'a Arc<Entry>>, Option<&'a Arc<Entry>>);

impl Items {
    /// Number of items.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The entry of a name.
    pub fn get(&self, name: &str) -> Option<&Arc<Entry>> {
        self.at(self.place_of(name)?)
    }

    /// Whether there is an item of this name.
    pub fn contains_key(&self, name: &str) -> bool {
        self.place_of(name).is_some()
    }

    /// The entry at a place in the order.
    pub fn at(&self, place: usize) -> Option<&Arc<Entry>> {
        self.chunks.get(place / CHUNK)?.get(place % CHUNK)
    }

    /// The place of a name in the order.
    pub fn place_of(&self, name: &str) -> Option<usize> {
        let hash = self.index.hasher.hash_one(name);
        let found = self
            .index
            .places
            .find(hash, |place| place.hash == hash && self.at(place.at).is_some_and(|entry| entry.name() == name));
        found.map(|place| place.at)
    }

    /// All entries in order.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Arc<Entry>> + Clone {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// All names in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        self.values().map(|entry| entry.name())
    }

    /// All names and entries in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &Arc<Entry>)> + Clone {
        self.values().map(|entry| (entry.name(), entry))
    }

    /// What is not the same in both at the same place, of `self` first. Where many are shared, most are passed
    /// over without a look.
    pub fn differing<'a>(&'a self, other: &'a Self) -> Vec<Pair<'a>> {
        let mut differing = Vec::new();
        for number in 0..self.chunks.len().max(other.chunks.len()) {
            let (ours, theirs) = (self.chunks.get(number), other.chunks.get(number));
            if let (Some(ours), Some(theirs)) = (ours, theirs)
                && Arc::ptr_eq(ours, theirs)
            {
                continue;
            }
            for place in 0..CHUNK {
                let pair = (ours.and_then(|chunk| chunk.get(place)), theirs.and_then(|chunk| chunk.get(place)));
                match pair {
                    (None, None) => break,
                    (Some(a), Some(b)) if Arc::ptr_eq(a, b) => {}
                    pair => differing.push(pair),
                }
            }
        }
        differing
    }

    /// Makes an entry the current version of its name: in the place of the one before, which is returned, else at the end.
    pub fn insert(&mut self, entry: Arc<Entry>) -> Option<Arc<Entry>> {
        match self.place_of(entry.name()) {
            Some(place) => self.replace(place, entry),
            None => {
                self.note(&entry, self.len);
                self.push(entry);
                None
            }
        }
    }

    /// The same for a new name, at a place in the order.
    pub fn insert_at(&mut self, place: usize, entry: Arc<Entry>) -> Option<Arc<Entry>> {
        if self.contains_key(entry.name()) || place >= self.len {
            return self.insert(entry);
        }
        let behind = self.split_off(place);
        for known in &mut Arc::make_mut(&mut self.index).places {
            known.at += usize::from(known.at >= place);
        }
        self.note(&entry, place);
        std::iter::once(entry).chain(behind).for_each(|entry| self.push(entry));
        None
    }

    /// Removes an item; the others keep their order.
    pub fn remove(&mut self, name: &str) -> Option<Arc<Entry>> {
        let place = self.place_of(name)?;
        let index = Arc::make_mut(&mut self.index);
        let hash = index.hasher.hash_one(name);
        if let Ok(known) = index.places.find_entry(hash, |known| known.at == place) {
            known.remove();
        }
        for known in &mut index.places {
            known.at -= usize::from(known.at > place);
        }
        let mut behind = self.split_off(place).into_iter();
        let removed = behind.next();
        behind.for_each(|entry| self.push(entry));
        removed
    }

    /// Puts another entry of the same name in a place.
    fn replace(&mut self, place: usize, entry: Arc<Entry>) -> Option<Arc<Entry>> {
        let chunk = self.chunks.get_mut(place / CHUNK)?;
        Arc::make_mut(chunk).get_mut(place % CHUNK).map(|old| std::mem::replace(old, entry))
    }

    fn note(&mut self, entry: &Entry, at: usize) {
        let index = Arc::make_mut(&mut self.index);
        let hash = index.hasher.hash_one(entry.name());
        index.places.insert_unique(hash, Place { hash, at }, |place| place.hash);
    }

    fn push(&mut self, entry: Arc<Entry>) {
        if self.len.is_multiple_of(CHUNK) {
            self.chunks.push(Arc::new(Vec::with_capacity(CHUNK)));
        }
        if let Some(last) = self.chunks.last_mut() {
            Arc::make_mut(last).push(entry);
            self.len += 1;
        }
    }

    /// Takes the entries from a place on out of the chunks.
    fn split_off(&mut self, place: usize) -> Vec<Arc<Entry>> {
        let behind = self.values().skip(place).cloned().collect();
        self.chunks.truncate(place.div_ceil(CHUNK));
        if !place.is_multiple_of(CHUNK)
            && let Some(last) = self.chunks.last_mut()
        {
            Arc::make_mut(last).truncate(place % CHUNK);
        }
        self.len = place;
        behind
    }
}

impl FromIterator<Arc<Entry>> for Items {
    fn from_iter<I: IntoIterator<Item = Arc<Entry>>>(entries: I) -> Self {
        let mut items = Self::default();
        entries.into_iter().for_each(|entry| drop(items.insert(entry)));
        items
    }
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;
    use proptest::prelude::*;

    use super::*;

    fn entry(name: &str, version: usize) -> Arc<Entry> {
        Arc::new(Entry::parse(&format!("{{\"name\": {name:?}, \"version_id\": \"{version}\"}}")).unwrap())
    }

    /// What is done, on names of which there are a few chunks.
    #[derive(Debug, Clone)]
    enum Step {
        Insert(u16),
        InsertAt(u16, u16),
        Remove(u16),
        Copy,
    }

    fn step() -> impl Strategy<Value = Step> {
        let name = 0..400u16;
        prop_oneof![
            6 => name.clone().prop_map(Step::Insert),
            2 => (name.clone(), 0..500u16).prop_map(|(name, place)| Step::InsertAt(name, place)),
            2 => name.prop_map(Step::Remove),
            1 => Just(Step::Copy),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// The same steps on an `IndexMap` give the same, and no copy changes with what it was copied from.
        #[test]
        fn it_is_a_map_with_an_order(steps in prop::collection::vec(step(), 0..600), filled in 0..400u16) {
            let mut items: Items = (0..filled).map(|n| entry(&n.to_string(), 0)).collect();
            let mut model: IndexMap<String, Arc<Entry>> =
                items.iter().map(|(name, entry)| (name.to_owned(), Arc::clone(entry))).collect();
            let mut copies = Vec::new();
            for (version, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Insert(name) => {
                        let new = entry(&name.to_string(), version);
                        let (a, b) = (items.insert(Arc::clone(&new)), model.insert(name.to_string(), new));
                        prop_assert!(a.is_some() == b.is_some() && a.zip(b).is_none_or(|(a, b)| Arc::ptr_eq(&a, &b)));
                    }
                    Step::InsertAt(name, place) if !model.contains_key(&name.to_string()) => {
                        let new = entry(&name.to_string(), version);
                        let place = usize::from(place).min(model.len());
                        items.insert_at(place, Arc::clone(&new));
                        model.shift_insert(place, name.to_string(), new);
                    }
                    Step::InsertAt(..) => {}
                    Step::Remove(name) => {
                        let (a, b) = (items.remove(&name.to_string()), model.shift_remove(&name.to_string()));
                        prop_assert!(a.is_some() == b.is_some() && a.zip(b).is_none_or(|(a, b)| Arc::ptr_eq(&a, &b)));
                    }
                    Step::Copy => copies.push((items.clone(), model.clone())),
                }
            }
            copies.push((items.clone(), model));
            for (items, model) in &copies {
                prop_assert_eq!(items.len(), model.len());
                prop_assert!(items.iter().map(|(n, e)| (n.to_owned(), Arc::as_ptr(e))).eq(model.iter().map(|(n, e)| (n.clone(), Arc::as_ptr(e)))));
                for (place, (name, entry)) in model.iter().enumerate() {
                    prop_assert_eq!(items.place_of(name), Some(place));
                    prop_assert!(items.get(name).is_some_and(|found| Arc::ptr_eq(found, entry)));
                }
                prop_assert!(items.get("absent").is_none());
            }
            for ((a, of_a), (b, of_b)) in copies.iter().zip(copies.iter().skip(1)) {
                let pointers = |(a, b): (Option<&Arc<Entry>>, Option<&Arc<Entry>>)| (a.map(Arc::as_ptr), b.map(Arc::as_ptr));
                let at = |model: &'_ IndexMap<String, Arc<Entry>>, place| model.get_index(place).map(|(_, entry)| entry.clone());
                let pairs = (0..of_a.len().max(of_b.len())).map(|place| (at(of_a, place), at(of_b, place)));
                let expected: Vec<_> =
                    pairs.map(|(a, b)| pointers((a.as_ref(), b.as_ref()))).filter(|(a, b)| a != b).collect();
                prop_assert_eq!(a.differing(b).into_iter().map(pointers).collect::<Vec<_>>(), expected);
            }
        }
    }
}
