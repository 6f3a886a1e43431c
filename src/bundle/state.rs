//! What a handle sees: the catalogue of one revision, and where it came from.

use std::sync::Arc;

use datafolio_core::history::{CommitKind, CommitRef};
use datafolio_core::{
    Catalogue, CatalogueFiles, CoreError, Entry, Layout, Published, RelPath, SealCheck, parse_catalogue,
};
use datafolio_storage::{ContentCache, Reread, Storage, VersionTag};
use indexmap::IndexMap;

use crate::error::{Error, Result};
use crate::history::{chain, rebuild};
use crate::text::shorten_value;

/// Largest catalogue that is read: a bound against hostile files, far above what a bundle of a million items has.
pub(crate) const MAX_CATALOGUE: u64 = 4 << 30;

/// One state of the bundle as a handle sees it. It never changes; a handle swaps it for another.
#[derive(Debug, Clone)]
pub(crate) struct State {
    /// The catalogue and its text.
    pub(crate) published: Published,
    /// What the storage calls this state of `items.json`; `None` for states that are not the head.
    pub(crate) tag: Option<VersionTag>,
    /// How many commits ago a full copy of the catalogue was kept, where that is known.
    pub(crate) since_checkpoint: Option<u32>,
    /// What the storage calls the note of the commit that made it, where this handle has written that.
    pub(crate) noted: Option<VersionTag>,
    /// Items whose version is lost, in a state that was made from a snapshot.
    pub(crate) lost: IndexMap<String, CoreError>,
}

/// A file of the bundle's own, by its name.
pub(crate) fn file(name: &str) -> Result<RelPath> {
    Ok(RelPath::parse(name)?)
}

impl State {
    pub(crate) fn new(published: Published, tag: Option<VersionTag>) -> Self {
        Self { published, tag, since_checkpoint: None, noted: None, lost: IndexMap::new() }
    }

    /// A state that is no head: an old revision or a snapshot.
    pub(crate) fn detached(catalogue: Catalogue, lost: IndexMap<String, CoreError>) -> Self {
        Self { published: datafolio_core::encode(catalogue), tag: None, since_checkpoint: None, noted: None, lost }
    }

    /// Notes that 1.x has overwritten a later catalogue of 2.x.
    fn mark(&mut self, is_overwritten: bool) {
        if is_overwritten {
            Arc::make_mut(&mut self.published.catalogue).overwritten_by_1x = true;
        }
    }

    pub(crate) fn catalogue(&self) -> &Arc<Catalogue> {
        &self.published.catalogue
    }

    /// The current version of an item, or why there is none.
    pub(crate) fn item(&self, name: &str) -> Result<&Arc<Entry>> {
        match self.lost.get(name) {
            Some(error) if !self.catalogue().current.contains_key(name) => Err(error.clone().into()),
            _ => Ok(self.catalogue().item(name)?),
        }
    }

    /// The commit that made this state, when it was ours.
    pub(crate) fn commit_ref(&self) -> Option<CommitRef> {
        let catalogue = self.catalogue();
        catalogue.commit.as_ref().map(|stamp| CommitRef { revision: catalogue.revision, id: stamp.id.clone() })
    }
}

/// Whether a place holds a bundle.
pub(crate) fn is_bundle(storage: &dyn Storage) -> Result<bool> {
    Ok(storage.stat(&file("items.json")?)?.is_some() || storage.stat(&file("metadata.json")?)?.is_some())
}

/// Reads the head of a bundle.
///
/// 2.x has everything in `items.json`; the files beside it count only for the older layout, which the parser tells. They
/// belong to the `items.json` that was read if it is still the same one afterwards: otherwise someone has changed the
/// layout in between, and taken them away.
pub(crate) fn load(storage: &dyn Storage, seal: SealCheck) -> Result<State> {
    load_from(storage, seal, None)
}

/// The same for a handle that is opened. A catalogue of a store that this machine has seen before is not fetched again: the
/// request asks for it only if it is another one by now.
pub(crate) fn load_remembered(storage: &dyn Storage, catalogues: &ContentCache) -> Result<State> {
    if !storage.is_remote() {
        return load(storage, SealCheck::Required);
    }
    let key = format!("catalogue of {}", storage.location());
    let remembered = catalogues.get(&key).and_then(|bytes| {
        let text = String::from_utf8(bytes).ok()?;
        let (tag, text) = text.split_once('\n')?;
        Some((VersionTag::from_token(tag), Arc::new(text.to_owned())))
    });
    let mut read = None;
    if let Some((tag, text)) = remembered {
        read = match storage.read_if_changed(&file("items.json")?, MAX_CATALOGUE, &tag)? {
            Reread::Unchanged => Some((text, tag)),
            Reread::Changed(bytes, tag) => Some((text_of("items.json", bytes)?, tag)),
            Reread::Gone => None,
        };
    }
    let state = load_from(storage, SealCheck::Required, read)?;
    // What no commit of ours has sealed could not be told from a damaged copy.
    if let Some(tag) = state.tag.as_ref().filter(|_| state.catalogue().commit.is_some()) {
        catalogues.put(&key, format!("{}\n{}", tag.token(), state.published.text).as_bytes());
    }
    Ok(state)
}

/// The same, where `items.json` may have been read already.
fn load_from(storage: &dyn Storage, seal: SealCheck, mut read: Option<(Arc<String>, VersionTag)>) -> Result<State> {
    const TRIES: usize = 10;
    let mut last = None;
    for _ in 0..TRIES {
        let items = match read.take() {
            Some(read) => Some(read),
            None => read_file(storage, "items.json")?,
        };
        if let Some((text, tag)) = &items {
            let files = CatalogueFiles { items: Arc::clone(text), ..CatalogueFiles::default() };
            let published = parse_catalogue(&files, seal)?;
            if published.catalogue.layout == Layout::V2 {
                let mut state = State::new(published, Some(tag.clone()));
                if let Some(is_overwritten) = is_overwritten(storage, &state)? {
                    state.mark(is_overwritten);
                    return Ok(state);
                }
                last = Some(Ok(state));
                continue;
            }
        }
        let metadata = read_file(storage, "metadata.json")?;
        let snapshots = read_file(storage, "snapshots.json")?;
        if items.is_none() && metadata.is_none() {
            return Err(Error::NotABundle { location: storage.location() });
        }
        let (text, tag) = match items {
            Some((text, tag)) => (text, Some(tag)),
            // A bundle of 1.x whose only file so far is metadata.json.
            None => (Arc::new("{\"items\": []}".to_owned()), None),
        };
        let files = CatalogueFiles {
            items: text,
            metadata: metadata.map(|(text, _)| text.to_string()),
            snapshots: snapshots.map(|(text, _)| text.to_string()),
        };
        let is_same = is_head(storage, tag.as_ref())?;
        let state = parse_catalogue(&files, seal).map(|published| State::new(published, tag));
        if is_same {
            let mut state = state?;
            if let Some(is_overwritten) = is_overwritten(storage, &state)? {
                if is_overwritten {
                    refuse_what_nobody_writes(&state)?;
                }
                state.mark(is_overwritten);
                return Ok(state);
            }
            last = Some(Ok(state));
            continue;
        }
        last = Some(state);
    }
    // 1.3 writes `items.json` in place, and others may commit all the time; that is read as well as it goes.
    match last {
        Some(state) => Ok(state?),
        None => Err(Error::NotABundle { location: storage.location() }),
    }
}

/// Reads the head again unless it is still the state that is known.
pub(crate) fn reload(storage: &dyn Storage, known: &Arc<State>) -> Result<Arc<State>> {
    if let Some(tag) = &known.tag
        && known.catalogue().layout == Layout::V2
    {
        return match storage.read_if_changed(&file("items.json")?, MAX_CATALOGUE, tag)? {
            Reread::Unchanged => Ok(Arc::clone(known)),
            Reread::Changed(bytes, tag) => {
                let read = Some((text_of("items.json", bytes)?, tag));
                load_from(storage, SealCheck::Required, read).map(Arc::new)
            }
            Reread::Gone => load(storage, SealCheck::Required).map(Arc::new),
        };
    }
    load(storage, SealCheck::Required).map(Arc::new)
}

/// Whether `items.json` still is what was read.
fn is_head(storage: &dyn Storage, tag: Option<&VersionTag>) -> Result<bool> {
    let path = file("items.json")?;
    match tag {
        Some(tag) => Ok(storage.is_unchanged(&path, tag)?),
        None => Ok(storage.stat(&path)?.is_none()),
    }
}

/// Whether the bundle beside the head says that 1.x has overwritten a later catalogue of 2.x. `None` when the head has been
/// replaced meanwhile, so that what lies beside it may belong to a later one.
fn is_overwritten(storage: &dyn Storage, head: &State) -> Result<Option<bool>> {
    let catalogue = head.catalogue();
    let looks_so = match catalogue.layout {
        Layout::V1 => had_v2(storage),
        // A commit of ours is never made upon such a catalogue, unless a repair makes it.
        Layout::V2 => catalogue.commit.is_none() && went_back(storage, head),
    };
    Ok(match looks_so && !is_head(storage, head.tag.as_ref())? {
        true => None,
        false => Some(looks_so),
    })
}

/// Refuses a catalogue of layout 1 beside the history of layout 2 that 1.x cannot have written: each of its releases gives
/// every entry a type.
fn refuse_what_nobody_writes(state: &State) -> Result<()> {
    let Some(entry) = state.catalogue().entries().find(|entry| entry.item_type().is_empty()) else { return Ok(()) };
    let reason = format!(
        "its history is that of layout 2, and it is a list in which item '{}' has no item_type, which no release writes",
        shorten_value(&entry.name().into())
    );
    Err(CoreError::DamagedCatalogue { file: "items.json".to_owned(), reason }.into())
}

/// Whether the history has commits of a bundle of 2.x. The record of a change of layout may be that of one that was
/// interrupted, and says nothing.
fn had_v2(storage: &dyn Storage) -> bool {
    let is_of_v2 = |commit: &CommitRef| {
        commit.revision > 1 || chain::read_entry(storage, commit).is_ok_and(|entry| entry.kind != CommitKind::Migration)
    };
    chain::list(storage).is_ok_and(|commits| commits.iter().rev().any(is_of_v2))
}

/// Whether a catalogue of 2.x that another program wrote is behind what was here before. 1.3 drops the revision, and 2.x
/// begins to count again when it writes afterwards.
///
/// A revision is never more than one above the head when its entry is written. So an entry that is further above the head
/// was written when the head was further; the one right above is that of a writer that died, if it was to follow this head.
fn went_back(storage: &dyn Storage, head: &State) -> bool {
    const LOOKED_AT: usize = 16;
    let revision = head.catalogue().revision;
    let Ok(commits) = chain::list(storage) else { return false };
    let later = commits.iter().rev().take_while(|commit| commit.revision > revision).take(LOOKED_AT);
    let is_behind = later.filter_map(|commit| chain::read_entry(storage, commit).ok()).any(|entry| {
        if entry.revision > revision + 1 {
            return true;
        }
        let before = entry.parent.and_then(|parent| chain::read_entry(storage, &parent).ok());
        before.is_some_and(|before| before.catalogue != head.published.fingerprint())
    });
    // Where 2.x takes no lock, it may have written over later commits of ours, and all that 1.3 drops is there.
    let may_be_of_2x = storage.is_remote() && !head.catalogue().lacks_first_metadata();
    // 2.x may have counted past all of them by now, and a bundle may have no history.
    (is_behind && !may_be_of_2x)
        || (head.catalogue().lacks_first_metadata() && {
            let before =
                commits.iter().rev().take(LOOKED_AT).find_map(|commit| rebuild::from_checkpoint(storage, commit).ok());
            head.catalogue().has_lost_snapshots(before.as_ref().map(|before| &*before.catalogue))
        })
}

fn read_file(storage: &dyn Storage, name: &str) -> Result<Option<(Arc<String>, VersionTag)>> {
    let Some((bytes, tag)) = storage.read_tagged(&file(name)?, MAX_CATALOGUE)? else { return Ok(None) };
    Ok(Some((text_of(name, bytes)?, tag)))
}

fn text_of(name: &str, bytes: Vec<u8>) -> Result<Arc<String>> {
    let text = String::from_utf8(bytes).map_err(|error| CoreError::DamagedCatalogue {
        file: name.to_owned(),
        reason: format!("it is no UTF-8 text (byte {})", error.utf8_error().valid_up_to()),
    })?;
    Ok(Arc::new(text))
}
