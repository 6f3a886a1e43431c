//! Files of a table on a store, or on a web server.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafolio_core::RelPath;
use datafolio_storage::{FileInfo, OutsidePlaces, Patience, Storage, StorageError};

use super::Places;
use super::address::{is_web, without_secrets};
use crate::error::{HandlerError, HandlerResult};
use crate::formats::{TableFiles, TableFormat, is_pattern, percent_decoded};

/// The files that an address of a store means: one file, those below a directory, or those that a pattern names.
#[derive(Debug)]
pub(super) struct OnStore {
    /// The address, for messages.
    path: PathBuf,
    places: Arc<dyn OutsidePlaces>,
    patience: Patience,
    /// Where its files are looked for.
    store: Arc<dyn Storage>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The file of this name; where there is none, the directory, by its address.
    File {
        name: RelPath,
        directory: String,
    },
    /// The file of this name, at a place that lists nothing.
    OnlyFile(RelPath),
    Directory,
    /// Segments of the path below the place, one of them with a wildcard.
    Pattern(Vec<String>),
}

impl OnStore {
    /// What an address means. Nothing is asked of the store yet.
    ///
    /// # Errors
    /// For an address that is none of a store.
    pub(super) fn new(url: &str, is_directory: bool, places: Places<'_>, patience: Patience) -> HandlerResult<Self> {
        let made = |path, address: &str, kind| {
            Ok(Self { path, places: Arc::clone(places), patience, store: places.at(address, patience)?, kind })
        };
        // An entry that another program has made may hold what nobody is to see.
        let url = &without_secrets(url);
        let path = PathBuf::from(url);
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        let is_web = is_web(url);
        let decoded = if is_web { percent_decoded(key) } else { key.to_owned() };
        let segments: Vec<&str> = decoded.split('/').filter(|segment| !segment.is_empty()).collect();
        let address = |segments: &[&str]| format!("{scheme}://{bucket}/{}", segments.join("/"));
        if is_web {
            if key.contains(['?', '#']) {
                return Err(HandlerError::Unsupported {
                    what: format!("reading {}, an address with parameters,", path.display()),
                    needs: "a file on this machine: download it first".to_owned(),
                });
            }
            if is_directory || key.ends_with('/') || key.contains('*') {
                return Err(HandlerError::Unsupported {
                    what: format!("a table in several files at {}", path.display()),
                    needs: "a store: a web server does not list what it has; refer to one of its files".to_owned(),
                });
            }
        } else if let Some(first) = segments.iter().position(|segment| is_pattern(segment)) {
            let rest = segments[first..].iter().map(|segment| (*segment).to_owned()).collect();
            return made(path, &address(&segments[..first]), Kind::Pattern(rest));
        }
        let Some((name, above)) = segments.split_last().filter(|_| !is_directory && !key.ends_with('/')) else {
            return made(path, &address(&segments), Kind::Directory);
        };
        let name = RelPath::parse(name).map_err(StorageError::from)?;
        let kind = match is_web {
            true => Kind::OnlyFile(name),
            false => Kind::File { name, directory: address(&segments) },
        };
        made(path, &address(above), kind)
    }

    /// Whether its files are those that a pattern names.
    pub(super) fn is_pattern(&self) -> bool {
        matches!(self.kind, Kind::Pattern(_))
    }

    /// The address, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Its files, in the order of their rows: none where nothing is there.
    pub(super) fn find(&self, format: TableFormat, has_partitions: bool) -> HandlerResult<TableFiles> {
        let of_directory = |store: &Arc<dyn Storage>| {
            TableFiles::of_store(&self.path, format, has_partitions, store, &store.list(None)?, None)
        };
        match &self.kind {
            Kind::File { name, directory } => match self.store.stat(name)? {
                Some(found) => Ok(TableFiles::of_object(&self.path, &self.store, &found)),
                None => of_directory(&self.places.at(directory, self.patience)?),
            },
            Kind::OnlyFile(name) => Ok(match self.store.stat(name)? {
                Some(found) => TableFiles::of_object(&self.path, &self.store, &found),
                None => TableFiles::none(&self.path),
            }),
            Kind::Directory => of_directory(&self.store),
            Kind::Pattern(segments) => {
                let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
                let listed = self.store.list(None)?;
                // What is there is no pattern.
                let literal = segments.join("/");
                let is_literal = |listed: &&FileInfo| listed.path.as_str() == literal;
                match listed.iter().find(is_literal) {
                    Some(found) => Ok(TableFiles::of_object(&self.path, &self.store, found)),
                    None => {
                        let (path, store) = (&self.path, &self.store);
                        TableFiles::of_store(path, format, has_partitions, store, &listed, Some(&segments))
                    }
                }
            }
        }
    }
}
