//! What a handle sees: the catalogue of one revision, and where it came from.

use std::sync::Arc;

use datafolio_core::history::CommitRef;
use datafolio_core::{
    Catalogue, CatalogueFiles, CoreError, Entry, Layout, Published, RelPath, SealCheck, parse_catalogue,
};
use datafolio_storage::{Storage, VersionTag};
use indexmap::IndexMap;

use crate::error::{Error, Result};

/// Largest catalogue that is read: a bound against hostile files, far above what a bundle of a million items has.
const MAX_CATALOGUE: u64 = 4 << 30;

/// One state of the bundle as a handle sees it. It never changes; a handle swaps it for another.
#[derive(Debug, Clone)]
pub(crate) struct State {
    /// The catalogue and its text.
    pub(crate) published: Published,
    /// What the storage calls this state of `items.json`; `None` for states that are not the head.
    pub(crate) tag: Option<VersionTag>,
    /// How many commits ago a full copy of the catalogue was kept, where that is known.
    pub(crate) since_checkpoint: Option<u32>,
    /// Items whose version is lost, in a state that was made from a snapshot.
    pub(crate) lost: IndexMap<String, CoreError>,
}

/// A file of the bundle's own, by its name.
pub(crate) fn file(name: &str) -> Result<RelPath> {
    Ok(RelPath::parse(name)?)
}

impl State {
    pub(crate) fn new(published: Published, tag: Option<VersionTag>) -> Self {
        Self { published, tag, since_checkpoint: None, lost: IndexMap::new() }
    }

    /// A state that is no head: an old revision or a snapshot.
    pub(crate) fn detached(catalogue: Catalogue, lost: IndexMap<String, CoreError>) -> Self {
        Self { published: datafolio_core::encode(catalogue), tag: None, since_checkpoint: None, lost }
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
pub(crate) fn load(storage: &dyn Storage, seal: SealCheck) -> Result<State> {
    let (files, tag) = read_files(storage)?;
    let published = parse_catalogue(&files, seal)?;
    Ok(State::new(published, tag))
}

/// Reads the head again unless it is still the state that is known.
pub(crate) fn reload(storage: &dyn Storage, known: &Arc<State>) -> Result<Arc<State>> {
    if let Some(tag) = &known.tag
        && known.catalogue().layout == Layout::V2
        && storage.is_unchanged(&file("items.json")?, tag)?
    {
        return Ok(Arc::clone(known));
    }
    load(storage, SealCheck::Required).map(Arc::new)
}

fn read_files(storage: &dyn Storage) -> Result<(CatalogueFiles, Option<VersionTag>)> {
    let text = |name: &str| -> Result<Option<(String, VersionTag)>> {
        let Some((bytes, tag)) = storage.read_tagged(&file(name)?, MAX_CATALOGUE)? else { return Ok(None) };
        let text = String::from_utf8(bytes).map_err(|error| CoreError::DamagedCatalogue {
            file: name.to_owned(),
            reason: format!("it is no UTF-8 text (byte {})", error.utf8_error().valid_up_to()),
        })?;
        Ok(Some((text, tag)))
    };
    let items = text("items.json")?;
    // 2.x has everything in items.json; the files beside it count only for the older layout.
    let beside = items.as_ref().is_none_or(|(text, _)| !looks_like_v2(text));
    let metadata = if beside { text("metadata.json")? } else { None };
    let snapshots = if beside { text("snapshots.json")? } else { None };
    if items.is_none() && metadata.is_none() {
        return Err(Error::NotABundle { location: storage.location() });
    }
    let (items, tag) = match items {
        Some((text, tag)) => (text, Some(tag)),
        // A bundle of 1.x whose only file so far is metadata.json.
        None => ("{\"items\": []}".to_owned(), None),
    };
    let files =
        CatalogueFiles { items, metadata: metadata.map(|(text, _)| text), snapshots: snapshots.map(|(t, _)| t) };
    Ok((files, tag))
}

/// A cheap look that spares two requests; the parser decides.
fn looks_like_v2(items: &str) -> bool {
    items.contains("\"schema_version\"")
}
